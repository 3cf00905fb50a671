"""Git data, contents, branches and comparisons through PyGithub: real git objects."""

from __future__ import annotations

import github
import pytest
from github import InputGitTreeElement
from github.Repository import Repository

from tests.support.hub import FILES, World


def commit_on(repo: Repository, branch: str, path: str, text: str | None, message: str = "change") -> str:
    """One commit through the git data API on top of the default branch, and a branch on it."""
    tip = repo.get_branch("main").commit.sha
    sha = repo.create_git_blob(text, "utf-8").sha if text is not None else None
    element = InputGitTreeElement(path, "100644", "blob", sha=sha)
    tree = repo.create_git_tree([element], base_tree=repo.get_git_tree(tip))
    made = repo.create_git_commit(message, tree, [repo.get_git_commit(tip)])
    repo.create_git_ref(f"refs/heads/{branch}", made.sha)
    return made.sha


def test_blob_shas_are_gits(shop: World) -> None:
    assert shop.bot().get_repo(shop.full_name).create_git_blob("hello\n", "utf-8").sha.startswith("ce01362")


def test_a_commit_of_the_bot_without_author_is_signed_by_github(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    made = repo.get_git_commit(commit_on(repo, "fix", "shop/cart.py", "x = 1\n"))
    assert made.author.name == "redgreen[bot]"
    assert made.committer.name == "GitHub"
    assert made.raw_data["verification"]["verified"] is True
    assert made.message == "change"


def test_a_commit_with_an_author_or_of_a_person_is_not_signed(shop: World) -> None:
    token, tip = shop.installation_token(), shop.repository.git.branch("main")
    assert tip is not None
    body = {"message": "m", "tree": shop.repository.git.tree_of(tip), "parents": [tip]}
    given = {**body, "author": {"name": "Eve", "email": "eve@example.org", "date": "2026-01-02T03:04:05Z"}}
    authored = shop.call(token, "POST", "git/commits", given).json()
    assert authored["verification"]["verified"] is False
    assert authored["author"]["date"] == "2026-01-02T03:04:05Z"
    assert shop.call(shop.tokens["mona"], "POST", "git/commits", body).json()["verification"]["verified"] is False


def test_a_tree_keeps_its_base_and_removes_what_is_null(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    sha = commit_on(repo, "fix", "README.md", None)
    paths = [entry.path for entry in repo.get_git_tree(sha, recursive=True).tree]
    assert paths == ["shop", "shop/__init__.py", "shop/cart.py"]


def test_removing_what_is_not_there_is_refused(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    with pytest.raises(github.GithubException) as refused:
        commit_on(repo, "fix", "missing.txt", None)
    assert refused.value.status == 422


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "a//b", ".git/config", "a/./b"])
def test_paths_that_leave_the_tree_are_refused(shop: World, path: str) -> None:
    entry = {"path": path, "mode": "100644", "type": "blob", "content": "x"}
    assert shop.call(shop.installation_token(), "POST", "git/trees", {"tree": [entry]}).status_code == 422


def test_refs_are_edited_and_deleted_where_their_url_says(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    first = commit_on(repo, "redgreen/issue-1", "a.txt", "a")
    ref = repo.get_git_ref("heads/redgreen/issue-1")
    assert "/git/refs/heads/redgreen/issue-1" in ref.url
    other = commit_on(repo, "other", "b.txt", "b")
    with pytest.raises(github.GithubException, match="not a fast forward"):
        ref.edit(other)
    ref.edit(other, force=True)
    assert repo.get_branch("redgreen/issue-1").commit.sha == other != first
    ref.delete()
    with pytest.raises(github.GithubException) as gone:
        repo.get_branch("redgreen/issue-1")
    assert gone.value.status == 404


def test_a_ref_that_exists_or_names_nothing_is_refused(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    tip = repo.get_branch("main").commit.sha
    for name, sha in (("refs/heads/main", tip), ("refs/heads/x", "0" * 39 + "1"), ("refs/heads/a..b", tip)):
        with pytest.raises(github.GithubException) as refused:
            repo.create_git_ref(name, sha)
        assert refused.value.status == 422
    assert shop.call(shop.installation_token(), "DELETE", "git/refs/heads/main").status_code == 422


def test_contents_are_read_by_path_and_ref(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    commit_on(repo, "fix", "shop/cart.py", "x = 1\n")
    assert repo.get_contents("shop/cart.py").decoded_content == FILES["shop/cart.py"]
    assert repo.get_contents("shop/cart.py", ref="fix").decoded_content == b"x = 1\n"
    assert [entry.path for entry in repo.get_contents("")] == ["README.md", "shop"]
    assert [entry.path for entry in repo.get_contents("shop")] == ["shop/__init__.py", "shop/cart.py"]
    raw = shop.call("", "GET", "contents/README.md", headers={"Accept": "application/vnd.github.raw"})
    assert raw.content == b"# shop\n"
    for path in ("contents/nothing", "contents/README.md?ref=nowhere"):
        assert shop.call("", "GET", path).status_code == 404


def test_contents_are_written_with_the_sha_of_what_they_replace(shop: World) -> None:
    repo = shop.person("mona").get_repo(shop.full_name)
    made = repo.create_file("docs/new.md", "add", "one\n")
    assert made["commit"].raw_data["verification"]["verified"] is True
    with pytest.raises(github.GithubException) as stale:
        repo.update_file("docs/new.md", "edit", "two\n", sha="0" * 40)
    assert stale.value.status == 409
    repo.update_file("docs/new.md", "edit", "two\n", sha=made["content"].sha)
    repo.delete_file("docs/new.md", "remove", repo.get_contents("docs/new.md").sha)
    assert [commit.commit.message for commit in repo.get_commits()][:3] == ["remove", "edit", "add"]
    answer = shop.call(shop.tokens["mona"], "PUT", "contents/README.md", {"message": "m", "content": "eA=="})
    assert answer.status_code == 422


def test_a_comparison_starts_at_the_merge_base(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    commit_on(repo, "fix", "a.txt", "a\n")
    shop.hub.push_files(shop.full_name, "main", {"later.txt": b"x"}, "later", "mona")
    compared = repo.compare("main", "fix")
    assert (compared.status, compared.ahead_by, compared.behind_by) == ("diverged", 1, 1)
    assert [file.filename for file in compared.files] == ["a.txt"]
    diff = shop.call("", "GET", "compare/main...fix", headers={"Accept": "application/vnd.github.v3.diff"})
    assert diff.text.startswith("diff --git a/a.txt b/a.txt")


def test_a_commit_lists_its_files(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    commit = repo.get_commit(commit_on(repo, "fix", "shop/cart.py", "x = 1\n"))
    assert [(file.filename, file.status, file.additions, file.deletions) for file in commit.files] == [
        ("shop/cart.py", "modified", 1, 30)
    ]
    plain = shop.call("", "GET", "commits/fix", headers={"Accept": "application/vnd.github.sha"})
    assert plain.text == commit.sha


def test_renames_binaries_and_type_changes_are_told_apart(shop: World) -> None:
    git = shop.repository.git
    files: dict[str, bytes | None] = {"README.md": None, "LIESMICH.md": FILES["README.md"], "logo.bin": b"\0\1\2"}
    shop.hub.push_files(shop.full_name, "fix", files, "move", "mona")
    listed = {one["filename"]: one for one in shop.call("", "GET", "compare/main...fix").json()["files"]}
    assert listed["LIESMICH.md"]["status"] == "renamed"
    assert listed["LIESMICH.md"]["previous_filename"] == "README.md"
    assert "patch" not in listed["logo.bin"]
    tip = git.branch("fix")
    entry = {"path": "shop/cart.py", "mode": "120000", "type": "blob", "content": "../LIESMICH.md"}
    tree = shop.call(shop.tokens["mona"], "POST", "git/trees", {"base_tree": tip, "tree": [entry]}).json()["sha"]
    body = {"message": "link", "tree": tree, "parents": [tip]}
    link = shop.call(shop.tokens["mona"], "POST", "git/commits", body).json()["sha"]
    changed = shop.call("", "GET", f"commits/{link}").json()["files"]
    assert [(one["filename"], one["status"]) for one in changed] == [("shop/cart.py", "changed")]
