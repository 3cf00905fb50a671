"""What a sandbox must do, as checks that any engine can be held to (`redgreen doctor` and the tests run them).

A check takes a `Bench` over the engine's containers and raises `Broken` when a promise does not hold. Its name is the
promise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sandbox.selfcheck import channel, limits, results, walls
from sandbox.selfcheck.bench import Bench, Broken, Factory, Sandbox

Check = Callable[[Bench], None]

_ALL = (*walls.CHECKS, *channel.CHECKS, *limits.CHECKS, *results.CHECKS)
CHECKS: Mapping[str, Check] = {check.__name__: check for check in _ALL}

__all__ = ["CHECKS", "Bench", "Broken", "Check", "Factory", "Sandbox"]
