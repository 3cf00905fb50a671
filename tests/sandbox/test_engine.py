"""The engine on real Docker: containers end as promised, environments are built, kept and reused, nothing leaks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from config import settings
from sandbox.container import Container
from sandbox.daemon import Daemon
from sandbox.engine import Engine, EngineConfig
from sandbox.errors import ContainerLost, ImageBuildFailed, SetupError
from sandbox.frames import Transport
from sandbox.images import Image
from sandbox.layout import SYSTEM_PATH
from sandbox.orphans import LABEL, this_process
from sandbox.rendezvous import Rendezvous, default_parent
from sandbox.selfcheck import CHECKS, Bench, Broken, Sandbox
from sandbox.selfcheck.bench import SMALL
from sandbox.shell import supervisor_command
from sandbox.specs import ContainerSpec
from sandbox.types import Ended, EnvironmentPlan, Limits
from tests.support.trees import MemoryTree

pytestmark = pytest.mark.docker

TREE = MemoryTree({"setup.py": b"raise SystemExit(0)\n", "pkg/__init__.py": b"", ".gitignore": b"*.built\n"})
PLAN = EnvironmentPlan(language="python", runner="pytest", base="redgreen-base", manifests=("setup.py",))


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    connected = Daemon.connect(settings.load().sandbox.docker_host)
    yield connected
    connected.close()


def of(daemon: Daemon, label: str = LABEL) -> set[str]:
    return {id_ for id_, _ in daemon.containers(label)}


# --- containers ---


def test_a_container_is_removed_when_its_block_ends(engine: Engine, base_image: Image, daemon: Daemon) -> None:
    with engine.container(base_image, SMALL) as container:
        assert container.id in of(daemon)
    assert container.id not in of(daemon)
    assert container.ended() is Ended.EXITED


def test_a_container_is_removed_when_its_block_raises(engine: Engine, base_image: Image, daemon: Daemon) -> None:
    with pytest.raises(ZeroDivisionError), engine.container(base_image, SMALL) as container:
        raise ZeroDivisionError
    assert container.id not in of(daemon)


def test_a_container_killed_from_outside_is_lost_not_failed(engine: Engine, base_image: Image, daemon: Daemon) -> None:
    with engine.container(base_image, SMALL) as container:
        channel = container.open_lines(["cat"])
        daemon.remove(container.id)
        with pytest.raises(ContainerLost):
            container.run("echo on", timeout=20)
        with pytest.raises(ContainerLost):
            channel.send("x")
        channel.close()
        assert container.ended() is Ended.LOST


def test_what_a_dead_process_left_is_collected(engine: Engine, base_image: Image, daemon: Daemon) -> None:
    """The owner is killed while its container runs: the container ends by itself, and is then removed."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from sandbox.engine import Engine, EngineConfig; from sandbox.types import Limits\n"
        "engine = Engine.connect(EngineConfig(docker_host=sys.argv[1], cache_dir=Path(sys.argv[2])))\n"
        "with engine.container(engine.image(sys.argv[3]), Limits()) as container:\n"
        "    print(container.id, flush=True); os.kill(os.getpid(), 9)\n"
    )
    box = settings.load().sandbox
    command = [sys.executable, "-c", script, box.docker_host, str(box.cache_dir), base_image.tag]
    left = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout.strip()
    with engine.container(base_image, SMALL) as ours:
        assert engine.collect_orphans() >= 1
        assert left
        assert left not in of(daemon)
        assert ours.run("echo on", timeout=20).output == "on\n"


def test_an_image_without_python_is_refused_with_the_reason(engine: Engine, daemon: Daemon, base_image: Image) -> None:
    bad = replace(base_image, env={})
    spec = ContainerSpec(
        image=bad.id,
        command=("/bin/sh", "-c", "echo no python here >&2; exit 3"),
        user="10001:10001",
        environment={},
        labels={},
        memory_bytes=SMALL.memory_bytes,
        cpus=1,
        pids=10,
        file_bytes=1 << 20,
        tmpfs={},
    )
    id_ = daemon.create(spec)
    container = Container(daemon, id_, daemon.attach(id_), SMALL)
    with pytest.raises(SetupError, match=r"needs python3.*no python here"):
        container.start({})
    container.close()


def test_a_local_engines_shell_has_a_socket_and_the_host_keeps_nothing_of_it(tmp_path: Path, base_image: Image) -> None:
    with engine_of(Daemon, tmp_path / "meetings") as engine, engine.container(base_image, SMALL) as container:
        assert container.transport is Transport.SOCKET
        assert list((tmp_path / "meetings").iterdir()) == []
        assert container.run("echo on", timeout=20).output == "on\n"


class OtherPaths(Daemon):
    """An engine whose host has nothing at the path where this machine has the meeting place."""

    tried = 0

    def create(self, spec: ContainerSpec) -> str:
        type(self).tried += bool(spec.meeting)
        return super().create(replace(spec, meeting=spec.meeting and f"{spec.meeting}-elsewhere"))


class OtherFiles(OtherPaths):
    """An engine whose host has another directory at that path."""

    def create(self, spec: ContainerSpec) -> str:
        if spec.meeting:
            Path(f"{spec.meeting}-elsewhere").mkdir()
        return super().create(spec)


@pytest.mark.parametrize("kind", [OtherPaths, OtherFiles])
def test_an_engine_that_cannot_mount_the_socket_is_spoken_to_over_its_own_stream(
    tmp_path: Path, base_image: Image, kind: type[OtherPaths]
) -> None:
    kind.tried = 0
    with engine_of(kind, tmp_path / "meetings") as engine:
        for _ in range(2):
            with engine.container(base_image, SMALL) as container:
                assert container.transport is Transport.ATTACH
                assert container.run("echo on", timeout=20).output == "on\n"
    assert kind.tried == 1


def test_where_no_socket_can_be_made_the_attach_stream_is_used(tmp_path: Path, base_image: Image) -> None:
    (tmp_path / "meetings").write_text("a file")
    with engine_of(Daemon, tmp_path / "meetings") as engine, engine.container(base_image, SMALL) as container:
        assert container.transport is Transport.ATTACH


def test_an_engine_elsewhere_is_not_local(daemon: Daemon) -> None:
    assert daemon.is_local
    remote = docker.DockerClient(base_url="tcp://127.0.0.1:9", version="1.41")
    assert not Daemon(remote, "tcp://127.0.0.1:9", 1).is_local
    remote.close()


@contextmanager
def engine_of(kind: type[Daemon], meetings: Path) -> Iterator[Engine]:
    box = settings.load().sandbox
    config = EngineConfig(docker_host=box.docker_host, cache_dir=box.cache_dir, meetings=meetings)
    engine = Engine(config, kind.connect(box.docker_host))
    yield engine
    engine.close()


@contextmanager
def lax_container(daemon: Daemon, image: Image, limits: Limits) -> Iterator[Sandbox]:
    """Every wall that a spec can take down is down."""
    spec = ContainerSpec(
        image=image.id,
        command=supervisor_command(),
        user="0:0",
        environment={"PATH": SYSTEM_PATH, "SECRET_OF_THE_HOST": "x"},
        labels={},
        memory_bytes=2 << 30,
        cpus=2,
        pids=4096,
        file_bytes=4 << 30,
        tmpfs={"/work": 1 << 30, "/tmp": 1 << 30},
        network="bridge",
        read_only=False,
        capabilities=("SYS_ADMIN", "SYS_PTRACE", "DAC_OVERRIDE"),
    )
    with closing(Rendezvous(default_parent(), this_process())) as open_still:
        id_ = daemon.create(replace(spec, meeting=str(open_still.directory)))
        container = Container(daemon, id_, daemon.attach(id_), limits)
        try:
            container.start({"SECRET_OF_THE_HOST": "x"})
            yield container
        finally:
            container.close()


@pytest.mark.parametrize(
    "name",
    [
        "no_network_interface_but_loopback",
        "no_variable_of_the_host",
        "no_variable_of_the_supervisor",
        "not_root",
        "no_capability",
        "root_is_read_only",
        "nothing_can_be_mounted",
        "supervisor_cannot_be_read",
        "supervisors_descriptors_cannot_be_taken",
        "meeting_place_is_empty",
        "nobody_meets_the_host_again",
        "no_socket_listens",
        "processes_are_limited",
        "memory_is_limited",
        "disk_is_limited",
        "file_size_is_limited",
    ],
)
def test_a_check_fails_where_its_wall_is_missing(daemon: Daemon, base_image: Image, name: str) -> None:
    bench = Bench(lambda limits: lax_container(daemon, base_image, limits))
    try:
        with pytest.raises(Broken):
            CHECKS[name](bench)
    finally:
        bench.close()


# --- environments ---


@pytest.fixture(scope="module")
def built(engine: Engine, daemon: Daemon) -> Iterator[Image]:
    plan = replace(
        PLAN,
        env=(("FLAVOUR", "sour $HOME"),),
        install=(
            ("sh", "-c", "touch pkg/made.built 'pkg/odd [name]#.txt'; echo kept > /opt/venv/kept; git log --oneline"),
            ("sh", "-c", "echo changed > pkg/__init__.py"),
        ),
        optional_install=(("sh", "-c", "exit 3"),),
    )
    lines: list[str] = []
    image = engine.ensure_image(plan, TREE, lines.append)
    assert any("exit code 3" in line for line in lines) or image.cached
    yield image
    daemon.remove_image(image.tag)


def test_an_environment_keeps_what_its_build_made(engine: Engine, built: Image) -> None:
    with engine.container(built, SMALL) as container:
        container.put_tree(TREE)
        made = container.run(
            "ls pkg; cat /opt/venv/kept; echo $FLAVOUR; git status --short; cat pkg/__init__.py", timeout=20
        )
    assert made.output == "__init__.py\nmade.built\nodd [name]#.txt\nkept\nsour $HOME\n"
    assert built.notes == ("`sh -c 'exit 3'` failed with exit code 3 and was passed over.",)


def test_the_trees_own_file_wins_over_a_generated_one(engine: Engine, built: Image) -> None:
    with engine.container(built, SMALL) as container:
        container.put_tree(TREE.with_files({"pkg/made.built": b"mine\n"}))
        assert container.run("cat pkg/made.built; git ls-files pkg", timeout=20).output == (
            "mine\npkg/__init__.py\npkg/made.built\n"
        )


def test_a_commit_that_changes_only_source_starts_from_the_cache(engine: Engine, built: Image) -> None:
    plan = replace(
        PLAN,
        env=(("FLAVOUR", "sour $HOME"),),
        install=(
            ("sh", "-c", "touch pkg/made.built 'pkg/odd [name]#.txt'; echo kept > /opt/venv/kept; git log --oneline"),
            ("sh", "-c", "echo changed > pkg/__init__.py"),
        ),
        optional_install=(("sh", "-c", "exit 3"),),
    )
    again = engine.ensure_image(plan, TREE.with_files({"pkg/new.py": b""}), lambda line: None)
    assert (again.id, again.tag, again.cached, again.env, again.notes) == (
        built.id,
        built.tag,
        True,
        built.env,
        built.notes,
    )


def test_the_built_image_is_not_taken_for_a_container_of_ours(daemon: Daemon, built: Image) -> None:
    facts = daemon.image(built.tag)
    assert facts is not None
    assert facts.labels[LABEL] == ""


def test_a_failed_build_says_the_step_and_the_end_of_its_log(engine: Engine) -> None:
    plan = replace(PLAN, install=(("sh", "-c", "echo the reason; exit 9"),))
    with pytest.raises(ImageBuildFailed, match="exit code 9") as failure:
        engine.ensure_image(plan, TREE, lambda line: None)
    assert "the reason" in failure.value.log_tail


def test_build_settings_reach_the_steps_and_not_the_image(tmp_path: Path, engine: Engine, daemon: Daemon) -> None:
    """The index URL's credential and the certificates are looked for in layers, configuration and history."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("CERTIFICATE-OF-THE-COMPANY\n")
    box = settings.load().sandbox
    config = EngineConfig(
        docker_host=box.docker_host,
        base_image=box.base_image,
        cache_dir=box.cache_dir,
        ca_bundle=bundle,
        build_env={"PIP_INDEX_URL": "https://reader:sesame-of-test@index.invalid/simple"},
    )
    seen = 'test "$PIP_INDEX_URL" = "https://reader:sesame-of-test@index.invalid/simple"; grep -q COMPANY "$PIP_CERT"'
    plan = replace(PLAN, install=(("sh", "-ec", seen),))
    other = Engine.connect(config)
    image = other.ensure_image(plan, TREE, lambda line: None)
    try:
        with engine.container(image, SMALL) as container:
            found = container.run(
                "env; grep -rlE 'sesame-of-test|OF-THE-COMPANY' /opt /etc /tmp /work /root /home", timeout=60
            )
        assert "sesame" not in found.output
        assert "/opt" not in found.output.replace("PATH=/opt/venv", "")
        inspected = daemon.raw_image(image.tag)
        assert "sesame" not in json.dumps(inspected)
        assert "COMPANY" not in json.dumps(inspected)
    finally:
        other.close()
        daemon.remove_image(image.tag)


def test_a_build_that_takes_too_long_is_ended(engine: Engine) -> None:
    box = settings.load().sandbox
    config = EngineConfig(
        docker_host=box.docker_host, base_image=box.base_image, cache_dir=box.cache_dir, build_seconds=1.0
    )
    plan = replace(PLAN, install=(("sh", "-c", "echo begun; sleep 60"),))
    hurried = Engine.connect(config)
    try:
        with pytest.raises(ImageBuildFailed, match="did not end within") as failure:
            hurried.ensure_image(plan, TREE, lambda line: None)
        assert "begun" in failure.value.log_tail
    finally:
        hurried.close()


def test_build_steps_are_behind_the_same_walls(engine: Engine, daemon: Daemon) -> None:
    walls = "test $(id -u) = 10001; grep -q 'CapEff:.0000000000000000' /proc/self/status; ! touch /usr/bin/x"
    image = engine.ensure_image(replace(PLAN, install=(("sh", "-ec", walls),)), TREE, lambda line: None)
    daemon.remove_image(image.tag)
