"""What is said to and by a Docker engine about containers and images, in words of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """What a container is made of: everything not named here is the engine's most restrictive."""

    image: str
    command: tuple[str, ...]
    user: str
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    memory_bytes: int
    cpus: float
    pids: int
    file_bytes: int
    tmpfs: Mapping[str, int]
    """Where writable file systems in memory are, and how many bytes each holds; they are the sandbox's user's."""
    network: str = "none"
    networks: tuple[str, ...] = ()
    """More networks, which it is in from its start."""
    resolves: bool = True
    """False: in a network, it finds no names; what it has to reach is told to it as an address."""
    read_only: bool = True
    capabilities: tuple[str, ...] = ()
    runtime: str = ""
    meeting: str = ""
    """A directory of the engine's host, mounted read-only at `layout.MEETING`; empty: nothing of the host is inside."""


@dataclass(frozen=True, kw_only=True)
class ContainerState:
    running: bool
    out_of_memory: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    repo_digests: tuple[str, ...] = ()
    created: float = 0.0
    """Seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class ImageEntry:
    """An image as the engine lists it."""

    id: str
    tags: tuple[str, ...]
    parent: str
    """The id of the image it was built on; empty where the engine does not know."""
    created: float
    """Seconds since the epoch."""
    size: int
    """Bytes, all layers."""
    labels: Mapping[str, str]
