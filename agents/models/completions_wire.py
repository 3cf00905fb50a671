"""Plain completions and the ways to fill a gap: requests, and answers in each vendor's fields. Pure.

Sources: OpenAI's legacy Completions (which vLLM, Ollama, TGI and llama.cpp serve too), Mistral's `/v1/fim/completions`,
llama.cpp's `/infill`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.errors import IncompleteReply
from agents.models.reading import BROKEN_OFF, CUT_SHORT, clean
from agents.types import Message, Role, StopReason, Text, Usage
from config.models import Fim, FimRoute, ModelSpec

MOST_STOPS = 4
"""OpenAI's limit, which its imitators share."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What stands before and after the text to be written; no `after`: a continuation."""

    before: str
    after: str = ""


def request(
    spec: ModelSpec, gap: Gap, *, max_tokens: int, stop: Sequence[str] = (), temperature: float | None = None
) -> dict[str, Any]:
    """A streamed completion. A gap goes by the model's tokens or by `suffix`, as the row says."""
    prompt, stops = gap.before, list(stop)
    extra: dict[str, Any] = {}
    if gap.after:
        fim = gap_route(spec)
        stops = [*fim.stop, *stops]
        if fim.route is FimRoute.TOKENS:
            prompt = fim.prompt(gap.before, gap.after)
        else:
            extra["suffix"] = clean(gap.after)
    if stops:
        extra["stop"] = stops[:MOST_STOPS]
    if temperature is not None:
        extra["temperature"] = temperature
    if spec.reports_usage:
        extra["stream_options"] = {"include_usage": True}
    return {"model": spec.model_id, "prompt": clean(prompt), "max_tokens": max_tokens, "stream": True, **extra}


def gap_route(spec: ModelSpec) -> Fim:
    """Raises ValueError for a row without one."""
    if spec.fim is None:
        raise ValueError(f"{spec.name} fills no gaps")
    return spec.fim


def mistral_request(spec: ModelSpec, gap: Gap, *, max_tokens: int, stop: Sequence[str] = ()) -> dict[str, Any]:
    asked = {"model": spec.model_id, "prompt": clean(gap.before), "suffix": clean(gap.after), "max_tokens": max_tokens}
    return {**asked, **({"stop": list(stop)[:MOST_STOPS]} if stop else {})}


def llama_cpp_request(gap: Gap, *, max_tokens: int, stop: Sequence[str] = ()) -> dict[str, Any]:
    asked = {"input_prefix": clean(gap.before), "input_suffix": clean(gap.after), "n_predict": max_tokens}
    return {**asked, "stream": False, "cache_prompt": True, **({"stop": list(stop)} if stop else {})}


# --- answers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Written:
    """A whole answer."""

    text: str
    stop: StopReason
    usage: Usage | None
    """None where the endpoint reported nothing."""
    model: str = ""

    @property
    def message(self) -> Message:
        return Message(role=Role.ASSISTANT, parts=(Text(text=self.text),))


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Counts(_Foreign):
    prompt_tokens: int
    completion_tokens: int = 0


class _Choice(_Foreign):
    index: int = 0
    text: str = ""
    finish_reason: str | None = None


class _Chunk(_Foreign):
    model: str | None = None
    choices: list[_Choice] = []
    usage: _Counts | None = None


class Reading:
    """Puts one completion together from its chunks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._text = ""
        self._finish: str | None = None
        self._counts: _Counts | None = None
        self._model = ""

    def take(self, chunk: object) -> None:
        """Raises `pydantic.ValidationError` (a ValueError) for what is no chunk."""
        read = _Chunk.model_validate(chunk)
        self._model = clean(read.model or self._model)
        self._counts = read.usage or self._counts
        for choice in read.choices:
            if choice.index == 0:
                self._text += choice.text
                self._finish = choice.finish_reason or self._finish

    def written(self, *, usage: bool) -> Written:
        """Raises `IncompleteReply` unless the answer has its end and, where asked for, its token counts."""
        if self._finish is None:
            raise IncompleteReply(f"{self._name}: the stream ended before the answer did")
        _require_kept(self._name, self._finish)
        if usage and self._counts is None:
            raise IncompleteReply(
                f"{self._name}: the stream ended without its token counts (for an endpoint that never sends them, set "
                f"reports_usage = false)"
            )
        return Written(
            text=clean(self._text), stop=_reason(self._finish), usage=_usage(self._counts), model=self._model
        )


class _MistralMessage(_Foreign):
    content: str | None = None


class _MistralChoice(_Foreign):
    message: _MistralMessage
    finish_reason: str | None = None


class _Mistral(_Foreign):
    model: str = ""
    choices: list[_MistralChoice]
    usage: _Counts | None = None


class _LlamaCpp(_Foreign):
    content: str
    model: str = ""
    stop_type: str = ""
    stopped_limit: bool = False
    truncated: bool = False
    tokens_evaluated: int = 0
    tokens_predicted: int = 0


def mistral_answer(name: str, body: object) -> Written:
    """Raises `IncompleteReply`."""
    try:
        read = _Mistral.model_validate(body)
    except ValidationError:
        raise IncompleteReply(f"{name}: the answer is no fill-in-the-middle completion") from None
    if not read.choices or read.choices[0].finish_reason is None:
        raise IncompleteReply(f"{name}: the answer holds no finished text")
    first = read.choices[0]
    _require_kept(name, first.finish_reason)
    text = clean(first.message.content or "")
    return Written(text=text, stop=_reason(first.finish_reason), usage=_usage(read.usage), model=read.model)


def llama_cpp_answer(name: str, body: object) -> Written:
    """Raises `IncompleteReply`, also where the server says that it cut the prompt."""
    try:
        read = _LlamaCpp.model_validate(body)
    except ValidationError:
        raise IncompleteReply(f"{name}: the answer is no infill") from None
    if read.truncated:
        raise IncompleteReply(f"{name}: the server cut the prompt to its window")
    cut = read.stopped_limit or read.stop_type == "limit"
    counted = read.tokens_evaluated > 0
    usage = Usage(input_tokens=read.tokens_evaluated, output_tokens=read.tokens_predicted) if counted else None
    stop = StopReason.LENGTH if cut else StopReason.END
    return Written(text=clean(read.content), stop=stop, usage=usage, model=read.model)


def _require_kept(name: str, finish: str | None) -> None:
    """Raises `IncompleteReply` where the server says that it did not end the text."""
    if finish in BROKEN_OFF:
        raise IncompleteReply(f"{name}: the endpoint gave the answer up ({finish})")


def _reason(finish: str | None) -> StopReason:
    match finish:
        case reason if reason in CUT_SHORT:
            return StopReason.LENGTH
        case "content_filter":
            return StopReason.REFUSED
        case _:
            return StopReason.END


def _usage(counts: _Counts | None) -> Usage | None:
    if counts is None or counts.prompt_tokens <= 0:
        return None
    return Usage(input_tokens=counts.prompt_tokens, output_tokens=counts.completion_tokens)
