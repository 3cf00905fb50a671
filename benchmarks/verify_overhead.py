"""What verification costs over running the suite once by hand: one generated suite, one image, both in one run.

By hand: `python -m pytest` on the base in a container of the same image; only the command itself is timed, not the
container's start. Verification: a fix with its test, the image and base's runs cached, from the request to the proof.
The bound is 1.5 times plus two seconds. Best of `--repeat` on both sides.

    python benchmarks/verify_overhead.py [--tests 300] [--repeat 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from config import settings
from sandbox import buildpacks
from sandbox.cache import RunCache
from sandbox.engine import Engine, EngineConfig
from sandbox.tree import GitTree, create
from sandbox.types import CommitSha, Limits, verdict_name
from sandbox.verify import VerifyRequest, verify

FACTOR, SECONDS = 1.5, 2.0
_SOURCE = """
def total(numbers):
    result = 0
    for number in numbers:
        result += number
    return result


def mean(numbers):
    return total(numbers) / len(numbers)
"""
_TESTS = """
import pytest

from sums import total


@pytest.mark.parametrize("size", range({count}))
def test_total(size):
    for _ in range(120):
        assert total(range(size * 10 + 1000)) == sum(range(size * 10 + 1000))
"""
_WITNESS = "from sums import mean\n\n\ndef test_mean_of_nothing():\n    assert mean([]) == 0\n"


def suite(git_dir: Path, tests: int) -> GitTree:
    files = {"sums.py": _SOURCE.encode(), "pytest.ini": b"[pytest]\n"}
    for part in range(4):
        files[f"tests/test_sums_{part}.py"] = _TESTS.format(count=tests // 4).encode()
    return GitTree.of_files(create(git_dir), dict(files))


def fix(base: GitTree) -> str:
    source = _SOURCE.replace("total(numbers) / len(numbers)", "total(numbers) / len(numbers) if numbers else 0")
    return base.diff(base.with_files({"sums.py": source.encode(), "tests/test_mean.py": _WITNESS.encode()}))


def by_hand(engine: Engine, base: GitTree) -> float:
    plan = buildpacks.detect(base)
    assert plan is not None
    image = engine.ensure_image(plan, base, _quiet)
    with engine.container(image, Limits()) as container:
        container.put_tree(base)
        result = container.run("python -m pytest -q -p no:cacheprovider", timeout=600)
    if result.exit_code != 0:
        raise SystemExit(f"the suite is not green by hand:\n{result.output}")
    return result.seconds


def verified(engine: Engine, base: GitTree, cache: RunCache) -> float:
    request = VerifyRequest(base_commit=CommitSha("0" * 40), base=base, patch=fix(base))
    started = time.perf_counter()
    proof = verify(engine, request, cache=cache, progress=_quiet)
    seconds = time.perf_counter() - started
    if verdict_name(proof.verdict) != "Verified":
        raise SystemExit(f"the fix is not verified: {proof.verdict}")
    return seconds


def connect() -> Engine:
    """As production connects it."""
    loaded = settings.load()
    box = loaded.sandbox
    config = EngineConfig(
        docker_host=box.docker_host,
        runtime=box.runtime,
        base_image=box.base_image,
        cache_dir=box.cache_dir,
        ca_bundle=settings.ca_bundle(loaded),
        build_env=settings.build_environment(loaded),
    )
    return Engine.connect(config)


def measure(tests: int, repeat: int) -> dict[str, float]:
    engine = connect()
    with tempfile.TemporaryDirectory(prefix="redgreen-bench-") as scratch:
        base = suite(Path(scratch) / "trees.git", tests)
        cache = RunCache(Path(scratch) / "runs")
        verified(engine, base, cache)
        # In turns, so that a machine that gets busier meanwhile is busier for both.
        pairs = [(by_hand(engine, base), verified(engine, base, cache)) for _ in range(repeat)]
        hand, whole = (min(side) for side in zip(*pairs, strict=True))
    engine.close()
    bound = FACTOR * hand + SECONDS
    return {
        "tests": float(tests),
        "by_hand_seconds": round(hand, 3),
        "verify_seconds": round(whole, 3),
        "ratio": round(whole / hand, 3),
        "bound_seconds": round(bound, 3),
        "within_bound": float(whole <= bound),
    }


def _quiet(_: str) -> None:
    pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.tests, options.repeat)
    if options.json:
        print(json.dumps(found))
    else:
        print(f"suite of {options.tests} tests by hand  {found['by_hand_seconds']:7.2f} s")
        print(f"verification, all cached      {found['verify_seconds']:7.2f} s   ({found['ratio']:.2f} times)")
        print(f"bound (1.5 times + 2 s)       {found['bound_seconds']:7.2f} s")
    return 0 if found["within_bound"] else 1


if __name__ == "__main__":
    sys.exit(main())
