"""Webhooks: signed, in order, logged, sent again."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
import uuid

from bot.localhub import deliveries
from tests.support.hub import SECRET, Receiver, World


def listen(shop: World, receiver: Receiver) -> None:
    shop.hub.drain()
    shop.hub.set_webhook("redgreen", receiver.url)
    shop.hub.drain()


def test_a_delivery_is_signed_over_its_bytes(shop: World, receiver: Receiver) -> None:
    listen(shop, receiver)
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    assert shop.hub.drain()
    ping, opened = receiver.received
    assert ping.headers["X-GitHub-Event"] == "ping"
    for algorithm, header in (("sha256", "X-Hub-Signature-256"), ("sha1", "X-Hub-Signature")):
        expected = hmac.new(SECRET.encode(), opened.body, algorithm).hexdigest()
        assert opened.headers[header] == f"{algorithm}={expected}"
    assert uuid.UUID(opened.headers["X-GitHub-Delivery"])
    assert opened.headers["X-GitHub-Hook-Installation-Target-ID"] == str(shop.app.app_id)
    assert opened.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert opened.path == "/webhooks/github"
    assert opened.payload["installation"]["id"] == shop.installation_id
    assert opened.payload["sender"]["login"] == "zoe"


def test_deliveries_come_in_order_and_only_for_subscribed_events(shop: World, receiver: Receiver) -> None:
    app = shop.hub.app("redgreen")
    app.events = frozenset({"issues", "issue_comment"})
    listen(shop, receiver)
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    shop.hub.label(shop.full_name, 1, "redgreen", "mona")
    shop.hub.push_files(shop.full_name, "main", {"a": b"a"}, "a push nobody asked for", "mona")
    shop.hub.comment(shop.full_name, 1, "@redgreen fix", "mona")
    assert shop.hub.drain()
    seen = [(one.headers["X-GitHub-Event"], one.payload.get("action")) for one in receiver.received[1:]]
    assert seen == [("issues", "opened"), ("issues", "labeled"), ("issue_comment", "created")]


def test_an_app_that_is_not_installed_there_hears_nothing(shop: World) -> None:
    shop.hub.hub.installations.clear()
    before = len(shop.hub.hub.deliveries.posted())
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    assert len(shop.hub.hub.deliveries.posted()) == before


def test_what_failed_is_listed_and_sent_again_with_its_guid(shop: World, receiver: Receiver) -> None:
    listen(shop, receiver)
    receiver.status = 503
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    shop.hub.drain()
    failed = shop.call(shop.app_jwt(), "GET", "/app/hook/deliveries").json()[0]
    assert (failed["status_code"], failed["event"], failed["redelivery"]) == (503, "issues", False)
    receiver.status = 202
    path = f"/app/hook/deliveries/{failed['id']}"
    assert shop.call(shop.app_jwt(), "POST", f"{path}/attempts").status_code == 202
    shop.hub.drain()
    again = shop.call(shop.app_jwt(), "GET", "/app/hook/deliveries").json()[0]
    assert (again["guid"], again["status_code"], again["redelivery"]) == (failed["guid"], 202, True)
    assert receiver.received[-1].body == receiver.received[-2].body
    whole = shop.call(shop.app_jwt(), "GET", path).json()
    assert whole["request"]["payload"]["issue"]["title"] == "Bug"
    assert whole["request"]["headers"]["X-GitHub-Event"] == "issues"
    assert shop.call(shop.app_jwt(), "GET", "/app/hook/deliveries/99").status_code == 404


def test_deliveries_are_listed_by_cursor(shop: World) -> None:
    for number in range(4):
        shop.hub.open_issue(shop.full_name, "zoe", f"Bug {number}", "text")
    shop.hub.drain()
    first = shop.call(shop.app_jwt(), "GET", "/app/hook/deliveries?per_page=3")
    following = first.headers["Link"].split(">")[0].removeprefix("<").removeprefix(shop.hub.api_url)
    second = shop.call(shop.app_jwt(), "GET", following)
    ids = [one["id"] for one in first.json() + second.json()]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5
    assert "Link" not in second.headers


def test_the_hooks_address_and_secret_can_be_changed(shop: World, receiver: Receiver) -> None:
    changed = {"url": receiver.url, "secret": "new"}
    assert shop.call(shop.app_jwt(), "PATCH", "/app/hook/config", changed).json()["secret"] == "********"
    shop.hub.drain()
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    shop.hub.drain()
    last = receiver.received[-1]
    signature = hmac.new(b"new", last.body, hashlib.sha256).hexdigest()
    assert last.headers["X-Hub-Signature-256"] == f"sha256={signature}"
    assert shop.call(shop.app_jwt(), "GET", "/app/hook/config").json()["url"] == receiver.url


def test_an_outage_is_logged_as_one(shop: World, receiver: Receiver) -> None:
    listen(shop, receiver)
    shop.hub.hub.deliveries.lose = True
    shop.hub.open_issue(shop.full_name, "zoe", "Bug", "text")
    shop.hub.drain()
    assert shop.call(shop.app_jwt(), "GET", "/app/hook/deliveries").json()[0]["status_code"] == 502
    assert len(receiver.received) == 1


def test_a_receiver_that_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert deliveries.send(url, {}, b"{}", limit=0.2).status_code == 504
    assert deliveries.send(url, {}, b"{}").status_code == 502
    assert deliveries.send("file:///etc/passwd", {}, b"{}").status_code == 502


def test_a_receiver_that_speaks_no_http_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        answer = deliveries.send(f"http://127.0.0.1:{server.getsockname()[1]}/", {}, b"{}")
        thread.join()
    assert answer.status_code == 502
