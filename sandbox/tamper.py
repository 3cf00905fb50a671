"""Signs in the trees themselves that a patch reaches for the judge instead of the bug. Pure.

What a run shows (forged reports, canaries) is in the runners' parsing; this is what can be told before anything runs.
"""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.errors import PatchRefused
from sandbox.types import Patch, RepoView

_STARTUP = frozenset({"sitecustomize", "usercustomize"})
_RUNNER_MODULES = frozenset(
    {"pytest", "_pytest", "pluggy", "iniconfig", "unittest", "exceptiongroup", "packaging", "tomli", "py", "pygments"}
)
_IMPORT_ROOTS = ("", "src/", "lib/")
_PLUGIN_ENTRY = re.compile(r"pytest11")
_ODD_LINE_END = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_MANIFESTS = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})


def static_signs(base: RepoView, patched: RepoView, changed: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each changed file that would load itself into the test process or take the runner's place."""
    signs = []
    known = frozenset(base.paths())
    for path in sorted(changed):
        data = patched.read(path)
        if data is None:
            continue
        *directories, name = path.split("/")
        if name.endswith(".py") and not _STARTUP.isdisjoint((*directories, name.removesuffix(".py"))):
            signs.append(f"{path}: the interpreter runs this file at every start")
        elif name.endswith(".pth"):
            signs.append(f"{path}: a path file can run code at every start of the interpreter")
        elif path not in known and _shadows(path):
            signs.append(f"{path}: a module that takes the place of the test runner's own")
        elif (name in _MANIFESTS or _is_metadata(directories)) and len(_PLUGIN_ENTRY.findall(_text(data))) > _entries(
            base, path
        ):
            signs.append(f"{path}: registers a pytest plugin entry point")
    return tuple(signs)


def reached(patch: Patch, changed: frozenset[str], symlinks: frozenset[str], odd_modes: Mapping[str, str]) -> None:
    """Refuse a patch whose effect on the tree is not what its text announces.

    `changed`: the paths that differ after applying it; `odd_modes`: those whose new mode is no regular file's. Raises
    `PatchRefused`.
    """
    announced = {change.path for change in patch.changes}
    announced |= {change.renamed_from for change in patch.changes if change.renamed_from is not None}
    for path in sorted(announced):
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            if "/".join(parts[:depth]) in symlinks:
                raise PatchRefused(f"{path}: goes through or replaces a symbolic link of the repository")
    for path, mode in sorted(odd_modes.items()):
        raise PatchRefused(f"{path}: would become a file of mode {mode}")
    if hidden := changed - announced:
        raise PatchRefused(f"{min(hidden)}: the patch changes it without announcing it")


def same_test_sections(path: str, before: bytes | None, after: bytes | None) -> bool:
    """True when a manifest that may hold test configuration keeps that part of it as it was.

    Files that hold nothing else (conftest.py, pytest.ini ...) are never the same once they differ; neither is one that
    cannot be parsed.
    """
    if before is None or after is None:
        return False
    try:
        return bool(_test_sections(path, before) == _test_sections(path, after))
    except (ValueError, AttributeError, RecursionError, configparser.Error):
        # No manifest at all: other values than tables where tables belong, nesting without end.
        return before == after


def _test_sections(path: str, data: bytes) -> Any:
    text = data.decode("utf-8")
    match path.rsplit("/", 1)[-1]:
        case "pyproject.toml":
            tools = tomllib.loads(text).get("tool", {})
            return {key: tools.get(key) for key in ("pytest", "coverage", "tox", "nox", "hatch", "unittest")}
        case "setup.cfg" | "tox.ini" as name:
            if _ODD_LINE_END.search(text):
                raise ValueError("a line end that pytest's reader of such files sees and configparser does not")
            parser = configparser.RawConfigParser(strict=False)
            parser.read_string(text)
            return {s: dict(parser.items(s)) for s in parser.sections() if name == "tox.ini" or _is_test_section(s)}
        case "package.json":
            manifest = json.loads(text)
            return {key: manifest.get(key) for key in ("scripts", "jest", "mocha", "vitest", "c8", "nyc")}
        case _:
            return data


def _is_test_section(section: str) -> bool:
    return section.split(":")[0] in ("tool", "pytest", "aliases", "test", "coverage", "nosetests", "unittest")


def _shadows(path: str) -> bool:
    for root in _IMPORT_ROOTS:
        parts = path.removeprefix(root).split("/")
        module, _, suffix = parts[0].partition(".")
        if module not in _RUNNER_MODULES:
            continue
        if (len(parts) == 1 and suffix) or (len(parts) == 2 and parts[1].startswith("__init__.")):
            return True
    return False


def _is_metadata(directories: list[str]) -> bool:
    """What says of itself to be an installed distribution: its entry points are read wherever the tree is imported."""
    return bool(directories) and directories[-1].endswith((".dist-info", ".egg-info"))


def _entries(base: RepoView, path: str) -> int:
    return len(_PLUGIN_ENTRY.findall(_text(base.read(path) or b"")))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
