"""One request as the routes see it, one answer, and the table that leads from the one to the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlencode

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.localhub.domain import MAX_BODY, Role
from bot.localhub.problems import bad_json, invalid, not_found

if TYPE_CHECKING:
    from bot.localhub.auth import Identity
    from bot.localhub.domain import App, Repository, User
    from bot.localhub.hub import Hub

Json = dict[str, Any]
JSON_MEDIA = "application/json; charset=utf-8"


class Fields(BaseModel):
    """A request body: types are strict, unknown fields are passed over as GitHub does."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


FieldsT = TypeVar("FieldsT", bound=Fields)
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int = 200
    body: Any = None
    """JSON-ready, or bytes/str sent as they are; None is an empty body."""
    media: str = JSON_MEDIA
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        match self.body:
            case None:
                return b""
            case bytes() as data:
                return data
            case str() as text:
                return text.encode()
            case value:
                return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    """Below the API's root, still percent-encoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""


Handler = Callable[["Call"], Answer]


class Who(Enum):
    """Whom a route serves."""

    ANYONE = "anyone"
    APP = "app"
    """The App itself, by its JWT."""
    INSTALLATION = "installation"
    USER = "user"
    REPOSITORY = "repository"
    """Whoever may see the repository and holds what `Route` asks for."""


@dataclass(frozen=True, kw_only=True)
class Route:
    method: str
    template: str
    """`{name}` is one path segment, `{name*}` one or more."""
    handler: Handler
    who: Who = Who.REPOSITORY
    permissions: tuple[str, ...] = ("metadata",)
    """Any one of these App permissions is enough."""
    write: bool = False
    role: Role = Role.READ
    """What a person needs on the repository."""
    apps_only: bool = False

    def pattern(self) -> re.Pattern[str]:
        def group(match: re.Match[str]) -> str:
            return f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})"

        return re.compile(re.sub(r"\{(\w+)(\*?)\}", group, self.template))


class Table:
    """The routes in order: the first whose method and template match is taken."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(route.pattern(), route) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Raises `Problem` 404. GitHub also answers 404 to a method that a path does not have."""
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match and route.method == method:
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        raise not_found()


@dataclass(frozen=True, kw_only=True)
class Call:
    hub: Hub
    request: Request
    route: Route
    parameters: Mapping[str, str]
    identity: Identity
    subject: Repository | None = None

    @property
    def repository(self) -> Repository:
        if self.subject is None:
            raise not_found()
        return self.subject

    @property
    def actor(self) -> User:
        """Who acts: a person, or the App's bot."""
        return self.identity.actor()

    @property
    def via(self) -> App | None:
        return self.identity.app()

    def text(self, name: str) -> str:
        return self.parameters[name]

    def number(self, name: str) -> int:
        value = self.parameters[name]
        if not value.isascii() or not value.isdigit() or len(value) > 18:
            raise not_found()
        return int(value)

    def query(self, name: str, default: str = "") -> str:
        return self.request.query.get(name, default)

    def read(self, model: type[FieldsT]) -> FieldsT:
        """The body as `model`. Raises `Problem`: 400 when it is no JSON, 422 naming each wrong field."""
        return read_fields(model, self.request.body)

    def accepts(self, kind: str) -> bool:
        """Does the client ask for GitHub's media type `kind` (`diff`, `patch`, `raw`, `sha`)?"""
        return bool(re.search(rf"application/vnd\.github(\.v3)?\.{kind}\b", self.request.headers.get("accept", "")))

    def page(self, items: Sequence[Item], render: Callable[[Item], Any], wrap: str = "") -> Answer:
        """One page of a list, with `Link`. `wrap` names the list inside an object with its `total_count`."""
        size = _positive(self.query("per_page"), 30, 100)
        page = _positive(self.query("page"), 1, 10_000)
        last = max(1, -(-len(items) // size))
        shown = [render(item) for item in items[(page - 1) * size : page * size]]
        body: Any = {"total_count": len(items), wrap: shown} if wrap else shown
        wanted = {"next": page + 1, "last": last} if page < last else {}
        wanted |= {"prev": page - 1, "first": 1} if page > 1 else {}
        links = ", ".join(f'<{self._page_url(number)}>; rel="{rel}"' for rel, number in wanted.items())
        return Answer(body=body, headers={"Link": links} if links else {})

    def _page_url(self, page: int) -> str:
        return f"{self.hub.links.api}{self.request.path}?{urlencode({**self.request.query, 'page': page})}"


def read_fields(model: type[FieldsT], body: bytes) -> FieldsT:
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        if any(problem["type"] in {"json_invalid", "model_type"} for problem in problems):
            raise bad_json() from None
        field_name = ".".join(str(part) for part in problems[0]["loc"])
        code = "missing_field" if problems[0]["type"] == "missing" else "invalid"
        raise invalid(model.__name__, field_name, code, str(problems[0]["msg"])) from None


def _positive(text: str, default: int, most: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() and int(text) > 0 else default


def bounded(resource: str, field_name: str, text: str) -> str:
    """The text, or `Problem` 422 as GitHub gives for a text that is too long."""
    if len(text) > MAX_BODY:
        raise invalid(resource, field_name, "custom", f"{field_name} is too long (maximum is {MAX_BODY} characters)")
    return text


def parse_query(raw: str) -> dict[str, str]:
    """The last value of each name."""
    pairs = [part.partition("=") for part in raw.split("&") if part]
    return {unquote(name.replace("+", " ")): unquote(value.replace("+", " ")) for name, _, value in pairs}
