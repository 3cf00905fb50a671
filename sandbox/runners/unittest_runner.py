"""The standard library's unittest, through an injected launcher. Pure."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from sandbox.runners import report
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport


@dataclass(frozen=True)
class UnittestRunner:
    """Test files are those that `unittest discover` would find (`test*.py`), in any directory whose name could be a
    package's; each is loaded from the first directory above it that is no package."""

    name: str = "unittest"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        directory = report.run_directory(request)
        modules = _modules(view)
        if request.files:
            modules = {path: where for path, where in modules.items() if path in request.files}
        elif request.tests:
            wanted = {self.file_of(view, test) for test in request.tests}
            modules = {path: where for path, where in modules.items() if path in wanted}
        must_fail, must_pass = report.canary_names(request)
        module = report.canary_module(request)
        canary = f"{directory}/canary/{module}.py" if request.canaries else ""
        written = {
            f"{directory}/run.py": report.injected("run_unittest.py"),
            f"{directory}/reporter.py": report.injected("reporter.py"),
            f"{directory}/unittest_result.py": report.injected("unittest_result.py"),
        }
        if canary:
            written[canary] = _CANARY.format(must_fail=must_fail, must_pass=must_pass).encode("ascii")
        asked = {
            "nonce": request.nonce,
            "key": request.key,
            "root": report.ROOT,
            "report": f"{directory}/report.jsonl",
            "modules": [name for _, name in modules.values()],
            "tops": sorted({top for top, _ in modules.values() if top}),
            "tests": list(request.tests),
            "without": list(request.without),
            "canary": canary,
            "first": must_pass,
            "seed": request.order_seed,
            "test_seconds": request.test_seconds,
        }
        written[f"{directory}/request.json"] = json.dumps(asked).encode("ascii")
        return PreparedRun(
            argv=(report.PYTHON, f"{directory}/run.py", f"{directory}/request.json"),
            report_path=f"{directory}/report.jsonl",
            files=written,
            shown=("python", "-m", "unittest", *(request.tests or sorted(name for _, name in modules.values()))),
            env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
        )

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        """Of the longest module name that the test's begins with."""
        owners = _owners_of(view) if isinstance(view, Hashable) else _owners(view)
        words = test.split(".")
        names = (".".join(words[:count]) for count in range(len(words), 0, -1))
        return next((owners[name] for name in names if name in owners), None)

    def is_test_file(self, view: RepoView, path: str) -> bool:
        return path in _modules(view)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def _owners(view: RepoView) -> Mapping[str, str]:
    """Module name -> its file; of two files that would be called so, the longer path."""
    return {name: path for path, (_, name) in sorted(_modules(view).items(), key=lambda item: len(item[0]))}


@lru_cache(maxsize=2)
def _owners_of(view: Any) -> Mapping[str, str]:
    return _owners(view)


_CANARY = """import unittest


class Canary(unittest.TestCase):
    def {must_fail}(self):
        self.assertEqual(2 + 2, 5)

    def {must_pass}(self):
        self.assertEqual(2 + 2, 4)
"""


def _modules(view: RepoView) -> Mapping[str, tuple[str, str]]:
    """Test file -> (top directory, module name). Asked for each test of a report."""
    return _known(view) if isinstance(view, Hashable) else _found(view)


@lru_cache(maxsize=2)
def _known(view: Any) -> Mapping[str, tuple[str, str]]:
    return _found(view)


def _found(view: RepoView) -> dict[str, tuple[str, str]]:
    paths = list(view.paths())
    packages = {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "__init__.py"}
    found = {}
    for path in paths:
        directory, _, name = path.rpartition("/")
        if not fnmatchcase(name, "test*.py") or not all(part.isidentifier() for part in path[:-3].split("/")):
            continue
        top = directory
        while top and top in packages:
            top = top.rpartition("/")[0]
        found[path] = (top, path[len(top) + 1 if top else 0 : -3].replace("/", "."))
    return found
