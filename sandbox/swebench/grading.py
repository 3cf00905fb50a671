"""What a run says of an instance's tests, and the grade: the harness's own rules, on sealed results. Pure.

A status map gives each expected id the word that the harness's log parser would have found for it. Rules of
`swebench.harness.grading` (5.0.2): FAIL_TO_PASS needs PASSED or XFAIL; PASS_TO_PASS also holds when SKIPPED was read;
an id that no line named is a failure. What a runner's output never names in the form of a test's line (pytest folds
skips, and has another word for XPASS) is therefore a failure as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.swebench.records import Instance


class Status(StrEnum):
    """The harness's words."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    ERROR = "ERROR"
    XFAIL = "XFAIL"


_PASSING = (Status.PASSED, Status.XFAIL)


@dataclass(frozen=True, kw_only=True)
class Split:
    """The tests of one list by how they came out."""

    success: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()

    def as_json(self) -> dict[str, list[str]]:
        return {"success": list(self.success), "failure": list(self.failure)}


@dataclass(frozen=True, kw_only=True)
class TestsStatus:
    __test__ = False

    fail_to_pass: Split = field(default_factory=Split)
    pass_to_pass: Split = field(default_factory=Split)

    @property
    def resolved(self) -> bool:
        """Every test of both lists; an empty list asks for nothing, as in the harness."""
        return not self.fail_to_pass.failure and not self.pass_to_pass.failure

    def as_json(self) -> dict[str, dict[str, list[str]]]:
        """The harness's `tests_status`; the two kinds that expect failure are never filled by it either."""
        return {
            "FAIL_TO_PASS": self.fail_to_pass.as_json(),
            "PASS_TO_PASS": self.pass_to_pass.as_json(),
            "FAIL_TO_FAIL": Split().as_json(),
            "PASS_TO_FAIL": Split().as_json(),
        }


StatusMap = Mapping[str, Status]


def look_up(case: str, statuses: StatusMap) -> Status | None:
    """The status of an expected id; None where there is none.

    Ids of SWE-bench_Verified are cut inside their brackets: one with more `[` than `]` stands for all that begin with
    it, if those agree on passing.
    """
    if case in statuses:
        return statuses[case]
    if case.count("[") <= case.count("]"):
        return None
    found = [status for name, status in statuses.items() if name.startswith(case)]
    agree = len({status in _PASSING for status in found}) == 1
    return found[0] if agree else None


def grade(instance: Instance, statuses: StatusMap) -> TestsStatus:
    return TestsStatus(
        fail_to_pass=_split(instance.fail_to_pass, statuses, _PASSING),
        pass_to_pass=_split(instance.pass_to_pass, statuses, (*_PASSING, Status.SKIPPED)),
    )


def _split(cases: Iterable[str], statuses: StatusMap, holding: tuple[Status, ...]) -> Split:
    outcomes = [(case, look_up(case, statuses) in holding) for case in cases]
    return Split(
        success=tuple(case for case, holds in outcomes if holds),
        failure=tuple(case for case, holds in outcomes if not holds),
    )
