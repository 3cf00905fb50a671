"""Containers as the sandbox has them: what each is made of, and how its warm shell is reached."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox import orphans
from sandbox.access import Access
from sandbox.build import BUILD_LIMITS
from sandbox.container import NO_ENV, Container
from sandbox.daemon import Daemon
from sandbox.errors import ContainerLost, SandboxError, SetupError
from sandbox.frames import Transport
from sandbox.layout import SYSTEM_PATH, USER, WORK
from sandbox.orphans import Owner
from sandbox.rendezvous import Rendezvous
from sandbox.shell import supervisor_command
from sandbox.specs import ContainerSpec
from sandbox.types import Limits

_log = logging.getLogger("redgreen.sandbox")
_GVISOR = "runsc"
_GVISOR_MEMORY, _GVISOR_PIDS = 256 << 20, 512
"""What gVisor's own kernel takes of a container's limits, which on the host hold for it and its tenant together."""
_SMALL_TMP = 256 << 20
"""Of `/tmp`, for programs that do not heed TMPDIR."""


class Launcher:
    """Safe to share between threads; a container belongs to one."""

    def __init__(self, daemon: Daemon, owner: Owner, *, runtime: str, meetings: Path | None) -> None:
        """`runtime`, `meetings`: as in `sandbox.engine.EngineConfig`."""
        self._daemon = daemon
        self._owner = owner
        self._runtime = runtime
        self._meetings = meetings
        self._abandoned = threading.Event()
        self._meets = meetings is not None and daemon.is_local
        """Until it was seen that this engine's containers cannot reach a socket of this machine."""

    def abandon(self) -> None:
        """Start no other container: what waits for one gets a `SandboxError`."""
        self._abandoned.set()

    @contextmanager
    def started(self, spec: ContainerSpec, limits: Limits, env: Mapping[str, str]) -> Iterator[Container]:
        container = self.launch(spec, limits, env)
        try:
            yield container
        finally:
            container.close()

    def launch(self, spec: ContainerSpec, limits: Limits, env: Mapping[str, str]) -> Container:
        """Over a socket if that can be; a socket's trouble is never the container's."""
        meeting = self._meeting()
        if meeting is None:
            return self.launch_directly(spec, limits, env, None)
        try:
            with contextlib.closing(meeting):
                container = self.launch_directly(replace(spec, meeting=str(meeting.directory)), limits, env, meeting)
            self._meets = container.transport is Transport.SOCKET
        except SetupError as error:
            container = self.launch_directly(spec, limits, env, None)
            # Without the mount it started: so the mount was it.
            _log.debug("warm shell: this engine's containers cannot reach a socket: %s", error)
            self._meets = False
        return container

    def _meeting(self) -> Rendezvous | None:
        if not self._meets or self._meetings is None:
            return None
        try:
            return Rendezvous(self._meetings, self._owner)
        except OSError as error:
            _log.debug("warm shell: no socket can be made here: %s", error)
            self._meets = False
            return None

    def launch_directly(
        self, spec: ContainerSpec, limits: Limits, env: Mapping[str, str], meeting: Rendezvous | None
    ) -> Container:
        container = self._create(spec, limits)
        try:
            container.start(env, meeting)
        except BaseException:
            container.close()
            raise
        return container

    def _create(self, spec: ContainerSpec, limits: Limits) -> Container:
        id_ = self._daemon.create(spec)
        try:
            # After it was made: whoever abandons the engine either finds it or is seen here.
            if self._abandoned.is_set():
                raise ContainerLost("The work was broken off.")
            attached = self._daemon.attach(id_)
        except SandboxError:
            self._daemon.remove(id_)
            raise
        return Container(self._daemon, id_, attached, limits)

    @contextmanager
    def build(
        self,
        image: str,
        way: Access,
        user: str,
        env: Mapping[str, str] = NO_ENV,
        *,
        capabilities: tuple[str, ...] = (),
    ) -> Iterator[Container]:
        """A container that an image is made in: it can be written to, and has a way to the registries."""
        spec = replace(
            self.spec(image, BUILD_LIMITS),
            user=user,
            capabilities=capabilities,
            network=way.network,
            resolves=way.resolves,
            read_only=False,
        )
        with self.started(spec, BUILD_LIMITS, env) as container:
            yield container

    def spec(self, image: str, limits: Limits) -> ContainerSpec:
        gvisor = _GVISOR in self._runtime
        return ContainerSpec(
            image=image,
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
            memory_bytes=limits.memory_bytes + gvisor * _GVISOR_MEMORY,
            cpus=limits.cpus,
            pids=limits.pids + gvisor * _GVISOR_PIDS,
            file_bytes=limits.file_bytes,
            tmpfs={WORK: limits.disk_bytes, "/tmp": min(_SMALL_TMP, limits.disk_bytes)},
            runtime=self._runtime,
        )
