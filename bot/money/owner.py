"""Which process set money aside, and whether it still lives."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")


def here() -> str:
    """`PLACE|PID|START` of this process: a number that is given again to another process does not match."""
    pid = os.getpid()
    try:
        return _of_this_process(pid)
    except LookupError:
        return f"{_place()}|{pid}|"


def is_dead(owner: str) -> bool:
    """True where that process certainly does not live any more; False where it does, or cannot be seen from here."""
    place, _, rest = owner.partition("|")
    pid, _, start = rest.partition("|")
    if place != _place() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    now = _start(int(pid))
    return bool(start and now) and now != start


@cache
def _of_this_process(pid: int) -> str:
    """Asked until it is known, then no more: a process that is forked off has another number. Raises LookupError."""
    start = _start(pid)
    if not start:
        raise LookupError(pid)
    return f"{_place()}|{pid}|{start}"


@cache
def _place() -> str:
    """The machine, its boot and its namespace of processes: a container's process 1 is not the host's."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink(_PROC / "self/ns/pid")  # noqa: PTH115 - a magic link has no path
    except OSError:
        boot = space = ""
    return f"{socket.gethostname()} {boot} {space}"


def _start(pid: int) -> str:
    """When the process was started, in the kernel's ticks; "" where that cannot be read."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
