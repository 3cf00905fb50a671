"""Pull requests: what git says, nothing else."""

from __future__ import annotations

import github
import pytest

from bot.localhub.closing import closes
from bot.localhub.problems import Problem
from tests.support.hub import FILES, World

CART = FILES["shop/cart.py"]


def propose(shop: World, branch: str = "fix", text: bytes = CART + b"more = 1\n", body: str = "Fixes #1") -> int:
    """An issue, and a pull request of the bot's that changes one file. Returns the pull request's number."""
    if not shop.repository.issues:
        shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    shop.hub.push_files(shop.full_name, branch, {"shop/cart.py": text}, "Change the cart", "mona")
    made = shop.bot().get_repo(shop.full_name).create_pull(base="main", head=branch, title="Fix it", body=body)
    return made.number


def test_a_pull_request_tells_what_git_knows(shop: World) -> None:
    pull = shop.bot().get_repo(shop.full_name).get_pull(propose(shop))
    assert (pull.commits, pull.additions, pull.deletions, pull.changed_files) == (1, 1, 0, 1)
    assert (pull.mergeable, pull.mergeable_state, pull.user.login) == (True, "clean", "redgreen[bot]")
    assert next(file.patch for file in pull.get_files()).endswith("+more = 1")
    assert [commit.commit.message for commit in pull.get_commits()] == ["Change the cart"]
    as_issue = shop.bot().get_repo(shop.full_name).get_issue(pull.number)
    assert as_issue.pull_request is not None


def test_the_diff_is_gits(shop: World) -> None:
    number = propose(shop)
    diff = shop.call("", "GET", f"pulls/{number}", headers={"Accept": "application/vnd.github.v3.diff"})
    assert diff.text.startswith("diff --git a/shop/cart.py b/shop/cart.py")
    assert diff.text.rstrip().endswith("+more = 1")


def test_a_pull_request_that_makes_no_sense_is_refused(shop: World) -> None:
    propose(shop)
    token = shop.installation_token()
    for head, base in (("nowhere", "main"), ("fix", "nowhere"), ("fix", "main"), ("main", "main"), ("zoe:fix", "main")):
        answer = shop.call(token, "POST", "pulls", {"title": "x", "head": head, "base": base})
        assert answer.status_code == 422, (head, base)


def test_the_head_follows_its_branch(shop: World) -> None:
    number = propose(shop)
    pushed = shop.hub.push_files(shop.full_name, "fix", {"b.txt": b"b\n"}, "more", "mona")
    pull = shop.bot().get_repo(shop.full_name).get_pull(number)
    assert (pull.head.sha, pull.changed_files) == (pushed, 2)
    sent = [one for one in shop.hub.hub.deliveries.posted() if one.action == "synchronize"]
    assert [one.payload["after"] for one in sent] == [pushed]


def test_pulls_are_found_by_their_head(shop: World) -> None:
    number = propose(shop)
    repo = shop.bot().get_repo(shop.full_name)
    assert [pull.number for pull in repo.get_pulls(head="ada:fix")] == [number]
    assert list(repo.get_pulls(head="ada:other")) == []
    repo.get_pull(number).edit(state="closed")
    assert list(repo.get_pulls(head="ada:fix")) == []
    assert [pull.number for pull in repo.get_pulls(state="all", base="main")] == [number]


def test_a_merge_holds_both_sides_and_closes_the_issue(shop: World) -> None:
    number = propose(shop)
    shop.hub.push_files(shop.full_name, "main", {"later.txt": b"x\n"}, "later", "mona")
    pull = shop.person("mona").get_repo(shop.full_name).get_pull(number)
    merged = pull.merge()
    repo = shop.bot().get_repo(shop.full_name)
    assert repo.get_contents("later.txt").decoded_content == b"x\n"
    assert repo.get_contents("shop/cart.py").decoded_content == CART + b"more = 1\n"
    assert repo.get_pull(number).merge_commit_sha == merged.sha
    assert repo.get_pull(number).is_merged()
    assert (repo.get_issue(1).state, repo.get_issue(1).state_reason) == ("closed", "completed")
    assert len(repo.get_git_commit(merged.sha).parents) == 2


def test_a_squash_is_one_commit_of_the_author(shop: World) -> None:
    number = propose(shop)
    shop.hub.push_files(shop.full_name, "fix", {"b.txt": b"b\n"}, "more", "mona")
    merged = shop.person("mona").get_repo(shop.full_name).get_pull(number).merge(merge_method="squash")
    commit = shop.bot().get_repo(shop.full_name).get_git_commit(merged.sha)
    assert (len(commit.parents), commit.author.name) == (1, "redgreen[bot]")
    assert commit.message.startswith(f"Fix it (#{number})")


def test_what_cannot_be_merged_is_not(shop: World) -> None:
    number = propose(shop, text=CART.replace(b"line_1 = 1", b"line_1 = 100"))
    conflicting = CART.replace(b"line_1 = 1", b"line_1 = 200")
    shop.hub.push_files(shop.full_name, "main", {"shop/cart.py": conflicting}, "clash", "mona")
    token = shop.tokens["mona"]
    assert shop.call(token, "GET", f"pulls/{number}").json()["mergeable_state"] == "dirty"
    assert shop.call(token, "PUT", f"pulls/{number}/merge", {}).status_code == 405
    with pytest.raises(Problem) as refused:
        shop.hub.merge(shop.full_name, number, "mona")
    assert refused.value.status == 405
    shop.hub.push_files(shop.full_name, "fix", {"shop/cart.py": conflicting + b"x = 1\n"}, "resolve", "mona")
    stale = shop.call(token, "PUT", f"pulls/{number}/merge", {"sha": "0" * 40})
    assert stale.status_code == 409
    assert shop.call(token, "PUT", f"pulls/{number}/merge", {"merge_method": "rebase"}).status_code == 405


def test_a_merged_pull_request_cannot_be_merged_or_reopened(shop: World) -> None:
    number = propose(shop)
    shop.hub.merge(shop.full_name, number, "mona")
    token = shop.tokens["mona"]
    assert shop.call(token, "PUT", f"pulls/{number}/merge", {}).status_code == 405
    assert shop.call(token, "PATCH", f"pulls/{number}", {"state": "open"}).status_code == 422


def test_an_app_needs_to_write_contents_to_merge(shop: World) -> None:
    number = propose(shop)
    token = shop.installation_token({"pull_requests": "write"})
    assert shop.call(token, "PUT", f"pulls/{number}/merge", {}).status_code == 403


def test_a_draft_waits_until_it_is_ready(shop: World) -> None:
    shop.hub.push_files(shop.full_name, "fix", {"b.txt": b"b\n"}, "more", "mona")
    pull = shop.hub.open_pull(shop.full_name, "mona", head="fix", title="WIP", body="", draft=True)
    assert shop.call(shop.tokens["mona"], "PUT", f"pulls/{pull.number}/merge", {}).status_code == 405
    shop.hub.mark_ready(shop.full_name, pull.number, "mona")
    assert shop.call(shop.tokens["mona"], "PUT", f"pulls/{pull.number}/merge", {}).status_code == 200
    actions = [one.action for one in shop.hub.hub.deliveries.posted() if one.event == "pull_request"]
    assert actions == ["opened", "ready_for_review", "closed"]


def test_a_deleted_branch_closes_its_pull_request(shop: World) -> None:
    number = propose(shop)
    repo = shop.bot().get_repo(shop.full_name)
    repo.get_git_ref("heads/fix").delete()
    assert (repo.get_pull(number).state, repo.get_pull(number).merged) == ("closed", False)
    assert shop.call(shop.tokens["mona"], "PATCH", f"pulls/{number}", {"state": "open"}).status_code == 422


def test_a_push_that_contains_the_head_merges_the_pull_request(shop: World) -> None:
    number = propose(shop)
    repo = shop.person("mona").get_repo(shop.full_name)
    repo.get_git_ref("heads/main").edit(repo.get_pull(number).head.sha)
    assert repo.get_pull(number).merged


def test_title_body_and_base_are_edited_with_what_they_were(shop: World) -> None:
    number = propose(shop)
    shop.hub.push_files(shop.full_name, "stable", {"c.txt": b"c\n"}, "c", "mona")
    pull = shop.bot().get_repo(shop.full_name).get_pull(number)
    pull.edit(title="Better", body="Closes #1", base="stable")
    assert (pull.title, pull.body, pull.base.ref) == ("Better", "Closes #1", "stable")
    changes = [one.payload["changes"] for one in shop.hub.hub.deliveries.posted() if one.action == "edited"]
    assert changes[0] == {"title": {"from": "Fix it"}, "body": {"from": "Fixes #1"}}
    assert changes[1]["base"]["ref"] == {"from": "main"}


def test_a_label_on_a_pull_request_is_told_as_such(shop: World) -> None:
    number = propose(shop)
    shop.hub.label(shop.full_name, number, "redgreen", "mona")
    last = shop.hub.hub.deliveries.posted()[-1]
    assert (last.event, last.action, last.payload["number"]) == ("pull_request", "labeled", number)


def test_commits_pushed_to_the_default_branch_close_issues(shop: World) -> None:
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    shop.hub.push_files(shop.full_name, "main", {"a.txt": b"a"}, "Resolves #1", "mona")
    assert shop.repository.issues[1].state == "closed"


def test_a_merge_into_another_branch_closes_nothing(shop: World) -> None:
    number = propose(shop)
    shop.hub.push_files(shop.full_name, "stable", {"c.txt": b"c\n"}, "c", "mona")
    shop.bot().get_repo(shop.full_name).get_pull(number).edit(base="stable")
    shop.hub.merge(shop.full_name, number, "mona")
    assert shop.repository.issues[1].state == "open"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fixes #1", (1,)),
        ("fix: #2 and closes #3, resolved #2", (2, 3)),
        ("prefixes #4", ()),
        ("see #5", ()),
        (None, ()),
    ],
)
def test_closing_keywords(text: str | None, expected: tuple[int, ...]) -> None:
    assert closes(text) == expected


def test_a_pull_request_nobody_opened_is_not_found(shop: World) -> None:
    with pytest.raises(github.GithubException) as missing:
        shop.bot().get_repo(shop.full_name).get_pull(5)
    assert missing.value.status == 404
