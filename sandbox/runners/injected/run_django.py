"""Runs a project's own test script (Django's `tests/runtests.py`, `manage.py test`) with a reporting result.

Argument: the request's path (deleted before the tree's code loads). However the script chooses and orders its tests, it
hands them to unittest's text runner; that is where they are taken over. A script that tests the test runner itself
calls it from within a test, and gets the real one.
"""

import json
import os
import random
import runpy
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
import unittest_result as _unittest_result  # noqa: E402

sys.path.remove(_HERE)
REPORTER = _reporter.Reporter(REQUEST["report"], REQUEST["nonce"], REQUEST["key"], REQUEST["root"])
WATCHED = _reporter.watched(_unittest_result.WATCHED)
REAL_RUN = unittest.TextTestRunner.run
GAVE_UP = 3


class Session:
    """The script's calls of the text runner: each is a group with canaries of its own."""

    def __init__(self):
        # type: () -> None
        self.calls = 0
        self.tests = 0
        self.red = 0
        self._inside = False
        self._run_suite = unittest.TestSuite.run

    def run(self, runner, suite):
        if self._inside:
            return REAL_RUN(runner, suite)
        self._inside = True
        self.calls += 1
        try:
            return self._run(suite)
        finally:
            self._inside = False

    def _run(self, suite):
        result = _unittest_result.Result(REPORTER, group=str(self.calls))
        wanted, without = frozenset(REQUEST["tests"]), frozenset(REQUEST.get("without", ()))
        tests = [test for test in self._loaded(suite, result) if not wanted or test.id() in wanted]
        tests = [test for test in tests if test.id() not in without]
        self.tests += len(tests)
        REPORTER.write({"kind": "collected", "count": len(tests)})
        if REQUEST["seed"]:
            tests = reordered(tests, REQUEST["seed"])
        if REQUEST["canary"]:
            first, last = _unittest_result.canaries(REQUEST["canary"], REQUEST["first"])
            tests = [first] + tests + [last]
        self._run_suite(unittest.TestSuite(tests), result)
        self.red += result.red
        return result

    @staticmethod
    def _loaded(suite, result):
        """The tests; what stands in for modules that could not be loaded is reported as that."""
        for test in _unittest_result.flatten(suite):
            error = getattr(test, "_exception", None)
            if type(test).__name__ == "_FailedTest" and isinstance(error, BaseException):
                result.uncollected(getattr(test, "_testMethodName", ""), error)
            else:
                yield test


def reordered(tests, seed):
    # type: (list, int) -> list
    """The tests of each class in another order; classes keep theirs, which Django gives a meaning."""
    by_class = {}  # type: dict
    for test in tests:
        by_class.setdefault(type(test), []).append(test)
    chance = random.Random(seed)
    for members in by_class.values():
        chance.shuffle(members)
    return [test for members in by_class.values() for test in members]


def main():
    # type: () -> None
    leave = os._exit
    flush = (sys.stdout.flush, sys.stderr.flush)
    session = Session()
    unittest.TextTestRunner.run = lambda runner, suite: session.run(runner, suite)
    script = os.path.join(REQUEST["root"], REQUEST["script"])
    os.chdir(os.path.join(REQUEST["root"], REQUEST["directory"]))
    sys.argv[:] = [script] + REQUEST["args"]
    sys.path.insert(0, os.path.dirname(script))
    ended = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        ended = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        ended = GAVE_UP
    code = 1 if session.red else 0 if session.tests else 5
    if session.calls == 0 or (ended not in (0, 1) and not session.red) or (ended == 1 and not session.red):
        # It came to nothing, or went wrong around its tests: no green run, whatever the tests say.
        code = GAVE_UP
    REPORTER.end(code, _reporter.replaced(WATCHED), [])
    for function in flush:
        try:
            function()
        except Exception:  # a closed stream is the tenant's affair
            pass
    leave(code)


if __name__ == "__main__":
    main()
