"""Headers + body + secret -> Delivery."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from bot.errors import UsageError
from bot.types import Delivery
from bot.webhook import MAX_BODY_BYTES, Rejected, declared_too_long, receive, secret_key, sign

KEY = b"secret"
BODY = b'{"action": "opened"}'
GUID = b"72d3162e-cc78-11e3-81ab-4c9367dc0958"


def headers(**changes: bytes | None) -> list[tuple[bytes, bytes]]:
    wanted: dict[str, bytes | None] = {
        "x-hub-signature-256": sign(BODY, KEY).encode(),
        "x-github-delivery": GUID,
        "x-github-event": b"issues",
        "content-type": b"application/json",
        "user-agent": b"GitHub-Hookshot/abc",
    }
    wanted |= {name.replace("_", "-"): value for name, value in changes.items()}
    return [(name.encode(), value) for name, value in wanted.items() if value is not None]


def test_a_signed_request_is_a_delivery_with_its_raw_body() -> None:
    assert receive(headers(), BODY, KEY) == Delivery(id=GUID.decode(), event="issues", body=BODY)


def test_the_signature_is_githubs_documented_example() -> None:
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign(b"Hello, World!", b"It's a Secret to Everybody") == expected


@pytest.mark.parametrize(
    "signature",
    [
        None,
        b"",
        b"sha256=",
        b"sha256=" + b"0" * 64,
        sign(BODY, b"another").encode(),
        sign(BODY, KEY).encode().upper(),
        sign(BODY, KEY).encode() + b" ",
        sign(BODY, KEY).encode()[7:],
        b"sha1=" + hmac.new(KEY, BODY, hashlib.sha1).hexdigest().encode(),
        "sha256=é".encode(),
    ],
)
def test_a_missing_or_wrong_signature_is_401(signature: bytes | None) -> None:
    refused = receive(headers(x_hub_signature_256=signature), BODY, KEY)
    assert isinstance(refused, Rejected)
    assert refused.status == 401


def test_a_changed_body_is_401() -> None:
    assert receive(headers(), BODY + b" ", KEY) == receive(headers(x_hub_signature_256=None), BODY, KEY)


def test_the_signature_is_checked_before_anything_else_is_looked_at() -> None:
    refused = receive(headers(x_hub_signature_256=None, x_github_event=b"?", x_github_delivery=b"?"), BODY, KEY)
    assert isinstance(refused, Rejected)
    assert refused.status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"x_github_delivery": None},
        {"x_github_delivery": b"not-a-guid"},
        {"x_github_delivery": GUID + b"0"},
        {"x_github_event": None},
        {"x_github_event": b"Issues\n"},
        {"x_github_event": b"a" * 65},
        {"content_type": None},
        {"content_type": b"application/x-www-form-urlencoded"},
    ],
)
def test_a_malformed_header_under_a_good_signature_is_400(changes: dict[str, bytes | None]) -> None:
    refused = receive(headers(**changes), BODY, KEY)
    assert isinstance(refused, Rejected)
    assert refused.status == 400


def test_a_header_sent_twice_is_400() -> None:
    refused = receive([*headers(), (b"x-github-delivery", GUID)], BODY, KEY)
    assert isinstance(refused, Rejected)
    assert refused.status == 400


def test_a_charset_after_the_content_type_is_accepted() -> None:
    assert isinstance(receive(headers(content_type=b"application/json; charset=utf-8"), BODY, KEY), Delivery)


def test_the_same_guid_in_another_case_is_the_same_delivery() -> None:
    upper = receive(headers(x_github_delivery=GUID.upper()), BODY, KEY)
    assert upper == receive(headers(), BODY, KEY)


def test_a_body_that_is_not_json_is_still_a_delivery() -> None:
    body = b"\xff not json"
    assert isinstance(receive(headers(x_hub_signature_256=sign(body, KEY).encode()), body, KEY), Delivery)


@pytest.mark.parametrize("secret", ["", "  ", "\n"])
def test_no_secret_no_start(secret: str) -> None:
    with pytest.raises(UsageError, match="secret is empty"):
        secret_key(secret)


def test_a_secret_is_used_as_it_is() -> None:
    assert secret_key("ключ ") == "ключ ".encode()


def test_a_declared_length_over_the_limit_is_seen_before_reading() -> None:
    assert declared_too_long([(b"content-length", str(MAX_BODY_BYTES + 1).encode())])
    assert declared_too_long([(b"content-length", b"9" * 5000)])
    assert not declared_too_long([(b"content-length", str(MAX_BODY_BYTES).encode())])
    assert not declared_too_long([(b"content-length", b"x"), (b"host", b"h")])
