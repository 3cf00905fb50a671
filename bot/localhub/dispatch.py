"""From a request to its answer: allowance, credentials, route, permission, handler. One request at a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.localhub.auth import Identity, decide, identify
from bot.localhub.calls import Answer, Call, Request, Table
from bot.localhub.faults import Fault, Trouble
from bot.localhub.problems import Problem
from bot.localhub.routes import ROUTES

if TYPE_CHECKING:
    from bot.localhub.hub import Hub

Observer = Callable[[Request, Answer], None]
"""Told of every request and its answer: how the tests hold them to GitHub's description."""
SECONDARY_TEXT = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass(frozen=True, kw_only=True)
class Cut:
    """No answer: the connection is to be closed."""


class Dispatcher:
    def __init__(self, hub: Hub, observer: Observer | None = None) -> None:
        self._hub = hub
        self._table = Table(ROUTES)
        self._observer = observer

    def handle(self, request: Request) -> Answer | Cut:
        fault = self._hub.faults.take(request.method, request.path)
        if fault is not None and fault.trouble is Trouble.DROP:
            return Cut()
        answer = self._refusal(fault) if fault else None
        if answer is None:
            with self._hub.lock:
                answer = self._limited(request)
        if fault is not None and fault.trouble is Trouble.STALL:
            time.sleep(fault.seconds)
        if fault is not None and fault.trouble is Trouble.DROP_AFTER:
            return Cut()
        if self._observer is not None:
            self._observer(request, answer)
        return answer

    def _refusal(self, fault: Fault) -> Answer | None:
        """The answer of a fault that keeps the request from taking effect."""
        now = self._hub.clock().timestamp()
        match fault.trouble:
            case Trouble.RATE_LIMIT:
                headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Used": "5000"}
                headers["X-RateLimit-Reset"] = str(int(now + fault.seconds))
                return _answer(
                    Problem(fault.status or 403, "API rate limit exceeded for installation.", headers=headers)
                )
            case Trouble.SECONDARY:
                headers = {"Retry-After": str(int(fault.seconds))}
                return _answer(Problem(fault.status or 403, SECONDARY_TEXT, headers=headers))
            case Trouble.ERROR:
                return _answer(Problem(fault.status or 500, "Server Error"))
            case Trouble.STALL | Trouble.DROP | Trouble.DROP_AFTER:
                return None

    def _limited(self, request: Request) -> Answer:
        try:
            identity = identify(self._hub, request.headers.get("authorization", ""))
        except Problem as problem:
            return _answer(problem)
        window = self._hub.window(identity.key())
        free = request.path == "/rate_limit"
        if not free and window.used >= window.limit:
            return replace(_answer(Problem(403, "API rate limit exceeded.")), headers=window.headers())
        answer = _with_etag(request, self._routed(request, identity))
        window.used += 0 if free or answer.status == 304 else 1
        return replace(answer, headers={**answer.headers, **window.headers()})

    def _routed(self, request: Request, identity: Identity) -> Answer:
        try:
            route, parameters = self._table.find(request.method, request.path)
            repository = None
            if "owner" in parameters:
                repository = self._hub.repository(parameters["owner"], parameters["repo"])
            refusal = decide(identity, route, repository)
            if refusal is not None:
                raise refusal
            call = Call(
                hub=self._hub,
                request=request,
                route=route,
                parameters=parameters,
                identity=identity,
                subject=repository,
            )
            return route.handler(call)
        except Problem as problem:
            return _answer(problem)


def _answer(problem: Problem) -> Answer:
    return Answer(status=problem.status, body=problem.body(), headers=problem.headers)


def _with_etag(request: Request, answer: Answer) -> Answer:
    if request.method != "GET" or answer.status != 200:
        return answer
    tag = f'"{hashlib.sha256(answer.content()).hexdigest()}"'
    if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
        return Answer(status=304, headers={"ETag": tag})
    return replace(answer, headers={**answer.headers, "ETag": tag})
