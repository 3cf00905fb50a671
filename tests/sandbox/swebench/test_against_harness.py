"""Our grades beside those of the `swebench` distribution, on the logs of real suites. Development only."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.runners import RUNNERS
from sandbox.swebench.commands import understood
from sandbox.swebench.grading import grade
from sandbox.swebench.judging import Expected, reading
from sandbox.swebench.records import Instance
from sandbox.types import EnvironmentPlan, TestRun
from tests.support.harness import SUITES, Harness, Log, environment, log_of, sealed_run

pytestmark = pytest.mark.network

VERSIONS = ("4.6.11", "5.4.3", "6.2.5", "7.4.4", "8.4.2", "9.0.1")
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


def cases_of(harness: Harness, log: Log, parser: str, always: Sequence[str], start: str) -> list[str]:
    """The ids that the harness itself would have written into an instance, and some that it cannot find."""
    (answer,) = harness.judge([{"log": log.text, "exit_code": log.exit_code, "parser": parser, "cases": []}])
    return sorted({*(name for name in answer["statuses"] if name.startswith(start)), *always})


def disagreements(
    harness: Harness, log: Log, run: TestRun, command: str, parser: str, cases: Sequence[str]
) -> dict[str, str]:
    """Expected id -> who says what of it; empty where both agree on every test and on the whole."""
    asked = {"log": log.text, "exit_code": log.exit_code, "parser": parser, "cases": list(cases)}
    (answer,) = harness.judge([asked])
    theirs = answer["report"]["tests_status"]
    asked_for = replace(instance(cases), log_parser=parser)
    found = reading(run, understood(command), Expected(instance=asked_for, paths=PATHS))
    assert found.statuses is not None, (found.why, run.output_tail[-2000:])
    made = grade(asked_for, found.statuses)
    ours = made.as_json()
    assert made.resolved is answer["report"]["resolved"]
    return {
        case: f"{kind}: ours {outcome}, theirs not ({answer['statuses'].get(case)})"
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
    for style in STYLES:
        if "--no-header" in style and version < "6.2":
            continue
        command = understood(style)
        plan = pytest_plan(version, command.options)
        scratch = tmp_path / f"run{STYLES.index(style)}"
        run = sealed_run(suite, scratch, python, RUNNERS["pytest"], plan, ["tests/test_outcomes.py"])
        assert run.report is not None
        assert run.report.tamper_signs == ()
        words = [str(python), "-m", *style.split(), *plan.command[1:], "tests/test_outcomes.py"]
        log = log_of(suite, words, {})
        # In colours no line begins with a status: only the second parser takes them off.
        for parser in ("parse_log_pytest_v2",) if "--color" in style else PARSERS:
            cases = cases_of(harness, log, parser, ALWAYS_ASKED, "tests/test_outcomes.py::")
            assert len(cases) > 35
            wrong = disagreements(harness, log, run, style, parser, cases)
            assert wrong == {}, (style, parser)
