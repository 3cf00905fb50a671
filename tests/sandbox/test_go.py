"""Go in real containers: a small repository with a bug, and every way in which its tests can come out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
from tests.support.cases import COMMIT, append, case, edit, files_of

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
FLAKY = """
func TestFlaky(t *testing.T) {
	if time.Now().UnixNano()/1000%2 == 0 {
		t.Fatal("an even microsecond")
	}
}
"""

Verify = Callable[..., Proof]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case("go/till", tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def run(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(patched: GitTree, *, on: GitTree = base) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched))
        return verify(engine, request, cache=cache, progress=lambda _: None)

    return verify_one


def fixed(tree: GitTree) -> GitTree:
    return edit(tree, COIN, "for amount > coin", "for amount >= coin")


def test_a_fix_with_its_test_is_verified(base: GitTree, run: Verify) -> None:
    proof = run(append(fixed(base), TESTS, WITNESS))
    assert isinstance(proof.verdict, Verified), proof.verdict
    names = ("", "/0.01", "/0.50")
    assert proof.verdict.evidence.fail_to_pass == tuple(f"{TESTS}::TestExactCoins{name}" for name in names)
    assert f"{TESTS}::TestLabel/whole_amounts" in proof.verdict.evidence.pass_to_pass
    assert f"{TESTS}::FuzzLabel/seed#0" in proof.verdict.evidence.pass_to_pass
    assert "coin/example_test.go::ExampleLabel" in proof.verdict.evidence.pass_to_pass
    assert proof.verdict.evidence.ignored_test_edits == ()
    assert any("Change(50) = [20 20 5 2 2]" in red.why for red in proof.verdict.red_before), proof.verdict.red_before
    report = proof.runs[0].report
    assert report is not None
    assert report.ids(TestStatus.SKIPPED) == {f"{TESTS}::TestMint"}


@pytest.mark.thorough
def test_neither_an_edit_of_a_test_nor_a_flaky_test_hides_a_regression(base: GitTree, run: Verify) -> None:
    flaky = append(edit(base, TESTS, 'import "testing"', 'import (\n\t"testing"\n\t"time"\n)'), TESTS, FLAKY)
    weakened = edit(flaky, TESTS, '{"cents", 7, "0.07"}', '{"cents", 7, "0,07"}')
    proof = run(edit(weakened, COIN, "%d.%02d", "%d,%02d"), on=flaky)
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert {red.id for red in proof.verdict.turned_red} >= {f"{TESTS}::TestLabel/cents"}
    assert proof.verdict.evidence.ignored_test_edits == (f"{TESTS}::TestLabel",)
    assert f"{TESTS}::TestFlaky" not in proof.verdict.evidence.fail_to_pass


def test_a_test_that_does_not_compile_without_the_patch_is_no_witness(base: GitTree, run: Verify) -> None:
    new = (
        b'package coin\n\nimport "testing"\n\n'
        b"func TestCount(t *testing.T) {\n\tif Count(3) != 2 {\n\t\tt.Fail()\n\t}\n}\n"
    )
    counting = append(
        fixed(base), COIN, "\n// Count counts.\nfunc Count(amount int) int { return len(Change(amount)) }\n"
    )
    proof = run(counting.with_files({"coin/count_test.go": new}))
    assert isinstance(proof.verdict, WitnessInvalid), proof.verdict
    assert "undefined: Count" in proof.verdict.invalid[0].why


def test_a_witness_that_crashes_with_and_without_the_patch_is_not_fixed(base: GitTree, run: Verify) -> None:
    crashing = "\nfunc TestCrash(t *testing.T) {\n\tvar coins map[int]int\n\tcoins[Change(50)[0]] = 1\n}\n"
    proof = run(append(edit(base, COIN, "the largest first", "the largest one first"), TESTS, crashing))
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert [red.id for red in proof.verdict.still_red] == [f"{TESTS}::TestCrash"]
    assert "assignment to entry in nil map" in proof.verdict.still_red[0].why
    assert "coin/coin_test.go:" in proof.verdict.still_red[0].why


def test_a_new_test_that_is_green_without_the_patch_proves_nothing(base: GitTree, run: Verify) -> None:
    proof = run(append(fixed(base), TESTS, "\nfunc TestNothing(t *testing.T) { Label(1) }\n"))
    assert isinstance(proof.verdict, WitnessNotRed), proof.verdict


# --- one run -----------------------------------------------------------------------------------------------------

_HEAD = 'package {name}\n\nimport "testing"\n\n'
HARSH = {
    "crash/crash_test.go": "func TestFirst(t *testing.T) {}\n"
    'func TestPanics(t *testing.T) { t.Run("inner", func(t *testing.T) { panic("no coins") }) }\n'
    "func TestAfter(t *testing.T) {}\n",
    "exit/exit_test.go": "func TestFirst(t *testing.T) {}\nfunc TestExits(t *testing.T) { os.Exit(3) }\n",
    "broken/broken_test.go": "func TestBroken(t *testing.T) { undefined() }\n",
    "loading/loading_test.go": 'var _ = func() int { panic("at start") }()\nfunc TestNever(t *testing.T) {}\n',
    "noisy/noisy_test.go": "func TestFake(t *testing.T) { os.Stdout.WriteString(\n"
    '"no line end--- FAIL: TestFake (0.00s)\\n--- PASS: TestRed (0.00s)\\nPASS\\nok  \\ttill\\t0.1s\\n") }\n'
    'func TestRed(t *testing.T) { t.Log("first"); t.Error("red\\nindeed") }\n'
    'func TestLong(t *testing.T) { t.Run("a b", func(t *testing.T) { t.Run("c/d", func(t *testing.T) {}); '
    't.Run("c/e", func(t *testing.T) {}) }); t.Run("z", func(t *testing.T) {}) }\n',
    "same/same_test.go": "func TestSame(t *testing.T) {}\n",
    "unmain/unmain_test.go": "func TestMain(m *testing.M) {}\nfunc TestNever(t *testing.T) {}\n",
}
SAME = 'package same_test\n\nimport "testing"\n\nfunc TestSame(t *testing.T) { t.Fail() }\n'


def harsh(base: GitTree) -> GitTree:
    files = {}
    for path, text in HARSH.items():
        head = _HEAD.format(name=path.partition("/")[0])
        files[path] = (head.replace('"testing"', '(\n"os"\n"testing"\n)') if "os." in text else head) + text
    files["same/outside_test.go"] = SAME
    return base.with_files({path: text.encode() for path, text in files.items()})


def run_once(engine: Engine, tree: GitTree, *tests: str, files: tuple[str, ...] = ()) -> TestReport:
    plan = buildpacks.detect(tree)
    assert plan is not None
    with Supply(engine, engine.ensure_image(plan, tree, print), Limits()) as supply:
        bench = Bench(supply=supply, runner=RUNNERS[plan.runner], plan=plan)
        chosen = tuple(TestId(test) for test in tests)
        made = bench.run(RunKind.BASE, tree, timeout=120, tests=chosen, files=files)
    assert made.report is not None, made.output_tail
    assert made.report.complete, made.output_tail
    assert made.report.tamper_signs == (), made.report.tamper_signs
    assert (made.report.must_fail, made.report.must_pass) == (TestStatus.FAILED, TestStatus.PASSED)
    return made.report


def test_every_way_to_come_out_is_told_from_the_others(engine: Engine, base: GitTree) -> None:
    report = run_once(engine, harsh(base))
    found = {test: result.status.value for test, result in report.results.items() if not test.startswith(("c", "r"))}
    found |= {test: result.status.value for test, result in report.results.items() if test.startswith("crash")}
    noisy = "noisy/noisy_test.go::"
    assert found == {
        "crash/crash_test.go::TestFirst": "passed",
        "crash/crash_test.go::TestPanics": "failed",
        "crash/crash_test.go::TestPanics/inner": "failed",
        "exit/exit_test.go::TestFirst": "passed",
        "exit/exit_test.go::TestExits": "failed",
        f"{noisy}TestFake": "passed",
        f"{noisy}TestRed": "failed",
        **{f"{noisy}TestLong{name}": "passed" for name in ("", "/a_b", "/a_b/c/d", "/a_b/c/e", "/z")},
        "same/outside_test.go::TestSame": "failed",
        "same/same_test.go::TestSame": "passed",
    }
    why = {test: result.failure for test, result in report.results.items() if result.failure is not None}
    red = why[TestId(f"{noisy}TestRed")]
    assert (red.exception, red.path, red.line) == ("testing.Failure", "noisy/noisy_test.go", 10)
    assert "red\n        indeed" in red.message
    panic = why[TestId("crash/crash_test.go::TestPanics/inner")]
    assert (panic.exception, panic.path, panic.line) == ("panic", "crash/crash_test.go", 6)
    assert panic.message.startswith("panic: no coins")
    assert why[TestId("exit/exit_test.go::TestExits")].exception == "exit"
    assert {error.path: error.exception for error in report.collection_errors} == {
        "broken/broken_test.go": "build failed",
        "loading/loading_test.go": "panic",
    }
    assert [part for part in report.replaced if "unmain" in part], report.replaced


def test_single_tests_and_sub_tests_are_run_by_their_exact_names(engine: Engine, base: GitTree) -> None:
    chosen = ("same/same_test.go::TestSame", "noisy/noisy_test.go::TestLong/a_b/c/d", f"{TESTS}::TestLabel/cents")
    assert run_once(engine, harsh(base), *chosen).ids() == set(chosen)


def test_a_file_s_tests_are_run_without_those_beside_it(engine: Engine, base: GitTree) -> None:
    found = run_once(engine, harsh(base), files=("same/outside_test.go", "coin/example_test.go")).ids()
    assert found == {"same/outside_test.go::TestSame", "coin/example_test.go::ExampleLabel"}


def test_the_case_is_gofmt_s_own_layout(tmp_path: Path) -> None:
    for path, data in files_of(Path(__file__).parent.parent / "cases/go/till").items():
        assert not path.endswith(".go") or b"\n    " not in data, path
