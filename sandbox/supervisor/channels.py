"""A process that is spoken to line by line."""

from __future__ import annotations

import os

from sandbox.supervisor.stream import CHUNK

LINE_LIMIT = 32 << 20


class Channel:
    """A process that is spoken to line by line."""

    def __init__(self, pid: int, to_process: int, from_process: int) -> None:
        self.pid = pid
        self.to_process = to_process
        self.from_process = from_process
        self.buffer = bytearray()
        self.scanned = 0
        self.ended = False
        os.set_blocking(to_process, False)
        os.set_blocking(from_process, False)

    def line(self) -> bytes | None:
        """A complete line that is here already, without its newline; at the end also an incomplete one."""
        at = self.buffer.find(b"\n", self.scanned)
        if at < 0:
            self.scanned = len(self.buffer)
            if not self.ended or not self.buffer:
                return None
            at = len(self.buffer)
        line = bytes(self.buffer[:at])
        del self.buffer[: at + 1]
        self.scanned = 0
        return line

    def fill(self) -> None:
        try:
            data = os.read(self.from_process, CHUNK)
        except BlockingIOError:
            return
        self.buffer += data
        self.ended = not data or len(self.buffer) > LINE_LIMIT

    def close(self) -> None:
        os.close(self.to_process)
        os.close(self.from_process)
