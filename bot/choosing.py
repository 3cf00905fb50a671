"""Which model works on a job, and by which rule. Pure.

The first of these that says something decides: the comment (`fix with MODEL`), the repository's own file (`model:`),
the first rule of `[routing]` that matches, `models.default`. What a comment or a file names must be among what the
operator allows there. Nothing goes over the wall: for a repository that is self-hosted only, rules and defaults that
name another model do not match, and naming one is refused.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from config.routes import Rule

DEFAULT = "the default"
MOST_WORDS = 5_000
"""Of an issue's text that are looked at for paths."""


@dataclass(frozen=True, kw_only=True)
class Routes:
    """What the operator set."""

    default: str = "repair"
    rules: tuple[Rule, ...] = ()
    allowed: tuple[str, ...] = ()
    """Models that comments and repositories may name; empty: every one of the lineup."""
    high_stakes_labels: tuple[str, ...] = ()
    high_stakes_paths: tuple[str, ...] = ()
    models: frozenset[str] = frozenset()
    """The lineup's names."""
    at_home: frozenset[str] = frozenset()
    """Those that no source leaves the house for."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a job before a model works on it."""

    repository: str
    kind: Literal["fix", "review"] = "fix"
    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    lines: int = 0
    named: str = ""
    """By a comment, or by the command that asks."""
    configured: str = ""
    """By the repository's own file."""
    self_hosted_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Chosen:
    model: str
    by: str
    """Who or what chose it, for people: `a comment`, `the repository's file`, `rule 2: billing`, `the default`."""
    passed: tuple[tuple[str, str], ...] = ()
    """What was asked before it: (which, why it did not decide)."""

    @property
    def is_default(self) -> bool:
        """Nobody asked for it, and no rule did."""
        return self.by == DEFAULT

    def as_json(self) -> dict[str, Any]:
        return {"model": self.model, "by": self.by}


@dataclass(frozen=True, kw_only=True)
class NoModel:
    """No model may work on it."""

    reason: str
    """A sentence for a person."""
    passed: tuple[tuple[str, str], ...] = ()


@dataclass
class _Course:
    """What was asked so far."""

    passed: list[tuple[str, str]] = field(default_factory=list)

    def passes(self, which: str, why: str) -> None:
        self.passed.append((which, why))


def choose(routes: Routes, facts: Facts) -> Chosen | NoModel:
    """The model for a job, and what chose it."""
    course = _Course()
    for name, by in ((facts.named, "a comment"), (facts.configured, "the repository's file")):
        if not name:
            course.passes(by, "names none")
            continue
        refused = _refusal(routes, facts, name, by)
        if refused:
            return NoModel(reason=refused, passed=tuple(course.passed))
        return Chosen(model=name, by=by, passed=tuple(course.passed))
    for number, rule in enumerate(routes.rules, start=1):
        which = f"rule {number}: {rule.name}" if rule.name else f"rule {number}"
        why_not = mismatch(rule, facts, routes) or _outside(routes, facts, rule.model)
        if not why_not:
            return Chosen(model=rule.model, by=which, passed=tuple(course.passed))
        course.passes(which, why_not)
    outside = _outside(routes, facts, routes.default)
    if outside:
        course.passes(DEFAULT, outside)
        return NoModel(
            reason="Only self-hosted models may see this repository, and neither a rule nor the default names one.",
            passed=tuple(course.passed),
        )
    return Chosen(model=routes.default, by=DEFAULT, passed=tuple(course.passed))


def unruled(default: str, facts: Facts, at_home: frozenset[str]) -> Routes:
    """Where nothing is ruled: what is named is taken, and the default for the rest."""
    known = frozenset(filter(None, (default, facts.named, facts.configured)))
    return Routes(default=default, models=known, at_home=at_home)


def stakes(routes: Routes, facts: Facts) -> Literal["high", "routine"]:
    labelled = _same(facts.labels, routes.high_stakes_labels)
    touched = any(_matches(path, routes.high_stakes_paths) for path in facts.paths)
    return "high" if labelled or touched else "routine"


def mismatch(rule: Rule, facts: Facts, routes: Routes) -> str:
    """The first condition that does not hold; "" where all do."""
    if rule.repository and not _matches(facts.repository.lower(), [one.lower() for one in rule.repository]):
        return f"the repository is not {_or(rule.repository)}"
    if rule.label and not _same(facts.labels, rule.label):
        return f"no label is {_or(rule.label)}"
    if rule.path and not any(_matches(path, rule.path) for path in facts.paths):
        return f"no path is {_or(rule.path)}"
    if rule.kind and rule.kind != facts.kind:
        return f"it is no {rule.kind}"
    if rule.stakes and rule.stakes != stakes(routes, facts):
        return f"the stakes are not {rule.stakes}"
    if rule.min_lines is not None and facts.lines < rule.min_lines:
        return f"{facts.lines} lines are fewer than {rule.min_lines}"
    if rule.max_lines is not None and facts.lines > rule.max_lines:
        return f"{facts.lines} lines are more than {rule.max_lines}"
    return ""


def allowed(routes: Routes, facts: Facts) -> tuple[str, ...]:
    """The models that a comment or a repository's file may name for this job, in order."""
    rule = next((rule for rule in routes.rules if not mismatch(rule, facts, routes)), None)
    listed = routes.allowed
    if rule is not None and rule.allowed is not None:
        listed = (*rule.allowed, rule.model)
    named = tuple(dict.fromkeys(listed)) or tuple(sorted(routes.models))
    return tuple(name for name in named if name in routes.models and not _outside(routes, facts, name))


def mistakes(routes: Routes) -> Iterator[str]:
    """What is wrong with the operator's settings, told when a process starts."""
    named = [("models.default", routes.default), *(("routing.allowed", name) for name in routes.allowed)]
    for number, rule in enumerate(routes.rules, start=1):
        where = f"routing.rules, rule {number}"
        named += [(where, rule.model), *((where, name) for name in rule.allowed or ())]
    for where, name in named:
        if name not in routes.models:
            yield f"{where}: there is no model named {name!r}; the lineup has: {', '.join(sorted(routes.models))}"


def paths_named(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """The files of a tree that a text names: by their whole path, or by an ending of it that only one of them has."""
    by_name: dict[str, list[str]] = {}
    for path in known:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    found: dict[str, None] = {}
    for match in list(_WORD.finditer(text))[:MOST_WORDS]:
        word = match.group().strip("./").replace("\\", "/")
        ends = [path for path in by_name.get(word.rpartition("/")[2], ()) if f"/{path}".endswith(f"/{word}")]
        if word in ends or len(ends) == 1:
            found[word if word in ends else ends[0]] = None
    return tuple(found)


def changed_lines(diff: str) -> int:
    """Lines that a unified diff adds or removes."""
    return sum(line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- ")) for line in diff.splitlines())


_WORD = re.compile(r"[\w./\\@+-]{1,300}")


def _refusal(routes: Routes, facts: Facts, name: str, by: str) -> str:
    """Why a model that somebody named may not work here; "" where it may."""
    if name not in routes.models:
        return f"There is no model named {name}, which {by} asks for."
    if _outside(routes, facts, name):
        return f"Only self-hosted models may see this repository, and {name}, which {by} asks for, is not one."
    if name not in (may := allowed(routes, facts)):
        return f"{name}, which {by} asks for, may not be used here. Allowed: {', '.join(may) or 'none'}."
    return ""


def _outside(routes: Routes, facts: Facts, name: str) -> str:
    if facts.self_hosted_only and name not in routes.at_home:
        return f"{name} is not self-hosted, and only such models may see this repository"
    return ""


def _matches(text: str, patterns: Sequence[str]) -> bool:
    """Shell patterns over the whole; `*` crosses slashes; a directory's name covers what is below it."""
    return any(
        fnmatch.fnmatchcase(text, pattern) or text.startswith(pattern.removesuffix("**").rstrip("/") + "/")
        for pattern in patterns
    )


def _same(words: Sequence[str], others: Sequence[str]) -> bool:
    return not {word.lower() for word in words}.isdisjoint(other.lower() for other in others)


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)


def facts_json(facts: Facts, routes: Routes) -> Mapping[str, Any]:
    """For people who ask why."""
    return {
        "repository": facts.repository,
        "kind": facts.kind,
        "labels": list(facts.labels),
        "paths": list(facts.paths),
        "lines": facts.lines,
        "stakes": stakes(routes, facts),
        "named": facts.named,
        "configured": facts.configured,
        "self_hosted_only": facts.self_hosted_only,
    }
