"""What the models are told: template files beside this one, rendered strictly. Pure but for reading the package.

`PROMPT_VERSION` changes with every change of a template: results of two versions are never counted together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from agents.prompts.conventions import conventions, shortened
from agents.prompts.untrusted import fenced
from agents.types import Message, Role, Task, Text
from sandbox.types import RepoView

PROMPT_VERSION = "loop-3"
MOST_PATHS = 120
MOST_PATH = 200
"""Characters of one path."""
MOST_KNOWN_RED = 60
MOST_TITLE = 500
MOST_BODY = 40_000
"""Characters of an issue's text; GitHub allows 65,536."""


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("agents", "prompts"),
        undefined=StrictUndefined,
        autoescape=False,  # plain text for a model, no HTML; untrusted text is fenced
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


def opening(task: Task, base: RepoView, *, window: int = 0) -> tuple[Message, Message]:
    """The system message and the task, in at most a quarter of a window of so many tokens (0: not known) beside the
    templates' own words."""
    known = shortened("\n".join(task.known_red[:MOST_KNOWN_RED]), MOST_BODY, window // 32)
    paths = shortened("\n".join(overview(list(base.paths()))), MOST_BODY, window // 16)
    body = shortened(task.body, MOST_BODY, window // 8)
    system = _templates().get_template("system.j2").render()
    user = (
        _templates()
        .get_template("task.j2")
        .render(
            repository=task.repository,
            issue=fenced("issue", f"{task.title[:MOST_TITLE]}\n\n{body}"),
            cut=body != task.body,
            conventions=conventions(base, tokens=window // 64),
            known_red=fenced("tests", known) if known else "",
            witness_path=task.witness_path,
            overview=fenced("files", paths),
        )
    )
    return (
        Message(role=Role.SYSTEM, parts=(Text(text=system),)),
        Message(role=Role.USER, parts=(Text(text=user),)),
    )


def overview(paths: Sequence[str]) -> list[str]:
    """The tree in at most `MOST_PATHS` lines: all files where they fit, else directories with their file counts. A
    file's name is a stranger's text: one line, and not a long one."""
    paths = [" ".join(path[:MOST_PATH].split()) for path in paths]
    if len(paths) <= MOST_PATHS:
        return list(paths)
    counts = next((c for depth in (4, 3, 2) if len(c := _by_place(paths, depth)) <= MOST_PATHS), _by_place(paths, 1))
    lines = [f"{place} ({count} files)" if place.endswith("/") else place for place, count in sorted(counts.items())]
    left = len(lines) - MOST_PATHS
    return lines if left <= 0 else [*lines[:MOST_PATHS], f"... and {left} more"]


def _by_place(paths: Sequence[str], depth: int) -> dict[str, int]:
    """How many files stand at each place: a directory of this depth, with a slash, or a file above it."""
    parts = [path.split("/") for path in paths]
    return dict(Counter("/".join(part) if len(part) <= depth else "/".join(part[:depth]) + "/" for part in parts))
