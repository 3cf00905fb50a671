"""Trying again: only what another try may mend, and never for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from agents import loop
from agents.errors import ContextOverflow, Fault, IncompleteReply, ModelError, ModelRefused, ModelUnavailable
from agents.models.retry import Retrying, RetryPolicy
from agents.patience import Patience, pause
from agents.types import AttemptLimits, Ending, Message, Reply, ToolSpec
from tests.support import player
from tests.support.agent_world import MemoryEnvironment, MemoryRecorder, ScriptedModel, calling, saying
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


def test_retry_after_is_obeyed_and_never_undercut() -> None:
    _, waited, _ = ask(ModelUnavailable("busy", retry_after=30), saying("ok"))
    assert waited == [33]
    policy, busy = RetryPolicy(), ModelUnavailable("busy", retry_after=30)
    waits = [policy.delay(1, busy, jitter / 100) for jitter in range(100)]
    assert waits[0] == 30
    assert all(wait is not None and 30 <= wait < 33 for wait in waits)
    assert len(set(waits)) == 100, "callers that were turned away together come back apart"


def test_an_endpoint_that_says_not_to_try_again_is_believed() -> None:
    model = ScriptedModel([ModelUnavailable("busy", again=False), saying("ok")])
    with pytest.raises(ModelUnavailable):
        Retrying(model, sleep=lambda _: None).query([USER], [], max_output_tokens=10)
    assert len(model.heard) == 1


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


class Clock:
    """Moves by what is slept, and by the seconds that each call takes."""

    def __init__(self, call_seconds: float = 0.0) -> None:
        self.now, self.call_seconds = 1_000.0, call_seconds

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def exhausted(clock: Clock, patience: Patience, policy: RetryPolicy) -> int:
    """The calls that were made before the last error was raised."""

    def call() -> None:
        calls.append(1)
        clock.now += clock.call_seconds
        raise ModelUnavailable("busy", retry_after=100)

    calls: list[int] = []
    retrying = Retrying(
        ScriptedModel([]), policy, patience=patience, sleep=clock.sleep, jitter=lambda: 0.0, clock=clock
    )
    with pytest.raises(ModelUnavailable):
        retrying.again(call)
    return len(calls)


def test_tries_are_bounded_in_wall_time_too() -> None:
    clock = Clock(call_seconds=150)
    assert exhausted(clock, Patience(), RetryPolicy(attempts=100, longest_whole=599)) == 3
    assert clock.now - 1_000 == 3 * 150 + 2 * 100


def test_no_wait_goes_beyond_the_attempts_own_seconds() -> None:
    """A resumed attempt has fewer left: they count from when its model is made."""
    clock = Clock()
    assert exhausted(clock, Patience(seconds=250), RetryPolicy(attempts=100)) == 3
    assert clock.now - 1_000 == 200


def slow_failures(clock: Clock, seconds: float, errors: Callable[[], ModelError], **policy: float) -> int:
    """The calls that were made, each of that many seconds, by an attempt of half an hour."""
    calls: list[float] = []

    def call() -> None:
        calls.append(clock.now)
        clock.now += seconds
        raise errors()

    retrying = Retrying(
        ScriptedModel([]), RetryPolicy(attempts=100, longest_whole=1e9, **policy), patience=Patience(seconds=1_800),
        sleep=clock.sleep, jitter=lambda: 0.0, clock=clock,
    )  # fmt: skip
    with pytest.raises(type(errors())):
        retrying.again(call)
    return len(calls)


@pytest.mark.parametrize(
    ("seconds", "calls"), [(200, 3), (301, 2), (599, 2), (601, 1)], ids=["200 s", "301 s", "599 s", "601 s"]
)
@pytest.mark.parametrize("error", [ModelUnavailable("504"), IncompleteReply("cut")], ids=["504", "cut"])
def test_slow_failures_of_one_call_use_up_a_third_of_the_attempts_seconds(
    seconds: float, calls: int, error: ModelError
) -> None:
    clock = Clock()
    assert slow_failures(clock, seconds, lambda: error) == calls
    assert clock.now - 1_000 < 1_800, "there is time left in which it is a failure and no limit"


def test_a_wait_that_the_endpoint_asked_for_is_not_in_vain() -> None:
    clock = Clock()
    asked = slow_failures(clock, 1, lambda: ModelUnavailable("429", retry_after=290))
    assert asked == 7, "as many as the attempt's own seconds allow"
    assert slow_failures(Clock(), 150, lambda: ModelUnavailable("504", retry_after=100)) == 5


def test_an_attempt_of_slow_failures_ends_by_the_endpoints_fault_and_not_by_its_limit() -> None:
    """Every call fails once before it is answered, and the fifth would be over with the attempt. The budget is a
    share of what is left when a call begins, so there comes one whose failure is too long."""
    clock, heard = Clock(), 0

    class Slow(ScriptedModel):
        def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
            nonlocal heard
            heard += 1
            clock.now += 180
            if heard % 2:
                raise ModelUnavailable("the endpoint answered 504")
            return calling(("shell", {"command": f"echo {heard}"}), turn=heard)

    patience = Patience(seconds=1_800)
    model = Retrying(Slow([]), patience=patience, sleep=clock.sleep, jitter=lambda: 0.0, clock=clock)
    limits = AttemptLimits(seconds=1_800)
    attempt = loop.solve(player.TASK, MemoryEnvironment({"a.py": b""}), model, limits, MemoryRecorder(), clock=clock)
    assert (attempt.ending, attempt.fault) == (Ending.MODEL_FAILED, Fault.UNAVAILABLE)
    assert attempt.steps == 4
    assert clock.now - 1_000 < 1_800


def test_without_an_attempt_tries_have_no_share_to_end_them() -> None:
    clock = Clock(call_seconds=10_000)
    assert exhausted(clock, Patience(), RetryPolicy(attempts=4, longest_whole=1e9)) == 4


def test_a_stop_ends_the_waiting() -> None:
    clock = Clock()
    assert exhausted(clock, Patience(stopped=lambda: clock.now > 1_050), RetryPolicy(attempts=100)) == 1
    slept: list[float] = []
    pause(10, lambda: len(slept) >= 3, slept.append)
    assert slept == [1, 1, 1]
    pause(2.5, lambda: False, slept.append)
    assert slept[3:] == [1, 1, 0.5]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_each_passing_trouble_is_tried_again_over_the_wire(wire: Wire, status: int) -> None:
    waited: list[float] = []
    with model_server(problem(status, "overloaded_error", "busy"), wire.message(text="ok")) as server:
        model = Retrying(wire.model(server), sleep=waited.append, jitter=lambda: 0.0)
        assert model.query([USER], [READ], max_output_tokens=10).message.text == "ok"
    assert waited == [0.5]
    assert len(server.requests) == 2, "the SDK adds no tries of its own"


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_a_date_and_milliseconds_are_waited_for_over_the_wire(wire: Wire) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    script = (
        problem(503, "api_error", "x", Retry_After=date),
        problem(429, "rate_limit_error", "x", retry_after_ms="1500"),
    )
    waited: list[float] = []
    with model_server(*script, wire.message(text="ok")) as server:
        model = Retrying(wire.model(server), sleep=waited.append, jitter=lambda: 0.0)
        model.query([USER], [READ], max_output_tokens=10)
    assert 15 < waited[0] <= 20
    assert waited[1] == 1.5


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
@pytest.mark.parametrize("headers", [{"x_should_retry": "false"}, {"Retry_After": "301"}])
def test_what_the_endpoint_forbids_or_puts_off_too_long_is_not_tried_again(wire: Wire, headers: dict[str, str]) -> None:
    with model_server(problem(429, "rate_limit_error", "x", **headers)) as server, pytest.raises(ModelUnavailable):
        Retrying(wire.model(server), sleep=lambda _: None).query([USER], [READ], max_output_tokens=10)
    assert len(server.requests) == 1


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_a_wait_is_slept_in_full_over_the_wire(wire: Wire) -> None:
    busy = problem(529, "overloaded_error", "busy", retry_after_ms="300")
    with model_server(busy, wire.message(text="ok")) as server:
        started = time.monotonic()
        policy = RetryPolicy(first_delay=0.01)
        Retrying(wire.model(server), policy).query([USER], [READ], max_output_tokens=10)
    assert 0.3 <= time.monotonic() - started < 5


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_an_overloaded_endpoint_is_asked_again_over_the_wire(wire: Wire) -> None:
    busy = (problem(529, "overloaded_error", "busy", Retry_After="2"), problem(429, "rate_limit_error", "slow"))
    waited: list[float] = []
    with model_server(*busy, wire.message(text="ok")) as server:
        model = Retrying(wire.model(server), sleep=waited.append, jitter=lambda: 0.0)
        assert model.query([USER], [READ], max_output_tokens=10).message.text == "ok"
    assert waited == [2, 1]
    assert server.requests[0].body == server.requests[2].body
