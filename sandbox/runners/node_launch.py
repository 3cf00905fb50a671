"""What the runners of JavaScript's tests share: the request that `injected/run_node.py` carries out. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.layout import TMP
from sandbox.parts.node import SUFFIXES
from sandbox.runners import node_scripts, report
from sandbox.runners.node_invocation import Invocation
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId

JOINT = " > "
"""Between the names of nested groups and of the test, in its id."""
_NUMBER = re.compile(r" \[\d+\]$")
_ASSERTING = ("chai", "should", "expect", "expect.js")
_COMMON = ("node_channel.cjs", "node_canary.cjs", "node_reporter.cjs")


@dataclass(frozen=True, kw_only=True)
class Launch:
    program: str
    """The injected program that Node starts."""
    programs: tuple[str, ...] = ()
    """Other programs it needs, besides those that all share."""
    args: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    """Paths in the tree that are run; empty: what the tool finds."""
    apart: bool = False
    """A process of its own for each of `files`."""
    grouped: bool = True
    """Each file's context can be tampered with by itself and holds canaries of its own."""
    printed: bool = False
    """Results are the TAP that the program prints."""
    shown: tuple[str, ...] = ()


def prepare(view: RepoView, request: RunRequest, invocation: Invocation, launch: Launch) -> PreparedRun:
    directory = report.run_directory(request)
    must_fail, must_pass = report.canary_names(request)
    names = {"pass": must_pass, "fail": must_fail, "watch": report.canary_module(request)}
    programs = {name: report.injected(name).decode("utf-8") for name in (*_COMMON, launch.program, *launch.programs)}
    programs["names.json"] = json.dumps(names)
    programs["libraries.json"] = json.dumps(_libraries(view))
    asked = {
        "nonce": request.nonce,
        "key": request.key,
        "root": report.ROOT,
        "report": f"{directory}/report.jsonl",
        "package": "",
        "program": launch.program,
        "programs": programs,
        "links": {"node_modules": f"{report.ROOT}/node_modules"},
        "names": names,
        "before": invocation.before,
        "env": dict(invocation.env),
        "flags": launch.flags,
        "args": launch.args,
        "options": dict(launch.options),
        "files": launch.files,
        "only": request.files,
        "tests": request.tests,
        "pattern": pattern(request),
        "apart": launch.apart,
        "grouped": launch.grouped,
        "printed": launch.printed,
    }
    return PreparedRun(
        argv=(*report.OUTSIDE, f"{directory}/run.py", f"{directory}/request.json"),
        report_path=f"{directory}/report.jsonl",
        files={
            f"{directory}/run.py": report.injected("run_node.py"),
            f"{directory}/node_session.py": report.injected("node_session.py"),
            f"{directory}/node_tap.py": report.injected("node_tap.py"),
            f"{directory}/outside.py": report.injected("outside.py"),
            f"{directory}/reporter.py": report.injected("reporter.py"),
            f"{directory}/request.json": json.dumps(asked).encode("ascii"),
        },
        env={"npm_config_update_notifier": "false", "npm_config_offline": "true", "TS_NODE_LOG_ERROR": "false"},
        shown=launch.shown,
    )


def _libraries(view: RepoView) -> list[str]:
    """The assertion libraries among the root's dependencies: canaries fail by them, too."""
    manifest = node_scripts.manifest(view)
    tables = [manifest.get(key) for key in ("dependencies", "devDependencies")]
    known = {name for table in tables if isinstance(table, dict) for name in table}
    return [name for name in _ASSERTING if name in known]


CACHE = f"{TMP}/cache"


def selected(request: RunRequest) -> tuple[str, ...]:
    """The files that a request is about; empty: all."""
    return request.files or tuple(sorted({file_of(test) for test in request.tests}))


def file_of(test: TestId) -> str:
    return test.partition("::")[0]


def names_of(test: TestId) -> tuple[str, ...]:
    """The names of a test's groups and its own, by its id."""
    return tuple(_NUMBER.sub("", test.partition("::")[2]).split(JOINT))


def pattern(request: RunRequest) -> str:
    """A regular expression over full names for the wanted tests and the canaries; "" for all tests.

    Tools join nested names by a space or by ` > `; a name may hold ` > ` itself.
    """
    if not request.tests:
        return ""
    wanted = {_joined(test) for test in request.tests}
    return f"^({'|'.join((*sorted(wanted), *_canaries(request)))})$"


def leaf_patterns(request: RunRequest) -> tuple[str, ...]:
    """As `pattern`, for a tool that matches each group's and each test's own name by itself."""
    if not request.tests:
        return ()
    names = {_escaped(name) for test in request.tests for name in names_of(test)}
    return tuple(f"^{name}$" for name in (*sorted(names), *_canaries(request)))


def _joined(test: TestId) -> str:
    return "(?: > | )".join(_escaped(name) for name in names_of(test))


def _canaries(request: RunRequest) -> tuple[str, ...]:
    return (*report.canary_names(request), report.canary_module(request))


def _escaped(text: str) -> str:
    """For a regular expression of JavaScript's."""
    return re.sub(r"[\\^$.*+?()\[\]{}|/-]", r"\\\g<0>", text)


def scripts_in(view: RepoView, *, outside: Iterable[str] = ("node_modules",)) -> list[str]:
    """JavaScript and TypeScript files of the tree, installed packages aside."""
    left_out = frozenset(outside)
    return [path for path in view.paths() if path.endswith(SUFFIXES) and left_out.isdisjoint(path.split("/")[:-1])]


def text_of(view: RepoView, path: str) -> str:
    return (view.read(path) or b"").decode("utf-8", "replace")
