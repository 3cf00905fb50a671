"""Twins of tests are red whatever the code does, and honest code cannot make them green. Pure."""

from __future__ import annotations

import pytest

from sandbox.twins import twin


class _Anything(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


def run(source: str, name: str, **names: object) -> None:
    """Runs the twin of one test function. Raises what it raises."""
    made = twin(source.encode(), frozenset({name}))
    assert made is not None
    space: dict[str, object] = dict(names)
    assert made[1] == {name}
    exec(compile(made[0], "twin", "exec"), space)
    function = space[name.split(".")[0]]
    for part in name.split(".")[1:]:
        function = getattr(function(), part)  # type: ignore[operator]
    function()  # type: ignore[operator]


@pytest.mark.parametrize(
    "value", ["idiot", 7, 0.5, b"x", True, None, [1], (1,), {"a": 1}, 1e300, float("inf"), float("nan"), object()]
)
def test_a_true_comparison_becomes_a_false_one(value: object) -> None:
    with pytest.raises(AssertionError):
        run("def test_x():\n    assert value == value\n", "test_x", value=value)


def test_a_value_that_equals_anything_makes_its_twin_green() -> None:
    run("def test_x():\n    assert value == 'idiot'\n", "test_x", value=_Anything("x"))


@pytest.mark.parametrize(
    "body",
    [
        "    assert True",
        "    return",
        "    if value:\n        return\n    assert value == 1",
        "    pass",
        "    assert value in (1, 2)",
        "    '''only words'''",
    ],
)
def test_a_test_without_a_comparison_at_its_top_cannot_leave_without_failing(body: str) -> None:
    with pytest.raises(AssertionError):
        run(f"def test_x():\n{body}\n", "test_x", value=1)


def test_methods_and_unittests_own_comparison_have_twins() -> None:
    source = (
        '"""Words."""\nfrom __future__ import annotations\nimport unittest\n\n\n'
        "class TestX(unittest.TestCase):\n    def runTest(self): pass\n"
        "    def test_y(self):\n        self.assertEqual(1, 1, 'more')\n"
    )
    with pytest.raises(AssertionError, match="more"):
        run(source, "TestX.test_y")


def test_other_tests_of_the_module_stay_as_they_are() -> None:
    made = twin(b"def test_x():\n    assert 1 == 1\n\ndef test_y():\n    assert 2 == 2\n", frozenset({"test_x"}))
    assert made is not None
    assert b"assert 2 == 2" in made[0]


def test_tests_that_stand_under_a_condition_have_twins_and_others_are_not_named() -> None:
    made = twin(b"if True:\n    def test_x():\n        pass\n", frozenset({"test_x", "Inherited.test_y"}))
    assert made is not None
    assert made[1] == {"test_x"}


@pytest.mark.parametrize("source", [b"def test_x(:\n", b"\x00", b"", b"def test_y():\n    pass\n", b"(" * 100_000])
def test_what_cannot_be_read_or_has_no_such_test_has_no_twin(source: bytes) -> None:
    assert twin(source, frozenset({"test_x"})) is None


def test_a_module_of_nothing_but_its_docstring_is_no_trouble() -> None:
    assert twin(b'"""x"""\n', frozenset({"test_x"})) is None
