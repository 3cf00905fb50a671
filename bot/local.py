"""`fix`, `verify` and `review` on a local git repository: the same workshop, with a directory instead of a forge."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from agents.types import Task
from bot.errors import UsageError
from bot.repo_config import PATH, ConfigProblem, RepoConfig, parse
from sandbox.commits import merge_base, resolve
from sandbox.errors import SetupError
from sandbox.proof import to_statement
from sandbox.tree import GitTree, attach
from sandbox.types import CommitSha, Proof

LARGEST_INPUT = 8 << 20


class LocalSources:
    """One repository of a person, read through a scratch bare repository of ours: nothing in it is ever written.

    `bot.workshop_docker.Sources` for a single directory; every name means that directory.
    """

    def __init__(self, directory: Path, state: Path) -> None:
        """Raises `UsageError` when `directory` is not in a git repository."""
        self.directory = directory.resolve()
        digest = hashlib.sha256(str(self.directory).encode()).hexdigest()[:16]
        try:
            self._scratch = attach(self.directory, state / "local" / f"{digest}.git")
        except SetupError as error:
            raise UsageError(f"--repo: {error}") from None

    def fetch(self, repository: str, clone_url: str, token: str, refs: Sequence[str]) -> Path:
        """Nothing to do: the objects are here."""
        return self._scratch

    def path(self, repository: str) -> Path:
        return self._scratch

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha:
        return merge_base(self._scratch, one, other)

    def tree(self, repository: str, revision: str) -> GitTree:
        return GitTree.at(self._scratch, revision)

    def commit(self, revision: str) -> CommitSha:
        """Raises `UsageError` for a revision that names no commit."""
        try:
            return resolve(self.directory, revision)
        except SetupError as error:
            raise UsageError(f"{self.directory} has no commit {revision!r} ({error})") from None


def out_directory(path: Path) -> Path:
    """Where results go, made when it is not there. Raises `UsageError` before anything was run for them."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {path} cannot be used: {error.strerror}") from None
    return path


def read_text(path: Path, what: str) -> str:
    """An input file. Raises `UsageError` that names it when it is missing, too large or not text."""
    try:
        if path.stat().st_size > LARGEST_INPUT:
            raise UsageError(f"{what}: {path} is larger than {LARGEST_INPUT >> 20} MiB")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{what}: there is no file {path}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{what}: {path} is not UTF-8 text") from None
    except OSError as error:
        raise UsageError(f"{what}: {path} cannot be read: {error.strerror}") from None


def local_task(issue: str, repository: str, base: CommitSha) -> Task:
    """An issue file's first line is its title, the rest its body. Raises `UsageError` when it is empty."""
    title, _, body = issue.strip().partition("\n")
    if not title:
        raise UsageError("--issue: the file is empty: its first line is the title, the rest the description")
    digest = hashlib.sha256(f"{base}\n{issue}".encode()).hexdigest()[:10]
    return Task(
        id=f"issue-{digest}",
        repository=repository,
        base_commit=base,
        title=title.lstrip("# ").strip(),
        body=body.strip(),
    )


class Trees(Protocol):
    """Who has a repository's trees."""

    def tree(self, repository: str, revision: str) -> GitTree: ...


def repository_config(trees: Trees, repository: str, commit: str) -> RepoConfig:
    """`.github/redgreen.yml` as it is at this commit. Raises `UsageError` with the line of a mistake."""
    config = parse(trees.tree(repository, commit).read(PATH))
    if isinstance(config, ConfigProblem):
        raise UsageError(f"{PATH}, line {config.line}: {config.message}")
    return config


def write_proof(proof: Proof, out: Path) -> Path:
    """The proof's file form (an in-toto Statement), written whole or not at all."""
    target = out / "proof.json"
    partial = out / "proof.json.partial"
    partial.write_text(json.dumps(to_statement(proof), indent=2) + "\n", encoding="utf-8")
    partial.replace(target)
    return target
