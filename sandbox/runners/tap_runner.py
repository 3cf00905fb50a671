"""tape, through its stream of objects, and node-tap, through the TAP that it prints: a process for each file. Pure.

What node-tap's child prints can be printed by the tree's code as well: its results are weaker evidence than those of
the other runners (docs/languages.md). The canaries are a file of their own there.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.runners import node_globs, node_invocation, node_launch, node_scripts, report
from sandbox.runners.node_invocation import Invocation
from sandbox.runners.node_launch import Launch
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_VALUED = frozenset(
    {"-r", "--require", "-i", "--ignore", "--ignore-pattern", "-R", "--reporter", "-t", "--timeout", "-j", "--jobs",
     "--node-arg", "--test-arg", "--coverage-report", "--files", "--exclude", "-o", "--output-file", "--plugin"}
)  # fmt: skip
_PRELOAD = ("-r", "--require")
_NAMED = (
    "**/*.{test,spec}.{js,cjs,mjs,ts,cts,mts}",
    "{test,tests,__tests__}/**/*.{js,cjs,mjs,ts,cts,mts}",
    "{test,tests}.{js,cjs,mjs,ts}",
)
"""Where both look when they are told nothing."""
_NO_TESTS = frozenset({"fixtures", "fixture", "node_modules", "helpers", "tap-snapshots"})


@dataclass(frozen=True)
class TapRunner:
    name: str = "tap"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        invocation = node_invocation.read(request.plan.command, "tape")
        files = node_launch.selected(request) or files_of(view, invocation)
        flags = invocation.flags
        for index, word in enumerate(invocation.args[:-1]):
            flags += ("--require", invocation.args[index + 1]) if word in _PRELOAD else ()
        prints = invocation.tool == "tap"
        launch = Launch(
            program="node_tap.cjs" if prints else "node_tape.mjs",
            flags=flags,
            files=files,
            apart=True,
            printed=prints,
            grouped=not prints,
            shown=("npx", invocation.tool, *files),
        )
        return node_launch.prepare(view, request, invocation, launch)

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return node_launch.file_of(test)

    def is_test_file(self, view: RepoView, path: str) -> bool:
        found = node_scripts.find(view) or Invocation(tool="tape")
        return path in files_of(view, found)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def files_of(view: RepoView, invocation: Invocation) -> tuple[str, ...]:
    """The files that the tool's arguments name, else those in the places where it looks by itself."""
    _, plain = node_invocation.without(invocation.args, flags=frozenset(), valued=_VALUED)
    scripts = [path for path in node_launch.scripts_in(view) if not path.endswith(".d.ts")]
    if not plain:
        return tuple(
            path
            for path in scripts
            if node_globs.matches(path, _NAMED) and _NO_TESTS.isdisjoint(path.split("/")) and _imports(view, path)
        )
    found: dict[str, None] = {}
    for word in plain:
        spec = word.removeprefix("./").rstrip("/")
        below = [path for path in scripts if path.startswith(f"{spec}/") and _imports(view, path)]
        taken = below or [path for path in scripts if path == spec or node_globs.matches(path, (spec,))]
        found |= dict.fromkeys(taken)
    return tuple(found)


def _imports(view: RepoView, path: str) -> bool:
    return node_scripts.imported_runner(node_launch.text_of(view, path)) in ("tape", "tap")
