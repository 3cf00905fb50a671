"""Runs unittest modules with a reporting result. Argument: the request's path (deleted before the tree's code loads).

Each module is loaded by name from its own top directory, as `unittest discover` would from there.
"""

import importlib
import json
import os
import random
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
flatten = _unittest_result.flatten


def load(loader, module, result, wanted, without):
    try:
        importlib.import_module(module)
    except unittest.SkipTest:
        pass  # the loader makes a skipped test of it
    except Exception as error:
        result.uncollected(module, error)
        return
    for test in flatten(loader.loadTestsFromName(module)):
        if (not wanted or test.id() in wanted) and test.id() not in without:
            yield test


def main():
    # type: () -> None
    leave = os._exit
    flush = (sys.stdout.flush, sys.stderr.flush)
    limit = _reporter.Clock(REQUEST.get("test_seconds", 0))
    loader, result = unittest.TestLoader(), _unittest_result.Result(REPORTER, limit=limit)
    wanted, without = frozenset(REQUEST["tests"]), frozenset(REQUEST.get("without", ()))
    for top in [os.getcwd()] + [os.path.join(os.getcwd(), top) for top in REQUEST["tops"]]:
        sys.path.insert(0, top)
    sys.argv[:] = ["python -m unittest"]
    tests = []
    for module in REQUEST["modules"]:
        tests.extend(load(loader, module, result, wanted, without))
    if REQUEST.get("seed"):
        random.Random(REQUEST["seed"]).shuffle(tests)
    REPORTER.write({"kind": "collected", "count": len(tests)})
    if REQUEST["canary"]:
        first, last = _unittest_result.canaries(REQUEST["canary"], REQUEST["first"])
        tests = [first] + tests + [last]
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
