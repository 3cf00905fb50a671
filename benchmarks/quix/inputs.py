"""Inputs for QuixBugs programs that keep each program's stated preconditions, made at random; no search sees them.

Each is a case for `asking.py`: `{"kind": ..., "args": ...}`, JSON only. Programs on lists and graphs get them as
numbers and edges; the driver makes the nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

Case = dict[str, Any]
_LETTERS = "abcdeghx"


def cases(program: str, count: int, seed: str) -> list[Case]:
    """`count` different cases, the same for the same seed."""
    random = Random(f"{seed}:{program}")
    made: dict[str, Case] = {}
    for _ in range(count * 20):
        case = MAKERS[program](random)
        made.setdefault(repr(case), case)
        if len(made) == count:
            break
    return list(made.values())


def _call(*args: Any) -> Case:
    return {"kind": "call", "args": list(args)}


def _ints(random: Random, most: int = 8, low: int = -9, high: int = 9) -> list[int]:
    return [random.randint(low, high) for _ in range(random.randint(0, most))]


def _distinct(random: Random, most: int = 7) -> list[int]:
    return random.sample(range(30), random.randint(0, most))


def _word(random: Random, most: int = 6) -> str:
    return "".join(random.choice(_LETTERS[:5]) for _ in range(random.randint(0, most)))


def _nested(random: Random, depth: int = 3) -> list[Any]:
    return [
        _nested(random, depth - 1) if depth and random.random() < 0.4 else random.randint(0, 9)
        for _ in range(random.randint(0, 4))
    ]


def _bucketsort(random: Random) -> Case:
    top = random.randint(1, 12)
    return _call([random.randrange(top) for _ in range(random.randint(0, 10))], top)


def _sorted_search(random: Random) -> Case:
    return _call(sorted(_ints(random, 10)), random.randint(-10, 10))


def _hanoi(random: Random) -> Case:
    start, end = random.sample([1, 2, 3], 2)
    return _call(random.randint(0, 8), start, end)


def _kheapsort(random: Random) -> Case:
    """Every element at most `k` places from where it belongs."""
    k = random.randint(0, 4)
    items = sorted(_ints(random, 10))
    for start in range(0, len(items), k + 1):
        part = items[start : start + k + 1]
        random.shuffle(part)
        items[start : start + k + 1] = part
    return _call(items, k)


def _knapsack(random: Random) -> Case:
    items = [[random.randint(1, 10), random.randint(1, 20)] for _ in range(random.randint(0, 6))]
    return _call(random.randint(0, 30), items)


def _kth(random: Random) -> Case:
    items = [random.randint(0, 9), *_ints(random, 8, 0, 9)]
    return _call(items, random.randrange(len(items)))


def _digits_of_a_palindrome(random: Random) -> Case:
    half = [random.choice([1, 5, 9, 9]), *(random.choice([0, 3, 9, 9]) for _ in range(random.randint(0, 3)))]
    middle = [random.choice([0, 4, 9])] if random.random() < 0.5 else []
    return _call([*half, *middle, *reversed(half)])


def _next_permutation(random: Random) -> Case:
    """One that has a next."""
    while True:
        perm = random.sample(range(1, 10), random.randint(2, 6))
        if perm != sorted(perm, reverse=True):
            return _call(perm)


def _possible_change(random: Random) -> Case:
    return _call(random.sample([1, 2, 3, 5, 7, 10, 25], random.randint(0, 4)), random.randint(-2, 30))


def _rpn(random: Random) -> Case:
    def expression(depth: int) -> list[Any]:
        if not depth or random.random() < 0.3:
            return [float(random.randint(1, 9))]
        return [*expression(depth - 1), *expression(depth - 1), random.choice("+-*/")]

    return _call(expression(3))


def _infix(random: Random) -> Case:
    tokens: list[Any] = [random.randint(0, 20)]
    for _ in range(random.randint(0, 6)):
        tokens += [random.choice("+-*/"), random.randint(0, 20)]
    return _call(tokens if random.random() < 0.95 else [])


def _wrap(random: Random) -> Case:
    words = ["x" * random.randint(1, 9) for _ in range(random.randint(0, 9))]
    return _call(" ".join(words), random.randint(1, 14))


def _edges(random: Random, n: int, share: float) -> list[list[int]]:
    return [[a, b] for a in range(n) for b in range(n) if a != b and random.random() < share]


def _reach(random: Random) -> Case:
    n = random.randint(1, 6)
    return {"kind": "reach", "n": n, "edges": _edges(random, n, 0.25), "ends": [random.randrange(n) for _ in "ab"]}


def _length(random: Random) -> Case:
    n = random.randint(1, 6)
    edges = [[a, b, random.randint(1, 40)] for a, b in _edges(random, n, 0.35)]
    return {"kind": "length", "n": n, "edges": edges, "ends": [random.randrange(n) for _ in "ab"]}


def _all_lengths(random: Random) -> Case:
    n = random.randint(1, 5)
    # Negative only upwards, and dearer downwards: no negative cycle.
    edges = [
        [a, b, random.randint(-3, 9) if a < b else random.randint(15, 30)] for a, b in _edges(random, n, 0.4)
    ]  # fmt: skip
    return {"kind": "weights", "before": [n], "edges": edges}


def _from_source(random: Random) -> Case:
    case = _all_lengths(random)
    names = "ABCDE"
    edges = [[names[a], names[b], weight] for a, b, weight in case["edges"]]
    return {"kind": "weights", "before": [names[random.randrange(case["before"][0])]], "edges": edges}


def _tree(random: Random) -> Case:
    """All weights different: one spanning tree only."""
    n = random.randint(2, 6)
    pairs = [[a, b] for a in range(n) for b in range(a + 1, n) if random.random() < 0.6]
    weights = random.sample(range(1, 60), len(pairs))
    return {"kind": "weights", "before": [], "edges": [[a, b, w] for (a, b), w in zip(pairs, weights, strict=True)]}


def _topology(random: Random) -> Case:
    n = random.randint(1, 6)
    edges = [[a, b] for a, b in _edges(random, n, 0.35) if a < b]
    order = random.sample(range(n), n)
    return {"kind": "topology", "n": n, "edges": edges, "order": order}


def _linked(random: Random) -> Case:
    n = random.randint(1, 25)
    return {"kind": "cycle", "n": n, "back": random.choice([None, random.randrange(n)])}


MAKERS: dict[str, Callable[[Random], Case]] = {
    "bitcount": lambda r: _call(r.choice([r.randint(0, 300), r.randint(0, 1 << 40)])),
    "breadth_first_search": _reach,
    "bucketsort": _bucketsort,
    "depth_first_search": _reach,
    "detect_cycle": _linked,
    "find_first_in_sorted": _sorted_search,
    "find_in_sorted": _sorted_search,
    "flatten": lambda r: _call(_nested(r)),
    "gcd": lambda r: _call(r.randint(0, 200), r.randint(0, 200)),
    "get_factors": lambda r: _call(r.randint(1, 3000)),
    "hanoi": _hanoi,
    "is_valid_parenthesization": lambda r: _call("".join(r.choice("(()") for _ in range(r.randint(0, 10)))),
    "kheapsort": _kheapsort,
    "knapsack": _knapsack,
    "kth": _kth,
    "lcs_length": lambda r: _call(_word(r, 8), _word(r, 8)),
    "levenshtein": lambda r: _call(_word(r, 5), _word(r, 5)),
    "lis": lambda r: _call(_distinct(r, 9)),
    "longest_common_subsequence": lambda r: _call(_word(r, 7), _word(r, 7)),
    "max_sublist_sum": lambda r: _call(_ints(r)),
    "mergesort": lambda r: _call(_ints(r, 12)),
    "minimum_spanning_tree": _tree,
    "next_palindrome": _digits_of_a_palindrome,
    "next_permutation": _next_permutation,
    "pascal": lambda r: _call(r.randint(1, 25)),
    "possible_change": _possible_change,
    "powerset": lambda r: _call(_distinct(r, 6)),
    "quicksort": lambda r: _call(_ints(r, 12)),
    "reverse_linked_list": lambda r: {"kind": "reverse", "n": r.randint(0, 40)},
    "rpn_eval": _rpn,
    "shortest_path_length": _length,
    "shortest_path_lengths": _all_lengths,
    "shortest_paths": _from_source,
    "shunting_yard": _infix,
    "sieve": lambda r: _call(r.randint(0, 250)),
    "sqrt": lambda r: _call(
        r.choice([r.randint(1, 200), round(r.uniform(1, 100), 2)]), r.choice([0.5, 0.1, 0.01, 1e-4])
    ),
    "subsequences": lambda r: _call(r.randint(-3, 4), r.randint(-3, 8), r.randint(1, 4)),
    "to_base": lambda r: _call(r.randint(1, 100_000), r.randint(2, 36)),
    "topological_ordering": _topology,
    "wrap": _wrap,
}
"""By program: one case that keeps what its description demands of the input."""
