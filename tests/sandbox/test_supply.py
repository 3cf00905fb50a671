"""The containers of one verification: each is fresh, and none is left when it is over, however that comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from config import settings
from sandbox import orphans
from sandbox.daemon import Daemon
from sandbox.engine import Engine
from sandbox.errors import SetupError
from sandbox.images import Image
from sandbox.supply import Supply
from sandbox.types import Limits

pytestmark = pytest.mark.docker

SMALL = Limits(memory_bytes=512 << 20, disk_bytes=64 << 20)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    connected = Daemon.connect(settings.load().sandbox.docker_host)
    yield connected
    connected.close()


def alive(daemon: Daemon) -> set[str]:
    """This process's containers: others may use the engine at the same time."""
    ours = orphans.this_process().label()
    return {id_ for id_, labels in daemon.containers(orphans.LABEL) if labels[orphans.LABEL] == ours}


def test_a_container_started_ahead_is_used_once_and_is_like_any_other(
    engine: Engine, base_image: Image, daemon: Daemon
) -> None:
    seen = []
    with Supply(engine, base_image, SMALL) as supply:
        supply.start_one_more()
        for _ in range(2):
            with supply.container() as container:
                seen.append(container.id)
                assert container.limits == SMALL
                result = container.run("ls -A; echo mark > left; cat left", timeout=20)
                assert result.output == "mark\n"
    assert len(set(seen)) == 2
    assert not alive(daemon) & set(seen)


def test_containers_that_nobody_asked_for_are_removed(engine: Engine, base_image: Image, daemon: Daemon) -> None:
    before = alive(daemon)
    with Supply(engine, base_image, SMALL) as supply:
        for _ in range(3):
            supply.start_one_more()
    assert alive(daemon) <= before


def test_nothing_is_left_when_a_run_raises(engine: Engine, base_image: Image, daemon: Daemon) -> None:
    before = alive(daemon)

    def run_that_fails(supply: Supply) -> None:
        supply.start_one_more()
        with supply.container():
            supply.start_one_more()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Supply(engine, base_image, SMALL) as supply:
        run_that_fails(supply)
    assert alive(daemon) <= before


def test_what_keeps_a_container_from_starting_is_told_to_who_asks_for_it(engine: Engine, base_image: Image) -> None:
    missing = replace(base_image, id="sha256:" + "0" * 64)
    with Supply(engine, missing, SMALL) as supply:
        supply.start_one_more()
        supply.start_one_more()
        with pytest.raises(SetupError), supply.container():
            pytest.fail("there is no such image")
