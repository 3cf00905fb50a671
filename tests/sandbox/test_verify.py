"""Whole verifications of small patches in real containers: every way of the table, and every way to cheat we know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import buildpacks
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.errors import PatchDoesNotApply
from sandbox.execution import Bench
from sandbox.runners import RUNNERS
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import (
    EnvironmentPlan,
    Inconclusive,
    Limits,
    NoTests,
    NotFixed,
    Proof,
    Regressed,
    RegressionFree,
    RunKind,
    Tampered,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, append, case, edit

pytestmark = pytest.mark.docker

BOOKS = "shelf/books.py"
TESTS = "tests/test_books.py"
NEW_TEST = '\n\ndef test_an_is_an_article():\n    assert title_key("An Idiot") == "idiot"\n'
WITNESS = "tests/test_books.py::test_an_is_an_article"

Verify = Callable[..., Proof]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case("python/shelf", tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def run(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(patched: GitTree, *, on: GitTree = base, tests: GitTree | None = None, **more: object) -> Proof:
        given = on.diff(tests) if tests is not None else ""
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched), tests=given, **more)  # type: ignore[arg-type]
        return verify(engine, request, cache=cache, progress=lambda _: None)

    return verify_one


def fixed(tree: GitTree) -> GitTree:
    return edit(tree, BOOKS, '("a", "the")', '("a", "an", "the")')


def with_witness(tree: GitTree) -> GitTree:
    return append(tree, TESTS, NEW_TEST)


def test_a_fix_with_its_test_is_verified(base: GitTree, run: Verify) -> None:
    proof = run(with_witness(fixed(base)))
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == (WITNESS,)
    assert len(proof.verdict.evidence.pass_to_pass) == 8
    assert proof.verdict.evidence.ignored_test_edits == ()
    assert "'an idiot' == 'idiot'" in proof.verdict.red_before[0].why
    assert [made.kind for made in proof.runs].count(RunKind.CONFIRMATION) == 2


def test_base_is_run_once_for_all_patches_on_it(base: GitTree, run: Verify) -> None:
    run(fixed(base))
    proof = run(with_witness(fixed(base)))
    assert [made.cached for made in proof.runs if made.kind is RunKind.BASE] == [True, True]


def test_a_new_test_that_is_green_without_the_patch_proves_nothing(base: GitTree, run: Verify) -> None:
    patched = append(fixed(base), TESTS, '\n\ndef test_nothing():\n    assert title_key("") == ""\n')
    proof = run(patched)
    assert isinstance(proof.verdict, WitnessNotRed), proof.verdict


def test_a_test_of_a_function_that_the_patch_adds_is_no_witness(base: GitTree, run: Verify) -> None:
    patched = append(base, BOOKS, "\n\ndef shelf_mark(title):\n    return title[:3]\n")
    new = b'from shelf.books import shelf_mark\n\n\ndef test_mark():\n    assert shelf_mark("Emma") == "Emm"\n'
    proof = run(patched.with_files({"tests/test_marks.py": new}))
    assert isinstance(proof.verdict, WitnessInvalid), proof.verdict
    assert "ImportError" in proof.verdict.invalid[0].why


def test_a_witness_that_stays_red_is_not_fixed(base: GitTree, run: Verify) -> None:
    proof = run(with_witness(append(base, BOOKS, "\n\nARTICLES = ()\n")))
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert proof.verdict.still_red[0].id == WITNESS


def test_a_fix_that_breaks_another_test_is_a_regression(base: GitTree, run: Verify) -> None:
    proof = run(edit(with_witness(fixed(base)), BOOKS, "today + days", "today + days + 1"))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert [red.id for red in proof.verdict.turned_red] == ["tests/test_books.py::TestLoans::test_due_day"]


def test_a_patch_that_changes_no_colour_is_free_of_regressions(base: GitTree, run: Verify) -> None:
    assert isinstance(run(fixed(base)).verdict, RegressionFree)


def test_a_test_that_the_patch_weakens_counts_as_it_was(base: GitTree, run: Verify) -> None:
    weakened = edit(base, TESTS, "== 114", "> 0")
    proof = run(edit(weakened, BOOKS, "today + days", "today + days + 1"))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert proof.verdict.evidence.ignored_test_edits == ("tests/test_books.py::TestLoans::test_due_day",)


def test_a_base_test_that_was_red_and_is_green_is_a_fix(base: GitTree, run: Verify) -> None:
    red = with_witness(base)
    proof = run(fixed(red), on=red)
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == (WITNESS,)


@pytest.mark.thorough
def test_a_patch_that_rewrites_a_red_doctest_fixes_nothing(base: GitTree, run: Verify) -> None:
    wrong = append(base, BOOKS, '\n\ndef twice(x):\n    """\n    >>> twice(1)\n    2\n    """\n    return x\n')
    asked = wrong.with_files({"pytest.ini": b"[pytest]\ntestpaths = tests shelf\naddopts = --doctest-modules\n"})
    proof = run(edit(asked, BOOKS, ">>> twice(1)\n    2", ">>> twice(1)\n    1"), on=asked)
    assert isinstance(proof.verdict, RegressionFree)
    assert any("shelf.books.twice" in test for test in proof.runs[0].report.red)  # type: ignore[union-attr]


def test_skipping_from_the_source_is_not_a_fix(base: GitTree, run: Verify) -> None:
    red = with_witness(base)
    skipping = edit(
        red,
        BOOKS,
        "    words = title",
        '    if title == "An Idiot":\n        __import__("pytest").skip("x")\n    words = title',
    )
    proof = run(skipping, on=red)
    assert isinstance(proof.verdict, NotFixed), proof.verdict


@pytest.mark.thorough
def test_declaring_a_failure_from_the_source_is_not_a_fix(base: GitTree, run: Verify) -> None:
    red = with_witness(base)
    failing = edit(
        red,
        BOOKS,
        "    words = title",
        '    if title == "An Idiot":\n        __import__("pytest").xfail("x")\n    words = title',
    )
    proof = run(failing, on=red)
    assert isinstance(proof.verdict, NotFixed), proof.verdict


def test_configuration_of_tests_comes_from_base(base: GitTree, run: Verify) -> None:
    hook = b"def pytest_collection_modifyitems(items):\n    del items[:]\n"
    breaking = edit(base, BOOKS, "today + days", "today + days + 1")
    proof = run(breaking.with_files({"conftest.py": hook, "tests/conftest.py": hook, "pytest.ini": b"[pytest]\n"}))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert proof.verdict.evidence.flagged_paths == ("conftest.py", "pytest.ini", "tests/conftest.py")


def test_a_refused_patch_is_tampering(base: GitTree, engine: Engine, tmp_path: Path) -> None:
    diff = "diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc/passwd\n"
    request = VerifyRequest(base_commit=COMMIT, base=base, patch=diff)
    proof = verify(engine, request, cache=RunCache(tmp_path), progress=lambda _: None)
    assert isinstance(proof.verdict, Tampered)
    assert "symbolic link" in proof.verdict.signs[0]


def test_a_patch_that_does_not_fit_is_an_error(base: GitTree, engine: Engine, tmp_path: Path) -> None:
    diff = "--- a/shelf/books.py\n+++ b/shelf/books.py\n@@ -1 +1 @@\n-not there\n+x\n"
    request = VerifyRequest(base_commit=COMMIT, base=base, patch=diff)
    with pytest.raises(PatchDoesNotApply):
        verify(engine, request, cache=RunCache(tmp_path), progress=lambda _: None)


def test_a_patch_that_makes_the_suite_hang_is_a_regression(base: GitTree, run: Verify) -> None:
    hanging = edit(base, BOOKS, "    if days < 0:", "    while days > 5:\n        pass\n    if days < 0:")
    proof = run(hanging, limits=Limits(seconds=5.0))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert "did not end" in proof.verdict.turned_red[0].why


def test_a_suite_that_hangs_on_base_is_inconclusive(base: GitTree, run: Verify) -> None:
    hanging = edit(base, BOOKS, "    if days < 0:", "    while days > 5:\n        pass\n    if days < 0:")
    proof = run(fixed(hanging), on=hanging, limits=Limits(seconds=3.0))
    assert isinstance(proof.verdict, Inconclusive), proof.verdict
    assert "did not end" in proof.verdict.cause


def test_a_flaky_test_neither_proves_nor_regresses(base: GitTree, run: Verify) -> None:
    flaky = append(base, TESTS, "\n\ndef test_flaky():\n    import os\n    assert os.urandom(1)[0] % 16\n")
    proofs = [run(with_witness(fixed(flaky)), on=flaky)]
    assert isinstance(proofs[0].verdict, Verified | Regressed)
    evidence = proofs[0].verdict.evidence
    assert WITNESS in evidence.fail_to_pass
    assert "tests/test_books.py::test_flaky" not in evidence.fail_to_pass


def test_tests_that_break_each_other_are_a_regression(base: GitTree, run: Verify) -> None:
    """Each is green alone: only the whole run shows it."""
    state = "\n\n_seen = []\n\n\ndef remember(days):\n    _seen.append(days)\n    return len(_seen)\n"
    breaking = edit(
        append(base, BOOKS, state), BOOKS, "    return today + days", "    return today + days + (remember(days) > 1)"
    )
    more = append(base, TESTS, "\n\ndef test_due_later():\n    assert due_in(1, 1) == 2\n")
    patched = base.overlay(breaking, [BOOKS]).overlay(more, [TESTS])
    proof = run(more.overlay(patched, [BOOKS]), on=more)
    assert isinstance(proof.verdict, Regressed), proof.verdict


def test_a_repository_of_no_known_kind_has_no_tests(run: Verify, tmp_path: Path) -> None:
    from sandbox.tree import create

    tree = GitTree.of_files(create(tmp_path / "g.git"), {"README": b"hello\n"})
    proof = run(tree.with_files({"README": b"hi\n"}), on=tree)
    assert isinstance(proof.verdict, NoTests)


def test_a_tree_without_tests_has_no_tests(base: GitTree, run: Verify) -> None:
    bare = base.with_files({path: None for path in base.paths() if path.startswith("tests/")})
    proof = run(fixed(bare), on=bare)
    assert isinstance(proof.verdict, NoTests), proof.verdict


def test_an_environment_that_cannot_be_built_is_inconclusive(base: GitTree, run: Verify) -> None:
    plan = EnvironmentPlan(language="python", runner="pytest", base="redgreen-base", install=(("false",),))
    proof = run(fixed(base), plan=plan)
    assert isinstance(proof.verdict, Inconclusive), proof.verdict
    assert proof.image == ""


def test_a_suite_that_is_too_long_is_cut_to_a_stated_selection(base: GitTree, run: Verify) -> None:
    slow = base.with_files({"tests/test_slow.py": b"import time\n\n\ndef test_slow():\n    time.sleep(30)\n"})
    proof = run(with_witness(fixed(slow)), on=slow, budget_seconds=4.0)
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert "1 of 2 test files" in proof.verdict.evidence.selection


def test_a_module_in_the_place_of_a_library_that_bases_tests_assert_with_is_tampering(
    base: GitTree, run: Verify
) -> None:
    on = base.with_files({"tests/test_more.py": b"from assertpy import assert_that\n"})
    fake = b"def assert_that(value):\n    return __import__('unittest.mock').mock.MagicMock()\n"
    proof = run(with_witness(fixed(on)).with_files({"assertpy.py": fake}), on=on)
    assert isinstance(proof.verdict, Tampered), proof.verdict
    assert proof.verdict.signs == (
        "assertpy.py: takes the place of assertpy, which base's tests rely on and base does not hold",
    )


def test_a_helper_that_comes_with_trusted_tests_takes_no_place(base: GitTree, run: Verify) -> None:
    on = base.with_files({"tests/test_more.py": b"import pytest\n\npytest.importorskip('assertpy')\n"})
    tests = with_witness(on).with_files({"assertpy.py": b"x = 1\n"})
    proof = run(fixed(on), on=on, tests=tests)
    assert isinstance(proof.verdict, Verified), proof.verdict


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
def test_a_test_that_hangs_is_red_and_the_others_go_on(engine: Engine, base: GitTree, runner: str) -> None:
    hanging = (
        b"import time\nimport unittest\n\n\nclass TestHangs(unittest.TestCase):\n"
        b"    def test_a(self):\n        while True:\n            try:\n                time.sleep(60)\n"
        b"            except Exception:\n                pass\n\n    def test_b(self):\n        pass\n"
    )
    tree = base.with_files({"tests/test_hangs.py": hanging})
    plan = buildpacks.detect(base)
    assert plan is not None
    image = engine.ensure_image(plan, base, lambda _: None)
    with Supply(engine, image, Limits()) as supply:
        bench = Bench(supply=supply, runner=RUNNERS[runner], plan=plan)
        run = bench.run(RunKind.CANDIDATE, tree, timeout=60, files=("tests/test_hangs.py",), test_seconds=1.0)
    assert run.report is not None
    assert run.report.complete
    assert [result.id.rpartition("test_")[2] for result in run.report.results.values() if result.status.is_red] == ["a"]
    assert len(run.report.green) == 1
    failure = next(result.failure for result in run.report.results.values() if result.failure)
    assert failure.message == "took longer than 1 s"
