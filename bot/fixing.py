"""The arrows of a fix, each one function: what it needs is read from the store, what it made is stored there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agents.terms import Terms
from agents.types import Attempt, Ending, Task
from bot import publication as wanted
from bot.engine import Parked
from bot.errors import BotError, ForgeNotFound
from bot.forge.protocol import Forge
from bot.house import House
from bot.messages import pull_request
from bot.messages.status import (
    Failed,
    NotVerified,
    Opened,
    Received,
    Status,
    Stopped,
    Tried,
    Verifying,
    Working,
    status,
)
from bot.money.budget import Limits, exhausted
from bot.money.purse import StorePurse
from bot.publisher import publish
from bot.repo_config import PATH, ConfigProblem, RepoConfig, parse
from bot.routing import BRANCH_PREFIX
from bot.store import Account, Purpose, Store, StoreRecorder
from bot.types import IssueText, Job, Repository
from bot.workshop import Workshop
from sandbox.errors import PatchDoesNotApply, PatchRefused
from sandbox.proof import from_statement, to_statement
from sandbox.types import CommitSha, Proof, Verified, verdict_name

Forges = Callable[[Repository], Forge]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What jobs work with, and what the operator decided."""

    store: Store
    workshop: Workshop
    forges: Forges
    default_model: str = "repair"
    draft: bool = True
    """How a verified fix is opened where the repository's file does not say."""
    limits: Limits = field(default_factory=Limits)
    """Of money."""
    house: House = field(default_factory=House)
    free_models: frozenset[str] = frozenset()
    """Names that call nobody (`repair`): they work on when the month's budget is used up."""

    def terms(self, account: Account, config: RepoConfig) -> Terms:
        """On which models may be called for this account."""
        purse = StorePurse(self.store.spend, self.limits, account)
        return Terms(purse=purse, wall=self.house.wall(account.repository, config))


class OverBudget(BotError):
    pass


def account_of(job: Job, attempt: str, purpose: Purpose) -> Account:
    repository = job.start.repository
    return Account(
        attempt=attempt,
        job=job.id,
        purpose=purpose,
        repository_id=repository.id,
        repository=repository.full_name,
        installation_id=repository.installation_id,
    )


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
        self.model = job.start.model or tools.default_model
        self.attempt_id = f"{job.id}-1"
        self.branch = branch_for(self.number)

    @property
    def forge(self) -> Forge:
        return self.tools.forges(self.repository)

    @property
    def account(self) -> Account:
        return account_of(self.job, self.attempt_id, Purpose.FIX)

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
        """The budget is checked, the base commit is fixed and fetched, the repository's own rules are read."""
        check_budget(self.tools, self.account, self.model)
        forge, branch = self.forge, self.repository.default_branch
        base = forge.branch_sha(branch)
        if base is None:
            raise ForgeNotFound(f"The repository has no branch {branch} to start from.")
        config = parse(forge.read_file(PATH, base))
        if isinstance(config, ConfigProblem):
            raise BotError(f"{PATH}, line {config.line}: {config.message}")
        url, token = forge.clone_url_and_token()
        self.tools.workshop.fetch(self.name, url, token, [base])
        self.say(Working(model=self.model))
        draft = self.tools.draft if config.pull_request is None else config.pull_request == "draft"
        return {"base": base, "draft": draft, "config": config.as_json()}

    def attempt(self, prepared: dict[str, Any], is_draining: Callable[[], bool]) -> dict[str, Any]:
        """One model on the task; each step is stored when it happens, and a crash goes on from the last one."""
        store = self.tools.store
        store.attempts.begin(self.attempt_id, job_id=self.job.id, model=self.model)
        recorder = StoreRecorder(
            store.attempts,
            self.attempt_id,
            stopped=lambda: is_draining() or store.jobs.stop_reason(self.job.id) is not None,
        )
        rules = RepoConfig.from_json(prepared["config"])
        terms = self.tools.terms(self.account, rules)
        made = self.tools.workshop.attempt(self.task(prepared), self.model, recorder, rules, terms)
        if made.ending is Ending.STOPPED and store.jobs.stop_reason(self.job.id) is None:
            raise Parked  # the process is draining: the next one goes on from the stored steps
        store.attempts.finish(self.attempt_id, made)
        return {"ending": made.ending.value, "has_patch": bool(made.diff) and made.ending is Ending.SUBMITTED}

    def verify(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """The patch is policed, then executed. `refused` is a sentence when the policy turned it away."""
        self.say(Verifying(model=self.model))
        diff = self.made().diff
        rules = RepoConfig.from_json(prepared["config"])
        try:
            patch = self.tools.workshop.police(diff)
            forbidden = [path for path in patch.paths() if rules.forbids(path)]
            if forbidden:
                raise PatchRefused(f"It changes {forbidden[0]}, which is protected.")
            proof = self.tools.workshop.verify(self.name, CommitSha(prepared["base"]), diff, rules)
        except (PatchRefused, PatchDoesNotApply) as refused:
            return {"verified": False, "refused": str(refused)}
        self.tools.store.proofs.save(self.job.id, to_statement(proof), verdict_name(proof.verdict))
        return {"verified": isinstance(proof.verdict, Verified), "refused": ""}

    def commit(self, prepared: dict[str, Any]) -> dict[str, Any]:
        """The patch as one commit on the job's branch, through the git data API."""
        base = CommitSha(prepared["base"])
        files = self.tools.workshop.files(self.name, base, self.made().diff)
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
            attempt=self.made(),
            proof=self.proof(),
            statement=statement,
            job=self.job.id,
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
        made = self.made()
        self.say(Opened(pull_number=pull, proof=self.proof(), cost_usd=made.cost_usd, draft=prepared["draft"]))

    def conclude_unverified(self, refused: str) -> None:
        tried = Tried(attempt=self.made(), proof=self.proof_or_none(), refused=refused)
        self.say(NotVerified(tried=(tried,)))

    def conclude_stopped(self, by: str) -> None:
        self.say(Stopped(by=by))

    def conclude_failed(self, cause: str) -> None:
        self.say(Failed(cause=cause))

    # --- what is stored ------------------------------------------------------------------------------------------

    def task(self, prepared: dict[str, Any]) -> Task:
        return self.tools.workshop.task(self.repository, self.issue, CommitSha(prepared["base"]))

    def made(self) -> Attempt:
        return self.tools.store.attempts.of_job(self.job.id)[-1]

    def proof_or_none(self) -> Proof | None:
        statement = self.tools.store.proofs.load(self.job.id)
        return None if statement is None else from_statement(statement)

    def proof(self) -> Proof:
        proof = self.proof_or_none()
        if proof is None:
            raise BotError("The job's proof is gone.")
        return proof


def check_budget(tools: Tools, account: Account, model: str) -> None:
    """Raises `OverBudget` where a month's limit leaves nothing, before any work is begun for a model that costs.

    Each call is held against the limits again, with what it may cost, by its purse.
    """
    if model in tools.free_models:
        return
    denied = exhausted(model, tools.limits, tools.store.spend.used(account))
    if denied is not None:
        raise OverBudget(denied.reason)
