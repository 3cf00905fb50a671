"""The harness's rules on a status map."""

from __future__ import annotations

import pytest

from sandbox.swebench.grading import Status, grade, look_up
from sandbox.swebench.records import Instance


def instance(fail_to_pass: tuple[str, ...] = ("f",), pass_to_pass: tuple[str, ...] = ("p",)) -> Instance:
    return Instance(
        instance_id="i",
        repo="o/n",
        base_commit="0" * 40,
        patch="",
        test_patch="",
        fail_to_pass=fail_to_pass,
        pass_to_pass=pass_to_pass,
    )


@pytest.mark.parametrize(
    ("status", "fixes", "holds"),
    [
        (Status.PASSED, True, True),
        (Status.XFAIL, True, True),
        (Status.SKIPPED, False, True),
        (Status.FAILED, False, False),
        (Status.ERROR, False, False),
        (None, False, False),
    ],
)
def test_each_status_counts_as_in_the_harness(status: Status | None, fixes: bool, holds: bool) -> None:
    told = {} if status is None else {"t": status}
    tests = grade(instance(("t",), ("t",)), told)
    assert bool(tests.fail_to_pass.success) is fixes
    assert bool(tests.pass_to_pass.success) is holds
    assert tests.resolved is (fixes and holds)


def test_resolved_means_every_test_of_both_lists() -> None:
    passed = {"f": Status.PASSED, "p": Status.PASSED}
    assert grade(instance(), passed).resolved
    assert not grade(instance(), passed | {"p": Status.FAILED}).resolved
    assert not grade(instance(), passed | {"f": Status.FAILED}).resolved
    assert not grade(instance(("f", "g")), passed).resolved


def test_an_empty_list_asks_for_nothing() -> None:
    assert grade(instance(("f",), ()), {"f": Status.PASSED}).resolved


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ({"t[a-b]": Status.PASSED, "t[a-c]": Status.XFAIL}, Status.PASSED),
        ({"t[a-b]": Status.PASSED, "t[a-c]": Status.FAILED}, None),
        ({"t[b]": Status.PASSED}, None),
        ({"t[a": Status.FAILED, "t[a-b]": Status.PASSED}, Status.FAILED),
    ],
    ids=["they agree", "they do not", "none begins so", "the exact name first"],
)
def test_an_id_cut_inside_its_brackets_stands_for_all_that_begin_with_it(
    statuses: dict[str, Status], found: Status | None
) -> None:
    assert look_up("t[a", statuses) is found


def test_a_whole_id_stands_for_itself_alone() -> None:
    assert look_up("t[a]", {"t[a]b": Status.PASSED}) is None


def test_the_report_has_the_four_kinds() -> None:
    told = grade(instance(), {"f": Status.PASSED}).as_json()
    assert told == {
        "FAIL_TO_PASS": {"success": ["f"], "failure": []},
        "PASS_TO_PASS": {"success": [], "failure": ["p"]},
        "FAIL_TO_FAIL": {"success": [], "failure": []},
        "PASS_TO_FAIL": {"success": [], "failure": []},
    }
