"""Endpoints of the lineup on this machine: each speaks its vendor's wire, and a player plays the model.

What differs between vendors is data here: which routes there are, how usage is named, how errors look, whose tokenizer
answers. A window is kept strictly: what does not fit is refused with that vendor's words, before any answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.model_server import (
    DONE,
    Answer,
    Call,
    Received,
    anthropic_pieces,
    anthropic_problems,
    chunk,
    openai_pieces,
    openai_problems,
)

_TOKEN = re.compile(r"[A-Za-z]{1,4}|[0-9]|[ \t]{1,4}|[^\x00-\x7f]|.", re.DOTALL)


def tokens(text: str) -> int:
    """This machine's tokenizer: denser than any real one, sparser than the product's estimate of it."""
    return sum(1 if piece.isascii() else len(piece.encode()) for piece in _TOKEN.findall(text))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the player sees it."""

    kind: str
    """chat, completion or infill"""
    text: str
    """All that was said, or the prompt; of a gap what stands before it."""
    after: str = ""
    turn: int = 0
    """Answers so far (chat)."""
    tools: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Said:
    text: str = ""
    calls: tuple[Call, ...] = ()
    thinking: str = ""


Player = Callable[[Asked], Said]
JSON = {"Content-Type": "application/json"}


def as_json(body: object, status: int = 200) -> Answer:
    return Answer(status=status, headers=JSON, pieces=(json.dumps(body).encode(),))


# --- errors, each in its vendor's shape --------------------------------------------------------------------------


def openai_error(status: int, kind: str, message: str) -> Answer:
    return as_json({"error": {"message": message, "type": kind, "param": None, "code": kind}}, status)


def anthropic_error(status: int, kind: str, message: str) -> Answer:
    return as_json({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}, status)


def gemini_error(status: int, kind: str, message: str) -> Answer:
    return as_json([{"error": {"code": status, "message": message, "status": kind.upper()}}], status)


def mistral_error(status: int, kind: str, message: str) -> Answer:
    if status == 422:
        return as_json({"detail": [{"type": kind, "loc": ["body"], "msg": message}]}, status)
    return as_json({"object": "error", "message": message, "type": kind, "param": None, "code": "3051"}, status)


def dashscope_error(status: int, kind: str, message: str) -> Answer:
    return as_json({"error": {"code": kind, "param": None, "message": message, "type": kind}, "id": "x"}, status)


def vllm_error(status: int, kind: str, message: str) -> Answer:
    return as_json({"object": "error", "message": message, "type": kind, "param": None, "code": status}, status)


def tgi_error(status: int, kind: str, message: str) -> Answer:
    return as_json({"error": message, "error_type": kind}, status)


def llama_cpp_error(status: int, kind: str, message: str) -> Answer:
    return as_json({"error": {"code": status, "message": message, "type": kind}}, status)


# --- the vendors -------------------------------------------------------------------------------------------------


def plain_usage(prompt: int, output: int) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}


def openai_usage(prompt: int, output: int) -> dict[str, Any]:
    details = {"prompt_tokens_details": {"cached_tokens": prompt // 2}}
    return {**plain_usage(prompt, output), **details, "completion_tokens_details": {"reasoning_tokens": output // 2}}


def deepseek_usage(prompt: int, output: int) -> dict[str, Any]:
    hit = prompt // 2
    return {
        **plain_usage(prompt, output), "prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": prompt - hit
    }  # fmt: skip


def anthropic_usage(prompt: int, output: int) -> dict[str, Any]:
    read = prompt // 2
    return {"input_tokens": prompt - read, "cache_read_input_tokens": read, "output_tokens": output}


@dataclass(frozen=True, kw_only=True)
class Vendor:
    name: str
    error: Callable[[int, str, str], Answer] = openai_error
    usage: Callable[[int, int], dict[str, Any]] = plain_usage
    too_long: tuple[int, str, str] = (
        400,
        "context_length_exceeded",
        "This model's maximum context length is {window} tokens. However, your messages resulted in {asked} tokens.",
    )
    routes: frozenset[str] = frozenset({"chat"})
    """chat, completions, fim (Mistral), infill (llama.cpp), messages (Anthropic)"""
    takes_suffix: bool = False
    """/completions fills gaps"""
    takes_tools: bool = True
    tokenizer: str = ""
    listing: Callable[[str, int], object] = lambda model, window: {"object": "list", "data": [{"id": model}]}
    same_index: bool = False
    """All parallel calls have the index 0 (Gemini)."""
    key_refused: tuple[int, str, str] = (401, "authentication_error", "Incorrect API key provided")
    rambles: bool = False
    """A base model: a conversation is put into the server's own template, and it goes on as with any text."""
    own_window: Callable[[str, int], tuple[str, object]] = lambda model, window: ("", None)
    """Path and answer of the server's own route that says what it was started with."""


def vllm_listing(model: str, window: int) -> object:
    return {"object": "list", "data": [{"id": model, "object": "model", "max_model_len": window}]}


def mistral_listing(model: str, window: int) -> object:
    return {"object": "list", "data": [{"id": model, "max_context_length": window, "aliases": []}]}


def llama_cpp_listing(model: str, window: int) -> object:
    return {"object": "list", "data": [{"id": model, "meta": {"n_ctx_train": 2 * window}}]}


def anthropic_listing(model: str, window: int) -> object:
    return {"data": [{"id": model, "type": "model", "max_input_tokens": window, "max_tokens": 64_000}]}


def llama_cpp_props(model: str, window: int) -> tuple[str, object]:
    return "/props", {"default_generation_settings": {"id": 0, "n_ctx": window}, "total_slots": 1, "model_path": model}


def ollama_ps(model: str, window: int) -> tuple[str, object]:
    return "/api/ps", {"models": [{"name": model, "model": model, "size": 9, "context_length": window}]}


def tgi_info(model: str, window: int) -> tuple[str, object]:
    return "/info", {"model_id": model, "max_input_tokens": window - 1, "max_total_tokens": window}


OPENAI = Vendor(name="openai", usage=openai_usage)
ANTHROPIC = Vendor(
    name="anthropic",
    error=anthropic_error,
    usage=anthropic_usage,
    routes=frozenset({"messages"}),
    too_long=(400, "invalid_request_error", "prompt is too long: {asked} tokens > {window} maximum"),
    tokenizer="anthropic",
    listing=anthropic_listing,
)
GEMINI = Vendor(
    name="gemini",
    error=gemini_error,
    key_refused=(400, "invalid_argument", "API key not valid. Please pass a valid API key."),
    too_long=(400, "invalid_argument", "The input token count ({asked}) exceeds the maximum number of tokens allowed."),
    same_index=True,
)
DEEPSEEK = Vendor(name="deepseek", usage=deepseek_usage)
DASHSCOPE = Vendor(
    name="dashscope",
    error=dashscope_error,
    usage=openai_usage,
    too_long=(400, "invalid_parameter_error", "Range of input length should be [1, {window}]: too many tokens"),
)
MISTRAL = Vendor(
    name="mistral",
    error=mistral_error,
    too_long=(
        400,
        "invalid_request_error",
        "Prompt contains {asked} tokens, too large for model with {window} maximum context length",
    ),
    routes=frozenset({"chat", "fim"}),
    listing=mistral_listing,
)
VLLM = Vendor(
    name="vllm",
    error=vllm_error,
    too_long=(
        400,
        "BadRequestError",
        "This model's maximum context length is {window} tokens. However, you requested {asked} tokens.",
    ),
    routes=frozenset({"chat", "completions"}),
    tokenizer="vllm",
    listing=vllm_listing,
)
VLLM_BASE = Vendor(
    name="vllm-base",
    error=vllm_error,
    too_long=VLLM.too_long,
    routes=frozenset({"completions"}),
    tokenizer="vllm",
    listing=vllm_listing,
)
OLLAMA = Vendor(name="ollama", routes=frozenset({"chat", "completions"}), takes_suffix=True, own_window=ollama_ps)
OLLAMA_BASE = replace(OLLAMA, name="ollama-base", rambles=True, takes_tools=False)
TGI = Vendor(
    name="tgi",
    error=tgi_error,
    too_long=(
        422,
        "validation",
        "Input error: `inputs` tokens + `max_new_tokens` must be <= {window}, given {asked}: too many tokens",
    ),
    routes=frozenset({"chat", "completions"}),
    rambles=True,
    takes_tools=False,
    tokenizer="tgi",
    own_window=tgi_info,
)
LLAMA_CPP = Vendor(
    name="llama_cpp",
    error=llama_cpp_error,
    too_long=(400, "exceed_context_size_error", "the request exceeds the available context size ({window} tokens)"),
    routes=frozenset({"chat", "completions", "infill"}),
    rambles=True,
    takes_tools=False,
    tokenizer="llama_cpp",
    own_window=llama_cpp_props,
    listing=llama_cpp_listing,
)


def _rambling(text: str, most: int) -> Said:
    """More than is asked for, of what was last said."""
    return Said(text=f"\n\n{text[-500:]}\n# {text[-500:]}" * min(most, 400))


@dataclass(kw_only=True)
class VendorServer:
    """One model of one vendor. `answer` is what `serving` calls."""

    vendor: Vendor
    model: str
    window: int
    play: Player
    key: str = ""
    """The one that is accepted; "" accepts any."""
    faults: dict[str, Any] = field(default_factory=dict)
    """Ways to lie or to be broken, by name; see `answer`."""
    url: str = ""
    requests: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    fim_tokens: tuple[str, ...] = ()
    instead: Callable[[Received], Answer | None] = lambda received: None
    """What something before the server answers, None to let a request through."""

    def answer(self, received: Received) -> Answer:
        self.requests.append(received)
        if (instead := self.instead(received)) is not None:
            return instead
        if self.key and received.headers.get("authorization") != f"Bearer {self.key}":
            return self.vendor.error(*self.vendor.key_refused)
        path = received.path.removeprefix("/v1")
        if received.method == "GET":
            return self._said_of_itself(path)
        match path:
            case "/chat/completions" if "chat" in self.vendor.routes:
                return self._chat(received)
            case "/completions" if "completions" in self.vendor.routes:
                return self._completion(received.body)
            case "/messages" if "messages" in self.vendor.routes:
                return self._messages(received)
            case "/fim/completions" if "fim" in self.vendor.routes:
                return self._mistral_fim(received.body)
            case "/infill" if "infill" in self.vendor.routes:
                return self._infill(received.body)
            case "/tokenize" | "/messages/count_tokens":
                return self._tokenize(received)
            case _:
                return self.vendor.error(404, "not_found_error", "Not Found")

    # --- what is common

    def _too_long(self, prompt: int, output: int) -> Answer | None:
        if prompt + output <= self.window:
            return None
        status, kind, words = self.vendor.too_long
        said = words.format(window=self.window, asked=prompt + output)
        self.refused.append(said)
        return self.vendor.error(status, kind, said)

    def _usage(self, prompt: int, text: str) -> dict[str, Any]:
        if self.faults.get("usage") == "zero":
            return self.vendor.usage(0, 0)
        if most := self.faults.get("truncates_at"):
            prompt = min(prompt, most)
        return self.vendor.usage(prompt, max(2, tokens(text)))

    def _stopped(self, text: str, stop: Sequence[str], most: int) -> tuple[str, str]:
        """The text up to its first stop word or its limit, and why it ends."""
        if not self.faults.get("ignores_stop"):
            ends = [at for word in stop if (at := text.find(word)) >= 0]
            text = text[: min(ends)] if ends else text
        if tokens(text) > most and not self.faults.get("ignores_limit"):
            pieces = _TOKEN.findall(text)[:most]
            return "".join(pieces), "length"
        return text, "stop"

    @property
    def _said_model(self) -> str:
        return str(self.faults.get("model", self.model))

    # --- routes

    def _said_of_itself(self, path: str) -> Answer:
        own, said = self.vendor.own_window(self.model, self.faults.get("truncates_at", self.window))
        if path == own and not self.faults.get("keeps_its_window"):
            return as_json(said)
        listed = path == "/models" and self.vendor.listing(self.model, self.window)
        return as_json(listed) if listed else self.vendor.error(404, "not_found_error", "Not Found")

    def _chat(self, received: Received) -> Answer:
        body = received.body
        if problems := openai_problems(received):
            self.violations.extend(problems)
            return self.vendor.error(400, "invalid_request_error", "; ".join(problems))
        tools = tuple(tool["function"]["name"] for tool in body.get("tools", ()))
        if tools and not self.vendor.takes_tools:
            return self.vendor.error(400, "BadRequestError", '"auto" tool choice requires --enable-auto-tool-choice')
        words = [json.dumps(turn, ensure_ascii=False) for turn in body["messages"]]
        prompt = sum(tokens(_content(turn)) + 4 for turn in body["messages"]) + tokens(
            json.dumps(body.get("tools", ""))
        )
        most = body["max_tokens"] if "max_tokens" in body else body["max_completion_tokens"]
        if refusal := self._limit(most) or self._too_long(prompt, 1 if self.faults.get("truncates_at") else most):
            return refusal
        turn = sum(one["role"] == "assistant" for one in body["messages"])
        text = "\n".join(_content(one) for one in body["messages"]) if turn == 0 else "\n".join(words)
        asked = Asked(kind="chat", text=text, turn=turn, tools=tools, stop=tuple(body.get("stop") or ()))
        said = _rambling(text, most) if self.vendor.rambles else self.play(asked)
        calls = () if self.faults.get("talks_instead_of_calling") else said.calls
        shown = said.text or ("I would call a tool now." if not calls else "")
        shown, finish = self._stopped(shown, body.get("stop") or (), most)
        usage = self._usage(prompt, shown + "".join(call.arguments for call in calls))
        finish = "tool_calls" if calls else finish
        if not body.get("stream"):
            return as_json(self._whole_chat(shown, calls, finish, usage))
        pieces = openai_pieces(
            text=shown, calls=calls, reasoning=said.thinking or None, stop=finish, usage=usage, model=self._said_model
        )
        if not (body.get("stream_options") or {}).get("include_usage") or self.faults.get("no_stream_usage"):
            pieces = tuple(piece for piece in pieces if b'"usage"' not in piece)
        return Answer(pieces=_whole_calls(pieces, calls) if self.vendor.same_index else pieces)

    def _limit(self, most: object) -> Answer | None:
        limit = self.faults.get("output_limit")
        if isinstance(limit, int) and isinstance(most, int) and most > limit:
            said = f"max_tokens is too large: {most}. This model supports at most {limit} completion tokens."
            return self.vendor.error(400, "invalid_request_error", said)
        return None

    def _whole_chat(self, text: str, calls: Sequence[Call], finish: str, usage: Mapping[str, Any]) -> object:
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        if calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in calls
            ]
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion", "model": self._said_model, "choices": [choice], "usage": usage}

    def _completion(self, body: Mapping[str, Any]) -> Answer:
        if "suffix" in body and not self.vendor.takes_suffix and not self.faults.get("ignores_suffix"):
            return self.vendor.error(400, "BadRequestError", "suffix is not currently supported")
        before, after, kind = body["prompt"], body.get("suffix") or "", "infill" if body.get("suffix") else "completion"
        if self.faults.get("ignores_suffix"):
            after, kind = "", "completion"
        prompt = tokens(before) + tokens(after)
        if self.fim_tokens and all(one in before for one in self.fim_tokens):
            before, after, kind = _split_gap(before, self.fim_tokens)
        if refusal := self._limit(body["max_tokens"]) or self._too_long(
            prompt, 1 if self.faults.get("truncates_at") else body["max_tokens"]
        ):
            return refusal
        said = self.play(Asked(kind=kind, text=before, after=after, stop=tuple(body.get("stop") or ())))
        text, finish = self._stopped(said.text, body.get("stop") or (), body["max_tokens"])
        usage = self._usage(prompt, text)
        head = {"id": "cmpl", "object": "text_completion", "model": self._said_model}
        if not body.get("stream"):
            return as_json({**head, "choices": [{"index": 0, "text": text, "finish_reason": finish}], "usage": usage})
        half = len(text) // 2
        choices: list[dict[str, Any]] = [
            {"index": 0, "text": text[:half], "finish_reason": None},
            {"index": 0, "text": text[half:], "finish_reason": finish},
        ]
        pieces = [chunk({**head, "choices": [choice]}) for choice in choices]
        if (body.get("stream_options") or {}).get("include_usage"):
            pieces.append(chunk({**head, "choices": [], "usage": usage}))
        return Answer(pieces=(*pieces, DONE))

    def _messages(self, received: Received) -> Answer:
        body = received.body
        if problems := anthropic_problems(received):
            self.violations.extend(problems)
            return self.vendor.error(400, "invalid_request_error", "; ".join(problems))
        words = [json.dumps(body.get("system", "")), *(json.dumps(turn) for turn in body["messages"])]
        prompt = sum(tokens(word) for word in words)
        if refusal := self._limit(body["max_tokens"]) or self._too_long(prompt, body["max_tokens"]):
            return refusal
        turn = sum(one["role"] == "assistant" for one in body["messages"])
        tools = tuple(tool["name"] for tool in body.get("tools", ()))
        stop = tuple(body.get("stop_sequences") or ())
        text = "\n".join(_content(one) for one in body["messages"]) if turn == 0 else "\n".join(words)
        said = self.play(Asked(kind="chat", text=text, turn=turn, tools=tools, stop=stop))
        calls = () if self.faults.get("talks_instead_of_calling") else said.calls
        shown = said.text or ("I would call a tool now." if not calls else "")
        shown, finish = self._stopped(shown, stop, body["max_tokens"])
        usage = self._usage(prompt, shown)
        reason = "tool_use" if calls else {"length": "max_tokens"}.get(finish, "end_turn")
        if body.get("stream"):
            return Answer(
                pieces=anthropic_pieces(
                    text=shown, calls=calls, thinking=said.thinking, stop=reason, usage=usage, model=self._said_model
                )
            )
        content: list[dict[str, Any]] = [{"type": "text", "text": shown}] if shown else []
        content += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
            for call in calls
        ]
        return as_json(
            {"id": "m", "type": "message", "role": "assistant", "model": self._said_model, "content": content,
             "stop_reason": reason, "stop_sequence": None, "usage": usage}
        )  # fmt: skip

    def _mistral_fim(self, body: Mapping[str, Any]) -> Answer:
        prompt = tokens(body["prompt"]) + tokens(body.get("suffix") or "")
        if refusal := self._too_long(prompt, body["max_tokens"]):
            return refusal
        said = self.play(Asked(kind="infill", text=body["prompt"], after=body.get("suffix") or ""))
        text, finish = self._stopped(said.text, body.get("stop") or (), body["max_tokens"])
        return as_json(self._whole_chat(text, (), finish, self._usage(prompt, text)))

    def _infill(self, body: Mapping[str, Any]) -> Answer:
        prompt = tokens(body["input_prefix"]) + tokens(body["input_suffix"])
        if refusal := self._too_long(prompt, body["n_predict"]):
            return refusal
        said = self.play(Asked(kind="infill", text=body["input_prefix"], after=body["input_suffix"]))
        text, finish = self._stopped(said.text, body.get("stop") or (), body["n_predict"])
        return as_json(
            {"content": text, "model": self._said_model, "stop": True, "truncated": False,
             "stop_type": "limit" if finish == "length" else "eos", "tokens_evaluated": prompt,
             "tokens_predicted": tokens(text)}
        )  # fmt: skip

    def _marked(self, value: Any) -> Any:
        """The model's own tokens are one token each."""
        if isinstance(value, str):
            for mark in self.fim_tokens:
                value = value.replace(mark, "~")
        return value

    def _tokenize(self, received: Received) -> Answer:
        body = {key: self._marked(value) for key, value in received.body.items()}
        match self.vendor.tokenizer:
            case "vllm" if "prompt" in body:
                count = tokens(body["prompt"])
                return as_json({"count": count, "max_model_len": self.window, "tokens": [1] * count})
            case "tgi" if "inputs" in body:
                return as_json([{"id": 1, "text": "x", "start": 0, "stop": 1}] * tokens(body["inputs"]))
            case "llama_cpp" if "content" in body:
                return as_json({"tokens": [1] * tokens(body["content"])})
            case "anthropic" if "messages" in body:
                return as_json({"input_tokens": sum(tokens(json.dumps(turn)) for turn in body["messages"])})
            case _:
                return self.vendor.error(404, "not_found_error", "Not Found")


def _whole_calls(pieces: Sequence[bytes], calls: Sequence[Call]) -> tuple[bytes, ...]:
    """Gemini's way: each call whole, in a chunk of its own, all of them with index 0."""
    kept = [piece for piece in pieces if b'"tool_calls": [' not in piece]
    own = [
        chunk(
            {
                "id": "c1",
                "object": "chat.completion.chunk",
                "model": "m",
                "choices": [{"index": 0, "delta": {"tool_calls": [_whole_call(call)]}, "finish_reason": None}],
            }
        )
        for call in calls
    ]
    return (*kept[:1], *own, *kept[1:])


def _whole_call(call: Call) -> dict[str, Any]:
    return {"index": 0, "id": call.id, "type": "function",
            "function": {"name": call.name, "arguments": call.arguments}}  # fmt: skip


def _content(turn: Mapping[str, Any]) -> str:
    content = turn.get("content")
    if isinstance(content, list):
        return "".join(str(block.get("text", "")) for block in content)
    return content or ""


def _split_gap(prompt: str, fim: Sequence[str]) -> tuple[str, str, str]:
    """Before and after of a prompt that holds a model's own tokens, whichever part comes first."""
    prefix, suffix = fim[0], fim[1]
    middle = fim[2] if len(fim) > 2 else ""
    if prompt.index(prefix) < prompt.index(suffix):
        before, after = prompt.removeprefix(prefix).split(suffix, 1)
        return before, after.removesuffix(middle) if middle else after, "infill"
    after, before = prompt.removeprefix(suffix).split(prefix, 1)
    return before, after, "infill"
