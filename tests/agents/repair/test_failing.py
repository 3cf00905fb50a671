"""Which parts of a failed assertion held: what one assertion over several values hides."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from agents.repair.worker.failing import fault


class Odd:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")

    def __repr__(self) -> str:
        raise RuntimeError("not printable")

    __hash__ = None  # type: ignore[assignment]


class Plain:
    pass


def told(assertion: str, tmp_path: Path, **names: object) -> dict[str, object]:
    """The fault of a test function with this statement."""
    path = tmp_path / "test_it.py"
    path.write_text(f"def test_it({', '.join(names)}):\n    {assertion}\n")
    code: CodeType = compile(path.read_text(), str(path), "exec")
    scope: dict[str, Callable[..., None]] = {}
    exec(code, scope)
    try:
        scope["test_it"](**names)
    except AssertionError as error:
        return fault(error, again=True)
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
    assert told(assertion, tmp_path, x=[1, 2, 3])["held"] == held


def test_other_values_are_told_by_another_digest_and_addresses_are_none(tmp_path: Path) -> None:
    def seen(value: object) -> object:
        return told("assert x == 1", tmp_path, x=value)["seen"]

    assert seen(2) != seen(3)
    assert seen(2) == seen(2)
    assert seen(Plain()) == seen(Plain())


@pytest.mark.parametrize("assertion", ["assert x == x and False", "assert (x,) == (1,) and x"])
def test_values_that_cannot_be_compared_or_shown_cost_no_more_than_the_word_on_them(
    assertion: str, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError):
        told(assertion, tmp_path, x=Odd())
    assert told("assert False, x.__class__", tmp_path, x=Odd())["kind"] == "AssertionError"


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
    assert fault(caught.value, again=True)["held"] == "01"


def test_an_assertion_that_unittest_makes_is_told_alike() -> None:
    with pytest.raises(AssertionError) as caught:
        unittest.TestCase().assertEqual([1, 2], [1, 3])  # noqa: PT009 - it is what is tested
    assert fault(caught.value, again=True)["held"] == "10"
    assert "held" not in fault(caught.value, again=False)


def test_what_stands_in_another_file_than_a_test_is_not_evaluated(tmp_path: Path) -> None:
    path = tmp_path / "source.py"
    path.write_text("def check(x):\n    assert x == (1, 2)\n")
    scope: dict[str, Callable[..., None]] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    with pytest.raises(AssertionError) as caught:
        scope["check"]((1, 3))
    assert fault(caught.value, again=True)["held"] == ""
