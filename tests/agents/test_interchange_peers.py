"""Our files in the hands of mini-swe-agent and SWE-agent themselves, and a run that mini-swe-agent made in ours.

Development only: their distributions are fetched into environments of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import loop
from agents.interchange import FORMATS, exported, read
from agents.models import build
from agents.protocols import Environment
from agents.trajectory import FileRecorder, to_json
from agents.types import AttemptLimits, Ending, Trajectory
from config.models import load
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.images import Image
from sandbox.tree import GitTree, create
from sandbox.types import Limits
from tests.agents.test_interchange import RUN
from tests.agents.test_loop_docker import FILES, PLAN, TASK, WITNESS
from tests.support.peers import CHECKOUT, MiniSweAgent, old_swe_agents_inspector, swe_agents_inspector

pytestmark = pytest.mark.network

SED = r"sed -i 's|(100 - discount) // 100|(100 - discount) / 100|' {root}/shop/basket.py"
TURNS = (
    ("I look first.", ("cd {root} && ls shop", "cat {root}/shop/basket.py")),
    ("A test that shows it.", (f"cat > {{root}}/tests/test_discount.py <<'EOF'\n{WITNESS}EOF",)),
    ("It is red.", ("cd {root} && python3 -B -m unittest 2>&1 | grep -E '^(OK|FAILED)'",)),
    ("The division.", (SED,)),
    ("It is green.", ("cd {root} && python3 -B -m unittest 2>&1 | grep -E '^(OK|FAILED)'",)),
    ("The patch.", ("cd {root} && git add -AN && git diff > patch.txt",)),
    ("Done: whole division lost the cents.", ("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt",)),
)


@pytest.fixture(scope="module")
def mini() -> MiniSweAgent:
    return MiniSweAgent.installed()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The loop's own sample as a repository on this machine: its commands are ours."""
    root = tmp_path / "shop"
    for path, data in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data or b"")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=T", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    return root


def recorded(mini: MiniSweAgent, shop: Path, kind: str, **asked: object) -> Path:
    """A run of its own agent, with its own deterministic model, in its own local environment."""
    out = shop.parent / f"{kind}.traj.json"
    turns = [(said, [command.replace("{root}", str(shop)) for command in commands]) for said, commands in TURNS]
    result = mini.run(kind=kind, cwd=str(shop), task=TASK.title, out=str(out), turns=turns, **asked)
    assert result["exit_status"] == ("LimitsExceeded" if asked else "Submitted")
    return out


each_kind = pytest.mark.parametrize("kind", ["tools", "text", "response"])


@each_kind
def test_its_own_run_is_understood_and_written_again_as_it_was(mini: MiniSweAgent, shop: Path, kind: str) -> None:
    file = recorded(mini, shop, kind)
    run, _ = read(file.read_bytes(), name=file.name)
    assert run.origin is not None
    assert (run.origin.format, run.origin.root) == ("mini-swe-agent-1.1", str(shop))
    assert (run.ending, len(run.steps), run.prompt_version) == (Ending.SUBMITTED, len(TURNS), "2.4.6")
    commands = [call.arguments["command"] for s in run.steps for m in s.messages for call in m.tool_calls]
    assert commands == [command.replace("{root}", str(shop)) for _, commands in TURNS for command in commands]
    assert "FAILED (failures=1)" in str(run.steps[2].messages[-1])
    assert "OK" in str(run.steps[4].messages[-1])
    assert "+        self.assertEqual(total([5], 50), 2.5)" in run.steps[-1].diff
    assert exported(run, FORMATS["mini-swe-agent"]) == json.loads(file.read_bytes())


def test_its_run_that_met_a_limit_is_one(mini: MiniSweAgent, shop: Path) -> None:
    file = recorded(mini, shop, "tools", steps=2)
    run, _ = read(file.read_bytes(), name=file.name)
    assert (run.ending, len(run.steps)) == (Ending.LIMIT, 2)
    assert exported(run, FORMATS["mini-swe-agent"]) == json.loads(file.read_bytes())


def written(run: Trajectory, format: str, path: Path) -> Path:
    path.write_text(json.dumps(exported(run, FORMATS[format])))
    return path


def test_its_inspector_opens_ours(mini: MiniSweAgent, tmp_path: Path) -> None:
    seen = mini.inspect(written(RUN, "mini-swe-agent", tmp_path / "ours.traj.json"))
    opening, first, last = seen["pages"]
    assert "You repair." in opening
    assert "It is broken." in opening
    for expected in ("ASSISTANT", "I look.", "cat a.py", "REASONING", "Hm.", "gone"):
        assert expected in first
    assert "EXIT" in last
    assert "diff --git a/a.py b/a.py" in last
    assert len(seen["messages"]) == 8


def test_its_inspector_opens_what_swe_agent_recorded(mini: MiniSweAgent, shop: Path, tmp_path: Path) -> None:
    file = recorded(mini, shop, "tools")
    run, _ = read(file.read_bytes(), name=file.name)
    theirs = written(run, "swe-agent", tmp_path / "run.traj")
    again, _ = read(theirs.read_bytes())
    back = tmp_path / "back" / file.name
    back.parent.mkdir()
    assert mini.inspect(written(again, "mini-swe-agent", back)) == mini.inspect(file)


def test_the_inspector_of_swe_agents_distribution_opens_ours(tmp_path: Path) -> None:
    content = old_swe_agents_inspector(written(RUN, "swe-agent", tmp_path / "ours.traj"))
    texts = [item["content"] for item in content["history"]]
    assert "API Calls: 2" in texts[0]
    assert "I look." in texts
    assert "diff --git a/a.py b/a.py\n" in texts


def test_the_models_and_the_inspector_of_a_checkout_of_swe_agent_open_ours(tmp_path: Path) -> None:
    checkout = os.environ.get(CHECKOUT)
    if not checkout:
        pytest.skip(f"{CHECKOUT} names no checkout of SWE-agent: what is newer than its distribution is not held to")
    seen = swe_agents_inspector(Path(checkout), written(RUN, "swe-agent", tmp_path / "ours.traj"))
    assert seen["steps"] == 2
    turns = seen["content"]["trajectory"]
    assert "Exit Status: submitted" in turns[0]["observation"]
    assert 'cat a.py\nread path="b.py"' in [turn["action"] for turn in turns]
    assert "diff --git a/a.py b/a.py\n" in [turn["observation"] for turn in turns]


# --- done again --------------------------------------------------------------------------------------------------


@pytest.fixture
def base(tmp_path: Path) -> GitTree:
    return GitTree.of_files(create(tmp_path / "base.git"), FILES)


@pytest.fixture
def environment(engine: Engine, base_image: Image, base: GitTree) -> Iterator[Environment]:
    with engine.container(base_image, Limits(memory_bytes=512 << 20, disk_bytes=64 << 20)) as container:
        yield AttemptEnvironment(container, PLAN, base)


@pytest.mark.docker
@each_kind
def test_its_run_is_done_again_in_our_sandbox(
    mini: MiniSweAgent, shop: Path, kind: str, environment: Environment, base: GitTree, tmp_path: Path
) -> None:
    run, _ = read(recorded(mini, shop, kind).read_bytes())
    file = tmp_path / "recorded.json"
    file.write_text(to_json(run))
    model = build(load(f"[models.recorded]\nadapter = 'replay'\nendpoint = '{file}'").get("recorded"), None)
    recorder = FileRecorder(tmp_path / "steps.jsonl", task_id=TASK.id, model="recorded", strategy="loop")
    attempt = loop.solve(TASK, environment, model, AttemptLimits(), recorder)
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, len(TURNS)), attempt.reason
    assert attempt.summary.startswith("Done: whole division lost the cents.")
    repaired, there = base.apply(attempt.diff), base.apply(run.steps[-1].diff)
    assert repaired.read("tests/test_discount.py") == WITNESS.encode()
    assert repaired.digest == there.digest, "the change is the one that was submitted there, and nothing else"
    results = [str(s.messages[-1].parts) for s in recorder.steps()]
    assert "FAILED (failures=1)" in results[2]
    assert "\\nOK" in results[4]
