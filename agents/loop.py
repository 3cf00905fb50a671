"""The loop: query, act, observe. All it knows is in the stored steps, so a restart is a fold over them.

A step holds what was added to the conversation (the first one the opening too) and what the model's window made it
leave out; `agents.history` says what that makes of the next call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from agents import history, tools
from agents.checkpoints import Checkpoints
from agents.dialects.tools import correction, was_thinking
from agents.errors import ContextOverflow, Fault, ModelError, OverLimit, StrategyUnavailable
from agents.limits import exceeded, output_tokens_left, seconds_left
from agents.progress import Ended, ended, working_diff
from agents.prompts import PROMPT_VERSION, opening
from agents.protocols import Environment, Model, Recorder
from agents.tools.tool import Bench, Conclusion, Observation, bounded
from agents.types import (
    Attempt,
    AttemptLimits,
    Condensation,
    Ending,
    Message,
    Part,
    Reply,
    Role,
    Step,
    StopReason,
    Task,
    Text,
    ToolResult,
)
from sandbox.errors import SandboxError

STRATEGY = "loop"
REPLY_TOKENS = 32_000
"""At most asked for in one reply, thinking included; twice as many after one that was cut off while thinking."""
SHARE_OF_A_TURN = 8
"""The results of one turn fill at most this part of the window."""
DIALECT_TOKENS = 1_000
"""Of the instructions that go with the tools, at most."""
SQUEEZES = 3
"""How often a conversation is condensed further because the endpoint says that it does not fit."""
DECLINED = "(declined)"
"""The note of a step whose reply is a refusal."""
ACCEPTED = "Accepted. The work has ended."
AFTER_END = "Not done: the work had ended with the call before."


def solve(
    task: Task,
    environment: Environment,
    model: Model | None,
    limits: AttemptLimits,
    recorder: Recorder,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Attempt:
    """`agents.protocols.Strategy`. Goes on from the recorder's steps and pays none of them again.

    Raises `StrategyUnavailable` without a model, and `sandbox.errors.SandboxError` where the sandbox fails: the steps
    are stored by then, and the same call with a fresh environment goes on.
    """
    if model is None:
        raise StrategyUnavailable("The strategy 'loop' needs a model; 'repair' works without one.")
    checkpoints = Checkpoints(environment, recorder)
    steps = checkpoints.steps
    if steps and ended(steps) is None:
        environment.reset(working_diff(steps))
    with checkpoints:
        end = _Run(task, environment, model, limits, recorder, clock, checkpoints).go()
    spent = checkpoints.spent
    return Attempt(
        task_id=task.id,
        model=model.name,
        strategy=STRATEGY,
        prompt_version=PROMPT_VERSION,
        ending=end.ending,
        reason=end.reason,
        diff=working_diff(steps) if end.ending is Ending.SUBMITTED else "",
        usage=spent.usage,
        cost_usd=spent.cost_usd if spent.cost_known else None,
        steps=spent.steps,
        seconds=spent.seconds,
        summary=end.summary,
        fault=end.fault,
    )


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """A call that was answered."""

    added: Sequence[Message]
    """What it said for the first time, beyond the stored steps."""
    condensed: Condensation
    started: float


@dataclass(frozen=True)
class _Run:
    task: Task
    environment: Environment
    model: Model
    limits: AttemptLimits
    recorder: Recorder
    clock: Callable[[], float]
    checkpoints: Checkpoints

    @property
    def steps(self) -> Sequence[Step]:
        return self.checkpoints.steps

    def go(self) -> Ended:
        while (end := self.over() or self.turn()) is None:
            pass
        self.checkpoints.settle()
        return end

    def over(self) -> Ended | None:
        """Checked before every call."""
        return self.declined() or ended(self.steps, self.checkpoints.settle) or self.stopped()

    def turn(self) -> Ended | None:
        """One call, and what its answer asks for; what ended the attempt where the call did."""
        started = self.clock()
        added = () if self.steps else opening(self.task, self.environment.base, window=self.model.window)
        try:
            reply, condensed = self.query(added)
        except (ContextOverflow, OverLimit) as error:
            limit = Ended(ending=Ending.LIMIT, reason=str(error), fault=error.fault)
            return self.asked_to_stop() or limit
        except ModelError as error:
            failed = Ended(ending=Ending.MODEL_FAILED, reason=str(error), fault=error.fault)
            return self.asked_to_stop() or failed
        self.act(reply, _Turn(added=added, condensed=condensed, started=started))
        return None

    def declined(self) -> Ended | None:
        """As the last step says, so that a restart does not ask again."""
        if not self.steps or self.steps[-1].note != DECLINED:
            return None
        declined = f"{self.model.name} declined to work on this task."
        return Ended(ending=Ending.MODEL_FAILED, reason=declined, fault=Fault.DECLINED)

    def asked_to_stop(self) -> Ended | None:
        """Also what ended a wait for an endpoint, or for money: then it is no failure of the endpoint, and no limit."""
        stopped = self.recorder.stopped()
        return Ended(ending=Ending.STOPPED, reason="The attempt was stopped on request.") if stopped else None

    def stopped(self) -> Ended | None:
        if asked := self.asked_to_stop():
            return asked
        limit = exceeded(self.limits, self.checkpoints.spent)
        return Ended(ending=Ending.LIMIT, reason=limit) if limit else None

    def query(self, added: Sequence[Message]) -> tuple[Reply, Condensation]:
        """The reply, and what was left out of the call for the sake of the window."""
        window, refused = self.model.window, None
        tried: Condensation | None = None
        for _ in range(SQUEEZES + 1):
            most = self.reply_tokens()
            fit = self.fit(added, window, most)
            if fit is None or fit.condensed == tried:
                break
            condensed = fit.condensed
            if window:
                most = min(most, max(history.SMALLEST_REPLY, window - fit.tokens))
            messages = [*history.sent(self.steps, condensed), *added]
            try:
                return self.model.query(messages, tools.specs(), max_output_tokens=most), condensed
            except ContextOverflow as error:
                # The endpoint knows better than we do how long the conversation or the window is.
                refused, tried = error, condensed
                window = history.size(self.steps, added, condensed, _overhead(), enough=0) * 3 // 4
        raise refused or ContextOverflow(f"The conversation does not fit into the window of {self.model.name}.")

    def fit(self, added: Sequence[Message], window: int, most: int) -> history.Fit | None:
        if not window:
            return history.Fit(condensed=self.steps[-1].condensed if self.steps else Condensation(), tokens=0)
        return history.fitting(self.steps, added, history.Room.of(window, most), _overhead())

    def reply_tokens(self) -> int:
        most = REPLY_TOKENS * (2 if self.steps and was_thinking(self.steps[-1].messages[-1]) else 1)
        return min(most, output_tokens_left(self.limits, self.checkpoints.spent))

    def act(self, reply: Reply, turn: _Turn) -> None:
        """Do what a reply asks for, when the step before it is stored, and keep the step. Where the sandbox breaks that
        is told to the model, stored, and raised: the reply is paid for, and asking again could break it again."""
        try:
            self.checkpoints.settle()
        except SandboxError:
            # What was thought in it was thought about answers that the step before has not any more.
            unbound = replace(reply, message=history.unbound(reply.message))
            self.checkpoints.add_lost(self.step(unbound, turn, ()))
            raise
        left = seconds_left(self.limits, self.checkpoints.spent)
        bench = Bench(environment=self.environment, seconds_left=lambda: left - (self.clock() - turn.started))
        try:
            answers = self.cut(list(_answers(reply, bench)))
        except SandboxError:
            self.checkpoints.add_lost(self.step(reply, turn, ()))
            raise
        self.checkpoints.add(self.step(reply, turn, (*answers, *self.checkpoints.untold)))

    def step(self, reply: Reply, turn: _Turn, answers: Sequence[Part]) -> Step:
        return Step(
            index=len(self.steps),
            messages=(*turn.added, reply.message, Message(role=Role.USER, parts=tuple(answers))),
            usage=reply.usage,
            cost_usd=reply.cost_usd,
            seconds=self.clock() - turn.started,
            diff=working_diff(self.steps),
            note=_note(reply),
            condensed=turn.condensed,
        )

    def cut(self, answers: Sequence[Part]) -> Sequence[Part]:
        """The answers of one turn, so short that the next call has room for them."""
        if not self.model.window:
            return answers
        texts = [history.text_of(answer) for answer in answers]
        kept = history.cut(texts, self.model.window // SHARE_OF_A_TURN, bounded)
        return [
            replace(answer, text=text) if isinstance(answer, Text | ToolResult) else answer
            for answer, text in zip(answers, kept, strict=True)
        ]


def _answers(reply: Reply, bench: Bench) -> Iterator[Part]:
    """What the model is told: one result for each call, in order, or what was wrong with an answer without any."""
    if wrong := correction(reply):
        yield Text(text=wrong)
    over = False
    for call in reply.message.tool_calls:
        if over:
            yield ToolResult(call_id=call.id, text=AFTER_END, is_error=True)
            continue
        match tools.act(call, bench):
            case Conclusion():
                over = True
                yield ToolResult(call_id=call.id, text=ACCEPTED)
            case Observation(text=text, is_error=is_error):
                yield ToolResult(call_id=call.id, text=text, is_error=is_error)


@cache
def _overhead() -> int:
    """Tokens of the tools at most, as any dialect writes them down."""
    return DIALECT_TOKENS + sum(len(f"{spec.name} {spec.description} {spec.parameters}") for spec in tools.specs()) // 2


def _note(reply: Reply) -> str:
    """One line a person can follow."""
    if reply.stop is StopReason.REFUSED and not reply.message.tool_calls:
        return DECLINED
    done = [f"{call.name} {next(iter(call.arguments.values()), '')}".strip() for call in reply.message.tool_calls]
    line = " ".join(bounded("; ".join(done) or "an answer without an action").split())
    return line if len(line) <= 160 else line[:159] + "…"
