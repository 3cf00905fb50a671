"""vitest 1 to 5, through its Node interface in a process where no test runs. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.parts.node import SUFFIXES
from sandbox.runners import node_globs, node_invocation, node_launch, report
from sandbox.runners.node_launch import Launch
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_FLAGS = frozenset(
    {
        "run", "watch", "dev", "--run", "--watch", "-w", "--coverage", "--ui", "--open", "--update", "-u", "--silent",
        "--passWithNoTests", "--typecheck", "--standalone", "--clearScreen", "--color", "--changed", "--cache",
        "--hideSkippedTests", "--printConsoleTrace",
    }
)  # fmt: skip
_VALUED = frozenset(
    {"--reporter", "--outputFile", "--bail", "--retry", "--shard", "--sequence", "--inspect", "--inspect-brk"}
)
_KEPT_VALUED = frozenset(
    {
        "--config", "-c", "--root", "-r", "--dir", "--environment", "--pool", "--project", "--mode", "--workspace",
        "--testTimeout", "--hookTimeout", "--exclude", "--testNamePattern", "-t",
    }
)  # fmt: skip
_DEFAULT = ("**/*.{test,spec}.{js,cjs,mjs,jsx,ts,cts,mts,tsx}",)
_CONFIGS = tuple(
    f"{name}.config.{suffix}" for name in ("vitest", "vite") for suffix in ("ts", "mts", "js", "mjs", "cts", "cjs")
)
_INCLUDE = re.compile(r"\binclude\s*:\s*\[([^\]]*)\]")


@dataclass(frozen=True)
class VitestRunner:
    """Each test file's context has canaries of its own; the results are read in vitest's main process."""

    name: str = "vitest"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        invocation = node_invocation.read(request.plan.command, "vitest")
        options, plain = node_invocation.without(
            invocation.args,
            flags=_FLAGS
            | {flag for word in invocation.args if (flag := word.partition("=")[0]).startswith("--coverage.")},
            valued=_VALUED,
            kept_valued=_KEPT_VALUED,
        )
        files = node_launch.selected(request)
        pattern = node_launch.pattern(request)
        more: dict[str, object] = {"testNamePattern": pattern} if pattern else {}
        if request.order_seed:
            more["sequence"] = {"shuffle": True, "seed": request.order_seed}
        launch = Launch(
            program="node_vitest.mjs",
            programs=("node_vitest_canary.mjs",),
            args=(*options, *plain),
            flags=invocation.flags,
            options=more,
            files=files,
            shown=("npx", "vitest", "run", *files, *(("-t", pattern) if pattern else ())),
        )
        return node_launch.prepare(view, request, invocation, launch)

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return node_launch.file_of(test)

    def is_test_file(self, view: RepoView, path: str) -> bool:
        if "node_modules" in path.split("/") or not path.endswith(SUFFIXES):
            return False
        own = _included(view)
        return node_globs.matches(path, own or _DEFAULT)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def _included(view: RepoView) -> tuple[str, ...]:
    """The strings of the configuration's `include` lists that could name tests."""
    found: list[str] = []
    for path in _CONFIGS:
        for listed in _INCLUDE.findall(node_launch.text_of(view, path)):
            found += re.findall(r"[\"'`]([^\"'`\n]+)[\"'`]", listed)
    return tuple(pattern for pattern in found if re.search(r"test|spec", pattern))
