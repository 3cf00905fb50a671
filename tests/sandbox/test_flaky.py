"""A suite with three tests in ten red at random, in real containers: its patches get the same verdicts each time.

Fifty of each are in `benchmarks/flaky.py`; here a few, each with base runs of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.types import RunKind, verdict_name
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, case
from tests.support.flaky import patches

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("name", ["fix", "refactoring"])
def test_flaky_tests_do_not_sway_the_verdict(engine: Engine, tmp_path: Path, name: str) -> None:
    base = case("python/flaky", tmp_path / "trees.git")
    patch, wanted = patches(base)[name]
    request = VerifyRequest(base_commit=COMMIT, base=base, patch=patch)
    proof = verify(engine, request, cache=RunCache(tmp_path / "runs"), progress=lambda _: None)
    assert verdict_name(proof.verdict) == wanted, proof.verdict
    known = proof.verdict.evidence.flakiness
    assert all(0 < one.red < one.runs for one in known)
    runs = [run for run in proof.runs if run.kind is RunKind.BASE]
    assert len(known) >= 2 or len(runs) == 2, "two runs agree by chance once in 86 times, and then show nothing"
