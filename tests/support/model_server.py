"""A loopback server that speaks Anthropic's Messages and OpenAI's Chat Completions, strict about what it receives.

Each request is answered by the next answer of the script. What a real endpoint would refuse is refused here with 400
and kept in `violations`; every request is kept as it came. The answers can also break off, hang up, or talk nonsense.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, TypeVar


@dataclass(frozen=True, kw_only=True)
class Received:
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    method: str = "POST"
    raw: bytes = b""
    """The body as it came."""
    port: int = 0
    """The client's: one a connection."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is sent: status, headers, then the pieces one by one. `hang_up`: the connection is cut after them, without
    the end that chunked transfer demands."""

    pieces: tuple[bytes, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/event-stream"})
    hang_up: bool = False
    pause: threading.Event | None = None
    """Waited for (at most ten seconds) after the first piece."""
    linger: threading.Event | None = None
    """Waited for (at most ten seconds) after the last piece, before the end that chunked transfer demands."""


Script = Answer | Callable[[Received], Answer]


class ModelServer:
    def __init__(self, script: Sequence[Script]) -> None:
        self.script = list(script)
        self.requests: list[Received] = []
        self.violations: list[str] = []
        self.url = ""
        self._lock = threading.Lock()

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    def answer(self, received: Received) -> Answer:
        with self._lock:
            self.requests.append(received)
            if received.path == "/v1/messages":
                problems = anthropic_problems(received)
            elif received.path == "/v1/chat/completions":
                problems = openai_problems(received)
            else:
                return problem(404, "not_found_error", f"no such path: {received.path}")
            if problems:
                self.violations.extend(problems)
                return problem(400, "invalid_request_error", "; ".join(problems))
            if not self.script:
                self.violations.append("a request after the script's end")
                return problem(500, "api_error", "the script is over")
            step = self.script.pop(0)
        try:
            return step(received) if callable(step) else step
        except AssertionError as error:
            self.violations.append(str(error))
            return problem(400, "invalid_request_error", "not what the script expected")


class Answering(Protocol):
    url: str

    def answer(self, received: Received) -> Answer: ...


S = TypeVar("S", bound=Answering)


@contextmanager
def model_server(*script: Script) -> Iterator[ModelServer]:
    """Serves a script on a free port of 127.0.0.1 until the block ends."""
    with serving(ModelServer(script)) as server:
        yield server


@contextmanager
def serving(server: S) -> Iterator[S]:
    """Serves on a free port of 127.0.0.1 until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            raw = self.rfile.read(length)
            body = json.loads(raw)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(
                server.answer(
                    Received(path=self.path, headers=headers, body=body, raw=raw, port=self.client_address[1])
                )
            )

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._send(server.answer(Received(path=self.path, headers=headers, body={}, method="GET")))

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for place, piece in enumerate(answer.pieces):
                    if place == 1 and answer.pause is not None:
                        answer.pause.wait(10)
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                if answer.linger is not None:
                    answer.linger.wait(10)
                if not answer.hang_up:
                    self.wfile.write(b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client had enough: a test of its limits
            self.close_connection = answer.hang_up

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


# --- answers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Call:
    id: str
    name: str
    arguments: str
    """JSON text, or what is meant to be none."""

    @classmethod
    def of(cls, call_id: str, name: str, **arguments: object) -> Call:
        return cls(id=call_id, name=name, arguments=json.dumps(arguments))


def problem(status: int, kind: str, message: str, **headers: str) -> Answer:
    """An error in the shape that both APIs share."""
    body = {"type": "error", "error": {"type": kind, "code": kind, "message": message}}
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Answer(status=status, headers=sent, pieces=(json.dumps(body).encode(),))


def sse(event: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()


def chunk(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def anthropic_pieces(
    *,
    text: str = "",
    calls: Sequence[Call] = (),
    thinking: str = "",
    signature: str = "c2lnbmVk",
    stop: str = "",
    usage: Mapping[str, Any] | None = None,
    model: str = "claude-test",
) -> tuple[bytes, ...]:
    """The events of one whole message, each JSON argument cut in two."""
    counts = {"input_tokens": 10, "output_tokens": 1, **(usage or {})}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None}
    pieces = [sse("message_start", {"type": "message_start", "message": {**head, "usage": counts}})]
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if thinking:
        block: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
        deltas: list[dict[str, Any]] = [
            {"type": "thinking_delta", "thinking": thinking},
            *([{"type": "signature_delta", "signature": signature}] if signature else []),
        ]
        blocks.append((block, deltas))
    if text:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": text}]))
    for call in calls:
        half = len(call.arguments) // 2
        halves = (call.arguments[:half], call.arguments[half:])
        blocks.append(
            (
                {"type": "tool_use", "id": call.id, "name": call.name, "input": {}},
                [{"type": "input_json_delta", "partial_json": part} for part in halves],
            )
        )
    for index, (start, parts) in enumerate(blocks):
        pieces.append(
            sse("content_block_start", {"type": "content_block_start", "index": index, "content_block": start})
        )
        pieces.append(sse("ping", {"type": "ping"}))
        for part in parts:
            pieces.append(sse("content_block_delta", {"type": "content_block_delta", "index": index, "delta": part}))
        pieces.append(sse("content_block_stop", {"type": "content_block_stop", "index": index}))
    end = {"stop_reason": stop or ("tool_use" if calls else "end_turn"), "stop_sequence": None}
    output = {"output_tokens": counts["output_tokens"]}
    pieces.append(sse("message_delta", {"type": "message_delta", "delta": end, "usage": output}))
    pieces.append(sse("message_stop", {"type": "message_stop"}))
    return tuple(pieces)


def anthropic_message(**message: Any) -> Answer:
    return Answer(pieces=anthropic_pieces(**message))


def openai_pieces(
    *,
    text: str = "",
    calls: Sequence[Call] = (),
    reasoning: str | None = None,
    stop: str = "",
    usage: Mapping[str, Any] | None = None,
    model: str = "gpt-test",
) -> tuple[bytes, ...]:
    """The chunks of one whole answer, the pieces of parallel calls interleaved."""

    def delta(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return chunk({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]})

    pieces = [delta({"role": "assistant", "content": ""})]
    if reasoning is not None:
        pieces.append(delta({"reasoning_content": reasoning}))
    if text:
        pieces.append(delta({"content": text}))
    for index, call in enumerate(calls):
        function = {"name": call.name, "arguments": call.arguments[: len(call.arguments) // 2]}
        pieces.append(
            delta({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]})
        )
    for index, call in enumerate(calls):
        function = {"arguments": call.arguments[len(call.arguments) // 2 :]}
        pieces.append(delta({"tool_calls": [{"index": index, "function": function}]}))
    pieces.append(delta({}, stop or ("tool_calls" if calls else "stop")))
    counts = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, **(usage or {})}
    pieces.append(chunk({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [],
                         "usage": counts}))  # fmt: skip
    return (*pieces, DONE)


def openai_message(**message: Any) -> Answer:
    return Answer(pieces=openai_pieces(**message))


# --- what a real endpoint would refuse ---------------------------------------------------------------------------


def anthropic_problems(received: Received) -> list[str]:
    body, headers = received.body, received.headers
    problems: list[str] = []
    if not headers.get("authorization", "").startswith("Bearer ") and "x-api-key" not in headers:
        problems.append("no key header")
    if "anthropic-version" not in headers:
        problems.append("no anthropic-version")
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        problems.append("max_tokens is missing")
    problems.extend(f"{name} is not accepted" for name in ("temperature", "top_p", "top_k") if name in body)
    turns = body.get("messages") or []
    if not turns or turns[0]["role"] != "user":
        problems.append("the first message must be the user's")
    problems.extend(_pairing_problems(turns))
    marks = json.dumps(body).count('"cache_control"')
    if marks > 4:
        problems.append(f"{marks} cache marks; at most four are allowed")
    return problems


def _pairing_problems(turns: Sequence[Mapping[str, Any]]) -> list[str]:
    problems: list[str] = []
    open_calls: list[str] = []
    for place, turn in enumerate(turns):
        blocks = turn["content"]
        if place and turn["role"] == turns[place - 1]["role"]:
            problems.append(f"messages {place - 1} and {place} have the same role")
        if not blocks:
            problems.append(f"message {place} is empty")
        problems.extend(
            f"message {place}: an empty text block" for b in blocks if b["type"] == "text" and not b["text"].strip()
        )
        answered = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if turn["role"] == "user" and sorted(answered) != sorted(open_calls):
            problems.append(f"message {place}: tool results {answered} for tool calls {open_calls}")
        open_calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
    return problems


def openai_problems(received: Received) -> list[str]:
    body, problems = received.body, []
    if not received.headers.get("authorization", "").startswith("Bearer "):
        problems.append("no key header")
    if not isinstance(body.get("max_tokens", body.get("max_completion_tokens")), int):
        problems.append("no limit of the output")
    if not body.get("messages"):
        problems.append("no messages")
    open_calls: list[str] = []
    for place, turn in enumerate(body.get("messages", [])):
        if turn["role"] == "tool":
            if turn["tool_call_id"] not in open_calls:
                problems.append(f"message {place}: a result for no call: {turn['tool_call_id']}")
            else:
                open_calls.remove(turn["tool_call_id"])
            continue
        if open_calls:
            problems.append(f"message {place}: the calls {open_calls} have no result")
        open_calls = [call["id"] for call in turn.get("tool_calls", [])]
        if turn["role"] == "assistant" and turn.get("content") is None and not open_calls:
            problems.append(f"message {place}: neither content nor calls")
        for call in turn.get("tool_calls", []):
            json.loads(call["function"]["arguments"])
    if open_calls:
        problems.append(f"the calls {open_calls} have no result at the end")
    return problems
