"""A launcher that stands outside of the process that runs the tests: it starts the language's own tool, reads what that
says, and writes the sealed report. Unlike the plugins for Python's runners it shares no memory with the tree's code.

The tree's code runs as the same user, so the launcher first makes itself unreadable to other processes: the report's
key is only in its memory.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _HERE)
import reporter as _reporter  # noqa: E402

_PR_SET_DUMPABLE = 4
_TEXT_LIMIT = 2000
ORDERLY = (0, 1, 5)
"""All green, something red, nothing found: the exit codes that a report may end with after an orderly run."""


class Outside:
    """One run. `request` is what `prepare` wrote: nonce, key, root and report, and whatever the launcher wants."""

    def __init__(self, request_path):
        # type: (str) -> None
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "this process cannot be made unreadable")
        with open(request_path, encoding="utf-8") as file:
            self.request = json.load(file)
        os.unlink(request_path)
        request = self.request
        self._reporter = _reporter.Reporter(request["report"], request["nonce"], request["key"], request["root"])
        self._red = False
        self._any = False

    def lines(self, argv, env=None, cwd=None, merge=False):
        # type: (list, dict, str, bool) -> object
        """Start a program and yield its standard output line by line (bytes, without the line end).

        The generator's value is the exit code (negative: the signal). Standard error goes where ours goes, or is among
        the lines with `merge`. Whatever is left of the program's process group is killed when its output ends.
        """
        process = subprocess.Popen(
            argv,
            env=dict(os.environ, **(env or {})),
            cwd=cwd or self.request["root"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else None,
            start_new_session=True,
        )
        try:
            for line in process.stdout:
                yield line.rstrip(b"\r\n")
            return process.wait()
        finally:
            kill_group(process.pid)
            process.wait()

    def result(self, test, outcome, seconds=0.0, group="", failure=None, when="call", xfail=""):
        # type: (str, str, float, str, dict, str, str) -> None
        """One test: `outcome` is passed, failed or skipped; `failure` holds exception, message, path, line, inside.

        `group` names what can be tampered with by itself (a process, a package): the canaries are asked for in each.
        """
        record = {
            "kind": "phase",
            "id": test,
            "when": when,
            "outcome": outcome,
            "xfail": xfail,
            "seconds": round(seconds, 6),
            "raised": outcome == "failed",
            "group": group,
        }
        if failure:
            record.update(failure, message=failure.get("message", "")[:_TEXT_LIMIT])
        self._any = True
        self._red = self._red or outcome == "failed"
        self._reporter.write(record)

    def uncollected(self, path, message, exception=""):
        # type: (str, str, str) -> None
        """A file, package or target whose tests could not be loaded or compiled; `path` begins its tests' ids."""
        self._red = True
        record = {"kind": "collect_error", "id": path, "exception": exception, "longrepr": message[-_TEXT_LIMIT:]}
        self._reporter.write(record)

    def end(self, gave_up=0, replaced=()):
        # type: (int, list) -> None
        """Close the report and leave, with 0, 1 or 5 by what was reported, or with `gave_up` (2 or more, not 5).

        `replaced` names parts of the runner that were replaced while it ran; base's own suite may do so.
        """
        code = gave_up or (1 if self._red else 0 if self._any else 5)
        self._reporter.end(code, list(replaced), [])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def kill_group(leader):
    # type: (int) -> None
    """Whatever is left of the process group of a process that was started as the leader of one."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def wait(child, seconds, last):
    # type: (subprocess.Popen, float, object) -> bool
    """Wait for a process; True when it was killed because `last()` (a monotonic time) is `seconds` ago. 0: for ever."""
    while True:
        try:
            child.wait(timeout=max(seconds / 10.0, 0.2) if seconds else None)
            return False
        except subprocess.TimeoutExpired:
            if time.monotonic() - last() > seconds:
                kill_group(child.pid)
                child.wait()
                return True
