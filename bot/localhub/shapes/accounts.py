"""People, Apps, installations."""

from __future__ import annotations

from typing import Any

from bot.localhub.domain import App, Installation, InstallationToken, Repository, Role, User, stamp
from bot.localhub.links import Links

_USER_LISTS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


def user(links: Links, user: User) -> dict[str, Any]:
    address = f"{links.api}/users/{user.login}".replace("[", "%5B").replace("]", "%5D")
    return {
        "login": user.login,
        "id": user.id,
        "node_id": f"U_{user.id}",
        "avatar_url": f"{links.origin}/avatars/{user.id}",
        "gravatar_id": "",
        "url": address,
        "html_url": f"{links.origin}/{user.login.removesuffix('[bot]')}",
        "type": user.kind.value,
        "site_admin": False,
        **{name: address + suffix for name, suffix in _USER_LISTS.items()},
    }


def public_user(links: Links, who: User) -> dict[str, Any]:
    return {
        **user(links, who),
        "name": who.login,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "public_repos": 0,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(who.created_at),
        "updated_at": stamp(who.created_at),
    }


def private_user(links: Links, who: User) -> dict[str, Any]:
    """What `GET /user` shows of oneself."""
    return {
        **public_user(links, who),
        "collaborators": 0,
        "disk_usage": 0,
        "owned_private_repos": 0,
        "private_gists": 0,
        "total_private_repos": 0,
        "two_factor_authentication": True,
    }


def permission(links: Links, who: User, role: Role) -> dict[str, Any]:
    return {"permission": role.word, "role_name": role.word, "user": collaborator(links, who, role)}


def collaborator(links: Links, who: User, role: Role) -> dict[str, Any]:
    return {**user(links, who), "role_name": role.word, "permissions": rights(role)}


def rights(role: Role) -> dict[str, bool]:
    return {
        "admin": role >= Role.ADMIN,
        "maintain": role >= Role.ADMIN,
        "push": role >= Role.WRITE,
        "triage": role >= Role.WRITE,
        "pull": role >= Role.READ,
    }


def app(links: Links, app: App) -> dict[str, Any]:
    return {
        "id": app.id,
        "slug": app.slug,
        "client_id": app.client_id,
        "node_id": f"A_{app.id}",
        "owner": user(links, app.owner),
        "name": app.name,
        "description": "",
        "external_url": f"{links.origin}/apps/{app.slug}/about",
        "html_url": f"{links.origin}/apps/{app.slug}",
        "created_at": stamp(app.created_at),
        "updated_at": stamp(app.created_at),
        "permissions": dict(app.permissions),
        "events": sorted(app.events),
    }


def installation(links: Links, installation: Installation) -> dict[str, Any]:
    suspended = installation.suspended_at
    return {
        "id": installation.id,
        "account": user(links, installation.account),
        "repository_selection": "all" if installation.repository_ids is None else "selected",
        "access_tokens_url": f"{links.api}/app/installations/{installation.id}/access_tokens",
        "repositories_url": f"{links.api}/installation/repositories",
        "html_url": f"{links.origin}/settings/installations/{installation.id}",
        "app_id": installation.app.id,
        "app_slug": installation.app.slug,
        "client_id": installation.app.client_id,
        "target_id": installation.account.id,
        "target_type": installation.account.kind.value,
        "permissions": dict(installation.permissions),
        "events": sorted(installation.app.events),
        "created_at": stamp(installation.created_at),
        "updated_at": stamp(installation.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None if suspended is None else user(links, installation.account),
        "suspended_at": None if suspended is None else stamp(suspended),
    }


def token(token: InstallationToken, repositories: list[dict[str, Any]]) -> dict[str, Any]:
    selected = token.repository_ids is not None or token.installation.repository_ids is not None
    told = {
        "token": token.value,
        "expires_at": stamp(token.expires_at),
        "permissions": dict(token.permissions),
        "repository_selection": "selected" if selected else "all",
    }
    return {**told, "repositories": repositories} if token.repository_ids is not None else told


def short_repository(repository: Repository) -> dict[str, Any]:
    """As installation events list repositories."""
    return {
        "id": repository.id,
        "node_id": f"R_{repository.id}",
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
    }
