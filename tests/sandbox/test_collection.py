"""Which images go and which stay; and that a build is not made twice."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot import wiring
from config import settings
from sandbox import orphans
from sandbox.collection import GRACE_SECONDS, RETRY_SECONDS, Kind, Policy, Stored, choose, should_retry
from sandbox.daemon import Daemon
from sandbox.engine import Engine, EngineConfig
from sandbox.images import Image, commit_changes, environment_tag, lock_of, one_at_a_time
from sandbox.layout import USER
from sandbox.shelf import Shelf
from sandbox.specs import ContainerSpec
from sandbox.types import EnvironmentPlan, Limits
from tests.support.trees import MemoryTree

NOW = 1_800_000_000.0
DAY = 86400.0
GIB = 1 << 30
ROOMY = Policy(max_age=14 * DAY, max_bytes=100 * GIB)


def stored(name: str, *, idle: float = DAY, size: int = GIB, parent: str = "base", tag: bool = True) -> Stored:
    return Stored(
        id=name,
        tags=(f"{name}:tag",) if tag else (),
        kind=Kind.ENVIRONMENT,
        parent=parent,
        bytes=size,
        created=NOW - idle,
        used=NOW - idle,
    )


BASE = replace(stored("base", idle=900 * DAY, parent=""), kind=Kind.BASE)


def chosen(*images: Stored, running: frozenset[str] = frozenset(), policy: Policy = ROOMY) -> list[str]:
    return [removal.image.id for removal in choose((BASE, *images), running, policy, NOW)]


# --- pure ---


def test_what_nobody_used_for_long_goes_and_the_base_stays() -> None:
    assert chosen(stored("old", idle=15 * DAY), stored("new", idle=13 * DAY)) == ["old"]
    (removal,) = choose((BASE, stored("old", idle=15 * DAY)), frozenset(), ROOMY, NOW)
    assert removal.why == "not used for 15 days"
    assert removal.image.name == "old:tag"


def test_the_longest_unused_go_until_the_rest_fits() -> None:
    images = [stored(str(days), idle=days * DAY) for days in (1, 4, 2, 3)]
    policy = Policy(max_age=14 * DAY, max_bytes=2 * GIB)
    assert chosen(*images, policy=policy) == ["4", "3"]
    assert chosen(*images, policy=replace(policy, max_bytes=4 * GIB)) == []


def test_the_bases_size_is_nobodys_fault() -> None:
    assert chosen(stored("small", size=1), policy=Policy(max_age=14 * DAY, max_bytes=1)) == []


def test_what_a_container_runs_on_stays_however_old_and_large() -> None:
    images = (stored("a", idle=90 * DAY), stored("b", idle=90 * DAY))
    assert chosen(*images, running=frozenset({"a"}), policy=Policy(max_age=DAY, max_bytes=1)) == ["b"]


def test_what_was_used_within_the_hour_stays_however_large() -> None:
    recent = stored("a", idle=GRACE_SECONDS - 1, size=1000 * GIB)
    assert chosen(recent) == []
    assert chosen(replace(recent, used=NOW - GRACE_SECONDS)) == ["a"]


def test_what_others_are_built_on_goes_after_them_or_not_at_all() -> None:
    parent = replace(stored("parent", idle=90 * DAY), kind=Kind.PREPARED)
    assert chosen(parent, stored("child", idle=DAY, parent="parent")) == []
    assert chosen(parent, stored("child", idle=80 * DAY, parent="parent")) == ["child", "parent"]


def test_what_was_built_again_goes_when_nobody_can_be_using_it_any_more() -> None:
    assert chosen(stored("replaced", idle=2 * GRACE_SECONDS, tag=False)) == ["replaced"]
    assert chosen(stored("replaced", idle=GRACE_SECONDS / 2, tag=False)) == []
    assert stored("replaced", tag=False).name == "replaced"


def test_an_image_with_a_failed_step_is_tried_again_after_a_day() -> None:
    assert not should_retry(NOW - RETRY_SECONDS + 1, 0, NOW, incomplete=True)
    assert should_retry(NOW - RETRY_SECONDS - 1, 0, NOW, incomplete=True)
    assert not should_retry(NOW - RETRY_SECONDS - 1, NOW - 60, NOW, incomplete=True)
    assert not should_retry(NOW - 90 * DAY, 0, NOW, incomplete=False)


# --- in Docker ---


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    connected = Daemon.connect(settings.load().sandbox.docker_host)
    yield connected
    connected.close()


class Pretend:
    """Images and containers of a machine that exists in this test only: whatever is collected, no other's goes."""

    def __init__(self, daemon: Daemon, base: Image) -> None:
        self.daemon = daemon
        self.machine = f"test-{os.getpid()}-{time.monotonic_ns()}"
        self._base = base
        self.containers: list[str] = []
        self.tags: list[str] = []

    def container(self, image: str) -> str:
        spec = ContainerSpec(
            image=image,
            command=("true",),
            user=USER,
            environment={},
            labels={orphans.LABEL: orphans.this_process().label()},
            memory_bytes=64 << 20,
            cpus=1.0,
            pids=16,
            file_bytes=1 << 20,
            tmpfs={},
        )
        self.containers.append(self.daemon.create(spec))
        return self.containers[-1]

    def image(self, name: str) -> tuple[str, str]:
        """(id, tag)."""
        tag = environment_tag(hashlib.sha256(f"{self.machine} {name}".encode()).hexdigest())
        changes = commit_changes((), machine=self.machine, scope=f"ours/{name}")
        # Its own bytes tell images apart that would else be one.
        built = self.daemon.commit(
            self.container(self._base.id), tag, [*changes, f"LABEL name={name}-{len(self.tags)}"]
        )
        self.tags.append(tag)
        return built, tag


@pytest.fixture
def pretend(daemon: Daemon, base_image: Image) -> Iterator[Pretend]:
    made = Pretend(daemon, base_image)
    yield made
    for container in made.containers:
        daemon.remove(container)
    for tag in made.tags:
        daemon.remove_image(tag)


@pytest.mark.docker
def test_only_what_is_free_is_removed_and_only_ours(pretend: Pretend, daemon: Daemon, tmp_path: Path) -> None:
    old, old_tag = pretend.image("old")
    used, _ = pretend.image("used")
    building, building_tag = pretend.image("building")
    running, _ = pretend.image("running")
    for container in pretend.containers:
        daemon.remove(container)
    pretend.container(running)
    later = time.time() + 30 * DAY
    shelf = Shelf(daemon, tmp_path, pretend.machine, clock=lambda: later)
    shelf.touch(used)
    os.utime(tmp_path / "used" / used.removeprefix("sha256:"), (later, later))
    listed = {image.id: image for image in shelf.stored()}
    assert listed[old].scope == "ours/old"
    assert listed[old].bytes < 1 << 20
    assert listed[used].used == pytest.approx(later, abs=1)
    with one_at_a_time(tmp_path / lock_of(building_tag)):
        removed = shelf.collect(ROOMY)
    assert [(removal.image.id, removal.why) for removal in removed] == [(old, "not used for 30 days")]
    assert daemon.image(old_tag) is None
    assert {used, building, running} <= {image.id for image in shelf.stored()}
    others = Shelf(daemon, tmp_path, "another-machine", clock=lambda: later)
    assert others.collect(Policy(max_age=1.0, max_bytes=1)) == ()


@pytest.mark.docker
def test_an_image_that_lost_its_tag_to_a_newer_one_is_removed(pretend: Pretend, daemon: Daemon, tmp_path: Path) -> None:
    first, _ = pretend.image("same")
    second, tag = pretend.image("same")
    for container in pretend.containers:
        daemon.remove(container)
    shelf = Shelf(daemon, tmp_path, pretend.machine, clock=lambda: time.time() + 2 * GRACE_SECONDS)
    (removal,) = shelf.collect(ROOMY)
    assert (removal.image.id, removal.why) == (first, "it was built again")
    found = daemon.image(tag)
    assert found is not None
    assert found.id == second


def engine_at(cache_dir: Path, days: float = 0.0) -> Engine:
    loaded = settings.load()
    return Engine.connect(
        EngineConfig(
            docker_host=loaded.sandbox.docker_host,
            base_image=loaded.sandbox.base_image,
            cache_dir=cache_dir,
            build_policy=wiring.build_policy(loaded),
            clock=lambda: time.time() + days * DAY,
        )
    )


def plan(*optional: tuple[str, ...]) -> EnvironmentPlan:
    return EnvironmentPlan(
        language="python",
        runner="pytest",
        base="",
        optional_install=optional,
        command=("true",),
        manifests=("requirements.txt",),
    )


@pytest.fixture
def scope(daemon: Daemon) -> Iterator[str]:
    """A repository of its own; its images are removed."""
    name = f"tests/{os.getpid()}-{time.monotonic_ns()}"
    yield name
    shelf = Shelf(daemon, Path("/nonexistent"), orphans.this_process().machine)
    for image in shelf.stored():
        if image.scope == name:
            daemon.remove_image(image.id)


@pytest.mark.docker
def test_what_could_not_be_installed_is_tried_again_after_a_day_and_not_before(tmp_path: Path, scope: str) -> None:
    tree = MemoryTree({"requirements.txt": b"x"})
    wanted = plan(("/bin/sh", "-c", "test -e /opt/redgreen/generated.tar"))
    today, later = engine_at(tmp_path), engine_at(tmp_path, days=2)
    lines: list[str] = []
    first = today.ensure_image(wanted, tree, lines.append, scope=scope)  # type: ignore[arg-type]
    assert first.notes
    again = today.ensure_image(wanted, tree, lines.append, scope=scope)  # type: ignore[arg-type]
    assert (again.id, again.cached) == (first.id, True)
    retried = later.ensure_image(wanted, tree, lines.append, scope=scope)  # type: ignore[arg-type]
    assert not retried.cached
    assert "environment: what failed to install is tried again" in lines
    today.close()
    later.close()


@pytest.mark.docker
def test_a_commit_that_changes_no_manifest_builds_nothing_and_starts_within_two_seconds(
    engine: Engine, scope: str
) -> None:
    def tree(number: int) -> MemoryTree:
        sources = {f"package/module_{n}.py": f"number = {number}\n".encode() * 20 for n in range(500)}
        return MemoryTree({"requirements.txt": b"x", **sources})

    engine.ensure_image(plan(), tree(0), lambda line: None, scope=scope)  # type: ignore[arg-type]
    lines: list[str] = []
    seconds = []
    # On a machine that is busy with other things, one start of several that is in time shows what it takes.
    while len(seconds) < 8 and min(seconds, default=9.0) >= 2.0:
        number = len(seconds) + 1
        commit = tree(number)
        started = time.perf_counter()
        image = engine.ensure_image(plan(), commit, lines.append, scope=scope)  # type: ignore[arg-type]
        with engine.container(image, Limits()) as container:
            container.put_tree(commit)  # type: ignore[arg-type]
            seconds.append(time.perf_counter() - started)
            assert container.run("head -1 package/module_1.py", timeout=20).output == f"number = {number}\n"
        assert image.cached
    assert lines == []
    assert min(seconds) < 2.0
