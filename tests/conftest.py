"""The real Docker engine for the tests that need one. No engine is a failure that says how to get one, never a skip."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import wiring
from config import settings
from sandbox.engine import Engine
from sandbox.errors import EngineUnavailable
from sandbox.images import Image

_SWITCH = "REDGREEN_TEST_DOCKER"
_SKIPPED = pytest.StashKey[int]()
_THOROUGH = "REDGREEN_TEST_THOROUGH"
_LEFT_OUT = pytest.StashKey[int]()
_UNCOUNTED = (
    "agents/repair/test_solve_local.py",
    "agents/repair/test_worker.py",
    "agents/test_interchange_peers.py",
    "agents/test_lineup.py",
    "agents/test_long_runs.py",
    "agents/test_single_shot.py",
    "bot/test_cli.py",
    "bot/test_durability.py",
    "bot/test_engine.py",
    "bot/test_eval_models.py",
    "bot/test_job_scenarios.py",
    "bot/test_probe_commands.py",
    "bot/test_routed_jobs.py",
    "bot/test_scenarios.py",
    "bot/test_spend.py",
    "bot/test_store.py",
    "bot/test_waiting_for_money.py",
    "localhub/",
    "sandbox/swebench/test_against_harness.py",
)
"""Long tests, which take a third longer while branches are counted. The branches that must all be taken are taken by
the others."""


def _docker_is_off() -> bool:
    return os.environ.get(_SWITCH) == "0"


def pytest_configure() -> None:
    """A shell without job control starts what it puts in the background with SIGINT ignored (POSIX, "Asynchronous
    Lists"), and children inherit that: the programs under test are to meet Ctrl-C as a person's do."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[_SKIPPED] = 0
    config.stash[_LEFT_OUT] = 0
    if config.pluginmanager.hasplugin("_cov") and not config.getoption("no_cov"):
        here = Path(__file__).parent
        for item in items:
            if item.path.is_relative_to(here) and item.path.relative_to(here).as_posix().startswith(_UNCOUNTED):
                item.add_marker("no_cover")
    if os.environ.get(_THOROUGH) != "1":
        left_out = [item for item in items if item.get_closest_marker("thorough") is not None]
        items[:] = [item for item in items if item.get_closest_marker("thorough") is None]
        config.hook.pytest_deselected(items=left_out)
        config.stash[_LEFT_OUT] = len(left_out)
    if not _docker_is_off():
        return
    for item in items:
        if item.get_closest_marker("docker") is not None:
            item.add_marker(pytest.mark.skip(reason=f"{_SWITCH}=0"))
            config.stash[_SKIPPED] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left_out := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_line(f"{left_out} thorough tests were left out for time; `make thorough` runs them all.")
    skipped = config.stash.get(_SKIPPED, 0)
    if skipped:
        terminalreporter.write_line(
            f"{_SWITCH}=0: {skipped} tests that need a Docker engine were NOT run; the sandbox is unproven.",
            yellow=True,
            bold=True,
        )


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Connected as production connects it: the machine's own registry settings and certificates go into builds."""
    try:
        connected = wiring.engine(settings.load())
    except EngineUnavailable as error:
        refusal = f"{error} To run the tests without one, on your own word: {_SWITCH}=0."
    else:
        yield connected
        connected.close()
        return
    pytest.fail(refusal, pytrace=False)


@pytest.fixture(scope="session")
def base_image(engine: Engine) -> Image:
    """The base image as it is: python3 and git, no environment on it."""
    lines: list[str] = []
    reference = engine.ensure_base(lines.append)
    return engine.image(reference)
