"""Suites with tests that hang, in real containers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import EnvironmentPlan, Limits, Proof, Regressed, RunKind, Verified
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, append, case, edit

pytestmark = pytest.mark.docker

BOOKS, TESTS = "shelf/books.py", "tests/test_books.py"
NEW_TEST = '\n\ndef test_an_is_an_article():\n    assert title_key("An Idiot") == "idiot"\n'
WITNESS = f"{TESTS}::test_an_is_an_article"
SLEEPS = b"import time\n\n\ndef test_waits():\n    time.sleep(600)\n\n\ndef test_after():\n    pass\n"
DEAF = (
    b"import time\n\n\ndef test_waits():\n    while True:\n        try:\n            time.sleep(600)\n"
    b"        except BaseException:\n            pass\n\n\ndef test_after():\n    pass\n"
)
"""Catches even what its clock throws at it."""
UNITTESTS = (
    b"import time\nimport unittest\n\nfrom shelf.books import title_key\n\n\nclass TestWaits(unittest.TestCase):\n"
    b"    def test_waits(self):\n        while True:\n            try:\n                time.sleep(600)\n"
    b"            except BaseException:\n                pass\n\n    def test_after(self):\n"
    b'        self.assertEqual(title_key("The Idiot"), "idiot")\n'
)

Verify = Callable[..., Proof]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case("python/shelf", tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def run(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(on: GitTree, patched: GitTree, **more: object) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched), **more)  # type: ignore[arg-type]
        return verify(engine, request, cache=cache, progress=lambda _: None)

    return verify_one


def fixed(tree: GitTree) -> GitTree:
    return append(edit(tree, BOOKS, '("a", "the")', '("a", "an", "the")'), TESTS, NEW_TEST)


def test_a_test_that_hangs_on_base_is_ended_named_and_keeps_no_fix_from_its_proof(base: GitTree, run: Verify) -> None:
    on = base.with_files({"tests/test_wait.py": SLEEPS})
    proof = run(on, fixed(on), budget_seconds=120.0, test_seconds=3.0)
    evidence = proof.verdict.evidence
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert evidence.fail_to_pass == (WITNESS,)
    assert [(red.id, red.why) for red in evidence.hanging] == [
        ("tests/test_wait.py::test_waits", "did not end within 3 s")
    ]
    assert "tests/test_wait.py::test_after" in evidence.pass_to_pass
    assert "tests/test_wait.py::test_waits" not in {*evidence.pass_to_pass, *evidence.flaky}
    assert evidence.selection == ""
    (regression,) = [made for made in proof.runs if made.kind is RunKind.REGRESSION]
    assert regression.without == ("tests/test_wait.py::test_waits",)
    assert regression.report is not None
    assert "tests/test_wait.py::test_waits" not in regression.report.results


def test_a_test_that_nothing_can_end_is_told_from_the_report_and_left_out(base: GitTree, run: Verify) -> None:
    on = base.with_files({"tests/test_wait.py": DEAF})
    proof = run(on, fixed(on), budget_seconds=12.0, test_seconds=3.0)
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert [red.id for red in proof.verdict.evidence.hanging] == ["tests/test_wait.py::test_waits"]
    assert "tests/test_wait.py::test_after" in proof.verdict.evidence.pass_to_pass
    again = run(on, fixed(on), budget_seconds=12.0, test_seconds=3.0)
    assert all(made.cached for made in again.runs if made.kind is RunKind.BASE)
    assert again.verdict.evidence == proof.verdict.evidence


@pytest.mark.thorough
def test_unittest_leaves_out_what_nothing_can_end_too(base: GitTree, run: Verify) -> None:
    on = base.with_files({"tests/test_books.py": None, "tests/test_wait.py": UNITTESTS, "tests/__init__.py": b""})
    on = on.with_files({path: None for path in on.paths() if path.endswith("conftest.py")})
    plan = EnvironmentPlan(language="python", runner="unittest", base="redgreen-base")
    new = UNITTESTS.replace(b"class TestWaits", b"class TestNew").replace(b'"The Idiot"', b'"An Idiot"')
    new = new[: new.index(b"    def test_waits")] + new[new.index(b"    def test_after") :]
    patched = edit(on, BOOKS, '("a", "the")', '("a", "an", "the")').with_files({"tests/test_new.py": new})
    proof = run(on, patched, plan=plan, budget_seconds=12.0, test_seconds=3.0)
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert [red.id.rpartition(".")[2] for red in proof.verdict.evidence.hanging] == ["test_waits"]
    assert [test.rpartition(".")[2] for test in proof.verdict.evidence.pass_to_pass] == ["test_after"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("asked", "least"), [(3.0, 3.0), pytest.param(0.0, 30.0, marks=pytest.mark.thorough)])
def test_a_patch_that_makes_a_green_test_hang_is_a_regression(
    base: GitTree, run: Verify, asked: float, least: float
) -> None:
    patched = edit(fixed(base), BOOKS, "return today + ", "import time\n    time.sleep(600)\n    return today + ")
    proof = run(base, patched, test_seconds=asked)
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert [red.id for red in proof.verdict.turned_red] == [f"{TESTS}::TestLoans::test_due_day"]
    (regression,) = [made for made in proof.runs if made.kind is RunKind.REGRESSION]
    assert regression.test_seconds >= least, "more where base's own tests were slow, on a busy machine"
    assert f"took longer than {regression.test_seconds:.0f} s" in proof.verdict.turned_red[0].why


@pytest.mark.thorough
def test_one_that_nothing_can_end_is_named_as_the_regression(base: GitTree, run: Verify) -> None:
    deaf = (
        "while True:\n        try:\n            __import__('time').sleep(600)\n"
        "        except BaseException:\n            pass\n    return today + "
    )
    proof = run(base, edit(fixed(base), BOOKS, "return today + ", deaf), limits=Limits(seconds=45.0))
    assert isinstance(proof.verdict, Regressed), proof.verdict
    (red,) = proof.verdict.turned_red
    assert red.id == f"{TESTS}::TestLoans::test_due_day"
    assert red.why.startswith("did not end within 4")
