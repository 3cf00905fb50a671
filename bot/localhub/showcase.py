"""The demo's sample: a small library with a real bug, the issue a user wrote about it, and a later change that breaks
something. Plain files under `sample/`; nothing here or anywhere else knows the repair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent / "sample"
OWNER = "harbour"
NAME = "slotbook"
CHANGE_BRANCH = "interval-distance"


@dataclass(frozen=True, kw_only=True)
class Text:
    title: str
    body: str


@dataclass(frozen=True, kw_only=True)
class Showcase:
    files: Mapping[str, bytes]
    """The repository's first commit."""
    issue: Text
    change: Text
    """The pull request that looks innocent."""
    change_files: Mapping[str, bytes]
    """Whole files, by path in the repository."""


def load() -> Showcase:
    return Showcase(
        files=_files(SAMPLE / "repository"),
        issue=_text(SAMPLE / "issue.md"),
        change=_text(SAMPLE / "breaking" / "pull.md"),
        change_files=_files(SAMPLE / "breaking" / "files"),
    )


def _files(root: Path) -> dict[str, bytes]:
    found = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def _text(path: Path) -> Text:
    """The first line is a Markdown heading: the title."""
    title, _, body = path.read_text(encoding="utf-8").partition("\n")
    return Text(title=title.removeprefix("# ").strip(), body=body.strip() + "\n")
