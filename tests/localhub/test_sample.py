"""The demo's sample is what it says it is: green, with a bug that only its issue shows; and the change breaks it."""

from __future__ import annotations

import doctest
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

SAMPLE = Path(str(resources.files("bot.localhub"))) / "sample"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE / "repository", tmp_path / "slotbook"))


def suite(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", "--rootdir=.", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def sessions() -> list[str]:
    """The `pycon` blocks of the issue: what happens, and what was expected."""
    text = (SAMPLE / "issue.md").read_text()
    return [block.split("```")[0] for block in text.split("```pycon\n")[1:]]


def run_sessions(folder: Path, text: str) -> int:
    """How many examples of a session give something else than it says."""
    script = folder / "session.txt"
    script.write_text(text)
    program = "import doctest, sys; print(doctest.testfile('session.txt', module_relative=False, verbose=False).failed)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return int(done.stdout.splitlines()[-1])


def test_the_suite_is_green(checkout: Path) -> None:
    done = suite(checkout)
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


def test_what_the_issue_shows_happens_and_what_it_expects_does_not(checkout: Path) -> None:
    shown, expected = sessions()
    assert run_sessions(checkout, shown) == 0
    assert len(doctest.DocTestParser().get_examples(expected)) == 2
    assert run_sessions(checkout, shown.split(">>> room.free_slots")[0] + expected) == 2


def test_the_change_is_green_where_it_looks_and_red_elsewhere(checkout: Path) -> None:
    shutil.copytree(SAMPLE / "breaking" / "files", checkout, dirs_exist_ok=True)
    done = suite(checkout)
    assert done.returncode == 1
    red = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert any("test_back_to_back_bookings" in line for line in red)
    assert not any("test_distance" in line for line in red)
