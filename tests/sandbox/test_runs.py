"""The injected programs at work: one run in one container, with every generation of pytest and with unittest."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.engine import Engine
from sandbox.execution import Bench
from sandbox.layout import VENV
from sandbox.runners import RUNNERS
from sandbox.supply import Supply
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Limits, RunKind, TestId, TestReport, TestRun, TestStatus
from tests.support.cases import case

pytestmark = pytest.mark.docker

PIP = (f"{VENV}/bin/python", "-m", "pip", "install", "--no-input")
MORE = b"""
import unittest
import pytest

@pytest.fixture
def broken():
    raise RuntimeError("no server")

def test_needs_broken(broken):
    pass

@pytest.mark.xfail(run=False)
def test_never_run():
    assert False

def test_gives_up():
    pytest.xfail("later")

@pytest.mark.xfail(strict=True)
def test_strict():
    pass

@pytest.mark.xfail
def test_lenient():
    pass

def test_missing():
    import shelf.nothing

def test_leaves():
    raise SystemExit(0)

class TestOld(unittest.TestCase):
    @unittest.expectedFailure
    def test_expected(self):
        self.assertEqual(1, 2)

    @unittest.skip("no")
    def test_skipped(self):
        pass
"""
UNITTESTS = b"""
import unittest

class TestA(unittest.TestCase):
    def test_green(self):
        pass

    def test_red(self):
        self.assertEqual(1, 2)

    def test_error(self):
        raise KeyError("x")

    def test_sub(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)

    @unittest.skip("no")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    @unittest.expectedFailure
    def test_unexpected(self):
        pass

class TestB(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no server")

    def test_never(self):
        pass
"""


def run_in(engine: Engine, tree: GitTree, runner: str, *requirements: str, tests: tuple[TestId, ...] = ()) -> TestRun:
    install = ((*PIP, *requirements),) if requirements else ()
    plan = EnvironmentPlan(language="python", runner=runner, base="redgreen-base", install=install)
    image = engine.ensure_image(plan, GitTree.of_files(tree.git_dir, {}), lambda _: None)
    with Supply(engine, image, Limits()) as supply:
        bench = Bench(supply=supply, runner=RUNNERS[runner], plan=plan)
        return bench.run(RunKind.BASE, tree, timeout=60, tests=tests)


def report_of(run: TestRun) -> TestReport:
    assert run.report is not None, run.output_tail
    assert run.report.complete, run.output_tail
    assert run.report.tamper_signs == ()
    assert run.report.must_fail is TestStatus.FAILED
    assert run.report.must_pass is TestStatus.PASSED
    assert run.exit_code == run.report.exit_code == 1
    return run.report


@pytest.mark.network
@pytest.mark.parametrize(
    "version", ["6.2.5", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("7.4.4", "8.3.5")), "9.0.1"]
)
def test_every_generation_of_pytest_reports_the_same(engine: Engine, tmp_path: Path, version: str) -> None:
    tree = case("python/shelf", tmp_path / "g.git").with_files({"tests/test_more.py": MORE})
    tree = tree.with_files({"tests/test_unloadable.py": b"import nothing_of_that_name\n"})
    report = report_of(run_in(engine, tree, "pytest", f"pytest=={version}"))
    found = {test.split("::", 1)[1]: result.status for test, result in report.results.items()}
    assert found == {
        "test_article_is_left_out": TestStatus.PASSED,
        "test_case_does_not_matter[Emma]": TestStatus.PASSED,
        "test_case_does_not_matter[emma]": TestStatus.PASSED,
        "test_case_does_not_matter[EMMA]": TestStatus.PASSED,
        "test_sorted_by_key": TestStatus.PASSED,
        "TestLoans::test_due_day": TestStatus.PASSED,
        "TestLoans::test_negative_loan_is_refused": TestStatus.PASSED,
        "test_catalogue": TestStatus.SKIPPED,
        "test_accents": TestStatus.XFAILED,
        "test_needs_broken": TestStatus.ERROR,
        "test_never_run": TestStatus.SKIPPED,
        "test_gives_up": TestStatus.SKIPPED,
        "test_strict": TestStatus.FAILED,
        "test_lenient": TestStatus.XPASSED,
        "test_missing": TestStatus.FAILED,
        "test_leaves": TestStatus.FAILED,
        "TestOld::test_expected": TestStatus.XFAILED,
        "TestOld::test_skipped": TestStatus.SKIPPED,
    }
    failure = report.results[TestId("tests/test_more.py::test_missing")].failure
    assert failure is not None
    assert (failure.exception, failure.path) == ("builtins.ModuleNotFoundError", "tests/test_more.py")
    (error,) = report.collection_errors
    assert (error.path, error.exception) == ("tests/test_unloadable.py", "builtins.ModuleNotFoundError")
    assert report.replaced == ()


def test_unittest_reports_as_its_own_runner_would(engine: Engine, tmp_path: Path) -> None:
    files = {"tests/test_a.py": UNITTESTS, "tests/test_broken.py": b"import nothing_of_that_name\n", "a.py": b""}
    tree = GitTree.of_files(create(tmp_path / "g.git"), dict(files))
    report = report_of(run_in(engine, tree, "unittest"))
    assert {test.rsplit(".", 1)[1]: result.status for test, result in report.results.items()} == {
        "test_green": TestStatus.PASSED,
        "test_red": TestStatus.FAILED,
        "test_error": TestStatus.FAILED,
        "test_sub": TestStatus.FAILED,
        "test_skipped": TestStatus.SKIPPED,
        "test_expected": TestStatus.XFAILED,
        "test_unexpected": TestStatus.FAILED,
    }
    assert [error.exception for error in report.collection_errors] == [
        "builtins.ModuleNotFoundError",
        "builtins.RuntimeError",
    ]


def test_a_selection_runs_nothing_else(engine: Engine, tmp_path: Path) -> None:
    tree = GitTree.of_files(create(tmp_path / "g.git"), {"tests/test_a.py": UNITTESTS})
    chosen = TestId("test_a.TestA.test_green")
    assert set(report_of(run_in(engine, tree, "unittest", tests=(chosen,))).results) == {chosen}


@pytest.mark.network
def test_a_pytest_selection_survives_parameters_and_hostile_configuration(engine: Engine, tmp_path: Path) -> None:
    tree = case("python/shelf", tmp_path / "g.git").with_files(
        {"conftest.py": b"def pytest_collection_modifyitems(items):\n    items.reverse()\n"}
    )
    chosen = TestId("tests/test_books.py::test_case_does_not_matter[EMMA]")
    assert set(report_of(run_in(engine, tree, "pytest", "pytest==9.0.1", tests=(chosen,))).results) == {chosen}


@pytest.mark.network
def test_a_suite_that_patches_time_and_forks_still_reports(engine: Engine, tmp_path: Path) -> None:
    source = b"""
import json, os, time

def test_patches(monkeypatch):
    monkeypatch.setattr(time, "perf_counter", None)
    monkeypatch.setattr(json, "dumps", None)
    monkeypatch.setattr(os, "write", None)
    monkeypatch.setattr(os, "getpid", lambda: 1)

def test_forks():
    if os.fork() == 0:
        raise SystemExit(3)
    os.wait()

def test_closes_output():
    os.close(1)
"""
    tree = GitTree.of_files(create(tmp_path / "g.git"), {"test_odd.py": source})
    report = report_of(run_in(engine, tree, "pytest", "pytest==9.0.1"))
    assert report.results[TestId("test_odd.py::test_patches")].status is TestStatus.PASSED
