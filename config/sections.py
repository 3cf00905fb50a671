"""The sections of the settings: one frozen model a table of `redgreen.toml`, each key documented under its field.

`config/settings.py` reads them; nothing here knows where a value came from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

from config.origins import PREFIX, SettingsRefused, variable_name
from config.routes import Rule
from config.sizes import Size, Words


def _home(path: Path) -> Path:
    return path.expanduser()


def _web_address(text: str) -> str:
    AnyHttpUrl(text)
    return text.rstrip("/")


File = Annotated[Path, AfterValidator(_home)]
Address = Annotated[str, AfterValidator(_web_address)]


class Group(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )


class Server(Group):
    """The web process: webhooks and pages."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback belongs behind a reverse proxy that speaks TLS."""
    port: int = Field(default=8787, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""


class GitHub(Group):
    """The GitHub App."""

    app_id: int = Field(default=0, ge=0)
    """The App's id; 0: not registered yet (the web process needs none)."""
    private_key: SecretStr = SecretStr("")
    """The App's private key, PEM text. Workers only: the web process never needs it."""
    private_key_file: File | None = None
    """A file that holds the private key; instead of `private_key`."""
    webhook_secret: SecretStr = SecretStr("")
    """The webhook's secret. The web process does not start without one."""
    webhook_secret_file: File | None = None
    """A file that holds the webhook's secret; instead of `webhook_secret`."""
    api_url: Address = "https://api.github.com"
    """GitHub's REST API; for GitHub Enterprise Server `https://HOST/api/v3`."""
    web_url: Address = "https://github.com"
    """GitHub's pages and git over https."""
    handle: str = Field(default="redgreen", pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$")
    """The name that comments call it by: `@redgreen fix`."""
    label: str = Field(default="redgreen", min_length=1, max_length=50)
    """The label that starts a fix when a maintainer puts it on an issue."""
    allowed_bots: Annotated[Words, NoDecode] = ()
    """Logins of bots that may give commands, e.g. `renovate[bot]`; all others are denied."""

    def app_key(self) -> SecretStr:
        """The private key's text. Raises `SettingsRefused` where there is none."""
        return _secret("github", "private_key", self.private_key, self.private_key_file)

    def secret(self) -> SecretStr:
        """The webhook's secret. Raises `SettingsRefused` where there is none."""
        return _secret("github", "webhook_secret", self.webhook_secret, self.webhook_secret_file)


class Store(Group):
    """What is kept: deliveries, jobs, trajectories, proofs, outcomes."""

    directory: File = Path("~/.local/state/redgreen")
    """The state directory: databases, mirrors, artifacts. One per installation, on a local disk."""
    database_url: SecretStr = SecretStr("")
    """SQLAlchemy URL of redgreen's own tables; empty: SQLite in the state directory."""
    system_database_url: SecretStr = SecretStr("")
    """SQLAlchemy URL of the durable queue's tables; empty: SQLite in the state directory."""


class Sandbox(Group):
    """Where code of others runs."""

    docker_host: str = ""
    """The Docker engine's address, e.g. `unix:///run/user/1000/podman/podman.sock`; empty: the machine's default."""
    runtime: str = ""
    """The engine's runtime, e.g. `runsc` for gVisor; empty: the engine's default."""
    base_image: str = ""
    """Image that environments are built on; empty: pulled where a registry answers, else built from the archive."""
    toolchains: tuple[File, ...] | None = None
    """Directories of Python installations for repositories that want another version than the base image has, each
    `DIRECTORY/ANY-NAME/bin/python3.9`; unset: pyenv's and uv's own on this machine."""
    toolchain_images: dict[str, str] = Field(default_factory=dict)
    """Images to build on instead, by version, e.g. `{ "python@3.9" = "registry.example/python:3.9-bookworm" }`."""
    memory: Size = 4 << 30
    """Memory of one container, its work area included."""
    cpus: float = Field(default=2.0, gt=0)
    """Processors of one container."""
    pids: int = Field(default=512, ge=16)
    """Processes and threads of one container."""
    disk: Size = 2 << 30
    """Size of a container's writable work area."""
    file_size: Size = 512 << 20
    """Largest file that may be written in a container."""
    output: Size = 1 << 20
    """Output kept of one command; what is over it is cut from the middle."""
    seconds: float = Field(default=1800.0, gt=0)
    """Time limit of one command or test run."""
    shards: int = Field(default=0, ge=0, le=64)
    """Containers that a long suite is divided into, at once; together they use what one may. 0: one for each of the
    `cpus`; 1: never divided."""
    shard_seconds: float = Field(default=20.0, gt=0)
    """What a suite's tests must take together to be divided."""
    ca_bundle: File | None = None
    """Certificate authorities for builds; unset: the machine's own (`SSL_CERT_FILE`, else Debian's bundle)."""
    build_env: dict[str, str] = Field(default_factory=dict)
    """More variables for image builds, e.g. `{ PIP_INDEX_URL = "..." }`; they win over what the machine's own
    `PIP_*`, `UV_*`, `NPM_CONFIG_*`, `GO*` variables and pip configuration say. The code that is built can read them."""
    build_network: str = "bridge"
    """The engine's network by which the builds' proxy reaches the package registries; nothing else is in it."""
    build_hosts: Annotated[Words, NoDecode] = ()
    """More hosts that image builds may reach: `HOST`, `HOST:PORT` or `*.DOMAIN`. Those of registry settings and, with
    `build_public_registries`, of the languages' public registries need not be listed. A host that is named here may
    be on a private address."""
    build_public_registries: bool = True
    """Whether image builds may reach the public package registries of the languages and of the distribution."""
    build_proxy: bool = True
    """Off: image builds are in `build_network` themselves and reach whatever it reaches; there is no list of hosts."""
    build_seconds: float = Field(default=1800.0, gt=0)
    """Time limit of one image build."""
    images_max_age: float = Field(default=14.0, gt=0)
    """Days after its last use that an environment image is removed."""
    images_max_bytes: Size = 20 << 30
    """What environment images may take together, without the base; over it, the longest unused go first."""
    cache_dir: File = Path("~/.cache/redgreen")
    """Cache of base image material and test runs; it may be deleted at any time."""


class Models(Group):
    """Which model works."""

    file: File | None = None
    """A lineup of your own (TOML, as `config/models.toml`), added to the built-in one."""
    default: str = "repair"
    """The model for a job that names none; `repair` needs no key."""
    self_hosted_only: Annotated[Words, NoDecode] = ()
    """Repositories whose source may only be sent to self-hosted models, e.g. `acme/*` or `*`; a checkout on this
    machine is one by any of its remotes. A repository can add itself by its own file, and cannot take itself out."""
    self_hosted_hosts: Annotated[Words, NoDecode] = ()
    """Hosts (`llm.example.com`) and networks (`100.64.0.0/10`) that count as self-hosted, beside loopback and private
    addresses."""
    fallback: Annotated[Words, NoDecode] = ()
    """Models that work instead, in this order, when an endpoint gives no answer: it cannot be reached, refuses the key,
    has no quota or no such model, its window is too small, or it declines. Never because a fix was not found. A model
    of the house is only followed by models of the house."""


class Race(Group):
    """Several models, or samples of one, on the same issue at once: the first verified patch is taken."""

    models: Annotated[Words, NoDecode] = ()
    """The models that race for a job that names none; empty: `models.default` works alone."""
    samples: int = Field(default=1, ge=1, le=8)
    """Entrants of each model, for a job that names none."""
    at_once: int = Field(default=0, ge=0, le=64)
    """Entrants of all races that work at the same time; 0: as many containers as the Docker engine's memory holds."""


class Routing(Group):
    """Which model works on what; a job's first rule that matches chooses ([models](models.md#which-model-works))."""

    rules: tuple[Rule, ...] = ()
    """`[[routing.rules]]`: each a `model`, and conditions (`repository`, `label`, `path`, `kind`, `stakes`,
    `min_lines`, `max_lines`) that must all hold."""
    allowed: Annotated[Words, NoDecode] = ()
    """Models that a comment (`fix with MODEL`) or a repository's file may name; empty: every one of the lineup."""
    high_stakes_labels: Annotated[Words, NoDecode] = ("security", "critical")
    """Labels that make the stakes high."""
    high_stakes_paths: Annotated[Words, NoDecode] = ()
    """Path patterns that make the stakes high, where an issue names or a pull request changes such a path."""


class Limits(Group):
    """What one attempt may use; checked before every call."""

    steps: int = Field(default=60, ge=1)
    """Steps (model calls) of one attempt."""
    input_tokens: int = Field(default=4_000_000, ge=1)
    """Prompt tokens of one attempt, cached ones included."""
    output_tokens: int = Field(default=200_000, ge=1)
    """Answer tokens of one attempt."""
    cost_usd: float = Field(default=3.0, gt=0)
    """Dollars of one attempt."""
    job_usd: float | None = Field(default=10.0, gt=0)
    """Dollars of one job, all its attempts together."""
    repository_month_usd: float = Field(default=100.0, gt=0)
    """Dollars of one repository in one calendar month (UTC)."""
    installation_month_usd: float | None = Field(default=None, gt=0)
    """Dollars of one installation of the App (an organisation or a user) in one calendar month; unset: no limit."""
    month_usd: float | None = Field(default=None, gt=0)
    """Dollars of everything together in one calendar month; unset: no limit."""
    unpriced: Literal["refuse", "allow"] = "refuse"
    """What becomes of a vendor's model whose price is unknown: no limit in dollars can bound it."""
    seconds: float = Field(default=1800.0, gt=0)
    """Wall time of one attempt."""
    verify_seconds: float = Field(default=1800.0, gt=0)
    """Wall time of one verification; a suite that is longer is run as a stated selection."""
    jobs: int = Field(default=2, ge=1)
    """Jobs a worker runs at the same time."""


class Policy(Group):
    """What is published, and for whom."""

    pull_request: Literal["draft", "ready"] = "draft"
    """How a verified fix is opened."""
    review: bool = True
    """Run pull requests when they are opened or pushed to; off: only when asked."""
    minimum_permission: Literal["write", "admin"] = "write"
    """The role on a repository that may start work there."""


class Log(Group):
    """What the processes say."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity that is written."""
    format: Literal["console", "json"] = "console"
    """For people or for machines."""


def _secret(group: str, key: str, value: SecretStr, file: Path | None) -> SecretStr:
    if value.get_secret_value() and file is not None:
        raise SettingsRefused(f"{group}.{key} and {group}.{key}_file are both set: keep one")
    if file is not None:
        try:
            value = SecretStr(file.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsRefused(f"{group}.{key}_file: cannot be read: {error}") from None
    if not value.get_secret_value():
        raise SettingsRefused(f"{group}.{key} is not set: give ${variable_name(f'{group}.{key}', PREFIX)} or the file")
    return value
