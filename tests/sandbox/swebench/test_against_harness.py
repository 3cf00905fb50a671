"""Our grades beside those of the `swebench` distribution, on the logs of real suites. Development only."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.runners import RUNNERS
from sandbox.swebench.commands import TestCommand, understood
from sandbox.swebench.grading import grade
from sandbox.swebench.judging import Expected, reading, reading_of_log
from sandbox.swebench.records import Instance
from sandbox.types import EnvironmentPlan, TestRun
from tests.support.harness import SUITES, Harness, Log, environment, log_of, sealed_run

pytestmark = pytest.mark.network

Lists = Mapping[str, Mapping[str, Sequence[str]]]
VERSIONS = ("4.6.11", "5.4.3", "6.2.5", "7.4.4", "8.4.2", "9.0.1")
IN_EVERY_STYLE = ("4.6.11", "6.2.5", "9.0.1")
STYLES = (
    "pytest -rA",
    "pytest -rA --tb=long -p no:cacheprovider",
    "pytest --no-header -rA --tb=no -p no:cacheprovider",
    "pytest -rA -vv -o console_output_style=classic --tb=no",
    "pytest -rA --color=yes",
)
"""Of the harness's own specifications, and in colours."""
PARSERS = ("parse_log_pytest", "parse_log_pytest_options", "parse_log_pytest_v2", "parse_log_matplotlib")
PATHS = frozenset({"tests/test_outcomes.py"})
ALWAYS_ASKED = (
    "tests/test_outcomes.py::test_skipped_by_mark",
    "tests/test_outcomes.py::test_skipped_by_call",
    "tests/test_outcomes.py::test_xpasses",
    "tests/test_outcomes.py::test_xpasses_strictly",
    "tests/test_outcomes.py::test_gone",
    "tests/test_outcomes.py::test_all_pass[cut(",
    "tests/test_outcomes.py::test_parametrised[a",
    "tests/test_outcomes.py::Case::test_skipped",
    "tests/test_outcomes.py::Case::test_unexpected",
    "tests/test_outcomes.py::BrokenClass::test_never",
)


@pytest.fixture(scope="module")
def harness() -> Harness:
    return Harness.installed()


@pytest.fixture
def suite(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy, so that no run leaves anything in the checkout."""
    return Path(shutil.copytree(SUITES / request.param, tmp_path / "suite"))


def instance(cases: Sequence[str]) -> Instance:
    return Instance(
        instance_id="i",
        repo="o/n",
        base_commit="0" * 40,
        patch="",
        test_patch="",
        fail_to_pass=tuple(cases),
        pass_to_pass=tuple(cases),
    )


def asked_of(log: Log, parser: str, cases: Sequence[str]) -> dict[str, object]:
    return {"log": log.text, "exit_code": log.exit_code, "parser": parser, "cases": list(cases)}


def compared(
    harness: Harness,
    logs: Sequence[tuple[Log, str, TestRun, TestCommand]],
    always: Sequence[str],
    start: Callable[[str], bool],
) -> int:
    """Hold each log (with its parser, our run of the same suite, and the command) to the harness; how many ids.

    The ids are those that the harness itself would have written into an instance, and `always`. Each must be in the
    same list of the same kind on both sides, and the whole must be resolved on both or on neither.
    """
    names = harness.judge([asked_of(log, parser, ()) for log, parser, _, _ in logs])
    cases = [sorted({*filter(start, answer["statuses"]), *always}) for answer in names]
    answers = harness.judge([asked_of(log, parser, own) for (log, parser, _, _), own in zip(logs, cases, strict=True)])
    for (log, parser, run, command), own, answer in zip(logs, cases, answers, strict=True):
        asked = replace(instance(own), log_parser=parser)
        found = reading(run, command, Expected(instance=asked, paths=PATHS))
        assert found.statuses is not None, (found.why, run.output_tail[-2000:])
        ours = grade(asked, found.statuses)
        wrong = disagreements(ours.as_json(), answer["report"]["tests_status"], answer["statuses"])
        assert wrong == {}, (command.text, parser, log.text[-3000:])
        assert ours.resolved is answer["report"]["resolved"]
    return sum(map(len, cases))


def disagreements(ours: Lists, theirs: Lists, statuses: Mapping[str, str]) -> dict[str, str]:
    """Expected id -> what we say and what the harness read."""
    return {
        case: f"{kind}: ours {outcome}, theirs not ({statuses.get(case)})"
        for kind, lists in ours.items()
        for outcome in ("success", "failure")
        for case in lists[outcome]
        if case not in theirs[kind][outcome]
    }


def pytest_plan(version: str, options: tuple[str, ...]) -> EnvironmentPlan:
    # Their assertion rewriting does not know today's syntax trees.
    old = ("--assert=plain",) if version < "6" else ()
    return EnvironmentPlan(language="python", runner="pytest", base="", command=("-rA", *old, *options))


@pytest.mark.parametrize("suite", ["pytest_suite"], indirect=True)
@pytest.mark.parametrize("version", VERSIONS)
def test_pytests_suites_are_graded_as_the_harness_grades_their_logs(
    harness: Harness, suite: Path, tmp_path: Path, version: str
) -> None:
    python = environment(f"pytest=={version}")
    runs: dict[tuple[str, ...], TestRun] = {}
    logs = []
    for style in STYLES if version in IN_EVERY_STYLE else STYLES[:1]:
        if "--no-header" in style and version < "6.2":
            continue
        command = understood(style)
        plan = pytest_plan(version, command.options)
        if command.options not in runs:
            scratch = tmp_path / f"run{len(runs)}"
            run = sealed_run(suite, scratch, python, RUNNERS["pytest"], plan, ["tests/test_outcomes.py"])
            assert run.report is not None
            assert run.report.tamper_signs == ()
            runs[command.options] = run
        words = [str(python), "-m", *style.split(), *plan.command[1:], "tests/test_outcomes.py"]
        log = log_of(suite, words, {})
        # In colours no line begins with a status: only the second parser takes them off.
        parsers = ("parse_log_pytest_v2",) if "--color" in style else PARSERS
        logs += [(log, parser, runs[command.options], command) for parser in parsers]
    seen = compared(harness, logs, ALWAYS_ASKED, lambda name: name.startswith("tests/test_outcomes.py::"))
    assert seen > 35 * len(logs)


MOVED = """
import collections
import collections.abc

for name in collections.abc.__all__:
    setattr(collections, name, getattr(collections.abc, name))
"""
"""For a pytest that is older than the Python of these tests."""


@pytest.mark.parametrize("suite", ["pytest_suite"], indirect=True)
@pytest.mark.parametrize(
    ("version", "beside"),
    [("3.3.2", ("attrs<19", "setuptools<70")), ("3.6.4", ("attrs<19", "setuptools<70")), ("3.10.1", ())],
)
def test_a_pytest_of_which_the_harness_reads_little_reports_as_later_ones_do(
    suite: Path, tmp_path: Path, version: str, beside: tuple[str, ...]
) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "sitecustomize.py").write_text(MOVED)
    reports = []
    for name, requirements in (("old", (f"pytest=={version}", *beside)), ("later", ("pytest==4.6.11",))):
        plan = replace(pytest_plan("4", ()), env=(("PYTHONPATH", str(moved)),))
        python = environment(*requirements)
        run = sealed_run(suite, tmp_path / name, python, RUNNERS["pytest"], plan, ["tests/test_outcomes.py"])
        assert run.report is not None, run.output_tail
        assert run.report.complete, run.output_tail
        assert run.report.tamper_signs == ()
        assert run.report.hooks
        reports.append({test: result.status for test, result in run.report.results.items()})
    assert reports[0] == reports[1]


@pytest.mark.parametrize("suite", ["pytest_suite"], indirect=True)
@pytest.mark.parametrize("version", ["unknown", "0.1.dev1+g1234567"])
def test_a_pytest_that_does_not_know_its_version_is_taken_for_a_new_one(
    suite: Path, tmp_path: Path, version: str
) -> None:
    unversioned = tmp_path / "unversioned"
    unversioned.mkdir()
    (unversioned / "sitecustomize.py").write_text(f"import pytest\n\npytest.__version__ = {version!r}\n")
    plan = replace(pytest_plan("9", ()), env=(("PYTHONPATH", str(unversioned)),))
    python = environment("pytest==9.0.1")
    run = sealed_run(suite, tmp_path, python, RUNNERS["pytest"], plan, ["tests/test_outcomes.py"])
    assert run.report is not None
    assert run.report.complete, run.output_tail
    assert len(run.report.results) > 35


UNITTEST_ASKED = (
    "test_expected_failure ({})",
    "test_unexpected_success ({})",
    "test_subtests_fail ({})",
    "test_never ({})",
    "test_gone ({})",
)


def is_test_of_unittest(name: str) -> bool:
    """A whole name or a docstring; not what the harness makes of a failure's heading (`test_fails`, `setUpClass`)."""
    return " " in name and not name.startswith(("setUpClass", "some output"))


@pytest.mark.parametrize("suite", ["unittest_suite"], indirect=True)
def test_unittests_suites_are_graded_as_the_harness_grades_their_logs(
    harness: Harness, suite: Path, tmp_path: Path
) -> None:
    python = Path(sys.executable)
    plan = EnvironmentPlan(language="python", runner="unittest", base="")
    run = sealed_run(suite, tmp_path / "run0", python, RUNNERS["unittest"], plan, ["test_outcomes.py"])
    command = understood("python -m unittest -v")
    log = log_of(suite, [str(python), *command.text.split()[1:], "test_outcomes"], {})
    always = [case.format("test_outcomes.Case") for case in UNITTEST_ASKED]
    assert compared(harness, [(log, "parse_log_django", run, command)], always, is_test_of_unittest) > 12


@pytest.mark.parametrize("suite", ["django_suite"], indirect=True)
@pytest.mark.parametrize("version", ["4.2.16", "5.2.5"])
def test_djangos_suites_are_graded_as_the_harness_grades_their_logs(
    harness: Harness, suite: Path, tmp_path: Path, version: str
) -> None:
    python = environment(f"django=={version}")
    command = understood("./manage.py test --verbosity 2")
    plan = EnvironmentPlan(language="python", runner="django", base="", command=command.options)
    run = sealed_run(suite, tmp_path / "run0", python, RUNNERS["django"], plan, ["polls/tests.py"])
    log = log_of(suite, [str(python), *command.options, "polls.tests"], {})
    always = [case.format("polls.tests.Case") for case in UNITTEST_ASKED]
    assert compared(harness, [(log, "parse_log_django", run, command)], always, is_test_of_unittest) > 12


@pytest.mark.parametrize("suite", ["pytest_suite"], indirect=True)
def test_a_suite_that_cannot_be_collected_is_graded_as_by_the_harness(
    harness: Harness, suite: Path, tmp_path: Path
) -> None:
    (suite / "tests" / "test_broken.py").write_text("import a_module_that_is_nowhere\n")
    python = environment(f"pytest=={VERSIONS[-1]}")
    files = ["tests/test_broken.py", "tests/test_outcomes.py"]
    run = sealed_run(suite, tmp_path / "run0", python, RUNNERS["pytest"], pytest_plan(VERSIONS[-1], ()), files)
    for style in ("pytest -rA", "pytest -rA --continue-on-collection-errors"):
        log = log_of(suite, [str(python), "-m", *style.split(), *files], {})
        logs = [(log, parser, run, understood(style)) for parser in PARSERS]
        always = ["tests/test_outcomes.py::test_passes", "tests/test_outcomes.py::test_fails"]
        compared(harness, logs, always, lambda name: name.startswith("tests/test_outcomes.py::"))


@pytest.mark.parametrize(
    ("suite", "parser"),
    [
        ("pytest_suite", "parse_log_pytest"),
        ("pytest_suite", "parse_log_matplotlib"),
        ("unittest_suite", "parse_log_django"),
    ],
    indirect=["suite"],
)
def test_logs_alone_are_read_as_the_harness_reads_them(harness: Harness, suite: Path, parser: str) -> None:
    """For commands whose runner redgreen does not know."""
    by_pytest = (suite / "tests").is_dir()
    python = environment(f"pytest=={VERSIONS[-1]}")
    words = ["pytest", "-rA", "tests"] if by_pytest else ["unittest", "-v", "test_outcomes"]
    log = log_of(suite, [str(python), "-m", *words], {})
    (names,) = harness.judge([asked_of(log, parser, ())])
    cases = sorted(filter(is_id_of_pytest if by_pytest else is_test_of_unittest, names["statuses"]))
    (answer,) = harness.judge([asked_of(log, parser, cases)])
    found = reading_of_log(log.text, log.exit_code)
    assert found.statuses is not None
    ours = grade(instance(cases), found.statuses).as_json()
    assert disagreements(ours, answer["report"]["tests_status"], answer["statuses"]) == {}


def is_id_of_pytest(name: str) -> bool:
    return name.startswith("tests/test_outcomes.py::") and " - " not in name
