"""The wall around an evaluation: by what an instance calls its repository, and by the remotes of the one on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.repo_config import RepoConfig
from bot.trials.money import trial_money
from bot.trials.store import Assignment
from config.models import default_lineup
from config.sections import Models, Store
from config.settings import Settings
from sandbox.swebench.records import Instance


def instance() -> Instance:
    return Instance(
        instance_id="a__b-1",
        repo="a/b",
        base_commit="c" * 40,
        patch="",
        test_patch="",
        fail_to_pass=("t",),
        pass_to_pass=(),
        problem_statement="It breaks.",
    )


def walled(tmp_path: Path, one: Instance, *listed: str) -> str:
    settings = Settings(models=Models(self_hosted_only=listed), store=Store(directory=tmp_path / "state"))
    asked = Assignment(instance=one, spec=default_lineup().get("repair"), sample=1)
    with trial_money(settings, tmp_path / "repos", "eval-1", None, ()) as money:
        wall = money.terms(asked, lambda _: None)(RepoConfig()).wall
    assert wall.self_hosted_only is bool(wall.because)
    return wall.because


@pytest.fixture
def clone(tmp_path: Path) -> Instance:
    one = instance()
    where = tmp_path / "repos" / one.repo.replace("/", "__")
    subprocess.run(["git", "init", "-q", str(where)], check=True)
    subprocess.run(["git", "-C", str(where), "remote", "add", "o", "git@github.com:acme/secret"], check=True)
    return one


def test_an_instance_that_renames_a_listed_repository_is_walled_by_its_remote(tmp_path: Path, clone: Instance) -> None:
    assert walled(tmp_path, clone, "acme/*").endswith("the remote o is acme/secret")
    assert walled(tmp_path, clone, clone.repo) == f"models.self_hosted_only lists {clone.repo}"
    assert walled(tmp_path, clone, "others/*") == ""


def test_a_repository_that_is_not_there_is_taken_for_listed(tmp_path: Path) -> None:
    assert "cannot be told" in walled(tmp_path, instance(), "acme/*")
    assert walled(tmp_path, instance()) == ""
