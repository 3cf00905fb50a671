"""What a call is sent of the steps before it, and when a history is condensed. On the wire: test_long_runs.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import history, loop
from agents.errors import ContextOverflow
from agents.history import LEFT_OUT, Room, sent, size
from agents.models.estimate import structural
from agents.types import (
    AttemptLimits,
    Condensation,
    Ending,
    Message,
    Reasoning,
    Reply,
    Role,
    Step,
    Task,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.support.agent_world import MemoryEnvironment, MemoryRecorder, ScriptedModel, calling

OPENING = (
    Message(role=Role.SYSTEM, parts=(Text(text="You repair."),)),
    Message(role=Role.USER, parts=(Text(text="The area is wrong."),)),
)
LINE = "a line of some code that is read\n"


def step(index: int, result: str, *, usage: int = 0, condensed: Condensation | None = None, thought: str = "") -> Step:
    thinking = (Reasoning(text=thought, bound=True), Reasoning(text="kept")) if thought else ()
    call = ToolCall(id=f"c{index}", name="read", arguments={"path": f"f{index}.py"})
    said = Message(role=Role.ASSISTANT, parts=(*thinking, Text(text="I go on."), call))
    told = Message(role=Role.USER, parts=(ToolResult(call_id=call.id, text=result), Text(text="(A note.)")))
    return Step(
        index=index,
        messages=(*(OPENING if index == 0 else ()), said, told),
        usage=Usage(input_tokens=usage, output_tokens=10),
        note=f"read f{index}.py",
        condensed=condensed or Condensation(),
    )


def fitting(steps: Sequence[Step], added: Sequence[Message], room: Room, overhead: int) -> Condensation | None:
    fit = history.fitting(steps, added, room, overhead)
    if fit is None:
        return None
    closely = size(steps, added, fit.condensed, overhead, enough=0)
    assert closely <= fit.tokens <= room.most, "what is told is no less than what it has"
    return fit.condensed


def text_of(messages: Sequence[Message]) -> str:
    return "\n".join(history.text_of(part) for message in messages for part in message.parts)


def test_all_of_it_is_sent_while_it_fits() -> None:
    steps = [step(n, "short") for n in range(5)]
    assert sent(steps, Condensation()) == [message for one in steps for message in one.messages]
    assert fitting(steps, (), Room.of(100_000, 4_000), 500) == Condensation()
    assert fitting([], OPENING, Room.of(100_000, 4_000), 500) == Condensation()


def test_results_are_left_out_first_and_calls_and_words_stay() -> None:
    steps = [step(n, f"f{n}.py, lines 1 to 200:\n" + LINE * 100) for n in range(12)]
    room = Room.of(28_000, 4_000)
    chosen = fitting(steps, (), room, 500)
    assert chosen == Condensation(results=8)
    messages = sent(steps, chosen)
    assert len(messages) == 2 + 2 * 12
    results = [part for message in messages for part in message.parts if isinstance(part, ToolResult)]
    assert [LEFT_OUT in result.text for result in results] == [True] * 8 + [False] * 4
    assert results[0].text.startswith("f0.py, lines 1 to 200:\n")
    assert text_of(messages).count("I go on.") == 12
    assert structural(text_of(messages)) < structural(text_of(sent(steps, Condensation()))) / 2


def test_short_results_are_not_replaced_by_longer_words() -> None:
    steps = [step(0, "ok"), step(1, "ok")]
    assert LEFT_OUT not in text_of(sent(steps, Condensation(results=1)))


def test_where_results_are_not_enough_old_turns_become_a_record() -> None:
    # Long words of its own, which no result holds.
    steps = [replace(step(n, "ok"), messages=(*step(n, "ok").messages[:-1], _told(n, LINE * 300))) for n in range(12)]
    chosen = fitting(steps, (), Room.of(24_000, 4_000), 500)
    assert chosen is not None
    assert 0 < chosen.turns < 12
    messages = sent(steps, chosen)
    assert messages[0] == OPENING[0]
    assert messages[1].parts[0] == OPENING[1].parts[0], "the opening stays as it is"
    record = messages[1].parts[1]
    assert isinstance(record, Text)
    assert "read f0.py" in record.text
    assert f"read f{chosen.turns}.py" not in record.text
    assert "c0" not in [call.id for message in messages for call in message.tool_calls]


def _told(index: int, words: str) -> Message:
    return Message(role=Role.USER, parts=(ToolResult(call_id=f"c{index}", text="ok"), Text(text=words)))


def test_a_long_record_names_the_last_turns_and_counts_the_others() -> None:
    steps = [step(n, "ok") for n in range(80)]
    record = text_of(sent(steps, Condensation(turns=70, results=78))[1:2])
    assert "(10 earlier turns)" in record
    assert "read f9.py" not in record
    assert "read f69.py" in record


def test_thinking_that_is_bound_to_what_was_before_it_goes_when_that_changes() -> None:
    first = [step(n, LINE * 100, thought=f"thought {n}") for n in range(6)]
    now = Condensation(results=4)
    assert "thought 3" in text_of(sent(first, Condensation()))
    assert "thought" not in text_of(sent(first, now))
    assert text_of(sent(first, now)).count("kept") == 6
    later = [*first, *(step(n, "ok", thought=f"thought {n}", condensed=now) for n in (6, 7))]
    told = text_of(sent(later, now))
    assert "thought 5" not in told
    assert "thought 6" in told, "what was thought behind the condensed history stays behind it"


def test_what_is_condensed_stays_so() -> None:
    steps = [step(n, LINE * 200) for n in range(12)]
    room = Room.of(30_000, 4_000)
    chosen = fitting(steps, (), room, 500)
    assert chosen is not None
    steps.append(step(12, LINE * 20, condensed=chosen))
    assert fitting(steps, (), room, 500) == chosen
    before = sent(steps[:-1], chosen)
    assert sent(steps, chosen)[: len(before)] == before, "the next call extends the condensed one"


def test_a_second_condensation_goes_further_and_never_back() -> None:
    room = Room.of(24_000, 4_000)
    steps: list[Step] = []
    seen: list[Condensation] = []
    for n in range(60):
        steps.append(step(n, LINE * 150, condensed=seen[-1] if seen else Condensation()))
        chosen = fitting(steps, (), room, 500)
        assert chosen is not None
        assert size(steps, (), chosen, 500, enough=0) <= room.most
        if seen and chosen != seen[-1]:
            assert size(steps, (), chosen, 500, enough=0) <= room.high * 2 // 3, "by a large share each time"
        if seen:
            assert chosen.turns >= seen[-1].turns
            assert chosen.results >= seen[-1].results
        seen.append(chosen)
    assert len(set(seen)) > 2


@pytest.mark.parametrize("window", [16_384, 32_768, 128_000])
@pytest.mark.parametrize("reply", [4_000, 32_000, 64_000])
def test_a_long_reply_is_not_cut_for_bytes_that_are_no_tokens(window: int, reply: int) -> None:
    """A prompt that may leave too little for it is measured closely, before the reply is made shorter."""
    steps = [step(n, LINE * 30) for n in range(8)]
    fit = history.fitting(steps, (), Room.of(window, reply), 500)
    assert fit is not None
    closely = size(steps, (), fit.condensed, 500, enough=0)
    assert fit.tokens == closely or fit.tokens + reply <= window


def test_a_conversation_that_fits_in_no_way_is_told_so() -> None:
    huge = [step(0, LINE * 20), step(1, LINE * 5_000)]
    assert fitting(huge, (), Room.of(24_000, 4_000), 500) is None
    opening = Message(role=Role.USER, parts=(Text(text=LINE * 5_000),))
    assert fitting([], (opening,), Room.of(24_000, 4_000), 500) is None


# --- how long it is ----------------------------------------------------------------------------------------------


def test_the_endpoints_own_count_is_believed_where_it_can_be() -> None:
    steps = [step(0, LINE * 400), step(1, LINE * 400)]
    guessed = size(steps, (), Condensation(), 500, enough=0)
    counted = [*steps[:-1], replace(steps[-1], usage=Usage(input_tokens=3_000, output_tokens=50))]
    assert size(counted, (), Condensation(), 500, enough=0) < guessed
    absurd = [*steps[:-1], replace(steps[-1], usage=Usage(input_tokens=3, output_tokens=50))]
    assert size(absurd, (), Condensation(), 500, enough=0) > 5_000, "a report that cannot be is no reason to overflow"


def test_no_text_is_longer_than_its_bytes_and_short_ones_are_not_looked_at_closely() -> None:
    steps = [step(0, "漢字" * 100)]
    most = size(steps, (), Condensation(), 0, enough=10_000)
    assert most >= 600
    assert size(steps, (), Condensation(), 0, enough=0) <= most


def test_one_turns_results_are_cut_to_the_room_they_have() -> None:
    texts = ["a" * 10, LINE * 1_000, LINE * 10]
    kept = history.cut(texts, 2_000, lambda text, most: text[:most])
    assert sum(structural(text) for text in kept) <= 2_000
    assert kept[0] == texts[0]
    assert history.cut(["short"], 2_000, lambda text, most: text[:most]) == ["short"]
    assert history.cut([], 2_000, lambda text, most: text[:most]) == []


# --- whatever the steps ------------------------------------------------------------------------------------------

LENGTHS = st.lists(st.integers(0, 400), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(lengths=LENGTHS, window=st.integers(16_000, 60_000))
def test_every_call_fits_with_whole_pairs_and_the_opening(lengths: list[int], window: int) -> None:
    room, steps, now = Room.of(window, 4_000), list[Step](), Condensation()
    for n, length in enumerate(lengths):
        text = history.cut([LINE * length], window // 8, lambda text, most: text[:most])[0]
        steps.append(step(n, text, condensed=now, thought=f"thought {n}"))
        chosen = fitting(steps, (), room, 500)
        assert chosen is not None
        messages = sent(steps, chosen)
        assert messages[0] == OPENING[0]
        assert messages[1].parts[0] == OPENING[1].parts[0]
        asked = [call.id for message in messages for call in message.tool_calls]
        given_ = [part.call_id for m in messages for part in m.parts if isinstance(part, ToolResult)]
        assert asked == given_
        assert [m.role for m in messages[2:]] == [Role.ASSISTANT, Role.USER] * (len(messages) // 2 - 1)
        assert steps[-1].messages[-1] == messages[-1], "what the model has not seen yet is whole"
        assert structural(text_of(messages)) <= window
        if chosen == now:
            before = sent(steps[:-1], now)
            assert messages[: len(before)] == before or n == 0
        now = chosen


# --- in the loop -------------------------------------------------------------------------------------------------

TASK = Task(id="t-1", repository="o/r", base_commit="0" * 40, title="The area is wrong", body="2 by 3 gives 5.")
FILES = {"large.py": (LINE * 3_000).encode()}
LIMITS = AttemptLimits()


def reading(turn: int) -> tuple[str, dict[str, object]]:
    return "read", {"path": "large.py", "first_line": turn * 50 + 1, "last_line": turn * 50 + 120}


def script(turns: int) -> list[Reply]:
    return [*(calling(reading(turn), turn=turn) for turn in range(turns)), _giving_up(turns)]


def _giving_up(turn: int) -> Reply:
    return calling(("cannot_reproduce", {"reason": "x"}), turn=turn)


@pytest.mark.parametrize("stored", [3, 14, 15, 20, 29])
def test_after_a_restart_the_conversation_is_the_same_condensed_or_not(stored: int) -> None:
    whole, recorder = ScriptedModel([*script(30)], window=32_000), MemoryRecorder()
    attempt = loop.solve(TASK, MemoryEnvironment(FILES), whole, LIMITS, recorder)
    assert attempt.ending is Ending.CANNOT_REPRODUCE
    assert recorder.kept[-1].condensed != Condensation()
    later = ScriptedModel([*script(30)[stored:]], window=32_000)
    loop.solve(TASK, MemoryEnvironment(FILES), later, LIMITS, MemoryRecorder(kept=recorder.kept[:stored]))
    assert later.heard == whole.heard[stored:]


def test_a_reply_is_asked_for_only_as_long_as_the_window_has_room() -> None:
    def honest(said: Reply) -> Callable[[Sequence[Message]], Reply]:
        return lambda heard: replace(said, usage=Usage(input_tokens=structural(text_of(heard)), output_tokens=100))

    model = ScriptedModel([honest(said) for said in script(30)], window=32_000)
    loop.solve(TASK, MemoryEnvironment(FILES), model, LIMITS, MemoryRecorder())
    for heard, most in zip(model.heard, model.asked, strict=True):
        assert structural(text_of(heard)) + most <= 32_000 or most == history.SMALLEST_REPLY


def test_an_endpoint_that_says_it_does_not_fit_is_asked_again_with_less() -> None:
    refused = ContextOverflow("at most 8,000 tokens")
    model = ScriptedModel([*script(12)[:-1], refused, _giving_up(12)])
    recorder = MemoryRecorder()
    attempt = loop.solve(TASK, MemoryEnvironment(FILES), model, LIMITS, recorder)
    assert attempt.ending is Ending.CANNOT_REPRODUCE
    assert len(text_of(model.heard[-1])) < len(text_of(model.heard[-2]))
    assert recorder.kept[-1].condensed != Condensation()


def test_an_endpoint_that_never_finds_it_short_enough_ends_the_attempt_in_its_words() -> None:
    refused = ContextOverflow("at most 80 tokens")
    model = ScriptedModel([*script(12)[:-1], *[refused] * 9])
    attempt = loop.solve(TASK, MemoryEnvironment(FILES), model, LIMITS, MemoryRecorder())
    assert (attempt.ending, attempt.reason) == (Ending.LIMIT, "at most 80 tokens")
    assert len(model.heard) <= 12 + loop.SQUEEZES + 1


def test_an_opening_that_fits_no_window_is_never_sent() -> None:
    model = ScriptedModel([], window=1_500)
    attempt = loop.solve(TASK, MemoryEnvironment(FILES), model, LIMITS, MemoryRecorder())
    assert (attempt.ending, model.heard) == (Ending.LIMIT, [])
    assert "does not fit into the window of scripted" in attempt.reason


def test_the_results_of_one_turn_leave_room_for_the_next_call() -> None:
    many = calling(*[reading(turn) for turn in range(12)])
    model = ScriptedModel([many, _giving_up(1)], window=24_000)
    recorder = MemoryRecorder()
    attempt = loop.solve(TASK, MemoryEnvironment(FILES), model, LIMITS, recorder)
    assert attempt.ending is Ending.CANNOT_REPRODUCE
    results = [part.text for part in recorder.kept[0].messages[-1].parts if isinstance(part, ToolResult)]
    assert len(results) == 12
    assert all("characters left out" in text for text in results)
    assert sum(structural(text) for text in results) <= 24_000 // loop.SHARE_OF_A_TURN
