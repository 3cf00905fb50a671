"""Reports under the harness's keys."""

from __future__ import annotations

import pytest

from sandbox.swebench.grading import Split, TestsStatus
from sandbox.swebench.records import Prediction, Problem
from sandbox.swebench.report import (
    Cause,
    Graded,
    Outcome,
    all_graded,
    file_name,
    instance_report,
    model_report,
    overall_report,
    told,
)

TESTS = TestsStatus(fail_to_pass=Split(success=("f",)), pass_to_pass=Split(success=("p",), failure=("q",)))


def made(instance: str, outcome: Outcome, model: str = "m", patch: str | None = "x", **more: object) -> Graded:
    return Graded(
        prediction=Prediction(instance_id=instance, model=model, patch=patch),
        outcome=outcome,
        **more,  # type: ignore[arg-type]
    )


def test_an_instances_report_has_the_harnesss_keys_and_ours_apart() -> None:
    report = instance_report(made("i", Outcome.UNRESOLVED, tests=TESTS, tampered=("sign",)))["i"]
    own = report.pop("redgreen")
    assert report == {
        "patch_is_None": False,
        "patch_exists": True,
        "patch_successfully_applied": True,
        "resolved": False,
        "infra_failure": False,
        "tests_status": TESTS.as_json(),
    }
    assert own["tampered"] == ["sign"]


def test_what_was_not_read_has_no_tests_status() -> None:
    report = instance_report(made("i", Outcome.UNRESOLVED, why="nothing"))["i"]
    assert "tests_status" not in report
    assert report["patch_successfully_applied"] is False


def test_a_models_report_counts_every_instance_once() -> None:
    graded = [
        made("a", Outcome.RESOLVED, tests=TESTS),
        made("b", Outcome.UNRESOLVED, tests=TESTS, infra_failure=True, why="memory"),
        made("c", Outcome.EMPTY_PATCH, patch=None),
        made("d", Outcome.ERROR, cause=Cause.TIMEOUT, why="slow"),
    ]
    report = model_report(graded, ["a", "b", "c", "d", "e"])
    assert report == {
        "total_instances": 5,
        "submitted_instances": 4,
        "completed_instances": 2,
        "resolved_instances": 1,
        "unresolved_instances": 1,
        "infra_failure_instances": 1,
        "empty_patch_instances": 1,
        "error_instances": 1,
        "submitted_ids": ["a", "b", "c", "d"],
        "completed_ids": ["a", "b"],
        "incomplete_ids": ["e"],
        "resolved_ids": ["a"],
        "unresolved_ids": ["b"],
        "infra_failure_ids": ["b"],
        "empty_patch_ids": ["c"],
        "error_ids": ["d"],
        "failure_reasons": {"b": "memory", "d": "tests_timed_out"},
        "schema_version": 2,
    }


def test_the_whole_report_tells_models_apart() -> None:
    graded = [made("a", Outcome.RESOLVED, tests=TESTS), made("a", Outcome.UNRESOLVED, "n", tests=TESTS)]
    problems = {"x.jsonl": (Problem(where="line 2", text="broken"),), "y.jsonl": ()}
    report = overall_report(graded, ["a"], problems, run_id="r", files={"m": "m.r.json", "n": "n.r.json"})
    assert (report["resolved_ids"], report["unresolved_ids"], report["submitted_instances"]) == (["a"], ["a"], 2)
    assert report["models"]["m"]["resolved_ids"] == ["a"]
    assert report["models"]["n"]["resolved_ids"] == []
    assert report["models"]["n"]["report"] == "n.r.json"
    assert [line["outcome"] for line in report["predictions"]] == ["resolved", "unresolved"]
    assert report["skipped_records"] == {"x.jsonl": [{"where": "line 2", "why": "broken"}]}


@pytest.mark.parametrize(
    ("graded", "why"),
    [
        (made("a", Outcome.RESOLVED, tests=TestsStatus()), ""),
        (made("a", Outcome.UNRESOLVED, tests=TESTS), "1 of 2 PASS_TO_PASS tests do not hold"),
        (
            made("a", Outcome.UNRESOLVED, tests=TestsStatus(fail_to_pass=Split(failure=("f",)))),
            "1 of 1 FAIL_TO_PASS tests do not pass",
        ),
        (made("a", Outcome.UNRESOLVED, tests=TESTS, tampered=("a sign",)), "tampered: a sign"),
        (made("a", Outcome.ERROR, why="no image"), "no image"),
        (made("a", Outcome.EMPTY_PATCH), ""),
    ],
)
def test_why_it_is_not_resolved_is_one_sentence(graded: Graded, why: str) -> None:
    assert told(graded) == why


def test_the_predictions_own_failures_are_grades_the_environments_are_not() -> None:
    applies_not = made("a", Outcome.ERROR, cause=Cause.DOES_NOT_APPLY)
    assert all_graded([made("b", Outcome.RESOLVED), applies_not])
    assert not all_graded([applies_not, made("b", Outcome.ERROR, cause=Cause.TIMEOUT)])
    assert not all_graded([made("b", Outcome.ERROR, cause=Cause.ENVIRONMENT)])


@pytest.mark.parametrize("model", ["..", ".", "", "x" * 200, "é" * 100])
def test_no_models_name_is_another_place(model: str) -> None:
    name = file_name(model)
    assert name.strip(". ")
    assert len(name.encode()) <= 200
    assert name != file_name(model + "y")


def test_a_models_name_is_written_as_the_harness_writes_it() -> None:
    assert file_name("org/model-1.0") == "org__model-1.0"
    assert file_name("a\nb") == "a_b"
