"""Everything the agents raise.

AgentError
├── ModelError                 what a model adapter raises
│   ├── ModelUnavailable       transport, 408/429/5xx after retries; another try later may work
│   ├── IncompleteReply        the stream or body ended without its end, or cannot be read
│   ├── ModelRefused           key, permission, unknown model, malformed request: trying again is useless
│   │   └── ReplayDeparted     a recorded run was asked something it does not hold
│   ├── ContextOverflow        the conversation does not fit the window
│   └── OverLimit              the call could break a limit of money: it was not made
├── StrategyUnavailable        no such way of solving, or not with this model
└── TrajectoryError            a trajectory's file cannot be read

Every `ModelError` carries its `Fault`: what `bot.contest` decides by whether another model is asked instead.
"""

from __future__ import annotations

from enum import StrEnum


class AgentError(Exception):
    """Root of the tree: `str(error)` is a sentence for the user and never holds a key."""


class Fault(StrEnum):
    """Why an endpoint gave no answer, as far as another model could."""

    UNAVAILABLE = "unavailable"
    """Nothing answers, or too many ask; after all tries."""
    INCOMPLETE = "incomplete"
    """Answers break off or cannot be read; after all tries."""
    KEY = "key"
    """There is no key, or it is refused."""
    QUOTA = "quota"
    """The account has no money or no quota left."""
    MISSING = "missing"
    """The endpoint has no such model."""
    CONTEXT = "context"
    """The task does not fit the model's window."""
    DECLINED = "declined"
    """The model, or a filter before it, will not work on this."""
    LIMIT = "limit"
    """A limit of money could be broken: the endpoint was not asked."""
    REQUEST = "request"
    """The request is malformed or not allowed: a mistake of ours or of the configuration, to be seen and mended."""


class ModelError(AgentError):
    fault = Fault.REQUEST
    unpaid: bool = False
    """True where the endpoint certainly charges nothing: it was not reached, or refused before it began."""


class ModelUnavailable(ModelError):
    fault = Fault.UNAVAILABLE

    def __init__(self, message: str, *, retry_after: float | None = None, again: bool = True) -> None:
        """`again=False`: the endpoint itself says that trying again soon is useless."""
        super().__init__(message)
        self.retry_after = retry_after
        self.again = again


class IncompleteReply(ModelError):
    fault = Fault.INCOMPLETE


class ModelRefused(ModelError):
    def __init__(self, message: str, *, fault: Fault = Fault.REQUEST) -> None:
        super().__init__(message)
        self.fault = fault


class ContextOverflow(ModelError):
    fault = Fault.CONTEXT


class OverLimit(ModelError):
    fault = Fault.LIMIT
    unpaid = True


class ReplayDeparted(ModelRefused):
    pass


class StrategyUnavailable(AgentError):
    fault = Fault.REQUEST


class TrajectoryError(AgentError):
    fault = Fault.REQUEST
