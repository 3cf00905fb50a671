"""What a sentence says of a result: expected, actual, a value, an exception, no exception. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.repair.issue.expectation import exception_name, is_call, leading_literal, literal
from agents.repair.issue.markdown import Prose

_EXPECTED = re.compile(
    r"\b(?:should(?:n't)?|expect(?:ed|s|ing|ation)?|must|ought to|wanted|desired|supposed to|"
    r"correct (?:result|answer|value|output|behaviou?r)|right answer|instead of what it should)\b",
    re.IGNORECASE,
)
_ACTUAL = re.compile(
    r"\b(?:actual(?:ly)?|instead|currently|observed|wrong(?:ly)?|incorrect(?:ly)?|bug|got|gets?|happens|reproduc\w*|"
    r"returns|gives|prints|shows|fails|crash\w*|raises|unexpected(?:ly)?|steps)\b",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:but|instead of|rather than|however|yet|got|actual(?:ly)?|whereas|and not|, not)\b|;", re.IGNORECASE
)
_INSTEAD_OF = re.compile(r"\b(?:instead of|rather than|where I (?:expect|want)(?:ed)?)\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:not|never|n't|without)\b|n't\b", re.IGNORECASE)
_FAILING = re.compile(
    r"\b(?:rais(?:e|es|ing)|crash\w*|fail(?:s|ing)?|throw(?:s|ing)?|error|exception|blow up|traceback)\b", re.IGNORECASE
)
_WORKS = re.compile(r"\b(?:work|succeed|be accepted|be allowed|be supported|be valid|parse fine)\b", re.IGNORECASE)
_MARK = re.compile(r"\0(\d+)\0")
_VERB = re.compile(
    r"^(?:[^\0:=]{0,60}?(?:\b(?:return|be|give|print|yield|produce|equal|output|is|was|evaluate to|result in|get|see|"
    r"become|show|contain only|have been|answer|value|result|returns)\b|[:=]|=>|->))+\s*"
    r"(?:either |exactly |simply |just )?",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What should come out. Exactly one of the fields says it."""

    value: str = ""
    """An expression, or any text when `raw`."""
    raw: bool = False
    """The value was written as code but is no literal: an expression if its names are known, else a string."""
    exception: str = ""
    runs: bool = False
    not_value: str = ""


def polarity(text: str) -> str:
    """`expected`, `actual` or "" for a heading or a lead-in sentence."""
    if _EXPECTED.search(text):
        turn = _TURN.search(text)
        said = _EXPECTED.search(text)
        if turn and said and turn.start() > said.start() and text.rstrip().endswith(":"):
            return "actual"  # `it should be 3, but I get:`
        if re.search(r"\bunexpected", text, re.IGNORECASE):
            return "actual"
        return "expected"
    return "actual" if _ACTUAL.search(text) else ""


def subjects(prose: Prose) -> list[tuple[int, str]]:
    """(span number, expression) of the code spans in this sentence that call something."""
    return [(int(m.group(1)), prose.spans[int(m.group(1))]) for m in _MARK.finditer(prose.text)
            if is_call(prose.spans[int(m.group(1))])]  # fmt: skip


def wanted(prose: Prose, *, in_expected_section: bool = False) -> Wanted | None:
    """What the sentence says should come out; None when it says nothing of the kind."""
    said = _EXPECTED.search(prose.text)
    if said is not None:
        rest = prose.text[said.end() :]
        negative = said.group(0).lower() == "shouldn't" or bool(_NEGATED.match(rest.strip()))
        turn = _TURN.search(rest)
        region = rest[: turn.start()] if turn and turn.start() > 0 else rest
        found = _in_region(region, prose, negative)
        if found is None and turn is not None and negative is False and region.strip(" ,:") == "":
            found = _in_region(rest[turn.end() :], prose, False)
        if found is not None:
            return found
        before = prose.text[: said.start()]
        name = exception_name(_restored(before, prose))
        if name and re.search(r"\bbe (?:raised|thrown)\b", rest):
            return Wanted(exception=name)
    instead = _INSTEAD_OF.search(prose.text)
    if instead is not None and said is None:
        return _in_region(prose.text[instead.end() :], prose, False)
    if in_expected_section and said is None:
        return _in_region(prose.text, prose, False)
    return None


def _restored(text: str, prose: Prose) -> str:
    return _MARK.sub(lambda m: prose.spans[int(m.group(1))], text)


def _in_region(region: str, prose: Prose, negative: bool) -> Wanted | None:
    text = _restored(region, prose)
    spans = [(m.start(), prose.spans[int(m.group(1))]) for m in _MARK.finditer(region)]
    name = exception_name(text)
    failing = _FAILING.search(_MARK.sub(" ", region))
    if failing and (negative or _NEGATED.search(region[: failing.start()])):
        return Wanted(runs=True)
    if name and (failing or not spans or any(name in span for _, span in spans[:1])):
        return Wanted(exception=name)
    values = _values(region, spans)
    if not values and spans and literal(spans[0][1]) is not None:
        values = [spans[0][1]]
    if values:
        exact = literal(values[0])
        if negative:
            return Wanted(not_value=exact) if exact is not None else None
        return Wanted(value=exact if exact is not None else values[0], raw=exact is None)
    value = leading_literal(_VERB.sub("", region, count=1).strip(" ,:=>-"))
    if value is not None:
        return Wanted(not_value=value) if negative else Wanted(value=value)
    return Wanted(runs=True) if _WORKS.search(region) and not negative else None


_APART = re.compile(r"[(\u2014]|\b(?:and|or|because|since|as|while|when|if|though|although|says?)\b", re.IGNORECASE)
"""Between the verb and a code span: the span belongs to another clause."""
_BARE = re.compile(
    r"\s*(?:(?:to )?(?:be|return|give|print|yield|produce|equal|output|show|become|read|say|have been)\b)?"
    r"[\s:,]*(?:(?:is|was|been|exactly|simply|just|either|the|an?|string|text|value|result|list|tuple|name)\b[\s:,]*)*"
    r"[\"'\s:,]*",
    re.IGNORECASE,
)
"""What may stand before a span that is a value though it is no literal: a verb and nothing else."""


def _values(region: str, spans: list[tuple[int, str]]) -> list[str]:
    """The code spans that the sentence gives as a value: not those of an aside or of another clause."""
    near = []
    for place, (start, span) in zip(_MARK.finditer(region), spans, strict=True):
        before = _MARK.sub(" ", region[: place.start()])
        if _APART.search(before) or (literal(span) is None and not _BARE.fullmatch(before)):
            continue
        near.append((start, span))
    return [span for _, span in near if not is_call(span)] or [span for start, span in near if start != spans[0][0]]


def comment_wanted(comment: str) -> Wanted | None:
    """What a comment at the end of a line says: `# should be 3`, `# 2, expected 3`."""
    return wanted(_as_prose(comment))


def comment_value(comment: str) -> str | None:
    """A bare value: `# 3`, `# -> 3`, `# returns 3`."""
    text = re.sub(
        r"^(?:-+>|=+>|returns?|gives?|prints?|got|outputs?|is|result:?|:)\s*", "", comment.strip(), flags=re.I
    )
    return leading_literal(text.strip().strip("`"))


def _as_prose(text: str) -> Prose:
    spans: list[str] = []

    def take(match: re.Match[str]) -> str:
        spans.append(match.group(1))
        return f"\0{len(spans) - 1}\0"

    return Prose(text=re.sub(r"`([^`]+)`", take, text), spans=tuple(spans), heading="")
