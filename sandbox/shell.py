"""The host's end of the warm shell: requests to the container's supervisor over one attached stream.

A shell belongs to one container and to one thread at a time. After any trouble with the stream it is lost for good:
every later call raises `ContainerLost`, and its container is to be discarded.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.errors import ContainerLost, SandboxError, SetupError
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
_BODY_LIMIT = 1 << 30
_HEAD_LIMIT = 1 << 20
_STDERR_KEPT = 4096
_CHUNK = 1 << 16

_DOCKER_HEAD = struct.Struct(">BxxxI")
_FRAME_HEAD = struct.Struct(">II")
_STDOUT = 1


def supervisor_command() -> tuple[str, ...]:
    """The container's entry point. `python3` is found over the container's own PATH, which holds system paths only."""
    sources = [(name, (_SUPERVISOR / f"{name}.py").read_text(encoding="utf-8")) for name in _MODULES]
    return ("python3", "-I", "-S", "-c", _BOOT, json.dumps(sources))


class _Frames:
    """Frames over the engine's attach stream, which cuts standard output and error into pieces of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._raw = bytearray()
        self._output = bytearray()
        self.stderr = bytearray()

    def send(self, data: bytes, seconds: float) -> None:
        self._socket.settimeout(seconds)
        self._socket.sendall(data)

    def receive(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        """Raises OSError (TimeoutError at the deadline, EOFError at the end), ValueError for what is no frame."""
        head_size, body_size = _FRAME_HEAD.unpack(self._take(_FRAME_HEAD.size, deadline))
        if head_size > _HEAD_LIMIT or body_size > _BODY_LIMIT:
            raise ValueError("a frame of impossible size")
        header = json.loads(self._take(head_size, deadline))
        if not isinstance(header, dict):
            raise ValueError("a frame without a header")
        return header, self._take(body_size, deadline)

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._output) < size:
            self._fill(deadline)
        taken = bytes(self._output[:size])
        del self._output[:size]
        return taken

    def _fill(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self._socket.settimeout(left)
        data = self._socket.recv(_CHUNK)
        if not data:
            raise EOFError("the stream ended")
        self._raw += data
        at = 0
        while len(self._raw) - at >= _DOCKER_HEAD.size:
            kind, size = _DOCKER_HEAD.unpack_from(self._raw, at)
            end = at + _DOCKER_HEAD.size + size
            if len(self._raw) < end:
                break
            piece = self._raw[at + _DOCKER_HEAD.size : end]
            if kind == _STDOUT:
                self._output += piece
            else:
                self.stderr = (self.stderr + piece)[-_STDERR_KEPT:]
            at = end
        del self._raw[:at]


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
        self._frames = _Frames(sock)
        self._output_limit = output_limit
        self._discard = discard
        self._lost = ""
        self._channels = 0

    def start(self, *, env: Mapping[str, str], directories: Sequence[str]) -> None:
        """Wait for the supervisor and tell it the commands' environment. Raises `SetupError`, `ContainerLost`."""
        header, _ = self._answer(time.monotonic() + START_SECONDS)
        if header.get("ready") != 1:
            self._give_up("the supervisor is not the container's first process")
            raise SetupError("The sandbox's supervisor is not the container's first process.")
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
        if len(data) > _BODY_LIMIT:
            raise ValueError(f"{path}: larger than {_BODY_LIMIT} bytes")
        self._ask({"op": "write", "path": path, "root": root}, data, seconds=FILE_SECONDS)

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
        head = json.dumps(header).encode()
        try:
            self._frames.send(_FRAME_HEAD.pack(len(head), len(body)) + head + body, max(seconds, 0.001))
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
            said = self._frames.stderr.decode("utf-8", "replace").strip()
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
