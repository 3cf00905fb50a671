"""What a person sees in the terminal: progress on standard error, results on standard output.

Test names, files, a build's output and reports of others stand among it, so all text goes through `harmless`.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agents.types import Attempt
from bot.inspection.words import harmless
from bot.report import dollars, why
from sandbox.types import Proof, Verified, verdict_name

SHOWN_TESTS = 12


class Narrator:
    """A `Progress` for people: one line an event with the time since the start, on standard error."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._start = time.monotonic()
        self._quiet = quiet

    def __call__(self, line: str) -> None:
        if not self._quiet:
            elapsed = time.monotonic() - self._start
            self._console.print(f"[dim]{elapsed:6.1f} s[/]  {escape(harmless(line))}", soft_wrap=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start


def standard_output() -> Console:
    """For results. Text is never treated as markup unless it is ours."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def heading(text: str) -> Text:
    return Text(text, style="bold")


def diff_panel(diff: str, title: str = "The patch") -> Panel:
    shown = Syntax(
        harmless(diff).rstrip() or "(empty)", "diff", theme="ansi_dark", background_color="default", word_wrap=True
    )
    return Panel(shown, title=title, title_align="left", border_style="dim")


def verdict_panel(proof: Proof, attempt: Attempt | None = None) -> Panel:
    """The verdict with each FAIL_TO_PASS test, the counts, and what it cost."""
    verified = isinstance(proof.verdict, Verified)
    return Panel(
        Group(_verdict_table(proof, attempt)),
        title=Text(verdict_name(proof.verdict), style="bold green" if verified else "bold red"),
        title_align="left",
        border_style="green" if verified else "red",
    )


def key_values(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(harmless(value)))
    return table


def plain_table(columns: list[str], rows: list[list[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    return table


def print_json(data: Any) -> None:
    Console(highlight=False, soft_wrap=True).print_json(data=data, ensure_ascii=True)


def _verdict_table(proof: Proof, attempt: Attempt | None) -> Table:
    evidence = proof.verdict.evidence
    rows: list[tuple[str, str]] = [("why", line) for line in _some(why(proof.verdict))]
    rows += [("FAIL_TO_PASS", test) for test in _some(evidence.fail_to_pass)]
    rows.append(("PASS_TO_PASS", f"{len(evidence.pass_to_pass)} tests stayed green"))
    if evidence.flaky:
        rows.append(("flaky, not counted", ", ".join(_some(evidence.flaky))))
    rows += [("hangs on base, not counted", f"{red.id}: {red.why}") for red in evidence.hanging[:SHOWN_TESTS]]
    if evidence.ignored_test_edits:
        rows.append(("edits that do not count", ", ".join(evidence.ignored_test_edits)))
    if evidence.flagged_paths:
        rows.append(("base's version used", ", ".join(evidence.flagged_paths)))
    rows += [("look at this", sign) for sign in _some(evidence.signs)]
    if evidence.exit_code_only:
        rows.append(("evidence", "a command's exit code only: what failed, and whether any test ran, is unknown"))
    if evidence.selection:
        rows.append(("selection", evidence.selection))
    if evidence.division:
        rows.append(("in parts", evidence.division))
    if attempt is not None:
        rows.append(("model", f"{attempt.model} ({attempt.strategy}), {attempt.steps} steps"))
        rows.append(("cost", dollars(attempt.cost_usd)))
    rows.append(("runs", f"{len(proof.runs)} in fresh containers, {proof.seconds:.1f} s"))
    return key_values(rows)


def _some(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(items) <= SHOWN_TESTS:
        return tuple(items)
    return (*items[:SHOWN_TESTS], f"... and {len(items) - SHOWN_TESTS} more")
