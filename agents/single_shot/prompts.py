"""What `single_shot` asks: each kind of question in each form an endpoint speaks, as large as a shape says. Pure but
for reading the package's templates.

`PROMPT_VERSION` changes with every change of a template: results of two versions are never counted together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from agents.models.sampler import Form, Prompt
from agents.prompts.conventions import conventions
from agents.prompts.untrusted import fenced
from agents.prompts.visible import visible
from agents.single_shot.fitting import Shape, window_of
from agents.single_shot.habit import Habit
from agents.single_shot.languages import Language, language_of
from agents.single_shot.localise import Region
from agents.single_shot.repomap import outline
from agents.single_shot.sources import Sources, lines_of
from agents.types import Task
from sandbox.types import RepoView

PROMPT_VERSION = "single_shot-3"
FILES_MAPPED = 6
LEAST_FOR_CONVENTIONS = 8_192
"""Tokens of a window. In a smaller one every line of them would be one of code less."""
INFILL_LINES = 160
"""At most before and behind a gap."""
FIRST_TEMPERATURE = 0.2
LATER_TEMPERATURE = 0.8


@dataclass(frozen=True, kw_only=True)
class Material:
    """What there is to show."""

    task: Task
    sources: Sources
    regions: Sequence[Region]
    """The likeliest first."""
    evidence: str = ""
    """Red tests and their reasons; untrusted."""
    conventions: str = ""
    """As `told_conventions` made them."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    path: str
    language: str
    text: str


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("agents", "single_shot/templates"),
        undefined=StrictUndefined,
        autoescape=False,  # plain text for a model, no HTML; untrusted text is fenced or commented
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    made.filters["fence"] = fence
    return made


def fence(text: str) -> str:
    """A fence that the text cannot close: longer than any of its runs of backticks."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def _rendered(template: str, **values: object) -> str:
    return _templates().get_template(template).render(**values)


def told_conventions(base: RepoView, window: int) -> str:
    """What the base branch says about how work is done, fenced, at most a thirty-second of the window; "" for none."""
    return conventions(base, tokens=window // 64) if window >= LEAST_FOR_CONVENTIONS else ""


# --- chats -------------------------------------------------------------------------------------------------------


def patch_chat(material: Material, shape: Shape) -> Prompt:
    evidence = fenced("tests", material.evidence[: shape.evidence]) if material.evidence and shape.evidence else ""
    text = _rendered(
        "patch.j2",
        issue=_issue(material.task, shape),
        evidence=evidence,
        map="\n".join(_map(material, shape)),
        places=_places(material, shape),
        conventions=material.conventions if shape.conventions else "",
    )
    return Prompt(form=Form.CHAT, system=_rendered("system.j2"), text=text)


def test_chat(material: Material, habit: Habit, shape: Shape) -> Prompt:
    text = _rendered(
        "test.j2",
        issue=_issue(material.task, shape),
        places=_places(material, shape),
        path=habit.path,
        language=habit.language.name,
        example_path=habit.example_path,
        example=_head(habit.example, shape.example),
        conventions=material.conventions if shape.conventions else "",
    )
    return Prompt(form=Form.CHAT, system=_rendered("system.j2"), text=text)


test_chat.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever its name says to pytest


# --- documents to continue ---------------------------------------------------------------------------------------


def patch_document(material: Material, target: Region, shape: Shape, *, number: int) -> Prompt:
    """A document that goes on with the target, written anew; its function's head is given."""
    language = _language(target)
    others = [place for place in _places(material, shape) if place.path != target.path][: max(0, shape.places - 1)]
    text = _rendered(
        "patch_document.j2",
        issue=_commented(material.task, shape, language),
        comment=language.comment,
        others=others,
        path=target.path,
        before=target.text(material.sources).rstrip("\n"),
        head=head_of(target, material.sources),
    )
    return Prompt(form=Form.COMPLETION, text=text, stop=_stops(language), temperature=_temperature(number))


def test_document(material: Material, habit: Habit, shape: Shape, *, number: int) -> Prompt:
    text = _rendered(
        "test_document.j2",
        issue=_commented(material.task, shape, habit.language),
        comment=habit.language.comment,
        places=_places(material, shape),
        path=habit.path,
        example_path=habit.example_path,
        example=_head(habit.example, shape.example),
        head=habit.head,
    )
    return Prompt(form=Form.COMPLETION, text=text, stop=_stops(habit.language), temperature=_temperature(number))


test_document.__test__ = False  # type: ignore[attr-defined]


def head_of(target: Region, sources: Sources) -> str:
    """What a function's new text begins with: the lines before its body; of a function of one line, up to its
    parameters; of no function, nothing."""
    function = target.function
    if function is None:
        return ""
    if function.body <= function.last:
        return lines_of(sources.files[target.path], function.first, function.body - 1)
    line = lines_of(sources.files[target.path], function.first, function.first)
    return line[: line.index("(") + 1] if "(" in line else line[: len(line) - len(line.lstrip())]


# --- gaps --------------------------------------------------------------------------------------------------------


def patch_infill(material: Material, target: Region, shape: Shape, *, number: int) -> Prompt:
    """The target's file with a gap where the suspicious lines stand (`gap_of`); the issue is a comment before it."""
    text = material.sources.files[target.path]
    first, last = gap_of(target)
    most = min(INFILL_LINES, shape.lines)
    before = lines_of(text, max(1, first - most), first - 1)
    after = lines_of(text, last + 1, last + most)
    issue = _commented(material.task, shape, _language(target))
    return Prompt(
        form=Form.INFILL,
        text=f"{issue}\n\n{before}",
        after=after or "\n",
        temperature=_temperature(number),
    )


def gap_of(target: Region) -> tuple[int, int]:
    """First and last line of what a gap replaces: the function's body, or the piece itself."""
    function = target.function
    if function is None or function.body > function.last:
        return target.first, target.last
    last = function.last
    if _language(target).name != "python":
        last -= 1  # the closing brace stays
    return function.body, max(function.body, last)


# --- parts -------------------------------------------------------------------------------------------------------


def _issue(task: Task, shape: Shape) -> str:
    return fenced("issue", f"{task.title[:500]}\n\n{visible(task.body)[: shape.issue]}")


def _commented(task: Task, shape: Shape, language: Language) -> str:
    """The issue as comments: a document's own way to hold a stranger's text."""
    told = f"Issue: {visible(task.title)[:200]}\n\n{visible(task.body)[: shape.issue]}".rstrip()
    return "\n".join(f"{language.comment} {line}".rstrip() for line in told.split("\n"))


def _language(target: Region) -> Language:
    language = language_of(target.path)
    if language is None:
        raise ValueError(f"{target.path}: no language of the map")
    return language


def _places(material: Material, shape: Shape) -> list[Shown]:
    return [_shown(region, material.sources, shape.lines) for region in material.regions[: shape.places]]


def _shown(region: Region, sources: Sources, most: int) -> Shown:
    count = region.last - region.first + 1
    first, last = window_of(count, most, region.focus - region.first + 1 if region.focus else 0)
    text = lines_of(sources.files[region.path], region.first + first - 1, region.first + last - 1)
    return Shown(path=region.path, language=_language(region).name, text=text.rstrip("\n"))


def _map(material: Material, shape: Shape) -> list[str]:
    paths = list(dict.fromkeys(region.path for region in material.regions))[:FILES_MAPPED]
    lines = [line for path in paths for line in (path, *outline(material.sources.maps[path]))]
    return lines[: shape.map_lines]


def _head(text: str, most: int) -> str:
    return "\n".join(text.splitlines()[:most])


def _stops(language: Language) -> tuple[str, ...]:
    return (f"\n{language.comment} ", "\n```", "<|endoftext|>", "<file_sep>")


def _temperature(number: int) -> float:
    return FIRST_TEMPERATURE if number == 0 else LATER_TEMPERATURE
