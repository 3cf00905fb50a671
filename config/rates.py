"""What a model's tokens cost, as a row of the lineup says it. Pure."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_CLOSED_MODEL = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rates(BaseModel):
    """USD per 1M tokens. A cache rate that is absent is charged as ordinary input."""

    model_config = _CLOSED_MODEL

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    cache_write: Dollars | None = None


class Tier(Rates):
    """The rates of a call whose whole prompt is longer than `above` tokens."""

    above: int = Field(gt=0)


class Price(Rates):
    """An override of the price table, dated, so that a reader can judge its age."""

    as_of: date
    source: str = ""
    tiers: tuple[Tier, ...] = ()

    def rates(self, prompt_tokens: int) -> Rates:
        """The rates for a prompt of this length: of the highest tier that it is above."""
        reached = [tier for tier in self.tiers if prompt_tokens > tier.above]
        return max(reached, key=lambda tier: tier.above, default=self)
