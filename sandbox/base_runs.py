"""Base's own runs: repeated until its flaky tests are known, kept for the next patch, cut where they take too long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from sandbox import comparison, repetition, selection
from sandbox.cache import RunCache
from sandbox.course import Course, at_once, told
from sandbox.runners.report import programs_digest
from sandbox.types import Ended, RunKind, TestRun


@dataclass(frozen=True, kw_only=True)
class BaseRuns:
    runs: tuple[TestRun, ...]
    files: tuple[str, ...] = ()
    """The test files that the runs were cut to; empty: all."""
    selection: str = ""
    """A sentence on that."""


def base_runs(course: Course) -> BaseRuns:
    """At least two runs of base's tests."""
    budget = min(course.limits.seconds, course.budget_seconds)
    runs = _repeated(course, (), budget)
    if not any(run.ended is Ended.TIMED_OUT for run in runs):
        return BaseRuns(runs=runs)
    runner, base = course.bench.runner, course.base
    every = tuple(path for path in base.paths() if runner.is_test_file(base, path))
    chosen = selection.select(base, every, course.trees.source_paths)
    if not chosen.files or len(chosen.files) == len(every):
        return BaseRuns(runs=runs)
    # That it takes too long is known from now on, too.
    course.cache.put(_cache_key(course, (), budget), runs)
    return BaseRuns(
        runs=_repeated(course, chosen.files, budget),
        files=chosen.files,
        selection=f"The whole suite takes more than {budget:.0f} s: {chosen.sentence(len(every))}",
    )


def _repeated(course: Course, files: tuple[str, ...], timeout: float) -> tuple[TestRun, ...]:
    key = _cache_key(course, files, timeout)
    stored = course.cache.get(key)
    if stored is not None:
        course.progress(f"base: {told(stored[0])} (known from {len(stored)} earlier runs)")
        course.runs.extend(stored)
        return stored
    course.progress("base: running the tests twice, to know the flaky ones")
    job = partial(course.run, RunKind.BASE, course.base, timeout=timeout, files=files)
    runs = at_once([job, job])
    flaky: tuple[int, ...] = ()
    while not any(comparison.trouble(run) for run in runs):
        flaky = (*flaky, len(comparison.baseline(runs).flaky))
        if not repetition.again(flaky) or sum(run.seconds for run in runs) + runs[0].seconds > course.budget_seconds:
            course.cache.put(key, runs)
            break
        course.progress(f"base: {flaky[-1]} flaky test(s) after {len(runs)} runs; running once more")
        runs = (*runs, job())
    return runs


def _cache_key(course: Course, files: tuple[str, ...], timeout: float) -> str:
    """Everything that base's runs depend on, the reporter's own code included."""
    bench = course.bench
    limits = bench.supply.limits
    return RunCache.key(
        course.base.digest,
        bench.supply.image.id,
        bench.runner.name,
        list(files),
        timeout,
        [limits.memory_bytes, limits.cpus, limits.pids, limits.disk_bytes, limits.file_bytes],
        programs_digest(),
        list(bench.plan.command),
        version("redgreen"),
    )
