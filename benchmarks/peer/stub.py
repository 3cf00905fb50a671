"""A loopback endpoint that plays the recorded run to any number of attempts, as a program: `python stub.py SECONDS`.

Prints its address, then serves until its standard input ends. `/NAME/v1/chat/completions` is one attempt's: what is
asked with n answers of the model in it gets answer n + 1 after SECONDS; a streamed one comes as from a model, in pieces
that begin after half of them and end with them. `GET /log` tells of each attempt when each
request had come and its answer had gone (monotonic seconds); `GET /bodies/NAME` gives an attempt's requests.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from peer.recorded import COMMANDS, DONE, THOUGHT


class Plays:
    """Times and requests by attempt."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.lock = threading.Lock()
        self.times: dict[str, list[list[float]]] = {}
        self.bodies: dict[str, list[dict[str, Any]]] = {}

    def came(self, name: str, body: dict[str, Any], now: float) -> int:
        with self.lock:
            self.times.setdefault(name, []).append([now, 0.0])
            if name.endswith("-0"):
                self.bodies.setdefault(name, []).append(body)
            return len(self.times[name]) - 1

    def gone(self, name: str, place: int) -> None:
        self.times[name][place][1] = time.monotonic()


def call(name: str, tools: list[str]) -> dict[str, Any]:
    """The next action in the words of whoever asks."""
    step = int(name)
    ours = "submit" in tools
    if step < len(COMMANDS):
        function = {"name": "shell" if ours else "bash", "arguments": json.dumps({"command": COMMANDS[step]})}
    elif ours:
        function = {"name": "submit", "arguments": json.dumps({"summary": "As it was recorded."})}
    else:
        function = {"name": "bash", "arguments": json.dumps({"command": DONE})}
    return {"index": 0, "id": f"call_{step}", "type": "function", "function": function}


def usage(body: dict[str, Any]) -> dict[str, int]:
    size = len(json.dumps(body)) // 4
    return {"prompt_tokens": size, "completion_tokens": 30, "total_tokens": size + 30}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """As servers have it: else the second small write of an answer waits 40 ms for the first one's acknowledgement."""
    plays: Plays

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        now = time.monotonic()
        body = json.loads(raw)
        name = self.path.split("/")[1]
        place = self.plays.came(name, body, now)
        step = sum(message["role"] == "assistant" for message in body["messages"])
        said = call(str(step), [tool["function"]["name"] for tool in body.get("tools", ())])
        pieces = self._stream(body, said) if body.get("stream") else [self._whole(body, said)]
        head = "text/event-stream" if body.get("stream") else "application/json"
        self._send(pieces, head, now, lambda: self.plays.gone(name, place))

    def _whole(self, body: dict[str, Any], said: dict[str, Any]) -> bytes:
        message = {"role": "assistant", "content": THOUGHT, "tool_calls": [said]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return json.dumps(self._frame("chat.completion", body, [choice]) | {"usage": usage(body)}).encode()

    def _stream(self, body: dict[str, Any], said: dict[str, Any]) -> list[bytes]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": THOUGHT}, {"tool_calls": [said]}]
        choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        choices.append([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])
        chunks = [self._frame("chat.completion.chunk", body, choice) for choice in choices]
        chunks.append(self._frame("chat.completion.chunk", body, []) | {"usage": usage(body)})
        *said_before, last = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
        return [*said_before, last + b"data: [DONE]\n\n"]

    def _frame(self, kind: str, body: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": "stub", "object": kind, "created": 0, "model": body["model"], "choices": choices}

    def do_GET(self) -> None:
        found: Any = self.plays.times if self.path == "/log" else self.plays.bodies[self.path.split("/")[2]]
        self._send([json.dumps(found).encode()], "application/json", -math.inf, lambda: None)

    def _send(self, pieces: list[bytes], kind: str, since: float, gone: Callable[[], None]) -> None:
        """`gone` is called before the last piece is written: who reads it may be back before this thread runs again."""
        for number, piece in enumerate(pieces):
            part = 1.0 if len(pieces) == 1 else (1 + number / (len(pieces) - 1)) / 2
            time.sleep(max(0.0, since + self.plays.latency * part - time.monotonic()))
            if number == 0:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
            last = number == len(pieces) - 1
            if last:
                gone()
            self.wfile.write(b"%x\r\n%s\r\n%s" % (len(piece), piece, b"0\r\n\r\n" if last else b""))

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    Handler.plays = Plays(float(sys.argv[1]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.request_queue_size = 256
    server.socket.listen(256)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
