"""Trying again: only what another try may mend, and never for long."""

from __future__ import annotations

import pytest

from agents.errors import ContextOverflow, IncompleteReply, ModelError, ModelRefused, ModelUnavailable
from agents.models.retry import Retrying, RetryPolicy
from agents.types import Reply
from tests.support.agent_world import ScriptedModel, saying
from tests.support.endpoints import READ, USER, WIRES, Wire
from tests.support.model_server import model_server, problem


def ask(*said: Reply | Exception, policy: RetryPolicy | None = None) -> tuple[Reply, list[float], ScriptedModel]:
    waited: list[float] = []
    model = ScriptedModel(list(said))
    retrying = Retrying(model, policy, sleep=waited.append, jitter=lambda: 1.0)
    return retrying.query([USER], [], max_output_tokens=10), waited, model


def test_unavailable_and_incomplete_are_tried_again_with_growing_waits() -> None:
    reply, waited, model = ask(ModelUnavailable("busy"), IncompleteReply("cut"), ModelUnavailable("busy"), saying("ok"))
    assert reply.message.text == "ok"
    assert waited == [1.0, 2.0, 4.0]
    assert len(model.heard) == 4


@pytest.mark.parametrize("error", [ModelRefused("no"), ContextOverflow("long"), ModelError("?"), KeyError("a bug")])
def test_nothing_else_is_tried_again(error: Exception) -> None:
    model = ScriptedModel([error, saying("ok")])
    with pytest.raises(type(error)):
        Retrying(model, sleep=lambda _: None).query([USER], [], max_output_tokens=10)
    assert len(model.heard) == 1


def test_retry_after_is_obeyed() -> None:
    _, waited, _ = ask(ModelUnavailable("busy", retry_after=30), saying("ok"))
    assert waited == [30]


def test_a_wait_that_is_too_long_is_the_callers_to_decide() -> None:
    model = ScriptedModel([ModelUnavailable("busy", retry_after=4_000), saying("ok")])
    with pytest.raises(ModelUnavailable) as caught:
        Retrying(model, sleep=lambda _: None).query([USER], [], max_output_tokens=10)
    assert caught.value.retry_after == 4_000
    assert len(model.heard) == 1


def test_the_last_error_is_raised_when_all_tries_are_used() -> None:
    errors = [ModelUnavailable(f"try {n}") for n in range(3)]
    model = ScriptedModel([*errors, saying("ok")])
    with pytest.raises(ModelUnavailable, match="try 2"):
        Retrying(model, RetryPolicy(attempts=3), sleep=lambda _: None).query([USER], [], max_output_tokens=10)


def test_waits_are_spread_and_bounded() -> None:
    policy = RetryPolicy(first_delay=1, longest_delay=10, attempts=20)
    error = IncompleteReply("cut")
    delays = [policy.delay(failures, error, jitter) for failures in (1, 5, 9) for jitter in (0.0, 0.999)]
    assert delays == pytest.approx([0.5, 0.9995, 5, 9.995, 5, 9.995])
    assert policy.delay(20, error, 0.0) is None


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_an_overloaded_endpoint_is_asked_again_over_the_wire(wire: Wire) -> None:
    busy = (problem(529, "overloaded_error", "busy", Retry_After="2"), problem(429, "rate_limit_error", "slow"))
    waited: list[float] = []
    with model_server(*busy, wire.message(text="ok")) as server:
        model = Retrying(wire.model(server), sleep=waited.append, jitter=lambda: 0.0)
        assert model.query([USER], [READ], max_output_tokens=10).message.text == "ok"
    assert waited == [2, 1]
    assert server.requests[0].body == server.requests[2].body
