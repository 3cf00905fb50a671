"""A file of JSON lines that a crash at any byte leaves readable: each line is on the disk before its writer goes on."""

from __future__ import annotations

import json
import os
from pathlib import Path


def append(path: Path, line: str) -> None:
    with path.open("ab") as file:
        file.write(line.encode("ascii") + b"\n")
        file.flush()
        os.fsync(file.fileno())


def whole_lines(path: Path) -> list[str]:
    """The file's lines, after a torn last one was cut off; none when there is no file."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    end = data.rfind(b"\n") + 1
    lines = data[:end].decode("ascii", "replace").splitlines()
    if lines and not _is_json(lines[-1]):
        # A line that ends, yet is none: blocks that reached the disk out of order.
        end = data.rfind(b"\n", 0, end - 1) + 1
        lines.pop()
    if end < len(data):
        with path.open("r+b") as file:
            file.truncate(end)
            os.fsync(file.fileno())
    return lines


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
