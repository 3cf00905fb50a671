"""Starts a JavaScript test runner with our reporting program, listens to it, and writes the sealed report.

Argument: the request's path. What Node loads of ours is held in memory until the tree's build steps are over, and is
compared with what stands there at the end: the tree's code runs as the same user and could rewrite it.
"""

import concurrent.futures
import os
import shlex
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import node_session
import node_tap
from outside import Outside

_BROKEN_FILES = 25
"""How many files that cannot be loaded are left out, one after the other, of a runner that stops at the first."""
_GAVE_UP = 3


class Run:
    def __init__(self, outside):
        # type: (Outside) -> None
        self.outside = outside
        self.request = outside.request
        self.names = self.request["names"]
        self.directory = os.path.dirname(self.request["report"])
        self.signs = set()
        self.counts = {}
        self.wanted = frozenset(self.request["tests"])
        os.environ["PATH"] = os.path.join(self.request["root"], "node_modules", ".bin") + ":" + os.environ["PATH"]
        os.environ.update(self.request["env"])

    def build(self):
        # type: () -> bool
        """The steps before the tests (`npm run build`): False, and told, where one fails."""
        for argv in self.request["before"]:
            code, tail, _ = node_session.command(argv, self.request["root"])
            if code:
                message = "`%s` ended with exit code %d\n%s" % (shlex.join(argv), code, tail)
                self.outside.uncollected("", message, node_session.exception_of(tail))
                return False
        return True

    def write_programs(self):
        # type: () -> None
        for name, text in self.request["programs"].items():
            path = os.path.join(self.directory, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for name, target in self.request["links"].items():
            os.symlink(target, os.path.join(self.directory, name))

    def check_programs(self):
        # type: () -> None
        for name, text in self.request["programs"].items():
            try:
                with open(os.path.join(self.directory, name), encoding="utf-8") as file:
                    same = file.read() == text
            except (OSError, ValueError):
                same = False
            if not same:
                self.signs.add("redgreen's own program " + name)

    def session(self, files, skipped=()):
        # type: (list, tuple) -> node_session.Session
        payload = {
            "root": self.request["root"],
            "package": self.request["package"],
            "args": self.request["args"],
            "options": dict(
                self.request["options"], leave_out=self.request["options"].get("leave_out", []) + list(skipped)
            ),
            "files": files,
            "names": self.names,
            "pattern": self.request["pattern"],
        }
        argv = ["node"] + self.request["flags"] + [os.path.join(self.directory, self.request["program"])]
        return node_session.run(argv, payload, self.request["root"])

    def together(self):
        # type: () -> int
        """One process of the tool for all files; those that it cannot load are told and left out."""
        skipped = []
        while True:
            session = self.session(self.request["files"], tuple(skipped))
            broken = session.stopped_at
            if broken and broken not in skipped and len(skipped) < _BROKEN_FILES:
                skipped.append(broken)
                error = session.error or {"exception": node_session.exception_of(session.tail), "message": session.tail}
                self.outside.uncollected(self.relative(broken), error["message"], error["exception"])
                continue
            for record in session.files:
                self.tell(record)
            return self.judge(session)

    def judge(self, session):
        # type: (node_session.Session) -> int
        """0, or why nothing of this can be believed as a whole run."""
        self.signs.update(session.signs)
        if session.end is None:
            print("redgreen: the test process ended with exit code %s before its tests had" % session.code)
            return _GAVE_UP
        told = {"passed": 0, "failed": 0}
        for record in session.files:
            for test in record["tests"]:
                if test["status"] in told:
                    told[test["status"]] += 1
        if any(session.end.get(status, count) != count for status, count in told.items()):
            self.signs.add("the runner's totals")
        for text in session.end.get("loose", ()):
            self.outside.uncollected("", "an error outside of all tests: " + text, "Error")
        if told["failed"] and session.code == 0:
            self.signs.add("the runner's exit code")
        return 0

    def apart(self):
        # type: () -> int
        """A process for each file, as many at once as there are processors."""
        files, session_of = self.request["files"], lambda path: self.session([path])
        if self.request["printed"]:
            files, session_of = files + [os.path.join(self.directory, self.request["program"])], self.printed
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            for path, session in zip(files, pool.map(session_of, files)):  # noqa: B905
                self.signs.update(session.signs)
                if session.end is None or session.end.get("error"):
                    why = "its process ended with exit code %s before its tests had\n%s" % (session.code, session.tail)
                    error = session.end["error"] if session.end else {"exception": "Error", "message": why}
                    problem = node_session.failure(error, self.request["root"])
                    self.outside.uncollected(self.relative(path), problem["message"], problem["exception"])
                    if session.end is None:
                        continue
                for record in session.files:
                    self.tell(dict(record, file=self.absolute(path)))
        return 0

    def printed(self, path):
        # type: (str) -> node_session.Session
        """A file run as it is: what it prints is all that is known of its tests."""
        session = node_session.Session()
        argv = ["node"] + self.request["flags"] + [path]
        session.code, session.tail, lines = node_session.command(argv, self.request["root"], keep=True)
        found = node_tap.read(lines)
        if found["whole"] or (found["tests"] and session.code == 0):
            session.files.append({"file": path, "tests": found["tests"], "error": None})
            session.end = {}
            if session.code and not any(test["status"] == "failed" for test in found["tests"]):
                message = "exit code %s, and no test is red\n%s" % (session.code, session.tail)
                session.end["error"] = {"exception": "Error", "message": message}
        return session

    def tell(self, record):
        # type: (dict) -> None
        """One file's results. Of a file that could not be loaded, or broke off before its canaries, none is told."""
        path = self.relative(record["file"])
        if self.request["only"] and self.request["grouped"] and path not in self.request["only"]:
            return
        error = record.get("error")
        ours = frozenset(test["names"][-1] for test in record["tests"] if len(test["names"]) == 1)
        complete = {self.names["pass"], self.names["fail"]} <= ours
        if error:
            problem = node_session.failure(error, self.request["root"])
            self.outside.uncollected(path, problem["message"], problem["exception"])
            if not complete:
                return
        for test in record["tests"]:
            self.tell_test(path, test)

    def tell_test(self, path, test):
        # type: (str, dict) -> None
        name = " > ".join(test["names"])
        canary = len(test["names"]) == 1 and name in self.names.values()
        failure = node_session.failure(test["failure"], self.request["root"]) if test.get("failure") else None
        if canary and name == self.names["watch"]:
            self.signs.update(node_session.changed(failure["message"]) if failure else ())
            return
        key = "%s::%s" % (path, name)
        self.counts[key] = self.counts.get(key, 0) + 1
        if self.counts[key] > 1:
            key += " [%d]" % self.counts[key]
        if self.wanted and key not in self.wanted and not canary:
            return
        group = path if self.request["grouped"] else ""
        self.outside.result(key, test["status"], test.get("seconds") or 0.0, group, failure)

    def relative(self, path):
        # type: (str) -> str
        root = os.path.realpath(self.request["root"]) + os.sep
        path = os.path.normpath(os.path.join(root, path))
        return path[len(root) :] if path.startswith(root) else path

    def absolute(self, path):
        # type: (str) -> str
        return os.path.normpath(os.path.join(os.path.realpath(self.request["root"]), path))


def main():
    # type: () -> None
    run = Run(Outside(sys.argv[1]))
    if not run.build():
        run.outside.end()
    run.write_programs()
    gave_up = run.apart() if run.request["apart"] else run.together()
    run.check_programs()
    run.outside.end(gave_up=gave_up, replaced=sorted(run.signs))


if __name__ == "__main__":
    main()
