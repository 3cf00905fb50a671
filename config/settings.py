"""Settings: from `redgreen.toml` and `REDGREEN_*`; the only reader of the process environment in redgreen.

`load` reads both, once. The result is frozen and is passed in to whoever needs it. A variable is named after its key:
`[server] port` is `REDGREEN_SERVER__PORT`, and it wins over the file. An unknown key is refused in either place. What
each section holds stands in `config/sections.py`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from config.origins import (
    PREFIX,
    Origins,
    SettingsRefused,
    file_origins,
    find_origin,
    flat_keys,
    key_problem,
    variable_origins,
)
from config.registries import ForwardProxies, Registries, collect, forward_proxies
from config.sections import GitHub, Limits, Log, Models, Policy, Race, Routing, Sandbox, Server, Store

DEFAULT_FILE = Path("redgreen.toml")
MACHINE_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
"""Where Debian and its descendants keep the machine's certificate authorities."""


class Settings(BaseSettings):
    """All settings. Built by `load`; constructed directly it reads the environment and takes keywords as the file."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    server: Server = Field(default_factory=Server)
    github: GitHub = Field(default_factory=GitHub)
    store: Store = Field(default_factory=Store)
    sandbox: Sandbox = Field(default_factory=Sandbox)
    models: Models = Field(default_factory=Models)
    race: Race = Field(default_factory=Race)
    routing: Routing = Field(default_factory=Routing)
    limits: Limits = Field(default_factory=Limits)
    policy: Policy = Field(default_factory=Policy)
    log: Log = Field(default_factory=Log)

    _origins: Origins = PrivateAttr(default_factory=dict)

    @property
    def origins(self) -> Origins:
        """`group.key` -> where its value came from (`FILE:LINE` or `$VARIABLE`); what is absent is a default."""
        return self._origins

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """The effective settings: defaults, then the file, then the environment.

    `path`, else `REDGREEN_CONFIG`, names a file that must exist; else `redgreen.toml` here is read if it is there.
    Raises `SettingsRefused` with a sentence that names the key and where it stands.
    """
    named = path or (Path(os.environ["REDGREEN_CONFIG"]) if os.environ.get("REDGREEN_CONFIG") else None)
    values, origins = _read_file(named or DEFAULT_FILE, must_exist=named is not None)
    variables = variable_origins(os.environ, PREFIX)
    origins |= variables
    for key in (*flat_keys(values), *variables):
        if problem := key_problem(key, Settings):
            raise SettingsRefused(f"{find_origin(key, origins)}: {problem}")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsRefused(_sentence(error, origins)) from None
    except SettingsError as error:
        raise SettingsRefused(f"the environment: {error}") from None
    settings._origins = origins
    return settings


def build_environment(settings: Settings) -> dict[str, str]:
    """Registry settings that image builds get: the machine's own, then `[sandbox] build_env`."""
    return registries().values | settings.sandbox.build_env


def registries() -> Registries:
    """The machine's registry settings, with the names of those that cannot be carried into a build and why."""
    return collect(os.environ)


def build_proxies(settings: Settings) -> ForwardProxies:
    """The proxies that builds' traffic goes on through: as `[sandbox] build_env` says, else the machine's own."""
    said = forward_proxies(settings.sandbox.build_env)
    return said if said.http or said.https else forward_proxies(os.environ)


def toolchain_directories(settings: Settings) -> tuple[Path, ...]:
    """Where installations of Python are looked for on this machine: as set, else where pyenv and uv keep theirs."""
    if settings.sandbox.toolchains is not None:
        return settings.sandbox.toolchains
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share")
    named = (
        Path(os.environ.get("PYENV_ROOT") or "~/.pyenv") / "versions",
        Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python"),
    )
    return tuple(path for path in (one.expanduser() for one in named) if path.is_dir())


def ca_bundle(settings: Settings) -> Path | None:
    """The certificate authorities that builds must trust, or None where the machine has no bundle."""
    if settings.sandbox.ca_bundle is not None:
        return settings.sandbox.ca_bundle
    named = (os.environ.get(name, "") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    candidates = [Path(name) for name in named if name] + [MACHINE_CA_BUNDLE]
    return next((path for path in candidates if path.is_file()), None)


def model_key(variable: str) -> SecretStr | None:
    """A model's API key by the variable that the lineup names (`ModelSpec.key_variable`); None: no key is set."""
    value = os.environ.get(variable, "") if variable else ""
    return SecretStr(value) if value else None


def child_environment(changes: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with changes: for processes of redgreen that it starts itself."""
    return {**os.environ, **changes}


def _read_file(path: Path, *, must_exist: bool) -> tuple[dict[str, Any], dict[str, str]]:
    if not must_exist and not path.exists():
        return {}, {}
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), file_origins(text, str(path))
    except tomllib.TOMLDecodeError as error:
        raise SettingsRefused(f"{path}: not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{path}: cannot be read: {error}") from None


def _sentence(error: ValidationError, origins: Mapping[str, str]) -> str:
    """The first problem, by its key and its place; never with the value, which may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"][:2])
    place = "".join(f", entry {part + 1}" if isinstance(part, int) else f", {part}" for part in _in_list(first["loc"]))
    return f"{find_origin(key, origins)}: {key}{place}: {first['msg']}"


def _in_list(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where in a list of tables a mistake is; the words are the tables' own keys."""
    return location[2:4] if len(location) > 2 and isinstance(location[2], int) else ()
