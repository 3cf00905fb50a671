"""Which of our images are not worth their place any more. Pure.

An image goes when nobody has used it for long, or when all of them together take too much and it is the one that was
used longest ago. It stays while a container runs on it, for an hour after its last use whatever else holds, while
another image is built on it, and always when it is a base image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

GRACE_SECONDS = 3600.0
"""Between two containers of one verification, only its last use shows that an image is wanted."""
RETRY_SECONDS = 86400.0
"""After which an image in which an optional step failed is built again: a registry may have been away."""


class Kind(StrEnum):
    BASE = "base"
    PREPARED = "prepared"
    """Base and system packages: what environments of different repositories share."""
    ENVIRONMENT = "environment"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An image of ours that an engine has."""

    id: str
    tags: tuple[str, ...]
    """None: it was built again under its tag, and this is what it was."""
    kind: Kind
    parent: str
    """The id of the image it was built on; empty: unknown."""
    bytes: int
    """What it takes beside its parent."""
    created: float
    used: float
    """When it was last used here; `created` where that is not known. Both in seconds since the epoch."""
    scope: str = ""
    """The repository it was built for; empty: for all."""
    incomplete: bool = False
    """An optional install step failed."""

    @property
    def name(self) -> str:
        return self.tags[0] if self.tags else self.id


@dataclass(frozen=True, kw_only=True)
class Policy:
    max_age: float
    """Seconds since the last use."""
    max_bytes: int
    """Of all environments together, without the base images."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    image: Stored
    why: str


def choose(images: Iterable[Stored], running: Set[str], policy: Policy, now: float) -> tuple[Removal, ...]:
    """What to remove, in an order in which each is nobody's parent by then. `running`: ids of images in use."""
    left = {image.id: image for image in images}
    chosen: list[Removal] = []
    while True:
        free = list(_free(left, running, now))
        removals = [Removal(image=image, why=why) for image in free if (why := _too_old(image, policy, now))]
        if not removals and _size(left) > policy.max_bytes and free:
            removals = [Removal(image=free[0], why="all images together take more than they may")]
        if not removals:
            return tuple(chosen)
        chosen += removals
        for removal in removals:
            del left[removal.image.id]


def _too_old(image: Stored, policy: Policy, now: float) -> str:
    """Why its time is over; empty: it is not."""
    if not image.tags:
        return "it was built again"
    idle = now - image.used
    return f"not used for {idle / 86400:.0f} days" if idle > policy.max_age else ""


def _free(left: Mapping[str, Stored], running: Set[str], now: float) -> Iterator[Stored]:
    """What may go, longest unused first."""
    parents = {image.parent for image in left.values()}
    for image in sorted(left.values(), key=lambda image: image.used):
        wanted = image.kind is Kind.BASE or image.id in running or image.id in parents
        if not wanted and now - image.used >= GRACE_SECONDS:
            yield image


def _size(left: Mapping[str, Stored]) -> int:
    return sum(image.bytes for image in left.values() if image.kind is not Kind.BASE)


def should_retry(created: float, tried: float, now: float, *, incomplete: bool) -> bool:
    """Whether a finished image is built again. `tried`: when that last failed; 0: never."""
    return incomplete and now - max(created, tried) > RETRY_SECONDS
