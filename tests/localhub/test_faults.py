"""Trouble on demand, rate limits, and what is not sent twice."""

from __future__ import annotations

import time

import httpx
import pytest

from bot.localhub.faults import Trouble
from tests.support.hub import World


def test_the_allowance_counts_down_and_ends(shop: World) -> None:
    shop.hub.hub.rate_limit = 3
    first = shop.call("", "GET", "issues")
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("3", "2")
    unchanged = shop.call("", "GET", "issues", headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert shop.call("", "GET", "/rate_limit").json()["rate"]["remaining"] == 2
    shop.call("", "GET", "issues")
    shop.call("", "GET", "issues")
    refused = shop.call("", "GET", "issues")
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (403, "0")
    assert shop.call(shop.tokens["ada"], "GET", "issues").status_code == 200


def test_a_limit_hits_the_requests_it_names_and_as_often(shop: World) -> None:
    shop.hub.fail(Trouble.SECONDARY, count=2, method="POST", path="/issues$", seconds=7)
    token = shop.tokens["mona"]
    assert shop.call(token, "GET", "issues").status_code == 200
    for _ in range(2):
        refused = shop.call(token, "POST", "issues", {"title": "x"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (403, "7")
        assert "secondary rate limit" in refused.json()["message"]
    assert shop.call(token, "POST", "issues", {"title": "x"}).json()["number"] == 1


def test_the_primary_limit_says_when_it_ends(shop: World) -> None:
    shop.hub.fail(Trouble.RATE_LIMIT, status=429, seconds=60)
    refused = shop.call("", "GET", "issues")
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert 50 < int(refused.headers["X-RateLimit-Reset"]) - time.time() < 70


def test_a_server_error_has_no_effect(shop: World) -> None:
    shop.hub.fail(Trouble.ERROR, status=502)
    assert shop.call(shop.tokens["mona"], "POST", "issues", {"title": "x"}).status_code == 502
    assert shop.repository.issues == {}


@pytest.mark.parametrize(("trouble", "issues"), [(Trouble.DROP, 0), (Trouble.DROP_AFTER, 1)])
def test_a_cut_connection_tells_nothing(shop: World, trouble: Trouble, issues: int) -> None:
    shop.hub.fail(trouble)
    with pytest.raises(httpx.TransportError):
        shop.call(shop.tokens["mona"], "POST", "issues", {"title": "x"})
    assert len(shop.repository.issues) == issues


def test_a_late_answer_is_an_answer(shop: World) -> None:
    shop.hub.fail(Trouble.STALL, seconds=0.3)
    started = time.monotonic()
    assert shop.call("", "GET", "issues").status_code == 200
    assert time.monotonic() - started >= 0.3
    shop.hub.fail(Trouble.STALL)
    shop.hub.hub.faults.clear()
    assert shop.hub.hub.faults.take("GET", "/x") is None
