"""A file keeps its line ends, whatever they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.repair.endings import plain, restored


@pytest.mark.parametrize(
    ("raw", "text", "expected"),
    [
        ("a\nb\n", "a\nc\n", "a\nc\n"),
        ("a\r\nb\r\n", "a\nc\n", "a\r\nc\r\n"),
        ("a\r\nb\r\nc", "a\nx\ny\nc", "a\r\nx\r\ny\r\nc"),
        ("a\r\nb", "a\nc", "a\r\nc"),
        ("a\nb\nc\r\nd\n", "a\nx\nc\nd\n", "a\nx\nc\r\nd\n"),
        ("a\r\nb\r\n", "a\n", "a\r\n"),
    ],
)
def test_changed_lines_end_as_most_and_the_others_as_before(raw: str, text: str, expected: str) -> None:
    assert restored(raw, text) == expected


@given(st.text("ab\r\n", max_size=12))
def test_an_unchanged_text_comes_back_byte_by_byte(raw: str) -> None:
    text = plain(raw)
    if text is not None:
        assert restored(raw, text) == raw
        assert "\r" not in text


def test_a_carriage_return_within_a_line_is_left_to_others() -> None:
    assert plain("a\rb\n") is None
