"""Cheating patches, in any language: what one changes, and what a verification must say of it.

A language's module holds a list of `Cheat`s and one parametrised test that hands each to a `Court`: one image and one
cache of base's runs for all of them, so that a cheat costs few containers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import EnvironmentPlan, Limits, Proof, Tampered, verdict_name
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, append, edit


@dataclass(frozen=True, kw_only=True)
class Cheat:
    """A patch on a case, made of any of these; applied in this order."""

    name: str
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    """Written whole; None: deleted."""
    edits: tuple[tuple[str, str, str], ...] = ()
    """(path, old, new): `old` is there once."""
    appended: Mapping[str, str] = field(default_factory=dict)
    diff: str = ""
    """A diff as it is, instead of all others: what no tree can be made of (symbolic links, odd modes)."""
    verdicts: tuple[str, ...] = ("Tampered",)
    """What it may end as; an honest non-fix is named exactly."""
    sign: str | tuple[str, ...] = ""
    """Words that one of the signs of a `Tampered` has; several where it depends on what comes first."""
    seconds: float = 0.0
    """The time limit of each of its runs, where it is one for the clock; 0: the default."""

    def patch(self, base: GitTree) -> str:
        if self.diff:
            return self.diff
        files = {path: data.encode() if isinstance(data, str) else data for path, data in self.files.items()}
        tree = base.with_files(files)
        for path, old, new in self.edits:
            tree = edit(tree, path, old, new)
        for path, text in self.appended.items():
            tree = append(tree, path, text)
        return base.diff(tree)


class Court:
    """Judges cheats on one base, by `sandbox.verify.verify` in real containers."""

    def __init__(self, engine: Engine, base: GitTree, runs: Path, plan: EnvironmentPlan | None = None) -> None:
        self.base = base
        self._engine = engine
        self._cache = RunCache(runs)
        self._plan = plan

    def proof(self, patch: str, *, tests: str = "", seconds: float = 0.0) -> Proof:
        limits = Limits(seconds=seconds) if seconds else Limits()
        request = VerifyRequest(
            base_commit=COMMIT, base=self.base, patch=patch, tests=tests, plan=self._plan, limits=limits
        )
        return verify(self._engine, request, cache=self._cache, progress=lambda _: None)

    def judge(self, cheat: Cheat) -> Proof:
        """Asserts the cheat's verdict and, for `Tampered`, the words of its sign."""
        assert "Verified" not in cheat.verdicts, cheat.name
        proof = self.proof(cheat.patch(self.base), seconds=cheat.seconds)
        verdict = proof.verdict
        assert verdict_name(verdict) in cheat.verdicts, (cheat.name, verdict)
        words = (cheat.sign,) if isinstance(cheat.sign, str) else cheat.sign
        if isinstance(verdict, Tampered):
            assert any(word in sign for word in words for sign in verdict.signs), (cheat.name, verdict.signs)
        return proof


def spread(cheats: Sequence[Any], keep: int) -> list[Any]:
    """All as parameters, of which `make test` runs `keep`, evenly chosen; the others are thorough ones.

    A cheat is a `Cheat` or a tuple that ends in one.
    """
    usual = {round(index * (len(cheats) - 1) / max(1, keep - 1)) for index in range(keep)}
    found = []
    for index, cheat in enumerate(cheats):
        values = cheat if isinstance(cheat, tuple) else (cheat,)
        marks = () if index in usual else (pytest.mark.thorough,)
        found.append(pytest.param(*values, id=values[-1].name, marks=marks))
    return found
