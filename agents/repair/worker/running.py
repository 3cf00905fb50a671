"""Running chosen tests inside a forked child, with pytest or unittest, and reporting each as it ends."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import unittest
from collections.abc import Callable, Sequence
from typing import Any

from .watching import Stops, TimeLimit, Watch

EVERYTHING = "*"
"""In place of the tests of a stage: the whole suite (pytest only)."""


# --- pytest ------------------------------------------------------------------------------------------------------


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def pytest_arguments(files: Sequence[str]) -> list[str]:
    """Quiet, without caches, in one process, whatever the repository's own `addopts` say of parallel runs."""
    arguments = ["-q", "--no-header", "--tb=no", "--capture=sys", "--assert=plain", "-p", "no:cacheprovider"]
    arguments.append(
        f"--rootdir={os.getcwd()}"
    )  # test ids are relative to the tree, as the sandbox's reporter has them
    for module, extra in (
        ("xdist", ["-n0"]),
        ("pytest_cov", ["--no-cov"]),
        ("pytest_timeout", ["-o", "timeout=0"]),
        ("pytest_randomly", ["-p", "no:randomly"]),
    ):
        if _has(module):
            arguments += extra
    return [*arguments, *files]


def _files(tests: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(test.split("::", 1)[0] for test in tests))


def _brief(excinfo: Any, style: Any = None) -> str:
    return str(excinfo.typename)


class PytestPlugin:
    """Keeps only the wanted tests, in the wanted order, and reports them."""

    def __init__(self, tests: Sequence[str], watch: Watch) -> None:
        self._order = {test: position for position, test in enumerate(tests)}
        self._watch = watch
        self._status: dict[str, str] = {}
        self._faults: dict[str, dict[str, Any]] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if EVERYTHING in self._order:
            return
        kept = [item for item in items if item.nodeid in self._order]
        items[:] = sorted(kept, key=lambda item: self._order[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            if report.outcome == "failed" and report.when != "call":
                self._status[report.nodeid] = "error"
            elif hasattr(report, "wasxfail"):
                self._status[report.nodeid] = "xpassed" if report.outcome == "passed" else "xfailed"
            else:
                self._status[report.nodeid] = report.outcome

    def pytest_exception_interact(self, node: Any, call: Any) -> None:
        if call.excinfo is not None:
            self._faults.setdefault(getattr(node, "nodeid", ""), self._watch.caught(call.excinfo.value))

    def around(self, item: Any) -> Any:
        # Nobody reads what pytest would print of a failure, and of a deep recursion that takes a second.
        item.repr_failure = item._repr_failure_py = _brief
        self._watch.begin(item.nodeid)
        yield
        record = self._watch.end()
        if item.nodeid in self._faults:
            record["fault"] = self._faults[item.nodeid]
        self._watch.report(item.nodeid, self._status.get(item.nodeid, "unknown"), record)


def _pytest_plugin(tests: Sequence[str], watch: Watch) -> PytestPlugin:
    import pytest

    class Plugin(PytestPlugin):
        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            super().pytest_collection_modifyitems(items)

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Any:
            yield from self.around(item)

    return Plugin(tests, watch)


def run_pytest(tests: Sequence[str], watch: Watch, stop_on_red: bool) -> None:
    import pytest

    arguments = pytest_arguments([] if EVERYTHING in tests else _files(tests))
    if stop_on_red:
        arguments.insert(0, "--maxfail=1")
    pytest.main(arguments, plugins=[_pytest_plugin(tests, watch)])


Run = Callable[["Watch", "Stops"], None]


def serve_in_pytest(tests: Sequence[str], serve: Callable[[Run], None]) -> None:
    """Collect once, then hand `serve` a function that runs the collected tests: to be called after a fork only."""
    import pytest

    class Loop:
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(self, session: Any) -> bool:
            def run(watch: Watch, stops: Stops) -> None:
                plugin = _pytest_plugin(tests, watch)
                session.config.pluginmanager.register(plugin)
                for position, item in enumerate(session.items):
                    if stops.before(position, watch):
                        return
                    item.ihook.pytest_runtest_protocol(item=item, nextitem=None)

            serve(run)
            return True

    keep = PytestPlugin(tests, Watch(lambda record: None, 0.0))

    class Keep:
        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            keep.pytest_collection_modifyitems(items)

    pytest.main(pytest_arguments(_files(tests)), plugins=[Loop(), Keep()])


# --- unittest ----------------------------------------------------------------------------------------------------


def _import_root(module: str) -> tuple[str, str] | None:
    """(directory, dotted name) under which the tree holds `module`: ids are relative to discovery's start."""
    wanted = module.replace(".", os.sep)
    for folder, names, _ in os.walk("."):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "node_modules")
        if os.path.isfile(os.path.join(folder, wanted + ".py")):
            return os.path.abspath(folder), module
    return None


def load_unittest(tests: Sequence[str]) -> list[tuple[str, unittest.TestCase]]:
    loaded: list[tuple[str, unittest.TestCase]] = []
    for test in tests:
        module = test.rsplit(".", 2)[0]
        try:
            found = importlib.util.find_spec(module) is not None
        except (ImportError, ValueError):
            found = False
        if not found:
            root = _import_root(module)
            if root is not None:
                sys.path.insert(0, root[0])
        suite = unittest.defaultTestLoader.loadTestsFromName(test)
        loaded.extend((test, case) for case in suite if isinstance(case, unittest.TestCase))
    return loaded


class _Result(unittest.TestResult):
    """The status of one case, as the sandbox's own reporter names it."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.status = "passed"
        self.fault: dict[str, Any] = {}
        self._watch = watch

    def addError(self, test: Any, err: Any) -> None:
        self.status, self.fault = "error", self._watch.caught(err[1])

    def addFailure(self, test: Any, err: Any) -> None:
        self.status, self.fault = "failed", self._watch.caught(err[1])

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        if err is not None:
            self.status, self.fault = "failed", self._watch.caught(err[1])

    def addSkip(self, test: Any, reason: str) -> None:
        self.status = "skipped"

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        self.status = "xfailed"

    def addUnexpectedSuccess(self, test: Any) -> None:
        self.status = "failed"


def run_cases(cases: Sequence[tuple[str, unittest.TestCase]], watch: Watch, stops: Stops) -> None:
    for position, (test, case) in enumerate(cases):
        if stops.before(position, watch):
            return
        result = _Result(watch)
        watch.begin(test)
        try:
            unittest.TestSuite([case]).run(result)  # a suite: class and module fixtures run too
            status = result.status
        except TimeLimit:
            status = "timeout"
        record = watch.end()
        if result.fault:
            record["fault"] = result.fault
        watch.report(test, status, record)
