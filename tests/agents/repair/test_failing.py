"""Which parts of a failed assertion held: what one assertion over several values hides."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from agents.repair.worker.failing import compared


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("not printable")


class OnceComparable:
    """Unequal to anything, and the second time not comparable."""

    asked = 0

    def __eq__(self, other: object) -> bool:
        self.asked += 1
        if self.asked > 1:
            raise RuntimeError("not comparable")
        return False

    __hash__ = None  # type: ignore[assignment]


class Plain:
    pass


def told(assertion: str, tmp_path: Path, **names: object) -> tuple[str, str]:
    """What held, and what was seen, in a test function with this statement."""
    path = tmp_path / "test_it.py"
    path.write_text(f"def test_it({', '.join(names)}):\n    {assertion}\n")
    code: CodeType = compile(path.read_text(), str(path), "exec")
    scope: dict[str, Callable[..., None]] = {}
    exec(code, scope)
    try:
        scope["test_it"](**names)
    except AssertionError as error:
        return compared(error)
    pytest.fail("it passed")


@pytest.mark.parametrize(
    ("assertion", "held"),
    [
        ("assert (1, 2) == (1, 3)", "10"),
        ("assert [[1, 2], 3] == [[0, 2], 3]", "011"),
        ("assert (1, 2) == (1, 2, 3)", "0"),
        ("assert {'a': 1, 'b': 2} == {'b': 2, 'a': 0}", "01"),
        ("assert {'a': 1} == {'a': 1, 'b': 2}", "10"),
        ("assert 'area 10' == 'area 12'", "10"),
        ("assert 1 == 1 and 2 == 3 and 4 < 5", "101"),
        ("assert x[0] == 2 and x[5] == 2", "00"),
        ("assert all(n == 2 for n in x)", "010"),
        ("assert not x", "0"),
        ("assert 3 in x and 9 in x", "10"),
        ("assert (\n        x\n        == [1, 0, 3]\n    ), 'a message'", "101"),
    ],
)
def test_the_parts_of_a_comparison_are_told_apart(assertion: str, held: str, tmp_path: Path) -> None:
    assert told(assertion, tmp_path, x=[1, 2, 3])[0] == held


def test_other_values_are_told_by_another_digest_and_addresses_are_none(tmp_path: Path) -> None:
    def seen(value: object) -> object:
        return told("assert x == 1", tmp_path, x=value)[1]

    assert seen(2) != seen(3)
    assert seen(2) == seen(2)
    assert seen(Plain()) == seen(Plain())


def test_a_value_that_cannot_be_shown_is_compared_all_the_same(tmp_path: Path) -> None:
    held, seen = told("assert x is None", tmp_path, x=Unprintable())
    assert held == "0"
    assert seen


def test_a_part_that_cannot_be_compared_again_did_not_hold(tmp_path: Path) -> None:
    assert told("assert 1 == 1 and x == 1", tmp_path, x=OnceComparable())[0] == "10"


def test_a_value_that_cannot_be_compared_again_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not comparable"):
        told("assert x == 1", tmp_path, x=OnceComparable())


def test_the_assertion_is_found_in_a_method_and_behind_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(
        'class TestIt:\n    def test_it(self):\n        text = """\nno indent\n"""\n'
        "        assert text\n        assert (text,\n                1) == (0, 1)\n\n\ndef test_b():\n    assert 1\n"
    )
    scope: dict[str, type] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    with pytest.raises(AssertionError) as caught:
        scope["TestIt"]().test_it()
    assert compared(caught.value)[0] == "01"


def test_an_assertion_that_unittest_makes_is_told_alike() -> None:
    with pytest.raises(AssertionError) as caught:
        unittest.TestCase().assertEqual([1, 2], [1, 3])  # noqa: PT009 - it is what is tested
    assert compared(caught.value)[0] == "10"


def test_what_stands_in_another_file_than_a_test_is_not_evaluated(tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    path.write_text("def check(x):\n    assert x == (1, 2)\n")
    scope: dict[str, Callable[..., None]] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    with pytest.raises(AssertionError) as caught:
        scope["check"]((1, 3))
    assert compared(caught.value) == ("", "")


def test_what_stands_in_a_file_that_candidates_change_is_not_evaluated_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "test_points.py"
    path.write_text("def test_point(x):\n    assert x == (1, 2)\n")
    scope: dict[str, Callable[..., None]] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    with pytest.raises(AssertionError) as caught:
        scope["test_point"]((1, 3))
    assert compared(caught.value, {str(path.resolve())}) == ("", "")
    assert compared(caught.value, {str(path.resolve().with_name("other.py"))})[0] == "10"
