"""jest 26 to 30, through the tree's own jest-cli with our reporter in its main process. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from sandbox.parts.node import SUFFIXES
from sandbox.runners import node_globs, node_invocation, node_launch, report
from sandbox.runners.node_launch import Launch
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_FLAGS = frozenset(
    {
        "--all", "--bail", "-b", "--ci", "--clearCache", "--collectCoverage", "--coverage", "--debug",
        "--detectOpenHandles", "--expand", "-e", "--init", "--json", "--lastCommit", "--listTests", "--no-cache",
        "--cache", "--notify", "--onlyChanged", "-o", "--onlyFailures", "-f", "--passWithNoTests", "--randomize",
        "--runInBand", "-i", "--showConfig", "--testLocationInResults", "--updateSnapshot", "-u", "--verbose",
        "--watch", "--watchAll", "--watchman", "--logHeapUsage", "--colors", "--color", "--runTestsByPath",
    }
)  # fmt: skip
_VALUED = frozenset(
    {
        "--cacheDirectory", "--changedSince", "--collectCoverageFrom", "--collectCoverageOnlyFrom",
        "--coverageDirectory", "--coveragePathIgnorePatterns", "--coverageProvider", "--coverageReporters",
        "--coverageThreshold", "--maxConcurrency", "--maxWorkers", "-w", "--notifyMode", "--outputFile", "--reporters",
        "--runner", "--seed", "--shard", "--testResultsProcessor", "--testSequencer", "--workerIdleMemoryLimit",
    }
)  # fmt: skip
_KEPT_VALUED = frozenset(
    {
        "--config", "-c", "--env", "--testEnvironment", "--preset", "--projects", "--rootDir", "--roots",
        "--selectProjects", "--setupFiles", "--setupFilesAfterEnv", "--testMatch", "--testNamePattern", "-t",
        "--testPathIgnorePatterns", "--testRegex", "--testTimeout", "--transform", "--testPathPattern",
        "--testPathPatterns", "--moduleNameMapper", "--globals",
    }
)  # fmt: skip
_LITERAL = re.compile(r"\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'")
_NARROWING = ("--testPathPattern", "--testPathPatterns", "--testNamePattern", "-t")
_DEFAULT = (
    "**/__tests__/**/*.{js,jsx,ts,tsx,mjs,cjs,mts,cts}",
    "**/?(*.)+(spec|test).{js,jsx,ts,tsx,mjs,cjs,mts,cts}",
)
_CONFIGS = tuple(f"jest.config.{suffix}" for suffix in ("js", "ts", "mjs", "cjs", "json", "mts", "cts"))


@dataclass(frozen=True)
class JestRunner:
    """Every test file runs in a worker process with canaries of its own; the reporter stands outside of it."""

    name: str = "jest"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        invocation = node_invocation.read(request.plan.command, "jest")
        options, plain = node_invocation.without(
            invocation.args, flags=_FLAGS, valued=_VALUED, kept_valued=_KEPT_VALUED
        )
        files = node_launch.selected(request)
        if files:
            options, plain = (*_wide(options), "--runTestsByPath"), ()
        pattern = node_launch.pattern(request)
        options += (f"--testNamePattern={pattern}",) if pattern else ()
        options += (
            "--ci",
            "--watchAll=false",
            "--coverage=false",
            "--bail=0",
            "--maxWorkers=2",
            "--passWithNoTests",
            f"--cacheDirectory={node_launch.CACHE}/jest",
        )
        options += ("--randomize", f"--seed={request.order_seed}") if request.order_seed else ()
        launch = Launch(
            program="node_jest.cjs",
            programs=("node_jest_tests.cjs", "node_jest_canary.cjs"),
            args=(*options, *plain),
            flags=invocation.flags,
            files=files,
            shown=("npx", "jest", *files, *(("-t", pattern) if pattern else ())),
        )
        return node_launch.prepare(view, request, invocation, launch)

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return node_launch.file_of(test)

    def is_test_file(self, view: RepoView, path: str) -> bool:
        if "node_modules" in path.split("/") or not path.endswith(SUFFIXES):
            return False
        globs, regexes = configured(view)
        return node_globs.matches(path, globs or _DEFAULT) or any(_searches(regex, path) for regex in regexes)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def configured(view: RepoView) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(testMatch, testRegex) of the root's configuration; of one that is a program, the strings that stand there."""
    try:
        table = json.loads(node_launch.text_of(view, "package.json") or "{}").get("jest")
    except (ValueError, AttributeError, RecursionError):
        table = None
    if isinstance(table, dict):
        return _strings(table.get("testMatch")), _strings(table.get("testRegex"))
    texts = [node_launch.text_of(view, path) for path in _CONFIGS]
    return _literals(texts, "testMatch"), _literals(texts, "testRegex")


def _strings(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(item for item in values if isinstance(item, str))


def _literals(texts: list[str], key: str) -> tuple[str, ...]:
    """The strings of an array, up to a bracket that could close it, or of the rest of the line."""
    value = re.compile(rf"[\"']?\b{key}\b[\"']?\s*:\s*(\[.*?\]\s*(?=[,}}\n]|$)|[\"'][^\n]*)", re.DOTALL)
    found = [pair for text in texts for listed in value.findall(text) for pair in _LITERAL.findall(listed)]
    return tuple((double or single).replace("\\\\", "\\") for double, single in found)


def _searches(regex: str, path: str) -> bool:
    try:
        return re.search(regex, f"/{path}") is not None
    except re.error:
        return False


def _wide(options: tuple[str, ...]) -> tuple[str, ...]:
    """Without what narrows the run to other files or names than those that are asked for."""
    return node_invocation.without(options, flags=frozenset(), valued=frozenset(_NARROWING), kept_valued=_KEPT_VALUED)[
        0
    ]
