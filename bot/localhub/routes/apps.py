"""The App's own endpoints: itself, its installations and their tokens, its hook and what was delivered."""

from __future__ import annotations

from collections.abc import Mapping

from bot.localhub import deliveries
from bot.localhub.auth import ByApp, ByInstallation
from bot.localhub.calls import Answer, Call, Fields, Route, Who
from bot.localhub.deliveries import Delivery
from bot.localhub.domain import App, Installation, Repository
from bot.localhub.problems import Problem, forbidden, login_needed, not_found, unprocessable
from bot.localhub.shapes import accounts, repositories

_LEVELS = {"read": 1, "write": 2, "admin": 3}


class TokenRequest(Fields):
    repositories: list[str] | None = None
    repository_ids: list[int] | None = None
    permissions: dict[str, str] | None = None


class HookConfig(Fields):
    url: str | None = None
    secret: str | None = None


def _app(call: Call) -> App:
    if not isinstance(call.identity, ByApp):
        raise login_needed()
    return call.identity.itself


def _installation(call: Call) -> Installation:
    found = call.hub.installations.get(call.number("installation_id"))
    if found is None or found.app is not _app(call):
        raise not_found()
    return found


def get_app(call: Call) -> Answer:
    app = _app(call)
    count = sum(one.app is app for one in call.hub.installations.values())
    return Answer(body={**accounts.app(call.hub.links, app), "installations_count": count})


def list_installations(call: Call) -> Answer:
    own = [one for one in call.hub.installations.values() if one.app is _app(call)]
    return call.page(own, lambda one: accounts.installation(call.hub.links, one))


def get_installation(call: Call) -> Answer:
    return Answer(body=accounts.installation(call.hub.links, _installation(call)))


def repository_installation(call: Call) -> Answer:
    repository = call.hub.repository(call.text("owner"), call.text("repo"))
    for one in call.hub.installations.values():
        if repository is not None and one.app is _app(call) and one.covers(repository):
            return Answer(body=accounts.installation(call.hub.links, one))
    raise not_found()


def create_token(call: Call) -> Answer:
    """Permissions and repositories may be narrowed, never widened. An empty object means all (PyGithub sends it)."""
    installation = _installation(call)
    if installation.suspended_at is not None:
        raise Problem(403, "This installation has been suspended")
    asked = call.read(TokenRequest)
    chosen = _chosen(call, installation, asked)
    token = call.hub.issue_token(installation, _narrowed(installation, asked.permissions or {}), chosen)
    shown = [
        repositories.repository(call.hub.links, one)
        for one in call.hub.repositories.values()
        if chosen is not None and one.id in chosen
    ]
    return Answer(status=201, body=accounts.token(token, shown))


def _narrowed(installation: Installation, asked: Mapping[str, str]) -> dict[str, str]:
    granted = dict(installation.permissions)
    for name, level in asked.items():
        if _LEVELS.get(level, 9) > _LEVELS.get(granted.get(name, ""), 0):
            raise unprocessable("The permissions requested are not granted to this installation.")
    return {"metadata": "read", **asked} if asked else granted


def _chosen(call: Call, installation: Installation, asked: TokenRequest) -> frozenset[int] | None:
    if not asked.repositories and not asked.repository_ids:
        return None
    covered = [one for one in call.hub.repositories.values() if installation.covers(one)]
    by_name = {one.name.lower(): one.id for one in covered}
    ids = {one.id for one in covered}
    wanted = {by_name.get(name.lower()) for name in asked.repositories or ()} | set(asked.repository_ids or ())
    chosen = frozenset(number for number in wanted if number in ids)
    if len(chosen) != len(wanted):
        raise unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return frozenset(number for number in chosen if number is not None)


def installation_repositories(call: Call) -> Answer:
    def render(repository: Repository) -> object:
        return repositories.repository(call.hub.links, repository)

    if not isinstance(call.identity, ByInstallation):
        raise forbidden()
    token = call.identity.token
    covered = [one for one in call.hub.repositories.values() if token.covers(one)]
    return call.page(covered, render, wrap="repositories")


def revoke_token(call: Call) -> Answer:
    if isinstance(call.identity, ByInstallation):
        call.hub.installation_tokens.pop(call.identity.token.value, None)
    return Answer(status=204)


def get_hook(call: Call) -> Answer:
    app = _app(call)
    secret = {"secret": "********"} if app.webhook_secret else {}
    return Answer(body={"content_type": "json", "insecure_ssl": "0", "url": app.webhook_url, **secret})


def edit_hook(call: Call) -> Answer:
    app, wanted = _app(call), call.read(HookConfig)
    if wanted.url is not None:
        app.webhook_url = wanted.url
    if wanted.secret is not None:
        app.webhook_secret = wanted.secret
    return get_hook(call)


def list_deliveries(call: Call) -> Answer:
    """By cursor, newest first: `Link` names the next page, as GitHub does here instead of page numbers."""
    own = call.hub.deliveries.of(_app(call))
    status = call.query("status")
    if status:
        own = [one for one in own if (_code(one) < 400) == (status == "success")]
    cursor = call.query("cursor")
    if cursor:
        own = [one for one in own if cursor.isdigit() and one.id <= int(cursor)]
    size = max(1, min(100, int(call.query("per_page") or "30")))
    link = ""
    if len(own) > size:
        link = f'<{call.hub.links.api}/app/hook/deliveries?per_page={size}&cursor={own[size].id}>; rel="next"'
    body = [deliveries.item(one) for one in own[:size]]
    return Answer(body=body, headers={"Link": link} if link else {})


def _code(delivery: Delivery) -> int:
    return delivery.response.status_code if delivery.response else 0


def _delivery(call: Call) -> Delivery:
    wanted = call.number("delivery_id")
    for one in call.hub.deliveries.of(_app(call)):
        if one.id == wanted:
            return one
    raise not_found()


def get_delivery(call: Call) -> Answer:
    return Answer(body=deliveries.full(_delivery(call)))


def redeliver(call: Call) -> Answer:
    call.hub.deliveries.again(_delivery(call))
    return Answer(status=202, body={})


ROUTES = (
    Route(method="GET", template="/app", handler=get_app, who=Who.APP),
    Route(method="GET", template="/app/hook/config", handler=get_hook, who=Who.APP),
    Route(method="PATCH", template="/app/hook/config", handler=edit_hook, who=Who.APP),
    Route(method="GET", template="/app/hook/deliveries", handler=list_deliveries, who=Who.APP),
    Route(method="GET", template="/app/hook/deliveries/{delivery_id}", handler=get_delivery, who=Who.APP),
    Route(method="POST", template="/app/hook/deliveries/{delivery_id}/attempts", handler=redeliver, who=Who.APP),
    Route(method="GET", template="/app/installations", handler=list_installations, who=Who.APP),
    Route(method="GET", template="/app/installations/{installation_id}", handler=get_installation, who=Who.APP),
    Route(
        method="POST",
        template="/app/installations/{installation_id}/access_tokens",
        handler=create_token,
        who=Who.APP,
    ),
    Route(method="GET", template="/repos/{owner}/{repo}/installation", handler=repository_installation, who=Who.APP),
    Route(method="GET", template="/installation/repositories", handler=installation_repositories, who=Who.INSTALLATION),
    Route(method="DELETE", template="/installation/token", handler=revoke_token, who=Who.INSTALLATION),
)
