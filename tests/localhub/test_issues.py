"""Issues, labels, comments, reactions."""

from __future__ import annotations

import github
import httpx
import pytest

from bot.localhub.calls import read_fields
from bot.localhub.routes.issues import NewIssue
from tests.support.hub import World


def test_an_issue_is_opened_edited_closed_and_reopened(shop: World) -> None:
    repo = shop.person("zoe").get_repo(shop.full_name)
    issue = repo.create_issue("It crashes", "when I press it")
    issue.edit(title="It crashes badly", body="always")
    issue.edit(state="closed", state_reason="not_planned")
    assert (issue.state, issue.state_reason) == ("closed", "not_planned")
    issue.edit(state="open")
    assert (repo.get_issue(1).title, repo.get_issue(1).state) == ("It crashes badly", "open")


def test_labels_of_a_stranger_are_dropped_and_of_a_writer_kept(shop: World) -> None:
    stranger = shop.call(shop.tokens["zoe"], "POST", "issues", {"title": "a", "labels": ["redgreen"]}).json()
    writer = shop.call(shop.tokens["mona"], "POST", "issues", {"title": "b", "labels": ["redgreen"]}).json()
    assert (stranger["labels"], [label["name"] for label in writer["labels"]]) == ([], ["redgreen"])


def test_labels_are_added_set_and_removed(shop: World) -> None:
    repo = shop.person("mona").get_repo(shop.full_name)
    issue = repo.create_issue("Bug")
    repo.create_label("bug", "ff0000", "something is wrong")
    issue.add_to_labels("bug", "redgreen")
    issue.set_labels("redgreen", "help")
    issue.remove_from_labels("help")
    assert [label.name for label in issue.get_labels()] == ["redgreen"]
    assert sorted(label.name for label in repo.get_labels()) == ["bug", "help", "redgreen"]
    with pytest.raises(github.GithubException) as missing:
        issue.remove_from_labels("help")
    assert missing.value.status == 404


def test_comments_are_made_edited_listed_and_removed(shop: World) -> None:
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    issue = shop.bot().get_repo(shop.full_name).get_issue(1)
    comment = issue.create_comment("working on it")
    comment.edit("done")
    assert [(one.user.login, one.user.type, one.body) for one in issue.get_comments()] == [
        ("redgreen[bot]", "Bot", "done")
    ]
    comment.delete()
    assert issue.get_comments().totalCount == 0


def test_an_app_cannot_edit_what_others_wrote(shop: World) -> None:
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    comment = shop.hub.comment(shop.full_name, 1, "mine", "zoe")
    token = shop.installation_token()
    assert shop.call(token, "PATCH", f"issues/comments/{comment}", {"body": "x"}).status_code == 403
    assert shop.call(shop.tokens["rudi"], "DELETE", f"issues/comments/{comment}").status_code == 403
    assert shop.call(shop.tokens["mona"], "DELETE", f"issues/comments/{comment}").status_code == 204


def test_the_same_reaction_twice_is_one(shop: World) -> None:
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    comment = shop.hub.comment(shop.full_name, 1, "hello", "zoe")
    token = shop.installation_token()
    for path in ("issues/1/reactions", f"issues/comments/{comment}/reactions"):
        answers = [shop.call(token, "POST", path, {"content": "eyes"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 200]
        assert len(shop.call(token, "GET", path).json()) == 1
    assert shop.call(token, "POST", "issues/1/reactions", {"content": "angry"}).status_code == 422


def test_text_has_a_limit(shop: World) -> None:
    token = shop.tokens["mona"]
    fits = shop.call(token, "POST", "issues", {"title": "x", "body": "y" * 65_536})
    assert fits.status_code == 201
    assert shop.call(token, "POST", "issues", {"title": "x", "body": "y" * 65_537}).status_code == 422
    assert shop.call(token, "POST", "issues/1/comments", {"body": "y" * 65_537}).status_code == 422
    assert shop.call(token, "POST", "issues/1/comments", {"body": ""}).status_code == 422
    assert shop.call(token, "POST", "issues", {"body": "no title"}).status_code == 422


def test_a_body_that_is_no_json_is_refused(shop: World) -> None:
    answer = httpx.post(
        shop.address("issues"), content=b"{", headers={"Authorization": f"token {shop.tokens['mona']}"}, trust_env=False
    )
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


def test_unknown_fields_are_passed_over_as_github_does() -> None:
    wanted = read_fields(NewIssue, b'{"title": "x", "colour": "green"}')
    assert wanted.title == "x"


def test_lists_come_in_pages_with_links(shop: World) -> None:
    for number in range(5):
        shop.hub.open_issue(shop.full_name, "zoe", f"Bug {number}", "text")
    answer = shop.call("", "GET", "issues?per_page=2&page=2")
    assert [one["title"] for one in answer.json()] == ["Bug 2", "Bug 1"]
    assert 'rel="next"' in answer.headers["Link"]
    assert len(list(shop.bot().get_repo(shop.full_name).get_issues())) == 5
    assert shop.call("", "GET", "issues?labels=redgreen").json() == []


def test_an_issue_nobody_opened_is_not_found(shop: World) -> None:
    assert shop.call("", "GET", "issues/77").status_code == 404
    assert shop.call("", "GET", "issues/x").status_code == 404
