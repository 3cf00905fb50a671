"""People, what they may do on a repository, the repository itself, and the caller's rate limit."""

from __future__ import annotations

from bot.localhub.auth import ByUser
from bot.localhub.calls import Answer, Call, Route, Who
from bot.localhub.domain import Repository, Role, User
from bot.localhub.problems import not_found
from bot.localhub.shapes import accounts, repositories


def _person(call: Call) -> User:
    found = call.hub.user(call.text("username"))
    if found is None:
        raise not_found()
    return found


def get_user(call: Call) -> Answer:
    return Answer(body=accounts.public_user(call.hub.links, _person(call)))


def get_self(call: Call) -> Answer:
    return Answer(body=accounts.private_user(call.hub.links, call.actor))


def rate_limit(call: Call) -> Answer:
    """Asking costs nothing."""
    window = call.hub.window(call.identity.key())
    told = {
        "limit": window.limit,
        "used": window.used,
        "remaining": max(0, window.limit - window.used),
        "reset": int(window.reset),
    }
    return Answer(body={"resources": {"core": told, "search": {**told, "limit": 30, "used": 0}}, "rate": told})


def get_repository(call: Call) -> Answer:
    role = call.repository.role(call.identity.user) if isinstance(call.identity, ByUser) else None
    return Answer(body=repositories.full_repository(call.hub.links, call.repository, role))


def list_repositories(call: Call) -> Answer:
    """Those of the caller."""

    def render(repository: Repository) -> object:
        return repositories.repository(call.hub.links, repository, repository.role(call.actor))

    own = [
        one
        for one in call.hub.repositories.values()
        if one.owner is call.actor or call.actor.login.lower() in one.collaborators
    ]
    return call.page(own, render)


def get_permission(call: Call) -> Answer:
    """404 for a login nobody has; `none` or `read` for a person without a role of their own."""
    person = _person(call)
    return Answer(body=accounts.permission(call.hub.links, person, call.repository.role(person)))


def list_collaborators(call: Call) -> Answer:
    repository = call.repository
    people = [repository.owner]
    people += [user for login in repository.collaborators if (user := call.hub.user(login))]
    return call.page(people, lambda one: accounts.collaborator(call.hub.links, one, repository.role(one)))


_REPO = "/repos/{owner}/{repo}"
ROUTES = (
    Route(method="GET", template="/user", handler=get_self, who=Who.USER),
    Route(method="GET", template="/user/repos", handler=list_repositories, who=Who.USER),
    Route(method="GET", template="/users/{username}", handler=get_user, who=Who.ANYONE),
    Route(method="GET", template="/rate_limit", handler=rate_limit, who=Who.ANYONE),
    Route(method="GET", template=_REPO, handler=get_repository),
    Route(method="GET", template=f"{_REPO}/collaborators", handler=list_collaborators, role=Role.WRITE),
    Route(
        method="GET",
        template=f"{_REPO}/collaborators/{{username}}/permission",
        handler=get_permission,
        role=Role.WRITE,
    ),
)
