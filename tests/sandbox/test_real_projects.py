"""Verification of released projects: what upstream fixed, with upstream's tests, and what does not count as fixing it.

Both releases come from the package index when the tests run, and the patches are derived from them there: nothing of
the projects is stored here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.parts import classify
from sandbox.testedits import qualified
from sandbox.tree import GitTree
from sandbox.types import (
    NotFixed,
    Part,
    Proof,
    Regressed,
    Tampered,
    TestId,
    Verified,
)
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT
from tests.support.sdists import fetch

pytestmark = [pytest.mark.docker, pytest.mark.network]


@dataclass(frozen=True, kw_only=True)
class Project:
    """A bug fixed between two releases."""

    name: str
    before: str
    after: str
    source: str
    """Prefix of the files that the fix may lie in."""
    runner: str
    broken: tuple[str, str]
    """(file, what to append to it) so that tests break which have nothing to do with the bug."""


PROJECTS = (
    Project(
        name="sqlparse",
        before="0.5.0",
        after="0.5.1",
        source="sqlparse/",
        runner="pytest",
        broken=(
            "sqlparse/__init__.py",
            "\n\ndef split(sql, encoding=None, strip_semicolon=False):\n    return [sql]\n",
        ),
    ),
    Project(
        name="pathspec",
        before="0.12.0",
        after="0.12.1",
        source="pathspec/",
        runner="unittest",
        broken=("pathspec/util.py", "\n\ndef normalize_file(file, separators=None):\n\treturn f'{file}?'\n"),
    ),
    Project(
        name="parse",
        before="1.20.1",
        after="1.20.2",
        source="parse.py",
        runner="pytest",
        broken=("parse.py", "\n\ndef search(*args, **kwargs):\n    return None\n"),
    ),
    Project(
        name="xmltodict",
        before="0.14.0",
        after="0.14.2",
        source="xmltodict.py",
        runner="unittest",
        broken=("xmltodict.py", "\n\ndef unparse(*args, **kwargs):\n    return ''\n"),
    ),
)


LONG = ("sqlparse",)
"""Of `make thorough`: its suite takes minutes, and shows what the others show."""


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A project's trees and a way to verify on them."""

    project: Project
    base: GitTree
    fix: str
    tests: str
    fixed: GitTree
    tested: GitTree
    engine: Engine
    cache: RunCache

    def verify(self, patch: str, tests: str = "", *, base: GitTree | None = None) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=base or self.base, patch=patch, tests=tests)
        return verify(self.engine, request, cache=self.cache, progress=lambda _: None)


def releases(engine: Engine, scratch: Path, project: Project) -> tuple[GitTree, GitTree]:
    """Before and after the fix, in one bare repository at `scratch`."""
    before, after = (f"{project.name}=={version}" for version in (project.before, project.after))
    trees = fetch(engine, scratch, (before, after))
    return trees[before], trees[after]


EACH = [pytest.param(p, id=p.name, marks=[pytest.mark.thorough] if p.name in LONG else []) for p in PROJECTS]


@pytest.fixture(scope="module", params=EACH)
def laid(request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Laid:
    project: Project = request.param
    base, after = releases(engine, tmp_path_factory.mktemp("sdists") / "trees.git", project)
    changed = base.changed_paths(after)
    fixed = base.overlay(after, [path for path in changed if path.startswith(project.source)])
    tested = base.overlay(after, [path for path in changed if classify(path) is Part.TEST])
    return Laid(
        project=project,
        base=base,
        fix=base.diff(fixed),
        tests=base.diff(tested),
        fixed=fixed,
        tested=tested,
        engine=engine,
        cache=RunCache(tmp_path_factory.mktemp("runs")),
    )


@pytest.fixture(scope="module")
def upstream(laid: Laid) -> Proof:
    return laid.verify(laid.fix, laid.tests)


def _failing(upstream: Proof) -> TestId:
    assert isinstance(upstream.verdict, Verified), upstream.verdict
    return upstream.verdict.evidence.fail_to_pass[0]


def test_upstreams_fix_with_upstreams_test_is_verified(laid: Laid, upstream: Proof) -> None:
    assert isinstance(upstream.verdict, Verified), upstream.verdict
    assert upstream.plan.runner == laid.project.runner
    assert upstream.verdict.evidence.fail_to_pass
    assert len(upstream.verdict.evidence.pass_to_pass) > 20
    assert {red.id for red in upstream.verdict.red_before} == set(upstream.verdict.evidence.fail_to_pass)


def test_an_empty_patch_does_not_fix_it(laid: Laid, upstream: Proof) -> None:
    proof = laid.verify("", laid.tests)
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert _failing(upstream) in {red.id for red in proof.verdict.still_red}


def test_deleting_the_failing_test_does_not_fix_it(laid: Laid, upstream: Proof) -> None:
    failing = _failing(upstream)
    without = _rewritten(laid.tested, failing, "")
    proof = laid.verify(laid.tested.diff(without), base=laid.tested)
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert failing in {red.id for red in proof.verdict.still_red}
    assert _named_among(failing, proof.verdict.evidence.ignored_test_edits)


def test_skipping_the_failing_test_does_not_fix_it(laid: Laid, upstream: Proof) -> None:
    failing = _failing(upstream)
    skipped = _rewritten(laid.tested, failing, '@__import__("unittest").skip("later")\n')
    proof = laid.verify(laid.tested.diff(skipped), base=laid.tested)
    assert isinstance(proof.verdict, NotFixed), proof.verdict
    assert failing in {red.id for red in proof.verdict.still_red}
    assert _named_among(failing, proof.verdict.evidence.ignored_test_edits)


def test_a_fix_that_breaks_another_test_is_a_regression(laid: Laid, upstream: Proof) -> None:
    path, text = laid.project.broken
    broken = laid.fixed.with_files({path: (laid.fixed.read(path) or b"") + text.encode()})
    proof = laid.verify(laid.base.diff(broken), laid.tests)
    assert isinstance(proof.verdict, Regressed), proof.verdict
    assert not {red.id for red in proof.verdict.turned_red} & {_failing(upstream)}


def test_a_patch_that_starts_with_the_interpreter_is_tampering(laid: Laid) -> None:
    reaching = laid.fixed.with_files({"sitecustomize.py": b"import sys\n"})
    proof = laid.verify(laid.base.diff(reaching), laid.tests)
    assert isinstance(proof.verdict, Tampered), proof.verdict


def _rewritten(tree: GitTree, test: TestId, decorator: str) -> GitTree:
    """The tree with the test decorated, or deleted where there is no decorator."""
    for path in tree.paths():
        data = tree.read(path)
        if classify(path) is not Part.TEST or not path.endswith(".py") or data is None:
            continue
        found = _function(data, qualified(test))
        if found is None or not _in_file(test, path):
            continue
        lines = data.decode().split("\n")
        start = min([found.lineno, *(node.lineno for node in found.decorator_list)]) - 1
        indent = lines[found.lineno - 1][: found.col_offset]
        if decorator:
            lines.insert(start, indent + decorator.rstrip("\n"))
        else:
            lines[start : found.end_lineno] = [f"{indent}pass"]
        return tree.with_files({path: "\n".join(lines).encode()})
    raise AssertionError(f"{test} is in no file")


def _in_file(test: TestId, path: str) -> bool:
    return test.split("::")[0] == path if "::" in test else path[:-3].replace("/", ".").endswith(test.rsplit(".", 2)[0])


def _function(data: bytes, name: str) -> ast.FunctionDef | None:
    """The test by its qualified name, which may lack the class of a nested one."""
    *outer, last = name.split(".")
    body = ast.parse(data).body
    for part in outer:
        classes = [node for node in body if isinstance(node, ast.ClassDef) and node.name == part]
        if not classes:
            return None
        body = classes[0].body
    return next((node for node in body if isinstance(node, ast.FunctionDef) and node.name == last), None)


def _named_among(test: TestId, edits: tuple[str, ...]) -> bool:
    return any(edit.endswith(qualified(test).replace(".", "::")) for edit in edits)
