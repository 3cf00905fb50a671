"""The images of ours that an engine keeps: when each was last used, what they take, and removing the ones to go.

Docker knows no last use of an image, so each use touches a file of the image's name under the cache directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sandbox import collection
from sandbox.collection import Kind, Policy, Removal, Stored
from sandbox.daemon import Daemon
from sandbox.images import MACHINE_LABEL, REPOSITORY, is_incomplete, lock_of, scope_of
from sandbox.specs import ImageEntry

_KIND_LABEL = "org.redgreen.image"
_PREPARED = f"{REPOSITORY}:prepared-"


class Shelf:
    """One engine's images, as this machine sees them. Safe to share between threads and processes."""

    def __init__(self, daemon: Daemon, cache_dir: Path, machine: str, clock: Callable[[], float] = time.time) -> None:
        self._daemon = daemon
        self._cache_dir = cache_dir
        self._used = cache_dir / "used"
        self._machine = machine
        self._clock = clock

    def touch(self, image: str) -> None:
        """It is being used now. Never raises: a lost mark only makes an image look older."""
        with contextlib.suppress(OSError):
            _mark(self._used / _hexadecimal(image))

    def retry_due(self, image: str, created: float, *, incomplete: bool) -> bool:
        tried = _marked(self._used / f"{_hexadecimal(image)}.tried") or 0.0
        return collection.should_retry(created, tried, self._clock(), incomplete=incomplete)

    def retried(self, image: str) -> None:
        """Building it again failed: not before another day."""
        with contextlib.suppress(OSError):
            _mark(self._used / f"{_hexadecimal(image)}.tried")

    def stored(self) -> tuple[Stored, ...]:
        """All images of ours, longest unused first. Raises `EngineUnavailable`."""
        entries = {entry.id: entry for entry in self._daemon.images()}
        ours = [entry for entry in entries.values() if self._is_ours(entry)]
        return tuple(sorted((self._stored(entry, entries) for entry in ours), key=lambda image: image.used))

    def collect(self, policy: Policy) -> tuple[Removal, ...]:
        """Remove what the policy does not keep; what went. Raises `EngineUnavailable`."""
        chosen = collection.choose(self.stored(), self._daemon.images_in_use(), policy, self._clock())
        gone = tuple(removal for removal in chosen if self._removed(removal.image))
        self._forget_marks(policy.max_age)
        return gone

    def _removed(self, image: Stored) -> bool:
        """False where somebody uses or builds it after all: then it stays."""
        with contextlib.ExitStack() as locks:
            for tag in image.tags:
                if not locks.enter_context(_free_lock(self._cache_dir / lock_of(tag))):
                    return False
            if (_marked(self._used / _hexadecimal(image.id)) or image.used) > image.used:
                return False
            references = image.tags or (image.id,)
            return all(self._daemon.discard_image(reference) for reference in references)

    def _is_ours(self, entry: ImageEntry) -> bool:
        """Built by redgreen on this machine: what others built on an engine that they share is theirs to judge."""
        kind = entry.labels.get(_KIND_LABEL)
        if kind == Kind.BASE:
            return True
        return kind == Kind.ENVIRONMENT and entry.labels.get(MACHINE_LABEL) == self._machine

    def _stored(self, entry: ImageEntry, entries: Mapping[str, ImageEntry]) -> Stored:
        parent = entries.get(entry.parent)
        kind = Kind(entry.labels[_KIND_LABEL])
        if any(tag.rpartition("/")[2].startswith(_PREPARED) for tag in entry.tags):
            kind = Kind.PREPARED
        return Stored(
            id=entry.id,
            tags=entry.tags,
            kind=kind,
            parent=entry.parent,
            bytes=max(entry.size - parent.size, 0) if parent else entry.size,
            created=entry.created,
            used=max(_marked(self._used / _hexadecimal(entry.id)) or 0.0, entry.created),
            scope=scope_of(entry.labels),
            incomplete=is_incomplete(entry.labels),
        )

    def _forget_marks(self, max_age: float) -> None:
        """Of images that are long gone, here or on an engine that was used before."""
        oldest = self._clock() - max(max_age, collection.RETRY_SECONDS) - collection.GRACE_SECONDS
        with contextlib.suppress(OSError):
            for mark in self._used.iterdir():
                if (_marked(mark) or oldest) < oldest:
                    mark.unlink(missing_ok=True)


def _hexadecimal(image: str) -> str:
    name = image.rpartition(":")[2]
    if not name.isalnum():
        raise ValueError(f"not an image's id: {image}")
    return name


def _mark(path: Path) -> None:
    try:
        os.utime(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _marked(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


@contextmanager
def _free_lock(path: Path) -> Iterator[bool]:
    """`images.one_at_a_time`, if nobody has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
