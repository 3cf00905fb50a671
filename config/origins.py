"""Where each setting's value stands: the line of a file, or a variable; and what is wrong with a key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from pydantic import BaseModel

Origins = Mapping[str, str]
"""`group.key` -> `FILE:LINE` or `$VARIABLE`; "" -> the file's name."""

_TABLE = re.compile(r"\s*\[\s*([A-Za-z0-9_.\"' -]+?)\s*\]\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_.\"' -]+?)\s*=")
_FENCES = ('"""', "'''")

PREFIX = "REDGREEN_"
"""What the variable of every setting begins with."""
RESERVED = ("REDGREEN_CONFIG", "REDGREEN_TEST_")
"""Variables that are not settings: the file's own name, and what steers the test suite."""


class SettingsRefused(Exception):
    """The settings cannot be used; `str(error)` is a sentence for the user that names the key and where it stands."""


def file_origins(text: str, name: str) -> dict[str, str]:
    """`group` and `group.key` -> `NAME:LINE` of its first line, for a TOML text that `tomllib` accepts.

    Keys inside an inline table have no entry of their own: `find_origin` gives the table's line. "" is the file.
    """
    table = ""
    origins = {"": name}
    for number, line in _logical_lines(text):
        if header := _TABLE.fullmatch(line):
            table = _two_parts(header[1])
            origins.setdefault(table, f"{name}:{number}")
        elif assignment := _KEY.match(line):
            key = _two_parts(f"{table}.{assignment[1]}" if table else assignment[1])
            origins.setdefault(key, f"{name}:{number}")
    return origins


def _two_parts(key: str) -> str:
    return ".".join(part.strip(" \"'") for part in key.split(".")[:2])


def find_origin(key: str, origins: Origins) -> str:
    """The place of a key, else of its group, else the file; "" for a default."""
    group, _, _ = key.partition(".")
    return origins.get(key) or origins.get(group) or origins.get("", "")


def flat_keys(values: Mapping[str, object]) -> Iterator[str]:
    """`group` or `group.key` for everything that a file sets."""
    for group, table in values.items():
        if isinstance(table, Mapping):
            yield from (f"{group}.{key}" for key in table)
        else:
            yield group


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines, without those inside a multi-line string."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if fence:
            if line.count(fence) % 2:
                fence = ""
            continue
        fence = next((mark for mark in _FENCES if line.count(mark) % 2), "")
        yield number, line


def variable_origins(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """`group.key` -> `$VARIABLE` for each variable that is set and not empty."""
    return {
        ".".join(name[len(prefix) :].lower().split("__")): f"${name}"
        for name, value in environ.items()
        if name.upper().startswith(prefix) and not name.upper().startswith(RESERVED) and value
    }


def variable_name(key: str, prefix: str) -> str:
    return prefix + key.upper().replace(".", "__")


def key_problem(key: str, model: type[BaseModel]) -> str:
    """ "" for a key that exists (`group` or `group.key`), else a sentence, with the nearest name where one is near."""
    group, _, field = key.partition(".")
    if group not in model.model_fields:
        return f"unknown setting {key!r}{_nearest(group, model)}"
    if not field:
        return ""
    inner = model.model_fields[group].annotation
    if not (isinstance(inner, type) and issubclass(inner, BaseModel)) or field in inner.model_fields:
        return ""
    return f"unknown setting {key!r}{_nearest(field, inner, group + '.')}"


def _nearest(name: str, model: type[BaseModel], prefix: str = "") -> str:
    near = difflib.get_close_matches(name, model.model_fields, n=1)
    return f" (did you mean {prefix + near[0]!r}?)" if near else ""
