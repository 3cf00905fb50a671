"""`solve`: reproduce, localise, mutate, choose. The order of the work and its checkpoints."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.protocols import Environment, Model, Recorder
from agents.repair import localise as where
from agents.repair import telling, textdiff
from agents.repair.behaviour import best
from agents.repair.candidates import patched, propose
from agents.repair.endings import plain, restored
from agents.repair.goal import Goal, SearchLimits, SearchResult
from agents.repair.oracle import HUNG, NoOracle, Oracle, find_oracle
from agents.repair.search import Search
from agents.repair.types import Candidate, Plausible
from agents.repair.warm import WarmWorker, WorkerConfig, WorkerLost, runner_of
from agents.types import Attempt, AttemptLimits, Ending, Step, Task, Usage
from sandbox.errors import PatchDoesNotApply
from sandbox.types import TestId, TestReport

MODEL = "repair"
STRATEGY = "repair"
VERSION = "repair/4"
"""The prompt version of a strategy without prompts: changes when templates or the order of the search change."""

CHOSEN = "chosen: "
"""Begins the note of a step whose diff is the patch that was chosen and held in a clean tree."""
PLAUSIBLE = "plausible: "
"""Begins the note of a step whose diff is the first plausible patch, while the search looks on for a better one."""

MAX_SOURCE_FILES = 2000


@dataclass(frozen=True, kw_only=True)
class _End(Exception):
    ending: Ending
    reason: str


@dataclass
class _Repair:
    task: Task
    environment: Environment
    limits: AttemptLimits
    recorder: Recorder
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.stored = list(self.recorder.steps())
        self.count = len(self.stored)
        self.raw: dict[str, str] = {}
        self.began -= sum(step.seconds for step in self.stored)  # what an interrupted run used is used

    # --- bookkeeping

    def left(self) -> float:
        return self.limits.seconds - (time.monotonic() - self.began)

    def note(self, text: str, *, diff: str = "", seconds: float = 0.0) -> None:
        self.recorder.record(Step(index=self.count, messages=(), diff=diff, note=text, seconds=seconds))
        self.count += 1

    def check(self) -> None:
        if self.recorder.stopped():
            raise _End(ending=Ending.STOPPED, reason="The attempt was asked to stop.")
        if self.left() <= 0:
            raise _End(ending=Ending.LIMIT, reason=f"No fix within {self.limits.seconds:.0f} seconds.")

    def attempt(self, ending: Ending, reason: str, diff: str = "", summary: str = "") -> Attempt:
        return Attempt(
            task_id=self.task.id, model=MODEL, strategy=STRATEGY, prompt_version=VERSION, ending=ending, reason=reason,
            diff=diff, usage=Usage(), cost_usd=0.0, steps=self.count, seconds=time.monotonic() - self.began,
            summary=summary,
        )  # fmt: skip

    # --- the phases

    def run(self) -> Attempt:
        try:
            resumed = self.resume()
            return resumed if resumed is not None else self.work()
        except _End as end:
            self.environment.reset()
            return self.attempt(end.ending, end.reason)

    def resume(self) -> Attempt | None:
        """A patch that an earlier run of this attempt recorded is taken up, not searched again; a chosen one first."""
        chosen = [step for step in self.stored if step.note.startswith(CHOSEN)]
        for step in [*reversed(chosen), *(s for s in self.stored if s.note.startswith(PLAUSIBLE))]:
            if step.diff:
                try:
                    self.environment.reset(step.diff)
                except PatchDoesNotApply:
                    continue
                self.note("Took up the plausible patch of the interrupted run.", diff=step.diff)
                return self.attempt(Ending.SUBMITTED, step.note.removeprefix(CHOSEN).removeprefix(PLAUSIBLE), step.diff)
        return None

    def work(self) -> Attempt:
        self.check()
        started = time.monotonic()
        sources = self.sources()
        oracle = find_oracle(self.task, self.environment, sources, timeout=max(20.0, min(300.0, self.left() / 6)))
        if isinstance(oracle, NoOracle):
            self.note(oracle.reason, seconds=time.monotonic() - started)
            raise _End(ending=oracle.ending, reason=oracle.reason)
        witness_diff = self.environment.diff()
        self.note(oracle.note, diff=witness_diff, seconds=time.monotonic() - started)
        self.check()
        goal, candidates = self.localise(oracle, sources)
        result = self.search(sources, goal, candidates, witness_diff)
        return self.choose(result, sources, oracle, witness_diff)

    def sources(self) -> dict[str, str]:
        """Every Python file that may be edited, with line feeds only: no tests, nothing that is not UTF-8."""
        texts: dict[str, str] = {}
        self.raw.clear()
        for path in self.environment.base.paths():
            if path.endswith(".py") and not where.is_test_path(path) and len(texts) < MAX_SOURCE_FILES:
                data = self.environment.base.read(path)
                try:
                    self.raw[path] = data.decode("utf-8") if data is not None else ""
                except UnicodeDecodeError:
                    continue
                text = plain(self.raw[path])
                if text:
                    texts[path] = text
        return texts

    def written(self, candidate: Candidate, sources: Mapping[str, str]) -> dict[str, str]:
        """The changed files as they are to be, line ends included."""
        return {path: restored(self.raw[path], text) for path, text in patched(sources, candidate).items()}

    def localise(self, oracle: Oracle, sources: Mapping[str, str]) -> tuple[Goal, list[Candidate]]:
        started = time.monotonic()
        red = oracle.red[:20]
        test_seconds, cpu_seconds = _test_seconds(oracle.report, red)
        green = {test: result.seconds for test, result in oracle.report.results.items() if result.status.is_green}
        config = WorkerConfig(runner=runner_of(oracle.red), mode="cold", slots=1)
        worker = WarmWorker(self.environment, config)
        try:
            found = where.trace(
                worker, red, green, sources, where.named_lines(oracle.report, red),
                seconds=max(3.0, min(40.0, self.left() / 6)), test_seconds=test_seconds,
            )  # fmt: skip
        finally:
            worker.close()
        if not found.suspicion:
            raise _End(ending=Ending.GAVE_UP, reason="The red tests execute no Python source of the repository.")
        candidates = propose(sources, found.suspicion)
        self.note(telling.located(found, len(candidates)), seconds=time.monotonic() - started)
        near = where.covering(found.passing, found.files, 20.0)
        rest = tuple(test for test in green if test not in near)
        goal = Goal(
            runner=config.runner, red=red, covering=near, rest=_affordable(rest, green), imports=found.imports,
            also_red=oracle.also_red[:20], test_seconds=test_seconds, cpu_seconds=cpu_seconds,
            rest_seconds=min(180.0, max(30.0, self.left() / 4)),
        )  # fmt: skip
        return goal, candidates

    def search(
        self, sources: Mapping[str, str], goal: Goal, candidates: list[Candidate], witness_diff: str
    ) -> SearchResult:
        self.check()
        limits = SearchLimits(seconds=max(1.0, self.left() - 20.0))

        def checkpoint(found: Plausible) -> None:
            diff = witness_diff + textdiff.unified(self.raw, self.written(found.candidate, sources))
            self.note(PLAUSIBLE + telling.told(found.candidate, sources, len(goal.red)), diff=diff)

        with Search(self.environment, sources, goal, self.recorder.stopped, checkpoint) as search:
            result = search.run(candidates, limits)
        speed = result.tried / result.seconds if result.seconds else 0.0
        self.note(
            f"Tried {result.tried - result.pairs} of {len(candidates)} candidates ({speed:.0f} a second)"
            f"{telling.pairs(result)}: {len(result.plausible)} plausible, {len(result.partial)} that help in part"
            f"{telling.lost(result)}.",
            diff=witness_diff,
            seconds=result.seconds,
        )
        return result

    def choose(self, result: SearchResult, sources: Mapping[str, str], oracle: Oracle, witness_diff: str) -> Attempt:
        for plausible in best(result.plausible, sources, result.behaviour)[:5]:
            attempt = self.confirm(plausible, sources, oracle, witness_diff)
            if attempt is not None:
                return attempt
        if result.ended == "stopped":
            raise _End(ending=Ending.STOPPED, reason="The attempt was asked to stop.")
        if result.ended == "worker lost":
            raise _End(
                ending=Ending.GAVE_UP, reason=f"The warm worker was lost again and again, after {result.tried} runs."
            )
        if result.ended == "time":
            raise _End(ending=Ending.LIMIT, reason=f"No fix among {result.tried} candidates within the time limit.")
        raise _End(ending=Ending.GAVE_UP, reason=f"None of {result.tried} candidate changes turns the red tests green.")

    def confirm(
        self, plausible: Plausible, sources: Mapping[str, str], oracle: Oracle, witness_diff: str
    ) -> Attempt | None:
        """Write the change into a clean tree and run the tests that count there, through the sandbox's own runner."""
        self.environment.reset(witness_diff)
        for path, text in self.written(plausible.candidate, sources).items():
            self.environment.write(path, text.encode("utf-8"))
        report = self.environment.run_tests(oracle.red, timeout=max(30.0, min(300.0, self.left())))
        if not frozenset(oracle.red) <= report.green:
            self.note(f"A candidate ({plausible.candidate.template}) did not hold in a clean tree.")
            return None
        diff = self.environment.diff()
        reason = telling.told(plausible.candidate, sources, len(oracle.red))
        self.note(CHOSEN + reason, diff=diff)
        return self.attempt(Ending.SUBMITTED, reason, diff, summary=reason)


def _test_seconds(report: TestReport, red: tuple[TestId, ...]) -> tuple[float, float]:
    """(by the clock, of processor time): the limits for one red test in a candidate.

    Of the longest of the red tests, and of the green ones in their files, hanging ones aside, four times what it takes
    by the clock (2 to 20 seconds), ten times of processor time (0.2 and more: that much an endless loop costs; what
    ran into that is tried again with more, when all else failed).
    """
    files = {test.split("::")[0].rpartition(".")[0] for test in red} | {test.split("::")[0] for test in red}
    took = [
        result.seconds
        for test, result in report.results.items()
        if (test in red or (result.status.is_green and test.split("::")[0] in files))
        and (result.failure is None or not result.failure.exception.endswith(HUNG))
    ]
    longest = max(took, default=0.0)
    seconds = min(20.0, max(2.0, 4 * longest))
    return seconds, min(seconds, max(0.2, 10 * longest))


def _affordable(tests: tuple[TestId, ...], seconds: Mapping[TestId, float]) -> tuple[TestId, ...]:
    """The cheapest, at most a minute's worth, in the suite's order: the system runs all of them again afterwards."""
    total, chosen = 0.0, []
    for test in sorted(tests, key=lambda t: seconds[t]):
        total += seconds[test]
        if total > 60.0:
            break
        chosen.append(test)
    return where.in_order(chosen, seconds)


def solve(
    task: Task,
    environment: Environment,
    model: Model | None,  # noqa: ARG001 - the signature of every strategy
    limits: AttemptLimits,
    recorder: Recorder,
) -> Attempt:
    """Repair by search: an `agents.protocols.Strategy` that uses no model and costs nothing.

    Raises `SandboxError` when the sandbox itself fails.
    """
    repair = _Repair(task, environment, limits, recorder)
    try:
        return repair.run()
    except WorkerLost as lost:
        return repair.attempt(Ending.GAVE_UP, f"The search could not run: {lost}.")


__all__ = ["solve"]
