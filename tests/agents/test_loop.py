"""The loop: query, act, observe; its endings, and going on after a crash."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from agents import checkpoints, loop
from agents.checkpoints import LOST
from agents.errors import ContextOverflow, ModelRefused, ModelUnavailable, StrategyUnavailable
from agents.models.replay import ReplayModel
from agents.prompts import PROMPT_VERSION
from agents.trajectory import from_json, to_json
from agents.types import (
    Attempt,
    AttemptLimits,
    Ending,
    Message,
    Reasoning,
    Reply,
    Role,
    Step,
    StopReason,
    Task,
    ToolCall,
    ToolResult,
    ToolSpec,
    Trajectory,
    Usage,
)
from sandbox.errors import ContainerLost, SandboxError, SetupError
from sandbox.types import ExecResult, TestId, TestReport
from tests.support.agent_world import MemoryEnvironment, MemoryRecorder, Said, ScriptedModel, calling, saying

TASK = Task(id="t-1", repository="o/r", base_commit="0" * 40, title="The area is wrong", body="2 by 3 gives 5.")
FILES = {"area.py": b"def area(w, h):\n    return w + h\n"}
WITNESS = ("edit", {"path": "test_area.py", "new": "def test_area():\n    assert area(2, 3) == 6\n"})
FIX = ("edit", {"path": "area.py", "old": "w + h", "new": "w * h"})
RUN: tuple[str, dict[str, str]] = ("run_tests", {})
SUBMIT = ("submit", {"summary": "It added; now it multiplies."})
LOOK = ("read", {"path": "area.py"})
GIVE_UP = ("cannot_reproduce", {"reason": "It multiplies."})
LIMITS = AttemptLimits()


def verdicts(files: Mapping[str, bytes]) -> Mapping[str, str]:
    if "test_area.py" not in files:
        return {"test_old.py::test_old": ""}
    red = "" if b"w * h" in files["area.py"] else "assert 5 == 6"
    return {"test_old.py::test_old": "", "test_area.py::test_area": red}


def world() -> MemoryEnvironment:
    return MemoryEnvironment(FILES, verdicts=verdicts)


def script() -> list[Said]:
    """Witness, red, fix, green, submit."""
    return [calling(action, turn=turn) for turn, action in enumerate((WITNESS, RUN, FIX, RUN, SUBMIT))]


def ticks(step: float = 1.0) -> Iterator[float]:
    return itertools.count(0.0, step)


def solve(
    said: Sequence[Said],
    *,
    environment: MemoryEnvironment | None = None,
    limits: AttemptLimits = LIMITS,
    recorder: MemoryRecorder | None = None,
) -> tuple[Attempt, ScriptedModel, MemoryRecorder]:
    model, kept, clock = ScriptedModel(list(said)), recorder or MemoryRecorder(), ticks()
    attempt = loop.solve(TASK, environment or world(), model, limits, kept, clock=lambda: next(clock))
    return attempt, model, kept


def results(message: Message) -> list[str]:
    return [part.text for part in message.parts if isinstance(part, ToolResult)]


# --- the main way ------------------------------------------------------------------------------------------------


def test_a_witness_red_then_a_fix_green_is_submitted() -> None:
    environment = world()
    attempt, model, recorder = solve(script(), environment=environment)
    assert attempt.ending is Ending.SUBMITTED
    assert attempt.diff == environment.diff()
    assert "w * h" in attempt.diff
    assert (attempt.summary, attempt.steps, attempt.model) == ("It added; now it multiplies.", 5, "scripted")
    assert (attempt.strategy, attempt.prompt_version) == ("loop", PROMPT_VERSION)
    assert attempt.usage == Usage(input_tokens=500, output_tokens=50)
    assert attempt.cost_usd == pytest.approx(0.05)
    red, green = (results(recorder.kept[step].messages[-1])[0] for step in (1, 3))
    assert "red: test_area.py::test_area: AssertionError at test_area.py:1: assert 5 == 6" in red
    assert "witness: test_area.py::test_area is red on the unchanged source, by its behaviour." in red
    assert green.startswith("0 red, 2 green.")
    assert "witness: test_area.py::test_area is red without your change and green with it." in green
    assert len(model.heard) == 5


def test_history_is_only_appended_to() -> None:
    _, model, recorder = solve(script())
    for shorter, longer in itertools.pairwise(model.heard):
        assert longer[: len(shorter)] == shorter
    stored = [message for step in recorder.kept for message in step.messages]
    assert tuple(stored[: len(model.heard[-1])]) == model.heard[-1]


def test_a_step_gives_way_to_the_next_call_and_to_nobody_who_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "HEAD_START", 3_600.0)
    environment, stored_at_call = world(), []
    recorder = MemoryRecorder()

    class Asked(ScriptedModel):
        def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
            stored_at_call.append(len(recorder.kept))
            return super().query(messages, tools, max_output_tokens=max_output_tokens)

    attempt = loop.solve(TASK, environment, Asked(script()), LIMITS, recorder)
    assert attempt.ending is Ending.SUBMITTED
    assert stored_at_call == [0, 0, 1, 2, 3]
    assert [step.index for step in recorder.kept] == [0, 1, 2, 3, 4]


def test_each_step_holds_its_delta_its_cost_and_the_tree_after_it() -> None:
    _, _, recorder = solve(script())
    assert [[m.role.value for m in step.messages] for step in recorder.kept] == [
        ["system", "user", "assistant", "user"],
        *([["assistant", "user"]] * 4),
    ]
    assert [step.index for step in recorder.kept] == [0, 1, 2, 3, 4]
    assert ["w * h" in step.diff for step in recorder.kept] == [False, False, True, True, True]
    assert all("test_area" in step.diff for step in recorder.kept)
    assert recorder.kept[2].note == "edit area.py"
    assert all(step.seconds > 0 for step in recorder.kept)


def test_parallel_calls_are_done_in_order_and_each_is_answered() -> None:
    attempt, _, recorder = solve([calling(WITNESS, RUN, FIX, RUN, SUBMIT)])
    assert attempt.ending is Ending.SUBMITTED
    answers = results(recorder.kept[0].messages[-1])
    assert len(answers) == 5
    assert answers[1].startswith("1 red")
    assert answers[3].startswith("0 red")


def test_what_comes_after_the_end_in_one_turn_is_not_done() -> None:
    environment = world()
    late = ("edit", {"path": "late.py", "new": "x = 1"})
    attempt, _, recorder = solve([calling(FIX, SUBMIT, late)], environment=environment)
    assert "late.py" not in environment.files
    assert results(recorder.kept[0].messages[-1])[1:] == [loop.ACCEPTED, loop.AFTER_END]
    assert "late.py" not in attempt.diff


def test_a_refused_submission_is_not_accepted_by_the_result_of_a_call_with_the_same_id() -> None:
    reply = calling(("read", {"path": "area.py"}), SUBMIT)
    same = tuple(replace(call, id="call") for call in reply.message.tool_calls)
    twice = replace(reply, message=replace(reply.message, parts=same))
    attempt, model, _ = solve([twice, calling(FIX, turn=1), calling(SUBMIT, turn=2)])
    assert "nothing to submit" in results(model.heard[1][-1])[1]
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, 3)


def test_a_submission_without_a_change_goes_on() -> None:
    attempt, model, _ = solve([calling(SUBMIT), calling(FIX, turn=1), calling(SUBMIT, turn=2)])
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, 3)
    assert "nothing to submit" in results(model.heard[1][-1])[0]


@pytest.mark.parametrize(
    ("action", "ending", "words"),
    [
        (("cannot_reproduce", {"reason": "It gives 6 here."}), Ending.CANNOT_REPRODUCE, "It gives 6 here."),
        (("needs_decision", {"question": "Round up or down?"}), Ending.NEEDS_DECISION, "Round up or down?"),
    ],
)
def test_the_other_endings_carry_words_and_no_patch(
    action: tuple[str, Mapping[str, object]], ending: Ending, words: str
) -> None:
    attempt, _, _ = solve([calling(FIX), calling(action, turn=1)])
    assert (attempt.ending, attempt.summary, attempt.diff) == (ending, words, "")


# --- endings that nobody asked for -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "calls"),
    [
        (replace(LIMITS, steps=2), 2),
        (replace(LIMITS, input_tokens=201), 3),
        (replace(LIMITS, output_tokens=20), 2),
        (replace(LIMITS, cost_usd=0.02), 2),
        (replace(LIMITS, steps=0), 0),
    ],
)
def test_limits_are_checked_before_each_call(limits: AttemptLimits, calls: int) -> None:
    attempt, model, _ = solve(script(), limits=limits)
    assert attempt.ending is Ending.LIMIT
    assert "is used up" in attempt.reason
    assert (len(model.heard), attempt.diff) == (calls, "")


def test_time_is_counted_in_steps() -> None:
    attempt, model, _ = solve(script(), limits=replace(LIMITS, seconds=3.5))
    assert attempt.ending is Ending.LIMIT
    assert "3.5 seconds" in attempt.reason
    assert len(model.heard) < 5


def test_the_reply_may_not_be_longer_than_what_is_left() -> None:
    _, model, _ = solve(script(), limits=replace(LIMITS, output_tokens=45))
    assert model.asked == [45, 35, 25, 15, 5]
    _, model, _ = solve(script())
    assert model.asked == [loop.REPLY_TOKENS] * 5


def test_an_unknown_cost_is_reported_as_unknown() -> None:
    attempt, _, _ = solve([calling(FIX, cost=None), calling(SUBMIT, turn=1)])
    assert attempt.cost_usd is None


def test_the_same_action_with_the_same_result_three_times_is_stuck() -> None:
    read = ("read", {"path": "area.py"})
    said = [calling(read, turn=turn) for turn in range(9)]
    attempt, model, _ = solve(said)
    assert (attempt.ending, len(model.heard)) == (Ending.STUCK, 3)
    assert "read area.py" in attempt.reason


def test_the_order_of_arguments_hides_no_standstill() -> None:
    edit = {"path": "area.py", "old": "none", "new": "some"}
    ordered = [edit, dict(reversed(edit.items()))]
    said = [calling(("edit", ordered[turn % 2]), turn=turn) for turn in range(9)]
    attempt, model, recorder = solve(said)
    assert (attempt.ending, len(model.heard)) == (Ending.STUCK, 3)
    assert recorder.kept[0].note != recorder.kept[1].note


def test_going_in_circles_is_stuck_too() -> None:
    circle = [("read", {"path": "area.py"}), ("read", {"path": "none.py"})]
    said = [calling(circle[turn % 2], turn=turn) for turn in range(9)]
    attempt, model, _ = solve(said)
    assert (attempt.ending, len(model.heard)) == (Ending.STUCK, 5)


def test_times_and_addresses_in_results_hide_no_standstill() -> None:
    environment, runs = world(), itertools.count()

    def timed(command: str | Sequence[str]) -> ExecResult:
        n = next(runs)
        return ExecResult(exit_code=1, output=f"<object at 0x7f{n:06x}> failed in 0.{n + 1} s", seconds=0.1)

    environment.commands = timed
    said = [calling(("shell", {"command": "make"}), turn=turn) for turn in range(9)]
    attempt, model, _ = solve(said, environment=environment)
    assert (attempt.ending, len(model.heard)) == (Ending.STUCK, 3)


def test_an_edit_made_and_unmade_again_and_again_is_stuck() -> None:
    back = ("edit", {"path": "area.py", "old": "w * h", "new": "w + h"})
    said = [calling((FIX, back)[turn % 2], turn=turn) for turn in range(9)]
    attempt, model, _ = solve(said)
    assert (attempt.ending, len(model.heard)) == (Ending.STUCK, 5)


def test_different_actions_with_the_same_answer_over_and_over_are_stuck() -> None:
    said = [
        calling(("edit", {"path": "area.py", "old": f"no such {'x' * turn}", "new": "y"}), turn=turn)
        for turn in range(12)
    ]
    attempt, model, _ = solve(said)
    assert (attempt.ending, len(model.heard)) == (Ending.STUCK, 6)


def test_the_same_action_with_another_result_is_not_stuck() -> None:
    said = [calling(action, turn=turn) for turn, action in enumerate((RUN, WITNESS, RUN, FIX, RUN, SUBMIT))]
    attempt, _, _ = solve(said)
    assert attempt.ending is Ending.SUBMITTED


def test_the_same_action_that_changes_the_tree_each_time_is_not_stuck() -> None:
    environment = world()

    def more(command: str | Sequence[str]) -> ExecResult:
        environment.files["log"] = environment.files.get("log", b"") + b"x\n"
        return ExecResult(exit_code=0, output="", seconds=0.1)

    environment.commands = more
    again = [calling(("shell", {"command": "make more"}), turn=turn) for turn in range(8)]
    attempt, _, _ = solve([*again, calling(GIVE_UP, turn=8)], environment=environment)
    assert (attempt.ending, attempt.steps) == (Ending.CANNOT_REPRODUCE, 9)


@pytest.mark.parametrize(
    "wrong",
    [
        saying("I think the bug is in area.py."),
        calling(("edit", {"file": "area.py"})),
        calling(("open", {})),
        saying(Message(role=Role.ASSISTANT, parts=(ToolCall(id="c", name="read", arguments={}, problem="No JSON."),))),
    ],
)
def test_three_format_errors_in_a_row_end_the_attempt(wrong: Reply) -> None:
    attempt, model, _ = solve([wrong, wrong, wrong, wrong])
    assert (attempt.ending, len(model.heard)) == (Ending.FORMAT_ERRORS, 3)


def test_format_errors_between_actions_are_forgiven() -> None:
    prose = saying("Hm.")
    said = [prose, prose, calling(FIX, turn=2), prose, prose, calling(SUBMIT, turn=5)]
    attempt, model, _ = solve(said)
    assert attempt.ending is Ending.SUBMITTED
    assert "held no action" in model.heard[1][-1].text


def test_an_answer_cut_at_its_limit_is_told_so() -> None:
    _, model, _ = solve([saying("So", stop=StopReason.LENGTH), calling(FIX, turn=1), calling(SUBMIT, turn=2)])
    assert "cut off at its output limit" in model.heard[1][-1].text


def test_an_answer_cut_while_it_was_thinking_is_told_so_and_the_next_may_be_longer() -> None:
    thinking = Message(role=Role.ASSISTANT, parts=(Reasoning(text="First, I"),))
    said = [saying(thinking, stop=StopReason.LENGTH), calling(FIX, turn=1), calling(SUBMIT, turn=2)]
    attempt, model, _ = solve(said)
    assert attempt.ending is Ending.SUBMITTED
    assert "while you were still thinking" in model.heard[1][-1].text
    assert model.asked == [loop.REPLY_TOKENS, 2 * loop.REPLY_TOKENS, loop.REPLY_TOKENS]


def test_hidden_thinking_is_known_by_its_tokens() -> None:
    usage = Usage(input_tokens=100, output_tokens=50, reasoning_tokens=50)
    said = [saying("", stop=StopReason.LENGTH, usage=usage), calling(FIX, turn=1), calling(SUBMIT, turn=2)]
    _, model, _ = solve(said)
    assert "while you were still thinking" in model.heard[1][-1].text


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (ModelRefused("no such model"), Ending.MODEL_FAILED),
        (ModelUnavailable("busy"), Ending.MODEL_FAILED),
        (ContextOverflow("too long"), Ending.LIMIT),
    ],
)
def test_a_model_that_fails_ends_the_attempt_with_its_words(error: Exception, ending: Ending) -> None:
    attempt, _, recorder = solve([calling(FIX), error])
    assert (attempt.ending, attempt.reason, attempt.diff) == (ending, str(error), "")
    assert len(recorder.kept) == 1
    assert attempt.cost_usd == pytest.approx(0.01), "what was paid before is counted"
    assert attempt.fault is getattr(error, "fault", None)


def test_work_that_ends_by_itself_is_no_fault_of_the_endpoint() -> None:
    assert solve(script())[0].fault is None
    assert solve(script(), limits=replace(LIMITS, steps=2))[0].fault is None


def test_a_stop_that_ends_a_wait_for_the_endpoint_is_a_stop() -> None:
    attempt, _, _ = solve([calling(FIX), ModelUnavailable("busy")], recorder=Stoppable())
    assert (attempt.ending, attempt.fault, len(attempt.diff)) == (Ending.STOPPED, None, 0)


class Stoppable(MemoryRecorder):
    """Asked to stop while the second call waits for its endpoint: not yet when it begins."""

    asked = 0

    def stopped(self) -> bool:
        self.asked += 1
        return self.asked > 2


def test_a_model_that_declines_is_not_asked_again() -> None:
    attempt, model, recorder = solve([saying("I will not.", stop=StopReason.REFUSED)])
    assert (attempt.ending, len(model.heard), len(recorder.kept)) == (Ending.MODEL_FAILED, 1, 1)
    again, unasked, _ = solve([], recorder=recorder)
    assert (again.ending, again.fault, unasked.heard) == (Ending.MODEL_FAILED, attempt.fault, [])


def test_a_person_can_stop_it_between_steps() -> None:
    recorder = MemoryRecorder()
    first, second, *_ = script()

    def stopping(_: Sequence[Message]) -> Reply:
        recorder.stop_after = 0
        assert isinstance(second, Reply)
        return second

    attempt, model, _ = solve([first, stopping], recorder=recorder)
    assert (attempt.ending, len(model.heard), attempt.diff) == (Ending.STOPPED, 2, "")
    assert len(recorder.kept) == 2, "what the call gave was still done, and is stored"


def test_the_loop_needs_a_model() -> None:
    with pytest.raises(StrategyUnavailable):
        loop.solve(TASK, world(), None, LIMITS, MemoryRecorder())


# --- going on after a crash --------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", range(6))
def test_after_a_crash_no_stored_call_is_paid_again_and_the_end_is_the_same(stored: int) -> None:
    whole, model, recorder = solve(script())
    left = MemoryRecorder(kept=recorder.kept[:stored])
    environment = world()
    again, later, _ = solve(script()[stored:], environment=environment, recorder=left)
    assert later.heard == model.heard[stored:], "exactly the calls that were not stored, word for word"
    assert replace(again, seconds=0) == replace(whole, seconds=0)
    expected = [recorder.kept[stored - 1].diff] if 0 < stored < 5 else []
    assert environment.resets == expected


def test_a_stop_and_a_limit_hold_after_a_restart_too() -> None:
    _, _, recorder = solve(script())
    left = MemoryRecorder(kept=recorder.kept[:3])
    attempt, model, _ = solve([], recorder=left, limits=replace(LIMITS, steps=3))
    assert (attempt.ending, model.heard) == (Ending.LIMIT, [])


def test_a_sandbox_that_breaks_is_stored_told_and_raised() -> None:
    class Breaking(MemoryEnvironment):
        def run(self, command: str | Sequence[str], *, timeout: float = 120.0, cwd: str = ".") -> ExecResult:
            raise ContainerLost("The container is gone.")

    recorder = MemoryRecorder()
    bomb = calling(("edit", {"path": "x.py", "new": "1"}), ("shell", {"command": ":(){ :|:& };:"}), turn=1)
    with pytest.raises(SandboxError, match="gone"):
        solve([calling(FIX), bomb], environment=Breaking(FILES, verdicts=verdicts), recorder=recorder)
    assert len(recorder.kept) == 2, "the reply was paid for"
    assert recorder.kept[1].diff == recorder.kept[0].diff, "nothing of the lost turn is kept"
    assert results(recorder.kept[1].messages[-1]) == [LOST, LOST]
    environment = world()
    attempt, model, _ = solve([calling(SUBMIT, turn=2)], environment=environment, recorder=recorder)
    assert attempt.ending is Ending.SUBMITTED
    assert len(model.heard) == 1
    assert "x.py" not in environment.files


@dataclass
class Meeting:
    """Makes it seen what is done at the same time: who comes first waits for the other."""

    barrier: threading.Barrier = field(default_factory=lambda: threading.Barrier(2, timeout=20))
    stored: list[int] = field(default_factory=list)

    def recorder(self, *, fails: bool = False) -> MemoryRecorder:
        def record(step: Step) -> None:
            if step.index == 0:
                self.barrier.wait()
                if fails:
                    raise StoreBroke
            self.stored.append(step.index)
            recorder.kept.append(step)

        recorder = MemoryRecorder()
        recorder.record = record  # type: ignore[method-assign]
        return recorder

    def second(self, reply: Said) -> Said:
        def answer(_: Sequence[Message]) -> Reply:
            assert self.stored == []
            self.barrier.wait()
            assert isinstance(reply, Reply)
            return reply

        return answer


class StoreBroke(Exception):
    pass


def test_a_step_is_stored_while_the_next_call_is_under_way_and_before_its_answer_is_acted_on() -> None:
    meeting = Meeting()
    first, second, *rest = script()

    class Watching(MemoryEnvironment):
        def run_tests(self, selection: Sequence[TestId] = (), *, timeout: float = 600.0) -> TestReport:
            seen.append(tuple(meeting.stored))
            return super().run_tests(selection, timeout=timeout)

    seen: list[tuple[int, ...]] = []
    environment = Watching(FILES, verdicts=verdicts)
    attempt, _, recorder = solve(
        [first, meeting.second(second), *rest], environment=environment, recorder=meeting.recorder()
    )
    assert attempt.ending is Ending.SUBMITTED
    assert seen == [(0,), (0, 1, 2)]
    assert meeting.stored == [0, 1, 2, 3, 4], "the last one too, before the attempt has ended"
    assert attempt.diff == recorder.kept[-1].diff


def test_an_answer_is_not_acted_on_when_the_step_before_it_cannot_be_stored() -> None:
    meeting, environment = Meeting(), world()
    recorder = meeting.recorder(fails=True)
    with pytest.raises(StoreBroke):
        solve([calling(WITNESS), meeting.second(calling(FIX, turn=1))], environment=environment, recorder=recorder)
    assert environment.files["area.py"] == FILES["area.py"]
    assert recorder.kept == []


def test_a_sandbox_that_is_lost_after_a_step_takes_the_step_with_it() -> None:
    class Dying(MemoryEnvironment):
        def diff(self) -> str:
            if "area.py" in self.files and b"*" in self.files["area.py"]:
                raise ContainerLost("The container is gone.")
            return super().diff()

    environment = Dying(FILES, verdicts=verdicts)
    recorder = MemoryRecorder()
    with pytest.raises(ContainerLost):
        solve(
            [calling(WITNESS), calling(FIX, turn=1), calling(RUN, turn=2)], environment=environment, recorder=recorder
        )
    assert environment.timeouts == [], "no third turn"
    assert [results(step.messages[-1]) == [LOST] for step in recorder.kept] == [False, True, True]
    assert recorder.kept[2].diff == recorder.kept[1].diff == recorder.kept[0].diff != ""
    assert sum(step.usage.input_tokens for step in recorder.kept) == 300, "the third answer is paid for"


def test_what_was_thought_about_answers_that_are_lost_does_not_stay() -> None:
    class Dying(MemoryEnvironment):
        def diff(self) -> str:
            raise ContainerLost("The container is gone.")

    thinking = (Reasoning(text="signed", bound=True), Reasoning(text="free"))
    reply = calling(RUN, turn=1)
    thought = replace(reply, message=replace(reply.message, parts=(*thinking, *reply.message.parts)))
    recorder = MemoryRecorder()
    with pytest.raises(ContainerLost):
        solve([calling(WITNESS), thought], environment=Dying(FILES), recorder=recorder)
    first, second = (step.messages[-2:] for step in recorder.kept)
    assert [results(answers) for _, answers in (first, second)] == [[LOST], [LOST]]
    assert second[0].parts == (thinking[1], *reply.message.parts)


def test_a_call_that_breaks_off_loses_no_step() -> None:
    meeting = Meeting()

    def interrupted(_: Sequence[Message]) -> Reply:
        meeting.barrier.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve([calling(WITNESS), interrupted], recorder=meeting.recorder())
    assert meeting.stored == [0]


def test_a_change_that_is_too_large_is_told_and_not_kept() -> None:
    environment = world()

    def build(command: str | Sequence[str]) -> ExecResult:
        environment.files["core"] = b"x" * (2 << 20)
        return ExecResult(exit_code=0, output="", seconds=0.1)

    environment.commands = build
    _, model, recorder = solve(
        [
            calling(FIX),
            calling(("shell", {"command": "make"}), turn=1),
            calling(LOOK, turn=2),
            calling(GIVE_UP, turn=3),
        ],
        environment=environment,
    )
    assert recorder.kept[2].diff == recorder.kept[1].diff == recorder.kept[0].diff
    assert "Remove the files" not in model.heard[2][-1].text, "it was under way while the diff was taken"
    assert model.heard[3][-1].text.count("Remove the files") == 1


def test_a_change_that_cannot_be_taken_is_told_and_the_work_goes_on() -> None:
    class Stubborn(MemoryEnvironment):
        def diff(self) -> str:
            if "huge" in self.files:
                raise SetupError("The diff is larger than 8 MiB.")
            return super().diff()

    environment = Stubborn(FILES, verdicts=verdicts)
    huge = calling(("edit", {"path": "huge", "new": "x"}), turn=1)
    _, model, recorder = solve([calling(FIX), huge, calling(LOOK, turn=2), calling(GIVE_UP)], environment=environment)
    assert recorder.kept[1].diff == recorder.kept[0].diff
    assert "cannot be taken: The diff is larger" in model.heard[3][-1].text


class Swelling(MemoryEnvironment):
    """`make` leaves something that is too large; where it says so, `crash` breaks the container."""

    dying = False

    def run(self, command: str | Sequence[str], *, timeout: float = 120.0, cwd: str = ".") -> ExecResult:
        if command == "crash":
            raise ContainerLost("The container is gone.")
        self.dying = command == "die later"
        if command == "make":
            self.files["core"] = b"x" * (2 << 20)
        return ExecResult(exit_code=0, output="", seconds=0.1)

    def diff(self) -> str:
        if self.dying:
            raise ContainerLost("The container is gone.")
        return super().diff()


def shell(command: str, turn: int) -> Said:
    return calling(("shell", {"command": command}), turn=turn)


@pytest.mark.parametrize("after", ["", "crash", "die later"])
def test_that_a_change_was_not_kept_is_told_after_a_restart_too(after: str) -> None:
    recorder = MemoryRecorder()
    said: list[Said] = [calling(FIX), shell("make", 1)]
    if after:
        said.append(shell(after, 2))
        with pytest.raises(ContainerLost):
            solve([*said, calling(LOOK, turn=3)], environment=Swelling(FILES), recorder=recorder)
    else:
        solve(said, recorder=recorder, environment=Swelling(FILES), limits=replace(LIMITS, steps=2))
    stored = len(recorder.kept)
    assert recorder.kept[-1].diff == recorder.kept[0].diff
    _, model, _ = solve([calling(LOOK, turn=stored), calling(GIVE_UP)], recorder=recorder)
    told = "".join(message.text for message in model.heard[-1])
    assert told.count("Remove the files") == 1


def test_ctrl_c_does_not_wait_for_a_tree_that_does_not_answer_and_nothing_is_stored_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoints, "GRACE", 0.01)
    answered, recorder = threading.Event(), MemoryRecorder()
    writers: list[threading.Thread] = []

    class Hanging(MemoryEnvironment):
        def diff(self) -> str:
            writers.append(threading.current_thread())
            answered.wait(20)
            return super().diff()

    def interrupted(_: Sequence[Message]) -> Reply:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve([calling(WITNESS), interrupted], environment=Hanging(FILES), recorder=recorder)
    assert not answered.is_set()
    answered.set()
    (writer,) = writers
    writer.join(20)
    assert not writer.is_alive()
    assert recorder.kept == []


def test_a_machine_without_threads_is_an_error_before_anything_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    model = ScriptedModel(script())
    with pytest.raises(RuntimeError, match="new thread"):
        loop.solve(TASK, world(), model, LIMITS, MemoryRecorder())
    assert model.heard == []


# --- records -----------------------------------------------------------------------------------------------------


def test_a_recorded_run_can_be_replayed_for_nothing() -> None:
    whole, _, recorder = solve(script())
    steps = tuple(recorder.kept)
    trajectory = Trajectory(task_id="t-1", model="scripted", strategy="loop", prompt_version="x", steps=steps)
    model = ReplayModel("replayed", from_json(to_json(trajectory)))
    again = loop.solve(TASK, world(), model, LIMITS, MemoryRecorder())
    assert (again.ending, again.diff, again.cost_usd) == (whole.ending, whole.diff, 0.0)


def test_a_replay_on_another_tree_departs_and_says_so() -> None:
    _, _, recorder = solve(script())
    steps = tuple(recorder.kept)
    trajectory = Trajectory(task_id="t-1", model="scripted", strategy="loop", prompt_version="x", steps=steps)
    other = MemoryEnvironment({"area.py": b"def area(w, h):\n    return w - h\n"}, verdicts=verdicts)
    attempt = loop.solve(TASK, other, ReplayModel("replayed", trajectory), LIMITS, MemoryRecorder())
    assert attempt.ending is Ending.MODEL_FAILED
    assert "departs from the recording" in attempt.reason
