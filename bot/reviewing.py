"""The arrows of a review: base and head are run, and what they showed is said in one check run and one comment."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from agents.types import Step
from bot import publication as wanted
from bot.choosing import Facts, changed_lines
from bot.errors import BotError
from bot.forge.protocol import Forge
from bot.messages import review as words
from bot.publisher import publish
from bot.repo_config import PATH, ConfigProblem, RepoConfig, parse
from bot.review import Anchored, anchor, assess
from bot.store import Purpose
from bot.tools import OverBudget, Tools, account_of, check_budget, choose_or_refuse
from bot.types import Job, Publication
from bot.workshop import ExecutedChange, Finding
from sandbox.errors import PatchRefused
from sandbox.proof import from_statement, to_statement
from sandbox.types import CommitSha, Proof, verdict_name


class Reviewing:
    """One review job. Every method may run again after a crash with the same effect."""

    def __init__(self, tools: Tools, job: Job) -> None:
        self.tools, self.job = tools, job
        self.repository, self.number = job.start.repository, job.start.number
        self.name = self.repository.full_name

    @property
    def forge(self) -> Forge:
        return self.tools.forges(self.repository)

    def publish(self, *publications: Publication) -> None:
        publish(publications, forge=self.forge, log=self.tools.store.publications)

    # --- the arrows ----------------------------------------------------------------------------------------------

    def acknowledge(self) -> dict[str, Any]:
        """Eyes on the comment that asked; a check run in progress on the head as it is now."""
        pull = self.job.start.pull or self.forge.pull(self.number)
        if self.job.start.comment_id is not None:
            self.publish(wanted.reaction(self.name, self.number, comment_id=self.job.start.comment_id))
        started = wanted.check_run(
            self.name,
            self.number,
            head_sha=pull.head_sha,
            status="in_progress",
            title=words.in_progress_title(),
            summary=words.in_progress_summary(),
        )
        self.publish(started)
        return {"base": pull.base_sha, "head": pull.head_sha}

    def prepare(self, pull: dict[str, Any]) -> dict[str, Any]:
        """Both commits are fetched; the base is where the pull request left its target branch."""
        forge = self.forge
        config = parse(forge.read_file(PATH, self.repository.default_branch))
        if isinstance(config, ConfigProblem):
            raise BotError(f"{PATH}, line {config.line}: {config.message}")
        url, token = forge.clone_url_and_token()
        workshop = self.tools.workshop
        # The head by its ref as well: a fork's commit can be asked for by hash only where the server allows it.
        workshop.fetch(self.name, url, token, [pull["base"], f"refs/pull/{self.number}/head"])
        workshop.fetch(self.name, url, token, [pull["head"]])
        base = workshop.merge_base(self.name, CommitSha(pull["base"]), CommitSha(pull["head"]))
        prepared = {"base": base, "head": pull["head"], "config": config.as_json()}
        prepared |= self.choose(config, prepared)
        asked_for = self.job.start.comment_id is not None
        return prepared | {"ignored": not asked_for and config.ignores_all(self.changed_paths(prepared))}

    def verify(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """Base's tests on head, the pull request's new tests without and with its change."""
        config = RepoConfig.from_json(prepared["config"])
        proof = self.tools.workshop.verify(self.name, CommitSha(prepared["base"]), self.diff(prepared), config)
        self.tools.store.proofs.save(self.job.id, to_statement(proof), verdict_name(proof.verdict))
        return {"verdict": verdict_name(proof.verdict)}

    def choose(self, config: RepoConfig, prepared: dict[str, Any]) -> dict[str, Any]:
        """Who is asked for an opinion, or why nobody is: running the tests needs no model."""
        start = self.job.start
        diff = self.diff(prepared)
        facts = Facts(
            repository=self.name,
            kind="review",
            labels=start.issue.labels if start.issue else (),
            paths=self.changed_paths(prepared),
            lines=changed_lines(diff),
            named=start.model if start.named else "",
            configured=config.model,
            self_hosted_only=self.tools.house.wall(self.name, config).self_hosted_only,
        )
        try:
            return {"chosen": choose_or_refuse(self.tools, facts).as_json()}
        except BotError as refused:
            return {"unasked": str(refused)}

    def _is_stopped(self) -> bool:
        return self.tools.store.jobs.stop_reason(self.job.id) is not None

    def model(self, prepared: dict[str, Any]) -> str:
        """As it was chosen when the job was prepared; a job from before there were rules works as it was started."""
        chosen = prepared.get("chosen")
        return str(chosen["model"]) if chosen else self.job.start.model or self.tools.default_model

    def find(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """The model's claims; none where it was not asked for, or has no opinion; a `problem` says why.

        What it said is stored before it is used: a crash after that pays nothing again. What it cost was booked when
        it was answered.
        """
        if not self.job.start.findings:
            return {"claims": []}
        if prepared.get("unasked"):
            return {"claims": [], "problem": prepared["unasked"]}
        attempts, call = self.tools.store.attempts, f"{self.job.id}-review"
        stored = attempts.steps(call)
        if not stored:
            account = account_of(self.job, call, Purpose.REVIEW)
            model = self.model(prepared)
            try:
                check_budget(self.tools, account, model)
            except OverBudget as spent:
                return {"claims": [], "problem": str(spent)}
            terms = self.tools.terms(account, RepoConfig.from_json(prepared["config"]))
            change = ExecutedChange(title=self.name, diff=self.diff(prepared), proof=self.proof())
            given = self.tools.workshop.findings(change, model, terms, self._is_stopped)
            said = json.dumps({"claims": [asdict(finding) for finding in given.findings], "problem": given.problem})
            step = Step(index=0, messages=(), usage=given.usage, cost_usd=given.cost_usd, note=said)
            attempts.record(call, step)
            stored = attempts.steps(call)
        return _found(json.loads(stored[0].note))

    def conclude(self, prepared: dict[str, Any], said: dict[str, Any] | list[dict[str, Any]]) -> None:
        """The check run, the one summary comment, and claims on lines of the diff."""
        head = CommitSha(prepared["head"])
        review = assess(self.proof(), head)
        opinion, model = _found(said), self.model(prepared)
        found = opinion["claims"]
        anchored = anchor([Finding(**one) for one in found], self.diff(prepared)) if found else Anchored()
        summary = words.summary(review, anchored, model, opinion["problem"])
        publications = [
            wanted.check_run(
                self.name,
                self.number,
                head_sha=head,
                status="completed",
                conclusion=review.conclusion.value,
                title=words.check_title(review),
                summary=words.check_summary(review),
                annotations=review.annotations,
            ),
            wanted.review_comment(self.name, self.number, body=summary),
        ]
        if anchored.on_lines:
            body, comments = words.findings_body(anchored, model), words.finding_comments(anchored, model)
            publications.append(wanted.findings(self.name, self.number, head_sha=head, body=body, comments=comments))
        self.publish(*publications)

    def conclude_without(self, pull: dict[str, Any], conclusion: str, cause: str) -> None:
        """The check run's end when there is no result: `cancelled`, or `neutral` with the cause."""
        self.publish(
            wanted.check_run(
                self.name,
                self.number,
                head_sha=CommitSha(pull["head"]),
                status="completed",
                conclusion=conclusion,
                title="Not run to its end",
                summary=words.failed(cause),
            )
        )

    # --- what is stored ------------------------------------------------------------------------------------------

    def diff(self, prepared: dict[str, Any]) -> str:
        return self.tools.workshop.diff(self.name, CommitSha(prepared["base"]), CommitSha(prepared["head"]))

    def changed_paths(self, prepared: dict[str, Any]) -> tuple[str, ...]:
        """The files that the pull request changes; none where the policy refuses its diff, which is for the verdict."""
        try:
            return self.tools.workshop.police(self.diff(prepared)).paths()
        except PatchRefused:
            return ()

    def proof(self) -> Proof:
        statement = self.tools.store.proofs.load(self.job.id)
        if statement is None:
            raise BotError("The job's proof is gone.")
        return from_statement(statement)


def _found(plain: dict[str, Any] | list[dict[str, Any]]) -> dict[str, Any]:
    """Jobs under way may have stored the claims alone."""
    return {"claims": plain, "problem": ""} if isinstance(plain, list) else {"problem": "", **plain}
