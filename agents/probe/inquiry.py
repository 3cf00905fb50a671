"""The state of one probe: whom it asks, what has been found, and the ways in which a question is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from agents.errors import ModelError
from agents.models.exchange import Exchange, Exchanged
from agents.models.transport import Timeouts
from agents.probe import questions
from agents.probe.paid import PaidQuestions
from agents.probe.record import Found
from agents.probe.trying import Trying
from agents.terms import Terms
from config.models import Adapter, ModelSpec


class Over(Exception):
    """Nothing further can be learned."""


class Inquiry:
    """Every question raises `ModelError` for an endpoint that gives no answer after all tries, and `OverLimit`."""

    def __init__(
        self, spec: ModelSpec, key: SecretStr | None, terms: Terms, timeouts: Timeouts, sleep: Callable[[float], None]
    ) -> None:
        self.spec = spec
        self.key = key
        self.terms = terms
        self.timeouts = timeouts
        self.exchange = Exchange(spec, key, wall=terms.wall, timeouts=timeouts)
        self.trying = Trying(self.exchange, sleep=sleep)
        self.questions = PaidQuestions(spec, self.exchange, self.trying, terms.purse)
        self.found: dict[str, Any] = {}
        """Fields of `Probe`, as far as they are known yet."""
        self.problems: list[str] = []
        self._missed: list[str] = []

    def missed(self, fields: tuple[str, ...], error: ModelError) -> None:
        """The question for these fields of `Probe` was not answered."""
        self._missed.extend(fields)
        self.problems.append(f"Not learned ({', '.join(fields).replace('_', ' ')}): {error}")

    @property
    def unanswered(self) -> tuple[str, ...]:
        """What was missed, and not learned in another way."""
        return tuple(name for name in dict.fromkeys(self._missed) if name not in self.found)

    def sizes(self, window: int, output: int) -> None:
        """The smaller of two sayings."""
        for name, size in (("window", window), ("output_limit", output)):
            known = self.found.get(name, 0)
            if size:
                self.found[name] = min(known, size) if known else size

    def words(self, got: Exchanged) -> str:
        return self.exchange.complaint(got).text or "without a reason"

    @property
    def chats(self) -> bool:
        return self.found["chat"] is Found.YES

    @property
    def is_free(self) -> bool:
        """No vendor and no price list is behind it: a long question costs time only."""
        return self.spec.self_hosted and self.spec.price is None and not self.spec.price_provider

    def look(self, path: str) -> Exchanged:
        """GET below the server's root; costs nothing."""
        return self.trying.ask(lambda: self.exchange.root(path))

    def chat_post(self, body: Mapping[str, Any]) -> Exchanged:
        path = "/messages" if self.spec.adapter is Adapter.ANTHROPIC else "/chat/completions"
        return self.questions.base(path, body)

    def say(self, text: str, *, most: int, stop: tuple[str, ...] = ()) -> Exchanged:
        """The same question as a chat, or as text to continue."""
        if self.chats:
            return self.chat_post(questions.chat(self.spec, text, most=most, stop=stop))
        return self.questions.base("/completions", questions.completion(self.spec, text, most=most, stop=stop))
