"""What a repository on this machine is called elsewhere, by where its checkout came from. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote

from bot.inspection.words import line
from sandbox.remotes import Remotes


@dataclass(frozen=True, kw_only=True)
class Named:
    name: str
    """`owner/name`, as it is written."""
    remote: str
    """The remote that is called so."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    title: str
    """What it is called here: its directory, or what an instance calls its repository."""
    names: tuple[Named, ...] = ()
    """All of them, since any may be the one that a setting means."""
    unread: str = ""
    """Why it may have more names than these; "" where all are known."""

    @property
    def name(self) -> str:
        """The one that rules look at: what `origin` is called, else the first remote; the title where it has none."""
        own = [named.name for named in self.names if named.remote == "origin"]
        return next(iter([*own, *(named.name for named in self.names)]), self.title)


def checkout(title: str, remotes: Remotes) -> Checkout:
    found: dict[Named, None] = {}
    unread = remotes.unread
    for remote in remotes.known:
        names = names_in(remote.address)
        if not names or _PROGRAM.match(remote.address):
            unread = unread or f"the address of its remote {line(remote.name)} names no OWNER/NAME"
        found |= dict.fromkeys(Named(name=name, remote=remote.name) for name in names)
    return Checkout(title=title, names=tuple(found), unread=line(unread))


def names_in(address: str) -> tuple[str, ...]:
    """What may be `owner/name` in an address that git takes; its end first. None where it is no path of two parts.

    Every two neighbours of a web address or an SSH path, since a server may keep its repositories below a prefix, or
    stand in front of another; the last two of a path on this machine, whose other parts are directories of a person.
    """
    scheme, marked, rest = address.partition("://")
    host, colon, path = address.partition(":")
    if marked:
        elsewhere, path = scheme.lower() != "file", rest.partition("/")[2]
    else:
        elsewhere = bool(colon) and "/" not in host
        path = path if elsewhere else address
    segments = _segments(path)
    pairs = [f"{owner}/{name}" for owner, name in pairwise(segments)]
    return tuple(dict.fromkeys(reversed(pairs if elsewhere else pairs[-1:])))


def _segments(path: str) -> Sequence[str]:
    plain = posixpath.normpath("/" + _SEPARATORS.sub("/", unquote(path)))
    found = (segment.strip() for segment in plain.split("/"))
    return [_SUFFIX.sub("", segment) for segment in found if _SUFFIX.sub("", segment)]


_PROGRAM = re.compile(r"[A-Za-z0-9+.-]+::")
"""What follows is for a program of that name to understand."""
_SEPARATORS = re.compile(r"[\\?#:\]]")
_SUFFIX = re.compile(r"\.git$", re.IGNORECASE)
