"""A long suite in parts, at once, against the same suite undivided: one verification each, base's runs known, in turns.

The suite's tests keep a processor busy. Prints the seconds of the existing tests' run with the patch, and of the whole
verification, undivided and divided, and their ratios. On two free processors two parts should take little more than
half; the machine's load is printed, because on one that is busy they cannot.

    python benchmarks/shards.py [--files 12] [--seconds 40] [--parts 2] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.verify_overhead import connect, fix, suite
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.shards import Division
from sandbox.tree import GitTree
from sandbox.types import CommitSha, Proof, RunKind, Verified
from sandbox.verify import VerifyRequest, verify

_BUSY = """
import time

from sums import total


def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        total(range(1000))


def test_one():
    busy({seconds})


def test_other():
    busy({seconds})
"""


def verified(engine: Engine, base: GitTree, cache: RunCache, parts: int) -> Proof:
    request = VerifyRequest(
        base_commit=CommitSha("0" * 40),
        base=base,
        patch=fix(base),
        division=Division(most=parts, from_seconds=1.0),
    )
    proof = verify(engine, request, cache=cache, progress=lambda _: None)
    if not isinstance(proof.verdict, Verified):
        raise SystemExit(f"the fix is not verified: {proof.verdict}")
    return proof


def seconds_of(proof: Proof) -> tuple[float, float]:
    """(of the existing tests with the patch, of the whole verification)."""
    return next(run.seconds for run in proof.runs if run.kind is RunKind.REGRESSION), proof.seconds


def measure(engine: Engine, files: int, seconds: float, parts: int, rounds: int) -> dict[str, object]:
    each = seconds / files / 2
    busy = {f"tests/test_busy_{at}.py": _BUSY.format(seconds=each).encode() for at in range(files)}
    sides: dict[int, list[tuple[float, float]]] = {1: [], parts: []}
    with tempfile.TemporaryDirectory(prefix="redgreen-shards-") as scratch:
        base = suite(Path(scratch) / "trees.git", 4).with_files(busy)
        cache = RunCache(Path(scratch) / "runs")
        for count in sides:
            verified(engine, base, cache, count)
        before = os.getloadavg()[0]
        for _ in range(rounds):
            for count, found in sides.items():
                found.append(seconds_of(verified(engine, base, cache, count)))
    whole, divided = ([statistics.median(pair[at] for pair in found) for at in (0, 1)] for found in sides.values())
    return {
        "parts": parts,
        "load": round(before, 1),
        "run": [round(whole[0], 1), round(divided[0], 1), round(divided[0] / whole[0], 2)],
        "verification": [round(whole[1], 1), round(divided[1], 1), round(divided[1] / whole[1], 2)],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--parts", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine = connect()
    found = measure(engine, options.files, options.seconds, options.parts, options.rounds)
    engine.close()
    if options.json:
        print(json.dumps(found))
    else:
        for name in ("run", "verification"):
            whole, divided, ratio = found[name]  # type: ignore[misc]
            print(f"{name}: {whole} s undivided, {divided} s in {found['parts']} parts: {ratio} (load {found['load']})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
