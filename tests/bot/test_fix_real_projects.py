"""`redgreen fix` on released projects: with a model that knows upstream's fix, and with `repair`, which knows nothing.

The suite is red because upstream's tests are there already; only their source fix is missing. Everything is derived
from the two releases when the test runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.engine import Engine
from sandbox.parts import classify
from sandbox.tree import GitTree
from sandbox.types import Part
from tests.sandbox.test_real_projects import EACH, PROJECTS, Project, releases
from tests.support.endpoints import WIRES
from tests.support.model_server import Call, model_server

OPENAI = next(wire for wire in WIRES if wire.adapter == "openai")
pytestmark = [pytest.mark.docker, pytest.mark.network]
ISSUE = "The suite is red\n\nThe newest tests say how it should work, and fail. The tests are right.\n"


def lay(tree: GitTree, directory: Path) -> Path:
    """A person's checkout of the tree, committed."""
    for path in tree.paths():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(tree.read(path) or b"")
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    for words in (("init", "-q"), ("add", "-Af"), (*identity, "commit", "-qm", "Release")):
        subprocess.run(["git", "-C", str(directory), *words], check=True, capture_output=True)
    return directory


def fix(repository: Path, out: Path, **variables: str) -> tuple[int, dict[str, object], str]:
    issue = out.with_suffix(".md")
    issue.write_text(ISSUE)
    done = subprocess.run(
        [sys.executable, "-m", "bot", "fix", "--repo", repository, "--issue", issue, "--out", out, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "REDGREEN_STORE__DIRECTORY": str(out / "state"), **variables},
        timeout=500,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("project", EACH)
def test_a_model_that_knows_upstreams_fix_gets_it_verified(project: Project, engine: Engine, tmp_path: Path) -> None:
    before, after = releases(engine, tmp_path / "trees.git", project)
    changed = before.changed_paths(after)
    tested = before.overlay(after, [path for path in changed if classify(path) is Part.TEST])
    upstream = tested.diff(tested.overlay(after, [path for path in changed if path.startswith(project.source)]))
    repository = lay(tested, tmp_path / "repository")
    apply = f"cat > $TMPDIR/fix.diff <<'END-OF-DIFF'\n{upstream}END-OF-DIFF\ngit apply $TMPDIR/fix.diff"
    script = [
        OPENAI.message(calls=(Call.of("c1", "run_tests"),)),
        OPENAI.message(calls=(Call.of("c2", "shell", command=apply),)),
        OPENAI.message(calls=(Call.of("c3", "run_tests"),)),
        OPENAI.message(calls=(Call.of("c4", "submit", summary="As upstream did."),)),
    ]
    with model_server(*script) as server:
        lineup = tmp_path / "models.toml"
        lineup.write_text(
            f'[models.local]\nadapter = "openai"\nendpoint = "{server.openai_url}"\nmodel_id = "m"\n'
            "window = 200000\noutput_limit = 8000\nself_hosted = true\n"
        )
        code, answer, log = fix(
            repository,
            tmp_path / "out",
            REDGREEN_MODELS__FILE=str(lineup),
            REDGREEN_MODELS__DEFAULT="local",
        )
    assert (code, answer["verdict"]) == (0, "Verified"), log
    assert answer["fail_to_pass"]
    assert answer["steps"] == 4
    assert answer["cost_usd"] is None, "nobody knows what a model of one's own costs"
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"patch.diff", "proof.json", "trajectory.json"}


def test_what_repair_cannot_fix_it_does_not_claim(engine: Engine, tmp_path: Path) -> None:
    """A change of a regular expression and of a function together: out of its reach, and it says so in time."""
    project = next(project for project in PROJECTS if project.name == "parse")
    before, after = releases(engine, tmp_path / "trees.git", project)
    tests = [path for path in before.changed_paths(after) if classify(path) is Part.TEST]
    repository = lay(before.overlay(after, tests), tmp_path / "repository")
    code, answer, log = fix(repository, tmp_path / "out", REDGREEN_LIMITS__SECONDS="20")
    assert (code, answer["verdict"], answer["patch"]) == (1, None, ""), log
    assert answer["ending"] in ("gave_up", "limit")
    assert (tmp_path / "out" / "trajectory.json").is_file()
