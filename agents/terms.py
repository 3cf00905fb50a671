"""The terms on which endpoints may be called: who pays, and how far what is sent may go."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.purse import NoBook, Purse
from agents.wall import OPEN as NO_WALL
from agents.wall import Wall


@dataclass(frozen=True, kw_only=True)
class Terms:
    purse: Purse = field(default_factory=NoBook)
    wall: Wall = NO_WALL


OPEN = Terms()
"""No limit, no book, no wall: for tests of other things."""
