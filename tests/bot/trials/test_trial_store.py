"""Attempts on the disk: what is over, what goes on, what it has cost, and the predictions that are made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.errors import Fault
from agents.types import Attempt, Ending, Step, Usage
from bot.errors import UsageError
from bot.trials.solving import LONGEST_TITLE, task_of
from bot.trials.store import Assignment, TrialStore
from config.models import load
from sandbox.errors import SetupError
from sandbox.swebench.records import Instance, Prediction, read_predictions

SPEC = load("[models.one]\nadapter = 'none'\nstrategy = 'repair'\n").get("one")
DIFF = "--- a/x\n+++ b/x\n-caf\udce9\n+caf\u00e9\n"


def instance(name: str = "a__b-12345", statement: str = "# It breaks\n\nBadly.") -> Instance:
    return Instance(
        instance_id=name,
        repo="a/b",
        base_commit="c" * 40,
        patch="the fix",
        test_patch="the tests",
        fail_to_pass=("test_hidden",),
        pass_to_pass=(),
        problem_statement=statement,
    )


def attempt(ending: Ending = Ending.SUBMITTED, fault: Fault | None = None, diff: str = DIFF) -> Attempt:
    return Attempt(
        task_id="issue-1", model="one", strategy="repair", prompt_version="repair/1", ending=ending, reason="Why.",
        diff=diff, usage=Usage(input_tokens=3), cost_usd=None, steps=1, seconds=2.0, fault=fault,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> TrialStore:
    return TrialStore(directory=tmp_path, run_id="r")


def assigned(sample: int = 1, name: str = "a__b-12345") -> Assignment:
    return Assignment(instance=instance(name), spec=SPEC, sample=sample)


def kept(store: TrialStore, made: Attempt, *costs: float | None, sample: int = 1) -> None:
    recorder = store.recorder(assigned(sample), made.task_id, made.prompt_version)
    for cost in costs:
        recorder.record(Step(index=len(recorder.steps()), messages=(), cost_usd=cost))
    store.put_attempt(assigned(sample), made, recorder)


def test_an_attempt_comes_back_as_it_was_whatever_bytes_its_patch_has(store: TrialStore) -> None:
    assert store.attempt(assigned()) is None
    kept(store, attempt())
    assert store.attempt(assigned()) == attempt()
    assert store.attempt(assigned(sample=2)) is None


@pytest.mark.parametrize(
    ("ending", "fault", "is_over"),
    [
        (Ending.LIMIT, Fault.CONTEXT, True),
        (Ending.GAVE_UP, None, True),
        (Ending.MODEL_FAILED, Fault.DECLINED, True),
        (Ending.MODEL_FAILED, Fault.UNAVAILABLE, False),
        (Ending.MODEL_FAILED, Fault.KEY, False),
        (Ending.MODEL_FAILED, None, False),
        (Ending.STOPPED, None, False),
    ],
)
def test_an_attempt_goes_on_where_the_model_was_not_to_blame(
    store: TrialStore, ending: Ending, fault: Fault | None, is_over: bool
) -> None:
    kept(store, attempt(ending, fault, diff=""), 0.5)
    assert (store.attempt(assigned()) is not None) is is_over
    assert store.costs(assigned()) == [0.5]
    recorder = store.recorder(assigned(), "issue-1", "repair/1")
    assert [step.cost_usd for step in recorder.steps()] == [0.5]


def test_a_damaged_attempt_is_made_again_from_its_steps(store: TrialStore) -> None:
    kept(store, attempt(), 0.5, None)
    (store.place(assigned()) / "attempt.json").write_text('{"ending": "submitted"')
    assert store.attempt(assigned()) is None
    assert store.costs(assigned()) == [0.5, None]


def test_a_torn_last_step_is_no_step_and_a_broken_one_is_told(store: TrialStore) -> None:
    assert store.costs(assigned()) == []
    kept(store, attempt(), 0.5)
    path = store.place(assigned()) / "steps.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"index": 1, "cost')
    assert store.costs(assigned()) == [0.5]
    path.write_bytes(whole[:9])
    assert store.costs(assigned()) == []
    path.write_bytes(b"broken\n" + whole)
    with pytest.raises(UsageError, match=r"steps\.jsonl cannot be read"):
        store.costs(assigned())


def test_predictions_are_the_attempts_that_are_over_a_file_a_sample(store: TrialStore) -> None:
    kept(store, attempt())
    kept(store, attempt(Ending.STOPPED), sample=2)
    store.write_predictions([assigned(), assigned(name="a__b-2"), assigned(sample=2)])
    data = (store.directory / "predictions" / "one.r-1.jsonl").read_bytes()
    found = read_predictions(data, frozenset({"a__b-12345"}))
    assert found.records == (Prediction(instance_id="a__b-12345", model="one", patch=DIFF),)
    assert found.problems == ()
    assert (store.directory / "predictions" / "one.r-2.jsonl").read_bytes() == b""


def test_a_task_is_the_statement_and_nothing_else_of_the_instance() -> None:
    task = task_of(instance())
    assert (task.title, task.body, task.repository, task.base_commit) == ("It breaks", "Badly.", "a/b", "c" * 40)
    assert (task.known_red, task.witness_path) == ((), "")
    told = json.dumps([task.id, task.title, task.body])
    assert not [word for word in ("12345", "hidden", "the fix", "the tests") if word in told]


def test_a_statement_of_one_long_line_is_told_whole() -> None:
    long = "word " * 400
    task = task_of(instance(statement=long))
    assert len(task.title) == LONGEST_TITLE
    assert task.body == long.strip()


def test_an_instance_that_says_nothing_cannot_be_solved() -> None:
    with pytest.raises(SetupError, match="no problem statement"):
        task_of(instance(statement=" \n"))
