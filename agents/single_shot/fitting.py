"""How much of everything a prompt shows, and less of it until the prompt fits. Pure: counting is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The parts of a prompt, in what each is counted by."""

    places: int = 8
    """Regions."""
    lines: int = 400
    """Of one region at most, around what matters."""
    map_lines: int = 120
    issue: int = 12_000
    """Characters."""
    evidence: int = 4_000
    """Characters."""
    example: int = 60
    """Lines of an existing test."""
    conventions: bool = True
    """Whether the repository's own words on how work is done are told."""


SMALLEST = Shape(places=1, lines=12, map_lines=0, issue=300, evidence=0, example=0, conventions=False)


def shrunk(shape: Shape) -> Shape | None:
    """The next smaller one; what is missed least goes first. None: nothing is left to leave out."""
    if shape.conventions:
        return replace(shape, conventions=False)
    if shape.map_lines > 0:
        return replace(shape, map_lines=shape.map_lines // 2 if shape.map_lines > 20 else 0)
    if shape.places > 3:
        return replace(shape, places=shape.places - 1)
    if shape.example > 0:
        return replace(shape, example=shape.example // 2 if shape.example > 15 else 0)
    if shape.issue > 4_000:
        return replace(shape, issue=max(4_000, shape.issue // 2))
    if shape.evidence > 0:
        return replace(shape, evidence=shape.evidence // 2 if shape.evidence > 500 else 0)
    if shape.places > 1:
        return replace(shape, places=shape.places - 1)
    if shape.lines > 60:
        return replace(shape, lines=max(60, shape.lines // 2))
    if shape.issue > 300:
        return replace(shape, issue=max(300, shape.issue // 2))
    if shape.lines > SMALLEST.lines:
        return replace(shape, lines=max(SMALLEST.lines, shape.lines // 2))
    return None


def fitted(render: Callable[[Shape], P], room: Callable[[P], int], shape: Shape) -> P | None:
    """The largest of the prompts that has room; None where even the smallest has none."""
    now: Shape | None = shape
    while now is not None:
        prompt = render(now)
        if room(prompt) >= 0:
            return prompt
        now = shrunk(now)
    return None


def window_of(count: int, most: int, focus: int) -> tuple[int, int]:
    """Of `count` lines the at most `most` around `focus` (from 1; 0: the beginning), as first and last."""
    if count <= most:
        return 1, count
    first = min(max(1, focus - most // 2), count - most + 1) if focus else 1
    return first, first + most - 1
