"""Runs one command of the repository and reports its exit code: the whole evidence that an unknown runner gives.

No canary can be put into a command whose tests nobody knows; readers of the report know that.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from outside import Outside

_KEPT = 40
"""Lines of the output's end that are told with a failure."""
_NOT_STARTED = 3


def main():
    # type: () -> None
    run = Outside(sys.argv[1])
    request = run.request
    started, tail = time.monotonic(), []
    lines = run.lines(request["command"], merge=True)
    code = None
    while code is None:
        try:
            line = next(lines)
        except StopIteration as stop:
            code = stop.value
        except OSError as error:
            print("%s: %s" % (request["command"][0], error.strerror))
            run.end(gave_up=_NOT_STARTED)
        else:
            text = line.decode("utf-8", "replace")
            print(text)
            tail = tail[1 - _KEPT :] + [text]
    failure = None
    if code:
        ended = "exit code %d" % code if code > 0 else "ended by signal %d" % -code
        # The exit code first: the output's own words decide nothing.
        failure = {"exception": "", "message": "%s, which does not say what failed\n%s" % (ended, "\n".join(tail))}
    seconds = time.monotonic() - started
    for test in request["ids"]:
        run.result(test, "failed" if code else "passed", seconds, failure=failure)
    run.end()


if __name__ == "__main__":
    main()
