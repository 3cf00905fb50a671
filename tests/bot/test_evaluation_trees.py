"""What predictions are graded with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.evaluation_trees import Place, built
from sandbox.errors import ImageBuildFailed
from sandbox.images import Image
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Progress, Tree

PLAN = EnvironmentPlan(language="python", runner="pytest", base="redgreen-base", as_of="2021-12-23")


class Registry:
    """An engine whose builds succeed as of the days that it is made for; "" is today."""

    def __init__(self, *days: str) -> None:
        self._days = days
        self.asked: list[str] = []

    def ensure_image(self, plan: EnvironmentPlan, tree: Tree, progress: Progress, *, scope: str = "") -> Image:
        self.asked.append(plan.as_of)
        if plan.as_of not in self._days:
            raise ImageBuildFailed("There is no such version.", log_tail="")
        return Image(id=f"sha256:{plan.as_of}", tag=scope, cached=False)


@pytest.fixture
def tree(tmp_path: Path) -> GitTree:
    return GitTree.of_files(create(tmp_path / "trees.git"), {"a.py": b""})


def silent(_: str) -> None:
    pass


def test_where_nothing_of_a_guessed_day_can_be_built_today_decides(tree: GitTree) -> None:
    registry = Registry("")
    plan, image = built(Place(engine=registry, base=tree, scope="o/n"), PLAN, silent, day_is_guessed=True)
    assert (plan.as_of, image.id, registry.asked) == ("", "sha256:", ["2021-12-23", ""])


def test_a_day_that_was_asked_for_is_kept(tree: GitTree) -> None:
    with pytest.raises(ImageBuildFailed):
        built(Place(engine=Registry(""), base=tree, scope="o/n"), PLAN, silent, day_is_guessed=False)


def test_a_day_that_builds_is_the_plans(tree: GitTree) -> None:
    registry = Registry("2021-12-23", "")
    plan, _ = built(Place(engine=registry, base=tree, scope="o/n"), PLAN, silent, day_is_guessed=True)
    assert (plan, registry.asked) == (PLAN, ["2021-12-23"])


def test_a_day_to_come_is_today(tree: GitTree) -> None:
    place = Place(engine=Registry(""), base=tree, scope="o/n")
    assert built(place, replace(PLAN, as_of="2999-01-01"), silent, day_is_guessed=True)[0].as_of == ""
