"""Sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.sizes import parse_size, show_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("4g", 4 << 30), ("4 GiB", 4 << 30), ("1.5k", 1536), ("100", 100), ("2MB", 2 << 20), ("1t", 1 << 40)],
)
def test_sizes_are_read_with_their_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "g", "-1g", "4x", "4 g g", "1e9"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a size is"):
        parse_size(text)


@given(st.integers(min_value=0, max_value=1 << 60))
def test_a_shown_size_reads_back_the_same(size: int) -> None:
    assert parse_size(show_size(size)) == size
