"""What answers to a probe say, whatever their shape."""

from __future__ import annotations

import pytest

from agents.probe import questions
from agents.probe.choice import described
from agents.probe.reading import (
    Heard,
    heard,
    limit_found,
    listed,
    same_model,
    served_window,
    sizes_of_entry,
    sizes_of_refusal,
    stop_found,
    tools_found,
    was_cut,
)
from agents.probe.reading import (
    follows as told,
)
from agents.probe.record import Found, Probe, rows
from config.models import FimRoute, default_lineup


@pytest.mark.parametrize(
    "body",
    [None, "text", [], {}, {"choices": []}, {"choices": "x"}, {"choices": [3]}, {"content": [3]}, {"usage": [1]},
     {"choices": [{"message": {"content": 3, "tool_calls": "x"}, "text": 4, "finish_reason": 5}]},
     {"usage": {"prompt_tokens": "9", "completion_tokens": True}, "model": 3}],
)  # fmt: skip
def test_nonsense_says_nothing(body: object) -> None:
    said = heard(body)
    assert (said.text, said.finish, said.model, said.input_tokens, said.output_tokens) == ("", "", "", 0, 0)
    assert not any(said.calls)


def test_messages_count_their_cached_tokens_too() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "tool_use", "name": "note"}]
    usage = {"input_tokens": 1, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 3, "output_tokens": 4}
    said = heard({"content": blocks, "stop_reason": "tool_use", "model": "c", "usage": usage})
    assert said == Heard(
        text="a", calls=("note",), finish="tool_use", model="c", usage_fields=tuple(sorted(usage)), input_tokens=6,
        output_tokens=4,
    )  # fmt: skip


def test_a_models_entry_is_found_in_the_list_or_missed() -> None:
    assert listed({"data": [{"id": "a"}, "x", {"id": "b", "n": 1}]}, "b") == {"id": "b", "n": 1}
    assert listed({"data": []}, "b") == {}
    assert listed({"models": []}, "b") is None


@pytest.mark.parametrize(
    ("entry", "sizes"),
    [
        ({"max_model_len": 4096}, (4096, 0)),
        ({"max_context_length": 32768}, (32768, 0)),
        ({"meta": {"n_ctx": 2048, "n_ctx_train": 16384}}, (2048, 0)),
        ({"context_length": 9, "top_provider": {"max_completion_tokens": 5}}, (9, 5)),
        ({"max_input_tokens": 9, "max_tokens": 5}, (9, 5)),
        ({"max_model_len": "4096", "max_tokens": -1}, (0, 0)),
    ],
)
def test_sizes_come_under_many_names(entry: dict[str, object], sizes: tuple[int, int]) -> None:
    assert sizes_of_entry(entry) == sizes


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("This model's maximum context length is 16384 tokens. However, you requested 10000010 tokens", (16384, 0)),
        ("the request exceeds the available context size (4096 tokens)", (4096, 0)),
        ("`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9", (4096, 0)),
        ("Prompt contains 9 tokens, too large for model with 131,072 maximum context length", (131072, 0)),
        ("max_tokens is too large: 10000000. This model supports at most 128,000 completion tokens", (0, 128000)),
        ("max_tokens: 10000000 > 64000, which is the maximum allowed number of output tokens", (0, 64000)),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", (0, 8192)),
        ("max_tokens must be less than or equal to 4096", (0, 4096)),
        ("no", (0, 0)),
    ],
)
def test_refusals_name_the_sizes(text: str, sizes: tuple[int, int]) -> None:
    assert sizes_of_refusal(text) == sizes


def test_tools_count_when_the_one_that_was_offered_is_called() -> None:
    assert tools_found(Heard(calls=("note", "note")), "note") == (Found.YES, Found.YES)
    assert tools_found(Heard(calls=("note",)), "note") == (Found.YES, Found.NO)
    assert tools_found(Heard(calls=("other",)), "note") == (Found.NO, Found.NO)


def test_stop_words_limits_and_cuts_are_judged_by_what_was_written() -> None:
    assert stop_found("alpha ", "alpha", "bravo", "charlie") is Found.YES
    assert stop_found("alpha bravo", "alpha", "bravo", "charlie") is Found.NO
    assert stop_found("alpha charlie", "alpha", "bravo", "charlie") is Found.NO
    assert stop_found("I cannot", "alpha", "bravo", "charlie") is Found.UNKNOWN
    assert limit_found(Heard(finish="length", output_tokens=16), 16) is Found.YES
    assert limit_found(Heard(finish="max_tokens", output_tokens=400), 16) is Found.NO
    assert limit_found(Heard(finish="stop", output_tokens=400), 16) is Found.NO
    assert limit_found(Heard(finish="stop", text="x" * 999), 16) is Found.NO
    assert limit_found(Heard(finish="stop", output_tokens=3), 16) is Found.UNKNOWN
    assert was_cut(Heard(input_tokens=100), 1000, 50) is Found.YES
    assert was_cut(Heard(input_tokens=940), 1000, 50) is Found.YES
    assert was_cut(Heard(input_tokens=990), 1000, 50) is Found.NO
    assert was_cut(Heard(), 1000, 50) is Found.UNKNOWN


@pytest.mark.parametrize(
    ("text", "finish", "follows"),
    [
        ("ready", "stop", Found.YES),
        ("Ready!", "eos_token", Found.YES),
        ("Sure! Here is my answer: **ready**", "end_turn", Found.YES),
        ("<think>\nThey want ready. Is it ready?\n</think>\n\nready", "stop", Found.YES),
        ("Okay, so the user wants ready.\n</think>\n\nready", "stop", Found.YES),
        ("<think>\nThey want", "length", Found.UNKNOWN),
        ("", "length", Found.UNKNOWN),
        ("", "stop", Found.NO),
        ("ready ready ready", "stop", Found.NO),
        ("ready", "length", Found.NO),
        (f"\n{questions.HELLO}", "stop", Found.NO),
        ("ready() is called when the page is, and the handlers run", "stop", Found.NO),
        ("def hello():", "stop", Found.NO),
    ],
)
def test_an_instruction_is_followed_by_the_word_and_little_else(text: str, finish: str, follows: Found) -> None:
    assert told(Heard(text=text, finish=finish), questions.HELLO, (questions.READY,)) is follows


def test_thinking_that_only_the_total_has_is_output() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 811}
    assert heard({"choices": [], "usage": usage}).output_tokens == 801


def test_words_that_are_to_be_repeated_keep_their_order() -> None:
    for text, follows in (("Alpha, bravo, charlie.", Found.YES), ("bravo alpha charlie", Found.NO)):
        assert told(Heard(text=text, finish="stop"), questions.SPELL, questions.SPELLED) is follows


@pytest.mark.parametrize(
    ("body", "window"),
    [
        ({"default_generation_settings": {"n_ctx": 4096}, "total_slots": 4}, 4096),
        ({"models": [{"name": "other:7b", "context_length": 9}, {"name": "coder:7b", "context_length": 16384}]}, 16384),
        ({"models": [{"name": "coder:7b"}]}, 0),
        ({"max_total_tokens": 8192, "max_input_tokens": 8191}, 8192),
        ({"models": 3, "default_generation_settings": []}, 0),
        ("<html>", 0),
    ],
)
def test_servers_say_their_window_on_routes_of_their_own(body: object, window: int) -> None:
    assert served_window(body, "coder:7b") == window


def test_ollama_calls_an_untagged_model_the_latest() -> None:
    assert served_window({"models": [{"name": "coder:latest", "context_length": 9}]}, "coder") == 9


@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        ("gpt-6-luna", "gpt-6-luna-2026-09-01", True),
        ("codestral-latest", "codestral-2508", True),
        ("bigcode/starcoder2-15b", "starcoder2-15b", True),
        ("starcoder2:15b", "starcoder2:15b", True),
        ("starcoder2-15b", "/models/starcoder2-15b.gguf", True),
        ("gemini-3.1-pro-preview", "gemini-3.1-pro", True),
        ("anything", "", True),
        ("claude-opus-5-5", "claude-haiku-5-5", False),
        ("coder-7b", "tiny-1b", False),
    ],
)
def test_a_name_may_be_answered_with_its_version_but_not_with_another(asked: str, answered: str, same: bool) -> None:
    assert same_model(asked, answered) is same


def test_long_prompts_go_over_a_small_window_and_stay_small_for_a_large_one_that_costs() -> None:
    for free in (True, False):
        assert questions.words_for(4096, is_free=free) == 4096 + questions.OVER
    assert questions.words_for(64_000, is_free=False) == questions.LONG
    assert questions.words_for(64_000, is_free=True) == 64_000 + questions.OVER
    assert questions.words_for(1_000_000, is_free=True) == questions.LARGE_FREE_WINDOW + questions.OVER
    assert len(questions.long_text(5).split()) == 5


def test_ways_are_told_in_a_few_words() -> None:
    lineup = default_lineup()
    assert described(lineup.get("gpt")) == "loop, tools"
    assert described(lineup.get("qwen2_5-coder")) == "loop, text"
    assert described(lineup.get("codellama-70b")) == "single_shot, completions"


def test_gaps_are_told_by_route_or_tokens() -> None:
    from datetime import UTC, datetime

    plain = Probe(endpoint="e", model_id="m", at=datetime(2026, 1, 1, tzinfo=UTC))
    assert dict(rows(plain.model_copy(update={"fim": FimRoute.SUFFIX})))["fills gaps"] == "yes (suffix)"
    assert dict(rows(plain.model_copy(update={"fim_tokens": Found.YES})))["fills gaps"] == "by the model's tokens"
    missed = dict(rows(plain.model_copy(update={"unanswered": ("fim", "tokenizer")})))
    assert missed["fills gaps"] == missed["counts tokens"] == "unknown"


def test_what_got_no_answer_is_what_an_earlier_probe_knew() -> None:
    from datetime import UTC, datetime

    known = Probe(
        endpoint="e", model_id="m", at=datetime(2026, 1, 1, tzinfo=UTC), reachable=Found.YES, chat=Found.YES,
        tools=Found.YES, window=4096, unanswered=("fim",),
    )  # fmt: skip
    now = known.model_copy(update={"tools": Found.UNKNOWN, "window": 0, "unanswered": ("tools", "fim")})
    whole = now.over(known)
    assert (whole.tools, whole.window, whole.unanswered) == (Found.YES, 0, ("fim",))
    assert now.over(known.model_copy(update={"chat": Found.NO})) == now
