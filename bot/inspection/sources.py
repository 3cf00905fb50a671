"""Where a run is read from: a trajectory's file, a directory of results, or an attempt in the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from agents import interchange
from agents.errors import TrajectoryError
from agents.interchange.chat import an_object
from agents.types import Ending, Step, Trajectory
from bot.errors import UsageError
from bot.report import why
from bot.types import JobId, JobState
from sandbox.errors import SetupError
from sandbox.proof import from_statement
from sandbox.types import Verified, verdict_name

if TYPE_CHECKING:
    from bot.store import AttemptView, Store  # brings a database with it, which most runs do not need

LARGEST = 1 << 30
"""Bytes of a file that is read; longer ones are no run of anybody."""
RECORDED = ("trajectory.json", "steps.jsonl")
"""In the order of preference: the first is written when the second is over."""
_OTHERS = ("*.traj.json", "*.traj", "*.jsonl", "*.json")
_HEAD = b'{"version": '
CUT_OFF = {
    JobState.DONE: "It was cut off: its job was done without it.",
    JobState.FAILED: "It was cut off: its job failed.",
    JobState.CANCELLED: "It was cut off: its job was stopped.",
}
"""Of an attempt whose end nobody stored, by what became of its job."""
_OVER = tuple(CUT_OFF)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What running the tests said of the run's patch."""

    name: str
    good: bool
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run as it stands now."""

    trajectory: Trajectory
    over: bool
    judgement: Judgement | None = None
    notes: tuple[str, ...] = ()
    """What a person might not expect, in sentences of ours."""


class Source(Protocol):
    def look(self) -> Run | None:
        """The run as it stands; None while there is nothing of it yet.

        Raises `TrajectoryError`, `UsageError` or `bot.errors.StoreError`.
        """
        ...


# --- files -------------------------------------------------------------------------------------------------------


class FileSource:
    """One file: read again only when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._run: Run | None = None

    def look(self) -> Run | None:
        try:
            now = self._path.stat()
            if now.st_size > LARGEST:
                raise UsageError(f"{self._path} is larger than {LARGEST >> 20} MiB")
            if self._seen != (now.st_size, now.st_mtime_ns):
                self._run = self._read(self._path.read_bytes())
                self._seen = (now.st_size, now.st_mtime_ns)
        except OSError as error:
            raise UsageError(f"{self._path} cannot be read: {error.strerror}") from None
        return self._run

    def _read(self, data: bytes) -> Run | None:
        if b"\n" not in data and data[: len(_HEAD)] == _HEAD[: len(data)] and not data.endswith(b"}"):
            return None  # a recording whose first line is being written
        try:
            trajectory, whole = interchange.read(data, name=self._path.name)
        except TrajectoryError as error:
            raise TrajectoryError(f"{self._path}: {error}") from None
        return Run(trajectory=trajectory, over=whole or trajectory.ending is not None)


class DirectorySource:
    """What `redgreen fix --out`, or an instance of `redgreen eval`, left: a recording, and how its patch was judged."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[Path, FileSource] = {}

    def look(self) -> Run | None:
        path = recorded_in(self._directory)
        if path is None:
            return None
        run = self._files.setdefault(path, FileSource(path)).look()
        return None if run is None else replace(run, judgement=judged_in(path.parent))


def recorded_in(directory: Path) -> Path | None:
    """The one recording of a directory, or below it. Raises `UsageError` where there are several to choose from."""
    for name in RECORDED:
        if (directory / name).is_file():
            return directory / name
    for pattern in (*RECORDED, *_OTHERS[:2]):
        found = sorted(path for path in directory.rglob(pattern) if path.is_file())
        if len({path.parent for path in found}) > 1:
            some = ", ".join(str(path.parent) for path in found[:3])
            raise UsageError(f"{directory} holds {len(found)} runs; name one: {some}{', ...' if found[3:] else ''}")
        if found:
            return found[0]
    return None


def judged_in(directory: Path) -> Judgement | None:
    """By the proof, else by a report in the SWE-bench harness's form. Raises `UsageError` for one that is neither."""
    if (statement := _json(directory / "proof.json")) is not None:
        return judgement(statement)
    report = _json(directory / "report.json")
    return None if report is None else _graded(report)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def judgement(statement: Any) -> Judgement:
    """Raises `UsageError` for what is no proof of ours."""
    try:
        verdict = from_statement(statement).verdict
    except SetupError as error:
        raise UsageError(f"the proof beside the run is not one of redgreen: {error}") from None
    return Judgement(name=verdict_name(verdict), good=isinstance(verdict, Verified), lines=why(verdict))


def _graded(report: Any) -> Judgement | None:
    """One instance's report of the harness: `{instance: {"resolved": ..., "tests_status": ...}}`."""
    keys = next((value for value in report.values() if isinstance(value, dict)), {}) if isinstance(report, dict) else {}
    if not isinstance(keys.get("resolved"), bool):
        return None
    lines = []
    for kind, lists in an_object(keys.get("tests_status")).items():
        passed, failed = (_count(an_object(lists).get(key)) for key in ("success", "failure"))
        if passed or failed:
            lines.append(f"{kind}: {passed} of {passed + failed} pass")
    return Judgement(name="resolved" if keys["resolved"] else "unresolved", good=keys["resolved"], lines=tuple(lines))


def _count(ids: Any) -> int:
    return len(ids) if isinstance(ids, list) else 0


# --- the store ---------------------------------------------------------------------------------------------------


class StoreSource:
    """The latest attempt of a job, or one attempt by its own name. Steps that were read are not read again."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._name = store, name
        self._steps: list[Step] = []
        self._attempt = ""

    def look(self) -> Run | None:
        # The attempt before its steps: what is over by then has all of them.
        views = self._store.attempts.named(self._name)
        if not views:
            return None
        view = views[-1]
        if view.id != self._attempt:
            self._attempt, self._steps = view.id, []
        self._steps += self._store.attempts.steps(view.id, start=len(self._steps))
        job = self._store.jobs.view(view.job_id)
        statement = self._store.proofs.load(view.job_id)
        trajectory = _trajectory(view, self._steps, str(job.job.start.number))
        if view.result is None and job.job.state in _OVER:
            trajectory = replace(trajectory, ending=Ending.STOPPED, reason=CUT_OFF[job.job.state])
        return Run(
            trajectory=trajectory,
            over=view.result is not None or job.job.state in _OVER,
            judgement=None if statement is None else judgement(statement),
            notes=_others(views, view, job.reason),
        )


def _others(views: Sequence[AttemptView], shown: AttemptView, reason: str) -> tuple[str, ...]:
    others = [f"{view.id} ({view.model})" for view in views if view.id != shown.id]
    notes = [f"The job's other attempts: {', '.join(others)}."] if others else []
    return (*notes, f"The job says: {reason}") if reason else tuple(notes)


def _trajectory(view: AttemptView, steps: Sequence[Step], number: str) -> Trajectory:
    made = view.result
    start = Trajectory(task_id=f"issue-{number}", model=view.model, strategy="", prompt_version="", steps=tuple(steps))
    if made is None:
        return start
    return replace(
        start,
        task_id=made.task_id,
        model=made.model,
        strategy=made.strategy,
        prompt_version=made.prompt_version,
        ending=made.ending,
        reason=made.reason,
        summary=made.summary,
    )


def find(run: str, store: Store | None) -> Source:
    """What a person names: a file, a directory, a job, an attempt. Raises `UsageError` where there is none."""
    path = Path(run)
    if path.is_dir():
        return DirectorySource(path)
    if path.exists():
        return FileSource(path)
    if store is not None and (store.attempts.named(run) or store.jobs.has(JobId(run))):
        return StoreSource(store, run)
    raise UsageError(
        f"{run!r} is no file, no directory and no job or attempt of this store. Give a trajectory's file, the "
        f"directory that `redgreen fix` wrote to, an instance's directory of `redgreen eval`, or a job as its pull "
        f"request names it."
    )
