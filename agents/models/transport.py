"""The HTTP client that both SDKs are given: explicit limits, and no redirect to another host.

A silence limit alone does not bound a reply (a stream may send a byte a minute for ever), so a response also has an
end: in seconds and in bytes. Both SDKs stand on httpx2, and its exceptions come through them raw in places.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx2

TRANSPORT_ERRORS = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL)
"""What may leave an SDK untranslated."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds, and the bytes of one response."""

    connect: float = 10.0
    silence: float = 180.0
    """Between two pieces of a response; a model may think this long before its first one."""
    whole: float = 900.0
    """From the head of a response to its end."""
    response_bytes: int = 64 << 20


class _Bounded(httpx2.SyncByteStream):
    """A response's body that ends with an error where it goes over its time or size."""

    def __init__(self, inner: httpx2.SyncByteStream, limits: Timeouts, clock: Callable[[], float]) -> None:
        self._inner = inner
        self._limits = limits
        self._clock = clock
        self._end = clock() + limits.whole

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._inner:
            size += len(piece)
            if size > self._limits.response_bytes:
                raise httpx2.ReadError(f"the response is larger than {self._limits.response_bytes} bytes")
            if self._clock() > self._end:
                raise httpx2.ReadTimeout(f"the response did not end within {self._limits.whole:g} s")
            yield piece

    def close(self) -> None:
        self._inner.close()


def http_client(limits: Timeouts, *, clock: Callable[[], float] = time.monotonic) -> httpx2.Client:
    """Proxies and certificate authorities are the environment's, as companies need it."""

    def bound(response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, limits, clock)

    return httpx2.Client(
        timeout=httpx2.Timeout(limits.silence, connect=limits.connect),
        follow_redirects=False,
        event_hooks={"response": [bound]},
    )
