"""Django's tests, by the project's own script, through an injected launcher. Pure.

`plan.command` is the script and what always stands behind it: `tests/runtests.py` in Django itself, `manage.py test` in
a project. Tests are chosen by labels (dotted paths from the script's directory) and then one by one; ids are unittest's
(`module.Class.test`). SWE-bench writes the same as `test (module.Class)`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from sandbox.runners import report
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_CANARY = """import sys
import unittest

_DJANGO = sys.modules.get("django.test")


class Canary(_DJANGO.SimpleTestCase if _DJANGO is not None else unittest.TestCase):
    def {must_fail}(self):
        self.assertEqual(2 + 2, 5)

    def {must_pass}(self):
        self.assertEqual(2 + 2, 4)
"""


@dataclass(frozen=True)
class DjangoRunner:
    name: str = "django"

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        directory = report.run_directory(request)
        script, *given = request.plan.command or ("tests/runtests.py",)
        args = [*given, *_options(view, script), *self._labels(view, script, request)]
        must_fail, must_pass = report.canary_names(request)
        canary = f"{directory}/canary/{report.canary_module(request)}.py" if request.canaries else ""
        asked = {
            "nonce": request.nonce,
            "key": request.key,
            "root": report.ROOT,
            "report": f"{directory}/report.jsonl",
            "script": script,
            # A project's tests are found from where its manage.py is; Django's own know where they are.
            "directory": script.rpartition("/")[0] if _is_project(script) else "",
            "args": args,
            "tests": list(request.tests),
            "without": list(request.without),
            "canary": canary,
            "first": must_pass,
            "seed": request.order_seed,
        }
        written = {
            f"{directory}/run.py": report.injected("run_django.py"),
            f"{directory}/reporter.py": report.injected("reporter.py"),
            f"{directory}/unittest_result.py": report.injected("unittest_result.py"),
            f"{directory}/request.json": json.dumps(asked).encode("ascii"),
        }
        if canary:
            written[canary] = _CANARY.format(must_fail=must_fail, must_pass=must_pass).encode("ascii")
        return PreparedRun(
            argv=(report.PYTHON, f"{directory}/run.py", f"{directory}/request.json"),
            report_path=f"{directory}/report.jsonl",
            files=written,
            shown=("python", script, *args),
            env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "DJANGO_TEST_PROCESSES": "1"},
        )

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        """The longest dotted part that is a file, from the root or from a directory that has the script in it."""
        parts = test.split(".")
        known, tops = _known(view) if isinstance(view, Hashable) else _places(view)
        for length in range(len(parts) - 1, 0, -1):
            for top in tops:
                path = top + "/".join(parts[:length])
                for name in (f"{path}.py", f"{path}/__init__.py"):
                    if name in known:
                        return name
        return None

    def is_test_file(self, view: RepoView, path: str) -> bool:
        return fnmatchcase(path.rpartition("/")[2], "test*.py") and all(
            part.isidentifier() for part in path[:-3].split("/")
        )

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)

    def _labels(self, view: RepoView, script: str, request: RunRequest) -> list[str]:
        files = request.files or tuple({file for test in request.tests if (file := self.file_of(view, test))})
        top = script.rpartition("/")[0]
        return sorted({_label(path, top) for path in files})


def _places(view: RepoView) -> tuple[frozenset[str], tuple[str, ...]]:
    """(all paths, the root and the directories that have the script in them)."""
    known = frozenset(view.paths())
    return known, ("", *sorted({path.rpartition("/")[0] + "/" for path in known if _is_script(path) and "/" in path}))


@lru_cache(maxsize=2)
def _known(view: Any) -> tuple[frozenset[str], tuple[str, ...]]:
    """Asked for each test of a report."""
    return _places(view)


def _label(path: str, top: str) -> str:
    """`tests/utils_tests/test_html.py` below `tests` is `utils_tests.test_html`."""
    inside = path.removeprefix(f"{top}/") if top else path
    return inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _options(view: RepoView, script: str) -> tuple[str, ...]:
    """One process, as far as the script knows the word: a child's tests would report to nobody."""
    text = (view.read(script) or b"").decode("utf-8", "replace")
    return ("--parallel", "1") if re.search(r"[\"']--parallel[\"']", text) else ()


def _is_project(script: str) -> bool:
    return script.rpartition("/")[2] == "manage.py"


def _is_script(path: str) -> bool:
    return path.rpartition("/")[2] in ("runtests.py", "manage.py")
