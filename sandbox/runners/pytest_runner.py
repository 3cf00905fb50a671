"""pytest 6 to 9, through an injected launcher and plugin. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.runners import pytest_config, report
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport


@dataclass(frozen=True)
class PytestRunner:
    name: str = "pytest"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        directory = report.run_directory(request)
        config = pytest_config.read(view)
        args = [f"--rootdir={report.ROOT}", "-o", "addopts="]
        if config.path:
            args += ["-c", f"{report.ROOT}/{config.path}"]
        args += pytest_config.safe_addopts(config.addopts)
        args += pytest_config.safe_addopts(request.plan.command)
        # Last, so that they win. `no:randomly`: an order that changes by itself makes every comparison a dice.
        args += ["--continue-on-collection-errors", "--maxfail=0", "--color=no", "-p", "no:randomly"]
        files = request.files or tuple(sorted({test.split("::")[0] for test in request.tests}))
        must_fail, must_pass = report.canary_names(request)
        canary = f"{directory}/canary/{report.canary_module(request)}.py" if request.canaries else ""
        written = {
            f"{directory}/run.py": report.injected("run_pytest.py"),
            f"{directory}/reporter.py": report.injected("reporter.py"),
        }
        if canary:
            source = f"def {must_fail}():\n    assert 2 + 2 == 5\n\n\ndef {must_pass}():\n    assert 2 + 2 == 4\n"
            written[canary] = source.encode("ascii")
        asked = {
            "nonce": request.nonce,
            "key": request.key,
            "root": report.ROOT,
            "report": f"{directory}/report.jsonl",
            # A patch names its files: `--deselect=x_test.py`, or `@x_test.py`, whose lines pytest takes for arguments.
            "args": [*args, *(f"./{path}" if path.startswith(("-", "@")) else path for path in files)],
            "tests": list(request.tests),
            "without": list(request.without),
            "canary": canary,
            "first": must_pass,
            "seed": request.order_seed,
            "test_seconds": request.test_seconds,
            "hidden": list(request.hidden),
        }
        written[f"{directory}/request.json"] = json.dumps(asked).encode("ascii")
        return PreparedRun(
            argv=(report.PYTHON, f"{directory}/run.py", f"{directory}/request.json"),
            report_path=f"{directory}/report.jsonl",
            files=written,
            shown=("python", "-m", "pytest", *(request.tests or files)),
            env={"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": "", "PYTHONHASHSEED": "0"},
        )

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return test.split("::")[0]

    def is_test_file(self, view: RepoView, path: str) -> bool:
        return pytest_config.collects(pytest_config.read(view), path)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)
