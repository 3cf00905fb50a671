"""Payloads in GitHub's shape and their signed requests, as small as the bot's own reading of them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from bot.types import Delivery, DeliveryId
from bot.webhook import sign

SECRET = "a-webhook-secret"
SHA = "a" * 40
HEAD = "b" * 40


def guid() -> str:
    return str(uuid.uuid4())


def common(action: str, *, sender: str = "mona", sender_type: str = "User") -> dict[str, Any]:
    return {
        "action": action,
        "repository": {"id": 7, "full_name": "octo/shop", "default_branch": "main"},
        "installation": {"id": 99},
        "sender": {"login": sender, "type": sender_type},
    }


def issue(number: int = 3, *, body: str | None = "It crashes.", pull: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        "number": number,
        "title": "A bug",
        "body": body,
        "labels": [{"name": "redgreen"}],
        "user": {"login": "ada"},
    }
    return {**found, "pull_request": {"url": "..."}} if pull else found


def labeled(label: str = "redgreen", *, number: int = 3, sender: str = "mona", pull: bool = False) -> dict[str, Any]:
    return {**common("labeled", sender=sender), "issue": issue(number, pull=pull), "label": {"name": label}}


def commented(
    body: str, *, number: int = 3, sender: str = "mona", sender_type: str = "User", pull: bool = False
) -> dict[str, Any]:
    return {
        **common("created", sender=sender, sender_type=sender_type),
        "issue": issue(number, pull=pull),
        "comment": {"id": 555, "body": body},
    }


def pull_request(
    action: str = "opened",
    *,
    number: int = 8,
    head_ref: str = "topic",
    draft: bool = False,
    merged: bool = False,
    head_repository: str | None = "octo/shop",
    sender: str = "mona",
    sender_type: str = "User",
) -> dict[str, Any]:
    head_repo = {"full_name": head_repository} if head_repository else None
    return {
        **common(action, sender=sender, sender_type=sender_type),
        "pull_request": {
            "number": number,
            "title": "Change",
            "draft": draft,
            "merged": merged,
            "user": {"login": sender},
            "merge_commit_sha": SHA if merged else None,
            "base": {"sha": SHA, "ref": "main", "repo": {"full_name": "octo/shop"}},
            "head": {"sha": HEAD, "ref": head_ref, "repo": head_repo},
        },
    }


def check_rerequested(external_id: str, head_sha: str = HEAD) -> dict[str, Any]:
    return {**common("rerequested"), "check_run": {"head_sha": head_sha, "external_id": external_id}}


def delivery(event: str, payload: dict[str, Any], *, id: str = "") -> Delivery:
    return Delivery(id=DeliveryId(id or guid()), event=event, body=json.dumps(payload).encode())


def headers(event: str, body: bytes, *, id: str = "", secret: str = SECRET) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": id or guid(),
        "x-hub-signature-256": sign(body, secret.encode()),
    }
