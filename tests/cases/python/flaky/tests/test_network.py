"""Twelve of the forty tests are red at random, each as often as its number says: as tests of a bad network are."""

import os

import pytest

from till.sums import total


@pytest.mark.parametrize("percent", [2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 97])
def test_prices_come_in_time(percent):
    assert total([1, 2]) == 3
    assert int.from_bytes(os.urandom(4), "big") % 100 >= percent
