"""Where in a file's patch a review comment may stand. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """One line of a patch. `position` counts from 1 below the first hunk header, as GitHub's `position` does."""

    position: int
    hunk: int
    left: int | None
    right: int | None
    text: str

    def at(self, side: str) -> int | None:
        return self.left if side == "LEFT" else self.right


@dataclass(frozen=True, kw_only=True)
class Anchor:
    line: int
    start_line: int | None
    position: int
    diff_hunk: str


def lines(patch: str) -> list[DiffLine]:
    """All lines of a patch that starts at its first `@@`; hunk headers have no number on either side."""
    found: list[DiffLine] = []
    left = right = 0
    hunk = -1
    for position, text in enumerate(patch.split("\n")):
        header = _HUNK.match(text)
        if header:
            hunk, left, right = position, int(header[1]), int(header[2])
            found.append(DiffLine(position=position, hunk=hunk, left=None, right=None, text=text))
            continue
        sign = text[:1]
        has_left, has_right = sign in {" ", "-"}, sign in {" ", "+"}
        found.append(
            DiffLine(
                position=position,
                hunk=hunk,
                left=left if has_left else None,
                right=right if has_right else None,
                text=text,
            )
        )
        left, right = left + has_left, right + has_right
    return found


def find(
    patch: str, *, line: int, side: str, start_line: int | None = None, start_side: str | None = None
) -> Anchor | None:
    """The place of a comment, or None where GitHub refuses: a line outside the diff, a start that is not before the
    end, a span over two hunks."""
    known = lines(patch)
    end = next((one for one in known if one.at(side) == line), None)
    if end is None:
        return None
    first = end
    if start_line is not None:
        begin = next((one for one in known if one.at(start_side or side) == start_line), None)
        if begin is None or begin.hunk != end.hunk or begin.position >= end.position:
            return None
        first = begin
    from_line = min(first.position, max(end.hunk + 1, end.position - 3))
    shown = [known[end.hunk].text, *(one.text for one in known[from_line : end.position + 1])]
    return Anchor(line=line, start_line=start_line, position=end.position, diff_hunk="\n".join(shown))


def at_position(patch: str, position: int) -> tuple[int, str] | None:
    """The (line, side) that an old-style `position` means."""
    for one in lines(patch):
        if one.position == position and one.right is not None:
            return one.right, "RIGHT"
        if one.position == position and one.left is not None:
            return one.left, "LEFT"
    return None
