"""Directories that a build fills: moved out of the tree once, and stood into every tree as links. The scripts are the
real ones, with other places."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import linked_scripts
from sandbox.layout import TREE


class Place:
    """A tree of a commit and the image's kept directory, both below one scratch directory."""

    def __init__(self, scratch: Path) -> None:
        self.tree = scratch / "repo"
        self.kept = scratch / "linked"
        self.tree.mkdir()

    def write(self, *paths: str) -> None:
        for path in paths:
            (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / path).write_text(path)

    def commit(self) -> None:
        git = ["git", "-C", str(self.tree), "-c", "user.name=x", "-c", "user.email=x@localhost"]
        for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-q", "--allow-empty", "-m", "base"]):
            subprocess.run([*git, *words], check=True)

    def keep(self) -> None:
        program = self._here(linked_scripts.keep(f"git --git-dir={self.tree}/.git --work-tree={self.tree}"))
        subprocess.run([sys.executable, "-c", program, "node_modules"], check=True)

    def lay(self) -> str:
        """What git is told to pass over."""
        script = self._here(f"set -eu\n{linked_scripts.LAY}\n{linked_scripts.EXCLUDE}")
        return subprocess.run(["/bin/sh", "-c", script], check=True, capture_output=True, text=True).stdout

    def _here(self, script: str) -> str:
        return script.replace(linked_scripts.LINKED, str(self.kept)).replace(TREE, str(self.tree))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_installed_packages_leave_the_tree_and_come_back_as_links(place: Place) -> None:
    place.write("a.js")
    place.commit()
    place.write("node_modules/x/index.js", "node_modules/@s/y/index.js", "node_modules/.bin/x", "node_modules/.cache/z")
    place.keep()
    assert not (place.tree / "node_modules").exists()
    assert place.lay() == "/node_modules\n"
    modules = place.tree / "node_modules"
    assert sorted(os.listdir(modules)) == [".bin", "@s", "x"]
    assert (modules / "x").is_symlink()
    assert (modules / "@s/y/index.js").read_text() == "node_modules/@s/y/index.js"
    (modules / ".cache").mkdir()


def test_a_link_to_a_package_of_the_workspace_leads_into_the_tree_of_the_run(place: Place) -> None:
    place.write("packages/a/index.js", "packages/b/index.js")
    place.commit()
    place.write("node_modules/x/index.js", "packages/a/node_modules/z/index.js")
    (place.tree / "node_modules/a").symlink_to("../packages/a")
    (place.tree / "node_modules/w").symlink_to("x")
    (place.tree / "packages/a/node_modules/x").symlink_to("../../../node_modules/x")
    place.keep()
    (place.tree / "packages/a/index.js").write_text("patched")
    assert place.lay().split() == ["/node_modules", "/packages/a/node_modules"]
    assert (place.tree / "node_modules/a/index.js").read_text() == "patched"
    assert os.path.realpath(place.tree / "node_modules/a") == str(place.tree / "packages/a")
    for path in ("node_modules/w", "packages/a/node_modules/x"):
        assert os.path.realpath(place.tree / path) == str(place.kept / "node_modules/x")


def test_a_directory_that_holds_files_of_the_commit_stays(place: Place) -> None:
    place.write("test/node_modules/x/index.js")
    place.commit()
    place.write("test/node_modules/y/index.js", "node_modules/z/index.js")
    place.keep()
    assert (place.tree / "test/node_modules/y/index.js").exists()
    assert place.lay() == "/node_modules\n"


def test_what_the_tree_has_itself_is_not_replaced_and_a_lost_directory_is_passed_over(place: Place) -> None:
    place.commit()
    place.write("node_modules/x/index.js", "packages/a b/node_modules/y/index.js")
    place.keep()
    shutil.rmtree(place.tree / "packages")
    place.write("node_modules/x/own.js")
    assert place.lay().splitlines() == ["/node_modules", r"/packages/a\ b/node_modules"]
    assert os.listdir(place.tree / "node_modules/x") == ["own.js"]
    assert not (place.tree / "packages").exists()


def test_without_anything_kept_nothing_is_laid(place: Place) -> None:
    place.commit()
    assert place.lay() == ""
    assert os.listdir(place.tree) == [".git"]
