"""What tests run in: how its image is made, what a container may use, what became of one command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Called with one short line for a person whenever something worth saying happens."""


@dataclass(frozen=True, kw_only=True)
class RootStep:
    """A step of a repository's own Dockerfile: carried out as root, in a limited container, with the tree at hand."""

    argv: tuple[str, ...]
    cwd: str = "/"
    env: tuple[tuple[str, str], ...] = ()
    origin: str = ""
    """`Dockerfile:3`."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentPlan:
    """How to build the image a repository's tests run in, and how to run them. A value: rendering it is pure."""

    language: str
    runner: str
    """Key of `sandbox.runners.RUNNERS`."""
    base: str
    """The base image's reference; `redgreen-base` is the one built offline."""
    toolchains: tuple[str, ...] = ()
    """Versions that the base's packages may not have, as `name@version`, e.g. `python@3.9`."""
    apt: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    setup: tuple[RootStep, ...] = ()
    """What the repository's own Dockerfile does to the base, before `install`."""
    install: tuple[tuple[str, ...], ...] = ()
    """Commands, each an argument list, run in the tree while building, in order; they have the registries' network."""
    optional_install: tuple[tuple[str, ...], ...] = ()
    """As `install`, but a failure is noted and passed over."""
    command: tuple[str, ...] = ()
    """What the runner needs to know besides its own conventions: the test command of a runner that only sees its exit
    code, the path of a project's own test script. Empty for most."""
    linked: tuple[str, ...] = ()
    """Directories of the tree that the install steps fill (`node_modules`): kept in the image and linked into every
    tree, read-only, instead of copied."""
    as_of: str = ""
    """An ISO date: package indexes are seen as they were at its end (evaluation of old commits); "" for now."""
    manifests: tuple[str, ...] = ()
    """The files whose contents decide the image: manifests and lock files."""
    evidence: tuple[str, ...] = ()
    """One sentence for each thing detected, naming the file it was read from."""


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """A command that ran. A sandbox that could not run it raises `SandboxError` instead."""

    exit_code: int
    """The process's exit status; 128 + signal when it was killed; 124 when the time limit ended it."""
    output: str
    """Standard output and error, interleaved, cut in the middle at the output limit (see `truncated`)."""
    seconds: float
    timed_out: bool = False
    truncated: bool = False
    left_processes: int = 0
    """How many processes the command left running, wherever they had fled to; they were killed."""
    out_of_memory: bool = False
    """While it ran, the kernel killed a process of the container for want of memory."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one container may use."""

    memory_bytes: int = 4 << 30
    cpus: float = 2.0
    pids: int = 512
    disk_bytes: int = 2 << 30
    """Size of the writable work area (a tmpfs: it counts towards memory)."""
    file_bytes: int = 512 << 20
    output_bytes: int = 1 << 20
    """Of one command's output; what is over it is cut from the middle."""
    seconds: float = 1800.0
    """Of one command."""
