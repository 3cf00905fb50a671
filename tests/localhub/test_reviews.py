"""Reviews with comments on lines, and where GitHub refuses them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.localhub import anchors
from tests.localhub.test_pulls import CART, propose
from tests.support.hub import World

CHANGED = CART.replace(b"line_10 = 10\n", b"line_10 = 11\nextra = 1\n")
"""Shown lines on the right: 7 to 14. On the left: 7 to 13."""


def review(comments: list[dict[str, Any]], event: str = "COMMENT", body: str = "Looked at it.") -> dict[str, Any]:
    return {"event": event, "body": body, "comments": comments}


def at(line: int, side: str = "RIGHT", **more: Any) -> dict[str, Any]:
    return {"path": "shop/cart.py", "line": line, "side": side, "body": "here", **more}


def test_a_review_stands_on_the_lines_it_names(shop: World) -> None:
    number = propose(shop, text=CHANGED)
    pull = shop.bot().get_repo(shop.full_name).get_pull(number)
    made = pull.create_review(body="Two things", event="COMMENT", comments=[at(11), at(10, "LEFT")])
    comments = list(pull.get_review_comments())
    assert made.state == "COMMENTED"
    assert [(one.line, one.side) for one in comments] == [(11, "RIGHT"), (10, "LEFT")]
    assert comments[0].diff_hunk.endswith("+extra = 1")
    assert comments[1].diff_hunk.endswith("-line_10 = 10")
    assert [one.body for one in pull.get_single_review_comments(made.id)] == ["here", "here"]


@pytest.mark.parametrize(
    "comment",
    [
        at(6),
        at(15),
        at(14, "LEFT"),
        at(999),
        at(11, "MIDDLE"),
        at(11, start_line=12),
        at(11, start_line=2),
        {"path": "shop/cart.py", "position": 99, "body": "x"},
        {"path": "README.md", "line": 1, "body": "x"},
    ],
)
def test_a_comment_outside_the_diff_refuses_the_whole_review(shop: World, comment: dict[str, Any]) -> None:
    number = propose(shop, text=CHANGED)
    answer = shop.call(shop.installation_token(), "POST", f"pulls/{number}/reviews", review([at(11), comment]))
    assert answer.status_code == 422
    assert answer.json()["errors"][0] in {"Line could not be resolved", "Path could not be resolved"}
    assert shop.repository.reviews == {}
    assert shop.repository.review_comments == {}


def test_several_lines_and_old_positions_are_taken(shop: World) -> None:
    number = propose(shop, text=CHANGED)
    comments = [at(12, start_line=10, start_side="RIGHT"), {"path": "shop/cart.py", "position": 5, "body": "x"}]
    answer = shop.call(shop.installation_token(), "POST", f"pulls/{number}/reviews", review(comments))
    assert answer.status_code == 200
    first, second = shop.repository.review_comments.values()
    assert (first.start_line, first.line) == (10, 12)
    assert (second.line, second.side) == (10, "RIGHT")


def test_nobody_approves_or_rejects_their_own(shop: World) -> None:
    number = propose(shop, text=CHANGED)
    token = shop.installation_token()
    for event in ("APPROVE", "REQUEST_CHANGES"):
        answer = shop.call(token, "POST", f"pulls/{number}/reviews", review([], event))
        assert answer.status_code == 422
        assert "your own pull request" in answer.json()["errors"][0]
    approved = shop.call(shop.tokens["mona"], "POST", f"pulls/{number}/reviews", review([], "APPROVE", ""))
    assert approved.json()["state"] == "APPROVED"


def test_a_review_says_something(shop: World) -> None:
    number = propose(shop, text=CHANGED)
    token = shop.tokens["mona"]
    for event in ("COMMENT", "REQUEST_CHANGES"):
        assert shop.call(token, "POST", f"pulls/{number}/reviews", review([], event, "")).status_code == 422
    assert shop.call(token, "POST", f"pulls/{number}/reviews", {"event": "SHOUT"}).status_code == 422


def test_a_pending_review_is_its_authors_until_submitted(shop: World) -> None:
    number = propose(shop, text=CHANGED)
    token, other = shop.tokens["mona"], shop.installation_token()
    made = shop.call(token, "POST", f"pulls/{number}/reviews", {"comments": [at(11)]}).json()
    assert made["state"] == "PENDING"
    assert shop.call(other, "GET", f"pulls/{number}/reviews").json() == []
    path = f"pulls/{number}/reviews/{made['id']}"
    assert shop.call(other, "POST", f"{path}/events", {"event": "COMMENT"}).status_code == 403
    assert shop.call(token, "POST", f"{path}/events", {"event": "COMMENT"}).json()["state"] == "COMMENTED"
    assert shop.call(token, "POST", f"{path}/events", {"event": "COMMENT"}).status_code == 422


def test_a_review_is_edited_and_dismissed(shop: World) -> None:
    number = propose(shop, text=CHANGED)
    made = shop.call(shop.tokens["mona"], "POST", f"pulls/{number}/reviews", review([], "REQUEST_CHANGES", "no"))
    path = f"pulls/{number}/reviews/{made.json()['id']}"
    assert shop.call(shop.tokens["mona"], "PUT", path, {"body": "please"}).json()["body"] == "please"
    assert shop.call(shop.tokens["ada"], "PUT", path, {"body": "x"}).status_code == 403
    dismissed = shop.call(shop.tokens["ada"], "PUT", f"{path}/dismissals", {"message": "done"}).json()
    assert dismissed["state"] == "DISMISSED"


def test_single_comments_and_replies(shop: World) -> None:
    number = propose(shop, text=CHANGED)
    pull = shop.bot().get_repo(shop.full_name).get_pull(number)
    commit = shop.bot().get_repo(shop.full_name).get_commit(pull.head.sha)
    made = pull.create_review_comment("a word", commit, "shop/cart.py", line=11, side="RIGHT")
    reply = pull.create_review_comment_reply(made.id, "thanks")
    assert (reply.in_reply_to_id, reply.line) == (made.id, 11)
    made.edit("two words")
    made.create_reaction("+1")
    assert [one.body for one in pull.get_review_comments()] == ["two words", "thanks"]
    body = {"body": "x", "commit_id": pull.head.sha, "path": "shop/cart.py", "line": 1, "side": "RIGHT"}
    outside = shop.call(shop.tokens["mona"], "POST", f"pulls/{number}/comments", body)
    assert outside.status_code == 422
    assert "must be part of the diff" in outside.json()["errors"][0]["message"]
    reply.delete()
    assert pull.get_review_comments().totalCount == 1


PATCH = "@@ -1,3 +1,3 @@ def f():\n a\n-b\n+B\n c\n@@ -20,2 +20,3 @@\n x\n+y\n z\n\\ No newline at end of file"


@pytest.mark.parametrize(
    ("line", "side", "start", "position"),
    [(1, "RIGHT", None, 1), (2, "LEFT", None, 2), (2, "RIGHT", None, 3), (21, "RIGHT", 20, 7), (3, "RIGHT", 1, 4)],
)
def test_an_anchor_is_found(line: int, side: str, start: int | None, position: int) -> None:
    found = anchors.find(PATCH, line=line, side=side, start_line=start)
    assert found is not None
    assert (found.line, found.position) == (line, position)
    assert found.diff_hunk.startswith("@@ ")


@pytest.mark.parametrize(
    ("line", "side", "start"), [(4, "RIGHT", None), (21, "RIGHT", 2), (2, "RIGHT", 2), (1, "LEFT", 3), (23, "RIGHT", 1)]
)
def test_an_anchor_is_not_found(line: int, side: str, start: int | None) -> None:
    assert anchors.find(PATCH, line=line, side=side, start_line=start) is None


@pytest.mark.parametrize(("position", "expected"), [(1, (1, "RIGHT")), (2, (2, "LEFT")), (5, None), (99, None)])
def test_an_old_position_means_a_line(position: int, expected: tuple[int, str] | None) -> None:
    assert anchors.at_position(PATCH, position) == expected
