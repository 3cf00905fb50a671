"""What a repository's pytest configuration means for a run of ours. Pure.

Which file counts, and in which order, is pytest's own rule ("Initialization: determining rootdir and configfile").
"""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Hashable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from sandbox.types import RepoView

_DROPPED_FLAGS = frozenset(
    {
        "--exitfirst",
        "--pdb",
        "--trace",
        "--collect-only",
        "--co",
        "--collectonly",
        "--setup-only",
        "--setuponly",
        "--setup-plan",
        "--setup-show",
        "--lf",
        "--last-failed",
        "--ff",
        "--failed-first",
        "--nf",
        "--new-first",
        "--sw",
        "--stepwise",
        "--stepwise-skip",
        "--no-cov",
        "--no-cov-on-fail",
        "--cov-append",
        "--cov-branch",
        "--cov-reset",
        "--looponfail",
        "-f",
        "--boxed",
        "--forked",
        "--random-order",
        "--fixtures",
        "--funcargs",
        "--markers",
        "--help",
        "--version",
        "--cache-clear",
        "--testmon",
        "--flake-finder",
        # Linters as tests, and reports for others to read: of plugins that our environment need not have.
        "--black",
        "--checkdocs",
        "--codestyle",
        "--docstyle",
        "--emoji",
        "--flake8",
        "--flakes",
        "--instafail",
        "--isort",
        "--mypy",
        "--mypy-ignore-missing-imports",
        "--pep8",
        "--pycodestyle",
        "--pydocstyle",
        "--pylint",
        "--ruff",
        "--ruff-format",
        "--self-contained-html",
        "--json-report",
        "--memray",
        "--profile",
        "--profile-svg",
        "--pspec",
        "--spec",
    }
)
_DROPPED_WITH_VALUE = frozenset(
    {
        "--maxfail",
        "-n",
        "--numprocesses",
        "--maxprocesses",
        "--dist",
        "--tx",
        "--px",
        "--cov-fail-under",
        "--cov-report",
        "--cov-config",
        "--cov-context",
        "--reruns",
        "--reruns-delay",
        "--only-rerun",
        "--rerun-except",
        "--random-order-bucket",
        "--random-order-seed",
        "--randomly-seed",
        "--lfnf",
        "--last-failed-no-failures",
        "--cache-show",
        "--count",
        "--flake-runs",
        "--alluredir",
        "--html",
        "--json-report-file",
        "--junit-prefix",
        "--junit-xml",
        "--junitxml",
        "--log-file",
        "--pylint-rcfile",
        "--report-log",
    }
)
_DROPPED_WITH_OPTIONAL_VALUE = frozenset({"--cov"})
_DROPPED_PLUGINS = frozenset({"no:python", "no:runner", "no:skipping", "no:unittest", "no:main"})
_SHORT_FLAGS = frozenset("xvqslhV")


@dataclass(frozen=True, kw_only=True)
class PytestConfig:
    path: str = ""
    """The configuration file that pytest uses at the root; "" when there is none."""
    addopts: tuple[str, ...] = ()
    python_files: tuple[str, ...] = ("test_*.py", "*_test.py")
    required_plugins: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """Every key that is set."""


def read(view: RepoView) -> PytestConfig:
    """The configuration at the root of a tree; the defaults where there is none or it cannot be read."""
    # Asked for each file that may be a test.
    return _known(view) if isinstance(view, Hashable) else _read(view)


@lru_cache(maxsize=2)
def _known(view: Any) -> PytestConfig:
    return _read(view)


def _read(view: RepoView) -> PytestConfig:
    for path in ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        data = view.read(path)
        options = None if data is None else _options(path, data)
        if options is not None:
            return PytestConfig(
                path=path,
                addopts=tuple(_words(options.get("addopts", ""))),
                python_files=tuple(_words(options.get("python_files", ""))) or PytestConfig.python_files,
                required_plugins=tuple(_words(options.get("required_plugins", ""))),
                keys=tuple(options),
            )
    return PytestConfig()


def safe_addopts(options: tuple[str, ...]) -> tuple[str, ...]:
    """The repository's own options without those that stop early, run less, run elsewhere, or set the exit code.

    What decides how tests are found or what they may ask for (markers, import mode, plugins, `-k`, `-m`) stays.
    """
    kept: list[str] = []
    words = list(options)
    while words:
        word = words.pop(0)
        name, has_value, _ = word.partition("=")
        if name in _DROPPED_FLAGS:
            continue
        if name in _DROPPED_WITH_VALUE or name in _DROPPED_WITH_OPTIONAL_VALUE:
            optional = name in _DROPPED_WITH_OPTIONAL_VALUE
            if not has_value and words and not (optional and words[0].startswith("-")):
                words.pop(0)
        elif word == "-p" and words and words[0] in _DROPPED_PLUGINS:
            words.pop(0)
        elif (word[:2] == "-p" and word[2:] in _DROPPED_PLUGINS) or (word[:2] == "-n" and word[2:].isalnum()):
            continue
        elif len(word) > 1 and word[0] == "-" and set(word[1:]) <= _SHORT_FLAGS:
            rest = "".join(letter for letter in word[1:] if letter not in "xhV")
            kept.extend([f"-{rest}"] if rest else [])
        else:
            kept.append(word)
            if word in ("-p", "-k", "-m", "-o", "-W", "-c", "-r") and words:
                kept.append(words.pop(0))
    return tuple(kept)


def collects(config: PytestConfig, path: str) -> bool:
    """True when pytest would look for tests in this file; a pattern with a slash is matched against the whole path."""
    name = path.rsplit("/", 1)[-1]
    return name.endswith(".py") and any(
        fnmatchcase(path, f"*{pattern}") if "/" in pattern else fnmatchcase(name, pattern)
        for pattern in config.python_files
    )


def _options(path: str, data: bytes) -> dict[str, Any] | None:
    """The options of one file; None when pytest would pass it over. A file that cannot be read is empty, not absent."""
    always = path in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
    try:
        text = data.decode("utf-8")
        if path.endswith(".toml"):
            document = tomllib.loads(text)
            table = document if always else document.get("tool", {})
            pytest_table = table.get("pytest", {})
            options = pytest_table.get("ini_options", pytest_table)
            if not isinstance(options, dict):
                return {}
            return options if options or always else None
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        section = "tool:pytest" if path == "setup.cfg" else "pytest"
        if parser.has_section(section):
            return dict(parser.items(section))
        return {} if always else None
    except (ValueError, AttributeError, RecursionError, configparser.Error):
        return {} if always else None


def _words(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    try:
        return shlex.split(str(value), comments=False)
    except ValueError:
        return str(value).split()
