"""The one place that speaks to a Docker engine through its SDK. Everything above it knows only these few calls.

The SDK's and the transport's exceptions never leave this module: they become `EngineUnavailable`, `ContainerLost`,
`ImageBuildFailed` or `SetupError`. Works with any engine of API 1.41 or later (Docker 20.10, Podman's socket).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

import docker
import docker.errors
import docker.transport
import docker.types
import requests
import urllib3.exceptions

from sandbox.errors import ContainerLost, EngineUnavailable, SandboxError, SetupError
from sandbox.layout import MEETING, USER

HOW_TO_GET_ONE = (
    "redgreen runs code only in containers, never on the host, so it needs a Docker engine. To get one: install Docker "
    "(https://docs.docker.com/engine/install/; on Debian: apt-get install docker.io) or Podman with its socket, start "
    "it, and let this user reach its socket (the `docker` group, or rootless mode). An engine elsewhere is named in "
    "`sandbox.docker_host` (DOCKER_HOST's form: unix:///path or tcp://host:port)."
)

_UID, _, _GID = USER.partition(":")
_NO_RESOLVER = "127.0.0.1"
"""A container's own loopback address: nobody answers there, and no question leaves the container."""
_REQUEST_SECONDS = 120
_REGISTRY_SECONDS = 15
_TRANSPORT_ERRORS = (
    docker.errors.DockerException,
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)


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


class Daemon:
    """A connected engine."""

    def __init__(self, client: docker.DockerClient, docker_host: str, cpus: int, *, podman_runtime: str = "") -> None:
        """`podman_runtime`: what Podman runs containers with; empty: it is not Podman."""
        self._client = client
        self._docker_host = docker_host
        self._cpus = cpus
        self._podman_runtime = podman_runtime
        self._is_podman = bool(podman_runtime)

    @classmethod
    def connect(cls, docker_host: str) -> Daemon:
        """Raises `EngineUnavailable` with a text that says how to get an engine."""
        client: docker.DockerClient | None = None
        try:
            client = _client(docker_host, _REQUEST_SECONDS)
            # An engine refuses a container more processors than it has.
            info = client.info()
            cpus = int(info["NCPU"])
            components = client.version().get("Components") or ()
            is_podman = any("podman" in str(component.get("Name", "")).lower() for component in components)
        except _TRANSPORT_ERRORS as error:
            if client is not None:
                client.close()
            where = docker_host or "the default socket"
            raise EngineUnavailable(
                f"No Docker engine answers at {where} ({_brief(error)}). {HOW_TO_GET_ONE}"
            ) from error
        return cls(
            client, docker_host, cpus, podman_runtime=str(info.get("DefaultRuntime") or "?") if is_podman else ""
        )

    def close(self) -> None:
        self._client.close()

    @property
    def is_local(self) -> bool:
        """Reached over a Unix socket: most likely, not certainly, on this machine."""
        api = self._client.api
        return isinstance(api.get_adapter(api.base_url), docker.transport.UnixHTTPAdapter)

    # --- images --------------------------------------------------------------------------------------------------

    def image(self, reference: str) -> ImageFacts | None:
        """None where the engine has no such image."""
        try:
            found = self._client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
        except docker.errors.ImageNotFound:
            return None
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        labels = (found.get("Config") or {}).get("Labels") or {}
        return ImageFacts(
            id=_image_id(found["Id"]),
            labels=labels,
            repo_digests=tuple(found.get("RepoDigests") or ()),
            created=_seconds(str(found.get("Created") or "")),
        )

    def raw_image(self, reference: str) -> dict[str, Any]:
        """All that the engine says of an image, its history included. Raises `EngineUnavailable`."""
        try:
            found = self._client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
            history = self._client.api.history(reference)  # type: ignore[no-untyped-call]
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        return {"image": found, "history": history}

    def registry_digest(self, reference: str) -> str | None:
        """The digest that the reference's registry has for it now; None where no registry answers in time."""
        try:
            # A client of its own for its time limit: a registry that swallows packets must not hold a start up.
            with contextlib.closing(_client(self._docker_host, _REGISTRY_SECONDS)) as client:
                answer = client.api.inspect_distribution(reference)  # type: ignore[no-untyped-call]
                return str(answer["Descriptor"]["digest"])
        except (*_TRANSPORT_ERRORS, KeyError):
            return None

    def pull(self, reference: str) -> None:
        """Raises `SetupError` where it cannot be had."""
        try:
            for line in self._client.api.pull(reference, stream=True, decode=True):
                if "error" in line:
                    raise SetupError(f"The image {reference} cannot be pulled: {line['error']}")
        except _TRANSPORT_ERRORS as error:
            raise SetupError(f"The image {reference} cannot be pulled: {_brief(error)}") from error

    def import_tar(self, stream: IO[bytes], reference: str, changes: Sequence[str]) -> None:
        repository, _, tag = reference.rpartition(":")
        try:
            self._client.api.import_image_from_stream(stream, repository=repository, tag=tag, changes=list(changes))
        except _TRANSPORT_ERRORS as error:
            raise SetupError(f"The engine did not take the base image: {_brief(error)}") from error

    def commit(self, container: str, reference: str, changes: Sequence[str]) -> str:
        """A new image of the container's file system (mounts left out); its id."""
        repository, _, tag = reference.rpartition(":")
        try:
            answer = self._client.api.commit(container, repository=repository, tag=tag, changes="\n".join(changes))
        except _TRANSPORT_ERRORS as error:
            raise ContainerLost(f"The engine could not keep the built image: {_brief(error)}") from error
        return _image_id(answer["Id"])

    def remove_image(self, reference: str) -> None:
        with contextlib.suppress(*_TRANSPORT_ERRORS):
            self._client.api.remove_image(reference, force=True)

    def images(self) -> tuple[ImageEntry, ...]:
        """All that the engine has, whose ever they are. Raises `EngineUnavailable`."""
        try:
            found = self._client.api.images()
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        return tuple(
            ImageEntry(
                id=_image_id(entry["Id"]),
                tags=tuple(tag for tag in entry.get("RepoTags") or () if not tag.startswith("<none>")),
                parent=_image_id(entry["ParentId"]) if entry.get("ParentId") else "",
                created=float(entry["Created"]),
                size=int(entry["Size"]),
                labels=entry.get("Labels") or {},
            )
            for entry in found
        )

    def images_in_use(self) -> frozenset[str]:
        """The ids of images that any container is of, running or not. Raises `EngineUnavailable`."""
        try:
            found = self._client.api.containers(all=True)
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        return frozenset(_image_id(entry["ImageID"]) for entry in found)

    def discard_image(self, reference: str) -> bool:
        """Remove an image that nothing uses; False: something does, or the engine is gone."""
        try:
            self._client.api.remove_image(reference)
        except _TRANSPORT_ERRORS:
            return False
        return True

    # --- containers ----------------------------------------------------------------------------------------------

    def create(self, spec: ContainerSpec) -> str:
        """A container that is not started yet; its id. Raises `SetupError` where the engine refuses the spec."""
        self._check_runtime(spec.runtime)
        api = self._client.api
        try:
            host = api.create_host_config(
                read_only=spec.read_only,
                network_mode=spec.network,
                cap_drop=["ALL"],
                cap_add=list(spec.capabilities) or None,
                security_opt=["no-new-privileges"],
                mem_limit=spec.memory_bytes,
                memswap_limit=spec.memory_bytes,
                nano_cpus=int(min(spec.cpus, self._cpus) * 1e9),
                pids_limit=spec.pids,
                ulimits=_ulimits(spec.file_bytes),
                tmpfs={path: self._tmpfs(size) for path, size in spec.tmpfs.items()},
                # The stream carries every byte of every command: a log of it would fill the host's disk.
                log_config=docker.types.LogConfig(type="none"),
                runtime=spec.runtime or None,
                ipc_mode="private",
                pid_mode=None,
                mounts=_mounts(spec.meeting),
                dns=None if spec.resolves else [_NO_RESOLVER],
                dns_opt=None if spec.resolves else ["timeout:1", "attempts:1"],
            )
            # The SDK's own `create_container` cannot say StdinOnce with a detached create; this is the same request.
            config = {
                "Image": spec.image,
                "Entrypoint": list(spec.command),
                "Cmd": None,
                "User": spec.user,
                "Env": [f"{name}={value}" for name, value in spec.environment.items()],
                "Labels": dict(spec.labels),
                "Hostname": "sandbox",
                "WorkingDir": "/",
                "OpenStdin": True,
                "StdinOnce": True,
                "AttachStdin": True,
                "AttachStdout": True,
                "AttachStderr": True,
                "Tty": False,
                "Healthcheck": {"Test": ["NONE"]},
                "HostConfig": host,
            }
            created = str(api.create_container_from_config(config)["Id"])  # type: ignore[no-untyped-call]
        except docker.errors.APIError as error:
            hint = " (sandbox.runtime names it; docs/sandbox.md says how to install one)" if spec.runtime else ""
            raise SetupError(f"The engine refused the sandbox's container: {_brief(error)}{hint}") from error
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        self._join(created, spec.networks)
        return created

    def _check_runtime(self, wanted: str) -> None:
        """Podman's API takes no runtime with a container, and says nothing of it: it would run without a wall."""
        if wanted and self._podman_runtime and wanted != self._podman_runtime:
            raise SetupError(
                f"sandbox.runtime is {wanted!r}, but Podman's API runs all containers with its own default, "
                f'{self._podman_runtime!r}: set `runtime = "{wanted}"` under [engine] in Podman\'s containers.conf.'
            )

    def attach(self, container: str) -> Attached:
        """The container's standard streams; to be called before `start`, so that no byte is missed."""
        params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        try:
            handle = self._client.api.attach_socket(container, params=params)
        except _TRANSPORT_ERRORS as error:
            raise _lost(error) from error
        return Attached(handle)

    def start(self, container: str) -> None:
        try:
            self._client.api.start(container)
        except docker.errors.APIError as error:
            raise SetupError(f"The sandbox's container does not start: {_brief(error)}") from error
        except _TRANSPORT_ERRORS as error:
            raise _lost(error) from error

    def state(self, container: str) -> ContainerState | None:
        """None when the container, or the engine, is gone."""
        try:
            state = self._client.api.inspect_container(container)["State"]
        except _TRANSPORT_ERRORS:
            return None
        return ContainerState(
            running=bool(state.get("Running")),
            out_of_memory=bool(state.get("OOMKilled")),
            exit_code=state.get("ExitCode"),
        )

    def remove(self, container: str) -> None:
        """Kill and forget it. Never raises: what cannot be removed now is an orphan, collected later."""
        with contextlib.suppress(*_TRANSPORT_ERRORS):
            self._client.api.remove_container(container, force=True, v=True)

    # --- networks ------------------------------------------------------------------------------------------------

    def create_network(self, name: str, labels: Mapping[str, str]) -> str:
        """A network without a way out, of whose members none has the engine's host beside it; its name.

        Raises `SetupError` where the engine makes none.
        """
        # Where the bridge has an address, everything that the host listens on is reached by it.
        options = {} if self._is_podman else {"com.docker.network.bridge.inhibit_ipv4": "true"}
        try:
            self._client.api.create_network(
                name, driver="bridge", options=options, internal=True, enable_ipv6=False, labels=dict(labels)
            )
        except docker.errors.APIError as error:
            raise SetupError(f"The engine made no network for a build: {_brief(error)}") from error
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        return name

    def remove_network(self, network: str) -> None:
        """Never raises: what cannot be removed now is an orphan, collected later."""
        with contextlib.suppress(*_TRANSPORT_ERRORS):
            self._client.api.remove_network(network)

    def networks(self, label: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """(id, labels) of every network that carries the label."""
        try:
            found = self._client.api.networks(filters={"label": label})
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        for entry in found:
            yield str(entry["Id"]), entry.get("Labels") or {}

    def address(self, container: str, network: str) -> str:
        """Of a running container in a network. Raises `SetupError` where it has none there."""
        try:
            networks = self._client.api.inspect_container(container)["NetworkSettings"]["Networks"]
        except _TRANSPORT_ERRORS as error:
            raise _lost(error) from error
        address = str((networks.get(network) or {}).get("IPAddress") or "")
        if not address:
            raise SetupError(f"The engine gave a container no address in the network {network}.")
        return address

    def _tmpfs(self, size: int) -> str:
        # Podman knows no owner of a tmpfs; and it would fill it with what the image has there.
        owner = "mode=1777,notmpcopyup" if self._is_podman else f"mode=0755,uid={_UID},gid={_GID}"
        return f"rw,exec,nosuid,nodev,size={size},{owner}"

    def _join(self, container: str, networks: Sequence[str]) -> None:
        for network in networks:
            try:
                self._client.api.connect_container_to_network(container, network)
            except _TRANSPORT_ERRORS as error:
                self.remove(container)
                raise SetupError(f"The engine did not let a container into a network: {_brief(error)}") from error

    def containers(self, label: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """(id, labels) of every container, running or not, that carries the label."""
        try:
            found = self._client.api.containers(all=True, filters={"label": label})
        except _TRANSPORT_ERRORS as error:
            raise _unavailable(error) from error
        for entry in found:
            yield str(entry["Id"]), entry.get("Labels") or {}


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
                with contextlib.suppress(*_TRANSPORT_ERRORS, ValueError):
                    thing.close()


def _client(docker_host: str, seconds: int) -> docker.DockerClient:
    if docker_host.startswith("unix://"):
        # The SDK never closes a unix socket that it could not connect.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(seconds)
            probe.connect(docker_host.removeprefix("unix://"))
    if docker_host:
        return docker.DockerClient(base_url=docker_host, timeout=seconds)
    return docker.from_env(timeout=seconds)


def _mounts(meeting: str) -> list[docker.types.Mount]:
    """A mount that the engine makes no directory for: where the host's path is not the engine's, it refuses."""
    if not meeting:
        return []
    return [docker.types.Mount(MEETING, meeting, type="bind", read_only=True, propagation="rprivate")]


def _ulimits(file_bytes: int) -> list[docker.types.Ulimit]:
    limits = {"fsize": file_bytes, "core": 0}
    return [docker.types.Ulimit(name=name, soft=value, hard=value) for name, value in limits.items()]


def _image_id(text: str) -> str:
    """Podman leaves the algorithm out."""
    return f"sha256:{str(text).removeprefix('sha256:')}"


def _seconds(moment: str) -> float:
    """Of an engine's time stamp; 0 for none."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0


def _unavailable(error: Exception) -> SandboxError:
    return EngineUnavailable(f"The Docker engine does not answer as it should ({_brief(error)}). {HOW_TO_GET_ONE}")


def _lost(error: Exception) -> SandboxError:
    return ContainerLost(f"The container or its engine went away: {_brief(error)}")


def _brief(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation or error).strip().splitlines()[0][:300] if str(explanation or error).strip() else repr(error)
