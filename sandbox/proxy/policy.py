"""Where a build may connect to: names first, then the addresses that they resolve to. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    _Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    _Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")

_NEVER = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    "loopback": ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "reserved": ("240.0.0.0/4",),
}
"""Refused for every name: nobody's registry is there, and the cloud's metadata service is (169.254.169.254)."""

_PRIVATE = {
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "carrier-grade NAT": ("100.64.0.0/10",),
    "special-purpose": ("192.0.0.0/24", "198.18.0.0/15", "64:ff9b:1::/48", "2001::/32", "100::/64"),
}
"""Refused unless the operator named the host: a company's mirror is often there, and so is all the rest of it.

The blocks are listed, not asked of `ipaddress.is_global`: that differs between Python versions, and it calls blocks
for documentation private, which reach nothing and which test set-ups use.
"""

_EMBEDDED = ("64:ff9b::/96", "::ffff:0:0/96", "::/96")
"""IPv6 blocks whose last four bytes are the IPv4 address that is really reached (NAT64, mapped, compatible)."""


def _blocks(table: dict[str, tuple[str, ...]]) -> tuple[tuple[str, _Network], ...]:
    return tuple((kind, ipaddress.ip_network(block)) for kind, blocks in table.items() for block in blocks)


_NEVER_BLOCKS = _blocks(_NEVER)
_PRIVATE_BLOCKS = _blocks(_PRIVATE)
_EMBEDDING = tuple(ipaddress.IPv6Network(block) for block in _EMBEDDED)
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


@dataclass(frozen=True)
class Rule:
    """One host, or with `*.` before it all names below it, and the ports that may be asked for."""

    host: str
    ports: tuple[int, ...]
    private: bool = False
    """The operator named it: it may be on a private address, and it may be an address itself."""


def host_problem(host: str) -> str:
    """Why this cannot be the host of a rule; empty: it can."""
    bare = host[2:] if host.startswith("*.") else host
    if _literal(bare) is not None:
        return "" if bare == host else "an address has no names below it"
    if not _NAME.fullmatch(bare) or len(bare) > 253:
        return "it is not a host name"
    return "it is neither a name nor an address" if _NUMERIC.fullmatch(bare.rpartition(".")[2]) else ""


def find_rule(rules: Iterable[Rule], host: str, port: int) -> Rule | None:
    """The rule that lets `host:port` be asked for; None: refused. `host` is as the client wrote it."""
    name = host.lower().rstrip(".")
    if host_problem(name):
        return None
    literal = _literal(name) is not None
    for rule in rules:
        below = rule.host.startswith("*.") and not literal and name.endswith(rule.host[1:])
        if (below or (rule.host == name and (rule.private or not literal))) and port in rule.ports:
            return rule
    return None


def address_problem(address: str, private: bool) -> str:
    """What kind of address it is that may not be connected to; empty: it may be."""
    try:
        found = _reached(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return "unreadable"
    blocks = _NEVER_BLOCKS if private else _NEVER_BLOCKS + _PRIVATE_BLOCKS
    return next((kind for kind, block in blocks if found.version == block.version and found in block), "")


def _reached(address: _Address) -> _Address:
    """The IPv4 address behind one that only wraps it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _SIX_TO_FOUR:
            return ipaddress.IPv4Address(address.packed[2:6])
        if any(address in block for block in _EMBEDDING) and int(address) > 1:
            return ipaddress.IPv4Address(address.packed[12:])
    return address


def is_address(host: str) -> bool:
    return _literal(host) is not None


def _literal(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
