"""(role, actor, verb) -> Allowed | Denied. Who may spend the operator's money."""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands import Verb
from bot.forge.protocol import Permission
from bot.types import Actor

_MAY_WRITE = frozenset({Permission.WRITE, Permission.ADMIN})
_MAY_READ = _MAY_WRITE | {Permission.READ}
REQUIRED = {
    Verb.FIX: _MAY_WRITE,
    Verb.REVIEW: _MAY_WRITE,
    Verb.VERIFY: _MAY_WRITE,
    Verb.RETRY: _MAY_WRITE,
    Verb.STOP: _MAY_WRITE,
    Verb.HELP: _MAY_READ,
}
"""The roles that may use each verb. A verb that is not listed is nobody's."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    pass


@dataclass(frozen=True, kw_only=True)
class Denied:
    reason: str


def judge(role: Permission, actor: Actor, verb: Verb, bots: frozenset[str] = frozenset()) -> Allowed | Denied:
    """`role` is what GitHub answered for the actor on this repository just now.

    Bots are denied unless the operator listed their login (`bots`, in lower case): GitHub knows no role for them, and
    a bot that answers a bot never ends.
    """
    if actor.is_bot:
        if actor.login.lower() in bots:
            return Allowed()
        return Denied(reason=f"{actor.login} is a bot that is not on the list of allowed bots.")
    if role in REQUIRED.get(verb, frozenset()):
        return Allowed()
    return Denied(reason=f"{verb.value} needs write access to the repository; {actor.login} has {role.value}.")
