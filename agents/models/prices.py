"""What a call cost. A dated override of the lineup first, then genai-prices; where neither knows: None, never 0."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import genai_prices
from genai_prices.types import PriceCalculation

from agents.models.reading import is_believable
from agents.types import Usage
from config.models import ModelSpec
from config.rates import Price, Rates

_MILLION = 1_000_000
LONGEST_CALL = timedelta(minutes=20)
"""A call that is priced by the hour may end in a dearer one."""


def cost(spec: ModelSpec, usage: Usage | None) -> float | None:
    """US dollars of one call; None where the price or the usage is unknown.

    A prompt of no tokens, and counts below zero, are what some servers send for "not known": as a cost they would be
    nothing, or give money back. Counts beyond all bounds have no cost either.
    """
    if usage is None or usage.input_tokens == 0 or not is_believable(usage):
        return None
    if spec.price is not None:
        return from_override(spec.price, usage)
    found = _in_table(spec, usage)
    return None if found is None else float(found.total_price)


def worst_cost(spec: ModelSpec, prompt_tokens: int, output_tokens: int) -> float | None:
    """US dollars that a call may cost at most; None where the price is unknown.

    The prompt may be charged fresh, or as written to a cache, which is dearer with some vendors. It may also turn out
    shorter than was estimated: the rates of a lower tier are looked at as well.
    """
    if spec.price is None:
        now = datetime.now(UTC)
        kinds = _kinds(prompt_tokens, output_tokens)
        found = [_in_table(spec, usage, now) for usage in kinds]
        if any(one is not None and isinstance(one.model.prices, list) for one in found):  # by the hour, or dated
            found += [_in_table(spec, usage, now + LONGEST_CALL) for usage in kinds]
        return max((float(one.total_price) for one in found if one is not None), default=None)
    lengths = (prompt_tokens, *(tier.above for tier in spec.price.tiers if tier.above < prompt_tokens))
    return max(from_override(spec.price, usage) for length in lengths for usage in _kinds(length, output_tokens))


def _kinds(prompt_tokens: int, output_tokens: int) -> tuple[Usage, Usage]:
    fresh = Usage(input_tokens=prompt_tokens, output_tokens=output_tokens)
    return fresh, replace(fresh, cache_write_tokens=prompt_tokens)


def from_override(price: Price, usage: Usage) -> float:
    rates: Rates = price.rates(usage.input_tokens)
    read_rate = rates.input if rates.cache_read is None else rates.cache_read
    write_rate = rates.input if rates.cache_write is None else rates.cache_write
    fresh = max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens)
    total = (
        fresh * rates.input
        + usage.cache_read_tokens * read_rate
        + usage.cache_write_tokens * write_rate
        + usage.output_tokens * rates.output
    )
    return total / _MILLION


def _in_table(spec: ModelSpec, usage: Usage, at: datetime | None = None) -> PriceCalculation | None:
    if not spec.price_provider:
        return None
    counts = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        return genai_prices.calc_price(
            counts, spec.model_id, provider_id=spec.price_provider, genai_request_timestamp=at
        )
    except (LookupError, ValueError):
        # LookupError: not in the table. ValueError: counts that contradict each other (an endpoint's own mistake).
        return None
