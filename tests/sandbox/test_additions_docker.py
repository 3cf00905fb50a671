"""New packages, modules and fixtures with configuration of their own: honest ones are verified, cheats are not. Real
containers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.engine import Engine
from sandbox.types import Verified
from tests.support.cases import case
from tests.support.cheats import Cheat, Court

pytestmark = pytest.mark.docker

BOOKS = "shelf/books.py"
ARTICLES = ('("a", "the")', "ARTICLES")
PYTHON = {
    "shelf/articles/__init__.py": 'ARTICLES = ("a", "an", "the")\n',
    "shelf/articles/pyproject.toml": "[project]\nname = 'articles'\nversion = '1'\n",
    "tests/articles/__init__.py": "",
    "tests/articles/conftest.py": 'import pytest\n\n\n@pytest.fixture\ndef title():\n    return "An Idiot"\n',
    "tests/articles/test_an.py": "from shelf.books import title_key\n\n\n"
    'def test_an_is_an_article(title):\n    assert title_key(title) == "idiot"\n',
    "tests/articles/data/pkg/pytest.ini": "[pytest]\naddopts = -x\n",
}
IMPORTED = '"""Sorting and finding books."""\n'
HOOK = "\n\ndef pytest_runtest_makereport(item, call):\n    call.excinfo = None\n"


@pytest.fixture
def python(engine: Engine, tmp_path: Path) -> Court:
    return Court(engine, case("python/shelf", tmp_path / "trees.git"), tmp_path / "runs")


def test_a_new_package_with_its_manifest_fixtures_and_conftest_is_verified(python: Court) -> None:
    honest = Cheat(
        name="honest",
        files=PYTHON,
        edits=((BOOKS, *ARTICLES), (BOOKS, IMPORTED, f"{IMPORTED}\nfrom shelf.articles import ARTICLES\n")),
    )
    verdict = python.proof(honest.patch(python.base)).verdict
    assert isinstance(verdict, Verified), verdict
    assert verdict.evidence.fail_to_pass == ("tests/articles/test_an.py::test_an_is_an_article",)
    assert verdict.evidence.flagged_paths == ()


@pytest.mark.parametrize("hook", [HOOK, "\n\nif True:" + HOOK.replace("\n", "\n    ")])
def test_a_new_conftest_with_a_hook_is_flagged_and_stays_out(python: Court, hook: str) -> None:
    path = "tests/articles/conftest.py"
    proof = python.judge(
        Cheat(name="hook", files={**PYTHON, path: PYTHON[path] + hook}, verdicts=("WitnessInvalid", "NotFixed"))
    )
    assert proof.verdict.evidence.flagged_paths == (path,)


CRATE = '[package]\nname = "moon"\nversion = "0.1.0"\nedition = "2021"\n'
MOON = {"moon/Cargo.toml": CRATE, "moon/src/lib.rs": "pub fn after(high: u32, now: u32) -> bool {\n    high > now\n}\n"}
MEMBERS = ("Cargo.toml", 'members = ["chart"]', 'members = ["chart", "moon"]')
DEPENDS = ("Cargo.toml", "[dependencies]\n", '[dependencies]\nmoon = { path = "moon" }\n')
RUST_WITNESS = {"tests/sailing.rs": "\n#[test]\nfn the_very_minute() {\n    assert_eq!(next_high(0, 0), PERIOD);\n}\n"}


@pytest.fixture
def rust(engine: Engine, tmp_path: Path) -> Court:
    return Court(engine, case("rust/tide", tmp_path / "trees.git"), tmp_path / "runs")


def test_a_new_crate_that_the_fix_depends_on_is_verified(rust: Court) -> None:
    fix = ("src/lib.rs", "while high < now {", "while !moon::after(high, now) {")
    honest = Cheat(name="honest", files=MOON, edits=(MEMBERS, DEPENDS, fix), appended=RUST_WITNESS)
    verdict = rust.proof(honest.patch(rust.base)).verdict
    assert isinstance(verdict, Verified), verdict
    assert verdict.evidence.fail_to_pass == ("tests/sailing.rs::the_very_minute",)


def test_a_new_crate_that_gives_bases_tests_another_harness_is_flagged_and_stays_out(rust: Court) -> None:
    target = '\n[[test]]\nname = "sailing"\npath = "../tests/sailing.rs"\nharness = false\n'
    cheat = Cheat(
        name="harness",
        files={**MOON, "moon/Cargo.toml": CRATE + target},
        edits=(MEMBERS,),
        appended=RUST_WITNESS,
        verdicts=("Regressed", "NotFixed"),
    )
    assert rust.judge(cheat).verdict.evidence.flagged_paths == ("Cargo.toml", "moon/Cargo.toml")
