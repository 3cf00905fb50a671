import unittest

import pytest


def test_passes():
    assert True


def test_prints_like_a_summary():
    print("PASSED tests/elsewhere.py::test_never")
    print("PASSED [100%]")


def test_fails():
    assert 1 == 2, "one - is not - two"


@pytest.mark.parametrize("value", ["plain", "a b", "a c", "/long/path/to", "//host/x", "/a/*", "x - y", "[nested]", "ü", ""])
def test_parametrised(value):
    assert value != "a c"


@pytest.mark.parametrize("value", [1, 2, 3], ids=["cut(one", "cut(two", "cut three"])
def test_all_pass(value):
    assert value


@pytest.mark.parametrize("value", [("tab\there",), ("line\nbreak",)], ids=repr)
def test_control(value):
    assert value


@pytest.mark.skip(reason="never")
def test_skipped_by_mark():
    assert False


def test_skipped_by_call():
    pytest.skip("not today")


@pytest.mark.xfail(reason="known - since long")
def test_xfails():
    assert False


@pytest.mark.xfail
def test_xfails_without_a_reason():
    assert False


@pytest.mark.xfail(run=False, reason="would crash")
def test_xfails_unrun():
    assert False


def test_xfails_by_call():
    pytest.xfail("as it turned out")


@pytest.mark.xfail(reason="thought so")
def test_xpasses():
    assert True


@pytest.mark.xfail(strict=True, reason="thought so")
def test_xpasses_strictly():
    assert True


@pytest.fixture
def breaks_before():
    raise ValueError("set-up - fails")


@pytest.fixture
def breaks_after():
    yield
    raise ValueError("tear-down fails")


@pytest.fixture
def skips_before():
    pytest.skip("nothing to work with")


def test_error_before(breaks_before):
    assert True


def test_error_after(breaks_after):
    assert True


def test_failure_and_error_after(breaks_after):
    assert False


def test_skipped_by_fixture(skips_before):
    assert True


class TestInClass:
    def test_method(self):
        assert True

    @pytest.mark.parametrize("value", ["one", "two words"])
    def test_parametrised(self, value):
        assert value == "one"


class Case(unittest.TestCase):
    def test_passes(self):
        """It has a docstring."""

    def test_fails(self):
        self.assertEqual(1, 2)

    @unittest.skip("no")
    def test_skipped(self):
        self.fail()

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    @unittest.expectedFailure
    def test_unexpected(self):
        pass


class BrokenClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("nothing works")

    def test_never(self):
        pass
