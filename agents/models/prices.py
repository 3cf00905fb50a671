"""What a call cost. A dated override of the lineup first, then genai-prices; where neither knows: None, never 0."""

from __future__ import annotations

import genai_prices

from agents.types import Usage
from config.models import ModelSpec, Price, Rates

_MILLION = 1_000_000


def cost(spec: ModelSpec, usage: Usage | None) -> float | None:
    """US dollars of one call; None where the price or the usage is unknown."""
    if usage is None:
        return None
    if spec.price is not None:
        return from_override(spec.price, usage)
    return _from_table(spec, usage)


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


def _from_table(spec: ModelSpec, usage: Usage) -> float | None:
    if not spec.price_provider:
        return None
    counts = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        priced = genai_prices.calc_price(counts, spec.model_id, provider_id=spec.price_provider)
    except (LookupError, ValueError):
        # LookupError: not in the table. ValueError: counts that contradict each other (an endpoint's own mistake).
        return None
    return float(priced.total_price)
