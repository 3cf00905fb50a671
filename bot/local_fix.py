"""`redgreen fix`: the plan's entrants on a local repository, at once, and fallbacks in turn; all they made as files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agents.trajectory import FileRecorder, of_attempt, to_json
from agents.types import Attempt, Ending, Step, Task
from bot import contest, race
from bot.contest import Entrant, Plan, Result
from bot.local import out_directory, repository_config, write_proof
from bot.money.local import LocalTerms
from bot.race import Course, Lanes
from bot.repo_config import RepoConfig
from bot.workshop_docker import DockerWorkshop
from sandbox.errors import PatchDoesNotApply, PatchRefused
from sandbox.types import CommitSha, Progress

MADE = ("steps.jsonl", "patch.diff", "trajectory.json", "proof.json")
"""What an entrant leaves; the chosen one's stand in the directory itself too."""


@dataclass(frozen=True, kw_only=True)
class Fix:
    """What `redgreen fix` made."""

    results: tuple[Result, ...]
    """Of everybody that began, in the order of their numbers."""
    directory: Path
    """Where patch, proof and trajectory were written."""

    @property
    def chosen(self) -> Result:
        return contest.best(self.results)


@dataclass(frozen=True, kw_only=True)
class LocalFix:
    """Everything made is written below `out`, also when Ctrl-C ends it early."""

    workshop: DockerWorkshop
    task: Task
    plan: Plan
    out: Path
    terms: LocalTerms
    """On which models may be called, by what the repository says."""
    lanes: Lanes
    tell: Progress
    abandon: Callable[[], object]
    """Ends every container at once, when the work is broken off."""

    def run(self) -> Fix:
        out_directory(self.out)
        config = repository_config(self.workshop, self.task.repository, self.task.base_commit)
        results = self._at_once(self.plan.entrants, config)
        while (following := contest.next_entrant(self.plan, results)) is not None:
            self.tell(f"{results[-1].attempt.reason} {following.model} works on it instead.")
            results += self._at_once((following,), config)
        fix = Fix(results=results, directory=self.out)
        if self._has_places:
            self._copy(fix.chosen)
        return fix

    def _at_once(self, entrants: Sequence[Entrant], config: RepoConfig) -> tuple[Result, ...]:
        def work(entrant: Entrant, course: Course) -> Result | None:
            return None if course.won else self._work(entrant, course, config)

        if len(entrants) == 1:
            found: Sequence[Result | None] = [work(entrants[0], Course())]
        else:
            found = race.run(entrants, work, Course(), self.lanes, stopped=lambda: False, abandon=self.abandon)
        return tuple(result for result in found if result is not None)

    def _work(self, entrant: Entrant, course: Course, config: RepoConfig) -> Result:
        place = self._place(entrant)
        for name in MADE:
            (place / name).unlink(missing_ok=True)
        recorder = FileRecorder(
            place / "steps.jsonl", task_id=self.task.id, model=entrant.model, strategy="", stop=lambda: course.over
        )
        try:
            attempt = self._attempt(entrant, recorder, config)
        except BaseException as error:
            # Its recording says so: whoever looks at it waits for nobody.
            cut = contest.unended(self.task.id, entrant.model, Ending.STOPPED, recorder.steps())
            why = str(error) or "the command was broken off."
            recorder.finish(replace(cut, reason=contest.LOST if course.won else f"It was cut off: {why}"))
            raise
        if course.won and attempt.ending in (Ending.STOPPED, Ending.SUBMITTED):
            attempt = replace(attempt, ending=Ending.STOPPED, reason=contest.LOST, diff="")
        recorder.finish(attempt)
        _write(place, attempt, recorder.steps())
        result = Result(entrant=entrant, attempt=attempt)
        return self._judged(result, place, config) if result.has_patch else result

    def _attempt(self, entrant: Entrant, recorder: FileRecorder, config: RepoConfig) -> Attempt:
        label = f"{entrant.model} ({entrant.number}): " if self.plan.is_race else ""
        try:
            terms = self.terms(config, entrant.number)
            return self.workshop.attempt(self.task, entrant.model, recorder, config, terms, label=label)
        except contest.CANNOT_BEGIN as error:
            if not contest.is_told(self.plan, error.fault):
                raise
            failed = contest.unended(self.task.id, entrant.model, Ending.MODEL_FAILED, recorder.steps())
            return replace(failed, reason=str(error), fault=error.fault)

    def _judged(self, result: Result, place: Path, config: RepoConfig) -> Result:
        """By the same `verify` as anybody's patch. Alone, one that is refused is an error, as `redgreen verify`'s."""
        diff = result.attempt.diff
        try:
            proof = self.workshop.verify(self.task.repository, CommitSha(self.task.base_commit), diff, config)
        except (PatchRefused, PatchDoesNotApply) as refused:
            if not self._has_places:
                raise
            return replace(result, refused=str(refused))
        write_proof(proof, place)
        return replace(result, proof=proof)

    # --- files ---------------------------------------------------------------------------------------------------

    @property
    def _has_places(self) -> bool:
        """Whether there may be several attempts: then each has a directory of its own."""
        return self.plan.is_race or bool(self.plan.fallback)

    def _place(self, entrant: Entrant) -> Path:
        return out_directory(self.out / "attempts" / str(entrant.number)) if self._has_places else self.out

    def _copy(self, chosen: Result) -> None:
        for name in MADE:
            (self.out / name).unlink(missing_ok=True)
            made = self._place(chosen.entrant) / name
            if made.exists():
                shutil.copyfile(made, self.out / name)


def _write(place: Path, attempt: Attempt, steps: Sequence[Step]) -> None:
    (place / "trajectory.json").write_text(to_json(of_attempt(attempt, steps)), encoding="utf-8")
    (place / "patch.diff").write_text(attempt.diff, encoding="utf-8", errors="surrogateescape")
