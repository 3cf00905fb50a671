"""The HTTP client that both SDKs are given: explicit limits, one endpoint, and no redirect to another.

A silence limit alone does not bound a reply (a stream may send a byte a minute for ever), so a call also has an end: in
seconds (`agents.models.deadline`) and in bytes. Both SDKs stand on httpx2, and its exceptions come through them raw in
places.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx2

from agents.errors import ModelError, ModelRefused, ModelUnavailable
from agents.models.deadline import Deadline, keep, keep_in
from agents.wall import Wall

TRANSPORT_ERRORS = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL)
"""What may leave an SDK untranslated."""
TELEMETRY = (
    *("X-Stainless-Lang", "X-Stainless-Package-Version", "X-Stainless-OS", "X-Stainless-Arch"),
    *("X-Stainless-Runtime", "X-Stainless-Runtime-Version", "X-Stainless-Async"),
    *("X-Stainless-Retry-Count", "X-Stainless-Timeout", "X-Stainless-Read-Timeout"),
)
"""What both SDKs would tell every endpoint about the machine they run on."""
_REST_SECONDS = 0.1
_REST_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds, and the bytes of one response."""

    connect: float = 10.0
    silence: float = 180.0
    """Between two pieces of a response; a model may think this long before its first one."""
    whole: float = 900.0
    """From the request to the response's end."""
    response_bytes: int = 64 << 20


class _Bounded(httpx2.SyncByteStream):
    """A response's body that ends with an error where it goes over its time or size, or is compressed, and that is read
    to its end. Of a compressed complaint the status counts, and no body is seen.

    The SDKs close a stream at its last event, before the end of the body: with that the connection would be lost, and
    each call pay for a new one. So the rest is taken first, which is there already or comes at once.
    """

    def __init__(
        self, inner: httpx2.SyncByteStream, limits: Timeouts, deadline: Deadline, *, is_compressed: bool, is_error: bool
    ) -> None:
        self._inner = inner
        self._is_compressed, self._is_error = is_compressed, is_error
        self._limits = limits
        self._deadline = deadline
        self._end = deadline.at
        self._pieces: Iterator[bytes] | None = None
        """Begun, and not ended or broken."""

    def __iter__(self) -> Iterator[bytes]:
        if self._is_compressed and self._is_error:
            return
        if self._is_compressed:
            raise httpx2.DecodingError("the response is compressed, which was not asked for")
        size = 0
        for piece in self._read():
            size += len(piece)
            if size > self._limits.response_bytes:
                self._pieces = None
                raise httpx2.ReadError(f"the response is larger than {self._limits.response_bytes} bytes")
            yield piece

    def _read(self) -> Iterator[bytes]:
        self._pieces = pieces = iter(self._inner)
        try:
            while True:
                self._deadline.at = self._end  # another call of this thread may have set its own meanwhile
                piece = next(pieces, None)
                if piece is None:
                    return
                yield piece
        finally:
            self._pieces = None

    def close(self) -> None:
        try:
            if self._pieces is not None:
                self._deadline.at = min(self._end, self._deadline.clock() + _REST_SECONDS)
                with contextlib.suppress(*TRANSPORT_ERRORS):
                    _take(self._pieces, _REST_BYTES)
        finally:
            self._inner.close()


def _take(pieces: Iterator[bytes], most: int) -> None:
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            return


class HostRefused(httpx2.TransportError):
    """A connection was not made, because it would have led elsewhere than it may."""


class _Walled(httpx2.BaseTransport):
    """Connects to addresses of the house only, each looked up and judged right before the request."""

    def __init__(self, wall: Wall, deadline: Deadline) -> None:
        self._wall, self._inner = wall, httpx2.HTTPTransport()
        keep_in(self._inner, deadline)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        found = _addresses(host, request.url.port)
        admitted = self._wall.admitted(host, found)
        if not admitted:
            reason = f"{host} is not known as self-hosted, so nothing of this repository is sent there"
            raise HostRefused(reason + self._wall.told)
        failure: httpx2.ConnectError | None = None
        for address in admitted:
            try:
                return self._inner.handle_request(_to(address, request))
            except httpx2.ConnectError as error:
                failure = error
        raise failure or httpx2.ConnectError(f"{host} has no address")

    def close(self) -> None:
        self._inner.close()


def _to(address: str, request: httpx2.Request) -> httpx2.Request:
    """The request on its way to the judged address, not to the name again; the certificate must still be the name's."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address.partition("%")[0]),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def _addresses(host: str, port: int | None) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpx2.ConnectError(f"the name {host} cannot be looked up: {error}") from None
    return [str(address[0]) for *_, address in found]


def http_client(
    endpoint: str, wall: Wall, limits: Timeouts, *, clock: Callable[[], float] = time.monotonic
) -> httpx2.Client:
    """The one maker of connections to models: to the endpoint's own origin, and, behind a wall, to the house only.

    Certificate authorities are the environment's, as companies need it. So are proxies, but for behind a wall: there
    the environment decides nothing about where a connection goes.
    """
    origin = _origin(httpx2.URL(endpoint))

    def hold_to_origin(request: httpx2.Request) -> None:
        if _origin(request.url) != origin:
            raise HostRefused(f"the request would have gone to {request.url.host}, which is not the model's endpoint")

    deadline = Deadline(clock)

    def begin(request: httpx2.Request) -> None:
        hold_to_origin(request)
        deadline.at = clock() + limits.whole

    def bound(response: httpx2.Response) -> None:
        if isinstance(response.stream, httpx2.SyncByteStream):
            encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
            compressed = encoding not in ("", "identity")
            response.stream = _Bounded(
                response.stream, limits, deadline, is_compressed=compressed, is_error=response.is_error
            )

    client = httpx2.Client(
        timeout=httpx2.Timeout(limits.silence, connect=limits.connect),
        follow_redirects=False,
        # What is compressed is not taken: a few megabytes, counted as they come, can unfold to gigabytes.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [begin], "response": [bound]},
        # A transport of one's own knows no proxy; without `trust_env` no `.netrc` is read either.
        transport=_Walled(wall, deadline) if wall.self_hosted_only else None,
        trust_env=not wall.self_hosted_only,
    )
    keep(client, deadline)
    return client


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def not_connected(model: str, error: BaseException) -> ModelError:
    """What it means that a call failed before an answer began, however deep an SDK has wrapped the cause."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, HostRefused):
            found: ModelError = ModelRefused(f"{model}: {cause}")
            break
    else:
        found = ModelUnavailable(f"{model}: no connection to the endpoint ({type(error).__name__})")
    # A request that may have arrived may be charged, whatever became of its answer.
    found.unpaid = any(isinstance(cause, _NEVER_SENT) for cause in causes)
    return found


_NEVER_SENT = (HostRefused, httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
