"""What a call costs, and that unknown is never 0."""

from __future__ import annotations

import pytest

from agents.models.prices import cost
from agents.types import Usage
from config.models import ModelSpec, default_lineup, load

USAGE = Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=400_000, cache_write_tokens=100_000)


def row(extra: str) -> ModelSpec:
    table = "[models.m]\nadapter = 'openai'\nendpoint = 'http://127.0.0.1:1/v1'\nmodel_id = 'x'\n"
    return load(f"{table}window = 10\noutput_limit = 10\n{extra}").get("m")


PRICE = "[models.m.price]\nas_of = 2026-11-23\ninput = 4\noutput = 20\n"


def test_an_override_charges_each_kind_of_token_at_its_rate() -> None:
    spec = row(f"{PRICE}cache_read = 0.2\ncache_write = 5")
    assert cost(spec, USAGE) == pytest.approx(0.5 * 4 + 0.4 * 0.2 + 0.1 * 5 + 0.1 * 20)


def test_cached_tokens_without_a_rate_of_their_own_cost_like_others() -> None:
    assert cost(row(PRICE), USAGE) == pytest.approx(4 + 2)


def test_a_long_prompt_is_charged_at_its_tier() -> None:
    tiers = "[[models.m.price.tiers]]\nabove = 1000\ninput = 8\noutput = 30\n"
    higher = "[[models.m.price.tiers]]\nabove = 2000\ninput = 9\noutput = 40\n"
    spec = row(PRICE + higher + tiers)
    assert cost(spec, Usage(input_tokens=1000)) == pytest.approx(0.004)
    assert cost(spec, Usage(input_tokens=1001)) == pytest.approx(0.008008)
    assert cost(spec, Usage(input_tokens=3000)) == pytest.approx(0.027)


def test_an_override_wins_over_the_table() -> None:
    spec = row(f"price_provider = 'openai'\n{PRICE}")
    assert cost(spec, Usage(input_tokens=1_000_000)) == pytest.approx(4)


def test_the_table_prices_a_preset_with_its_cache() -> None:
    spec = default_lineup().get("claude-opus")
    # 4 / 20 USD, cache read 0.20, cache write 5.00: sdk price table of 2026-11
    assert cost(spec, USAGE) == pytest.approx(0.5 * 4 + 0.4 * 0.2 + 0.1 * 5 + 0.1 * 20)


@pytest.mark.parametrize("name", ["qwen3-coder-plus", "starcoder2-15b", "qwen2_5-coder"])
def test_an_unknown_price_is_none(name: str) -> None:
    assert cost(default_lineup().get(name), USAGE) is None


def test_a_model_that_the_table_does_not_list_is_none() -> None:
    assert cost(row("price_provider = 'mistral'"), USAGE) is None
    assert cost(row("price_provider = 'no-such-provider'"), USAGE) is None


def test_contradicting_counts_of_an_endpoint_are_none() -> None:
    spec = default_lineup().get("claude-opus")
    assert cost(spec, Usage(input_tokens=10, cache_read_tokens=500)) is None


def test_unknown_usage_costs_an_unknown_amount() -> None:
    assert cost(row(PRICE), None) is None


@pytest.mark.parametrize("spec", [s for s in default_lineup() if s.price_provider], ids=lambda s: s.name)
def test_each_preset_with_a_provider_is_in_the_table(spec: ModelSpec) -> None:
    price = cost(spec, Usage(input_tokens=1000, output_tokens=1000))
    assert price is not None
    assert price > 0
