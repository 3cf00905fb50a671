"""Check runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.hub import World


def annotations(count: int) -> list[dict[str, Any]]:
    return [
        {"path": "a.py", "start_line": n + 1, "end_line": n + 1, "annotation_level": "failure", "message": "m"}
        for n in range(count)
    ]


def test_a_check_run_goes_from_start_to_end(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    sha = repo.get_branch("main").commit.sha
    run = repo.create_check_run("redgreen", sha, status="in_progress", external_id="job-1")
    run.edit(
        status="completed", conclusion="failure", output={"title": "red", "summary": "s", "annotations": annotations(2)}
    )
    found = next(iter(repo.get_commit(sha).get_check_runs(check_name="redgreen")))
    assert (found.external_id, found.status, found.conclusion) == ("job-1", "completed", "failure")
    assert [one.start_line for one in found.get_annotations()] == [1, 2]
    actions = [one.action for one in shop.hub.hub.deliveries.posted() if one.event == "check_run"]
    assert actions == ["created", "completed"]


def test_fifty_annotations_at_a_time(shop: World) -> None:
    token, sha = shop.installation_token(), shop.repository.git.branch("main")
    output = {"title": "t", "summary": "s", "annotations": annotations(51)}
    body = {"name": "redgreen", "head_sha": sha, "output": output}
    assert shop.call(token, "POST", "check-runs", body).status_code == 422
    fits = shop.call(token, "POST", "check-runs", {**body, "output": {**output, "annotations": annotations(50)}})
    path = f"check-runs/{fits.json()['id']}"
    more = shop.call(token, "PATCH", path, {"output": {**output, "annotations": annotations(1)}})
    assert more.json()["output"]["annotations_count"] == 51


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "done"},
        {"conclusion": "good"},
        {"status": "completed"},
        {"head_sha": "0" * 40},
        {"started_at": "yesterday"},
        {"output": {"title": "no summary"}},
        {"output": {"title": "t", "summary": "s", "annotations": [{**annotations(1)[0], "annotation_level": "bad"}]}},
    ],
)
def test_a_check_run_that_makes_no_sense_is_refused(shop: World, wrong: dict[str, Any]) -> None:
    body = {"name": "redgreen", "head_sha": shop.repository.git.branch("main"), **wrong}
    assert shop.call(shop.installation_token(), "POST", "check-runs", body).status_code == 422


def test_only_apps_make_check_runs_and_only_their_own(shop: World) -> None:
    body = {"name": "redgreen", "head_sha": shop.repository.git.branch("main")}
    assert shop.call(shop.tokens["ada"], "POST", "check-runs", body).status_code == 403
    made = shop.call(shop.installation_token(), "POST", "check-runs", body).json()
    other = shop.hub.add_app("other", "ada", permissions={"checks": "write"}, events=(), webhook_secret="x")
    foreign = shop.hub.install("other", "ada")
    token = shop.hub.hub.issue_token(foreign, {"checks": "write"}, None).value
    assert other.slug == "other"
    assert shop.call(token, "PATCH", f"check-runs/{made['id']}", {"name": "x"}).status_code == 403


def test_the_newest_run_of_a_name_is_the_latest(shop: World) -> None:
    repo = shop.bot().get_repo(shop.full_name)
    sha = repo.get_branch("main").commit.sha
    first, second = (repo.create_check_run("redgreen", sha) for _ in range(2))
    assert [run.id for run in repo.get_commit(sha).get_check_runs()] == [second.id]
    assert [run.id for run in repo.get_commit(sha).get_check_runs(filter="all")] == [first.id, second.id]


def test_a_rerequest_concerns_the_app_that_made_the_run(shop: World) -> None:
    shop.hub.add_app("other", "ada", permissions={"checks": "read"}, events=["check_run"], webhook_secret="x")
    shop.hub.install("other", "ada")
    repo = shop.bot().get_repo(shop.full_name)
    run = repo.create_check_run("redgreen", repo.get_branch("main").commit.sha, external_id="job-1")
    shop.hub.rerequest_check(shop.full_name, run.id, "mona")
    sent = [one for one in shop.hub.hub.deliveries.posted() if one.action == "rerequested"]
    assert [(one.app.slug, one.payload["check_run"]["external_id"]) for one in sent] == [("redgreen", "job-1")]
