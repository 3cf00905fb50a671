"""Python's files: pytest, unittest, tox, nox and coverage. Pure."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from sandbox.parts.rules import Rules, Sections
from sandbox.types import RepoView

_STARTUP = frozenset({"sitecustomize", "usercustomize"})
_RUNNER_MODULES = frozenset(
    {"pytest", "_pytest", "pluggy", "iniconfig", "unittest", "exceptiongroup", "packaging", "tomli", "py", "pygments"}
)
_IMPORT_ROOTS = ("", "src/", "lib/")
_LOADED = re.compile(r"(?:^|\.)(?:py[cow]?|so|pyd)$")
"""Suffixes of files that an import loads; `pytest.toml` is none."""
_PLUGIN_ENTRY = re.compile(r"pytest11")
_ODD_LINE_END = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_LONG_SPACE = re.compile(r"[^\S\n]{200}")
"""configparser takes time by the square of such a run."""
_MANIFESTS = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
_SECTIONS = ("tool", "pytest", "aliases", "test", "coverage", "nosetests", "unittest")


def _of_pyproject(text: str) -> Any:
    tools = tomllib.loads(text).get("tool", {})
    kept = {key: tools.get(key) for key in ("coverage", "tox", "nox", "hatch", "unittest")}
    # Its plugins' tables too: `pytest_env` sets the variables that tests see.
    return kept | {key: value for key, value in tools.items() if key.startswith("pytest")}


def _of_setup_cfg(text: str) -> Any:
    parser = _ini(text)
    return {name: dict(parser.items(name)) for name in parser.sections() if name.split(":")[0] in _SECTIONS}


def _of_tox(text: str) -> Any:
    parser = _ini(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _ini(text: str) -> configparser.RawConfigParser:
    if _ODD_LINE_END.search(text):
        raise ValueError("a line end that pytest's reader of such files sees and configparser does not")
    if _LONG_SPACE.search(text):
        raise ValueError("a run of spaces without end")
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return parser


def _sign(base: RepoView, patched: RepoView, path: str) -> str:
    *directories, name = path.split("/")
    if name.endswith(".py") and not _STARTUP.isdisjoint((*directories, name.removesuffix(".py"))):
        return f"{path}: the interpreter runs this file at every start"
    if name.endswith(".pth"):
        return f"{path}: a path file can run code at every start of the interpreter"
    if base.read(path) is None and _shadows(path):
        return f"{path}: a module that takes the place of the test runner's own"
    if (name in _MANIFESTS or _is_metadata(directories)) and _entries(patched, path) > _entries(base, path):
        return f"{path}: registers a pytest plugin entry point"
    return ""


def _shadows(path: str) -> bool:
    for root in _IMPORT_ROOTS:
        parts = path.removeprefix(root).split("/")
        module, _, suffix = parts[0].partition(".")
        if module not in _RUNNER_MODULES:
            continue
        if (len(parts) == 1 and _LOADED.search(suffix)) or (len(parts) == 2 and parts[1].startswith("__init__.")):
            return True
    return False


def _is_metadata(directories: list[str]) -> bool:
    """What says of itself to be an installed distribution: its entry points are read wherever the tree is imported."""
    return bool(directories) and directories[-1].endswith((".dist-info", ".egg-info"))


def _entries(view: RepoView, path: str) -> int:
    return len(_PLUGIN_ENTRY.findall((view.read(path) or b"").decode("utf-8", "replace")))


def _plain(_base: RepoView, patched: RepoView, path: str) -> bool:
    """A manifest without a section about tests; a conftest.py that a test module could hold as it is."""
    name = path.rpartition("/")[2]
    try:
        text = (patched.read(path) or b"").decode("utf-8")
        if name == "conftest.py":
            return all(_is_fixture(node) for node in ast.parse(text).body)
        return name in _SECTIONS_OF and bool(_SECTIONS_OF[name](text) == _SECTIONS_OF[name](""))
    except (ValueError, SyntaxError, AttributeError, RecursionError, MemoryError, configparser.Error):
        return False


def _is_fixture(node: ast.stmt) -> bool:
    """Nothing that pytest looks for by its name, and no statement that could make such a name."""
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            given = [alias.asname or alias.name for alias in names]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            given = [name]
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            given = [name]
        case ast.Expr(value=ast.Constant()):
            given = []
        case _:
            return False
    return not any(name.startswith(("pytest_", "collect_ignore")) or name in _OPEN_NAMES for name in given)


_OPEN_NAMES = frozenset({"*", "__dir__", "__getattr__"})


def _gathers(_base: RepoView, _patched: RepoView, path: str) -> bool:
    """pytest loads the conftest.py of every directory that it walks through; those of tests are not in every tree."""
    return path.endswith("conftest.py") and "tests" not in path.split("/")[:-1] and not path.startswith("test/")


_SECTIONS_OF: Mapping[str, Sections] = {"pyproject.toml": _of_pyproject, "setup.cfg": _of_setup_cfg, "tox.ini": _of_tox}

RULES = Rules(
    config=frozenset(
        {
            "conftest.py",
            "pytest.ini",
            ".pytest.ini",
            "pytest.toml",
            ".pytest.toml",
            "tox.ini",
            "setup.cfg",
            "pyproject.toml",
            "noxfile.py",
            ".coveragerc",
            "sitecustomize.py",
            "usercustomize.py",
        }
    ),
    config_patterns=("*.pth",),
    tests=("test_*.py", "*_test.py", "tests.py"),
    sections=_SECTIONS_OF,
    plain=_plain,
    gathers=_gathers,
    sign=_sign,
)
