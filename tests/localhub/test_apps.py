"""App authentication: what a JWT and an installation token open, and what they do not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.hub import Clock, World


def test_the_app_knows_itself_and_its_installations(shop: World) -> None:
    integration = shop.integration()
    assert integration.get_app().slug == "redgreen"
    assert [one.id for one in integration.get_installations()] == [shop.installation_id]
    assert integration.get_repo_installation("ada", "shop").id == shop.installation_id


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": None}, "'exp'"),
        ({"iat": None}, "'iat'"),
        ({"iss": "999999"}, "Integration not found"),
    ],
)
def test_a_jwt_with_a_missing_or_wrong_claim_is_refused(shop: World, claims: dict[str, object], says: str) -> None:
    answer = shop.call(shop.app_jwt(**claims), "GET", "/app")
    assert answer.status_code == 401
    assert says in answer.json()["message"]


@pytest.mark.parametrize(("issued", "ends"), [(-700, -100), (-30, 700), (120, 300)])
def test_a_jwt_that_is_expired_too_long_or_from_the_future_is_refused(shop: World, issued: int, ends: int) -> None:
    now = int(shop.hub.hub.clock().timestamp())
    assert shop.call(shop.app_jwt(iat=now + issued, exp=now + ends), "GET", "/app").status_code == 401


def test_a_jwt_of_another_key_is_refused(shop: World) -> None:
    other = shop.hub.add_app("other", "ada", permissions={}, events=(), webhook_secret="x")
    with_wrong_key = World(
        hub=shop.hub,
        repository=shop.repository,
        app=type(shop.app)(app_id=shop.app.app_id, slug="redgreen", private_key=other.private_key, webhook_secret="x"),
        installation_id=shop.installation_id,
        tokens=shop.tokens,
    )
    assert shop.call(with_wrong_key.app_jwt(), "GET", "/app").status_code == 401


def test_a_jwt_opens_no_repository(hidden: World) -> None:
    assert hidden.call(hidden.app_jwt(), "GET", "contents/README.md").status_code == 404


def test_empty_permissions_mean_all_of_them(shop: World) -> None:
    path = f"/app/installations/{shop.installation_id}/access_tokens"
    granted = shop.call(shop.app_jwt(), "POST", path, {"permissions": {}}).json()["permissions"]
    assert granted["contents"] == "write"
    assert granted["issues"] == "write"


def test_a_token_can_be_narrowed_but_not_widened(shop: World) -> None:
    path = f"/app/installations/{shop.installation_id}/access_tokens"
    narrow = shop.call(shop.app_jwt(), "POST", path, {"permissions": {"issues": "read"}}).json()
    assert narrow["permissions"] == {"metadata": "read", "issues": "read"}
    assert shop.call(narrow["token"], "POST", "issues", {"title": "x"}).status_code == 403
    assert shop.call(shop.app_jwt(), "POST", path, {"permissions": {"administration": "write"}}).status_code == 422
    assert shop.call(shop.app_jwt(), "POST", path, {"permissions": {"issues": "owner"}}).status_code == 422


def test_a_token_can_be_limited_to_repositories(hidden: World) -> None:
    other = hidden.hub.add_repository("ada", "vault", {"secret": b"1"}, private=True)
    path = f"/app/installations/{hidden.installation_id}/access_tokens"
    answer = hidden.call(hidden.app_jwt(), "POST", path, {"repositories": ["shop"]}).json()
    assert [one["name"] for one in answer["repositories"]] == ["shop"]
    assert hidden.call(answer["token"], "GET", f"/repos/{other.full_name}").status_code == 404
    assert hidden.call(answer["token"], "GET", "/installation/repositories").json()["total_count"] == 1
    assert hidden.call(hidden.app_jwt(), "POST", path, {"repository_ids": [4]}).status_code == 422


def test_a_token_ends_after_an_hour(shop: World, clock: Clock) -> None:
    token = shop.installation_token()
    assert shop.call(token, "GET", "issues").status_code == 200
    clock.ahead = timedelta(minutes=61)
    assert shop.call(token, "GET", "issues").status_code == 401


def test_a_revoked_token_is_unknown(shop: World) -> None:
    token = shop.installation_token()
    assert shop.call(token, "DELETE", "/installation/token").status_code == 204
    assert shop.call(token, "GET", "issues").status_code == 401


def test_a_suspended_installation_can_do_nothing(shop: World, clock: Clock) -> None:
    token = shop.installation_token()
    shop.hub.hub.installations[shop.installation_id].suspended_at = clock()
    assert shop.call(token, "GET", "issues").status_code == 403
    path = f"/app/installations/{shop.installation_id}/access_tokens"
    assert shop.call(shop.app_jwt(), "POST", path, {}).status_code == 403


def test_another_apps_installation_is_not_found(shop: World) -> None:
    shop.hub.add_app("other", "ada", permissions={}, events=(), webhook_secret="x")
    foreign = shop.hub.install("other", "ada")
    assert shop.call(shop.app_jwt(), "GET", f"/app/installations/{foreign.id}").status_code == 404
