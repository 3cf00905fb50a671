"""What the agents need of the world; `bot` hands in the real things. Each method says what it raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from agents.types import Attempt, AttemptLimits, Message, Reply, Step, Task, ToolSpec
from sandbox.types import ExecResult, Foresight, RepoView, TestId, TestReport


class Model(Protocol):
    """One endpoint. Stateless: the whole conversation goes in with every call."""

    @property
    def name(self) -> str:
        """The lineup's name, the scoreboard's row."""
        ...

    @property
    def window(self) -> int:
        """Tokens of a whole conversation, the reply included; 0: no limit is known."""
        ...

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        """One complete reply.

        Raises `agents.errors.IncompleteReply`, `ModelUnavailable`, `ModelRefused` or `ContextOverflow`; no SDK's or
        transport's exception leaves the adapter.
        """
        ...


class Lines(Protocol):
    """A process in the sandbox that is spoken to line by line (the warm worker of `repair`)."""

    def send(self, line: str) -> None:
        """Write one line. Raises `sandbox.errors.ContainerLost` when the process is gone."""
        ...

    def receive(self, timeout: float) -> str | None:
        """The next line of its standard output; None when it ended or nothing came in time."""
        ...

    def close(self) -> None:
        """End the process and all its children. Never raises."""
        ...


class Environment(Protocol):
    """The container an attempt works in: no network, no secret, the tree at `sandbox.types.TREE`, python as configured.

    All methods raise `sandbox.errors.SandboxError` when the sandbox itself fails; a command that fails is a result.
    """

    @property
    def base(self) -> RepoView:
        """The base tree."""
        ...

    def run(self, command: str | Sequence[str], *, timeout: float = 120.0, cwd: str = ".") -> ExecResult:
        """A shell command line, or an argument list, in the working tree."""
        ...

    def read(self, path: str) -> bytes:
        """A file of the working tree, at most 8 MiB. Raises FileNotFoundError, IsADirectoryError or ValueError."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file of the working tree. Raises ValueError for a path that leaves it."""
        ...

    def diff(self) -> str:
        """The working tree against base, as a unified diff (new files included, ignored ones not)."""
        ...

    def reset(self, diff: str = "") -> None:
        """The working tree back to base, then with `diff` applied. Raises `PatchDoesNotApply`."""
        ...

    def run_tests(self, selection: Sequence[TestId] = (), *, timeout: float = 600.0) -> TestReport:
        """The repository's tests in the working tree through the injected reporter; empty selection: all."""
        ...

    def foresee(self, report: TestReport, *, timeout: float = 600.0) -> Foresight:
        """What the verdict would hold of `report`, which `run_tests` gave for the working tree as it is: the tests that
        it needs for that are run on base, and on base with the change's new tests. The working tree stays as it is.

        Raises `SetupError` where that cannot be told.
        """
        ...

    def open_lines(self, script: str, arguments: Sequence[str] = ()) -> Lines:
        """Start a Python program, given as its source, with the environment's own interpreter, in the working tree."""
        ...


class Recorder(Protocol):
    """Where a strategy leaves its checkpoints. `steps()` is what a crash left behind.

    Steps are recorded by one thread at a time, not always the one that asks whether to stop.
    """

    def steps(self) -> Sequence[Step]:
        """The stored steps, in order."""
        ...

    def record(self, step: Step) -> None:
        """Store one step durably before returning."""
        ...

    def stopped(self) -> bool:
        """True when a person or a drain asked the attempt to end at the next step."""
        ...


Strategy = Callable[[Task, Environment, Model | None, AttemptLimits, Recorder], Attempt]
"""`solve`: the one signature behind which loop, single_shot and repair stand."""

Prices = Callable[[str, Mapping[str, int]], float | None]
"""(model, token counts) -> dollars, or None where the price is unknown."""

__all__ = ["Environment", "Lines", "Model", "Prices", "Recorder", "Strategy"]
