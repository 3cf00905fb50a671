"""`[[routing.rules]]`: what the operator says about which model works on what. Data only; `bot.choosing` decides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from config.sizes import Words


def _not_blank(words: tuple[str, ...]) -> tuple[str, ...]:
    """A condition that is given must be able to hold."""
    if any(not word.strip() for word in words):
        raise ValueError("an empty word matches nothing")
    return words


Patterns = Annotated[Words, AfterValidator(_not_blank)]


class Rule(BaseModel):
    """One rule: where every condition that is given holds, its model is chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    model: str = Field(min_length=1)
    """The lineup's name."""
    name: str = Field(default="", max_length=100)
    """For people: how the rule is called where its choice is told."""
    repository: Patterns = ()
    """`owner/name` patterns, any of which matches; in any case of letters."""
    label: Patterns = ()
    """Labels of the issue, any of which is there; in any case of letters."""
    path: Patterns = ()
    """Path patterns, any of which matches a path that the issue names or the pull request changes."""
    kind: Literal["fix", "review"] | None = None
    stakes: Literal["high", "routine"] | None = None
    min_lines: int | None = Field(default=None, ge=0)
    """Lines that a pull request changes; of the issue's text, for a fix."""
    max_lines: int | None = Field(default=None, ge=0)
    allowed: Words | None = None
    """Models that a comment or a repository's file may name instead, where this rule matches; unset: as
    `routing.allowed` says."""

    @model_validator(mode="after")
    def _can_hold(self) -> Rule:
        if self.min_lines is not None and self.max_lines is not None and self.min_lines > self.max_lines:
            raise ValueError("min_lines is larger than max_lines: the rule can never match")
        return self

    def __str__(self) -> str:
        return self.name or self.model
