"""Which Python a repository's tests want. Pure.

What a repository demands (`requires-python`, a pinned version) is met or the build fails; what it merely lists (its
classifiers, tox's environments) decides only for an old commit, where the newest Python would be an anachronism. The
base image's own is taken whenever it will do.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from sandbox.buildpacks import requirements
from sandbox.types import EnvironmentPlan, RepoView

BASE_PYTHON = "3.11"
"""Of the base image, whichever way it was had (`sandbox.images`)."""

RELEASED = {
    "2.7": ("2.7.18", "2010-07-03"),
    "3.3": ("3.3.7", "2012-09-29"),
    "3.4": ("3.4.10", "2014-03-16"),
    "3.5": ("3.5.10", "2015-09-13"),
    "3.6": ("3.6.15", "2016-12-23"),
    "3.7": ("3.7.17", "2018-06-27"),
    "3.8": ("3.8.20", "2019-10-14"),
    "3.9": ("3.9.23", "2020-10-05"),
    "3.10": ("3.10.18", "2021-10-04"),
    "3.11": ("3.11.13", "2022-10-24"),
    "3.12": ("3.12.11", "2023-10-02"),
    "3.13": ("3.13.7", "2024-10-07"),
    "3.14": ("3.14.0", "2025-10-07"),
}
"""Minor version -> (a late release of it, the day of its first). https://devguide.python.org/versions/"""

_ORDER = tuple(RELEASED)
_OLDEST_RUN = "3.6"
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (\d\.\d+)")
_TOX_ENVIRONMENT = re.compile(r"(?<![\w.])py(?:thon)?(\d)\.?(\d{1,2})(?!\d)")


@dataclass(frozen=True, kw_only=True)
class PythonChoice:
    version: str = ""
    """`3.9`; "" for the base image's own."""
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class _Demand:
    specifier: str
    place: str


_FIRST_ISOLATED = "2019-03-15"
"""A setuptools that pip can build with in isolation (40.8.0) was there."""


def tools_day(plan: EnvironmentPlan) -> str:
    """From which day on there is a setuptools that the plan's Python can run: nine months after its first release."""
    wanted = next((name for name in plan.toolchains if name.startswith("python@")), f"python@{BASE_PYTHON}")
    minor = ".".join(wanted.partition("@")[2].split(".")[:2])
    first = RELEASED.get(minor, RELEASED[BASE_PYTHON])[1]
    return max(plan.as_of, _months_after(first, 9), _FIRST_ISOLATED)


def end_of_life(version: str) -> str:
    """The day after which a Python gets no more releases: five years after its first (PEP 602); "" for an unknown."""
    released = RELEASED.get(".".join(version.split(".")[:2]))
    return f"{int(released[1][:4]) + 5}{released[1][4:]}" if released is not None else ""


def packages_day(version: str, as_of: str) -> str:
    """The day whose packages a Python (`3.6`; "" for the base image's) runs: `as_of`, unless the Python is younger or
    was not half a year old then. What packages there were did not know it, so it is given its first year."""
    released = RELEASED.get(".".join(version.split(".")[:2]), RELEASED[BASE_PYTHON])
    grown = _months_after(released[1], 6) <= as_of[:10]
    return as_of[:10] if grown else _months_after(released[1], 12)


def choose(view: RepoView, as_of: str = "") -> PythonChoice:
    """The version for a tree, at a date (ISO; "" for today)."""
    demand = _demand(view)
    fits = [version for version in _ORDER if demand is None or _fits(version, demand.specifier)]
    pinned = _pinned(view)
    if demand is not None and not fits:
        return PythonChoice(evidence=f"{demand.place} asks for Python {demand.specifier}, which is none that is known.")
    why = f"{demand.place}: Python {demand.specifier}" if demand is not None else ""
    if pinned is not None and demand is None and pinned.specifier in _ORDER:
        return _unless_base(pinned.specifier, f"{pinned.place}: Python {pinned.specifier}")
    if as_of:
        return _at(view, as_of, fits, why)
    if BASE_PYTHON in fits:
        return PythonChoice()
    newest = fits[-1] if _index(fits[-1]) < _index(BASE_PYTHON) else fits[0]
    return PythonChoice(version=newest, evidence=f"{why}, so Python {newest}.")


def _at(view: RepoView, as_of: str, fits: list[str], why: str) -> PythonChoice:
    """The newest that fits, is listed where versions are listed, and was half a year old on that day."""
    listed, place = _listed(view)
    grown = [version for version in fits if _months_after(RELEASED[version][1], 6) <= as_of[:10]]
    named = [version for version in grown if version in listed]
    chosen = (named or grown or fits)[-1]
    if _index(chosen) < _index(_OLDEST_RUN) and _OLDEST_RUN in fits:
        chosen = _OLDEST_RUN
    reasons = "; ".join(filter(None, (why, place if chosen in listed else "", f"the commit is of {as_of[:10]}")))
    return _unless_base(chosen, reasons)


def _unless_base(version: str, why: str) -> PythonChoice:
    if version == BASE_PYTHON:
        return PythonChoice(evidence=f"{why}, so Python {version}.")
    return PythonChoice(version=version, evidence=f"{why}, so Python {version}.")


def _index(version: str) -> int:
    return _ORDER.index(version)


def _months_after(day: str, months: int) -> str:
    year, month, rest = int(day[:4]), int(day[5:7]) + months, day[7:]
    return f"{year + (month > 12):04}-{(month - 1) % 12 + 1:02}{rest}"


def _fits(version: str, specifier: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(RELEASED[version][0])
    except InvalidSpecifier:
        return True


def _demand(view: RepoView) -> _Demand | None:
    """`requires-python` in its several spellings; the first that is written as a literal."""
    document = requirements.toml(_text(view, "pyproject.toml"))
    project, tool = document.get("project"), document.get("tool")
    if isinstance(project, dict) and isinstance(project.get("requires-python"), str):
        return _Demand(specifier=project["requires-python"], place="pyproject.toml")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    dependencies = poetry.get("dependencies") if isinstance(poetry, dict) else None
    if isinstance(dependencies, dict) and isinstance(dependencies.get("python"), str):
        return _Demand(specifier=requirements.poetry_versions(dependencies["python"]), place="pyproject.toml")
    flit = tool.get("flit") if isinstance(tool, dict) else None
    metadata = flit.get("metadata") if isinstance(flit, dict) else None
    if isinstance(metadata, dict) and isinstance(metadata.get("requires-python"), str):
        return _Demand(specifier=metadata["requires-python"], place="pyproject.toml")
    parser = _ini(_text(view, "setup.cfg"))
    written = parser.get("options", "python_requires", fallback="").strip()
    if written:
        return _Demand(specifier=written, place="setup.cfg")
    literal = _python_requires(_text(view, "setup.py"))
    return _Demand(specifier=literal, place="setup.py") if literal else None


def _python_requires(text: str) -> str:
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    names: dict[str, Any] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node.value.value if isinstance(node.value, ast.Constant) else None
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "python_requires":
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            value = names.get(node.value.id) if isinstance(node.value, ast.Name) else value
            return value if isinstance(value, str) else ""
    return ""


def _pinned(view: RepoView) -> _Demand | None:
    """What its developers or its host run it with."""
    first = re.match(r"\s*(\d\.\d+)(?:\.\d+)?\s*$", _text(view, ".python-version").partition("\n")[0])
    if first is not None:
        return _Demand(specifier=first.group(1), place=".python-version")
    heroku = re.match(r"python-(\d\.\d+)", _text(view, "runtime.txt"))
    return None if heroku is None else _Demand(specifier=heroku.group(1), place="runtime.txt")


def _listed(view: RepoView) -> tuple[frozenset[str], str]:
    """(versions that are said to be tested, where that is said)."""
    for path in ("pyproject.toml", "setup.cfg", "setup.py"):
        found = frozenset(_CLASSIFIER.findall(_text(view, path)))
        if found:
            return found, f"{path}: classifiers"
    tox = _ini(_text(view, "tox.ini"))
    text = tox.get("tox", "envlist", fallback="") + " " + tox.get("testenv", "basepython", fallback="")
    return frozenset(_environments(text)), "tox.ini: envlist"


def _environments(text: str) -> Iterable[str]:
    """`py38`, `py3.8`, `python3.8`, and the braces of `py{37,38}` or `py3{7,8}`."""
    while (brace := re.search(r"(\w*)\{([^{}]*)\}", text)) is not None:
        expanded = " ".join(brace.group(1) + part.strip() for part in brace.group(2).split(","))
        text = f"{text[: brace.start()]} {expanded} {text[brace.end() :]}"
    return [f"{major}.{minor}" for major, minor in _TOX_ENVIRONMENT.findall(text)]


def _ini(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.RawConfigParser()
    return parser


def _text(view: RepoView, path: str) -> str:
    return (view.read(path) or b"").decode("utf-8", "replace")
