"""What a check stands on: containers from some engine, and a way to say what does not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from sandbox.errors import ContainerLost
from sandbox.types import Ended, ExecResult, Limits, Tree

SMALL = Limits(memory_bytes=256 << 20, disk_bytes=64 << 20, file_bytes=16 << 20, pids=64, output_bytes=64 << 10)


class Lines(Protocol):
    def send(self, line: str) -> None: ...

    def receive(self, timeout: float) -> str | None: ...

    def close(self) -> None: ...


class Sandbox(Protocol):
    """What is held to the checks: `sandbox.container.Container`, or another engine's."""

    def put_tree(self, tree: Tree) -> None: ...

    def put_files(self, files: Mapping[str, bytes]) -> None: ...

    def read_file(self, path: str, limit: int) -> bytes: ...

    def run(
        self, command: str | Sequence[str], *, timeout: float, cwd: str = ..., env: Mapping[str, str] = ...
    ) -> ExecResult: ...

    def open_lines(self, argv: Sequence[str], *, cwd: str = ..., env: Mapping[str, str] = ...) -> Lines: ...

    def ended(self) -> Ended: ...

    def close(self) -> None: ...


Factory = Callable[[Limits], AbstractContextManager[Sandbox]]
"""A fresh container with these limits, removed on exit."""


class Broken(Exception):
    """A promise of the sandbox that does not hold; the text says what was seen instead."""


def expect(holds: bool, seen: object) -> None:
    if not holds:
        raise Broken(str(seen))


class Bench:
    """Hands out containers: `shared` for checks that leave nothing behind, `fresh` for all others."""

    def __init__(self, factory: Factory) -> None:
        self.fresh = factory
        self._stack = ExitStack()
        self._shared: Sandbox | None = None

    @property
    def shared(self) -> Sandbox:
        if self._shared is None:
            self._shared = self._stack.enter_context(self.fresh(SMALL))
        return self._shared

    def sh(self, command: str, *, timeout: float = 20.0) -> ExecResult:
        """In the shared container; one that was lost under a check is not the next check's burden."""
        try:
            return self.shared.run(command, timeout=timeout)
        except ContainerLost:
            self.close()
            raise

    def python(self, source: str, *, timeout: float = 20.0) -> ExecResult:
        return self.shared.run(["python3", "-c", source], timeout=timeout)

    def close(self) -> None:
        self._shared = None
        self._stack.close()
