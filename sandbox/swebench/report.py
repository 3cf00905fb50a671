"""Reports with the harness's keys: one an instance, one a model, one over all. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.swebench.grading import TestsStatus
from sandbox.swebench.records import Prediction, Problem

SCHEMA_VERSION = 2


class Outcome(StrEnum):
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    EMPTY_PATCH = "empty_patch"
    ERROR = "error"
    """Not graded: the patch does not apply, the tests took too long, or the environment failed."""


class Cause(StrEnum):
    """Why a prediction was not graded by its tests; only the first two are the prediction's own doing."""

    NONE = ""
    DOES_NOT_APPLY = "patch_does_not_apply"
    TIMEOUT = "tests_timed_out"
    ENVIRONMENT = "environment"
    """No repository, no commit, no image, no container."""


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One prediction with all that is told of it."""

    prediction: Prediction
    outcome: Outcome
    tests: TestsStatus | None = None
    """None where no test result could be had."""
    cause: Cause = Cause.NONE
    why: str = ""
    """One sentence, where there is no grade by tests."""
    tampered: tuple[str, ...] = ()
    """Signs that the patch reached for the runner: never resolved."""
    excused: tuple[str, ...] = ()
    """PASS_TO_PASS tests that want a network and are red without the patch, too."""
    printed: tuple[str, ...] = ()
    """Expected ids that no test of the tree bears: read in what the tests printed."""
    evidence: str = "report"
    """`report`: a sealed one; `log`: the lines that the test command printed."""
    applied_by: str = ""
    infra_failure: bool = False
    seconds: float = 0.0
    runner: str = ""
    image: str = ""
    notes: tuple[str, ...] = field(default=())


def instance_report(graded: Graded) -> dict[str, Any]:
    """`report.json` of one instance: the harness's keys, and ours under `redgreen`."""
    prediction = graded.prediction
    keys: dict[str, Any] = {
        "patch_is_None": prediction.patch is None,
        "patch_exists": prediction.patch is not None,
        "patch_successfully_applied": graded.tests is not None,
        "resolved": graded.outcome is Outcome.RESOLVED,
        "infra_failure": graded.infra_failure,
    }
    if graded.tests is not None:
        keys["tests_status"] = graded.tests.as_json()
    keys["redgreen"] = {
        "outcome": graded.outcome.value,
        "cause": graded.cause.value,
        "why": graded.why,
        "tampered": list(graded.tampered),
        "excused_pass_to_pass": list(graded.excused),
        "evidence": graded.evidence,
        "read_in_output": list(graded.printed),
        "applied_by": graded.applied_by,
        "runner": graded.runner,
        "image": graded.image,
        "seconds": round(graded.seconds, 3),
        "notes": list(graded.notes),
    }
    return {prediction.instance_id: keys}


def model_report(graded: Sequence[Graded], instance_ids: Sequence[str]) -> dict[str, Any]:
    """The report of one model, or of all models together: then an instance has an entry for each prediction of it."""

    def ids(*outcomes: Outcome) -> list[str]:
        return sorted(item.prediction.instance_id for item in graded if item.outcome in outcomes)

    submitted = sorted(item.prediction.instance_id for item in graded)
    incomplete = sorted(set(instance_ids) - set(submitted))
    completed = ids(Outcome.RESOLVED, Outcome.UNRESOLVED)
    resolved, unresolved = ids(Outcome.RESOLVED), ids(Outcome.UNRESOLVED)
    empty, error = ids(Outcome.EMPTY_PATCH), ids(Outcome.ERROR)
    infra = sorted(item.prediction.instance_id for item in graded if item.infra_failure)
    reasons = {
        item.prediction.instance_id: item.cause.value or item.why
        for item in sorted(graded, key=lambda item: item.prediction.instance_id)
        if item.cause is not Cause.NONE or item.infra_failure
    }
    return {
        "total_instances": len(instance_ids),
        "submitted_instances": len(submitted),
        "completed_instances": len(completed),
        "resolved_instances": len(resolved),
        "unresolved_instances": len(unresolved),
        "infra_failure_instances": len(infra),
        "empty_patch_instances": len(empty),
        "error_instances": len(error),
        "submitted_ids": submitted,
        "completed_ids": completed,
        "incomplete_ids": incomplete,
        "resolved_ids": resolved,
        "unresolved_ids": unresolved,
        "infra_failure_ids": infra,
        "empty_patch_ids": empty,
        "error_ids": error,
        "failure_reasons": reasons,
        "schema_version": SCHEMA_VERSION,
    }


def overall_report(
    graded: Sequence[Graded],
    instance_ids: Sequence[str],
    problems: Mapping[str, Sequence[Problem]],
    *,
    run_id: str,
    files: Mapping[str, str],
) -> dict[str, Any]:
    """`report.json` of the whole run. `files`: the report of each model, relative to the run's directory."""
    models = list(dict.fromkeys(item.prediction.model for item in graded))
    return {
        **model_report(graded, instance_ids),
        "run_id": run_id,
        "models": {
            model: {
                "report": files[model],
                **model_report([item for item in graded if item.prediction.model == model], instance_ids),
            }
            for model in models
        },
        "predictions": [_line(item) for item in graded],
        "skipped_records": {
            name: [{"where": problem.where, "why": problem.text} for problem in found]
            for name, found in problems.items()
            if found
        },
    }


def _line(item: Graded) -> dict[str, Any]:
    return {
        "instance_id": item.prediction.instance_id,
        "model_name_or_path": item.prediction.model,
        "outcome": item.outcome.value,
        "resolved": item.outcome is Outcome.RESOLVED,
        "why": told(item),
        "tampered": bool(item.tampered),
        "seconds": round(item.seconds, 3),
    }


def told(item: Graded) -> str:
    """Why it is not resolved, in one sentence; "" when it is."""
    if item.tampered:
        return f"tampered: {item.tampered[0]}"
    if item.why or item.tests is None:
        return item.why
    fixed, kept = item.tests.fail_to_pass, item.tests.pass_to_pass
    parts = []
    if fixed.failure:
        parts.append(
            f"{len(fixed.failure)} of {len(fixed.success) + len(fixed.failure)} FAIL_TO_PASS tests do not pass"
        )
    if kept.failure:
        parts.append(f"{len(kept.failure)} of {len(kept.success) + len(kept.failure)} PASS_TO_PASS tests do not hold")
    return " and ".join(parts)


def file_name(model: str) -> str:
    """A model's name as a directory: slashes as the harness writes them, and nothing that means another place."""
    name = re.sub(r"[\x00-\x1f\x7f]", "_", model.replace("/", "__"))
    if name.strip(". ") == "" or len(name.encode("utf-8", "surrogateescape")) > 150:
        return f"{name.strip('. ')[:60]}_{hashlib.sha256(model.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
    return name


def is_final(graded: Graded) -> bool:
    """Whether running it again over the same contents could only say the same."""
    return graded.cause in (Cause.NONE, Cause.DOES_NOT_APPLY)


def all_graded(graded: Iterable[Graded]) -> bool:
    """No prediction was left without a grade for a reason that lies outside of it."""
    return all(is_final(item) for item in graded)
