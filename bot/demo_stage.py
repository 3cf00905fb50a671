"""The demo's stage: a local GitHub with the sample repository, and redgreen's two processes beside it."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, TypeVar

from bot.errors import BotError
from bot.localhub.domain import Role
from bot.localhub.server import AppCredentials, LocalHub
from bot.manifest import load_manifest
from sandbox.types import Progress

OWNER, MAINTAINER, REPORTER = "harbour", "mara", "tomas"
APP = "redgreen"
STOP_SECONDS = 20.0

Found = TypeVar("Found")


class DemoFailed(BotError):
    """The demo could not go on; the text says at which point."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The repository that the demo is played on."""

    name: str
    files: Mapping[str, bytes]
    issue_title: str
    issue_body: str
    breaking_title: str
    breaking_body: str
    breaking_files: Mapping[str, bytes | None]


class Child:
    """One process of redgreen. Its log lines (JSON) are told as progress; what it announces is remembered."""

    def __init__(self, command: str, environment: Mapping[str, str], tell: Progress) -> None:
        self.name = command
        self.port = 0
        self._tell = tell
        self._tail: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def check(self) -> None:
        """Raises `DemoFailed` with its last words when it has ended."""
        code = self._process.poll()
        if code is not None:
            raise DemoFailed(f"the {self.name} process ended with {code}:\n" + "\n".join(self._tail[-15:]))

    def ask_to_stop(self) -> None:
        """SIGTERM, so that it cleans up."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Until it has ended; SIGKILL when it does not."""
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(1.0)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._tail = [*self._tail[-50:], line.rstrip()]
                self._take(line)

    def _take(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return
        if event.get("event") == "listening":
            self.port = int(event["port"])
        elif event.get("event") == "progress":
            self._tell(str(event["line"]))


@dataclass(frozen=True, kw_only=True)
class Stage:
    hub: LocalHub
    repository: str
    sample: Sample
    children: tuple[Child, ...]
    state: Path

    def wait(self, what: str, probe: Callable[[], Found | None], *, seconds: float) -> Found:
        """What `probe` finds, asked again and again. Raises `DemoFailed` in the end, or when a process has died."""
        deadline = time.monotonic() + seconds
        while (found := probe()) is None:
            for child in self.children:
                child.check()
            if time.monotonic() > deadline:
                raise DemoFailed(f"waited {seconds:.0f} s in vain for {what}")
            time.sleep(0.05)
        return found


@contextmanager
def set_up(environment: Mapping[str, str], state: Path, tell: Progress) -> Iterator[Stage]:
    """Everything running, and ended again afterwards."""
    sample = load_sample()
    with LocalHub(root=state / "hub") as hub:
        credentials = _people_and_app(hub, sample)
        tell(f"a local GitHub answers at {hub.url}, with {OWNER}/{sample.name} ({len(sample.files)} files)")
        variables = {**environment, **_variables(hub, credentials, state)}
        children: list[Child] = []
        try:
            children.append(Child("web", variables, tell))
            children.append(Child("worker", variables, tell))
            stage = Stage(
                hub=hub, repository=f"{OWNER}/{sample.name}", sample=sample, children=tuple(children), state=state
            )
            web = children[0]
            port = stage.wait("the web process", lambda: web.port or None, seconds=120)
            hub.set_webhook(APP, f"http://127.0.0.1:{port}/webhooks/github")
            tell(f"redgreen listens at http://127.0.0.1:{port} (web and worker, SQLite)")
            yield stage
        finally:
            for child in children:
                child.ask_to_stop()
            for child in children:
                child.wait()


def load_sample() -> Sample:
    """From `bot/localhub/sample`: `repository/`, `issue.md`, `breaking/files/` and `breaking/pull.md`."""
    root = resources.files("bot.localhub").joinpath("sample")
    with resources.as_file(root) as directory:
        issue_title, issue_body = _document(directory / "issue.md")
        breaking_title, breaking_body = _document(directory / "breaking" / "pull.md")
        return Sample(
            name="slotbook",
            files=_files(directory / "repository"),
            issue_title=issue_title,
            issue_body=issue_body,
            breaking_title=breaking_title,
            breaking_body=breaking_body,
            breaking_files=dict(_files(directory / "breaking" / "files")),
        )


def _document(path: Path) -> tuple[str, str]:
    title, _, body = path.read_text(encoding="utf-8").strip().partition("\n")
    return title.lstrip("# ").strip(), body.strip()


def _files(directory: Path) -> dict[str, bytes]:
    found = (path for path in sorted(directory.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found}


def _people_and_app(hub: LocalHub, sample: Sample) -> AppCredentials:
    """People, the App as `app.yml` describes it, and the repository it is installed on."""
    for login in (OWNER, MAINTAINER, REPORTER):
        hub.add_user(login)
    manifest = load_manifest()
    credentials = hub.add_app(
        APP,
        OWNER,
        permissions=manifest["default_permissions"],
        events=manifest["default_events"],
        webhook_secret=secrets.token_urlsafe(32),
    )
    repository = hub.add_repository(OWNER, sample.name, sample.files, collaborators={MAINTAINER: Role.WRITE})
    hub.install(APP, OWNER, [repository])
    return credentials


def _variables(hub: LocalHub, credentials: AppCredentials, state: Path) -> dict[str, str]:
    """The demo's settings as the environment of its processes; secrets go by files that only this user can read."""
    key, secret = state / "app.pem", state / "webhook-secret"
    for path, text in ((key, credentials.private_key), (secret, credentials.webhook_secret)):
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    return {
        "REDGREEN_GITHUB__APP_ID": str(credentials.app_id),
        "REDGREEN_GITHUB__PRIVATE_KEY_FILE": str(key),
        "REDGREEN_GITHUB__WEBHOOK_SECRET_FILE": str(secret),
        "REDGREEN_GITHUB__API_URL": hub.api_url,
        "REDGREEN_GITHUB__WEB_URL": hub.url,
        "REDGREEN_SERVER__PORT": "0",
        "REDGREEN_STORE__DIRECTORY": str(state / "store"),
        "REDGREEN_STORE__DATABASE_URL": "",
        "REDGREEN_STORE__SYSTEM_DATABASE_URL": "",
        "REDGREEN_LOG__FORMAT": "json",
        "REDGREEN_LOG__LEVEL": "info",
    }
