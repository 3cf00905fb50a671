"""Frames between host and supervisor, over the engine's attach stream or a socket of their own."""

from __future__ import annotations

import json
import socket
import struct
import time
from enum import StrEnum
from typing import Any

BODY_LIMIT = 1 << 30
_HEAD_LIMIT = 1 << 20
_STDERR_KEPT = 4096
_CHUNK = 1 << 16

_DOCKER_HEAD = struct.Struct(">BxxxI")
_FRAME_HEAD = struct.Struct(">II")
_STDOUT = 1

# A step finds the processor's caches cold, so what code it runs through counts more than how long that takes when
# repeated: `json.dumps` and `json.loads` cost 70 microseconds more than these, on each side.
_encode = json.JSONEncoder(check_circular=False).encode
_decode = json.JSONDecoder().raw_decode


class Transport(StrEnum):
    """What carries the frames of a shell."""

    ATTACH = "attach"
    """The container's standard streams, through the engine: works with every engine."""
    SOCKET = "socket"
    """A Unix socket between supervisor and host: local engines only."""


class AttachStream:
    """The engine's stream, which cuts standard output and error into pieces of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._raw = bytearray()
        self.stderr = bytearray()

    def send(self, data: bytes, seconds: float) -> None:
        self._socket.settimeout(seconds)
        self._socket.sendall(data)

    def receive(self, seconds: float) -> bytes:
        """Some bytes of standard output, perhaps none. Raises OSError, EOFError."""
        self._socket.settimeout(seconds)
        data = self._socket.recv(_CHUNK)
        if not data:
            raise EOFError("the stream ended")
        self._raw += data
        output = bytearray()
        at = 0
        while len(self._raw) - at >= _DOCKER_HEAD.size:
            kind, size = _DOCKER_HEAD.unpack_from(self._raw, at)
            end = at + _DOCKER_HEAD.size + size
            if len(self._raw) < end:
                break
            piece = self._raw[at + _DOCKER_HEAD.size : end]
            if kind == _STDOUT:
                output += piece
            else:
                self.stderr = (self.stderr + piece)[-_STDERR_KEPT:]
            at = end
        del self._raw[:at]
        return bytes(output)

    def last_words(self, seconds: float) -> str:
        """What the supervisor wrote to standard error; waits for the stream's end. Standard output is lost."""
        deadline = time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.receive(left)
        except (OSError, EOFError):
            pass
        return self.stderr.decode("utf-8", "replace").strip()


class SocketStream:
    """A connection that carries nothing but frames."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def send(self, data: bytes, seconds: float) -> None:
        self._socket.settimeout(seconds)
        self._socket.sendall(data)

    def receive(self, seconds: float) -> bytes:
        """Raises OSError, EOFError."""
        self._socket.settimeout(seconds)
        data = self._socket.recv(_CHUNK)
        if not data:
            raise EOFError("the stream ended")
        return data

    def close(self) -> None:
        self._socket.close()


class Frames:
    """Two big-endian 32-bit lengths, a JSON header and a body: the same in both directions."""

    def __init__(self, stream: AttachStream | SocketStream) -> None:
        self._stream = stream
        self._output = bytearray()

    def send(self, header: dict[str, Any], body: bytes, seconds: float) -> None:
        """Raises OSError."""
        head = _encode(header).encode()
        self._stream.send(_FRAME_HEAD.pack(len(head), len(body)) + head + body, seconds)

    def receive(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        """Raises OSError (TimeoutError at the deadline), EOFError at the end, ValueError for what is no frame."""
        head_size, body_size = _FRAME_HEAD.unpack(self._take(_FRAME_HEAD.size, deadline))
        if head_size > _HEAD_LIMIT or body_size > BODY_LIMIT:
            raise ValueError("a frame of impossible size")
        text = self._take(head_size, deadline).decode()
        header, end = _decode(text)
        if not isinstance(header, dict) or end != len(text):
            raise ValueError("a frame without a header")
        return header, self._take(body_size, deadline)

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._output) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time")
            self._output += self._stream.receive(left)
        taken = bytes(self._output[:size])
        del self._output[:size]
        return taken
