"""How an arrow is taken, and the one table of errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.errors import ModelRefused
from bot.arrows import ACTIONS, INTERNAL, Action, Arrows, Failed, Stopped, action_on
from bot.errors import ForgeDenied, ForgeUnavailable, StoreError, UsageError
from bot.logs import masked
from bot.messages.status import internal_error
from sandbox.errors import ContainerLost, EngineUnavailable, ImageBuildFailed


@dataclass
class Memory:
    """Steps that remember in memory."""

    draining: bool = False
    names: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def run(self, name: str, function: Callable[[], Any]) -> Any:
        self.names.append(name)
        return function()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def function() -> str:
        if left:
            raise left.pop(0)
        return "value"

    return function


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (ForgeUnavailable("x"), Action.RETRY),
        (ForgeDenied("x"), Action.TELL),
        (StoreError("x"), Action.RETRY),
        (UsageError("x"), Action.TELL),
        (EngineUnavailable("x"), Action.RETRY),
        (ContainerLost("x"), Action.RETRY),
        (ImageBuildFailed("x"), Action.TELL),
        (ModelRefused("x"), Action.TELL),
        (ValueError("x"), None),
    ],
)
def test_the_table_says_what_is_done_on_each_error(error: Exception, action: Action | None) -> None:
    assert action_on(error) is action


def test_what_may_pass_is_tried_again_after_growing_pauses() -> None:
    steps = Memory()
    arrows = Arrows(steps, lambda: None, (1.0, 2.0), job="job-1")
    assert arrows.take("a", failing(ForgeUnavailable("x", retry_after=9.0), ContainerLost("y"))) == "value"
    assert (steps.names, steps.slept) == (["a", "a", "a"], [9.0, 2.0])


def test_what_does_not_pass_fails_with_its_last_cause() -> None:
    steps = Memory()
    with pytest.raises(Failed, match="third"):
        Arrows(steps, lambda: None, (1.0, 2.0), job="job-1").take(
            "a", failing(*map(ForgeUnavailable, ("first", "second", "third")))
        )
    assert steps.slept == [1.0, 2.0]


def test_a_pause_asked_for_is_bounded() -> None:
    steps = Memory()
    Arrows(steps, lambda: None, (1.0,), job="job-1").take("a", failing(ForgeUnavailable("x", retry_after=10**9)))
    assert steps.slept == [3600.0]


def test_what_is_useless_to_repeat_is_told_at_once() -> None:
    steps = Memory()
    with pytest.raises(Failed, match="no permission"):
        Arrows(steps, lambda: None, job="job-1").take("a", failing(ForgeDenied("no permission")))
    assert steps.slept == []


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        Arrows(Memory(), lambda: None, job="job-1").take("a", lambda: 1 / 0)


def test_a_stop_is_seen_before_an_arrow_but_the_last_word_is_still_said() -> None:
    arrows = Arrows(Memory(draining=True), lambda: "mona", job="job-1")
    with pytest.raises(Stopped, match="mona"):
        arrows.take("a", failing())
    assert arrows.take("last word", failing(), stoppable=False) == "value"
    assert arrows.draining


@pytest.mark.parametrize("kind", INTERNAL)
def test_of_an_internal_error_people_are_told_where_to_look_and_the_log_has_the_rest(kind: type[Exception]) -> None:
    error = kind("INSERT INTO jobs VALUES ('x') at postgresql://redgreen:hunter2@db.internal/redgreen")
    arrows = Arrows(Memory(), lambda: None, (1.0,), job="job-1")
    with capture_logs() as logs, pytest.raises(Failed) as failed:
        arrows.take("prepare", failing(error, error))
    assert str(failed.value) == internal_error("job-1")
    assert [(one["job"], one["arrow"]) for one in logs] == [("job-1", "prepare")] * 2
    assert all("INSERT INTO jobs" in one["error"] for one in logs)
    assert "hunter2" not in str([masked(None, "", dict(one)) for one in logs])


def test_every_error_that_is_retried_is_the_forges_or_is_internal() -> None:
    retried = [kind for kind, action in ACTIONS if action is Action.RETRY and kind is not ForgeUnavailable]
    assert retried == list(INTERNAL)
