"""An Environment over a temporary directory: for tests of repair on repositories that the tests themselves wrote.

It runs what the test wrote, on this machine; nothing foreign ever reaches it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from agents.types import Step
from sandbox.errors import ContainerLost, PatchDoesNotApply, SetupError
from sandbox.types import ExecResult, Failure, Foresight, TestId, TestReport, TestResult, TestStatus

_REPORTER = """
import json, os
OUT = os.environ["REPORT"]
def emit(**record):
    with open(OUT, "a") as sink:
        sink.write(json.dumps(record) + "\\n")
def pytest_collectreport(report):
    if report.failed:
        emit(kind="collect", path=report.nodeid, message=str(report.longrepr)[:500])
def pytest_runtest_makereport(item, call):
    if call.excinfo is not None and not call.excinfo.errisinstance(_skips()):
        frames = [e for e in call.excinfo.traceback if str(e.path).startswith(os.getcwd())]
        last = frames[-1] if frames else None
        kind = call.excinfo.type
        emit(kind="red", id=item.nodeid, phase=call.when, exception=kind.__module__ + "." + kind.__qualname__,
             message=str(call.excinfo.value)[:500], path=os.path.relpath(str(last.path)) if last else "",
             line=last.lineno + 1 if last else 0)
def _skips():
    import pytest
    return (pytest.skip.Exception,)
def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        emit(kind="result", id=report.nodeid, when=report.when, outcome=report.outcome,
             wasxfail=hasattr(report, "wasxfail"), seconds=report.duration)
def pytest_sessionfinish(session, exitstatus):
    emit(kind="end", code=int(exitstatus))
"""


class DirectoryView:
    def __init__(self, root: Path) -> None:
        self._files = {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and ".git" not in path.parts and "__pycache__" not in path.parts
        }

    def paths(self) -> Iterable[str]:
        return list(self._files)

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)


class ProcessLines:
    """A process spoken to line by line. What it leaves in its temporary directory is gone with it."""

    def __init__(self, script: str, arguments: Sequence[str], cwd: Path) -> None:
        self._temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            env={**os.environ, "TMPDIR": self._temporary.name}, cwd=cwd,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._pending = b""

    def send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ContainerLost("the process ended") from error

    def receive(self, timeout: float) -> str | None:
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._process.stdout.fileno(), 1 << 20) if ready else b""
            if not data:
                return None
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        return line.decode()

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._temporary.cleanup()


class DirectoryEnvironment:
    """`agents.protocols.Environment` over a directory; `runner` is `pytest` or `unittest`."""

    def __init__(self, root: Path, files: Mapping[str, str], *, runner: str = "pytest") -> None:
        self.root = root / "repo"
        self._scratch = root
        self.runner = runner
        self.runs = 0
        for path, text in files.items():
            self.write(path, text.encode())
        self._git("init", "-q")
        self._git("add", "-A")
        self._git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "base")
        self._base = DirectoryView(self.root)

    def _git(self, *arguments: str, stdin: str = "") -> str:
        # Bytes: text would lose the carriage returns of a diff.
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, input=stdin.encode())
        if done.returncode:
            raise PatchDoesNotApply(done.stderr.decode())
        return done.stdout.decode()

    @property
    def base(self) -> DirectoryView:
        return self._base

    def run(self, command: str | Sequence[str], *, timeout: float = 120.0, cwd: str = ".") -> ExecResult:
        done = subprocess.run(
            command,
            shell=isinstance(command, str),
            cwd=self.root / cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return ExecResult(exit_code=done.returncode, output=done.stdout + done.stderr, seconds=0.0)

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def diff(self) -> str:
        self._git("add", "-A", "-N", "--", ".", ":!*__pycache__*", ":!.pytest_cache", ":!.hypothesis")
        return self._git("diff", "--", ".", ":!*__pycache__*", ":!.pytest_cache", ":!.hypothesis")

    def reset(self, diff: str = "") -> None:
        self._git("reset", "-q", "--hard")
        self._git("clean", "-qfdx")
        if diff:
            self._git("apply", "-", stdin=diff)

    def foresee(self, report: TestReport, *, timeout: float = 600.0) -> Foresight:
        """Of no use here: what is judged is not what repair or a single shot looks at."""
        raise SetupError("not in a directory")

    def open_lines(self, script: str, arguments: Sequence[str] = ()) -> ProcessLines:
        return ProcessLines(script, arguments, self.root)

    def run_tests(self, selection: Sequence[TestId] = (), *, timeout: float = 600.0) -> TestReport:
        self.runs += 1
        return self._pytest(selection, timeout) if self.runner == "pytest" else self._unittest(selection, timeout)

    def _pytest(self, selection: Sequence[TestId], timeout: float) -> TestReport:
        import json

        plugin = self._scratch / "plugin"
        plugin.mkdir(exist_ok=True)
        (plugin / "repair_reporter.py").write_text(_REPORTER)
        report = plugin / f"report-{self.runs}"
        env = {**os.environ, "PYTHONPATH": str(plugin), "REPORT": str(report), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "repair_reporter", "-p", "no:cacheprovider", *selection]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, cwd=self.root, env=env, capture_output=True, timeout=timeout)
        results: dict[TestId, TestResult] = {}
        failures: dict[str, Failure] = {}
        errors, code = [], None
        for line in report.read_text().splitlines() if report.exists() else []:
            match json.loads(line):
                case {"kind": "collect", "path": path, "message": message}:
                    errors.append(Failure(phase="collect", exception="", message=message, path=path))
                case {"kind": "red", "id": name, **rest}:
                    failures[name] = Failure(**rest)
                case {
                    "kind": "result",
                    "id": name,
                    "when": when,
                    "outcome": outcome,
                    "wasxfail": xfail,
                    "seconds": took,
                }:
                    status = TestStatus(outcome) if not (outcome == "failed" and when != "call") else TestStatus.ERROR
                    if xfail:
                        status = TestStatus.XPASSED if outcome == "passed" else TestStatus.XFAILED
                    results[TestId(name)] = TestResult(
                        id=TestId(name), status=status, seconds=took, failure=failures.get(name)
                    )
                case {"kind": "end", "code": value}:
                    code = value
        return TestReport(results=results, collection_errors=tuple(errors), exit_code=code, complete=code is not None)

    def _unittest(self, selection: Sequence[TestId], timeout: float) -> TestReport:
        import json

        script = (
            "import json,sys,time,unittest,os\n"
            "class R(unittest.TestResult):\n"
            "    def startTest(self,t): super().startTest(t); self.at=time.time(); self.st=('passed','','',0)\n"
            "    def note(self,s,e):\n"
            "        tb=e[2]; p='';n=0\n"
            "        while tb:\n"
            "            f=tb.tb_frame.f_code.co_filename\n"
            "            if f.startswith(os.getcwd()): p=os.path.relpath(f);n=tb.tb_lineno\n"
            "            tb=tb.tb_next\n"
            "        self.st=(s,e[0].__module__+'.'+e[0].__qualname__,str(e[1])[:300],p,n)\n"
            "    def addError(self,t,e): self.note('failed',e)\n"
            "    def addFailure(self,t,e): self.note('failed',e)\n"
            "    def stopTest(self,t): print(json.dumps([t.id(),time.time()-self.at,*self.st]))\n"
            "sys.path.insert(0,os.getcwd())\n"
            "l=unittest.defaultTestLoader\n"
            "names=sys.argv[1:]\n"
            "s=l.loadTestsFromNames(names) if names else l.discover('.')\n"
            "s.run(R())\n"
        )
        command = [sys.executable, "-B", "-c", script, *selection]
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=timeout)
            output = done.stdout
        except subprocess.TimeoutExpired as error:
            output = (error.stdout or b"").decode() if isinstance(error.stdout, bytes) else ""
        results: dict[TestId, TestResult] = {}
        for line in output.splitlines():
            name, seconds, status, exception, message, path, *number = json.loads(line)
            failure = None
            if status != "passed":
                failure = Failure(phase="call", exception=exception, message=message, path=path, line=number[0])
            results[TestId(name)] = TestResult(
                id=TestId(name), status=TestStatus(status), seconds=seconds, failure=failure
            )
        return TestReport(results=results, exit_code=0, complete=True)


class MemoryRecorder:
    """Steps in a list; `stop_after` steps it asks to end."""

    def __init__(self, steps: Sequence[Step] = (), *, stop_after: int | None = None) -> None:
        self.stored = list(steps)
        self._stop_after = stop_after

    def steps(self) -> Sequence[Step]:
        return tuple(self.stored)

    def record(self, step: Step) -> None:
        self.stored.append(step)

    def stopped(self) -> bool:
        return self._stop_after is not None and len(self.stored) >= self._stop_after
