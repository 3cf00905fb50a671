"""Whose container is it? Each carries its owner's identity as a label, so that what a dead process left is found."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

LABEL = "org.redgreen.owner"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process, told apart from every other on this or another machine, also when its number is used again."""

    machine: str
    boot: str
    pid: int
    started: int
    """Clock ticks after boot."""

    def label(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def this_process(proc: Path = Path("/proc")) -> Owner:
    """The machine is a digest: names of machines are nobody's business in an engine that others share."""
    machine = hashlib.sha256(f"{socket.gethostname()}\n{_read(Path('/etc/machine-id'))}".encode()).hexdigest()[:16]
    boot = _read(proc / "sys/kernel/random/boot_id").strip()
    pid = os.getpid()
    return Owner(machine=machine, boot=boot, pid=pid, started=_started(proc, pid) or 0)


def is_orphan(labels: Mapping[str, str], me: Owner, proc: Path = Path("/proc")) -> bool:
    """True only where it is certain that the owner is dead: another machine's containers are never ours to judge."""
    try:
        owner = Owner(**json.loads(labels[LABEL]))
    except (KeyError, ValueError, TypeError):
        return False
    if owner.machine != me.machine:
        return False
    return owner.boot != me.boot or _started(proc, owner.pid) != owner.started


def _started(proc: Path, pid: int) -> int | None:
    """None where there is no such process, or only its zombie."""
    fields = _read(proc / str(pid) / "stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] != "Z" else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
