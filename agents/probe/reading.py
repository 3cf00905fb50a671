"""What an endpoint's answers to a probe say. Pure, and believing nothing: any value may have any type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.models.reading import untold
from agents.probe.record import Found

_WINDOW_KEYS = ("max_model_len", "max_context_length", "context_length", "context_window", "max_input_tokens", "n_ctx")
_OUTPUT_KEYS = ("max_output_tokens", "max_completion_tokens", "max_tokens")
_IN_TEXT = (
    ("window", re.compile(r"maximum context length is (\d[\d,]*)")),
    ("window", re.compile(r"context size \(?(\d[\d,]*) tokens")),
    ("window", re.compile(r"must be <= ?(\d[\d,]*)")),
    ("window", re.compile(r"(\d[\d,]*) maximum context length")),
    ("output", re.compile(r"at most (\d[\d,]*) (?:completion|output) tokens")),
    ("output", re.compile(r"> (\d[\d,]*), which is the maximum")),
    ("output", re.compile(r"range of max_tokens is \[\d+, ?(\d[\d,]*)\]")),
    ("output", re.compile(r"less than or equal to (\d[\d,]*)")),
)
_CUT = ("length", "max_tokens")
"""How the wires say that an answer came to the limit of its length."""
CHATTER = 8
"""Words around an answer that are politeness; base models go on for longer."""
_VERSION = re.compile(r"[-@:]?(?:latest|preview|\d{4}-?\d{2}-?\d{2}|\d{4}|v?\d{3})$")


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A good answer of any of the three wires."""

    text: str = ""
    calls: tuple[str, ...] = ()
    """Names of the tools it called."""
    finish: str = ""
    model: str = ""
    usage_fields: tuple[str, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0


def heard(body: object) -> Heard:
    """An answer of Messages, Chat Completions or Completions; an empty one where it is none of them."""
    if not isinstance(body, Mapping):
        return Heard()
    usage = _mapping(body.get("usage"))
    prompt, output = _prompt_tokens(usage), _count(usage.get("completion_tokens", usage.get("output_tokens")))
    cached = _count(_mapping(usage.get("prompt_tokens_details")).get("cached_tokens"))
    said: dict[str, Any] = {
        "model": _text(body.get("model")),
        "usage_fields": tuple(sorted(key for key, value in usage.items() if isinstance(value, int))),
        "input_tokens": prompt,
        "output_tokens": output + untold(prompt, output, usage.get("total_tokens"), cached),
    }
    if isinstance(body.get("content"), list):
        blocks = [_mapping(block) for block in body["content"]]
        return Heard(
            text="".join(_text(block.get("text")) for block in blocks),
            calls=tuple(_text(block.get("name")) for block in blocks if block.get("type") == "tool_use"),
            finish=_text(body.get("stop_reason")),
            **said,
        )
    choices = body.get("choices")
    first = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    message = _mapping(first.get("message"))
    calls = message.get("tool_calls")
    return Heard(
        text=_text(message.get("content")) or _text(first.get("text")),
        calls=tuple(_text(_mapping(_mapping(call).get("function")).get("name")) for call in _list(calls)),
        finish=_text(first.get("finish_reason")),
        **said,
    )


def listed(body: object, model_id: str) -> Mapping[str, Any] | None:
    """The model's own entry of a `/models` answer; empty where it is not in the list, None where there is no list."""
    data = _mapping(body).get("data")
    if not isinstance(data, list):
        return None
    return next((one for one in map(_mapping, data) if one.get("id") == model_id), {})


def sizes_of_entry(entry: Mapping[str, Any]) -> tuple[int, int]:
    """(window, output limit) by a model's entry; 0 where it does not say."""
    places = [entry, _mapping(entry.get("meta")), _mapping(entry.get("top_provider"))]
    return _first(places, _WINDOW_KEYS), _first(places, _OUTPUT_KEYS)


def sizes_of_refusal(text: str) -> tuple[int, int]:
    """(window, output limit) by the words of a refusal."""
    found = {"window": 0, "output": 0}
    for what, pattern in _IN_TEXT:
        match = pattern.search(text)
        if match and not found[what]:
            found[what] = int(match[1].replace(",", ""))
    return found["window"], found["output"]


def served_window(body: object, model_id: str) -> int:
    """The window by llama.cpp's `/props`, Ollama's `/api/ps` or TGI's `/info`; 0 where it does not say."""
    said = _mapping(body)
    names = (model_id, f"{model_id}:latest")
    loaded = [one for one in map(_mapping, _list(said.get("models"))) if one.get("name") in names]
    places = [_mapping(said.get("default_generation_settings")), said, *loaded]
    return _first(places, ("n_ctx", "context_length", "max_total_tokens"))


def follows(said: Heard, question: str, words: Sequence[str]) -> Found:
    """Whether an answer is the words that were asked for, each once, with little around them. UNKNOWN where thinking
    used up the answer's length."""
    text = said.text.rpartition("</think>")[2].partition("<think>")[0].strip()  # some templates open it themselves
    if said.finish in _CUT:
        return Found.NO if text else Found.UNKNOWN
    own = re.findall(r"[a-z]+", text.lower())
    answered = [word for word in own if word in words] == list(words)
    return Found.YES if answered and len(own) <= len(words) + CHATTER and question not in text else Found.NO


def tools_found(said: Heard, tool: str) -> tuple[Found, Found]:
    """(tools, several at once)."""
    own = [name for name in said.calls if name == tool]
    if not own:
        return Found.NO, Found.NO
    return Found.YES, Found.YES if len(own) > 1 else Found.NO


def stop_found(text: str, before: str, stop: str, after: str) -> Found:
    """Whether a text that was to hold three words ended before the second."""
    if stop in text or after in text:
        return Found.NO
    return Found.YES if before in text else Found.UNKNOWN


def limit_found(said: Heard, most: int) -> Found:
    if said.finish in _CUT:
        return Found.YES if said.output_tokens <= 2 * most else Found.NO
    return Found.NO if said.output_tokens > 2 * most or len(said.text) > 12 * most else Found.UNKNOWN


def was_cut(said: Heard, words: int, margin: int) -> Found:
    """Whether a prompt of so many words was read in part only; the endpoint's own count tells, within a margin."""
    if said.input_tokens <= 0:
        return Found.UNKNOWN
    return Found.YES if said.input_tokens < words - margin else Found.NO


def same_model(asked: str, answered: str) -> bool:
    """Whether a name may stand for another: with or without its owner, its date, or `latest`."""
    one, other = _stem(asked), _stem(answered)
    return not answered or one == other or one.startswith(other) or other.startswith(one)


def _stem(name: str) -> str:
    """The name without its owner, its file's ending and its versions."""
    stem = name.lower().rstrip("/").rsplit("/", 1)[-1].removesuffix(".gguf")
    while (shorter := _VERSION.sub("", stem)) != stem and shorter:
        stem = shorter
    return stem


def _prompt_tokens(usage: Mapping[str, Any]) -> int:
    if "prompt_tokens" in usage:
        return _count(usage["prompt_tokens"])
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(_count(usage.get(part)) for part in parts)


def _first(places: list[Mapping[str, Any]], keys: tuple[str, ...]) -> int:
    return next((count for count in _counts(places, keys) if count), 0)


def _counts(places: list[Mapping[str, Any]], keys: tuple[str, ...]) -> Iterator[int]:
    for key in keys:
        for place in places:
            yield _count(place.get(key))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
