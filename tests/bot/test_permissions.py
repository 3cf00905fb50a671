"""(role, actor, verb) -> Allowed | Denied."""

from __future__ import annotations

import pytest

from bot.commands import Verb
from bot.forge.protocol import Permission
from bot.permissions import FREE, Allowed, Denied, judge
from bot.types import Actor

MONA = Actor(login="mona")
BOT = Actor(login="Renovate[bot]", is_bot=True)


@pytest.mark.parametrize("verb", sorted(set(Verb) - FREE))
def test_spending_takes_write_or_more(verb: Verb) -> None:
    allowed = {role for role in Permission if isinstance(judge(role, MONA, verb), Allowed)}
    assert allowed == {Permission.WRITE, Permission.ADMIN}


def test_help_is_for_whoever_may_read() -> None:
    assert isinstance(judge(Permission.READ, MONA, Verb.HELP), Allowed)
    assert isinstance(judge(Permission.NONE, MONA, Verb.HELP), Denied)


def test_the_operator_may_ask_for_more_and_never_for_less_than_write() -> None:
    assert isinstance(judge(Permission.WRITE, MONA, Verb.FIX, minimum=Permission.ADMIN), Denied)
    assert isinstance(judge(Permission.ADMIN, MONA, Verb.FIX, minimum=Permission.ADMIN), Allowed)
    assert isinstance(judge(Permission.READ, MONA, Verb.FIX, minimum=Permission.READ), Denied)


def test_a_bot_is_denied_unless_it_is_listed() -> None:
    assert judge(Permission.ADMIN, BOT, Verb.FIX) == Denied(
        reason="Renovate[bot] is a bot that is not on the list of allowed bots."
    )
    assert isinstance(judge(Permission.NONE, BOT, Verb.FIX, bots=frozenset({"renovate[bot]"})), Allowed)


def test_a_person_with_a_listed_bots_name_is_still_a_person() -> None:
    assert isinstance(judge(Permission.READ, MONA, Verb.FIX, bots=frozenset({"mona"})), Denied)


def test_a_refusal_says_what_is_needed_and_what_there_is() -> None:
    assert judge(Permission.READ, MONA, Verb.FIX) == Denied(
        reason="fix needs write access to this repository; mona has read."
    )
