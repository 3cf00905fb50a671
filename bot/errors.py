"""Everything the bot raises.

BotError
├── ForgeError
│   ├── ForgeUnavailable    transport, 5xx, rate limit: the step is tried again
│   ├── ForgeDenied         401, 403: a permission or the key is missing
│   ├── ForgeNotFound       404, 410
│   └── ForgeRejected       422 and the like: GitHub refuses what we sent
├── StoreError              the database cannot be used
│   └── NotYet              another job is about to store what is needed
└── UsageError              wrong input of a person; the text says what to do (exit 2)
"""

from __future__ import annotations


class BotError(Exception):
    """Root of the tree: `str(error)` is a sentence for the user."""


class ForgeError(BotError):
    pass


class ForgeUnavailable(ForgeError):
    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ForgeDenied(ForgeError):
    pass


class ForgeNotFound(ForgeError):
    pass


class ForgeRejected(ForgeError):
    pass


class StoreError(BotError):
    pass


class NotYet(StoreError):
    pass


class UsageError(BotError):
    pass


class Parked(BaseException):
    """The process is draining: the job goes on in the next one. No `Exception`, so nothing records it as failed."""
