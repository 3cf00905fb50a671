"""Asking an endpoint how many tokens a text is: requests and answers of the four that offer it. Pure.

Sources: the servers' own API pages (vLLM and llama.cpp `POST /tokenize`, TGI `POST /tokenize`, Anthropic
`POST /v1/messages/count_tokens`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from config.models import TokenizerRoute


@dataclass(frozen=True, kw_only=True)
class Question:
    path: str
    """Below the server's root, not below `/v1`."""
    body: Mapping[str, Any]


SERVERS = (TokenizerRoute.VLLM, TokenizerRoute.TGI, TokenizerRoute.LLAMA_CPP)
"""All three answer on one path, and each only to its own form: the order of asking decides nothing."""


def question(route: TokenizerRoute, model_id: str, text: str) -> Question | None:
    match route:
        case TokenizerRoute.NONE:
            return None
        case TokenizerRoute.VLLM:
            return Question(path="/tokenize", body={"model": model_id, "prompt": text})
        case TokenizerRoute.LLAMA_CPP:
            return Question(path="/tokenize", body={"content": text, "add_special": True})
        case TokenizerRoute.TGI:
            return Question(path="/tokenize", body={"inputs": text})
        case TokenizerRoute.ANTHROPIC:
            turns = [{"role": "user", "content": text}]
            return Question(path="/v1/messages/count_tokens", body={"model": model_id, "messages": turns})
        case _:
            assert_never(route)


def answer(route: TokenizerRoute, body: object) -> int | None:
    """The count; None where the body is not this route's answer."""
    match route, body:
        case TokenizerRoute.VLLM, {"count": int(count)}:
            return count
        case TokenizerRoute.LLAMA_CPP, {"tokens": list(tokens), **rest} if "count" not in rest:
            return len(tokens)
        case TokenizerRoute.TGI, list(tokens):
            return len(tokens)
        case TokenizerRoute.ANTHROPIC, {"input_tokens": int(count)}:
            return count
        case _:
            return None
