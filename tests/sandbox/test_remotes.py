"""Where a checkout came from: by git itself, whatever its configuration tries, and without contacting anybody."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sandbox.remotes import MOST, Remotes, remotes

SECRET = "https://github.com/acme/secret.git"


def git(directory: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(directory), *words], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own git configuration."""
    path = tmp_path / "gitconfig"
    path.write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    return path


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return made(tmp_path / "clone")


def made(path: Path) -> Path:
    path.mkdir(parents=True)
    git(path, "init", "-q")
    return path


def addresses(directory: Path) -> set[str]:
    found = remotes(directory)
    assert found.unread == ""
    return {remote.address for remote in found.known}


def named(directory: Path) -> set[tuple[str, str]]:
    return {(remote.name, remote.address) for remote in remotes(directory).known}


def test_a_repository_without_remotes_has_none(repo: Path) -> None:
    assert remotes(repo) == Remotes()


def test_every_remote_is_read_with_all_it_fetches_from_and_pushes_to(repo: Path) -> None:
    git(repo, "remote", "add", "origin", "https://github.com/me/fork")
    git(repo, "remote", "add", "up.stream", SECRET)
    git(repo, "remote", "set-url", "--add", "origin", "https://mirror.example/me/fork")
    git(repo, "remote", "set-url", "--push", "origin", "git@github.com:acme/pushed.git")
    assert named(repo) == {
        ("origin", "https://github.com/me/fork"),
        ("origin", "https://mirror.example/me/fork"),
        ("origin", "git@github.com:acme/pushed.git"),
        ("up.stream", SECRET),
    }


def test_an_address_that_only_a_branch_follows_is_read(repo: Path) -> None:
    git(repo, "config", "branch.main.remote", SECRET)
    git(repo, "config", "branch.main.pushRemote", "git@github.com:acme/pushed.git")
    git(repo, "config", "branch.topic.remote", "origin")
    git(repo, "config", "remote.pushDefault", "https://github.com/acme/other")
    assert addresses(repo) == {SECRET, "git@github.com:acme/pushed.git", "https://github.com/acme/other"}


def test_what_the_persons_own_configuration_makes_of_an_address_is_read(repo: Path, own: Path) -> None:
    own.write_text(
        '[url "https://github.com/acme/"]\n\tinsteadOf = work:\n'
        '[url "ssh://git@github.com/acme/"]\n\tpushInsteadOf = mirror:\n'
    )
    git(repo, "remote", "add", "origin", "work:secret")
    git(repo, "remote", "add", "copy", "mirror:vault")
    found = addresses(repo)
    assert {"work:secret", "https://github.com/acme/secret", "ssh://git@github.com/acme/vault"} <= found


def test_the_checkouts_own_configuration_adds_and_hides_nothing(repo: Path) -> None:
    git(repo, "remote", "add", "origin", SECRET)
    git(repo, "config", "url.https://harmless.example/.insteadOf", "https://github.com/acme/")
    git(repo, "config", "--add", "remote.origin.url", "")
    (repo / "more").write_text('[remote "other"]\n\turl = https://github.com/acme/included\n')
    git(repo, "config", "include.path", str(repo / "more"))
    found = {remote.address for remote in remotes(repo).known}
    assert {SECRET, "https://harmless.example/secret.git", "https://github.com/acme/included"} <= found


def test_a_variable_that_points_git_elsewhere_hides_nothing(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "remote", "add", "origin", SECRET)
    monkeypatch.setenv("GIT_DIR", str(made(tmp_path / "other") / ".git"))
    assert addresses(repo) == {SECRET}


@pytest.mark.parametrize("address", ["{}", "file://{}", "../middle"])
def test_a_clone_of_a_clone_on_this_machine_is_followed_to_where_that_came_from(
    address: str, repo: Path, tmp_path: Path
) -> None:
    middle = made(tmp_path / "middle")
    git(middle, "remote", "add", "origin", SECRET)
    git(middle, "remote", "add", "back", str(repo))
    git(repo, "remote", "add", "origin", address.format(middle))
    (repo / "src").mkdir()
    for place in (repo, repo / "src"):
        assert f"origin of {middle}" in {name for name, found in named(place) if found == SECRET} or any(
            found == SECRET and name.startswith("origin of ") for name, found in named(place)
        )
        assert remotes(place).unread == ""


def test_a_remote_on_this_machine_that_is_gone_is_known_by_its_address(repo: Path, tmp_path: Path) -> None:
    git(repo, "remote", "add", "origin", str(tmp_path / "gone" / "acme" / "secret"))
    assert addresses(repo) == {str(tmp_path / "gone" / "acme" / "secret")}


def test_remotes_of_the_old_files_are_read(repo: Path) -> None:
    for folder, text in (("remotes", f"URL: {SECRET}\nPull: main:main\n"), ("branches", f"{SECRET}#main\n")):
        place = repo / ".git" / folder
        place.mkdir(exist_ok=True)
        (place / f"of-{folder}").write_text(text)
    assert {("of-remotes", SECRET), ("of-branches", SECRET)} <= named(repo)


def test_a_worktree_and_a_bare_repository_are_read(repo: Path, tmp_path: Path) -> None:
    git(repo, "remote", "add", "origin", SECRET)
    git(repo, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "x")
    git(repo, "worktree", "add", "-q", str(tmp_path / "tree"))
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(tmp_path / "bare.git"))
    assert addresses(tmp_path / "tree") == {SECRET}
    assert SECRET in addresses(tmp_path / "bare.git")


def test_nothing_of_a_configuration_is_executed(repo: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    git(repo, "remote", "add", "origin", f"ext::sh -c 'touch {mark}'")
    git(repo, "config", "core.fsmonitor", f"touch {mark}")
    git(repo, "config", "core.sshCommand", f"touch {mark}")
    git(repo, "config", "core.pager", f"touch {mark}")
    git(repo, "config", "alias.config", f"!touch {mark}")
    git(repo, "config", "remote.origin.uploadpack", f"touch {mark}")
    assert remotes(repo).known
    assert not mark.exists()


def test_what_cannot_be_read_is_said_and_what_was_read_is_kept(repo: Path, tmp_path: Path, own: Path) -> None:
    git(repo, "remote", "add", "origin", SECRET)
    (tmp_path / "empty").mkdir()
    git(repo, "remote", "add", "local", str(tmp_path / "empty"))
    found = remotes(repo)
    assert str(tmp_path / "empty") in found.unread
    assert SECRET in {remote.address for remote in found.known}
    own.write_text("[broken")
    assert remotes(repo).unread
    assert "not a git repository" in remotes(tmp_path / "empty").unread


def test_a_flood_of_remotes_or_a_huge_file_of_them_is_not_read_to_its_end(repo: Path, tmp_path: Path) -> None:
    config = repo / ".git" / "config"
    config.write_text(config.read_text() + "".join(f'[remote "r{n}"]\n\turl = h:a/{n}\n' for n in range(MOST + 1)))
    assert f"more than {MOST} remotes" in remotes(repo).unread
    other = made(tmp_path / "other")
    (other / ".git" / "remotes").mkdir()
    (other / ".git" / "remotes" / "huge").write_text("x" * (1 << 17))
    assert "larger than 64 KiB" in remotes(other).unread
