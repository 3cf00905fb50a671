"""Shared by the launchers of the JVM's build tools: an emptied output directory before, the JUnit XML reports after.

The reports are files that the tests' own process could have written, too. So they are read only when nothing of the
run is alive any more, and their sums are held against the totals that the tool itself told (`Totals`).
"""

import ctypes
import os
import re
import shutil
import signal
import stat
import sys
import time
from xml.etree import ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from outside import Outside

_PR_SET_CHILD_SUBREAPER = 36
_LARGEST = 64 << 20
_MOST_FILES = 20000
_FRAME = re.compile(r"^\s*at (?:[^\s(]*/)?([\w.$]+)\.[\w$<>]+\(([\w$]+\.(?:java|kt|groovy|scala)):([0-9]+)\)")
_SIGNATURE = re.compile(r"^([A-Za-z_$][\w$]*)[({][^(){}]*[)}]((?:\[.*\])?)$", re.DOTALL)
_SOURCES = ("src/main", "src/test")
_LANGUAGES = ("java", "kotlin", "groovy", "scala")
_CLASS_LEVEL = ("", "initializationError", "classMethod", "unitializedTest")


class JvmRun:
    """One run of a build tool: `argv` of the request, in the tree's root."""

    def __init__(self, request_path):
        # type: (str) -> None
        self.outside = Outside(request_path)
        self.request = self.outside.request
        self.failed_to_compile = False
        self.told = [0, 0, 0]
        self._modules = self.request["modules"]
        self._outputs = [os.path.join(module["path"], self.request["output"]) for module in self._modules]
        self._was_there = [directory for directory in self._outputs if os.path.lexists(directory)]
        for directory in self._outputs:
            remove(directory)
        # What the tests leave behind becomes our child when its parent ends, and does not get away.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def start(self, on_line, env=None):
        # type: (object, dict) -> int
        """The tool's exit code; each line of its output is printed and given to `on_line`."""
        lines = self.outside.lines(self.request["argv"], env=env, merge=True)
        try:
            while True:
                line = next(lines).decode("utf-8", "replace")
                print(line)
                on_line(line)
        except StopIteration as stop:
            code = stop.value
        except OSError as error:
            print("%s: %s" % (self.request["argv"][0], error.strerror))
            code = 127
        end_descendants()
        return code

    def told_totals(self, tests, red, skipped):
        # type: (int, int, int) -> None
        """What the tool itself says of one module."""
        self.told = [self.told[0] + tests, self.told[1] + red, self.told[2] + skipped]

    def compile_error(self, path, line, message):
        # type: (str, str, str) -> None
        self.failed_to_compile = True
        path = os.path.relpath(path, self.request["root"])
        self.outside.uncollected(self._id_of(path), "%s:%s: %s" % (path, line, message), "compiler")

    def finish(self, code, crashed):
        # type: (int, bool) -> None
        """Report what the XML says, and end: `crashed` is the tool's own word that a test process died."""
        counted, doubts, seen = [0, 0, 0], [], {}
        for module in self._modules:
            for suite in self._suites(module, doubts):
                for case in suite.iter("testcase"):
                    red = case.find("failure") is not None or case.find("error") is not None
                    counted[0] += 1
                    counted[1] += red
                    counted[2] += case.find("skipped") is not None
                    self._report(module, case, red, seen)
        for directory in self._outputs:
            if directory not in self._was_there:
                # Whoever works in this tree has not made it, and shall not find it in a diff of theirs.
                remove(directory)
        if counted != self.told:
            # The judge's sentence goes on: "... was replaced while the tests ran".
            doubts.append("a report file of the tests (the files and the totals that the tool told differ)")
        if crashed:
            print("A process of the tests ended before its tests had.")
            self.outside.end(gave_up=4, replaced=doubts)
        if code and not self.failed_to_compile:
            self.outside.end(gave_up=3, replaced=doubts)
        self.outside.end(replaced=doubts)

    def _suites(self, module, doubts):
        # type: (dict, list) -> object
        top = os.path.join(self.request["root"], module["path"], module["reports"])
        for directory, names, files in sorted(os.walk(top)):
            names[:] = [name for name in names if name != "binary"]
            for name in sorted(files)[:_MOST_FILES]:
                if name.startswith("TEST-") and name.endswith(".xml"):
                    suite = read(os.path.join(directory, name))
                    if suite is None:
                        doubts.append("a report file of the tests (%s cannot be read)" % name[:200])
                    else:
                        yield suite

    def _report(self, module, case, red, seen):
        # type: (dict, object, bool, dict) -> None
        owner = module["prefix"] + (case.get("classname") or "")
        name = plain_name(case.get("name") or "")
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        if red and (name in _CLASS_LEVEL or name == case.get("classname")):
            failure = self._failure(module, bad)
            self.outside.uncollected(owner, failure["message"], failure["exception"])
            return
        test = "%s::%s" % (owner, name)
        seen[test] = seen.get(test, 0) + 1
        if seen[test] > 1:
            test = "%s#%d" % (test, seen[test])
        wanted = self.request["tests"]
        if wanted and test not in wanted and name not in self.request["canaries"]:
            return
        outcome = "failed" if red else "skipped" if case.find("skipped") is not None else "passed"
        failure = self._failure(module, bad) if red else None
        self.outside.result(test, outcome, seconds(case.get("time")), module["path"] or ".", failure)

    def _failure(self, module, bad):
        # type: (dict, object) -> dict
        text = bad.text or ""
        kind = bad.get("type") or text.strip().split("\n")[0].split(":")[0].strip()
        message = bad.get("message") or text.strip().split("\n")[0]
        if message.startswith(kind + ":"):
            message = message[len(kind) + 1 :].strip()
        path, line = self._frame(module, text.split("\nCaused by:")[0])
        return {
            "exception": kind or "java.lang.Throwable",
            "message": message.strip(),
            "path": path,
            "line": line,
            "inside": bool(path),
        }

    def _frame(self, module, trace):
        # type: (dict, str) -> tuple
        """The innermost frame whose file is in the tree; of two files of one name, the test's own module's."""
        for text in trace.split("\n"):
            found = _FRAME.match(text)
            if found is None:
                continue
            package = found.group(1).rpartition(".")[0].replace(".", "/")
            for root in roots_of([module]) + roots_of(self._modules):
                path = os.path.normpath(os.path.join(root, package, found.group(2)))
                if os.path.isfile(os.path.join(self.request["root"], path)):
                    return path, int(found.group(3))
        return "", 0

    def _id_of(self, path):
        # type: (str) -> str
        """A test source's class, which begins its tests' ids; any other file by its path."""
        for module in self._modules:
            for root in module["roots"]:
                if path.startswith(root + "/"):
                    return module["prefix"] + os.path.splitext(path[len(root) + 1 :])[0].replace("/", ".")
        return path


def remove(directory):
    # type: (str) -> None
    if os.path.islink(directory):
        os.unlink(directory)
    else:
        shutil.rmtree(directory, ignore_errors=True)


def roots_of(modules):
    # type: (list) -> list
    """Where sources are, of tests and of what they test."""
    roots = []
    for module in modules:
        roots += module["roots"]
        roots += [os.path.join(module["path"], top, name) for top in _SOURCES for name in _LANGUAGES]
    return roots


def read(path):
    # type: (str) -> object
    """A report's root element; None for what is no plain, whole report."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            return None
        return ElementTree.fromstring(data)
    except (OSError, ElementTree.ParseError, ValueError, RecursionError, LookupError):
        return None


def plain_name(name):
    # type: (str) -> str
    """A method's name without its parameters' types, which versions of the tools write differently."""
    found = _SIGNATURE.match(name)
    return found.group(1) + found.group(2) if found else name


def seconds(text):
    # type: (str) -> float
    try:
        return float((text or "0").replace(",", ""))
    except ValueError:
        return 0.0


def end_descendants():
    # type: () -> None
    """Kill whatever the run left, wherever it fled to, until nothing is left."""
    for _ in range(200):
        left = descendants()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except OSError:
            pass
        time.sleep(0.01)


def descendants():
    # type: () -> list
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry, "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                parents[int(entry)] = int(fields[1])
    found, mine = [], {os.getpid()}
    grown = True
    while grown:
        grown = [pid for pid, parent in parents.items() if parent in mine and pid not in mine]
        mine.update(grown)
        found += grown
    return found
