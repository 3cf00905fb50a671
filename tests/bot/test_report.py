from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agents.types import Attempt, Ending, Usage
from bot.report import as_json, dollars, exit_code, why, without_proof
from sandbox.types import (
    CommitSha,
    EnvironmentPlan,
    Evidence,
    Inconclusive,
    NoTests,
    NotFixed,
    Proof,
    Red,
    Regressed,
    RegressionFree,
    Tampered,
    TestId,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)

WITNESS = TestId("tests/test_a.py::test_new")
EVIDENCE = Evidence(fail_to_pass=(WITNESS,), pass_to_pass=(TestId("tests/test_a.py::test_old"),))
RED = (Red(id=WITNESS, why="AssertionError: 3 != 4"),)

VERDICTS: list[tuple[Verdict, int, str]] = [
    (Verified(evidence=EVIDENCE, red_before=RED), 0, "3 != 4"),
    (RegressionFree(evidence=EVIDENCE), 1, "none went from red to green"),
    (WitnessNotRed(evidence=EVIDENCE, green_without_patch=(WITNESS,)), 1, "passes without the patch"),
    (WitnessInvalid(evidence=EVIDENCE, invalid=RED), 1, "3 != 4"),
    (NotFixed(evidence=EVIDENCE, still_red=RED), 1, "3 != 4"),
    (Regressed(evidence=EVIDENCE, turned_red=RED), 1, "3 != 4"),
    (Tampered(evidence=EVIDENCE, signs=("a canary turned green",)), 1, "a canary turned green"),
    (NoTests(evidence=EVIDENCE, why="no runner is known"), 2, "no runner is known"),
    (Inconclusive(evidence=EVIDENCE, cause="the image could not be built"), 2, "the image could not be built"),
]


def attempt(cost: float | None) -> Attempt:
    return Attempt(
        task_id="issue-1",
        model="repair",
        strategy="repair",
        prompt_version="1",
        ending=Ending.SUBMITTED,
        reason="found",
        diff="d",
        usage=Usage(input_tokens=5, output_tokens=2),
        cost_usd=cost,
        steps=3,
        seconds=1.5,
    )


def proof(verdict: Verdict) -> Proof:
    return Proof(
        base_commit=CommitSha("c" * 40),
        base_tree="t" * 40,
        patch_sha256="p",
        image="sha256:i",
        plan=EnvironmentPlan(language="python", runner="pytest", base="base"),
        runs=(),
        verdict=verdict,
        seconds=2.0,
        tool_version="0",
        patch="diff",
    )


@pytest.mark.parametrize(("verdict", "code", "text"), VERDICTS)
def test_every_verdict_has_its_exit_code_and_says_why(verdict: Verdict, code: int, text: str) -> None:
    assert exit_code(verdict) == code
    assert any(text in line for line in why(verdict))


def test_the_json_holds_the_keys_that_all_commands_share_and_is_serialisable() -> None:
    answer = json.loads(json.dumps(as_json(proof(VERDICTS[0][0]), attempt(0.25))))
    assert answer["verdict"] == "Verified"
    assert answer["fail_to_pass"] == [WITNESS]
    assert answer["pass_to_pass"] == ["tests/test_a.py::test_old"]
    assert answer["patch"] == "diff"
    assert answer["cost_usd"] == 0.25
    assert answer["seconds"] == 3.5


def test_the_json_says_in_which_parts_the_suite_ran() -> None:
    verdict = VERDICTS[0][0]
    divided = replace(verdict, evidence=replace(verdict.evidence, division="All tests ran in 2 containers at once."))
    assert as_json(proof(divided))["division"] == "All tests ran in 2 containers at once."
    assert as_json(proof(verdict))["division"] == ""


def test_an_unknown_cost_stays_unknown() -> None:
    assert as_json(proof(VERDICTS[0][0]), attempt(None))["cost_usd"] is None
    assert without_proof(attempt(None))["cost_usd"] is None
    assert dollars(None) == "unknown"


def test_dollars_show_small_amounts_and_a_true_zero() -> None:
    assert dollars(0.0123) == "$0.0123"
    assert dollars(0.0) == "$0"


def test_an_attempt_without_a_patch_has_no_verdict_but_the_same_keys() -> None:
    answer = without_proof(attempt(0.0))
    assert answer["verdict"] is None
    assert set(answer) <= set(as_json(proof(VERDICTS[0][0]), attempt(0.0)))
