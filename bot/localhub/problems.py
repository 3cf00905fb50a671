"""The refusals of the local GitHub, in GitHub's own words where they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class Problem(Exception):
    """An answer that is an error: raised by a route, sent by the dispatcher."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any] | str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        told: dict[str, Any] = {"message": self.message, "documentation_url": DOCUMENTATION, "status": str(self.status)}
        return {**told, "errors": self.errors} if self.errors else told


def bad_json() -> Problem:
    return Problem(400, "Problems parsing JSON")


def bad_credentials() -> Problem:
    return Problem(401, "Bad credentials")


def login_needed() -> Problem:
    return Problem(401, "Requires authentication")


def forbidden() -> Problem:
    return Problem(403, "Resource not accessible by integration")


def not_a_writer() -> Problem:
    return Problem(403, "Must have write access to repository")


def not_found() -> Problem:
    return Problem(404, "Not Found")


def conflict(message: str) -> Problem:
    return Problem(409, message)


def invalid(resource: str, field: str, code: str, message: str = "") -> Problem:
    error = {"resource": resource, "field": field, "code": code}
    return Problem(422, "Validation Failed", errors=[{**error, "message": message} if message else error])


def unprocessable(message: str, *errors: str) -> Problem:
    return Problem(422, message, errors=errors)
