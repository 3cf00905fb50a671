"""Everything a model adapter raises.

ModelError
├── ModelUnavailable       transport, 408/429/5xx after retries; another try later may work
├── IncompleteReply        the stream or body ended without its end, or cannot be read
├── ModelRefused           key, permission, unknown model, malformed request: trying again is useless
└── ContextOverflow        the conversation does not fit the window
"""

from __future__ import annotations


class ModelError(Exception):
    """Root of the tree: `str(error)` is a sentence for the user and never holds a key."""


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
