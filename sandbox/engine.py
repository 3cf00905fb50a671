"""The sandbox's engine: images that tests run in, and fresh containers with every limit of the design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox import images, orphans
from sandbox.container import Container
from sandbox.daemon import ContainerSpec, Daemon
from sandbox.errors import SandboxError, SetupError
from sandbox.images import Image
from sandbox.layout import SYSTEM_PATH, USER, WORK
from sandbox.shell import supervisor_command
from sandbox.types import Limits, Progress

_UID, _, _GID = USER.partition(":")
_SMALL_TMP = 256 << 20
"""Of `/tmp`, for programs that do not heed TMPDIR."""


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
    """Safe to share between threads; a container belongs to one."""

    def __init__(self, config: EngineConfig, daemon: Daemon) -> None:
        self._config = config
        self._daemon = daemon
        self._owner: Final = orphans.this_process()

    @classmethod
    def connect(cls, config: EngineConfig) -> Engine:
        """Raises `EngineUnavailable`; its text says how to get an engine."""
        return cls(config, Daemon.connect(config.docker_host))

    def close(self) -> None:
        self._daemon.close()

    def ensure_base(self, progress: Progress) -> str:
        """The reference of the base image, which the engine then has. Raises `SetupError`."""
        return images.ensure_base(self._daemon, self._config.base_image, self._config.cache_dir, progress)

    def image(self, reference: str) -> Image:
        """An image that the engine has already, to run as it is. Raises `SetupError` where it has none."""
        found = self._daemon.image(reference)
        if found is None:
            raise SetupError(f"The engine has no image {reference}.")
        return Image(id=found.id, tag=reference, cached=True)

    @contextmanager
    def container(self, image: Image, limits: Limits) -> Iterator[Container]:
        """A fresh container, started; killed and removed at the end, however that comes.

        Raises `SetupError` where it does not start, `EngineUnavailable`.
        """
        container = self._create(image, limits)
        try:
            container.start(image.env)
            yield container
        finally:
            container.close()

    def collect_orphans(self) -> int:
        """Remove the containers of processes of this machine that are dead; how many. Raises `EngineUnavailable`."""
        found = [
            id_ for id_, labels in self._daemon.containers(orphans.LABEL) if orphans.is_orphan(labels, self._owner)
        ]
        for container in found:
            self._daemon.remove(container)
        return len(found)

    def _create(self, image: Image, limits: Limits) -> Container:
        container = self._daemon.create(self._spec(image, limits))
        try:
            attached = self._daemon.attach(container)
        except SandboxError:
            self._daemon.remove(container)
            raise
        return Container(self._daemon, container, attached, limits)

    def _spec(self, image: Image, limits: Limits) -> ContainerSpec:
        return ContainerSpec(
            image=image.id,
            command=supervisor_command(),
            user=USER,
            # For the supervisor alone. Commands get theirs through it, so no image can bend its loader or its search.
            environment={
                "PATH": SYSTEM_PATH,
                "LANG": "C.UTF-8",
                "LD_PRELOAD": "",
                "LD_LIBRARY_PATH": "",
                "LD_AUDIT": "",
            },
            labels={orphans.LABEL: self._owner.label()},
            memory_bytes=limits.memory_bytes,
            cpus=limits.cpus,
            pids=limits.pids,
            file_bytes=limits.file_bytes,
            tmpfs={WORK: _tmpfs(limits.disk_bytes), "/tmp": _tmpfs(min(_SMALL_TMP, limits.disk_bytes))},
            runtime=self._config.runtime,
        )


def _tmpfs(size: int) -> str:
    return f"rw,exec,nosuid,nodev,size={size},mode=0755,uid={_UID},gid={_GID}"
