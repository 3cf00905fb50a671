"""Trees by plumbing: real git, no working tree."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from sandbox import commits
from sandbox import tree as trees
from sandbox.errors import PatchDoesNotApply, SetupError
from sandbox.plumbing import run_git
from sandbox.tree import GitTree


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return trees.create(tmp_path / "trees.git")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A person's repository: two commits, an executable file, a symbolic link, attributes that would hide a file."""
    directory = tmp_path / "person"
    directory.mkdir()

    def git(*args: str) -> None:
        identity = {
            "GIT_AUTHOR_NAME": "P",
            "GIT_AUTHOR_EMAIL": "p@x",
            "GIT_COMMITTER_NAME": "P",
            "GIT_COMMITTER_EMAIL": "p@x",
        }
        subprocess.run(["git", "-C", str(directory), *args], check=True, env=os.environ | identity, capture_output=True)

    git("init", "-q", "-b", "main")
    (directory / "a.py").write_text("one\n")
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    (directory / "link").symlink_to("a.py")
    (directory / ".gitattributes").write_text("a.py export-ignore\n")
    git("add", ".")
    git("commit", "-qm", "first")
    (directory / "a.py").write_text("two\n")
    git("commit", "-qam", "second")
    return directory


def test_a_local_repository_is_read_through_a_scratch_one(repository: Path, tmp_path: Path) -> None:
    scratch = trees.attach(repository, tmp_path / "scratch.git")
    head, first = commits.resolve(repository, "HEAD"), commits.resolve(repository, "HEAD~1")
    tree = GitTree.at(scratch, head)
    assert list(tree.paths()) == [".gitattributes", "a.py", "link", "run.sh"]
    assert tree.read("a.py") == b"two\n"
    assert GitTree.at(scratch, first).read("a.py") == b"one\n"
    assert tree.read("link") is None
    assert tree.read("none") is None
    assert tree.symlinks() == {"link"}
    assert commits.merge_base(scratch, head, first) == first


def test_what_is_made_of_a_local_repository_does_not_reach_it(repository: Path, tmp_path: Path) -> None:
    scratch = trees.attach(repository, tmp_path / "scratch.git")
    made = GitTree.at(scratch, commits.resolve(repository, "main")).with_files({"new.txt": b"x"})
    with pytest.raises(SetupError):
        GitTree.at(repository / ".git", made.digest)


def test_hooks_and_configuration_of_a_local_repository_do_not_run(repository: Path, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    config = repository / ".git" / "config"
    config.write_text(config.read_text() + f'[core]\n\tfsmonitor = "touch {witness}"\n\thooksPath = {tmp_path}\n')
    scratch = trees.attach(repository, tmp_path / "scratch.git")
    GitTree.at(scratch, commits.resolve(repository, "HEAD")).with_files({"x": b"y"})
    assert not witness.exists()


def test_unknown_repositories_and_revisions_are_set_up_errors(repository: Path, tmp_path: Path, store: Path) -> None:
    with pytest.raises(SetupError, match="not a git repository"):
        trees.attach(tmp_path, tmp_path / "scratch.git")
    with pytest.raises(SetupError):
        commits.resolve(repository, "nowhere")
    with pytest.raises(SetupError):
        commits.resolve(repository, "--output=x")
    with pytest.raises(SetupError):
        GitTree.at(store, "f" * 40)
    with pytest.raises(SetupError):
        commits.merge_base(store, "a" * 40, "b" * 40)


def test_a_diff_turns_one_tree_into_the_other(store: Path) -> None:
    one = GitTree.of_files(store, {"a": b"1\n", "d/b": b"x\x0cy\r\nz", "gone": b"g\n", "caf\u00e9": b"\xff\n"})
    other = one.with_files({"a": b"2\n", "d/b": b"x\x0cz\r\nq", "gone": None, "new/c": b"c", "caf\u00e9": b"\xfe\n"})
    diff = one.diff(other)
    assert one.apply(diff) == other
    assert one.apply("") == one
    assert one.apply(diff.rstrip("\n")) == other
    assert one.changed_paths(other) == {"a", "d/b", "gone", "new/c", "caf\u00e9"}
    with pytest.raises(PatchDoesNotApply, match="a: patch does not apply"):
        other.apply(diff)


def test_binary_files_travel_in_a_diff(store: Path) -> None:
    one = GitTree.of_files(store, {"b": bytes(range(256))})
    other = one.with_files({"b": bytes(reversed(range(256)))})
    assert one.apply(one.diff(other)) == other


def test_a_file_may_take_a_directory_s_place(store: Path) -> None:
    one = GitTree.of_files(store, {"d/a": b"1"})
    assert list(one.with_files({"d": b"2", "d/a": None}).paths()) == ["d"]
    assert one.with_files({}) == one


def test_modes_survive(repository: Path, tmp_path: Path) -> None:
    scratch = trees.attach(repository, tmp_path / "scratch.git")
    tree = GitTree.at(scratch, commits.resolve(repository, "HEAD"))
    changed = tree.with_files({"run.sh": b"x", "link": b"now a file"})
    assert changed.entries["run.sh"].mode == trees.EXECUTABLE
    assert changed.entries["link"].mode == trees.REGULAR
    laid = changed.overlay(tree, ["link", "absent", "a.py"])
    assert laid.entries["link"].mode == trees.SYMLINK
    assert laid.read("run.sh") == b"x"


def test_the_tar_is_the_whole_tree_and_always_the_same(repository: Path, tmp_path: Path) -> None:
    scratch = trees.attach(repository, tmp_path / "scratch.git")
    tree = GitTree.at(scratch, commits.resolve(repository, "HEAD")).with_files({"big": b"x" * (3 << 20)})
    data = b"".join(tree.tar())
    assert data == b"".join(tree.tar())
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = {member.name: member for member in archive.getmembers()}
        assert set(members) == {".gitattributes", "a.py", "big", "link", "run.sh"}
        assert members["link"].issym()
        # Backends that make a zip of it (wheels are zips) refuse what is older than 1980.
        assert {member.mtime for member in members.values()} == {1_000_000_000}
        assert members["run.sh"].mode == 0o755
        content = archive.extractfile("a.py")
        assert content is not None
        assert content.read() == b"two\n"


def test_a_submodule_is_an_empty_directory(store: Path) -> None:
    listing = f"160000 commit {'1' * 40}\tsub\n".encode()
    tree = GitTree(store, run_git(store, "mktree", "--missing", stdin=listing).decode().strip())
    assert list(tree.paths()) == []
    with tarfile.open(fileobj=io.BytesIO(b"".join(tree.tar()))) as archive:
        assert archive.getmembers()[0].isdir()


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", ".git/config", "a/.GIT/x", "x\0y", "."])
def test_no_file_is_written_outside_of_the_tree(store: Path, path: str) -> None:
    with pytest.raises(SetupError):
        GitTree.of_files(store, {path: b"x"})


def test_a_tree_with_a_name_that_leaves_it_is_refused(store: Path) -> None:
    blob = run_git(store, "hash-object", "-w", "--stdin", stdin=b"x").decode().strip()
    raw = b"100644 ..\0" + bytes.fromhex(blob)
    digest = run_git(store, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw).decode().strip()
    with pytest.raises(SetupError, match="not allowed"):
        list(GitTree(store, digest).paths())


def test_a_missing_object_is_a_set_up_error(store: Path) -> None:
    listing = f"100644 blob {'1' * 40}\tx\n".encode()
    tree = GitTree(store, run_git(store, "mktree", "--missing", stdin=listing).decode().strip())
    with pytest.raises(SetupError, match="missing"):
        list(tree.tar())
