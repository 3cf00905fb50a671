"""`redgreen env` on directories of people."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bot import env_commands
from bot.errors import UsageError
from config.settings import Settings, load
from tests.support.cases import CASES

GIT = ("git", "-c", "user.name=Test", "-c", "user.email=test@example.com")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("REDGREEN_STORE__DIRECTORY", str(tmp_path / "state"))
    return load(None)


def written(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


def answer(
    settings: Settings, directory: Path, capsys: pytest.CaptureFixture[str], *, code: int = 0, **more: Any
) -> dict[str, Any]:
    options = {"base": "", "build": False, "as_json": True} | more
    assert env_commands.env(settings, directory=directory, **options) == code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_a_plain_directory_is_explained_as_it_is(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = answer(settings, CASES / "java" / "garage", capsys)
    assert (told["language"], told["runner"], told["test_files"]) == ("java", "maven", 1)
    assert "its files as they are" in told["tree"]
    assert "pom.xml: a Maven build." in told["evidence"]
    assert ".github/redgreen.yml sets apt, env, install." in told["evidence"]
    assert "junit5" in told["apt"]
    assert told["dockerfile"].startswith("FROM redgreen-base\n")
    assert told["seen"][0]["manifest"] == "pom.xml"
    assert told["notes"] == []


def test_a_repository_is_explained_as_it_was_at_a_commit(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = written(tmp_path / "r", {"Makefile": "test:\n\ttrue\n", "tests/a.sh": ""})
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        subprocess.run([*GIT, "-C", str(directory), *words], check=True)
    written(directory, {"pom.xml": "<project/>"})
    told = answer(settings, directory, capsys, base="HEAD")
    assert told["tree"].startswith("commit ")
    assert (told["runner"], told["command"], told["test_files"]) == ("command", ["make", "test"], 1)
    assert told["notes"] == ["Exit-code evidence only: it can show a regression, and never proves a fix."]
    assert told["seen"] == []
    shutil.rmtree(directory / ".git")
    assert answer(settings, directory, capsys)["language"] == "java"


def test_what_cannot_be_had_is_noted(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"pom.xml": "<project/>", ".java-version": "21", "Dockerfile": "FROM scratch\n"}
    told = answer(settings, written(tmp_path / "r", files), capsys)
    assert told["toolchains"] == ["java@21"]
    assert told["notes"][0].startswith("java@21 is wanted and the base image may not have it")
    assert told["notes"][1].startswith("Dockerfile: most likely the product's")


def test_a_repository_of_no_known_kind_is_told_so(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = written(tmp_path / "r", {"README": "x", "node_modules/a/test.sh": ""})
    told = answer(settings, directory, capsys, code=2)
    assert (told["language"], told["dockerfile"]) == ("", "")
    assert "Nothing that redgreen knows" in told["notes"][0]


def test_people_see_the_evidence_and_the_dockerfile(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    code = env_commands.env(settings, directory=CASES / "command" / "scales", base="", build=False, as_json=False)
    shown = capsys.readouterr().out
    assert code == 0
    assert "Makefile:5: has a target 'test'." in shown
    assert "FROM redgreen-base" in shown
    assert "never proves a fix" in shown


@pytest.mark.parametrize(
    ("files", "base", "told"),
    [
        (
            {".github/redgreen.yml": "environment: {runner: x}"},
            "",
            "redgreen.yml, line 1: environment.runner: there is",
        ),
        ({"a": ""}, "v1", "no git repository"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    settings: Settings, tmp_path: Path, files: dict[str, str], base: str, told: str
) -> None:
    directory = written(tmp_path / "r", files)
    with pytest.raises(UsageError) as caught:
        env_commands.env(settings, directory=directory, base=base, build=False, as_json=True)
    assert told in str(caught.value) or "not a git repository" in str(caught.value)


def test_a_directory_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a directory"):
        env_commands.env(settings, directory=tmp_path / "gone", base="", build=False, as_json=True)


@pytest.mark.docker
def test_the_image_is_built_when_asked_for(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(settings, CASES / "command" / "scales", capsys, build=True)
    assert told["image"]["id"].startswith("sha256:")
    assert told["image"]["notes"] == []
