"""What both adapters promise, each over its own wire format and a real SDK, against a loopback server."""

from __future__ import annotations

import gzip
import itertools
import json
import platform
import socket
import threading
import time
import traceback
from dataclasses import replace

import pytest

from agents.errors import ContextOverflow, Fault, IncompleteReply, ModelError, ModelRefused, ModelUnavailable
from agents.models.anthropic import AnthropicModel
from agents.models.deadline import OVER
from agents.models.openai import OpenAIModel
from agents.models.retry import Retrying
from agents.models.transport import Timeouts
from agents.types import Message, Reasoning, Role, StopReason, Text, ToolCall, ToolResult, Usage
from tests.support.endpoints import KEY, PATIENT, READ, SYSTEM, USER, WIRES, Wire
from tests.support.model_server import Answer, Call, ModelServer, Script, model_server, problem, sse

each_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.adapter)


def refused(wire: Wire, *script: Script, timeouts: Timeouts = PATIENT) -> ModelError:
    """The error that the first query ends with."""
    with model_server(*script) as server:
        with pytest.raises(ModelError) as caught:
            wire.model(server, timeouts=timeouts).query([SYSTEM, USER], [READ], max_output_tokens=100)
        assert not server.violations
        assert len(server.requests) == 1, "the SDK must not try again by itself"
    return caught.value


def asked(wire: Wire, server: ModelServer, *messages: Message, extra: str = "") -> Message:
    return wire.model(server, extra).query([SYSTEM, *(messages or (USER,))], [READ], max_output_tokens=100).message


# --- whole replies -----------------------------------------------------------------------------------------------


@each_wire
def test_parallel_tool_calls_are_read_with_their_text(wire: Wire) -> None:
    calls = (Call.of("c1", "read", path="a.py"), Call.of("c2", "read", path="dir/ü.py"))
    with model_server(wire.message(text="Looking.", calls=calls, model="model-x-0901")) as server:
        reply = wire.model(server).query([SYSTEM, USER], [READ], max_output_tokens=100)
    assert reply.message.text == "Looking."
    assert [(c.id, c.name, c.arguments, c.problem) for c in reply.message.tool_calls] == [
        ("c1", "read", {"path": "a.py"}, ""),
        ("c2", "read", {"path": "dir/ü.py"}, ""),
    ]
    assert (reply.stop, reply.model) == (StopReason.TOOL_CALLS, "model-x-0901")
    assert not server.violations


@each_wire
def test_a_reply_without_a_call_ends_the_turn(wire: Wire) -> None:
    with model_server(wire.message(text="Done.")) as server:
        reply = wire.model(server).query([SYSTEM, USER], [READ], max_output_tokens=100)
    assert (reply.message.text, reply.stop) == ("Done.", StopReason.END)


@each_wire
def test_the_output_limit_is_the_smaller_of_the_asked_and_the_models(wire: Wire) -> None:
    with model_server(wire.message(text="a"), wire.message(text="b")) as server:
        model = wire.model(server)
        model.query([USER], [], max_output_tokens=100)
        model.query([USER], [], max_output_tokens=1_000_000)
    assert [request.body["max_tokens"] for request in server.requests] == [100, 4_000]
    assert all("tools" not in request.body for request in server.requests)


@each_wire
def test_no_temperature_is_sent_and_the_key_goes_in_its_header(wire: Wire) -> None:
    with model_server(wire.message(text="a")) as server:
        asked(wire, server)
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert not {"temperature", "top_p"} & request.body.keys()
    assert request.body["stream"] is True


@each_wire
def test_what_json_has_no_words_for_is_not_sent_and_not_asked_again(wire: Wire) -> None:
    call = ToolCall(id="c1", name="read", arguments={"lines": float("nan")})
    said = Message(role=Role.ASSISTANT, parts=(call,))
    answer = Message(role=Role.USER, parts=(ToolResult(call_id="c1", text="?"),))
    with model_server() as server:
        model = Retrying(wire.model(server), sleep=lambda _: pytest.fail("it was tried again"))
        with pytest.raises(ModelRefused, match="cannot be written as JSON") as refused:
            model.query([USER, said, answer], [READ], max_output_tokens=100)
    assert refused.value.unpaid
    assert not server.requests


@each_wire
def test_an_endpoint_is_told_nothing_about_the_machine_that_asks(wire: Wire) -> None:
    with model_server(wire.message(text="a")) as server:
        asked(wire, server)
    told = " ".join(f"{name}: {value}" for name, value in server.requests[0].headers.items()).lower()
    machine = (platform.system(), platform.machine(), platform.python_version())
    assert not [word for word in ("x-stainless", *machine) if word.lower() in told]


@each_wire
def test_each_request_is_a_prefix_of_the_next(wire: Wire) -> None:
    calls = (Call.of("c1", "read", path="a"), Call.of("c2", "read", path="b"))
    with model_server(*(wire.message(text=f"turn {n}", calls=calls) for n in range(4))) as server:
        model, conversation = wire.model(server), [SYSTEM, USER]
        for turn in range(4):
            reply = model.query(conversation, [READ], max_output_tokens=100)
            answers = tuple(ToolResult(call_id=c.id, text=f"{turn}") for c in reply.message.tool_calls)
            conversation += [reply.message, Message(role=Role.USER, parts=answers)]
    assert not server.violations
    sent = [wire.turns(request) for request in server.requests]
    for shorter, longer in itertools.pairwise(sent):
        assert longer[: len(shorter)] == shorter
        assert len(longer) > len(shorter)


@each_wire
def test_a_failed_result_and_a_broken_call_can_be_sent_back(wire: Wire) -> None:
    broken = Call(id="c1", name="read", arguments='{"path": ')
    with model_server(wire.message(calls=[broken]), wire.message(text="ok")) as server:
        model = wire.model(server)
        reply = model.query([USER], [READ], max_output_tokens=100)
        (call,) = reply.message.tool_calls
        assert call.arguments == {}
        assert "not valid JSON" in call.problem
        answer = Message(role=Role.USER, parts=(ToolResult(call_id="c1", text=call.problem, is_error=True),))
        model.query([USER, reply.message, answer], [READ], max_output_tokens=100)
    assert not server.violations
    assert "not valid JSON" in json.dumps(server.requests[1].body["messages"])


@each_wire
@pytest.mark.parametrize("arguments", ['{"a": }', "[1, 2]", '{"path": "x"', '{"a": NaN}', "[" * 100_000])
def test_arguments_that_are_no_json_object_are_a_problem_of_the_call(wire: Wire, arguments: str) -> None:
    with model_server(wire.message(calls=[Call(id="c1", name="read", arguments=arguments)])) as server:
        (call,) = asked(wire, server).tool_calls
    assert call.problem
    assert call.arguments == {}


@each_wire
@pytest.mark.parametrize("depth", [65, 600])
def test_arguments_that_are_nested_without_an_end_in_sight_are_a_problem_of_the_call(wire: Wire, depth: int) -> None:
    nested = '{"path": ' + "[" * depth + "]" * depth + "}"
    with model_server(wire.message(calls=[Call(id="c1", name="read", arguments=nested)])) as server:
        (call,) = asked(wire, server).tool_calls
    assert "nested" in call.problem
    assert call.arguments == {}


@each_wire
@pytest.mark.parametrize("count", [-1, 10**400], ids=["below zero", "beyond all bounds"])
def test_counts_that_cannot_be_are_unknown(wire: Wire, count: int) -> None:
    prompt, answer = ("input", "output") if wire.adapter == "anthropic" else ("prompt", "completion")
    usage = {f"{prompt}_tokens": 100, f"{answer}_tokens": count}
    price = "[models.under-test.price]\nas_of = 2026-11-23\ninput = 2\noutput = 10"
    with model_server(wire.message(text="ok", usage=usage)) as server:
        reply = wire.model(server, price).query([USER], [READ], max_output_tokens=100)
    assert (reply.message.text, reply.usage, reply.cost_usd) == ("ok", Usage(input_tokens=100), None)


@each_wire
def test_a_call_cut_at_the_output_limit_says_so(wire: Wire) -> None:
    cut = Call(id="c1", name="read", arguments='{"path": "very long')
    stop = "max_tokens" if wire.adapter == "anthropic" else "length"
    with model_server(wire.message(calls=[cut], stop=stop)) as server:
        reply = wire.model(server).query([USER], [READ], max_output_tokens=100)
    assert reply.stop is StopReason.LENGTH
    assert "cut off" in reply.message.tool_calls[0].problem


@each_wire
def test_a_refusal_is_told_from_an_end(wire: Wire) -> None:
    stop = "refusal" if wire.adapter == "anthropic" else "content_filter"
    with model_server(wire.message(text="I cannot.", stop=stop)) as server:
        reply = wire.model(server).query([USER], [READ], max_output_tokens=100)
    assert reply.stop is StopReason.REFUSED


@each_wire
def test_lone_surrogates_of_a_model_can_be_sent_back(wire: Wire) -> None:
    odd = Call(id="c1", name="read", arguments='{"path": "\\ud800"}')
    with model_server(wire.message(text="half: \ud83d", calls=[odd]), wire.message(text="ok")) as server:
        model = wire.model(server)
        reply = model.query([USER], [READ], max_output_tokens=100)
        result = Message(role=Role.USER, parts=(ToolResult(call_id="c1", text="tenant: \udcff"),))
        model.query([USER, reply.message, result], [READ], max_output_tokens=100)
    assert reply.message.tool_calls[0].arguments == {"path": "?"}
    assert len(server.requests) == 2


# --- holes of the SDKs -------------------------------------------------------------------------------------------


@each_wire
def test_a_stream_cut_in_the_middle_is_incomplete(wire: Wire) -> None:
    pieces = wire.pieces(text="Hello there.", calls=[Call.of("c1", "read", path="a")])
    error = refused(wire, Answer(pieces=pieces[:4], hang_up=True))
    assert type(error) is IncompleteReply


@each_wire
@pytest.mark.parametrize("missing", [1, 2, 3, 4])
def test_a_stream_that_ends_cleanly_before_its_end_is_incomplete(wire: Wire, missing: int) -> None:
    # For OpenAI the last piece is `[DONE]`, and the one before it the token counts: nothing of the answer is lost with
    # the last piece alone, so there the shortest cut that matters is of two.
    last = missing if wire.adapter == "anthropic" else missing + 1
    pieces = wire.pieces(text="Hello.", calls=[Call.of("c1", "read", path="a")])
    error = refused(wire, Answer(pieces=pieces[:-last]))
    assert type(error) is IncompleteReply


@each_wire
def test_an_empty_body_is_incomplete(wire: Wire) -> None:
    assert type(refused(wire, Answer())) is IncompleteReply


@each_wire
@pytest.mark.parametrize(
    "body",
    [
        b"data: {not json}\n\n",
        b"event: message_start\ndata: {not json}\n\n",
        b"event: message_start\ndata: [1, 2]\n\n",
        b'event: message_start\ndata: {"type": "message_start", "message": 3}\n\n',
        b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 7, "delta": {"type": "x"}}\n\n',
        b'data: {"choices": "none"}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [7]}}]}\n\n',
        b"data: \xff\xfe\n\n",
        b"event: message_start\ndata: " + b"[" * 100_000 + b"\n\n",
        b'data: {"choices": [{"delta": {"reasoning_details": [' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"]}}]}\n\n",
        b'event: content_block_start\ndata: {"type": "content_block_start", "index": 0, "content_block": '
        + b'{"a":' * 200
        + b"1"
        + b"}" * 200
        + b"}\n\n",
        b"<html>Welcome to the hotel's network</html>",
        b'{"id": "x", "choices": []}',
    ],
)
def test_a_body_that_is_no_reply_is_incomplete(wire: Wire, body: bytes) -> None:
    assert type(refused(wire, Answer(pieces=(body,)))) is IncompleteReply


@each_wire
@pytest.mark.parametrize("encoding", ["gzip", "GZip", "deflate", "br", "identity, gzip"])
def test_what_comes_compressed_is_not_unfolded(wire: Wire, encoding: str) -> None:
    """Three megabytes of a gzip can be gigabytes of text."""
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": encoding}
    whole = b"".join(wire.pieces(text="Hello."))
    compressed = Answer(pieces=(gzip.compress(whole),), headers=headers)
    refusal = pytest.raises(IncompleteReply, match="compressed, which was not asked for")
    with model_server(compressed) as server, refusal:
        wire.model(server).query([SYSTEM, USER], [READ], max_output_tokens=100)
    assert server.requests[0].headers["accept-encoding"] == "identity"


@each_wire
@pytest.mark.parametrize(
    ("status", "expected"), [(401, ModelRefused), (429, ModelUnavailable), (502, ModelUnavailable)]
)
def test_a_complaint_that_comes_compressed_counts_by_its_status(
    wire: Wire, status: int, expected: type[ModelError]
) -> None:
    headers = {"Content-Type": "text/html", "Content-Encoding": "gzip", "Retry-After": "7"}
    page = Answer(status=status, pieces=(gzip.compress(b"<h1>Not now</h1>" * 9),), headers=headers)
    error = refused(wire, page)
    assert type(error) is expected
    assert str(status) in str(error)
    assert not isinstance(error, ModelUnavailable) or error.retry_after == 7.0


@each_wire
def test_a_gzip_that_is_none_is_incomplete(wire: Wire) -> None:
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
    assert type(refused(wire, Answer(pieces=(b"plain",), headers=headers))) is IncompleteReply


def error_event(wire: Wire, kind: str, message: str) -> bytes:
    data = {"type": "error", "error": {"type": kind, "message": message}}
    return sse("error", data) if wire.adapter == "anthropic" else b"data: " + json.dumps(data).encode() + b"\n\n"


@each_wire
@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("overloaded_error", "Overloaded", ModelUnavailable),
        ("rate_limit_error", "Slow down", ModelUnavailable),
        ("server_error", "Oh", ModelUnavailable),
        ("api_error", "Internal server error", ModelUnavailable),
        ("invalid_request_error", "no such field", ModelRefused),
        ("authentication_error", "who are you", ModelRefused),
        ("invalid_request_error", "prompt is too long: 2000000 tokens", ContextOverflow),
        ("something_new", "what", IncompleteReply),
    ],
)
def test_an_error_event_after_status_200_is_what_its_type_says(
    wire: Wire, kind: str, message: str, expected: type[ModelError]
) -> None:
    pieces = wire.pieces(text="Hello.")
    error = refused(wire, Answer(pieces=(pieces[0], error_event(wire, kind, message))))
    assert type(error) is expected
    assert message in str(error)


@each_wire
@pytest.mark.parametrize(
    ("status", "kind", "message", "expected"),
    [
        (400, "invalid_request_error", "bad field", ModelRefused),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", ContextOverflow),
        (400, "context_length_exceeded", "This model's maximum context length is 8192 tokens.", ContextOverflow),
        (400, "exceed_context_size_error", "the request exceeds the available context size", ContextOverflow),
        (413, "request_too_large", "too large", ContextOverflow),
        (401, "authentication_error", "invalid key", ModelRefused),
        (402, "billing_error", "pay", ModelRefused),
        (403, "permission_error", "not you", ModelRefused),
        (404, "not_found_error", "no such model", ModelRefused),
        (422, "unprocessable", "what", ModelRefused),
        (429, "insufficient_quota", "You exceeded your quota", ModelRefused),
        (408, "timeout", "slow", ModelUnavailable),
        (409, "conflict", "again", ModelUnavailable),
        (429, "rate_limit_error", "slow down", ModelUnavailable),
        (500, "api_error", "oh", ModelUnavailable),
        (503, "unavailable", "later", ModelUnavailable),
        (529, "overloaded_error", "overloaded", ModelUnavailable),
    ],
)
def test_a_status_is_translated(wire: Wire, status: int, kind: str, message: str, expected: type[ModelError]) -> None:
    error = refused(wire, problem(status, kind, message))
    assert type(error) is expected
    assert message in str(error)


@each_wire
@pytest.mark.parametrize("status", [429, 529])
def test_retry_after_is_kept(wire: Wire, status: int) -> None:
    error = refused(wire, problem(status, "overloaded_error", "busy", Retry_After="7"))
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after == 7


@each_wire
def test_an_error_page_that_is_not_json_is_translated_by_its_status(wire: Wire) -> None:
    page = Answer(status=502, headers={"Content-Type": "text/html"}, pieces=(b"<h1>Bad gateway</h1>",))
    assert type(refused(wire, page)) is ModelUnavailable


@each_wire
def test_a_redirect_is_not_followed(wire: Wire) -> None:
    with model_server() as elsewhere:
        away = Answer(status=307, headers={"Location": f"{elsewhere.url}/v1/messages"})
        error = refused(wire, away)
    assert type(error) is ModelRefused
    assert not elsewhere.requests, "neither the key nor the source may go to another host"


@each_wire
def test_a_closed_port_is_unavailable(wire: Wire) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = ModelServer([])
        server.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ModelUnavailable):
            wire.model(server).query([USER], [], max_output_tokens=10)


@each_wire
def test_calls_that_follow_each_other_share_a_connection(wire: Wire) -> None:
    with model_server(*(wire.message(text=str(number)) for number in range(3))) as server:
        model = wire.model(server)
        said = [model.query([SYSTEM, USER], [READ], max_output_tokens=100).message.text for _ in range(3)]
    assert said == ["0", "1", "2"]
    assert len({request.port for request in server.requests}) == 1


@each_wire
def test_a_body_that_goes_on_after_the_last_event_holds_nobody_up(wire: Wire) -> None:
    ended = threading.Event()
    endless = replace(wire.message(text="first"), linger=ended)
    with model_server(endless, wire.message(text="second")) as server:
        model = wire.model(server)
        said = [model.query([SYSTEM, USER], [READ], max_output_tokens=100).message.text for _ in range(2)]
        ended.set()
    assert said == ["first", "second"]
    assert len({request.port for request in server.requests}) == 2, "who waits for the end keeps the connection"


@each_wire
def test_silence_ends_a_reply(wire: Wire) -> None:
    pause = threading.Event()
    limits = Timeouts(connect=1, silence=0.3, whole=30)
    started = time.monotonic()
    error = refused(wire, Answer(pieces=wire.pieces(text="Hello."), pause=pause), timeouts=limits)
    pause.set()
    assert type(error) is IncompleteReply
    assert time.monotonic() - started < 5


@each_wire
def test_a_reply_that_never_ends_is_ended_by_its_whole_time(wire: Wire) -> None:
    pause = threading.Event()
    drip = b": still here\n\n" if wire.adapter == "openai" else sse("ping", {"type": "ping"})
    clocked = Timeouts(connect=20, silence=20, whole=1.5)
    started = time.monotonic()
    error = refused(wire, Answer(pieces=(drip,) * 50, pause=pause), timeouts=clocked)
    pause.set()
    assert type(error) is IncompleteReply
    assert OVER in str(error)
    assert time.monotonic() - started < 9, "neither the silence nor the server's own pause ended it"


@each_wire
def test_a_flood_is_ended_by_its_size(wire: Wire) -> None:
    flood = Timeouts(connect=1, silence=5, whole=30, response_bytes=20_000)
    error = refused(wire, Answer(pieces=(b": " + b"x" * 9_000 + b"\n\n",) * 5), timeouts=flood)
    assert type(error) is IncompleteReply


# --- secrets -----------------------------------------------------------------------------------------------------


@each_wire
@pytest.mark.parametrize("status", [401, 200])
def test_a_key_that_the_endpoint_repeats_is_not_in_the_error(wire: Wire, status: int) -> None:
    said = f"Incorrect API key provided: {KEY}."
    if status == 200:
        answer = Answer(pieces=(error_event(wire, "authentication_error", said),))
    else:
        answer = problem(401, "authentication_error", said)
    error = refused(wire, answer)
    shown = "".join(traceback.format_exception(error))
    assert KEY not in shown
    assert "[key]" in str(error)


@each_wire
def test_a_key_in_the_endpoints_word_for_the_error_is_not_in_the_error(wire: Wire) -> None:
    error = refused(wire, Answer(pieces=(error_event(wire, f"authentication_error for {KEY}\n", "No."),)))
    assert KEY not in "".join(traceback.format_exception(error))
    assert "(authentication_error for [key]" in str(error)
    assert error.fault is Fault.KEY


@each_wire
def test_a_date_that_no_clock_has_is_no_time_to_wait(wire: Wire) -> None:
    error = refused(wire, problem(429, "rate_limit_error", "Slow.", retry_after="Mon, 23 Nov 99999999999 12:00:30 GMT"))
    assert isinstance(error, ModelUnavailable)
    assert error.retry_after is None


@each_wire
def test_a_model_does_not_show_its_key(wire: Wire) -> None:
    with model_server() as server:
        model = wire.model(server)
    assert KEY not in f"{model!r} {model} {model.name}"


@each_wire
def test_no_key_is_looked_up_in_the_environment(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "sk-of-somebody-else")
    make = AnthropicModel if wire.adapter == "anthropic" else OpenAIModel
    with model_server(wire.message(text="a")) as server:
        make(wire.spec(server), None, timeouts=PATIENT).query([USER], [], max_output_tokens=10)
    assert "sk-of-somebody-else" not in json.dumps(dict(server.requests[0].headers))


# --- reasoning ---------------------------------------------------------------------------------------------------


@each_wire
def test_another_vendors_reasoning_and_an_empty_answer_can_be_sent(wire: Wire) -> None:
    foreign = Reasoning(text="hm", opaque={"type": "of another vendor"})
    conversation = [
        USER,
        Message(role=Role.ASSISTANT, parts=(foreign,)),
        Message(role=Role.USER, parts=(Text(text="Go on."),)),
    ]
    with model_server(wire.message(text="ok")) as server:
        wire.model(server).query(conversation, [READ], max_output_tokens=10)
    assert not server.violations
    assert "another vendor" not in json.dumps(server.requests[0].body)


@each_wire
def test_text_beside_results_comes_after_them(wire: Wire) -> None:
    call = ToolCall(id="c1", name="read", arguments={"path": "a"})
    conversation = [
        USER,
        Message(role=Role.ASSISTANT, parts=(call,)),
        Message(role=Role.USER, parts=(Text(text="And note this."), ToolResult(call_id="c1", text="a"))),
    ]
    with model_server(wire.message(text="ok")) as server:
        wire.model(server).query(conversation, [READ], max_output_tokens=10)
    assert not server.violations
    last = json.dumps(server.requests[0].body["messages"][-2:])
    assert last.index('"c1"') < last.index("And note this.")
