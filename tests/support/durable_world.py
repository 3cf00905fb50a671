"""A worker process in a small world of files, which dies by SIGKILL at a named point.

What stands on the forge and which model calls were paid is kept in append-only logs, so it outlives the process like
GitHub and a provider's bill do. `points.log` names every point that was passed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from agents.errors import Fault
from agents.protocols import Recorder
from agents.purse import Call, Held
from agents.terms import Terms
from agents.types import Attempt, Ending, Message, Role, Step, Task, Text, Usage
from bot.contest import Rules
from bot.engine import QueueConfig, Steps
from bot.forge.protocol import CheckRun, LineComment, Permission, Remote
from bot.gate import Gate
from bot.money.purse import StorePurse
from bot.repo_config import RepoConfig
from bot.routing import Policy
from bot.store import Store
from bot.store.attempts import AttemptStore
from bot.store.jobs import JobStore
from bot.store.verdicts import VerdictStore
from bot.tools import Tools
from bot.types import DeliveryId, IssueText, Job, JobId, JobState, PullRequest, Repository, StartJob
from bot.worker import Worker, WorkerConfig
from bot.workshop import ExecutedChange, FileAt, Finding, Opinion
from sandbox.collection import Kind, Removal, Stored
from sandbox.proof import sha256_of
from sandbox.types import CommitSha, FileChange, Part, Patch, Proof, RunKind
from tests.support import proofs
from tests.support.forge import MemoryForge

CALLS = 3
LOSERS_CALLS = 2
BASE, HEAD, OURS = CommitSha("1" * 40), CommitSha("b" * 40), CommitSha("f" * 40)
DIFF = "diff --git a/slug.py b/slug.py\n--- a/slug.py\n+++ b/slug.py\n@@ -1 +1 @@\n-a\n+b\n"


@dataclass
class Fate:
    """Says where the process dies."""

    directory: Path
    kill_at: str = ""

    def point(self, name: str) -> None:
        self.note("points.log", name)
        if name == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def note(self, log: str, text: str) -> None:
        descriptor = os.open(self.directory / log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, text.encode() + b"\n")
        os.close(descriptor)

    def lines(self, log: str) -> list[str]:
        path = self.directory / log
        return path.read_text().splitlines() if path.exists() else []


class DyingSteps(Steps):
    """Every arrow may die before it runs, after it ran and before its result is stored, and after that."""

    def __init__(self, gate: Gate, fate: Fate) -> None:
        super().__init__(gate)
        self._fate = fate

    def run(self, name: str, function: Callable[[], Any]) -> Any:
        def dying() -> Any:
            self._fate.point(f"before {name}")
            found = function()
            self._fate.point(f"ran {name}")
            return found

        found = super().run(name, dying)
        if self._fate.lines("points.log")[-1] == f"ran {name}":  # not when the stored result was replayed
            self._fate.point(f"stored {name}")
        return found


class DyingJobs(JobStore):
    fate: Fate

    def accept(self, delivery_id: DeliveryId, start: StartJob) -> Job:
        self.fate.point("before accepting")
        job = super().accept(delivery_id, start)
        self.fate.point("accepted")
        return job

    def mark_enqueued(self, job_id: JobId) -> None:
        self.fate.point("enqueued")
        super().mark_enqueued(job_id)
        self.fate.point("marked enqueued")


class DyingAttempts(AttemptStore):
    fate: Fate

    def finish(self, attempt_id: str, attempt: Attempt) -> None:
        racer = _racer(attempt)
        self.fate.point(f"{racer}before finishing")
        super().finish(attempt_id, attempt)
        self.fate.point(f"{racer}finished")

    def record(self, attempt_id: str, step: Step) -> None:
        super().record(attempt_id, step)
        if attempt_id.endswith("-review"):
            self.fate.point("booked review")


class DyingVerdicts(VerdictStore):
    fate: Fate

    def judged(self, attempt_id: str, job_id: JobId, statement: Mapping[str, Any], verdict: str) -> None:
        self.fate.point("before judging")
        super().judged(attempt_id, job_id, statement, verdict)
        self.fate.point("judged")

    def choose(self, attempt_id: str, job_id: JobId) -> None:
        super().choose(attempt_id, job_id)
        self.fate.point("chosen")


@dataclass
class FileForge(MemoryForge):
    """A `MemoryForge` whose posts outlive the process; the process may die on either side of each."""

    fate: Fate = field(default_factory=lambda: Fate(Path()))

    def __post_init__(self) -> None:
        for line in self.fate.lines("posts.log"):
            method, arguments = json.loads(line)
            if "check" in arguments:
                arguments["check"] = CheckRun(**{**arguments["check"], "annotations": ()})
            if "comments" in arguments:
                arguments["comments"] = tuple(LineComment(**comment) for comment in arguments["comments"])
            getattr(super(), method)(**arguments)

    def _post(self, method: str, **arguments: Any) -> Any:
        plain = {name: _plain(value) for name, value in arguments.items()}
        what = arguments["check"].status if "check" in arguments else " ".join(arguments["body"].split()[:3])
        self.fate.point(f"before {method}: {what}")
        found = getattr(super(), method)(**arguments)
        self.fate.note("posts.log", json.dumps([method, plain]))
        self.fate.point(f"did {method}: {what}")
        return found

    def permission(self, login: str) -> Permission:
        self.fate.point("asked permission")
        return Permission.WRITE

    def branch_sha(self, branch: str) -> CommitSha | None:
        return BASE

    def pull(self, number: int) -> PullRequest:
        return PullRequest(
            number=number,
            title="Change",
            base_sha=BASE,
            base_ref="main",
            head_sha=HEAD,
            head_ref="topic",
            head_repository="octo/shop",
            is_draft=False,
            author="mona",
        )

    def commit_files(
        self,
        *,
        branch: str,
        parent: CommitSha,
        files: Mapping[str, bytes | None],
        modes: Mapping[str, str],
        message: str,
    ) -> CommitSha:
        self.fate.point("before commit_files")
        self.fate.note("commits.log", branch)
        self.fate.point("did commit_files")
        return OURS

    def open_pull(self, *, branch: str, base: str, title: str, body: str, draft: bool) -> Remote:
        return self._post("open_pull", branch=branch, base=base, title=title, body=body, draft=draft)

    def post_comment(self, number: int, body: str) -> Remote:
        return self._post("post_comment", number=number, body=body)

    def edit_comment(self, comment_id: int, body: str) -> None:
        self._post("edit_comment", comment_id=comment_id, body=body)

    def post_check_run(self, check: CheckRun) -> Remote:
        return self._post("post_check_run", check=check)

    def edit_check_run(self, check_run_id: int, check: CheckRun) -> None:
        self._post("edit_check_run", check_run_id=check_run_id, check=check)

    def post_review(self, number: int, *, head_sha: CommitSha, body: str, comments: Sequence[LineComment]) -> Remote:
        return self._post("post_review", number=number, head_sha=head_sha, body=body, comments=comments)


def _plain(value: Any) -> Any:
    match value:
        case CheckRun():
            return asdict(value)
        case [*comments]:
            return [asdict(comment) for comment in comments]
        case _:
            return value


@dataclass
class FileWorkshop:
    """Three paid calls an attempt, one patch, and the same proof each time.

    What the models of a race do is in their names: `quick` is as any other, `slow` makes two calls and then thinks
    without an end until it is stopped; `down` has no endpoint.
    """

    fate: Fate
    until_stopped: bool = False
    """The attempt does not end after its calls, until it is asked to stop."""

    def fetch(self, repository: str, clone_url: str, token: str, refs: Sequence[str]) -> None:
        return None

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha:
        return BASE

    def paths(self, repository: str, commit: CommitSha) -> tuple[str, ...]:
        return ("slug.py",)

    def task(self, repository: Repository, issue: IssueText, base: CommitSha) -> Task:
        return Task(id="t", repository=repository.full_name, base_commit=base, title=issue.title, body=issue.body)

    def attempt(self, task: Task, model: str, recorder: Recorder, config: RepoConfig, terms: Terms) -> Attempt:
        index = len(recorder.steps())
        if model == "down":
            return replace(proofs.ATTEMPT, model=model, ending=Ending.MODEL_FAILED, diff="", fault=Fault.UNAVAILABLE)
        racer = f"{model}: " if model in RACERS else ""
        while index < CALLS or self.until_stopped:
            if recorder.stopped():
                cost = 0.25 * index
                return replace(proofs.ATTEMPT, model=model, ending=Ending.STOPPED, diff="", cost_usd=cost)
            if index >= CALLS or not self._has_turn(model, index):
                time.sleep(0.01)
                continue
            held = terms.purse.hold(call_of(model))
            self.fate.note("calls.log", f"{racer}{index}")
            self.fate.point(f"{racer}paid call {index}")
            pay(terms, held, Usage(input_tokens=10), 0.25)
            self.fate.point(f"{racer}booked call {index}")
            said = Message(role=Role.ASSISTANT, parts=(Text(text=f"step {index}"),))
            recorder.record(Step(index=index, messages=(said,), usage=Usage(input_tokens=10), cost_usd=0.25, diff=DIFF))
            self.fate.point(f"{racer}recorded step {index}")
            index += 1
        return replace(proofs.ATTEMPT, model=model, diff=DIFF, steps=CALLS, cost_usd=0.25 * CALLS)

    def _has_turn(self, model: str, index: int) -> bool:
        """Racers take turns, so that their points have one order: a death falls between two of them."""
        passed = self.fate.lines("points.log")
        if model == "slow":
            return index < LOSERS_CALLS and f"quick: recorded step {index}" in passed
        return model != "quick" or index == 0 or f"slow: recorded step {index - 1}" in passed

    def police(self, diff: str) -> Patch:
        return Patch(diff=diff, changes=(FileChange(path="slug.py", part=Part.SOURCE),))

    def verify(self, repository: str, base: CommitSha, diff: str, config: RepoConfig) -> Proof:
        self.fate.note("verified.log", base)
        proof = proofs.proof(proofs.VERDICTS[0], proofs.run(RunKind.BASE, proofs.report()))
        return replace(proof, base_commit=base, patch=diff, patch_sha256=sha256_of(diff))

    def diff(self, repository: str, base: CommitSha, head: CommitSha) -> str:
        return DIFF

    def files(self, repository: str, base: CommitSha, diff: str) -> Sequence[FileAt]:
        return (FileAt(path="slug.py", mode="100644", data=b"b\n"),)

    def findings(self, change: ExecutedChange, model: str, terms: Terms, stopped: Callable[[], bool]) -> Opinion:
        held = terms.purse.hold(call_of(model))
        self.fate.note("calls.log", "review")
        self.fate.point("paid review")
        pay(terms, held, Usage(input_tokens=10, output_tokens=5), 0.125)
        self.fate.point("booked review call")
        claim = Finding(path="slug.py", line=1, claim="An empty title is lost.")
        return Opinion(findings=(claim,), usage=Usage(input_tokens=10, output_tokens=5), cost_usd=0.125)


def pay(terms: Terms, held: Held, usage: Usage, usd: float) -> None:
    """Returns when it is in the book, so that a death afterwards finds it there."""
    held.paid(usage, usd)
    assert isinstance(terms.purse, StorePurse)
    terms.purse.catch_up()


def call_of(model: str) -> Call:
    """A call that may cost half a dollar."""
    return Call(model=model, prompt_tokens=10, output_tokens=100, worst_usd=lambda output: 0.5)


RACERS = ("quick", "slow")


def _racer(attempt: Attempt) -> str:
    return f"{attempt.model}: " if attempt.model in (*RACERS, "down") else ""


def open_store(directory: Path) -> Store:
    return Store.open(f"sqlite:///{directory}/redgreen.db")


OLD_IMAGE = Removal(
    image=Stored(id="sha256:0", tags=("old:image",), kind=Kind.ENVIRONMENT, parent="", bytes=1, created=0.0, used=0.0),
    why="not used for 20 days",
)


def make_worker(store: Store, directory: Path, kill_at: str = "", *, until_stopped: bool = False) -> Worker:
    fate = Fate(directory, kill_at)
    jobs = DyingJobs(store.database)
    attempts = DyingAttempts(store.database)
    verdicts = DyingVerdicts(store.database)
    jobs.fate = attempts.fate = verdicts.fate = fate
    forge = FileForge(fate=fate)
    tools = Tools(
        store=replace(store, jobs=jobs, attempts=attempts, verdicts=verdicts),
        workshop=FileWorkshop(fate, until_stopped),
        forges=lambda _repository: forge,
        default_model="m",
        rules=Rules(fallback=("m",)),
    )
    queue = QueueConfig(url=f"sqlite:///{directory}/queue.db", lock_file=directory / "worker.lock", poll_seconds=0.05)
    config = WorkerConfig(
        queue=queue,
        policy=Policy(models=frozenset({"m", "down", *RACERS})),
        poll_seconds=0.02,
        pauses=(0.05,),
        stop_seconds=10,
    )
    return Worker(config, tools, collect_images=lambda: (OLD_IMAGE,), steps=lambda gate: DyingSteps(gate, fate))


def live(directory: str, kill_at: str, until_stopped: bool = False) -> None:
    """The child's whole life: until the fate, a SIGTERM, or the end of every job."""
    import threading

    log = Path(directory, "worker.log").open("a")  # noqa: SIM115 - for the rest of the process
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(log))
    store = open_store(Path(directory))
    worker = make_worker(store, Path(directory), kill_at, until_stopped=until_stopped)
    worker.stop_on_signals()

    def end_with_the_jobs() -> None:
        ended = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
        while True:
            views = store.jobs.recent()
            if views and all(view.job.state in ended for view in views) and not store.deliveries.pending():
                worker.stop()
                return
            time.sleep(0.02)

    threading.Thread(target=end_with_the_jobs, daemon=True).start()
    drained = worker.run()
    log.flush()
    os._exit(0 if drained else 3)


if __name__ == "__main__":
    live(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
