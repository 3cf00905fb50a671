"""Who may do what: strict where GitHub is strict."""

from __future__ import annotations

import base64

import pytest

from bot.localhub.auth import credential
from bot.localhub.problems import Problem
from tests.support.hub import World


@pytest.mark.parametrize("header", ["Bearer nope", "token ghs_0000", "Basic bm9wZQ", "Basic ***", "Digest x", "Bearer"])
def test_an_unknown_credential_is_no_credential(shop: World, header: str) -> None:
    assert shop.call("", "GET", "issues", headers={"Authorization": header}).status_code == 401


def test_a_public_repository_can_be_read_without_a_token_but_not_written(shop: World) -> None:
    assert shop.call("", "GET", "issues").status_code == 200
    assert shop.call("", "POST", "issues", {"title": "x"}).status_code == 401


@pytest.mark.parametrize("who", ["", "zoe"])
def test_a_private_repository_is_hidden(hidden: World, who: str) -> None:
    token = hidden.tokens.get(who, "")
    assert hidden.call(token, "GET", "issues").status_code == 404
    assert hidden.call(token, "POST", "issues", {"title": "x"}).status_code == 404


def test_who_may_only_read_cannot_label_merge_or_push(shop: World) -> None:
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    for token in (shop.tokens["rudi"], shop.tokens["zoe"]):
        assert shop.call(token, "POST", "issues/1/labels", {"labels": ["redgreen"]}).status_code == 403
        assert shop.call(token, "PUT", "pulls/1/merge", {}).status_code == 403
        blob = shop.call(token, "POST", "git/blobs", {"content": "x"})
        assert blob.status_code == 403
    assert shop.call(shop.tokens["zoe"], "POST", "issues/1/comments", {"body": "me too"}).status_code == 201


def test_an_app_without_the_permission_is_told_so(shop: World) -> None:
    token = shop.installation_token({"issues": "write"})
    answer = shop.call(token, "POST", "git/blobs", {"content": "x"})
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"
    assert shop.call(token, "GET", "/user").status_code == 403


def test_workflow_files_take_their_own_permission(shop: World) -> None:
    token = shop.installation_token()
    entry = {"path": ".github/workflows/ci.yml", "mode": "100644", "type": "blob", "content": "on: push"}
    assert shop.call(token, "POST", "git/trees", {"tree": [entry]}).status_code == 403


@pytest.mark.parametrize(
    ("login", "expected"), [("ada", "admin"), ("mona", "write"), ("rudi", "read"), ("zoe", "read")]
)
def test_the_permission_of_a_person_on_a_public_repository(shop: World, login: str, expected: str) -> None:
    assert shop.bot().get_repo(shop.full_name).get_collaborator_permission(login) == expected


def test_the_permission_of_a_stranger_on_a_private_repository_is_none(hidden: World) -> None:
    assert hidden.bot().get_repo(hidden.full_name).get_collaborator_permission("zoe") == "none"


def test_the_permission_of_a_login_nobody_has_is_not_found(shop: World) -> None:
    token = shop.installation_token()
    assert shop.call(token, "GET", "collaborators/nobody/permission").status_code == 404


def test_basic_auth_takes_the_token_as_password_or_as_user() -> None:
    def encode(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert credential(encode("x-access-token:ghs_1")) == "ghs_1"
    assert credential(encode("ghs_1:x-oauth-basic")) == "ghs_1"
    assert credential("") == ""
    with pytest.raises(Problem):
        credential(encode(":"))
