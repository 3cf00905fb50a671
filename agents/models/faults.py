"""What an endpoint's complaint means to us: one table for both SDKs. Pure.

Sources: the error pages of the Anthropic and OpenAI APIs, and the texts that vLLM, llama.cpp, DeepSeek and Gemini give
for a conversation that is too long (they share no code for it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from agents.errors import ContextOverflow, Fault, IncompleteReply, ModelError, ModelRefused, ModelUnavailable

MOST_CHARACTERS = 400
"""Of an endpoint's own words that are kept in an error."""

_TOO_LONG = re.compile(
    r"prompt is too long|context[ _-]?(length|window|size)|maximum context|exceeds? the (maximum|available)"
    r"|too many (input )?tokens|input token count|reduce the length|exceed_context",
    re.IGNORECASE,
)
_TRY_LATER = re.compile(r"overloaded|rate_?limit|timeout|server_?error|^api_error$|unavailable", re.IGNORECASE)
_USELESS = re.compile(
    r"authentication|permission|invalid_?request|not_?found|billing|insufficient_?quota|invalid_api_key",
    re.IGNORECASE,
)
_OUT_OF_MONEY = re.compile(r"insufficient_?quota|billing|payment", re.IGNORECASE)
_KEY = re.compile(r"authentication|permission|invalid_api_key", re.IGNORECASE)
_KEY_TEXT = re.compile(r"\bapi[ _-]?key (is )?(not valid|invalid|incorrect)", re.IGNORECASE)
_MISSING = re.compile(r"not_?found", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """What an endpoint answered instead of a reply."""

    status: int
    """Of the HTTP response; 200 for an error inside a stream."""
    kind: str = ""
    """The vendor's type or code of the error, as far as it gave one."""
    text: str = ""
    retry_after: float | None = None
    again: bool = True
    """False where the endpoint said `x-should-retry: false`."""


def translate(model: str, complaint: Complaint) -> ModelError:
    """The error of ours that a complaint stands for. One that came instead of an answer is charged by nobody,
    unless it only says that nobody waited for the answer."""
    error = _translated(model, complaint)
    error.unpaid = complaint.status >= 300 and complaint.status not in _OUT_OF_TIME
    return error


_OUT_OF_TIME = (408, 499, 504, 524)
"""Somebody on the way stopped waiting: the model behind may have answered all the same."""


def _translated(model: str, complaint: Complaint) -> ModelError:
    said = f": {complaint.text}" if complaint.text else ""
    status = complaint.status
    if _is_too_long(complaint):
        return ContextOverflow(f"{model}: the conversation does not fit the model's window{said}")
    if status < 300:
        return _in_stream(model, complaint, said)
    if status < 400:
        return ModelRefused(f"{model}: the endpoint redirects elsewhere (status {status}); correct its address")
    if status == 429 and _OUT_OF_MONEY.search(complaint.kind):
        return ModelRefused(f"{model}: the account has no quota left{said}", fault=Fault.QUOTA)
    if status in (408, 409, 425, 429) or status >= 500:
        return ModelUnavailable(
            f"{model}: the endpoint answered {status}{said}",
            retry_after=complaint.retry_after,
            again=complaint.again,
        )
    refused = f"{model}: the endpoint refused the request with {status}{said}"
    return ModelRefused(refused, fault=_STATUS_FAULTS.get(status) or _kind_fault(complaint))


_STATUS_FAULTS = {401: Fault.KEY, 402: Fault.QUOTA, 403: Fault.KEY, 404: Fault.MISSING, 410: Fault.MISSING}


def _kind_fault(complaint: Complaint) -> Fault:
    """By the vendor's own word; Gemini answers a wrong key with 400 and says so only in its text."""
    if _OUT_OF_MONEY.search(complaint.kind):
        return Fault.QUOTA
    if _KEY.search(complaint.kind) or _KEY_TEXT.search(complaint.text):
        return Fault.KEY
    return Fault.MISSING if _MISSING.search(complaint.kind) else Fault.REQUEST


def _in_stream(model: str, complaint: Complaint, said: str) -> ModelError:
    """An error event after status 200: only its type says what it is."""
    if _USELESS.search(complaint.kind):
        refused = f"{model}: the endpoint refused the request ({complaint.kind}){said}"
        return ModelRefused(refused, fault=_kind_fault(complaint))
    if _TRY_LATER.search(complaint.kind):
        return ModelUnavailable(
            f"{model}: the endpoint broke off ({complaint.kind}){said}",
            retry_after=complaint.retry_after,
            again=complaint.again,
        )
    return IncompleteReply(f"{model}: the reply broke off with an error{said}")


def _is_too_long(complaint: Complaint) -> bool:
    if complaint.status == 413:
        return True
    words = f"{complaint.kind} {complaint.text}"
    return complaint.status in (200, 400, 422, 500) and _TOO_LONG.search(words) is not None


def read_body(body: object) -> tuple[str, str]:
    """(kind, text) of an error body: `{"error": {"type", "code", "message"}}`, or the inner object, or anything.

    Gemini sends a list of one; TGI `{"error": text, "error_type"}`; Mistral a list of faults as `detail` or `message`.
    """
    if isinstance(body, list) and body:
        body = body[0]
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(inner, Mapping):
        kind = body.get("error_type") if isinstance(body, Mapping) else None
        return kind if isinstance(kind, str) else "", inner if isinstance(inner, str) else ""
    words = [str(inner[key]) for key in ("type", "code", "status") if isinstance(inner.get(key), str | int)]
    return " ".join(words), _said(inner.get("message") or inner.get("detail") or "")


def _said(message: object) -> str:
    match message:
        case str():
            return message
        case {"detail": list() as faults} | [*faults]:
            return "; ".join(str(one["msg"]) for one in faults if isinstance(one, Mapping) and "msg" in one)
        case _:
            return ""


def plain(text: str, *, key: str = "") -> str:
    """An endpoint's words, on one line, bounded, and without the key (some endpoints repeat it)."""
    if key:
        text = text.replace(key, "[key]")
    line = " ".join(text.split())
    return line if len(line) <= MOST_CHARACTERS else line[: MOST_CHARACTERS - 1] + "…"


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait by `retry-after-ms` or `Retry-After` (seconds or a date, RFC 9110 section 10.2.3)."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the second for a year or a zone that no clock has
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds())


def try_again(headers: Mapping[str, str]) -> bool:
    """What `x-should-retry` says; both vendors' SDKs obey it, and theirs are switched off here."""
    return headers.get("x-should-retry", "").strip().lower() != "false"


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,9}(\.\d{1,6})?\s*", text) else None
