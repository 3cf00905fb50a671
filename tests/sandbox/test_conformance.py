"""The Docker engine is held to every check of `sandbox.selfcheck`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.engine import Engine
from sandbox.images import Image
from sandbox.selfcheck import CHECKS, Bench

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def bench(engine: Engine, base_image: Image) -> Iterator[Bench]:
    bench = Bench(lambda limits: engine.container(base_image, limits))
    yield bench
    bench.close()


@pytest.mark.parametrize("name", CHECKS)
def test_the_sandbox_keeps_its_promise(bench: Bench, name: str) -> None:
    CHECKS[name](bench)
