"""Rust's tests, through a launcher that stands outside of the test processes. Pure.

A test's id is `<root file of its target>::<modules>::<name>`: `src/lib.rs::tests::adds`, `tests/it.rs::adds`. Doctests
are not run.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.buildpacks.rust import roots_of
from sandbox.parts import classify
from sandbox.parts.rust import holds_tests
from sandbox.runners import report
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import Part, RepoView, TestId, TestReport

_PROGRAMS = {
    "run.py": "run_cargo.py",
    "outside.py": "outside.py",
    "reporter.py": "reporter.py",
    "hold.py": "hold_test.py",
}
_ROOTS = ("lib.rs", "main.rs", "mod.rs")
_DIRECTORIES = {"test": "tests", "bin": "src/bin", "example": "examples", "bench": "benches"}


@dataclass(frozen=True)
class CargoRunner:
    """`cargo test` compiles; the launcher runs each test executable itself (`injected/run_cargo.py`)."""

    name: str = "cargo"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        directory = report.run_directory(request)
        asked = {
            "nonce": request.nonce,
            "key": request.key,
            "root": report.ROOT,
            "report": f"{directory}/report.jsonl",
            "canaries": list(report.canary_names(request)) if request.canaries else [],
            "module": hashlib.sha256(f"{request.nonce}:{request.key}:module".encode()).hexdigest()[:16],
            "roots": [root or "." for root in roots_of(view.paths())],
            "plain": sorted(without_harness(view)),
            "tests": list(request.tests),
            "files": list(request.files),
            "seed": request.order_seed,
            "test_seconds": request.test_seconds,
        }
        files = {f"{directory}/{name}": report.injected(source) for name, source in _PROGRAMS.items()}
        return PreparedRun(
            argv=(*report.OUTSIDE, f"{directory}/run.py", f"{directory}/request.json"),
            report_path=f"{directory}/report.jsonl",
            files={**files, f"{directory}/request.json": json.dumps(asked).encode("ascii")},
            shown=_shown(request),
        )

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        """The innermost of its modules that is a file of its own; the target's root where none is."""
        root, *modules = test.split("::")
        paths = _paths(view)
        directory, _, name = root.rpartition("/")
        place = directory if name in _ROOTS or directory.endswith("tests") else root.removesuffix(".rs")
        found = root
        for module in modules[:-1]:
            place = f"{place}/{module}" if place else module
            for candidate in (f"{place}.rs", f"{place}/mod.rs"):
                if candidate in paths:
                    found = candidate
        return found

    def is_test_file(self, view: RepoView, path: str) -> bool:
        if not path.endswith(".rs"):
            return False
        return classify(path) is Part.TEST or holds_tests(view.read(path) or b"")

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def _paths(view: RepoView) -> frozenset[str]:
    """Asked for each test of a report."""
    return _known_paths(view) if isinstance(view, Hashable) else frozenset(view.paths())


@lru_cache(maxsize=4)
def _known_paths(view: Any) -> frozenset[str]:
    return frozenset(view.paths())


def without_harness(view: RepoView) -> frozenset[str]:
    """The root files of targets that say `harness = false`: all that is seen of them is an exit code."""
    found: set[str] = set()
    for path in view.paths():
        directory, _, name = path.rpartition("/")
        if name == "Cargo.toml":
            found.update(f"{directory}/{file}" if directory else file for file in _plain(view, path))
    return frozenset(found)


def _plain(view: RepoView, path: str) -> Iterable[str]:
    try:
        document = tomllib.loads((view.read(path) or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return
    library = document.get("lib")
    if isinstance(library, dict) and library.get("harness") is False:
        yield str(library.get("path", "src/lib.rs"))
    for kind, place in _DIRECTORIES.items():
        targets = document.get(kind)
        for target in targets if isinstance(targets, list) else ():
            if isinstance(target, dict) and target.get("harness") is False:
                if "path" in target:
                    yield str(target["path"])
                else:
                    yield from (f"{place}/{target.get('name')}.rs", f"{place}/{target.get('name')}/main.rs")


def _shown(request: RunRequest) -> tuple[str, ...]:
    names = sorted({test.partition("::")[2] for test in request.tests})
    return ("cargo", "test", "--tests", *(("--", "--exact", *names) if names else ()))
