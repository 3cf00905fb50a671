"""Django's runner: how it is recognised, what is asked of the project's script, and real runs of both kinds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.buildpacks import python
from sandbox.engine import Engine
from sandbox.execution import Bench
from sandbox.runners import RUNNERS
from sandbox.runners.protocol import RunRequest
from sandbox.supply import Supply
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Limits, RunKind, TestId, TestReport, TestRun, TestStatus
from tests.support.cases import FilesView

DJANGO = RUNNERS["django"]
SCRIPT = "parser.add_argument('--parallel')  # django\n"
OWN = {"tests/runtests.py": SCRIPT, "tests/utils_tests/test_html.py": "", "tests/basic/tests.py": "", "setup.py": ""}


def plan_of(files: dict[str, str]) -> EnvironmentPlan:
    plan = python.detect(FilesView(files))
    assert plan is not None
    return plan


def asked(tree: dict[str, str], command: tuple[str, ...], **what: tuple[str, ...]) -> dict[str, object]:
    plan = EnvironmentPlan(language="python", runner="django", base="", command=command)
    request = RunRequest(nonce="abc", key="k", plan=plan, **what)  # type: ignore[arg-type]
    prepared = DJANGO.prepare(FilesView(tree), request)
    found = json.loads(prepared.files["/work/run-abc/request.json"])
    assert isinstance(found, dict)
    return found


def test_django_s_own_script_is_its_runner() -> None:
    plan = plan_of(OWN)
    assert (plan.runner, plan.command) == ("django", ("tests/runtests.py",))
    assert plan.evidence[-1] == "tests/runtests.py: Django's tests by their own script."


def test_a_project_is_tested_by_its_command_line() -> None:
    files = {"manage.py": "import django", "app/tests.py": "from django.test import TestCase"}
    assert (plan_of(files).runner, plan_of(files).command) == ("django", ("manage.py", "test"))
    below = {f"site/{path}": text for path, text in files.items()}
    assert plan_of(below).command == ("site/manage.py", "test")


@pytest.mark.parametrize(
    "more",
    [
        {"pytest.ini": ""},
        {"conftest.py": ""},
        {"manage.py": "from flask_script import Manager"},
        {"app/tests.py": None},
        {"requirements-test.txt": "pytest-django\n"},
        {"manage.py": None, "one/manage.py": "django", "two/manage.py": "django"},
    ],
)
def test_pytest_where_it_is_named_and_no_guess_where_two_scripts_are(more: dict[str, str | None]) -> None:
    files = {"manage.py": "import django", "app/tests.py": "", **more}
    assert plan_of({path: text for path, text in files.items() if text is not None}).runner == "pytest"


def test_tests_run_in_one_process_where_the_script_knows_how() -> None:
    assert asked(OWN, ("tests/runtests.py",))["args"] == ["--parallel", "1"]
    assert asked({"runtests.py": "django"}, ())["args"] == []
    assert asked({"site/manage.py": ""}, ("site/manage.py", "test"))["args"] == ["test"]


def test_files_and_tests_are_chosen_by_label() -> None:
    command = ("tests/runtests.py",)
    chosen = asked(OWN, command, files=("tests/basic/tests.py", "tests/utils_tests/test_html.py"))
    assert chosen["args"] == ["--parallel", "1", "basic.tests", "utils_tests.test_html"]
    assert (chosen["script"], chosen["directory"], chosen["tests"]) == ("tests/runtests.py", "", [])
    test = "utils_tests.test_html.TestUtils.test_a"
    one = asked(OWN, command, tests=(test, "gone.test_x.A.test_b"))
    assert (one["args"], one["tests"]) == (["--parallel", "1", "utils_tests.test_html"], [test, "gone.test_x.A.test_b"])
    site = asked({"site/manage.py": "", "site/app/tests/__init__.py": ""}, ("site/manage.py", "test"),
                 tests=("app.tests.A.test_b",))  # fmt: skip
    assert (site["args"], site["directory"]) == (["test", "app.tests"], "site")
    assert asked({"manage.py": "", "a/tests.py": ""}, ("manage.py", "test"), files=("a/tests.py",))["args"] == [
        "test", "a.tests",
    ]  # fmt: skip


def test_the_file_of_a_test_is_the_longest_that_its_name_begins_with() -> None:
    view = FilesView({**OWN, "tests/basic/__init__.py": ""})
    assert DJANGO.file_of(view, TestId("basic.tests.ATests.test_x")) == "tests/basic/tests.py"
    assert DJANGO.file_of(view, TestId("basic.ATests.test_x")) == "tests/basic/__init__.py"
    assert DJANGO.file_of(view, TestId("other.ATests.test_x")) is None
    assert DJANGO.is_test_file(view, "tests/basic/test_x.py")
    assert not DJANGO.is_test_file(view, "tests/basic/models.py")
    assert not DJANGO.is_test_file(view, "tests/a-b/test_x.py")


def test_without_canaries_none_are_written() -> None:
    plan = EnvironmentPlan(language="python", runner="django", base="")
    prepared = DJANGO.prepare(FilesView(OWN), RunRequest(nonce="abc", plan=plan, canaries=False))
    assert not [path for path in prepared.files if "/canary/" in path]
    assert prepared.shown == ("python", "tests/runtests.py", "--parallel", "1")
    assert not DJANGO.parse(b"", RunRequest(nonce="abc")).complete


# --- in Docker ---------------------------------------------------------------------------------------------------

SITE = {
    "requirements.txt": "django>=5,<6\n",
    "manage.py": """
import os, sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
execute_from_command_line(sys.argv)
""",
    "site_settings.py": """
SECRET_KEY = "x"
INSTALLED_APPS = ["app"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
""",
    "app/__init__.py": "",
    "app/models.py": "from django.db import models\n\nclass Book(models.Model):\n    title = models.TextField()\n",
    "app/migrations/__init__.py": "",
    "app/migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Book", [
        ("id", models.AutoField(primary_key=True)), ("title", models.TextField())])]
""",
    "app/tests.py": """
import unittest
from django.test import SimpleTestCase, TestCase
from app.models import Book

class BookTests(TestCase):
    def test_stored(self):
        Book.objects.create(title="a")
        self.assertEqual(Book.objects.count(), 1)

    def test_alone(self):
        self.assertEqual(Book.objects.count(), 0)

    def test_sub(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    @unittest.skip("no")
    def test_skipped(self):
        pass

class RunnerTests(SimpleTestCase):
    def test_runs_a_runner_itself(self):
        class Inner(unittest.TestCase):
            def test_red(self):
                self.fail()
        result = unittest.TextTestRunner(stream=open("/dev/null", "w")).run(Inner("test_red"))
        self.assertEqual(len(result.failures), 1)
""",
    "app/test_broken.py": "import nothing_of_that_name\n",
}


def run_in(engine: Engine, tree: GitTree, plan: EnvironmentPlan, tests: tuple[TestId, ...] = ()) -> TestRun:
    image = engine.ensure_image(plan, tree, lambda _: None)
    with Supply(engine, image, Limits()) as supply:
        return Bench(supply=supply, runner=DJANGO, plan=plan).run(RunKind.BASE, tree, timeout=120, tests=tests)


def report_of(run: TestRun) -> TestReport:
    assert run.report is not None, run.output_tail
    assert run.report.complete, run.output_tail
    assert run.report.tamper_signs == ()
    assert (run.report.must_fail, run.report.must_pass) == (TestStatus.FAILED, TestStatus.PASSED)
    assert run.exit_code == run.report.exit_code == 1
    return run.report


@pytest.mark.docker
@pytest.mark.network
def test_a_project_s_tests_are_reported_one_by_one(engine: Engine, tmp_path: Path) -> None:
    tree = GitTree.of_files(create(tmp_path / "g.git"), {path: text.encode() for path, text in SITE.items()})
    plan = python.detect(tree)
    assert plan is not None
    assert plan.runner == "django"
    report = report_of(run_in(engine, tree, plan))
    assert {test.rpartition(".")[2]: result.status for test, result in report.results.items()} == {
        "test_stored": TestStatus.PASSED,
        "test_alone": TestStatus.PASSED,
        "test_sub": TestStatus.FAILED,
        "test_expected": TestStatus.XFAILED,
        "test_skipped": TestStatus.SKIPPED,
        "test_runs_a_runner_itself": TestStatus.PASSED,
    }
    assert [(error.path, error.exception) for error in report.collection_errors] == [
        ("app.test_broken", "builtins.ImportError")
    ]
    chosen = TestId("app.tests.BookTests.test_stored")
    assert set(report_of(run_in(engine, tree, plan, (chosen,))).results) == {chosen}
    # A project that cannot start is no green run and no red one.
    broken = tree.with_files({"site_settings.py": b"raise RuntimeError\n"})
    ended = run_in(engine, broken, plan)
    assert ended.report is not None
    assert (ended.report.exit_code, ended.report.results) == (3, {})
