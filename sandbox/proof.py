"""A proof's file form: an in-toto Statement v1 with the test-result predicate v0.1, extended by what was executed.

Shapes: https://github.com/in-toto/attestation (spec/v1/statement.md, spec/predicates/test-result.md). A reader that
knows only those finds subject, result and the passed and failed tests; the rest stands under `redgreen`. Pure.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sandbox.errors import SetupError
from sandbox.types import (
    CommitSha,
    EnvironmentPlan,
    Inconclusive,
    Limits,
    NoTests,
    NotFixed,
    Proof,
    Regressed,
    RegressionFree,
    Tampered,
    TestRun,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
    verdict_name,
)

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
_FORMAT = 1

_VERDICTS: Mapping[str, TypeAdapter[Verdict]] = {
    variant.__name__: TypeAdapter(variant)
    for variant in (
        Verified,
        RegressionFree,
        WitnessNotRed,
        WitnessInvalid,
        NotFixed,
        Regressed,
        Tampered,
        NoTests,
        Inconclusive,
    )
}
_RUNS: TypeAdapter[tuple[TestRun, ...]] = TypeAdapter(tuple[TestRun, ...])
_PLAN: TypeAdapter[EnvironmentPlan] = TypeAdapter(EnvironmentPlan)
_LIMITS: TypeAdapter[Limits] = TypeAdapter(Limits)


def sha256_of(diff: str) -> str:
    """The digest a proof names a patch by; "" for no patch text at all."""
    return hashlib.sha256(diff.encode("utf-8", "surrogateescape")).hexdigest() if diff else ""


def to_statement(proof: Proof) -> dict[str, Any]:
    """The statement, JSON-ready."""
    name = verdict_name(proof.verdict)
    evidence = proof.verdict.evidence
    failed = sorted({str(red.id) for red in _reds(proof.verdict) if red.id})
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": "patch", "digest": {"sha256": sha256_of(proof.patch) or proof.patch_sha256 or _EMPTY}},
            {"name": "base", "digest": {"gitCommit": proof.base_commit, "gitTree": proof.base_tree}},
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": "PASSED" if isinstance(proof.verdict, Verified) else "FAILED",
            "configuration": [{"name": "environment", "digest": {"sha256": proof.image.removeprefix("sha256:")}}],
            "passedTests": sorted({*evidence.fail_to_pass, *evidence.pass_to_pass}),
            "warnedTests": sorted({*evidence.flaky, *(red.id for red in evidence.hanging)}),
            "failedTests": failed,
            "redgreen": {
                "format": _FORMAT,
                "toolVersion": proof.tool_version,
                "baseCommit": proof.base_commit,
                "baseTree": proof.base_tree,
                "image": proof.image,
                "patchSha256": proof.patch_sha256,
                "testsSha256": proof.tests_sha256,
                "patch": _text(proof.patch),
                "tests": _text(proof.tests),
                "plan": _PLAN.dump_python(proof.plan, mode="json"),
                "limits": _LIMITS.dump_python(proof.limits, mode="json"),
                "runs": _RUNS.dump_python(proof.runs, mode="json"),
                "seconds": proof.seconds,
                "verdict": {"name": name, "value": _VERDICTS[name].dump_python(proof.verdict, mode="json")},
            },
        },
    }


def from_statement(statement: Mapping[str, Any]) -> Proof:
    """The proof again. Raises `SetupError` for a document that is no proof of ours or does not fit its own digests."""
    try:
        if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
            raise SetupError("not a proof: no in-toto statement with a test-result predicate")
        body = statement["predicate"]["redgreen"]
        if body["format"] != _FORMAT:
            raise SetupError(f"the proof has format {body['format']}; this version reads format {_FORMAT}")
        proof = Proof(
            base_commit=CommitSha(str(body["baseCommit"])),
            base_tree=str(body["baseTree"]),
            patch_sha256=str(body["patchSha256"]),
            tests_sha256=str(body["testsSha256"]),
            image=str(body["image"]),
            plan=_PLAN.validate_python(body["plan"]),
            runs=_RUNS.validate_python(body["runs"]),
            verdict=_VERDICTS[body["verdict"]["name"]].validate_python(body["verdict"]["value"]),
            seconds=float(body["seconds"]),
            tool_version=str(body["toolVersion"]),
            patch=_untext(body["patch"]),
            tests=_untext(body["tests"]),
            limits=_LIMITS.validate_python(body["limits"]),
        )
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise SetupError(f"the proof cannot be read: {str(error).splitlines()[0]}") from error
    if sha256_of(proof.patch) != proof.patch_sha256 or sha256_of(proof.tests) != proof.tests_sha256:
        raise SetupError("the proof's patch is not the one that its digest names")
    return proof


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Whether an old proof still says what a new run of it says."""

    holds: bool
    differences: tuple[str, ...]
    """One sentence each; some do not change whether it holds (another image, another order of durations)."""


def compare(old: Proof, new: Proof) -> Comparison:
    """A proof holds when the same patch on the same base got the same verdict, and every test that it names as fixed or
    kept is so again (tests that the new run found flaky aside)."""
    breaking = []
    if (old.base_tree, old.patch_sha256, old.tests_sha256) != (new.base_tree, new.patch_sha256, new.tests_sha256):
        breaking.append("the base, the patch or the tests are not the same")
    if verdict_name(old.verdict) != verdict_name(new.verdict):
        breaking.append(f"the verdict was {verdict_name(old.verdict)} and is {verdict_name(new.verdict)}")
    before, after = old.verdict.evidence, new.verdict.evidence
    flaky = frozenset(after.flaky) | {red.id for red in after.hanging}
    breaking.extend(_missing("fixed", before.fail_to_pass, after.fail_to_pass, flaky=frozenset()))
    breaking.extend(_missing("kept", before.pass_to_pass, after.pass_to_pass, flaky=flaky))
    notes = []
    if old.image != new.image:
        notes.append(f"the environment's image was {old.image} and is {new.image}")
    if old.plan != new.plan:
        notes.append("the environment's plan is not the same")
    if before.selection != after.selection:
        notes.append(f"the selection was: {before.selection or 'all tests'}; it is: {after.selection or 'all tests'}")
    if before.division != after.division:
        notes.append(f"in parts, the runs were: {before.division or 'none'}; they are: {after.division or 'none'}")
    if old.tool_version != new.tool_version:
        notes.append(f"redgreen was {old.tool_version} and is {new.tool_version}")
    return Comparison(holds=not breaking, differences=(*breaking, *notes))


_EMPTY = hashlib.sha256(b"").hexdigest()


def _missing(word: str, before: tuple[str, ...], after: tuple[str, ...], *, flaky: frozenset[str]) -> list[str]:
    gone = sorted(set(before) - set(after) - flaky)
    return [f"{len(gone)} test(s) were {word} and are not any more, e.g. {gone[0]}"] if gone else []


def _reds(verdict: Verdict) -> tuple[Any, ...]:
    match verdict:
        case WitnessInvalid():
            return verdict.invalid
        case NotFixed():
            return verdict.still_red
        case Regressed():
            return verdict.turned_red
        case _:
            return ()


def _text(diff: str) -> dict[str, str]:
    """A diff of files that are no UTF-8 is not text for JSON."""
    try:
        diff.encode("utf-8")
    except UnicodeEncodeError:
        return {"base64": base64.b64encode(diff.encode("utf-8", "surrogateescape")).decode("ascii")}
    return {"text": diff}


def _untext(value: Mapping[str, str]) -> str:
    if "base64" in value:
        return base64.b64decode(value["base64"], validate=True).decode("utf-8", "surrogateescape")
    return str(value["text"])
