"""Webhook deliveries: signed, sent one after the other from a thread of their own, remembered with their answers."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bot.localhub.domain import App, stamp

TIME_LIMIT = 10.0
"""Seconds that GitHub waits for a receiver."""
_KEPT_RESPONSE = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Response:
    status_code: int
    status: str
    duration: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(kw_only=True)
class Delivery:
    id: int
    guid: str
    app: App
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    payload: Mapping[str, Any]
    redelivery: bool
    at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    response: Response | None = None
    """None while it waits."""


class Deliveries:
    """The outbox of every App. `post` and `again` return at once; `drain` waits until all was sent."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._queue: queue.Queue[Delivery | None] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="localhub-deliveries", daemon=True)
        self._guard = threading.Lock()
        self._log: list[Delivery] = []
        self.lose = False
        """True: deliveries are neither sent nor answered (the receiver's outage, seen from GitHub)."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(TIME_LIMIT + 5)

    def post(
        self,
        app: App,
        event: str,
        payload: Mapping[str, Any],
        *,
        installation_id: int | None = None,
        repository_id: int | None = None,
    ) -> Delivery:
        action = payload.get("action")
        return self._add(
            app, event, action if isinstance(action, str) else None, payload, installation_id, repository_id
        )

    def _add(
        self,
        app: App,
        event: str,
        action: str | None,
        payload: Mapping[str, Any],
        installation_id: int | None,
        repository_id: int | None,
        guid: str = "",
    ) -> Delivery:
        with self._guard:
            delivery = Delivery(
                id=len(self._log) + 1,
                guid=guid or str(uuid.uuid4()),
                app=app,
                event=event,
                action=action,
                installation_id=installation_id,
                repository_id=repository_id,
                payload=payload,
                redelivery=bool(guid),
                at=self._clock(),
            )
            self._log.append(delivery)
            self._queue.put(delivery)
        return delivery

    def again(self, old: Delivery) -> Delivery:
        """A redelivery: a new id, the same GUID, the same payload, signed with today's secret."""
        return self._add(
            old.app, old.event, old.action, old.payload, old.installation_id, old.repository_id, guid=old.guid
        )

    def of(self, app: App) -> list[Delivery]:
        """Those that were tried, newest first."""
        with self._guard:
            return [one for one in reversed(self._log) if one.app is app and one.response is not None]

    def posted(self) -> list[Delivery]:
        """All of them, oldest first, those that wait included."""
        with self._guard:
            return list(self._log)

    def drain(self, timeout: float = 30.0) -> bool:
        """Wait until everything posted so far was tried. False when `timeout` seconds were not enough."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._guard:
                if all(one.response is not None for one in self._log):
                    return True
            time.sleep(0.01)
        return False

    def _run(self) -> None:
        while (delivery := self._queue.get()) is not None:
            body = json.dumps(delivery.payload, separators=(",", ":")).encode()
            delivery.headers = headers(delivery, body)
            delivery.at = self._clock()
            if self.lose:
                delivery.response = Response(status_code=502, status="failed to connect to host", duration=0.0)
            else:
                delivery.response = send(delivery.app.webhook_url, delivery.headers, body)


def sign(secret: str, body: bytes, algorithm: str) -> str:
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"


def headers(delivery: Delivery, body: bytes) -> dict[str, str]:
    app = delivery.app
    told = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": f"GitHub-Hookshot/{hashlib.sha1(app.slug.encode(), usedforsecurity=False).hexdigest()[:7]}",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(app.id),
        "X-GitHub-Hook-Installation-Target-ID": str(app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
    }
    if app.webhook_secret:
        told["X-Hub-Signature"] = sign(app.webhook_secret, body, "sha1")
        told["X-Hub-Signature-256"] = sign(app.webhook_secret, body, "sha256")
    return told


def send(url: str, headers: Mapping[str, str], body: bytes, limit: float = TIME_LIMIT) -> Response:
    """One POST, no redirect followed. Every failure is a `Response` with GitHub's status for it."""
    started = time.monotonic()

    def ended(code: int, status: str) -> Response:
        return Response(status_code=code, status=status, duration=round(time.monotonic() - started, 3))

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ended(502, "invalid url")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port, timeout=limit)
    try:
        connection.request("POST", parts.path or "/", body=body, headers=dict(headers))
        answer = connection.getresponse()
        text = answer.read(_KEPT_RESPONSE).decode(errors="replace")
        done = ended(answer.status, answer.reason or str(answer.status))
        return Response(
            status_code=done.status_code,
            status="OK" if answer.status < 300 else done.status,
            duration=done.duration,
            headers=dict(answer.getheaders()),
            body=text,
        )
    except TimeoutError:
        return ended(504, "timed out")
    except (OSError, http.client.HTTPException):
        return ended(502, "failed to connect to host")
    finally:
        connection.close()


def item(delivery: Delivery) -> dict[str, Any]:
    """As `GET /app/hook/deliveries` lists it."""
    response = delivery.response
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": stamp(delivery.at),
        "redelivery": delivery.redelivery,
        "duration": response.duration if response else 0.0,
        "status": response.status if response else "pending",
        "status_code": response.status_code if response else 0,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }


def full(delivery: Delivery) -> dict[str, Any]:
    response = delivery.response
    return {
        **item(delivery),
        "url": delivery.app.webhook_url,
        "request": {"headers": dict(delivery.headers), "payload": dict(delivery.payload)},
        "response": {
            "headers": dict(response.headers) if response else {},
            "payload": response.body if response else None,
        },
    }
