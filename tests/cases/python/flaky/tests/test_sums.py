"""Stable tests."""

import pytest

from till.sums import change, discounted, total


@pytest.mark.parametrize("count", range(20))
def test_total(count):
    assert total([count] * 3) == 3 * count


@pytest.mark.parametrize("paid", range(10, 15))
def test_change(paid):
    assert change(paid, 10) == paid - 10


def test_not_enough():
    with pytest.raises(ValueError):
        change(1, 2)


def test_no_discount():
    assert discounted(100, 0) == 100


def test_whole_discount():
    assert discounted(100, 100) == 0
