"""Labels: the repository's, and those on an issue or pull request."""

from __future__ import annotations

from bot.localhub.acts import issues as acts
from bot.localhub.calls import Answer, Call, Fields, Handler, Route, read_fields
from bot.localhub.domain import Issue, Label, Role
from bot.localhub.problems import Problem, invalid, not_found
from bot.localhub.shapes import issues as shapes


class NewLabel(Fields):
    name: str
    color: str | None = None
    description: str | None = None


class EditLabel(Fields):
    new_name: str | None = None
    color: str | None = None
    description: str | None = None


class LabelName(Fields):
    name: str


class Labels(Fields):
    labels: tuple[str | LabelName, ...] = ()


def issue_of(call: Call) -> Issue:
    found = call.repository.issues.get(call.number("number"))
    if found is None:
        raise not_found()
    return found


def _label(call: Call) -> Label:
    found = call.repository.labels.get(call.text("name").lower())
    if found is None:
        raise not_found()
    return found


def _names(call: Call) -> list[str]:
    """GitHub takes `{"labels": [..]}`, `["a", "b"]` and `"a"`; PyGithub sends the bare list."""
    body = call.request.body.strip()
    if body[:1] in {b"[", b'"'}:
        body = b'{"labels": ' + (body if body[:1] == b"[" else b"[" + body + b"]") + b"}"
    return [label if isinstance(label, str) else label.name for label in read_fields(Labels, body).labels]


def _shown(call: Call, issue: Issue) -> Answer:
    return Answer(body=[shapes.label(call.hub.links, call.repository, label) for label in issue.labels])


def list_labels(call: Call) -> Answer:
    known = sorted(call.repository.labels.values(), key=lambda label: label.name.lower())
    return call.page(known, lambda label: shapes.label(call.hub.links, call.repository, label))


def get_label(call: Call) -> Answer:
    return Answer(body=shapes.label(call.hub.links, call.repository, _label(call)))


def create_label(call: Call) -> Answer:
    wanted = call.read(NewLabel)
    if wanted.name.lower() in call.repository.labels:
        raise invalid("Label", "name", "already_exists")
    label = acts.ensure_label(call.hub, call.repository, wanted.name)
    label.color, label.description = wanted.color or label.color, wanted.description
    return Answer(status=201, body=shapes.label(call.hub.links, call.repository, label))


def edit_label(call: Call) -> Answer:
    label, wanted = _label(call), call.read(EditLabel)
    if wanted.new_name is not None:
        known = call.repository.labels.get(wanted.new_name.lower(), label)
        if known is not label:
            raise invalid("Label", "name", "already_exists")
        del call.repository.labels[label.name.lower()]
        label.name = wanted.new_name
        call.repository.labels[label.name.lower()] = label
    label.color = wanted.color or label.color
    if "description" in wanted.model_fields_set:
        label.description = wanted.description
    return Answer(body=shapes.label(call.hub.links, call.repository, label))


def delete_label(call: Call) -> Answer:
    label = _label(call)
    del call.repository.labels[label.name.lower()]
    for issue in call.repository.issues.values():
        issue.labels = [one for one in issue.labels if one is not label]
    return Answer(status=204)


def labels_of(call: Call) -> Answer:
    return _shown(call, issue_of(call))


def add_labels(call: Call) -> Answer:
    issue = issue_of(call)
    acts.add_labels(call.hub, call.repository, issue, _names(call), call.actor)
    return _shown(call, issue)


def set_labels(call: Call) -> Answer:
    issue = issue_of(call)
    acts.set_labels(call.hub, call.repository, issue, _names(call), call.actor)
    return _shown(call, issue)


def remove_label(call: Call) -> Answer:
    issue, wanted = issue_of(call), call.text("name").lower()
    label = next((one for one in issue.labels if one.name.lower() == wanted), None)
    if label is None:
        raise Problem(404, "Label does not exist")
    acts.remove_label(call.hub, call.repository, issue, label, call.actor)
    return _shown(call, issue)


def remove_labels(call: Call) -> Answer:
    acts.set_labels(call.hub, call.repository, issue_of(call), [], call.actor)
    return Answer(status=204)


_REPO = "/repos/{owner}/{repo}"
_EITHER = ("issues", "pull_requests")


def _route(method: str, template: str, handler: Handler) -> Route:
    write = method != "GET"
    return Route(
        method=method,
        template=_REPO + template,
        handler=handler,
        permissions=_EITHER,
        write=write,
        role=Role.WRITE if write else Role.READ,
    )


ROUTES = (
    _route("GET", "/labels", list_labels),
    _route("POST", "/labels", create_label),
    _route("GET", "/labels/{name}", get_label),
    _route("PATCH", "/labels/{name}", edit_label),
    _route("DELETE", "/labels/{name}", delete_label),
    _route("GET", "/issues/{number}/labels", labels_of),
    _route("POST", "/issues/{number}/labels", add_labels),
    _route("PUT", "/issues/{number}/labels", set_labels),
    _route("DELETE", "/issues/{number}/labels", remove_labels),
    _route("DELETE", "/issues/{number}/labels/{name}", remove_label),
)
