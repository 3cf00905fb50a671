"""How a verification's time grows with the suite, and what repetition costs: the same fix on suites of several sizes.

For each size, as ratios to the suite run once by hand: a verification from nothing (base's runs included), and one with
base's runs known. Prints one line a size.

    python benchmarks/suite_sizes.py [--sizes 10 100 1000 10000] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.verify_overhead import by_hand, connect, suite, verified
from sandbox.cache import RunCache
from sandbox.engine import Engine

_TESTS = """
import pytest

from sums import total


@pytest.mark.parametrize("size", range({count}))
def test_total(size):
    assert total(range(size)) == size * (size - 1) // 2
"""
_EACH = 250


def files_of(tests: int) -> dict[str, bytes | None]:
    """Files of at most 250 quick tests."""
    counts = [min(_EACH, tests - start) for start in range(0, tests, _EACH)]
    return {f"tests/test_sums_{n}.py": _TESTS.format(count=count).encode() for n, count in enumerate(counts)}


def measure(engine: Engine, tests: int) -> dict[str, float]:
    """Seconds: by hand, from nothing, with base's runs known."""
    with tempfile.TemporaryDirectory(prefix="redgreen-sizes-") as scratch:
        base = suite(Path(scratch) / "trees.git", 4).with_files(files_of(tests))
        hand = by_hand(engine, base)  # builds the image, too
        cache = RunCache(Path(scratch) / "runs")
        first, again = verified(engine, base, cache), verified(engine, base, cache)
    return {"tests": tests, "by_hand": round(hand, 2), "from_nothing": round(first, 2), "base_known": round(again, 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10_000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine = connect()
    found = []
    for size in options.sizes:
        one = measure(engine, size)
        found.append(one)
        if not options.json:
            hand = one["by_hand"]
            told = ", ".join(
                f"{key} {one[key]} s ({one[key] / hand:.1f} times)" for key in ("from_nothing", "base_known")
            )
            print(f"{size:6} tests: by hand {hand} s, {told}", flush=True)
    engine.close()
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
