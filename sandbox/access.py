"""The network of one build: a network of its own without a way out, and in it a proxy to the package registries.

One proxy a build, not one for all: what was refused is then known to be this build's, builds cannot reach one another,
and nothing has to be shared, found again or restarted. It costs about half a second of a build, and lives and dies with
it, as every container of ours does.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandbox.container import Container
from sandbox.daemon import Daemon
from sandbox.errors import ContainerLost, SandboxError, SetupError
from sandbox.layout import HOME, WORK
from sandbox.proxy.policy import Rule
from sandbox.types import Limits

PROXY_LIMITS = Limits(memory_bytes=256 << 20, cpus=1.0, pids=64, disk_bytes=16 << 20, file_bytes=16 << 20)
START_SECONDS = 20.0

_PROXY = Path(__file__).with_name("proxy")
_MODULES = ("__init__", "policy", "requests", "tls", "server")
_INSIDE = f"{WORK}/proxy"
_BOOT = f"import sys; sys.path.insert(0, {_INSIDE!r}); from sandbox.proxy.server import main; main()"
_NO_PROXY = "localhost,127.0.0.1,::1"


class Lines(Protocol):
    def send(self, line: str) -> None: ...

    def receive(self, timeout: float) -> str | None: ...


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a build's container is given."""

    network: str
    """The engine's name of the only network it is in."""
    env: Mapping[str, str]
    files: Mapping[str, bytes]
    """Absolute paths in the container: for tools that read no variable."""
    refusals: Callable[[], tuple[str, ...]]
    """What was asked for in vain until now, a sentence each. Never raises."""
    resolves: bool = False
    """Whether names can be resolved in the network."""


NO_ACCESS = Access(network="none", env={}, files={}, refusals=tuple)


def unguarded(network: str) -> Access:
    """A network of the engine itself: whatever it reaches."""
    return Access(network=network, env={}, files={}, refusals=tuple, resolves=True)


@contextmanager
def opened(
    daemon: Daemon,
    launch: Callable[[tuple[str, ...]], Container],
    labels: Mapping[str, str],
    rules: tuple[Rule, ...],
    upstream: Mapping[str, object],
    *,
    outward: str,
) -> Iterator[Access]:
    """`launch` starts the proxy's container in the network `outward` and the ones that it is given.

    Raises `SetupError`, `EngineUnavailable`.
    """
    if outward in ("host", "none") or outward.startswith("container:"):
        raise SetupError(
            f"sandbox.build_network is {outward!r}: no engine can put the builds' proxy into that and into a network "
            "of its own. Name a bridge network; or set sandbox.build_proxy = false, and builds are in it themselves, "
            "with everything within their reach that it reaches."
        )
    network = daemon.create_network(f"redgreen-build-{secrets.token_hex(8)}", labels)
    try:
        with contextlib.closing(launch((network,))) as container:
            address = daemon.address(container.id, network)
            lines, port = _started(container, address, rules, upstream)
            where = f"http://{address}:{port}"
            yield Access(
                network=network,
                env=proxy_env(address, port, where),
                files=proxy_files(address, port),
                refusals=lambda: _refusals(lines),
            )
    finally:
        daemon.remove_network(network)


def _started(
    container: Container, address: str, rules: tuple[Rule, ...], upstream: Mapping[str, object]
) -> tuple[Lines, int]:
    sources = {f"{_INSIDE}/sandbox/proxy/{name}.py": (_PROXY / f"{name}.py").read_bytes() for name in _MODULES}
    container.put_files({f"{_INSIDE}/sandbox/__init__.py": b"", **sources})
    lines = container.open_lines(["python3", "-I", "-c", _BOOT], cwd=WORK)
    told = {
        "listen": address,
        "rules": [[rule.host, rule.ports, rule.private] for rule in rules],
        "upstream": upstream,
    }
    # Over its input, not as an argument: the upstream's password is nobody else's business.
    lines.send(json.dumps(told))
    try:
        return lines, int(_answer(lines, "ready", START_SECONDS))
    except (ContainerLost, ValueError) as error:
        raise SetupError(f"The builds' proxy did not start: {error}") from error


def _refusals(lines: Lines) -> tuple[str, ...]:
    try:
        lines.send(json.dumps({"report": True}))
        found = _answer(lines, "refused", START_SECONDS)
        return tuple(refusal_text(str(target), str(why)) for target, why in found)
    except (SandboxError, ValueError, TypeError):
        return ("The builds' proxy went away.",)


def _answer(lines: Lines, key: str, seconds: float) -> Any:
    """Raises ValueError, `ContainerLost`."""
    line = lines.receive(seconds)
    if line is None:
        raise ValueError("no answer")
    return json.loads(line)[key]


def refusal_text(target: str, why: str) -> str:
    if why == "not allowed":
        return f"The build asked for {target}, which is not among the hosts it may reach (sandbox.build_hosts)."
    return f"The build asked for {target} in vain: {why}."


def proxy_env(address: str, port: int, where: str) -> dict[str, str]:
    """The variables that package managers read; the JVM's are in no variable but this one."""
    both = dict.fromkeys(
        (
            "http_proxy",
            "https_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "npm_config_proxy",
            "npm_config_https_proxy",
            "YARN_HTTP_PROXY",
            "YARN_HTTPS_PROXY",
            "CARGO_HTTP_PROXY",
        ),
        where,
    )
    without = dict.fromkeys(("no_proxy", "NO_PROXY", "npm_config_noproxy"), _NO_PROXY)
    properties = [
        f"-D{scheme}.{key}={value}"
        for scheme in ("http", "https")
        for key, value in (("proxyHost", address), ("proxyPort", str(port)))
    ]
    return {**both, **without, "JAVA_TOOL_OPTIONS": " ".join(properties)}


def proxy_files(address: str, port: int) -> dict[str, bytes]:
    """For Maven, whose resolver does not read the JVM's own properties. In a build's home, which no image keeps."""
    proxies = "".join(
        f"<proxy><id>{scheme}</id><active>true</active><protocol>{scheme}</protocol><host>{address}</host>"
        f"<port>{port}</port><nonProxyHosts>localhost|127.*</nonProxyHosts></proxy>"
        for scheme in ("http", "https")
    )
    return {f"{HOME}/.m2/settings.xml": f"<settings><proxies>{proxies}</proxies></settings>\n".encode()}
