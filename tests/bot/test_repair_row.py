"""`repair` on the scoreboard: an attempt that it made is counted as any model's is, at a cost of nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agents.repair import solve
from agents.types import Attempt, AttemptLimits, Task
from bot.listings import scored
from bot.scoreboard import table
from bot.store import Store
from bot.types import JobId, Outcome, OutcomeKind
from tests.bot.conftest import Time
from tests.bot.test_store import accepted
from tests.support import seeded
from tests.support.repair_env import DirectoryEnvironment, MemoryRecorder


def repaired(tmp_path: Path) -> Attempt:
    """A real one, that ends before any search: the issue states nothing."""
    files = {path: text.replace("value < high", "value <= high") for path, text in seeded.BOUNDARY.files.items()}
    task = Task(id="7", repository="octo/shop", base_commit="0" * 40, title="Broken", body="It is.")
    return solve(task, DirectoryEnvironment(tmp_path, files), None, AttemptLimits(seconds=60), MemoryRecorder())


def propose(store: Store, clock: Time, number: int, attempt: Attempt, outcome: OutcomeKind) -> JobId:
    job = accepted(store, number=number)
    clock.now += 1
    store.attempts.begin(f"{job}-1", job_id=job, model=attempt.model)
    store.attempts.finish(f"{job}-1", attempt)
    store.jobs.proposed(job, 100 + number)
    store.outcomes.record(
        7, job, Outcome(repository="octo/shop", pull_number=100 + number, kind=outcome, human_lines=0)
    )
    return job


def test_repair_is_a_row_with_its_own_rates_and_costs_nothing(store: Store, clock: Time, tmp_path: Path) -> None:
    attempt = repaired(tmp_path)
    assert attempt.model == "repair"
    propose(store, clock, 3, attempt, OutcomeKind.MERGED)
    propose(store, clock, 4, attempt, OutcomeKind.CLOSED)
    propose(store, clock, 5, replace(attempt, model="opus", cost_usd=0.5), OutcomeKind.MERGED)
    lines = {line.model: line for line in scored(store)}
    assert set(lines) == {"repair", "opus"}
    row = lines["repair"]
    assert (row.of_decided.successes, row.of_decided.n, row.of_attempted.n) == (1, 2, 2)
    assert (row.cost_usd, row.cost_per_merged_usd) == (0.0, 0.0)
    shown = {cells[1]: cells for cells in table([row, lines["opus"]], minimum_decided=1).rows}
    assert shown["repair"][-1] == "$0"
    assert shown["opus"][-1] == "$0.5000"
