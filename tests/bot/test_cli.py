"""The command line as a person uses it: real processes, real repositories, real containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


def redgreen(*words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **variables},
        timeout=300,
        check=False,
    )


def git(repository: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(repository), *IDENTITY, *words], check=True, capture_output=True)


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    return {"REDGREEN_STORE__DIRECTORY": str(tmp_path / "state")}


@pytest.fixture(scope="module")
def slotbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's sample as a repository: `main`, and `tidy` with the change that breaks something."""
    repository = tmp_path_factory.mktemp("slotbook")
    root = resources.files("bot.localhub").joinpath("sample")
    with resources.as_file(root) as sample:
        _copy(sample / "repository", repository)
        git(repository, "init", "-q", "-b", "main")
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "Start")
        git(repository, "switch", "-qc", "tidy")
        _copy(sample / "breaking" / "files", repository)
        git(repository, "commit", "-qam", "Tidy up")
        git(repository, "switch", "-q", "main")
    return repository


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            where = target / path.relative_to(source)
            where.parent.mkdir(parents=True, exist_ok=True)
            where.write_bytes(path.read_bytes())


def test_a_directory_that_is_no_repository_is_named_with_exit_code_2(tmp_path: Path, state: dict[str, str]) -> None:
    issue = tmp_path / "issue.md"
    issue.write_text("# Title\n\nBody")
    done = redgreen("fix", "--repo", str(tmp_path), "--issue", str(issue), **state)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fix", "--repo", ".", "--issue", "missing.md"], "there is no file missing.md"),
        (["verify", "--repo", "."], "give --patch FILE"),
        (["verify", "proof.json", "--patch", "x.diff"], "not both"),
        (["models", "--config", "missing.toml"], "missing.toml"),
        (["proof", "job-1"], "there is no proof of a job 'job-1'"),
        (["demo", "--model", "nope"], "--model: There is no model named 'nope'"),
        (["web"], "webhook_secret is not set"),
        (["serve"], "webhook_secret is not set"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    words: list[str], told: str, tmp_path: Path, state: dict[str, str]
) -> None:
    done = redgreen(*words, cwd=tmp_path, **state)
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_results_that_could_not_be_written_are_told_before_anything_is_run(
    slotbook: Path, tmp_path: Path, state: dict[str, str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for words in (["verify", "--patch", str(file)], ["review", "--base", "main"], ["fix", "--issue", str(file)]):
        done = redgreen(*words, "--repo", str(slotbook), "--out", str(file), **state)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
    done = redgreen("verify", "--patch", str(file), "--repo", str(slotbook), "--base", "nope", **state)
    assert (done.returncode, "has no commit 'nope'" in done.stderr) == (2, True)


def test_a_clone_of_a_listed_repository_is_shown_to_no_vendor(
    slotbook: Path, tmp_path: Path, state: dict[str, str]
) -> None:
    """Neither by name nor by the settings, and before an engine or a model is asked."""
    clone, issue = tmp_path / "clone", tmp_path / "issue.md"
    issue.write_text("# Title")
    git(slotbook, "clone", "-q", ".", str(clone))
    git(clone, "remote", "add", "upstream", "git@github.com:Acme/Secret.git")
    state |= {
        "REDGREEN_MODELS__SELF_HOSTED_ONLY": "acme/*",
        "ANTHROPIC_API_KEY": "sk-x",
        "DOCKER_HOST": "tcp://[::1]:1",
    }
    told = "(models.self_hosted_only lists acme/*, and the remote upstream is Acme/Secret)"
    named = ("--model", "claude-opus")
    for words in (["fix", "--issue", str(issue), *named], ["review", "--base", "main", *named]):
        done = redgreen(*words, "--repo", str(clone), **state)
        assert done.returncode == 2
        assert (
            f"claude-opus: only self-hosted models may see this repository, and this one is not {told}" in done.stderr
        )
    done = redgreen("fix", "--issue", str(issue), "--repo", str(clone), **state, REDGREEN_MODELS__DEFAULT="gpt")
    assert (done.returncode, told in done.stderr) == (2, True)


def test_a_rule_chooses_for_a_local_repository_by_its_remotes_name_and_labels(
    slotbook: Path, tmp_path: Path, state: dict[str, str]
) -> None:
    clone, issue, settings = tmp_path / "clone", tmp_path / "issue.md", tmp_path / "redgreen.toml"
    issue.write_text("# Title")
    git(slotbook, "clone", "-q", ".", str(clone))
    git(clone, "remote", "set-url", "origin", "https://github.com/acme/web")
    rule = '[[routing.rules]]\nname = "bugs"\nrepository = "acme/*"\nlabel = "bug"\nmodel = "claude-opus"\n'
    settings.write_text(f'[models]\nself_hosted_only = ["acme/web"]\n{rule}')
    words = ("fix", "--issue", str(issue), "--repo", str(clone), "--config", str(settings), "--label", "Bug")
    walled = redgreen(*words, **state, REDGREEN_MODELS__DEFAULT="gpt")
    assert "neither a rule nor the default names one" in walled.stderr
    # The engine that is not there is asked for only once somebody has been chosen.
    asked = redgreen(*words, **state, DOCKER_HOST="tcp://[::1]:1", REDGREEN_SANDBOX__DOCKER_HOST="tcp://[::1]:1")
    assert asked.returncode == 2
    assert "Docker" in asked.stderr


def test_a_database_address_that_is_none_is_told_without_its_text(state: dict[str, str]) -> None:
    done = redgreen("scoreboard", REDGREEN_STORE__DATABASE_URL="hunter2hunter2", **state)
    assert done.returncode == 2
    assert "sqlite:///PATH" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("bot.processes", {"docker", "dbos", "git", "github", "anthropic", "openai", "libcst", "scipy"}),
        ("bot.demo", {"dbos", "git", "github", "anthropic", "openai", "libcst", "scipy"}),
        ("bot.worker_process", {"anthropic", "openai", "scipy", "fastapi", "uvicorn"}),
    ],
)
def test_a_process_imports_nothing_that_it_does_not_work_with(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert unwanted & set(done.stdout.split()) == set()


def test_a_help_text_waits_for_no_room_and_for_no_settings() -> None:
    """Each command's own imports stand in it: what `--help` imports, every command does."""
    words = [sys.executable, "-X", "importtime", "-m", "bot", "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"bot.cli.local", "typer"} <= imported
    assert {name.partition(".")[0] for name in imported} & {"agents", "config", "sandbox", "pydantic", "yaml"} == set()
    assert {name for name in imported if name.startswith("bot.") and not name.startswith("bot.cli")} == {"bot.errors"}


def test_the_settings_are_listed_with_their_origin_and_secrets_are_masked(state: dict[str, str]) -> None:
    done = redgreen("config", "--json", REDGREEN_GITHUB__WEBHOOK_SECRET="hunter2hunter2", **state)
    rows = {row["key"]: row for row in json.loads(done.stdout)}
    assert rows["github.webhook_secret"]["source"] == "$REDGREEN_GITHUB__WEBHOOK_SECRET"
    assert rows["server.port"]["source"] == "default"
    assert "hunter2" not in done.stdout + done.stderr


def test_the_models_are_listed_and_never_show_a_key(state: dict[str, str]) -> None:
    done = redgreen("models", "--json", ANTHROPIC_API_KEY="sk-secret-value", **state)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["repair"]["default"] is True
    assert rows["repair"]["price_source"] == "free"
    assert any("is set" in row["key"] for row in rows.values())
    assert "sk-secret-value" not in done.stdout


def test_an_empty_scoreboard_is_told_as_such(state: dict[str, str]) -> None:
    assert json.loads(redgreen("scoreboard", "--json", **state).stdout)["models"] == []


@pytest.mark.docker
def test_a_branch_that_breaks_something_is_caught(slotbook: Path, state: dict[str, str], engine: object) -> None:
    words = ("--repo", str(slotbook), "--base", "main", "--head", "tidy")
    done = redgreen("review", *words, "--json", **state)
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert (answer["verdict"], answer["conclusion"]) == ("Regressed", "failure")
    assert any("test_back_to_back_bookings" in red["id"] for red in answer["turned_red"])
    assert len(answer["pass_to_pass"]) > 60


@pytest.mark.docker
def test_an_issue_is_fixed_proven_and_the_proof_runs_again(
    slotbook: Path, tmp_path: Path, state: dict[str, str], engine: object
) -> None:
    issue = tmp_path / "issue.md"
    issue.write_text(resources.files("bot.localhub").joinpath("sample", "issue.md").read_text(encoding="utf-8"))
    out = tmp_path / "out"
    words = ("--repo", str(slotbook), "--base", "main", "--issue", str(issue), "--out", str(out))
    done = redgreen("fix", *words, "--json", **state)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"]) == (0, "Verified"), done.stderr
    assert answer["fail_to_pass"]
    assert answer["cost_usd"] == 0
    assert {path.name for path in out.iterdir()} >= {"patch.diff", "proof.json", "trajectory.json"}

    again = redgreen("verify", str(out / "proof.json"), "--repo", str(slotbook), "--json", **state)
    assert (again.returncode, json.loads(again.stdout)["holds"]) == (0, True)

    forged = json.loads((out / "proof.json").read_text())
    forged["predicate"]["redgreen"]["plan"]["install"] = [["false"]]
    (tmp_path / "forged.json").write_text(json.dumps(forged))
    own = redgreen("verify", str(tmp_path / "forged.json"), "--repo", str(slotbook), "--json", **state)
    told = json.loads(own.stdout)
    assert (own.returncode, told["verdict"]) == (0, "Verified"), "a proof does not bring its own environment"
    assert "the environment's plan is not the same" in told["differences"]

    empty = tmp_path / "empty.diff"
    empty.write_text("")
    judged = redgreen("verify", "--repo", str(slotbook), "--base", "main", "--patch", str(empty), "--json", **state)
    assert (judged.returncode, json.loads(judged.stdout)["verdict"]) == (1, "RegressionFree")
