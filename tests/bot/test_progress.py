"""What an evaluation tells while it works: lines of others made harmless, each event once, counts beside a bar."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from bot.progress import Count
from bot.terminal import Narrator


def test_without_a_terminal_each_event_is_a_line_with_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    with Count(3, Narrator(), lambda: "1 resolved") as count:
        count.say("building\n\x1b[2J an  image" + "x" * 400)
        count.finished(2, "a__b-1  [m]: resolved")
    told = capsys.readouterr()
    assert told.out == ""
    first, second = told.err.splitlines()
    assert "building \\x1b[2J an image" in first
    assert len(first) < 230
    assert second.endswith("[2/3] a__b-1  [m]: resolved".replace("  ", " "))


def test_on_a_terminal_there_is_a_bar_with_the_counts_and_no_control_of_others() -> None:
    code = (
        "from bot.progress import Count; from bot.terminal import Narrator\n"
        "with Count(3, Narrator(), lambda: '1 resolved') as count:\n"
        "    count.say('[bold]building'); count.finished(2, 'a__b-1 \\x1b]0;title\\x07 done')\n"
    )
    own, other = pty.openpty()
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=other, check=True)
    os.close(other)
    shown = os.read(own, 1 << 16).decode()
    os.close(own)
    assert done.stdout == b""
    assert "2/3" in shown
    assert "1 resolved" in shown
    assert "a__b-1 \\x1b]0;title\\x07 done" in shown
    assert "\x1b]0;" not in shown
