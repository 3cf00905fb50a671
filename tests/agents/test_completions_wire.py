"""Plain completions and gaps: what is asked, and what answers mean."""

from __future__ import annotations

from typing import Any

import pytest

from agents.errors import IncompleteReply
from agents.models.completions_wire import (
    MOST_STOPS,
    Gap,
    Reading,
    gap_route,
    llama_cpp_answer,
    llama_cpp_request,
    mistral_answer,
    mistral_request,
    request,
)
from agents.types import StopReason, Usage
from config.models import ModelSpec, load

TOKENS = 'fim = { route = "tokens", prefix = "<P>", suffix = "<S>", middle = "<M>", stop = ["<E>"] }'
SUFFIX = 'fim = { route = "suffix" }'
COUNTS = {"prompt_tokens": 7, "completion_tokens": 2}


def spec(extra: str = "") -> ModelSpec:
    return load(
        f"""
        [models.base]
        adapter = "openai"
        endpoint = "http://127.0.0.1:1/v1"
        model_id = "m"
        window = 4096
        output_limit = 512
        {extra}
        """
    ).get("base")


def test_a_continuation_is_asked_with_its_limit_stops_and_temperature() -> None:
    asked = request(spec(), Gap(before="x\ud800"), max_tokens=9, stop=list("abcdef"), temperature=0.5)
    assert asked["prompt"] == "x?"
    assert (asked["max_tokens"], asked["stop"], asked["temperature"]) == (9, list("abcdef")[:MOST_STOPS], 0.5)
    assert asked["stream_options"] == {"include_usage": True}
    bare = request(spec("reports_usage = false"), Gap(before="x"), max_tokens=9)
    assert set(bare) == {"model", "prompt", "max_tokens", "stream"}


def test_a_gap_goes_by_the_models_tokens_or_by_a_suffix() -> None:
    gap = Gap(before="a", after="b")
    by_tokens = request(spec(TOKENS), gap, max_tokens=9, stop=["z"])
    assert (by_tokens["prompt"], by_tokens["stop"]) == ("<P>a<S>b<M>", ["<E>", "z"])
    assert "suffix" not in by_tokens
    by_suffix = request(spec(SUFFIX), gap, max_tokens=9)
    assert (by_suffix["prompt"], by_suffix["suffix"]) == ("a", "b")
    with pytest.raises(ValueError, match="fills no gaps"):
        gap_route(spec())


def test_vendors_own_routes_have_their_own_fields() -> None:
    gap = Gap(before="a", after="b")
    assert mistral_request(spec(), gap, max_tokens=9) == {
        "model": "m", "prompt": "a", "suffix": "b", "max_tokens": 9
    }  # fmt: skip
    assert mistral_request(spec(), gap, max_tokens=9, stop=["s"])["stop"] == ["s"]
    asked = llama_cpp_request(gap, max_tokens=9)
    assert (asked["input_prefix"], asked["input_suffix"], asked["n_predict"]) == ("a", "b", 9)
    assert llama_cpp_request(gap, max_tokens=9, stop=["s"])["stop"] == ["s"]


def piece(text: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "finish_reason": finish}], "model": "real", **more}


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("stop", StopReason.END),
        ("length", StopReason.LENGTH),
        ("model_length", StopReason.LENGTH),
        ("content_filter", StopReason.REFUSED),
    ],
)
def test_chunks_become_a_text(finish: str, stop: StopReason) -> None:
    reading = Reading("m")
    reading.take(piece("ab"))
    reading.take({"choices": [{"index": 1, "text": "other", "finish_reason": "stop"}]})
    reading.take(piece("c", finish))
    reading.take({"choices": [], "usage": COUNTS})
    written = reading.written(usage=True)
    assert (written.text, written.stop, written.model) == ("abc", stop, "real")
    assert written.usage == Usage(input_tokens=7, output_tokens=2)
    assert written.message.text == "abc"


@pytest.mark.parametrize("word", ["error", "abort", "insufficient_system_resource"])
def test_a_text_that_its_server_gave_up_is_incomplete(word: str) -> None:
    reading = Reading("m")
    reading.take(piece("ab", word, usage=COUNTS))
    with pytest.raises(IncompleteReply, match=word):
        reading.written(usage=True)
    body = {"choices": [{"message": {"content": "ab"}, "finish_reason": word}], "usage": COUNTS}
    with pytest.raises(IncompleteReply, match=word):
        mistral_answer("m", body)


def test_a_stream_without_its_end_or_its_counts_is_incomplete() -> None:
    reading = Reading("m")
    reading.take(piece("ab"))
    with pytest.raises(IncompleteReply, match="ended before"):
        reading.written(usage=False)
    reading.take(piece("c", "stop"))
    with pytest.raises(IncompleteReply, match="reports_usage"):
        reading.written(usage=True)
    assert reading.written(usage=False).usage is None
    reading.take({"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0}})
    assert reading.written(usage=True).usage is None, "counts of nothing are no counts"


def test_mistrals_answer_is_a_chats() -> None:
    body = {"model": "c", "choices": [{"message": {"content": "x"}, "finish_reason": "length"}], "usage": COUNTS}
    written = mistral_answer("m", body)
    assert (written.text, written.stop, written.model) == ("x", StopReason.LENGTH, "c")
    nothing = {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}
    assert mistral_answer("m", nothing).text == ""
    for broken in ({}, "x", {"choices": []}, {"choices": [{"message": {"content": "x"}}]}):
        with pytest.raises(IncompleteReply):
            mistral_answer("m", broken)


def test_llama_cpps_answer_has_its_own_counts_and_says_when_it_cut() -> None:
    whole = llama_cpp_answer("m", {"content": "x", "tokens_evaluated": 7, "tokens_predicted": 2, "stop_type": "eos"})
    assert (whole.stop, whole.usage) == (StopReason.END, Usage(input_tokens=7, output_tokens=2))
    assert llama_cpp_answer("m", {"content": "x", "stop_type": "limit"}).stop is StopReason.LENGTH
    old = llama_cpp_answer("m", {"content": "x", "stopped_limit": True})
    assert (old.stop, old.usage) == (StopReason.LENGTH, None)
    with pytest.raises(IncompleteReply, match="cut the prompt"):
        llama_cpp_answer("m", {"content": "x", "truncated": True})
    with pytest.raises(IncompleteReply, match="no infill"):
        llama_cpp_answer("m", {"text": "x"})
