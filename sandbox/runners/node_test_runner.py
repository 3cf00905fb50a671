"""Node's own runner, `node:test` of Node 18 to 26: a process for each file, with our reporter in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.runners import node_globs, node_invocation, node_launch, node_scripts, report
from sandbox.runners.node_launch import Launch
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_DROPPED_FLAGS = frozenset(
    {
        "--test", "--watch", "--experimental-test-coverage", "--test-coverage", "--test-force-exit",
        "--test-update-snapshots", "--test-randomize",
    }
)  # fmt: skip
_DROPPED_VALUED = frozenset(
    {
        "--test-concurrency", "--test-coverage-branches", "--test-coverage-exclude", "--test-coverage-functions",
        "--test-coverage-include", "--test-coverage-lines", "--test-isolation", "--experimental-test-isolation",
        "--test-reporter", "--test-reporter-destination", "--test-shard", "--watch-path", "--inspect",
        "--test-random-seed", "--test-rerun-failures",
    }
)  # fmt: skip
_KEPT_VALUED = frozenset(
    {"--require", "-r", "--import", "--loader", "--experimental-loader", "--conditions", "-C", "--test-name-pattern"}
)
_SUFFIXES = "{js,cjs,mjs,ts,cts,mts}"
_DEFAULT = (
    f"**/*.test.{_SUFFIXES}",
    f"**/*-test.{_SUFFIXES}",
    f"**/*_test.{_SUFFIXES}",
    f"**/test-*.{_SUFFIXES}",
    f"**/test.{_SUFFIXES}",
    f"**/test/**/*.{_SUFFIXES}",
)


@dataclass(frozen=True)
class NodeTestRunner:
    """The process of each file has canaries of its own, the first and the last of its tests."""

    name: str = "node-test"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        invocation = node_invocation.read(request.plan.command, "node:test")
        flags, plain = node_invocation.without(
            (*invocation.flags, *invocation.args),
            flags=_DROPPED_FLAGS,
            valued=_DROPPED_VALUED,
            kept_valued=_KEPT_VALUED,
        )
        files = node_launch.selected(request) or files_of(view, plain)
        patterns = node_launch.leaf_patterns(request)
        flags += tuple(f"--test-name-pattern={pattern}" for pattern in patterns)
        directory = report.run_directory(request)
        flags += (f"--test-reporter={directory}/node_reporter.cjs", "--test-reporter-destination=stdout")
        launch = Launch(
            program="node_test.mjs",
            flags=flags,
            files=files,
            apart=True,
            shown=("node", "--test", *(f"--test-name-pattern={pattern}" for pattern in patterns), *files),
        )
        return node_launch.prepare(view, request, invocation, launch)

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return node_launch.file_of(test)

    def is_test_file(self, view: RepoView, path: str) -> bool:
        found = node_scripts.find(view)
        asked = found.args if found is not None and found.tool == "node:test" else ()
        plain = node_invocation.without(asked, flags=_DROPPED_FLAGS, valued=_DROPPED_VALUED, kept_valued=_KEPT_VALUED)[
            1
        ]
        return path in files_of(view, plain)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def files_of(view: RepoView, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The files that `node --test` would run: those asked for (files, directories, patterns), else by their names."""
    scripts = node_launch.scripts_in(view)
    if not asked:
        return tuple(path for path in scripts if node_globs.matches(path, _DEFAULT))
    found: dict[str, None] = {}
    for word in asked:
        spec = word.removeprefix("./").rstrip("/")
        below = [path for path in scripts if path.startswith(f"{spec}/")]
        if below:
            found |= dict.fromkeys(path for path in below if node_globs.matches(path, _DEFAULT))
        else:
            found |= dict.fromkeys(path for path in scripts if path == spec or node_globs.matches(path, (spec,)))
    return tuple(found)
