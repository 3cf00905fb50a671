"""JavaScript and TypeScript in real containers: what each runner reports, and whole verifications of small patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import (
    NotFixed,
    Proof,
    Regressed,
    RegressionFree,
    TestStatus,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)
from sandbox.verify import VerifyRequest, verify
from tests.support import node
from tests.support.cases import COMMIT, append, case, edit

pytestmark = pytest.mark.docker

Verify = Callable[..., Proof]
FIX = ("'a', 'the'", "'a', 'an', 'the'")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case(node.CASE, tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def run(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(runner: str, patched: GitTree, *, on: GitTree = base) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched), plan=node.plan(base, runner))
        return verify(engine, request, cache=cache, progress=lambda _: None)

    return verify_one


def fixed(tree: GitTree, runner: str = "jest") -> GitTree:
    return edit(tree, node.source_of(runner), *FIX)


def with_witness(tree: GitTree, runner: str = "jest") -> GitTree:
    return append(tree, node.TESTS[runner], node.witness(runner))


STATUSES: Mapping[str, Mapping[str, TestStatus]] = {
    "jest": {
        "titleKey > of The Trial is trial": TestStatus.PASSED,
        "titleKey > of one word > keeps it": TestStatus.PASSED,
        "titleKey > of a title in another language": TestStatus.SKIPPED,
        "loans > can be renewed": TestStatus.SKIPPED,
    },
    "vitest": {
        "titleKey > of The Trial is trial": TestStatus.PASSED,
        "titleKey > of a title in another language": TestStatus.SKIPPED,
        "loans > can be renewed": TestStatus.SKIPPED,
    },
    "mocha": {
        "titleKey > of The Trial is trial": TestStatus.PASSED,
        "titleKey > of a title in another language": TestStatus.SKIPPED,
        "loans > can be renewed": TestStatus.SKIPPED,
    },
    "node-test": {
        "titleKey > of The Trial is trial": TestStatus.PASSED,
        "titleKey > of a title in another language": TestStatus.SKIPPED,
        "loans > can be renewed": TestStatus.SKIPPED,
        "loans": TestStatus.PASSED,
    },
    "tap": {
        "titleKey > of a title with an article": TestStatus.PASSED,
        "titleKey": TestStatus.PASSED,
        "renewals": TestStatus.SKIPPED,
    },
}


@pytest.mark.parametrize("runner", node.SCRIPTS)
def test_a_fix_with_its_test_is_verified_by_every_runner(runner: str, base: GitTree, run: Verify) -> None:
    proof = run(runner, with_witness(fixed(base, runner), runner))
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == (node.witness_id(runner),)
    assert "idiot" in proof.verdict.red_before[0].why
    report = proof.runs[0].report
    assert report is not None
    named = {test.partition("::")[2]: result.status for test, result in report.results.items()}
    assert STATUSES[runner].items() <= named.items()
    assert len(proof.verdict.evidence.pass_to_pass) >= 3


def test_a_witness_that_stays_red_is_not_fixed(base: GitTree, run: Verify) -> None:
    patched = with_witness(append(base, node.SOURCE, "\nmodule.exports.ARTICLES = ARTICLES;\n"), "mocha")
    proof = run("mocha", patched)
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert proof.verdict.still_red[0].id == node.witness_id("mocha")
    assert "expected 'an idiot' to equal 'idiot'" in proof.verdict.still_red[0].why


def test_a_fix_that_breaks_a_nested_test_is_a_regression(base: GitTree, run: Verify) -> None:
    runner = "node-test"
    broken = edit(fixed(base), node.SOURCE, "today + days", "today + days + 1")
    proof = run(runner, with_witness(broken, runner))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    lost = [red.id for red in proof.verdict.turned_red]
    assert f"{node.TESTS[runner]}::loans > end after their days" in lost


def test_a_test_of_a_function_that_the_patch_adds_is_no_witness(base: GitTree, run: Verify) -> None:
    patched = append(base, node.TYPED, "\nexport const mark = (title: string) => title.slice(0, 3);\n")
    new = "\nimport * as all from '../src/loans.js';\n" + node.a_test("vitest", "marks", "all.mark('Emma')", "'Emm'")
    proof = run("vitest", append(patched, node.TESTS["vitest"], new))
    assert isinstance(proof.verdict, WitnessInvalid), proof.verdict
    assert "is not a function" in proof.verdict.invalid[0].why


@pytest.mark.parametrize(
    ("runner", "text", "why"),
    [
        ("mocha", "it('is cut off', () => {\n", "SyntaxError"),
        ("node-test", "require('./nothing');\n", "ModuleNotFoundError"),
    ],
)
def test_a_test_file_that_cannot_be_loaded_is_no_witness(
    runner: str, text: str, why: str, base: GitTree, run: Verify
) -> None:
    path = node.TESTS[runner].replace("books", "broken")
    proof = run(runner, fixed(base).with_files({path: text.encode()}))
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert why in proof.verdict.still_red[0].why
    assert proof.verdict.still_red[0].id == path


def test_a_witness_whose_file_loads_only_with_the_patch_is_invalid(base: GitTree, run: Verify) -> None:
    new = b"import test from 'node:test';\nimport { mark } from '../src/marks.mjs';\n\ntest('marks', () => mark());\n"
    patched = base.with_files({"node/marks.test.mjs": new, "src/marks.mjs": b"export const mark = () => 1;\n"})
    proof = run("node-test", patched)
    assert isinstance(proof.verdict, WitnessInvalid), proof.verdict
    assert "cannot be collected" in proof.verdict.invalid[0].why


def test_a_new_test_that_is_green_without_the_patch_proves_nothing(base: GitTree, run: Verify) -> None:
    new = node.a_test("node-test", "nothing", "titleKey('')", "''")
    proof = run("node-test", append(fixed(base), node.TESTS["node-test"], new))
    assert isinstance(proof.verdict, WitnessNotRed), proof.verdict


def test_a_skipped_witness_is_no_fix(base: GitTree, run: Verify) -> None:
    new = node.witness("mocha").replace("it(", "it.skip(")
    proof = run("mocha", append(fixed(base), node.TESTS["mocha"], new))
    assert isinstance(proof.verdict, RegressionFree), proof.verdict


def test_a_flaky_test_neither_proves_nor_regresses(base: GitTree, run: Verify) -> None:
    flaky = append(base, node.TESTS["mocha"], node.a_test("mocha", "flaky", "Math.random() < 0.8", "true"))
    proof = run("mocha", with_witness(fixed(flaky), "mocha"), on=flaky)
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == (node.witness_id("mocha"),)
