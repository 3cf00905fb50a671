"""How a build's optional steps are carried out: with an image's container in whose place a small index stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from sandbox.build import Build, BuildSettings
from sandbox.container import Container
from sandbox.dockerfile import Step
from sandbox.layout import VENV
from sandbox.types import ExecResult

PIP = (f"{VENV}/bin/python", "-m", "pip", "install", "--no-input")


class Index:
    """pip over an index in which some names are missing, some do not build, and some do not go together."""

    def __init__(self, *, missing: str = "", broken: str = "", at_odds: frozenset[str] = frozenset()) -> None:
        self._missing, self._broken, self._at_odds = missing, broken, at_odds
        self.asked: list[tuple[str, ...]] = []

    def run(
        self, argv: Sequence[str], *, timeout: float, cwd: str = "", env: Mapping[str, str] | None = None
    ) -> ExecResult:
        wanted = tuple(argv[len(PIP) :])
        self.asked.append(wanted)
        output = ""
        if self._missing in wanted:
            output = f"ERROR: No matching distribution found for {self._missing}\n"
        elif self._broken in wanted:
            output = f"  ERROR: Failed building wheel for {self._broken}\n"
        elif self._at_odds and self._at_odds <= set(wanted):
            output = "ERROR: ResolutionImpossible\n"
        return ExecResult(exit_code=1 if output else 0, output=output, seconds=0.1)


def notes(index: Index, *wanted: str) -> tuple[str, ...]:
    build = Build(cast(Container, index), BuildSettings(), lambda _: None)
    step = Step(argv=(*PIP, *wanted), optional=True, pieces=tuple((*PIP, one) for one in wanted))
    return build.steps((step,), {})


def test_what_goes_together_is_installed_at_once() -> None:
    index = Index()
    assert notes(index, "a", "b") == ()
    assert index.asked == [("a", "b")]


def test_what_pip_names_is_passed_over_and_the_rest_stays_together() -> None:
    index = Index(missing="b", broken="d")
    told = notes(index, "a", "b", "c", "d", "e")
    assert index.asked == [("a", "b", "c", "d", "e"), ("a", "c", "d", "e"), ("a", "c", "e")]
    assert [" b`" in note for note in told] == [True, False]
    assert " d`" in told[1]


def test_where_pip_names_nobody_each_is_tried_by_itself() -> None:
    index = Index(at_odds=frozenset({"a", "c"}), missing="b")
    assert len(notes(index, "a", "b", "c")) == 1
    assert index.asked == [("a", "b", "c"), ("a", "c"), ("a",), ("c",)]


@pytest.mark.parametrize("wanted", [("b",), ("b", "b2")])
def test_what_is_left_alone_is_told_when_it_fails(wanted: tuple[str, ...]) -> None:
    index = Index(missing="b")
    told = notes(index, *wanted)
    assert len(told) == 1
    assert "was passed over" in told[0]
