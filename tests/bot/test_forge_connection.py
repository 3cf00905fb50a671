"""Answers that a healthy GitHub does not give, from a server that says what it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import github
import pytest
from pydantic import BaseModel, SecretStr

from bot.errors import ForgeDenied, ForgeRejected, ForgeUnavailable
from bot.forge.app import AppIdentity, GitHubApp
from bot.forge.connection import Connection, translated
from bot.forge.github import GitHubForge
from bot.types import Repository


class Thing(BaseModel):
    id: int


@dataclass
class Server:
    port: int = 0
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, status: int, body: object, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, {k.replace("_", "-"): v for k, v in headers.items()}, raw))

    @property
    def connection(self) -> Connection:
        return Connection.with_token(
            self.url, lambda: SecretStr("ghs_token"), timeout_seconds=5, on_unauthorized=lambda: None
        )


@contextmanager
def _serving() -> Iterator[Server]:
    script = Server()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            script.requests.append((self.command, self.path, json.loads(sent) if sent else None))
            status, headers, body = script.answers.pop(0)
            self.send_response(status)
            for key, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with _serving() as script:
        yield script


def test_an_answer_without_what_we_read_is_not_an_answer(server: Server) -> None:
    for body in ({"name": "x"}, {"id": "seven"}, [1], b"<html>proxy</html>", b'{"broken', b""):
        server.says(200, body)
        with pytest.raises(ForgeUnavailable):
            server.connection.get(Thing, "/thing")


def test_a_list_that_is_none(server: Server) -> None:
    server.says(200, {"message": "hello"})
    with pytest.raises(ForgeUnavailable, match="not answer with a list"):
        list(server.connection.pages(Thing, "/things"))
    server.says(200, {"things": [{"id": 1}]})
    assert [thing.id for thing in server.connection.pages(Thing, "/things", within="things")] == [1]


def test_pages_are_read_until_one_is_not_full(server: Server) -> None:
    server.says(200, [{"id": n} for n in range(100)])
    server.says(200, [{"id": 100}])
    assert [thing.id for thing in server.connection.pages(Thing, "/things", {"state": "open"})] == list(range(101))
    queries = [sorted(path.partition("?")[2].split("&")) for _, path, _ in server.requests]
    assert queries == [["page=1", "per_page=100", "state=open"], ["page=2", "per_page=100", "state=open"]]


def test_a_body_that_is_no_diff(server: Server) -> None:
    server.says(200, b"diff --git a/x b/x\n", Content_Type="text/plain")
    assert server.connection.text("/pull", "application/vnd.github.diff").startswith("diff")
    server.says(200, b"", Content_Type="text/plain")
    assert server.connection.text("/pull", "application/vnd.github.diff") == ""
    server.says(200, {"number": 1})
    with pytest.raises(ForgeUnavailable):
        server.connection.text("/pull", "application/vnd.github.diff")


def test_a_redirect_to_another_host_is_not_followed(server: Server) -> None:
    server.says(301, {}, Location="http://evil.example/thing")
    with pytest.raises(ForgeUnavailable, match="cannot be used"):
        server.connection.get(Thing, "/thing")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (403, {"retry-after": "7"}, 7.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 1.0),
        (403, {"x-ratelimit-remaining": "0"}, 60.0),
        (429, {}, 60.0),
        (429, {"retry-after": "soon"}, 60.0),
        (503, {"retry-after": "5"}, 5.0),
        (408, {}, None),
    ],
)
def test_how_long_to_wait(status: int, headers: dict[str, str], wait: float | None) -> None:
    error = translated(github.GithubException(status, {"message": "no"}, headers), "GET /x")
    assert isinstance(error, ForgeUnavailable)
    assert error.retry_after == wait


def test_a_refusal_says_what_github_said_and_no_more() -> None:
    data = {"message": "Validation Failed", "errors": [{"code": "missing_field"}, {"message": "No commits"}, "odd"]}
    error = translated(github.GithubException(422, data, {"set-cookie": "secret"}), "POST /pulls")
    assert isinstance(error, ForgeRejected)
    assert str(error) == ("POST /pulls: GitHub answered 422: Validation Failed; missing_field; No commits; odd")
    assert str(translated(github.GithubException(403, None, None), "GET /x")) == "GET /x: GitHub answered 403."
    assert isinstance(translated(github.GithubException(403, {}, {}), "GET /x"), ForgeDenied)
    assert str(translated(github.GithubException(451, {"message": ""}, {}), "GET /x")).endswith("451.")


def forge(server: Server, private_key: str) -> GitHubForge:
    app = GitHubApp(AppIdentity(app_id=1, private_key=SecretStr(private_key), api_url=server.url, timeout_seconds=5))
    server.says(201, {"token": "ghs_x", "expires_at": "2999-01-01T00:00:00Z"})
    return GitHubForge(app, Repository(id=1, full_name="o/n", default_branch="main", installation_id=2))


@pytest.fixture(scope="module")
def private_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


PULL = {
    "number": 4, "title": "t", "html_url": "https://github.test/o/n/pull/4", "body": None, "draft": False,
    "state": "open", "user": None,
    "base": {"ref": "main", "sha": "1" * 40, "repo": {"full_name": "o/n"}},
    "head": {"ref": "redgreen/issue-1", "sha": "2" * 40, "repo": None},
}  # fmt: skip


def test_where_there_are_no_drafts_the_pull_request_is_opened_as_ready(server: Server, private_key: str) -> None:
    refused = {"message": "Validation Failed", "errors": ["Draft pull requests are not supported in this repository."]}
    ours = forge(server, private_key)
    server.says(422, refused)
    server.says(201, PULL)
    assert ours.open_pull(branch="redgreen/issue-1", base="main", title="t", body="b", draft=True).id == 4
    assert [body["draft"] for _, path, body in server.requests if path.endswith("/pulls")] == [True, False]
    server.says(422, {"message": "Validation Failed", "errors": [{"message": "A pull request already exists"}]})
    with pytest.raises(ForgeRejected, match="already exists"):
        ours.open_pull(branch="redgreen/issue-1", base="main", title="t", body="b", draft=True)


def test_a_pull_request_whose_fork_and_author_are_gone(server: Server, private_key: str) -> None:
    ours = forge(server, private_key)
    server.says(200, PULL)
    found = ours.pull(4)
    assert (found.head_repository, found.author) == ("", "")
    server.says(200, [PULL])
    assert ours.find_pull("redgreen/issue-1", "") is None, "a branch of the same name in a fork is not ours"


def test_files_that_cannot_be_read(server: Server, private_key: str) -> None:
    ours = forge(server, private_key)
    server.says(200, {"type": "file", "encoding": "none", "content": ""})
    with pytest.raises(ForgeRejected, match="too large"):
        ours.read_file("big", "main")
    server.says(200, {"type": "symlink"})
    assert ours.read_file("link", "main") is None
    server.says(200, {"type": "file", "encoding": "base64", "content": "A"})
    with pytest.raises(ForgeUnavailable, match="base64"):
        ours.read_file("odd", "main")


def test_an_unknown_role_is_no_permission(server: Server, private_key: str) -> None:
    ours = forge(server, private_key)
    server.says(200, {"permission": "overlord"})
    assert ours.permission("ada") == "none"
