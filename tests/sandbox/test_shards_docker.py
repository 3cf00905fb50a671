"""Suites in parts, in several containers at once: the verdict is as undivided. Real containers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import buildpacks, comparison
from sandbox.cache import RunCache
from sandbox.container import Container
from sandbox.engine import Engine
from sandbox.execution import Bench
from sandbox.runners import RUNNERS
from sandbox.shards import Division
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import Ended, Limits, Proof, Regressed, RunKind, Tampered, TestStatus, Verified
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, append, case, edit

pytestmark = pytest.mark.docker

BOOKS = "shelf/books.py"
NEW_TEST = '\n\ndef test_an_is_an_article():\n    assert title_key("An Idiot") == "idiot"\n'
PARTS = ("tests/test_loans.py", "tests/test_returns.py")
SLOW = """import time

from shelf.books import due_in


def test_{0}_now():
    time.sleep(1.0)
    assert due_in(0, 3) == 3


def test_{0}_later():
    assert due_in(1, 3) == 4
"""
SLOWER = """import time
import unittest


class TestSlow(unittest.TestCase):
    def test_it(self):
        time.sleep(3)
"""

Verify = Callable[[GitTree, GitTree], Proof]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    tree = case("python/shelf", tmp_path_factory.mktemp("case") / "trees.git")
    return tree.with_files({path: SLOW.format(path[11:-3]).encode() for path in PARTS})


@pytest.fixture(scope="module")
def run(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(on: GitTree, patched: GitTree) -> Proof:
        division = Division(most=2, from_seconds=1.0)
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched), division=division)
        return verify(engine, request, cache=cache, progress=lambda _: None)

    return verify_one


def test_base_and_candidate_run_in_the_same_parts(base: GitTree, run: Verify) -> None:
    fixed = append(edit(base, BOOKS, '("a", "the")', '("a", "an", "the")'), "tests/test_books.py", NEW_TEST)
    proof = run(base, fixed)
    assert isinstance(proof.verdict, Verified), proof.verdict
    divided = [one for one in proof.runs if one.shards]
    assert [one.kind for one in divided] == [RunKind.BASE, RunKind.REGRESSION]
    assert divided[0].shards == divided[1].shards
    assert sorted(path for part in divided[0].shards for path in part) == sorted((*PARTS, "tests/test_books.py"))
    report = comparison.report_of(divided[1])
    assert (report.must_fail, report.must_pass) == (TestStatus.FAILED, TestStatus.PASSED)
    assert report.ids() == comparison.report_of(proof.runs[0]).ids()
    assert len(proof.verdict.evidence.pass_to_pass) == 12
    assert proof.verdict.evidence.division.startswith("All tests ran in 2 containers at once")


def test_what_breaks_in_one_part_is_a_regression(base: GitTree, run: Verify) -> None:
    broken = edit(base, BOOKS, "return today + days", "return today + days * (days != 1)")
    verdict = run(base, broken).verdict
    assert isinstance(verdict, Regressed), verdict
    assert {red.id for red in verdict.turned_red} >= {
        "tests/test_loans.py::test_loans_later", "tests/test_returns.py::test_returns_later",
    }  # fmt: skip


def test_a_patch_that_ends_the_process_is_seen_in_every_part(base: GitTree, run: Verify) -> None:
    verdict = run(base, append(base, BOOKS, "\n\nimport os\nos._exit(0)\n")).verdict
    assert isinstance(verdict, Tampered), verdict
    assert any("part 2: the process ended with success" in sign for sign in verdict.signs)


def test_a_suite_whose_tests_need_each_other_stays_whole(base: GitTree, run: Verify) -> None:
    files = {
        "tests/test_loans.py": SLOW.format("loans")
        + "\n\ndef test_opens():\n    import shelf\n\n    shelf.is_open = True\n",
        "tests/test_returns.py": SLOW.format("returns")
        + "\n\ndef test_open():\n    import shelf\n\n    assert shelf.is_open\n",
    }
    needy = base.with_files({path: text.encode() for path, text in files.items()})
    fixed = append(edit(needy, BOOKS, '("a", "the")', '("a", "an", "the")'), "tests/test_books.py", NEW_TEST)
    proof = run(needy, fixed)
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert "tests/test_returns.py::test_open" in proof.verdict.evidence.pass_to_pass
    assert "was not divided" in proof.verdict.evidence.division
    assert [one.kind for one in proof.runs if one.shards] == [RunKind.BASE, RunKind.BASE]


class Losing(Supply):
    """Loses one of the containers while it is in use."""

    lost = False

    @contextmanager
    def container(self, part_of: int = 1) -> Iterator[Container]:
        with super().container(part_of) as container:
            if not self.lost:
                self.lost = True
                threading.Timer(0.5, container._daemon.remove, (container.id,)).start()
            yield container


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
def test_a_lost_part_loses_the_run(engine: Engine, base: GitTree, tmp_path: Path, runner: str) -> None:
    plan = buildpacks.detect(base)
    assert plan is not None
    tree = base.with_files(dict.fromkeys(PARTS, SLOWER.encode()))
    image = engine.ensure_image(plan, base, lambda _: None)
    shards = tuple((path,) for path in PARTS)
    with Losing(engine, image, Limits()) as losing, Supply(engine, image, Limits()) as supply:
        lost, kept = (
            Bench(supply=one, runner=RUNNERS[runner], plan=plan).divided(RunKind.BASE, tree, shards, timeout=60)
            for one in (losing, supply)
        )
    assert lost.ended in (Ended.LOST, Ended.KILLED)
    assert lost.report is None
    assert comparison.trouble(kept) == ""
    assert len(comparison.report_of(kept).green) == 2
