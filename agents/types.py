"""The words of the agents: values only.

A conversation is a sequence of `Message`s made of parts; adapters translate them to and from each SDK's wire form, so
nothing else of redgreen knows a vendor's shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agents.errors import Fault
from sandbox.types import TestId


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to solve. All text is untrusted and was taken as of the event that started the job."""

    id: str
    """Stable over retries: names branches, files and log lines."""
    repository: str
    base_commit: str
    title: str
    body: str
    known_red: tuple[TestId, ...] = ()
    """Tests that are red on base, when the caller knows."""
    witness_path: str = ""
    """Where a new test for this task would go by the repository's own habit ("" when unknown)."""


# --- messages ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Text:
    text: str


@dataclass(frozen=True, kw_only=True)
class Reasoning:
    """A model's thinking, kept only because some SDKs demand it back unchanged (`opaque`: the vendor's block)."""

    text: str
    opaque: Mapping[str, Any] = field(default_factory=dict)
    bound: bool = False
    """Only valid behind exactly the messages it was written behind: whoever changes one of those must leave it out."""


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    id: str
    name: str
    arguments: Mapping[str, Any]
    problem: str = ""
    """Not empty when the arguments could not be parsed: the text to answer the model with."""


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    call_id: str
    text: str
    is_error: bool = False


Part = Text | Reasoning | ToolCall | ToolResult


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, kw_only=True)
class Message:
    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


@dataclass(frozen=True, kw_only=True)
class ToolSpec:
    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of the arguments."""


# --- usage and replies -------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one call or of several. `input_tokens` is the whole prompt, cached or not."""

    input_tokens: int = 0
    output_tokens: int = 0
    """Reasoning included."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


class StopReason(StrEnum):
    END = "end"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A model's complete answer. An incomplete one is never a Reply: the adapter raises `IncompleteReply`."""

    message: Message
    stop: StopReason
    usage: Usage
    cost_usd: float | None
    """None: the price is unknown. Never 0 for unknown."""
    seconds: float
    model: str
    """The name the endpoint answered with."""


# --- steps, trajectories, attempts -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Condensation:
    """What a call was not sent of the steps before it, so that it fits the model's window (`agents.history`)."""

    turns: int = 0
    """So many of the first steps were sent as a record of what was done in them."""
    results: int = 0
    """So many of the first steps were sent without the results of their calls."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One turn of a strategy: what was added to the conversation, what it cost, and the working tree after it."""

    index: int
    messages: tuple[Message, ...]
    """The delta: the model's message and the answers to it."""
    usage: Usage = Usage()
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    diff: str = ""
    """The working tree against base after this step (unified diff): the checkpoint."""
    note: str = ""
    """For strategies without messages: one line a person can follow."""
    condensed: Condensation = Condensation()
    """What this step's call was made without."""
    untold: str = ""
    """What the model is told with the answers of the next step: why `diff` is not that of this step's tree."""


class Ending(StrEnum):
    """How an attempt ended. Only SUBMITTED carries a patch that the model stands for."""

    SUBMITTED = "submitted"
    CANNOT_REPRODUCE = "cannot_reproduce"
    NEEDS_DECISION = "needs_decision"
    GAVE_UP = "gave_up"
    """A strategy that searched and found nothing."""
    LIMIT = "limit"
    STUCK = "stuck"
    FORMAT_ERRORS = "format_errors"
    MODEL_FAILED = "model_failed"
    STOPPED = "stopped"
    """Cancelled by a person or a drain."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a run came from that another program recorded (`agents.interchange`)."""

    format: str
    root: str = ""
    """The directory that its commands worked in; "" where its file does not say."""
    rest: Any = None
    """What its file holds beyond our words, so that the file can be written again as it was."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """All steps of an attempt; versioned JSON in its file form (`agents.trajectory`)."""

    version: int = 1
    task_id: str
    model: str
    strategy: str
    prompt_version: str
    steps: tuple[Step, ...] = ()
    ending: Ending | None = None
    """None while it goes on, or where nobody wrote how it ended."""
    reason: str = ""
    summary: str = ""
    """As in `Attempt`: one sentence of ours, and the model's own words."""
    origin: Origin | None = None

    @property
    def usage(self) -> Usage:
        total = Usage()
        for step in self.steps:
            total = total + step.usage
        return total

    @property
    def cost_usd(self) -> float | None:
        """The sum; None as soon as one step's cost is unknown."""
        total = 0.0
        for step in self.steps:
            if step.cost_usd is None:
                return None
            total += step.cost_usd
        return total


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One model's work on one task."""

    task_id: str
    model: str
    strategy: str
    prompt_version: str
    ending: Ending
    reason: str
    """One sentence for a person."""
    diff: str
    """The proposed patch as the sandbox's text; "" when there is none."""
    usage: Usage
    cost_usd: float | None
    steps: int
    seconds: float
    summary: str = ""
    """The model's own words on the change; untrusted."""
    fault: Fault | None = None
    """Why the endpoint ended it, where it was the endpoint; None where the model's own work did."""


@dataclass(frozen=True, kw_only=True)
class AttemptLimits:
    """Checked before every call."""

    steps: int = 60
    input_tokens: int = 4_000_000
    output_tokens: int = 200_000
    cost_usd: float = 3.0
    seconds: float = 1800.0
