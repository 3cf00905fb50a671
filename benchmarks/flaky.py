"""Whether a verdict hangs on luck: the flaky case (12 of its 40 tests are red at random) verified again and again.

Each verification starts from nothing: base's runs are made anew, so that its flaky tests are found anew. Exit code 1
when any verdict is not the one that the patch must get.

    python benchmarks/flaky.py [--times 50] [--patch fix] [--at-once 1] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.verify_overhead import connect
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import verdict_name
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, case
from tests.support.flaky import patches


def one(engine: Engine, base: GitTree, patch: str) -> tuple[str, float, int]:
    """(verdict, seconds, runs) of one verification from nothing."""
    with tempfile.TemporaryDirectory(prefix="redgreen-flaky-") as runs:
        request = VerifyRequest(base_commit=COMMIT, base=base, patch=patch)
        started = time.perf_counter()
        proof = verify(engine, request, cache=RunCache(Path(runs)), progress=lambda _: None)
    return verdict_name(proof.verdict), time.perf_counter() - started, len(proof.runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--patch", default="fix")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine = connect()
    with tempfile.TemporaryDirectory(prefix="redgreen-flaky-") as scratch:
        base = case("python/flaky", Path(scratch) / "trees.git")
        patch, wanted = patches(base)[options.patch]
        with ThreadPoolExecutor(max_workers=options.at_once) as pool:
            made = list(pool.map(lambda _: one(engine, base, patch), range(options.times)))
    engine.close()
    seen = Counter(verdict for verdict, _, _ in made)
    found = {
        "patch": options.patch,
        "wanted": wanted,
        "verdicts": dict(seen),
        "seconds_each": round(sum(seconds for _, seconds, _ in made) / len(made), 2),
        "runs_each": round(sum(runs for _, _, runs in made) / len(made), 1),
    }
    if options.json:
        print(json.dumps(found))
    else:
        print(f"{options.patch}: {dict(seen)} of {options.times}, wanted {wanted}; ", end="")
        print(f"{found['seconds_each']} s and {found['runs_each']} runs each")
    return 0 if set(seen) == {wanted} else 1


if __name__ == "__main__":
    sys.exit(main())
