"""A call's whole time holds wherever its endpoint is slow: in the head, in the body, behind a proxy."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx2
import pytest

from agents.models.transport import Timeouts, http_client
from agents.wall import OPEN, Wall

WHOLE = 0.6
LIMITS = Timeouts(connect=20, silence=20, whole=WHOLE, response_bytes=1 << 20)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_LONG = 15.0
"""Far over the whole time, and below the silence that httpx2 by itself would wait for."""


@contextlib.contextmanager
def dripping(at_once: bytes, then: bytes) -> Iterator[str]:
    """A server that sends the first bytes at once and then the others each twentieth of a second, for `TOO_LONG`."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(at_once)
            end = time.monotonic() + TOO_LONG
            while not over.wait(0.05) and time.monotonic() < end:
                connection.sendall(then)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()


def taken(url: str, wall: Wall = OPEN) -> float:
    """Seconds until the call was given up."""
    client = http_client(url, wall, LIMITS)
    started = time.monotonic()
    try:
        with pytest.raises(httpx2.TimeoutException):
            client.get(url)
        return time.monotonic() - started
    finally:
        client.close()


@pytest.mark.parametrize("wall", [OPEN, Wall(self_hosted_only=True)], ids=["open", "walled"])
@pytest.mark.parametrize(
    ("at_once", "then"),
    [(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y"), (HEAD, b"1\r\ny\r\n")],
    ids=["head", "body"],
)
def test_an_endpoint_that_drips_is_left_at_the_end_of_the_calls_time(at_once: bytes, then: bytes, wall: Wall) -> None:
    with dripping(at_once, then) as url:
        assert WHOLE * 0.9 < taken(url, wall) < TOO_LONG


def test_a_proxy_that_drips_is_left_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert WHOLE * 0.9 < taken("http://model.example:9/v1") < TOO_LONG


def test_an_endpoint_that_takes_nothing_is_left_too() -> None:
    """Its buffers are full, and it reads no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = http_client(url, OPEN, LIMITS)
        started = time.monotonic()
        with pytest.raises(httpx2.TimeoutException):
            client.post(url, content=b"x" * (64 << 20))
        assert time.monotonic() - started < TOO_LONG
        client.close()


def test_each_call_has_its_own_time() -> None:
    once = HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"1\r\ny\r\n0\r\n\r\n"
    with dripping(once, b"") as url:
        client = http_client(url, OPEN, LIMITS)
        for _ in range(2):
            assert client.get(url).text == "y"
            time.sleep(WHOLE)
        client.close()
