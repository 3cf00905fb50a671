"""Reading the sealed report of `runners.injected.reporter` and writing what a run needs beside it. Pure.

The report's author ran in the same process as the tenant: every field is doubted, and a doubt is a tamper sign or an
incomplete report, never an exception.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sandbox.layout import TREE, VENV, WORK
from sandbox.runners.protocol import RunRequest
from sandbox.types import Failure, TestId, TestReport, TestResult, TestStatus

ROOT: Final = TREE
PYTHON: Final = f"{VENV}/bin/python"
OUTSIDE: Final = (PYTHON, "-I", "-S")
"""How a launcher that stands outside of the tests' process is started: nothing of the environment, of site-packages or
of the tree is imported into it."""
_PHASES = ("setup", "call", "teardown")
_TEXT_LIMIT = 2000
_LINE_LIMIT = 1 << 20
"""Of one line of the report: a hundred times the longest that the reporter writes, its end record aside."""
_LONGEST = 1e9
_LISTS = frozenset({"replaced", "hooks"})


def run_directory(request: RunRequest) -> str:
    return f"{WORK}/run-{request.nonce}"


def injected(name: str) -> bytes:
    """The source of one injected program."""
    return (Path(__file__).parent / "injected" / name).read_bytes()


def programs_digest() -> str:
    """sha256 (hexadecimal) of all injected programs: runs made with others are not compared with these."""
    programs = sorted(path for path in (Path(__file__).parent / "injected").iterdir() if path.is_file())
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in programs)).hexdigest()


def canary_names(request: RunRequest) -> tuple[str, str]:
    """Names of the test that must fail and of the one that must pass; nothing tells which is which."""

    def name(role: str) -> str:
        return "test_" + hashlib.sha256(f"{request.nonce}:{request.key}:{role}".encode()).hexdigest()[:16]

    return name("fail"), name("pass")


def canary_module(request: RunRequest) -> str:
    return "test_" + hashlib.sha256(f"{request.nonce}:{request.key}:module".encode()).hexdigest()[:16]


def parse(data: bytes, request: RunRequest) -> TestReport:
    """The report as a value. Never raises."""
    records, signs = _records(data, request)
    if not records:
        return TestReport(results={}, tamper_signs=tuple(signs))
    results: dict[TestId, TestResult] = {}
    groups: dict[str, dict[str, TestStatus]] = {}
    must_fail, must_pass = canary_names(request)
    for test, phases in _by_test(records).items():
        result, contradiction = _result(test, phases)
        if contradiction:
            signs.append(f"{test}: {contradiction}")
        name = test.replace("::", ".").rsplit(".", 1)[-1]
        canaries = groups.setdefault(_text(phases[0], "group"), {})
        if request.canaries and name in (must_fail, must_pass):
            canaries[name] = result.status
        else:
            results[test] = result
    errors = tuple(_failure(record, "collect") for record in records if record["kind"] == "collect_error")
    end = records[-1] if records[-1]["kind"] == "end" else None
    code = _integer(end, "exit") if end is not None else None
    report = TestReport(
        results=results,
        collection_errors=errors,
        exit_code=code,
        complete=end is not None,
        must_fail=_of_all([canaries.get(must_fail) for canaries in groups.values()], lambda status: status.is_red),
        must_pass=_of_all([canaries.get(must_pass) for canaries in groups.values()], lambda status: status.is_green),
        replaced=_texts(end, "replaced"),
        hooks=_texts(end, "hooks"),
        unfinished=_unfinished(records) if end is None else {},
    )
    signs.extend(_doubts(report, request))
    return TestReport(**{**report.__dict__, "tamper_signs": tuple(signs)})


def _of_all(canaries: list[TestStatus | None], right: Callable[[TestStatus], bool]) -> TestStatus | None:
    """What became of one canary in all groups (processes, packages: what can be tampered with by itself): the worst.

    None where a group has results and not this canary.
    """
    if not canaries or None in canaries:
        return None
    known = [status for status in canaries if status is not None]
    return next((status for status in known if not right(status)), known[0])


def _doubts(report: TestReport, request: RunRequest) -> list[str]:
    """Signs in a report whose lines are all in order: the canaries, and exit code against records."""
    if not report.complete:
        return []
    signs = []
    # Where a whole build failed to compile, nothing ran: no canary, and nothing that could be called green.
    nothing_ran = bool(report.collection_errors) and not report.results and report.must_fail is report.must_pass is None
    if request.canaries and report.exit_code in (0, 1) and not nothing_ran:
        if report.must_fail is None or report.must_pass is None:
            signs.append("a canary test that was put into the run is missing from its report")
        elif not report.must_fail.is_red:
            signs.append(f"the canary test that must fail came out as {report.must_fail.value}")
    red = bool(report.red) or bool(report.collection_errors) or (report.must_fail or TestStatus.PASSED).is_red
    if red and report.exit_code == 0:
        signs.append("the runner ended with exit code 0 although tests are red")
    if not red and report.exit_code == 1:
        signs.append("the runner ended with exit code 1 although no test is red")
    return signs


def _records(data: bytes, request: RunRequest) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The records up to the first one that does not fit, and the signs."""
    records: list[Mapping[str, Any]] = []
    link = request.key
    lines = data.split(b"\n")
    for index, line in enumerate(lines[:-1]):
        text, _, seal = line.partition(b"\t")
        link = hashlib.sha256(link.encode("ascii") + text).hexdigest()
        if seal.decode("ascii", "replace") != link:
            return records, ["the report holds a line that its reporter did not write"]
        if records and records[-1]["kind"] == "end":
            return records, ["the report goes on after its end"]
        record = _record(text) if len(text) <= _LINE_LIMIT else None
        if record is None or record.get("n") != index or (index == 0 and record.get("nonce") != request.nonce):
            return records, ["the report holds a record that cannot be"]
        records.append(record)
    if lines[-1]:
        # The last write was cut short: a crash looks like this, so it is no sign, and the report is incomplete.
        return records, []
    return records, []


def _record(text: bytes) -> Mapping[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    kind = record.get("kind")
    if kind == "phase" and not (isinstance(record.get("id"), str) and record.get("when") in _PHASES):
        return None
    if kind == "began" and not isinstance(record.get("id"), str):
        return None
    if kind not in ("start", "collected", "began", "phase", "collect_error", "end"):
        return None
    # Without what nobody asks for: nested JSON takes twenty times its size in memory.
    return {key: value for key, value in record.items() if key in _LISTS or not isinstance(value, list | dict)}


def _clean(text: str) -> str:
    """Lone surrogates, which JSON can smuggle in and no database takes, as replacement characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unfinished(records: list[Mapping[str, Any]]) -> dict[TestId, float]:
    """The test that began last, where its last phase was not reported."""
    last = max((index for index, record in enumerate(records) if record["kind"] == "began"), default=-1)
    if last < 0:
        return {}
    began = records[last]
    ended = any(
        record["kind"] == "phase" and record["id"] == began["id"] and record["when"] == began.get("until")
        for record in records[last + 1 :]
    )
    return {} if ended else {TestId(_clean(began["id"])): _number(began, "at")}


def _by_test(records: list[Mapping[str, Any]]) -> dict[TestId, list[Mapping[str, Any]]]:
    found: dict[TestId, list[Mapping[str, Any]]] = {}
    for record in records:
        if record["kind"] == "phase":
            found.setdefault(TestId(_clean(record["id"])), []).append(record)
    return found


def _result(test: TestId, phases: list[Mapping[str, Any]]) -> tuple[TestResult, str]:
    """One test's result from its phases (red wins, then skipped), and a contradiction if they hold one."""
    contradiction = ""
    status: TestStatus | None = None
    failure: Failure | None = None
    for phase in phases:
        found = _status(phase)
        if phase.get("outcome") == "passed" and phase.get("raised") is True and not phase.get("xfail"):
            contradiction = "reported as passed although it raised"
        if found.is_red and not (status is not None and status.is_red):
            status, failure = found, _failure(phase, str(phase["when"]))
        elif status is None or (status is TestStatus.PASSED and found is not TestStatus.PASSED):
            status = found
    calls = [phase for phase in phases if phase["when"] == "call" and not phase.get("subtest")]
    if len({str(phase.get("outcome")) for phase in calls}) > 1:
        contradiction = "reported more than once, with different outcomes"
    if status is TestStatus.PASSED and not calls:
        # Only set-up and tear-down were seen: the body never ran.
        status = TestStatus.SKIPPED
    found_result = TestResult(
        id=test,
        status=status or TestStatus.SKIPPED,
        seconds=sum(_number(phase, "seconds") for phase in phases),
        failure=failure,
        called_xfail=status is TestStatus.SKIPPED and any(phase.get("xfail") for phase in phases),
        title=next((title for phase in phases if (title := _text(phase, "title"))), ""),
    )
    return found_result, contradiction


def _status(phase: Mapping[str, Any]) -> TestStatus:
    match (phase.get("outcome"), phase.get("xfail") or ""):
        case ("passed", ""):
            return TestStatus.PASSED
        case ("passed", _):
            return TestStatus.XPASSED
        case ("skipped", "marked"):
            return TestStatus.XFAILED
        case ("skipped", _):
            # Skipped, declared failing without being run, or ended by a call of `pytest.xfail`: not run to its end.
            return TestStatus.SKIPPED
        case _:
            return TestStatus.FAILED if phase["when"] == "call" else TestStatus.ERROR


def _failure(record: Mapping[str, Any], phase: str) -> Failure:
    message = record.get("message") or record.get("longrepr") or ""
    return Failure(
        phase=phase,
        exception=_text(record, "exception"),
        message=_clean(str(message)[:_TEXT_LIMIT]),
        path=(_text(record, "id") or _text(record, "path")) if phase == "collect" else _text(record, "path"),
        line=_integer(record, "line") or 0,
        raised_in_tree=record.get("inside") is True,
    )


def _text(record: Mapping[str, Any], key: str) -> str:
    return _clean(str(record.get(key) or "")[:500])


def _integer(record: Mapping[str, Any], key: str) -> int | None:
    value = record.get(key)
    return value if isinstance(value, int) else None


def _number(record: Mapping[str, Any], key: str) -> float:
    """A number of seconds; 0 for what is none."""
    value = record.get(key)
    return float(value) if isinstance(value, int | float) and 0 <= value <= _LONGEST else 0.0


def _texts(record: Mapping[str, Any] | None, key: str) -> tuple[str, ...]:
    value = record.get(key) if record is not None else None
    return tuple(_clean(str(item)) for item in value) if isinstance(value, list) else ()
