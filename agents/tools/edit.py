"""edit: replace one exact piece of a file, or create a file."""

from __future__ import annotations

import difflib

from pydantic import Field

from agents.tools.paths import missing, relative
from agents.tools.read import numbered
from agents.tools.tool import Arguments, Bench, FormedTool, Observation, bounded

AROUND = 4
"""Lines shown around a change."""


class EditArguments(Arguments):
    path: str = Field(min_length=1, max_length=1000)
    old: str = ""
    new: str


def edit(asked: EditArguments, bench: Bench) -> Observation:
    path = relative(asked.path)
    try:
        data: bytes | None = bench.environment.read(path)
    except FileNotFoundError:
        data = None
    except IsADirectoryError:
        return _refused(f"{path} is a directory.")
    except (ValueError, OSError) as error:
        return _refused(f"{path} cannot be edited: {bounded(str(error), 300)}")
    if not asked.old:
        return _create(path, data, asked.new, bench)
    if data is None:
        return _refused(missing(path, bench.environment.base.paths()))
    return _replace(path, data, asked, bench)


def _create(path: str, data: bytes | None, new: str, bench: Bench) -> Observation:
    if data:
        return _refused(f"{path} exists already. Give the exact text to replace as `old`.")
    text = new if new.endswith("\n") or not new else new + "\n"
    return _written(path, text.encode("utf-8", "replace"), bench) or Observation(
        text=f"Created {path} ({len(text.splitlines())} lines)."
    )


def _replace(path: str, data: bytes, asked: EditArguments, bench: Bench) -> Observation:
    old, new = asked.old.encode("utf-8", "replace"), asked.new.encode("utf-8", "replace")
    if old not in data and b"\r\n" in data:
        # The file has Windows line ends, which a model does not see.
        old, new = (text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for text in (old, new))
    count = data.count(old)
    if count == 0:
        return _refused(_not_found(path, data.decode("utf-8", "replace"), asked.old))
    if count > 1:
        return _refused(f"`old` occurs {count} times in {path}, at lines {_places(data, old)}. Add lines around it.")
    if old == new:
        return _refused("`old` and `new` are the same; nothing was changed.")
    start = data.index(old)
    first = data.count(b"\n", 0, start) + 1
    changed = data[:start] + new + data[start + len(old) :]
    return _written(path, changed, bench) or Observation(text=_around(path, changed, first, new.count(b"\n") + 1))


def _written(path: str, data: bytes, bench: Bench) -> Observation | None:
    """None when it worked."""
    try:
        bench.environment.write(path, data)
    except (ValueError, OSError) as error:
        return _refused(f"{path} cannot be written: {bounded(str(error), 300)}")
    return None


def _refused(text: str) -> Observation:
    return Observation(text=text, is_error=True)


def _around(path: str, data: bytes, first: int, count: int) -> str:
    lines = data.decode("utf-8", "replace").splitlines()
    begin = max(1, first - AROUND)
    shown = numbered(lines[begin - 1 : first + count - 1 + AROUND], begin)
    return bounded(f"Changed {path}. Now:\n{shown}", 6_000)


def _places(data: bytes, old: bytes) -> str:
    places: list[int] = []
    at = data.find(old)
    while at >= 0 and len(places) < 10:
        places.append(data.count(b"\n", 0, at) + 1)
        at = data.find(old, at + 1)
    return ", ".join(str(place) for place in places)


def _not_found(path: str, text: str, old: str) -> str:
    """Why the text is not there, with the nearest lines that are."""
    lines, wanted = text.splitlines(), old.splitlines() or [old]
    squeezed = " ".join(old.split())
    if squeezed and squeezed in " ".join(text.split()):
        why = "It is there with other white space: copy the lines exactly, with their indentation."
    else:
        why = "Read the file again and copy the lines exactly, without the line numbers."
    near = difflib.get_close_matches(wanted[0], lines[:5000], n=1, cutoff=0.6)
    if not near:
        return f"`old` does not occur in {path}. {why}"
    first = lines.index(near[0]) + 1
    shown = numbered(lines[first - 1 : first - 1 + min(len(wanted), 20)], first)
    return bounded(f"`old` does not occur in {path}. {why} The nearest lines are:\n{shown}", 4_000)


EDIT = FormedTool(
    name="edit",
    description="Replace `old`, which must occur exactly once in the file, by `new`; empty `old`: create the file.",
    form=EditArguments,
    do=edit,
)
