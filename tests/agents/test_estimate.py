"""Tokens: estimated on the high side, calibrated by reports, asked of tokenizers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.models import tokenizers
from agents.models.estimate import LOWEST, MARGIN, REMEMBERED, Calibration, structural
from config.models import TokenizerRoute
from tests.support.vendors import tokens

CODE = "def total(prices):\n    return sum(prices) * 100 // 3\n" * 30


@given(st.text())
def test_the_estimate_is_never_below_a_dense_tokenizer_and_never_above_the_bytes(text: str) -> None:
    assert tokens(text) <= structural(text) <= max(len(text.encode("utf-8", "replace")), structural(text))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("word", 2),
        ("12", 2),
        ("\n\n", 2),
        ("     ", 2),
        ("é", 2),
        ("HTTPServer", 4),
        ("ABCDe", 3),
        ("wordéWord", 6),
    ],
)
def test_pieces_are_counted_by_their_kind(text: str, count: int) -> None:
    assert structural(text) == count


def test_without_reports_the_structure_counts() -> None:
    assert Calibration().tokens(CODE) == structural(CODE)


def test_reports_lower_the_estimate_with_a_margin_and_no_further_than_is_believed() -> None:
    calibration = Calibration()
    calibration.learn(CODE, int(structural(CODE) * 0.6))
    assert calibration.factor == pytest.approx(0.6 * MARGIN, rel=0.01)
    for _ in range(REMEMBERED):
        calibration.learn(CODE, 1)
    assert calibration.factor == LOWEST


def test_the_worst_of_the_last_reports_counts_and_raises_the_estimate_at_once() -> None:
    calibration = Calibration()
    calibration.learn(CODE, int(structural(CODE) * 0.5))
    calibration.learn(CODE, int(structural(CODE) * 1.5))
    assert calibration.factor == pytest.approx(1.5 * MARGIN, rel=0.01)


def test_reports_of_nothing_and_of_little_are_ignored() -> None:
    calibration = Calibration()
    calibration.learn(CODE, 0)
    calibration.learn("short", 40)
    assert calibration.factor == 1.0


def test_a_refusal_raises_the_estimate_and_keeps_it_up() -> None:
    calibration = Calibration()
    calibration.overflowed()
    assert calibration.factor == 1.25
    calibration.learn(CODE, int(structural(CODE) * 0.5))
    assert calibration.factor == 1.25


@pytest.mark.parametrize("route", [route for route in TokenizerRoute if route is not TokenizerRoute.NONE])
def test_each_tokenizer_answers_in_its_own_form_only(route: TokenizerRoute) -> None:
    bodies: dict[TokenizerRoute, object] = {
        TokenizerRoute.VLLM: {"count": 3, "tokens": [1, 2, 3], "max_model_len": 9},
        TokenizerRoute.LLAMA_CPP: {"tokens": [1, 2, 3]},
        TokenizerRoute.TGI: [{"id": 1}, {"id": 2}, {"id": 3}],
        TokenizerRoute.ANTHROPIC: {"input_tokens": 3},
    }
    asked = tokenizers.question(route, "m", "some text")
    assert asked is not None
    assert "some text" in str(asked.body)
    for other, body in bodies.items():
        assert tokenizers.answer(route, body) == (3 if other is route else None)
    assert tokenizers.answer(route, "nonsense") is None


def test_no_tokenizer_asks_nothing() -> None:
    assert tokenizers.question(TokenizerRoute.NONE, "m", "x") is None
