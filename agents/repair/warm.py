"""The host's end of the warm worker: jobs out, outcomes in, with a restart when it is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from agents.protocols import Environment, Lines
from agents.repair.types import Fault, RecordedCall, RunOutcome, TestTrace
from agents.repair.worker import bundle
from sandbox.errors import ContainerLost
from sandbox.types import TestId

START_SECONDS = 60.0
"""For the interpreter, the runner and the collection of a hot worker's tests."""
IN_FLIGHT = 8
"""Jobs sent ahead for each slot: the worker need not wait for a busy host."""


class WorkerLost(Exception):
    """The worker ended or fell silent; the caller starts another or goes on without."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run: stages of tests, each begun only when the one before was green (with `stop_on_red`)."""

    id: int
    stages: tuple[tuple[TestId, ...], ...]
    patches: Mapping[str, str] = field(default_factory=dict)
    stop_on_red: bool = False
    give_up: int = 0
    """After so many red tests and no green one the others are not run; 0: they are."""
    goal: int = 0
    """Hot: how many of the worker's tests must turn green; the others are run only when these are, up to a red one."""
    ask_again: bool = False
    """Whether the first red test's assertion is evaluated once more, after all else: which parts of it held."""
    traced: bool = False
    trace_only: tuple[str, ...] | None = None
    test_seconds: float = 5.0
    cpu_seconds: float = 0.0
    """Of processor time, for one test; 0: only the clock counts."""
    total_seconds: float = 60.0
    memory_bytes: int = 2 << 30
    modules: bool = False
    observed: tuple[str, ...] | None = None
    """Files of whose functions the calls are recorded."""
    replayed: tuple[RecordedCall, ...] = ()
    """Calls to make again, in place of running tests; `stages` then only says what is imported first."""
    variants: int = 0
    replay_seconds: float = 5.0

    def line(self) -> str:
        return json.dumps(
            {
                "id": self.id,
                "stages": self.stages,
                "patches": dict(self.patches),
                "stop_on_red": self.stop_on_red,
                "give_up": self.give_up,
                "goal": self.goal,
                "ask_again": self.ask_again,
                "trace": {"only": self.trace_only} if self.traced else None,
                "test_seconds": self.test_seconds,
                "cpu_seconds": self.cpu_seconds,
                "total_seconds": self.total_seconds,
                "memory_bytes": self.memory_bytes,
                "modules": self.modules,
                "observe": self.observed,
                "replay": self._replay(),
            }
        )

    def _replay(self) -> dict[str, object] | None:
        if not self.replayed:
            return None
        calls = [{"module": c.module, "name": c.name, "data": c.data} for c in self.replayed]
        return {"calls": calls, "variants": self.variants, "seconds": self.replay_seconds}


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    runner: str
    """`pytest` or `unittest`."""
    mode: str
    """`cold`: the tree is imported afresh for each job; `hot`: `tests` are collected once, function bodies swapped."""
    slots: int = 2
    tests: tuple[TestId, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


def runner_of(tests: Iterable[TestId]) -> str:
    """Which runner these ids belong to: pytest's name a file, unittest's are dotted."""
    return "pytest" if any("::" in test for test in tests) else "unittest"


class WarmWorker:
    """One worker process in the sandbox. Raises `WorkerLost`, and `SandboxError` when the sandbox itself fails."""

    def __init__(self, environment: Environment, config: WorkerConfig) -> None:
        self.slots = config.slots
        self._lines: Lines = environment.open_lines(bundle())
        settings = {
            "runner": config.runner,
            "mode": config.mode,
            "slots": config.slots,
            "tests": config.tests,
            "sources": dict(config.sources),
            "imports": config.imports,
        }
        try:
            self._send(json.dumps(settings))
            answer = self._receive(START_SECONDS)
            self.python = str(answer.get("python", ""))
        except WorkerLost:
            self.close()
            raise

    def close(self) -> None:
        self._lines.close()

    def run(self, job: Job) -> RunOutcome:
        """One job, waiting for it."""
        self._send(job.line())
        return self._outcome(job.total_seconds)

    def run_all(self, jobs: Iterator[Job]) -> Iterator[RunOutcome]:
        """Several jobs in flight for each slot; outcomes in the order of their ending. Lazy on both sides."""
        flying = 0
        patience = 0.0
        exhausted = False
        while flying or not exhausted:
            while not exhausted and flying < IN_FLIGHT * self.slots:
                job = next(jobs, None)
                if job is None:
                    exhausted = True
                else:
                    self._send(job.line())
                    patience = max(patience, job.total_seconds)
                    flying += 1
            if flying:
                outcome = self._outcome(2 * patience)
                flying -= 1
                yield outcome

    def _send(self, line: str) -> None:
        try:
            self._lines.send(line)
        except ContainerLost as error:  # if it is the container that is gone, the next worker's start says so
            raise WorkerLost("the warm worker ended") from error

    def _outcome(self, patience: float) -> RunOutcome:
        answer = self._receive(patience + 10.0)
        return _read_outcome(answer)

    def _receive(self, timeout: float) -> dict[str, object]:
        line = self._lines.receive(timeout)
        if line is None:
            raise WorkerLost("the warm worker ended or did not answer")
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise WorkerLost("the warm worker's answer cannot be read") from error
        if not isinstance(answer, dict):
            raise WorkerLost("the warm worker's answer cannot be read")
        return answer


def _read_outcome(answer: Mapping[str, object]) -> RunOutcome:
    """The worker shares its container with the tenant: what it says is checked for shape, and used for search only."""
    try:
        tests = answer["tests"]
        modules = answer.get("modules", [])
        if not isinstance(tests, dict) or not isinstance(modules, list):
            raise TypeError
        return RunOutcome(
            id=int(str(answer["id"])),
            end=str(answer["end"]),
            tests={TestId(name): _trace(record) for name, record in tests.items()},
            seconds=float(str(answer["seconds"])),
            modules=tuple(str(name) for name in modules),
            calls=tuple(_call(record) for record in _list(answer, "calls")),
            outcomes=tuple(tuple(str(text) for text in _whole(row)) for row in _list(answer, "outcomes")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise WorkerLost("the warm worker's answer has an unknown shape") from error


def _fault(record: object) -> Fault | None:
    if not isinstance(record, dict):
        return None
    return Fault(
        kind=str(record["kind"]), line=int(record["line"]), place=str(record["place"]), words=str(record["words"]),
        held=str(record.get("held", "")), seen=str(record.get("seen", "")),
    )  # fmt: skip


def _list(answer: Mapping[str, object], key: str) -> list[object]:
    return _whole(answer.get(key, []))


def _whole(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _call(record: object) -> RecordedCall:
    if not isinstance(record, dict):
        raise TypeError
    return RecordedCall(
        module=str(record["module"]),
        name=str(record["name"]),
        outer=bool(record["outer"]),
        data=str(record["data"]),
        test=TestId(str(record["test"])),
    )


def _trace(record: Mapping[str, object]) -> TestTrace:
    lines = record.get("lines", {})
    if not isinstance(lines, dict):
        raise TypeError
    return TestTrace(
        status=str(record["status"]),
        seconds=float(str(record.get("seconds", 0.0))),
        lines={str(path): frozenset(int(line) for line in numbers) for path, numbers in lines.items()},
        fault=_fault(record.get("fault")),
        slow=bool(record.get("slow", False)),
    )
