"""The one importer of the Docker SDK: a client, what its requests are made of, and its errors in words of ours.

The SDK's and the transport's exceptions are caught as `TRANSPORT_ERRORS` in `sandbox.daemon` and
`sandbox.daemon_images`, and never leave those.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import docker
import docker.errors
import docker.transport
import docker.types
import requests
import urllib3.exceptions
from docker import DockerClient as DockerClient

from sandbox.errors import ContainerLost, EngineUnavailable, SandboxError
from sandbox.layout import MEETING

HOW_TO_GET_ONE = (
    "redgreen runs code only in containers, never on the host, so it needs a Docker engine. To get one: install Docker "
    "(https://docs.docker.com/engine/install/; on Debian: apt-get install docker.io) or Podman with its socket, start "
    "it, and let this user reach its socket (the `docker` group, or rootless mode). An engine elsewhere is named in "
    "`sandbox.docker_host` (DOCKER_HOST's form: unix:///path or tcp://host:port)."
)

TRANSPORT_ERRORS = (
    docker.errors.DockerException,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)
APIError = docker.errors.APIError
ImageNotFound = docker.errors.ImageNotFound


class Attached:
    """The hijacked connection of an attach: a socket and what keeps it open."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        # Over a unix socket or plain TCP the SDK hands out a SocketIO, over TLS the socket itself.
        self.socket: socket.socket = getattr(handle, "_sock", handle)

    def close(self) -> None:
        """Ends the container's standard input, and with it the supervisor. Never raises."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        response = getattr(self._handle, "_response", None)
        for thing in (self._handle, self.socket, response):
            if thing is not None:
                with contextlib.suppress(*TRANSPORT_ERRORS, ValueError):
                    thing.close()


def client_of(docker_host: str, seconds: int) -> docker.DockerClient:
    if docker_host.startswith("unix://"):
        # The SDK never closes a unix socket that it could not connect.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(seconds)
            probe.connect(docker_host.removeprefix("unix://"))
    if docker_host:
        return docker.DockerClient(base_url=docker_host, timeout=seconds)
    return docker.from_env(timeout=seconds)


def is_local(client: docker.DockerClient) -> bool:
    """Reached over a Unix socket: most likely, not certainly, on this machine."""
    return isinstance(client.api.get_adapter(client.api.base_url), docker.transport.UnixHTTPAdapter)


def no_log() -> docker.types.LogConfig:
    return docker.types.LogConfig(type="none")


def mounts(meeting: str) -> list[docker.types.Mount]:
    """A mount that the engine makes no directory for: where the host's path is not the engine's, it refuses."""
    if not meeting:
        return []
    return [docker.types.Mount(MEETING, meeting, type="bind", read_only=True, propagation="rprivate")]


def ulimits(file_bytes: int) -> list[docker.types.Ulimit]:
    limits = {"fsize": file_bytes, "core": 0}
    return [docker.types.Ulimit(name=name, soft=value, hard=value) for name, value in limits.items()]


def unavailable(error: Exception) -> SandboxError:
    return EngineUnavailable(f"The Docker engine does not answer as it should ({brief(error)}). {HOW_TO_GET_ONE}")


def lost(error: Exception) -> SandboxError:
    return ContainerLost(f"The container or its engine went away: {brief(error)}")


def brief(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error).strip().splitlines()[0][:300] if str(explanation or error).strip() else repr(error)
