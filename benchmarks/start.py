"""How long a job takes to start its tests when its commit changes no manifest.

A generated repository of `--files` modules, its environment built once; then `--repeat` commits that change only
sources, each verified with nothing of it in the cache of runs. The clock runs from the call of `verify` to the first
command in the first container that has the tree. The bound is two seconds; the best of all counts.

    python benchmarks/start.py [--files 1000] [--repeat 5] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot import wiring
from config.settings import load
from sandbox.cache import RunCache
from sandbox.container import NO_ENV, Container
from sandbox.engine import Engine
from sandbox.images import Image
from sandbox.layout import TREE
from sandbox.tree import GitTree, create
from sandbox.types import CommitSha, ExecResult, Limits
from sandbox.verify import VerifyRequest, verify

BOUND = 2.0


class Watched(Container):
    """Notes when the first command starts in any of them."""

    first = 0.0

    def run(
        self, command: str | Sequence[str], *, timeout: float, cwd: str = TREE, env: Mapping[str, str] = NO_ENV
    ) -> ExecResult:
        Watched.first = Watched.first or time.perf_counter()
        return super().run(command, timeout=timeout, cwd=cwd, env=env)


class WatchedEngine(Engine):
    def launch(self, image: Image, limits: Limits) -> Container:
        container = super().launch(image, limits)
        container.__class__ = Watched
        return container


def commit(git_dir: Path, files: int, number: int) -> GitTree:
    sources = {f"package/part_{n % 30}/module_{n}.py": f"VALUE = {number}\n".encode() * 40 for n in range(files)}
    sources["requirements.txt"] = b"pytest\n"
    sources["test_package.py"] = b"def test_nothing():\n    assert True\n"
    return GitTree.of_files(git_dir, sources)


def measure(engine: Engine, files: int, repeat: int) -> dict[str, object]:
    built: list[str] = []
    with tempfile.TemporaryDirectory(prefix="redgreen-bench-") as scratch:
        git_dir = create(Path(scratch) / "trees.git")
        seconds = []
        for number in range(repeat + 1):
            base = commit(git_dir, files, number)
            patch = base.diff(base.with_files({"package/part_0/module_0.py": b"VALUE = 0\n"}))
            request = VerifyRequest(base_commit=CommitSha("0" * 40), base=base, patch=patch, scope="benchmarks/start")
            lines: list[str] = []
            Watched.first = 0.0
            started = time.perf_counter()
            verify(engine, request, cache=RunCache(Path(scratch) / "runs"), progress=lines.append)
            seconds.append(Watched.first - started)
            if number:
                built += [line for line in lines if line.startswith("environment:")]
    return {
        "files": files,
        "start_seconds": [round(second, 3) for second in seconds[1:]],
        "best_seconds": round(min(seconds[1:]), 3),
        "builds": len(built),
        "within_bound": min(seconds[1:]) <= BOUND and not built,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    settings = load()
    # Made anew: `wiring.engine` decides everything but the class.
    plain = wiring.engine(settings)
    engine = WatchedEngine(plain._config, plain._daemon)
    found = measure(engine, options.files, options.repeat)
    engine.close()
    if options.json:
        print(json.dumps(found))
    else:
        print(f"{found['files']} files: tests start after {found['start_seconds']} s; {found['builds']} builds")
    return 0 if found["within_bound"] else 1


if __name__ == "__main__":
    sys.exit(main())
