"""One authenticated way to one GitHub: PyGithub's requester, with its exceptions translated. Only importer of `github`.

Retrying is not done here: a durable step is what is tried again. So PyGithub's own retries and pauses are off.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import github
from github.Auth import Auth
from pydantic import BaseModel, SecretStr, ValidationError

from bot.errors import ForgeDenied, ForgeError, ForgeNotFound, ForgeRejected, ForgeUnavailable
from bot.messages.untrusted import redacted

_PER_PAGE = 100
_MOST_PAGES = 100
_SECONDARY_LIMIT_WAIT = 60.0
"""GitHub: wait at least one minute when a secondary rate limit names no time."""

Shape = TypeVar("Shape", bound=BaseModel)


class _Live(Auth):
    """Asks for the token at each request, so that one that is about to expire is replaced in time."""

    def __init__(self, token_type: str, token: Callable[[], SecretStr]) -> None:
        self._type = token_type
        self._token = token

    @property
    def token_type(self) -> str:
        return self._type

    @property
    def token(self) -> str:
        return self._token().get_secret_value()

    @property
    def _masked_token(self) -> str:
        return f"{self._type} (removed)"


class Connection:
    """Calls by path; every answer is checked against a shape. Raises `bot.errors.ForgeError`'s children only."""

    def __init__(
        self, api_url: str, auth: Auth, *, timeout_seconds: int, on_unauthorized: Callable[[], None] = lambda: None
    ) -> None:
        self._on_unauthorized = on_unauthorized
        # At DEBUG PyGithub logs whole response bodies, and one of them is an installation token.
        logging.getLogger("github.Requester").setLevel(logging.INFO)
        self._requester = github.Github(
            auth=auth,
            base_url=api_url,
            timeout=timeout_seconds,
            user_agent="redgreen",
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        ).requester

    @classmethod
    def as_app(cls, api_url: str, app_id: int, private_key: SecretStr, *, timeout_seconds: int) -> Connection:
        """Signed with a JSON Web Token of five minutes (GitHub's limit is ten)."""
        return cls(
            api_url, github.Auth.AppAuth(app_id, private_key.get_secret_value()), timeout_seconds=timeout_seconds
        )

    @classmethod
    def with_token(
        cls,
        api_url: str,
        token: Callable[[], SecretStr],
        *,
        timeout_seconds: int,
        on_unauthorized: Callable[[], None],
    ) -> Connection:
        """With an installation token, asked for at each request; `on_unauthorized` is told when GitHub refuses it."""
        auth = _Live("token", token)
        return cls(api_url, auth, timeout_seconds=timeout_seconds, on_unauthorized=on_unauthorized)

    def get(self, shape: type[Shape], path: str, query: Mapping[str, Any] | None = None) -> Shape:
        return checked(shape, self._call("GET", path, query=query))

    def send(self, shape: type[Shape], verb: str, path: str, body: Mapping[str, Any]) -> Shape:
        return checked(shape, self._call(verb, path, body=body))

    def pages(
        self, shape: type[Shape], path: str, query: Mapping[str, Any] | None = None, *, within: str = ""
    ) -> Iterator[Shape]:
        """All items of a list, page by page; `within`: the key that holds them where the answer is an object."""
        for page in range(1, _MOST_PAGES + 1):
            answer = self._call("GET", path, query={**(query or {}), "per_page": _PER_PAGE, "page": page})
            items = answer.get(within) if within and isinstance(answer, dict) else answer
            if not isinstance(items, list):
                raise ForgeUnavailable(f"GET {path}: GitHub did not answer with a list.")
            yield from (checked(shape, item) for item in items)
            if len(items) < _PER_PAGE:
                return

    def text(self, path: str, accept: str) -> str:
        """A body that is not JSON, e.g. a diff."""
        answer = self._call("GET", path, headers={"Accept": accept})
        if answer is None:
            return ""
        if isinstance(answer, dict) and isinstance(answer.get("data"), str):
            return str(answer["data"])  # PyGithub's wrapping of what does not parse as JSON
        raise ForgeUnavailable(f"GET {path}: GitHub did not answer with {accept}.")

    def _call(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        try:
            _, answer = self._requester.requestJsonAndCheck(
                verb,
                path,
                parameters=dict(query) if query else None,
                headers=dict(headers) if headers else None,
                input=dict(body) if body is not None else None,
            )
        except github.GithubException as error:
            if error.status == 401:
                self._on_unauthorized()
            raise translated(error, f"{verb} {path}") from error
        except OSError as error:  # requests.RequestException is one
            raise ForgeUnavailable(f"{verb} {path}: GitHub cannot be reached ({type(error).__name__}).") from error
        except (ValueError, RuntimeError, AssertionError) as error:  # broken JSON, a redirect to another host
            raise ForgeUnavailable(f"{verb} {path}: GitHub's answer cannot be used.") from error
        return answer


def checked(shape: type[Shape], answer: Any) -> Shape:
    """Raises `ForgeUnavailable` for an answer without the fields we read: a proxy's page, a broken server."""
    try:
        return shape.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        raise ForgeUnavailable(f"GitHub's answer has an unexpected {where} ({first['type']}).") from None


def translated(error: github.GithubException, call: str) -> ForgeError:
    """One table from status and headers to our errors."""
    headers = {key.lower(): value for key, value in (error.headers or {}).items()}
    text = f"{call}: GitHub answered {error.status}{_said(error.data)}"
    if error.status == 429 or (error.status == 403 and _is_rate_limit(error, headers)):
        return ForgeUnavailable(text, retry_after=_wait(headers))
    if error.status in (401, 403):
        return ForgeDenied(text)
    if error.status in (404, 410):
        return ForgeNotFound(text)
    if error.status == 408 or error.status >= 500:
        return ForgeUnavailable(text, retry_after=_retry_after(headers))
    return ForgeRejected(text)


def _is_rate_limit(error: github.GithubException, headers: Mapping[str, str]) -> bool:
    limited = isinstance(error, github.RateLimitExceededException)
    return limited or "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds: what `Retry-After` says, else until the window's reset, else a minute."""
    asked = _retry_after(headers)
    if asked is not None:
        return asked
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, int(reset) - time.time() + 1.0)
    return _SECONDARY_LIMIT_WAIT


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    return float(value) if value.isdigit() else None


def _said(data: Any) -> str:
    """GitHub's own message and the codes of its `errors`, bounded; nothing that we sent is repeated."""
    if not isinstance(data, dict):
        return "."
    said = [str(data.get("message", ""))]
    errors = data.get("errors")
    for item in errors if isinstance(errors, list) else []:
        said.append(str(item.get("message") or item.get("code") or "") if isinstance(item, dict) else str(item))
    text = "; ".join(part for part in said if part)
    return f": {redacted(text)[:500]}" if text else "."
