"""Verifications of the Java cases. Surefire of the distribution idles for ten seconds at the end of each run, so the
verifications of a module run beside each other and its tests look at what came out."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bot.repo_config import PATH, RepoConfig, parse
from bot.workshop_docker import plan_for
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import EnvironmentPlan, Limits, Proof
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, append

AT_ONCE = 5
LIMITS = replace(Limits(), memory_bytes=2 << 30, disk_bytes=1 << 30)


def plan_of(tree: GitTree) -> EnvironmentPlan:
    """What is detected, with what the case's own `.github/redgreen.yml` says: the distribution's packages, offline."""
    config = parse(tree.read(PATH))
    assert isinstance(config, RepoConfig), config
    plan = plan_for(tree, config)
    assert plan is not None
    return plan


def prove(engine: Engine, base: GitTree, patched: Mapping[str, GitTree], runs: Path) -> dict[str, Proof]:
    """One proof for each patched tree, by name; base's runs are made once and kept in `runs`."""
    cache, plan = RunCache(runs), plan_of(base)

    def one(name: str) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=base, patch=base.diff(patched[name]), plan=plan, limits=LIMITS)
        return verify(engine, request, cache=cache, progress=lambda _: None)

    # A patch of no file that is run makes base's runs, which the others then find.
    nothing = VerifyRequest(
        base_commit=COMMIT, base=base, patch=base.diff(append(base, PATH, "# more\n")), plan=plan, limits=LIMITS
    )
    verify(engine, nothing, cache=cache, progress=lambda _: None)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return dict(zip(patched, pool.map(one, patched), strict=True))
