"""`redgreen trajectory import` and `export`, as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.errors import TrajectoryError
from agents.trajectory import from_json, to_json
from bot.cli import app
from bot.errors import UsageError
from tests.agents.test_interchange import RUN, mini_document, swe_document


def redgreen(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDGREEN_STORE__DIRECTORY", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("document", "name", "format"),
    [(mini_document(), "run.traj.json", "mini-swe-agent"), (swe_document(), "run.traj", "swe-agent")],
)
def test_their_file_goes_in_and_comes_out_as_it_was(
    tmp_path: Path, document: dict[str, object], name: str, format: str
) -> None:
    theirs, ours, again = tmp_path / name, tmp_path / "run.json", tmp_path / "again"
    theirs.write_text(json.dumps(document))
    told = redgreen("trajectory", "import", theirs, "--out", ours)
    assert ["submitted" in told, "/testbed" in told] == [True, True]
    assert from_json(ours.read_text()).task_id == "run"
    redgreen("trajectory", "export", ours, "--format", format, "--out", again)
    assert json.loads(again.read_text()) == document


def test_ours_goes_out_and_comes_in_as_it_was(tmp_path: Path) -> None:
    ours = tmp_path / "ours.json"
    ours.write_text(to_json(RUN))
    for format in ("mini-swe-agent", "swe-agent"):
        theirs, again = tmp_path / format, tmp_path / f"{format}.json"
        told = json.loads(redgreen("trajectory", "export", ours, "--format", format, "--out", theirs, "--json"))
        assert told == {"written": str(theirs), "format": format, "steps": 2}
        told = json.loads(redgreen("trajectory", "import", theirs, "--out", again, "--json"))
        assert (told["format"], told["model"]) == ("redgreen", "under-test")
        assert again.read_text() == ours.read_text()


def test_where_it_worked_can_be_said(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "run.traj", tmp_path / "run.json"
    theirs.write_text(json.dumps(swe_document(replay_config=None)))
    redgreen("trajectory", "import", theirs, "--out", ours, "--root", "/repo", "--format", "swe-agent")
    origin = from_json(ours.read_text()).origin
    assert origin is not None
    assert origin.root == "/repo"


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("{}")
    with pytest.raises(TrajectoryError, match=str(file)):
        redgreen("trajectory", "import", file, "--out", tmp_path / "out")
    with pytest.raises(UsageError, match="cannot be read"):
        redgreen("trajectory", "import", tmp_path / "none", "--out", tmp_path / "out")
    file.write_text(to_json(RUN))
    with pytest.raises(UsageError, match="cannot be written"):
        redgreen("trajectory", "export", file, "--format", "swe-agent", "--out", tmp_path / "no" / "where")
    with pytest.raises(UsageError, match="is a directory; name a file"):
        redgreen("trajectory", "import", file, "--out", tmp_path)
    with pytest.raises(UsageError, match="is a directory; name a file"):
        redgreen("trajectory", "import", file, "--out", ".")
    with pytest.raises(UsageError, match="there is no 'codex'; those there are: mini-swe-agent, swe-agent"):
        redgreen("trajectory", "export", file, "--format", "codex", "--out", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="nothing was recorded"):
        redgreen("trajectory", "export", tmp_path / "empty", "--format", "swe-agent", "--out", tmp_path / "out")
