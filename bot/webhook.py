"""Headers, body and secret -> Delivery. Pure: the whole receiving protocol without a socket.

The order is the point: the signature is checked over the raw bytes, in constant time, before anything else of the
request is believed. Whatever cannot be decided is refused.
https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import UsageError
from bot.types import Delivery, DeliveryId

MAX_BODY_BYTES = 25 * 1024 * 1024
"""GitHub's own cap on a payload; a longer body cannot be GitHub's."""

_SIGNATURE = re.compile(rb"sha256=[0-9a-f]{64}")
_GUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVENT = re.compile(rb"[a-z][a-z0-9_]{0,63}")
_WANTED = frozenset({b"x-hub-signature-256", b"x-github-delivery", b"x-github-event", b"content-type"})

Headers = Iterable[tuple[bytes, bytes]]
"""As the server hands them over: names in lower case, repeated headers repeated."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A request that is no delivery: the HTTP status to answer with, and a sentence without the sender's bytes."""

    status: int
    reason: str


def secret_key(secret: str) -> bytes:
    """The webhook secret as the HMAC key. Raises `UsageError` when there is none: no secret, no start."""
    if not secret.strip():
        raise UsageError("The webhook secret is empty. Set webhook_secret to the secret of the GitHub App, then start.")
    return secret.encode()


def sign(body: bytes, key: bytes) -> str:
    """The value of `X-Hub-Signature-256` for a body."""
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def receive(headers: Headers, body: bytes, key: bytes) -> Delivery | Rejected:
    """One request as a delivery. The body is not parsed here; `bot.events` does that, after it was stored."""
    found: dict[bytes, bytes] = {}
    repeated = False
    for name, value in headers:
        if name in _WANTED:
            repeated = repeated or name in found
            found[name] = value
    given = found.get(b"x-hub-signature-256", b"")
    well_formed = _SIGNATURE.fullmatch(given) is not None
    # Compared in any case, so that a malformed signature takes as long as a wrong one.
    if not hmac.compare_digest(given, sign(body, key).encode()) or not well_formed:
        return Rejected(status=401, reason="The signature in X-Hub-Signature-256 is missing or wrong.")
    if repeated:
        return Rejected(status=400, reason="A header that must stand once was sent twice.")
    return _delivery(found, body)


def _delivery(found: dict[bytes, bytes], body: bytes) -> Delivery | Rejected:
    guid, event = found.get(b"x-github-delivery", b""), found.get(b"x-github-event", b"")
    if _GUID.fullmatch(guid) is None:
        return Rejected(status=400, reason="X-GitHub-Delivery is not a GUID.")
    if _EVENT.fullmatch(event) is None:
        return Rejected(status=400, reason="X-GitHub-Event is not an event's name.")
    if found.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return Rejected(status=400, reason="The content type must be application/json.")
    return Delivery(id=DeliveryId(guid.decode().lower()), event=event.decode(), body=body)


def declared_too_long(headers: Headers) -> bool:
    """True when the request announces more than the limit, so that it is refused before it is read."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > MAX_BODY_BYTES:
            return True
    return False
