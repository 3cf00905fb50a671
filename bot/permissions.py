"""(role, actor, verb) -> Allowed | Denied. Who may spend the operator's money."""

from __future__ import annotations

from dataclasses import dataclass

from bot.commands import Verb
from bot.forge.protocol import Permission
from bot.types import Actor

_RANK = {Permission.NONE: 0, Permission.READ: 1, Permission.WRITE: 2, Permission.ADMIN: 3}
FREE = frozenset({Verb.HELP})
"""What costs nothing: whoever may read the repository may ask for it."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    pass


@dataclass(frozen=True, kw_only=True)
class Denied:
    reason: str


def judge(
    role: Permission,
    actor: Actor,
    verb: Verb,
    *,
    bots: frozenset[str] = frozenset(),
    minimum: Permission = Permission.WRITE,
) -> Allowed | Denied:
    """`role` is what GitHub answered for the actor on this repository just now; `minimum` is the operator's rule for
    what spends money, and is never less than write.

    Bots are denied unless the operator listed their login (`bots`, in lower case): GitHub knows no role for them, and
    a bot that answers a bot never ends.
    """
    if actor.is_bot:
        if actor.login.lower() in bots:
            return Allowed()
        return Denied(reason=f"{actor.login} is a bot that is not on the list of allowed bots.")
    needed = Permission.READ if verb in FREE else max(minimum, Permission.WRITE, key=_RANK.__getitem__)
    if _RANK[role] >= _RANK[needed]:
        return Allowed()
    return Denied(
        reason=f"{verb.value} needs {needed.value} access to this repository; {actor.login} has {role.value}."
    )
