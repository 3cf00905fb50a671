"""A verdict in words and tables: shared by pull requests, status comments and reviews. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from agents.types import Attempt
from bot.messages.untrusted import cell, code, inline, json_block, plain
from sandbox.types import (
    Ended,
    Evidence,
    Inconclusive,
    NoTests,
    NotFixed,
    Proof,
    Red,
    Regressed,
    RegressionFree,
    RunKind,
    Tampered,
    TestRun,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)

MOST_ROWS = 20
"""Tests listed one by one; the proof holds all of them."""


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def headline(verdict: Verdict) -> str:
    """The verdict as one short line without markup."""
    match verdict:
        case Verified(evidence=evidence):
            return f"Verified: {count(len(evidence.fail_to_pass), 'test')} went from red to green"
        case RegressionFree():
            return "Not proven: nothing turned red, and nothing went from red to green"
        case WitnessNotRed():
            return "Not proven: the new tests pass without the change"
        case WitnessInvalid(evidence=Evidence(exit_code_only=True)):
            return "Not proven: only an exit code went from red to green"
        case WitnessInvalid():
            return "Not proven: the new tests are red for the wrong reason"
        case NotFixed():
            return "Not fixed: the new tests are still red with the change"
        case Regressed(turned_red=reds):
            return f"Regressed: {count(len(reds), 'test')} that passed before {'fails' if len(reds) == 1 else 'fail'}"
        case Tampered():
            return "Refused: the test run was interfered with"
        case NoTests():
            return "Not proven: no test ran"
        case Inconclusive():
            return "Could not be judged"
    assert_never(verdict)


def explanation(verdict: Verdict) -> str:
    """What was seen, test by test: markdown."""
    match verdict:
        case Verified(red_before=reds):
            return red_to_green(reds)
        case RegressionFree():
            return (
                "Every test that passed before still passes. But no test was red before the change and green with it, "
                "so there is no evidence that it does what it says."
            )
        case WitnessNotRed(green_without_patch=ids):
            return (
                "These new tests already pass on the unchanged code, so they prove nothing about the change:\n\n"
                f"{bullets(ids)}"
            )
        case WitnessInvalid(evidence=Evidence(exit_code_only=True), invalid=reds):
            return (
                "Without the change this was red. An exit code does not say what failed, so whatever became of it with "
                f"the change, it is no proof of a fix:\n\n{red_table(reds, 'without the change')}"
            )
        case WitnessInvalid(invalid=reds):
            return (
                "These new tests were red without the change, but not by the behaviour they test (they could not be "
                f"collected or imported, or only a name was missing):\n\n{red_table(reds, 'why')}"
            )
        case NotFixed(still_red=reds):
            return f"These tests are still red with the change:\n\n{red_table(reds, 'failure with the change')}"
        case Regressed(turned_red=reds):
            return (
                "These tests passed on the base and fail with the change, each confirmed by a second run:\n\n"
                f"{red_table(reds, 'failure with the change')}"
            )
        case Tampered(signs=signs):
            return f"The result of this run cannot be believed:\n\n{bullets(signs)}"
        case NoTests(why=why):
            return f"Without a test that ran there is no evidence: {inline(why, 600)}"
        case Inconclusive(cause=cause):
            return f"This says nothing about the change. The cause: {inline(cause, 600)}"
    assert_never(verdict)


def red_to_green(reds: Sequence[Red]) -> str:
    """The evidence table: each FAIL_TO_PASS test with its failure before."""
    rows = [f"| {cell(red.id)} | red: {cell(_first_line(red.why), 200)} | green |" for red in reds[:MOST_ROWS]]
    return "\n".join(
        ["| test | without the patch | with the patch |", "| --- | --- | --- |", *rows, *_more_row(len(reds), 3)]
    )


def red_table(reds: Sequence[Red], heading: str) -> str:
    rows = [f"| {cell(red.id)} | {cell(_first_line(red.why), 240)} |" for red in reds[:MOST_ROWS]]
    return "\n".join([f"| test | {heading} |", "| --- | --- |", *rows, *_more_row(len(reds), 2)])


def bullets(lines: Sequence[str]) -> str:
    shown = [f"- {code(line)}" for line in lines[:MOST_ROWS]]
    if len(lines) > MOST_ROWS:
        shown.append(f"- and {len(lines) - MOST_ROWS} more")
    return "\n".join(shown)


def counts(evidence: Evidence) -> str:
    """What else a reader needs to believe the verdict or to doubt it: one bullet a fact."""
    facts = [
        f"- Kept green (PASS_TO_PASS): {count(len(evidence.pass_to_pass), 'test')} passed before and still "
        f"{'passes' if len(evidence.pass_to_pass) == 1 else 'pass'}.",
        _flaky(evidence),
    ]
    if evidence.hanging:
        hanging = ", ".join(f"{code(red.id)} {inline(red.why, 80)}" for red in evidence.hanging[:8])
        more = f" and {len(evidence.hanging) - 8} more" if len(evidence.hanging) > 8 else ""
        facts.append(f"- Hang on the base, so not counted either way: {hanging}{more}")
    if evidence.exit_code_only:
        facts.append(
            "- Exit-code evidence only: redgreen knows no runner for these tests, so all it saw is how the command "
            "ended. Which tests ran, and whether any did, is unknown; no canaries ran along."
        )
    if evidence.selection:
        facts.append(f"- Not everything ran: {inline(evidence.selection, 300)}")
    if evidence.ignored_test_edits:
        edits = _listed(evidence.ignored_test_edits)
        facts.append(f"- Edits existing tests, which were judged in the base's version: {edits}")
    if evidence.flagged_paths:
        flagged = _listed(evidence.flagged_paths)
        facts.append(f"- Touches test configuration or CI files, whose base versions were used: {flagged}")
    if evidence.signs:
        facts.append("- **Look at this before you merge**; no run can tell it from a fix:")
        facts.extend(f"  - {inline(sign, 300)}" for sign in evidence.signs[:MOST_ROWS])
        if len(evidence.signs) > MOST_ROWS:
            facts.append(f"  - and {len(evidence.signs) - MOST_ROWS} more")
    return "\n".join(facts)


def runs(proof: Proof) -> str:
    """What was executed: a table of the runs, and where."""
    rows = [
        f"| {run_name(run.kind)} | {cell(' '.join(run.command), 160)} | {_selection(run)} | {ended(run)} "
        f"| {run.seconds:.1f} s{' (cached)' if run.cached else ''} |"
        for run in proof.runs[:MOST_ROWS]
    ]
    table = "\n".join(["| run | command | tests | ended | time |", "| --- | --- | --- | --- | --- |", *rows])
    where = (
        f"Base commit {code(proof.base_commit)}, image {code(proof.image)}, each run in a fresh container without "
        f"network; redgreen {code(proof.tool_version, 40)}."
    )
    return f"{table}\n\n{where}" if rows else f"Nothing was run. {where}"


def run_name(kind: RunKind) -> str:
    match kind:
        case RunKind.BASE:
            return "all tests, without the change"
        case RunKind.WITNESS:
            return "new tests, without the change"
        case RunKind.REGRESSION:
            return "base's tests, with the change"
        case RunKind.CANDIDATE:
            return "new tests, with the change"
        case RunKind.CONFIRMATION:
            return "what changed its colour, once more"
        case RunKind.TWIN:
            return "what was fixed, expecting the impossible"
    assert_never(kind)


def ended(run: TestRun) -> str:
    match run.ended:
        case Ended.EXITED:
            if run.report is None:
                return f"exit {run.exit_code}, no report"
            return f"{len(run.report.green)} green, {len(run.report.red)} red"
        case Ended.TIMED_OUT:
            return "time limit"
        case Ended.OUT_OF_MEMORY:
            return "memory limit"
        case Ended.KILLED:
            return "killed"
        case Ended.LOST:
            return "container lost"
    assert_never(run.ended)


def run_again() -> str:
    """The command that repeats the proof on a clone; needs the proof's file."""
    return (
        "To run it again in a clone of this repository, with the proof saved as `proof.json`:\n\n"
        "```sh\nredgreen verify proof.json --repo .\n```"
    )


def folded_proof(statement: Mapping[str, Any], job: str, room: int) -> str:
    """The proof's JSON in a folded part when it fits into `room` characters, else where to get it."""
    inner = json_block(statement)
    whole = f"<details>\n<summary>proof.json</summary>\n\n{inner}\n\n</details>"
    if len(whole) <= room:
        return whole
    return (
        f"The proof ({len(inner):,} characters) is too long for this page: whoever runs this App gets it with "
        f"{code(f'redgreen proof {job}')}."
    )


def dollars(cost: float | None) -> str:
    """Unknown is said, never 0."""
    return "unknown" if cost is None else f"${cost:.4f}" if cost else "$0"


def made_by(attempt: Attempt, requested_by: str, chosen_by: str = "") -> str:
    """Who and what made the patch, and what it cost: the disclosure table."""
    rows = [
        ("asked for by", code(requested_by)),
        ("model", f"{code(attempt.model)}{f', chosen by {inline(chosen_by, 120)}' if chosen_by else ''}"),
        ("strategy", f"{code(attempt.strategy)}, prompts {code(attempt.prompt_version or 'none')}"),
        ("cost", dollars(attempt.cost_usd)),
        ("tokens", f"{attempt.usage.input_tokens:,} in, {attempt.usage.output_tokens:,} out"),
        ("work", f"{count(attempt.steps, 'step')} in {attempt.seconds:.0f} s"),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def _selection(run: TestRun) -> str:
    ran = "" if run.report is None else f"{len(run.report.results)} ran"
    asked = f"{len(run.selection)} asked" if run.selection else "all"
    where = f" (with {plain(', '.join(run.changed), 120)})" if run.changed else ""
    return f"{asked}, {ran}{where}" if ran else f"{asked}, no report{where}"


def _flaky(evidence: Evidence) -> str:
    if not evidence.flaky:
        return "- Flaky tests seen: none."
    told = f"- Flaky, so not counted either way: {_listed(evidence.flaky)}"
    seen = [f"{code(one.id)} {one.red} of {one.runs}" for one in evidence.flakiness[:8]]
    return f"{told} (red on one and the same tree: {', '.join(seen)})" if seen else told


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(code(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _more_row(total: int, columns: int) -> list[str]:
    return [f"| and {total - MOST_ROWS} more |{' |' * (columns - 1)}"] if total > MOST_ROWS else []


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), text)
