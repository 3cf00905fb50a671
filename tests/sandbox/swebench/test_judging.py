"""From runs to grades: what the harness would have said, and what it would have been fooled by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.swebench.commands import TestCommand, understood
from sandbox.swebench.grading import Status
from sandbox.swebench.ids import Style
from sandbox.swebench.judging import (
    Expected,
    Reading,
    excused,
    graded,
    in_want_of_network,
    reading,
    reading_of_log,
    replacements,
    suspicious,
)
from sandbox.swebench.records import Instance, Prediction
from sandbox.swebench.report import Cause, Graded, Outcome
from sandbox.types import Ended, Failure, RunKind, TestId, TestReport, TestResult, TestRun, TestStatus

PYTEST = TestCommand(runner="pytest")
INSTANCE = Instance(
    instance_id="i",
    repo="o/n",
    base_commit="0" * 40,
    patch="",
    test_patch="",
    fail_to_pass=("a.py::f",),
    pass_to_pass=("a.py::p",),
)
ASKED = Expected(instance=INSTANCE, paths=frozenset({"a.py"}))
START = Graded(prediction=Prediction(instance_id="i", model="m", patch="x"), outcome=Outcome.ERROR)
BROKEN = Failure(phase="collect", exception="builtins.ImportError", message="no", path="b.py")
UNREACHABLE = Failure(
    phase="call", exception="socket.gaierror", message="[Errno -3] Temporary failure in name resolution"
)


def report(
    statuses: dict[str, TestStatus], *, failure: Failure | None = None, exit_code: int = 0, **more: object
) -> TestReport:
    results = {
        TestId(id_): TestResult(id=TestId(id_), status=status, failure=failure if status.is_red else None)
        for id_, status in statuses.items()
    }
    return TestReport(results=results, complete=True, exit_code=exit_code, **more)  # type: ignore[arg-type]


def run(made: TestReport | None, ended: Ended = Ended.EXITED, output: str = "") -> TestRun:
    return TestRun(
        output_tail=output,
        kind=RunKind.REGRESSION,
        tree="",
        command=(),
        ended=ended,
        exit_code=1,
        report=made,
        seconds=9.0,
    )


GREEN = report({"a.py::f": TestStatus.PASSED, "a.py::p": TestStatus.PASSED})


@pytest.mark.parametrize(
    ("made", "outcome", "cause", "infra"),
    [
        (run(GREEN), Outcome.RESOLVED, Cause.NONE, False),
        (run(report({"a.py::f": TestStatus.PASSED})), Outcome.UNRESOLVED, Cause.NONE, False),
        (run(None), Outcome.UNRESOLVED, Cause.NONE, False),
        (run(TestReport(results={})), Outcome.UNRESOLVED, Cause.NONE, False),
        (run(report({}, exit_code=3)), Outcome.UNRESOLVED, Cause.NONE, False),
        (run(None, Ended.TIMED_OUT), Outcome.ERROR, Cause.TIMEOUT, False),
        (run(None, Ended.LOST), Outcome.ERROR, Cause.ENVIRONMENT, False),
        (run(None, Ended.OUT_OF_MEMORY), Outcome.UNRESOLVED, Cause.NONE, True),
        (run(None, Ended.KILLED), Outcome.UNRESOLVED, Cause.NONE, True),
    ],
    ids=["green", "missing", "no report", "unfinished", "gave up", "timeout", "lost", "memory", "killed"],
)
def test_every_end_of_a_run_has_its_outcome(made: TestRun, outcome: Outcome, cause: Cause, infra: bool) -> None:
    found = graded(START, INSTANCE, reading(made, PYTEST, ASKED))
    assert (found.outcome, found.cause, found.infra_failure) == (outcome, cause, infra)
    assert (found.tests is None) == bool(found.why)


def test_a_sign_of_tampering_is_never_resolved_and_never_an_error() -> None:
    signed = replace(START, tampered=("it was",))
    assert graded(signed, INSTANCE, reading(run(GREEN), PYTEST, ASKED)).outcome is Outcome.UNRESOLVED
    late = graded(signed, INSTANCE, reading(run(None, Ended.TIMED_OUT), PYTEST, ASKED))
    assert (late.outcome, late.cause) == (Outcome.UNRESOLVED, Cause.NONE)


def test_a_file_that_cannot_be_collected_keeps_pytest_from_running_any() -> None:
    made = run(report({"a.py::f": TestStatus.PASSED, "a.py::p": TestStatus.PASSED}, collection_errors=(BROKEN,)))
    assert reading(made, PYTEST, ASKED).statuses == {"b.py": Status.ERROR}
    told_to_go_on = understood("pytest --continue-on-collection-errors")
    assert graded(START, INSTANCE, reading(made, told_to_go_on, ASKED)).outcome is Outcome.RESOLVED


def asked(*cases: str) -> Expected:
    return Expected(instance=replace(INSTANCE, fail_to_pass=cases, pass_to_pass=()), paths=frozenset({"a.py"}))


def test_ids_that_no_test_of_the_tree_can_have_are_read_in_the_output() -> None:
    printed = "PASSED inner.py::test_1\nPASSED [100%]\nPASSED [100%]----\nPASSED a.py::gone\n"
    cases = ("a.py::f", "inner.py::test_1", "[100%]", "[100%]----", "a.py::gone", "gone", "inner.py::test_2")
    found = reading(run(GREEN, output=printed), PYTEST, asked(*cases))
    assert found.printed == ("inner.py::test_1", "[100%]", "[100%]----")
    assert found.statuses is not None
    assert found.statuses.keys() & set(cases) == {"a.py::f", "inner.py::test_1", "[100%]", "[100%]----"}
    assert reading(run(GREEN, output=printed), TestCommand(runner="go"), asked(*cases)).printed == ()


def test_what_was_left_on_a_tests_line_is_no_part_of_its_name() -> None:
    made = run(report({"m.C.test_a": TestStatus.PASSED}))
    cases = ("Applying auth.0001_x...test_a (m.C)", "Applying auth.0001_x...test_b (m.C)")
    found = reading(made, TestCommand(runner="django"), asked(*cases))
    assert found.statuses is not None
    assert found.statuses.keys() & set(cases) == {cases[0]}


def test_the_reason_of_an_expected_failure_is_part_of_its_id() -> None:
    made = run(report({"a.py::f": TestStatus.XFAILED, "a.py::p": TestStatus.PASSED}))
    found = reading(made, PYTEST, asked("a.py::f - known - since long", "a.py::p - no"))
    assert found.statuses is not None
    assert found.statuses.get("a.py::f - known - since long") is Status.XFAIL
    assert "a.py::p - no" not in found.statuses


def test_a_skip_that_has_a_line_of_its_own_is_a_skip() -> None:
    made = report({"a.py::f": TestStatus.SKIPPED, "a.py::p": TestStatus.SKIPPED})
    told, cases = run(made, output="a.py::f SKIPPED\na.py::p SKIPPED (why)\n"), asked("a.py::f", "a.py::p")
    second = replace(cases, instance=replace(cases.instance, log_parser="parse_log_pytest_v2"))
    assert reading(told, PYTEST, second).statuses == {"a.py::f": Status.SKIPPED}
    assert reading(told, PYTEST, cases).statuses == {}


@pytest.mark.parametrize(
    ("output", "exit_code", "resolved", "why"),
    [
        ("PASSED a.py::f\nPASSED a.py::p\n", 0, True, ""),
        ("PASSED a.py::f\nFAILED a.py::p - no\n", 1, False, ""),
        ("PASSED a.py::f\nPASSED a.py::p\n", 1, False, "exit code 1, and its output shows no failure"),
        ("nothing", 2, False, "No test result was found"),
    ],
)
def test_a_commands_output_is_believed_as_far_as_its_exit_code_agrees(
    output: str, exit_code: int, resolved: bool, why: str
) -> None:
    found = graded(START, INSTANCE, reading_of_log(output, exit_code))
    assert (found.outcome is Outcome.RESOLVED) is resolved
    assert why in found.why


def test_only_replaced_parts_and_hooks_of_the_patch_are_suspicious() -> None:
    hooks = ("pytest_runtest_makereport:conftest.py", "pytest_sessionfinish:_pytest.main")
    assert not suspicious(report({}, hooks=hooks), ["src/a.py"])
    assert suspicious(report({}, hooks=hooks), ["src/a.py", "conftest.py"])
    assert suspicious(report({}, replaced=("TestCase.run",)), [])


def test_what_the_suite_does_without_the_patch_is_no_sign() -> None:
    hooks, parts = ("pytest_runtest_makereport:conftest.py",), ("TestCase.run",)
    made = report({}, hooks=hooks, replaced=parts)
    assert replacements(made, made) == ()
    assert replacements(made, report({}, hooks=hooks)) == ("TestCase.run was replaced while the tests ran",)
    assert replacements(made, None)[1] == "a hook was added to the runner: pytest_runtest_makereport:conftest.py"


def test_a_patch_of_pytest_itself_may_add_hooks_to_it() -> None:
    made = report({}, hooks=("pytest_runtest_call:src/_pytest/new.py", "pytest_runtest_call:tests/conftest.py"))
    assert replacements(made, None) == ("a hook was added to the runner: pytest_runtest_call:tests/conftest.py",)


def judged(made: TestReport) -> tuple[Graded, tuple[str, ...]]:
    found = graded(START, INSTANCE, reading(run(made), PYTEST, ASKED))
    assert found.tests is not None
    return found, in_want_of_network(found.tests, made, Style.PYTEST)


def test_what_wants_a_network_with_and_without_the_patch_is_excused() -> None:
    made = report({"a.py::f": TestStatus.PASSED, "a.py::p": TestStatus.FAILED}, failure=UNREACHABLE)
    found, wanting = judged(made)
    assert (found.outcome, wanting) == (Outcome.UNRESOLVED, ("a.py::p",))
    assert excused(found, wanting, ()).outcome is Outcome.UNRESOLVED
    now = excused(found, wanting, wanting)
    assert (now.outcome, now.excused, now.infra_failure) == (Outcome.RESOLVED, ("a.py::p",), False)
    assert now.tests is not None
    assert now.tests.pass_to_pass.success == ("a.py::p",)


def test_what_should_be_fixed_and_wants_a_network_is_the_environments_failure() -> None:
    made = report({"a.py::f": TestStatus.FAILED, "a.py::p": TestStatus.PASSED}, failure=UNREACHABLE)
    found, wanting = judged(made)
    now = excused(found, wanting, wanting)
    assert (now.outcome, now.infra_failure) == (Outcome.UNRESOLVED, True)
    assert "network" in now.why


def test_an_ordinary_failure_wants_no_network() -> None:
    made = report(
        {"a.py::f": TestStatus.PASSED, "a.py::p": TestStatus.FAILED},
        failure=Failure(phase="call", exception="builtins.AssertionError", message="assert 1 == 2"),
    )
    assert judged(made)[1] == ()
    missing = report({"a.py::f": TestStatus.PASSED})
    assert judged(missing)[1] == ()


def test_nothing_is_excused_where_nothing_was_read() -> None:
    unread = graded(START, INSTANCE, Reading(why="nothing"))
    assert excused(unread, ("a.py::p",), ("a.py::p",)) is unread
