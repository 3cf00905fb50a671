"""The arrows of a fix, each one function: what it needs is read from the store, what it made is stored there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from agents.types import Ending
from bot import contest, racing
from bot import publication as wanted
from bot.choosing import Chosen, Facts, paths_named
from bot.contest import Entrant, Plan, Result
from bot.errors import BotError, ForgeNotFound
from bot.forge.protocol import Forge
from bot.messages import pull_request
from bot.messages.attempts import Tried, why_ended
from bot.messages.status import (
    Failed,
    FallingBack,
    NotVerified,
    Opened,
    Racing,
    Received,
    Status,
    Stopped,
    Verifying,
    Working,
    status,
)
from bot.publisher import publish
from bot.repo_config import PATH, ConfigProblem, RepoConfig, parse
from bot.routing import BRANCH_PREFIX
from bot.store import Account, Purpose, attempt_id_for
from bot.tools import Tools, account_of, check_budget, choose_or_refuse
from bot.types import IssueText, Job
from sandbox.proof import from_statement
from sandbox.types import CommitSha, Proof


def branch_for(issue: int) -> str:
    return f"{BRANCH_PREFIX}issue-{issue}"


def issue_of(branch: str) -> int | None:
    """The issue that a branch of ours is for; None for any other branch."""
    word = branch.removeprefix(branch_for(0)[:-1])
    return int(word) if word.isascii() and word.isdigit() and branch == branch_for(int(word)) else None


class Fixing:
    """One fix job. Every method may run again after a crash with the same effect."""

    def __init__(self, tools: Tools, job: Job) -> None:
        self.tools, self.job = tools, job
        self.repository, self.number = job.start.repository, job.start.number
        self.name = self.repository.full_name
        self.branch = branch_for(self.number)

    @property
    def forge(self) -> Forge:
        return self.tools.forges(self.repository)

    def account(self, number: int) -> Account:
        """Of the job's attempt of that number."""
        return account_of(self.job, attempt_id_for(self.job.id, number), Purpose.FIX)

    @property
    def issue(self) -> IssueText:
        """The text as it was in the event."""
        return self.job.start.issue or IssueText(number=self.number, title="", body="")

    def say(self, state: Status) -> None:
        """Bring the job's one status comment to this state."""
        comment = wanted.status_comment(self.name, self.number, job=self.job.id, body=status(state))
        publish([comment], forge=self.forge, log=self.tools.store.publications)

    # --- the arrows ----------------------------------------------------------------------------------------------

    def acknowledge(self) -> None:
        """Eyes at once, then the status comment."""
        reaction = wanted.reaction(self.name, self.number, comment_id=self.job.start.comment_id)
        publish([reaction], forge=self.forge, log=self.tools.store.publications)
        self.say(Received(requested_by=self.job.start.requested_by))

    def prepare(self) -> dict[str, Any]:
        """The base commit is fixed and fetched, the repository's own rules are read, who works is chosen and planned,
        and the budget is checked for them."""
        forge, branch = self.forge, self.repository.default_branch
        base = forge.branch_sha(branch)
        if base is None:
            raise ForgeNotFound(f"The repository has no branch {branch} to start from.")
        config = parse(forge.read_file(PATH, base))
        if isinstance(config, ConfigProblem):
            raise BotError(f"{PATH}, line {config.line}: {config.message}")
        url, token = forge.clone_url_and_token()
        self.tools.workshop.fetch(self.name, url, token, [base])
        chosen = self.choose(config, base)
        plan = self.planned(chosen, config)
        for entrant in plan.entrants:
            check_budget(self.tools, self.account(entrant.number), entrant.model)
        models = tuple(entrant.model for entrant in plan.entrants)
        self.say(Racing(models=models) if plan.is_race else Working(model=models[0], chosen_by=chosen.by))
        draft = self.tools.draft if config.pull_request is None else config.pull_request == "draft"
        prepared = {"base": base, "draft": draft, "config": config.as_json(), "plan": plan.as_json()}
        return prepared | {"chosen": chosen.as_json()}

    def attempt(self, prepared: dict[str, Any], is_draining: Callable[[], bool]) -> dict[str, Any]:
        """Whoever was planned works on the task, each step stored when it happens. A race is decided here as well: its
        first verified patch ends it."""
        results = self.racing(prepared, is_draining).run(self.fall_back)
        best = contest.best(results).attempt if results else None
        return {
            "ending": (best.ending if best else Ending.STOPPED).value,
            "reason": why_ended(best) if best else "",
            "has_patch": any(result.has_patch for result in results),
        }

    def fall_back(self, failed: Sequence[Result], following: Entrant) -> None:
        check_budget(self.tools, self.account(following.number), following.model)
        self.say(FallingBack(failed=tuple(result.attempt for result in failed), model=following.model))

    def verify(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """The patch is policed, then executed, unless a race has seen to that; then it, or the best, is chosen.
        `refused` is a sentence when the policy turned it away."""
        if not self.plan(prepared).is_race:
            self.say(Verifying(model=self.best().entrant.model))
        chosen = self.racing(prepared).choose()
        return {"verified": chosen.is_verified, "refused": chosen.refused}

    def commit(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """The patch as one commit on the job's branch, through the git data API."""
        base = CommitSha(prepared["base"])
        files = self.tools.workshop.files(self.name, base, self.best().attempt.diff)
        head = self.forge.commit_files(
            branch=self.branch,
            parent=base,
            files={file.path: file.data for file in files},
            modes={file.path: file.mode for file in files if file.data is not None},
            message=pull_request.commit_message(self.issue, self.proof()),
        )
        self.tools.store.jobs.committed(self.job.id, head)
        return {"head": head}

    def propose(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """The pull request, with its evidence."""
        statement = self.tools.store.proofs.load(self.job.id) or {}
        report = pull_request.FixReport(
            issue=self.issue,
            requested_by=self.job.start.requested_by,
            attempt=self.best().attempt,
            proof=self.proof(),
            tried=self.tried(),
            statement=statement,
            job=self.job.id,
            chosen_by=self.chosen_by(prepared, self.best().entrant),
        )
        publication = wanted.pull_request(
            self.name,
            self.number,
            job=self.job.id,
            branch=self.branch,
            base=self.repository.default_branch,
            title=pull_request.title(self.issue),
            body=pull_request.body(report),
            draft=prepared["draft"],
        )
        (posted,) = publish([publication], forge=self.forge, log=self.tools.store.publications)
        self.tools.store.jobs.proposed(self.job.id, posted.remote_id)
        return {"pull": posted.remote_id}

    # --- the last word -------------------------------------------------------------------------------------------

    def conclude_opened(self, prepared: dict[str, Any], pull: int) -> None:
        tried = self.tried()
        cost = contest.total_cost(one.attempt for one in tried)
        draft = prepared["draft"]
        self.say(Opened(pull_number=pull, proof=self.proof(), cost_usd=cost, draft=draft, tried=tried))

    def conclude_unverified(self, refused: str) -> None:
        self.say(NotVerified(tried=self.tried()))

    def conclude_stopped(self, by: str) -> None:
        self.say(Stopped(by=by))

    def conclude_failed(self, cause: str) -> None:
        self.say(Failed(cause=cause))

    # --- who works -----------------------------------------------------------------------------------------------

    def choose(self, config: RepoConfig, base: CommitSha) -> Chosen:
        """Who works. Raises `BotError` where a model that was named, or none at all, may work on it."""
        start = self.job.start
        text = f"{self.issue.title}\n{self.issue.body}"
        facts = Facts(
            repository=self.name,
            kind="fix",
            labels=self.issue.labels,
            paths=paths_named(text, self.tools.workshop.paths(self.name, base)),
            lines=len(text.splitlines()),
            named=start.model if start.named else "",
            configured=config.model or ("" if start.named else start.model),
            self_hosted_only=self.tools.house.wall(self.name, config).self_hosted_only,
        )
        compared = [choose_or_refuse(self.tools, replace(facts, named=name)) for name in start.compare]
        return compared[0] if compared else choose_or_refuse(self.tools, facts)

    def planned(self, chosen: Chosen, config: RepoConfig) -> Plan:
        """A race of the operator's takes the place of the default, and of nothing that somebody asked for."""
        rules, compare = self.tools.rules, self.job.start.compare
        if self.tools.house.wall(self.name, config).self_hosted_only:
            rules = contest.at_home(rules)
        named = compare or (() if chosen.is_default else (chosen.model,))
        return contest.plan(rules, named=named, chosen=chosen.model, compare=bool(compare))

    def chosen_by(self, prepared: dict[str, Any], entrant: Entrant) -> str:
        """What an attempt's model was chosen by; "" where it is not known."""
        plan = self.plan(prepared)
        if entrant.number > len(plan.entrants):
            return "the fallback list"
        plain = prepared.get("chosen")
        by = Chosen(**plain) if plain else None
        return "the settings' race" if by and by.is_default and entrant.model != by.model else by.by if by else ""

    # --- what is stored ------------------------------------------------------------------------------------------

    def plan(self, prepared: dict[str, Any]) -> Plan:
        """As it was made when the job was prepared. A job from before there were plans has one model."""
        plain = prepared.get("plan")
        return (
            Plan.from_json(plain)
            if plain
            else Plan(entrants=contest.numbered([self.job.start.model or self.tools.default_model]))
        )

    def racing(self, prepared: dict[str, Any], draining: Callable[[], bool] = lambda: False) -> racing.Racing:
        tools, rules = self.tools, RepoConfig.from_json(prepared["config"])
        return racing.Racing(
            store=tools.store,
            workshop=tools.workshop,
            lanes=tools.lanes,
            job=self.job,
            task=tools.workshop.task(self.repository, self.issue, CommitSha(prepared["base"])),
            rules=rules,
            terms=lambda entrant: tools.terms(self.account(entrant.number), rules),
            plan=self.plan(prepared),
            chosen_by=lambda entrant: self.chosen_by(prepared, entrant),
            draining=draining,
        )

    def results(self) -> tuple[Result, ...]:
        return racing.stored(self.tools.store, self.job.id)

    def best(self) -> Result:
        """Whose patch stands for the job."""
        return contest.best(self.results())

    def tried(self) -> tuple[Tried, ...]:
        """Everybody, the best first."""
        return tuple(
            Tried(attempt=result.attempt, proof=result.proof, refused=result.refused)
            for result in contest.ranked(self.results())
        )

    def proof_or_none(self) -> Proof | None:
        statement = self.tools.store.proofs.load(self.job.id)
        return None if statement is None else from_statement(statement)

    def proof(self) -> Proof:
        proof = self.proof_or_none()
        if proof is None:
            raise BotError("The job's proof is gone.")
        return proof
