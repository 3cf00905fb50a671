"""What a probe found. Also its file's form: version 1."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from config.models import FimRoute, ModelSpec, TokenizerRoute


class Found(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """Not asked, or the answer does not tell."""


class Probe(BaseModel):
    """One endpoint and one model name, at one time. A claim that its own behaviour denies is a `problem`, and counts as
    not there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    endpoint: str
    model_id: str
    at: datetime
    reachable: Found = Found.UNKNOWN
    key: Found = Found.UNKNOWN
    """Accepted."""
    chat: Found = Found.UNKNOWN
    """Takes a conversation, and does in it what it is told; a base model behind a template does not."""
    completions: Found = Found.UNKNOWN
    """Continues plain text."""
    tools: Found = Found.UNKNOWN
    """Calls a tool that it is offered."""
    parallel_tools: Found = Found.UNKNOWN
    streaming: Found = Found.UNKNOWN
    """A stream comes to its end."""
    stream_usage: Found = Found.UNKNOWN
    """With token counts, and not of nothing."""
    stop_words: Found = Found.UNKNOWN
    limit_kept: Found = Found.UNKNOWN
    """An answer ends at the limit asked for, and says that it was cut."""
    refuses_too_long: Found = Found.UNKNOWN
    """A prompt over the window is refused; NO: it is cut without a word."""
    window: int = Field(default=0, ge=0)
    """Tokens; 0: not learned."""
    output_limit: int = Field(default=0, ge=0)
    usage_fields: tuple[str, ...] = ()
    """The names that counts came under."""
    fim: FimRoute | None = None
    """The route on which a gap was really filled."""
    fim_tokens: Found = Found.UNKNOWN
    """The model's tokenizer knows the row's tokens for gaps."""
    tokenizer: TokenizerRoute = TokenizerRoute.NONE
    seconds: float | None = None
    """From a short question to the end of its answer."""
    answered_as: str = ""
    """The model's name by the endpoint."""
    unanswered: tuple[str, ...] = ()
    """Names of the fields above whose questions got no answer, because the endpoint was busy or the money was used up:
    what an earlier probe or the row says of them holds."""
    problems: tuple[str, ...] = ()
    """What does not fit together, one sentence each."""

    @property
    def is_usable(self) -> bool:
        """It says something about the model, and not only about the way there."""
        speaks = Found.YES in (self.chat, self.completions)
        return speaks and self.reachable is Found.YES and self.key is not Found.NO

    def is_of(self, spec: ModelSpec) -> bool:
        return (self.endpoint, self.model_id) == (spec.endpoint, spec.model_id)

    def over(self, earlier: Probe) -> Probe:
        """With what an earlier probe knew of the fields that got no answer this time."""
        if not earlier.is_usable:
            return self
        known = {name: getattr(earlier, name) for name in self.unanswered if name not in earlier.unanswered}
        left = tuple(name for name in self.unanswered if name not in known)
        return self.model_copy(update={**known, "unanswered": left})


def rows(probe: Probe) -> list[tuple[str, str]]:
    """For people: what was asked, and what came of it."""
    table = [
        ("reachable", probe.reachable.value),
        ("key accepted", probe.key.value),
        ("chat", probe.chat.value),
        ("plain completions", probe.completions.value),
        ("tools", probe.tools.value),
        ("parallel tools", probe.parallel_tools.value),
        ("streaming", probe.streaming.value),
        ("counts in streams", probe.stream_usage.value),
        ("usage fields", ", ".join(probe.usage_fields) or "none"),
        ("context window", f"{probe.window:,}" if probe.window else "not said"),
        ("output limit", f"{probe.output_limit:,}" if probe.output_limit else "not said"),
        ("output limit kept", probe.limit_kept.value),
        ("stop words", probe.stop_words.value),
        ("refuses what is too long", probe.refuses_too_long.value),
        ("fills gaps", _gaps(probe)),
        ("counts tokens", _tokenizer(probe)),
        ("latency", "unknown" if probe.seconds is None else f"{probe.seconds:.2f} s"),
        ("answers as", probe.answered_as or "unknown"),
    ]
    return [*table, *(("problem", problem) for problem in probe.problems)]


def _tokenizer(probe: Probe) -> str:
    if "tokenizer" in probe.unanswered:
        return Found.UNKNOWN.value
    return "no" if probe.tokenizer is TokenizerRoute.NONE else f"yes ({probe.tokenizer.value})"


def _gaps(probe: Probe) -> str:
    if "fim" in probe.unanswered:
        return Found.UNKNOWN.value
    if probe.fim is not None:
        return f"yes ({probe.fim.value})"
    return "by the model's tokens" if probe.fim_tokens is Found.YES else "no"
