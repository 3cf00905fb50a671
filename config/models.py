"""The lineup: which models there are, how each is reached and what it costs. Pure; the data is `models.toml`.

TOML bytes become `ModelSpec` values here and nowhere else; a mistake is a `LineupError` that names table and key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Annotated, Any, assert_never
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from config.rates import Price


class LineupError(ValueError):
    """The lineup cannot be used; the text names the file, the table and the key."""


class UnknownModel(LineupError):
    """No model of that name; the text lists those there are."""


class Adapter(StrEnum):
    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    """Any endpoint that speaks OpenAI's Chat Completions."""
    REPLAY = "replay"
    """Answers from a recorded trajectory file."""
    NONE = "none"
    """No model at all (`repair`)."""


class StrategyName(StrEnum):
    LOOP = "loop"
    SINGLE_SHOT = "single_shot"
    REPAIR = "repair"


class Dialect(StrEnum):
    TOOLS = "tools"
    """Native tool calls."""
    TEXT = "text"
    """One fenced action an answer, for models without tool calls."""


class Openness(StrEnum):
    CLOSED = "closed"
    OPEN_WEIGHTS = "open_weights"
    NONE = "none"
    """There is no model."""


class Kind(StrEnum):
    GENERAL = "general"
    CODE = "code"


class MaxTokensField(StrEnum):
    """The name an OpenAI-compatible server gives to the output limit."""

    MAX_TOKENS = "max_tokens"
    MAX_COMPLETION_TOKENS = "max_completion_tokens"


class Protocol(StrEnum):
    """What an OpenAI-compatible server is asked by."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    """Plain text in, its continuation out: base models, which know no conversation."""


class Server(StrEnum):
    """By what a model can be reached; `docs/models.md` says how for each."""

    VENDOR = "vendor"
    VLLM = "vllm"
    OLLAMA = "ollama"
    TGI = "tgi"
    LLAMA_CPP = "llama_cpp"


class TokenizerRoute(StrEnum):
    """Where an endpoint counts tokens for us."""

    NONE = "none"
    VLLM = "vllm"
    LLAMA_CPP = "llama_cpp"
    TGI = "tgi"
    ANTHROPIC = "anthropic"


class FimRoute(StrEnum):
    """How an endpoint is asked to fill a gap."""

    TOKENS = "tokens"
    """A plain completion whose prompt holds the model's own tokens."""
    SUFFIX = "suffix"
    """`/completions` with a `suffix`."""
    MISTRAL = "mistral"
    """`/fim/completions`, answered as a chat."""
    LLAMA_CPP = "llama_cpp"
    """`/infill` beside `/v1`."""


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_CLOSED_MODEL = ConfigDict(frozen=True, extra="forbid", strict=True)


class Fim(BaseModel):
    """Fill-in-the-middle: by which route, and the tokens the model was trained with (route `tokens` only)."""

    model_config = _CLOSED_MODEL

    route: FimRoute
    prefix: str = ""
    suffix: str = ""
    middle: str = ""
    suffix_first: bool = False
    """The suffix stands before the prefix (Codestral)."""
    stop: tuple[str, ...] = ()
    """What ends the gap's text, if the endpoint lets it through."""

    @model_validator(mode="after")
    def _has_tokens(self) -> Fim:
        if self.route is FimRoute.TOKENS and not (self.prefix and self.suffix):
            raise ValueError("the route 'tokens' needs `prefix` and `suffix`")
        return self

    def prompt(self, before: str, after: str) -> str:
        """The plain prompt of the route `tokens`."""
        if self.suffix_first:
            return f"{self.suffix}{after}{self.prefix}{before}{self.middle}"
        return f"{self.prefix}{before}{self.suffix}{after}{self.middle}"


class ModelSpec(BaseModel):
    """One row of the lineup."""

    model_config = _CLOSED_MODEL

    name: Name
    """The scoreboard's row and the word a maintainer types."""
    adapter: Adapter
    endpoint: str = ""
    """The base URL as its SDK wants it; for `replay`, the path of the trajectory file."""
    model_id: str = ""
    """What the endpoint calls the model."""
    key_variable: str = Field(default="", pattern=r"^([A-Z][A-Z0-9_]*)?$")
    """Name of the variable that holds the key; "" for an endpoint that wants none."""
    window: int = Field(default=0, ge=0)
    """Tokens of the whole conversation; 0 where there is no model."""
    output_limit: int = Field(default=0, ge=0)
    """Tokens of one reply."""
    tools: bool = True
    """The endpoint takes native tool calls; else the loop speaks in fenced text."""
    protocol: Protocol = Protocol.CHAT
    """Of an `openai` endpoint; `completions` only goes with the strategy `single_shot`."""
    strategy: StrategyName = StrategyName.LOOP
    pinned: bool = False
    """`strategy` and `tools` are the operator's word: what a probe found does not change them."""
    fim: Fim | None = None
    tokenizer: TokenizerRoute = TokenizerRoute.NONE
    """Where tokens are counted, as far as it is known without a probe."""
    served_by: tuple[Server, ...] = ()
    openness: Openness = Openness.CLOSED
    licence: str = ""
    kind: Kind = Kind.GENERAL
    self_hosted: bool = False
    """The endpoint runs under the operator's control: no source leaves the house."""
    price_provider: str = ""
    """The provider's id in genai-prices; "" when that table does not list the model."""
    price: Price | None = None
    """Wins over the table."""
    max_tokens_field: MaxTokensField = MaxTokensField.MAX_TOKENS
    reports_usage: bool = True
    """The endpoint ends a stream with its token counts; without them a cost is unknown."""
    thinking: bool = False
    """Ask an `anthropic` endpoint for adaptive thinking."""
    effort: str = Field(default="", pattern=r"^(minimal|low|medium|high|xhigh|max)?$")
    """How hard to think, where the endpoint takes such a word; "" sends none."""
    notes: str = ""

    @property
    def dialect(self) -> Dialect:
        return Dialect.TOOLS if self.tools else Dialect.TEXT

    @model_validator(mode="after")
    def _is_complete(self) -> ModelSpec:
        match self.adapter:
            case Adapter.ANTHROPIC | Adapter.OPENAI:
                self._check_endpoint()
            case Adapter.REPLAY:
                if not self.endpoint:
                    raise ValueError("`endpoint` must name the trajectory file for the adapter 'replay'")
            case Adapter.NONE:
                if self.strategy is not StrategyName.REPAIR:
                    raise ValueError("`strategy` must be 'repair' for the adapter 'none'")
            case _:
                assert_never(self.adapter)
        return self

    def _check_completions(self) -> None:
        if self.adapter is not Adapter.OPENAI:
            raise ValueError("`protocol` 'completions' is for the adapter 'openai'")
        if self.strategy is not StrategyName.SINGLE_SHOT:
            raise ValueError("`protocol` 'completions' needs the strategy 'single_shot': there is no conversation")

    def _check_endpoint(self) -> None:
        if not self.model_id:
            raise ValueError("`model_id` is missing")
        if self.window <= 0 or self.output_limit <= 0:
            raise ValueError("`window` and `output_limit` must be positive")
        if self.strategy is StrategyName.REPAIR:
            raise ValueError("`strategy` 'repair' uses no model: the adapter must be 'none'")
        if self.protocol is Protocol.COMPLETIONS:
            self._check_completions()
        url = urlsplit(self.endpoint)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("`endpoint` must be an http(s) URL")
        if url.username or url.password:
            raise ValueError("`endpoint` must not hold a password: name a `key_variable`")
        if set("?#") & set(self.endpoint):
            raise ValueError("`endpoint` must be the address that paths are put behind, without `?` and `#`")


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """All models by name, in the order of the file."""

    models: Mapping[str, ModelSpec]

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self.models.values())

    def get(self, name: str) -> ModelSpec:
        """Raises `UnknownModel`."""
        spec = self.models.get(name)
        if spec is None:
            raise UnknownModel(f"There is no model named {name!r}. The lineup has: {', '.join(self.models)}.")
        return spec


def load(text: str | bytes, *, source: str = "models.toml", presets: Lineup | None = None) -> Lineup:
    """A lineup from TOML: one table `[models.NAME]` a model.

    On top of `presets` a table of a new name adds a row, and one of a known name replaces the keys it gives (`price` as
    a whole). Raises `LineupError`.
    """
    tables = _tables(text, source)
    models = dict(presets.models) if presets else {}
    for name, table in tables.items():
        known = models.get(name)
        given = known.model_dump(mode="json", exclude_unset=True, exclude={"name"}) if known else {}
        models[name] = _spec(name, {**given, **table}, source)
    return Lineup(models=models)


def default_lineup() -> Lineup:
    """The presets that are shipped."""
    return load(resources.files("config").joinpath("models.toml").read_bytes())


def _tables(text: str | bytes, source: str) -> Mapping[str, dict[str, Any]]:
    try:
        document = tomllib.loads(text.decode("utf-8") if isinstance(text, bytes) else text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LineupError(f"{source} is not TOML: {error}") from None
    unknown = sorted(document.keys() - {"models"})
    if unknown:
        raise LineupError(f"{source}: unknown key {unknown[0]!r}; a model is a table [models.NAME]")
    tables = document.get("models", {})
    if not isinstance(tables, dict):
        raise LineupError(f"{source}: 'models' must hold tables [models.NAME]")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise LineupError(f"{source}: [models.{name}] must be a table")
        if "name" in table:
            raise LineupError(f"{source}: [models.{name}] name: the table's own name is the model's name")
    return tables


def _spec(name: str, table: Mapping[str, Any], source: str) -> ModelSpec:
    try:
        # Through JSON, because there strict means no number from a string or a flag, yet enumerations and dates work.
        return ModelSpec.model_validate_json(json.dumps({**table, "name": name}, default=str))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise LineupError(f"{source}: [models.{name}] {key + ': ' if key else ''}{message}") from None
