"""`LocalHub`: a GitHub on this machine, for the demo and the tests. It listens on 127.0.0.1 and nowhere else."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

import uvicorn

from bot.localhub import events
from bot.localhub.acts import issues, pulls, pushing
from bot.localhub.asgi import CuttableProtocol, HubApplication
from bot.localhub.dispatch import Dispatcher, Observer
from bot.localhub.domain import App, Installation, Issue, Pull, Repository, Role, User
from bot.localhub.faults import Fault, Trouble
from bot.localhub.hub import Hub, real_clock
from bot.localhub.links import API_ROOT

LOOPBACK = "127.0.0.1"
_START_LIMIT = 10.0


@dataclass(frozen=True, kw_only=True)
class AppCredentials:
    """What redgreen's settings need to act as the App."""

    app_id: int
    slug: str
    private_key: str
    webhook_secret: str


class LocalHub:
    """A running hub: `with LocalHub() as hub:`. Admin methods do what people do on the web site."""

    def __init__(
        self,
        *,
        root: Path | None = None,
        port: int = 0,
        clock: Callable[[], datetime] = real_clock,
        observer: Observer | None = None,
    ) -> None:
        """`root` keeps the git repositories (a temporary folder if None); `port` 0 is a free one."""
        self._folder = None if root else tempfile.TemporaryDirectory(prefix="localhub-")
        base = root or Path(self._folder.name if self._folder else "")
        self._socket = socket.create_server((LOOPBACK, port))
        self.url = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self.hub = Hub(root=base, origin=self.url, clock=clock)
        application = HubApplication(self.hub, Dispatcher(self.hub, observer))
        config = uvicorn.Config(
            application, http=CuttableProtocol, ws="none", lifespan="off", log_config=None, access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="localhub", daemon=True)

    @property
    def api_url(self) -> str:
        """PyGithub's `base_url`."""
        return f"{self.url}{API_ROOT}"

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> LocalHub:
        self.hub.deliveries.start()
        self._thread.start()
        deadline = time.monotonic() + _START_LIMIT
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the local hub did not start")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hub.deliveries.stop()
        self._server.should_exit = True
        self._thread.join(_START_LIMIT)
        self._socket.close()
        if self._folder is not None:
            self._folder.cleanup()

    # --- making things -------------------------------------------------------------------------------------------

    def add_user(self, login: str) -> tuple[User, str]:
        """A person and a personal access token."""
        with self.hub.lock:
            user = self.hub.add_user(login)
            return user, self.hub.add_user_token(user)

    def add_repository(
        self,
        owner: str,
        name: str,
        files: Mapping[str, bytes] | None = None,
        *,
        private: bool = False,
        default_branch: str = "main",
        collaborators: Mapping[str, Role] | None = None,
        message: str = "Initial commit",
    ) -> Repository:
        """The owner must exist. `files` become the default branch's first commit."""
        with self.hub.lock:
            return self.hub.add_repository(
                self._user(owner),
                name,
                files,
                private=private,
                default_branch=default_branch,
                collaborators=collaborators,
                message=message,
            )

    def add_app(
        self,
        slug: str,
        owner: str,
        *,
        permissions: Mapping[str, str],
        events: Iterable[str],
        webhook_url: str = "",
        webhook_secret: str,
    ) -> AppCredentials:
        with self.hub.lock:
            app, pem = self.hub.add_app(
                slug=slug,
                owner=self._user(owner),
                permissions=permissions,
                events=events,
                webhook_url=webhook_url,
                webhook_secret=webhook_secret,
            )
        return AppCredentials(app_id=app.id, slug=slug, private_key=pem, webhook_secret=webhook_secret)

    def set_webhook(self, slug: str, url: str) -> None:
        """Where the App's deliveries go from now on; a ping is sent there, as GitHub does."""
        with self.hub.lock:
            app = self.app(slug)
            app.webhook_url = url
            events.ping(self.hub, app)

    def install(self, slug: str, account: str, repositories: Iterable[Repository] | None = None) -> Installation:
        with self.hub.lock:
            return self.hub.install(self.app(slug), self._user(account), repositories)

    # --- finding things ------------------------------------------------------------------------------------------

    def app(self, slug: str) -> App:
        return next(app for app in self.hub.apps.values() if app.slug == slug)

    def _user(self, login: str) -> User:
        user = self.hub.user(login)
        if user is None:
            raise KeyError(login)
        return user

    def repository(self, full_name: str) -> Repository:
        found = self.hub.repository(*full_name.split("/", 1))
        if found is None:
            raise KeyError(full_name)
        return found

    # --- what people do ------------------------------------------------------------------------------------------

    def open_issue(self, full_name: str, by: str, title: str, body: str) -> Issue:
        with self.hub.lock:
            return issues.open_issue(self.hub, self.repository(full_name), title=title, body=body, user=self._user(by))

    def label(self, full_name: str, number: int, label: str, by: str) -> None:
        with self.hub.lock:
            repository = self.repository(full_name)
            issues.add_labels(self.hub, repository, repository.issues[number], [label], self._user(by))

    def comment(self, full_name: str, number: int, body: str, by: str) -> int:
        with self.hub.lock:
            return issues.comment(self.hub, self.repository(full_name), number, body, self._user(by)).id

    def push_files(self, full_name: str, branch: str, files: Mapping[str, bytes | None], message: str, by: str) -> str:
        """One commit with these files (None removes) on a branch, made from the default branch where it is new."""
        with self.hub.lock:
            return pushing.push_files(self.hub, self.repository(full_name), branch, files, message, self._user(by))

    def open_pull(
        self, full_name: str, by: str, *, head: str, title: str, body: str, base: str = "", draft: bool = False
    ) -> Pull:
        with self.hub.lock:
            repository = self.repository(full_name)
            return pulls.open_pull(
                self.hub,
                repository,
                title=title,
                body=body,
                head=head,
                base=base or repository.default_branch,
                draft=draft,
                user=self._user(by),
            )

    def mark_ready(self, full_name: str, number: int, by: str) -> None:
        with self.hub.lock:
            repository = self.repository(full_name)
            pulls.mark_ready(self.hub, repository, repository.pulls[number], self._user(by))

    def merge(self, full_name: str, number: int, by: str, method: str = "merge") -> str:
        """Raises `bot.localhub.problems.Problem` when it cannot be merged."""
        with self.hub.lock:
            repository = self.repository(full_name)
            return pulls.merge(self.hub, repository, repository.pulls[number], method=method, sender=self._user(by))

    def rerequest_check(self, full_name: str, check_run_id: int, by: str) -> None:
        with self.hub.lock:
            repository = self.repository(full_name)
            run = repository.check_runs[check_run_id]
            events.on_check_run(self.hub, "rerequested", repository, run, self._user(by))

    # --- trouble -------------------------------------------------------------------------------------------------

    def fail(
        self,
        trouble: Trouble,
        *,
        count: int = 1,
        method: str = "",
        path: str = "",
        status: int = 0,
        seconds: float = 1.0,
    ) -> None:
        """The next `count` requests of `method` whose path matches get into `trouble`."""
        self.hub.faults.add(
            Fault(trouble=trouble, count=count, method=method, path=path, status=status, seconds=seconds)
        )

    def drain(self, timeout: float = 30.0) -> bool:
        """Wait until every webhook delivery so far was sent and answered."""
        return self.hub.deliveries.drain(timeout)
