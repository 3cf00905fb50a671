"""Frames: two big-endian 32-bit lengths, a JSON header and a body, over descriptors 0 and 1 or a socket."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

CHUNK = 65536

# Less code than `json.dumps` and `json.loads` run through: what a step finds in cold caches is what it costs.
_encode = json.JSONEncoder(check_circular=False).encode
_decode = json.JSONDecoder().raw_decode

Header = Any
"""A JSON object; what it holds is the business of each operation."""


class Refused(Exception):
    """An expected failure of one request: (kind, text), answered to the host."""


class Stream:
    """Frames over descriptors 0 and 1, until it moved to a socket."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.source = 0
        self._sink = 1

    def move(self, sock: int) -> None:
        """Speak over a connected socket from now on. The descriptor must be close-on-exec, as all but 0 to 2 are."""
        self.source = self._sink = sock

    def read(self) -> tuple[Header, bytes]:
        head_size, body_size = struct.unpack(">II", self._take(8))
        header: Header = _decode(self._take(head_size).decode())[0]
        return header, self._take(body_size)

    @property
    def has_more(self) -> bool:
        return bool(self._buffer)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = os.read(self.source, max(CHUNK, min(size - len(self._buffer), 1 << 20)))
            if not data:
                os._exit(0)  # the host is gone: nothing in here may outlive it
            self._buffer += data
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def write(self, header: Header, body: bytes = b"") -> None:
        head = _encode(header).encode()
        data = memoryview(struct.pack(">II", len(head), len(body)) + head + body)
        while data:
            data = data[os.write(self._sink, data) :]
