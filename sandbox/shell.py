"""The host's end of the warm shell: requests to the container's supervisor over one stream.

That is the engine's attach stream at first. Where a `Rendezvous` is mounted, the supervisor changes to a socket of its
own before anything else, because the engine's way costs more than a short command; where it cannot, nothing changes.
A shell belongs to one container and to one thread at a time. After any trouble with the stream it is lost for good:
every later call raises `ContainerLost`, and its container is to be discarded.
"""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import ContainerLost, SandboxError, SetupError
from sandbox.frames import BODY_LIMIT, AttachStream, Frames, SocketStream, Transport
from sandbox.layout import MEETING
from sandbox.rendezvous import Rendezvous
from sandbox.types import ExecResult

_SUPERVISOR = Path(__file__).with_name("supervisor")
_MODULES = ("stream", "processes", "capture", "commands", "channels", "files", "serve")
"""In the order of their imports."""
_BOOT = """
import json, sys, types
for name in ("sandbox", "sandbox.supervisor"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = []
for name, source in json.loads(sys.argv[1]):
    name = "sandbox.supervisor." + name
    sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), sys.modules[name].__dict__)
sys.modules["sandbox.supervisor.serve"].main()
"""
"""What the container's first process is started with: it makes modules of their sources, nothing is installed."""

GUARD_SECONDS = 30.0
"""How much later than a command's own time limit the host gives the container up."""
START_SECONDS = 60.0
FILE_SECONDS = 120.0
MEETING_SECONDS = 2.0
"""For the supervisor to connect: it either works at once or not at all."""
_LAST_WORDS_SECONDS = 0.5
_CHUNK = 1 << 16

_log = logging.getLogger("redgreen.sandbox")


@dataclass(frozen=True, kw_only=True)
class Newest:
    """When any entry of a tree was last changed, and how many there are: while that is the same, nothing changed."""

    changed: int
    """Nanoseconds, by a clock that no tenant sets."""
    count: int
    settled: bool
    """Whatever changes after this was seen is younger; else it may be of the same tick of that clock."""


def supervisor_command() -> tuple[str, ...]:
    """The container's entry point. `python3` is found over the container's own PATH, which holds system paths only."""
    sources = [(name, (_SUPERVISOR / f"{name}.py").read_text(encoding="utf-8")) for name in _MODULES]
    return ("python3", "-I", "-S", "-c", _BOOT, json.dumps(sources))


class Shell:
    """Commands, files and line channels in one container."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        output_limit: int,
        discard: Callable[[], None],
        guard_seconds: float = GUARD_SECONDS,
    ) -> None:
        """`discard` ends the container; it is called once, when the stream is given up."""
        self._guard = guard_seconds
        self._attach = AttachStream(sock)
        self._frames = Frames(self._attach)
        self.transport = Transport.ATTACH
        self._output_limit = output_limit
        self._discard = discard
        self._lost = ""
        self._channels = 0
        self._socket: SocketStream | None = None

    def start(
        self, *, env: Mapping[str, str], directories: Sequence[str], rendezvous: Rendezvous | None = None
    ) -> None:
        """Wait for the supervisor and tell it the commands' environment. Raises `SetupError`, `ContainerLost`.

        `rendezvous` is mounted in the container; which `transport` came of it is seen afterwards.
        """
        header, _ = self._answer(time.monotonic() + START_SECONDS)
        if header.get("ready") != 1:
            self._give_up("the supervisor is not the container's first process")
            raise SetupError("The sandbox's supervisor is not the container's first process.")
        if rendezvous is not None:
            self._meet(rendezvous)
        self._ask({"op": "setup", "env": dict(env), "directories": list(directories)}, seconds=FILE_SECONDS)

    def run(
        self,
        command: str | Sequence[str],
        *,
        timeout: float,
        cwd: str,
        env: Mapping[str, str],
        stdin: Iterable[bytes] | None = None,
    ) -> ExecResult:
        """A command line for bash, or an argument list, in a session of its own; none of its processes is left after.

        Without `stdin` its standard input is empty. Raises `ContainerLost`.
        """
        if not isinstance(command, str) and not command:
            raise ValueError("an empty argument list is no command")
        request = {
            "op": "run",
            "line": command if isinstance(command, str) else "",
            "argv": [] if isinstance(command, str) else list(command),
            "cwd": cwd,
            "env": dict(env),
            "timeout": timeout,
            "limit": self._output_limit,
            "input": stdin is not None,
        }
        header, body = self._ask(request, seconds=timeout + self._guard, chunks=stdin)
        return ExecResult(
            exit_code=int(header["exit"]),
            output=body.decode("utf-8", "replace"),
            seconds=float(header["seconds"]),
            timed_out=bool(header.get("timed_out")),
            truncated=bool(header.get("truncated")),
            left_processes=int(header.get("left", 0)),
            out_of_memory=bool(header.get("out_of_memory")),
        )

    def read(self, path: str, *, root: str, limit: int) -> bytes:
        """Raises FileNotFoundError, IsADirectoryError, ValueError (outside of `root`, special, too large)."""
        request = {"op": "read", "path": path, "root": root, "limit": limit}
        return self._ask(request, seconds=FILE_SECONDS)[1]

    def write(self, path: str, data: bytes, *, root: str) -> None:
        """Raises IsADirectoryError, ValueError (outside of `root`); `SetupError` where the disk is full."""
        if len(data) > BODY_LIMIT:
            raise ValueError(f"{path}: larger than {BODY_LIMIT} bytes")
        self._ask({"op": "write", "path": path, "root": root}, data, seconds=FILE_SECONDS)

    def newest(self, root: str, *, skip: str, most: int) -> Newest | None:
        """None where there are more than `most` entries, or some cannot be seen.

        Raises `ContainerLost`.
        """
        request = {"op": "newest", "root": root, "skip": skip, "most": most}
        try:
            header, _ = self._ask(request, seconds=FILE_SECONDS)
        except (ValueError, OSError, SetupError):
            return None
        return Newest(changed=int(header["latest"]), count=int(header["count"]), settled=bool(header["settled"]))

    def open_lines(self, argv: Sequence[str], *, cwd: str, env: Mapping[str, str], errors: str) -> LineChannel:
        """A process to speak to; its standard error goes to the file `errors` inside."""
        self._channels += 1
        channel = self._channels
        request = {"op": "open", "channel": channel, "argv": list(argv), "cwd": cwd, "env": dict(env), "errors": errors}
        self._ask(request, seconds=FILE_SECONDS)
        return LineChannel(self, channel)

    def channel_request(self, header: dict[str, Any], body: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        return self._ask(header, body, seconds=seconds)

    @property
    def is_lost(self) -> bool:
        return bool(self._lost)

    def close(self) -> None:
        """Let go of the socket; the attach stream is the container's. Never raises."""
        if self._socket is not None:
            self._socket.close()

    # --- the stream ----------------------------------------------------------------------------------------------

    def _ask(
        self, header: dict[str, Any], body: bytes = b"", *, seconds: float, chunks: Iterable[bytes] | None = None
    ) -> tuple[dict[str, Any], bytes]:
        if self._lost:
            raise ContainerLost(f"The sandbox's container is gone: {self._lost}")
        deadline = time.monotonic() + seconds
        self._send(header, body, seconds)
        if chunks is not None:
            self._send_chunks(chunks, deadline)
        answer, data = self._answer(deadline)
        if "error" in answer:
            raise _refusal(str(answer["error"]), str(answer.get("text", "")))
        return answer, data

    def _meet(self, rendezvous: Rendezvous) -> None:
        """Change to the socket, if the supervisor can reach it. Raises `ContainerLost` where it is half done."""
        request = {"op": "meet", "path": f"{MEETING}/{rendezvous.SOCKET}", "nonce": rendezvous.nonce}
        try:
            self._ask({**request, "seconds": MEETING_SECONDS}, seconds=FILE_SECONDS)
        except SetupError as error:
            _log.debug("warm shell: stays on the attach stream: %s", error)
            return
        try:
            self._socket = SocketStream(rendezvous.accept(MEETING_SECONDS))
        except OSError as error:
            raise self._give_up(f"its socket did not come about ({error})") from error
        self._frames = Frames(self._socket)
        self.transport = Transport.SOCKET
        _log.debug("warm shell: over a socket of its own")

    def _send_chunks(self, chunks: Iterable[bytes], deadline: float) -> None:
        try:
            for chunk in chunks:
                for at in range(0, len(chunk), _CHUNK):
                    self._send({"op": "chunk"}, chunk[at : at + _CHUNK], deadline - time.monotonic())
        except BaseException:
            # Half an input was sent: nothing that follows could be told from its rest.
            self._give_up("its input could not be produced")
            raise
        self._send({"op": "end"}, b"", deadline - time.monotonic())

    def _send(self, header: dict[str, Any], body: bytes, seconds: float) -> None:
        try:
            self._frames.send(header, body, max(seconds, 0.001))
        except OSError as error:
            raise self._give_up(f"its input stream broke ({error})") from error

    def _answer(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        try:
            return self._frames.receive(deadline)
        except TimeoutError as error:
            raise self._give_up("it did not answer within the time limit and its grace") from error
        except (OSError, EOFError) as error:
            raise self._give_up(f"its stream ended ({error})") from error
        except ValueError as error:
            raise self._give_up(f"its stream is not the supervisor's ({error})") from error

    def _give_up(self, why: str) -> ContainerLost:
        if not self._lost:
            # Beside a socket nobody has read the attach stream yet; its end comes by another way, so a little later.
            said = self._attach.last_words(_LAST_WORDS_SECONDS if self.transport is Transport.SOCKET else 0)
            self._lost = why + (f"; it said: {said[-500:]}" if said else "")
            self._discard()
        return ContainerLost(f"The sandbox's container is gone: {self._lost}")


class LineChannel:
    """A process in the container that is spoken to line by line; structurally `agents.protocols.Lines`."""

    def __init__(self, shell: Shell, channel: int) -> None:
        self._shell = shell
        self._channel = channel
        self._closed = False

    def send(self, line: str) -> None:
        """Raises `ContainerLost` when the process is gone or does not read; ValueError for more than one line."""
        if "\n" in line:
            raise ValueError("a line holds no newline")
        request = {"op": "send", "channel": self._channel, "timeout": FILE_SECONDS}
        body = line.encode("utf-8", "replace") + b"\n"
        self._shell.channel_request(request, body, FILE_SECONDS + GUARD_SECONDS)

    def receive(self, timeout: float) -> str | None:
        request = {"op": "receive", "channel": self._channel, "timeout": timeout}
        answer, data = self._shell.channel_request(request, b"", timeout + GUARD_SECONDS)
        return data.decode("utf-8", "replace") if answer["line"] else None

    def close(self) -> None:
        if self._closed or self._shell.is_lost:
            return
        self._closed = True
        try:
            self._shell.channel_request({"op": "close", "channel": self._channel}, b"", FILE_SECONDS)
        except SandboxError:
            return  # the container is gone, and the process with it


def _refusal(kind: str, text: str) -> Exception:
    """What the supervisor's refusals are to the caller."""
    match kind:
        case "missing":
            return FileNotFoundError(text)
        case "directory":
            return IsADirectoryError(text)
        case "value":
            return ValueError(text)
        case "gone":
            return ContainerLost(f"The process in the sandbox is gone: {text}")
        case _:
            return SetupError(f"The sandbox could not do it: {text}")
