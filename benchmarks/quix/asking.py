"""Runs in the sandbox: one program's function on many cases, each with a time limit; the answers as JSON lines.

    python asking.py DIRECTORY FUNCTION CASES OUT

An answer is `["value", text]`, `["raised", class]` or `["timeout", ""]`. Standard library only.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import signal
import sys
import types
from typing import Any

SECONDS = 2.0


class Slow(BaseException):
    pass


def _alarm(*_: object) -> None:
    raise Slow


class Node:
    def __init__(self, value: Any) -> None:
        self.value = value
        self.successor: Any = None
        self.successors: list[Any] = []
        self.predecessors: list[Any] = []
        self.incoming_nodes: list[Any] = []
        self.outgoing_nodes: list[Any] = []


def arguments(case: dict[str, Any]) -> list[Any]:
    kind = case["kind"]
    if kind == "call":
        return list(case["args"])
    if kind == "weights":
        return [*case["before"], {(a, b): weight for a, b, weight in case["edges"]}]
    nodes = [Node(number) for number in range(case["n"])]
    if kind in ("cycle", "reverse"):
        for one, after in itertools.pairwise(nodes):
            one.successor = after
        if kind == "cycle" and case["back"] is not None:
            nodes[-1].successor = nodes[case["back"]]
        return [nodes[0] if nodes else None]
    for a, b, *_ in case["edges"]:
        nodes[a].successors.append(nodes[b])
        nodes[a].outgoing_nodes.append(nodes[b])
        nodes[b].predecessors.append(nodes[a])
        nodes[b].incoming_nodes.append(nodes[a])
    if kind == "topology":
        return [[nodes[position] for position in case["order"]]]
    ends = [nodes[position] for position in case["ends"]]
    if kind == "length":
        return [{(nodes[a], nodes[b]): weight for a, b, weight in case["edges"]}, *ends]
    return ends


def text(value: Any, depth: int = 6) -> str:
    """The same for equal values; a chain of nodes as its values."""
    if isinstance(value, Node):
        chain = []
        while isinstance(value, Node) and len(chain) < 200:
            chain.append(value.value)
            value = value.successor
        return f"nodes {chain}"
    if isinstance(value, types.GeneratorType):
        value = list(itertools.islice(value, 2000))
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{text(k, depth - 1)}: {text(v, depth - 1)}" for k, v in value.items())) + "}"
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(text(item, depth - 1) for item in value)) + "}"
    if isinstance(value, (list, tuple)) and depth:
        return "[" + ", ".join(text(item, depth - 1) for item in value) + "]"
    return repr(value)


def answer(function: Any, case: dict[str, Any]) -> list[str]:
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        return ["value", text(function(*arguments(case)))]
    except Slow:
        return ["timeout", ""]
    except BaseException as error:  # noqa: BLE001 - the program under test may raise whatever it likes
        return ["raised", type(error).__name__]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    directory, name, given, out = sys.argv[1:]
    signal.signal(signal.SIGALRM, _alarm)
    spec = importlib.util.spec_from_file_location(name, f"{directory}/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, name)
    with open(given) as source, open(out, "w") as sink:
        for case in json.load(source):
            sink.write(json.dumps(answer(function, case)) + "\n")


if __name__ == "__main__":
    main()
