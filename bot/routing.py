"""(Event, RepoConfig) -> Decision. Pure; what stays undecided does nothing.

Three questions, cheapest first, so that a delivery that asks for nothing costs no request to GitHub:
`intent` (is it for us at all?), `permissions.judge` (may they?), `decide` (what is done?).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import assert_never

from bot import commands
from bot.commands import Command, CommandError, Verb
from bot.repo_config import ConfigProblem, RepoConfig
from bot.types import (
    CancelJob,
    CheckRerequested,
    Commented,
    Decision,
    Event,
    Ignore,
    IssueLabeled,
    JobKind,
    PullRequestChanged,
    PullRequestClosed,
    RecordOutcome,
    StartJob,
)

BRANCH_PREFIX = "redgreen/"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the operator set, as far as routing needs it."""

    handle: str = "redgreen"
    label: str = "redgreen"
    """The label that is answered when the repository's file cannot be read."""
    models: frozenset[str] = frozenset()
    """The lineup's names."""
    bots: frozenset[str] = frozenset()
    """Logins of bots that may give orders, in lower case."""
    review: bool = True
    """Whether pull requests are reviewed where the repository's file does not say."""


@dataclass(frozen=True, kw_only=True)
class Intent:
    """An event that may concern us: the verb says which permission its sender needs."""

    verb: Verb
    command: Command | CommandError | None = None
    """None: no comment asked (a label, a push, a re-run)."""
    needs_role: bool = True
    """False for a fact that nobody asks for: a pull request of ours was closed."""
    answers_refusal: bool = False
    """True when a person addressed the bot and is owed a word if it is refused."""


def intent(event: Event, policy: Policy) -> Intent | Ignore:
    """Whether an event concerns us, from itself alone."""
    match event:
        case IssueLabeled():
            return Intent(verb=Verb.FIX)
        case Commented():
            return _spoken(event, policy)
        case PullRequestChanged():
            if event.pull.is_draft:
                return Ignore(reason="The pull request is a draft.")
            if _is_ours(event):
                return Ignore(reason="The pull request is redgreen's own: it was verified before it was opened.")
            return Intent(verb=Verb.REVIEW)
        case PullRequestClosed():
            if not _is_ours(event):
                return Ignore(reason="The pull request is not redgreen's.")
            return Intent(verb=Verb.REVIEW, needs_role=False)
        case CheckRerequested():
            if _pull_of(event) is None:
                return Ignore(reason="The check run is not redgreen's.")
            return Intent(verb=Verb.REVIEW)
        case _ as never:
            assert_never(never)


def _spoken(event: Commented, policy: Policy) -> Intent | Ignore:
    if event.actor.is_bot and event.actor.login.lower() not in policy.bots:
        return Ignore(reason="A bot's comment.")
    command = commands.parse(event.body, policy.handle)
    match command:
        case None:
            return Ignore(reason="The comment does not address the bot.")
        case CommandError():
            return Intent(verb=Verb.HELP, command=command)
        case Command():
            return Intent(verb=command.verb, command=command, answers_refusal=True)
        case _ as never:
            assert_never(never)


def _is_ours(event: PullRequestChanged | PullRequestClosed) -> bool:
    """By branch and repository: a fork's branch of the same name is not ours."""
    return event.pull.head_ref.startswith(BRANCH_PREFIX) and event.pull.head_repository == event.repository.full_name


_EXTERNAL_ID = re.compile(r"check_run:(?P<repository>[^:]+):(?P<pull>[1-9][0-9]{0,9}):(?P<head>[0-9a-f]+)")


def _pull_of(event: CheckRerequested) -> int | None:
    """The pull request that a check run of ours stands on (`bot.publication.check_run` makes its external id)."""
    found = _EXTERNAL_ID.fullmatch(event.external_id)
    if found is None or found["repository"] != event.repository.full_name or found["head"] != event.head_sha:
        return None
    return int(found["pull"])


# --- what is done ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A reply whose words `bot.messages` finds."""

    topic: str
    """`config_problem`, `help`, `command_error`, `unknown_model`, `not_on_pull_request`, `not_on_issue` or
    `nothing_to_retry`."""
    number: int
    config: ConfigProblem | None = None
    error: CommandError | None = None
    word: str = ""


def decide(event: Event, wanted: Intent, config: RepoConfig | ConfigProblem, policy: Policy) -> Decision | Answer:
    """What is done for an event whose sender may ask for it."""
    match event:
        case PullRequestClosed():
            return RecordOutcome(
                repository=event.repository,
                pull=event.pull,
                merged=event.merged,
                merge_commit_sha=event.merge_commit_sha,
            )
        case Commented():
            return _answer_comment(event, wanted, config, policy)
        case IssueLabeled():
            return _label(event, config, policy)
        case PullRequestChanged():
            return _changed(event, config, policy)
        case CheckRerequested():
            return _rerun(event, config)
        case _ as never:
            assert_never(never)


def _label(event: IssueLabeled, config: RepoConfig | ConfigProblem, policy: Policy) -> Decision | Answer:
    if isinstance(config, ConfigProblem):
        if event.label != policy.label:
            return Ignore(reason="The configuration cannot be read, and the label is not the usual one.")
        return Answer(topic="config_problem", number=event.issue.number, config=config)
    if event.label != config.label:
        return Ignore(reason="Another label.")
    if config.model and config.model not in policy.models:
        return Answer(topic="unknown_model", number=event.issue.number, word=config.model)
    return StartJob(
        kind=JobKind.FIX,
        repository=event.repository,
        requested_by=event.actor.login,
        number=event.issue.number,
        issue=event.issue,
        model=config.model,
    )


def _changed(event: PullRequestChanged, config: RepoConfig | ConfigProblem, policy: Policy) -> Decision:
    if isinstance(config, ConfigProblem):
        return Ignore(reason=f"The configuration cannot be read (line {config.line}).")
    if not (policy.review if config.review is None else config.review):
        return Ignore(reason="Reviews are switched off here.")
    return StartJob(
        kind=JobKind.REVIEW,
        repository=event.repository,
        requested_by=event.actor.login,
        number=event.pull.number,
        pull=event.pull,
        model=config.model,
    )


def _rerun(event: CheckRerequested, config: RepoConfig | ConfigProblem) -> Decision:
    pull = _pull_of(event)
    if pull is None or isinstance(config, ConfigProblem):
        return Ignore(reason="The check run is not redgreen's, or the configuration cannot be read.")
    return StartJob(
        kind=JobKind.REVIEW,
        repository=event.repository,
        requested_by=event.actor.login,
        number=pull,
        model=config.model,
    )


def _answer_comment(
    event: Commented, wanted: Intent, config: RepoConfig | ConfigProblem, policy: Policy
) -> Decision | Answer:
    number = event.issue.number
    match wanted.command:
        case None:
            return Ignore(reason="The comment does not address the bot.")
        case CommandError():
            return Answer(topic="command_error", number=number, error=wanted.command)
        case Command(verb=Verb.HELP):
            return Answer(topic="help", number=number)
        case Command(verb=Verb.STOP):
            return CancelJob(repository=event.repository, number=number, requested_by=event.actor.login)
        case Command():
            return _start(event, wanted.command, config, policy)
        case _ as never:
            assert_never(never)


def _start(event: Commented, command: Command, config: RepoConfig | ConfigProblem, policy: Policy) -> Decision | Answer:
    number = event.issue.number
    if isinstance(config, ConfigProblem):
        return Answer(topic="config_problem", number=number, config=config)
    model = command.model or config.model
    unknown = [name for name in (model, *command.compare) if name and name not in policy.models]
    if unknown:
        return Answer(topic="unknown_model", number=number, word=unknown[0])
    if command.verb in (Verb.FIX, Verb.COMPARE) and event.on_pull_request:
        return Answer(topic="not_on_pull_request", number=number, word=command.verb.value.removeprefix(Verb.FIX))
    if command.verb in (Verb.REVIEW, Verb.VERIFY) and not event.on_pull_request:
        return Answer(topic="not_on_issue", number=number, word=command.verb.value)
    return StartJob(
        kind=JobKind.REVIEW if event.on_pull_request else JobKind.FIX,
        repository=event.repository,
        requested_by=event.actor.login,
        number=number,
        issue=event.issue,
        model=model,
        compare=command.compare,
        named=bool(command.model),
        findings=command.verb is not Verb.VERIFY,
        comment_id=event.comment_id,
    )


def opens_to(event: Event, config: RepoConfig | ConfigProblem) -> bool:
    """True where the repository lets everybody ask for this: reviews of strangers' pull requests."""
    return (
        isinstance(event, PullRequestChanged)
        and isinstance(config, RepoConfig)
        and config.review == "everyone"
        and not event.actor.is_bot
    )


__all__ = ["Answer", "Intent", "Policy", "decide", "intent", "opens_to"]
