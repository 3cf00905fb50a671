"""The end of a call's time, which every read of its connection keeps.

httpx2 limits how long one read may wait, and nothing limits all of them together: an endpoint that sends a byte a
minute, of its answer's head or of its body, would hold a call for ever.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore2
import httpx2

OVER = "the call took longer than it may as a whole"


class Deadline(threading.local):
    """Of the call that a thread is in: a call is read in the thread that made it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.at = math.inf
        self.clock = clock

    def left(self) -> float:
        """Seconds; infinite outside of every call."""
        return self.at - self.clock()


def keep(client: httpx2.Client, deadline: Deadline) -> None:
    """Let all connections of a new client keep it, those through proxies too."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            keep_in(transport, deadline)


def keep_in(transport: httpx2.HTTPTransport, deadline: Deadline) -> None:
    """The same for one transport. httpcore2 takes a network backend, but httpx2 hands none on to it: hence the reach
    into what is theirs; tests/agents/test_deadline.py tells when a release has moved it."""
    pool = transport._pool
    pool._network_backend = _Backend(pool._network_backend, deadline)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self, inner: httpcore2.NetworkBackend, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        connected = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(connected, self._deadline)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._kept(timeout, httpcore2.ReadTimeout) as seconds:
            return self._inner.read(max_bytes, seconds)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with self._kept(timeout, httpcore2.WriteTimeout) as seconds:
            self._inner.write(buffer, seconds)

    @contextlib.contextmanager
    def _kept(self, timeout: float | None, late: type[httpcore2.TimeoutException]) -> Iterator[float | None]:
        """How long whoever would wait for `timeout` is to wait; None: for ever. What ends at the deadline says so."""
        left = self._deadline.left()
        if left <= 0:
            raise late(OVER)
        try:
            yield timeout if math.isinf(left) else min(left, math.inf if timeout is None else timeout)
        except late:
            if self._deadline.left() <= 0:
                raise late(OVER) from None
            raise

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()
