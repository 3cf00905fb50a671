"""Who pays for calls: money is set aside before a call is made, and what it cost is booked before the next.

`bot` hands in the real purse, which keeps its book in the store. Everything that calls an endpoint for money does it
through `agents.models.paying`, and that through a purse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agents.patience import AT_ONCE, Patience
from agents.types import Usage


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that is about to be made."""

    model: str
    """The lineup's name."""
    prompt_tokens: int
    """At most."""
    output_tokens: int
    """The most that is asked for."""
    worst_usd: Callable[[int], float | None]
    """Dollars at most for a number of output tokens, never falling as it grows; None: the price is unknown."""
    self_hosted: bool = False
    """The endpoint is the operator's own: an unknown price is nobody's bill."""
    patience: Patience = AT_ONCE
    """How long the call may wait for money that is set aside for others: most of it is given back soon."""


class Held(Protocol):
    """Money set aside for one call. Exactly one of the methods is called. What it says is durable when it returns; of
    `paid`, at the latest when the purse sets money aside again. Who dies in between has spent the worst case."""

    @property
    def output_tokens(self) -> int:
        """The most that may be asked for: what the call wanted, or less where less money is left."""
        ...

    def paid(self, usage: Usage, cost_usd: float | None) -> None:
        """The call was answered; None: what it cost is unknown."""
        ...

    def lost(self) -> None:
        """The call broke off: what it cost is unknown, and it may have cost all that was set aside."""
        ...

    def unpaid(self) -> None:
        """The call was never made, or refused: it cost nothing."""
        ...


class Purse(Protocol):
    def hold(self, call: Call) -> Held:
        """Set the worst case aside. Raises `agents.errors.OverLimit` where that could break a limit: at once where what
        is spent leaves too little, else when the call's patience is at its end."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Unbooked:
    output_tokens: int

    def paid(self, usage: Usage, cost_usd: float | None) -> None:
        return None

    def lost(self) -> None:
        return None

    def unpaid(self) -> None:
        return None


class NoBook:
    """A purse without a bottom and without a book: for what costs nothing, and for tests of other things."""

    def hold(self, call: Call) -> Held:
        return _Unbooked(output_tokens=call.output_tokens)
