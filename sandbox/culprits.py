"""Which of several requirements kept pip from installing them together, by what pip printed. Pure.

Trying each by itself settles it as well, but each try is a resolution of its own, and a package that does not build is
built once more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sandbox.buildpacks import requirements

_NAME = r"['\"]?([A-Za-z0-9][A-Za-z0-9._-]*)"
_NAMED = re.compile(
    rf"Failed building wheel for {_NAME}|No matching distribution found for {_NAME}|Failed to build {_NAME}['\"] when"
    rf"|Encountered error while (?:trying to install package|generating package metadata)\.\n╰─> {_NAME}\s*$",
    re.MULTILINE,
)
_LISTED = re.compile(
    r"(?:Could not build wheels for|Failed to build installable wheels for some [^(\n]*\()([A-Za-z0-9._, -]+)"
)


def parted(wanted: Sequence[str], output: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(those that pip names as not to be had or not to be built, the others). Requirements as pip takes them."""
    named = {name for match in _NAMED.findall(output) for name in match if name}
    for names in _LISTED.findall(output):
        named.update(name.strip().split(" ")[0] for name in names.split(","))
    known = {requirements.normal(name) for name in named}
    guilty = tuple(one for one in wanted if _name(one) in known)
    return guilty, tuple(one for one in wanted if one not in guilty)


def _name(requirement: str) -> str:
    return requirements.normal(re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0])
