"""Where trials are: below one directory, beside the grades that `bot.evaluation_store` keeps.

OUT/trials.json                            what they were made with (`bot.trials.manifest`)
OUT/attempts/MODEL/SAMPLE/INSTANCE/        steps.jsonl, each step written when it happens: the checkpoint;
                                           attempt.json, by which it is known to be over; trajectory.json, patch.diff;
                                           proof.json and verdict.json, where redgreen judged the patch
OUT/predictions/MODEL.RUN_ID-SAMPLE.jsonl  the patches as SWE-bench reads them
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.errors import Fault, TrajectoryError
from agents.trajectory import FileRecorder, from_lines, of_attempt, to_json
from agents.types import Attempt, Ending, Usage
from bot.errors import UsageError
from bot.evaluation_store import write, write_json
from bot.local import write_proof
from bot.trials import manifest
from bot.trials.manifest import Manifest, UnreadableManifest
from config.models import ModelSpec
from sandbox.swebench.records import Instance, Prediction
from sandbox.swebench.report import file_name
from sandbox.types import Inconclusive, Proof, verdict_name

_TOLD = 6


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What one trial is to be: one sample of one model on one instance."""

    instance: Instance
    spec: ModelSpec
    sample: int
    """From 1."""

    @property
    def model(self) -> str:
        return self.spec.name

    def prediction(self, diff: str) -> Prediction:
        return Prediction(instance_id=self.instance.instance_id, model=self.model, patch=diff)

    def __str__(self) -> str:
        return f"{self.instance.instance_id}  {self.model} #{self.sample}"


@dataclass(frozen=True, kw_only=True)
class Judged:
    verdict: str
    seconds: float
    final: bool


@dataclass(frozen=True, kw_only=True)
class TrialStore:
    directory: Path
    run_id: str

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process works in the directory meanwhile. Raises `UsageError` where one does."""
        with (self.directory / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"--out: another redgreen eval is at work in {self.directory}") from None
            yield

    # --- what they were made with

    def claim(self, now: Manifest) -> str:
        """Take the directory for trials made with these: the evaluation's name. Raises `UsageError` where it holds
        others."""
        path = self.directory / "trials.json"
        if path.exists():
            try:
                before = manifest.from_json(path.read_bytes())
            except (OSError, UnreadableManifest) as error:
                raise UsageError(f"--out: {path} cannot be read: {error}") from None
            changed = manifest.departures(before, now)
            if changed:
                more = f"; and {len(changed) - _TOLD} more" if len(changed) > _TOLD else ""
                raise UsageError(
                    f"--out: {self.directory} holds trials that were made with something else, and two makings are not "
                    f"counted together. Take another directory. {'; '.join(changed[:_TOLD])}{more}"
                )
            now = before.with_those_of(now)
        write_json(path, manifest.to_json(now))
        return now.job

    # --- attempts

    def place(self, assignment: Assignment) -> Path:
        model = file_name(assignment.model)
        return self.directory / "attempts" / model / str(assignment.sample) / assignment.instance.instance_id

    def recorder(self, assignment: Assignment, task_id: str, prompt_version: str) -> FileRecorder:
        """Goes on where an interrupted attempt stopped. Raises `TrajectoryError`."""
        place = self.place(assignment)
        place.mkdir(parents=True, exist_ok=True)
        return FileRecorder(
            place / "steps.jsonl",
            task_id=task_id,
            model=assignment.model,
            strategy=assignment.spec.strategy,
            prompt_version=prompt_version,
        )

    def attempt(self, assignment: Assignment) -> Attempt | None:
        """One that is over; None where there is none, or where it ended for no fault of the model's."""
        try:
            plain = json.loads((self.place(assignment) / "attempt.json").read_bytes())
            fault = None if plain["fault"] is None else Fault(plain["fault"])
            typed = {"ending": Ending(plain["ending"]), "usage": Usage(**plain["usage"]), "fault": fault}
            found = Attempt(**{**plain, **typed})
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if is_over(found) else None

    def put_attempt(self, assignment: Assignment, attempt: Attempt, recorder: FileRecorder) -> None:
        """Its files; the one that says that it is over comes last."""
        place = self.place(assignment)
        recorder.finish(attempt)
        write(place / "trajectory.json", to_json(of_attempt(attempt, recorder.steps())))
        write(place / "patch.diff", attempt.diff)
        write_json(place / "attempt.json", asdict(attempt))

    def costs(self, assignment: Assignment) -> list[float | None]:
        """Of each step that is stored, whether or not the attempt is over."""
        path = self.place(assignment) / "steps.jsonl"
        try:
            text = path.read_text("ascii") if path.exists() else ""
            steps = from_lines(text).steps if "\n" in text else ()
        except (ValueError, TrajectoryError) as error:
            raise UsageError(f"--out: {path} cannot be read: {error}") from None
        return [step.cost_usd for step in steps]

    # --- verdicts

    def judged(self, assignment: Assignment) -> Judged | None:
        try:
            found = Judged(**json.loads((self.place(assignment) / "verdict.json").read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return found if found.final else None

    def put_proof(self, assignment: Assignment, proof: Proof) -> Judged:
        place = self.place(assignment)
        write_proof(proof, place)
        judged = Judged(
            verdict=verdict_name(proof.verdict),
            seconds=proof.seconds,
            final=not isinstance(proof.verdict, Inconclusive),
        )
        write_json(place / "verdict.json", asdict(judged))
        return judged

    # --- predictions

    def run_of(self, sample: int) -> str:
        """To the harness a sample is a run: its name is part of the names of that sample's reports."""
        return f"{self.run_id}-{sample}"

    def predictions_file(self, model: str, sample: int) -> str:
        """Relative to the directory."""
        return f"predictions/{file_name(model)}.{self.run_of(sample)}.jsonl"

    def report_file(self, model: str, sample: int) -> str:
        """Relative to the directory; the harness's report of one run."""
        return f"{file_name(model)}.{self.run_of(sample)}.json"

    def write_predictions(self, assignments: Iterable[Assignment]) -> None:
        """The whole patch of each attempt that is over, its own new tests with it, a file a model and sample."""
        files: dict[str, list[dict[str, Any]]] = {}
        for one in assignments:
            lines = files.setdefault(self.predictions_file(one.model, one.sample), [])
            attempt = self.attempt(one)
            if attempt is not None:
                told = {"instance_id": one.instance.instance_id, "model_name_or_path": one.model}
                lines.append({**told, "model_patch": attempt.diff})
        for name, lines in files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, "".join(json.dumps(line) + "\n" for line in lines))


def is_over(attempt: Attempt) -> bool:
    """Asking again could only be another sample. One that was stopped, or whose endpoint failed, goes on from where it
    stood; a model that declined has answered."""
    declined = attempt.fault is Fault.DECLINED
    return attempt.ending is not Ending.STOPPED and (attempt.ending is not Ending.MODEL_FAILED or declined)
