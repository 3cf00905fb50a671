"""What unittest's own machinery is handed to say what became of each test; shared by the launchers that use it."""

import unittest

WATCHED = [
    (unittest.TestCase, name)
    for name in ("run", "__call__", "fail", "assertEqual", "assertTrue", "assertRaises", "debug", "subTest")
] + [(unittest.TestSuite, "run"), (unittest.TestResult, "addFailure"), (unittest.TestResult, "addError")]
"""(owner, attribute), for `reporter.watched`."""


class Result(unittest.TestResult):
    """One record a test, written when it stops; a failed sub-test makes the test red."""

    def __init__(self, reporter, group="", limit=None):
        # type: (object, str, object) -> None
        super().__init__()
        self._reporter = reporter
        self._group = group
        self._limit = limit
        self._open = {}  # type: dict
        self._started = 0.0
        self.red = 0

    def startTest(self, test):
        super().startTest(test)
        self._open[id(test)] = {}
        self._started = self._reporter.clock()
        self._reporter.began(test.id(), "call")
        if self._limit is not None:
            self._limit.start()

    def stopTest(self, test):
        if self._limit is not None:
            self._limit.stop()
        record = self._open.pop(id(test), {})
        record.setdefault("outcome", "passed")
        record.update({"kind": "phase", "when": "call", "id": test.id(), "subtest": False, "group": self._group})
        record.setdefault("xfail", "")
        record.setdefault("raised", False)
        record["seconds"] = round(self._reporter.clock() - self._started, 6)
        try:
            record["title"] = str(test.shortDescription() or "")[:500]
        except Exception:  # the tree's classes may say anything of themselves
            pass
        self.red += record["outcome"] == "failed"
        self._reporter.write(record)
        super().stopTest(test)

    def uncollected(self, name, error):
        # type: (str, BaseException) -> None
        self.red += 1
        failure = self._reporter.failure(error)
        self._reporter.write(dict(failure, kind="collect_error", id=name, longrepr=failure["message"]))

    def _red(self, test, error):
        record = self._open.get(id(test))
        if record is None:
            # setUpClass and setUpModule report through a holder that is no test.
            self.uncollected(test.id(), error[1])
        elif record.get("outcome") != "failed":
            record.update(self._reporter.failure(error[1]), outcome="failed", raised=True)

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


def canaries(path, first):
    # type: (str, str) -> tuple
    """(the test to run first, the one to run last) of the canary module at `path`."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(path.rpartition("/")[2].rpartition(".")[0], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [module.Canary(name) for name in sorted(vars(module.Canary)) if name.startswith("test_")]
    return tuple(sorted(tests, key=lambda test: not test.id().endswith(first)))
