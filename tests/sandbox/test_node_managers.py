"""The package managers of JavaScript in real containers: one workspace, installed by each from its own lock file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.buildpacks import node
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.tree import GitTree
from sandbox.types import Verified
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import CASES, COMMIT, append, case, edit, files_of

pytestmark = pytest.mark.docker

MANAGERS = {
    "npm": "package-lock.json",
    "pnpm": "pnpm",
    "yarn": "yarn 1",
    "berry": "yarn 4",
}
"""Directory of `tests/cases/node/workspace-locks` -> what the plan's evidence names."""
WITNESS = """
test('an is an article', () => {
  assert.deepStrictEqual(sorted(['An Idiot', 'Jude', 'Emma']), ['Emma', 'An Idiot', 'Jude']);
});
"""


def workspace(manager: str, scratch: Path) -> GitTree:
    return case("node/workspace", scratch).with_files(files_of(CASES / "node/workspace-locks" / manager))


@pytest.mark.parametrize(
    "manager", ["pnpm", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("npm", "yarn", "berry"))]
)
def test_a_fix_in_one_package_of_a_workspace_is_seen_by_the_tests_of_another(
    manager: str, engine: Engine, tmp_path: Path
) -> None:
    base = workspace(manager, tmp_path / "trees.git")
    plan = node.detect(base)
    assert plan is not None
    assert any(MANAGERS[manager] in sentence for sentence in plan.evidence), plan.evidence
    assert plan.runner == "node-test"
    fixed = edit(base, "packages/titles/index.js", "'a', 'the'", "'a', 'an', 'the'")
    patched = append(fixed, "packages/shelf/test/shelf.test.js", WITNESS)
    request = VerifyRequest(base_commit=COMMIT, base=base, patch=base.diff(patched), plan=plan)
    proof = verify(engine, request, cache=RunCache(tmp_path / "runs"), progress=lambda _: None)
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.verdict.evidence.fail_to_pass == ("packages/shelf/test/shelf.test.js::an is an article",)
    assert len(proof.verdict.evidence.pass_to_pass) == 4
