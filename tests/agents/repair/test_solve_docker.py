"""Repair in the real sandbox: the seeded bugs, through the attempt's own environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agents.repair import solve
from agents.types import AttemptLimits, Ending, Task
from sandbox.buildpacks import detect
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Limits
from tests.support import seeded
from tests.support.repair_env import MemoryRecorder
from tests.support.seeded import Seeded

pytestmark = [pytest.mark.docker, pytest.mark.network]

REQUIREMENTS = {"requirements.txt": b"pytest\n"}
"""The same manifest for all: one image."""


def _tree(case: Seeded, scratch: Path) -> GitTree:
    files = {path: text.encode() for path, text in case.files.items()}
    return GitTree.of_files(create(scratch), {**files, **REQUIREMENTS})


@contextmanager
def _environment(engine: Engine, case: Seeded, scratch: Path) -> Iterator[AttemptEnvironment]:
    tree = _tree(case, scratch)
    plan: EnvironmentPlan | None = detect(tree)
    assert plan is not None
    plan = replace(plan, runner=case.runner)
    image = engine.ensure_image(plan, tree, lambda line: None)
    with engine.container(image, Limits()) as container:
        yield AttemptEnvironment(container, plan, tree)


_LEFT_OUT = ("endless loop", "two places", "wrong method", "off by one", "module constant")
"""Of `make thorough`, for time."""


def _task(case: Seeded) -> Task:
    return Task(id="7", repository="o/r", base_commit="0" * 40, title=case.title, body=case.body)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.thorough] if case.name in _LEFT_OUT else [])
        for case in seeded.ALL
    ],
)
def test_a_seeded_bug_is_found_and_fixed_in_the_sandbox(case: Seeded, engine: Engine, tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with _environment(engine, case, tmp_path / "git") as environment:
        attempt = solve(_task(case), environment, None, AttemptLimits(seconds=240), recorder)
        notes = "\n".join(step.note for step in recorder.stored)
        assert attempt.ending is Ending.SUBMITTED, f"{attempt.reason}\n{notes}"

        source = [path for path in case.files if "test" not in path]
        environment.reset(attempt.diff)
        fixed = {path: environment.read(path) for path in source}
        after = environment.run_tests()
        probe = environment.run(["python3", "-c", case.probe])

        environment.reset(attempt.diff)
        for path in source:
            environment.write(path, case.files[path].encode())
        before = environment.run_tests(timeout=15.0)

    assert after.green
    assert not after.red
    assert not before.green >= after.green, "a test of the candidate is red, or hangs, on the base's source"
    assert any(fixed[path] != case.files[path].encode() for path in source)
    assert probe.exit_code == 0, f"{attempt.diff}\n{probe.output}"
    assert attempt.cost_usd == 0.0
    assert attempt.usage.input_tokens == 0


def test_what_no_template_can_make_is_given_up_within_the_limit(engine: Engine, tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    with _environment(engine, seeded.BEYOND, tmp_path / "git") as environment:
        attempt = solve(_task(seeded.BEYOND), environment, None, AttemptLimits(seconds=45), recorder)
        assert environment.diff() == ""
    assert attempt.ending in (Ending.GAVE_UP, Ending.LIMIT)
    assert attempt.diff == ""
    assert attempt.seconds < 120
    assert "candidate" in attempt.reason
