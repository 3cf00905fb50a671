"""Proofs as files, and the cache of runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import proof as proofs
from sandbox.cache import RunCache
from sandbox.errors import SetupError
from sandbox.types import (
    CommitSha,
    Ended,
    EnvironmentPlan,
    Evidence,
    Failure,
    Inconclusive,
    NoTests,
    NotFixed,
    Proof,
    Red,
    Regressed,
    RegressionFree,
    RunKind,
    Tampered,
    TestId,
    TestReport,
    TestResult,
    TestRun,
    TestStatus,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
    verdict_name,
)

A, B, C = TestId("t.py::a"), TestId("t.py::b"), TestId("t.py::c")
EVIDENCE = Evidence(fail_to_pass=(A,), pass_to_pass=(B, C), flaky=(), selection="")
FAILURE = Failure(phase="call", exception="builtins.AssertionError", message="no")
RUN = TestRun(
    kind=RunKind.BASE,
    tree="1" * 40,
    command=("python", "-m", "pytest"),
    ended=Ended.EXITED,
    exit_code=1,
    report=TestReport(
        results={A: TestResult(id=A, status=TestStatus.FAILED, failure=FAILURE)},
        exit_code=1,
        complete=True,
        must_fail=TestStatus.FAILED,
    ),
    seconds=1.5,
)
VERDICTS: tuple[Verdict, ...] = (
    Verified(evidence=EVIDENCE, red_before=(Red(id=A, why="no"),)),
    RegressionFree(evidence=EVIDENCE),
    WitnessNotRed(evidence=EVIDENCE, green_without_patch=(A,)),
    WitnessInvalid(evidence=EVIDENCE, invalid=(Red(id=A, why="x"),)),
    NotFixed(evidence=EVIDENCE, still_red=(Red(id=A, why="x"),)),
    Regressed(evidence=EVIDENCE, turned_red=(Red(id=B, why="x"),)),
    Tampered(evidence=EVIDENCE, signs=("x",)),
    NoTests(evidence=EVIDENCE, why="x"),
    Inconclusive(evidence=EVIDENCE, cause="x"),
)


def proof_of(verdict: Verdict = VERDICTS[0], patch: str = "--- a/x\n", **changes: Any) -> Proof:
    proof = Proof(
        base_commit=CommitSha("2" * 40),
        base_tree="1" * 40,
        patch_sha256=proofs.sha256_of(patch),
        image="sha256:" + "3" * 64,
        plan=EnvironmentPlan(language="python", runner="pytest", base="b", install=(("pip", "install"),)),
        runs=(RUN,),
        verdict=verdict,
        seconds=3.0,
        tool_version="0.1.0",
        patch=patch,
    )
    return replace(proof, **changes)


@pytest.mark.parametrize("verdict", VERDICTS, ids=verdict_name)
def test_a_proof_survives_its_file(verdict: Verdict) -> None:
    proof = proof_of(verdict)
    assert proofs.from_statement(json.loads(json.dumps(proofs.to_statement(proof)))) == proof


def test_a_patch_that_is_no_text_survives_too() -> None:
    proof = proof_of(patch="-\udcff\n")
    assert proofs.from_statement(json.loads(json.dumps(proofs.to_statement(proof)))) == proof


def test_the_file_is_an_in_toto_statement_that_others_can_read() -> None:
    statement = proofs.to_statement(proof_of())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert [subject["name"] for subject in statement["subject"]] == ["patch", "base"]
    assert statement["subject"][0]["digest"] == {"sha256": proofs.sha256_of("--- a/x\n")}
    predicate = statement["predicate"]
    assert predicate["result"] == "PASSED"
    assert predicate["passedTests"] == [A, B, C]
    assert proofs.to_statement(proof_of(VERDICTS[5]))["predicate"]["failedTests"] == [B]
    assert proofs.to_statement(proof_of(VERDICTS[5]))["predicate"]["result"] == "FAILED"


def test_an_empty_patch_has_a_digest_all_the_same() -> None:
    statement = proofs.to_statement(proof_of(patch=""))
    assert len(statement["subject"][0]["digest"]["sha256"]) == 64
    assert proofs.from_statement(statement).patch_sha256 == ""


def _without(key: str) -> dict[str, Any]:
    statement = proofs.to_statement(proof_of())
    del statement["predicate"]["redgreen"][key]
    return statement


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ({}, "cannot be read"),
        ({"_type": "x", "predicateType": "y"}, "no in-toto statement"),
        (_without("runs"), "cannot be read"),
    ],
)
def test_what_is_no_proof_is_refused(statement: dict[str, Any], reason: str) -> None:
    with pytest.raises(SetupError, match=reason):
        proofs.from_statement(statement)


def test_another_format_and_another_patch_are_refused() -> None:
    statement = proofs.to_statement(proof_of())
    statement["predicate"]["redgreen"]["format"] = 2
    with pytest.raises(SetupError, match="format 2"):
        proofs.from_statement(statement)
    statement = proofs.to_statement(proof_of())
    statement["predicate"]["redgreen"]["patch"] = {"text": "--- a/y\n"}
    with pytest.raises(SetupError, match="digest names"):
        proofs.from_statement(statement)


def test_the_same_again_holds() -> None:
    assert proofs.compare(proof_of(), proof_of()) == proofs.Comparison(holds=True, differences=())


def test_another_environment_is_told_and_does_not_break_it() -> None:
    evidence = replace(EVIDENCE, selection="1 of 2")
    new = proof_of(
        Verified(evidence=evidence, red_before=()),
        image="sha256:x",
        plan=EnvironmentPlan(language="python", runner="pytest", base="c"),
        tool_version="0.2.0",
    )
    comparison = proofs.compare(proof_of(), new)
    assert comparison.holds
    assert len(comparison.differences) == 4


def test_other_parts_are_told_and_do_not_break_it() -> None:
    divided = proof_of(Verified(evidence=replace(EVIDENCE, division="All tests ran in 2 containers."), red_before=()))
    comparison = proofs.compare(proof_of(), divided)
    assert comparison.holds
    assert comparison.differences == ("in parts, the runs were: none; they are: All tests ran in 2 containers.",)


@pytest.mark.parametrize(
    ("new", "word"),
    [
        (proof_of(VERDICTS[5]), "the verdict was Verified and is Regressed"),
        (proof_of(patch="--- a/y\n"), "not the same"),
        (proof_of(Verified(evidence=replace(EVIDENCE, fail_to_pass=()), red_before=())), "were fixed"),
        (proof_of(Verified(evidence=replace(EVIDENCE, pass_to_pass=(B,)), red_before=())), "were kept"),
    ],
)
def test_what_breaks_a_proof(new: Proof, word: str) -> None:
    comparison = proofs.compare(proof_of(), new)
    assert not comparison.holds
    assert word in comparison.differences[0]


def test_a_kept_test_that_turned_out_flaky_does_not_break_it() -> None:
    evidence = replace(EVIDENCE, pass_to_pass=(B,), flaky=(C,))
    assert proofs.compare(proof_of(), proof_of(Verified(evidence=evidence, red_before=()))).holds


# --- the cache ---------------------------------------------------------------------------------------------------


def test_runs_come_back_marked_as_cached(tmp_path: Path) -> None:
    cache = RunCache(tmp_path / "runs")
    key = RunCache.key("tree", ["image"], 3)
    assert cache.get(key) is None
    cache.put(key, [RUN, RUN])
    assert cache.get(key) == (replace(RUN, cached=True),) * 2
    assert cache.get(RunCache.key("tree", ["image"], 4)) is None


def test_a_damaged_entry_is_as_good_as_none(tmp_path: Path) -> None:
    cache = RunCache(tmp_path)
    key = RunCache.key("x")
    cache.put(key, [RUN])
    (entry,) = tmp_path.rglob("*.json")
    entry.write_bytes(entry.read_bytes()[:-20])
    assert cache.get(key) is None


def test_nothing_but_whole_entries_is_left_on_disk(tmp_path: Path) -> None:
    RunCache(tmp_path).put("abc", [RUN])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["abc.json"]
