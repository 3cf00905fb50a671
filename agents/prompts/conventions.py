"""What a repository says about how work is done in it: files of the base branch, bounded, fenced. Pure.

They are read from base, never from a working tree or a pull request, and links are not followed (a `RepoView` reads
regular files only). They say how; they never widen what a model may do, nor does any wall stand on them.
"""

from __future__ import annotations

from agents.models.estimate import structural
from agents.prompts.untrusted import fenced
from sandbox.types import RepoView

AGENTS = ("AGENTS.md", "CLAUDE.md", ".github/copilot-instructions.md")
"""For machines: the first that stands there. The later ones mostly repeat or name the first."""
CONTRIBUTING = (".github/CONTRIBUTING.md", "CONTRIBUTING.md", "docs/CONTRIBUTING.md")
"""For people: in the order in which GitHub looks."""
MOST_CHARACTERS = 12_000
"""Of one file."""
LEFT_OUT = "[the rest is left out]"


def conventions(base: RepoView, *, tokens: int = 0) -> str:
    """One fenced part a file; "" where there is none. `tokens`: of each file at most so many; 0: no such bound."""
    found = []
    for names in (AGENTS, CONTRIBUTING):
        for name in names:
            data = base.read(name)
            if data is not None and data.strip():
                found.append(fenced(name, shortened(data.decode("utf-8", "replace"), MOST_CHARACTERS, tokens)))
                break
    return "\n\n".join(found)


def shortened(text: str, characters: int, tokens: int = 0) -> str:
    """The beginning of a text, with a word where its end is missing."""
    kept = text[:characters]
    while tokens and structural(kept) > tokens:
        kept = kept[: len(kept) * 2 // 3]
    return kept if len(kept) == len(text) else f"{kept}\n{LEFT_OUT}"
