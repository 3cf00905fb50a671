"""Runs that other agents recorded, and ours in their files. Pure.

Each format says how to read its document into our words and how to write ours as its document; neither keeps all. What
gets lost on the way is computed, kept on the other side, and put back on the way home: a file of theirs that was
imported is exported as it was, and a run of ours comes back from their file as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from agents.errors import TrajectoryError
from agents.interchange import mini, swe_agent
from agents.interchange.chat import an_object
from agents.interchange.rest import completed, rest
from agents.interchange.stepping import KEY
from agents.trajectory import from_lines, from_plain, to_plain
from agents.types import Origin, Trajectory


@dataclass(frozen=True, kw_only=True)
class Format:
    name: str
    suffix: str
    """Of its files' names."""
    recognises: Callable[[Any], bool]
    version_of: Callable[[Any], str]
    root_of: Callable[[Any], str]
    read: Callable[[Any, str], Trajectory]
    """What our words hold of a document that was recognised; the second argument names a run without a name."""
    write: Callable[[Trajectory], dict[str, Any]]
    like: Callable[[str, dict[str, Any]], Any]
    """A written document in the shape that files of this version (`Origin.format`) have."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        module.NAME: Format(
            name=module.NAME,
            suffix=module.SUFFIX,
            recognises=module.recognises,
            version_of=module.version_of,
            root_of=module.root_of,
            read=module.read,
            write=module.write,
            like=module.like,
        )
        for module in (mini, swe_agent)
    }
)
AUTO = "auto"
DEEPEST = 150
"""No run needs more, and what is read must be written again around and below other things."""


def read(data: bytes, *, name: str = "", format: str = AUTO, root: str = "") -> tuple[Trajectory, bool]:
    """A file of ours or of theirs, and whether it is whole: a recording that grows is not.

    `root`: the directory that the run's commands worked in, where its file does not say. Raises `TrajectoryError`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise TrajectoryError("It is no text, so no trajectory.") from None
    document = _document(text)
    if document is None:
        return from_lines(text), False
    if isinstance(document, dict) and "steps" in document and format == AUTO:
        return from_plain(document), True
    return imported(document, _chosen(document, format), name=name, root=root), True


def imported(document: Any, chosen: Format, *, name: str = "", root: str = "") -> Trajectory:
    """A document that the format recognises. Raises `TrajectoryError`."""
    if _is_deeper(document, DEEPEST):
        raise TrajectoryError(f"It is nested more than {DEEPEST} deep.")
    found = chosen.read(document, name)
    if (own := an_object(an_object(an_object(document).get("info")).get(KEY))) and "rest" in own:
        return from_plain(an_object(completed(to_plain(found), own["rest"])))
    version = chosen.version_of(document)
    left = rest(document, chosen.like(version, chosen.write(found)))
    origin = Origin(format=version, root=root or chosen.root_of(document), rest=left)
    return replace(found, origin=origin)


def exported(trajectory: Trajectory, chosen: Format) -> Any:
    """The run as a document of the format; as it was, if it came from one."""
    origin = trajectory.origin
    if origin is not None and origin.format.startswith(chosen.name):
        return completed(chosen.like(origin.format, chosen.write(replace(trajectory, origin=None))), origin.rest)
    document = chosen.write(trajectory)
    document["info"][KEY]["rest"] = rest(to_plain(trajectory), to_plain(chosen.read(document, "")))
    return document


def _is_deeper(document: Any, most: int) -> bool:
    level = [document]
    for _ in range(most):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    return any(isinstance(value, dict | list) for value in level)


def _document(text: str) -> Any:
    """The JSON document that a file is; None where it is JSON lines of a recording."""
    head = text.lstrip()[:1]
    first, _, more = text.partition("\n")
    try:
        header = json.loads(first)
    except (ValueError, RecursionError):
        header = None
    if isinstance(header, dict) and "version" in header and "task_id" in header and "steps" not in header:
        return None
    if header is not None and not more.strip():
        return header
    try:
        if head not in ("{", "["):
            raise ValueError("it does not begin as JSON does")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrajectoryError(f"It is not JSON, so no trajectory: {error}") from None


def _chosen(document: Any, format: str) -> Format:
    if format != AUTO:
        if format not in FORMATS:
            raise TrajectoryError(f"There is no format {format!r}. Those there are: {', '.join(FORMATS)}.")
        if not FORMATS[format].recognises(document):
            raise TrajectoryError(f"It is not a file of {format}.")
        return FORMATS[format]
    for each in FORMATS.values():
        if each.recognises(document):
            return each
    raise TrajectoryError(
        f"It is neither a trajectory of redgreen nor one of {' or '.join(FORMATS)}: its keys are not theirs."
    )


__all__ = ["AUTO", "FORMATS", "Format", "exported", "imported", "read"]
