"""A private place where a container's supervisor meets the host: a Unix socket in a directory of its own, mounted
read-only into that one container.

It exists for the fraction of a second in which the supervisor, before any code of a tenant, connects once. Then the
listener is closed, and socket and directory are removed: what stays mounted is an empty directory that not even the
host can put anything into. What a process that was killed meanwhile leaves says whose it was, and is collected.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import shutil
import socket
import stat
import tempfile
import time
from pathlib import Path
from typing import ClassVar

from sandbox.orphans import LABEL, Owner, is_orphan

NONCE_BYTES = 32
_OWNER_SUFFIX = ".owner"


def default_parent() -> Path:
    """Says little of the host, because a tenant can read the path (not what is in it) in its table of mounts."""
    return Path(tempfile.gettempdir(), f"redgreen-{os.geteuid()}")


class Rendezvous:
    """One listening socket for one container."""

    SOCKET: ClassVar = "s"
    """Its name in the directory."""

    def __init__(self, parent: Path, owner: Owner) -> None:
        """Under `parent`, which is made if need be and must be this user's alone. Raises OSError."""
        _make_private(parent)
        self.nonce = secrets.token_hex(NONCE_BYTES)
        """What the one who connects has to say first; told to the supervisor over its attached stream."""
        self.directory = (parent / secrets.token_hex(8)).absolute()
        """To be mounted. Its parent keeps the host's other users out, so the container's may be let in."""
        self._owner = self.directory.with_suffix(_OWNER_SUFFIX)
        self._owner.write_text(owner.label(), encoding="utf-8")
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.directory.mkdir()
            self.directory.chmod(0o755)  # whatever the umask
            _bind(self._listener, self.directory)
            (self.directory / self.SOCKET).chmod(0o666)
            self._listener.listen(1)
        except OSError:
            self.close()
            raise

    def accept(self, seconds: float) -> socket.socket:
        """The one connection. Raises OSError where none comes in time, or it does not say the nonce."""
        deadline = time.monotonic() + seconds
        self._listener.settimeout(seconds)
        connection, _ = self._listener.accept()
        try:
            said = b""
            while len(said) < len(self.nonce):
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                data = connection.recv(len(self.nonce) - len(said))
                if not data:
                    break
                said += data
            if not hmac.compare_digest(said, self.nonce.encode()):
                raise PermissionError("another than the supervisor connected")
        except OSError:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Nobody can connect any more, and nothing is left on the host. Never raises; twice is once."""
        self._listener.close()
        with contextlib.suppress(OSError):
            (self.directory / self.SOCKET).unlink(missing_ok=True)
            self.directory.rmdir()
        with contextlib.suppress(OSError):
            self._owner.unlink(missing_ok=True)


def collect(parent: Path, me: Owner) -> int:
    """Remove what processes of this machine that are dead left under `parent`; how many. Never raises."""
    count = 0
    with contextlib.suppress(OSError):
        for marker in list(parent.glob(f"*{_OWNER_SUFFIX}")):
            label = marker.read_text(encoding="utf-8", errors="replace")
            if is_orphan({LABEL: label}, me):
                shutil.rmtree(marker.with_suffix(""), ignore_errors=True)
                marker.unlink(missing_ok=True)
                count += 1
    return count


def _make_private(parent: Path) -> None:
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{parent} is not this user's own directory")
    if stat.S_IMODE(found.st_mode) & 0o077:
        parent.chmod(0o700)


def _bind(listener: socket.socket, directory: Path) -> None:
    """By the directory's descriptor: a socket's address is short, a path may be long."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        listener.bind(f"/proc/self/fd/{fd}/{Rendezvous.SOCKET}")
    finally:
        os.close(fd)
