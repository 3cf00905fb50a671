"""Reading a report that the tenant may have reached. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from sandbox.runners import RUNNERS, report
from sandbox.runners.protocol import RunRequest
from sandbox.types import TestId, TestReport, TestStatus

REQUEST = RunRequest(nonce="n0", key="k0")
MUST_FAIL, MUST_PASS = report.canary_names(REQUEST)
Record = dict[str, Any]


def phase(test: str, outcome: str = "passed", when: str = "call", **more: Any) -> Record:
    return {"kind": "phase", "id": test, "when": when, "outcome": outcome, "seconds": 0.5, **more}


def failed(test: str, **more: Any) -> Record:
    return phase(
        test, "failed", exception="builtins.AssertionError", message="no", path="t.py", line=3, raised=True, **more
    )


CANARIES = [phase(f"c.py::{MUST_PASS}"), failed(f"c.py::{MUST_FAIL}")]
END: Record = {"kind": "end", "exit": 1, "replaced": [], "hooks": []}


def sealed(*records: Record, key: str = "k0") -> bytes:
    """What the reporter writes."""
    link, lines = key, []
    for number, record in enumerate(records):
        text = json.dumps({**record, "n": number}, sort_keys=True)
        link = hashlib.sha256((link + text).encode()).hexdigest()
        lines.append(f"{text}\t{link}\n")
    return "".join(lines).encode()


def start(nonce: str = "n0") -> Record:
    return {"kind": "start", "nonce": nonce}


def read(*records: Record) -> TestReport:
    return report.parse(sealed(start(), *records), REQUEST)


def status_of(*phases: Record) -> TestStatus:
    return read(*phases).results[TestId("t.py::t")].status


def test_a_whole_report() -> None:
    found = read(*CANARIES, phase("t.py::a"), failed("t.py::b"), END)
    assert found.complete
    assert found.exit_code == 1
    assert found.green == {"t.py::a"}
    assert found.red == {"t.py::b"}
    assert (found.must_fail, found.must_pass) == (TestStatus.FAILED, TestStatus.PASSED)
    assert found.tamper_signs == ()
    failure = found.results[TestId("t.py::b")].failure
    assert failure is not None
    assert (failure.phase, failure.exception, failure.path, failure.line) == (
        "call",
        "builtins.AssertionError",
        "t.py",
        3,
    )


@pytest.mark.parametrize(
    ("phases", "status"),
    [
        ([phase("t.py::t", when="setup"), phase("t.py::t")], TestStatus.PASSED),
        ([phase("t.py::t", when="setup")], TestStatus.SKIPPED),
        ([phase("t.py::t", "skipped", when="setup")], TestStatus.SKIPPED),
        ([phase("t.py::t", "skipped")], TestStatus.SKIPPED),
        ([phase("t.py::t", "skipped", xfail="marked")], TestStatus.XFAILED),
        ([phase("t.py::t", "skipped", xfail="called")], TestStatus.SKIPPED),
        ([phase("t.py::t", "passed", xfail="marked")], TestStatus.XPASSED),
        ([failed("t.py::t")], TestStatus.FAILED),
        ([phase("t.py::t", "failed", when="setup")], TestStatus.ERROR),
        ([phase("t.py::t"), phase("t.py::t", "failed", when="teardown")], TestStatus.ERROR),
        ([failed("t.py::t"), phase("t.py::t", "failed", when="teardown")], TestStatus.FAILED),
        ([failed("t.py::t", subtest=True), phase("t.py::t")], TestStatus.FAILED),
        ([phase("t.py::t", "nonsense")], TestStatus.FAILED),
    ],
)
def test_phases_make_one_status(phases: list[Record], status: TestStatus) -> None:
    assert status_of(*phases) is status


def test_an_xfail_that_never_ran_is_not_a_pass() -> None:
    assert not status_of(phase("t.py::t", "skipped", when="setup", xfail="called")).is_green


def test_collection_errors_are_kept_with_their_file() -> None:
    record = {"kind": "collect_error", "id": "t.py", "exception": "builtins.ImportError", "longrepr": "no module"}
    (error,) = read(*CANARIES, record, END).collection_errors
    assert (error.phase, error.path, error.message) == ("collect", "t.py", "no module")


# --- doubts ------------------------------------------------------------------------------------------------------


def signs(data: bytes) -> str:
    return " ".join(report.parse(data, REQUEST).tamper_signs)


WHOLE = sealed(start(), *CANARIES, failed("t.py::b"), END)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE.replace(b'"failed"', b'"passed"'),
        WHOLE + b'{"kind": "end", "exit": 0, "n": 5}\tx\n',
        b"\n".join(WHOLE.split(b"\n")[1:]),
        WHOLE.replace(b"\t", b" "),
        b"not json\n",
    ],
    ids=["changed", "added", "removed", "unsealed", "rubbish"],
)
def test_a_line_that_the_reporter_did_not_write_is_a_sign(data: bytes) -> None:
    assert "did not write" in signs(data)


def test_going_on_after_the_end_is_a_sign() -> None:
    assert "goes on after its end" in signs(sealed(start(), *CANARIES, END, phase("t.py::late")))


@pytest.mark.parametrize(
    "records",
    [
        [start("another")],
        [start(), {"kind": "unknown"}],
        [start(), phase("t.py::t", when="never")],
        [start(), {"kind": "phase", "id": 3, "when": "call"}],
    ],
)
def test_a_record_that_cannot_be_is_a_sign(records: list[Record]) -> None:
    assert "cannot be" in signs(sealed(*records))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "nonsense",
        '{"kind": "end", "exit": ' + "[" * 100_000,
        '{"kind": "start", "nonce": "n0", "n": 0, "x": "' + "x" * (1 << 20) + '"}',
    ],
    ids=["list", "nonsense", "deep", "long"],
)
def test_a_sealed_line_that_is_no_record_is_a_sign(text: str) -> None:
    link = hashlib.sha256(f"k0{text}".encode()).hexdigest()
    assert "cannot be" in signs(f"{text}\t{link}\n".encode())


def test_a_missing_canary_is_a_sign() -> None:
    assert "missing" in signs(sealed(start(), CANARIES[1], END))
    assert "missing" in signs(sealed(start(), CANARIES[0], failed("t.py::b"), END))


def test_a_green_must_fail_is_a_sign() -> None:
    assert "must fail came out as passed" in signs(sealed(start(), CANARIES[0], phase(f"c.py::{MUST_FAIL}"), END))


def test_every_group_with_results_owes_its_canaries() -> None:
    one = [phase(f"a::{MUST_PASS}", group="a"), failed(f"a::{MUST_FAIL}", group="a"), phase("a::t", group="a")]
    other = [phase(f"b::{MUST_PASS}", group="b"), failed(f"b::{MUST_FAIL}", group="b"), phase("b::t", group="b")]
    assert signs(sealed(start(), *one, *other, END)) == ""
    assert "missing" in signs(sealed(start(), *one, other[0], other[2], END))
    forged = phase(f"b::{MUST_FAIL}", group="b")
    assert "came out as passed" in signs(sealed(start(), *one, other[0], forged, other[2], END))


def test_exit_code_and_tests_must_agree() -> None:
    assert "exit code 0 although" in signs(sealed(start(), *CANARIES, {**END, "exit": 0}))
    request = RunRequest(nonce="n0", key="k0", canaries=False)
    green = report.parse(sealed(start(), phase("t.py::t"), END), request)
    assert green.tamper_signs == ("the runner ended with exit code 1 although no test is red",)
    assert report.parse(sealed(start(), phase("t.py::t"), {**END, "exit": 0}), request).tamper_signs == ()


def test_a_runner_that_gave_up_owes_no_canary() -> None:
    assert signs(sealed(start(), {**END, "exit": 4})) == ""


def test_passing_after_raising_is_a_sign() -> None:
    assert "although it raised" in signs(sealed(start(), *CANARIES, phase("t.py::t", raised=True), END))


def test_two_outcomes_for_one_test_are_a_sign() -> None:
    assert "more than once" in signs(sealed(start(), *CANARIES, failed("t.py::t"), phase("t.py::t"), END))


@pytest.mark.parametrize("data", [b"", WHOLE[: len(WHOLE) // 2], sealed(start(), *CANARIES)])
def test_a_report_that_was_cut_short_is_incomplete_and_no_sign(data: bytes) -> None:
    found = report.parse(data, REQUEST)
    assert not found.complete
    assert found.tamper_signs == ()


def test_lone_surrogates_do_not_get_through() -> None:
    found = read(*CANARIES, failed("t.py::\ud800"), END)
    assert [result.id.encode("utf-8") for result in found.results.values()] == ["t.py::\ufffd".encode()]


def test_odd_types_do_not_raise() -> None:
    odd = phase("t.py::t", "failed", seconds="long", line="x", path=7, exception=None)
    found = read(*CANARIES, odd, {"kind": "end", "exit": "1", "replaced": "x", "hooks": None})
    assert found.exit_code is None
    assert found.replaced == ()


@pytest.mark.parametrize("seconds", [10**400, float("nan"), float("inf"), -1])
def test_a_time_that_is_none_counts_as_none(seconds: float) -> None:
    assert read(phase("t.py::t", seconds=seconds)).results[TestId("t.py::t")].seconds == 0.0


def test_no_two_runs_share_a_canary() -> None:
    assert set(report.canary_names(REQUEST)).isdisjoint(report.canary_names(RunRequest(nonce="n1", key="k0")))


def test_every_runner_is_found_by_its_name() -> None:
    assert {"pytest", "unittest", "django", "jest", "go", "cargo", "maven", "gradle"} <= RUNNERS.keys()
    assert all(runner.name == name for name, runner in RUNNERS.items())


def test_the_injected_programs_have_one_digest() -> None:
    assert report.programs_digest() == report.programs_digest()
    assert len(bytes.fromhex(report.programs_digest())) == 32


def began(test: str, until: str = "teardown", at: float = 2.5) -> Record:
    return {"kind": "began", "id": test, "until": until, "at": at}


def test_a_report_that_breaks_off_says_which_test_had_begun() -> None:
    done = [began("t.py::a"), phase("t.py::a"), phase("t.py::a", when="teardown")]
    assert read(*done).unfinished == {}
    assert read(*done, began("t.py::b", at=4.0)).unfinished == {"t.py::b": 4.0}
    assert read(*done, began("t.py::b", at=4.0), phase("t.py::b", when="setup")).unfinished == {"t.py::b": 4.0}
    assert read(began("t.T.a", "call"), phase("t.T.a")).unfinished == {}


def test_a_report_with_an_end_or_without_beginnings_has_none_unfinished() -> None:
    assert read(*CANARIES, failed("t.py::b"), began("t.py::c"), END).unfinished == {}
    assert read(phase("t.py::a")).unfinished == {}


def test_a_beginning_without_a_name_cannot_be() -> None:
    assert read({"kind": "began", "id": 3}).tamper_signs == ("the report holds a record that cannot be",)
