"""Files of the work area, reached without following any symbolic link out of it."""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import stat
import time

from sandbox.supervisor.stream import Refused

_CLOCK_REALTIME_COARSE = 5
"""Linux's number for it (`linux/time.h`), which the module `time` has no name for."""
_TICK_SECONDS = 0.02
"""It moves at least that often; a clock that was set back is not waited for."""


def enter(root: str, path: str, *, make: bool) -> tuple[int, str]:
    """(descriptor of the directory, name) of a path under `root`, walked without following any symbolic link.

    The caller has resolved the links; one that appears since then is a race, and loses.
    """
    base = os.path.realpath(root)
    if not path.startswith(base + "/"):
        raise Refused("value", f"outside of {root}")
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


def contents(root: str, path: str, limit: int) -> bytes:
    """A regular file, symbolic links resolved as long as they stay under `root`. Raises `Refused`, OSError."""
    directory, name = enter(root, os.path.realpath(path), make=False)
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "is a directory", path)
        if not stat.S_ISREG(mode):
            raise Refused("value", "not a regular file")
        data = bytearray()
        while len(data) <= limit:
            piece = os.read(fd, min(1 << 20, limit + 1 - len(data)))
            if not piece:
                return bytes(data)
            data += piece
        raise Refused("value", f"larger than the limit of {limit} bytes")
    finally:
        os.close(fd)


def newest(root: str, skip: str, most: int) -> tuple[int, int, bool]:
    """(when an entry was last changed, in nanoseconds; how many there are; whether whatever changes from now on will be
    younger) of all below `root`, but for `skip` in it.

    By the inodes' own change times, which nobody here can set: a write, a new mode or owner, a new, a removed and a
    renamed entry all make one younger. Where the last change is of this very tick of their clock, the next tick is
    waited for. No link is followed. Raises `Refused` where there are more than `most`, OSError.
    """
    began = _coarse_clock()
    latest, count = _newest(root, skip, most)
    give_up = time.monotonic() + _TICK_SECONDS
    while latest >= began > 0 and time.monotonic() < give_up:
        time.sleep(0.0005)
        began = _coarse_clock()
        if began > latest:
            latest, count = _newest(root, skip, most)
    return latest, count, latest < began


def _newest(root: str, skip: str, most: int) -> tuple[int, int]:
    latest, count, waiting = os.lstat(root).st_ctime_ns, 0, [root]
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.name == skip and place == root:
                    continue
                count += 1
                if count > most:
                    raise Refused("value", f"more than {most} entries")
                latest = max(latest, entry.stat(follow_symlinks=False).st_ctime_ns)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return latest, count


def _coarse_clock() -> int:
    """The clock that inodes' times come from, in nanoseconds; 0 where there is none: then nothing is settled."""
    try:
        return time.clock_gettime_ns(_CLOCK_REALTIME_COARSE)
    except OSError:
        return 0


def replace(directory: int, name: str, data: bytes) -> None:
    mode = 0o644
    with contextlib.suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        if stat.S_ISDIR(found):
            raise IsADirectoryError(errno.EISDIR, "is a directory", name)
        if stat.S_ISREG(found):
            mode = stat.S_IMODE(found)
    temporary = f".{base64.b32encode(os.urandom(10)).decode().lower()}.part"
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
