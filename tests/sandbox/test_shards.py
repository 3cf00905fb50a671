"""How a suite is divided, and one run out of its parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sandbox import comparison
from sandbox.shards import Division, differing, divide, merged, share
from sandbox.types import (
    Ended,
    Failure,
    Limits,
    RunKind,
    TestId,
    TestReport,
    TestResult,
    TestRun,
    TestStatus,
)

FAILED, PASSED, SKIPPED = TestStatus.FAILED, TestStatus.PASSED, TestStatus.SKIPPED
WANTED = Division(most=2, from_seconds=10)


def file_of(test: TestId) -> str | None:
    return test.split("::")[0] or None


def report(results: Mapping[str, TestStatus | float], **more: object) -> TestReport:
    made = {}
    for name, value in results.items():
        status, seconds = (value, 0.0) if isinstance(value, TestStatus) else (PASSED, value)
        made[TestId(name)] = TestResult(id=TestId(name), status=status, seconds=seconds)
    code = 1 if any(result.status.is_red for result in made.values()) else 0
    known: dict[str, object] = {"complete": True, "exit_code": code, "must_fail": FAILED, "must_pass": PASSED}
    return TestReport(results=made, **{**known, **more})  # type: ignore[arg-type]


def run(found: TestReport | None, **more: object) -> TestRun:
    known: dict[str, object] = {
        "kind": RunKind.REGRESSION, "tree": "t", "command": (), "ended": Ended.EXITED, "seconds": 1.0,
        "exit_code": found.exit_code if found is not None else 0,
    }  # fmt: skip
    return TestRun(report=found, **{**known, **more})  # type: ignore[arg-type]


def of(results: Mapping[str, TestStatus | float], **more: object) -> TestRun:
    return run(report(results), **more)


def test_files_go_into_parts_that_take_as_long() -> None:
    runs = [of({"a::1": 6.0, "a::2": 4.0, "b::1": 5.0, "c::1": 4.0, "d::1": 2.0})] * 2
    assert divide(runs, file_of, WANTED) == (("a",), ("b", "c", "d"))
    assert divide(runs, file_of, Division(most=3, from_seconds=1)) == (("a",), ("b",), ("c", "d"))
    assert divide(runs, file_of, Division(most=9, from_seconds=1)) == (("a",), ("b",), ("c",), ("d",))


def test_a_file_that_cannot_be_collected_goes_along() -> None:
    error = Failure(phase="collect", exception="", message="", path="z")
    found = report({"a::1": 9.0, "b::1": 9.0}, collection_errors=(error,))
    assert divide([run(found)], file_of, WANTED) == (("a", "z"), ("b",))
    nameless = replace(found, collection_errors=(replace(error, path=""),))
    assert divide([run(nameless)], file_of, WANTED) == ()


@pytest.mark.parametrize(
    ("results", "wanted"),
    [
        ({"a::1": 30.0, "b::1": 30.0}, Division(most=1, from_seconds=1)),
        ({"a::1": 3.0, "b::1": 3.0}, WANTED),
        ({"a::1": 30.0}, WANTED),
        ({"a::1": 90.0, "b::1": 10.0}, WANTED),
        ({"a::1": 30.0, "b::1": 30.0, "::1": 1.0}, WANTED),
    ],
)
def test_nothing_is_divided_where_it_does_not_pay(results: dict[str, TestStatus | float], wanted: Division) -> None:
    assert divide([of(results)], file_of, wanted) == ()


def test_parts_share_what_one_container_may_use() -> None:
    assert share(Limits(memory_bytes=400, disk_bytes=200, cpus=2.0, pids=7), 2) == Limits(
        memory_bytes=200, disk_bytes=100, cpus=1.0, pids=7
    )


def test_tests_that_need_each_other_are_those_that_differ_from_every_undivided_run() -> None:
    first = of({"a::1": PASSED, "a::2": FAILED, "a::3": PASSED, "a::4": SKIPPED})
    second = of({"a::1": PASSED, "a::2": FAILED, "a::3": FAILED, "a::4": SKIPPED})
    assert differing([first, second], first) == frozenset()
    assert differing([first, second], of({"a::1": FAILED, "a::2": PASSED})) == {"a::1", "a::2"}
    assert differing([first, second], of({})) == {"a::1", "a::2"}


PARTS = (("a",), ("b",))


def test_all_parts_make_one_run() -> None:
    one = of({"a::1": PASSED}, seconds=3.0, output_tail="one", left_processes=1)
    two = of({"b::1": FAILED, "c::1": PASSED}, seconds=2.0, output_tail="two", left_processes=2)
    whole = merged([one, two], PARTS, file_of)
    assert comparison.trouble(whole) == ""
    assert comparison.run_signs(whole) == ()
    assert (whole.exit_code, whole.seconds, whole.output_tail) == (1, 3.0, "one\ntwo")
    assert (whole.left_processes, whole.shards) == (3, PARTS)
    assert comparison.report_of(whole).ids(PASSED) == {"a::1", "c::1"}
    assert comparison.report_of(whole).red == {"b::1"}


def test_a_test_counts_in_the_part_of_its_file_only() -> None:
    forging = of({"a::1": PASSED, "b::1": PASSED})
    whole = merged([forging, of({"b::1": FAILED})], PARTS, file_of)
    assert comparison.report_of(whole).red == {"b::1"}
    absent = merged([forging, of({})], PARTS, file_of)
    assert comparison.report_of(absent).ids() == {"a::1"}


def test_of_a_test_without_a_part_the_red_result_counts() -> None:
    for first, second in ((PASSED, FAILED), (FAILED, PASSED)):
        whole = merged([of({"::x": first}), of({"::x": second})], PARTS, file_of)
        assert comparison.report_of(whole).red == {"::x"}
    whole = merged([of({"::x": FAILED}), of({"::x": FAILED})], PARTS, file_of)
    assert comparison.report_of(whole).red == {"::x"}


@pytest.mark.parametrize("ended", [Ended.LOST, Ended.KILLED, Ended.OUT_OF_MEMORY, Ended.TIMED_OUT])
def test_a_part_that_is_lost_is_no_part_without_tests(ended: Ended) -> None:
    gone = run(None, ended=ended, exit_code=None)
    whole = merged([of({"a::1": PASSED}), gone], PARTS, file_of)
    assert (whole.ended, whole.report) == (ended, None)
    assert comparison.trouble(whole) != ""


def test_a_part_that_breaks_off_breaks_the_run_off() -> None:
    cut = run(report({"b::1": PASSED}, complete=False, exit_code=None), exit_code=1)
    whole = merged([of({"a::1": PASSED}), cut], PARTS, file_of)
    assert "before its report was complete" in comparison.trouble(whole)
    gave_up = run(report({}, exit_code=4), exit_code=4)
    assert "gave up with exit code 4" in comparison.trouble(merged([of({"a::1": PASSED}), gave_up], PARTS, file_of))
    empty = run(report({}, exit_code=5), exit_code=5)
    assert merged([empty, empty], PARTS, file_of).exit_code == 5
    assert merged([empty, of({"b::1": PASSED})], PARTS, file_of).exit_code == 0


def test_what_one_part_shows_of_tampering_the_run_shows() -> None:
    forged = run(report({"b::1": PASSED}, tamper_signs=("a line that its reporter did not write",)))
    early = run(report({"a::1": PASSED}, complete=False, exit_code=None), exit_code=0)
    whole = merged([early, forged], PARTS, file_of)
    assert "part 1: the process ended with success before its tests had" in whole.tamper_signs
    assert "part 2: a line that its reporter did not write" in whole.tamper_signs


def test_the_canaries_of_every_part_count() -> None:
    fine = of({"a::1": PASSED})
    for canary, worst in ((PASSED, PASSED), (None, None)):
        odd = run(report({"b::1": PASSED}, must_fail=canary, replaced=("x",), hooks=("h",)))
        found = comparison.report_of(merged([fine, odd], PARTS, file_of))
        assert found.must_fail is worst
        assert (found.must_pass, found.replaced, found.hooks) == (PASSED, ("x",), ("h",))
