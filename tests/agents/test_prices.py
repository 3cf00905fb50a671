"""What a call costs, and that unknown is never 0."""

from __future__ import annotations

import pytest

from agents.models.prices import cost, worst_cost
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


@pytest.mark.parametrize("spec", [row(PRICE), default_lineup().get("claude-opus")], ids=["override", "table"])
@pytest.mark.parametrize(
    "usage",
    [
        Usage(output_tokens=5),
        Usage(input_tokens=9, output_tokens=-1),
        Usage(input_tokens=9, cache_read_tokens=-9),
        Usage(input_tokens=10**400),
    ],
    ids=["no prompt", "answer below zero", "cache below zero", "beyond all bounds"],
)
def test_counts_that_no_call_can_have_are_an_unknown_cost(spec: ModelSpec, usage: Usage) -> None:
    assert cost(spec, usage) is None


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


# --- tiers by the length of the whole prompt: the shipped table's numbers of 2026-11 -----------------------------


@pytest.mark.parametrize(
    ("name", "above", "low", "high"),
    [("claude-haiku", 100_000, (0.1, 0.5), (0.5, 2.5)), ("gemini-pro", 200_000, (2.0, 12.0), (4.0, 18.0))],
)
def test_a_presets_tier_holds_for_the_whole_call_above_its_length(
    name: str, above: int, low: tuple[float, float], high: tuple[float, float]
) -> None:
    spec = default_lineup().get(name)

    def of(prompt: int) -> float:
        found = cost(spec, Usage(input_tokens=prompt, output_tokens=1_000))
        assert found is not None
        return found

    assert of(above) == pytest.approx((above * low[0] + 1_000 * low[1]) / 1e6)
    assert of(above + 1) == pytest.approx(((above + 1) * high[0] + 1_000 * high[1]) / 1e6)


def test_what_came_from_the_cache_is_in_the_length_that_decides_the_tier() -> None:
    spec = default_lineup().get("claude-haiku")
    cached = Usage(input_tokens=150_000, cache_read_tokens=149_000, output_tokens=0)
    assert cost(spec, cached) == pytest.approx((1_000 * 0.5 + 149_000 * 0.05) / 1e6)


def test_thinking_is_paid_as_output_once() -> None:
    spec = default_lineup().get("gemini-pro")
    thought = Usage(input_tokens=1_000, output_tokens=500, reasoning_tokens=400)
    assert cost(spec, thought) == cost(spec, Usage(input_tokens=1_000, output_tokens=500))


# --- the worst case ----------------------------------------------------------------------------------------------


def test_the_worst_case_is_a_prompt_that_is_written_to_the_cache_at_its_tier() -> None:
    opus = default_lineup().get("claude-opus")
    assert worst_cost(opus, 100_000, 1_000) == pytest.approx((100_000 * 5 + 1_000 * 20) / 1e6)
    haiku = default_lineup().get("claude-haiku")
    assert worst_cost(haiku, 100_001, 1_000) == pytest.approx((100_001 * 0.625 + 1_000 * 2.5) / 1e6)


@pytest.mark.parametrize("spec", [s for s in default_lineup() if s.price_provider or s.price], ids=lambda s: s.name)
def test_no_call_costs_more_than_its_worst_case(spec: ModelSpec) -> None:
    for prompt in (100, 99_999, 150_001, 250_000, 300_000):
        worst = worst_cost(spec, prompt, 2_000)
        assert worst is not None
        for read, written in ((0, 0), (prompt, 0), (0, prompt), (prompt // 2, prompt // 3)):
            for output in (0, 1_999, 2_000):
                usage = Usage(
                    input_tokens=prompt, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written
                )
                real = cost(spec, usage)
                assert real is not None
                assert real <= worst + 1e-12


def test_the_worst_case_of_a_given_price_looks_at_lower_tiers_too() -> None:
    cheaper = "[[models.m.price.tiers]]\nabove = 1000\ninput = 1\noutput = 1\n"
    spec = row(f"{PRICE}cache_write = 5\n{cheaper}")
    assert worst_cost(spec, 1_000, 100) == pytest.approx((1_000 * 5 + 100 * 20) / 1e6)
    assert worst_cost(spec, 1_001, 100) == pytest.approx((1_000 * 5 + 100 * 20) / 1e6)
    assert worst_cost(spec, 9_000, 0) == pytest.approx(9_000 / 1e6)


def test_the_worst_case_of_an_unknown_price_is_unknown() -> None:
    assert worst_cost(default_lineup().get("qwen3-coder-plus"), 10, 10) is None
