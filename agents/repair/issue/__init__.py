"""From an issue's text to expectations that can be tested. Pure: the text is parsed, nothing in it is executed."""

from __future__ import annotations

from agents.repair.issue.expectation import Expectation, Kind
from agents.repair.issue.reading import read_issue, traceback_lines

__all__ = ["Expectation", "Kind", "read_issue", "traceback_lines"]
