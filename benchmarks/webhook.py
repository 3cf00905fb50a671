"""Webhook to answer: redgreen, which stores every delivery durably first, beside Probot, which stores nothing.

Both servers run as one process on 127.0.0.1 and are driven by the same client in the same run, in turns: signed
payloads of 9 KB over 8 connections that are kept open, each waiting for its answer. Redgreen writes to SQLite in WAL
with synchronous=FULL and answers 202 after the commit; every answer is checked, and at the end the rows are counted.

    python benchmarks/webhook.py [--seconds 4] [--rounds 3] [--json]

Needs Node 20 and npm; Probot is installed into a temporary directory. Exit 1 when redgreen reaches less than half.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import uvloop

SECRET = "benchmark-secret"
PATH = "/webhooks/github"
BYTES = 9 * 1024
HERE = Path(__file__).resolve().parent
REQUIRED = 0.5


def body() -> bytes:
    """A payload of `issues.labeled` of the size that GitHub's own have."""
    payload = {
        "action": "labeled",
        "issue": {"number": 1, "title": "A bug", "body": ""},
        "label": {"name": "redgreen"},
        "repository": {"id": 7, "full_name": "octo/shop", "default_branch": "main"},
        "installation": {"id": 1},
        "sender": {"login": "mona", "type": "User"},
    }
    payload["issue"]["body"] = "x" * (BYTES - len(json.dumps(payload)))
    return json.dumps(payload).encode()


class Connection(asyncio.Protocol):
    """One kept-open connection: the next request goes out when the answer is complete."""

    def __init__(self, head: bytes, tail: bytes, until: float, accepted: bytes) -> None:
        self.head, self.tail, self.until, self.accepted = head, tail, until, accepted
        self.milliseconds: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.head + str(uuid.uuid4()).encode() + self.tail)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.received += data
        end = self.received.find(b"\r\n\r\n")
        if end < 0 or not self.complete(end):
            return
        now = time.perf_counter()
        if not self.received.startswith(self.accepted):
            self.done.set_exception(RuntimeError(f"not accepted: {self.received[:200]!r}"))
            self.transport.close()
            return
        self.received = b""
        self.milliseconds.append((now - self.began) * 1000)
        if now < self.until:
            self.send()
        else:
            self.transport.close()
            self.done.set_result(None)

    def complete(self, end: int) -> bool:
        head = self.received[:end].lower()
        if b"transfer-encoding: chunked" in head:
            return self.received.endswith(b"0\r\n\r\n")
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return len(self.received) >= end + 4 + int(length or 0)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(f"the server hung up: {exc}"))


async def drive(port: int, seconds: float, connections: int, accepted: bytes) -> list[float]:
    """Latencies in milliseconds of everything that was answered within `seconds`."""
    payload = body()
    signature = "sha256=" + hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: GitHub-Hookshot/044aadd\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\nX-GitHub-Event: issues\r\n"
        f"X-GitHub-Hook-ID: 1\r\nX-Hub-Signature-256: {signature}\r\nX-GitHub-Delivery: "
    ).encode()
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(
            lambda: Connection(head, b"\r\n\r\n" + payload, until, accepted), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    return [latency for _, protocol in made for latency in protocol.milliseconds]


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """A server that prints its port on one line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)


def serve(directory: Path) -> None:
    """Redgreen's own web process, as `bot.app.run` starts it."""
    from bot.app import create_app, run
    from bot.store import Store

    store = Store.open(f"sqlite:///{directory}/redgreen.db")
    app = create_app(webhook_secret=SECRET, deliveries=store.deliveries)
    run(app, host="127.0.0.1", port=0, started=lambda port: print(port, flush=True))


def install_probot(directory: Path) -> Path:
    for name in ("package.json", "server.mjs"):
        shutil.copy(HERE / "probot" / name, directory)
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return directory / "server.mjs"


def summary(latencies: list[float], seconds: float) -> dict[str, float]:
    ordered = sorted(latencies)
    return {
        "per_second": round(len(ordered) / seconds, 1),
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
        "max_ms": round(ordered[-1], 2),
    }


def disk_sync_ms(directory: Path) -> float:
    """Median of what one durable write of a batch's size costs here: the floor under every commit."""
    with (directory / "sync").open("wb") as file:
        taken = []
        for _ in range(50):
            file.write(b"x" * BYTES * 8)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return round(sorted(taken)[len(taken) // 2], 2)


def measure(seconds: float, rounds: int, connections: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="redgreen-benchmark-") as made:
        directory = Path(made)
        (directory / "probot").mkdir()
        script = install_probot(directory / "probot")
        ours = [sys.executable, str(Path(__file__).resolve()), "--serve", str(directory)]
        theirs = ["node", str(script), SECRET]
        quiet = {**os.environ, "NODE_ENV": "production"}
        sync_ms = disk_sync_ms(directory)
        latencies: dict[str, list[float]] = {"redgreen": [], "probot": []}
        sent = 0
        with started(ours, dict(os.environ)) as our_port, started(theirs, quiet) as their_port:
            targets = {"redgreen": (our_port, b"HTTP/1.1 202 "), "probot": (their_port, b"HTTP/1.1 20")}
            for turn in range(rounds + 1):  # the first turn warms both up and is not counted
                for name, (port, accepted) in targets.items():
                    length = seconds if turn else 1.0
                    found = uvloop.run(drive(port, length, connections, accepted))
                    sent += len(found) if name == "redgreen" else 0
                    latencies[name] += found if turn else []
        with sqlite3.connect(directory / "redgreen.db") as database:
            (stored,) = database.execute("select count(*) from deliveries").fetchone()
    results = {name: summary(found, seconds * rounds) for name, found in latencies.items()}
    return {
        **results,
        "ratio": round(results["redgreen"]["per_second"] / results["probot"]["per_second"], 3),
        "required_ratio": REQUIRED,
        "answered_202": sent,
        "stored": stored,
        "disk_sync_ms": sync_ms,
        "connections": connections,
        "payload_bytes": len(body()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one turn of one server")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return 0
    found = measure(options.seconds, options.rounds, options.connections)
    if options.json:
        print(json.dumps(found))
    else:
        for name in ("redgreen", "probot"):
            print(f"{name:9} {found[name]}")
        print(
            f"disk      {found['disk_sync_ms']} ms to sync 8 payloads; on a busy disk redgreen waits, Probot does not"
        )
        print(
            f"ratio {found['ratio']} (at least {REQUIRED}); answered {found['answered_202']}, stored {found['stored']}"
        )
    kept = found["stored"] == found["answered_202"]
    return 0 if kept and float(str(found["ratio"])) >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
