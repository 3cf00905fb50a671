"""What builds may reach: the operator's registries, and the well-known ones. Pure.

Two lists come of it. The repository's own steps see package registries only; redgreen's own commands, which run before
any code of the repository, also see the distribution's archive and the places that toolchains come from.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from config.package_hosts import PACKAGES, PLAIN, SYSTEM
from config.registries import ForwardProxies, is_forward_proxy
from sandbox.errors import SetupError
from sandbox.proxy.policy import Rule, host_problem

_URL = re.compile(r"https?://[^\s,|;'\"]+", re.IGNORECASE)
_NAMES_REGISTRIES = re.compile(r"INDEX|REGISTR|REPOSITOR|MIRROR|FIND_LINKS|GOPROXY|GOSUMDB", re.IGNORECASE)
_TLS, _HTTP = 443, 80


@dataclass(frozen=True, kw_only=True)
class BuildPolicy:
    """The operator's word on what builds reach."""

    listed: tuple[str, ...] = ()
    """`HOST`, `HOST:PORT`, `*.DOMAIN`: besides the registries that the build's variables name."""
    public: bool = True
    """The languages' and the distribution's well-known registries."""
    mirrors: tuple[str, ...] = ()
    """Addresses of the distribution's archive, as this machine's own package manager uses it."""
    proxies: ForwardProxies = field(default_factory=ForwardProxies)


def system_rules(policy: BuildPolicy, env: Mapping[str, str]) -> tuple[Rule, ...]:
    """For redgreen's own commands. Raises `SetupError` naming what is no host."""
    public = _public(SYSTEM) if policy.public else ()
    return _merged((*package_rules(policy, env), *public, *map(_of_url, policy.mirrors)))


def package_rules(policy: BuildPolicy, env: Mapping[str, str]) -> tuple[Rule, ...]:
    """For the repository's steps. `env`: the build's variables, of which those that name registries count.

    Raises `SetupError` naming what is no host.
    """
    public = _public(PACKAGES) if policy.public else ()
    return _merged((*map(_listed, policy.listed), *map(_of_url, _registries(env)), *public))


def upstream(proxies: ForwardProxies) -> dict[str, object]:
    """The operator's proxies as the builds' proxy is told them. Raises `SetupError`; the text holds no address."""
    return {
        "http": _proxy("HTTP_PROXY", proxies.http),
        "https": _proxy("HTTPS_PROXY", proxies.https),
        "bypass": [name.removeprefix("*") or name for name in proxies.bypass],
    }


def _proxy(variable: str, address: str) -> list[object] | None:
    if not address:
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        host, port = parts.hostname, parts.port or _HTTP
    except ValueError:
        host, port = None, 0
    if parts.scheme != "http" or not host:
        raise SetupError(
            f"{variable} is no address of a proxy that image builds could use: it must be http://HOST:PORT."
        )
    credential = ""
    if parts.username:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        credential = f"Basic {base64.b64encode(secret).decode()}"
    return [host, port, credential]


def _public(table: Mapping[str, tuple[str, ...]]) -> tuple[Rule, ...]:
    hosts = [host for group in table.values() for host in group]
    return tuple(Rule(host, (_TLS, _HTTP) if host in PLAIN else (_TLS,)) for host in hosts)


def _registries(env: Mapping[str, str]) -> Iterator[str]:
    for name, value in env.items():
        if _NAMES_REGISTRIES.search(name) and not is_forward_proxy(name):
            yield from _URL.findall(value)


def _of_url(address: str) -> Rule:
    parts = urlsplit(address)
    host = (parts.hostname or "").lower().rstrip(".")
    try:
        port, problem = parts.port, host_problem(host)
    except ValueError as error:
        port, problem = None, str(error)
    if problem:
        raise SetupError(f"A registry's address names no host that image builds could reach: {parts.scheme}://{host}")
    return Rule(host, (port or (_TLS if parts.scheme.lower() == "https" else _HTTP),), private=True)


def _listed(entry: str) -> Rule:
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/]+|[0-9a-fA-F:]+:[0-9a-fA-F:.]*)(?::([0-9]{1,5}))?", entry)
    host = match.group(1).strip("[]").lower().rstrip(".") if match else entry
    port = int(match.group(2)) if match and match.group(2) else None
    problem = host_problem(host) if match else "it is neither HOST nor HOST:PORT"
    if problem or port == 0 or (port or 0) > 65535:
        raise SetupError(f"sandbox.build_hosts: {entry!r}: {problem or 'there is no such port'}.")
    return Rule(host, (port,) if port else (_TLS, _HTTP), private=True)


def _merged(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """One rule a host: what any of them allows."""
    found: dict[str, Rule] = {}
    for rule in rules:
        known = found.get(rule.host, Rule(rule.host, ()))
        ports = tuple(dict.fromkeys((*known.ports, *rule.ports)))
        found[rule.host] = Rule(rule.host, ports, known.private or rule.private)
    return tuple(found.values())
