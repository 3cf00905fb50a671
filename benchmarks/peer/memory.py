"""Memory of one side, by /proc: what its own processes and those of its containers have for themselves, with their
share of what they share (PSS)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path


def used(root: int, containers: list[str]) -> tuple[float, float]:
    """MiB of a process with its descendants, and of the containers: all below each one's parent, which is the engine's
    process for it, and that itself."""
    parents = {pid: _parent(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
    shims = {parents.get(pid, 0) for pid in _first_processes(containers)} - {0, 1}
    return sum(map(_pss, _below({root}, parents))) / 1024, sum(map(_pss, _below(shims, parents))) / 1024


def _first_processes(containers: list[str]) -> list[int]:
    done = subprocess.run(
        ["docker", "inspect", "-f", "{{.State.Pid}}", *containers], capture_output=True, text=True, check=False
    )  # one that is gone meanwhile is told on standard error
    return [int(json.loads(line)) for line in done.stdout.split()]


def _below(roots: set[int], parents: dict[int, int]) -> set[int]:
    found = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _parent(pid: int) -> int:
    stat = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(stat[1]) if len(stat) > 1 else 0


def _pss(pid: int) -> int:
    """KiB; 0 for one that has ended meanwhile."""
    lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
