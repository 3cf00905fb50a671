"""Trials of two makings are never counted together: what they were made with is compared before anything is paid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.types import AttemptLimits
from bot.errors import UsageError
from bot.trials.manifest import Manifest, UnreadableManifest, departures, from_json, manifest_of, to_json
from bot.trials.store import TrialStore
from config.models import Lineup, load
from sandbox.swebench.environments import NO_ENVIRONMENTS, Environments, read_environments
from sandbox.swebench.records import Instance
from sandbox.types import Limits

INSTANCE = Instance(
    instance_id="a__b-1",
    repo="a/b",
    base_commit="c" * 40,
    patch="",
    test_patch="a test",
    fail_to_pass=("t",),
    pass_to_pass=(),
    problem_statement="It breaks.",
)
PROMPTS = {"loop": "loop-1", "repair": "repair/1", "single_shot": "s-1"}


def lineup(**changes: object) -> Lineup:
    keys = {"adapter": "openai", "endpoint": "http://127.0.0.1:1/v1", "model_id": "m", "window": 9000} | changes
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in {**keys, "output_limit": 900}.items())
    return load(f"[models.one]\n{lines}\n[models.repair]\nadapter = 'none'\nstrategy = 'repair'\n")


def made(
    *instances: Instance,
    models: Lineup | None = None,
    environments: Environments = NO_ENVIRONMENTS,
    steps: int = 60,
    version: str = "1",
    prompts: str = "loop-1",
    job: str = "eval-1",
) -> Manifest:
    return manifest_of(
        instances or (INSTANCE,),
        environments,
        tuple(models or lineup()),
        prompts=PROMPTS | {"loop": prompts},
        attempt_limits=AttemptLimits(steps=steps),
        container_limits=Limits(),
        version=version,
        job=job,
    )


def test_the_same_is_the_same_also_after_it_was_written() -> None:
    assert departures(from_json(json.dumps(to_json(made()))), made()) == ()


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (made(replace(INSTANCE, problem_statement="Other.")), "a__b-1: its text, commit or environment"),
        (made(replace(INSTANCE, base_commit="d" * 40)), "a__b-1: its text, commit or environment"),
        (
            made(environments=read_environments(b'{"repo": "a/b", "python": "3.9"}')),
            "a__b-1: its text, commit or environment",
        ),
        (made(models=lineup(model_id="n")), 'one\'s model_id: was "m", is "n"'),
        (made(models=lineup(effort="high")), 'one\'s effort: was "", is "high"'),
        (made(prompts="loop-2"), 'one\'s prompts: was "loop-1", is "loop-2"'),
        (made(steps=30), "limit of steps: was 60, is 30"),
        (made(version="2"), 'redgreen: was "1", is "2"'),
    ],
)
def test_what_decides_an_attempt_is_told_when_it_changes(now: Manifest, told: str) -> None:
    assert departures(made(), now) == (told,)


@pytest.mark.parametrize(
    "now",
    [
        made(replace(INSTANCE, test_patch="another", fail_to_pass=("u",), patch="p", log_parser="q")),
        made(models=lineup(notes="Better.", licence="MIT")),
        made(INSTANCE, replace(INSTANCE, instance_id="a__b-2")),
    ],
)
def test_what_no_solver_sees_and_what_is_new_is_no_change(now: Manifest) -> None:
    assert departures(made(), now) == ()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 1}', '{"format": 1, "instances": 3}', '{"format": 9}'])
def test_a_damaged_manifest_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableManifest, match=r"damaged|its format is 9"):
        from_json(text)


def test_a_directory_grows_and_refuses_another_making(tmp_path: Path) -> None:
    store = TrialStore(directory=tmp_path, run_id="r")
    assert store.claim(made()) == "eval-1"
    assert store.claim(made(replace(INSTANCE, instance_id="a__b-2"), job="eval-2")) == "eval-1"
    kept = from_json((tmp_path / "trials.json").read_bytes())
    assert set(kept.instances) == {"a__b-1", "a__b-2"}
    with pytest.raises(UsageError, match=r"not counted together.*model_id: was \"m\", is \"n\""):
        store.claim(made(models=lineup(model_id="n")))
    everything = AttemptLimits(steps=1, input_tokens=1, output_tokens=1, cost_usd=1, seconds=1)
    other = manifest_of(
        (), NO_ENVIRONMENTS, (), prompts=PROMPTS, attempt_limits=everything, container_limits=Limits(cpus=1, pids=1),
        version="3", job="",
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"and 2 more$"):
        store.claim(other)
    (tmp_path / "trials.json").write_text("{")
    with pytest.raises(UsageError, match=r"trials.json cannot be read: it is damaged"):
        store.claim(made())


def test_two_commands_do_not_work_in_one_directory(tmp_path: Path) -> None:
    store = TrialStore(directory=tmp_path, run_id="r")
    with store.alone(), pytest.raises(UsageError, match="another redgreen eval is at work"), store.alone():
        pass
    with store.alone():
        pass
