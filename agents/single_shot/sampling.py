"""From an answer to what it proposes: a new test file, or the changed files. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agents.models.sampler import Form
from agents.single_shot import edits
from agents.single_shot.edits import EditRefused
from agents.single_shot.habit import Habit
from agents.single_shot.journal import Answered
from agents.single_shot.languages import language_of
from agents.single_shot.localise import Region
from agents.single_shot.prompts import gap_of, head_of
from agents.single_shot.repomap import Definition, mistakes
from agents.single_shot.sources import Sources

MOST_TEST = 40_000
"""Characters of a new test file."""


def test_file(form: Form, answered: Answered, habit: Habit) -> str:
    """The new test file's text. Raises `EditRefused`."""
    if form is Form.CHAT:
        blocks = edits.fenced_blocks(answered.text)
        if not blocks:
            raise EditRefused("The answer holds no test file.")
        text = max(blocks, key=len)
    else:
        by_indent = habit.language.name == "python"
        text = edits.cut_function(habit.head, answered.text, by_indent=by_indent, ended=not answered.is_cut)
    if not text.strip() or len(text) > MOST_TEST:
        raise EditRefused("The test has no end, or is too long.")
    if mistakes(habit.path, text):
        raise EditRefused("The test does not parse.")
    return text


test_file.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever its name says to pytest


def patched(
    form: Form, answered: Answered, sources: Sources, target: Region, shown: Sequence[Definition]
) -> dict[str, str]:
    """The changed files' new texts. Raises `EditRefused`."""
    if form is Form.CHAT:
        return edits.apply(sources, edits.parse(answered.text), shown=shown)
    text = sources.files[target.path]
    if form is Form.INFILL:
        first, last = gap_of(target)
        new = edits.with_lines(text, first, last, _ended(answered, target))
    elif target.function is None:
        raise EditRefused("There is no function to write anew.")
    else:
        head = head_of(target, sources)
        language = language_of(target.path)
        by_indent = language is not None and language.name == "python"
        whole = edits.cut_function(head, answered.text, by_indent=by_indent, ended=not answered.is_cut)
        if not whole:
            raise EditRefused("The function has no end.")
        new = edits.with_function(text, target.function, whole)
    return edits.changed(sources.files, {target.path: new})


def _ended(answered: Answered, target: Region) -> str:
    """A gap's text; an answer that was cut off is not one."""
    if answered.is_cut:
        raise EditRefused("The gap's text has no end.")
    lines = answered.text.splitlines(keepends=True)
    if target.function is not None and lines and not lines[0].strip():
        lines = lines[1:]
    return "".join(lines)
