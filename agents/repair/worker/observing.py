"""What the tree's functions are called with while tests run, and what they answer to that and to near variants of it.

Recording keeps arguments as pickles; only this program, inside the sandbox, ever loads them again. Replaying answers
with a digest of each result (value, changed arguments, or the exception's class): enough to tell whether two versions
of the tree behave alike, and nothing that a reader of the digests has to trust.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib
import io
import itertools
import os
import pickle
import random
import signal
import sys
import time
import types
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType
from typing import Any

MOST_BYTES = 20_000
"""Of one call's pickled arguments."""
MOST_A_FUNCTION = 12
MOST_A_TEST = 25
MOST = 250
CALL_SECONDS = 0.4
MOST_ITEMS = 300
"""Taken from a result that is an iterator."""


class CallRecorder:
    """Calls of functions in the watched files, with their arguments as they were at entry."""

    def __init__(self, root: str, only: Iterable[str]) -> None:
        self._wanted = {os.path.realpath(os.path.join(root, path)) for path in only}
        self._files: dict[str, bool] = {}
        self._seen: set[tuple[str, str, bytes]] = set()
        self._counts: dict[CodeType, int] = {}
        self._names: dict[CodeType, tuple[str, str] | None] = {}
        self._outer: FrameType | None = None
        self.calls: list[dict[str, Any]] = []
        self._left = 0

    def start(self) -> None:
        self._outer = None
        self._left = min(MOST_A_TEST, MOST - len(self._seen))
        sys.setprofile(self._event)

    def stop(self) -> list[dict[str, Any]]:
        sys.setprofile(None)
        calls, self.calls = self.calls, []
        return calls

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            watched = self._files.get(code.co_filename)
            if watched is None:
                watched = os.path.realpath(code.co_filename) in self._wanted
                self._files[code.co_filename] = watched
            if watched:
                outer = self._outer is None
                if outer:
                    self._outer = frame
                if self._left > 0 and self._counts.get(code, 0) < MOST_A_FUNCTION:
                    self._record(frame, code, outer)
        elif event == "return" and frame is self._outer:
            self._outer = None

    def _record(self, frame: FrameType, code: CodeType, outer: bool) -> None:
        if code not in self._names:
            self._names[code] = _named(frame, code)
        name = self._names[code]
        count = code.co_argcount + code.co_kwonlyargcount
        if name is None or code.co_flags & 0x0C:  # *args and **kwargs
            return
        sys.setprofile(None)
        try:
            given = {key: frame.f_locals[key] for key in code.co_varnames[:count]}
            data = pickle.dumps(given, protocol=4)
        except Exception:  # noqa: BLE001 - what cannot be pickled cannot be kept; any class of error says so
            data = b""
        finally:
            sys.setprofile(self._event)
        key = (*name, data)
        if data and len(data) <= MOST_BYTES and key not in self._seen:
            self._seen.add(key)
            self._counts[code] = self._counts.get(code, 0) + 1
            self._left -= 1
            text = base64.b64encode(data).decode()
            self.calls.append({"module": name[0], "name": name[1], "outer": outer, "data": text})


def _named(frame: FrameType, code: CodeType) -> tuple[str, str] | None:
    """(module, dotted name) under which a replay finds the function; None for closures and the like."""
    module = frame.f_globals.get("__name__")
    if not isinstance(module, str) or module not in sys.modules:
        return None
    for name, thing in list(vars(sys.modules[module]).items()):
        if _code(thing) is code:
            return module, name
        if isinstance(thing, type) and thing.__module__ == module:
            for inner, member in list(vars(thing).items()):
                if _code(member) is code:
                    return module, f"{name}.{inner}"
    return None


def _code(thing: Any) -> Any:
    function = getattr(thing, "__func__", thing)
    function = getattr(function, "__wrapped__", function)
    return getattr(function, "__code__", None)


# --- replay ------------------------------------------------------------------------------------------------------


class Slow(BaseException):
    """One replayed call ran too long."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise Slow


def replay(calls: list[dict[str, Any]], variants: int, seconds: float) -> Iterator[list[str]]:
    """For each call its outcome and those of `variants` variants of its arguments, until the time is up."""
    until = time.monotonic() + seconds
    signal.signal(signal.SIGALRM, _alarm)
    for position, call in enumerate(calls):
        if time.monotonic() > until:
            return
        yield [_outcome(call, number, position) for number in range(variants + 1)]


def _outcome(call: dict[str, Any], variant: int, position: int) -> str:
    signal.setitimer(signal.ITIMER_REAL, CALL_SECONDS, 0.2)
    try:
        given = pickle.loads(base64.b64decode(call["data"]))  # noqa: S301 - made above, in this sandbox
        if variant:
            given = changed(given, random.Random(f"{position}:{variant}"))  # noqa: S311 - no secret
        function: Any = importlib.import_module(call["module"])
        for part in call["name"].split("."):
            function = getattr(function, part)
        # A class method is bound already; its first argument is the class.
        if isinstance(function, types.MethodType):
            given = dict(list(given.items())[1:])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            result = told(function(**given))
        return "v" + _digest(result + told(given))
    except Slow:
        return "slow"
    except BaseException as error:  # noqa: BLE001 - whatever the tree raises is its answer
        return "raised " + type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def told(value: Any, depth: int = 6) -> str:
    """A text that is the same for equal values, in whatever process."""
    if isinstance(value, float):
        return repr(float(f"{value:.9g}"))
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return repr(value)
    if not depth:
        return "..."
    if isinstance(value, dict):
        items = [f"{told(key, depth - 1)}: {told(item, depth - 1)}" for key, item in value.items()]
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(told(item, depth - 1) for item in value)) + "}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "[" + ", ".join(told(item, depth - 1) for item in value) + "]"
    if isinstance(value, Iterator):
        return "iter[" + ", ".join(told(item, depth - 1) for item in itertools.islice(value, MOST_ITEMS)) + "]"
    inner = getattr(value, "__dict__", None)
    return type(value).__name__ + (told(inner, depth - 1) if isinstance(inner, dict) else "")


def changed(value: Any, random: random.Random) -> Any:
    """`value` with one plain part of it changed a little; objects keep their class."""
    places: list[tuple[Any, Any]] = []
    holder = [value]
    _places(holder, 0, places, set(), 5)
    if places:
        owner, key = random.choice(places)
        # Values that stand elsewhere in the arguments: equal or not is what most conditions ask.
        pool = [_value(*place) for place in places]
        pool = [item for item in pool if isinstance(item, (int, float, str))]
        near = _near(_value(owner, key), random, pool)
        if isinstance(owner, _Attributes):
            setattr(owner.of, key, near)
        else:
            owner[key] = near
    return holder[0]


def _value(owner: Any, key: Any) -> Any:
    return getattr(owner.of, key) if isinstance(owner, _Attributes) else owner[key]


class _Attributes:
    def __init__(self, of: Any) -> None:
        self.of = of


def _places(owner: Any, key: Any, found: list[tuple[Any, Any]], seen: set[int], depth: int) -> None:
    value = _value(owner, key)
    if id(value) in seen or depth < 0:
        return
    if isinstance(value, (bool, int, float, str, bytes, list, tuple, set)):
        found.append((owner, key))
    if isinstance(value, (list, dict)) or hasattr(value, "__dict__"):
        seen.add(id(value))
    if isinstance(value, list):
        for position in range(min(len(value), 20)):
            _places(value, position, found, seen, depth - 1)
    elif isinstance(value, dict):
        for inner in list(value)[:20]:
            _places(value, inner, found, seen, depth - 1)
    elif isinstance(getattr(value, "__dict__", None), dict) and not isinstance(value, type):
        for name in list(vars(value))[:20]:
            _places(_Attributes(value), name, found, seen, depth - 1)


def _near(value: Any, random: random.Random, pool: list[Any]) -> Any:
    """A value of the same type, not far away, or one of the pool."""
    alike = [item for item in pool if type(item) is type(value) and item != value]
    if alike and random.random() < 0.4:
        return random.choice(alike)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice([value + 1, value - 1, 0, 1, -value, value * 2, value + 10])
    if isinstance(value, float):
        return random.choice([value + 1, value - 1, 0.0, -value, value * 2, value / 2])
    items = list(value)
    if isinstance(value, (str, bytes)):
        items = [value[position : position + 1] for position in range(len(value))]
    kind = random.choice(["drop", "twice", "swap", "empty", "reverse", "again", "inner"])
    at = random.randrange(len(items)) if items else 0
    if not items or kind == "empty":
        items = []
    elif kind == "drop":
        del items[at]
    elif kind == "twice":
        items.insert(at, items[at])
    elif kind == "swap":
        other = random.randrange(len(items))
        items[at], items[other] = items[other], items[at]
    elif kind == "reverse":
        items.reverse()
    elif kind == "again":
        items.append(random.choice(items))
    elif isinstance(items[at], (bool, int, float, str, tuple)) and not isinstance(value, (str, bytes)):
        items[at] = _near(items[at], random, pool)
    if isinstance(value, str):
        return "".join(items)
    if isinstance(value, bytes):
        return b"".join(items)
    try:
        return type(value)(items)
    except TypeError:  # named tuples take their items one by one
        return type(value)(*items) if len(items) == len(value) else value
