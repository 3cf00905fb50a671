"""The sandbox's engine: images that tests run in, and fresh containers with every limit of the design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import images
from sandbox.daemon import Daemon
from sandbox.types import Progress


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Passed in; nothing here is read from the environment."""

    docker_host: str = ""
    """Empty: the engine's default socket, or what the Docker client's own variables say."""
    runtime: str = ""
    """The OCI runtime, e.g. `runsc` for gVisor; empty: the engine's default."""
    base_image: str = ""
    """An image with python3 and git that the operator chose; empty: pulled, or built offline."""
    cache_dir: Path
    ca_bundle: Path | None = None
    """PEM file that builds trust besides their own; never in the finished image."""
    build_env: Mapping[str, str] = field(default_factory=dict)
    """Registry settings (PIP_INDEX_URL, ...) that build steps see and the finished image does not."""


class Engine:
    def __init__(self, config: EngineConfig, daemon: Daemon) -> None:
        self._config = config
        self._daemon = daemon

    @classmethod
    def connect(cls, config: EngineConfig) -> Engine:
        """Raises `EngineUnavailable`; its text says how to get an engine."""
        return cls(config, Daemon.connect(config.docker_host))

    def ensure_base(self, progress: Progress) -> str:
        """The reference of the base image, which the engine then has. Raises `SetupError`."""
        return images.ensure_base(self._daemon, self._config.base_image, self._config.cache_dir, progress)
