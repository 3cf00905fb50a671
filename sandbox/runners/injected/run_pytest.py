"""Starts the tree's pytest with a reporting plugin that is handed over as an object: nothing to find or to shadow.

Argument: the request's path. The request (nonce, key, root, args, tests, canary) is deleted before pytest loads.
"""

import json
import os
import random
import re
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
with open(sys.argv[1], encoding="utf-8") as _file:
    REQUEST = json.load(_file)
os.unlink(sys.argv[1])
if sys.path and os.path.abspath(sys.path[0] or ".") == _HERE:
    del sys.path[0]
sys.path.insert(0, _HERE)
import reporter as _reporter  # noqa: E402

sys.path.remove(_HERE)
REPORTER = _reporter.Reporter(REQUEST["report"], REQUEST["nonce"], REQUEST["key"], REQUEST["root"])
CLOCK = _reporter.Clock(REQUEST.get("test_seconds", 0))

import unittest  # noqa: E402

import _pytest.python  # noqa: E402
import _pytest.runner  # noqa: E402
import _pytest.skipping  # noqa: E402
import _pytest.unittest  # noqa: E402
import pytest  # noqa: E402

try:
    from _pytest.reports import TestReport
except ImportError:  # before 3.7
    TestReport = _pytest.runner.TestReport

VERSION = tuple(int(part) for part in re.findall(r"[0-9]+", pytest.__version__)[:2])
if VERSION < (3, 0):
    VERSION = (9, 0)  # a checkout of pytest itself that does not know its version is none of the old ones
WATCHED = _reporter.watched(
    [
        (_pytest.runner, "runtestprotocol"),
        (_pytest.runner, "call_and_report"),
        (_pytest.runner, "call_runtest_hook"),
        (_pytest.runner, "pytest_runtest_makereport"),
        (_pytest.runner, "pytest_runtest_call"),
        (_pytest.runner.CallInfo, "from_call"),
        (_pytest.runner.CallInfo, "__init__"),
        (TestReport, "from_item_and_call"),
        (TestReport, "__init__"),
        (_pytest.python, "pytest_pyfunc_call"),
        (_pytest.python.Function, "runtest"),
        (_pytest.skipping, "pytest_runtest_makereport"),
        (_pytest.unittest.TestCaseFunction, "runtest"),
        (_pytest.unittest.TestCaseFunction, "addFailure"),
        (_pytest.unittest.TestCaseFunction, "addError"),
        (unittest.TestCase, "run"),
        (unittest.TestCase, "__call__"),
        (unittest.TestCase, "fail"),
        (unittest.TestCase, "assertEqual"),
        (unittest.TestCase, "assertTrue"),
        (pytest, "raises"),
        (pytest, "fail"),
    ]
)
HOOKS = (
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_call",
    "pytest_runtest_logreport",
    "pytest_pyfunc_call",
    "pytest_pycollect_makeitem",
    "pytest_sessionfinish",
    "pytest_collection_modifyitems",
)


class Plugin:
    def __init__(self):
        # type: () -> None
        self.hooks = []  # type: list
        self.root_of_canary = REQUEST["canary"]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session, config, items):
        wanted, without = frozenset(REQUEST["tests"]), frozenset(REQUEST.get("without", ()))
        if wanted or without:
            kept = [item for item in items if is_wanted(plain(item.nodeid), wanted, without)]
            dropped = [item for item in items if not is_wanted(plain(item.nodeid), wanted, without)]
            items[:] = kept
            if dropped:
                config.hook.pytest_deselected(items=dropped)
        if REQUEST.get("seed"):
            random.Random(REQUEST["seed"]).shuffle(items)
        REPORTER.write({"kind": "collected", "count": len(items)})
        if self.root_of_canary:
            first, last = self._canaries(session)
            items.insert(0, first)
            items.append(last)

    def _canaries(self, session):
        path = self.root_of_canary
        nodeid = os.path.basename(path)
        if hasattr(session, "path"):
            import pathlib

            module = pytest.Module.from_parent(session, path=pathlib.Path(path), nodeid=nodeid)
        else:
            import py

            # Before 5.4 nodes are made by calling their class, before 3.5 they name themselves.
            make = getattr(pytest.Module, "from_parent", pytest.Module)
            named = {"nodeid": nodeid} if VERSION >= (3, 5) else {}
            module = make(fspath=py.path.local(path), parent=session, **named)
            module._nodeid = nodeid
        found = sorted(session.genitems(module), key=lambda item: item.name != REQUEST["first"])
        return found[0], found[1]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session):
        """What names the runner to the tests, taken from their sight; the current test's name is set for each anew."""
        for name in REQUEST.get("hidden", ()):
            os.environ.pop(name, None)
            if name == "PYTEST_CURRENT_TEST" and hasattr(_pytest.runner, "_update_current_test_var"):
                _pytest.runner._update_current_test_var = lambda item, when: None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid, location):
        REPORTER.began(plain(nodeid), "teardown")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item):
        CLOCK.start()
        yield
        CLOCK.stop()

    pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector):
        outcome = yield
        report = outcome.get_result()
        if report.failed:
            call = getattr(report, "call", None)
            error = call.excinfo.value if call is not None and call.excinfo is not None else None
            record = {"kind": "collect_error", "id": report.nodeid, "longrepr": str(report.longrepr)[-2000:]}
            if error is not None:
                record.update(REPORTER.failure(error.__cause__ if error.__cause__ is not None else error))
            REPORTER.write(record)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        report = outcome.get_result()
        report.redgreen_error = call.excinfo.value if call.excinfo is not None else None
        report.redgreen_declared = call.when == "call" and self._expects_failure(item)

    @staticmethod
    def _expects_failure(item):
        """unittest's own mark; pytest turns its failure into a call of `xfail` after the body ran."""
        name = "__unittest_expecting_failure__"
        return bool(
            getattr(getattr(item, "obj", None), name, False) or getattr(getattr(item, "cls", None), name, False)
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        if report.outcome == "rerun":
            return
        error = getattr(report, "redgreen_error", None)
        record = {
            "kind": "phase",
            "id": plain(report.nodeid),
            "when": report.when,
            "outcome": report.outcome,
            "xfail": "",
            "subtest": type(report).__name__.lower() == "subtestreport",
            "seconds": round(report.duration, 6),
            "raised": error is not None,
        }
        if hasattr(report, "wasxfail"):
            called = isinstance(error, pytest.xfail.Exception) and not getattr(report, "redgreen_declared", False)
            record["xfail"] = "called" if called else "marked"
        if error is not None and not isinstance(error, pytest.skip.Exception):
            record.update(REPORTER.failure(error))
        elif report.failed:
            record["message"] = str(report.longrepr)[:2000]
        if error is not None and isinstance(error, pytest.skip.Exception):
            record["raised"] = False
        REPORTER.write(record)
        report.redgreen_error = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        manager = session.config.pluginmanager
        found = set()
        for name in HOOKS:
            for implementation in implementations(getattr(manager.hook, name)):
                found.add("%s:%s" % (name, self._origin(implementation.plugin)))
        self.hooks = sorted(found)

    @staticmethod
    def _origin(plugin):
        path = getattr(plugin, "__file__", None)
        if path:
            path = os.path.realpath(path)
            return path[len(REPORTER.root) :] if path.startswith(REPORTER.root) else plugin.__name__
        return "%s.%s" % (type(plugin).__module__, type(plugin).__qualname__)


def is_wanted(name, wanted, without):
    # type: (str, frozenset, frozenset) -> bool
    return (not wanted or name in wanted) and name not in without


def plain(nodeid):
    # type: (str) -> str
    """As pytest prints it: before 4.0 a class's instance had a part of its own (`Class::()::test`)."""
    return nodeid.replace("::()", "") if VERSION < (4, 0) else nodeid


def implementations(caller):
    """Of a hook. pluggy before 0.7 has no name for it."""
    if hasattr(caller, "get_hookimpls"):
        return caller.get_hookimpls()
    return list(caller._nonwrappers) + list(caller._wrappers)


def arguments():
    # type: () -> list
    """What this pytest knows of what was asked: the root is where it is started, before an option named it."""
    if VERSION >= (3, 5):
        return list(REQUEST["args"])
    return [word for word in REQUEST["args"] if not word.startswith("--rootdir=")]


def main():
    # type: () -> None
    leave = os._exit
    flush = (sys.stdout.flush, sys.stderr.flush)
    plugin = Plugin()
    sys.path.insert(0, os.getcwd())
    sys.argv[:] = ["pytest"] + arguments()
    code = int(pytest.main(arguments(), plugins=[plugin]))
    REPORTER.end(code, _reporter.replaced(WATCHED), plugin.hooks)
    for function in flush:
        try:
            function()
        except Exception:  # a closed stream is the tenant's affair
            pass
    # Threads and exit handlers of the tree have no say in the exit code.
    leave(code)


if __name__ == "__main__":
    main()
