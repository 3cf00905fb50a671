"""The pages to look at."""

from __future__ import annotations

import httpx

from tests.localhub.test_pulls import propose
from tests.support.hub import World


def get(shop: World, path: str) -> httpx.Response:
    return httpx.get(f"{shop.hub.url}{path}", trust_env=False)


def test_text_of_others_is_shown_as_text(shop: World) -> None:
    evil = "<script>alert(1)</script>"
    shop.hub.open_issue(shop.full_name, "zoe", evil, evil)
    page = get(shop, "/ada/shop/issues/1")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "&lt;script&gt;" in get(shop, "/ada/shop").text


def test_a_pull_request_shows_its_conversation_checks_and_diff(shop: World) -> None:
    number = propose(shop)
    pull = shop.bot().get_repo(shop.full_name).get_pull(number)
    pull.create_issue_comment("all green")
    pull.create_review(body="fine by me", event="COMMENT")
    shop.bot().get_repo(shop.full_name).create_check_run(
        "redgreen",
        pull.head.sha,
        status="completed",
        conclusion="success",
        output={"title": "verified", "summary": "s"},
    )
    page = get(shop, f"/ada/shop/pull/{number}").text
    for text in ("all green", "fine by me", "verified", "+more = 1", "redgreen[bot]"):
        assert text in page
    assert get(shop, f"/ada/shop/pull/{number}.diff").text.startswith("diff --git")
    assert get(shop, f"/ada/shop/pull/{number}.patch").text.startswith("From ")


def test_what_is_private_or_missing_is_not_found(hidden: World) -> None:
    for path in ("/ada/shop", "/ada/shop/issues/1", "/nobody/nothing", "/", "/x/y/z/1"):
        assert get(hidden, path).status_code == 404


def test_an_issue_that_is_not_there_is_not_found(shop: World) -> None:
    assert get(shop, "/ada/shop/issues/9").status_code == 404
