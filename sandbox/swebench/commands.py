"""What a test command of SWE-bench's specifications means here: whose tests they are, which files they get. Pure.

`pytest -rA`, `tox --current-env -epy39 -v --` and `./tests/runtests.py --verbosity 2` run under redgreen's own sealed
runners. Any other command runs as it stands and is judged by its output.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from sandbox.swebench.ids import Style
from sandbox.swebench.records import Instance
from sandbox.types import RepoView

_NO_TESTS = (".json", ".png", "csv", ".txt", ".md", ".jpg", ".jpeg", ".pkl", ".yml", ".yaml", ".toml")
"""Ends of names that the harness does not hand to the test command."""
_HEADER = re.compile(r"^diff --git a/.* b/(.*)$", re.MULTILINE)
_VALUED = frozenset({"-k", "-m", "-p", "-W", "-o"})
"""Options of pytest that decide what is run, what counts as red or what is said; their value is a word of its own."""
_KEPT = (*_VALUED, "-v", "--import-mode", "--doctest", "--pyargs", "--strict", "--continue-on-collection")
_ASSIGNMENT = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*=")


@dataclass(frozen=True, kw_only=True)
class TestCommand:
    __test__ = False

    runner: str
    """pytest, unittest or django; "" for a command of which only the output is known."""
    options: tuple[str, ...] = ()
    """Of pytest, those that decide what runs; of Django, the script with all that stands behind it."""
    env: tuple[tuple[str, str], ...] = ()
    text: str = ""

    def style(self, instance: Instance) -> Style:
        if self.runner == "pytest":
            return Style.PYTEST_LINES if instance.log_parser == "parse_log_pytest_v2" else Style.PYTEST
        return Style.UNITTEST if self.runner in ("unittest", "django") else Style.OTHER

    @property
    def interrupted_by_errors(self) -> bool:
        """A file that cannot be collected keeps all others from being run."""
        return self.runner == "pytest" and not any(
            option.startswith("--continue-on-collection-errors") for option in self.options
        )


def understood(text: str) -> TestCommand:
    """The command of an environment's record; one that cannot be split into words is left to the shell."""
    try:
        words = shlex.split(text)
    except ValueError:
        return TestCommand(runner="", text=text)
    env: list[tuple[str, str]] = []
    while words and _ASSIGNMENT.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        env.append((name, value))
    plain = TestCommand(runner="", env=tuple(env), text=text)
    if re.search(r"[;&|<>`$]", text) or not words:
        return plain
    program = words[0].rsplit("/", 1)[-1]
    if re.fullmatch(r"python[0-9.]*", program):
        words = _after_interpreter(words)
        program = words[0].rsplit("/", 1)[-1] if words else ""
    match program:
        case "pytest" | "py.test":
            return _known("pytest", _pytest_options(words[1:]), plain)
        case "tox" if "--current-env" in words or "--" in words:
            return _known("pytest", (), plain)
        case "unittest":
            return _known("unittest", (), plain)
        case "runtests.py" | "manage.py":
            return _known("django", (words[0].removeprefix("./"), *words[1:]), plain)
        case _:
            return plain


def _known(runner: str, options: tuple[str, ...], plain: TestCommand) -> TestCommand:
    return TestCommand(runner=runner, options=options, env=plain.env, text=plain.text)


def _after_interpreter(words: list[str]) -> list[str]:
    """`python -X dev -m pytest -q` -> `pytest -q`."""
    rest = words[1:]
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "-m":
            break
        if option in ("-X", "-W") and rest:
            rest.pop(0)
    return rest


def _pytest_options(words: list[str]) -> tuple[str, ...]:
    kept: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        value = [rest.pop(0)] if word in _VALUED and rest else []
        if word.startswith(_KEPT):
            kept += [word, *value]
    return tuple(kept)


def directives(test_patch: str, view: RepoView) -> tuple[str, ...]:
    """The files of a test patch that the harness hands to the test command, as far as the tree has them."""
    named = dict.fromkeys(_HEADER.findall(test_patch))
    return tuple(path for path in named if not path.endswith(_NO_TESTS) and view.read(path) is not None)


def expected_files(instance: Instance, view: RepoView) -> tuple[str, ...]:
    """The files that the expected tests' ids begin with, as far as the tree has them."""
    named = dict.fromkeys(case.partition("::")[0] for case in (*instance.fail_to_pass, *instance.pass_to_pass))
    return tuple(path for path in named if view.read(path) is not None)
