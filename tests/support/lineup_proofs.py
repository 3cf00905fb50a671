"""Proofs for the lineup's patches, by the sandbox itself: each text is judged once, and base is run once for all."""

from __future__ import annotations

from pathlib import Path

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.proof import sha256_of
from sandbox.tree import GitTree, create
from sandbox.types import CommitSha, EnvironmentPlan, Limits, Proof
from sandbox.verify import VerifyRequest, verify
from tests.support import player

PLAN = EnvironmentPlan(language="python", runner="unittest", base="redgreen-base")
LIMITS = Limits(memory_bytes=512 << 20, disk_bytes=64 << 20)


class Proofs:
    """A patch is known by the digest of its text: rows that wrote the same one share its proof."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine = engine
        self._cache = RunCache(directory / "runs")
        self._proofs: dict[str, Proof] = {}
        files = {path: text.encode() for path, text in player.FILES.items()}
        self.base = GitTree.of_files(create(directory / "base.git"), files)

    def of(self, patch: str) -> Proof:
        digest = sha256_of(patch)
        if digest not in self._proofs:
            request = VerifyRequest(
                base_commit=CommitSha("0" * 40), base=self.base, plan=PLAN, patch=patch, limits=LIMITS,
                budget_seconds=120,
            )  # fmt: skip
            self._proofs[digest] = verify(self._engine, request, cache=self._cache, progress=lambda _: None)
        return self._proofs[digest]
