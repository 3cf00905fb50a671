"""The web process over a real socket: uvicorn, a real SQLite file, raw HTTP."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import uvicorn

from bot.app import PATH, Deliveries, create_app
from bot.errors import StoreError, UsageError
from bot.store import Store
from bot.types import Delivery
from tests.support import github_events as gh

BODY = json.dumps(gh.labeled()).encode()


@contextlib.contextmanager
def serving(deliveries: Deliveries) -> Iterator[httpx.Client]:
    app = create_app(webhook_secret=gh.SECRET, deliveries=deliveries)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", loop="uvloop", http="httptools")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def post(client: httpx.Client, body: bytes = BODY, event: str = "issues", **changes: str) -> httpx.Response:
    return client.post(PATH, content=body, headers={**gh.headers(event, body), **changes})


@pytest.fixture
def client(sqlite_store: Store) -> Iterator[httpx.Client]:
    with serving(sqlite_store.deliveries) as opened:
        yield opened


def test_202_means_another_connection_can_read_it(client: httpx.Client, sqlite_store: Store) -> None:
    assert post(client).status_code == 202
    (pending,) = sqlite_store.deliveries.pending()
    assert pending.delivery.body == BODY
    assert pending.delivery.event == "issues"


def test_the_same_delivery_twice_is_one_delivery_and_202(client: httpx.Client, sqlite_store: Store) -> None:
    same = gh.guid()
    answers = [post(client, **{"x-github-delivery": same}).status_code for _ in range(2)]
    assert answers == [202, 202]
    assert len(sqlite_store.deliveries.pending()) == 1


def test_a_bad_signature_stores_nothing(client: httpx.Client, sqlite_store: Store) -> None:
    assert post(client, **{"x-hub-signature-256": "sha256=" + "0" * 64}).status_code == 401
    assert sqlite_store.deliveries.pending() == ()


def test_malformed_headers_are_400(client: httpx.Client, sqlite_store: Store) -> None:
    assert post(client, **{"x-github-delivery": "1"}).status_code == 400
    assert sqlite_store.deliveries.pending() == ()


def test_only_post_is_answered(client: httpx.Client) -> None:
    assert client.get(PATH).status_code == 405
    assert client.get("/docs").status_code == 404


def test_a_declared_length_over_25_mb_is_413_before_a_byte_of_it_is_sent(client: httpx.Client) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as raw:
        raw.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {26 << 20}\r\n\r\n".encode())
        assert raw.recv(200).startswith(b"HTTP/1.1 413 ")


def test_a_stream_that_grows_over_25_mb_is_413(client: httpx.Client, sqlite_store: Store) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(27):
            yield b"x" * (1 << 20)

    with contextlib.suppress(httpx.WriteError, httpx.ReadError):  # the server may hang up while we still send
        assert client.post(PATH, content=chunks(), headers=gh.headers("issues", b"")).status_code == 413
    assert sqlite_store.deliveries.pending() == ()


def test_a_chunked_body_within_the_limit_is_stored_whole(client: httpx.Client, sqlite_store: Store) -> None:
    def chunks() -> Iterator[bytes]:
        yield BODY[:10]
        yield BODY[10:]

    assert client.post(PATH, content=chunks(), headers=gh.headers("issues", BODY)).status_code == 202
    assert sqlite_store.deliveries.pending()[0].delivery.body == BODY


def test_a_store_that_fails_is_503_and_then_202_again(sqlite_store: Store) -> None:
    class Failing:
        broken = True

        def append(self, batch: Sequence[Delivery]) -> None:
            if self.broken:
                raise StoreError("disk full")
            sqlite_store.deliveries.append(batch)

        def count(self) -> dict[str, int]:
            return sqlite_store.deliveries.count()

    failing = Failing()
    with serving(failing) as client:
        assert post(client).status_code == 503
        assert client.get("/healthz").status_code == 503
        failing.broken = False
        assert post(client).status_code == 202
        assert client.get("/healthz").status_code == 200


def test_a_bug_in_the_store_is_503_and_not_silence(sqlite_store: Store) -> None:
    class Broken:
        def append(self, batch: Sequence[Delivery]) -> None:
            raise RuntimeError("bug")

        def count(self) -> dict[str, int]:
            return {}

    with serving(Broken()) as client:
        assert post(client).status_code == 503


def test_deliveries_that_arrive_together_share_a_commit(sqlite_store: Store) -> None:
    class Counting:
        batches: list[int] = []  # noqa: RUF012

        def append(self, batch: Sequence[Delivery]) -> None:
            self.batches.append(len(batch))
            time.sleep(0.05)  # a slow disk
            sqlite_store.deliveries.append(batch)

        def count(self) -> dict[str, int]:
            return sqlite_store.deliveries.count()

    counting = Counting()
    with serving(counting) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(client).status_code, range(48)))
    assert answers == [202] * 48
    assert sqlite_store.deliveries.count() == {"pending": 48}
    assert sum(counting.batches) == 48
    assert len(counting.batches) < 24


def test_a_store_that_hangs_longer_than_memory_allows_is_503_at_once() -> None:
    release = threading.Event()

    class Hanging:
        def append(self, batch: Sequence[Delivery]) -> None:
            release.wait(20)

        def count(self) -> dict[str, int]:
            return {}

    big = b"x" * (24 << 20)
    with serving(Hanging()) as client, ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(post, client, big) for _ in range(8)]
        try:
            refused = next(w for w in _as_done(waiting))
            assert refused.status_code == 503
        finally:
            release.set()
        assert {w.result().status_code for w in waiting} == {202, 503}


def _as_done(futures: Sequence[object]) -> Iterator[httpx.Response]:
    from concurrent.futures import as_completed

    for future in as_completed(futures):  # type: ignore[call-overload]
        yield future.result()


def test_metrics_count_answers_and_deliveries(client: httpx.Client) -> None:
    post(client)
    post(client, **{"x-hub-signature-256": "no"})
    text = client.get("/metrics").text
    assert 'redgreen_webhook_responses_total{status="202"} 1' in text
    assert 'redgreen_webhook_responses_total{status="401"} 1' in text
    assert 'redgreen_deliveries{state="pending"} 1' in text


def test_an_empty_secret_refuses_to_start(sqlite_store: Store) -> None:
    with pytest.raises(UsageError):
        create_app(webhook_secret="", deliveries=sqlite_store.deliveries)


def test_a_read_only_disk_is_503(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/x.db")
    store.database.close()
    for path in tmp_path.iterdir():
        path.unlink()
    tmp_path.rmdir()
    with serving(store.deliveries) as client:
        assert post(client).status_code == 503
    store.close()
    tmp_path.mkdir()
