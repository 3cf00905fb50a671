"""The fresh containers of one verification: started before they are asked for, removed while other runs go on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sandbox.container import Container
from sandbox.engine import Engine
from sandbox.errors import SandboxError
from sandbox.images import Image
from sandbox.shards import share
from sandbox.types import Limits

_AT_ONCE = 2
"""Starts and removals beside the runs: more of them would only take the processors from the runs."""


class Supply:
    """Containers of one image, all with the same limits, each handed out once: no two runs ever share one.

    Safe to share between threads. Left as a context, it has removed every container that it started.
    """

    def __init__(self, engine: Engine, image: Image, limits: Limits) -> None:
        self.image = image
        self.limits = limits
        self._engine = engine
        self._starts = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="container-start")
        self._removals = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="container-end")
        self._ready: deque[Future[Container]] = deque()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start_one_more(self) -> None:
        """Have a container started in the background, for a run that is likely to come."""
        with self._lock:
            self._ready.append(self._starts.submit(self._engine.launch, self.image, self.limits))

    @contextmanager
    def container(self, part_of: int = 1) -> Iterator[Container]:
        """A fresh container, started. After the block it is killed and removed in the background.

        `part_of`: one of so many that share the limits of one. Raises what `Engine.launch` does.
        """
        with self._lock:
            waiting = self._ready.popleft() if self._ready and part_of == 1 else None
        limits = self.limits if part_of == 1 else share(self.limits, part_of)
        container = waiting.result() if waiting is not None else self._engine.launch(self.image, limits)
        try:
            yield container
        finally:
            self._removals.submit(container.close)

    def close(self) -> None:
        """Remove what nobody asked for, and wait until each container is gone. No container can be had afterwards."""
        with self._lock:
            unused = [future for future in self._ready if not future.cancel()]
            self._ready.clear()
        for future in unused:
            self._removals.submit(_discard, future)
        self._starts.shutdown(wait=True)
        self._removals.shutdown(wait=True)


def _discard(future: Future[Container]) -> None:
    try:
        future.result().close()
    except SandboxError:
        return  # it never started: the engine has removed it
