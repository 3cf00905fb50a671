"""Rust in real containers: a small workspace with a bug, and every way in which its tests can come out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import buildpacks
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.execution import Bench
from sandbox.runners import RUNNERS
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import (
    Limits,
    NotFixed,
    Proof,
    Regressed,
    RunKind,
    TestId,
    TestReport,
    TestStatus,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)
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


UNIT = """    #[test]
    fn the_very_minute() {
        assert_eq!(next_high(0, 0), PERIOD);
    }

    #[test]
    fn before_the_first() {"""


def with_unit_test(tree: GitTree) -> GitTree:
    return edit(tree, SOURCE, "    #[test]\n    fn before_the_first() {", UNIT)


FLAKY = """
#[test]
fn flaky() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(now.as_micros() % 2, 1);
}
"""


def test_a_fix_with_a_unit_test_and_an_integration_test_is_verified(base: GitTree, run: Verify) -> None:
    proof = run(append(with_unit_test(fixed(base)), TESTS, WITNESS))
    assert isinstance(proof.verdict, Verified), proof.verdict
    evidence = proof.verdict.evidence
    assert evidence.fail_to_pass == (f"{SOURCE}::tests::the_very_minute", f"{TESTS}::the_very_minute")
    assert {f"{SOURCE}::tests::clocks::midnight", "chart/src/lib.rs::tests::rounds_down"} < set(evidence.pass_to_pass)
    assert evidence.ignored_test_edits == ()
    assert all("left == right" in red.why for red in proof.verdict.red_before), proof.verdict.red_before
    report = proof.runs[0].report
    assert report is not None
    assert report.ids(TestStatus.SKIPPED) == {f"{SOURCE}::tests::gauge"}


def test_a_test_that_does_not_compile_without_the_patch_is_no_witness(base: GitTree, run: Verify) -> None:
    halved = append(fixed(base), SOURCE, "\npub fn half() -> u32 {\n    PERIOD / 2\n}\n")
    new = b"#[test]\nfn half_way() {\n    assert_eq!(tide::half(), 372);\n}\n"
    proof = run(halved.with_files({"tests/half.rs": new}))
    assert isinstance(proof.verdict, WitnessInvalid), proof.verdict
    assert "half" in proof.verdict.invalid[0].why


def test_a_witness_that_stays_red_is_not_fixed(base: GitTree, run: Verify) -> None:
    proof = run(append(edit(base, SOURCE, "any high water.", "any high."), TESTS, WITNESS))
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert [red.id for red in proof.verdict.still_red] == [f"{TESTS}::the_very_minute"]
    assert "tests/sailing.rs:" in proof.verdict.still_red[0].why


def test_a_new_test_that_is_green_without_the_patch_proves_nothing(base: GitTree, run: Verify) -> None:
    proof = run(append(fixed(base), TESTS, "\n#[test]\nfn nothing() {}\n"))
    assert isinstance(proof.verdict, WitnessNotRed), proof.verdict


@pytest.mark.thorough
def test_neither_an_edit_of_a_unit_test_nor_a_flaky_test_hides_a_regression(base: GitTree, run: Verify) -> None:
    flaky = append(base, TESTS, FLAKY)
    weakened = edit(flaky, SOURCE, 'assert_eq!(clock(1440), "00:00")', "assert!(clock(1440).len() > 0)")
    proof = run(edit(weakened, SOURCE, "minutes / 60 % 24", "minutes / 60"), on=flaky)
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert f"{SOURCE}::tests::clocks::midnight" in {red.id for red in proof.verdict.turned_red}
    assert f"{TESTS}::flaky" not in proof.verdict.evidence.fail_to_pass
    assert proof.verdict.evidence.ignored_test_edits == (f"{SOURCE}::tests::clocks::midnight",)


# --- one run -----------------------------------------------------------------------------------------------------

HARSH = {
    "tests/broken.rs": "#[test]\nfn broken() {\n    undefined();\n}\n",
    "tests/crash.rs": "#[test]\nfn aborts() {\n    std::process::abort();\n}\n\n#[test]\nfn leaves() {\n"
    "    std::process::exit(3);\n}\n\n#[test]\nfn stays() {}\n",
    "tests/noisy.rs": "use std::io::Write;\n\n#[test]\nfn no_line_end() {\n"
    '    std::io::stdout().write_all(b"no line end").unwrap();\n}\n\n#[test]\nfn red() -> Result<(), u8> {\n'
    "    Err(3)\n}\n\n#[test]\n#[should_panic]\nfn calm() {}\n",
    "tests/plain.rs": "fn main() {}\n",
    "tests/unplain.rs": "fn main() {\n    std::process::exit(1);\n}\n",
    "tests/big/main.rs": "mod part;\n",
    "tests/big/part.rs": "#[test]\nfn inside() {}\n",
}
PLAIN = "".join(f'\n[[test]]\nname = "{name}"\nharness = false\n' for name in ("plain", "unplain"))


def harsh(base: GitTree) -> GitTree:
    return append(base, "Cargo.toml", PLAIN).with_files({path: text.encode() for path, text in HARSH.items()})


def run_once(engine: Engine, tree: GitTree, *tests: str, files: tuple[str, ...] = ()) -> TestReport:
    plan = buildpacks.detect(tree)
    assert plan is not None
    with Supply(engine, engine.ensure_image(plan, tree, print), Limits()) as supply:
        bench = Bench(supply=supply, runner=RUNNERS[plan.runner], plan=plan)
        chosen = tuple(TestId(test) for test in tests)
        made = bench.run(RunKind.BASE, tree, timeout=300, tests=chosen, files=files)
    assert made.report is not None, made.output_tail
    assert made.report.complete, made.output_tail
    assert made.report.tamper_signs == (), made.report.tamper_signs
    assert made.report.replaced == ()
    assert (made.report.must_fail, made.report.must_pass) == (TestStatus.FAILED, TestStatus.PASSED)
    return made.report


def test_every_way_to_come_out_is_told_from_the_others(engine: Engine, base: GitTree) -> None:
    report = run_once(engine, harsh(base))
    found = {test: result.status.value for test, result in report.results.items() if test.startswith("tests/")}
    assert found == {
        "tests/big/main.rs::part::inside": "passed",
        "tests/crash.rs::aborts": "failed",
        "tests/crash.rs::leaves": "failed",
        "tests/crash.rs::stays": "passed",
        "tests/noisy.rs::calm": "failed",
        "tests/noisy.rs::no_line_end": "passed",
        "tests/noisy.rs::red": "failed",
        "tests/plain.rs::main": "passed",
        "tests/sailing.rs::deep_water": "passed",
        "tests/sailing.rs::second_high": "passed",
    }
    assert {error.path: error.exception for error in report.collection_errors} == {
        "tests/broken.rs": "compile error",
        "tests/unplain.rs": "exit",
    }
    why = {test: result.failure for test, result in report.results.items() if result.failure is not None}
    assert why[TestId("tests/crash.rs::aborts")].exception == "exit"
    assert "signal 6" in why[TestId("tests/crash.rs::aborts")].message
    assert "exit code 3" in why[TestId("tests/crash.rs::leaves")].message
    assert (why[TestId("tests/noisy.rs::red")].exception, why[TestId("tests/noisy.rs::red")].message) == (
        "Err",
        "Error: 3",
    )
    assert "did not panic" in why[TestId("tests/noisy.rs::calm")].message


def test_single_tests_are_run_by_their_exact_names(engine: Engine, base: GitTree) -> None:
    chosen = ("tests/sailing.rs::deep_water", f"{SOURCE}::tests::clocks::midnight")
    assert run_once(engine, base, *chosen).ids() == set(chosen)


def test_a_file_s_target_is_run_without_the_others(engine: Engine, base: GitTree) -> None:
    found = run_once(engine, base, files=(TESTS,)).ids()
    assert found == {f"{TESTS}::deep_water", f"{TESTS}::second_high"}
