"""What a command writes, what it is fed, and whether it ran out of memory."""

from __future__ import annotations

import contextlib
import os

from sandbox.supervisor.stream import CHUNK, Stream

PENDING_INPUT = 1 << 20


class Output:
    """The start and the end of what a command wrote; never more than about twice the limit in memory."""

    def __init__(self, limit: int) -> None:
        self._half = max(limit // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def result(self) -> tuple[bytes, bool]:
        kept = len(self._head) + min(len(self._tail), self._half)
        if self.total <= kept:
            return bytes(self._head + self._tail), False
        mark = b"\n[... %d bytes cut ...]\n" % (self.total - kept)
        return bytes(self._head + mark + self._tail[-self._half :]), True


class MemoryKills:
    """How many processes of this container the kernel has killed for want of memory (cgroup v2, else v1)."""

    def __init__(self) -> None:
        self._fd = -1
        for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
            with contextlib.suppress(OSError):
                self._fd = os.open(path, os.O_RDONLY)
                break
        self._read = self._raw()
        self._seen = kills(self._read)

    def _raw(self) -> bytes:
        try:
            return os.pread(self._fd, 4096, 0) if self._fd >= 0 else b""
        except OSError:
            return b""

    def happened(self) -> bool:
        """Since the last question."""
        raw = self._raw()
        if raw == self._read:
            return False
        self._read = raw
        count = kills(raw)
        happened, self._seen = count > self._seen, count
        return happened


def kills(events: bytes) -> int:
    words = events.split()
    return int(words[words.index(b"oom_kill") + 1]) if b"oom_kill" in words else 0


class Feed:
    """A command's standard input, passed on from the host's `chunk` frames until its `end` frame."""

    def __init__(self, stream: Stream, sink: int) -> None:
        self.stream = stream
        self.sink = sink
        self.pending = bytearray()
        self.ended = False
        self.broken = False
        if sink >= 0:
            os.set_blocking(sink, False)

    @property
    def wants_more(self) -> bool:
        return not self.ended and len(self.pending) < PENDING_INPUT

    def pull(self) -> None:
        header, body = self.stream.read()
        self.ended = header["op"] == "end"
        if not self.broken:
            self.pending += body
        self.close_if_done()

    def push(self) -> None:
        try:
            written = os.write(self.sink, self.pending[:CHUNK])
            del self.pending[:written]
        except BlockingIOError:
            return
        except OSError:
            self.broken = True
            self.pending.clear()
        self.close_if_done()

    def close_if_done(self) -> None:
        if self.ended and not self.pending and self.sink >= 0:
            os.close(self.sink)
            self.sink = -1

    def finish(self) -> None:
        """The command is over: take what the host still sends, so that the stream stays in step."""
        self.broken = True
        self.pending.clear()
        while not self.ended:
            self.pull()
        self.close_if_done()


def drain(reader: int, output: Output, *, once: bool) -> bool:
    """Take what is there; False at the end of the stream."""
    while True:
        try:
            data = os.read(reader, CHUNK)
        except BlockingIOError:
            return True
        output.add(data)
        if once or not data:
            return bool(data)
