"""One Node process of ours and what it said over its private channel; and how a JavaScript error becomes a failure."""

import hashlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import threading

_TAIL_LINES = 60
_LONGEST_LINE = 1 << 26
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NAME = re.compile(r"^\s*(?:Uncaught )?([A-Za-z_$][\w$.]*)(?: \[[^\]\n]*\])?(?::[ \n]|$)")
_ERROR_LINE = re.compile(r"^\s*(?:Uncaught )?((?:[A-Za-z_$][\w$]*)?Error)(?: \[[^\]\n]*\])?:", re.MULTILINE)
_FRAME = re.compile(r"(?:\(|at |@)(?:async )?(?:file://)?(/[^\s():]+):(\d+)(?::\d+)?\)?", re.MULTILINE)
_VALUE = re.compile(r"\s*(?:Expected|Received)\b[^:]*: ")
_MISSING = re.compile(r"^Cannot find (?:module|package) ")


class Session:
    def __init__(self):
        # type: () -> None
        self.files = []
        self.end = None
        self.code = None
        self.signs = set()
        self.stopped_at = ""
        self.error = None
        self.tail = ""


def run(argv, payload, root):
    # type: (list, dict, str) -> Session
    """Start it, hand the request over, and listen until it has ended. Its output goes where ours goes."""
    session, key = Session(), secrets.token_hex(32)
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        argv + [str(theirs.fileno())],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(theirs.fileno(),),
        start_new_session=True,
    )
    theirs.close()
    tail = _Tail(process.stdout)
    try:
        ours.sendall(json.dumps(dict(payload, key=key)).encode("ascii") + b"\n")
        _listen(ours, process, key, session)
    except OSError:
        pass  # it was gone before it had read
    finally:
        session.code = _ended(process)
        ours.close()
        session.tail = tail.text()
    return session


def _listen(channel, process, key, session):
    # type: (socket.socket, subprocess.Popen, str, Session) -> None
    link, rest = key, b""
    channel.settimeout(1.0)
    while len(rest) < _LONGEST_LINE:
        try:
            data = channel.recv(1 << 16)
        except socket.timeout:
            if process.poll() is not None:
                return
            continue
        if not data:
            return
        rest += data
        *lines, rest = rest.split(b"\n")
        for line in lines:
            text, _, seal = line.partition(b"\t")
            link = hashlib.sha256(link.encode("ascii") + text).hexdigest()
            if seal.decode("ascii", "replace") != link:
                session.signs.add("the channel from the test process")
                return
            _take(json.loads(text.decode("utf-8", "replace")), session)


def _take(record, session):
    # type: (dict, Session) -> None
    kind = record["kind"]
    if session.end is not None:
        session.signs.add("the end of the results")
    elif kind == "file":
        session.files.append(record)
    elif kind == "stopped":
        session.stopped_at, session.error = record["file"], record.get("error")
    elif kind == "sign":
        session.signs.add(record["text"])
    elif kind == "end":
        session.end = record


def _ended(process):
    # type: (subprocess.Popen) -> int
    """Its exit code. What it left of its process group is killed."""
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    return process.wait()


class _Tail:
    """Passes a program's output on and keeps its last lines."""

    def __init__(self, stream, keep=False):
        # type: (object, bool) -> None
        self._stream = stream
        self._keep = keep
        self._kept = 0
        self.every = []
        self._lines = []
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def _copy(self):
        # type: () -> None
        for line in self._stream:
            text = line.decode("utf-8", "replace").rstrip("\n")
            self._lines = self._lines[1 - _TAIL_LINES :] + [text]
            if self._keep and self._kept < _LONGEST_LINE:
                self._kept += len(line)
                self.every.append(text)
            print(text, flush=True)

    def text(self):
        # type: () -> str
        self._thread.join(timeout=5)
        return _ANSI.sub("", "\n".join(self._lines))


def command(argv, root, keep=False):
    # type: (list, str, bool) -> tuple
    """(exit code, the output's end, with `keep` all lines of standard output) of any program."""
    try:
        process = subprocess.Popen(
            argv,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if keep else subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return 127, "%s: %s" % (argv[0], error.strerror), []
    tail = _Tail(process.stdout, keep)
    process.wait()
    code = _ended(process)
    return code, tail.text(), tail.every


def failure(error, root):
    # type: (dict, str) -> dict
    """Exception, message and innermost frame of the tree, from a record's parts or from one printed text."""
    text = _ANSI.sub("", error.get("text") or "")
    exception = error.get("exception") or ""
    message = _ANSI.sub("", error.get("message") or "")
    stack = _ANSI.sub("", error.get("stack") or "") or text
    if not message:
        first, message = text.split("\n    at ")[0].strip(), ""
        named = _NAME.match(first)
        exception = exception or (named.group(1) if named else "Error")
        message = first[named.end() :].strip() if named else first
    exception = exception or exception_of(message)
    if exception == "Error" and _MISSING.match(message):
        exception = "ModuleNotFoundError"
    path, line = frame(stack, root)
    return {
        "exception": exception,
        "message": _told(message) or "failed without a message",
        "path": path,
        "line": line,
        "inside": bool(path),
    }


def _told(message):
    # type: (str) -> str
    """With what was expected and received in its first line, which is the one that is shown."""
    first, _, rest = message.partition("\n")
    lines = [line.strip() for line in rest.split("\n") if line.strip() and line.strip() != "+ actual - expected"]
    if first.endswith(":") and lines:
        return "%s %s\n%s" % (first, ", ".join(lines[:2]), rest)
    values = [line.strip() for line in rest.split("\n") if _VALUE.match(line)]
    return "%s (%s)\n%s" % (first, ", ".join(values[:3]), rest) if values else message


def frame(stack, root):
    # type: (str, str) -> tuple
    """(path in the tree, line) of the innermost frame there; ("", 0) for none."""
    prefix = os.path.realpath(root) + os.sep
    for found in _FRAME.finditer(stack):
        path = found.group(1)
        if path.startswith(prefix) and "/node_modules/" not in path:
            return path[len(prefix) :], int(found.group(2))
    return "", 0


def exception_of(text):
    # type: (str) -> str
    found = _ERROR_LINE.search(text)
    return found.group(1) if found else "Error"


def changed(message):
    # type: (str) -> list
    """What the watching canary saw replaced."""
    found = re.search(r"changed: (\[.*\])", message)
    try:
        names = json.loads(found.group(1)) if found else ["the watch itself"]
    except ValueError:
        names = ["the watch itself"]
    return [str(name) for name in names]
