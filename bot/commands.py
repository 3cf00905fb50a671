"""Comment -> Command | CommandError | None. The grammar of what people say to the bot.

    @redgreen fix [with MODEL] | compare MODEL MODEL ... | review | verify | retry | stop | help

A command is a line of its own that begins with the handle. What a reader sees as somebody else's words or as an
example is none: quotes (with their lazy continuation lines), fenced and indented code, inline code, HTML comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MOST_ENTRANTS = 8
"""Of one race. What each may spend is bounded by itself."""


class Verb(StrEnum):
    FIX = "fix"
    COMPARE = "compare"
    REVIEW = "review"
    VERIFY = "verify"
    RETRY = "retry"
    STOP = "stop"
    HELP = "help"


class Problem(StrEnum):
    """Why a line that addresses the bot is no command; `bot.messages` has the sentences."""

    NO_COMMAND = "no_command"
    UNKNOWN_COMMAND = "unknown_command"
    UNEXPECTED_WORDS = "unexpected_words"
    MODEL_MISSING = "model_missing"
    TOO_FEW_MODELS = "too_few_models"
    TOO_MANY_MODELS = "too_many_models"
    SEVERAL_COMMANDS = "several_commands"


@dataclass(frozen=True, kw_only=True)
class Command:
    verb: Verb
    model: str = ""
    """After `with`, as written; "" lets routing choose. Not yet known to exist."""
    compare: tuple[str, ...] = ()
    """After `compare`, as written. One that stands twice is sampled twice."""


@dataclass(frozen=True, kw_only=True)
class CommandError:
    problem: Problem
    word: str = ""
    """The word at fault, at most 40 characters of a commenter's text: to be neutralised when it is shown."""


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_QUOTE = re.compile(r" {0,3}>")
_INDENTED = re.compile(r"(?: {4}|\t)")
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)


def parse(body: str, handle: str) -> Command | CommandError | None:
    """What a comment asks for; None when it does not address the bot. One command a comment."""
    address = re.compile(rf"\s*@{re.escape(handle)}(?:\[bot\])?(?![\w-])[,:]?(.*)", re.IGNORECASE)
    found = [match.group(1) for line in _spoken_lines(body) if (match := address.match(line))]
    if not found:
        return None
    parsed = [_command(words.split()) for words in found]
    if any(other != parsed[0] for other in parsed):
        return CommandError(problem=Problem.SEVERAL_COMMANDS)
    return parsed[0]


def _command(words: list[str]) -> Command | CommandError:
    if not words:
        return CommandError(problem=Problem.NO_COMMAND)
    word = words[0].rstrip(".!").lower()
    if word not in {verb.value for verb in Verb}:
        return CommandError(problem=Problem.UNKNOWN_COMMAND, word=words[0][:40])
    verb, rest = Verb(word), words[1:]
    if verb is Verb.COMPARE:
        return _comparison(rest)
    if not rest:
        return Command(verb=verb)
    if verb is not Verb.FIX or rest[0].lower() != "with":
        return CommandError(problem=Problem.UNEXPECTED_WORDS, word=rest[0][:40])
    if len(rest) == 1:
        return CommandError(problem=Problem.MODEL_MISSING)
    if len(rest) > 2:
        return CommandError(problem=Problem.UNEXPECTED_WORDS, word=rest[2][:40])
    return Command(verb=verb, model=rest[1].rstrip(".!"))


def _comparison(words: list[str]) -> Command | CommandError:
    models = tuple(name for word in words if (name := word.rstrip(".!,")) and name.lower() != "and")
    if len(models) < 2:
        return CommandError(problem=Problem.TOO_FEW_MODELS)
    if len(models) > MOST_ENTRANTS:
        return CommandError(problem=Problem.TOO_MANY_MODELS)
    return Command(verb=Verb.COMPARE, compare=models)


def _spoken_lines(body: str) -> list[str]:
    """The lines that are the commenter's own prose, code spans blanked (they may run over lines of one paragraph)."""
    prose: list[str] = []
    fence, quoting, previous_blank = "", False, True
    for line in _HTML_COMMENT.sub(" ", body.replace("\r\n", "\n").replace("\r", "\n")).split("\n"):
        fenced = _FENCE.fullmatch(line)
        if fence:
            if fenced and fenced[1].startswith(fence) and not fenced[2].strip():
                fence = ""
            continue
        if fenced and not (fenced[1][0] == "`" and "`" in fenced[2]):
            fence, quoting = fenced[1], False
            prose.append("")
            continue
        blank = not line.strip()
        quoting = _QUOTE.match(line) is not None or (quoting and not blank)
        indented = _INDENTED.match(line) is not None and previous_blank
        previous_blank = blank or indented
        prose.append("" if quoting or indented or blank else line)
    paragraphs = "\n".join(prose).split("\n\n")
    return [line for paragraph in paragraphs for line in _CODE_SPAN.sub("``", paragraph).split("\n")]
