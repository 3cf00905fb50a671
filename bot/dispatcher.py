"""Stored deliveries -> events, decisions, jobs: in order, once each.

A delivery is handled in the commit that stores what it led to; a crash before that commit handles it again, with the
same job id and the same marker. While one delivery of a repository waits for GitHub, the later ones of that repository
wait behind it; others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, assert_never

import structlog

from bot import events, permissions, routing
from bot import publication as wanted
from bot.commands import Command, Verb
from bot.errors import ForgeUnavailable, StoreError
from bot.forge.protocol import Forge, Permission
from bot.messages import replies
from bot.messages.status import ConfigInvalid, status
from bot.permissions import Denied
from bot.pipeline import outcome_text
from bot.publisher import publish
from bot.repo_config import PATH, parse
from bot.routing import Answer, Intent, Policy
from bot.store import Pending, Store
from bot.tools import Forges
from bot.types import (
    CancelJob,
    Decision,
    Delivery,
    Event,
    Ignore,
    Ignored,
    JobKind,
    RecordOutcome,
    Reply,
    Repository,
    StartJob,
)

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 900.0
MOST_TRIES = 40
SUPERSEDED = "a newer push"

log = structlog.get_logger()


class Queue(Protocol):
    """`bot.engine.Engine`, as far as it is used here."""

    def enqueue(self, workflow: str, argument: str, *, id: str, partition: str) -> None: ...


class Dispatcher:
    """Called again and again by the worker's one dispatching thread."""

    def __init__(
        self,
        *,
        store: Store,
        forges: Forges,
        queue: Queue,
        policy: Policy,
        minimum: Permission = Permission.WRITE,
        on_bug: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._store, self._forges, self._queue = store, forges, queue
        self._policy, self._minimum, self._on_bug = policy, minimum, on_bug

    def run_once(self) -> int:
        """Handle what waits; the number of deliveries handled. Raises `StoreError` when the database is away."""
        self._enqueue_stored_jobs()
        handled, held = 0, set[int]()
        now = self._store.database.clock()
        for pending in self._store.deliveries.pending():
            event = events.parse(pending.delivery)
            repository = None if isinstance(event, Ignored) else event.repository
            if repository is not None and (repository.id in held or pending.next_try_at > now):
                held.add(repository.id)
                continue
            handled += self._handle(pending, event, held)
        return handled

    def _handle(self, pending: Pending, event: Event | Ignored, held: set[int]) -> int:
        delivery = pending.delivery
        try:
            self._act(delivery, event)
        except StoreError:
            raise
        except ForgeUnavailable as error:
            self._later(pending, event, held, error)
            return 0
        except Exception as error:  # noqa: BLE001 - one delivery that we cannot handle must not stop all others
            log.error("delivery given up", delivery=delivery.id, name=delivery.event, error=type(error).__name__)
            self._on_bug(error)
            self._store.deliveries.give_up(delivery.id, f"{type(error).__name__}: {error}")
        return 1

    def _later(self, pending: Pending, event: Event | Ignored, held: set[int], error: ForgeUnavailable) -> None:
        if pending.tries + 1 >= MOST_TRIES:
            self._store.deliveries.give_up(pending.delivery.id, f"GitHub was not to be reached: {error}")
            return
        pause = max(error.retry_after or 0.0, min(FIRST_PAUSE * 2**pending.tries, LONGEST_PAUSE))
        at = self._store.database.clock() + pause
        self._store.deliveries.try_again(pending.delivery.id, at=at, reason=str(error))
        if not isinstance(event, Ignored):
            held.add(event.repository.id)

    # --- one delivery --------------------------------------------------------------------------------------------

    def _act(self, delivery: Delivery, event: Event | Ignored) -> None:
        if isinstance(event, Ignored):
            self._store.deliveries.handled(delivery.id, f"ignored: {event.reason}")
            return
        intent = routing.intent(event, self._policy)
        if isinstance(intent, Ignore):
            self._store.deliveries.handled(delivery.id, f"ignored: {intent.reason}")
            return
        forge = self._forges(event.repository)
        config = parse(forge.read_file(PATH, event.repository.default_branch))
        decision = routing.decide(event, intent, config, self._policy)
        if isinstance(decision, Ignore):
            self._store.deliveries.handled(delivery.id, f"ignored: {decision.reason}")
            return
        if intent.needs_role and not routing.opens_to(event, config):
            denied = self._denied(event, intent, forge)
            if denied is not None:
                self._refuse(delivery, event, intent, forge, denied)
                return
        if isinstance(decision, StartJob) and _is_retry(intent):
            decision = self._again(decision)
        self._carry_out(delivery, event, decision, forge)

    def _again(self, start: StartJob) -> StartJob | Answer:
        """The last job here once more: with its model, where the lineup still has it, and what it was asked for."""
        last = self._store.jobs.latest(start.repository.id, start.number)
        if last is None:
            return Answer(topic="nothing_to_retry", number=start.number)
        before = last.job.start
        known = self._policy.models
        model, named = (before.model, before.named) if before.model in known else (start.model, False)
        compare = before.compare if known.issuperset(before.compare) else ()
        return replace(start, model=model, named=named, compare=compare, findings=before.findings)

    def _denied(self, event: Event, intent: Intent, forge: Forge) -> Denied | None:
        role = Permission.NONE if event.actor.is_bot else forge.permission(event.actor.login)
        found = permissions.judge(role, event.actor, intent.verb, bots=self._policy.bots, minimum=self._minimum)
        return found if isinstance(found, Denied) else None

    def _refuse(self, delivery: Delivery, event: Event, intent: Intent, forge: Forge, denied: Denied) -> None:
        """Silent, but for a person who addressed the bot by a command."""
        if intent.answers_refusal and not event.actor.is_bot and intent.command is not None:
            self._reply(delivery, event.repository, _number(event), replies.denied(denied.reason), forge)
        self._store.deliveries.handled(delivery.id, f"denied: {denied.reason}")

    def _carry_out(self, delivery: Delivery, event: Event, decision: Decision | Answer, forge: Forge) -> None:
        handled = self._store.deliveries.handled
        match decision:
            case StartJob():
                self._start(delivery, decision)
            case CancelJob():
                stopped = self._stop(decision)
                if not stopped:
                    self._reply(delivery, decision.repository, decision.number, replies.nothing_running(), forge)
                handled(delivery.id, f"stopped {stopped} jobs")
            case RecordOutcome():
                self._queue.enqueue(
                    "outcome",
                    outcome_text(decision),
                    id=f"outcome-{delivery.id}",
                    partition=f"{decision.repository.id}:{decision.pull.number}",
                )
                handled(delivery.id, "outcome")
            case Answer():
                text = self._words(decision)
                self._reply(delivery, event.repository, decision.number, text, forge)
                handled(delivery.id, f"answered: {decision.topic}")
            case Reply():
                self._reply(delivery, decision.repository, decision.number, decision.text, forge)
                handled(delivery.id, "answered")
            case Ignore():
                handled(delivery.id, f"ignored: {decision.reason}")
            case _ as never:
                assert_never(never)

    def _start(self, delivery: Delivery, start: StartJob) -> None:
        """One job at a time on an issue: asking twice starts one. A newer push replaces the review of the older."""
        active = [
            job for job in self._store.jobs.active(start.repository.id, start.number) if job.start.kind == start.kind
        ]
        if active and start.kind is JobKind.FIX:
            self._store.deliveries.handled(delivery.id, f"already running: {active[0].id}")
            return
        for job in active:
            self._store.jobs.ask_to_stop(job.id, SUPERSEDED)
        self._store.jobs.accept(delivery.id, start)
        self._enqueue_stored_jobs()

    def _enqueue_stored_jobs(self) -> None:
        """Also what a crash left between our table and the queue."""
        for job in self._store.jobs.not_enqueued():
            partition = f"{job.start.repository.id}:{job.start.number}"
            self._queue.enqueue("job", job.id, id=job.id, partition=partition)
            self._store.jobs.mark_enqueued(job.id)

    def _stop(self, cancel: CancelJob) -> int:
        active = self._store.jobs.active(cancel.repository.id, cancel.number)
        for job in active:
            self._store.jobs.ask_to_stop(job.id, cancel.requested_by)
        return len(active)

    def _reply(self, delivery: Delivery, repository: Repository, number: int, text: str, forge: Forge) -> None:
        answer = wanted.reply(repository.full_name, number, key=delivery.id, body=text)
        publish([answer], forge=forge, log=self._store.publications)

    def _words(self, answer: Answer) -> str:
        handle, models = self._policy.handle, tuple(sorted(self._policy.models))
        match answer:
            case Answer(topic="config_problem", config=problem) if problem is not None:
                return status(ConfigInvalid(line=problem.line, problem=problem.message))
            case Answer(topic="command_error", error=error) if error is not None:
                return replies.misunderstood(error, handle)
            case Answer(topic="unknown_model"):
                return replies.unknown_model(answer.word, models)
            case Answer(topic="not_on_pull_request"):
                return replies.not_here(Verb(answer.word or Verb.FIX), handle)
            case Answer(topic="not_on_issue"):
                return replies.not_here(Verb(answer.word), handle)
            case Answer(topic="nothing_to_retry"):
                return replies.nothing_to_retry()
            case _:
                return replies.help_text(handle)


def _is_retry(intent: Intent) -> bool:
    return isinstance(intent.command, Command) and intent.command.verb is Verb.RETRY


def _number(event: Event) -> int:
    """The issue or pull request that a comment or label stands on; 0 where nobody is answered."""
    issue = getattr(event, "issue", None)
    return issue.number if issue is not None else 0
