"""submit, cannot_reproduce, needs_decision: how a model ends an attempt. Done is a tool call, never words in output."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import Field

from agents.tools.tool import (
    MOST_DIFF,
    Arguments,
    Bench,
    Conclusion,
    FormedTool,
    Observation,
    binary_files,
    bounded,
    no_binary,
    no_diff,
    too_large,
)
from agents.types import Ending
from sandbox.errors import SetupError

MOST_WORDS = 4_000


class SubmitArguments(Arguments):
    summary: str = Field(min_length=1)


class ReasonArguments(Arguments):
    reason: str = Field(min_length=1)


class DecisionArguments(Arguments):
    question: str = Field(min_length=1)


def submit(asked: SubmitArguments, bench: Bench) -> Observation | Conclusion:
    try:
        diff = bench.environment.diff()
    except SetupError as error:
        return Observation(text=no_diff(error), is_error=True)
    if len(diff) > MOST_DIFF:
        return Observation(text=too_large(diff), is_error=True)
    if binary := binary_files(diff):
        return Observation(text=no_binary(binary), is_error=True)
    if not diff.strip():
        return Observation(
            text="Nothing in the working tree is changed, so there is nothing to submit. Make the change first, or "
            "call `cannot_reproduce` or `needs_decision`.",
            is_error=True,
        )
    return Conclusion(ending=Ending.SUBMITTED, text=bounded(asked.summary, MOST_WORDS))


def cannot_reproduce(asked: ReasonArguments, _bench: Bench) -> Conclusion:
    return Conclusion(ending=Ending.CANNOT_REPRODUCE, text=bounded(asked.reason, MOST_WORDS))


def needs_decision(asked: DecisionArguments, _bench: Bench) -> Conclusion:
    return Conclusion(ending=Ending.NEEDS_DECISION, text=bounded(asked.question, MOST_WORDS))


SUBMIT = FormedTool(
    name="submit",
    description="End: the tree's change is your repair. In two or three sentences, the cause and the change.",
    form=SubmitArguments,
    do=submit,
)
CANNOT_REPRODUCE = FormedTool(
    name="cannot_reproduce",
    description="End: the problem does not appear. What you tried and saw.",
    form=ReasonArguments,
    do=cannot_reproduce,
)
NEEDS_DECISION = FormedTool(
    name="needs_decision",
    description="End: a maintainer must choose. What, with the choices.",
    form=DecisionArguments,
    do=needs_decision,
)
ENDINGS: Mapping[str, Ending] = MappingProxyType(
    {
        SUBMIT.name: Ending.SUBMITTED,
        CANNOT_REPRODUCE.name: Ending.CANNOT_REPRODUCE,
        NEEDS_DECISION.name: Ending.NEEDS_DECISION,
    }
)
