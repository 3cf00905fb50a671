"""`solve`: localise, sample tests that show the problem, sample patches, and let the tests choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.errors import Fault, ModelError, OverLimit, StrategyUnavailable
from agents.limits import Spent
from agents.models.sampler import Form, Prompt, Sampler
from agents.protocols import Environment, Model, Recorder
from agents.repair.issue import read_issue
from agents.repair.names import NameIndex
from agents.repair.witness import place, style_of, write
from agents.single_shot import ballot, places, prompts
from agents.single_shot.ballot import Outcome, Sampled, Witnesses
from agents.single_shot.edits import EditRefused
from agents.single_shot.fitting import Shape
from agents.single_shot.habit import Habit, habit
from agents.single_shot.journal import End, Journal
from agents.single_shot.languages import GO, language_of
from agents.single_shot.localise import Region, rank
from agents.single_shot.prompts import PROMPT_VERSION, Material
from agents.single_shot.sampling import patched, test_file
from agents.single_shot.sources import Sources, read
from agents.single_shot.trial import Trial, run_tests
from agents.tools.tests import told
from agents.tools.tool import bounded
from agents.types import Attempt, AttemptLimits, Ending, Task
from sandbox.errors import PatchDoesNotApply
from sandbox.types import TestId

STRATEGY = "single_shot"
TESTS = 3
"""Sampled tests. Where two of the first two agree, the third is not asked for."""
PATCHES = 8
"""Sampled patches at most."""
BATCH = 2
"""After each batch the best is looked at: one that holds ends the sampling."""
TARGETS = 4
"""Regions that documents and gaps are made of, the likeliest most often."""
MOST_ANSWER = 4_096
CHOSEN = "chosen: "
"""Begins the note of a step whose diff is the patch to be proposed."""


def solve(
    task: Task, environment: Environment, model: Model | None, limits: AttemptLimits, recorder: Recorder
) -> Attempt:
    """`agents.protocols.Strategy`. Goes on from the recorder's steps and pays no answer again.

    Raises `StrategyUnavailable` without a model, and `sandbox.errors.SandboxError` where the sandbox fails.
    """
    if model is None:
        raise StrategyUnavailable("The strategy 'single_shot' needs a model; 'repair' works without one.")
    sampler = Sampler.around(model)
    journal = Journal(recorder, sampler, limits)
    work = _Work(task, environment, sampler, journal)
    fault: Fault | None = None
    try:
        reason, diff = work.run()
        ending = Ending.SUBMITTED
    except End as end:
        ending, reason, diff, fault = end.ending, end.reason, "", end.fault
        environment.reset()
    except ModelError as error:
        ending = Ending.LIMIT if isinstance(error, OverLimit) else Ending.MODEL_FAILED
        reason, diff, fault = str(error), "", error.fault
        if recorder.stopped():  # what ended a wait for the endpoint, which then is no failure of its
            ending, reason, fault = Ending.STOPPED, "The attempt was stopped on request.", None
        environment.reset()
    spent = Spent.of(journal.steps)
    return Attempt(
        task_id=task.id, model=model.name, strategy=STRATEGY, prompt_version=PROMPT_VERSION, ending=ending,
        reason=reason, diff=diff, usage=spent.usage, cost_usd=spent.cost_usd if spent.cost_known else None,
        steps=spent.steps, seconds=spent.seconds, summary=reason if diff else "",
        fault=fault,
    )  # fmt: skip


@dataclass
class _Work:
    task: Task
    environment: Environment
    sampler: Sampler
    journal: Journal
    best: str = ""
    """The diff of the best candidate so far: the checkpoint."""
    problems: list[str] = field(default_factory=list)
    """Why samples were not run."""

    def run(self) -> tuple[str, str]:
        """The chosen patch: a sentence and its diff. Raises `End`, `ModelError`."""
        resumed = self.resumed()
        if resumed is not None:
            return resumed
        self.journal.check()
        sources = read(self.environment.base)
        if not sources.files:
            raise End(ending=Ending.GAVE_UP, reason="No source file of a language that single_shot reads was found.")
        base = run_tests(self.environment, (), self.journal.seconds_left())
        trial = Trial(self.environment, sources, self.journal.seconds_left, base)
        material = self.localised(sources, trial)
        demanded = tuple(test for test in self.task.known_red if test in base.red)
        witnesses = self.witnesses(material, trial) if not demanded else Witnesses()
        if not witnesses.total and not demanded:
            demanded = tuple(sorted(base.red))
        if not witnesses.total and not demanded:
            raise End(ending=Ending.CANNOT_REPRODUCE, reason=_none_red(self.problems))
        outcomes = self.patches(material, trial, witnesses, demanded)
        return self.choose(outcomes, trial, witnesses, demanded)

    def resumed(self) -> tuple[str, str] | None:
        for step in reversed(self.journal.steps):
            if step.note.startswith(CHOSEN) and step.diff:
                try:
                    self.environment.reset(step.diff)
                except PatchDoesNotApply:
                    return None
                return step.note.removeprefix(CHOSEN), step.diff
        return None

    def localised(self, sources: Sources, trial: Trial) -> Material:
        known = list(sources.files)
        issue = f"{self.task.title}\n{self.task.body}"
        red = bool(trial.base.red)
        found = [*places.of_text(self.task.body, known), *places.of_report(trial.base, known)]
        evidence = bounded(told(trial.base), 8_000) if red else ""
        return Material(
            task=self.task,
            sources=sources,
            regions=rank(sources, issue, found),
            evidence=evidence,
            conventions=prompts.told_conventions(self.environment.base, self.sampler.window),
        )

    # --- tests

    def witnesses(self, material: Material, trial: Trial) -> Witnesses:
        given = self.stated(material.sources, trial)
        if given is not None and given.red:
            return ballot.vote([given])
        samples: list[Sampled] = []
        for number in range(TESTS):
            made = self.sampled_test(material, trial, number)
            if made is None:
                break
            samples.append(made)
            voted = ballot.vote(samples)
            if voted.total and max(voted.votes.values()) > 1:
                break
        self.problems += [f"{sample.path}: {sample.why_not}" for sample in samples if sample.why_not]
        voted = ballot.vote(samples)
        if voted.samples and language_of(voted.samples[0].path) is GO:
            # Go's tests of one package share their names: one of them, with the weight that it has.
            first = voted.samples[0]
            return Witnesses(samples=(first,), votes={first.path: voted.votes[first.path]})
        return voted

    def stated(self, sources: Sources, trial: Trial) -> Sampled | None:
        """The test that the issue itself states, where it names a call and what should come of it (Python)."""
        expectations = read_issue(self.task.title, self.task.body)
        python = {path: text for path, text in sources.files.items() if path.endswith(".py")}
        if not expectations or not python:
            return None
        tests = {path: text for path, text in sources.tests.items() if path.endswith(".py")}
        path = place(self.task.id, tests, [*sources.files, *sources.tests], self.task.witness_path)
        written, _ = write(expectations, issue=self.task.id, path=path, style=style_of(tests), index=NameIndex(python))
        if written is None:
            return None
        sampled = trial.sampled(path, written.text())
        names = [name for test in sampled.red if (name := written.owns(test))]
        return trial.sampled(path, written.text(names)) if names else sampled

    def sampled_test(self, material: Material, trial: Trial, number: int) -> Sampled | None:
        wanted = habit(self.task, material.sources, material.regions[0], number)
        if wanted is None:
            return None
        form = self.main_form()
        chosen: Habit = wanted

        def render(shape: Shape) -> Prompt:
            if form is Form.CHAT:
                return prompts.test_chat(material, chosen, shape)
            return prompts.test_document(material, chosen, shape, number=number)

        answered = self.journal.ask(f"test {number + 1}", render, self.answer_tokens())
        try:
            text = test_file(form, answered, chosen)
        except EditRefused as error:
            return Sampled(path=chosen.path, text="", why_not=str(error))
        return trial.sampled(chosen.path, text)

    # --- patches

    def patches(
        self, material: Material, trial: Trial, witnesses: Witnesses, demanded: Sequence[TestId]
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        seen: set[tuple[tuple[str, str], ...]] = set()
        for number in range(PATCHES):
            try:
                files = self.sampled_patch(material, number)
            except EditRefused as error:
                self.problems.append(f"patch {number + 1}: {error}")
                continue
            except (End, ModelError):
                if not any(ballot.holds(one, witnesses, demanded) for one in outcomes):
                    raise
                break
            key = tuple(sorted(files.items()))
            if key not in seen:
                seen.add(key)
                outcomes.append(self.tried(trial, number, files, witnesses, demanded))
            if number % BATCH == BATCH - 1 and any(ballot.holds(one, witnesses, demanded) for one in outcomes):
                break
        return outcomes

    def tried(
        self, trial: Trial, number: int, files: Mapping[str, str], witnesses: Witnesses, demanded: Sequence[TestId]
    ) -> Outcome:
        outcome = trial.candidate(number, files, witnesses, demanded)
        if outcome.problem:
            self.problems.append(f"patch {number + 1}: {outcome.problem}")
        if not self.best and ballot.holds(outcome, witnesses, demanded):
            self.best = self.environment.diff()
        return outcome

    def sampled_patch(self, material: Material, number: int) -> dict[str, str]:
        form = self.form(number)
        target = _target(material.regions, number if form is not Form.CHAT else 0)
        if form is Form.COMPLETION and target.function is None and Form.INFILL in self.sampler.forms:
            form = Form.INFILL

        def render(shape: Shape) -> Prompt:
            match form:
                case Form.CHAT:
                    return prompts.patch_chat(material, shape)
                case Form.COMPLETION:
                    return prompts.patch_document(material, target, shape, number=number)
                case Form.INFILL:
                    return prompts.patch_infill(material, target, shape, number=number)

        answered = self.journal.ask(f"patch {number + 1}", render, self.answer_tokens(), self.best)
        shown = [region.function for region in material.regions[: Shape().places] if region.function]
        return patched(form, answered, material.sources, target, shown)

    def main_form(self) -> Form:
        return self.sampler.forms[0]

    def form(self, number: int) -> Form:
        """The endpoint's forms in turn: a gap is another way to look at the same function."""
        forms = self.sampler.forms
        return forms[number % len(forms)]

    def answer_tokens(self) -> int:
        return max(64, min(MOST_ANSWER, self.sampler.output_limit, self.sampler.window // 4))

    # --- the choice

    def choose(
        self, outcomes: Sequence[Outcome], trial: Trial, witnesses: Witnesses, demanded: Sequence[TestId]
    ) -> tuple[str, str]:
        order = ballot.ranked(outcomes, witnesses, demanded)
        if not order or not ballot.holds(order[0], witnesses, demanded):
            raise End(ending=Ending.GAVE_UP, reason=_none_holds(outcomes, self.problems))
        chosen = order[0]
        met = ballot.witnesses_met(chosen, witnesses)
        trial.put(chosen.files, met[:1])
        diff = self.environment.diff()
        alike = sum(one.green == chosen.green and not one.broken for one in outcomes)
        reason = (
            f"{len(chosen.green)} red test{'s turn' if len(chosen.green) != 1 else ' turns'} green and none that was "
            f"green turns red; {alike} of {len(outcomes)} different patches do so, and this is the smallest of them."
        )
        self.journal.note(CHOSEN + reason, diff=diff)
        return reason, diff


def _target(regions: Sequence[Region], number: int) -> Region:
    """The first region most often: 0 0 1 0 1 2 0 1 ... of the first few."""
    order = (0, 0, 1, 0, 1, 2, 3, 0)
    return regions[min(order[number % len(order)], len(regions) - 1, TARGETS - 1)]


def _none_red(problems: Sequence[str]) -> str:
    said = "; ".join(problems[:4])
    return f"No sampled test is red on base by its behaviour{f' ({bounded(said, 400)})' if said else ''}."


def _none_holds(outcomes: Sequence[Outcome], problems: Sequence[str]) -> str:
    run = [one for one in outcomes if not one.problem]
    some = sum(bool(one.green) for one in run)
    broke = sum(bool(one.broken) for one in run)
    said = f" Not run: {bounded('; '.join(problems[:3]), 300)}." if problems else ""
    return (
        f"None of {len(run)} patches that were run holds: {some} turn a red test green, "
        f"and {broke} of those break others.{said}"
    )


__all__ = ["STRATEGY", "solve"]
