"""Process 1 of every sandbox container: runs commands for the host over its own standard input and output.

Its source is handed to the container's own `python3 -I -S -c`, so it is one file, standard library only, Python 3.8 or
later. It never runs on the host. It and the tenant have the same user id; what keeps the tenant away from it:

* as process 1 of its namespace it cannot be signalled from inside, and `kill -1` passes it over;
* it is not dumpable, so its `/proc/1/fd`, its memory and ptrace are closed to its own user id;
* children get pipes of their own, never its streams (all other descriptors are close-on-exec).

Protocol, strictly one answer to one request: a frame is two big-endian 32-bit lengths, a JSON header and a body.
Whatever goes wrong with the stream ends the process, and with it the container: there is no half-trusted state.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import errno
import json
import os
import select
import signal
import stat
import struct
import sys
import time
from typing import Any

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
KILL_AFTER = 1.0
"""Seconds between the TERM that ends a command at its time limit and the KILL of whatever is left."""
STRAGGLER_GRACE = 0.1
"""Seconds a command's children have to end by themselves after it, before they count as left behind."""
CLEAR_SECONDS = 10.0
CHUNK = 65536
PENDING_INPUT = 1 << 20
LINE_LIMIT = 32 << 20
TENANT_OOM_SCORE = b"900"

Header = dict[str, Any]


class Refused(Exception):
    """An expected failure of one request: (kind, text), answered to the host."""


# --- the stream ----------------------------------------------------------------------------------------------------


class Stream:
    """Frames over descriptors 0 and 1."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def read(self) -> tuple[Header, bytes]:
        head_size, body_size = struct.unpack(">II", self._take(8))
        header: Header = json.loads(self._take(head_size))
        return header, self._take(body_size)

    @property
    def has_more(self) -> bool:
        return bool(self._buffer)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = os.read(0, max(CHUNK, min(size - len(self._buffer), 1 << 20)))
            if not data:
                os._exit(0)  # the host is gone: nothing in here may outlive it
            self._buffer += data
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def write(self, header: Header, body: bytes = b"") -> None:
        head = json.dumps(header).encode()
        data = memoryview(struct.pack(">II", len(head), len(body)) + head + body)
        while data:
            data = data[os.write(1, data) :]


# --- processes -----------------------------------------------------------------------------------------------------


class Children:
    """Every process of the container is a descendant of this one; who is alive is read from /proc, not believed."""

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        """Wait status of the processes we started and have not asked for yet."""
        self.started: set[int] = set()
        self.wake, wake_write = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)

    def spawn(self, argv: list[str], env: dict[str, str], cwd: str, fds: tuple[int, int, int]) -> int:
        """Start a process in a session of its own. Raises OSError as exec does."""
        os.chdir(cwd)
        try:
            program = find_program(argv[0], env)
            actions = [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(fds)]
            # Python ignores these two; a command must see the usual defaults.
            defaults = [signal.SIGPIPE, signal.SIGXFSZ]
            pid = os.posix_spawn(program, argv, env, file_actions=actions, setsid=True, setsigdef=defaults)
        finally:
            os.chdir("/")
        self.started.add(pid)
        # Memory that lies in the work area belongs to no process: without this the kernel might choose us to die.
        with contextlib.suppress(OSError):
            fd = os.open("/proc/%d/oom_score_adj" % pid, os.O_WRONLY)
            try:
                os.write(fd, TENANT_OOM_SCORE)
            finally:
                os.close(fd)
        return pid

    def reap(self) -> bool:
        """Collect what has ended; False when there is no process left besides this one."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid in self.started:
                self.started.discard(pid)
                self.ended[pid] = status

    def alive(self, keep: set[int]) -> list[int]:
        """Live processes except this one and the kept ones with their descendants."""
        parents: dict[int, int] = {}
        for name in os.listdir("/proc"):
            if name.isdigit() and name != "1":
                entry = read_stat(int(name))
                if entry is not None:
                    parents[int(name)] = entry
        return [pid for pid in parents if not descends(pid, parents, keep)]

    def clear(self, keep: set[int]) -> int:
        """Kill all but the kept ones, wherever they fled to; how many had been left alive. Ends us if it cannot."""
        now = time.monotonic()
        grace, patience, end = now + STRAGGLER_GRACE, now + CLEAR_SECONDS / 2, now + CLEAR_SECONDS
        left = 0
        while self.reap():
            alive = self.alive(keep)
            if not alive:
                break
            now = time.monotonic()
            if now > grace:
                left = max(left, len(alive))
                if now > end:
                    os._exit(70)
                # With nobody to keep, one call reaches all at once: not even a fork bomb outruns it.
                self.kill_each(alive) if keep and now < patience else self.kill_all()
            select.select([self.wake], [], [], 0.005)
        return left

    @staticmethod
    def kill_all() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)

    @staticmethod
    def kill_each(pids: list[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def find_program(name: str, env: dict[str, str]) -> str:
    """As the shell finds it: over the command's own PATH, from the working directory."""
    if "/" in name:
        return name
    for directory in env.get("PATH", os.defpath).split(":"):
        path = os.path.join(directory or ".", name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(errno.ENOENT, "command not found", name)


def read_stat(pid: int) -> int | None:
    """The parent of a live process; None for a zombie or one that is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[1])


def descends(pid: int, parents: dict[int, int], roots: set[int]) -> bool:
    for _ in range(len(parents) + 1):
        if pid in roots:
            return True
        if pid not in parents:
            return False
        pid = parents[pid]
    return False


# --- commands ------------------------------------------------------------------------------------------------------


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
        self._seen = self._count()

    def _count(self) -> int:
        if self._fd < 0:
            return 0
        try:
            words = os.pread(self._fd, 4096, 0).split()
        except OSError:
            return 0
        return int(words[words.index(b"oom_kill") + 1]) if b"oom_kill" in words else 0

    def happened(self) -> bool:
        """Since the last question."""
        count = self._count()
        happened, self._seen = count > self._seen, count
        return happened


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


class Supervisor:
    def __init__(self) -> None:
        self.stream = Stream()
        self.children = Children()
        self.memory_kills = MemoryKills()
        self.env: dict[str, str] = {}
        self.channels: dict[int, Channel] = {}
        self.null = os.open("/dev/null", os.O_RDWR)
        self.operations = {
            "setup": self.setup,
            "run": self.run,
            "open": self.open,
            "send": self.send,
            "receive": self.receive,
            "close": self.close,
            "read": self.read,
            "write": self.write,
        }

    def serve(self) -> None:
        self.stream.write({"ready": os.getpid()})
        while True:
            header, body = self.stream.read()
            try:
                answer, data = self.operations[header["op"]](header, body)
            except Refused as refusal:
                answer, data = {"error": refusal.args[0], "text": refusal.args[1]}, b""
            self.stream.write(answer, data)

    def setup(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        self.env = request["env"]
        for path in request["directories"]:
            os.makedirs(path, exist_ok=True)
        return {}, b""

    # --- run: one command from start to end ---

    def run(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        started = time.monotonic()
        output = Output(request["limit"])
        with_input = bool(request.get("input"))
        reader, writer = os.pipe()
        source, sink = os.pipe() if with_input else (os.dup(self.null), -1)
        try:
            pid = self.children.spawn(
                request["argv"], {**self.env, **request["env"]}, request["cwd"], (source, writer, writer)
            )
        except (OSError, ValueError) as error:
            os.close(reader)
            self.discard_input(with_input, sink)
            missing = isinstance(error, FileNotFoundError) and error.filename != request["cwd"]
            text = "%s: %s\n" % (getattr(error, "filename", None) or request["argv"][0], error)
            return {"exit": 127 if missing else 126, "seconds": 0.0}, text.encode("utf-8", "replace")
        finally:
            os.close(source)
            os.close(writer)
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
        count = self.children.clear({channel.pid for channel in self.channels.values()})
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
            [*readers, self.children.wake, *([0] if wants_host else [])],
            [feed.sink] if feed is not None and feed.pending else [],
            [],
            0 if buffered else max(seconds, 0),
        )
        if feed is not None and writable:
            feed.push()
        if 0 in readable or buffered:
            if feed is None or feed.ended:
                os._exit(0)
            feed.pull()

    def discard_input(self, with_input: bool, sink: int) -> None:
        if with_input:
            feed = Feed(self.stream, sink)
            feed.broken = True
            feed.finish()

    # --- channels ---

    def open(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        source, to_process = os.pipe()
        from_process, writer = os.pipe()
        errors = os.open(request["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            pid = self.children.spawn(
                request["argv"], {**self.env, **request["env"]}, request["cwd"], (source, writer, errors)
            )
        except (OSError, ValueError) as error:
            os.close(to_process)
            os.close(from_process)
            raise Refused("spawn", str(error)) from error
        finally:
            for fd in (source, writer, errors):
                os.close(fd)
        self.channels[request["channel"]] = Channel(pid, to_process, from_process)
        return {}, b""

    def send(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        """Write a line; read meanwhile, so that two full pipes cannot hold each other up."""
        channel = self.channel(request)
        data = memoryview(body)
        deadline = time.monotonic() + request["timeout"]
        while data:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                raise Refused("gone", "the process does not read its input")
            readers = [] if channel.ended else [channel.from_process]
            readable, writable, _ = select.select([0, *readers], [channel.to_process], [], seconds)
            if 0 in readable:
                os._exit(0)
            if channel.from_process in readable:
                channel.fill()
            if writable:
                try:
                    data = data[os.write(channel.to_process, data[:4096]) :]
                except OSError as error:
                    raise Refused("gone", "the process has ended") from error
        return {}, b""

    def receive(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        channel = self.channel(request)
        deadline = time.monotonic() + request["timeout"]
        while (line := channel.line()) is None:
            seconds = deadline - time.monotonic()
            if channel.ended or seconds <= 0:
                return {"line": False, "ended": channel.ended}, b""
            self.wait([channel.from_process], None, seconds)
            self.children.reap()
            channel.fill()
        return {"line": True}, line

    def close(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        channel = self.channels.pop(request["channel"], None)
        if channel is not None:
            self.children.kill_each([channel.pid] if channel.pid in self.children.started else [])
            self.children.clear({other.pid for other in self.channels.values()})
            self.children.ended.pop(channel.pid, None)
            channel.close()
        return {}, b""

    def channel(self, request: Header) -> Channel:
        channel = self.channels.get(request["channel"])
        if channel is None:
            raise Refused("gone", "the channel is closed")
        return channel

    # --- files ---

    def read(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        try:
            directory, name = enter(request["root"], os.path.realpath(request["path"]), make=False)
            try:
                fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise refusal_of(error) from error
        with os.fdopen(fd, "rb") as file:
            mode = os.fstat(fd).st_mode
            if stat.S_ISDIR(mode):
                raise Refused("directory", request["path"])
            if not stat.S_ISREG(mode):
                raise Refused("value", "not a regular file")
            data = file.read(request["limit"] + 1)
        if len(data) > request["limit"]:
            raise Refused("value", "larger than the limit of %d bytes" % request["limit"])
        return {}, data

    def write(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        """Create or replace: never through a symbolic link out of the root, never into an existing special file."""
        parent, name = os.path.split(request["path"])
        try:
            directory, name = enter(request["root"], os.path.join(os.path.realpath(parent), name), make=True)
            try:
                replace(directory, name, body)
            finally:
                os.close(directory)
        except OSError as error:
            raise refusal_of(error) from error
        return {}, b""


class Feed:
    """A command's standard input, passed on from the host's `chunk` frames until its `end` frame."""

    def __init__(self, stream: Stream, sink: int) -> None:
        self.stream = stream
        self.sink = sink
        self.pending = bytearray()
        self.ended = False
        self.broken = False
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


def exit_code(status: int) -> int:
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def enter(root: str, path: str, *, make: bool) -> tuple[int, str]:
    """(descriptor of the directory, name) of a path under `root`, walked without following any symbolic link.

    The caller has resolved the links; one that appears since then is a race, and loses.
    """
    base = os.path.realpath(root)
    if not path.startswith(base + "/"):
        raise Refused("value", "outside of %s" % root)
    *parents, name = path[len(base) + 1 :].split("/")
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    directory = os.open(base, flags)
    for part in parents:
        try:
            try:
                child = os.open(part, flags, dir_fd=directory)
            except FileNotFoundError:
                if not make:
                    raise
                os.mkdir(part, 0o755, dir_fd=directory)
                child = os.open(part, flags, dir_fd=directory)
        finally:
            os.close(directory)
        directory = child
    return directory, name


def replace(directory: int, name: str, data: bytes) -> None:
    mode = 0o644
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if stat.S_ISDIR(found):
            raise IsADirectoryError(errno.EISDIR, "is a directory", name)
        if stat.S_ISREG(found):
            mode = stat.S_IMODE(found)
    temporary = ".%s.part" % base64.b32encode(os.urandom(10)).decode().lower()
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            os.fchmod(fd, mode)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise


def refusal_of(error: OSError) -> Refused:
    if isinstance(error, FileNotFoundError):
        return Refused("missing", str(error))
    if isinstance(error, IsADirectoryError):
        return Refused("directory", str(error))
    if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ENXIO):
        return Refused("value", str(error))
    return Refused("system", str(error))


def main() -> None:
    if os.getpid() != 1:
        # Everything above counts on it; on a host, "kill all others" would be a catastrophe.
        sys.exit("the supervisor runs only as process 1 of a container")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("the kernel does not let the supervisor protect itself")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    os.umask(0o022)
    Supervisor().serve()


if __name__ == "__main__":
    main()
