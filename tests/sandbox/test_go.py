"""Go in real containers: a small repository with a bug, and every way in which its tests can come out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import (
    Proof,
    Regressed,
    TestStatus,
    Verified,
)
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, append, case, edit

pytestmark = pytest.mark.docker

COIN = "coin/coin.go"
TESTS = "coin/coin_test.go"
WITNESS = """
func TestExactCoins(t *testing.T) {
	for _, amount := range []int{1, 50} {
		t.Run(Label(amount), func(t *testing.T) {
			if got := Change(amount); len(got) != 1 {
				t.Fatalf("Change(%d) = %v", amount, got)
			}
		})
	}
}
"""
FIXED = tuple(f"{TESTS}::TestExactCoins{name}" for name in ("", "/0.01", "/0.50"))

Verify = Callable[..., Proof]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case("go/till", tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def run(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(patched: GitTree, *, on: GitTree = base) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched))
        return verify(engine, request, cache=cache, progress=print)

    return verify_one


def fixed(tree: GitTree) -> GitTree:
    return edit(tree, COIN, "for amount > coin", "for amount >= coin")


def test_a_fix_with_its_test_is_verified(base: GitTree, run: Verify) -> None:
    proof = run(append(fixed(base), TESTS, WITNESS))
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == FIXED
    assert f"{TESTS}::TestLabel/whole_amounts" in proof.verdict.evidence.pass_to_pass
    assert f"{TESTS}::FuzzLabel/seed#0" in proof.verdict.evidence.pass_to_pass
    assert "coin/example_test.go::ExampleLabel" in proof.verdict.evidence.pass_to_pass
    assert any("Change(50) = [20 20 5 2 2]" in red.why for red in proof.verdict.red_before), proof.verdict.red_before
    report = proof.runs[0].report
    assert report is not None
    assert report.ids(TestStatus.SKIPPED) == {f"{TESTS}::TestMint"}


def test_a_fix_that_breaks_another_test_is_a_regression(base: GitTree, run: Verify) -> None:
    proof = run(edit(append(fixed(base), TESTS, WITNESS), COIN, "%d.%02d", "%d,%02d"))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert {red.id for red in proof.verdict.turned_red} >= {f"{TESTS}::TestLabel/cents"}
