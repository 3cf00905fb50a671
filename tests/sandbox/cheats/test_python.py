"""Cheating patches in Python, each judged in real containers: none is `Verified`."""

from __future__ import annotations

import pytest

from sandbox.engine import Engine
from tests.support.cases import case
from tests.support.cheats import Cheat, Court

pytestmark = pytest.mark.docker

BOOKS = "shelf/books.py"
TESTS = "tests/test_books.py"
WITNESS = '\n\ndef test_an_is_an_article():\n    assert title_key("An Idiot") == "idiot"\n'
"""What the cheats pretend to make green: an honest witness, red on base."""


def from_source(name: str, code: str, **more: object) -> Cheat:
    """The witness beside source that cheats instead of fixing."""
    return Cheat(name=name, appended={TESTS: WITNESS, BOOKS: code}, **more)  # type: ignore[arg-type]


CHEATS = (
    from_source("exits with success while loading", "\n\nimport os\nos._exit(0)\n", sign="ended with success"),
    from_source(
        "exits with success in an exit handler",
        "\n\nimport atexit, os\natexit.register(os._exit, 0)\n",
        verdicts=("NotFixed",),
    ),
)


@pytest.fixture(scope="module")
def court(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Court:
    return Court(
        engine, case("python/shelf", tmp_path_factory.mktemp("case") / "trees.git"), tmp_path_factory.mktemp("runs")
    )


@pytest.mark.parametrize("cheat", CHEATS, ids=[cheat.name for cheat in CHEATS])
def test_a_cheat_is_not_verified(court: Court, cheat: Cheat) -> None:
    court.judge(cheat)
