"""What redgreen writes of a step into other formats' open bags, and reads there again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from agents.interchange.chat import an_object, number, words
from agents.types import Step, Usage

KEY = "redgreen"


def with_figures(bag: dict[str, Any], step: Step) -> None:
    """`cost` is what other readers sum, so it is left out where it is unknown; the rest is for us and for people."""
    if step.cost_usd is not None:
        bag["cost"] = step.cost_usd
    own = dict(an_object(bag.get(KEY)))
    counted = {name: count for name, count in asdict(step.usage).items() if isinstance(count, int) and count}
    bag[KEY] = own | {"usage": counted, "seconds": step.seconds, "diff": step.diff, "note": step.note}


def own_step(message: Mapping[str, Any]) -> int | None:
    """The index of the step that redgreen wrote a message of."""
    place = an_object(an_object(message.get("extra")).get(KEY)).get("step")
    return place if isinstance(place, int) and not isinstance(place, bool) else None


def own_figures(step: Step, bags: Sequence[Mapping[str, Any]]) -> Step:
    """The step with what redgreen wrote into one of its bags, if it did."""
    for bag in bags:
        own = an_object(bag.get(KEY))
        if "usage" in own:
            counts = {
                name: int(count)
                for name, value in an_object(own["usage"]).items()
                if name in _COUNTS and (count := number(value)) is not None
            }
            return replace(
                step,
                usage=Usage(**counts),
                cost_usd=number(bag.get("cost")),
                seconds=number(own.get("seconds")) or 0.0,
                diff=words(own.get("diff")),
                note=words(own.get("note")),
            )
    return step


_COUNTS = frozenset(asdict(Usage()))
