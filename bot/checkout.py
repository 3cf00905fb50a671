"""Bare mirrors of repositories on the worker's disk. Only importer of GitPython.

A mirror is fetched into and read with plumbing, never checked out: nothing of a repository's content becomes a file on
the host. The token travels in the child's environment (`GIT_CONFIG_*`, git 2.31 and later), so neither `.git/config`,
nor the command line, nor a log holds it, and it is bound to the configured host.
"""

from __future__ import annotations

import base64
import fcntl
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import git

from bot.errors import ForgeDenied, ForgeError, ForgeNotFound, ForgeRejected, ForgeUnavailable
from bot.messages.untrusted import redacted
from sandbox.types import CommitSha

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_.-]{1,100}")
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"refs/[A-Za-z0-9_./+@-]{1,250}")
_KEPT = "refs/redgreen/commits/"


@dataclass(frozen=True, kw_only=True)
class Mirrors:
    """All mirrors of one worker. Methods raise `bot.errors.ForgeError`."""

    directory: Path
    web_url: str
    """The one host that is ever spoken to, e.g. `https://github.com`."""
    timeout_seconds: float = 600.0
    """Of one fetch."""

    def path(self, repository: str) -> Path:
        """The bare repository's directory, which may not exist yet. Raises ForgeRejected for an impossible name."""
        if _NAME.fullmatch(repository) is None or ".." in repository or repository.endswith("/."):
            raise ForgeRejected(f"{repository!r} is not a repository's name.")
        return self.directory / f"{repository.lower()}.git"

    def fetch(self, repository: str, clone_url: str, token: str, refs: Sequence[str]) -> Path:
        """Bring these commits and refs into the mirror; what it has already is not asked for.

        A commit is named by its full hash, a ref by its full name (`refs/heads/main`, `refs/pull/7/head`).
        """
        self._check_url(repository, clone_url)
        for ref in refs:
            if _SHA.fullmatch(ref) is None and (_REF.fullmatch(ref) is None or ".." in ref):
                raise ForgeRejected(f"{ref!r} is neither a commit's hash nor a full ref name.")
        path = self.path(repository)
        with self._locked(path):
            mirror = _open(path)
            wanted = [ref for ref in refs if _SHA.fullmatch(ref) is None or not _has(mirror, ref)]
            if wanted:
                self._fetch(mirror, clone_url, token, wanted)
        return path

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha:
        """Raises ForgeRejected where the two share no history."""
        mirror = git.Repo(self.path(repository))
        found = mirror.git.merge_base("--end-of-options", one, other, with_exceptions=False)
        if _SHA.fullmatch(found) is None:
            raise ForgeRejected(f"{one[:12]} and {other[:12]} have no common ancestor.")
        return CommitSha(found)

    def _check_url(self, repository: str, clone_url: str) -> None:
        """The token goes to the configured host and this repository, whatever a payload says."""
        wanted, given = urlsplit(self.web_url), urlsplit(clone_url)
        expected = f"{wanted.path.rstrip('/')}/{repository}.git".lower()
        if (given.scheme, given.netloc) != (wanted.scheme, wanted.netloc) or given.path.lower() != expected:
            raise ForgeRejected(f"The clone address of {repository} is not on {wanted.netloc}.")

    def _fetch(self, mirror: git.Repo, clone_url: str, token: str, refs: Sequence[str]) -> None:
        # A commit without a ref would be offered to no later fetch as something we have.
        specs = [f"+{ref}:{_KEPT}{ref}" if _SHA.fullmatch(ref) else f"+{ref}:{ref}" for ref in refs]
        try:
            mirror.git.fetch(
                "--no-tags",
                "--no-recurse-submodules",
                "--no-auto-gc",
                "--quiet",
                "--end-of-options",
                clone_url,
                *specs,
                env=_environment(clone_url, token),
                kill_after_timeout=self.timeout_seconds,
            )
        except git.GitCommandError as error:
            raise _translated(error, token) from None

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        """One fetch of a mirror at a time, between processes too; the lock falls with its process."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _open(path: Path) -> git.Repo:
    if not (path / "HEAD").exists():
        git.Repo.init(path, bare=True, mkdir=True).close()
    return git.Repo(path)


def _has(mirror: git.Repo, sha: str) -> bool:
    kind = mirror.git.cat_file("-t", sha, with_exceptions=False)
    return bool(kind == "commit")


def _environment(clone_url: str, token: str) -> dict[str, str]:
    """Of the git child: no prompt, no helper, no other protocol, no redirect, and the header for this address only."""
    address = urlsplit(clone_url)
    settings = [
        ("credential.helper", ""),
        ("core.hooksPath", "/dev/null"),
        ("core.askPass", ""),
        ("http.followRedirects", "false"),
        (f"http.{address.scheme}://{address.netloc}/.extraHeader", f"Authorization: Basic {_basic(token)}"),
    ]
    environment = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": address.scheme,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_COUNT": str(len(settings)),
        "LC_ALL": "C",
    }
    for index, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{index}"] = key
        environment[f"GIT_CONFIG_VALUE_{index}"] = value
    return environment


def _basic(token: str) -> str:
    return base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")


def _translated(error: git.GitCommandError, token: str) -> ForgeError:
    """By git's own words (in the C locale); none of them holds the token, and it is masked all the same."""
    said = " ".join(str(error.stderr).split())
    if token:
        said = said.replace(token, "[token]").replace(_basic(token), "[token]")
    text = f"git fetch: {redacted(said)[-400:]}"
    lowered = said.lower()
    if "authentication failed" in lowered or "error: 403" in lowered or "could not read username" in lowered:
        return ForgeDenied(text)
    if "not found" in lowered or "error: 404" in lowered or "couldn't find remote ref" in lowered:
        return ForgeNotFound(text)
    if "not our ref" in lowered or "fsck error" in lowered:
        return ForgeRejected(text)
    return ForgeUnavailable(text)
