"""How a test failed, told so that another failure can be told from it, and which parts of a comparison held.

One assertion over several values hides that some of them are right: `assert (f(), g()) == (1, 2)` is as red with one
wrong value as with two. So the assertion that failed is evaluated once more, in the frame where it did, and its parts
are compared one by one. That runs foreign code a second time: only when all statuses of a job are told, and not for
long (`Watch.ask_again`).
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import os
import re
import reprlib
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from types import FrameType
from typing import Any

MOST_PARTS = 64
DEEPEST = 3
"""Containers in containers whose parts are compared."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def warm(files: Iterable[str]) -> None:
    """Before any fork: read these files of tests, and let the tokenizer prepare itself, once for all children."""
    for path in files:
        linecache.getlines(os.path.abspath(path))
    _assertion(["def f():\n", "    assert True\n"], 1, 2)


def fault(error: BaseException) -> dict[str, Any]:
    """`line` is the test's own, which never changes."""
    place, line = "", 0
    trace = error.__traceback__
    while trace is not None:
        place = trace.tb_frame.f_code.co_name
        if place.startswith("test"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return {"kind": type(error).__name__, "line": line, "place": place, "words": str(error)[:120]}


def compared(error: BaseException, changing: Collection[str] = ()) -> tuple[str, str]:
    """(`1` or `0` for each part that held or did not, a digest of the values); empty where nothing can be told.

    `changing`: real paths of the files that a candidate may change: what stands in them is not what ran. Runs foreign
    code, and raises whatever that raises.
    """
    frames: list[tuple[FrameType, int]] = []
    trace = error.__traceback__ if isinstance(error, AssertionError) else None
    while trace is not None:
        frames.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    for frame, _ in frames:
        if frame.f_code.co_name == "assertEqual" and {"first", "second"} <= set(frame.f_locals):
            first, second = frame.f_locals["first"], frame.f_locals["second"]
            return _told(list(islice(_parts(first, second, DEEPEST), MOST_PARTS)), [first, second])
    if not frames:
        return "", ""
    frame, line = frames[-1]
    name = frame.f_code.co_filename
    if not (frame.f_code.co_name.startswith("test") or os.path.basename(name).startswith("test")):
        return "", ""
    if os.path.realpath(name) in changing:
        return "", ""
    statement = _assertion(linecache.getlines(name), frame.f_code.co_firstlineno, line)
    if statement is None:
        return "", ""
    held: list[bool] = []
    values: list[object] = []
    _evaluate(statement.test, {**frame.f_globals, **frame.f_locals}, held, values)
    return _told(held, values)


def _told(held: list[bool], values: list[object]) -> tuple[str, str]:
    shown = reprlib.Repr()
    shown.maxlist = shown.maxtuple = shown.maxdict = shown.maxset = MOST_PARTS
    shown.maxstring = shown.maxother = 400
    text = _ADDRESS.sub("", "\n".join(shown.repr(value) for value in values))
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    return "".join("1" if part else "0" for part in held[:MOST_PARTS]), digest


def _assertion(lines: list[str], first: int, line: int) -> ast.Assert | None:
    """The innermost `assert` that covers this line of the function that begins at `first`: no more is parsed."""
    block = inspect.getblock(lines[first - 1 :])
    head = "if 1:\n" if block and block[0][:1].isspace() else "\n"
    found = None
    for node in ast.walk(ast.parse(head + "".join(block))):
        if isinstance(node, ast.Assert) and node.lineno <= line - first + 2 <= (node.end_lineno or node.lineno):
            found = node
    return found


def _evaluate(test: ast.expr, names: dict[str, Any], held: list[bool], values: list[object]) -> None:
    """Conditions joined by `and` each, an equality part by part, `all(... for ...)` one by one, and the rest whole."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for part in test.values:
            try:
                _evaluate(part, names, held, values)
            except Exception as error:  # noqa: BLE001 - what stands behind a false condition may not be defined
                held.append(False)
                values.append(type(error).__name__)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq):
        left, right = _value(test.left, names), _value(test.comparators[0], names)
        values += [left, right]
        held += islice(_parts(left, right, DEEPEST), MOST_PARTS)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        left, right = _value(test.left, names), _value(test.comparators[0], names)
        values += [left, right]
        whole = ast.Compare(left=ast.Name("left", ast.Load()), ops=test.ops,
                            comparators=[ast.Name("right", ast.Load())])  # fmt: skip
        held.append(bool(_value(ast.copy_location(whole, test), {"left": left, "right": right})))
    elif _is_all(test):
        call: Any = test
        each = list(islice(_value(call.args[0], names), MOST_PARTS))
        values.append(each)
        held += [bool(one) for one in each]
    else:
        value = _value(test, names)
        values.append(value)
        held.append(bool(value))


def _is_all(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Call)
        and isinstance(test.func, ast.Name)
        and test.func.id == "all"
        and len(test.args) == 1
        and isinstance(test.args[0], ast.GeneratorExp)
    )


def _value(expression: ast.expr, names: dict[str, Any]) -> Any:
    tree = ast.fix_missing_locations(ast.Expression(expression))
    return eval(compile(tree, "<assertion>", "eval"), names)  # noqa: S307 - the tree's own code, in the sandbox


def _parts(left: object, right: object, depth: int) -> Iterator[bool]:
    """Which parts of two values are equal: of sequences of one length, of mappings, of texts by their words."""
    if depth and isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)) and len(left) == len(right) > 0:
        for one, other in zip(left, right):
            yield from _parts(one, other, depth - 1)
    elif depth and isinstance(left, dict) and isinstance(right, dict) and right:
        for key in sorted({*left, *right}, key=repr):
            if key in left and key in right:
                yield from _parts(left[key], right[key], depth - 1)
            else:
                yield False
    elif isinstance(left, str) and isinstance(right, str) and len(left.split()) == len(right.split()) > 1:
        for word, wanted in zip(left.split(), right.split()):
            yield word == wanted
    else:
        yield bool(left == right)
