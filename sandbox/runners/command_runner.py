"""A command of which only the exit code is known: one test, green when it is 0. Pure.

For builds that no other runner understands. It is exit-code evidence and nothing more: what failed inside cannot be
told, no canary can be put in, and a patch that ends the process early looks like a pass. `sandbox.verdict` therefore
never calls such evidence `Verified` (docs/decisions/exit-codes-prove-no-fix.md).
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace

from sandbox.parts import classify
from sandbox.runners import report
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import Part, RepoView, TestId, TestReport

NAME = "command"


@dataclass(frozen=True)
class CommandRunner:
    """The test's id is `command::<command line>`. A run that is about certain test files runs the same command, which
    knows no selection, as `command::<command line>[<files>]`: without and with those files it is not the same test."""

    name: str = NAME

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        directory = report.run_directory(request)
        command = request.plan.command
        asked = {
            "nonce": request.nonce,
            "key": request.key,
            "root": report.ROOT,
            "report": f"{directory}/report.jsonl",
            "command": command,
            "ids": request.tests or (_id(command, request.files),),
        }
        return PreparedRun(
            argv=(*report.OUTSIDE, f"{directory}/run.py", f"{directory}/request.json"),
            report_path=f"{directory}/report.jsonl",
            files={
                f"{directory}/run.py": report.injected("run_command.py"),
                f"{directory}/outside.py": report.injected("outside.py"),
                f"{directory}/reporter.py": report.injected("reporter.py"),
                f"{directory}/request.json": json.dumps(asked).encode("ascii"),
            },
            shown=command,
        )

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return None

    def is_test_file(self, view: RepoView, path: str) -> bool:
        return classify(path) is Part.TEST

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, replace(request, canaries=False))


def _id(command: tuple[str, ...], files: tuple[str, ...]) -> TestId:
    about = f"[{','.join(files)}]" if files else ""
    return TestId(f"{NAME}::{shlex.join(command)}{about}")
