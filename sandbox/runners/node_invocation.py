"""How a repository starts its JavaScript tests: the words of `EnvironmentPlan.command` for Node's runners. Pure.

`npm run build && NODE_ENV=test node --import tsx mocha --recursive`: steps before the tests, variables, Node's flags,
the tool, the tool's arguments. `node:test` stands for Node's own runner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TOOLS = ("jest", "vitest", "mocha", "node:test", "tape", "tap")
AND = "&&"
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True, kw_only=True)
class Invocation:
    tool: str
    args: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    """Of Node itself."""
    env: tuple[tuple[str, str], ...] = ()
    before: tuple[tuple[str, ...], ...] = ()

    def words(self) -> tuple[str, ...]:
        words = [word for step in self.before for word in (*step, AND)]
        words += [f"{name}={value}" for name, value in self.env]
        return (*words, *(("node", *self.flags) if self.flags else ()), self.tool, *self.args)


def read(words: tuple[str, ...], default: str) -> Invocation:
    """The invocation behind a plan's command; `default` is the tool where the words name none."""
    segments: list[list[str]] = [[]]
    for word in words:
        if word == AND:
            segments.append([])
        else:
            segments[-1].append(word)
    *before, last = segments
    env = []
    while last and _ASSIGNMENT.match(last[0]):
        name, _, value = last.pop(0).partition("=")
        env.append((name, value))
    flags: tuple[str, ...] = ()
    at = next((index for index, word in enumerate(last) if word in TOOLS), -1)
    if at > 0 and last[0] == "node":
        flags, last = tuple(last[1:at]), last[at:]
    elif at != 0:
        last = [default, *last]
    return Invocation(
        tool=last[0],
        args=tuple(last[1:]),
        flags=flags,
        env=tuple(env),
        before=tuple(tuple(step) for step in before if step),
    )


def without(
    args: tuple[str, ...], *, flags: frozenset[str], valued: frozenset[str], kept_valued: frozenset[str] = frozenset()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(the options, the words that are none) of a tool's arguments, without `flags`, and `valued` and their values.

    `kept_valued` are the options that stay and take the next word along; others stand for themselves.
    """
    options: list[str] = []
    plain: list[str] = []
    words = list(args)
    while words:
        word = words.pop(0)
        name, has_value, _ = word.partition("=")
        if name in flags or name.replace("--no-", "--", 1) in flags:
            continue
        if name in valued:
            if not has_value and words and not words[0].startswith("-"):
                words.pop(0)
        elif word == "--":
            continue
        elif not word.startswith("-"):
            plain.append(word)
        else:
            options.append(word)
            if name in kept_valued and not has_value and words:
                options.append(words.pop(0))
    return tuple(options), tuple(plain)
