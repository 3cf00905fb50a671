"""mocha 8 to 12, through the tree's own command line with our reporter. Pure.

mocha runs its tests in the process it reports from: what is said of Python's runners and cheats holds for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.parts.node import SUFFIXES
from sandbox.runners import node_globs, node_invocation, node_launch, node_scripts, report
from sandbox.runners.node_launch import Launch
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_FLAGS = frozenset(
    {
        "--bail", "-b", "--color", "--colors", "-c", "-C", "--dry-run", "--fail-zero", "--forbid-only",
        "--forbid-pending", "--growl", "-G", "--inspect", "--inspect-brk", "--list-files", "--parallel", "-p",
        "--watch", "-w", "--no-exit", "--diff",
    }
)  # fmt: skip
_VALUED = frozenset(
    {
        "--jobs", "-j", "--reporter", "-R", "--reporter-option", "--reporter-options", "-O", "--retries",
        "--watch-files", "--watch-ignore",
    }
)  # fmt: skip
_KEPT_VALUED = frozenset(
    {
        "--config", "--extension", "--fgrep", "-f", "--file", "--global", "--globals", "--grep", "-g", "--ignore",
        "--exclude", "--import", "--loader", "--node-option", "-n", "--opts", "--package", "--require", "-r", "--slow",
        "-s", "--spec", "--timeout", "--timeouts", "-t", "--ui", "-u",
    }
)  # fmt: skip
_CONFIGS = (".mocharc.json", ".mocharc.jsonc", ".mocharc.yml", ".mocharc.yaml", ".mocharc.js", ".mocharc.cjs")
_SPEC = re.compile(r"[\"']?\bspec\b[\"']?\s*:\s*(\[[^\]]*\]|(?:\n\s*-[^\n]*)+|[^\n]+)")
_DEFAULT = ("test/*.{js,cjs,mjs}",)


@dataclass(frozen=True)
class MochaRunner:
    """One process for all files, as mocha has it: a canary before the first test and one after the last."""

    name: str = "mocha"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        invocation = node_invocation.read(request.plan.command, "mocha")
        options, plain = node_invocation.without(
            invocation.args, flags=_FLAGS, valued=_VALUED, kept_valued=_KEPT_VALUED
        )
        files = node_launch.selected(request)
        pattern = node_launch.pattern(request)
        if pattern:
            options, _ = node_invocation.without(
                options,
                flags=frozenset({"--invert", "-i"}),
                valued=frozenset({"--grep", "-g", "--fgrep", "-f"}),
                kept_valued=_KEPT_VALUED,
            )
            options += ("--grep", pattern)
        options += ("--no-bail", "--no-parallel", "--retries", "0", "--full-trace")
        drop = tuple(path for path in self._test_files(view) if path not in files) if files else ()
        launch = Launch(
            program="node_mocha.mjs",
            args=(*options, *(() if files else plain)),
            flags=invocation.flags,
            options={"leave_out": drop},
            files=files,
            grouped=False,
            shown=("npx", "mocha", *files, *(("--grep", pattern) if pattern else ())),
        )
        return node_launch.prepare(view, request, invocation, launch)

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return node_launch.file_of(test)

    def is_test_file(self, view: RepoView, path: str) -> bool:
        """By the specs of the test script and of mocha's configuration, else by mocha's default; and by name."""
        if "node_modules" in path.split("/") or not path.endswith(SUFFIXES):
            return False
        return any(_takes(spec, path) for spec in specs(view))

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)

    def _test_files(self, view: RepoView) -> list[str]:
        return [path for path in node_launch.scripts_in(view) if self.is_test_file(view, path)]


def specs(view: RepoView) -> tuple[str, ...]:
    """Files, directories and patterns that mocha is told to look in."""
    own = node_scripts.manifest(view).get("mocha")
    listed = own.get("spec") or () if isinstance(own, dict) else ()
    found = [str(item) for item in (listed if isinstance(listed, list | tuple) else [listed])]
    for path in _CONFIGS:
        for value in _SPEC.findall(node_launch.text_of(view, path)):
            found += re.findall(r"[^\s\[\]\"',]*[/.*][^\s\[\]\"',]*", value)
    recursive = False
    for name in node_scripts.scripts(view):
        invocation = node_scripts.named(view, name)
        if invocation is not None and invocation.tool == "mocha":
            found += node_invocation.without(invocation.args, flags=_FLAGS, valued=_VALUED, kept_valued=_KEPT_VALUED)[1]
            recursive = recursive or "--recursive" in invocation.args
    found += [word for word in node_launch.text_of(view, "test/mocha.opts").split() if "/" in word]
    return tuple(found) or (("test",) if recursive else _DEFAULT)


def _takes(spec: str, path: str) -> bool:
    spec = spec.removeprefix("./").rstrip("/")
    if node_globs.is_pattern(spec):
        return node_globs.matches(path, (spec,))
    return path == spec or path.startswith(f"{spec}/")
