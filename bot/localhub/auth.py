"""Who is calling, and what they may do. `decide` is the whole policy and touches nothing."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt

from bot.localhub.calls import Route, Who
from bot.localhub.domain import App, InstallationToken, Repository, Role, User
from bot.localhub.problems import (
    Problem,
    bad_credentials,
    forbidden,
    login_needed,
    not_a_writer,
    not_found,
)

if TYPE_CHECKING:
    from bot.localhub.hub import Hub

MAX_JWT_LIFE = timedelta(minutes=10)
CLOCK_DRIFT = timedelta(seconds=60)
"""How far in the future `iat` may lie."""
_LEVELS = {"": 0, "read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True, kw_only=True)
class Anonymous:
    def actor(self) -> User:
        raise login_needed()

    def app(self) -> App | None:
        return None

    def key(self) -> str:
        return "anonymous"


@dataclass(frozen=True, kw_only=True)
class ByUser:
    user: User

    def actor(self) -> User:
        return self.user

    def app(self) -> App | None:
        return None

    def key(self) -> str:
        return f"user:{self.user.id}"


@dataclass(frozen=True, kw_only=True)
class ByApp:
    """The App itself: its JWT opens `/app` and nothing of a repository."""

    itself: App

    def actor(self) -> User:
        return self.itself.bot

    def app(self) -> App | None:
        return self.itself

    def key(self) -> str:
        return f"app:{self.itself.id}"


@dataclass(frozen=True, kw_only=True)
class ByInstallation:
    token: InstallationToken

    def actor(self) -> User:
        return self.token.installation.app.bot

    def app(self) -> App | None:
        return self.token.installation.app

    def key(self) -> str:
        return f"installation:{self.token.installation.id}"

    def holds(self, permission: str, *, write: bool) -> bool:
        if permission == "metadata" and not write:
            return True
        return _LEVELS[self.token.permissions.get(permission, "")] >= (2 if write else 1)


Identity = Anonymous | ByUser | ByApp | ByInstallation


def credential(header: str) -> str:
    """The secret in an `Authorization` header, whichever of GitHub's spellings carries it; "" for none.

    Raises `Problem` 401 for a header that says nothing.
    """
    if not header:
        return ""
    scheme, _, value = header.strip().partition(" ")
    match scheme.lower():
        case "bearer" | "token":
            found = value.strip()
        case "basic":
            found = _password(value.strip())
        case _:
            found = ""
    if not found:
        raise bad_credentials()
    return found


def _password(encoded: str) -> str:
    """The password of basic auth; git clients put the token there, some put it in the user name instead."""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise bad_credentials() from None
    return password if password not in {"", "x-oauth-basic"} else user


def identify(hub: Hub, header: str) -> Identity:
    """Raises `Problem` 401 for anything but no credential at all or one that is known and still good."""
    secret = credential(header)
    if not secret:
        return Anonymous()
    if secret.count(".") == 2:
        return ByApp(itself=app_of(hub, secret))
    if user := hub.user_tokens.get(secret):
        return ByUser(user=user)
    token = hub.installation_tokens.get(secret)
    if token is None or token.expires_at <= hub.clock():
        raise bad_credentials()
    if token.installation.id not in hub.installations:
        raise bad_credentials()
    if token.installation.suspended_at is not None:
        raise Problem(403, "This installation has been suspended")
    return ByInstallation(token=token)


def app_of(hub: Hub, encoded: str) -> App:
    """The App whose JWT this is. Raises `Problem` 401 as GitHub does: algorithm, signature, issuer, `iat`, `exp`."""
    try:
        issuer = str(jwt.decode(encoded, options={"verify_signature": False}).get("iss", ""))
    except jwt.PyJWTError:
        raise Problem(401, "A JSON web token could not be decoded") from None
    app = next((app for app in hub.apps.values() if issuer in {str(app.id), app.client_id}), None)
    if app is None:
        raise Problem(401, "Integration not found")
    lax = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_sub": False}
    try:
        claims = jwt.decode(encoded, app.public_key, algorithms=["RS256"], options=lax)  # type: ignore[arg-type]
    except jwt.PyJWTError:
        raise Problem(401, "A JSON web token could not be decoded") from None
    check_times(claims, hub.clock())
    return app


def check_times(claims: dict[str, Any], now: datetime) -> None:
    """Raises `Problem` 401 unless the token was issued by now and ends within ten minutes, but not before now."""
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int | float):
        raise Problem(401, "Missing 'issued at' claim ('iat') in assertion")
    if not isinstance(ends, int | float):
        raise Problem(401, "Missing 'expiration time' claim ('exp') in assertion")
    if issued > (now + CLOCK_DRIFT).timestamp():
        raise Problem(401, "'Issued at' claim ('iat') must be an Integer representing a time in the past")
    if ends <= now.timestamp():
        raise Problem(401, "'Expiration time' claim ('exp') must be a numeric value representing a future time")
    if ends > (now + MAX_JWT_LIFE).timestamp():
        raise Problem(401, "'Expiration time' claim ('exp') is too far in the future")


def decide(identity: Identity, route: Route, repository: Repository | None) -> Problem | None:
    """May this caller use this route on this repository? None means yes."""
    match route.who:
        case Who.ANYONE:
            return None
        case Who.APP:
            return None if isinstance(identity, ByApp) else Problem(401, "A JSON web token could not be decoded")
        case Who.INSTALLATION:
            return None if isinstance(identity, ByInstallation) else forbidden()
        case Who.USER:
            return _person_only(identity)
        case Who.REPOSITORY:
            return not_found() if repository is None else on_repository(identity, route, repository)


def _person_only(identity: Identity) -> Problem | None:
    match identity:
        case ByUser():
            return None
        case Anonymous():
            return login_needed()
        case ByApp() | ByInstallation():
            return forbidden()


def on_repository(identity: Identity, route: Route, repository: Repository) -> Problem | None:
    match identity:
        case Anonymous():
            if repository.private:
                return not_found()
            return login_needed() if route.write or route.role > Role.READ else None
        case ByApp():
            return Problem(401, "Bad credentials") if not repository.private else not_found()
        case ByUser(user=user):
            return _person_on(user, route, repository)
        case ByInstallation() as by:
            return _installation_on(by, route, repository)


def _person_on(user: User, route: Route, repository: Repository) -> Problem | None:
    role = repository.role(user)
    if role < Role.READ:
        return not_found()
    if route.apps_only:
        return Problem(403, "You must authenticate via a GitHub App.")
    return None if role >= route.role else not_a_writer()


def _installation_on(by: ByInstallation, route: Route, repository: Repository) -> Problem | None:
    if not by.token.covers(repository):
        if repository.private:
            return not_found()
        return forbidden() if route.write else None
    held = any(by.holds(permission, write=route.write) for permission in route.permissions)
    return None if held else forbidden()
