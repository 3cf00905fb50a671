"""Runs Maven's tests and reports what Surefire's XML says, where Maven's own words agree with it."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from junit_xml import JvmRun

_TOTALS = re.compile(
    r"^(?:\[(?:INFO|WARNING|ERROR)\] )?Tests run: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+), Skipped: ([0-9]+)$"
)
_COMPILER = re.compile(r"^\[ERROR\] (/.+\.(?:java|kt|groovy|scala)):\[([0-9]+),[0-9]+\] (.+)$")
_CRASHED = re.compile(
    r"terminated without (?:properly )?saying (?:properly )?goodbye|^(?:\[ERROR\] )?Crashed tests:$|"
    r"There was a timeout or other error in the fork|The forked VM terminated"
)


class Words:
    """What Maven says, line by line."""

    def __init__(self, run):
        # type: (JvmRun) -> None
        self.run = run
        self.crashed = False
        self.first_error = ""
        self._compile_errors = set()

    def line(self, text):
        # type: (str) -> None
        totals = _TOTALS.match(text)
        if totals is not None:
            tests, failures, errors, skipped = (int(number) for number in totals.groups())
            self.run.told_totals(tests, failures + errors, skipped)
            return
        if _CRASHED.search(text):
            self.crashed = True
        if text.startswith("[ERROR]"):
            found = _COMPILER.match(text)
            if found is not None and found.groups() not in self._compile_errors:
                # Told twice: when the compiler ran, and at the end.
                self._compile_errors.add(found.groups())
                self.run.compile_error(*found.groups())
            if text.startswith("[ERROR] Failed to execute goal") or not self.first_error:
                self.first_error = text


def main():
    # type: () -> None
    run = JvmRun(sys.argv[1])
    words = Words(run)
    code = run.start(words.line)
    if code and not run.failed_to_compile:
        # The last line of the output is what a reader sees first.
        print(words.first_error)
    run.finish(code, words.crashed)


if __name__ == "__main__":
    main()
