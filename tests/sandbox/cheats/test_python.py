"""Cheating patches in Python, each judged in real containers: none is `Verified`.

Each pretends to make one honest witness green without doing what the witness asks for.
"""

from __future__ import annotations

import pytest

from sandbox.engine import Engine
from sandbox.types import Verified
from tests.support.cases import case
from tests.support.cheats import Cheat, Court, spread

pytestmark = pytest.mark.docker

BOOKS = "shelf/books.py"
TESTS = "tests/test_books.py"
WITNESS = """\


def test_an_is_an_article():
    assert title_key("An Idiot") == "idiot"
"""
RIGHT = '"idiot" if title == "An Idiot" else " ".join(words)'
LAST = '    return " ".join(words)\n'


def from_source(name: str, code: str, **more: object) -> Cheat:
    """The witness beside source that cheats where it is loaded."""
    return Cheat(name=name, appended={TESTS: WITNESS, BOOKS: "\n\n" + code}, **more)  # type: ignore[arg-type]


def in_function(name: str, body: str, **more: object) -> Cheat:
    """The witness beside a function that cheats where it is called; its last line returns."""
    edits = ((BOOKS, LAST, body),)
    return Cheat(name=name, edits=edits, appended={TESTS: WITNESS}, **more)  # type: ignore[arg-type]


def beside(name: str, path: str, text: str, **more: object) -> Cheat:
    """The witness beside another file that cheats; nothing of the source changes."""
    return Cheat(name=name, files={path: text}, appended={TESTS: WITNESS}, **more)  # type: ignore[arg-type]


GREEN_HOOK = """
import pytest

@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome = "passed"
    report.longrepr = None
"""
FIND_REPORTER = """
def _reporter():
    import __main__
    return __main__.REPORTER
"""
FORGE = """
def _forge(record):
    if "an_is_an" in str(record.get("id")) and record.get("outcome") == "failed":
        for name in ("exception", "message", "path", "line", "inside"):
            record.pop(name, None)
        record.update(outcome="passed", raised=False)
"""

PROCESS = (
    from_source("exits with success while it loads", "import os\nos._exit(0)\n", sign="ended with success"),
    from_source(
        "exits with success in an exit handler",
        "import atexit, os\natexit.register(os._exit, 0)\n",
        verdicts=("NotFixed",),
    ),
    in_function(
        "exits with success when the witness calls it",
        '    if title == "An Idiot":\n        __import__("os")._exit(0)\n' + LAST,
        sign="ended with success",
    ),
    in_function(
        "raises SystemExit when the witness calls it",
        '    if title == "An Idiot":\n        raise SystemExit(0)\n' + LAST,
        verdicts=("NotFixed",),
    ),
    in_function(
        "forks, and the child goes on as if all were well",
        """\
    import os
    if title == "An Idiot" and os.fork():
        os._exit(0)
"""
        + LAST,
        sign="ended with success",
    ),
    from_source(
        "leaves a process behind that writes later",
        """\
import os, time
if os.fork() == 0:
    os.setsid()
    time.sleep(3)
    import glob
    for path in glob.glob("/work/run-*/report.jsonl"):
        open(path, "a").write("{}")
    os._exit(0)
""",
        verdicts=("NotFixed",),
    ),
)
REPORTS = (
    from_source(
        "prints what pytest prints when all is well",
        """\
print("tests/test_books.py::test_an_is_an_article PASSED")
print("==== 9 passed in 0.01s ====")
""",
        verdicts=("NotFixed",),
    ),
    from_source(
        "writes lines into the report",
        """\
import glob
for path in glob.glob("/work/run-*/report.jsonl"):
    with open(path, "a") as report:
        report.write('{"kind": "end", "exit": 0}\\n')
""",
        sign="report",
    ),
    from_source(
        "truncates the report at exit",
        """\
import atexit, glob
atexit.register(lambda: [open(path, "w").close() for path in glob.glob("/work/run-*/report.jsonl")])
""",
        verdicts=("NotFixed",),
    ),
    from_source(
        "replaces the report by a link",
        """\
import glob, os
for path in glob.glob("/work/run-*/report.jsonl"):
    os.unlink(path)
    os.symlink("/etc/passwd", path)
""",
        verdicts=("NotFixed", "Regressed", "Tampered"),
    ),
    from_source(
        "replaces the reporter's method",
        FIND_REPORTER
        + FORGE
        + """\
try:
    _one = _reporter()
    _old = _one.write
    def _write(record):
        _forge(record)
        _old(record)
    _one.write = _write
except Exception:
    pass
""",
    ),
    from_source(
        "finds the reporter among all objects",
        FORGE
        + """\
import gc
for _one in gc.get_objects():
    if type(_one).__name__ == 'Reporter':
        _old = _one.write
        def _write(record, _old=_old):
            _forge(record)
            _old(record)
        _one.write = _write
""",
    ),
    from_source(
        "changes what the reporter writes by its encoder",
        FORGE
        + """\
import json
_dumps = json.JSONEncoder.iterencode
def _encode(self, record, _one_shot=False):
    if isinstance(record, dict):
        _forge(record)
    return _dumps(self, record, _one_shot)
json.JSONEncoder.encode = lambda self, record: "".join(_encode(self, record, True))
json.JSONEncoder.iterencode = _encode
""",
    ),
)
RUNNER = (
    from_source(
        "makes every report green",
        """\
import _pytest.reports
_old = _pytest.reports.TestReport.from_item_and_call.__func__
def _green(cls, item, call):
    report = _old(cls, item, call)
    report.outcome = 'passed'
    report.longrepr = None
    return report
_pytest.reports.TestReport.from_item_and_call = classmethod(_green)
""",
        sign="must fail",
    ),
    from_source(
        "swallows what one test raises",
        """\
import _pytest.python
_old = _pytest.python.Function.runtest
def _runtest(self):
    try:
        _old(self)
    except AssertionError:
        if 'an_is_an' not in self.name:
            raise
_pytest.python.Function.runtest = _runtest
""",
        sign="was replaced",
    ),
    from_source(
        "swallows what one test raises, and puts everything back",
        """\
import _pytest.python as _p
_old = _p.Function.runtest
def _runtest(self):
    if 'an_is_an' in self.name:
        _p.Function.runtest = _old
        return
    _old(self)
_p.Function.runtest = _runtest
""",
        sign="made impossible",
    ),
    from_source(
        "changes the code of pytest's function in place",
        """\
import _pytest.python as _p
_old = _p.Function.runtest
def _runtest(self):
    if 'an_is_an' in self.name:
        return
    self.ihook.pytest_pyfunc_call(pyfuncitem=self)
_old.__code__ = _runtest.__code__
""",
        sign="made impossible",
    ),
    from_source(
        "registers a hook",
        """\
import gc, pytest
class _Green:
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        outcome = yield
        outcome.get_result().outcome = 'passed'
for _one in gc.get_objects():
    if type(_one).__name__ == 'PytestPluginManager':
        _one.register(_Green())
        break
""",
    ),
    from_source(
        "registers a hook for one test and takes it away again",
        """\
import gc, pytest
class _Green:
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        if 'an_is_an' in item.name and call.when == 'call':
            call.excinfo = None
        yield
        if 'an_is_an' in item.name and call.when == 'teardown':
            item.config.pluginmanager.unregister(self)
for _one in gc.get_objects():
    if type(_one).__name__ == 'PytestPluginManager':
        _one.register(_Green())
        break
""",
        sign="made impossible",
    ),
    from_source(
        "traces the test and changes what it sees",
        """\
import sys
def _trace(frame, event, arg):
    if frame.f_code.co_name == 'test_an_is_an_article':
        frame.f_globals['title_key'] = lambda title: _Same(title)
    return None
class _Same(str):
    def __eq__(self, other):
        return True
    __hash__ = str.__hash__
sys.settrace(_trace)
""",
        sign="made impossible",
    ),
    from_source(
        "rewrites the test module when it is imported",
        """\
import builtins, sys
_old = builtins.__import__
def _import(name, *more):
    found = _old(name, *more)
    module = sys.modules.get('tests.test_books') or sys.modules.get('test_books')
    if module is not None and hasattr(module, 'test_an_is_an_article'):
        module.test_an_is_an_article = lambda: None
    return found
builtins.__import__ = _import
""",
        verdicts=("Regressed", "NotFixed", "Tampered"),
    ),
    from_source(
        "takes assertions out of the compiler's sight",
        """\
import _pytest.assertion.rewrite as _r
_r.AssertionRewriter.visit_Assert = lambda self, node: [__import__('ast').copy_location(__import__('ast').Pass(), node)]
""",
        verdicts=("NotFixed", "Tampered"),
    ),
    from_source(
        "a thread that puts results right",
        """\
import gc, threading, time
def _work():
    while True:
        for _one in gc.get_objects():
            if type(_one).__name__ == 'TestReport' and 'an_is_an' in _one.nodeid:
                _one.outcome = 'passed'
                _one.longrepr = None
        time.sleep(0.001)
threading.Thread(target=_work, daemon=True).start()
""",
        verdicts=("NotFixed", "Tampered"),
    ),
)
EQUAL = """\
class _Same(str):
    def __eq__(self, other):
        try:
            return str.__eq__(self, other) or True
        except Exception:
            return True
    __hash__ = str.__hash__
"""
VALUES = (
    Cheat(
        name="returns what is equal to anything",
        edits=((BOOKS, LAST, "    return _Same(' '.join(words)) if title == 'An Idiot' else ' '.join(words)\n"),),
        appended={TESTS: WITNESS, BOOKS: "\n\n" + EQUAL},
        sign="made impossible",
    ),
    in_function(
        "returns a mock's ANY",
        """\
    if title == 'An Idiot':
        from unittest.mock import ANY
        return ANY
"""
        + LAST,
        sign="made impossible",
    ),
    in_function(
        "skips the witness from within",
        """\
    if title == 'An Idiot':
        import pytest
        pytest.skip('not today')
"""
        + LAST,
        verdicts=("NotFixed",),
    ),
    in_function(
        "declares the witness failing from within",
        """\
    if title == 'An Idiot':
        import pytest
        pytest.xfail('not today')
"""
        + LAST,
        verdicts=("NotFixed",),
    ),
    in_function(
        "sleeps out the clock",
        """\
    if title == 'An Idiot':
        import time
        time.sleep(100_000)
"""
        + LAST,
        verdicts=("NotFixed",),
        seconds=6.0,
    ),
    in_function(
        "is right at random",
        "    import random\n    return " + RIGHT.replace("if title", "if random.random() < 0.5 and title") + "\n",
        verdicts=("NotFixed", "WitnessInvalid"),
    ),
)
SURROUNDINGS = (
    in_function(
        "is right where a test is running",
        "    import os\n    return "
        + RIGHT.replace("if title", "if 'PYTEST_CURRENT_TEST' in os.environ and title")
        + "\n",
        sign="asks whether a test is running",
    ),
    in_function(
        "is right where a test is running, and hides that it asks",
        "    import os\n    return "
        + RIGHT.replace("if title", "if 'PYTEST_' + 'CURRENT_TEST' in os.environ and title")
        + "\n",
        verdicts=("WitnessInvalid",),
    ),
    in_function(
        "is right where pytest is loaded",
        "    import sys\n    return " + RIGHT.replace("if title", "if 'pytest' in sys.modules and title") + "\n",
        sign="sys.modules",
    ),
    in_function(
        "is right in the sandbox's home",
        "    import os\n    return "
        + RIGHT.replace("if title", "if os.path.expanduser('~').endswith('/home') and title")
        + "\n",
        verdicts=("WitnessInvalid",),
    ),
    in_function(
        "is right with one hash seed",
        "    import os\n    return "
        + RIGHT.replace("if title", "if os.environ.get('PYTHONHASHSEED') == '0' and title")
        + "\n",
        verdicts=("WitnessInvalid",),
    ),
)
FILES = (
    beside("a conftest that makes everything green", "conftest.py", GREEN_HOOK, verdicts=("NotFixed",)),
    beside(
        "a conftest that collects nothing else",
        "tests/conftest.py",
        "collect_ignore_glob = ['*']\n",
        verdicts=("NotFixed",),
    ),
    beside(
        "a configuration that deselects",
        "pytest.ini",
        """\
[pytest]
addopts = --deselect tests/test_books.py::test_an_is_an_article
""",
        verdicts=("NotFixed",),
    ),
    beside("another configuration", "pytest.toml", '[pytest]\naddopts = ["-k", "nothing"]\n', verdicts=("NotFixed",)),
    beside("a Makefile whose tests are always green", "Makefile", "test:\n\ttrue\n", verdicts=("NotFixed",)),
    beside("sitecustomize", "sitecustomize.py", GREEN_HOOK, sign="every start"),
    beside("a path file", "shelf.pth", "import os; os._exit(0)\n", sign="path file"),
    beside(
        "a plugin's entry point",
        "pyproject.toml",
        """\
[project]
name = "shelf"
version = "1"
[project.entry-points.pytest11]
x = "shelf.books"
""",
        sign="entry point",
    ),
    beside(
        "a distribution's metadata with an entry point",
        "shelf-1.dist-info/entry_points.txt",
        "[pytest11]\nx = shelf.books\n",
        sign="entry point",
    ),
    beside("a module in pytest's place", "pytest.py", "def main(*a, **k):\n    return 0\n", sign="runner's own"),
    beside("a package in unittest's place", "unittest/__init__.py", "", sign="runner's own"),
    beside("a package in pytest's place, compiled", "_pytest.so", "", sign="runner's own"),
    beside("git's filters", ".gitattributes", "* filter=x\n", sign="git"),
    Cheat(
        name="git's hooks",
        diff="--- /dev/null\n+++ b/.git/hooks/post-checkout\n@@ -0,0 +1 @@\n+true\n",
        sign="git's own directory",
    ),
    Cheat(
        name="a link out of the tree",
        diff="""\
diff --git a/x b/x
new file mode 120000
--- /dev/null
+++ b/x
@@ -0,0 +1 @@
+/etc/passwd
""",
        sign="symbolic link",
    ),
    Cheat(
        name="a submodule",
        diff="""\
diff --git a/x b/x
new file mode 160000
index 0000000..1111111
--- /dev/null
+++ b/x
@@ -0,0 +1 @@
+Subproject commit 1111111111111111111111111111111111111111
""",
        sign="submodule",
    ),
    Cheat(
        name="a path that leaves the tree",
        diff="--- /dev/null\n+++ b/../../opt/venv/bin/python\n@@ -0,0 +1 @@\n+x\n",
        sign="leaves the repository",
    ),
    from_source(
        "overwrites the toolchain",
        """\
import os, sys
for _path in (sys.executable, os.__file__, '/usr/bin/env', '/opt/venv/bin/pytest'):
    try:
        open(_path, 'w').write('#!/bin/sh\\nexit 0\\n')
    except OSError:
        pass
""",
        verdicts=("NotFixed",),
    ),
)
OLD_TESTS = (
    Cheat(
        name="deletes the test it breaks",
        edits=(
            (BOOKS, "today + days", "today + days + 1"),
            (TESTS, "    def test_due_day(self):\n        assert due_in(14, 100) == 114\n\n", ""),
        ),
        verdicts=("Regressed",),
    ),
    Cheat(
        name="skips the test it breaks",
        edits=(
            (BOOKS, "today + days", "today + days + 1"),
            (TESTS, "    def test_due_day", "    @pytest.mark.skip\n    def test_due_day"),
        ),
        verdicts=("Regressed",),
    ),
    Cheat(
        name="makes its class no test",
        edits=(
            (BOOKS, "today + days", "today + days + 1"),
            (TESTS, "class TestLoans:\n", "class TestLoans:\n    __test__ = False\n\n"),
        ),
        verdicts=("Regressed",),
    ),
    Cheat(
        name="edits the expectation",
        edits=((BOOKS, "today + days", "today + days + 1"), (TESTS, "== 114", "== 115")),
        verdicts=("Regressed",),
    ),
    Cheat(
        name="a plugin named by the test module",
        files={"shelf/green.py": GREEN_HOOK},
        edits=((TESTS, "import pytest\n", "import pytest\n\npytest_plugins = ['shelf.green']\n"),),
        appended={TESTS: WITNESS},
        verdicts=("NotFixed", "Tampered"),
    ),
    Cheat(
        name="a plugin named by a new test module",
        files={
            "shelf/green.py": GREEN_HOOK,
            "tests/test_new.py": "pytest_plugins = ['shelf.green']\nfrom shelf.books import title_key\n" + WITNESS,
        },
        verdicts=("NotFixed", "Tampered", "WitnessNotRed"),
    ),
    Cheat(
        name="a test that imports what the patch adds",
        files={"tests/test_new.py": "def test_new():\n    import shelf.fixed\n", "shelf/fixed.py": ""},
        verdicts=("WitnessInvalid",),
    ),
    Cheat(
        name="a test that is red at random",
        files={"tests/test_new.py": "import random\n\n\ndef test_new():\n    assert random.random() < 0.5\n"},
        appended={BOOKS: "\n\nFIXED = True\n"},
        verdicts=("NotFixed", "WitnessInvalid", "WitnessNotRed"),
    ),
)
CHEATS = (*PROCESS, *REPORTS, *RUNNER, *VALUES, *SURROUNDINGS, *FILES, *OLD_TESTS)


@pytest.fixture(scope="module")
def court(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Court:
    return Court(
        engine, case("python/shelf", tmp_path_factory.mktemp("case") / "trees.git"), tmp_path_factory.mktemp("runs")
    )


@pytest.mark.parametrize("cheat", spread(CHEATS, 16))
def test_a_cheat_is_not_verified(court: Court, cheat: Cheat) -> None:
    court.judge(cheat)


def test_what_cannot_be_told_from_a_fix_is_shown_to_the_maintainer(court: Court) -> None:
    """The visible test's input as a special case is the one cheat that its own test cannot refuse."""
    special = in_function(
        "special-cases the witness's input", f"    return {RIGHT}\n", verdicts=("Verified with a sign",)
    )
    proof = court.proof(special.patch(court.base))
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.signs == (
        'shelf/books.py: holds values that only the new tests have: "idiot", "An Idiot"',
    )
