"""Whether a test is red because of what the code does, or only because something is missing. Pure.

A witness must fail by behaviour: a test that imports a function which the patch adds is red without the patch whatever
the function does, and proves nothing.
"""

from __future__ import annotations

import re

from sandbox.parts import classify
from sandbox.types import Failure, Part, TestId, TestResult

_JVM_LOADING = frozenset(
    f"java.lang.{name}"
    for name in (
        "ClassNotFoundException",
        "IncompatibleClassChangeError",
        "NoClassDefFoundError",
        "NoSuchFieldError",
        "NoSuchFieldException",
        "NoSuchMethodError",
        "NoSuchMethodException",
        "UnsatisfiedLinkError",
        "UnsupportedClassVersionError",
    )
) | {"groovy.lang.MissingMethodException", "groovy.lang.MissingPropertyException"}
_LOADING = frozenset(
    f"builtins.{name}" for name in ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "TabError")
) | {"ModuleNotFoundError", *_JVM_LOADING}
"""`ModuleNotFoundError` without a module is what the launcher calls JavaScript's `Error: Cannot find module`."""
_PLAIN_VALUES = (
    "NoneType|str|bytes|bytearray|int|float|complex|bool|list|dict|tuple|set|frozenset|generator|range|"
    "Match|datetime|date|timedelta|Decimal"
)
_MISSING_ATTRIBUTE = re.compile(r"has no attribute '|does not have the attribute '")
_PLAIN_OWNER = re.compile(rf"^'(?:{_PLAIN_VALUES})' object has no attribute")
_MISSING_NAME = re.compile(r"^(?:name|free variable) '[^']*' is not defined|referenced before assignment")
_JS_MISSING_MEMBER = re.compile(r"is not a (?:function|constructor)\b|^Class extends value undefined")
_JS_MISSING_NAME = re.compile(r"^\S+ is not defined$")
_MISSING_PARAMETER = re.compile(
    r"unexpected keyword argument|invalid keyword argument|positional arguments? (?:but|\()|"
    r"takes no (?:keyword )?arguments|missing \d+ required|takes (?:exactly|at most|at least|from) "
)


def wrong_reason(result: TestResult) -> str:
    """Why this red result is no evidence of behaviour; "" when it is. The result must be red."""
    failure = result.failure
    if failure is None or not (failure.exception or failure.message):
        return "the run does not say why it failed"
    if failure.phase != "call":
        return f"failed in {failure.phase}, not in the test itself"
    if not failure.exception:
        return f"no exception was raised: {first_line(failure.message)}"
    if failure.exception in _LOADING:
        return f"could not load what it tests: {describe(failure)}"
    if _only_missing(result.id, failure):
        return f"only a symbol or parameter is missing: {describe(failure)}"
    return ""


def describe(failure: Failure) -> str:
    """One line for a reader: type, message, place."""
    kind = failure.exception.removeprefix("builtins.")
    message = first_line(failure.message)
    place = f" ({failure.path}:{failure.line})" if failure.path and failure.line else ""
    return f"{kind}: {message}{place}" if kind and message else f"{kind or message or failure.phase}{place}"


def first_line(text: str) -> str:
    return text.strip().split("\n")[0][:300]


def _only_missing(test: TestId, failure: Failure) -> bool:
    """A missing name that the test itself reached for; one that the code under test trips over is behaviour."""
    if failure.path and not _is_of_tests(test, failure.path):
        return False
    message = first_line(failure.message)
    match failure.exception:
        case "builtins.AttributeError":
            return _PLAIN_OWNER.match(message) is None and _MISSING_ATTRIBUTE.search(message) is not None
        case "builtins.NameError" | "builtins.UnboundLocalError":
            return _MISSING_NAME.search(message) is not None
        case "builtins.TypeError":
            return _MISSING_PARAMETER.search(message) is not None
        case "TypeError":
            return _JS_MISSING_MEMBER.search(message) is not None
        case "ReferenceError":
            return _JS_MISSING_NAME.search(message) is not None
        case _:
            return False


def _is_of_tests(test: TestId, path: str) -> bool:
    """A test file by its name, or the file this very test is in, however the repository names its tests."""
    if classify(path) in (Part.TEST, Part.TEST_CONFIG) or test.split("::")[0] == path:
        return True
    module = ".".join(test.split(".")[:-2])
    return bool(module) and f".{path.removesuffix('.py').replace('/', '.')}".endswith(f".{module}")
