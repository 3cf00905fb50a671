"""Git over HTTP: authorisation here, the protocol by `git http-backend`. Refs are compared before and after a push, so
that a push by git has the same consequences as one by the API."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.localhub.acts import refs
from bot.localhub.auth import Anonymous, ByApp, ByInstallation, ByUser, Identity, identify
from bot.localhub.calls import Answer, Request
from bot.localhub.domain import Repository, Role
from bot.localhub.gitstore import ZERO, environment
from bot.localhub.problems import Problem

if TYPE_CHECKING:
    from bot.localhub.hub import Hub

BACKEND = "git http-backend"
_TIME_LIMIT = 300
_WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True, kw_only=True)
class GitRequest:
    """`/owner/name.git/...`"""

    repository: Repository | None
    rest: str
    service: str
    """`git-upload-pack` reads, `git-receive-pack` writes."""

    @property
    def writes(self) -> bool:
        return self.service == "git-receive-pack"


def parse(hub: Hub, request: Request) -> GitRequest | None:
    """None when the path is no repository's."""
    parts = request.path.strip("/").split("/", 2)
    if len(parts) != 3 or not parts[1].endswith(".git"):
        return None
    service = request.query.get("service", "") if parts[2] == "info/refs" else parts[2]
    found = hub.repository(parts[0], parts[1].removesuffix(".git"))
    return GitRequest(repository=found, rest=parts[2], service=service)


def serve(hub: Hub, request: Request, wanted: GitRequest) -> Answer:
    try:
        with hub.lock:
            identity = identify(hub, request.headers.get("authorization", ""))
            repository = _authorise(identity, wanted)
            if wanted.writes and request.method == "POST":
                return _push(hub, request, wanted, repository, identity)
        return _backend(request, wanted, repository, identity)
    except Problem as problem:
        challenge = {"WWW-Authenticate": 'Basic realm="GitHub"'} if problem.status == 401 else {}
        return Answer(
            status=problem.status,
            body=f"{problem.message}\n",
            media="text/plain; charset=utf-8",
            headers=challenge,
        )


def _authorise(identity: Identity, wanted: GitRequest) -> Repository:
    """The repository, if the caller may use it so. An unseen repository is not found."""
    repository, missing = wanted.repository, Problem(404, "Repository not found.")
    if wanted.service not in {"git-upload-pack", "git-receive-pack"}:
        raise Problem(403, "Please upgrade your git client.")
    match identity:
        case Anonymous():
            if repository is None or repository.private or wanted.writes:
                raise Problem(401, "Authentication required")
            return repository
        case ByApp():
            raise Problem(401, "Bad credentials")
        case ByUser(user=user):
            if repository is None or repository.role(user) < Role.READ:
                raise missing
            if wanted.writes and repository.role(user) < Role.WRITE:
                raise Problem(403, f"Permission to {repository.full_name}.git denied to {user.login}.")
            return repository
        case ByInstallation() as by:
            if repository is None or (repository.private and not by.token.covers(repository)):
                raise missing
            if not by.holds("contents", write=wanted.writes) or (wanted.writes and not by.token.covers(repository)):
                raise Problem(403, f"Permission to {repository.full_name}.git denied to {by.actor().login}.")
            return repository


def _push(hub: Hub, request: Request, wanted: GitRequest, repository: Repository, identity: Identity) -> Answer:
    """Under the hub's lock: nobody else moves a ref between the two looks."""
    before = repository.git.refs()
    answer = _backend(request, wanted, repository, identity)
    after = repository.git.refs()
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, ZERO), after.get(name, ZERO)
        if old != new:
            refs.moved(hub, repository, name, old, new, identity.actor())
    return answer


def _backend(request: Request, wanted: GitRequest, repository: Repository, identity: Identity) -> Answer:
    git_dir = repository.git.path
    variables = {
        **environment(git_dir),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(git_dir),
        "PATH_INFO": f"/{wanted.rest}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": f"service={wanted.service}" if wanted.rest == "info/refs" else "",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_USER": "" if isinstance(identity, Anonymous) else identity.actor().login,
        "REMOTE_ADDR": "127.0.0.1",
    }
    done = subprocess.run(
        BACKEND.split(),
        input=request.body,
        capture_output=True,
        env=variables,
        check=False,
        timeout=_TIME_LIMIT,
    )
    head, gap, body = done.stdout.partition(b"\r\n\r\n")
    if not gap:
        raise Problem(500, "git http-backend failed")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200").split()[0])
    media = headers.pop("Content-Type", "text/plain")
    return Answer(status=status, body=body, media=media, headers=headers)
