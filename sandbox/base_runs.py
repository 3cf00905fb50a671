"""Base's own runs: repeated until its flaky tests are known, kept for the next patch, cut where they take too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version

from sandbox import comparison, hanging, repetition, selection
from sandbox.cache import RunCache
from sandbox.course import Course, at_once, told
from sandbox.runners.report import programs_digest
from sandbox.shards import DIVIDED, Shards, Whole, differing, divide
from sandbox.types import Ended, Red, RunKind, TestId, TestRun


@dataclass(frozen=True, kw_only=True)
class BaseRuns:
    runs: tuple[TestRun, ...]
    whole: Whole = field(default_factory=Whole)
    """What the runs with the patch are made of, as these were."""
    selection: str = ""
    """A sentence on the test files that they were cut to; "" for all."""
    hanging: tuple[Red, ...] = ()
    """Tests that do not come to an end in them."""
    division: str = ""
    """A sentence on the parts that they are divided into; "" where nothing is."""


def base_runs(course: Course) -> BaseRuns:
    """At least two runs of base's tests."""
    budget = min(course.limits.seconds, course.budget_seconds)
    runs = _repeated(course, (), budget)
    if not any(run.ended is Ended.TIMED_OUT for run in hanging.counted(runs)):
        return _found(course, runs, ())
    runner, base = course.bench.runner, course.base
    every = tuple(path for path in base.paths() if runner.is_test_file(base, path))
    chosen = selection.select(base, every, course.trees.source_paths)
    if not chosen.files or len(chosen.files) == len(every):
        return BaseRuns(runs=runs, hanging=hanging.hanging(runs))
    # That it takes too long is known from now on, too.
    course.cache.put(_cache_key(course, (), budget), runs)
    return replace(
        _found(course, _repeated(course, chosen.files, budget), chosen.files),
        selection=f"The whole suite takes more than {budget:.0f} s: {chosen.sentence(len(every))}",
    )


def _found(course: Course, runs: tuple[TestRun, ...], files: tuple[str, ...]) -> BaseRuns:
    hung = hanging.hanging(runs)
    without = hanging.to_leave_out(runs, course.bench.runner.name)
    counted = hanging.counted(runs)
    parts = next((run.shards for run in counted if run.shards), ())
    return BaseRuns(
        runs=counted,
        whole=Whole(files=files, shards=parts, without=without),
        hanging=hung,
        division=_sentence(course, counted, parts),
    )


def _sentence(course: Course, runs: tuple[TestRun, ...], parts: Shards) -> str:
    if parts:
        files = ", ".join(str(len(part)) for part in parts)
        return f"All tests ran in {len(parts)} containers at once, on both sides in the same parts, of {files} files."
    if any(comparison.trouble(run) for run in runs) or not _parts(course, runs):
        return ""
    return "The suite was not divided, long as it is: in parts, some of its tests come out otherwise on base, too."


def _repeated(course: Course, files: tuple[str, ...], timeout: float) -> tuple[TestRun, ...]:
    key = _cache_key(course, files, timeout)
    stored = course.cache.get(key)
    if stored is not None:
        course.progress(f"base: {told(stored[-1])} (known from {len(stored)} earlier runs)")
        course.runs.extend(stored)
        return stored
    course.progress("base: running the tests twice, to know the flaky ones")
    made = _unstuck(course, files, timeout)
    what = Whole(files=files, without=hanging.to_leave_out(made, course.bench.runner.name))
    job = partial(course.whole, RunKind.BASE, course.base, what, timeout=timeout)
    if parts := _parts(course, hanging.counted(made)):
        in_parts = partial(course.whole, RunKind.BASE, course.base, replace(what, shards=parts), timeout=timeout)
        divided = _divided(course, hanging.counted(made), in_parts)
        made, job = (*made, *divided), in_parts if divided else job
    flaky: tuple[int, ...] = ()
    while not any(comparison.trouble(run) for run in hanging.counted(made)):
        runs = hanging.counted(made)
        flaky = (*flaky, len(comparison.baseline(runs).flaky))
        if not repetition.again(flaky) or sum(run.seconds for run in runs) + runs[0].seconds > course.budget_seconds:
            course.cache.put(key, made)
            break
        course.progress(f"base: {flaky[-1]} flaky test(s) after {len(runs)} runs; running once more")
        made = (*made, job())
    return made


def _unstuck(course: Course, files: tuple[str, ...], timeout: float) -> tuple[TestRun, ...]:
    """Two runs; two more without the tests in which these took all their time, and again."""
    made: tuple[TestRun, ...] = ()
    for _ in range(1 + hanging.MOST_ATTEMPTS):
        what = Whole(files=files, without=hanging.to_leave_out(made, course.bench.runner.name))
        job = partial(course.whole, RunKind.BASE, course.base, what, timeout=timeout)
        made = (*made, *at_once([job, job]))
        if not hanging.is_stuck(made, course.bench.runner.name):
            break
        hung = ", ".join(hanging.to_leave_out(made, course.bench.runner.name))
        course.progress(f"base: takes all its time in {hung}; once more without")
    return made


def _parts(course: Course, runs: tuple[TestRun, ...]) -> Shards:
    """How base's undivided runs are to be divided; empty: not at all."""
    bench = course.bench
    if bench.runner.name not in DIVIDED or any(comparison.trouble(run) for run in runs):
        return ()
    undivided = [run for run in runs if not run.shards]
    return divide(undivided[:2], lambda test: bench.runner.file_of(course.base, test), course.division)


def _divided(course: Course, undivided: tuple[TestRun, ...], job: Callable[[], TestRun]) -> tuple[TestRun, ...]:
    """Runs of base in parts; none where tests come out otherwise in them, again and again: they need each other."""
    course.progress("base: once more in parts, at once")
    made: tuple[TestRun, ...] = ()
    changed = frozenset[TestId]()
    while len(made) < _DIVIDED_RUNS:
        made = (*made, job())
        if comparison.trouble(made[-1]):
            return ()
        found = differing(undivided, made[-1])
        changed = found & changed if len(made) > 1 else found
        if not changed:
            return made
    course.progress(f"base: {len(changed)} test(s) come out otherwise in parts; it is not divided")
    return ()


_DIVIDED_RUNS = 2
"""What differs by chance differs otherwise the second time."""


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
        course.test_seconds,
        [limits.memory_bytes, limits.cpus, limits.pids, limits.disk_bytes, limits.file_bytes],
        programs_digest(),
        list(bench.plan.command),
        [course.division.most, course.division.from_seconds],
        version("redgreen"),
    )
