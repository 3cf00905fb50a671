"""The machine's package registry settings, as far as an image build can use them.

Companies sit behind mirrors, and their machines are told so by variables and by pip's configuration files. What names
a path or a loopback address of this machine means nothing inside a build, and what carries a password is not handed
to strangers' build scripts unasked: both are left out, by name and with the reason.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_CARRIED = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|DEFAULT_TIMEOUT|TIMEOUT|RETRIES|FIND_LINKS|NO_INDEX|PREFER_BINARY)"
    r"|UV_(INDEX|DEFAULT_INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|INDEX_STRATEGY|HTTP_TIMEOUT|INSECURE_HOST)"
    r"|UV_PYTHON_INSTALL_MIRROR"
    r"|NPM_CONFIG_REGISTRY|YARN_NPM_REGISTRY_SERVER|YARN_REGISTRY"
    r"|GOPROXY|GOSUMDB|GONOSUMDB|GONOSUMCHECK|GOPRIVATE|GONOPROXY",
    re.IGNORECASE,
)
_FORWARD_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "timeout", "default-timeout", "retries", "find-links")
_PASSWORD = re.compile(r"://[^/\s@]+@")
_LOCAL = re.compile(r"file:|[/~.]|https?://(?:localhost|127\.|\[::1\])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ForwardProxies:
    """The proxies that this machine reaches the world through; addresses may hold a password, so none is shown."""

    http: str = field(default="", repr=False)
    """The address of the one for plain requests; empty: none."""
    https: str = field(default="", repr=False)
    bypass: tuple[str, ...] = ()
    """Names that are reached without one, with all that is below them; `*`: all."""


@dataclass(frozen=True, kw_only=True)
class Registries:
    values: dict[str, str] = field(default_factory=dict)
    """Variables for a build."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Variable -> why it stays here. Never the value."""


def collect(environ: Mapping[str, str]) -> Registries:
    """From variables, and from pip's configuration files where no variable says otherwise."""
    found = dict(_pip_configuration(environ))
    found |= {name: value for name, value in environ.items() if _CARRIED.fullmatch(name) and value}
    values: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name, value in found.items():
        kept = " ".join(word for word in value.split() if not _LOCAL.match(word))
        if _PASSWORD.search(value):
            left_out[name] = (
                "it carries a password, which built code could read; to allow that, repeat it in [sandbox] build_env"
            )
        elif not kept:
            left_out[name] = "it names a place on this machine"
        else:
            values[name] = kept
    if "PIP_INDEX_URL" in values and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & found.keys():
        values["UV_DEFAULT_INDEX"] = values["PIP_INDEX_URL"]  # uv does not read pip's settings
    return Registries(values=values, left_out=left_out)


def forward_proxies(environ: Mapping[str, str]) -> ForwardProxies:
    """As the tools read them: the lower-case name wins, ALL_PROXY stands for what is not named.

    One on a loopback address is passed over: no container can reach it.
    """
    named = {name: environ.get(name.lower()) or environ.get(name) or "" for name in _FORWARD_PROXIES}
    http, https = (named[name] or named["ALL_PROXY"] for name in ("HTTP_PROXY", "HTTPS_PROXY"))
    return ForwardProxies(
        http="" if _LOCAL.match(http) else http,
        https="" if _LOCAL.match(https) else https,
        bypass=tuple(word for word in re.split(r"[\s,]+", named["NO_PROXY"].lower()) if word),
    )


def is_forward_proxy(name: str) -> bool:
    """Whether a variable names a proxy (or what needs none), as opposed to a registry."""
    return name.upper() in _FORWARD_PROXIES


def _pip_configuration(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """pip's own order, later ones win: https://pip.pypa.io/en/stable/topics/configuration/"""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == "/dev/null":
        return
    home = Path(environ.get("HOME", "/nonexistent"))
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user]
    parser = configparser.RawConfigParser()
    for path in [*files, *([Path(named)] if named else [])]:
        try:
            parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue  # pip is the one to complain about its own files
    for section in ("global", "install"):
        for key in _PIP_KEYS:
            if parser.has_option(section, key):
                yield "PIP_" + key.upper().replace("-", "_"), " ".join(parser.get(section, key).split())
