"""Which lines of the tree one test executes: `sys.settrace`, restricted to files below one directory."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

LocalTrace = Callable[[FrameType, str, Any], Any]


class LineTracer:
    """Collects the executed lines of files below `root`; `only` narrows that to these relative paths."""

    def __init__(self, root: str, only: Iterable[str] | None = None) -> None:
        self._root = os.path.realpath(root) + os.sep
        self._only = None if only is None else frozenset(only)
        self._lines: dict[str, set[int]] = {}
        self._locals: dict[str, LocalTrace | None] = {}

    def start(self) -> None:
        self._lines = {}
        self._locals = {}
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def stop(self) -> dict[str, list[int]]:
        """The lines since `start`, by path relative to the root."""
        sys.settrace(None)
        threading.settrace(None)
        return {path: sorted(lines) for path, lines in self._lines.items()}

    def _enter(self, frame: FrameType, event: str, argument: Any) -> LocalTrace | None:
        name = frame.f_code.co_filename
        try:
            local = self._locals[name]
        except KeyError:
            local = self._locals[name] = self._local_trace(name)
        if local is not None:
            local(frame, "line", None)  # the `def` line: default values and decorators stand there
        return local

    def _local_trace(self, name: str) -> LocalTrace | None:
        if name.startswith("<"):  # frozen modules, `exec` of a string
            return None
        path = os.path.realpath(name)
        if not path.startswith(self._root):
            return None
        relative = path[len(self._root) :].replace(os.sep, "/")
        if self._only is not None and relative not in self._only:
            return None
        lines = self._lines.setdefault(relative, set())

        def local(frame: FrameType, event: str, argument: Any) -> LocalTrace:
            if event == "line":
                lines.add(frame.f_lineno)
            return local

        return local
