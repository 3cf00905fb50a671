"""The checker finds what is wrong, and every route of the hub was held to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.localhub.routes import ROUTES
from tests.support import openapi

CHECKED = openapi.description()
RUN = "/repos/o/r/check-runs"
ANNOTATION = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}


def request(method: str, path: str, body: Any = None, query: dict[str, str] | None = None, **more: Any) -> list[str]:
    raw = b"" if body is None else json.dumps(body).encode()
    return CHECKED.check_request(method, path, query or {}, raw, **more)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/repos/o/r/issues", {"title": "x", "labels": ["a"]}),
        ("POST", "/repos/o/r/issues/1/labels", ["redgreen"]),
        ("GET", "/repos/o/r/contents/src/deep/a.py", None),
        ("GET", "/repos/o/r/git/ref/heads/redgreen/issue-1", None),
        ("GET", "/repos/o/r/compare/main...topic/x", None),
        ("GET", "/repos/o/r/commits/topic/x/check-runs", None),
        ("POST", RUN, {"name": "n", "head_sha": "a" * 40, "output": {"title": "t", "summary": "s"}}),
    ],
)
def test_right_requests_pass(method: str, path: str, body: Any) -> None:
    assert request(method, path, body) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/repos/o/r/isues", None),
        ("PUT", "/repos/o/r/issues", None),
        ("POST", "/repos/o/r/issues", {"title": "x", "colour": "green"}),
        ("POST", "/repos/o/r/issues", {"body": "no title"}),
        ("POST", "/repos/o/r/pulls/1/reviews", {"event": "SHOUT"}),
        ("POST", "/repos/o/r/pulls/1/reviews", {"event": "COMMENT", "comments": [{"body": "no path"}]}),
        ("POST", "/repos/o/r/pulls/1/reviews", {"event": "COMMENT", "comments": [{"path": "a", "body": "b", "at": 1}]}),
        ("PUT", "/repos/o/r/pulls/1/merge", {"merge_method": "octopus"}),
        ("POST", "/repos/o/r/issues/1/reactions", {"content": "angry"}),
        ("POST", RUN, {"name": "n", "head_sha": "a", "conclusion": "good"}),
        ("POST", RUN, {"name": "n", "head_sha": 7}),
        (
            "POST",
            RUN,
            {"name": "n", "head_sha": "a", "output": {"title": "t", "summary": "s", "annotations": [ANNOTATION] * 51}},
        ),
        (
            "POST",
            RUN,
            {
                "name": "n",
                "head_sha": "a",
                "output": {"title": "t", "summary": "s", "annotations": [{**ANNOTATION, "annotation_level": "bad"}]},
            },
        ),
        (
            "POST",
            RUN,
            {"name": "n", "head_sha": "a", "actions": [{"label": "l" * 21, "description": "d", "identifier": "i"}]},
        ),
        ("GET", "/repos/o/r/issues", {"surprise": 1}),
    ],
)
def test_wrong_requests_are_found(method: str, path: str, body: Any) -> None:
    assert request(method, path, body) != []


def test_queries_and_callers_are_checked() -> None:
    assert request("GET", "/repos/o/r/issues", query={"state": "open", "labels": "a"}) == []
    assert request("GET", "/repos/o/r/issues", query={"status": "open"}) != []
    assert request("GET", "/user", installation=True) != []
    assert request("GET", "/user") == []


def test_wrong_answers_are_found() -> None:
    def answer(method: str, path: str, status: int, body: Any) -> list[str]:
        return CHECKED.check_response(method, path, status, "application/json", json.dumps(body).encode())

    label = {
        "id": 1,
        "node_id": "L",
        "url": "http://x/",
        "name": "a",
        "description": None,
        "color": "0",
        "default": False,
    }
    assert answer("GET", "/repos/o/r/labels/a", 200, label) == []
    assert answer("GET", "/repos/o/r/labels/a", 200, {**label, "id": "1"}) != []
    assert answer("GET", "/repos/o/r/labels/a", 200, {**label, "color": None}) != []
    assert answer("GET", "/repos/o/r/labels/a", 202, label) != []
    assert answer("GET", "/repos/o/r/labels/a", 418, {"oops": 1}) != []
    assert answer("GET", "/repos/o/r/labels/a", 403, {"message": "no"}) == []


def test_wrong_webhooks_are_found() -> None:
    assert CHECKED.check_webhook("issues", {"action": "exploded"}) == ["issues-exploded: no such webhook"]
    assert CHECKED.check_webhook("issues", {"action": "opened"}) != []


def test_every_route_of_the_hub_is_githubs() -> None:
    """Each is in the description, or among the exceptions that are listed with their reasons."""
    sample = {"path": "a/b", "ref": "heads/x", "basehead": "a...b", "branch": "x", "sha": "a" * 40}
    for route in ROUTES:
        path = route.template
        for name in ("owner", "repo", "username", "name", *sample):
            path = path.replace(f"{{{name}*}}", sample.get(name, "x")).replace(f"{{{name}}}", sample.get(name, "x"))
        for name in (
            "number",
            "comment_id",
            "review_id",
            "reaction_id",
            "check_run_id",
            "installation_id",
            "delivery_id",
        ):
            path = path.replace(f"{{{name}}}", "1")
        problems = [one for one in request(route.method, path) if "no such path" in one]
        assert problems == [], path
