"""Rust in real containers: a small workspace with a bug, and every way in which its tests can come out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import Proof, Regressed, TestStatus, Verified
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, append, case, edit

pytestmark = pytest.mark.docker

SOURCE = "src/lib.rs"
TESTS = "tests/sailing.rs"
WITNESS = """
#[test]
fn the_very_minute() {
    assert_eq!(next_high(0, 0), PERIOD);
}
"""

Verify = Callable[..., Proof]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case("rust/tide", tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def run(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(patched: GitTree, *, on: GitTree = base) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched))
        return verify(engine, request, cache=cache, progress=print)

    return verify_one


def fixed(tree: GitTree) -> GitTree:
    return edit(tree, SOURCE, "while high < now", "while high <= now")


def test_a_fix_with_its_test_is_verified(base: GitTree, run: Verify) -> None:
    proof = run(append(fixed(base), TESTS, WITNESS))
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == (f"{TESTS}::the_very_minute",)
    assert f"{SOURCE}::tests::clocks::midnight" in proof.verdict.evidence.pass_to_pass
    report = proof.runs[0].report
    assert report is not None
    assert report.ids(TestStatus.SKIPPED) == {f"{SOURCE}::tests::gauge"}


def test_a_fix_that_breaks_another_test_is_a_regression(base: GitTree, run: Verify) -> None:
    proof = run(edit(append(fixed(base), TESTS, WITNESS), SOURCE, "minutes / 60 % 24", "minutes / 60"))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert {red.id for red in proof.verdict.turned_red} == {f"{SOURCE}::tests::clocks::midnight"}


UNIT = """    #[test]
    fn the_very_minute() {
        assert_eq!(next_high(0, 0), PERIOD);
    }

    #[test]
    fn before_the_first() {"""


def with_unit_test(tree: GitTree) -> GitTree:
    return edit(tree, SOURCE, "    #[test]\n    fn before_the_first() {", UNIT)


def test_a_fix_beside_its_own_unit_test_is_verified(base: GitTree, run: Verify) -> None:
    proof = run(with_unit_test(fixed(base)))
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == (f"{SOURCE}::tests::the_very_minute",)
    assert proof.verdict.evidence.ignored_test_edits == ()
    assert "0 != 745" in proof.verdict.red_before[0].why or "left == right" in proof.verdict.red_before[0].why


def test_an_edit_of_a_unit_test_never_counts(base: GitTree, run: Verify) -> None:
    weakened = edit(base, SOURCE, 'assert_eq!(clock(1440), "00:00")', "assert!(clock(1440).len() > 0)")
    proof = run(edit(weakened, SOURCE, "minutes / 60 % 24", "minutes / 60"))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert {red.id for red in proof.verdict.turned_red} == {f"{SOURCE}::tests::clocks::midnight"}
    assert proof.verdict.evidence.ignored_test_edits == (f"{SOURCE}::tests::clocks::midnight",)
