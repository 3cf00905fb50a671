"""A runner's results under the names and words that the harness would have read in that runner's output. Pure.

The harness knows a test by what stands in a line of the log, and its expected ids were collected that way: an id ends
at its first space (`test_x[a`), an absolute path inside brackets is cut to its last part, unittest's tests are
`test_x (module.Class)` or the first line of their docstring, sympy's are bare function names. Where several tests share
one such name, the last line of the log wins there; pytest's summary ends with errors and failures, so here the worst.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import assert_never

from sandbox.swebench.grading import Status, StatusMap
from sandbox.types import TestReport, TestResult, TestStatus


class Style(StrEnum):
    """Whose output the harness would have read."""

    PYTEST = "pytest"
    PYTEST_LINES = "pytest_lines"
    """pytest, read by the harness's `parse_log_pytest_v2`: an error's message is part of the id that it is filed
    under, so that a test which passed and broke its tear-down is a passed test."""
    UNITTEST = "unittest"
    """unittest -v, and Django's runner."""
    OTHER = "other"
    """The runners of other languages: a test's name, without the file or package that redgreen puts before it."""


_CONTROL = dict.fromkeys(range(1, 32))
_OPTION = re.compile(r"(.*?)\[(.*)\]")
_ENUM_NAMES = (("MouseButton.LEFT", "1"), ("MouseButton.RIGHT", "3"))
"""Matplotlib's expected ids have these members as numbers."""
_WORST = (Status.SKIPPED, Status.PASSED, Status.XFAIL, Status.ERROR, Status.FAILED)
"""From what the summary prints first to what it prints last."""


def statuses(report: TestReport, style: Style) -> StatusMap:
    """Every name that the harness might know a result by, with its word for the outcome."""
    found: dict[str, Status] = {}
    for result in report.results.values():
        word = _word(result, style)
        if word is None:
            continue
        for name in names(result, style):
            known = found.get(name)
            if known is None or _WORST.index(word) > _WORST.index(known):
                found[name] = word
    return found


def names(result: TestResult, style: Style) -> Iterable[str]:
    """The first is the runner's own."""
    match style:
        case Style.PYTEST | Style.PYTEST_LINES:
            own = _of_pytest(result.id)
        case Style.UNITTEST:
            own = _of_unittest(result.id, result.title)
        case Style.OTHER:
            own = iter((result.id, result.id.partition("::")[2]))
        case _ as unreachable:
            assert_never(unreachable)
    return dict.fromkeys(name for name in own if name)


def _word(result: TestResult, style: Style) -> Status | None:
    """None: no line of the output says it in words that the harness reads."""
    by_pytest = style in (Style.PYTEST, Style.PYTEST_LINES)
    if by_pytest and result.called_xfail:
        return Status.XFAIL
    match result.status:
        case TestStatus.PASSED:
            return Status.PASSED
        case TestStatus.FAILED:
            return Status.FAILED
        case TestStatus.ERROR:
            only_after = result.failure is not None and result.failure.phase == "teardown"
            return Status.PASSED if only_after and style is Style.PYTEST_LINES else Status.ERROR
        case TestStatus.XFAILED:
            return Status.XFAIL if by_pytest else None
        case TestStatus.SKIPPED:
            # pytest's summary counts skips by their place in the source, without the test's name.
            return None if by_pytest else Status.SKIPPED
        case TestStatus.XPASSED:
            return None
        case _ as unreachable:
            assert_never(unreachable)


def _of_pytest(id_: str) -> Iterator[str]:
    yield id_
    plain = " ".join(id_.translate(_CONTROL).split())
    yield plain
    cut = id_.split()[0] if id_.split() else ""
    yield cut
    yield _short_option(cut)
    for member, number in _ENUM_NAMES:
        cut = cut.replace(member, number)
    yield cut
    path, *inner = plain.split("::")
    if len(inner) == 1 and "[" not in inner[0]:
        yield inner[0]
    if len(inner) == 2:
        yield from _with_class(inner[1], path.removesuffix(".py").split("/"), inner[0])


def _short_option(name: str) -> str:
    """`test[/long/path]` as `test[/path]`."""
    match = _OPTION.search(name)
    if match is None:
        return name
    main, option = match.groups()
    if option.startswith("/") and not option.startswith("//") and "*" not in option:
        option = "/" + option.rsplit("/", 1)[-1]
    return f"{main}[{option}]"


def _of_unittest(id_: str, title: str) -> Iterator[str]:
    yield id_
    yield title
    *module, class_, test = id_.split(".") if id_.count(".") > 1 else ["", "", id_]
    if not module or not class_:
        return
    yield from _with_class(test, module, class_)
    yield f"{'/'.join(module)}.py::{class_}::{test}"


def _with_class(test: str, module: list[str], class_: str) -> Iterator[str]:
    """As unittest prints a test, before and since Python 3.11; from whichever directory its module was imported."""
    for depth in range(len(module)):
        dotted = ".".join((*module[depth:], class_))
        yield f"{test} ({dotted})"
        yield f"{test} ({dotted}.{test})"
