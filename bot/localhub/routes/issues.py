"""Issues. A pull request answers here too, with the `pull_request` key."""

from __future__ import annotations

from collections.abc import Sequence

from bot.localhub.acts import issues as acts
from bot.localhub.acts import pulls as pull_acts
from bot.localhub.calls import Answer, Call, Fields, Route
from bot.localhub.domain import Issue, Role
from bot.localhub.problems import forbidden, invalid, not_a_writer
from bot.localhub.routes.labels import LabelName, issue_of
from bot.localhub.shapes import issues as shapes


class NewIssue(Fields):
    title: str | int
    body: str | None = None
    labels: tuple[str | LabelName, ...] = ()


class EditIssue(Fields):
    title: str | int | None = None
    body: str | None = None
    state: str | None = None
    state_reason: str | None = None
    labels: tuple[str | LabelName, ...] | None = None


def _names(labels: Sequence[str | LabelName]) -> list[str]:
    return [label if isinstance(label, str) else label.name for label in labels]


def _may_triage(call: Call) -> bool:
    return call.via is not None or call.repository.role(call.actor) >= Role.WRITE


def list_issues(call: Call) -> Answer:
    state, labels = call.query("state", "open"), {name for name in call.query("labels").lower().split(",") if name}
    creator = call.query("creator").lower()
    found = [
        issue
        for issue in call.repository.issues.values()
        if state in {"all", issue.state}
        and labels <= {label.name.lower() for label in issue.labels}
        and creator in {"", issue.user.login.lower()}
    ]
    found.sort(key=lambda issue: issue.number, reverse=call.query("direction", "desc") == "desc")
    return call.page(found, lambda issue: shapes.issue(call.hub.links, call.repository, issue))


def create_issue(call: Call) -> Answer:
    """A person without write access cannot set labels; GitHub drops them silently."""
    wanted = call.read(NewIssue)
    issue = acts.open_issue(
        call.hub,
        call.repository,
        title=str(wanted.title),
        body=wanted.body,
        user=call.actor,
        via=call.via,
        labels=_names(wanted.labels) if _may_triage(call) else (),
    )
    return Answer(status=201, body=shapes.issue(call.hub.links, call.repository, issue))


def get_issue(call: Call) -> Answer:
    return Answer(body=shapes.issue(call.hub.links, call.repository, issue_of(call)))


def edit_issue(call: Call) -> Answer:
    issue, wanted = issue_of(call), call.read(EditIssue)
    if not _may_triage(call) and issue.user.id != call.actor.id:
        raise forbidden() if call.via else not_a_writer()
    if wanted.state not in {None, "open", "closed"}:
        raise invalid("Issue", "state", "invalid")
    acts.edit(
        call.hub,
        call.repository,
        issue,
        call.actor,
        title=None if wanted.title is None else str(wanted.title),
        body=wanted.body,
        has_body="body" in wanted.model_fields_set,
    )
    if wanted.labels is not None:
        acts.set_labels(call.hub, call.repository, issue, _names(wanted.labels), call.actor)
    _set_state(call, issue, wanted)
    return Answer(body=shapes.issue(call.hub.links, call.repository, issue))


def _set_state(call: Call, issue: Issue, wanted: EditIssue) -> None:
    pull = call.repository.pulls.get(issue.number)
    if wanted.state == "closed":
        acts.close(call.hub, call.repository, issue, call.actor, wanted.state_reason or "completed")
    elif wanted.state == "open" and issue.state != "open":
        if pull is not None:
            pull_acts.reopen(call.hub, call.repository, pull, call.actor)
        else:
            acts.reopen(call.hub, call.repository, issue, call.actor)


_ISSUES = "/repos/{owner}/{repo}/issues"
_ONE = f"{_ISSUES}/{{number}}"
ROUTES = (
    Route(method="GET", template=_ISSUES, handler=list_issues, permissions=("issues", "pull_requests")),
    Route(method="POST", template=_ISSUES, handler=create_issue, permissions=("issues",), write=True),
    Route(method="GET", template=_ONE, handler=get_issue, permissions=("issues", "pull_requests")),
    Route(method="PATCH", template=_ONE, handler=edit_issue, permissions=("issues", "pull_requests"), write=True),
)
