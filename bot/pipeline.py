"""The arrows in order, to be read aloud. Each line is a step whose result is stored before the next begins.

    acknowledge -> prepare -> attempt -> verify -> commit -> propose -> conclude        a fix
    acknowledge -> prepare -> verify -> find -> conclude                                a review

The names and the order of the steps are the contract with jobs under way: a change of them raises `bot.engine.EPOCH`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from pydantic import TypeAdapter

from agents.types import Ending
from bot import outcome
from bot.arrows import PAUSES, Arrows, Failed, Steps, Stopped
from bot.errors import NotYet
from bot.fixing import Fixing, issue_of
from bot.messages.attempts import ending
from bot.reviewing import Reviewing
from bot.tools import Tools
from bot.types import Job, JobId, JobKind, JobState, RecordOutcome

_OUTCOME = TypeAdapter(RecordOutcome)
NOT_VERIFIED = "not verified"
"""Of a patch that was judged; its verdict is stored beside it."""
IGNORED = "Only paths change that .github/redgreen.yml tells to ignore."


class Pipeline:
    """The workflows of one worker."""

    def __init__(self, tools: Tools, *, pauses: Sequence[float] = PAUSES) -> None:
        self._tools, self._pauses = tools, pauses

    def job(self, steps: Steps, job_id: str) -> None:
        """Workflow `job`: one fix or review, by its id."""
        jobs = self._tools.store.jobs
        job = jobs.get(JobId(job_id))
        arrows = Arrows(steps, lambda: jobs.stop_reason(job.id), self._pauses, job=job.id)
        arrows.take("begin", lambda: jobs.running(job.id), stoppable=False)
        match job.start.kind:
            case JobKind.FIX:
                state, reason = self._fix(arrows, job)
            case JobKind.REVIEW:
                state, reason = self._review(arrows, job)
            case _ as never:
                assert_never(never)
        arrows.take("end", lambda: jobs.ended(job.id, state, reason), stoppable=False)

    def _fix(self, arrows: Arrows, job: Job) -> tuple[JobState, str]:
        fixing = Fixing(self._tools, job)
        try:
            arrows.take("acknowledge", fixing.acknowledge)
            prepared = arrows.take("prepare", fixing.prepare)
            made = arrows.take("attempt", lambda: fixing.attempt(prepared, lambda: arrows.draining))
            judged: dict[str, Any] = {"verified": False, "refused": ""}
            if made["has_patch"]:
                judged = arrows.take("verify", lambda: fixing.verify(prepared))
            if not judged["verified"]:
                arrows.take("conclude", lambda: fixing.conclude_unverified(judged["refused"]))
                return JobState.DONE, judged["refused"] or _why_unverified(made)
            arrows.take("commit", lambda: fixing.commit(prepared))
            # From here on a stop is too late: nobody could say whether the pull request stands already.
            pull = arrows.take("propose", lambda: fixing.propose(prepared), stoppable=False)["pull"]
            arrows.take("conclude", lambda: fixing.conclude_opened(prepared, pull), stoppable=False)
        except Stopped as stopped:
            return self._last_word(arrows, JobState.CANCELLED, stopped.by, fixing.conclude_stopped)
        except Failed as failed:
            return self._last_word(arrows, JobState.FAILED, str(failed), fixing.conclude_failed)
        return JobState.DONE, f"opened #{pull}"

    def _review(self, arrows: Arrows, job: Job) -> tuple[JobState, str]:
        reviewing = Reviewing(self._tools, job)
        pull: dict[str, Any] | None = None

        def say(conclusion: str, cause: str) -> None:
            if pull is not None:
                reviewing.conclude_without(pull, conclusion, cause)

        try:
            pull = arrows.take("acknowledge", reviewing.acknowledge)
            assert pull is not None
            prepared = arrows.take("prepare", lambda: reviewing.prepare(pull))
            if prepared["ignored"]:
                arrows.take("conclude", lambda: reviewing.conclude_without(pull, "skipped", IGNORED))
                return JobState.DONE, IGNORED
            verdict = arrows.take("verify", lambda: reviewing.verify(prepared))["verdict"]
            found = arrows.take("find", lambda: reviewing.find(prepared))
            arrows.take("conclude", lambda: reviewing.conclude(prepared, found))
        except Stopped as stopped:
            return self._last_word(
                arrows, JobState.CANCELLED, stopped.by, lambda by: say("cancelled", f"Stopped: {by}")
            )
        except Failed as failed:
            return self._last_word(arrows, JobState.FAILED, str(failed), lambda cause: say("neutral", cause))
        return JobState.DONE, str(verdict)

    @staticmethod
    def _last_word(arrows: Arrows, state: JobState, text: str, say: Any) -> tuple[JobState, str]:
        """Tell the user; a forge that refuses even that is noted with the job."""
        try:
            arrows.take("last word", lambda: say(text), stoppable=False)
        except Failed as failed:
            return JobState.FAILED, f"{text} (and could not be told: {failed})"
        return state, text

    def outcome(self, steps: Steps, text: str) -> None:
        """Workflow `outcome`: what the humans did with a pull request of ours; `text` is a `RecordOutcome`."""
        record = _OUTCOME.validate_json(text)
        arrows = Arrows(
            steps, lambda: None, self._pauses, job=f"outcome of {record.repository.full_name}#{record.pull.number}"
        )
        try:
            arrows.take("outcome", lambda: self._record(record))
        except Failed as failed:
            cause = str(failed)
            arrows.take("without edits", lambda: self._record(record, edits=cause))

    def _record(self, record: RecordOutcome, edits: str = "") -> dict[str, Any]:
        """With `edits` (why they cannot be counted) the last commit of ours is taken for what was merged."""
        tools, repository, pull = self._tools, record.repository, record.pull
        view = tools.store.jobs.of_pull(repository.id, pull.number)
        if view is None:
            if self._is_being_opened(record):
                raise NotYet(f"The job that opened #{pull.number} has not noted it yet.")
            return {"ignored": "no job of ours opened it"}
        proposed = pull.head_sha if edits or view.head_sha is None else view.head_sha
        if record.merged and proposed != pull.head_sha:
            url, token = tools.forges(repository).clone_url_and_token()
            refs = [pull.base_sha, f"refs/pull/{pull.number}/head", proposed]
            tools.workshop.fetch(repository.full_name, url, token, refs)
        found = outcome.judge(
            repository.full_name, pull, merged=record.merged, proposed=proposed, history=tools.workshop
        )
        tools.store.outcomes.record(repository.id, view.job.id, found)
        return {"kind": found.kind.value, "human_lines": found.human_lines, "edits": edits}

    def _is_being_opened(self, record: RecordOutcome) -> bool:
        """Whether a job that is on its way may be the one that opened it: people can be faster than our own note."""
        number = issue_of(record.pull.head_ref)
        starts = (view.job.start for view in self._tools.store.jobs.unfinished() if view.pull_number is None)
        return any(
            start.kind is JobKind.FIX and start.number == number and start.repository.id == record.repository.id
            for start in starts
        )


def _why_unverified(made: Mapping[str, Any]) -> str:
    """The job's reason: how the best attempt ended, where there was no patch to verify. Jobs under way may have stored
    the ending alone."""
    if made["has_patch"]:
        return NOT_VERIFIED
    return str(made.get("reason") or ending(Ending(made["ending"])))


def outcome_text(record: RecordOutcome) -> str:
    """The argument of the workflow `outcome`."""
    return _OUTCOME.dump_json(record).decode()
