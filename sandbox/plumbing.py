"""git, started so that nothing of the machine, the person or the repository has a say: plumbing commands only.

Hooks, filters, attributes and configuration are code, so git runs here without the machine's and the person's
configuration, and asks a foreign repository only what starts no other program.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sandbox.errors import SetupError

_ISOLATED = {
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
}
_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.quotePath", "false"),
    ("protocol.allow", "never"),
    ("safe.directory", "*"),
    ("gc.auto", "0"),
)


def run_git(git_dir: Path, *args: str, stdin: bytes = b"", index: Path | None = None) -> bytes:
    """Standard output of one plumbing command. Raises `SetupError` with git's own words when it fails."""
    done = spawn(git_dir, args, stdin, index)
    if done.returncode != 0:
        raise SetupError(f"git {args[0]} failed: {words(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout


def ask(directory: Path, *args: str) -> str:
    """One question to a foreign repository; only commands that start no other program."""
    command = [program(), *_overrides(), "-C", str(directory), *args]
    done = subprocess.run(command, capture_output=True, env=environment(None), check=False)
    if done.returncode != 0:
        raise SetupError(f"{directory}: {words(done.stderr) or 'not a git repository'}")
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def spawn(git_dir: Path, args: Sequence[str], stdin: bytes, index: Path | None) -> subprocess.CompletedProcess[bytes]:
    command = command_line(git_dir, args)
    return subprocess.run(command, input=stdin, capture_output=True, env=environment(index), check=False)


def command_line(git_dir: Path, args: Sequence[str]) -> list[str]:
    where = [] if args[0] == "init" else [f"--git-dir={git_dir}"]
    return [program(), *_overrides(), *where, *args]


def _overrides() -> list[str]:
    return [word for key, value in _SETTINGS for word in ("-c", f"{key}={value}")]


def environment(index: Path | None) -> dict[str, str]:
    return _ISOLATED | ({"GIT_INDEX_FILE": str(index)} if index is not None else {})


def program() -> str:
    found = shutil.which("git")
    if found is None:
        raise SetupError("git is not installed: install it with the system's package manager")
    return found


def words(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().split("\n")
    return "; ".join(line.removeprefix("error: ").removeprefix("fatal: ") for line in lines[:3] if line)
