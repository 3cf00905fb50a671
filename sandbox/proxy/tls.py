"""The name in a TLS client's first message. Pure.

A tunnel to an allowed name is only that if TLS inside asks for the same name: else a host that serves many customers
would carry a build's words to any of them.
"""

from __future__ import annotations

HELLO_LIMIT = 64 << 10
_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0


def server_name(data: bytes) -> str | None:
    """The name that the client asks for, in lower case; empty where it names none; None: more bytes are needed.

    Raises ValueError where `data` is no beginning of TLS. RFC 8446, 4.1.2 and 5.1; RFC 6066, 3.
    """
    hello = _handshake(data)
    if hello is None:
        return None
    body = _Reader(hello)
    body.skip(2 + 32)
    body.vector(1)
    body.vector(2)
    body.vector(1)
    if body.at_end:
        return ""
    extensions = _Reader(body.vector(2))
    while not extensions.at_end:
        kind = extensions.number(2)
        extension = extensions.vector(2)
        if kind == _SERVER_NAME:
            return _host_name(_Reader(_Reader(extension).vector(2)))
    return ""


def _host_name(names: _Reader) -> str:
    while not names.at_end:
        kind = names.number(1)
        name = names.vector(2)
        if kind == _HOST_NAME:
            return name.decode("ascii").lower()
    return ""


def _handshake(data: bytes) -> bytes | None:
    """The client's hello without its head, out of one or several records; None: it is not whole yet."""
    message = b""
    at = 0
    while at < len(data):
        if data[at] != _HANDSHAKE or (len(data) > at + 1 and data[at + 1] != 3):
            raise ValueError("not TLS")
        if len(data) < at + 5:
            return None
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if not 0 < size <= 1 << 14:
            raise ValueError("not a TLS record")
        message += data[at + 5 : at + 5 + size]
        at += 5 + size
        if message and message[0] != _CLIENT_HELLO:
            raise ValueError("not a TLS client's hello")
        if len(message) >= 4:
            whole = int.from_bytes(message[1:4], "big")
            if whole > HELLO_LIMIT:
                raise ValueError("an oversized hello")
            if len(message) >= 4 + whole:
                return message[4 : 4 + whole]
    return None


class _Reader:
    """Reads what must be there. Raises ValueError where it is not."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._data)

    def skip(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise ValueError("a hello that ends early")
        self._at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.skip(size), "big")

    def vector(self, size: int) -> bytes:
        return self.skip(self.number(size))
