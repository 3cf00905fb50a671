"""The end of a call's time, which every read of its connection keeps.

httpx2 limits how long one read may wait, and nothing limits all of them together: an endpoint that sends a byte a
minute, of its answer's head or of its body, would hold a call for ever.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2
import httpx2

_OVER = "the call's time is over"


class Deadline(threading.local):
    """Of the call that a thread is in: a call is read in the thread that made it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.at = math.inf
        self.clock = clock

    def left(self, wait: float | None) -> float | None:
        """Seconds that one may wait who would wait so long; None: for ever."""
        left = self.at - self.clock()
        if math.isinf(left):
            return wait
        return left if wait is None else min(wait, left)


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
        left = self._deadline.left(timeout)
        if left is not None and left <= 0:
            raise httpcore2.ReadTimeout(_OVER)
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._deadline.left(timeout)
        if left is not None and left <= 0:
            raise httpcore2.WriteTimeout(_OVER)
        self._inner.write(buffer, left)

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()
