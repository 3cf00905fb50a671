"""Every route of the hub answers as it should at least once, so that each answer is held to the description."""

from __future__ import annotations

from typing import Any

from bot.localhub.calls import Table
from bot.localhub.routes import ROUTES
from tests.localhub.test_pulls import CART, propose
from tests.support.hub import Contract, World, world


class Tour:
    """Calls that must succeed, and the routes they took."""

    def __init__(self, shop: World) -> None:
        self._shop = shop
        self._token = shop.installation_token()

    def __call__(self, method: str, path: str, body: Any = None, *, by: str = "bot", status: int = 0) -> Any:
        tokens = {"bot": self._token, "app": self._shop.app_jwt(), **self._shop.tokens}
        answer = self._shop.call(tokens[by], method, path, body)
        assert answer.status_code == status if status else answer.status_code < 300, (method, path, answer.text)
        return answer.json() if answer.content else None


def accounts(tour: Tour, shop: World) -> None:
    for path in ("/app", "/app/hook/config", "/app/installations", f"/app/installations/{shop.installation_id}"):
        tour("GET", path, by="app")
    shop.hub.drain()
    last = tour("GET", "/app/hook/deliveries", by="app")[0]["id"]
    tour("GET", f"/app/hook/deliveries/{last}", by="app")
    tour("POST", f"/app/hook/deliveries/{last}/attempts", by="app", status=202)
    tour("PATCH", "/app/hook/config", {"content_type": "json"}, by="app")
    tour("GET", f"/repos/{shop.full_name}/installation", by="app")
    spare = tour("POST", f"/app/installations/{shop.installation_id}/access_tokens", by="app")["token"]
    assert shop.call(spare, "DELETE", "/installation/token").status_code == 204
    tour("GET", "/installation/repositories")
    assert [one["login"] for one in tour("GET", "collaborators")] == ["ada", "mona", "rudi"]
    assert tour("GET", "/user", by="mona")["login"] == "mona"
    assert [one["full_name"] for one in tour("GET", "/user/repos", by="mona")] == [shop.full_name]
    assert tour("GET", "/users/redgreen[bot]")["type"] == "Bot"
    tour("GET", "/users/nobody", status=404)
    tour("GET", "/rate_limit")
    assert tour("GET", f"/repos/{shop.full_name}", by="mona")["permissions"]["push"] is True
    tour("GET", "collaborators/mona/permission")


def git(tour: Tour, shop: World) -> None:
    tip = tour("GET", "branches/main")["commit"]["sha"]
    assert [one["name"] for one in tour("GET", "branches")] == ["fix", "main"]
    tour("GET", "commits")
    tour("GET", "commits?path=README.md")
    tour("GET", f"commits/{tip}")
    tour("GET", "compare/main...fix")
    tour("GET", f"git/commits/{tip}")
    tour("GET", "git/trees/main?recursive=1")
    blob = tour("POST", "git/blobs", {"content": "aGk=", "encoding": "base64"})["sha"]
    assert tour("GET", f"git/blobs/{blob}")["content"] == "aGk=\n"
    tour("POST", "git/blobs", {"content": "a", "encoding": "base64"}, status=422)
    tour("GET", f"git/blobs/{tip}", status=404)
    folder = tour("POST", "git/trees", {"tree": [{"path": "f", "mode": "100755", "type": "blob", "sha": blob}]})["sha"]
    entry = {"path": "tools", "mode": "040000", "type": "tree", "sha": folder}
    tree = tour("POST", "git/trees", {"base_tree": tip, "tree": [entry]})["sha"]
    person = {"name": "Eve", "email": "eve@example.org"}
    body = {"message": "m", "tree": tree, "parents": [tip], "committer": person}
    commit = tour("POST", "git/commits", body)["sha"]
    for wrong in ({"tree": tip}, {"parents": [tree]}, {"author": {**person, "date": "soon"}}):
        tour("POST", "git/commits", {**body, **wrong}, status=422)
    for wrong in ({"mode": "777"}, {"sha": tip}):
        tour("POST", "git/trees", {"tree": [{**entry, **wrong}]}, status=422)
    tour("POST", "git/refs", {"ref": "refs/heads/tour", "sha": commit})
    tour("GET", "git/ref/heads/tour")
    tour("GET", "git/refs/heads/tour")
    assert len(tour("GET", "git/matching-refs/heads/to")) == 1
    everything = {ref["ref"] for ref in tour("GET", "git/matching-refs/")}
    assert {"refs/heads/main", "refs/heads/fix", "refs/heads/tour"} < everything
    assert all(ref.startswith(("refs/heads/", "refs/pull/")) for ref in everything)
    tour("PATCH", "git/refs/heads/tour", {"sha": tip, "force": True})
    tour("PATCH", "git/refs/heads/none", {"sha": tip}, status=422)
    tour("DELETE", "git/refs/heads/tour")
    tour("DELETE", "git/refs/heads/tour", status=422)
    made = tour("PUT", "contents/new.txt", {"message": "m", "content": "aGk=", "branch": "fix"})
    tour("GET", "contents/new.txt?ref=fix")
    tour("GET", "contents")
    tour("GET", "contents/")
    tour("DELETE", "contents/new.txt", {"message": "m", "sha": made["content"]["sha"], "branch": "fix"})
    tour("PUT", "contents/x", {"message": "m", "content": "aGk=", "branch": "none"}, status=404)


def conversation(tour: Tour) -> None:
    tour("POST", "issues", {"title": "Two"})
    tour("GET", "issues")
    tour("GET", "issues/1")
    tour("PATCH", "issues/1", {"labels": ["a", "b"]})
    tour("POST", "labels", {"name": "c", "color": "00ff00"})
    tour("POST", "labels", {"name": "C"}, status=422)
    tour("GET", "labels")
    tour("GET", "labels/c")
    tour("PATCH", "labels/c", {"new_name": "d", "description": "later"})
    tour("PATCH", "labels/d", {"new_name": "a"}, status=422)
    tour("DELETE", "labels/d")
    tour("GET", "labels/d", status=404)
    tour("POST", "issues/1/labels", {"labels": ["e"]})
    tour("PUT", "issues/1/labels", {"labels": ["e", "f"]})
    assert [one["name"] for one in tour("GET", "issues/1/labels")] == ["e", "f"]
    tour("DELETE", "issues/1/labels/e")
    tour("DELETE", "issues/1/labels")
    comment = tour("POST", "issues/1/comments", {"body": "hello"})["id"]
    for path in ("issues/1/comments", "issues/comments", f"issues/comments/{comment}"):
        tour("GET", path)
    tour("PATCH", f"issues/comments/{comment}", {"body": "bye"})
    for path in ("issues/1", f"issues/comments/{comment}"):
        reaction = tour("POST", f"{path}/reactions", {"content": "eyes"})["id"]
        assert len(tour("GET", f"{path}/reactions")) == 1
        tour("DELETE", f"{path}/reactions/{reaction}", by="mona", status=403)
        tour("DELETE", f"{path}/reactions/{reaction}")
        tour("DELETE", f"{path}/reactions/{reaction}", status=404)
    tour("DELETE", f"issues/comments/{comment}")


def pull_request(tour: Tour, number: int) -> None:
    at = f"pulls/{number}"
    head = tour("GET", at)["head"]["sha"]
    tour("GET", "pulls")
    tour("PATCH", at, {"title": "Better"})
    tour("PATCH", at, {"state": "ajar"}, status=422)
    tour("GET", f"{at}/files")
    tour("GET", f"{at}/commits")
    line = {"path": "shop/cart.py", "line": 31, "body": "here"}
    review = tour("POST", f"{at}/reviews", {"body": "so", "event": "REQUEST_CHANGES", "comments": [line]}, by="mona")
    for path in ("reviews", f"reviews/{review['id']}", f"reviews/{review['id']}/comments", "comments"):
        tour("GET", f"{at}/{path}")
    tour("PUT", f"{at}/reviews/{review['id']}", {"body": "so so"}, by="mona")
    tour("PUT", f"{at}/reviews/{review['id']}/dismissals", {"message": "m"}, by="ada")
    tour("PUT", f"{at}/reviews/{review['id']}/dismissals", {"message": "m"}, by="ada", status=422)
    pending = tour("POST", f"{at}/reviews", {"comments": [line]})
    tour("POST", f"{at}/reviews/{pending['id']}/events", {"event": "COMMENT", "body": "now"})
    comment = tour("POST", f"{at}/comments", {**line, "commit_id": head})["id"]
    tour("POST", f"{at}/comments", {**line, "path": "none", "commit_id": head}, status=422)
    tour("POST", f"{at}/comments/{comment}/replies", {"body": "yes"})
    tour("GET", f"pulls/comments/{comment}")
    tour("PATCH", f"pulls/comments/{comment}", {"body": "there"})
    reaction = tour("POST", f"pulls/comments/{comment}/reactions", {"content": "heart"})["id"]
    tour("GET", f"pulls/comments/{comment}/reactions")
    tour("DELETE", f"pulls/comments/{comment}/reactions/{reaction}")
    tour("DELETE", f"pulls/comments/{comment}")
    run = tour("POST", "check-runs", {"name": "n", "head_sha": head, "details_url": "https://example.org/"})["id"]
    tour("GET", f"check-runs/{run}")
    tour("PATCH", f"check-runs/{run}", {"status": "completed", "conclusion": "neutral"})
    tour("GET", f"check-runs/{run}/annotations")
    tour("POST", f"check-runs/{run}/rerequest", by="mona")
    tour("GET", f"commits/{head}/check-runs")
    tour("GET", f"{at}/merge", status=404)
    tour("PUT", f"{at}/merge", {}, by="mona")
    tour("GET", f"{at}/merge")


def test_every_route_answers_as_github_describes_it() -> None:
    contract = Contract()
    with world(contract=contract) as shop:
        number = propose(shop, text=CART + b"more = 1\n")
        tour = Tour(shop)
        accounts(tour, shop)
        git(tour, shop)
        conversation(tour)
        pull_request(tour, number)
    table = Table(ROUTES)
    taken = {
        table.find(request.method, request.path)[0] for request, answer in contract.exchanges if answer.status < 300
    }
    assert {(route.method, route.template) for route in set(ROUTES) - taken} == set()
