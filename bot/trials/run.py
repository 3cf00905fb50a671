"""All trials of one command: solved, graded, judged, several at a time. What is stored already is not done again."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from dataclasses import dataclass, replace

from agents.errors import AgentError
from agents.limits import Spent
from agents.protocols import Recorder
from agents.strategies import PROMPT_VERSIONS
from agents.types import Attempt, Ending, Step
from bot.evaluation import Evaluation
from bot.evaluation_store import EvaluationStore
from bot.narrated import line
from bot.trials.ledger import Ledger
from bot.trials.money import TrialMoney
from bot.trials.records import Trial
from bot.trials.solving import Solver, task_of
from bot.trials.store import Assignment, Judged, TrialStore, is_over
from config.models import Adapter
from sandbox.engine import Engine
from sandbox.errors import SandboxError
from sandbox.swebench.records import Prediction
from sandbox.swebench.report import Cause, Graded, Outcome, is_final, told

GRACE = 5.0
"""Seconds in which broken-off work may clean up. A model's answer that is still under way then is given up."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    engine: Engine
    evaluation: Evaluation
    solver: Solver
    store: TrialStore
    grades: Mapping[int, EvaluationStore]
    """By sample."""
    ledger: Ledger
    money: TrialMoney
    judging: bool
    say: Callable[[str], None]
    finished: Callable[[Trial], None]


@dataclass(frozen=True, kw_only=True)
class Done:
    """A trial with the grade behind it; None where no patch was submitted."""

    trial: Trial
    graded: Graded | None = None


class BrokenOff(Exception):
    """The command is ending; nothing that is under way counts."""


class TrialRun:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stopping = threading.Event()

    def all(self, assignments: Sequence[Assignment], workers: int) -> list[Done]:
        """In their own order. Ctrl-C and SIGTERM remove every container before they go on, and wait for no model."""
        waiting = deque((assignment, Future[Done]()) for assignment in assignments)
        futures = [future for _, future in waiting]
        # Daemons: a thread that waits for a model's answer must not keep the command from ending.
        threads = [
            threading.Thread(target=self._work, args=(waiting,), name=f"trial-{number}", daemon=True)
            for number in range(min(workers, len(futures)))
        ]
        for thread in threads:
            thread.start()
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()  # raises what a worker raised
            return [future.result() for future in futures]
        except BaseException:
            self._stopping.set()
            self._parts.engine.abandon()
            end = time.monotonic() + GRACE
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
            raise

    def _work(self, waiting: deque[tuple[Assignment, Future[Done]]]) -> None:
        while not self._stopping.is_set():
            try:
                assignment, future = waiting.popleft()
            except IndexError:
                return
            try:
                future.set_result(self._one(assignment))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
                future.set_exception(error)

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise BrokenOff

    # --- one trial

    def _one(self, assignment: Assignment) -> Done:
        start = Trial(
            instance_id=assignment.instance.instance_id, model=assignment.model, sample=assignment.sample, final=False
        )
        attempt = self._parts.store.attempt(assignment)
        done = self._tried(assignment, start) if attempt is None else self._graded(assignment, attempt, start)
        self._parts.finished(done.trial)
        return done

    def _tried(self, assignment: Assignment, start: Trial) -> Done:
        parts = self._parts
        try:
            task = task_of(assignment.instance)
            file = parts.store.recorder(assignment, task.id, PROMPT_VERSIONS[assignment.spec.strategy])
        except SandboxError as error:
            return Done(trial=replace(_spent(start, Spent()), outcome=Outcome.ERROR, why=str(error)))
        except AgentError as error:  # the stored steps cannot be read, so what they have cost is unknown
            return Done(trial=replace(start, outcome=Outcome.ERROR, why=str(error)))
        recorder = _Watched(file, self, assignment)
        if recorder.stopped():
            return Done(trial=replace(_spent(start, Spent.of(file.steps())), why=parts.ledger.ended))
        denied: list[str] = []
        terms = parts.money.terms(assignment, denied.append)
        try:
            attempt = parts.solver.solve(assignment.instance, task, assignment.spec, recorder, terms)
        except (SandboxError, AgentError) as error:
            self._go_on()
            spent = _spent(start, Spent.of(file.steps()))
            return Done(trial=replace(spent, outcome=Outcome.ERROR, why=str(error)))
        self._go_on()
        if denied:
            parts.ledger.end(denied[0])
            if attempt.ending is Ending.LIMIT:  # not its own
                return Done(trial=replace(_told(start, attempt), why=denied[0]))
        parts.store.put_attempt(assignment, attempt, file)
        return self._graded(assignment, attempt, start)

    def _graded(self, assignment: Assignment, attempt: Attempt, start: Trial) -> Done:
        trial = _told(start, attempt)
        if attempt.ending is Ending.STOPPED:
            return Done(trial=replace(trial, why=self._parts.ledger.ended or attempt.reason))
        if not is_over(attempt):
            return Done(trial=replace(trial, outcome=Outcome.ERROR))
        prediction = assignment.prediction(attempt.diff)
        if prediction.is_empty:
            graded = Graded(prediction=prediction, outcome=Outcome.EMPTY_PATCH)
            return Done(trial=replace(trial, outcome=graded.outcome, final=True), graded=graded)
        graded = self._grade(assignment, prediction)
        trial = replace(
            trial,
            outcome=graded.outcome,
            why=told(graded),
            final=is_final(graded),
            grading_seconds=graded.seconds,
        )
        if self._parts.judging and graded.cause is not Cause.ENVIRONMENT:
            judged = self._judged(assignment, attempt.diff)
            if judged is not None:
                trial = replace(trial, verdict=judged.verdict, judging_seconds=judged.seconds)
        return Done(trial=trial, graded=graded)

    def _grade(self, assignment: Assignment, prediction: Prediction) -> Graded:
        grades = self._parts.grades[assignment.sample]
        known = grades.done(assignment.instance, prediction)
        if known is not None:
            return known
        self._parts.say(f"{assignment}: graded")
        made = self._parts.evaluation.grade(assignment.instance, prediction)
        self._go_on()
        grades.put(assignment.instance, made.graded, made.output)
        return made.graded

    def _judged(self, assignment: Assignment, diff: str) -> Judged | None:
        """None where the sandbox failed, or the patch is none to it."""
        known = self._parts.store.judged(assignment)
        if known is not None:
            return known
        self._parts.say(f"{assignment}: judged by its own tests")
        try:
            proof = self._parts.solver.judge(assignment.instance, diff)
        except SandboxError as error:
            self._parts.say(f"{assignment}: not judged: {error}")
            return None
        finally:
            self._go_on()
        return self._parts.store.put_proof(assignment, proof)

    # --- what a recorder asks

    def told(self, assignment: Assignment, step: Step) -> None:
        self._parts.ledger.book(step.cost_usd)
        self._parts.say(f"{assignment}: {line(step)}")

    def stops(self, assignment: Assignment) -> bool:
        """Before each call. What costs nothing needs no budget."""
        paid = assignment.spec.adapter is not Adapter.NONE
        return self._stopping.is_set() or (paid and bool(self._parts.ledger.ended))


class _Watched:
    """`agents.protocols.Recorder` around the stored one: what is stored is booked and told."""

    def __init__(self, stored: Recorder, run: TrialRun, assignment: Assignment) -> None:
        self._stored, self._run, self._assignment = stored, run, assignment

    def steps(self) -> Sequence[Step]:
        return self._stored.steps()

    def record(self, step: Step) -> None:
        self._stored.record(step)
        self._run.told(self._assignment, step)

    def stopped(self) -> bool:
        return self._run.stops(self._assignment)


def _spent(trial: Trial, spent: Spent) -> Trial:
    return replace(
        trial,
        cost_usd=spent.cost_usd if spent.cost_known else None,
        usage=spent.usage,
        steps=spent.steps,
        seconds=spent.seconds,
    )


def _told(trial: Trial, attempt: Attempt) -> Trial:
    return replace(
        trial,
        ending=attempt.ending.value,
        why=attempt.reason,
        cost_usd=attempt.cost_usd,
        usage=attempt.usage,
        steps=attempt.steps,
        seconds=attempt.seconds,
    )
