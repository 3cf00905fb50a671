"""The local GitHub's state and its ways in: making people, Apps, repositories; finding them again."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.localhub import events
from bot.localhub.deliveries import Deliveries
from bot.localhub.domain import (
    AccountKind,
    App,
    Installation,
    InstallationToken,
    Pull,
    Repository,
    Role,
    User,
)
from bot.localhub.faults import Faults, Window
from bot.localhub.gitstore import GitStore, Person, TreeChange
from bot.localhub.links import Links
from bot.localhub.shapes.pulls import Measure

TOKEN_LIFE = timedelta(hours=1)
GITHUB = ("GitHub", "noreply@github.com")
"""Who commits what the web interface or an App's API call makes."""


def real_clock() -> datetime:
    return datetime.now(UTC)


class Hub:
    """All state, in memory beside the git repositories under `root`. Hold `lock` while using it from a thread."""

    def __init__(self, *, root: Path, origin: str, clock: Callable[[], datetime] = real_clock) -> None:
        self.root = root
        self.links = Links(origin=origin)
        self.clock = clock
        self.lock = threading.RLock()
        self.deliveries = Deliveries(clock)
        self.faults = Faults()
        self.rate_limit = 5000
        self.windows: dict[str, Window] = {}
        self.users: dict[str, User] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.repositories: dict[int, Repository] = {}
        self.user_tokens: dict[str, User] = {}
        self.installation_tokens: dict[str, InstallationToken] = {}
        self._ids = itertools.count(1001)

    def new_id(self) -> int:
        return next(self._ids)

    # --- people and Apps -----------------------------------------------------------------------------------------

    def add_user(self, login: str, kind: AccountKind = AccountKind.USER) -> User:
        user = User(id=self.new_id(), login=login, kind=kind, created_at=self.clock())
        self.users[login.lower()] = user
        return user

    def user(self, login: str) -> User | None:
        return self.users.get(login.lower())

    def add_user_token(self, user: User) -> str:
        """A personal access token: it may do whatever the person may."""
        token = f"ghp_{secrets.token_hex(18)}"
        self.user_tokens[token] = user
        return token

    def add_app(
        self,
        *,
        slug: str,
        owner: User,
        permissions: Mapping[str, str],
        events: Iterable[str],
        webhook_url: str,
        webhook_secret: str,
    ) -> tuple[App, str]:
        """The App and its private key (PEM), which the hub does not keep."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        app = App(
            id=self.new_id(),
            slug=slug,
            name=slug,
            owner=owner,
            bot=self.add_user(f"{slug}[bot]", AccountKind.BOT),
            public_key=public.decode(),
            permissions={"metadata": "read", **permissions},
            events=frozenset(events),
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
            created_at=self.clock(),
        )
        self.apps[app.id] = app
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        return app, pem.decode()

    def install(self, app: App, account: User, repositories: Iterable[Repository] | None = None) -> Installation:
        """Install on an account: on all of its repositories, or on those given. Tells the App."""
        installation = Installation(
            id=self.new_id(),
            app=app,
            account=account,
            permissions=dict(app.permissions),
            created_at=self.clock(),
            repository_ids=None if repositories is None else frozenset(one.id for one in repositories),
        )
        self.installations[installation.id] = installation
        events.installation(self, "created", installation, account)
        return installation

    def issue_token(
        self, installation: Installation, permissions: Mapping[str, str], repository_ids: frozenset[int] | None
    ) -> InstallationToken:
        token = InstallationToken(
            value=f"ghs_{secrets.token_hex(18)}",
            installation=installation,
            permissions=permissions,
            repository_ids=repository_ids,
            expires_at=self.clock() + TOKEN_LIFE,
        )
        self.installation_tokens[token.value] = token
        return token

    # --- repositories --------------------------------------------------------------------------------------------

    def add_repository(
        self,
        owner: User,
        name: str,
        files: Mapping[str, bytes] | None = None,
        *,
        private: bool = False,
        default_branch: str = "main",
        description: str | None = None,
        message: str = "Initial commit",
        collaborators: Mapping[str, Role] | None = None,
    ) -> Repository:
        """A repository whose default branch holds `files` in one commit; without files it is empty."""
        now = self.clock()
        git = GitStore.create(self.root / owner.login / f"{name}.git", default_branch)
        repository = Repository(
            id=self.new_id(),
            owner=owner,
            name=name,
            private=private,
            default_branch=default_branch,
            description=description,
            git=git,
            created_at=now,
            pushed_at=now,
            collaborators={login.lower(): role for login, role in (collaborators or {}).items()},
        )
        if files:
            tree = git.write_tree(
                None, [TreeChange(path=path, mode="100644", sha=git.write_blob(data)) for path, data in files.items()]
            )
            who = Person(name=owner.login, email=owner.email, when=now)
            sha = git.write_commit(tree=tree, parents=(), author=who, committer=who, message=message)
            git.set_ref(f"refs/heads/{default_branch}", sha)
        self.repositories[repository.id] = repository
        return repository

    def repository(self, owner: str, name: str) -> Repository | None:
        wanted = f"{owner}/{name}".lower()
        return next((one for one in self.repositories.values() if one.full_name.lower() == wanted), None)

    def author(self, user: User) -> Person:
        return Person(name=user.login, email=user.email, when=self.clock())

    def committer(self) -> Person:
        return Person(name=GITHUB[0], email=GITHUB[1], when=self.clock())

    # --- facts that git knows ------------------------------------------------------------------------------------

    def fork_point(self, repository: Repository, pull: Pull) -> str:
        """Where a pull request's diff starts: the merge base of its two sides."""
        return repository.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha

    def measure(self, repository: Repository, pull: Pull) -> Measure:
        git = repository.git
        files = git.files(self.fork_point(repository, pull), pull.head_sha)
        is_open = pull.issue.state == "open"
        return Measure(
            commits=len(git.commits(pull.base_sha, pull.head_sha)),
            additions=sum(file.additions for file in files),
            deletions=sum(file.deletions for file in files),
            changed_files=len(files),
            mergeable=git.merge_tree(pull.base_sha, pull.head_sha) is not None if is_open else None,
        )

    def window(self, key: str) -> Window:
        """The caller's allowance in the running hour."""
        now = self.clock().timestamp()
        found = self.windows.get(key)
        if found is None or found.reset <= now:
            found = self.windows[key] = Window(limit=self.rate_limit, reset=now + 3600)
        return found
