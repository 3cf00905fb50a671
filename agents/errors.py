"""Everything the agents raise.

AgentError
├── ModelError                 what a model adapter raises
│   ├── ModelUnavailable       transport, 408/429/5xx after retries; another try later may work
│   ├── IncompleteReply        the stream or body ended without its end, or cannot be read
│   ├── ModelRefused           key, permission, unknown model, malformed request: trying again is useless
│   │   └── ReplayDeparted     a recorded run was asked something it does not hold
│   └── ContextOverflow        the conversation does not fit the window
├── StrategyUnavailable        no such way of solving, or not with this model
└── TrajectoryError            a trajectory's file cannot be read
"""

from __future__ import annotations


class AgentError(Exception):
    """Root of the tree: `str(error)` is a sentence for the user and never holds a key."""


class ModelError(AgentError):
    pass


class ModelUnavailable(ModelError):
    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class IncompleteReply(ModelError):
    pass


class ModelRefused(ModelError):
    pass


class ContextOverflow(ModelError):
    pass


class ReplayDeparted(ModelRefused):
    pass


class StrategyUnavailable(AgentError):
    pass


class TrajectoryError(AgentError):
    pass
