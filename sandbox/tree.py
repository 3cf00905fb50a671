"""Trees as git tree objects in a bare repository of ours, handled by plumbing only: nothing is checked out on the host.

A foreign repository only names its commits: its objects are borrowed through `objects/info/alternates` (`attach`). `git
archive` is not used: `export-ignore` would let a tree hide files.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sandbox.errors import PatchDoesNotApply, SetupError
from sandbox.plumbing import ask, command_line, environment, run_git, spawn, words

REGULAR = "100644"
EXECUTABLE = "100755"
SYMLINK = "120000"
SUBMODULE = "160000"

_LARGEST_KEPT = 256 << 10
_MOST_KEPT = 32 << 20
_TENANT = 10001
"""Owner of everything in `Tree.tar`: the sandbox's user."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One leaf of a tree."""

    path: str
    mode: str
    oid: str


def attach(directory: Path, scratch: Path) -> Path:
    """A bare repository at `scratch` that can read every object of the local repository `directory`; returns `scratch`.

    The foreign repository is only read; what is made from its trees lands in `scratch`. Raises `SetupError` when
    `directory` is not in a git repository.
    """
    objects = Path(ask(directory, "rev-parse", "--path-format=absolute", "--git-path", "objects"))
    object_format = ask(directory, "rev-parse", "--show-object-format")
    create(scratch, object_format=object_format)
    (scratch / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (scratch / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    return scratch


def create(git_dir: Path, *, object_format: str = "sha1") -> Path:
    """An empty bare repository of ours, without hooks; an existing one is kept."""
    git_dir.parent.mkdir(parents=True, exist_ok=True)
    run_git(git_dir, "init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", str(git_dir))
    return git_dir


@dataclass(frozen=True)
class GitTree:
    """A `sandbox.types.Tree` over the bare repository `git_dir`. Equal when the contents are equal."""

    git_dir: Path = field(compare=False)
    digest: str
    _kept: _Kept = field(default_factory=lambda: _Kept(), compare=False, repr=False)

    @classmethod
    def at(cls, git_dir: Path, revision: str) -> GitTree:
        """The tree of a commit (or of a tree id). Raises `SetupError` when there is none."""
        spec = f"{revision}^{{tree}}"
        digest = run_git(git_dir, "rev-parse", "--verify", "--end-of-options", spec).decode("ascii").strip()
        return cls(git_dir, digest)

    @classmethod
    def of_files(cls, git_dir: Path, files: Mapping[str, bytes | None]) -> GitTree:
        """A tree of exactly these files."""
        empty = run_git(git_dir, "mktree").decode("ascii").strip()
        return cls(git_dir, empty).with_files(files)

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Path to leaf, sorted. Raises `SetupError` for a tree with names that no honest git writes."""
        listing = run_git(self.git_dir, "ls-tree", "-r", "-z", "--full-tree", self.digest)
        entries = {}
        for record in listing.split(b"\0")[:-1]:
            head, _, name = record.partition(b"\t")
            mode, _, oid = head.decode("ascii").split(" ")
            path = name.decode("utf-8", "surrogateescape")
            if not is_safe_path(path):
                raise SetupError(f"the tree holds a path that is not allowed: {path!r}")
            entries[path] = Entry(path=path, mode=mode, oid=oid)
        return entries

    def paths(self) -> Iterable[str]:
        return [path for path, entry in self.entries.items() if entry.mode != SUBMODULE]

    def read(self, path: str) -> bytes | None:
        entry = self.entries.get(path)
        if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
            return None
        known = self._kept.get(entry.oid)
        if known is not None:
            return known
        data = run_git(self.git_dir, "cat-file", "blob", entry.oid)
        self._kept.put(entry.oid, data)
        return data

    def prefetch(self, paths: Iterable[str]) -> None:
        """Read these files at once, so that `read` need not ask for each; no more of them than memory should hold."""
        files = (self.entries.get(path) for path in paths)
        oids = {entry.oid for entry in files if entry is not None and entry.mode in (REGULAR, EXECUTABLE)}
        wanted = sorted(oid for oid in oids if self._kept.get(oid) is None)
        for data, oid in zip(self._blobs(wanted) if wanted else (), wanted, strict=True):
            self._kept.put(oid, data)

    def mentions(self, word: str) -> bool:
        """True when a file holds the word, which must be plain text without a line end."""
        done = spawn(self.git_dir, ("grep", "-qIF", "-e", word, self.digest), b"", None)
        if done.returncode not in (0, 1):
            raise SetupError(f"git grep failed: {words(done.stderr)}")
        return done.returncode == 0

    def symlinks(self) -> frozenset[str]:
        return frozenset(path for path, entry in self.entries.items() if entry.mode == SYMLINK)

    def tar(self) -> Iterator[bytes]:
        """A tar stream of the whole tree; the same bytes for the same digest. Submodules become empty directories."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            leaves = list(self.entries.values())
            blobs = self._blobs([leaf.oid for leaf in leaves if leaf.mode != SUBMODULE])
            for leaf in leaves:
                _add(archive, leaf, b"" if leaf.mode == SUBMODULE else next(blobs))
                if buffer.tell() > 1 << 20:
                    yield buffer.getvalue()
                    buffer.seek(0)
                    buffer.truncate()
        yield buffer.getvalue()

    def apply(self, diff: str) -> GitTree:
        """The tree after a unified diff. Raises `PatchDoesNotApply`."""
        if not diff.strip():
            return self
        with self._index() as index:
            args = ("apply", "--cached", "--whitespace=nowarn", "-p1", "-")
            data = diff.encode("utf-8", "surrogateescape")
            done = spawn(self.git_dir, args, data if data.endswith(b"\n") else data + b"\n", index)
            if done.returncode != 0:
                raise PatchDoesNotApply(f"the patch does not apply: {words(done.stderr)}")
            return self._written(index)

    def with_files(self, files: Mapping[str, bytes | None]) -> GitTree:
        changes = []
        for path, data in files.items():
            if not is_safe_path(path):
                raise SetupError(f"not a path inside the tree: {path!r}")
            if data is None:
                changes.append((path, "0", "0" * len(self.digest)))
                continue
            oid = run_git(self.git_dir, "hash-object", "-w", "-t", "blob", "--stdin", stdin=data).decode("ascii")
            known = self.entries.get(path)
            mode = known.mode if known is not None and known.mode in (REGULAR, EXECUTABLE) else REGULAR
            changes.append((path, mode, oid.strip()))
        return self._changed(changes)

    def overlay(self, other: GitTree, paths: Iterable[str]) -> GitTree:
        """This tree with `paths` as they are in `other`: contents, modes and absence."""
        changes = []
        for path in paths:
            entry = other.entries.get(path)
            oid = entry.oid if entry is not None else "0" * len(self.digest)
            changes.append((path, entry.mode if entry is not None else "0", oid))
        return self._changed(changes)

    def diff(self, other: GitTree) -> str:
        args = ("diff-tree", "-r", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv")
        prefixes = ("--src-prefix=a/", "--dst-prefix=b/")
        return run_git(self.git_dir, *args, *prefixes, self.digest, other.digest).decode("utf-8", "surrogateescape")

    def changed_paths(self, other: GitTree) -> frozenset[str]:
        """Paths whose contents or mode differ."""
        both = self.entries.keys() | other.entries.keys()
        return frozenset(path for path in both if self.entries.get(path) != other.entries.get(path))

    def _changed(self, changes: Sequence[tuple[str, str, str]]) -> GitTree:
        if not changes:
            return self
        # Removals first: a file may take the place of a directory that leaves, and the other way round.
        ordered = sorted(changes, key=lambda change: change[1] != "0")
        info = b"".join(
            f"{mode} {oid}\t".encode("ascii") + path.encode("utf-8", "surrogateescape") + b"\0"
            for path, mode, oid in ordered
        )
        with self._index() as index:
            run_git(self.git_dir, "update-index", "-z", "--replace", "--index-info", stdin=info, index=index)
            return self._written(index)

    def _index(self) -> _Index:
        return _Index(self.git_dir, self.digest)

    def _written(self, index: Path) -> GitTree:
        return GitTree(self.git_dir, run_git(self.git_dir, "write-tree", index=index).decode("ascii").strip())

    def _blobs(self, oids: Sequence[str]) -> Iterator[bytes]:
        """Contents in order, streamed from one process."""
        with tempfile.TemporaryFile() as names:
            names.write("".join(f"{oid}\n" for oid in oids).encode("ascii"))
            names.seek(0)
            command = command_line(self.git_dir, ("cat-file", "--batch"))
            with subprocess.Popen(command, stdin=names, stdout=subprocess.PIPE, env=environment(None)) as process:
                assert process.stdout is not None
                for oid in oids:
                    header = process.stdout.readline().decode("ascii").split()
                    if len(header) != 3:
                        raise SetupError(f"the object {oid} is missing from the repository")
                    yield process.stdout.read(int(header[2]))
                    process.stdout.read(1)


class _Kept:
    """Contents by object id that were read before, as far as memory should hold them: to ask git is a process."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._size = 0

    def get(self, oid: str) -> bytes | None:
        return self._contents.get(oid)

    def put(self, oid: str, data: bytes) -> None:
        if len(data) <= _LARGEST_KEPT and self._size + len(data) <= _MOST_KEPT:
            self._contents[oid] = data
            self._size += len(data)


class _Index:
    """A temporary index that holds a tree; gone afterwards."""

    def __init__(self, git_dir: Path, digest: str) -> None:
        self._git_dir = git_dir
        self._digest = digest
        self._directory = tempfile.TemporaryDirectory(prefix="redgreen-index-")

    def __enter__(self) -> Path:
        path = Path(self._directory.name) / "index"
        run_git(self._git_dir, "read-tree", self._digest, index=path)
        return path

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()


def is_safe_path(path: str) -> bool:
    """Relative, normal, without `.git` in any spelling, without NUL: it stays inside wherever it is extracted."""
    parts = path.split("/")
    forbidden = ("", ".", "..")
    return not any(part in forbidden or part.rstrip(". ").lower() == ".git" for part in parts) and "\0" not in path


_MTIME = 1_000_000_000
"""Of every file, in 2001: the same for a tree always, and an age that archives can say (zip knows none before 1980)."""


def _add(archive: tarfile.TarFile, leaf: Entry, data: bytes) -> None:
    info = tarfile.TarInfo(leaf.path)
    info.uid = info.gid = _TENANT
    info.mtime = _MTIME
    match leaf.mode:
        case "120000":
            info.type = tarfile.SYMTYPE
            info.linkname = data.decode("utf-8", "surrogateescape")
            archive.addfile(info)
        case "160000":
            info.type = tarfile.DIRTYPE
            info.mode = 0o755
            archive.addfile(info)
        case mode:
            info.mode = 0o755 if mode == EXECUTABLE else 0o644
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
