"""The attempt's book: every paid answer is stored before it is used, and a stored answer is not asked for again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from agents.errors import ContextOverflow, Fault
from agents.limits import Spent, exceeded, output_tokens_left, seconds_left
from agents.models.sampler import Prompt, Sampler
from agents.protocols import Recorder
from agents.single_shot.fitting import Shape, fitted
from agents.types import AttemptLimits, Ending, Message, Reply, Role, Step, StopReason, Usage

_KEY = re.compile(r"^\[([a-z]+ \d+)\]")
DECLINED = ", declined"
"""Ends the note of an answer that the model, or a filter before it, would not give."""
REFUSALS = 4
"""How often an endpoint may find a prompt too long that was counted as fitting."""


@dataclass(frozen=True, kw_only=True)
class End(Exception):
    """The attempt is over."""

    ending: Ending
    reason: str
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True)
class Answered:
    text: str
    is_cut: bool
    """Ended at the output limit."""


_ENDS = {StopReason.LENGTH: ", cut at its limit", StopReason.REFUSED: DECLINED}


class Journal:
    """Steps of one attempt; goes on from those that a crash left."""

    def __init__(
        self, recorder: Recorder, sampler: Sampler, limits: AttemptLimits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._recorder = recorder
        self._sampler = sampler
        self._limits = limits
        self._clock = clock
        self._mark = clock()
        self.steps = list(recorder.steps())
        self._stored = {key[1]: step for step in self.steps if (key := _KEY.match(step.note)) and step.messages}

    def seconds_left(self) -> float:
        """Until the attempt's end, with the time since the last step."""
        return seconds_left(self._limits, Spent.of(self.steps)) - (self._clock() - self._mark)

    def check(self) -> None:
        """Raises `End` where the attempt may not go on."""
        if self._recorder.stopped():
            raise End(ending=Ending.STOPPED, reason="The attempt was stopped on request.")
        limit = exceeded(self._limits, Spent.of(self.steps))
        if not limit and self.seconds_left() <= 0:
            limit = f"The limit of {self._limits.seconds:g} seconds is used up."
        if limit:
            raise End(ending=Ending.LIMIT, reason=limit)

    def note(self, text: str, *, diff: str = "") -> None:
        self._record((), text, diff)

    def ask(self, key: str, render: Callable[[Shape], Prompt], answer_tokens: int, diff: str = "") -> Answered:
        """The stored answer to a question, else a new one: the largest prompt that fits. `diff`: the best patch so far.

        Raises `End` where a limit is reached, nothing fits, or the model declines its first question (a later one is a
        sample that is lost), and the `ModelError`s of the endpoint.
        """
        step = self._stored.get(key) or self._asked(key, render, answer_tokens, diff)
        if all(one.note.endswith(DECLINED) for one in self._stored.values()):
            declined = f"{self._sampler.name} declined to work on this task."
            raise End(ending=Ending.MODEL_FAILED, reason=declined, fault=Fault.DECLINED)
        return Answered(text=step.messages[-1].text, is_cut="cut at its limit" in step.note)

    def _asked(self, key: str, render: Callable[[Shape], Prompt], answer_tokens: int, diff: str) -> Step:
        self.check()
        prompt, reply = self._sampled(render, answer_tokens)
        said = f", answered by {reply.model}" if reply.model else ""
        words = f"[{key}] {prompt.form.value}{said}{_ENDS.get(reply.stop, '')}"
        text = Message(role=Role.ASSISTANT, parts=reply.message.parts)
        step = self._record((*prompt.messages(), text), words, diff, usage=reply.usage, cost=reply.cost_usd)
        self._stored[key] = step
        return step

    def _sampled(self, render: Callable[[Shape], Prompt], answer_tokens: int) -> tuple[Prompt, Reply]:
        most = min(answer_tokens, self._sampler.output_limit, output_tokens_left(self._limits, Spent.of(self.steps)))
        sampler, largest = self._sampler, self._sampler.window
        for _ in range(REFUSALS):

            def room(prompt: Prompt, largest: int = largest) -> int:
                return min(sampler.room(prompt, most), largest - sampler.count(prompt.whole))

            prompt = fitted(render, room, Shape())
            if prompt is None:
                break
            try:
                return prompt, sampler.sample(prompt, max_output_tokens=most)
            except ContextOverflow:
                largest = sampler.count(prompt.whole) * 3 // 4
        raise End(
            ending=Ending.LIMIT,
            reason=f"The smallest question does not fit the window of {self._sampler.name} "
            f"({self._sampler.window:,} tokens).",
            fault=Fault.CONTEXT,
        )

    def _record(
        self,
        messages: tuple[Message, ...],
        note: str,
        diff: str,
        usage: Usage | None = None,
        cost: float | None = 0.0,
    ) -> Step:
        now = self._clock()
        step = Step(
            index=len(self.steps),
            messages=messages,
            usage=usage or Usage(),
            cost_usd=cost,
            seconds=now - self._mark,
            diff=diff,
            note=note,
        )
        self._recorder.record(step)
        self.steps.append(step)
        self._mark = now
        return step
