"""Every preset of the lineup, in a real container, through a whole fix to the verdict of the sandbox itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.types import Ending
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.images import Image
from sandbox.proof import sha256_of
from sandbox.tree import GitTree, create
from sandbox.types import verdict_name
from tests.support.lineup_proofs import LIMITS, PLAN, Proofs
from tests.support.lineup_rows import ROWS, Row, named, no_gaps, weathered, without_waiting
from tests.support.model_server import serving
from tests.support.repair_env import MemoryRecorder


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """An environment without any package: unittest is the standard library's."""
    nothing = GitTree.of_files(create(tmp_path_factory.mktemp("image") / "empty.git"), {})
    return engine.ensure_image(PLAN, nothing, lambda _: None)


@pytest.fixture(scope="module")
def proofs(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Proofs:
    return Proofs(engine, tmp_path_factory.mktemp("proofs"))


@pytest.fixture
def environment(engine: Engine, image: Image, proofs: Proofs) -> Iterator[AttemptEnvironment]:
    with engine.container(image, LIMITS) as container:
        yield AttemptEnvironment(container, PLAN, proofs.base)


@pytest.mark.docker
@pytest.mark.parametrize("row", ROWS, ids=named)
def test_a_preset_comes_to_a_verified_patch_though_its_endpoint_is_busy_at_first(
    row: Row, environment: AttemptEnvironment, proofs: Proofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = without_waiting(monkeypatch)
    with serving(row.server()) as server:
        attempt = row.solved(server, environment, MemoryRecorder())
    weathered(server, waited)
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    proof = proofs.of(attempt.diff)
    assert verdict_name(proof.verdict) == "Verified", proof.verdict
    assert (proof.patch, proof.patch_sha256) == (attempt.diff, sha256_of(attempt.diff))
    assert len(proof.verdict.evidence.fail_to_pass) == 1


@pytest.mark.docker
def test_a_model_whose_gaps_are_bad_proposes_nothing(environment: AttemptEnvironment) -> None:
    row = next(row for row in ROWS if row.fills_gaps)
    with serving(row.server(play=no_gaps, troubles=())) as server:
        attempt = row.solved(server, environment, MemoryRecorder())
    assert (attempt.ending, attempt.diff) == (Ending.GAVE_UP, "")
