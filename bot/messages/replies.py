"""Answers to what people say: help, and why a line that addresses the bot is no command. Pure."""

from __future__ import annotations

from typing import assert_never

from bot.commands import MOST_ENTRANTS, CommandError, Problem, Verb
from bot.messages.untrusted import code, inline


def help_text(handle: str, label: str = "redgreen") -> str:
    """One line for each command; `handle` is the App's name, `label` the one that starts a fix."""
    rows = [f"| `@{handle} {_usage(verb)}` | {_meaning(verb)} |" for verb in Verb]
    return "\n".join(
        [
            "What I do, for people who may write to this repository:",
            "",
            "| say | and I |",
            "| --- | --- |",
            *rows,
            "",
            f"The label {code(label)} on an issue is the same as `fix`. I claim nothing that I did not run.",
        ]
    )


def denied(reason: str) -> str:
    return f"I did not start: {inline(reason, 400)}"


def misunderstood(error: CommandError, handle: str) -> str:
    """Why it is no command, and how to get the list."""
    return f"{_problem(error)} `@{handle} help` lists what I understand."


def unknown_model(name: str, known: tuple[str, ...]) -> str:
    listed = ", ".join(code(model) for model in known) or "none"
    return f"There is no model called {code(name, 60)} here. Configured: {listed}."


def not_here(verb: Verb, handle: str) -> str:
    """A command on the wrong kind of thing."""
    if verb in (Verb.FIX, Verb.COMPARE):
        return f"{code(verb.value)} works on issues. On a pull request, `@{handle} review` and `@{handle} verify` do."
    return f"{code(verb.value)} works on pull requests. On an issue, `@{handle} fix` does."


def nothing_running() -> str:
    return "Nothing is running here that could be stopped."


def nothing_to_retry() -> str:
    return "There is no earlier job here to try again. `fix` or `review` starts one."


def _problem(error: CommandError) -> str:
    match error.problem:
        case Problem.NO_COMMAND:
            return "You named me, but no command."
        case Problem.UNKNOWN_COMMAND:
            return f"I do not know the command {code(error.word, 40)}."
        case Problem.UNEXPECTED_WORDS:
            return f"I do not understand {code(error.word, 40)} after the command, so I did nothing."
        case Problem.MODEL_MISSING:
            return "`with` needs the name of a model."
        case Problem.TOO_FEW_MODELS:
            return "`compare` needs the names of at least two models; a name twice is two samples of that model."
        case Problem.TOO_MANY_MODELS:
            return f"`compare` takes at most {MOST_ENTRANTS} models."
        case Problem.SEVERAL_COMMANDS:
            return "One comment, one command: I found several different ones, so I did none."
    assert_never(error.problem)


def _usage(verb: Verb) -> str:
    match verb:
        case Verb.FIX:
            return "fix [with MODEL]"
        case Verb.COMPARE:
            return "compare MODEL MODEL"
        case _:
            return verb.value


def _meaning(verb: Verb) -> str:
    match verb:
        case Verb.FIX:
            return "look for a fix of this issue; a pull request is opened only when tests prove it"
        case Verb.COMPARE:
            return "let these models look for a fix at once; the first patch that is verified is taken"
        case Verb.REVIEW:
            return "run the tests without and with this pull request, and say what turned red"
        case Verb.VERIFY:
            return "say whether this pull request's own new tests are red without its change and green with it"
        case Verb.RETRY:
            return "do the last job here again"
        case Verb.STOP:
            return "stop what is running here"
        case Verb.HELP:
            return "show this"
    assert_never(verb)
