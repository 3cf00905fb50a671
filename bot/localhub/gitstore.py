"""One bare git repository, through git's plumbing only: nothing is ever checked out and no hook runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.localhub import gitdiff
from bot.localhub.gitdiff import FileDiff

ZERO = "0" * 40
_HEX = re.compile(r"[0-9a-f]{7,40}")
_SIGNATURE = re.compile(r"(?P<name>.*) <(?P<email>.*)> (?P<when>\d+) (?P<zone>[+-]\d{4})")


class GitFailed(Exception):
    """A git command ended with an error; the text is git's own."""


@dataclass(frozen=True, kw_only=True)
class Person:
    name: str
    email: str
    when: datetime

    def header(self) -> str:
        clean = self.name.translate({ord(c): None for c in "<>\n\0"}).strip() or "unknown"
        email = self.email.translate({ord(c): None for c in "<> \n\0"})
        return f"{clean} <{email}> {int(self.when.timestamp())} +0000"


@dataclass(frozen=True, kw_only=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True, kw_only=True)
class TreeEntry:
    mode: str
    type: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True, kw_only=True)
class TreeChange:
    """One wanted entry of a new tree; `sha` None removes the path."""

    path: str
    mode: str
    sha: str | None


def environment(home: Path) -> dict[str, str]:
    """A git that reads no configuration of this machine and asks nobody."""
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def is_branch_name(name: str) -> bool:
    """Git's own rules (git-check-ref-format), as far as a branch can break them."""
    if not name or name.startswith("-") or name.endswith(("/", ".", ".lock")) or "//" in name or ".." in name:
        return False
    if re.search(r"[\x00-\x20\x7f~^:?*\[\\]", name) or "@{" in name:
        return False
    return not any(part.startswith(".") or part.endswith(".lock") or not part for part in name.split("/"))


def is_tree_path(path: str) -> bool:
    """A relative path that git accepts in a tree."""
    parts = path.split("/")
    return "\0" not in path and all(part not in {"", ".", ".."} and part.lower() != ".git" for part in parts)


class GitStore:
    """Every method raises `GitFailed` where git refuses, unless its docstring says otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git_program = shutil.which("git") or "git"

    @classmethod
    def create(cls, path: Path, default_branch: str) -> GitStore:
        path.mkdir(parents=True)
        store = cls(path)
        store.run("init", "-q", "--bare", f"--initial-branch={default_branch}", ".")
        with (path / "config").open("a") as config:
            config.write(f"[core]\n\thooksPath = {os.devnull}\n[http]\n\treceivepack = true\n[gc]\n\tauto = 0\n")
            config.write("[receive]\n\thideRefs = refs/pull\n")
        return store

    def run(self, *arguments: str, data: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        done = self._spawn(arguments, data, env)
        if done.returncode != 0:
            raise GitFailed(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def _spawn(
        self, arguments: Sequence[str], data: bytes = b"", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        variables = {**environment(self.path), "GIT_DIR": str(self.path), **(env or {})}
        return subprocess.run(
            [self._git_program, *arguments], input=data, capture_output=True, env=variables, cwd=self.path, check=False
        )

    def _text(self, *arguments: str, data: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        return self.run(*arguments, data=data, env=env).decode(errors="replace").strip()

    # --- names ---------------------------------------------------------------------------------------------------

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        lines = self._text("for-each-ref", "--format=%(objectname) %(refname)", prefix).splitlines()
        return {name: sha for sha, name in (line.split(" ", 1) for line in lines)}

    def ref(self, name: str) -> str | None:
        """The object a full ref name (`refs/heads/x`) stands for."""
        return self.refs(name).get(name)

    def branch(self, name: str) -> str | None:
        return self.ref(f"refs/heads/{name}") if is_branch_name(name) else None

    def resolve(self, revision: str) -> str | None:
        """The commit a branch, tag or (abbreviated) SHA stands for; None when there is none."""
        if is_branch_name(revision):
            for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", f"refs/{revision}", revision):
                if name.startswith("refs/") and self.ref(name):
                    return self._text("rev-parse", f"{name}^{{commit}}")
        if _HEX.fullmatch(revision):
            done = self._spawn(["rev-parse", "-q", "--verify", f"{revision}^{{commit}}"])
            return done.stdout.decode().strip() or None
        return None

    def has(self, sha: str, kind: str) -> bool:
        if not re.fullmatch(r"[0-9a-f]{40}", sha):
            return False
        done = self._spawn(["cat-file", "-t", sha])
        return done.returncode == 0 and done.stdout.decode().strip() == kind

    def set_ref(self, name: str, new: str, old: str = ZERO) -> None:
        self.run("update-ref", name, new, old)

    def keep_pull_head(self, number: int, sha: str) -> None:
        """`refs/pull/N/head`, which GitHub keeps for everybody to fetch and nobody to push."""
        self.run("update-ref", f"refs/pull/{number}/head", sha)

    def delete_ref(self, name: str, old: str) -> None:
        self.run("update-ref", "-d", name, old)

    # --- history -------------------------------------------------------------------------------------------------

    def is_ancestor(self, old: str, new: str) -> bool:
        return self._spawn(["merge-base", "--is-ancestor", old, new]).returncode == 0

    def merge_base(self, one: str, other: str) -> str | None:
        done = self._spawn(["merge-base", one, other])
        return done.stdout.decode().strip() or None

    def commits(self, exclude: str | None, tip: str, limit: int = 250) -> list[Commit]:
        """The commits of `tip` that `exclude` has not, oldest first."""
        without = [f"^{exclude}"] if exclude else []
        shas = self._text("rev-list", "--topo-order", "--reverse", tip, *without).split()
        return [self.commit(sha) for sha in shas[-limit:]]

    def log(self, tip: str, limit: int, path: str = "") -> list[Commit]:
        """Newest first."""
        shas = self._text("rev-list", f"--max-count={limit}", tip, "--", *([path] if path else [])).split()
        return [self.commit(sha) for sha in shas]

    def commit(self, sha: str) -> Commit:
        raw = self.run("cat-file", "commit", sha).decode(errors="replace")
        head, _, message = raw.partition("\n\n")
        fields = [line.split(" ", 1) for line in head.splitlines() if " " in line and not line.startswith(" ")]
        first = dict(reversed(fields))
        return Commit(
            sha=sha,
            tree=first["tree"],
            parents=tuple(value for key, value in fields if key == "parent"),
            author=_person(first["author"]),
            committer=_person(first["committer"]),
            message=message,
        )

    def write_commit(
        self, *, tree: str, parents: Iterable[str], author: Person, committer: Person, message: str
    ) -> str:
        """The message is stored to the byte, as GitHub does (`git commit-tree` would end it with a newline)."""
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {author.header()}", f"committer {committer.header()}"]
        raw = "\n".join(lines) + "\n\n" + message.replace("\0", "")
        return self._text("hash-object", "-t", "commit", "-w", "--stdin", data=raw.encode())

    def merge_tree(self, ours: str, theirs: str) -> str | None:
        """The tree of a real merge of two commits; None where they conflict."""
        done = self._spawn(["merge-tree", "--write-tree", "--allow-unrelated-histories", ours, theirs])
        if done.returncode not in (0, 1):
            raise GitFailed(done.stderr.decode(errors="replace"))
        return done.stdout.decode().split("\n", 1)[0] if done.returncode == 0 else None

    # --- contents ------------------------------------------------------------------------------------------------

    def blob(self, sha: str) -> bytes:
        return self.run("cat-file", "blob", sha)

    def write_blob(self, data: bytes) -> str:
        return self._text("hash-object", "-w", "--stdin", data=data)

    def tree_of(self, revision: str) -> str:
        return self._text("rev-parse", f"{revision}^{{tree}}")

    def entries(self, tree: str, *, recursive: bool = False) -> list[TreeEntry]:
        raw = self.run("ls-tree", "-z", "-l", *(["-r", "-t"] if recursive else []), tree)
        return [_entry(line) for line in raw.decode(errors="surrogateescape").split("\0") if line]

    def entry(self, revision: str, path: str) -> TreeEntry | None:
        """The file, link or directory at `path`; "" is the root."""
        if not path:
            return TreeEntry(mode="040000", type="tree", sha=self.tree_of(revision), size=None, path="")
        if not is_tree_path(path):
            return None
        raw = self.run("--literal-pathspecs", "ls-tree", "-z", "-l", revision, "--", path)
        found = [_entry(line) for line in raw.decode(errors="surrogateescape").split("\0") if line]
        return found[0] if found else None

    def write_tree(self, base: str | None, changes: Sequence[TreeChange]) -> str:
        """A tree made of `base` (or nothing) and the changes, in an index of its own."""
        lines = [line for change in changes for line in self._index_lines(base, change)]
        with tempfile.TemporaryDirectory(prefix="localhub-index-") as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.run("read-tree", base or "--empty", env=env)
            data = "".join(f"{line}\0" for line in lines).encode(errors="surrogateescape")
            self.run("update-index", "-z", "--index-info", data=data, env=env)
            return self._text("write-tree", env=env)

    def _index_lines(self, base: str | None, change: TreeChange) -> list[str]:
        """A change as `git update-index --index-info` reads it; a directory replaces all that stood there."""
        if change.mode != "040000":
            return [f"{change.mode} {change.sha}\t{change.path}" if change.sha else f"0 {ZERO}\t{change.path}"]
        prefix = f"{change.path}/"
        old = self.entries(base, recursive=True) if base else []
        new = self.entries(change.sha, recursive=True) if change.sha else []
        gone = [f"0 {ZERO}\t{one.path}" for one in old if one.path.startswith(prefix) and one.type != "tree"]
        return gone + [f"{one.mode} {one.sha}\t{prefix}{one.path}" for one in new if one.type != "tree"]

    # --- differences ---------------------------------------------------------------------------------------------

    def diff(self, old: str, new: str) -> str:
        return self.run("diff", "--no-color", "--no-ext-diff", "-M", old, new).decode(errors="replace")

    def mail(self, old: str, new: str) -> str:
        """The commits between, each as a mail (GitHub's `.patch`)."""
        return self.run("format-patch", "--stdout", "-M", f"{old}..{new}").decode(errors="replace")

    def files(self, old: str, new: str) -> list[FileDiff]:
        """What GitHub lists as a pull request's or a commit's files."""
        options = ("--no-color", "--no-ext-diff", "-M", "--full-index")
        raw = self.run("diff", *options, "--raw", "-z", "--abbrev=40", old, new).decode(errors="replace")
        return gitdiff.files(raw, self.run("diff", *options, old, new).decode(errors="replace"))


def _person(text: str) -> Person:
    match = _SIGNATURE.fullmatch(text)
    if match is None:
        return Person(name=text, email="", when=datetime.fromtimestamp(0, UTC))
    when = datetime.fromtimestamp(int(match["when"]), UTC)
    return Person(name=match["name"], email=match["email"], when=when)


def _entry(line: str) -> TreeEntry:
    head, path = line.split("\t", 1)
    mode, kind, sha, size = head.split()
    return TreeEntry(mode=mode, type=kind, sha=sha, size=None if size == "-" else int(size), path=path)
