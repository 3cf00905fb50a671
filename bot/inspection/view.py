"""A run in a terminal: steps one by one, and what they came to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, assert_never

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text as Styled

from agents.types import Ending, Message, Part, Reasoning, Role, Step, Text, ToolCall, ToolResult
from bot.inspection.figures import Totals, heading, measures, step_change
from bot.inspection.sources import Judgement, Run
from bot.inspection.words import cut, line
from bot.terminal import key_values

OPENING_LINES = 6
"""Of what the model was told before it first answered."""
DIFF_LINES = 60
_GOOD = (Ending.SUBMITTED,)


def print_heading(console: Console, run: Run) -> None:
    console.print(key_values([(label, line(value)) for label, value in heading(run.trajectory)]))


def print_step(console: Console, step: Step, before: str, *, full: bool) -> None:
    """`before`: the working tree's diff as the step found it."""
    console.print(Rule(Styled(f"step {step.index + 1}", style="bold"), align="left", style="dim"))
    console.print(Styled(measures(Totals.of([step])), style="dim"))
    for piece in _pieces(step, full=full):
        console.print(piece)
    if change := step_change(before, step.diff):
        console.print(Styled("change of the working tree", style="dim"))
        console.print(_indented(_diff(change, full=full)))


def print_end(console: Console, run: Run, *, going_on: bool = False) -> None:
    """The sums over all steps, how it ended, and the verdict."""
    trajectory = run.trajectory
    totals = Totals.of(trajectory.steps)
    console.print(Rule(style="dim"))
    rows = [("steps", str(totals.steps)), ("in sum", measures(totals))]
    if totals.usage.cache_write_tokens:
        rows.append(("written to the cache", f"{totals.usage.cache_write_tokens:,} tokens"))
    if trajectory.summary:
        rows.append(("in the model's words", cut(trajectory.summary, lines=OPENING_LINES)))
    rows += [("note", line(note, 400)) for note in run.notes]
    console.print(key_values(rows))
    console.print(_end(run, going_on=going_on))
    if run.judgement is not None:
        console.print(_verdict(run.judgement))


def _end(run: Run, *, going_on: bool) -> Styled:
    trajectory = run.trajectory
    if trajectory.ending is not None:
        shown = Styled(f"ended: {str(trajectory.ending).replace('_', ' ')}", style="bold")
        shown.append(f"  {line(trajectory.reason, 400)}", style="not bold")
        shown.stylize("green" if trajectory.ending in _GOOD else "yellow")
        return shown
    if going_on or not run.over:
        return Styled("it goes on", style="bold cyan")
    return Styled("its file does not say how it ended", style="yellow")


def _verdict(judged: Judgement) -> RenderableType:
    title = Styled(f"verdict: {line(judged.name)}", style="bold green" if judged.good else "bold red")
    lines = [Styled(f"  {line(each, 300)}") for each in judged.lines[:20]]
    if len(judged.lines) > 20:
        lines.append(Styled(f"  … and {len(judged.lines) - 20} more"))
    return Group(title, *lines)


# --- a step's pieces ---------------------------------------------------------------------------------------------


def _pieces(step: Step, *, full: bool) -> Iterator[RenderableType]:
    if not step.messages:
        yield _indented(Styled(cut(step.note or "(nothing was noted)", full=full)))
    names = {call.id: call.name for message in step.messages for call in message.tool_calls}
    for message in step.messages:
        yield from _message(message, names, full=full)


def _message(message: Message, names: dict[str, str], *, full: bool) -> Iterator[RenderableType]:
    spoken = message.role is Role.ASSISTANT
    if message.role is Role.SYSTEM:
        yield Styled("system", style="bold magenta")
    elif not spoken and any(isinstance(part, Text) for part in message.parts):
        yield Styled("told", style="bold magenta")
    for part in message.parts:
        yield _indented(_part(part, names, spoken=spoken, full=full))


def _part(part: Part, names: dict[str, str], *, spoken: bool, full: bool) -> RenderableType:
    match part:
        case Text():
            return Styled(cut(part.text, full=full) if spoken else cut(part.text, full=full, lines=OPENING_LINES))
        case Reasoning():
            return Styled(cut(part.text or "(thinking that only its vendor can read)", full=full), style="dim italic")
        case ToolCall():
            return _call(part, full=full)
        case ToolResult():
            head = Styled(f"← {line(names.get(part.call_id, part.call_id))}", style="red" if part.is_error else "cyan")
            return Group(head, _indented(Styled(cut(part.text, full=full), style="red" if part.is_error else "")))
        case _:
            assert_never(part)


def _call(call: ToolCall, *, full: bool) -> RenderableType:
    head = Styled(f"→ {line(call.name)}", style="bold blue")
    values = [_argument(name, value, full=full) for name, value in call.arguments.items()]
    wrong = [_indented(Styled(cut(call.problem, full=full), style="red"))] if call.problem else []
    return Group(head, *values, *wrong)


def _argument(name: str, value: Any, *, full: bool) -> RenderableType:
    text = value if isinstance(value, str) else json.dumps(value)
    shown = cut(text, full=full)
    if "\n" not in shown:
        return _indented(Styled.assemble((f"{line(name)}: ", "dim"), shown))
    return Group(_indented(Styled(f"{line(name)}:", style="dim")), _indented(_indented(Styled(shown))))


def _diff(change: str, *, full: bool) -> RenderableType:
    shown = cut(change, full=full, lines=DIFF_LINES)
    return Syntax(shown, "diff", theme="ansi_dark", background_color="default", word_wrap=True)


def _indented(shown: RenderableType) -> RenderableType:
    return Padding(shown, (0, 0, 0, 2))


def before_each(steps: Sequence[Step]) -> Iterator[tuple[Step, str]]:
    """Each step with the working tree's diff that it found."""
    before = ""
    for step in steps:
        yield step, before
        before = step.diff
