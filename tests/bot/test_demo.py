"""`redgreen demo` as a person starts it, and as a person ends it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from bot.report import EXIT_VERIFIED
from sandbox.orphans import LABEL

pytestmark = pytest.mark.docker


@contextlib.contextmanager
def demo(directory: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Its state goes below `directory`: that is how what it leaves behind is told from everybody else's."""
    with (directory / "errors").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", *words],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TMPDIR": str(directory)},
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def told(directory: Path) -> str:
    return (directory / "errors").read_text()


def pids_of(directory: Path) -> set[int]:
    """All processes that were started with this directory in their environment."""
    found, mark = set(), f"TMPDIR={directory}".encode()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.add(int(entry.name))
    return found


def containers_of(pids: set[int]) -> list[str]:
    """Containers that one of these processes made."""
    client = docker.from_env()
    try:
        boxes = client.containers.list(all=True, ignore_removed=True, filters={"label": LABEL})
        return [box.name for box in boxes if json.loads(box.labels[LABEL])["pid"] in pids]
    finally:
        client.close()


def left_in(directory: Path) -> list[str]:
    """But for the empty place where containers and this user's processes meet, which all of them share."""
    place = directory / f"redgreen-{os.geteuid()}"
    assert not place.exists() or list(place.iterdir()) == []
    return [path.name for path in directory.iterdir() if path != place]


def test_json_is_one_object_on_standard_output_and_nothing_else(tmp_path: Path, engine: object) -> None:
    with demo(tmp_path, "--json") as process:
        assert process.stdout is not None
        answer = json.loads(process.stdout.read())
        assert process.wait(30) == EXIT_VERIFIED, told(tmp_path)
    assert answer["verdict"] == "Verified"
    assert answer["fail_to_pass"]
    assert all(isinstance(test, str) for test in (*answer["fail_to_pass"], *answer["pass_to_pass"]))
    assert answer["patch"].startswith("diff --git ")
    assert answer["cost_usd"] == 0
    assert answer["pull_request"]["merged"] is True
    assert answer["seconds"] > 0
    assert answer["review"]["conclusion"] == "failure"
    assert pids_of(tmp_path) == set()
    assert left_in(tmp_path) == ["errors"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_ended_early_leaves_nothing_behind(
    number: signal.Signals, code: int, tmp_path: Path, engine: object
) -> None:
    with demo(tmp_path) as process:
        deadline = time.monotonic() + 120
        while "works on it" not in told(tmp_path):
            assert process.poll() is None, told(tmp_path)
            assert time.monotonic() < deadline, told(tmp_path)
            time.sleep(0.05)
        pids = pids_of(tmp_path)
        assert len(pids) >= 3, "demo, web, worker"
        assert containers_of(pids), "it works in a container"
        process.send_signal(number)
        assert process.wait(120) == code, told(tmp_path)
        assert pids_of(tmp_path) == set()
        assert containers_of(pids) == []
        assert left_in(tmp_path) == ["errors"]
    assert "Traceback" not in told(tmp_path)
