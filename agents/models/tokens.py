"""Counting tokens: by the endpoint's own tokenizer where it has one, else by a calibrated estimate."""

from __future__ import annotations

from agents.errors import ModelError
from agents.models import tokenizers
from agents.models.estimate import Calibration
from agents.models.exchange import Exchange
from config.models import ModelSpec, TokenizerRoute

MOST_KEPT = 256
"""Counts that are remembered."""
PROBE_TEXT = "def add(a, b):\n    return a + b\n"


class TokenCounter:
    """How many tokens of one endpoint a text is. A tokenizer that fails once is not asked again."""

    def __init__(self, spec: ModelSpec, exchange: Exchange | None = None) -> None:
        self._spec = spec
        self._exchange = exchange
        self._route = spec.tokenizer if exchange is not None else TokenizerRoute.NONE
        self._kept: dict[str, int] = {}
        self.calibration = Calibration()

    @property
    def is_exact(self) -> bool:
        return self._route is not TokenizerRoute.NONE

    def count(self, text: str) -> int:
        """Exact, or at least as many as there are. Never raises: a tokenizer out of reach is an estimate."""
        if text not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            exact = self._asked(text)
            if exact is None:
                return self.calibration.tokens(text)
            self.calibration.learn(text, exact)
            self._kept[text] = exact
        return self._kept[text]

    def _asked(self, text: str) -> int | None:
        if self._exchange is None or not self.is_exact:
            return None
        found = ask(self._exchange, self._route, self._spec.model_id, text)
        if found is None:
            self._route = TokenizerRoute.NONE
        return found


def ask(exchange: Exchange, route: TokenizerRoute, model_id: str, text: str) -> int | None:
    """The count by one route; None where it does not answer in its form."""
    asked = tokenizers.question(route, model_id, text)
    if asked is None:
        return None
    try:
        exchanged = exchange.root(asked.path, asked.body)
    except ModelError:
        return None
    return tokenizers.answer(route, exchanged.body) if exchanged.is_good else None


def discover(exchange: Exchange, model_id: str) -> TokenizerRoute:
    """Which server's tokenizer answers at this address, if any; two short texts must differ in their counts."""
    for route in tokenizers.SERVERS:
        short = ask(exchange, route, model_id, PROBE_TEXT)
        longer = ask(exchange, route, model_id, PROBE_TEXT * 4) if short is not None else None
        if short is not None and longer is not None and 0 < short < longer:
            return route
    return TokenizerRoute.NONE
