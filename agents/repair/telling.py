"""The sentences of an attempt: where the fault may be, what was tried, what was changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from agents.repair.goal import SearchResult
from agents.repair.localise import Localisation
from agents.repair.types import Candidate, Edit

MOST_SHOWN = 60
"""Characters of a change that is told word by word."""


def lost(result: SearchResult) -> str:
    return f", {len(result.lost)} that took the worker along" if result.lost else ""


def pairs(result: SearchResult) -> str:
    return f" and {result.pairs} pairs of them" if result.pairs else ""


def told(candidate: Candidate, sources: Mapping[str, str], reds: int) -> str:
    """One sentence for the maintainer: what was changed where, and what it does."""
    templates = candidate.template.split(" + ")
    if len(templates) == len(candidate.edits) > 1:
        places = [sources[edit.path].count("\n", 0, edit.start) + 1 for edit in candidate.edits]
        # Which template made which edit is not kept; what a maintainer looks for is the place.
        changes = [_change(edit, sources, line, "") for edit, line in zip(candidate.edits, places, strict=True)]
        change = f"{' and '.join(changes)} ({candidate.template})"
    else:
        change = _change(candidate.edits[0], sources, candidate.line, candidate.template)
    return f"{change}: {reds} red test{'s turn' if reds != 1 else ' turns'} green."


def _change(edit: Edit, sources: Mapping[str, str], line: int, template: str) -> str:
    before, after = " ".join(sources[edit.path][edit.start : edit.end].split()), " ".join(edit.text.split())
    where_ = f"{edit.path}:{line}"
    if before and after and max(len(before), len(after)) <= MOST_SHOWN:
        return f"`{before}` becomes `{after}` at {where_}" + (f" ({template})" if template else "")
    return f"{template or 'a change'} at {where_}"


def located(found: Localisation, count: int) -> str:
    ranked = sorted(
        ((value, path, line) for path, lines in found.suspicion.items() for line, value in lines.items()), reverse=True
    )
    value, path, line = ranked[0]
    return (
        f"Localised in {len(found.files)} file{'s' if len(found.files) != 1 else ''} "
        f"(most suspicious {path}:{line}, {value:.2f}; {len(found.passing)} green tests traced): {count} candidates."
    )
