"""What a probe asks, in each wire's form. Pure. All are small but the one that goes over a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.models import Adapter, ModelSpec

READY = "ready"
HELLO = f"Answer with the one word: {READY}"
COUNT = "Count from 1 to 200, separated by commas. Write nothing else."
BEFORE_STOP, STOP, AFTER_STOP = "alpha", "bravo", "charlie"
SPELLED = (BEFORE_STOP, STOP, AFTER_STOP)
SPELL = f"Repeat these three words in this order, separated by spaces, and nothing else: {' '.join(SPELLED)}"
TOOL = "note"
USE_TOOLS = (
    f"Call the tool `{TOOL}` two times at once, in one answer: with the word {BEFORE_STOP}, and with {AFTER_STOP}."
)
CODE_BEFORE = "def add(a, b):\n    return"
CODE_AFTER = "\n\n\n" + "".join(f"def other_{n}(x):\n    return x + {n}\n\n\n" for n in range(12))
"""Long enough that a server which drops it counts visibly fewer tokens."""
ANSWER_TOKENS = 1_024
"""Thinking may come before the word."""
SHORT = 16
ENORMOUS = 10_000_000
"""An output limit that nothing has: the refusal says what the limit is."""
LARGE_WINDOW = 40_000
"""Windows up to this are tried by going over them; for larger ones `LONG` words must do."""
LARGE_FREE_WINDOW = 131_072
"""The same where tokens cost nothing; larger ones are tried up to this. A server that refuses, or cuts, does so before
it reads; only one that really holds so much reads it all, in seconds to minutes."""
LONG = 9_000
OVER = 1_000
_SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
_ABOUT = "Note one word."


def chat(
    spec: ModelSpec, text: str, *, most: int = ANSWER_TOKENS, tools: bool = False, stop: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """One turn of a conversation, not streamed."""
    asked: dict[str, Any] = {"model": spec.model_id}
    if spec.adapter is Adapter.ANTHROPIC:
        asked["messages"] = [{"role": "user", "content": [{"type": "text", "text": text}]}]
        asked["max_tokens"] = most
        if tools:
            asked["tools"] = [{"name": TOOL, "description": _ABOUT, "input_schema": _SCHEMA}]
        return {**asked, **({"stop_sequences": list(stop)} if stop else {})}
    asked["messages"] = [{"role": "user", "content": text}]
    asked[spec.max_tokens_field.value] = most
    if tools:
        function = {"name": TOOL, "description": _ABOUT, "parameters": _SCHEMA}
        asked["tools"] = [{"type": "function", "function": function}]
    return {**asked, **({"stop": list(stop)} if stop else {})}


def completion(
    spec: ModelSpec, prompt: str, *, most: int = SHORT, suffix: str = "", stop: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    asked: dict[str, Any] = {"model": spec.model_id, "prompt": prompt, "max_tokens": most}
    if suffix:
        asked["suffix"] = suffix
    return {**asked, **({"stop": list(stop)} if stop else {})}


def most_of(body: Mapping[str, Any]) -> int:
    """The output tokens that a question of any wire allows."""
    return next(int(body[key]) for key in ("max_tokens", "max_completion_tokens", "n_predict") if key in body)


def long_text(words: int) -> str:
    """About as many tokens as words for any tokenizer: one short common word, again and again."""
    return " ".join(["the"] * words)


def words_for(window: int, *, is_free: bool) -> int:
    """How long a prompt must be to show whether long ones are cut."""
    if is_free:
        return min(window, LARGE_FREE_WINDOW) + OVER
    return window + OVER if window <= LARGE_WINDOW else LONG
