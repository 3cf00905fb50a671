"""The one place that speaks to a Docker engine through its SDK. Everything above it knows only these few calls.

The SDK's and the transport's exceptions never leave it (with `sandbox.daemon_images`): they become
`EngineUnavailable`, `ContainerLost`, `ImageBuildFailed` or `SetupError`. Works with any engine of API 1.41 or later
(Docker 20.10, Podman's socket).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from sandbox import docker_sdk
from sandbox.daemon_images import DaemonImages
from sandbox.docker_sdk import (
    HOW_TO_GET_ONE,
    TRANSPORT_ERRORS,
    APIError,
    Attached,
    DockerClient,
    brief,
    client_of,
    lost,
    unavailable,
)
from sandbox.errors import EngineUnavailable, SetupError
from sandbox.layout import USER
from sandbox.specs import ContainerSpec, ContainerState

_UID, _, _GID = USER.partition(":")
_NO_RESOLVER = "127.0.0.1"
"""A container's own loopback address: nobody answers there, and no question leaves the container."""
_REQUEST_SECONDS = 120


class Daemon(DaemonImages):
    """A connected engine."""

    def __init__(
        self,
        client: DockerClient,
        docker_host: str,
        cpus: int,
        *,
        memory_bytes: int = 0,
        podman_runtime: str = "",
    ) -> None:
        """`memory_bytes`: of the engine's machine, 0 where it does not say. `podman_runtime`: what Podman runs
        containers with; empty: it is not Podman."""
        super().__init__(client, docker_host)
        self.memory_bytes = memory_bytes
        self._cpus = cpus
        self._podman_runtime = podman_runtime
        self._is_podman = bool(podman_runtime)

    @classmethod
    def connect(cls, docker_host: str) -> Daemon:
        """Raises `EngineUnavailable` with a text that says how to get an engine."""
        client: DockerClient | None = None
        try:
            client = client_of(docker_host, _REQUEST_SECONDS)
            # An engine refuses a container more processors than it has.
            info = client.info()
            cpus = int(info["NCPU"])
            components = client.version().get("Components") or ()
            is_podman = any("podman" in str(component.get("Name", "")).lower() for component in components)
        except TRANSPORT_ERRORS as error:
            if client is not None:
                client.close()
            where = docker_host or "the default socket"
            raise EngineUnavailable(
                f"No Docker engine answers at {where} ({brief(error)}). {HOW_TO_GET_ONE}"
            ) from error
        return cls(
            client,
            docker_host,
            cpus,
            memory_bytes=int(info.get("MemTotal") or 0),
            podman_runtime=str(info.get("DefaultRuntime") or "?") if is_podman else "",
        )

    def close(self) -> None:
        self._client.close()

    @property
    def is_local(self) -> bool:
        """Reached over a Unix socket: most likely, not certainly, on this machine."""
        return docker_sdk.is_local(self._client)

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
                ulimits=docker_sdk.ulimits(spec.file_bytes),
                tmpfs={path: self._tmpfs(size) for path, size in spec.tmpfs.items()},
                # The stream carries every byte of every command: a log of it would fill the host's disk.
                log_config=docker_sdk.no_log(),
                runtime=spec.runtime or None,
                ipc_mode="private",
                pid_mode=None,
                mounts=docker_sdk.mounts(spec.meeting),
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
        except APIError as error:
            hint = " (sandbox.runtime names it; docs/sandbox.md says how to install one)" if spec.runtime else ""
            raise SetupError(f"The engine refused the sandbox's container: {brief(error)}{hint}") from error
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
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
        except TRANSPORT_ERRORS as error:
            raise lost(error) from error
        return Attached(handle)

    def start(self, container: str) -> None:
        try:
            self._client.api.start(container)
        except APIError as error:
            raise SetupError(f"The sandbox's container does not start: {brief(error)}") from error
        except TRANSPORT_ERRORS as error:
            raise lost(error) from error

    def state(self, container: str) -> ContainerState | None:
        """None when the container, or the engine, is gone."""
        try:
            state = self._client.api.inspect_container(container)["State"]
        except TRANSPORT_ERRORS:
            return None
        return ContainerState(
            running=bool(state.get("Running")),
            out_of_memory=bool(state.get("OOMKilled")),
            exit_code=state.get("ExitCode"),
        )

    def remove(self, container: str) -> None:
        """Kill and forget it. Never raises: what cannot be removed now is an orphan, collected later."""
        with contextlib.suppress(*TRANSPORT_ERRORS):
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
        except APIError as error:
            raise SetupError(f"The engine made no network for a build: {brief(error)}") from error
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
        return name

    def remove_network(self, network: str) -> None:
        """Never raises: what cannot be removed now is an orphan, collected later."""
        with contextlib.suppress(*TRANSPORT_ERRORS):
            self._client.api.remove_network(network)

    def networks(self, label: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """(id, labels) of every network that carries the label."""
        try:
            found = self._client.api.networks(filters={"label": label})
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
        for entry in found:
            yield str(entry["Id"]), entry.get("Labels") or {}

    def address(self, container: str, network: str) -> str:
        """Of a running container in a network. Raises `SetupError` where it has none there."""
        try:
            networks = self._client.api.inspect_container(container)["NetworkSettings"]["Networks"]
        except TRANSPORT_ERRORS as error:
            raise lost(error) from error
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
            except TRANSPORT_ERRORS as error:
                self.remove(container)
                raise SetupError(f"The engine did not let a container into a network: {brief(error)}") from error

    def containers(self, label: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        """(id, labels) of every container, running or not, that carries the label."""
        try:
            found = self._client.api.containers(all=True, filters={"label": label})
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
        for entry in found:
            yield str(entry["Id"]), entry.get("Labels") or {}
