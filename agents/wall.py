"""`self_hosted_only`: which endpoints may be connected to for a repository whose source stays in the house. Pure.

Two conditions, because either alone can be talked around: the operator's lineup calls the model self-hosted, and the
address that is connected to is of the house: loopback, a private network (RFC 1918, RFC 4193), or a host or network
that the operator lists. A name is looked up once, and the connection goes to the address that was judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from config.models import Adapter, ModelSpec

Address = IPv4Address | IPv6Address

_HOUSE = tuple(map(ip_network, ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))


@dataclass(frozen=True, kw_only=True)
class Wall:
    self_hosted_only: bool = False
    listed: tuple[str, ...] = ()
    """More hosts of the house: names, or networks such as `100.64.0.0/10`. The operator's word."""
    because: str = ""
    """What put it there, for people; "" where it is not to be told."""

    def refuses(self, spec: ModelSpec) -> str:
        """Why a row may not be used at all; "" where it may. No connection is made to find out."""
        if not self.self_hosted_only or spec.self_hosted or spec.adapter not in (Adapter.ANTHROPIC, Adapter.OPENAI):
            return ""
        return f"{spec.name}: only self-hosted models may see this repository, and this one is not{self.told}"

    @property
    def told(self) -> str:
        """Its reason, to be put behind a sentence."""
        return f" ({self.because})" if self.because else ""

    def admitted(self, host: str, found: Sequence[str]) -> tuple[str, ...]:
        """The addresses found for a host, which may be connected to; none where the host is not of the house.

        All of them must be of the house, unless the operator lists the name: a name that is also elsewhere is not
        trusted.
        """
        named = host.lower().rstrip(".") in self.names()
        return tuple(found) if named or all(self._is_home(address) for address in found) else ()

    def names(self) -> frozenset[str]:
        """The listed entries that are names."""
        return frozenset(entry.lower().rstrip(".") for entry in self.listed if not _is_network(entry))

    def _is_home(self, text: str) -> bool:
        address = _plain(text)
        networks = (*_HOUSE, *(ip_network(entry, strict=False) for entry in self.listed if _is_network(entry)))
        return address is not None and any(address in network for network in networks)


OPEN = Wall()


def _plain(text: str) -> Address | None:
    """An address without its zone, and the one inside where the kernel itself connects to that. What goes to a 6to4 or
    NAT64 address leaves for a relay first, whatever is inside."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_network(entry: str) -> bool:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        return False
    return True
