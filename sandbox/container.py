"""One container with its warm shell: what goes in, what runs, what comes out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from sandbox import git_scripts
from sandbox.daemon import Daemon
from sandbox.docker_sdk import Attached
from sandbox.errors import ContainerLost, SetupError
from sandbox.frames import Transport
from sandbox.layout import COMMAND_PATH, HOME, TMP, TREE, WORK
from sandbox.rendezvous import Rendezvous
from sandbox.shell import LineChannel, Shell
from sandbox.types import Ended, ExecResult, Limits, Tree

NO_ENV: Mapping[str, str] = MappingProxyType({})
COMMAND_ENV: Mapping[str, str] = MappingProxyType(
    {
        "PATH": COMMAND_PATH,
        "HOME": HOME,
        "TMPDIR": TMP,
        "LANG": "C.UTF-8",
        "USER": "redgreen",
        "LOGNAME": "redgreen",
        "SHELL": "/bin/bash",
        "TERM": "dumb",
    }
)
"""All that a command sees besides the plan's own variables; nothing is inherited from anywhere."""

_PUT_TREE_SECONDS = 300.0


class Container:
    """Belongs to one thread at a time. After `ContainerLost` only `ended` and `close` are of use."""

    def __init__(self, daemon: Daemon, container_id: str, attached: Attached, limits: Limits) -> None:
        self._daemon = daemon
        self.id = container_id
        self._attached = attached
        self.limits = limits
        self._closed = False
        self._memory_ran_out = False
        self._ended: Ended | None = None
        self.shell = Shell(attached.socket, output_limit=limits.output_bytes, discard=self._discard)

    @property
    def transport(self) -> Transport:
        """What carries the shell's requests; final once it has started."""
        return self.shell.transport

    def start(self, env: Mapping[str, str], rendezvous: Rendezvous | None = None) -> None:
        """Raises `SetupError` where the image cannot run a supervisor. `rendezvous` is what its spec has mounted."""
        self._daemon.start(self.id)
        try:
            environment = {**COMMAND_ENV, **env}
            self.shell.start(env=environment, directories=(TREE, HOME, TMP), rendezvous=rendezvous)
        except ContainerLost as error:
            raise SetupError(f"The sandbox did not start; its image needs python3 (3.8 or later). {error}") from error

    # --- in and out ----------------------------------------------------------------------------------------------

    def put_tree(self, tree: Tree) -> None:
        """Replace `TREE` by the tree, as the one commit of a fresh repository.

        What the image's build generated beside the commit's files is laid under it where the tree has nothing of that
        name. Raises `SetupError` where it does not fit, `ContainerLost`.
        """
        self._script(git_scripts.PUT_TREE, tree.tar(), "The tree could not be put into the sandbox")

    @contextmanager
    def another_tree(self, tree: Tree) -> Iterator[None]:
        """`TREE` is this tree inside of the block, and after it what it was before. Raises as `put_tree` does."""
        self._script(git_scripts.PUT_ASIDE, (), "The working tree could not be put aside")
        try:
            self.put_tree(tree)
            yield
        finally:
            if not self.shell.is_lost:
                self._script(git_scripts.PUT_BACK, (), "The working tree could not be put back")

    def put_files(self, files: Mapping[str, bytes]) -> None:
        """Absolute paths under `/work`. Raises ValueError for any other, IsADirectoryError, `SetupError`."""
        for path in files:
            _require_work_path(path)
        for path, data in files.items():
            self.shell.write(path, data, root=WORK)

    def read_file(self, path: str, limit: int) -> bytes:
        """Raises FileNotFoundError, IsADirectoryError, or ValueError (not under `/work`, special, over the limit)."""
        _require_work_path(path)
        return self.shell.read(path, root=WORK, limit=limit)

    # --- commands ------------------------------------------------------------------------------------------------

    def run(
        self, command: str | Sequence[str], *, timeout: float, cwd: str = TREE, env: Mapping[str, str] = NO_ENV
    ) -> ExecResult:
        """A command line for bash, or an argument list. Raises `ContainerLost`.

        When it returns, no process of the command is left, daemons included. `timeout` is cut to the limits' own.
        """
        result = self.shell.run(command, timeout=min(timeout, self.limits.seconds), cwd=cwd, env=env)
        self._memory_ran_out = self._memory_ran_out or result.out_of_memory
        return result

    def open_lines(self, argv: Sequence[str], *, cwd: str = TREE, env: Mapping[str, str] = NO_ENV) -> LineChannel:
        """Start a process to speak to line by line; `agents.protocols.Lines`. Raises `SetupError`."""
        return self.shell.open_lines(list(argv), cwd=cwd, env=env, errors=f"{TMP}/lines.err")

    def _script(self, script: str, stdin: Iterable[bytes], failure: str) -> None:
        result = self.shell.run(
            ["/bin/sh", "-c", script], timeout=_PUT_TREE_SECONDS, cwd=WORK, env=git_scripts.ENV, stdin=stdin
        )
        if result.exit_code != 0:
            raise SetupError(f"{failure} (exit code {result.exit_code}): {result.output.strip()[-500:]}")

    # --- the end -------------------------------------------------------------------------------------------------

    def ended(self) -> Ended:
        """How it ended, asked of the engine; EXITED while nothing is wrong with it."""
        if self._ended is None:
            return self._judge_end()
        return self._ended

    def close(self) -> None:
        """Kill and remove it. Never raises; twice is once."""
        if self._closed:
            return
        self._closed = True
        self._ended = self._judge_end()
        self.shell.close()
        self._attached.close()
        self._daemon.remove(self.id)

    def _discard(self) -> None:
        """The shell gave it up: whatever still runs in it ends now."""
        self.close()

    def _judge_end(self) -> Ended:
        state = self._daemon.state(self.id)
        if state is None:
            return Ended.LOST
        if state.out_of_memory or self._memory_ran_out:
            return Ended.OUT_OF_MEMORY
        if not self.shell.is_lost:
            return Ended.EXITED
        return Ended.TIMED_OUT if state.running else Ended.KILLED


def _require_work_path(path: str) -> None:
    if not path.startswith(f"{WORK}/") or posixpath.normpath(path) != path:
        raise ValueError(f"{path}: not a plain absolute path under {WORK}")
