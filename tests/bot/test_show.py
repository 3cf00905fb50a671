"""`redgreen show`: what a person sees of a run, and that nobody's text does anything to their terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import TrajectoryError
from agents.trajectory import FileRecorder, from_json, of_attempt, to_json
from agents.types import (
    Attempt,
    Ending,
    Message,
    Reasoning,
    Role,
    Step,
    Text,
    ToolCall,
    ToolResult,
    Trajectory,
    Usage,
)
from bot.errors import UsageError
from bot.inspection.figures import Selection, Totals, cache_share, measures, step_change
from bot.inspection.words import cut, harmless, line
from bot.show_commands import ShowOptions, show
from bot.store import Store, StoreRecorder
from bot.terminal import Narrator, diff_panel, key_values, plain_table, print_json, standard_output
from bot.types import JobId, JobState
from config import settings as configuration
from config.settings import Settings
from sandbox.proof import sha256_of, to_statement
from sandbox.types import NotFixed, Verdict, Verified, verdict_name
from tests.bot.test_store import accepted
from tests.support.proofs import VERDICTS, proof

SYSTEM = Message(role=Role.SYSTEM, parts=(Text(text="You repair code."),))
ISSUE = Message(role=Role.USER, parts=(Text(text="Half off 5 gives 2."),))
DIFF = "diff --git a/shop.py b/shop.py\n--- a/shop.py\n+++ b/shop.py\n@@ -1 +1 @@\n-a // 2\n+a / 2\n"


def said(*parts: Any) -> Message:
    return Message(role=Role.ASSISTANT, parts=parts)


def answered(*parts: Any) -> Message:
    return Message(role=Role.USER, parts=parts)


STEPS = (
    Step(
        index=0,
        messages=(
            SYSTEM,
            ISSUE,
            said(
                Reasoning(text="The division."),
                Text(text="I look first."),
                ToolCall(id="c1", name="shell", arguments={"command": "cat shop.py"}),
            ),
            answered(ToolResult(call_id="c1", text="Exit code 0.\na // 2")),
        ),
        usage=Usage(input_tokens=1_000, output_tokens=50),
        cost_usd=0.01,
        seconds=2.0,
    ),
    Step(
        index=1,
        messages=(
            said(ToolCall(id="c2", name="edit", arguments={"path": "shop.py", "old": "a // 2", "new": "a / 2"})),
            answered(ToolResult(call_id="c2", text="No such text.", is_error=True)),
        ),
        usage=Usage(input_tokens=1_200, output_tokens=60, cache_read_tokens=900),
        cost_usd=0.005,
        seconds=1.5,
        diff=DIFF,
    ),
    Step(
        index=2, messages=(said(ToolCall(id="c3", name="submit", arguments={"summary": "Whole division."})),), diff=DIFF
    ),
)
RUN = Trajectory(
    task_id="shop-1",
    model="under-test",
    strategy="loop",
    prompt_version="loop-1",
    steps=STEPS,
    ending=Ending.SUBMITTED,
    reason="The model submitted a change.",
    summary="Whole division lost the cents.",
)
ATTEMPT = Attempt(
    task_id="shop-1",
    model="under-test",
    strategy="loop",
    prompt_version="loop-1",
    ending=Ending.SUBMITTED,
    reason="The model submitted a change.",
    diff=DIFF,
    usage=RUN.usage,
    cost_usd=RUN.cost_usd,
    steps=3,
    seconds=3.5,
    summary="Whole division lost the cents.",
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REDGREEN_STORE__DIRECTORY", str(tmp_path / "state"))
    return configuration.load()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trajectory.json"
    path.write_text(to_json(RUN))
    return path


Show = Callable[..., str]


@pytest.fixture
def shown(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Show:
    def run(name: object, *, only: int | None = None, start: int = 1, **options: bool) -> str:
        flags = {"full": False, "follow": False, "as_json": False, **options}
        wanted = ShowOptions(run=str(name), selection=Selection(only=only, start=start), **flags)
        capsys.readouterr()
        assert show(settings, wanted, sleep=lambda _: time.sleep(0.01)) == 0
        return capsys.readouterr().out

    return run


# --- what is shown -----------------------------------------------------------------------------------------------


def test_a_run_shows_words_calls_results_changes_costs_and_its_end(shown: Show, file: Path) -> None:
    text = shown(file)
    for expected in (
        "under-test",
        "loop loop-1",
        "You repair code.",
        "Half off 5 gives 2.",
        "The division.",
        "I look first.",
        "→ shell",
        "command: cat shop.py",
        "← shell",
        "a // 2",
        "→ edit",
        "No such text.",
        "+a / 2",
        "2.0 s · $0.0100 · 1,000 in · 50 out",
        "1.5 s · $0.0050 · 1,200 in (75% cached) · 60 out",
        "3.5 s · $0.0150 · 2,200 in (41% cached) · 110 out",
        "ended: submitted",
        "The model submitted a change.",
        "Whole division lost the cents.",
    ):
        assert expected in text, expected
    assert text.count("+a / 2") == 1, "a change is shown by the step that made it"


def test_one_step_or_those_from_one_on_are_shown_with_the_sums_of_all(shown: Show, file: Path) -> None:
    assert ["step 1" in (text := shown(file, only=2)), "step 2" in text, "step 3" in text] == [False, True, False]
    assert ["step 1" in (text := shown(file, start=2)), "step 2" in text, "step 3" in text] == [False, True, True]
    assert "3.5 s · $0.0150" in text


@pytest.mark.parametrize("selection", [{"only": 4}, {"start": 9}])
def test_a_step_that_is_not_there_is_told(shown: Show, file: Path, selection: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="the run has 3"):
        shown(file, **selection)


def test_long_texts_are_cut_unless_all_is_wanted(shown: Show, tmp_path: Path) -> None:
    lines = "\n".join(f"line {number}" for number in range(500))
    step = replace(STEPS[0], messages=(said(Text(text=lines)),))
    path = tmp_path / "long.json"
    path.write_text(to_json(replace(RUN, steps=(step,))))
    short, full = shown(path), shown(path, full=True)
    assert "line 499" not in short
    assert "more characters (--full)" in short
    assert "line 499" in full
    assert "--full" not in full


def test_a_step_without_messages_shows_its_note(shown: Show, tmp_path: Path) -> None:
    path = tmp_path / "repair.json"
    path.write_text(to_json(replace(RUN, steps=(Step(index=0, messages=(), note="120 candidates, none passes"),))))
    assert "120 candidates, none passes" in shown(path)


def test_a_run_of_another_agent_is_shown_with_who_recorded_it(shown: Show, tmp_path: Path) -> None:
    path = tmp_path / "run.traj.json"
    path.write_text(json.dumps([{"role": "user", "content": "u"}, {"role": "assistant", "content": "I look."}]))
    text = shown(path)
    assert ["recorded by" in text, "mini-swe-agent-1" in text, "I look." in text] == [True, True, True]
    assert "its file does not say how it ended" in text


def test_an_unknown_price_is_not_told_as_nothing(shown: Show, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(to_json(replace(RUN, steps=(STEPS[0], replace(STEPS[1], cost_usd=None)))))
    text = shown(path)
    assert "1.5 s · cost unknown" in text
    assert "$0.0100 and what is unknown" in text


def test_as_json_it_is_the_trajectory_with_its_sums(shown: Show, file: Path) -> None:
    answer = json.loads(shown(file, as_json=True))
    assert from_json(json.dumps(answer)) == RUN, "its own file form is in it"
    assert [step["number"] for step in answer["steps"]] == [1, 2, 3]
    assert answer["totals"] == {
        "steps": 3,
        "input_tokens": 2_200,
        "output_tokens": 110,
        "cache_read_tokens": 900,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "cache_share": 0.4091,
        "cost_usd": 0.015,
        "known_cost_usd": 0.015,
        "seconds": 3.5,
    }
    assert (answer["over"], answer["ending"], answer["verdict"]) == (True, "submitted", None)
    assert [step["number"] for step in json.loads(shown(file, as_json=True, only=2))["steps"]] == [2]


def proven(verdict: Verdict) -> dict[str, Any]:
    made = proof(verdict)
    return to_statement(replace(made, patch_sha256=sha256_of(made.patch)))


# --- where it is read from ---------------------------------------------------------------------------------------


def fix_directory(path: Path) -> Path:
    """As `redgreen fix --out` leaves it."""
    path.mkdir()
    recorder = FileRecorder(path / "steps.jsonl", task_id="shop-1", model="under-test", strategy="")
    for step in STEPS:
        recorder.record(step)
    recorder.finish(ATTEMPT)
    (path / "trajectory.json").write_text(to_json(of_attempt(ATTEMPT, STEPS)))
    return path


def test_the_directory_of_a_fix_shows_its_proof(shown: Show, tmp_path: Path) -> None:
    directory = fix_directory(tmp_path / "out")
    assert "verdict" not in shown(directory)
    for verdict in VERDICTS:
        (directory / "proof.json").write_text(json.dumps(proven(verdict)))
        assert f"verdict: {verdict_name(verdict)}" in shown(directory)
    verified = next(verdict for verdict in VERDICTS if isinstance(verdict, Verified))
    (directory / "proof.json").write_text(json.dumps(proven(verified)))
    answer = json.loads(shown(directory, as_json=True))
    assert (answer["verdict"]["name"], answer["verdict"]["good"]) == ("Verified", True)


def test_a_recording_alone_is_a_run(shown: Show, tmp_path: Path) -> None:
    directory = fix_directory(tmp_path / "out")
    (directory / "trajectory.json").unlink()
    assert "ended: submitted" in shown(directory)
    lines = (directory / "steps.jsonl").read_bytes().splitlines(keepends=True)
    (directory / "steps.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:50])
    text = shown(directory)
    assert ["step 1" in text, "step 2" in text, "it goes on" in text] == [True, False, True]


def test_the_directory_of_an_instance_shows_its_grade(shown: Show, tmp_path: Path) -> None:
    directory = tmp_path / "logs" / "owner__name-1"
    directory.mkdir(parents=True)
    (directory / "trajectory.json").write_text(to_json(RUN))
    tests = {"FAIL_TO_PASS": {"success": ["a"], "failure": ["b"]}, "PASS_TO_PASS": {"success": ["c"], "failure": []}}
    report = {"owner__name-1": {"resolved": False, "tests_status": tests}}
    (directory / "report.json").write_text(json.dumps(report))
    text = shown(tmp_path / "logs")
    assert "verdict: unresolved" in text
    assert "FAIL_TO_PASS: 1 of 2 pass" in text
    assert "PASS_TO_PASS: 1 of 1 pass" in text


def test_of_several_runs_one_must_be_named(shown: Show, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "trajectory.json").write_text(to_json(RUN))
    with pytest.raises(UsageError, match="holds 2 runs; name one"):
        shown(tmp_path / "runs")


def test_a_directory_without_a_run_says_so(shown: Show, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was recorded of it yet"):
        shown(tmp_path)


def test_what_is_nowhere_is_told_with_what_could_be(shown: Show) -> None:
    with pytest.raises(UsageError, match="no file, no directory and no job or attempt"):
        shown("job-nothing")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"not json\n", "not JSON"),
        (b"\xff\xfe\x00", "no text"),
        (b"[" * 200_000, "not JSON"),
        (b'{"keys": "of nobody"}', "neither a trajectory of redgreen nor one of mini-swe-agent or swe-agent"),
        (to_json(RUN).replace('"version": 1', '"version": 7').encode(), "version is 7; this redgreen reads 1"),
        (to_json(RUN).replace('"role": "user"', '"role": "king"').encode(), "cannot be read"),
        (to_json(RUN).replace('"submitted"', '"exploded"').encode(), "cannot be read"),
        (b'{"version": 1, "task_id": "t", "model": "m", "strategy": "s", "prompt_version": ""}\n{broken\n', "Line 2"),
    ],
)
def test_what_cannot_be_read_is_a_clear_error(shown: Show, tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(data)
    with pytest.raises(TrajectoryError, match=told) as caught:
        shown(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("name", "data"), [("proof.json", b"{}"), ("proof.json", b"["), ("report.json", b"nope")])
def test_evidence_that_cannot_be_read_is_not_passed_over(shown: Show, tmp_path: Path, name: str, data: bytes) -> None:
    directory = fix_directory(tmp_path / "out")
    (directory / name).write_bytes(data)
    with pytest.raises(UsageError):
        shown(directory)


def test_a_report_of_something_else_is_no_grade(shown: Show, tmp_path: Path) -> None:
    directory = fix_directory(tmp_path / "out")
    (directory / "report.json").write_text("[1]")
    assert "verdict" not in shown(directory)


# --- the store ---------------------------------------------------------------------------------------------------


@pytest.fixture
def store(settings: Settings) -> Any:
    settings.store.directory.mkdir(parents=True)
    opened = Store.open(f"sqlite:///{settings.store.directory / 'redgreen.db'}")
    yield opened
    opened.close()


def begun(store: Store, job: JobId, number: int = 1, model: str = "under-test") -> StoreRecorder:
    name = f"{job}-{number}"
    store.attempts.begin(name, job_id=job, model=model)
    return StoreRecorder(store.attempts, name, stopped=lambda: False)


def test_a_jobs_run_is_read_from_the_store(shown: Show, store: Store) -> None:
    job = accepted(store)
    recorder = begun(store, job)
    for step in STEPS:
        recorder.record(step)
    going = shown(job)
    assert ["step 3" in going, "it goes on" in going] == [True, True]
    store.attempts.finish(f"{job}-1", ATTEMPT)
    failed = next(verdict for verdict in VERDICTS if isinstance(verdict, NotFixed))
    store.proofs.save(job, proven(failed), "NotFixed")
    for name in (job, f"{job}-1"):
        text = shown(name)
        assert "ended: submitted" in text
        assert "verdict: NotFixed" in text
        assert "+a / 2" in text


def test_of_several_attempts_the_last_is_shown_and_the_others_named(shown: Show, store: Store) -> None:
    job = accepted(store)
    begun(store, job, 1, "first").record(STEPS[0])
    store.attempts.finish(f"{job}-1", replace(ATTEMPT, model="first"))
    begun(store, job, 2, "second").record(STEPS[0])
    store.attempts.finish(f"{job}-2", replace(ATTEMPT, model="second"))
    text = shown(job)
    assert "second" in text
    assert f"{job}-1 (first)" in text
    assert f"{job}-2 (second)" in shown(f"{job}-1") or "first" in shown(f"{job}-1")


def test_a_job_without_an_attempt_is_told_and_one_that_failed_is_over(shown: Show, store: Store) -> None:
    job = accepted(store)
    with pytest.raises(UsageError, match="nothing was recorded of it yet"):
        shown(job)
    begun(store, job).record(STEPS[0])
    store.jobs.ended(job, JobState.FAILED, "The engine went away.")
    text = shown(job, follow=True)
    assert "The job says: The engine went away." in text


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (JobState.DONE, "its job was done without it"),
        (JobState.FAILED, "its job failed"),
        (JobState.CANCELLED, "its job was stopped"),
    ],
)
def test_an_attempt_whose_end_nobody_stored_was_cut_off_when_its_job_is_over(
    state: JobState, told: str, shown: Show, store: Store
) -> None:
    job = accepted(store)
    begun(store, job, 1, "won").record(STEPS[0])
    store.attempts.finish(f"{job}-1", replace(ATTEMPT, model="won"))
    begun(store, job, 2, "killed").record(STEPS[0])
    assert "it goes on" in shown(f"{job}-2")
    store.jobs.ended(job, state, "")
    assert f"ended: stopped  It was cut off: {told}." in " ".join(shown(f"{job}-2").split("\n"))
    assert json.loads(shown(f"{job}-2", as_json=True))["ending"] == "stopped"
    assert "ended: submitted" in shown(f"{job}-1")


# --- following ---------------------------------------------------------------------------------------------------


def in_turn(acts: Sequence[Callable[[], object]], sleep: Callable[[float], None]) -> Callable[[float], None]:
    """Each pause of a follower lets the next thing happen."""
    rest = list(acts)

    def pause(seconds: float) -> None:
        assert rest, "it waits although nothing more will come"
        rest.pop(0)()

    return pause


def followed(
    settings: Settings, capsys: pytest.CaptureFixture[str], name: object, acts: Sequence[Callable[[], object]]
) -> str:
    options = ShowOptions(run=str(name), selection=Selection(), full=False, follow=True, as_json=True)
    capsys.readouterr()
    assert show(settings, options, sleep=in_turn(acts, time.sleep)) == 0
    return capsys.readouterr().out


def test_a_file_that_grows_is_followed_until_its_attempt_ends(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    directory = tmp_path / "out"
    directory.mkdir()
    recorders: list[FileRecorder] = []
    acts: list[Callable[[], object]] = [
        lambda: recorders.append(FileRecorder(directory / "steps.jsonl", task_id="t", model="m", strategy="")),
        lambda: recorders[0].record(STEPS[0]),
        lambda: None,
        lambda: (recorders[0].record(STEPS[1]), recorders[0].record(STEPS[2])),
        lambda: recorders[0].finish(ATTEMPT),
    ]
    *steps, end = map(json.loads, followed(settings, capsys, directory, acts).splitlines())
    assert [step["number"] for step in steps] == [1, 2, 3]
    assert (end["over"], end["ending"], end["totals"]["steps"]) == (True, "submitted", 3)


def test_a_job_under_way_is_followed_until_its_attempt_ends(
    settings: Settings, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    job = accepted(store)
    recorders: list[StoreRecorder] = []
    acts: list[Callable[[], object]] = [
        lambda: recorders.append(begun(store, job)),
        lambda: recorders[0].record(STEPS[0]),
        lambda: (recorders[0].record(STEPS[1]), recorders[0].record(STEPS[2])),
        lambda: store.attempts.finish(f"{job}-1", ATTEMPT),
    ]
    *steps, end = map(json.loads, followed(settings, capsys, job, acts).splitlines())
    assert [step["number"] for step in steps] == [1, 2, 3]
    assert (end["ending"], end["totals"]["cost_usd"]) == ("submitted", 0.015)


def test_ctrl_c_ends_only_the_watching(tmp_path: Path) -> None:
    directory = tmp_path / "out"
    directory.mkdir()
    FileRecorder(directory / "steps.jsonl", task_id="t", model="m", strategy="").record(STEPS[0])
    command = [sys.executable, "-m", "bot", "show", str(directory), "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        while "a // 2" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
        watchdog.cancel()
        assert "Traceback" not in process.stderr.read()


def test_the_command_ends_with_2_and_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "show", "nowhere"],
        capture_output=True,
        text=True,
        env={**os.environ, "REDGREEN_STORE__DIRECTORY": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


# --- hostile text ------------------------------------------------------------------------------------------------

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\\x9b31mred\rover\x08\x08"
    "\u202egnp.exe\u2066\u200b\x00\x7f\U000e0041[bold red]markup[/] :smile:"
)


def dangerous(text: str) -> set[str]:
    return {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}


def test_no_text_of_others_reaches_the_terminal_as_anything_but_letters(shown: Show, tmp_path: Path) -> None:
    call = ToolCall(id=HOSTILE, name=HOSTILE, arguments={HOSTILE: HOSTILE, "b": [HOSTILE]}, problem=HOSTILE)
    step = Step(
        index=0,
        messages=(
            Message(role=Role.SYSTEM, parts=(Text(text=HOSTILE),)),
            Message(role=Role.USER, parts=(Text(text=HOSTILE),)),
            said(Reasoning(text=HOSTILE), Text(text=HOSTILE), call),
            answered(ToolResult(call_id=HOSTILE, text=HOSTILE), ToolResult(call_id="?" + HOSTILE, text="x")),
        ),
        diff=f"diff --git a/{HOSTILE} b/{HOSTILE}\n+{HOSTILE}\n",
    )
    run = Trajectory(
        task_id=HOSTILE,
        model=HOSTILE,
        strategy=HOSTILE,
        prompt_version=HOSTILE,
        steps=(step, Step(index=1, messages=(), note=HOSTILE)),
        ending=Ending.SUBMITTED,
        reason=HOSTILE,
        summary=HOSTILE,
    )
    directory = tmp_path / "out"
    directory.mkdir()
    (directory / "trajectory.json").write_text(to_json(run))
    report = {"i": {"resolved": True, "tests_status": {HOSTILE: {"success": [1]}, "b": HOSTILE}}}
    (directory / "report.json").write_text(json.dumps(report))
    for options in ({}, {"full": True}, {"as_json": True}, {"as_json": True, "follow": True}):
        assert dangerous(shown(directory, **options)) == set(), options
    text = shown(directory)
    assert "\\x1b[2J" in text, "what was there is seen"
    assert "[bold red]markup[/] :smile:" in text


def test_neither_tables_nor_progress_nor_complaints_hold_controls(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    standard_output().print(plain_table(["model"], [[HOSTILE]]))
    standard_output().print(key_values([("FAIL_TO_PASS", HOSTILE)]))
    standard_output().print(diff_panel(HOSTILE))
    print_json({"a": HOSTILE.replace("\x7f", "")})
    Narrator()(HOSTILE)
    told = capsys.readouterr()
    assert (dangerous(told.out), dangerous(told.err)) == (set(), set())
    step = {"index": 0, "messages": [], "usage": {HOSTILE: 1}, "cost_usd": 0, "seconds": 0, "diff": "", "note": ""}
    file = tmp_path / "run.json"
    file.write_text(json.dumps({**json.loads(to_json(replace(RUN, steps=()))), "steps": [step]}))
    done = subprocess.run(
        [sys.executable, "-m", "bot", "show", str(file)],
        capture_output=True,
        text=True,
        env={**os.environ, "REDGREEN_STORE__DIRECTORY": str(tmp_path)},
        check=False,
    )
    assert (done.returncode, dangerous(done.stderr)) == (2, set())
    assert "\\x1b[2J" in done.stderr


@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_harmless_and_stays_so(text: str) -> None:
    plain = harmless(text)
    assert dangerous(plain) == set()
    assert harmless(plain) == plain
    assert dangerous(cut(text)) == dangerous(line(text)) == set()
    assert "\n" not in line(text)


def test_plain_text_is_not_changed() -> None:
    assert harmless("é 漢字 🐛\nx") == "é 漢字 🐛\nx"
    assert harmless("a\r\nb\tc") == "a\nb   c"
    assert line("a\n b" + "x" * 200).startswith("a bxxx")
    assert len(line("x" * 200)) == 160
    assert harmless("\ue000\U0010fffe") == "\\ue000\\U0010fffe"


# --- what is counted ---------------------------------------------------------------------------------------------


def test_only_what_a_step_changed_is_its_change() -> None:
    other = "diff --git a/b.py b/b.py\n+1\n"
    assert step_change(DIFF, DIFF) == ""
    assert step_change("", DIFF) == DIFF
    assert step_change(DIFF, DIFF + other) == other
    assert step_change(DIFF + other, other) == "# as in base again: a/shop.py b/shop.py\n"


def test_a_cache_share_needs_a_prompt() -> None:
    assert cache_share(Usage()) is None
    assert cache_share(Usage(input_tokens=10, cache_read_tokens=9)) == 0.9
    nothing = Totals.of([])
    assert measures(nothing) == "0.0 s · $0"
    thinking = replace(STEPS[0], usage=Usage(output_tokens=10, reasoning_tokens=4))
    assert "10 out (4 of them thinking)" in measures(Totals.of([thinking]))
