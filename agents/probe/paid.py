"""A probe's questions, each paid for: they go through the exchange, and their bill is read from the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agents.errors import OverLimit
from agents.models.completions_wire import Gap, Written
from agents.models.estimate import structural
from agents.models.exchange import Exchange, Exchanged
from agents.models.paying import A_TURN, Bill, pay
from agents.models.prices import cost
from agents.models.reading import believable
from agents.probe import questions, reading
from agents.probe.trying import Trying
from agents.purse import Purse
from agents.types import Usage
from config.models import ModelSpec

if TYPE_CHECKING:
    from agents.models.openai import OpenAIModel


class PaidQuestions:
    def __init__(self, spec: ModelSpec, exchange: Exchange, trying: Trying, purse: Purse) -> None:
        self._spec, self._exchange, self._trying, self._purse = spec, exchange, trying, purse

    def base(self, path: str, body: Mapping[str, Any]) -> Exchanged:
        """POST below the base, tried again as `Trying.ask` does; raises `OverLimit` as well."""
        return self._paid(self._exchange.base, path, body)

    def root(self, path: str, body: Mapping[str, Any]) -> Exchanged:
        return self._paid(self._exchange.root, path, body)

    def stream(self, model: OpenAIModel, spec: ModelSpec, gap: Gap) -> Written:
        """One plain completion as a stream, tried once."""
        return pay(
            self._purse,
            spec,
            structural(gap.before) + A_TURN,
            questions.SHORT,
            lambda most: model.complete(gap, max_output_tokens=most),
            lambda said: Bill(usage=believable(said.usage or Usage()), cost_usd=cost(spec, said.usage)),
        )

    def _paid(
        self, send: Callable[[str, Mapping[str, Any]], Exchanged], path: str, body: Mapping[str, Any]
    ) -> Exchanged:
        most = min(self._spec.output_limit, questions.most_of(body))

        def ask(granted: int) -> Exchanged:
            if granted < most:  # a question that asks for less is another question
                raise OverLimit(f"{self._spec.name}: too little money is left for this question of a probe")
            return self._trying.once(lambda: send(path, body))

        tokens = structural(json.dumps(body)) + A_TURN
        return self._trying.again(lambda: pay(self._purse, self._spec, tokens, most, ask, self._bill))

    def _bill(self, got: Exchanged) -> Bill | None:
        if not got.is_good:
            return None
        said = reading.heard(got.body)
        usage = Usage(input_tokens=said.input_tokens, output_tokens=said.output_tokens)
        return Bill(usage=believable(usage), cost_usd=cost(self._spec, usage) if said.input_tokens else None)
