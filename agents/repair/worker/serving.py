"""Jobs in, results out, one JSON object a line; each job runs in a forked child that cannot take the server along.

A child is its own process group with limits on processor time and memory. It reports through a pipe; the server
watches the clock for each test and for the job, kills the whole group, and believes nothing that was not reported: a
child that exits, hangs or dies simply has tests without a result.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

Job = dict[str, Any]
Emit = Callable[[dict[str, Any]], None]
RunJob = Callable[[Job, Emit], None]

GRACE = 2.0
"""Seconds beyond a test's own time limit (an alarm inside of the child) before the group is killed from outside."""
AFTER_THE_END = 0.5
"""Seconds for a child that has told its end (`ask_again`)."""
MOST_BYTES = 64 << 20
"""Of one record."""


class Protocol:
    """The two ends of the conversation, moved away from descriptors 0 and 1 so that no test can speak on them."""

    def __init__(self) -> None:
        self.source = os.dup(0)
        self.sink = os.dup(1)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        self._pending = b""
        self._lines: list[bytes] = []
        self.ended = False

    def read_available(self) -> list[Job]:
        """What has arrived; call when `source` is readable."""
        data = os.read(self.source, 1 << 20)
        if not data:
            self.ended = True
        self._pending += data
        *lines, self._pending = self._pending.split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]

    def read_one(self) -> Job | None:
        """The first job, waiting for it; None at the end of the input. Further jobs must not have been sent yet."""
        while not self.ended:
            jobs = self.read_available()
            if jobs:
                return jobs[0]
        return None

    def write(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.sink, data) :]

    def close_in_child(self) -> None:
        os.close(self.source)
        os.close(self.sink)


class Child:
    """One forked run of one job."""

    def __init__(self, job: Job, run: RunJob, protocol: Protocol) -> None:
        self.job = job
        self.tests: dict[str, Any] = {}
        self.end = ""
        self.modules: list[str] = []
        self.calls: list[Any] = []
        self.outcomes: list[Any] = []
        self._current: str | None = None
        self._pending = b""
        self.folder = tempfile.mkdtemp(prefix="redgreen-")
        self.started = self._activity = time.monotonic()
        reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reader)
            protocol.close_in_child()
            _live(job, run, writer, self.folder)
        os.close(writer)
        self.reader = reader

    def deadline(self) -> float:
        whole = self.started + float(self.job["total_seconds"])
        if self.end:
            return min(whole, self._activity + AFTER_THE_END)
        return min(whole, self._activity + float(self.job["test_seconds"]) + GRACE)

    def read(self) -> bool:
        """Take in what the child reported; False at its end."""
        data = os.read(self.reader, 1 << 20)
        if not data:
            return False
        self._activity = time.monotonic()
        *lines, self._pending = (self._pending + data).split(b"\n")
        try:
            for line in lines:
                self._take(json.loads(line))
            if len(self._pending) > MOST_BYTES:
                raise ValueError("a line without an end")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            # The tree's own code wrote to the pipe: nothing that came through it counts, and only this job ends.
            self.tests, self.end = {}, "died"
            return False
        return True

    def _take(self, record: dict[str, Any]) -> None:
        if "start" in record:
            self._current = record["start"]
        elif "id" in record:
            self.tests[record["id"]] = {k: v for k, v in record.items() if k != "id"}
            self._current = None
        elif "again" in record:
            self.tests[record["again"]]["fault"].update(held=record["held"], seen=record["seen"])
        elif "modules" in record:
            self.modules = record["modules"]
        elif "calls" in record:
            self.calls.extend(record["calls"])
        elif "outcomes" in record:
            self.outcomes.append(record["outcomes"])
        elif "end" in record:
            self.end = self.end or record["end"]  # what goes wrong after the end was told changes nothing

    def finish(self, timed_out: bool) -> dict[str, Any]:
        """Kill what is left of it and say what became of the job."""
        for kill in (os.killpg, os.kill):
            try:
                kill(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        os.close(self.reader)
        os.waitpid(self.pid, 0)
        shutil.rmtree(self.folder, ignore_errors=True)
        if timed_out and self._current is not None:
            self.tests[self._current] = {"status": "timeout"}
        end = self.end or ("timeout" if timed_out else "died")
        return {
            "id": self.job["id"],
            "end": end,
            "tests": self.tests,
            "modules": self.modules,
            "calls": self.calls,
            "outcomes": self.outcomes,
            "seconds": round(time.monotonic() - self.started, 4),
        }


def _live(job: Job, run: RunJob, writer: int, folder: str) -> None:
    """The child's whole life; never returns."""
    code = 1
    try:
        os.setsid()
        seconds = int(job["total_seconds"]) + 5
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        memory = int(job.get("memory_bytes", 0))
        if memory:
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        os.environ["TMPDIR"] = folder
        tempfile.tempdir = None

        def emit(record: dict[str, Any]) -> None:
            data = json.dumps(record).encode() + b"\n"
            while data:
                data = data[os.write(writer, data) :]

        run(job, emit)
        code = 0
    except BaseException as error:  # noqa: BLE001 - the child's outermost frame: whatever ended it is its result
        if not isinstance(error, SystemExit):
            emit({"end": f"crashed: {type(error).__name__}"})
    finally:
        os._exit(code)


class Server:
    """Runs jobs in at most `slots` children at a time, in the order in which they came."""

    def __init__(self, protocol: Protocol, run: RunJob, slots: int) -> None:
        self._protocol = protocol
        self._run = run
        self._slots = slots
        self._waiting: list[Job] = []
        self._children: dict[int, Child] = {}

    def serve(self) -> None:
        """Until the input ends; then the children are killed."""
        gc.collect()
        gc.freeze()  # a collection in a child would touch, and so copy, every page that it shares with this process
        while not self._protocol.ended:
            self._start_waiting()
            self._turn()
        for child in self._children.values():
            child.finish(timed_out=True)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._children) < self._slots:
            sys.stdout.flush()
            child = Child(self._waiting.pop(0), self._run, self._protocol)
            self._children[child.reader] = child

    def _turn(self) -> None:
        now = time.monotonic()
        patience = min((child.deadline() - now for child in self._children.values()), default=60.0)
        ready, _, _ = select.select([self._protocol.source, *self._children], [], [], max(0.0, patience))
        for descriptor in ready:
            if descriptor == self._protocol.source:
                self._waiting.extend(self._protocol.read_available())
            elif not self._children[descriptor].read():
                self._finish(descriptor, timed_out=False)
        now = time.monotonic()
        for descriptor, child in list(self._children.items()):
            if child.deadline() <= now:
                self._finish(descriptor, timed_out=True)

    def _finish(self, descriptor: int, timed_out: bool) -> None:
        self._protocol.write(self._children.pop(descriptor).finish(timed_out))
