"""The Test Anything Protocol as node-tap and its likes print it: nested subtests, or asserts under a comment's name."""

import re

_RESULT = re.compile(r"^(not )?ok\b(?:\s+\d+)?(?:\s+-)?\s*(.*)$")
_DIRECTIVE = re.compile(r"\s*#\s*(skip\S*|todo|time)\b.*$", re.IGNORECASE)
_COMMENT = re.compile(r"^#\s+(?!(?:Subtest|tests|pass|fail|skip|todo|ok|time|failed|test count)\b[\s:=]?)(\S.*)$")
_SUBTEST = re.compile(r"^#\s+Subtest:?\s*(.*)$")
_LEVEL = 4


def read(lines):
    # type: (list) -> dict
    """`tests` (names, status, failure), and `whole`: whether a plan stands there that the results meet."""
    tests, count, planned, bailed = _block([line.rstrip() for line in lines], [])
    return {"tests": tests, "whole": planned is not None and planned == count and not bailed}


def _block(lines, names):
    # type: (list, list) -> tuple
    tests, inner, comment, grouped = [], [], "", {}
    count, planned, bailed = 0, None, False
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if line.startswith(" " * _LEVEL):
            inner.append(line[_LEVEL:])
            continue
        result = _RESULT.match(line)
        plan = re.match(r"^1\.\.(\d+)", line)
        if plan:
            planned = int(plan.group(1))
        elif line.startswith("Bail out!"):
            bailed = True
        elif _COMMENT.match(line):
            comment = _COMMENT.match(line).group(1)
        elif result:
            count += 1
            told = result.group(2)
            if told.endswith("{"):
                told = told[:-1].rstrip()
                while index < len(lines) and lines[index] != "}":
                    inner.append(lines[index][_LEVEL:])
                    index += 1
            directive = _DIRECTIVE.search(told)
            name = _DIRECTIVE.sub("", told).strip() or "(anonymous)"
            skipped = bool(directive) and not directive.group(1).lower().startswith("time")
            status = "skipped" if skipped else "failed" if result.group(1) else "passed"
            more = _details(lines, index)
            if inner:
                own = names + [name]
                nested, _, _, stopped = _block(inner, own)
                bailed = bailed or stopped
                tests.append(_test(own, status, _first_red(inner) or name, more))
                tests.extend(test for test in nested if test.pop("subtest"))
            elif comment and not names:
                grouped.setdefault(comment, []).append((status, name, more))
            else:
                tests.append(dict(_test(names + [name], status, name, more), subtest=False))
            inner = []
    for name, asserts in grouped.items():
        red = [one for one in asserts if one[0] == "failed"]
        every = {one[0] for one in asserts}
        status = "failed" if red else "skipped" if every == {"skipped"} else "passed"
        tests.append(_test(names + [name], status, red[0][1] if red else name, red[0][2] if red else ""))
    return tests, count, planned, bailed


def _test(names, status, message, more):
    # type: (list, str, str, str) -> dict
    failure = None
    if status == "failed":
        failure = {"exception": "AssertionError", "message": message, "stack": more}
    return {"names": names, "status": status, "seconds": 0.0, "failure": failure, "subtest": True}


def _first_red(lines):
    # type: (list) -> str
    for line in lines:
        found = _RESULT.match(line.strip())
        if found and found.group(1) and not _SUBTEST.match(line.strip()):
            return _DIRECTIVE.sub("", found.group(2)).strip(" {")
    return ""


def _details(lines, index):
    # type: (list, int) -> str
    """The block of details after a result."""
    if index >= len(lines) or lines[index].strip() != "---":
        return ""
    end = index + 1
    while end < len(lines) and lines[end].strip() != "...":
        end += 1
    return "\n".join(lines[index + 1 : end])
