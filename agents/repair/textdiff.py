"""A unified diff in git's format, made on the host: for checkpoints while the tree itself is still being searched."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import unified_diff


def unified(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """The diff of the files in `after`; a path that `before` lacks is a new file."""
    parts = [_one(path, before.get(path), text) for path, text in sorted(after.items())]
    return "".join(parts)


def _one(path: str, old: str | None, new: str) -> str:
    if old == new:
        return ""
    head = f"diff --git a/{path} b/{path}\n"
    if old is None:
        head += "new file mode 100644\n"
    lines = unified_diff(
        _lines(old or ""), _lines(new), "/dev/null" if old is None else f"a/{path}", f"b/{path}", lineterm="\n"
    )
    body = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return head + body


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as git does; `str.splitlines` knows more."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
