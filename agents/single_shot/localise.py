"""Where the problem may be: functions ranked by traceback lines, by the names an issue uses, and by BM25. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.single_shot.bm25 import Index
from agents.single_shot.places import Place
from agents.single_shot.repomap import Definition, enclosing, named
from agents.single_shot.sources import Sources, lines_of

TRACED = 2.0
"""Score of a function in which the innermost frame stands; frames around it less."""
NAMED = 1.0
"""Of one whose name the issue writes as code; shared where several have it."""
NAMED_FILE = 0.5
RANKED = 60
CHUNK = 60
"""Lines of a piece of a file in which the map found no function."""
_CODE_WORD = re.compile(r"`([^`\n]{1,80})`|\b([A-Za-z_][\w.]{2,80})\(|\b([a-z]+(?:_[a-z0-9]+)+|[a-z]+[A-Z]\w+)\b")


@dataclass(frozen=True, kw_only=True)
class Region:
    """A piece of a file to show, or to have written anew. Lines from 1, both ends included."""

    path: str
    first: int
    last: int
    score: float
    function: Definition | None = None
    focus: int = 0
    """The line that a traceback names, 0 when none does."""

    def text(self, sources: Sources) -> str:
        return lines_of(sources.files[self.path], self.first, self.last)


def rank(sources: Sources, issue: str, places: Sequence[Place]) -> tuple[Region, ...]:
    """The likeliest regions first; a region is a function, or a piece of a file without functions."""
    regions = list(_regions(sources))
    texts = {_key(region): f"{region.path} {region.text(sources)}" for region in regions}
    by_words = Index(texts).scores(issue)
    highest = max(by_words.values(), default=0.0) or 1.0
    by_name = _by_name(sources, issue)
    scored = []
    for region in regions:
        hits = [place for place in places if place.path == region.path and region.first <= place.line <= region.last]
        best = max(hits, key=lambda place: place.weight, default=None)
        score = by_words[_key(region)] / highest + by_name.get(_key(region), 0.0)
        score += TRACED * best.weight if best else 0.0
        score += NAMED_FILE if _names_file(issue, region.path) else 0.0
        scored.append(_scored(region, score, best.line if best else 0))
    ranked = sorted(scored, key=lambda region: (-region.score, region.path, region.first))
    return tuple(region for region in ranked[:RANKED] if region.score > 0) or tuple(ranked[:1])


def _regions(sources: Sources) -> Iterable[Region]:
    for path, text in sources.files.items():
        found = [one for one in sources.maps[path] if one.is_function]
        # A function in a function belongs to the outer one: a change often needs both.
        outer = [one for one in found if enclosing(_without(found, one), one.first) is None]
        for one in outer:
            yield Region(path=path, first=one.first, last=one.last, score=0.0, function=one)
        if not outer:
            count = len(text.splitlines())
            for first in range(1, count + 1, CHUNK):
                yield Region(path=path, first=first, last=min(count, first + CHUNK - 1), score=0.0)


def _without(found: Sequence[Definition], one: Definition) -> list[Definition]:
    return [other for other in found if other is not one]


def _key(region: Region) -> str:
    return f"{region.path}:{region.first}"


def _by_name(sources: Sources, issue: str) -> dict[str, float]:
    names = {name for match in _CODE_WORD.finditer(issue) for name in match.groups() if name}
    words = {part for name in names for part in (name, name.split("(")[0])}
    found: dict[str, float] = {}
    for word in words:
        meant = [one for one in named(sources.maps, word) if one.is_function]
        for one in meant:
            key = f"{one.path}:{one.first}"
            found[key] = max(found.get(key, 0.0), NAMED / len(meant))
    return found


def _names_file(issue: str, path: str) -> bool:
    module = path.rsplit(".", 1)[0].replace("/", ".")
    return path in issue or (module.count(".") > 0 and module in issue)


def _scored(region: Region, score: float, focus: int) -> Region:
    return Region(
        path=region.path, first=region.first, last=region.last, score=score, function=region.function, focus=focus
    )
