"""Git's two tellings of a difference, `--raw -z` and the patch, as one list of files. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FileDiff:
    path: str
    previous: str | None
    status: str
    """GitHub's word: added, removed, modified, renamed, copied, changed."""
    sha: str
    additions: int
    deletions: int
    patch: str | None
    """From the first `@@` on; None for a binary file."""


_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}


def files(raw: str, patch: str) -> list[FileDiff]:
    """`raw` is of `git diff --raw -z --abbrev=40`, `patch` of `git diff` with the same options: same order."""
    pieces = iter(_split(patch))
    found = []
    for meta, paths in _raw_entries(raw):
        text = next(pieces)
        if meta[4].startswith("T"):  # git writes a change of type as a removal and an addition
            text += next(pieces)
        found.append(_file(meta, paths, text))
    return found


def _raw_entries(raw: str) -> list[tuple[list[str], list[str]]]:
    words = [word for word in raw.split("\0") if word]
    found, index = [], 0
    while index < len(words):
        meta = words[index].lstrip(":").split()
        count = 2 if meta[4][0] in "RC" else 1
        found.append((meta, words[index + 1 : index + 1 + count]))
        index += 1 + count
    return found


def _split(text: str) -> list[str]:
    pieces = re.split(r"^(?=diff --git )", text, flags=re.MULTILINE)
    return [piece for piece in pieces if piece.startswith("diff --git ")]


def _file(meta: list[str], paths: list[str], patch: str) -> FileDiff:
    start = re.search(r"^@@ ", patch, flags=re.MULTILINE)
    body = patch[start.start() :].rstrip("\n") if start else None
    lines = body.split("\n") if body else []
    letter = meta[4][0]
    return FileDiff(
        path=paths[-1],
        previous=paths[0] if len(paths) == 2 else None,
        status=_STATUS[letter],
        sha=meta[2] if letter == "D" else meta[3],
        additions=sum(line.startswith("+") for line in lines),
        deletions=sum(line.startswith("-") for line in lines),
        patch=body,
    )
