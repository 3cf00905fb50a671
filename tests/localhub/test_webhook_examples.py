"""GitHub's 329 published payloads against the receiver, and the hub's own payloads against them."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from bot.app import PATH, create_app
from bot.events import parse
from bot.store import Store
from bot.types import Delivery, DeliveryId, Ignored
from bot.webhook import Rejected, receive, secret_key
from tests.localhub.test_pulls import CART, propose
from tests.support.hub import SECRET, World

EXAMPLES = Path(__file__).resolve().parent.parent / "data" / "webhook-examples.json.gz"


def examples() -> list[tuple[str, dict[str, Any]]]:
    with gzip.open(EXAMPLES) as file:
        return [(event["name"], payload) for event in json.load(file) for payload in event["examples"]]


def encoded(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload).encode()


def headers(event: str, body: bytes, guid: str) -> dict[str, str]:
    """As GitHub signs, and not with the code under test."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/redgreen.db")
    yield opened
    opened.close()


@pytest.fixture
def receiver(store: Store) -> Iterator[httpx.Client]:
    app = create_app(webhook_secret=SECRET, deliveries=store.deliveries)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30, trust_env=False
        ) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def test_there_are_329_of_58_events() -> None:
    known = examples()
    assert (len(known), len({event for event, _ in known})) == (329, 58)


def test_every_published_payload_is_stored_as_it_came(receiver: httpx.Client, store: Store) -> None:
    sent = {str(uuid.uuid4()): (event, encoded(payload)) for event, payload in examples()}

    def post(guid: str) -> int:
        event, body = sent[guid]
        return receiver.post(PATH, content=body, headers=headers(event, body, guid)).status_code

    with ThreadPoolExecutor(16) as pool:  # those that arrive together share a commit
        assert set(pool.map(post, sent)) == {202}
    stored = {one.delivery.id: one.delivery.body for one in store.deliveries.pending(limit=1000)}
    assert stored == {guid: body for guid, (_, body) in sent.items()}


def test_reading_a_published_payload_never_raises_and_acts_on_few() -> None:
    acted: set[tuple[str, str]] = set()
    for event, payload in examples():
        body = encoded(payload)
        parsed = parse(Delivery(id=DeliveryId(str(uuid.uuid4())), event=event, body=body))
        if isinstance(parsed, Ignored):
            assert parsed.reason
        else:
            acted.add((event, payload["action"]))
    assert acted <= {
        ("issues", "labeled"),
        ("issue_comment", "created"),
        ("pull_request", "opened"),
        ("pull_request", "reopened"),
        ("pull_request", "synchronize"),
        ("pull_request", "ready_for_review"),
        ("pull_request", "closed"),
        ("check_run", "rerequested"),
    }
    assert ("pull_request", "opened") in acted
    assert ("issue_comment", "created") in acted


@pytest.mark.parametrize("mutation", ["cut", "null", "list", "number", "deep", "strings"])
def test_a_published_payload_that_was_broken_never_raises(mutation: str) -> None:
    for event, payload in examples():
        for body in _broken(payload, mutation):
            delivery = Delivery(id=DeliveryId(str(uuid.uuid4())), event=event, body=body)
            assert parse(delivery) is not None


def _broken(payload: dict[str, Any], mutation: str) -> list[bytes]:
    whole = encoded(payload)
    match mutation:
        case "cut":
            return [whole[: len(whole) // 2]]
        case "null" | "list" | "number":
            other = {"null": None, "list": [], "number": 7}[mutation]
            return [encoded({**payload, name: other}) for name in payload]
        case "strings":
            return [encoded({name: str(value) for name, value in payload.items()})]
        case _:
            return [b"[" * 20_000, b'{"action": "labeled", "issue": ' + b'{"a":' * 5_000]


def test_an_example_with_another_secret_is_refused() -> None:
    event, payload = examples()[0]
    body = encoded(payload)
    raw = [(name.encode(), value.encode()) for name, value in headers(event, body, str(uuid.uuid4())).items()]
    assert isinstance(receive(raw, body, secret_key("another")), Rejected)


# --- the hub's payloads ------------------------------------------------------------------------------------------

DROPPED = {
    "issue": {"draft"},
}
"""What some examples have at a key and GitHub sends no more, or in another form."""

UNPUBLISHED = {("issues", "closed"), ("pull_request", "edited")}
"""No example exists: GitHub's description alone holds these."""


def live(shop: World) -> None:
    """Something of every kind of event the hub sends."""
    number = propose(shop)
    hub, name = shop.hub, shop.full_name
    hub.label(name, 1, "redgreen", "mona")
    mona = shop.person("mona").get_repo(name)
    issue = mona.get_issue(1)
    issue.remove_from_labels("redgreen")
    issue.edit(title="Another title")
    issue.edit(state="closed")
    issue.edit(state="open")
    comment = issue.create_comment("one")
    comment.edit("two")
    comment.delete()
    hub.push_files(name, "fix", {"shop/cart.py": CART + b"other = 2\n"}, "more", "mona")
    hub.label(name, number, "redgreen", "mona")
    pull = mona.get_pull(number)
    pull.remove_from_labels("redgreen")
    pull.edit(title="Another title")
    pull.edit(state="closed")
    pull.edit(state="open")
    pull.create_review(body="fine", event="APPROVE")
    run = shop.bot().get_repo(name).create_check_run("redgreen", pull.head.sha)
    run.edit(status="completed", conclusion="success")
    hub.rerequest_check(name, run.id, "mona")
    hub.push_files(name, "draft", {"d.txt": b"d"}, "draft", "mona")
    draft = hub.open_pull(name, "mona", head="draft", title="WIP", body="", draft=True)
    hub.mark_ready(name, draft.number, "mona")
    hub.set_webhook("redgreen", "http://127.0.0.1:9/")
    pull.merge()


def test_the_hubs_payloads_have_the_keys_of_the_published_ones(shop: World) -> None:
    live(shop)
    published: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for event, payload in examples():
        published.setdefault((event, payload.get("action")), []).append(payload)
    seen = set()
    for sent in shop.hub.hub.deliveries.posted():
        known = published.get((sent.event, sent.action), [])
        seen.add((sent.event, sent.action))
        if (sent.event, sent.action) in UNPUBLISHED:
            continue
        assert known, (sent.event, sent.action)
        required = set.intersection(*(set(one) for one in known)) - {"organization"}  # the owner is a person
        allowed = set.union(*(set(one) for one in known)) | {"installation"}
        own = set(sent.payload)
        if sent.event == "ping":  # the examples are of repositories' hooks, this is an App's
            required -= {"repository", "sender"}
        assert required <= own <= allowed, (sent.event, sent.action, own ^ required)
        assert _missing(sent.payload, known) == set(), (sent.event, sent.action)
    assert len(seen) >= 24


def _missing(payload: Any, known: list[dict[str, Any]]) -> set[str]:
    """Keys that every example has one level down, and this payload has not."""
    found = set()
    for name in ("issue", "comment", "label", "pull_request", "review", "check_run", "installation", "sender"):
        objects = [one[name] for one in known if isinstance(one.get(name), dict)]
        if isinstance(payload.get(name), dict) and len(objects) == len(known):
            always = set.intersection(*(set(one) for one in objects))
            found |= {f"{name}.{key}" for key in always - set(payload[name]) - DROPPED.get(name, set())}
    return found


def test_redgreen_reads_what_the_hub_sends(shop: World) -> None:
    live(shop)
    read: dict[str, int] = {}
    for sent in shop.hub.hub.deliveries.posted():
        delivery = Delivery(id=DeliveryId(sent.guid), event=sent.event, body=encoded(dict(sent.payload)))
        read[type(parse(delivery)).__name__] = read.get(type(parse(delivery)).__name__, 0) + 1
    assert {"IssueLabeled", "Commented", "PullRequestChanged", "PullRequestClosed", "CheckRerequested"} <= set(read)
