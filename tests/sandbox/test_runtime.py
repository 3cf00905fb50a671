"""The operator's runtime is what containers run with, or nothing runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import docker
import pytest

from config import settings
from sandbox.daemon import Daemon
from sandbox.engine import Engine, EngineConfig
from sandbox.errors import SetupError
from sandbox.images import Image
from sandbox.specs import ContainerSpec
from sandbox.types import Limits

SMALL = Limits(memory_bytes=256 << 20, disk_bytes=64 << 20)
SPEC = ContainerSpec(
    image="none",
    command=("true",),
    user="10001:10001",
    environment={},
    labels={},
    memory_bytes=64 << 20,
    cpus=1.0,
    pids=16,
    file_bytes=1 << 20,
    tmpfs={},
)


class Recording(Daemon):
    """The real engine's adapter; remembers what it was asked for."""

    asked: list[ContainerSpec]

    def create(self, spec: ContainerSpec) -> str:
        self.asked = [*getattr(self, "asked", []), spec]
        return super().create(spec)


def engine(runtime: str, tmp_path: Path) -> tuple[Engine, Recording]:
    box = settings.load().sandbox
    daemon = Recording.connect(box.docker_host)
    assert isinstance(daemon, Recording)
    return Engine(EngineConfig(docker_host=box.docker_host, runtime=runtime, cache_dir=tmp_path), daemon), daemon


@pytest.mark.docker
def test_the_engine_runs_containers_with_the_operators_runtime(tmp_path: Path, base_image: Image) -> None:
    connected, _ = engine("runc", tmp_path)
    host = settings.load().sandbox.docker_host
    client = docker.DockerClient(base_url=host) if host else docker.from_env()
    with connected.container(base_image, SMALL) as container:
        assert client.api.inspect_container(container.id)["HostConfig"]["Runtime"] == "runc"
    client.close()
    connected.close()


@pytest.mark.docker
def test_a_runtime_that_the_engine_has_not_is_refused_by_name_and_nothing_runs(
    tmp_path: Path, base_image: Image
) -> None:
    connected, _ = engine("no-such-runtime", tmp_path)
    with pytest.raises(SetupError, match=r"no-such-runtime.*sandbox\.runtime"), connected.container(base_image, SMALL):
        raise AssertionError("not reached")
    connected.close()


@pytest.mark.docker
def test_gvisors_own_kernel_does_not_eat_the_tenants_limits(tmp_path: Path, base_image: Image) -> None:
    """This engine has no such runtime: what it was asked for is looked at, not what it would do."""
    connected, daemon = engine("runsc", tmp_path)
    with pytest.raises(SetupError), connected.container(base_image, SMALL):
        raise AssertionError("not reached")
    connected.close()
    assert {spec.runtime for spec in daemon.asked} == {"runsc"}
    assert all(spec.pids > SMALL.pids and spec.memory_bytes > SMALL.memory_bytes for spec in daemon.asked)


def test_podman_is_never_trusted_to_have_heeded_a_runtime() -> None:
    """Podman's API passes over the runtime of a container without a word."""
    client = docker.DockerClient(base_url="tcp://127.0.0.1:9", version="1.41")
    podman = Daemon(client, "tcp://127.0.0.1:9", 1, podman_runtime="crun")
    with pytest.raises(SetupError, match=r"containers\.conf"):
        podman.create(replace(SPEC, runtime="runsc"))
    client.close()
