"""What runs a Python repository's tests: pytest, unittest, or Django's own runner. Pure, and it says why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.buildpacks import requirements
from sandbox.buildpacks.requirements import Wanted
from sandbox.buildpacks.tox import ToxEnvironment
from sandbox.parts import classify
from sandbox.runners import pytest_config
from sandbox.types import Part, RepoView

_READ_TESTS = 60
"""How many test files are read to see what they import."""
_OWN_SCRIPTS = ("tests/runtests.py", "runtests.py")
"""As Django itself has it, and what was written after it."""


@dataclass(frozen=True, kw_only=True)
class RunnerChoice:
    name: str
    """Key of `sandbox.runners.RUNNERS`."""
    why: str
    command: tuple[str, ...] = ()


def choose(
    view: RepoView, paths: Sequence[str], wanted: Sequence[Wanted], environment: ToxEnvironment | None = None
) -> RunnerChoice:
    """pytest on any sign of it, Django's where its scripts are and pytest is not, else unittest."""
    config = pytest_config.read(view)
    if config.path:
        return RunnerChoice(name="pytest", why=f"{config.path}: configures pytest.")
    for path in _OWN_SCRIPTS:
        if "django" in _text(view, path):
            return RunnerChoice(name="django", why=f"{path}: Django's tests by their own script.", command=(path,))
    commands = environment.commands if environment is not None else ()
    for word, name in (("pytest", "pytest"), ("py.test", "pytest"), ("unittest", "unittest")):
        if environment is not None and any(re.search(rf"(?<![\w.-]){word}\b", command) for command in commands):
            return RunnerChoice(name=name, why=f"{environment.path}: its commands run {word}.")
    for path in paths:
        if path.rsplit("/", 1)[-1] == "conftest.py":
            return RunnerChoice(name="pytest", why=f"{path}: a pytest configuration module.")
    for want in wanted:
        if any(requirements.normal(item).startswith("pytest") for item in (*want.requirements, *_listed(view, want))):
            return RunnerChoice(name="pytest", why=f"{want.evidence}: pytest is among them.")
    script = _project_script(view, paths)
    if script:
        return RunnerChoice(name="django", why=f"{script}: a Django project's command line.", command=(script, "test"))
    return _by_tests(view, paths)


def read_tests(view: RepoView, paths: Iterable[str]) -> Iterable[tuple[str, str]]:
    """(path, text) of the first test modules."""
    tests = [path for path in paths if path.endswith(".py") and classify(path) is Part.TEST]
    return ((path, _text(view, path)) for path in tests[:_READ_TESTS])


def _by_tests(view: RepoView, paths: Sequence[str]) -> RunnerChoice:
    unittest_in = ""
    for path, text in read_tests(view, paths):
        if re.search(r"^\s*(?:import|from)\s+pytest\b", text, re.MULTILINE):
            return RunnerChoice(name="pytest", why=f"{path}: imports pytest.")
        if re.search(r"^def test_", text, re.MULTILINE):
            return RunnerChoice(name="pytest", why=f"{path}: has test functions outside of classes.")
        if not unittest_in and re.search(r"^\s*(?:import|from)\s+unittest\b", text, re.MULTILINE):
            unittest_in = path
    if unittest_in and not unittest_in.rpartition("/")[2].startswith("test"):
        return RunnerChoice(name="pytest", why=f"{unittest_in}: unittest's discovery would not find it, pytest's does.")
    if unittest_in:
        return RunnerChoice(name="unittest", why=f"{unittest_in}: imports unittest, and no sign of pytest was found.")
    return RunnerChoice(name="pytest", why="No test says what runs it: pytest is assumed.")


def _project_script(view: RepoView, paths: Sequence[str]) -> str:
    """A `manage.py` at the root, or the only one a directory below it; "" for none that is Django's with tests."""
    found = [path for path in paths if path.rpartition("/")[2] == "manage.py" and path.count("/") <= 1]
    script = "manage.py" if "manage.py" in found else found[0] if len(found) == 1 else ""
    top = script.rpartition("/")[0]
    below = [path for path in paths if path.startswith(f"{top}/" if top else "")]
    has_tests = any(re.fullmatch(r"tests?(?:_.*)?\.py", path.rpartition("/")[2]) for path in below)
    return script if script and has_tests and "django" in _text(view, script) else ""


def _listed(view: RepoView, want: Wanted) -> Iterable[str]:
    return (line for file in want.files for line in requirements.lines_of_file(_text(view, file)))


def _text(view: RepoView, path: str) -> str:
    return (view.read(path) or b"").decode("utf-8", "replace")
