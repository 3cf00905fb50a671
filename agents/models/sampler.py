"""A model as `single_shot` uses it: prompts that fit, in the forms the endpoint speaks.

A sampler is also a plain `agents.protocols.Model`, so a row of the lineup is one object wherever it goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, assert_never

from agents.errors import ContextOverflow, ModelRefused
from agents.models import completions_wire
from agents.models.completions_wire import Gap, Written
from agents.models.exchange import Exchange
from agents.models.paying import bill_of, pay
from agents.models.prices import cost
from agents.models.reading import believable
from agents.models.retry import Retrying
from agents.models.tokens import TokenCounter, discover
from agents.patience import Patience, running_out
from agents.protocols import Model
from agents.purse import NoBook, Purse
from agents.types import Message, Reply, Role, Text, ToolSpec, Usage
from config.models import Adapter, FimRoute, ModelSpec, Protocol, TokenizerRoute

if TYPE_CHECKING:
    from agents.models.openai import OpenAIModel

TEMPLATE_TOKENS = 48
"""Kept free for what a server puts around a chat's turns."""
UNKNOWN_WINDOW = 8_192
"""Of a model that no row of a lineup describes."""
UNKNOWN_OUTPUT = 2_048


class Form(StrEnum):
    CHAT = "chat"
    COMPLETION = "completion"
    INFILL = "infill"


@dataclass(frozen=True, kw_only=True)
class Prompt:
    form: Form
    text: str
    """The user's turn; the text to continue; what stands before the gap."""
    system: str = ""
    """Chat only."""
    after: str = ""
    """What stands behind the gap (INFILL)."""
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    """Sent where the endpoint takes plain completions; chats are sampled at their vendor's default."""

    @property
    def whole(self) -> str:
        return f"{self.system}\n{self.text}\n{self.after}"

    def messages(self) -> tuple[Message, ...]:
        """For the trajectory, and for a chat."""
        turn = self.text if self.form is not Form.INFILL else f"{self.text}{GAP}{self.after}"
        user = Message(role=Role.USER, parts=(Text(text=turn),))
        return (Message(role=Role.SYSTEM, parts=(Text(text=self.system),)), user) if self.system else (user,)


GAP = "\N{LEFT DOUBLE PARENTHESIS}gap\N{RIGHT DOUBLE PARENTHESIS}"
"""Stands in a trajectory for the place that was to be filled; no endpoint is sent it."""


class _Plain(NamedTuple):
    """What plain text is asked for with."""

    spec: ModelSpec
    completions: OpenAIModel
    exchange: Exchange


class Sampler:
    """One endpoint's samples. Raises nothing but `ModelError`s."""

    def __init__(
        self,
        model: Model,
        *,
        spec: ModelSpec | None = None,
        completions: OpenAIModel | None = None,
        exchange: Exchange | None = None,
        retrying: Retrying | None = None,
        purse: Purse | None = None,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._spec = spec
        self._completions = completions
        self._exchange = exchange
        self._retrying = retrying or Retrying(model)
        self._purse = purse or NoBook()
        self._left = running_out(patience or Patience())
        self._clock = clock
        self._counter: TokenCounter | None = None

    def __repr__(self) -> str:
        return f"Sampler({self._model!r})"

    @classmethod
    def around(cls, model: Model) -> Sampler:
        """The model itself where it is a sampler; else one that only chats, in a window that any model has."""
        return model if isinstance(model, cls) else cls(model)

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def window(self) -> int:
        return self._spec.window if self._spec else UNKNOWN_WINDOW

    @property
    def output_limit(self) -> int:
        return self._spec.output_limit if self._spec else UNKNOWN_OUTPUT

    @property
    def forms(self) -> tuple[Form, ...]:
        """How the endpoint can be asked, the main way first."""
        if self._spec is None or self._completions is None:
            return (Form.CHAT,)
        main = Form.CHAT if self._spec.protocol is Protocol.CHAT else Form.COMPLETION
        return (main, Form.INFILL) if self._spec.fim else (main,)

    @property
    def counter(self) -> TokenCounter:
        if self._counter is None:
            spec, exchange = self._spec, self._exchange
            if spec and exchange and spec.self_hosted and spec.tokenizer is TokenizerRoute.NONE:
                # A server of the house is asked what it is; a vendor's is what its row or a probe says.
                spec = spec.model_copy(update={"tokenizer": discover(exchange, spec.model_id)})
            self._counter = TokenCounter(spec, exchange) if spec else TokenCounter(_NOBODY)
        return self._counter

    def count(self, text: str) -> int:
        """Tokens of a text, never fewer than there are as far as the endpoint's reports allow to say."""
        return self.counter.count(text)

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        """A conversation, where the endpoint knows any. Raises `ModelRefused` where it does not."""
        if Form.CHAT not in self.forms:
            raise ModelRefused(f"{self.name}: the endpoint continues plain text and takes no conversation")
        return self._retrying.again(lambda: self._model.query(messages, tools, max_output_tokens=max_output_tokens))

    def room(self, prompt: Prompt, max_output_tokens: int) -> int:
        """Tokens left in the window when the prompt and its whole answer are in; negative: it does not fit."""
        return self.window - max_output_tokens - TEMPLATE_TOKENS - self.count(prompt.whole)

    def sample(self, prompt: Prompt, *, max_output_tokens: int) -> Reply:
        """One answer. Raises `ContextOverflow` before anything is sent where the prompt does not fit."""
        most = min(max_output_tokens, self.output_limit)
        if self.room(prompt, most) < 0:
            raise ContextOverflow(f"{self.name}: the prompt and {most} tokens of answer do not fit {self.window}")
        try:
            reply = self._retrying.again(lambda: self._ask(prompt, most))
        except ContextOverflow:
            self.counter.calibration.overflowed()
            raise
        if not self.counter.is_exact:
            self.counter.calibration.learn(prompt.whole, reply.usage.input_tokens)
        return reply

    def _ask(self, prompt: Prompt, most: int) -> Reply:
        match prompt.form:
            case Form.CHAT:
                return self._model.query(prompt.messages(), (), max_output_tokens=most)
            case Form.COMPLETION | Form.INFILL:
                return self._paid(prompt, most)
            case _:
                assert_never(prompt.form)

    def _paid(self, prompt: Prompt, most: int) -> Reply:
        spec, completions, exchange = self._spec, self._completions, self._exchange
        if spec is None or completions is None or exchange is None:
            raise ModelRefused(f"{self.name}: the endpoint takes no plain completions")
        plain = _Plain(spec, completions, exchange)
        counted = self.count(prompt.whole) + TEMPLATE_TOKENS

        def ask(most: int) -> Reply:
            return self._write(plain, prompt, most)

        return pay(self._purse, spec, counted, most, ask, bill_of, self._left())

    def _write(self, plain: _Plain, prompt: Prompt, most: int) -> Reply:
        spec, exchange = plain.spec, plain.exchange
        started = self._clock()
        gap = Gap(before=prompt.text, after=prompt.after if prompt.form is Form.INFILL else "")
        route = spec.fim.route if spec.fim and gap.after else None
        match route:
            case FimRoute.MISTRAL:
                asked = completions_wire.mistral_request(spec, gap, max_tokens=most, stop=prompt.stop)
                body = exchange.require(exchange.base("/fim/completions", asked))
                written = completions_wire.mistral_answer(self.name, body)
            case FimRoute.LLAMA_CPP:
                asked = completions_wire.llama_cpp_request(gap, max_tokens=most, stop=prompt.stop)
                written = completions_wire.llama_cpp_answer(
                    self.name, exchange.require(exchange.root("/infill", asked))
                )
            case FimRoute.TOKENS | FimRoute.SUFFIX | None:
                written = plain.completions.complete(
                    gap, max_output_tokens=most, stop=prompt.stop, temperature=prompt.temperature
                )
            case _:
                assert_never(route)
        return _reply(spec, written, self._clock() - started)


def _reply(spec: ModelSpec, written: Written, seconds: float) -> Reply:
    return Reply(
        message=written.message,
        stop=written.stop,
        usage=believable(written.usage or Usage()),
        cost_usd=cost(spec, written.usage),
        seconds=seconds,
        model=written.model or spec.model_id,
    )


_NOBODY = ModelSpec(name="nobody", adapter=Adapter.REPLAY, endpoint="none")
