"""A small stateful environment, recorder and model for tests of the agents. Nothing here is part of the product.

The environment keeps its tree in memory and runs no command of a model: `run` answers what the test taught it. What a
test of a repository would find is decided by a function the test gives.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.protocols import Lines
from agents.types import Message, Reply, Role, Step, StopReason, Text, ToolCall, ToolSpec, Usage
from sandbox.errors import PatchDoesNotApply
from sandbox.foresight import foresight
from sandbox.types import ExecResult, Failure, Foresight, TestId, TestReport, TestResult, TestStatus


@dataclass(frozen=True)
class View:
    files: Mapping[str, bytes]

    def paths(self) -> Iterable[str]:
        return sorted(self.files)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


def no_command(command: str | Sequence[str]) -> ExecResult:
    return ExecResult(exit_code=127, output="not taught", seconds=0.0)


def all_green(files: Mapping[str, bytes]) -> Mapping[str, str]:
    return {"tests/test_x.py::test_x": ""}


@dataclass
class MemoryEnvironment:
    """`agents.protocols.Environment` in memory."""

    base_files: Mapping[str, bytes]
    commands: Callable[[str | Sequence[str]], ExecResult] = no_command
    verdicts: Callable[[Mapping[str, bytes]], Mapping[str, str]] = all_green
    """From the tree's files: test id to the reason it is red, "" when green."""
    files: dict[str, bytes] = field(init=False)
    timeouts: list[float] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.files = dict(self.base_files)

    @property
    def base(self) -> View:
        return View(self.base_files)

    def run(self, command: str | Sequence[str], *, timeout: float = 120.0, cwd: str = ".") -> ExecResult:
        self.timeouts.append(timeout)
        return self.commands(command)

    def read(self, path: str) -> bytes:
        if path.startswith(("/", "../")):
            raise ValueError(f"{path} is outside of the tree")
        if any(name.startswith(f"{path}/") for name in self.files) or path == ".":
            raise IsADirectoryError(path)
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def write(self, path: str, data: bytes) -> None:
        if path.startswith(("/", "../")):
            raise ValueError(f"{path} is outside of the tree")
        self.files[path] = data

    def diff(self) -> str:
        names = sorted({*self.files, *self.base_files})
        return "".join(self._file_diff(name) for name in names)

    def _file_diff(self, name: str) -> str:
        old, new = self.base_files.get(name), self.files.get(name)
        if old == new:
            return ""
        lines = difflib.unified_diff(
            (old or b"").decode().splitlines(keepends=True),
            (new or b"").decode().splitlines(keepends=True),
            "/dev/null" if old is None else f"a/{name}",
            "/dev/null" if new is None else f"b/{name}",
        )
        # The whole new text rides along, so that `reset` needs no patch program.
        return f"diff --git a/{name} b/{name}\n{''.join(lines)}#new {name} {(new or b'').hex()}\n"

    def reset(self, diff: str = "") -> None:
        self.resets.append(diff)
        self.files = dict(self.base_files)
        for line in diff.splitlines():
            if line.startswith("#new "):
                _, name, data = line.split(" ")
                self.files[name] = bytes.fromhex(data)
        if self.diff() != diff:
            raise PatchDoesNotApply("the diff does not fit")

    def run_tests(self, selection: Sequence[TestId] = (), *, timeout: float = 600.0) -> TestReport:
        self.timeouts.append(timeout)
        found = self.verdicts(self.files)
        asked = {test: why for test, why in found.items() if not selection or test in selection}
        return _report(asked)

    def foresee(self, report: TestReport, *, timeout: float = 600.0) -> Foresight:
        """Files whose names begin with `test` are tests; those that base has not are new."""
        touched = {name for name, data in self.files.items() if _is_test(name) and self.base_files.get(name) != data}
        changes_source = any(
            self.files.get(name) != self.base_files.get(name)
            for name in {*self.files, *self.base_files}
            if not _is_test(name)
        )
        witness = {**self.base_files, **{name: self.files[name] for name in touched}}
        return foresight(
            report,
            without=_report(self.verdicts(witness)),
            base=_report(self.verdicts(self.base_files)),
            touched=[test for test in report.results if test.split("::")[0] in touched],
            changes_source=changes_source,
        )

    def open_lines(self, script: str, arguments: Sequence[str] = ()) -> Lines:
        raise NotImplementedError("no process in memory")


def _is_test(name: str) -> bool:
    return name.rsplit("/", 1)[-1].startswith("test")


def _report(found: Mapping[str, str]) -> TestReport:
    results = {TestId(test): _result(test, why) for test, why in found.items()}
    return TestReport(results=results, exit_code=1 if any(found.values()) else 0, complete=True)


def _result(test: str, why: str) -> TestResult:
    if not why:
        return TestResult(id=TestId(test), status=TestStatus.PASSED)
    failure = Failure(phase="call", exception="builtins.AssertionError", message=why, path=test.split("::")[0], line=1)
    return TestResult(id=TestId(test), status=TestStatus.FAILED, failure=failure)


@dataclass
class MemoryRecorder:
    """`agents.protocols.Recorder` in memory. `stop_after`: steps until a person asks to stop."""

    kept: list[Step] = field(default_factory=list)
    stop_after: int | None = None

    def steps(self) -> Sequence[Step]:
        return tuple(self.kept)

    def record(self, step: Step) -> None:
        self.kept.append(step)

    def stopped(self) -> bool:
        return self.stop_after is not None and len(self.kept) >= self.stop_after


Said = Reply | Exception | Callable[[Sequence[Message]], Reply]


@dataclass
class ScriptedModel:
    """`agents.protocols.Model` that says what the test wrote, and keeps what it was sent."""

    said: list[Said]
    name: str = "scripted"
    window: int = 0
    heard: list[tuple[Message, ...]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        self.heard.append(tuple(messages))
        self.asked.append(max_output_tokens)
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Reply) else said(messages)


def calling(
    *calls: tuple[str, Mapping[str, object]], cost: float | None = 0.01, text: str = "", turn: int = 0
) -> Reply:
    """A reply that calls tools; ids are made from `turn` and the place."""
    made = tuple(
        ToolCall(id=f"call_{turn}_{place}", name=name, arguments=dict(arguments))
        for place, (name, arguments) in enumerate(calls)
    )
    parts = (*((Text(text=text),) if text else ()), *made)
    return saying(Message(role=Role.ASSISTANT, parts=parts), cost=cost)


def saying(
    message: Message | str, *, cost: float | None = 0.01, stop: StopReason | None = None, usage: Usage | None = None
) -> Reply:
    said = Message(role=Role.ASSISTANT, parts=(Text(text=message),)) if isinstance(message, str) else message
    ending = stop or (StopReason.TOOL_CALLS if said.tool_calls else StopReason.END)
    return Reply(
        message=said,
        stop=ending,
        usage=usage or Usage(input_tokens=100, output_tokens=10),
        cost_usd=cost,
        seconds=0.1,
        model="scripted-1",
    )
