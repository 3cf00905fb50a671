"""Hold an engine to everything that redgreen needs of one: the sandbox's promises, a build, a verification.

    python scripts/conformance.py [--docker-host unix:///run/podman/podman.sock] [--runtime runsc] [--no-build] [--json]

Without arguments: the engine and the runtime of the settings. Exit code 0: all of it holds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bot import wiring
from config.settings import Settings, load
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.selfcheck import CHECKS, Bench, Broken
from sandbox.tree import GitTree, create
from sandbox.types import CommitSha, verdict_name
from sandbox.verify import VerifyRequest, verify

_FILES = {
    "pricing.py": b"def discounted(price, percent):\n    return price - percent\n",
    "test_pricing.py": (
        b"from pricing import discounted\n\n\ndef test_nothing_off():\n    assert discounted(80, 0) == 80\n"
    ),
    "requirements.txt": b"pytest\n",
}
_FIX = {
    "pricing.py": b"def discounted(price, percent):\n    return price * (100 - percent) / 100\n",
    "test_pricing.py": _FILES["test_pricing.py"] + b"\n\ndef test_half_off():\n    assert discounted(80, 50) == 40\n",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    name: str
    holds: bool
    seconds: float
    seen: str = ""


def _settings(docker_host: str, runtime: str) -> Settings:
    loaded = load()
    changes = {"docker_host": docker_host or loaded.sandbox.docker_host, "runtime": runtime or loaded.sandbox.runtime}
    return loaded.model_copy(update={"sandbox": loaded.sandbox.model_copy(update=changes)})


def _outcomes(engine: Engine, *, build: bool) -> Iterator[Outcome]:
    image = engine.image(engine.ensure_base(_quiet))
    bench = Bench(lambda limits: engine.container(image, limits))
    for name, check in CHECKS.items():
        yield _tried(name, lambda check=check: check(bench))  # type: ignore[misc]
    bench.close()
    if build:
        yield _tried("a_fix_is_built_for_and_verified", lambda: _verified(engine))


def _tried(name: str, check: Callable[[], None]) -> Outcome:
    started = time.perf_counter()
    seen = ""
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever a check trips over, its promise was not seen to hold
        seen = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - started
    return Outcome(name=name, holds=not seen, seconds=round(seconds, 2), seen=" ".join(seen.split())[:300])


def _verified(engine: Engine) -> None:
    """A build through the proxy, then every run of a verification."""
    with tempfile.TemporaryDirectory(prefix="redgreen-conformance-") as scratch:
        base = GitTree.of_files(create(Path(scratch) / "trees.git"), dict(_FILES))
        request = VerifyRequest(base_commit=CommitSha("0" * 40), base=base, patch=base.diff(base.with_files(_FIX)))
        proof = verify(engine, request, cache=RunCache(Path(scratch) / "runs"), progress=_quiet)
    if verdict_name(proof.verdict) != "Verified":
        raise Broken(str(proof.verdict))


def _quiet(_: str) -> None:
    pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docker-host", default="")
    parser.add_argument("--runtime", default="")
    parser.add_argument("--no-build", action="store_true", help="the checks only: nothing is fetched")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    engine = wiring.engine(_settings(options.docker_host, options.runtime))
    outcomes = []
    try:
        for outcome in _outcomes(engine, build=not options.no_build):
            outcomes.append(outcome)
            if not options.json:
                holds = "holds " if outcome.holds else "BROKEN"
                print(f"{holds} {outcome.seconds:7.2f} s  {outcome.name}  {outcome.seen}")
    finally:
        engine.close()
    if options.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes]))
    else:
        print(f"{sum(outcome.holds for outcome in outcomes)} of {len(outcomes)} hold")
    return 0 if all(outcome.holds for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
