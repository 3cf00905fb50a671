"""A model's findings against the diff they talk about. Pure.

GitHub refuses a whole review (422) for one comment on a line that is not in the diff. So a claim whose line is not one
that the diff shows keeps its text and loses its place: it is told in the summary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from bot.workshop import Finding

MOST_FINDINGS = 3


@dataclass(frozen=True, kw_only=True)
class Anchored:
    """At most `MOST_FINDINGS` in all, in the model's order."""

    on_lines: tuple[Finding, ...] = ()
    loose: tuple[Finding, ...] = ()
    """Their line is not in the diff: for the summary."""


def anchor(findings: Sequence[Finding], diff: str) -> Anchored:
    """Sort findings by whether GitHub would accept a comment on their line; a claim made twice is kept once."""
    shown = commentable_lines(diff)
    unique = {fingerprint(finding): finding for finding in reversed(findings)}
    kept = tuple(reversed(unique.values()))[:MOST_FINDINGS]
    return Anchored(
        on_lines=tuple(f for f in kept if f.line in shown.get(f.path, frozenset())),
        loose=tuple(f for f in kept if f.line not in shown.get(f.path, frozenset())),
    )


def commentable_lines(diff: str) -> dict[str, frozenset[int]]:
    """By path, the lines of the new version that the diff's hunks show (added or context); empty if unreadable."""
    try:
        patch = PatchSet.from_string(diff)
    except UnidiffParseError:
        return {}
    return {
        file.path: frozenset(line.target_line_no for hunk in file for line in hunk if line.target_line_no is not None)
        for file in patch
        if not file.is_removed_file
    }


def fingerprint(finding: Finding) -> str:
    """The same claim about the same file, wherever the line moves to: 16 hexadecimal digits."""
    words = " ".join(finding.claim.lower().split())
    return hashlib.sha256(f"{finding.path}\0{words}".encode()).hexdigest()[:16]
