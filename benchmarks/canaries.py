"""What canaries cost, and what repeats do, each by itself: suites of quick tests, in one image and in turns.

One run of the suite, in fresh containers: by hand, with our reporter, and with reporter and canaries. Then one whole
verification from nothing: the seconds that its runs took together, by what they were for (base's repeats, what was
seen again, twins).

    python benchmarks/canaries.py [--sizes 10 100 1000 10000] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.suite_sizes import files_of
from benchmarks.verify_overhead import by_hand, connect, fix, suite
from sandbox import buildpacks
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.runners import RUNNERS
from sandbox.runners.protocol import RunRequest
from sandbox.tree import GitTree
from sandbox.types import CommitSha, Limits, RunKind
from sandbox.verify import VerifyRequest, verify


def one_run(engine: Engine, base: GitTree, *, canaries: bool) -> float:
    """Seconds of the command itself."""
    plan = buildpacks.detect(base)
    assert plan is not None
    request = RunRequest(nonce=secrets.token_hex(8), key=secrets.token_hex(32), plan=plan, canaries=canaries)
    prepared = RUNNERS[plan.runner].prepare(base, request)
    image = engine.ensure_image(plan, base, lambda _: None)
    with engine.container(image, Limits()) as container:
        container.put_tree(base)
        container.put_files(prepared.files)
        result = container.run(prepared.argv, timeout=1800, env=prepared.env)
        report = RUNNERS[plan.runner].parse(container.read_file(prepared.report_path, 64 << 20), request)
    if not report.complete or report.tamper_signs:
        raise SystemExit(f"the run is not a whole one: {report.tamper_signs}")
    return result.seconds


def repeats(engine: Engine, base: GitTree, scratch: Path) -> dict[str, float]:
    """Seconds of a verification from nothing, and what its runs took together, by kind."""
    request = VerifyRequest(base_commit=CommitSha("0" * 40), base=base, patch=fix(base))
    proof = verify(engine, request, cache=RunCache(scratch / "runs"), progress=lambda _: None)
    first, *others = [run.seconds for run in proof.runs if run.kind is RunKind.BASE]
    spent = {"first_of_base": first, "repeats_of_base": sum(others)}
    for kind in (RunKind.REGRESSION, RunKind.WITNESS, RunKind.CANDIDATE, RunKind.CONFIRMATION, RunKind.TWIN):
        spent[kind.value] = sum(run.seconds for run in proof.runs if run.kind is kind)
    return {"wall": proof.seconds, **spent}


def measure(engine: Engine, tests: int, rounds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="redgreen-canaries-") as scratch:
        base = suite(Path(scratch) / "trees.git", 4).with_files(files_of(tests))
        by_hand(engine, base)  # builds the image, too
        sides: dict[str, list[float]] = {"by_hand": [], "reporter": [], "canaries": []}
        for _ in range(rounds):
            sides["by_hand"].append(by_hand(engine, base))
            sides["reporter"].append(one_run(engine, base, canaries=False))
            sides["canaries"].append(one_run(engine, base, canaries=True))
        spent = repeats(engine, base, Path(scratch))
    medians = {name: round(statistics.median(seconds), 2) for name, seconds in sides.items()}
    return {"tests": tests, **medians, "verification": {name: round(value, 2) for name, value in spent.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine = connect()
    found = []
    for size in options.sizes:
        one = measure(engine, size, options.rounds)
        found.append(one)
        if not options.json:
            print(", ".join(f"{name} {value}" for name, value in one.items()), flush=True)
    engine.close()
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
