"""Every call is paid from a purse: set aside before, booked after, and nothing for what was never made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents import loop, single_shot
from agents.errors import ModelError, ModelRefused, ModelUnavailable, OverLimit
from agents.models import build
from agents.models.paying import Metered, Scale
from agents.models.retry import Retrying, RetryPolicy
from agents.probe.asking import probe
from agents.purse import Call, Held
from agents.terms import Terms
from agents.types import AttemptLimits, Ending, Message, Reasoning, Role, Text, ToolCall, ToolResult, Usage
from config.models import ModelSpec, default_lineup, load
from tests.support import player
from tests.support.agent_world import MemoryEnvironment, MemoryRecorder
from tests.support.endpoints import KEY, PATIENT, READ, USER, WIRES, Wire
from tests.support.model_server import Answer, model_server, problem, serving
from tests.support.repair_env import DirectoryEnvironment
from tests.support.vendors import LLAMA_CPP, MISTRAL, VLLM, VLLM_BASE, Vendor, VendorServer

PRICE = "[models.under-test.price]\nas_of = 2026-11-23\ninput = 1000\noutput = 2000\ncache_write = 1250"


@dataclass
class Book:
    """A purse that keeps what it was told, and holds back by one limit."""

    least: int = 10**9
    """Output tokens it grants at most."""
    refuses: bool = False
    calls: list[Call] = field(default_factory=list)
    entries: list[tuple[str, Usage | None, float | None]] = field(default_factory=list)

    def hold(self, call: Call) -> Held:
        if self.refuses:
            raise OverLimit("the limit of $1.00 a month could be broken")
        self.calls.append(call)
        return _Entry(self, min(call.output_tokens, self.least))


@dataclass
class _Entry:
    book: Book
    output_tokens: int

    def paid(self, usage: Usage, cost_usd: float | None) -> None:
        self.book.entries.append(("paid", usage, cost_usd))

    def lost(self) -> None:
        self.book.entries.append(("lost", None, None))

    def unpaid(self) -> None:
        self.book.entries.append(("unpaid", None, None))


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_a_call_is_held_at_its_worst_and_booked_at_what_it_cost(wire: Wire, book: Book) -> None:
    usage = {"input_tokens": 20, "output_tokens": 5} if wire.adapter == "anthropic" else {
        "prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}  # fmt: skip
    with model_server(wire.message(text="Done.", usage=usage)) as server:
        model = build(wire.spec(server, PRICE), SecretStr(KEY), Terms(purse=book))
        assert model is not None
        model.query([USER], (READ,), max_output_tokens=50)
    (call,) = book.calls
    assert (call.model, call.output_tokens, call.self_hosted) == ("under-test", 50, False)
    assert call.prompt_tokens > 600
    assert call.worst_usd(50) == pytest.approx((call.prompt_tokens * 1250 + 50 * 2000) / 1e6)
    assert book.entries == [("paid", Usage(input_tokens=20, output_tokens=5), pytest.approx(0.03))]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_the_answer_is_as_long_as_the_purse_grants(wire: Wire, book: Book) -> None:
    book.least = 7
    with model_server(wire.message(text="Done.")) as server:
        model = build(wire.spec(server, PRICE), SecretStr(KEY), Terms(purse=book))
        assert model is not None
        model.query([USER], (), max_output_tokens=50)
        assert server.requests[0].body["max_tokens"] == 7


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_nothing_is_sent_where_the_purse_refuses(wire: Wire, book: Book) -> None:
    book.refuses = True
    with model_server() as server:
        model = build(wire.spec(server), SecretStr(KEY), Terms(purse=book))
        assert model is not None
        with pytest.raises(OverLimit):
            model.query([USER], (), max_output_tokens=50)
        assert server.requests == []


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
@pytest.mark.parametrize(
    ("answer", "raised", "entry"),
    [
        (problem(529, "overloaded_error", "busy"), ModelUnavailable, "unpaid"),
        (problem(401, "authentication_error", "no"), ModelRefused, "unpaid"),
        (problem(504, "timeout_error", "a proxy waited no longer"), ModelUnavailable, "lost"),
        (Answer(pieces=(b"data: {", b"}"), hang_up=True), ModelError, "lost"),
    ],
    ids=["busy", "refused", "given up on the way", "broken off"],
)
def test_what_broke_off_may_be_charged_and_what_was_refused_is_not(
    wire: Wire, answer: Answer, raised: type[ModelError], entry: str, book: Book
) -> None:
    with model_server(answer) as server:
        model = Metered(wire.model(server), wire.spec(server), book)
        with pytest.raises(raised):
            model.query([USER], (), max_output_tokens=50)
    assert [kind for kind, *_ in book.entries] == [entry]


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_each_retry_is_a_call_of_its_own(wire: Wire, book: Book) -> None:
    cut = Answer(pieces=wire.pieces(text="Half of it")[:2], hang_up=True)
    busy = problem(529, "overloaded_error", "busy")
    with model_server(cut, busy, wire.message(text="Done.")) as server:
        paid = Metered(wire.model(server), wire.spec(server), book)
        Retrying(paid, RetryPolicy(), sleep=lambda _: None).query([USER], (), max_output_tokens=50)
    assert [kind for kind, *_ in book.entries] == ["lost", "unpaid", "paid"]


def test_an_endpoint_out_of_reach_is_not_paid_and_one_that_went_silent_may_be(book: Book) -> None:
    wire = WIRES[1]
    with model_server() as server:
        spec, gone = wire.spec(server), wire.model(server)
    with pytest.raises(ModelUnavailable):
        Metered(gone, spec, book).query([USER], (), max_output_tokens=50)
    assert [kind for kind, *_ in book.entries] == ["unpaid"]


def test_a_bug_in_the_middle_of_a_call_leaves_it_in_the_book(book: Book) -> None:
    class Broken:
        name = "m"

        def query(self, *_: object, **__: object) -> None:
            raise KeyError("bug")

    with pytest.raises(KeyError):
        Metered(Broken(), default_lineup().get("claude-opus"), book).query([USER], (), max_output_tokens=5)  # type: ignore[arg-type]
    assert [kind for kind, *_ in book.entries] == ["lost"]


NOT_COUNTED = {"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 0, "output_tokens": 0}


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)
def test_an_answer_without_counts_costs_an_unknown_amount(wire: Wire, book: Book) -> None:
    with model_server(wire.message(text="Done.", usage=NOT_COUNTED)) as server:
        model = build(wire.spec(server, PRICE), SecretStr(KEY), Terms(purse=book))
        assert model is not None
        model.query([USER], (), max_output_tokens=50)
    assert book.entries == [("paid", Usage(), None)]


# --- the estimate ------------------------------------------------------------------------------------------------


def turn(*parts: Text | ToolCall | ToolResult | Reasoning) -> Message:
    return Message(role=Role.ASSISTANT, parts=parts)


def test_every_part_of_a_conversation_is_weighed() -> None:
    scale = Scale()
    empty = scale.weigh([turn()], ())
    for part in (
        Text(text="word " * 50), ToolResult(call_id="1", text="word " * 50),
        ToolCall(id="1", name="edit", arguments={"new": "word " * 50}),
        Reasoning(text="", opaque={"thinking": "word " * 50, "signature": "abc"}),
    ):  # fmt: skip
        assert scale.weigh([turn(part)], ()) >= empty + 100
    assert scale.weigh([turn()], (READ,)) > empty + 600


def test_an_estimate_follows_what_the_endpoint_reports() -> None:
    scale = Scale()
    weighed = scale.weigh([turn(Text(text="def add(a, b):\n    return a + b\n" * 100))], ())
    assert scale.tokens(weighed) == weighed
    scale.learn(weighed, weighed // 2)
    assert weighed // 2 < scale.tokens(weighed) < weighed
    scale.learn(weighed, weighed * 2)
    assert scale.tokens(weighed) > weighed * 2


def test_a_report_on_prose_says_nothing_about_the_digits_that_follow() -> None:
    prose, digits = turn(Text(text="certainly understandable " * 2000)), turn(Text(text="0718293645" * 2000))
    scale = Scale()
    said = scale.weigh([prose], ())
    scale.learn(said, 4000)
    known = scale.tokens(said)
    assert known < said
    assert scale.tokens(scale.weigh([prose, digits], ())) >= known + 20_000


# --- who calls ---------------------------------------------------------------------------------------------------


def test_a_loop_that_reaches_a_limit_of_money_ends_by_that_limit(book: Book) -> None:
    book.refuses = True
    with model_server() as server:
        model = build(WIRES[0].spec(server), SecretStr(KEY), Terms(purse=book))
        attempt = loop.solve(player.TASK, MemoryEnvironment({}), model, AttemptLimits(), MemoryRecorder())
    assert (attempt.ending, attempt.reason) == (Ending.LIMIT, "the limit of $1.00 a month could be broken")


def row(name: str, url: str, extra: str = "") -> ModelSpec:
    return load(f'[models.{name}]\nendpoint = "{url}/v1"\n{extra}', presets=default_lineup()).get(name)


def asked_for_money(server: VendorServer) -> int:
    return sum(any(key in one.body for key in ("max_tokens", "n_predict")) for one in server.requests)


SAMPLED = [
    ("starcoder2-15b", VLLM_BASE, ""),
    ("codellama-13b", LLAMA_CPP, 'fim = { route = "llama_cpp" }'),
    ("codestral", MISTRAL, 'strategy = "single_shot"\nkey_variable = ""'),
]


@pytest.mark.parametrize(("name", "vendor", "extra"), SAMPLED, ids=[name for name, *_ in SAMPLED])
def test_every_sample_of_single_shot_is_paid_whatever_route_it_takes(
    name: str, vendor: Vendor, extra: str, book: Book, tmp_path: Path
) -> None:
    spec = default_lineup().get(name)
    marks = tuple(filter(None, (spec.fim.prefix, spec.fim.suffix, spec.fim.middle))) if spec.fim else ()
    server = VendorServer(vendor=vendor, model=spec.model_id, window=16_384, play=player.play, fim_tokens=marks)
    environment = DirectoryEnvironment(tmp_path, player.FILES, runner="unittest")
    with serving(server):
        model = build(row(name, server.url, f"window = 16_384\noutput_limit = 2048\n{extra}"), None, Terms(purse=book))
        attempt = single_shot.solve(player.TASK, environment, model, AttemptLimits(), MemoryRecorder())
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    # A connection that this machine could not make in time is tried again: nothing of it arrived, and nothing is paid.
    paid = [(call, usage) for call, (kind, usage, _) in zip(book.calls, book.entries, strict=True) if kind != "unpaid"]
    assert len(paid) == asked_for_money(server) >= 2
    for call, usage in paid:
        assert usage is not None
        assert call.prompt_tokens >= usage.input_tokens


def test_samples_stop_where_the_purse_refuses(book: Book, tmp_path: Path) -> None:
    book.refuses = True
    server = VendorServer(vendor=VLLM_BASE, model="bigcode/starcoder2-15b", window=16_384, play=player.play)
    environment = DirectoryEnvironment(tmp_path, player.FILES, runner="unittest")
    with serving(server):
        model = build(row("starcoder2-15b", server.url), None, Terms(purse=book))
        attempt = single_shot.solve(player.TASK, environment, model, AttemptLimits(), MemoryRecorder())
    assert attempt.ending is Ending.LIMIT
    assert "could be broken" in attempt.reason
    assert asked_for_money(server) == 0


def test_every_question_of_a_probe_is_paid(book: Book) -> None:
    spec = default_lineup().get("qwen2_5-coder")
    server = VendorServer(vendor=VLLM, model=spec.model_id, window=spec.window, play=player.probed)
    with serving(server):
        found = probe(row(spec.name, server.url), None, Terms(purse=book), timeouts=PATIENT)
    assert found.is_usable
    assert len(book.entries) == asked_for_money(server) > 5
    assert {kind for kind, *_ in book.entries} <= {"paid", "unpaid"}
    assert sum(kind == "paid" for kind, *_ in book.entries) >= 4


@pytest.mark.parametrize("limit", ["nothing", "little"])
def test_a_probe_says_what_it_had_no_money_to_ask(limit: str, book: Book) -> None:
    book.refuses, book.least = limit == "nothing", 10
    spec = default_lineup().get("qwen2_5-coder")
    server = VendorServer(vendor=VLLM, model=spec.model_id, window=spec.window, play=player.probed)
    with serving(server):
        found = probe(row(spec.name, server.url), None, Terms(purse=book), timeouts=PATIENT)
    assert any("not asked" in problem for problem in found.problems)
    assert asked_for_money(server) == 0
