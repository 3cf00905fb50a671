"""Trajectories: exact round trips, and a recorder that survives a crash at any byte."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import TrajectoryError
from agents.trajectory import FileRecorder, from_json, from_lines, of_attempt, step_from_plain, step_to_plain, to_json
from agents.types import (
    Attempt,
    Condensation,
    Ending,
    Message,
    Origin,
    Reasoning,
    Role,
    Step,
    Text,
    ToolCall,
    ToolResult,
    Trajectory,
    Usage,
)

TEXT = st.text(st.characters(codec=None), max_size=20)  # lone surrogates included
FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
PARTS = st.one_of(
    st.builds(Text, text=TEXT),
    st.builds(Reasoning, text=TEXT, opaque=OBJECT, bound=st.booleans()),
    st.builds(ToolCall, id=TEXT, name=TEXT, arguments=OBJECT, problem=TEXT),
    st.builds(ToolResult, call_id=TEXT, text=TEXT, is_error=st.booleans()),
)
MESSAGES = st.builds(Message, role=st.sampled_from(Role), parts=st.lists(PARTS, max_size=3).map(tuple))
COUNTS = st.integers(min_value=0)
USAGES = st.builds(
    Usage,
    input_tokens=COUNTS,
    output_tokens=COUNTS,
    cache_read_tokens=COUNTS,
    cache_write_tokens=COUNTS,
    reasoning_tokens=COUNTS,
)
STEPS = st.builds(
    Step,
    index=COUNTS,
    messages=st.lists(MESSAGES, max_size=3).map(tuple),
    usage=USAGES,
    cost_usd=st.none() | FINITE,
    seconds=FINITE,
    diff=TEXT,
    note=TEXT,
    condensed=st.builds(Condensation, turns=COUNTS, results=COUNTS),
)
ENDS = st.fixed_dictionaries({"ending": st.sampled_from(Ending), "reason": TEXT, "summary": TEXT}) | st.just({})
ORIGINS = st.none() | st.builds(Origin, format=TEXT, root=TEXT, rest=JSON)
UNENDED = st.builds(
    Trajectory,
    version=st.just(1),
    task_id=TEXT,
    model=TEXT,
    strategy=TEXT,
    prompt_version=TEXT,
    steps=st.lists(STEPS, max_size=3).map(tuple),
    origin=ORIGINS,
)
TRAJECTORIES = st.builds(lambda run, end: replace(run, **end), UNENDED, ENDS)


@given(TRAJECTORIES)
def test_a_trajectory_comes_back_exactly(trajectory: Trajectory) -> None:
    assert from_json(to_json(trajectory)) == trajectory


@given(STEPS)
def test_a_step_comes_back_exactly_and_its_line_is_one(step: Step) -> None:
    line = json.dumps(step_to_plain(step))
    assert "\n" not in line
    assert step_from_plain(json.loads(line)) == step


def test_an_unknown_cost_stays_unknown() -> None:
    step = Step(index=0, messages=(), cost_usd=None)
    trajectory = Trajectory(task_id="t", model="m", strategy="loop", prompt_version="1", steps=(step,))
    assert from_json(to_json(trajectory)).cost_usd is None


GOOD = json.loads(to_json(Trajectory(task_id="t", model="m", strategy="s", prompt_version="p")))
PLAIN = step_to_plain(Step(index=0, messages=(Message(role=Role.USER, parts=(Text(text="x"),)),)))


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        json.dumps({**GOOD, "version": 2}),
        json.dumps({key: value for key, value in GOOD.items() if key != "task_id"}),
        json.dumps({**GOOD, "model": 3}),
        json.dumps({**GOOD, "steps": {}}),
        json.dumps({**GOOD, "ending": "exploded"}),
        json.dumps({**GOOD, "origin": {"format": "theirs"}}),
        json.dumps({**GOOD, "origin": 3}),
        json.dumps({**GOOD, "steps": [3]}),
        json.dumps({**GOOD, "steps": [{**PLAIN, "index": "x"}]}),
        json.dumps({**GOOD, "steps": [{**PLAIN, "messages": [{"role": "king", "parts": []}]}]}),
        json.dumps({**GOOD, "steps": [{**PLAIN, "messages": [{"role": "user", "parts": [{"kind": "?"}]}]}]}),
        json.dumps({**GOOD, "steps": [{**PLAIN, "usage": {"tokens": 3}}]}),
        json.dumps({**GOOD, "steps": [{key: value for key, value in PLAIN.items() if key != "diff"}]}),
    ],
)
def test_what_is_no_trajectory_is_refused(broken: str) -> None:
    with pytest.raises(TrajectoryError):
        from_json(broken)


# --- the recorder ------------------------------------------------------------------------------------------------


def step(index: int, diff: str = "") -> Step:
    message = Message(role=Role.ASSISTANT, parts=(Text(text=f"turn {index} ü"),))
    return Step(index=index, messages=(message,), cost_usd=0.5, diff=diff)


def recorder(path: Path, **changes: Any) -> FileRecorder:
    return FileRecorder(path, **{"task_id": "t", "model": "m", "strategy": "loop", "prompt_version": "1", **changes})


def test_steps_are_on_the_disk_when_record_returns(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writing = recorder(path)
    for index in range(3):
        writing.record(step(index, diff=f"diff {index}\n"))
        assert recorder(path).steps() == writing.steps()
    assert recorder(path).trajectory().cost_usd == 1.5


def test_every_torn_last_line_is_dropped_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writing = recorder(path)
    writing.record(step(0))
    whole_one = path.read_bytes()
    writing.record(step(1))
    whole_two = path.read_bytes()
    for cut in range(len(whole_one), len(whole_two)):
        path.write_bytes(whole_two[:cut])
        again = recorder(path)
        assert again.steps() == (step(0),), cut
        again.record(step(1))
        assert path.read_bytes() == whole_two


def test_a_torn_header_is_an_empty_recording(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(b'{"version": 1, "task_')
    again = recorder(path)
    assert again.steps() == ()
    again.record(step(0))
    assert recorder(path).steps() == (step(0),)


def test_a_last_line_of_zeros_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    recorder(path).record(step(0))
    path.write_bytes(path.read_bytes() + b"\0\0\0\n")
    assert recorder(path).steps() == (step(0),)


def test_damage_in_the_middle_is_no_torn_write(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writing = recorder(path)
    writing.record(step(0))
    writing.record(step(1))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{broken\n" + lines[2])
    with pytest.raises(TrajectoryError):
        recorder(path)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(TrajectoryError, match="steps are missing"):
        recorder(path)


@pytest.mark.parametrize("changes", [{"task_id": "u"}, {"model": "n"}, {"strategy": "repair"}])
def test_the_file_of_another_attempt_is_refused(tmp_path: Path, changes: dict[str, str]) -> None:
    recorder(tmp_path / "run.jsonl").record(step(0))
    with pytest.raises(TrajectoryError, match="another attempt"):
        recorder(tmp_path / "run.jsonl", **changes)


ATTEMPT = Attempt(
    task_id="t",
    model="m",
    strategy="loop",
    prompt_version="1",
    ending=Ending.LIMIT,
    reason="The limit of 2 steps is used up.",
    diff="",
    usage=Usage(),
    cost_usd=1.0,
    steps=2,
    seconds=2.0,
)


def test_the_lines_of_a_recording_are_its_trajectory_at_any_byte(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writing = recorder(path)
    writing.record(step(0))
    writing.record(step(1))
    going_on = from_lines(path.read_text())
    assert (going_on.steps, going_on.ending) == ((step(0), step(1)), None)
    writing.finish(ATTEMPT)
    text = path.read_text()
    assert from_lines(text) == of_attempt(ATTEMPT, (step(0), step(1)))
    for cut in range(len(text)):
        whole = text[:cut].count("\n")
        if whole:
            assert len(from_lines(text[:cut]).steps) == min(whole - 1, 2)
        else:
            with pytest.raises(TrajectoryError, match="no whole line"):
                from_lines(text[:cut])


def test_an_attempt_that_goes_on_after_its_end_was_written_is_not_over(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writing = recorder(path)
    writing.record(step(0))
    writing.finish(ATTEMPT)
    again = recorder(path)
    assert again.steps() == (step(0),)
    again.record(step(1))
    assert from_lines(path.read_text()).ending is None
    assert recorder(path).steps() == (step(0), step(1))


def test_steps_come_in_order(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="step 1 after 0 steps"):
        recorder(tmp_path / "run.jsonl").record(step(1))


def test_a_stop_is_asked_of_who_knows(tmp_path: Path) -> None:
    wanted: list[bool] = []
    run = recorder(tmp_path / "run.jsonl", stop=lambda: bool(wanted))
    assert not run.stopped()
    wanted.append(True)
    assert run.stopped()


def test_a_step_of_before_histories_were_condensed_reads_as_one_that_was_not() -> None:
    plain = {key: value for key, value in PLAIN.items() if key != "condensed"}
    assert step_from_plain(plain).condensed == Condensation()
