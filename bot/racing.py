"""The attempts of one fix job: the plan's entrants at once, then its fallbacks in turn. All they made is stored.

An attempt's steps are its checkpoints, and its end and its verdict are stored when they happen. Run again after a
crash, this pays for no stored call, judges no judged patch, and ends those that have lost meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agents.terms import Terms
from agents.types import Attempt, Ending, Task
from bot import contest, race
from bot.contest import Entrant, Plan, Result
from bot.errors import Parked
from bot.race import Course, Lanes
from bot.repo_config import RepoConfig
from bot.store import Store, StoreRecorder, attempt_id_for
from bot.types import Job, JobId
from bot.workshop import Workshop
from sandbox.errors import PatchDoesNotApply, PatchRefused
from sandbox.proof import from_statement, to_statement
from sandbox.types import CommitSha, verdict_name

ON_REQUEST = "The attempt was stopped on request."


@dataclass(frozen=True, kw_only=True)
class Racing:
    store: Store
    workshop: Workshop
    lanes: Lanes
    job: Job
    task: Task
    rules: RepoConfig
    terms: Callable[[Entrant], Terms]
    """On which its model may be called: every attempt has an account of its own."""
    plan: Plan
    chosen_by: Callable[[Entrant], str] = lambda _entrant: ""
    """What each model was chosen by: stored with its attempt."""
    draining: Callable[[], bool] = lambda: False

    def run(self, falling_back: Callable[[Sequence[Result], Entrant], None]) -> tuple[Result, ...]:
        """Everybody's result, in the order of their numbers; in a race each patch with its verdict. `falling_back` is
        told of each fallback before it begins.

        Raises `Parked` where the process is draining: the next one goes on; `SandboxError`, `StoreError`.
        """
        results = self._at_once(self.plan.entrants)
        while (following := contest.next_entrant(self.plan, results)) is not None and self._stop_reason() is None:
            if self.draining():
                raise Parked
            falling_back(results, following)
            results += self._at_once((following,))
        return results

    def choose(self) -> Result:
        """Whose patch stands for the job; what has not been judged yet is judged before."""
        for result in stored(self.store, self.job.id):
            if result.has_patch and not result.is_judged:
                self._judge(result)
        chosen = contest.best(stored(self.store, self.job.id))
        if chosen.is_judged:
            self.store.verdicts.choose(self._id(chosen.entrant), self.job.id)
        return chosen

    # --- several at once -----------------------------------------------------------------------------------------

    def _at_once(self, entrants: Sequence[Entrant]) -> tuple[Result, ...]:
        course = Course(won=any(result.is_verified for result in stored(self.store, self.job.id)))
        if len(entrants) == 1:
            found: Sequence[Result | None] = [self._work(entrants[0], course)]
        else:
            found = race.run(entrants, self._work, course, self.lanes, stopped=self._halted)
        if course.won or self._stop_reason() is not None:
            # A container that was lost, or an earlier process, under one that then had nothing to go on for.
            found = [result or self._left_behind(entrant) for result, entrant in zip(found, entrants, strict=True)]
        elif any(result is None or _is_stopped(result) for result in found):
            raise Parked
        return tuple(self._stored_end(result, course) for result in found if result is not None)

    def _stored_end(self, result: Result, course: Course) -> Result:
        """A stop is only stored when it is known what for: a drain is none."""
        if not _is_stopped(result):
            return result
        attempt = replace(result.attempt, diff="", reason=contest.LOST if course.won else ON_REQUEST)
        self.store.attempts.finish(self._id(result.entrant), attempt)
        return replace(result, attempt=attempt)

    def _halted(self) -> bool:
        return self.draining() or self._stop_reason() is not None

    def _stop_reason(self) -> str | None:
        return self.store.jobs.stop_reason(self.job.id)

    # --- one of them ---------------------------------------------------------------------------------------------

    def _work(self, entrant: Entrant, course: Course) -> Result | None:
        """From its start to its verdict, as far as that is not stored. None: it never began."""
        ended = {one.number: one.attempt for one in self.store.attempts.finished(self.job.id)}
        made = ended.get(entrant.number)
        if made is None:
            if course.won:
                return self._left_behind(entrant)
            made = self._attempt(entrant, course)
            if made.ending is not Ending.STOPPED:
                self.store.attempts.finish(self._id(entrant), made)
        result = _result(self.store, self.job.id, entrant, made)
        if not (self.plan.is_race and result.has_patch) or result.is_judged:
            return result
        if course.won:
            return replace(result, attempt=replace(made, ending=Ending.STOPPED))
        return self._judge(result)

    def _attempt(self, entrant: Entrant, course: Course) -> Attempt:
        attempts, attempt_id = self.store.attempts, self._id(entrant)
        attempts.begin(attempt_id, job_id=self.job.id, model=entrant.model, chosen_by=self.chosen_by(entrant))
        recorder = StoreRecorder(
            attempts,
            attempt_id,
            stopped=lambda: course.over or self._halted(),
        )
        try:
            return self.workshop.attempt(self.task, entrant.model, recorder, self.rules, self.terms(entrant))
        except contest.CANNOT_BEGIN as error:
            if not contest.is_told(self.plan, error.fault):
                raise
            failed = self._of_steps(entrant, Ending.MODEL_FAILED)
            return replace(failed, reason=str(error), fault=error.fault)

    def _left_behind(self, entrant: Entrant) -> Result | None:
        """What lost before it could end: an earlier process died under it, or its container did."""
        if not self.store.attempts.is_begun(self._id(entrant)):
            return None
        return Result(entrant=entrant, attempt=self._of_steps(entrant, Ending.STOPPED))

    def _of_steps(self, entrant: Entrant, ending: Ending) -> Attempt:
        steps = self.store.attempts.steps(self._id(entrant))
        return contest.unended(self.task.id, entrant.model, ending, steps)

    def _judge(self, result: Result) -> Result:
        """The patch is policed, then executed, by the same `verify` as anybody's; both are stored."""
        verdicts, attempt_id, diff = self.store.verdicts, self._id(result.entrant), result.attempt.diff
        try:
            patch = self.workshop.police(diff)
            forbidden = [path for path in patch.paths() if self.rules.forbids(path)]
            if forbidden:
                raise PatchRefused(f"It changes {forbidden[0]}, which is protected.")
            base = CommitSha(self.task.base_commit)
            proof = self.workshop.verify(self.task.repository, base, diff, self.rules)
        except (PatchRefused, PatchDoesNotApply) as refused:
            verdicts.refused(attempt_id, self.job.id, str(refused))
        else:
            verdicts.judged(attempt_id, self.job.id, to_statement(proof), verdict_name(proof.verdict))
        return _result(self.store, self.job.id, result.entrant, result.attempt)

    def _id(self, entrant: Entrant) -> str:
        return attempt_id_for(self.job.id, entrant.number)


def _is_stopped(result: Result) -> bool:
    return result.attempt.ending is Ending.STOPPED


def stored(store: Store, job_id: JobId) -> tuple[Result, ...]:
    """Everybody who has ended, in the order of their numbers, each with its verdict."""
    return tuple(
        _result(store, job_id, Entrant(number=one.number, model=one.model), one.attempt)
        for one in store.attempts.finished(job_id)
    )


def _result(store: Store, job_id: JobId, entrant: Entrant, attempt: Attempt) -> Result:
    attempt_id = attempt_id_for(job_id, entrant.number)
    judged = store.verdicts.of_job(job_id).get(attempt_id)
    if judged is None:
        return Result(entrant=entrant, attempt=attempt)
    statement = store.proofs.of_attempt(attempt_id)
    return Result(
        entrant=entrant,
        attempt=attempt,
        proof=None if statement is None else from_statement(statement),
        refused=judged.refused,
        judged_at=judged.judged_at,
    )
