"""The steps of a conversation, each stored while the model answers the next call.

Asking git for the tree's change and putting a step on the disk is most of what a step costs, and the next call needs
neither. So both are done beside that call, once it is sent, for one step at a time: an answer is only acted on when the
step before it is stored. A process that dies meanwhile loses the last answer, as one does that dies while it acts on
it; what a call cost is in the book before the next call (`agents.models.paying`).
"""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from agents.limits import Spent
from agents.protocols import Environment, Recorder
from agents.tools.tool import MOST_DIFF, no_diff, too_large
from agents.types import Message, Part, Role, Step, Text, ToolResult
from sandbox.errors import SandboxError, SetupError

LOST = "The sandbox broke while this ran, and nothing of this turn was kept: the tree is as it was before it."
GRACE = 5.0
"""Seconds that a step under way is given when the attempt is broken off."""
HEAD_START = 0.008
"""Seconds in which the next call can be sent: at once with it, what is done beside it would slow it down."""


@dataclass(frozen=True, kw_only=True)
class _Stored:
    step: Step
    failure: SandboxError | None = None


class Checkpoints:
    """Used in a `with` block, which ends when nothing is under way any more."""

    def __init__(self, environment: Environment, recorder: Recorder) -> None:
        self._environment, self._recorder = environment, recorder
        self.steps: list[Step] = list(recorder.steps())
        """Until it is settled, the last one has the diff of the one before."""
        self.spent = Spent.of(self.steps)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._under_way: Future[_Stored] | None = None
        self._is_waited_for = threading.Event()
        self._recording = threading.Lock()
        self._is_over = False

    def __enter__(self) -> Self:
        # A thread that cannot be started is an error before the first call is paid for.
        self._writer.submit(int).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What is under way is waited for, on Ctrl-C for `GRACE` at most; nothing is stored afterwards."""
        self._is_waited_for.set()
        try:
            if self._under_way is not None:
                wait([self._under_way], timeout=None if error is None or isinstance(error, Exception) else GRACE)
        finally:
            with self._recording:
                self._is_over = True
            self._writer.shutdown(wait=False)

    def add(self, step: Step) -> None:
        """Begin to store a step, which was given the diff of the one before, with the tree as it is now."""
        self.settle()
        self._append(step)
        self._is_waited_for.clear()
        self._under_way = self._writer.submit(contextvars.copy_context().run, self._store, step)

    def add_lost(self, step: Step) -> None:
        """Store a step whose turn the sandbox did not survive."""
        self.settle()
        lost = self._lost(step)
        self._recorder.record(lost)
        self._append(lost)

    def settle(self) -> None:
        """Wait until all steps are stored.

        Raises what the recorder does, and `SandboxError` where the sandbox broke over the last step, which is stored as
        lost then: its answer is paid for, and to ask again could break the sandbox again.
        """
        if self._under_way is None:
            return
        self._is_waited_for.set()
        wait([self._under_way])
        under_way, self._under_way = self._under_way, None
        stored = under_way.result()
        self.steps[-1] = stored.step
        if stored.failure is not None:
            raise stored.failure

    @property
    def untold(self) -> tuple[Text, ...]:
        """What the model has not been told yet, of settled steps."""
        return _words(self.steps)

    def _append(self, step: Step) -> None:
        self.steps.append(step)
        self.spent = self.spent.and_of(step)

    def _store(self, step: Step) -> _Stored:
        self._is_waited_for.wait(HEAD_START)
        stored = self._taken(step)
        with self._recording:
            if not self._is_over:
                self._recorder.record(stored.step)
        return stored

    def _taken(self, step: Step) -> _Stored:
        try:
            diff = self._environment.diff()
        except SetupError as error:
            return _Stored(step=replace(step, untold=no_diff(error)))
        except SandboxError as error:
            return _Stored(step=self._lost(step), failure=error)
        if len(diff) > MOST_DIFF:
            return _Stored(step=replace(step, untold=too_large(diff)))
        return _Stored(step=replace(step, diff=diff))

    def _lost(self, step: Step) -> Step:
        """With nothing in place of what its calls gave."""
        *before, reply, _ = step.messages
        results: list[Part] = [ToolResult(call_id=call.id, text=LOST, is_error=True) for call in reply.tool_calls]
        words = _words(self.steps[: step.index])
        answers = Message(role=Role.USER, parts=(*(results or [Text(text=LOST)]), *words))
        return replace(step, messages=(*before, reply, answers))


def _words(steps: list[Step]) -> tuple[Text, ...]:
    return (Text(text=steps[-1].untold),) if steps and steps[-1].untold else ()
