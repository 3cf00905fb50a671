"""What each endpoint of the lineup answers when it is busy, and when it does not know a key: status, headers and body
as that vendor gives them.

Sources: the vendors' error pages, and answers that users pasted into public issues (Mistral: raycast/extensions#31107,
BerriAI/litellm#25078; Gemini: google-gemini/gemini-cli#7392, cline/cline#4874, cequence-io/openai-scala-client#109;
Anthropic: anthropics/claude-code#42132). TGI's and llama.cpp's are their servers' own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support.model_server import Answer, anthropic_pieces, sse


def _json(status: int, body: object, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status=status, headers={"Content-Type": "application/json", **sent}, pieces=(json.dumps(body).encode(),)
    )


def _anthropic(status: int, kind: str, message: str, **headers: str) -> Answer:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CZdPk"}
    return _json(status, body, **headers)


def _in_stream(kind: str, message: str) -> Answer:
    """Anthropic's other way: the stream has begun, with status 200, and then an error event ends it."""
    error = {"type": "error", "error": {"type": kind, "message": message}}
    return Answer(pieces=(anthropic_pieces()[0], sse("error", error)), hang_up=True)


def _openai(status: int, kind: str, code: str | None, message: str, **headers: str) -> Answer:
    return _json(status, {"error": {"message": message, "type": kind, "param": None, "code": code}}, **headers)


def _gemini(status: int, word: str, message: str, *details: Mapping[str, Any]) -> Answer:
    """A list of one, pretty-printed by nobody here; how long to wait stands in the details, in no header."""
    return _json(status, [{"error": {"code": status, "message": message, "status": word, "details": list(details)}}])


def _mistral(status: int, kind: str, code: str, message: str, **headers: str) -> Answer:
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": code, "raw_status_code": status}
    return _json(status, body, **headers)


def _dashscope(status: int, kind: str, message: str, **headers: str) -> Answer:
    error = {"code": kind, "param": None, "message": message, "type": kind}
    return _json(status, {"error": error, "id": "chatcmpl-1", "request_id": "1"}, **headers)


def _proxy(status: int, words: str) -> Answer:
    """What stands before a server of the house while that restarts."""
    page = f"<html>\r\n<head><title>{status} {words}</title></head>\r\n<body><center><h1>{status} {words}</h1></center>"
    return Answer(status=status, headers={"Content-Type": "text/html", "Retry-After": "1"}, pieces=(page.encode(),))


_RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}
_VLLM_BUSY = {"object": "error", "message": "The server is overloaded", "type": "ServiceUnavailableError",
              "param": None, "code": 503}  # fmt: skip
_OLLAMA_BUSY = "server busy, please try again.  maximum pending requests exceeded"

PASSING: Mapping[str, tuple[Answer, ...]] = {
    "anthropic": (
        _anthropic(529, "overloaded_error", "Overloaded", x_should_retry="true"),
        _anthropic(
            429, "rate_limit_error", "This request would exceed your account's rate limit. Please try again later.",
            retry_after="2", anthropic_ratelimit_requests_remaining="0",
        ),
        _in_stream("overloaded_error", "Overloaded"),
    ),
    "openai": (
        _openai(
            429, "tokens", "rate_limit_exceeded",
            "Rate limit reached for the model on tokens per min (TPM): Limit 30000, Used 30000. Try again in 1.2s.",
            retry_after_ms="1200", retry_after="2", x_ratelimit_remaining_tokens="0",
        ),
        _openai(503, "server_error", None, "The engine is currently overloaded, please try again later"),
    ),
    "gemini": (
        _gemini(
            429, "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan and billing details. Please retry in 2s.",
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": []}, _RETRY_INFO,
        ),
        _gemini(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    ),
    "deepseek": (
        _openai(503, "service_unavailable_error", "service_unavailable_error", "Service is too busy."),
        _openai(429, "rate_limit_error", "rate_limit_error", "Rate limit reached", retry_after="1"),
    ),
    "dashscope": (
        _dashscope(429, "limit_requests", "You exceeded your current requests list.", retry_after="1"),
        _dashscope(503, "service_unavailable", "Too many requests. Your requests are being throttled."),
    ),
    "mistral": (
        _mistral(429, "rate_limited", "1300", "Rate limit exceeded", retry_after="1"),
        _mistral(503, "service_tier_capacity_exceeded", "3505", "Service tier capacity exceeded for this model."),
    ),
    "vllm": (_json(503, _VLLM_BUSY), _proxy(502, "Bad Gateway")),
    "vllm-base": (_json(503, {"error": _VLLM_BUSY}), _proxy(504, "Gateway Time-out")),
    "ollama": (_openai(503, "api_error", None, _OLLAMA_BUSY),),
    "tgi": (_json(429, {"error": "Model is overloaded", "error_type": "overloaded"}),),
    "llama_cpp": (_json(503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),),
}  # fmt: skip
"""By the vendor's name: answers that another try mends."""

UNKNOWN_KEY: Mapping[str, Answer] = {
    "anthropic": _anthropic(401, "authentication_error", "invalid x-api-key"),
    "openai": _openai(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-line***6789."),
    "gemini": _gemini(
        400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"},
    ),
    "deepseek": _openai(
        401, "authentication_error", "invalid_request_error", "Authentication Fails, Your api key: ****6789 is invalid"
    ),
    "dashscope": _openai(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "mistral": _json(401, {"detail": "Unauthorized"}),
}  # fmt: skip
"""By the vendor's name, for those who want a key."""


def asked_wait(answer: Answer) -> float:
    """The seconds that its headers ask for; 0 where they do not."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if milliseconds := headers.get("retry-after-ms"):
        return float(milliseconds) / 1000
    return float(headers.get("retry-after", 0))
