"""A local hub for tests. Every request it accepts and every answer it gives is held to GitHub's description; what does
not agree fails the test that caused it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import jwt
from github import Auth, Github, GithubIntegration

from bot.localhub.calls import Answer, Request
from bot.localhub.domain import Repository, Role
from bot.localhub.server import AppCredentials, LocalHub
from tests.support import openapi

PERMISSIONS = {"contents": "write", "issues": "write", "pull_requests": "write", "checks": "write"}
EVENTS = ("issues", "issue_comment", "pull_request", "pull_request_review", "push", "check_run")
SECRET = "a-webhook-secret"
PATIENCE = {"seconds_between_requests": None, "seconds_between_writes": None, "retry": None}
"""PyGithub waits and retries by default."""


@dataclass
class Clock:
    """Real time, and as much more as a test wants."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Contract:
    """An observer that collects what disagrees with GitHub's description."""

    violations: list[str] = field(default_factory=list)
    exchanges: list[tuple[Request, Answer]] = field(default_factory=list)

    def __call__(self, request: Request, answer: Answer) -> None:
        self.exchanges.append((request, answer))
        description = openapi.description()
        body = answer.content()
        if answer.status != 304:
            self.violations += description.check_response(
                request.method, request.path, answer.status, answer.media, body
            )
        if answer.status < 400:
            installation = " ghs_" in f" {request.headers.get('authorization', '').split(' ')[-1]}"
            self.violations += description.check_request(
                request.method, request.path, request.query, request.body, installation=installation
            )


@contextlib.contextmanager
def running_hub(clock: Callable[[], datetime] | None = None, contract: Contract | None = None) -> Iterator[LocalHub]:
    """A hub on a free port. Leaving the block fails when anything it said or accepted is not as GitHub describes it, or
    when a webhook payload has another shape."""
    contract = contract or Contract()
    with LocalHub(clock=clock or Clock(), observer=contract) as hub:
        yield hub
        hub.drain(60)
        payloads = hub.hub.deliveries.posted()
    described = openapi.description()
    for delivery in payloads:
        contract.violations += described.check_webhook(delivery.event, delivery.payload)
    assert contract.violations == [], "\n".join(sorted(set(contract.violations)))


@dataclass(frozen=True, kw_only=True)
class World:
    """A hub with a repository, an App that is installed on it, and people: `ada` owns it, `mona` writes, `rudi` reads,
    `zoe` is nobody."""

    hub: LocalHub
    repository: Repository
    app: AppCredentials
    installation_id: int
    tokens: Mapping[str, str]

    @property
    def full_name(self) -> str:
        return self.repository.full_name

    def integration(self) -> GithubIntegration:
        auth = Auth.AppAuth(self.app.app_id, self.app.private_key)
        return GithubIntegration(auth=auth, base_url=self.hub.api_url, **PATIENCE)

    def installation_token(self, permissions: Mapping[str, str] | None = None) -> str:
        return self.integration().get_access_token(self.installation_id, permissions=dict(permissions or {})).token

    def client(self, token: str) -> Github:
        return Github(auth=Auth.Token(token), base_url=self.hub.api_url, **PATIENCE)

    def call(
        self, token: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One raw request; `path` is below the repository where it does not start with `/`. `token` may be empty."""
        address = f"{self.hub.api_url}{path}" if path.startswith("/") else self.address(path)
        told = {"Accept": "application/vnd.github+json", **({"Authorization": f"Bearer {token}"} if token else {})}
        content = None if body is None else json.dumps(body)
        return httpx.request(
            method, address, content=content, headers={**told, **(headers or {})}, timeout=30, trust_env=False
        )

    def address(self, path: str = "") -> str:
        return f"{self.hub.api_url}/repos/{self.full_name}/{path}"

    def app_jwt(self, **claims: Any) -> str:
        """The App's JWT, good for nine minutes; `claims` replace what it says."""
        now = int(self.hub.hub.clock().timestamp())
        told = {"iat": now - 30, "exp": now + 540, "iss": str(self.app.app_id), **claims}
        kept = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(kept, self.app.private_key, algorithm="RS256")

    def person(self, login: str) -> Github:
        return self.client(self.tokens[login])

    def bot(self, permissions: Mapping[str, str] | None = None) -> Github:
        return self.client(self.installation_token(permissions))


FILES = {
    "README.md": b"# shop\n",
    "shop/__init__.py": b"",
    "shop/cart.py": b"".join(b"line_%d = %d\n" % (number, number) for number in range(1, 31)),
}


@contextlib.contextmanager
def world(
    *, private: bool = False, clock: Callable[[], datetime] | None = None, contract: Contract | None = None
) -> Iterator[World]:
    with running_hub(clock, contract) as hub:
        tokens = {login: hub.add_user(login)[1] for login in ("ada", "mona", "rudi", "zoe")}
        people = {"mona": Role.WRITE, "rudi": Role.READ}
        repository = hub.add_repository("ada", "shop", FILES, private=private, collaborators=people)
        app = hub.add_app("redgreen", "ada", permissions=PERMISSIONS, events=EVENTS, webhook_secret=SECRET)
        installation = hub.install("redgreen", "ada")
        yield World(hub=hub, repository=repository, app=app, installation_id=installation.id, tokens=tokens)


@dataclass
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """A webhook receiver that keeps what it gets and answers `status`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 202
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.path, dict(self.headers.items()), body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/github"

    @contextlib.contextmanager
    def running(self) -> Iterator[Receiver]:
        thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()
