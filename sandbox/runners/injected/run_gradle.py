"""Runs Gradle's tests and reports what its XML says, where Gradle's own count (`init.gradle`) agrees with it."""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from junit_xml import JvmRun

_TOTALS = re.compile(r"^redgreen totals ([0-9]+) ([0-9]+) ([0-9]+)$")
_JAVAC = re.compile(r"^(/.+\.(?:java|groovy|scala)):([0-9]+): (?:error: )?(?!warning)(.+)$")
_KOTLIN = re.compile(r"^e: (?:file://)?(/.+\.kts?):(?: \()?([0-9]+)[:,] ?[0-9]+\)?:? (.+)$")
_CRASHED = re.compile(
    r"Process 'Gradle Test Executor [0-9]+' finished with|Could not complete execution for Gradle Test"
)
_LINKED = ("files-2.1", "dists")
"""Large, and never written to once they are there."""


class Words:
    """What Gradle says, line by line."""

    def __init__(self, run):
        # type: (JvmRun) -> None
        self.run = run
        self.crashed = False
        self.cause = ""
        self._compiling = False

    def line(self, text):
        # type: (str) -> None
        totals = _TOTALS.match(text)
        if totals is not None:
            self.run.told_totals(*(int(number) for number in totals.groups()))
        elif _CRASHED.search(text):
            self.crashed = True
        elif text.startswith("> ") and not text.startswith("> Task") and not self.cause:
            self.cause = text
        else:
            found = _JAVAC.match(text) or _KOTLIN.match(text)
            if found is not None:
                self.run.compile_error(*found.groups())


def writable_home(kept):
    # type: (str) -> str
    """A home for Gradle with what the image's has: it locks and notes things in it, and the image is read-only."""
    home = os.path.join(os.environ["HOME"], ".gradle")
    for directory, _, files in os.walk(kept):
        target = os.path.join(home, os.path.relpath(directory, kept))
        os.makedirs(target, exist_ok=True)
        linked = any(part in _LINKED for part in directory.split(os.sep))
        for name in files:
            source = os.path.join(directory, name)
            (os.symlink if linked else shutil.copyfile)(source, os.path.join(target, name))
    return home


def main():
    # type: () -> None
    run = JvmRun(sys.argv[1])
    words = Words(run)
    code = run.start(words.line, {"GRADLE_USER_HOME": writable_home(os.environ.get("GRADLE_USER_HOME", ""))})
    if code and not run.failed_to_compile:
        print(words.cause)
    run.finish(code, words.crashed)


if __name__ == "__main__":
    main()
