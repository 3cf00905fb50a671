"""One command from start to end: spawned in a session of its own, followed, cleared away, and all it wrote read."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import time

from sandbox.supervisor.capture import Feed, MemoryKills, Output, drain
from sandbox.supervisor.processes import Children
from sandbox.supervisor.stream import Header, Stream

KILL_AFTER = 1.0
"""Seconds between the TERM that ends a command at its time limit and the KILL of whatever is left."""
IDLE_SECONDS = 0.005
"""Without a request before a shell is made ready for the next one."""
SHELL = ("/bin/bash", "--norc", "--noprofile", "-c")
SPARE_LINE_LIMIT = 4096
_SPARE_SCRIPT = """IFS= read -r -d '' -u 3 __line || exit 0
exec 3<&-
eval "unset __line
$__line"
"""


class Spare:
    """A shell that was started before its command is known, while nobody waits.

    It is used for one command like any other process; starting bash is most of what a short command costs. It reads
    its command line, ended by a NUL, from a pipe of its own.
    """

    def __init__(self, children: Children, env: dict[str, str], cwd: str) -> None:
        self.children = children
        self.cwd = cwd
        self.directory = identity(cwd)
        self.reader, writer = os.pipe()
        source, self.sink = os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        try:
            self.pid = children.spawn([*SHELL, _SPARE_SCRIPT, "bash"], env, cwd, (null, writer, writer, source))
        except (OSError, ValueError):
            os.close(self.reader)
            os.close(self.sink)
            raise
        finally:
            for fd in (source, writer, null):
                os.close(fd)

    def use(self, line: str) -> bool:
        """False where it is gone, or its directory is another by now: then nothing was run."""
        data = line.encode("utf-8", "surrogateescape") + b"\0"
        try:
            return identity(self.cwd) == self.directory and os.write(self.sink, data) == len(data)
        except OSError:
            return False
        finally:
            os.close(self.sink)
            self.sink = -1

    def discard(self) -> None:
        if self.sink >= 0:
            os.close(self.sink)
        os.close(self.reader)
        self.children.end(self.pid)


def identity(path: str) -> tuple[int, int]:
    """Of what stands there now; a path may come to name another directory. Raises OSError."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


class Commands:
    def __init__(self, stream: Stream, children: Children) -> None:
        self.stream = stream
        self.children = children
        self.memory_kills = MemoryKills()
        self.env: dict[str, str] = {}
        self.keep: set[int] = set()
        """Processes that outlive a command: the roots of the line channels."""
        self.spare: Spare | None = None
        self.null = os.open("/dev/null", os.O_RDWR)

    def run(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        started = time.monotonic()
        output = Output(request["limit"])
        sink = -1
        try:
            pid, reader, sink = self.start(request)
        except (OSError, ValueError) as error:
            if request["input"]:
                Feed(self.stream, -1).finish()
            return start_failure(error, request)
        status, timed_out, left = self.follow(pid, reader, sink, output, started + request["timeout"])
        data, truncated = output.result()
        answer = {
            "exit": 124 if timed_out else exit_code(status),
            "timed_out": timed_out,
            "truncated": truncated,
            "left": left,
            "out_of_memory": self.memory_kills.happened(),
            "seconds": time.monotonic() - started,
        }
        return answer, data

    def start(self, request: Header) -> tuple[int, int, int]:
        """(process, what it writes, its input or -1). Raises OSError or ValueError as exec does."""
        spare, self.spare = self.spare, None
        if spare is not None:
            if fits_spare(request) and spare.cwd == request["cwd"] and spare.use(request["line"]):
                return spare.pid, spare.reader, -1
            spare.discard()
        argv = request["argv"] or [*SHELL, request["line"]]
        reader, writer = os.pipe()
        source, sink = os.pipe() if request["input"] else (os.dup(self.null), -1)
        try:
            env = {**self.env, **request["env"]} if request["env"] else self.env
            return self.children.spawn(argv, env, request["cwd"], (source, writer, writer)), reader, sink
        except (OSError, ValueError):
            os.close(reader)
            if sink >= 0:
                os.close(sink)
            raise
        finally:
            os.close(source)
            os.close(writer)

    def prepare(self, request: Header) -> None:
        """After the answer: have a shell ready for another command line in the same directory.

        Not at once: starting it would take the processor from those who carry the answer to the host. A request that
        is here before then is served first.
        """
        if not fits_spare(request) or self.spare is not None or self.stream.has_more:
            return
        if not select.select([self.stream.source], [], [], IDLE_SECONDS)[0]:
            with contextlib.suppress(OSError, ValueError):
                self.spare = Spare(self.children, self.env, request["cwd"])

    def drop_spare(self) -> None:
        if self.spare is not None:
            self.spare.discard()
            self.spare = None

    def follow(self, pid: int, reader: int, sink: int, output: Output, deadline: float) -> tuple[int, bool, int]:
        """Until the command has ended, was cleared away and all it wrote is read: (status, timed out, left)."""
        os.set_blocking(reader, False)
        feed = Feed(self.stream, sink) if sink >= 0 else None
        timed_out = terminated = False
        open_end = True
        while pid not in self.children.ended:
            left = deadline - time.monotonic()
            if left <= 0:
                timed_out = True
                if terminated:
                    self.children.kill_each([pid])
                else:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGTERM)
                terminated, deadline = True, time.monotonic() + KILL_AFTER
                continue
            self.wait([reader] if open_end else [], feed, left)
            open_end = open_end and drain(reader, output, once=True)
            self.children.reap()
        count = self.children.clear(self.keep)
        drain(reader, output, once=False)
        os.close(reader)
        if feed is not None:
            feed.finish()
        return self.children.ended.pop(pid), timed_out, count

    def wait(self, readers: list[int], feed: Feed | None, seconds: float) -> None:
        """Sleep until something happens. Input that no request expects is the host's end of stream: end with it."""
        wants_host = feed is None or feed.wants_more or feed.ended
        buffered = feed is not None and feed.wants_more and self.stream.has_more
        readable, writable, _ = select.select(
            [*readers, self.children.wake, *([self.stream.source] if wants_host else [])],
            [feed.sink] if feed is not None and feed.pending else [],
            [],
            0 if buffered else max(seconds, 0),
        )
        if feed is not None and writable:
            feed.push()
        if self.stream.source in readable or buffered:
            if feed is None or feed.ended:
                os._exit(0)
            feed.pull()


def fits_spare(request: Header) -> bool:
    """A plain command line: its own environment, input, NULs or great length need a process made for them."""
    line = request["line"]
    return (
        bool(line) and not request["env"] and not request["input"] and len(line) < SPARE_LINE_LIMIT and "\0" not in line
    )


def start_failure(error: Exception, request: Header) -> tuple[Header, bytes]:
    """What a shell would have said, with its exit codes: 127 not found, 126 found but not to be run."""
    missing = isinstance(error, FileNotFoundError) and error.filename != request["cwd"]
    text = f"{error}\n"
    if isinstance(error, OSError) and error.errno == errno.E2BIG:
        text = "the command or its environment is too long\n"
    return {"exit": 127 if missing else 126, "seconds": 0.0}, text.encode("utf-8", "replace")


def exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
