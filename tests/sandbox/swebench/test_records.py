"""Foreign records: every form that SWE-bench's files come in, and what a bad one costs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from sandbox.swebench.records import (
    LARGEST,
    MAX_PATCH,
    NO_MODEL,
    UnreadableFile,
    gold_predictions,
    read_instances,
    read_predictions,
)

RECORD: dict[str, Any] = {
    "instance_id": "owner__name-1",
    "repo": "owner/name",
    "base_commit": "A" * 40,
    "patch": "the fix",
    "test_patch": "the tests",
    "FAIL_TO_PASS": ["tests/test_a.py::test_x"],
    "PASS_TO_PASS": '["tests/test_a.py::test_y[a", "tests/test_a.py::test_z"]',
    "version": 2.3,
    "problem_statement": None,
    "created_at": "2020-01-01T00:00:00Z",
    "hints_text": "unknown keys are passed over",
}
KNOWN = frozenset({"owner__name-1", "owner__name-2"})


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@pytest.mark.parametrize(
    "data",
    [
        lines(RECORD),
        b"\xef\xbb\xbf" + lines(RECORD) + b"\n\n",
        json.dumps([RECORD], indent=2).encode(),
        json.dumps(RECORD, indent=2).encode(),
        json.dumps({"owner__name-1": {k: v for k, v in RECORD.items() if k != "instance_id"}}).encode(),
        gzip.compress(lines(RECORD)),
        gzip.compress(json.dumps([RECORD]).encode()),
    ],
    ids=["lines", "byte order mark", "list", "one object", "keyed object", "lines gzipped", "list gzipped"],
)
def test_instances_are_read_from_every_form_of_file(data: bytes) -> None:
    found = read_instances(data)
    assert found.problems == ()
    (instance,) = found.records
    assert instance.instance_id == "owner__name-1"
    assert instance.base_commit == "a" * 40
    assert instance.fail_to_pass == ("tests/test_a.py::test_x",)
    assert instance.pass_to_pass == ("tests/test_a.py::test_y[a", "tests/test_a.py::test_z")
    assert (instance.version, instance.problem_statement, instance.created_at) == ("2.3", "", "2020-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("change", "parser"),
    [
        ({}, ""),
        ({"repo": "sphinx-doc/sphinx"}, "parse_log_pytest_v2"),
        ({"repo": "sphinx-doc/sphinx", "log_parser": "own"}, "own"),
    ],
)
def test_the_harnesss_parser_is_named_by_the_record_or_by_the_harness(change: dict[str, Any], parser: str) -> None:
    assert read_instances(lines(RECORD | change)).records[0].log_parser == parser


def test_a_broken_line_is_named_and_the_rest_goes_on() -> None:
    other = RECORD | {"instance_id": "owner__name-2"}
    found = read_instances(lines(RECORD) + b'{"instance_id": \n' + lines(other))
    assert [instance.instance_id for instance in found.records] == ["owner__name-1", "owner__name-2"]
    assert [problem.where for problem in found.problems] == ["line 2"]
    assert found.problems[0].text.startswith("not JSON: ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"instance_id": "../escape"}, "instance_id: "),
        ({"instance_id": None}, "instance_id: "),
        ({"repo": "no-slash"}, "repo: "),
        ({"repo": "../name"}, "repo: '../name' is no name of a repository"),
        ({"base_commit": "main"}, "base_commit: "),
        ({"test_patch": None}, "test_patch: "),
        ({"FAIL_TO_PASS": "[broken"}, "FAIL_TO_PASS: "),
        ({"FAIL_TO_PASS": [1]}, "FAIL_TO_PASS.0: "),
        ({"PASS_TO_PASS": 7}, "PASS_TO_PASS: "),
    ],
)
def test_what_is_wrong_with_a_record_is_told(change: dict[str, Any], told: str) -> None:
    found = read_instances(lines(RECORD | change))
    assert found.records == ()
    assert found.problems[0].text.startswith(told)


@pytest.mark.parametrize(
    ("value", "told"),
    [(["x"], "a list"), ("x", "a string"), (None, "null"), (True, "a truth value"), (3.5, "a number")],
)
def test_a_record_that_is_no_object_is_named(value: Any, told: str) -> None:
    found = read_instances(lines(RECORD, value))
    assert len(found.records) == 1
    assert found.problems[0].text == f"a record is a JSON object, this is {told}"
    assert found.problems[0].where == "line 2"


def test_the_second_record_of_an_instance_is_left_out() -> None:
    found = read_instances(lines(RECORD, RECORD))
    assert len(found.records) == 1
    assert "a second time" in found.problems[0].text


def test_an_empty_list_of_tests_may_be_empty_text() -> None:
    assert read_instances(lines(RECORD | {"PASS_TO_PASS": " "})).records[0].pass_to_pass == ()


def test_nesting_without_end_is_a_problem_of_its_line() -> None:
    deep = b"[" * 200_000
    found = read_instances(deep + b"\n" + lines(RECORD))
    assert len(found.records) == 1
    assert found.problems[0].text in ("nested too deeply", "not JSON: Expecting value at column 200001")


def test_a_damaged_gzip_file_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="not a whole gzip file"):
        read_instances(gzip.compress(lines(RECORD))[:-9])


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.swebench.records.LARGEST", 100)
    assert LARGEST > 100
    with pytest.raises(UnreadableFile, match="larger than 100 bytes"):
        read_instances(gzip.compress(b"x" * 101))


# --- predictions -------------------------------------------------------------------------------------------------


def prediction(**changes: Any) -> dict[str, Any]:
    return {"instance_id": "owner__name-1", "model_name_or_path": "a/model", "model_patch": "diff"} | changes


@pytest.mark.parametrize(
    "data",
    [
        lines(prediction()),
        json.dumps([prediction()]).encode(),
        json.dumps({"owner__name-1": prediction()}).encode(),
        json.dumps({"owner__name-1": {"model_name_or_path": "a/model", "model_patch": "diff"}}).encode(),
    ],
    ids=["lines", "list", "keyed", "keyed without the id"],
)
def test_predictions_are_read_from_every_form_of_file(data: bytes) -> None:
    found = read_predictions(data, KNOWN)
    assert found.problems == ()
    assert [(p.instance_id, p.model, p.patch) for p in found.records] == [("owner__name-1", "a/model", "diff")]


def test_an_object_may_hold_nothing_but_patches() -> None:
    data = json.dumps({"owner__name-1": "diff", "owner__name-2": None}).encode()
    found = read_predictions(data, KNOWN)
    assert [(p.instance_id, p.model, p.patch) for p in found.records] == [
        ("owner__name-1", NO_MODEL, "diff"),
        ("owner__name-2", NO_MODEL, None),
    ]


def test_null_and_empty_patches_are_empty() -> None:
    other = prediction(instance_id="owner__name-2")
    found = read_predictions(lines(prediction(model_patch=None), other | {"model_patch": ""}), KNOWN)
    assert [(p.patch, p.is_empty) for p in found.records] == [(None, True), ("", True)]


def test_models_may_share_instances_and_the_last_patch_of_one_model_is_taken() -> None:
    found = read_predictions(
        lines(prediction(), prediction(model_name_or_path="b"), prediction(model_patch="newer")), KNOWN
    )
    assert {(p.model, p.patch) for p in found.records} == {("a/model", "newer"), ("b", "diff")}
    assert [problem.where for problem in found.problems] == ["line 1"]
    assert "line 3" in found.problems[0].text


def test_a_prediction_for_no_known_instance_is_named() -> None:
    found = read_predictions(lines(prediction(instance_id="else-1"), prediction()), KNOWN)
    assert len(found.records) == 1
    assert found.problems[0].text == "there is no instance else-1"


def test_a_patch_that_is_no_text_is_named() -> None:
    found = read_predictions(lines(prediction(model_patch=["x"])), KNOWN)
    assert found.problems[0].text.startswith("model_patch: ")


def test_gold_is_the_instances_own_patch() -> None:
    (made,) = gold_predictions(read_instances(lines(RECORD)).records)
    assert (made.instance_id, made.model, made.patch) == ("owner__name-1", "gold", "the fix")


def test_a_patch_to_a_file_in_another_encoding_is_read() -> None:
    """Its bytes that are no UTF-8 stand as lone surrogates, as `redgreen eval` writes them."""
    found = read_predictions(lines(prediction(model_patch="-caf\udce9\n")), KNOWN)
    assert [record.patch for record in found.records] == ["-caf\udce9\n"]


def test_a_patch_that_is_too_long_is_a_problem() -> None:
    found = read_predictions(lines(prediction(model_patch="x" * (MAX_PATCH + 1))), KNOWN)
    assert (found.records, found.problems[0].text) == (
        (),
        f"model_patch: Value error, String should have at most {MAX_PATCH} characters",
    )
