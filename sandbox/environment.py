"""The container an attempt works in, as the agents see it: structurally an `agents.protocols.Environment`."""

from __future__ import annotations

import posixpath
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox import git_scripts
from sandbox.container import Container
from sandbox.errors import PatchDoesNotApply, SetupError
from sandbox.foreseeing import Foreseeing, run_once
from sandbox.layout import TMP, TREE, WORK
from sandbox.shell import LineChannel, Newest
from sandbox.types import EnvironmentPlan, ExecResult, Foresight, RepoView, TestId, TestReport, Tree

READ_LIMIT = 8 << 20
DIFF_LIMIT = 8 << 20
MOST_WATCHED = 4_000
"""Entries of a tree: above that, asking git whether anything changed is as fast as looking."""
_GIT_SECONDS = 120.0
_DIFF = f"{TMP}/tree.diff"
"""Written over by each diff; whatever stands there instead makes that one fail."""
# A line of a file's contents begins with a sign or a space, never with these words.
_FILES = re.compile(r"^(?=diff --git )", re.MULTILINE)
_BINARY = re.compile(r"^Binary files .* differ$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class _Taken:
    """The tree's diff as it was when its newest entry was this one."""

    newest: Newest
    diff: str


class AttemptEnvironment:
    """Works in a container that is its own. The constructor puts the base tree in; raises `SandboxError`."""

    def __init__(self, container: Container, plan: EnvironmentPlan, base: Tree) -> None:
        self._container = container
        self._plan = plan
        self._base = base
        self._foreseeing = Foreseeing(container, plan, base)
        self._taken: _Taken | None = None
        container.put_tree(base)

    @property
    def base(self) -> RepoView:
        return self._base

    def run(self, command: str | Sequence[str], *, timeout: float = 120.0, cwd: str = ".") -> ExecResult:
        """A command line for bash, or an argument list; `cwd` is relative to the tree.

        Raises ValueError for a `cwd` that leaves the tree, `ContainerLost`.
        """
        return self._container.run(command, timeout=timeout, cwd=inside(cwd))

    def read(self, path: str) -> bytes:
        """Raises FileNotFoundError, IsADirectoryError, ValueError (outside of the tree, special, over 8 MiB)."""
        return self._container.shell.read(inside(path), root=TREE, limit=READ_LIMIT)

    def write(self, path: str, data: bytes) -> None:
        """Raises ValueError for a path that leaves the tree or enters `.git`, IsADirectoryError for a directory."""
        full = inside(path)
        if full == TREE:
            raise IsADirectoryError(path)
        if ".git" in full[len(TREE) + 1 :].split("/"):
            raise ValueError(f"{path}: the repository's own files are not the working tree's")
        self._container.shell.write(full, data, root=TREE)

    def diff(self) -> str:
        """Everything against base, in git's unified format: new files included, ignored ones not.

        Binary changes appear as git says them without contents, for the patch policy to refuse. Raises `SetupError`
        when it is larger than 8 MiB or cannot be made, `ContainerLost`.
        """
        newest = self._container.shell.newest(TREE, skip=".git", most=MOST_WATCHED)
        if newest is not None and self._taken is not None and self._taken.newest == newest:
            return self._taken.diff
        self._taken = None
        diff = self._diff()
        if newest is not None and newest.settled:
            self._taken = _Taken(newest=newest, diff=diff)
        return diff

    def _diff(self) -> str:
        result = self._git(f"{{ {git_scripts.DIFF}}} > {_DIFF}")
        if result.exit_code != 0:
            raise SetupError(f"The working tree's diff cannot be made: {result.output.strip()[-500:]}")
        try:
            data = self._container.read_file(_DIFF, DIFF_LIMIT)
        except (ValueError, OSError) as error:
            raise SetupError(f"The working tree's diff cannot be read: {error}") from error
        return data.decode("utf-8", "surrogateescape")

    def reset(self, diff: str = "") -> None:
        """Base again, with what the build generated; then `diff`, but for the binary files that it carries no contents
        of. Raises `PatchDoesNotApply`, `SetupError`."""
        result = self._git(git_scripts.RESET)
        if result.exit_code != 0:
            # Nothing of a tree that resists (a directory without permissions, say) is worth keeping.
            self._container.put_tree(self._base)
        diff = without_binary(diff)
        if not diff.strip():
            return
        data = diff.encode("utf-8", "surrogateescape")
        applied = self._git(git_scripts.APPLY, stdin=data)
        if applied.exit_code != 0:
            raise PatchDoesNotApply(f"The diff does not fit the base tree: {applied.output.strip()[-500:]}")

    def run_tests(self, selection: Sequence[TestId] = (), *, timeout: float = 600.0) -> TestReport:
        """What the runner's report says; an empty, incomplete report when it left none. Raises `ContainerLost`.

        For an attempt's own eyes: no canaries, one process for all. What counts is `sandbox.verify`.
        """
        return run_once(self._container, self._plan, self._with_new_files(), timeout=timeout, tests=tuple(selection))

    def foresee(self, report: TestReport, *, timeout: float = 600.0) -> Foresight:
        """What the verdict would hold of the working tree's report. Raises `SetupError`, `ContainerLost`."""
        return self._foreseeing.of(self.diff(), report, timeout=timeout)

    def _with_new_files(self) -> RepoView:
        """Base's files as base has them, and those that the attempt added: a test module is found by its name."""
        try:
            diff = without_binary(self.diff())
            return _BaseFirst(self._base, self._base.apply(diff)) if diff else self._base
        except (PatchDoesNotApply, SetupError):
            return self._base

    def open_lines(self, script: str, arguments: Sequence[str] = ()) -> LineChannel:
        """Start a Python program with the environment's interpreter. Raises `SetupError`, `ContainerLost`."""
        path = f"{WORK}/run-{secrets.token_hex(16)}/worker.py"
        self._container.put_files({path: script.encode("utf-8")})
        return self._container.open_lines(["python3", path, *arguments])

    def _git(self, script: str, stdin: bytes | None = None) -> ExecResult:
        return self._container.shell.run(
            ["/bin/sh", "-c", script],
            timeout=_GIT_SECONDS,
            cwd=WORK,
            env=git_scripts.ENV,
            stdin=None if stdin is None else (stdin,),
        )


class _BaseFirst:
    """The paths of two trees, read from the first that has them."""

    def __init__(self, base: RepoView, working: RepoView) -> None:
        self._base = base
        self._working = working

    def paths(self) -> Iterable[str]:
        return sorted({*self._base.paths(), *self._working.paths()})

    def read(self, path: str) -> bytes | None:
        found = self._base.read(path)
        return self._working.read(path) if found is None else found


def without_binary(diff: str) -> str:
    """Git's diff without the files of which it only says that they differ: git could not apply those."""
    return "".join(part for part in _FILES.split(diff) if not _BINARY.search(part))


def inside(path: str) -> str:
    """The container's absolute path of one in the tree, lexically; symbolic links are the supervisor's business.

    Raises ValueError for a path that leaves the tree, or that cannot be a path at all.
    """
    if "\0" in path:
        raise ValueError("a path holds no NUL")
    full = posixpath.normpath(posixpath.join(TREE, path))
    if full != TREE and not full.startswith(f"{TREE}/"):
        raise ValueError(f"{path}: outside of the tree")
    return full
