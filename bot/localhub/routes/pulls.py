"""Pull requests: every number about them comes from git at the moment it is asked for."""

from __future__ import annotations

from bot.localhub.acts import issues as issue_acts
from bot.localhub.acts import pulls as acts
from bot.localhub.calls import Answer, Call, Fields, Handler, Route
from bot.localhub.domain import Pull, Role
from bot.localhub.problems import invalid, not_a_writer, not_found
from bot.localhub.routes.contents import DIFF_MEDIA, PATCH_MEDIA
from bot.localhub.shapes import pulls as shapes
from bot.localhub.shapes import repositories


class NewPull(Fields):
    title: str
    head: str
    base: str
    body: str | None = None
    draft: bool = False
    maintainer_can_modify: bool = False


class EditPull(Fields):
    title: str | None = None
    body: str | None = None
    state: str | None = None
    base: str | None = None


class MergePull(Fields):
    commit_title: str | None = None
    commit_message: str | None = None
    sha: str | None = None
    merge_method: str = "merge"


def pull_of(call: Call) -> Pull:
    found = call.repository.pulls.get(call.number("number"))
    if found is None:
        raise not_found()
    return found


def _full(call: Call, pull: Pull) -> dict[str, object]:
    return shapes.full(call.hub.links, call.repository, pull, call.hub.measure(call.repository, pull))


def list_pulls(call: Call) -> Answer:
    state, base, head = call.query("state", "open"), call.query("base"), call.query("head")
    owner, _, branch = head.rpartition(":")
    found = [
        pull
        for pull in call.repository.pulls.values()
        if state in {"all", pull.issue.state}
        and base in {"", pull.base_ref}
        and branch in {"", pull.head_ref}
        and owner.lower() in {"", call.repository.owner.login.lower()}
    ]
    found.sort(key=lambda pull: pull.number, reverse=call.query("direction", "desc") == "desc")
    return call.page(found, lambda pull: shapes.simple(call.hub.links, call.repository, pull))


def create_pull(call: Call) -> Answer:
    wanted = call.read(NewPull)
    pull = acts.open_pull(
        call.hub,
        call.repository,
        title=wanted.title,
        body=wanted.body,
        head=wanted.head,
        base=wanted.base,
        draft=wanted.draft,
        user=call.actor,
        via=call.via,
    )
    pull.maintainer_can_modify = wanted.maintainer_can_modify
    return Answer(status=201, body=_full(call, pull))


def get_pull(call: Call) -> Answer:
    pull, git = pull_of(call), call.repository.git
    if call.accepts("diff"):
        return Answer(body=git.diff(call.hub.fork_point(call.repository, pull), pull.head_sha), media=DIFF_MEDIA)
    if call.accepts("patch"):
        return Answer(body=git.mail(call.hub.fork_point(call.repository, pull), pull.head_sha), media=PATCH_MEDIA)
    return Answer(body=_full(call, pull))


def edit_pull(call: Call) -> Answer:
    pull, wanted = pull_of(call), call.read(EditPull)
    if call.via is None and call.repository.role(call.actor) < Role.WRITE and pull.issue.user.id != call.actor.id:
        raise not_a_writer()
    if wanted.state not in {None, "open", "closed"}:
        raise invalid("PullRequest", "state", "invalid")
    issue_acts.edit(
        call.hub,
        call.repository,
        pull.issue,
        call.actor,
        title=wanted.title,
        body=wanted.body,
        has_body="body" in wanted.model_fields_set,
    )
    if wanted.base is not None and wanted.base != pull.base_ref:
        acts.rebase_onto(call.hub, call.repository, pull, wanted.base, call.actor)
    if wanted.state == "closed":
        issue_acts.close(call.hub, call.repository, pull.issue, call.actor)
    elif wanted.state == "open" and pull.issue.state != "open":
        acts.reopen(call.hub, call.repository, pull, call.actor)
    return Answer(body=_full(call, pull))


def list_files(call: Call) -> Answer:
    pull = pull_of(call)
    files = call.repository.git.files(call.hub.fork_point(call.repository, pull), pull.head_sha)
    return call.page(files, lambda one: repositories.file_diff(call.hub.links, call.repository, one, pull.head_sha))


def list_commits(call: Call) -> Answer:
    pull = pull_of(call)
    found = call.repository.git.commits(call.hub.fork_point(call.repository, pull), pull.head_sha)
    return call.page(found, lambda one: repositories.commit(call.hub.links, call.repository, one))


def is_merged(call: Call) -> Answer:
    if pull_of(call).merge is None:
        raise not_found()
    return Answer(status=204)


def merge_pull(call: Call) -> Answer:
    pull, wanted = pull_of(call), call.read(MergePull)
    if wanted.merge_method not in {"merge", "squash", "rebase"}:
        raise invalid("PullRequest", "merge_method", "invalid")
    commit = acts.merge(
        call.hub,
        call.repository,
        pull,
        method=wanted.merge_method,
        sender=call.actor,
        title=wanted.commit_title or "",
        message=wanted.commit_message or "",
        expected_head=wanted.sha or "",
    )
    return Answer(body={"sha": commit, "merged": True, "message": "Pull Request successfully merged"})


_PULLS = "/repos/{owner}/{repo}/pulls"
_ONE = f"{_PULLS}/{{number}}"
_NEEDS = ("pull_requests",)


def _route(
    method: str,
    template: str,
    handler: Handler,
    role: Role = Role.READ,
    permissions: tuple[str, ...] = _NEEDS,
) -> Route:
    return Route(
        method=method, template=template, handler=handler, permissions=permissions, write=method != "GET", role=role
    )


ROUTES = (
    _route("GET", _PULLS, list_pulls),
    _route("POST", _PULLS, create_pull, Role.WRITE),
    _route("GET", _ONE, get_pull),
    _route("PATCH", _ONE, edit_pull),
    _route("GET", f"{_ONE}/files", list_files),
    _route("GET", f"{_ONE}/commits", list_commits),
    _route("GET", f"{_ONE}/merge", is_merged),
    _route("PUT", f"{_ONE}/merge", merge_pull, Role.WRITE, ("contents",)),
)
