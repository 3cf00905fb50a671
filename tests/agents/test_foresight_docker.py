"""run_tests in a real container: the verdict's words before the verdict, and a working tree that stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import tools
from agents.tools import Bench, Observation
from agents.types import ToolCall
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.images import Image
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Limits
from tests.support import player

pytestmark = pytest.mark.docker

PLAN = EnvironmentPlan(language="python", runner="unittest", base="redgreen-base")
FILES = {path: text.encode() for path, text in player.FILES.items()}
GREEN = player.WITNESS.replace("total([5], 50), 2.5", "total([6], 50), 3")
UNLOADABLE = player.WITNESS.replace("import total", "import total, receipt")
WITNESS = "tests.test_discount.Discount.test_cents_are_kept"


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Image:
    nothing = GitTree.of_files(create(tmp_path_factory.mktemp("image") / "empty.git"), {})
    return engine.ensure_image(PLAN, nothing, lambda _: None)


@pytest.fixture
def environment(engine: Engine, image: Image, tmp_path: Path) -> Iterator[AttemptEnvironment]:
    base = GitTree.of_files(create(tmp_path / "base.git"), FILES)
    with engine.container(image, Limits(memory_bytes=512 << 20, disk_bytes=64 << 20)) as container:
        yield AttemptEnvironment(container, PLAN, base)


def seen(environment: AttemptEnvironment, *tests: str) -> str:
    call = ToolCall(id="c", name="run_tests", arguments={"tests": [*tests]} if tests else {})
    result = tools.act(call, Bench(environment=environment, seconds_left=lambda: 120.0))
    assert isinstance(result, Observation)
    return result.text


def fix(environment: AttemptEnvironment, wrong: str = player.WRONG, right: str = player.RIGHT) -> None:
    source = environment.read(player.SOURCE).decode()
    environment.write(player.SOURCE, source.replace(wrong, right).encode())


def test_a_witness_is_seen_red_then_green_and_the_tree_stays_as_it_is(environment: AttemptEnvironment) -> None:
    environment.write("tests/test_discount.py", player.WITNESS.encode())
    first = seen(environment, "tests/test_discount.py")
    assert f"witness: {WITNESS} is red on the unchanged source, by its behaviour." in first
    fix(environment)
    environment.run("echo mine > scratch.pyc; mkdir -p locked/deep && touch locked/deep/x && chmod 500 locked/deep")
    before = environment.diff()
    second = seen(environment)
    assert f"witness: {WITNESS} is red without your change and green with it." in second
    assert "If it holds in clean containers, this is Verified." in second
    assert environment.diff() == before
    assert environment.read("scratch.pyc") == b"mine\n", "ignored files, too"
    assert seen(environment).splitlines()[-1] == second.splitlines()[-1], "and once more, from what is known"


def test_a_new_test_that_proves_nothing_is_told_before_the_verdict_does(environment: AttemptEnvironment) -> None:
    environment.write("tests/test_discount.py", GREEN.encode())
    assert f"WitnessNotRed: {WITNESS} passes on the unchanged source" in seen(environment, "tests/test_discount.py")
    fix(environment)
    later = seen(environment)
    assert f"WitnessNotRed: {WITNESS}" in later
    assert "Verified" not in later


def test_red_for_the_wrong_reason_is_told(environment: AttemptEnvironment) -> None:
    environment.write("tests/test_discount.py", UNLOADABLE.encode())
    environment.write(player.SOURCE, environment.read(player.SOURCE) + b"\n\ndef receipt():\n    return 1\n")
    fix(environment)
    assert f"WitnessInvalid: {WITNESS} is no witness" in seen(environment)


def test_regressions_are_named_against_base_and_edited_tests_are_told_to_be_undone(
    environment: AttemptEnvironment,
) -> None:
    fix(environment, "return len(prices)", "return len(prices) + 1")
    old = environment.read("tests/test_basket.py").decode()
    told = seen(environment)
    assert "Regressed: tests.test_basket.Basket.test_count is green on base and red with your change" in told
    assert "No new test is red without your change" in told
    environment.write("tests/test_basket.py", old.replace("count([1, 2]), 2", "count([1, 2]), 3").encode())
    assert "Edits of tests that exist are undone before judging" in seen(environment)


def test_a_run_that_comes_to_no_end_foretells_nothing(environment: AttemptEnvironment) -> None:
    environment.write("tests/test_discount.py", player.WITNESS.encode())
    source = environment.read(player.SOURCE).decode()
    environment.write(player.SOURCE, f"{source.replace(player.WRONG, player.RIGHT)}\n".encode())
    slow = player.WITNESS.replace("import unittest", "import os, unittest").replace(
        "        self.assertEqual", "        os._exit(3) if total([5], 50) == 2 else None\n        self.assertEqual"
    )
    environment.write("tests/test_discount.py", slow.encode())
    told = seen(environment)
    assert told.startswith("0 red, 3 green.")
    assert "Witness" not in told
    assert "witness" not in told
    assert environment.read("tests/test_discount.py") == slow.encode(), "the tree is put back all the same"


def test_what_the_patch_policy_refuses_is_told_early(environment: AttemptEnvironment) -> None:
    environment.run("ln -s /etc/passwd shop/passwd.py")
    assert "would be refused: " in seen(environment)
