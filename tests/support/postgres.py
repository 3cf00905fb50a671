"""A PostgreSQL of the distribution, started in a directory of its own on a free port of 127.0.0.1."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def server_binaries() -> Path | None:
    """The newest server of /usr/lib/postgresql; None when none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parent.parent.name))
    return found[-1].parent if found else None


@contextlib.contextmanager
def running(binaries: Path) -> Iterator[str]:
    """The URL of a fresh server. As root it runs as the user `postgres`, which PostgreSQL insists on.

    Its directory is not below pytest's, whose root every starting pytest closes to other users.
    """
    with tempfile.TemporaryDirectory(prefix="redgreen-postgres-", ignore_cleanup_errors=True) as made:
        yield from _serve(binaries, Path(made))


def _serve(binaries: Path, directory: Path) -> Iterator[str]:
    data = directory / "data"
    data.mkdir(mode=0o700)
    options: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        for path in (directory, data):
            os.chown(path, user.pw_uid, user.pw_gid)
        options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "redgreen", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=directory,
        **options,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = [binaries / "pg_ctl", "-D", data, "-w", "-l", directory / "log"]
    settings = f"-c listen_addresses=127.0.0.1 -p {port} -k {directory}"
    subprocess.run([*server, "-o", settings, "start"], check=True, capture_output=True, cwd=directory, **options)
    try:
        yield f"postgresql://redgreen@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*server, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=directory, **options)
