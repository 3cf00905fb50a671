"""Go's own tests, through a launcher that stands outside of the test processes. Pure.

A test's id is `<file>::<name>`, sub-tests, fuzz seeds and table rows as package testing joins them
(`coin/coin_test.go::TestLabel/cents`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sandbox.parts.go import is_test_file
from sandbox.runners import report
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_PROGRAMS = {
    "run.py": "run_go.py",
    "outside.py": "outside.py",
    "reporter.py": "reporter.py",
    "testing_hook.go": "testing_hook.go",
}


@dataclass(frozen=True)
class GoRunner:
    """`go test` compiles; the launcher runs each package's test binary itself (`injected/run_go.py`)."""

    name: str = "go"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        directory = report.run_directory(request)
        asked = {
            "nonce": request.nonce,
            "key": request.key,
            "root": report.ROOT,
            "report": f"{directory}/report.jsonl",
            "canaries": list(report.canary_names(request)) if request.canaries else [],
            "file": hashlib.sha256(f"{request.nonce}:{request.key}:file".encode()).hexdigest()[:16],
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
        return test.split("::")[0]

    def is_test_file(self, view: RepoView, path: str) -> bool:
        return is_test_file(path)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def _shown(request: RunRequest) -> tuple[str, ...]:
    """For people: without the anchoring of each level that the launcher takes care of."""
    paths = request.files or tuple(test.split("::")[0] for test in request.tests)
    packages = sorted({f"./{path.rpartition('/')[0]}".rstrip("/") for path in paths})
    names = sorted({test.split("::")[-1].split("/")[0] for test in request.tests})
    chosen = ("-run", f"^({'|'.join(names)})$") if names else ()
    return ("go", "test", *chosen, *(packages or ["./..."]))
