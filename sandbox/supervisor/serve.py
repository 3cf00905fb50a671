"""The operations, and the loop that answers one request after the other."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import time

from sandbox.supervisor.channels import Channel
from sandbox.supervisor.commands import Commands, fits_spare
from sandbox.supervisor.files import contents, enter, newest, refusal_of, replace
from sandbox.supervisor.processes import Children
from sandbox.supervisor.stream import Header, Refused, Stream

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36


class Supervisor:
    def __init__(self) -> None:
        self.stream = Stream()
        self.children = Children()
        self.commands = Commands(self.stream, self.children)
        self.channels: dict[int, Channel] = {}
        self.met: socket.socket | None = None
        """Connected, to be used from the next request on."""
        self.operations = {
            "meet": self.meet,
            "setup": self.setup,
            "run": self.commands.run,
            "open": self.open,
            "send": self.send,
            "receive": self.receive,
            "close": self.close,
            "read": self.read,
            "write": self.write,
            "newest": self.newest,
        }
        self.line: Header = None
        """The last command line that a spare shell could have run."""

    def serve(self) -> None:
        self.stream.write({"ready": os.getpid()})
        while True:
            header, body = self.stream.read()
            try:
                answer, data = self.operations[header["op"]](header, body)
            except Refused as refusal:
                answer, data = {"error": refusal.args[0], "text": refusal.args[1]}, b""
            self.stream.write(answer, data)
            if self.met is not None:
                self.stream.move(self.met.detach())
                self.met = None
            if header["op"] == "run" and fits_spare(header):
                self.line = header
            if header["op"] in ("run", "newest") and self.line is not None:
                self.commands.prepare(self.line)

    def meet(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        """Connect to the host's socket. It asks for this before it asks for any command, so nobody is here but us."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(request["seconds"])
            sock.connect(request["path"])
            sock.sendall(request["nonce"].encode())
            sock.settimeout(None)
        except OSError as error:
            sock.close()
            raise Refused("meet", str(error)) from error
        self.met = sock
        return {}, b""

    def setup(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        self.commands.env = request["env"]
        for path in request["directories"]:
            os.makedirs(path, exist_ok=True)
        return {}, b""

    # --- channels ---

    def open(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        source, to_process = os.pipe()
        from_process, writer = os.pipe()
        errors = os.open(request["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            pid = self.children.spawn(
                request["argv"], {**self.commands.env, **request["env"]}, request["cwd"], (source, writer, errors)
            )
        except (OSError, ValueError) as error:
            os.close(to_process)
            os.close(from_process)
            raise Refused("spawn", str(error)) from error
        finally:
            for fd in (source, writer, errors):
                os.close(fd)
        self.channels[request["channel"]] = Channel(pid, to_process, from_process)
        self.commands.keep.add(pid)
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
            readable, writable, _ = select.select([self.stream.source, *readers], [channel.to_process], [], seconds)
            if self.stream.source in readable:
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
            self.commands.wait([channel.from_process], None, seconds)
            self.children.reap()
            channel.fill()
        return {"line": True}, line

    def close(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        channel = self.channels.pop(request["channel"], None)
        if channel is not None:
            self.commands.keep.discard(channel.pid)
            self.commands.drop_spare()
            self.children.end(channel.pid)
            self.children.clear(self.commands.keep)
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
            return {}, contents(request["root"], request["path"], request["limit"])
        except OSError as error:
            raise refusal_of(error) from error

    def newest(self, request: Header, body: bytes) -> tuple[Header, bytes]:
        try:
            latest, count, settled = newest(request["root"], request["skip"], request["most"])
        except OSError as error:
            raise refusal_of(error) from error
        return {"latest": latest, "count": count, "settled": settled}, b""

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
