"""A fresh hub for each test, held to GitHub's description when the test ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hub import Clock, Receiver, World, world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[World]:
    """A public repository, `ada/shop`."""
    with world(clock=clock) as made:
        yield made


@pytest.fixture
def hidden(clock: Clock) -> Iterator[World]:
    """The same, private."""
    with world(private=True, clock=clock) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().running() as running:
        yield running
