"""The Docker engine is held to every check of `sandbox.selfcheck`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config import settings
from sandbox.engine import Engine, EngineConfig
from sandbox.images import Image
from sandbox.selfcheck import CHECKS, Bench, channel, results

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def bench(engine: Engine, base_image: Image) -> Iterator[Bench]:
    bench = Bench(lambda limits: engine.container(base_image, limits))
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def attached(engine: Engine, base_image: Image) -> Iterator[Bench]:
    """The same engine, its warm shells over the attach stream as with an engine elsewhere."""
    box = settings.load().sandbox
    other = Engine.connect(EngineConfig(docker_host=box.docker_host, cache_dir=box.cache_dir, meetings=None))
    bench = Bench(lambda limits: other.container(base_image, limits))
    yield bench
    bench.close()
    other.close()


ON_ATTACH = (
    *(check.__name__ for check in (*channel.CHECKS, *results.CHECKS)),
    "supervisor_cannot_be_read",
    "supervisor_survives_signals",
    "its_stream_cannot_be_forged",
    "output_flood_is_cut_in_the_middle",
)
"""What the transport could make a difference to."""


@pytest.mark.parametrize("name", ON_ATTACH)
def test_the_sandbox_keeps_its_promise_over_the_attach_stream(attached: Bench, name: str) -> None:
    CHECKS[name](attached)


@pytest.mark.parametrize("name", CHECKS)
def test_the_sandbox_keeps_its_promise(bench: Bench, name: str) -> None:
    CHECKS[name](bench)
