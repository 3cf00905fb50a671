"""Runs unittest modules with a reporting result. Argument: the request's path (deleted before the tree's code loads).

Each module is loaded by name from its own top directory, as `unittest discover` would from there.
"""

import importlib
import json
import os
import sys
import unittest

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
WATCHED = _reporter.watched(
    [
        (unittest.TestCase, name)
        for name in ("run", "__call__", "fail", "assertEqual", "assertTrue", "assertRaises", "debug", "subTest")
    ]
    + [(unittest.TestSuite, "run"), (unittest.TestResult, "addFailure"), (unittest.TestResult, "addError")]
)


class Result(unittest.TestResult):
    """One record a test, written when it stops; a failed sub-test makes the test red."""

    def __init__(self):
        # type: () -> None
        super().__init__()
        self._open = {}  # type: dict
        self._started = 0.0
        self.red = 0

    def startTest(self, test):
        super().startTest(test)
        self._open[id(test)] = {}
        self._started = REPORTER.clock()

    def stopTest(self, test):
        record = self._open.pop(id(test), {})
        record.setdefault("outcome", "passed")
        record.update({"kind": "phase", "when": "call", "id": test.id(), "subtest": False})
        record.setdefault("xfail", "")
        record.setdefault("raised", False)
        record["seconds"] = round(REPORTER.clock() - self._started, 6)
        try:
            record["title"] = str(test.shortDescription() or "")[:500]
        except Exception:  # the tree's classes may say anything of themselves
            pass
        self.red += record["outcome"] == "failed"
        REPORTER.write(record)
        super().stopTest(test)

    def _red(self, test, error):
        record = self._open.get(id(test))
        if record is None:
            # setUpClass and setUpModule report through a holder that is no test.
            self.red += 1
            failure = REPORTER.failure(error[1])
            REPORTER.write(dict(failure, kind="collect_error", id=test.id(), longrepr=failure["message"]))
        elif record.get("outcome") != "failed":
            record.update(REPORTER.failure(error[1]), outcome="failed", raised=True)

    def addError(self, test, err):
        self._red(test, err)

    def addFailure(self, test, err):
        self._red(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._red(test, err)

    def addSkip(self, test, reason):
        if id(test) in self._open:
            self._open[id(test)].setdefault("outcome", "skipped")

    def addExpectedFailure(self, test, err):
        self._open[id(test)].update(outcome="skipped", xfail="marked", raised=True)

    def addUnexpectedSuccess(self, test):
        self._open[id(test)].update(outcome="failed", message="unexpected success")


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            for inner in flatten(test):
                yield inner
        else:
            yield test


def load(loader, module, result, wanted):
    try:
        importlib.import_module(module)
    except unittest.SkipTest:
        pass  # the loader makes a skipped test of it
    except Exception as error:
        failure = REPORTER.failure(error)
        result.red += 1
        REPORTER.write(dict(failure, kind="collect_error", id=module, longrepr=failure["message"]))
        return
    for test in flatten(loader.loadTestsFromName(module)):
        if not wanted or test.id() in wanted:
            yield test


def main():
    # type: () -> None
    leave = os._exit
    flush = (sys.stdout.flush, sys.stderr.flush)
    loader, result, wanted = unittest.TestLoader(), Result(), frozenset(REQUEST["tests"])
    for top in [os.getcwd()] + [os.path.join(os.getcwd(), top) for top in REQUEST["tops"]]:
        sys.path.insert(0, top)
    sys.argv[:] = ["python -m unittest"]
    tests = []
    for module in REQUEST["modules"]:
        tests.extend(load(loader, module, result, wanted))
    REPORTER.write({"kind": "collected", "count": len(tests)})
    if REQUEST["canary"]:
        sys.path.insert(0, os.path.dirname(REQUEST["canary"]))
        name = os.path.splitext(os.path.basename(REQUEST["canary"]))[0]
        canaries = sorted(
            flatten(loader.loadTestsFromName(name)), key=lambda test: not test.id().endswith(REQUEST["first"])
        )
        del sys.path[0]
        tests = [canaries[0]] + tests + [canaries[1]]
    unittest.TestSuite(tests).run(result)
    code = 1 if result.red else 0
    REPORTER.end(code, _reporter.replaced(WATCHED), [])
    for function in flush:
        try:
            function()
        except Exception:  # a closed stream is the tenant's affair
            pass
    leave(code)


if __name__ == "__main__":
    main()
