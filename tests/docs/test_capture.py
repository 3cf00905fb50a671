"""The picture of the demo: what a terminal showed last, nothing fetched from elsewhere, the same bytes each time."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from capture_demo import GAP, chosen, render, settled, story


def test_a_rewritten_line_shows_its_last_text() -> None:
    assert settled("working 1\rworking 2\rdone\r\n\x1b[2Knext\x1b[1A\n") == ["done", "next", ""]


def test_colours_survive_and_cursor_movements_do_not() -> None:
    assert settled("\x1b[?25l\x1b[32mgreen\x1b[0m") == ["\x1b[32mgreen\x1b[0m"]


@pytest.mark.parametrize(("span", "kept"), [(":", "abc"), ("2:", "bc"), (":2", "ab"), ("2:2", "b")])
def test_lines_are_chosen_from_one_and_inclusive(span: str, kept: str) -> None:
    assert "".join(chosen(list("abc"), span)) == kept


def test_the_picture_is_xml_that_fetches_nothing_and_is_the_same_each_time() -> None:
    lines = settled("\x1b[31mred\x1b[0m & <b>\n\x1b[32mgreen\x1b[0m")
    picture = render(lines)
    ElementTree.fromstring(picture)
    assert "url(http" not in picture
    assert picture == render(lines)
    assert "&lt;b&gt;" in picture


def test_the_picture_shows_the_main_parts_with_marks_where_lines_are_left_out() -> None:
    every = ["start", "mara puts the label on", "Verified", "What was run", "x", "╭─ The patch", "+1"]
    every += ["mara opens pull request #3", "y", "the check run on it says failure", "4 red", "What was run", "end"]
    shown = [GAP, "mara puts the label on", "Verified", GAP, "╭─ The patch", "+1"]
    shown += [GAP, "the check run on it says failure", "4 red", GAP]
    assert story(every) == shown
    assert story(["another", "output"]) == ["another", "output"]
