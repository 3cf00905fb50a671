"""The web process: verify, store, answer. The only asynchronous module; it holds the webhook secret and nothing else.

POST /webhooks/github   202 stored durably, 400 malformed headers, 401 bad signature, 413 too long, 503 not stored
GET  /healthz           200 when the store can be written to, else 503
GET  /metrics           counts for Prometheus
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import uvicorn
from fastapi import FastAPI, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.errors import StoreError
from bot.intake import Intake, IntakeFull
from bot.types import Delivery
from bot.webhook import MAX_BODY_BYTES, Rejected, declared_too_long, receive, secret_key

PATH = "/webhooks/github"
STORE_SECONDS = 8.0
"""GitHub hangs up after ten; the sender is answered before that, and redelivers."""

_NOT_STORED = "The delivery could not be stored. Send it again."

Ticket = asyncio.Future[None]


class Deliveries(Protocol):
    """The store, as far as the web process needs it. Both raise `bot.errors.StoreError`."""

    def append(self, batch: Sequence[Delivery]) -> None: ...

    def count(self) -> dict[str, int]: ...


def create_app(*, webhook_secret: str, deliveries: Deliveries) -> FastAPI:
    """The application. Raises `bot.errors.UsageError` when the secret is empty."""
    receiver = _Receiver(secret_key(webhook_secret), deliveries)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        receiver.start(asyncio.get_running_loop())
        yield
        await asyncio.to_thread(receiver.intake.close)

    app = _Application(title="redgreen", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.receiver = receiver
    app.router.routes.append(Route(PATH, receiver, methods=["POST"]))

    @app.get("/healthz")
    async def healthz() -> Response:
        try:
            await asyncio.to_thread(deliveries.append, [])
        except StoreError:
            return Response("the store cannot be written to\n", status_code=503, media_type="text/plain")
        return Response("ok\n", media_type="text/plain")

    @app.get("/metrics")
    async def metrics() -> Response:
        lines = [f'redgreen_webhook_responses_total{{status="{s}"}} {n}' for s, n in sorted(receiver.answers.items())]
        with contextlib.suppress(StoreError):
            states = await asyncio.to_thread(deliveries.count)
            lines += [f'redgreen_deliveries{{state="{state}"}} {n}' for state, n in sorted(states.items())]
        return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    return app


class _Application(FastAPI):
    """FastAPI, but a webhook passes no middleware: that is half of what it would cost."""

    receiver: _Receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            await self.receiver(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[int], None]) -> None:
        super().__init__(config)
        self._announce = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce(self.servers[0].sockets[0].getsockname()[1])


def run(app: FastAPI, *, host: str, port: int, started: Callable[[int], None] = lambda _port: None) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are answered. `started` is told the port (0: a free one)."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=1000,
        timeout_graceful_shutdown=10,
    )
    _Server(config, started).run()


class _TooLong(Exception):
    pass


class _Disconnected(Exception):
    pass


class _Receiver:
    """The webhook route as a bare ASGI application: nothing between the socket and the signature check."""

    def __init__(self, key: bytes, deliveries: Deliveries) -> None:
        self._key = key
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waking = False
        self.answers: Counter[int] = Counter()
        self.intake: Intake[Ticket] = Intake(deliveries.append, self._settle)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.intake.start()

    def _settle(self, tickets: Sequence[Ticket], error: StoreError | None) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed under a commit: nobody is left to answer
                self._loop.call_soon_threadsafe(_resolve, tickets, error)

    async def __call__(self, scope: Scope, receive_message: Receive, send: Send) -> None:
        try:
            status, text = await self._answer(scope, receive_message)
        except _Disconnected:
            return
        self.answers[status] += 1
        body = text.encode() + b"\n"
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        if status == 413:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive_message: Receive) -> tuple[int, str]:
        headers = scope["headers"]
        if declared_too_long(headers):
            return 413, "The payload is longer than 25 MB."
        try:
            body = await _read(receive_message)
        except _TooLong:
            return 413, "The payload is longer than 25 MB."
        received = receive(headers, body, self._key)
        if isinstance(received, Rejected):
            return received.status, received.reason
        return await self._store(received)

    async def _store(self, delivery: Delivery) -> tuple[int, str]:
        loop = self._loop
        assert loop is not None
        stored: Ticket = loop.create_future()
        try:
            self.intake.submit(delivery, stored)
        except IntakeFull:
            return 503, _NOT_STORED
        if not self._waking:  # once for all requests that were ready together: they share a commit
            self._waking = True
            loop.call_soon(self._wake)
        expiry = loop.call_later(STORE_SECONDS, _expire, stored)
        try:
            await stored
        except StoreError:
            return 503, _NOT_STORED
        finally:
            expiry.cancel()
        return 202, "stored"

    def _wake(self) -> None:
        self._waking = False
        self.intake.wake()


def _expire(ticket: Ticket) -> None:
    if not ticket.done():
        ticket.set_exception(StoreError("The store did not answer in time."))


async def _read(receive_message: Receive) -> bytes:
    """The whole body, never more than the limit in memory."""
    message = await receive_message()
    if message["type"] != "http.request":
        raise _Disconnected
    body = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > MAX_BODY_BYTES:
            raise _TooLong
        return bytes(body)
    chunks, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive_message()
        if message["type"] != "http.request":
            raise _Disconnected
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise _TooLong
    return b"".join(chunks)


def _resolve(tickets: Sequence[Ticket], error: StoreError | None) -> None:
    for ticket in tickets:
        if ticket.done():
            continue
        if error is None:
            ticket.set_result(None)
        else:
            ticket.set_exception(error)
