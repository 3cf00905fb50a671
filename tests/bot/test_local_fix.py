"""`redgreen fix` with several entrants or fallbacks: who is taken, and which files are left of whom."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from agents.errors import Fault, ModelRefused, StrategyUnavailable
from agents.protocols import Recorder
from agents.terms import OPEN, Terms
from agents.types import Attempt, Ending, Step, Task
from agents.wall import Wall
from bot import wiring
from bot.choosing import Facts
from bot.contest import LOST, Plan, numbered
from bot.errors import UsageError
from bot.inspection.sources import DirectorySource
from bot.local_choice import Who, fix_choice
from bot.local_fix import Fix, LocalFix
from bot.race import Lanes
from bot.repo_config import RepoConfig
from bot.report import fix_json, fix_rows
from bot.workshop_docker import DockerWorkshop
from config.sections import Models, Race
from config.settings import Settings
from sandbox.errors import ContainerLost
from sandbox.types import CommitSha, Proof
from tests.support import proofs
from tests.support.agent_world import View

TASK = Task(id="t", repository="here", base_commit="1" * 40, title="", body="")


def proposing(recorder: Recorder) -> Attempt:
    recorder.record(Step(index=0, messages=(), cost_usd=0.5))
    return proofs.ATTEMPT


def working_on(recorder: Recorder) -> Attempt:
    recorder.record(Step(index=0, messages=(), cost_usd=0.25))
    deadline = time.monotonic() + 60
    while not recorder.stopped():
        assert time.monotonic() < deadline, "it was never stopped"
        time.sleep(0.005)
    return replace(proofs.ATTEMPT, ending=Ending.STOPPED, diff="half", cost_usd=0.25)


def keyless(recorder: Recorder) -> Attempt:
    raise ModelRefused("no key", fault=Fault.KEY)


@dataclass
class Workshop:
    does: dict[str, Callable[[Recorder], Attempt]]
    verdict: int = 0
    verified: list[str] = field(default_factory=list)

    def tree(self, repository: str, revision: str) -> View:
        return View({})

    def attempt(
        self, task: Task, model: str, recorder: Recorder, config: RepoConfig, terms: Terms, *, label: str = ""
    ) -> Attempt:
        return replace(self.does[model](recorder), model=model)

    def verify(self, repository: str, base: CommitSha, diff: str, config: RepoConfig) -> Proof:
        self.verified.append(diff)
        return proofs.proof(proofs.VERDICTS[self.verdict])


def fixed(workshop: Workshop, out: Path, models: Sequence[str], fallback: Sequence[str] = ()) -> tuple[Fix, list[str]]:
    told: list[str] = []
    fix = LocalFix(
        workshop=cast(DockerWorkshop, workshop),
        task=TASK,
        plan=Plan(entrants=numbered(models), fallback=tuple(fallback)),
        out=out,
        terms=lambda _config, _number=1: OPEN,
        lanes=Lanes(4),
        tell=told.append,
        abandon=lambda: None,
    )
    return fix.run(), told


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


ALL = {"steps.jsonl", "patch.diff", "trajectory.json", "proof.json"}


def test_alone_its_files_stand_in_the_directory(tmp_path: Path) -> None:
    fix, _ = fixed(Workshop({"m": proposing}), tmp_path, ["m"])
    assert fix.chosen.is_verified
    assert files(tmp_path) == ALL


def test_a_race_takes_the_verified_patch_and_keeps_the_losers_steps(tmp_path: Path) -> None:
    workshop = Workshop({"slow": working_on, "quick": proposing})
    fix, _ = fixed(workshop, tmp_path, ["slow", "quick"])
    assert fix.chosen.entrant.model == "quick"
    lost = fix.results[0].attempt
    assert (lost.ending, lost.reason, lost.diff, lost.cost_usd) == (Ending.STOPPED, LOST, "", 0.25)
    assert workshop.verified == [proofs.ATTEMPT.diff]
    assert files(tmp_path) == {
        *ALL,
        *(f"attempts/2/{name}" for name in ALL),
        *(f"attempts/1/{name}" for name in ALL - {"proof.json"}),
    }
    assert (tmp_path / "patch.diff").read_text() == proofs.ATTEMPT.diff
    assert json.loads((tmp_path / "attempts/1/trajectory.json").read_text())["steps"][0]["cost_usd"] == 0.25


def test_a_race_says_who_ended_how_and_what_all_of_it_cost(tmp_path: Path) -> None:
    fix, _ = fixed(Workshop({"slow": working_on, "quick": proposing, "k": keyless}), tmp_path, ["slow", "k", "quick"])
    told: dict[str, Any] = fix_json(fix.results)
    assert told["verdict"] == "Verified"
    assert [(row["model"], row["ending"], row["fault"], row["chosen"]) for row in told["attempts"]] == [
        ("slow", "stopped", None, False),
        ("k", "model_failed", "key", False),
        ("quick", "submitted", None, True),
    ]
    assert told["total_cost_usd"] == pytest.approx(0.25 + 0.0731)
    assert fix_rows(fix.results)[0][:4] == ("taken", "quick (3)", "submitted", "Verified")


def test_one_that_is_set_up_wrongly_is_one_of_several_that_failed(tmp_path: Path) -> None:
    def odd(recorder: Recorder) -> Attempt:
        raise StrategyUnavailable("no such strategy")

    fix, _ = fixed(Workshop({"odd": odd, "m": proposing}), tmp_path, ["odd", "m"])
    assert fix.chosen.entrant.model == "m"
    assert [(row["ending"], row["fault"]) for row in fix_json(fix.results)["attempts"]] == [
        ("model_failed", "request"),
        ("submitted", None),
    ]


def test_where_none_is_verified_the_best_is_shown_with_its_verdict(tmp_path: Path) -> None:
    workshop = Workshop({"a": proposing, "b": proposing}, verdict=proofs.NAMES.index("NotFixed"))
    fix, _ = fixed(workshop, tmp_path, ["a", "b"])
    assert (fix.chosen.entrant.model, fix.chosen.is_verified) == ("a", False)
    assert len(workshop.verified) == 2


def test_a_fallback_is_told_and_its_attempt_kept(tmp_path: Path) -> None:
    fix, told = fixed(Workshop({"k": keyless, "m": proposing}), tmp_path, ["k"], fallback=["m"])
    assert [result.attempt.fault for result in fix.results] == [Fault.KEY, None]
    assert told == ["no key m works on it instead."]
    assert {"attempts/1/trajectory.json", "attempts/2/proof.json", "proof.json"} <= files(tmp_path)


def test_who_is_cut_off_says_so_in_its_own_recording(tmp_path: Path) -> None:
    began = threading.Event()

    def losing(recorder: Recorder) -> Attempt:
        recorder.record(Step(index=0, messages=(), cost_usd=0.25))
        began.set()
        while not recorder.stopped():
            time.sleep(0.005)
        raise ContainerLost("gone")

    def winning(recorder: Recorder) -> Attempt:
        assert began.wait(60)
        return proposing(recorder)

    def broken(recorder: Recorder) -> Attempt:
        raise ContainerLost("The engine went away.")

    def recorded(place: Path) -> tuple[Ending | None, str]:
        run = DirectorySource(place).look()
        assert run is not None
        assert run.over
        return run.trajectory.ending, run.trajectory.reason

    fixed(Workshop({"lost": losing, "quick": winning}), tmp_path / "won", ["lost", "quick"])
    assert recorded(tmp_path / "won" / "attempts" / "1") == (Ending.STOPPED, LOST)
    with pytest.raises(ContainerLost):
        fixed(Workshop({"m": broken}), tmp_path / "broken", ["m"])
    assert recorded(tmp_path / "broken") == (Ending.STOPPED, "It was cut off: The engine went away.")


def test_without_a_fallback_a_missing_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused):
        fixed(Workshop({"k": keyless}), tmp_path, ["k"])


def test_what_an_earlier_run_left_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    fixed(Workshop({"m": proposing}), tmp_path, ["m"])
    nothing = Workshop({"m": lambda _recorder: replace(proofs.ATTEMPT, ending=Ending.STUCK, diff="")})
    fixed(nothing, tmp_path, ["m"])
    assert "proof.json" not in files(tmp_path)


# --- the words of the command line -------------------------------------------------------------------------------


def planned(named: Sequence[str] = (), samples: int = 1, **settings: Any) -> list[str]:
    own, who = Settings(**settings), Who(models=tuple(named), samples=samples)
    lineup, facts = wiring.lineup(own), Facts(repository="acme/web")
    choice = fix_choice(wiring.rules(own), wiring.routes(own, lineup), lineup, who, facts, Wall())
    return [entrant.model for entrant in choice.plan.entrants]


def test_models_and_samples_on_the_command_line_win_over_the_settings() -> None:
    racing = {"race": Race(models=("gpt", "repair"), samples=2)}
    assert planned() == ["repair"]
    assert planned(**racing) == ["gpt", "repair", "gpt"]
    assert planned(["claude-opus"], 2, **racing) == ["claude-opus"] * 2
    assert planned(samples=3, **racing) == ["gpt", "repair", "gpt", "gpt"]


@pytest.mark.parametrize(
    ("models", "samples", "settings", "told"),
    [
        (("nope",), 1, {}, "There is no model named 'nope'"),
        (("gpt", "claude-opus"), 5, {}, "at most 8 can race"),
        ((), 1, {"models": Models(fallback=("nope",))}, "models.fallback"),
        ((), 1, {"race": Race(models=("nope",))}, "race.models"),
    ],
)
def test_wrong_names_and_too_many_are_told(
    models: tuple[str, ...], samples: int, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        planned(models, samples, **settings)
