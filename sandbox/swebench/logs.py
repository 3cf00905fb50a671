"""Statuses out of a test command's own output: for commands whose runner redgreen does not know. Pure.

Weaker evidence than a sealed report: whoever prints can print these lines too. Each reader takes the lines that the
harness's parser of the same name takes, and gives them the same meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sandbox.swebench.grading import Status, StatusMap

_CONTROL = dict.fromkeys(range(1, 32))
_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\[\d+m")
_COUNT = re.compile(r"\[\d+\]")
_UNITTEST_LINE = re.compile(r"^(?P<name>.+?) \.\.\. +(?P<word>ok|OK|FAIL|ERROR|skipped\b.*)$")
_UNITTEST_ENDS = {"ok": Status.PASSED, "FAIL": Status.FAILED, "ERROR": Status.ERROR}
_SYMPY_ENDS = {"ok": Status.PASSED, "F": Status.FAILED, "E": Status.ERROR}
_SYMPY_FAILURE = re.compile(r"^_+ (\S+)\.py:(\S+) _+$", re.MULTILINE)


def read_pytest(log: str) -> StatusMap:
    """The lines of `-rA`'s short summary, with the whole id and with the id cut at its first space."""
    found: dict[str, Status] = {}
    for raw in log.split("\n"):
        line = _COLOUR.sub("", raw).translate(_CONTROL)
        word, _, rest = line.partition(" ")
        if word not in Status.__members__ or not rest.split():
            continue
        name = " ".join(rest.split(" - ", 1)[0].split())
        cut = rest.split()[0]
        if word == Status.SKIPPED and _COUNT.fullmatch(cut):
            continue
        found[name] = found[cut] = Status(word)
    return found


def read_unittest(log: str) -> StatusMap:
    """unittest's verbose lines; a test whose verdict comes after output of its own is still that test."""
    found: dict[str, Status] = {}
    waiting = ""
    for raw in log.split("\n"):
        line = raw.strip()
        match = _UNITTEST_LINE.match(line)
        if match is not None:
            word = match["word"].partition(" ")[0].rstrip(":")
            found[match["name"]] = Status.SKIPPED if word == "skipped" else _UNITTEST_ENDS[word.replace("OK", "ok")]
            waiting = ""
        elif " ... " in line or line.endswith(" ..."):
            waiting = line.split(" ...", 1)[0]
        elif waiting and line in _UNITTEST_ENDS:
            found[waiting] = _UNITTEST_ENDS[line]
            waiting = ""
        elif line.startswith(("FAIL: ", "ERROR: ")):
            # What was red is told again below, by its whole name.
            word, _, name = line.partition(": ")
            found[name] = found[name.split()[0]] = _UNITTEST_ENDS[word]
            waiting = ""
    return found


def read_sympy(log: str) -> StatusMap:
    """`bin/test --verbose`: a line for each function, and a heading for each failure."""
    found: dict[str, Status] = {
        f"{path}.py:{name}": Status.FAILED for path, name in _SYMPY_FAILURE.findall(_COLOUR.sub("", log))
    }
    for raw in log.split("\n"):
        words = _COLOUR.sub("", raw).split()
        if len(words) > 1 and words[0].startswith("test_") and words[-1] in _SYMPY_ENDS:
            found[words[0]] = _SYMPY_ENDS[words[-1]]
    return found


READERS: Mapping[str, Callable[[str], StatusMap]] = {
    "pytest": read_pytest,
    "unittest": read_unittest,
    "sympy": read_sympy,
}


def read(log: str) -> StatusMap:
    """By whichever reader finds the most: an unknown command's output names its own format."""
    return max((reader(log) for reader in READERS.values()), key=len)
