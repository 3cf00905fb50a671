"""Writes the report of one run: JSON lines, each sealed with a hash that chains it to the one before.

Opened before any of the tree's code can load, with a key whose file is gone by then, so that lines added, dropped or
changed from outside the process do not fit. Names are bound early: what tests patch later does not reach us.
"""

import hashlib
import json
import os
import signal
import time
import traceback

_TEXT_LIMIT = 2000


class Reporter:
    def __init__(self, path, nonce, key, root):
        # type: (str, str, str, str) -> None
        self._write_bytes = os.write
        # `json.dumps` with sorted keys makes an encoder for each record.
        self._dumps = json.JSONEncoder(sort_keys=True).encode
        self._hash = hashlib.sha256
        self._pid_now = os.getpid
        self._pid = os.getpid()
        self._link = key
        self._count = 0
        self.clock = time.perf_counter
        self._opened = self.clock()
        self.root = os.path.realpath(root) + os.sep
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.write({"kind": "start", "nonce": nonce})

    def write(self, record):
        # type: (dict) -> None
        if self._pid_now() != self._pid:
            return
        record["n"] = self._count
        self._count += 1
        text = self._dumps(record)
        self._link = self._hash((self._link + text).encode("ascii")).hexdigest()
        data = ("%s\t%s\n" % (text, self._link)).encode("ascii")
        while data:
            data = data[self._write_bytes(self._descriptor, data) :]

    def began(self, test, until):
        # type: (str, str) -> None
        """A test begins; the phase `until` will be its last."""
        self.write({"kind": "began", "id": test, "until": until, "at": round(self.clock() - self._opened, 6)})

    def end(self, exit_code, replaced, hooks):
        # type: (int, list, list) -> None
        self.write({"kind": "end", "exit": exit_code, "records": self._count, "replaced": replaced, "hooks": hooks})

    def failure(self, error):
        # type: (BaseException) -> dict
        """Type, message and innermost frame of the tree of an exception."""
        kind = type(error)
        path, line, inside = "", 0, False
        try:
            for frame, number in traceback.walk_tb(error.__traceback__):
                name = os.path.realpath(frame.f_code.co_filename)
                if name.startswith(self.root):
                    path, line, inside = name[len(self.root) :], number, True
        except Exception:  # a tenant's traceback object may do anything
            pass
        try:
            message = str(error)[:_TEXT_LIMIT]
        except Exception:  # so may its __str__
            message = "<no message: __str__ raised>"
        exception = "%s.%s" % (kind.__module__, kind.__qualname__)
        return {"exception": exception, "message": message, "path": path, "line": line, "inside": inside}


class TestTimedOut(BaseException):
    """Raised in a test that took too long; no `Exception`, so that the test itself does not catch it."""

    __test__ = False


class Clock:
    """Ends a test that takes longer than its limit, in the main thread; 0: never."""

    def __init__(self, seconds):
        # type: (float) -> None
        self._seconds = seconds
        self._before = None

    def start(self):
        # type: () -> None
        if self._seconds:
            self._before = signal.signal(signal.SIGALRM, self._end)
            # Again and again, for a test that catches even this.
            signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)

    def stop(self):
        # type: () -> None
        if self._seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before if self._before is not None else signal.SIG_DFL)

    def _end(self, number, frame):
        raise TestTimedOut("took longer than %.0f s" % self._seconds)


def watched(names):
    # type: (list) -> dict
    """The objects behind `(owner, attribute)` pairs, to be compared at the end with what stands there then."""
    return {(owner, name): owner.__dict__.get(name) for owner, name in names if name in owner.__dict__}


def replaced(before):
    # type: (dict) -> list
    return sorted(
        "%s.%s" % (getattr(owner, "__qualname__", getattr(owner, "__name__", "?")), name)
        for (owner, name), value in before.items()
        if owner.__dict__.get(name) is not value
    )
