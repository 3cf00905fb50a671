"""Delivery -> Event | Ignored, on payloads of GitHub's shape and on what only resembles them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import ROUTES, SUBSCRIBED, parse
from bot.types import (
    Actor,
    CheckRerequested,
    Commented,
    Delivery,
    DeliveryId,
    Ignored,
    IssueLabeled,
    PullRequestChanged,
    PullRequestClosed,
    Repository,
)
from tests.support import github_events as gh


def test_a_label_on_an_issue_carries_the_text_as_it_was() -> None:
    event = parse(gh.delivery("issues", gh.labeled("redgreen")))
    assert isinstance(event, IssueLabeled)
    assert event.repository == Repository(id=7, full_name="octo/shop", default_branch="main", installation_id=99)
    assert event.actor == Actor(login="mona")
    assert (event.label, event.issue.number, event.issue.body) == ("redgreen", 3, "It crashes.")
    assert (event.issue.labels, event.issue.author) == (("redgreen",), "ada")


def test_an_issue_without_text_or_author_has_empty_ones() -> None:
    payload = gh.labeled()
    payload["issue"] |= {"body": None, "user": None}
    event = parse(gh.delivery("issues", payload))
    assert isinstance(event, IssueLabeled)
    assert (event.issue.body, event.issue.author) == ("", "")


def test_a_label_on_a_pull_request_is_ignored() -> None:
    assert isinstance(parse(gh.delivery("issues", gh.labeled(pull=True))), Ignored)


@pytest.mark.parametrize("pull", [True, False])
def test_a_comment_knows_what_it_stands_on(pull: bool) -> None:
    event = parse(gh.delivery("issue_comment", gh.commented("hello", pull=pull)))
    assert isinstance(event, Commented)
    assert (event.on_pull_request, event.comment_id, event.body) == (pull, 555, "hello")


@pytest.mark.parametrize(("login", "kind"), [("renovate[bot]", "User"), ("app", "Bot"), ("acme", "Organization")])
def test_whoever_is_no_user_is_a_bot(login: str, kind: str) -> None:
    event = parse(gh.delivery("issue_comment", gh.commented("x", sender=login, sender_type=kind)))
    assert isinstance(event, Commented)
    assert event.actor.is_bot


@pytest.mark.parametrize("action", ["opened", "reopened", "synchronize", "ready_for_review"])
def test_a_changed_pull_request_says_both_commits(action: str) -> None:
    event = parse(gh.delivery("pull_request", gh.pull_request(action)))
    assert isinstance(event, PullRequestChanged)
    assert (event.action, event.pull.base_sha, event.pull.head_sha) == (action, gh.SHA, gh.HEAD)
    assert event.pull.head_repository == "octo/shop"


def test_a_pull_request_of_a_deleted_fork_has_no_head_repository() -> None:
    event = parse(gh.delivery("pull_request", gh.pull_request(head_repository=None)))
    assert isinstance(event, PullRequestChanged)
    assert event.pull.head_repository == ""


@pytest.mark.parametrize("merged", [True, False])
def test_a_closed_pull_request_says_whether_it_was_merged(merged: bool) -> None:
    event = parse(gh.delivery("pull_request", gh.pull_request("closed", merged=merged)))
    assert isinstance(event, PullRequestClosed)
    assert (event.merged, event.merge_commit_sha) == (merged, gh.SHA if merged else None)


def test_a_test_merge_commit_of_an_unmerged_pull_request_is_no_merge() -> None:
    payload = gh.pull_request("closed")
    payload["pull_request"]["merge_commit_sha"] = gh.SHA
    event = parse(gh.delivery("pull_request", payload))
    assert isinstance(event, PullRequestClosed)
    assert event.merge_commit_sha is None


@pytest.mark.parametrize("external_id", ["check_run:octo/shop:8:" + gh.HEAD, None])
def test_a_rerequested_check_says_whose_it_is(external_id: Any) -> None:
    event = parse(gh.delivery("check_run", gh.check_rerequested(external_id)))
    assert isinstance(event, CheckRerequested)
    assert event.external_id == (external_id or "")


def test_events_and_actions_that_are_not_used_are_ignored() -> None:
    assert parse(gh.delivery("star", {})) == Ignored(reason="Nothing is done on star.")
    assert parse(gh.delivery("issues", gh.common("opened"))) == Ignored(reason="Nothing is done on issues, opened.")
    hostile = parse(gh.delivery("issues", {"action": "<script>\n" * 50}))
    assert hostile == Ignored(reason="Nothing is done on issues, scriptscriptscriptscriptscriptscriptscri.")
    assert parse(gh.delivery("issues", {})) == Ignored(reason="Nothing is done on issues, no action.")


def _broken(path: tuple[str, ...], value: object) -> dict[str, Any]:
    payload: dict[str, Any] = gh.labeled()
    here = payload
    for key in path[:-1]:
        here = here[key]
    if value is None:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return payload


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("installation",), None),
        (("repository", "full_name"), "../etc"),
        (("repository", "full_name"), "a/b/c"),
        (("repository", "id"), "7"),
        (("repository", "id"), 2**60),
        (("issue", "number"), 0),
        (("issue", "number"), True),
        (("issue", "title"), None),
        (("sender", "login"), ""),
        (("label",), "redgreen"),
    ],
)
def test_a_payload_of_another_shape_is_ignored_with_the_field_and_without_the_value(
    path: tuple[str, ...], value: object
) -> None:
    found = parse(gh.delivery("issues", _broken(path, value)))
    assert isinstance(found, Ignored)
    assert path[0] in found.reason
    assert "etc" not in found.reason


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"\xff", b"{", b'{"action": "labeled"}', b'{"action": 1}', b"[" * 100_000,
     b'{"action": "labeled", "issue": {"title": "\\ud800"}}'],
)  # fmt: skip
def test_a_body_that_is_no_payload_is_ignored(body: bytes) -> None:
    assert isinstance(parse(Delivery(id=DeliveryId("x"), event="issues", body=body)), Ignored)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.sampled_from(sorted(ROUTES)), st.dictionaries(st.sampled_from(["issue", "label", "sender", "comment"]), _json)
)
def test_no_json_makes_it_raise(route: tuple[str, str], changes: dict[str, Any]) -> None:
    event, action = route
    base = {**gh.labeled(), **gh.commented("x"), **gh.pull_request(), **gh.check_rerequested("x")}
    body = json.dumps({**base, **changes, "action": action}).encode()
    parse(Delivery(id=DeliveryId("x"), event=event, body=body))


def test_the_subscribed_events_are_those_of_the_routes() -> None:
    assert {"issues", "issue_comment", "pull_request", "check_run"} == SUBSCRIBED
