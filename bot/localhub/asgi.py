"""The hub as an ASGI application: the only asynchronous module of the hub. Everything behind it runs in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.localhub import pages, transport
from bot.localhub.calls import Answer, Request, parse_query
from bot.localhub.dispatch import Cut, Dispatcher
from bot.localhub.hub import Hub
from bot.localhub.links import API_ROOT

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_TRANSPORT = "localhub.transport"
MAX_BODY = 200 * 1024 * 1024


class CuttableProtocol(HttpToolsProtocol):
    """Hands the connection to the application, which has to cut it when a fault says so."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[_TRANSPORT] = self.transport  # type: ignore[literal-required]


class HubApplication:
    def __init__(self, hub: Hub, dispatcher: Dispatcher) -> None:
        self._hub = hub
        self._dispatcher = dispatcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await _body(receive)
        if body is None:
            answer: Answer | Cut = Answer(status=413, body={"message": "Payload too large"})
        else:
            answer = await asyncio.to_thread(self._answer, _request(scope, body))
        if isinstance(answer, Cut):
            scope[_TRANSPORT].abort()
            return
        content = b"" if scope["method"] == "HEAD" else answer.content()
        headers = {"Content-Type": answer.media, "Content-Length": str(len(content)), **answer.headers}
        if answer.status in {204, 304}:
            headers.pop("Content-Type")
            headers.pop("Content-Length")
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if answer.status in {204, 304} else content})

    def _answer(self, request: Request) -> Answer | Cut:
        if request.path == API_ROOT or request.path.startswith(f"{API_ROOT}/"):
            return self._dispatcher.handle(_below(request, request.path.removeprefix(API_ROOT)))
        wanted = transport.parse(self._hub, request)
        if wanted is not None:
            return transport.serve(self._hub, request, wanted)
        return pages.serve(self._hub, request)


def _below(request: Request, path: str) -> Request:
    return Request(method=request.method, path=path, query=request.query, headers=request.headers, body=request.body)


def _request(scope: Scope, body: bytes) -> Request:
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1").split("?")[0],
        query=parse_query(scope["query_string"].decode("latin-1")),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def _body(receive: Receive) -> bytes | None:
    """The whole body, whatever its transfer encoding was; None when it is too long."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b""
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(chunks)
