"""The lineup's rows, each with the endpoint that serves it: its paths, its key, its errors, and a model behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from agents.models import build
from agents.protocols import Environment, Recorder
from agents.strategies import strategy
from agents.types import Attempt, AttemptLimits
from config.models import Adapter, ModelSpec, Protocol, StrategyName, default_lineup, load
from tests.support import player
from tests.support.lineup_troubles import PASSING, UNKNOWN_KEY, asked_wait
from tests.support.model_server import Answer, Received
from tests.support.vendors import (
    ANTHROPIC,
    DASHSCOPE,
    DEEPSEEK,
    GEMINI,
    LLAMA_CPP,
    MISTRAL,
    OLLAMA,
    OPENAI,
    TGI,
    VLLM,
    VLLM_BASE,
    Asked,
    Player,
    Said,
    Vendor,
    VendorServer,
)

KEY = "sk-lineup-0123456789"
HOSTED = {
    "api.anthropic.com": ANTHROPIC,
    "api.openai.com": OPENAI,
    "generativelanguage.googleapis.com": GEMINI,
    "api.deepseek.com": DEEPSEEK,
    "dashscope-intl.aliyuncs.com": DASHSCOPE,
    "api.mistral.ai": MISTRAL,
}
_GENERATES = ("/chat/completions", "/completions", "/messages", "/fim/completions", "/infill")
GAP_OF_TOTAL = "def total(prices, discount=0):\n"


@dataclass(kw_only=True)
class LineupServer(VendorServer):
    """A vendor at its own path, which is busy at first: each route that writes gives each of `troubles` once."""

    base: str = "/v1"
    """The path of the preset's endpoint."""
    troubles: Sequence[Answer] = ()
    told: list[Answer] = field(default_factory=list)
    """The troubles that were answered, in order."""
    strayed: list[str] = field(default_factory=list)
    """Paths outside of the base."""
    routes: list[str] = field(default_factory=list)
    """Of the requests that a model got to see."""
    _busy: dict[str, list[Answer]] = field(default_factory=dict)

    def answer(self, received: Received) -> Answer:
        if self.base not in ("", "/v1"):
            if not received.path.startswith(f"{self.base}/"):
                self.strayed.append(received.path)
                return self.vendor.error(404, "not_found_error", "Not Found")
            received = replace(received, path=f"/v1{received.path.removeprefix(self.base)}")
        if self.key and received.headers.get("authorization") != f"Bearer {self.key}":
            self.requests.append(received)
            return UNKNOWN_KEY[self.vendor.name]
        route = received.path.removeprefix("/v1")
        if received.method == "POST" and route in _GENERATES:
            if waiting := self._busy.setdefault(route, list(self.troubles)):
                self.told.append(waiting.pop(0))
                return self.told[-1]
            self.routes.append(route)
        return super().answer(received)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A preset and who serves it."""

    spec: ModelSpec
    vendor: Vendor

    @property
    def is_hosted(self) -> bool:
        return self.vendor in HOSTED.values()

    @property
    def fills_gaps(self) -> bool:
        """As its strategy uses it."""
        return self.spec.fim is not None and self.spec.strategy is StrategyName.SINGLE_SHOT

    @property
    def play(self) -> Player:
        """A model of a row that fills gaps does nothing else well."""
        return only_gaps if self.fills_gaps else player.play

    def server(self, play: Player | None = None, **changes: object) -> LineupServer:
        fim = self.spec.fim
        server = LineupServer(
            vendor=self.vendor,
            model=self.spec.model_id,
            window=self.spec.window,
            play=play or self.play,
            key=KEY if self.is_hosted else "",
            fim_tokens=tuple(filter(None, (fim.prefix, fim.suffix, fim.middle))) if fim else (),
            base=urlsplit(self.spec.endpoint).path.rstrip("/") if self.is_hosted else "/v1",
            troubles=PASSING[self.vendor.name],
        )
        return replace(server, **changes)  # type: ignore[arg-type]  # a field's name is its type's

    def at(self, server: LineupServer) -> ModelSpec:
        """The row as an operator's own file points it to the server."""
        base = server.base if self.spec.adapter is not Adapter.ANTHROPIC else ""
        slash = "/" if self.spec.endpoint.endswith("/") else ""
        text = f'[models.{self.spec.name}]\nendpoint = "{server.url}{base}{slash}"\n'
        if not self.is_hosted:
            text += 'key_variable = ""\n'
        return load(text, presets=default_lineup()).get(self.spec.name)

    def solved(
        self, server: LineupServer, environment: Environment, recorder: Recorder, *, spec: ModelSpec | None = None
    ) -> Attempt:
        """The whole fix, by the row's own strategy."""
        spec = spec or self.at(server)
        model = build(spec, SecretStr(KEY) if spec.key_variable else None)
        return strategy(spec.strategy)(player.TASK, environment, model, AttemptLimits(), recorder)


def vendor_of(spec: ModelSpec) -> Vendor:
    for host, vendor in HOSTED.items():
        if host in spec.endpoint:
            return vendor
    return VLLM_BASE if spec.protocol is Protocol.COMPLETIONS else VLLM


ROWS = tuple(
    Row(spec=spec, vendor=vendor_of(spec)) for spec in default_lineup() if spec.adapter is not Adapter.NONE
)  # fmt: skip
TGI_CHAT = replace(TGI, routes=TGI.routes | {"chat"}, rambles=False, takes_tools=True)
LLAMA_CPP_CHAT = replace(LLAMA_CPP, routes=LLAMA_CPP.routes | {"chat"}, rambles=False, takes_tools=True)
"""With a model that was trained to converse."""
ELSEWHERE = tuple(
    Row(spec=default_lineup().get(name), vendor=vendor)
    for name, vendor in (
        ("qwen2_5-coder", TGI_CHAT),
        ("qwen2_5-coder", LLAMA_CPP_CHAT),
        ("qwen2_5-coder", OLLAMA),
        ("devstral-small", LLAMA_CPP_CHAT),
        ("deepseek-coder", VLLM),
        ("codellama-34b-instruct", TGI_CHAT),
        ("starcoder2-15b", TGI),
        ("codellama-7b", LLAMA_CPP),
    )
)
"""Presets on the other servers that can hold them: loops in text and with tools, and single shots."""


def named(row: Row) -> str:
    return row.spec.name if row in ROWS else f"{row.spec.name} on {row.vendor.name}"


def only_gaps(asked: Asked) -> Said:
    """Writes good tests, and repairs in nothing but the gap that is the faulty function's body."""
    match asked.kind:
        case "infill" if asked.text.endswith(GAP_OF_TOTAL):
            return Said(text=player.BODY)
        case "chat" if "Write the new test file" in asked.text:
            return player.play(asked)
        case "chat":
            return Said(text=player.REPLACED.replace(f" {player.RIGHT}\n", " // 100.0\n"))
        case "completion" if " def test_" in asked.text.rstrip("\n").rpartition("\n")[2]:
            return player.play(asked)
        case _:
            return Said(text="    return sum(prices)\n\n\nx = 1\n")


def no_gaps(asked: Asked) -> Said:
    """The same, and its gaps are as bad as the rest."""
    return Said(text="    return sum(prices)\n") if asked.kind == "infill" else only_gaps(asked)


def probed_gaps(asked: Asked) -> Said:
    """The same, honest where it is only asked what it can do."""
    said = player.probed(asked)
    return said if said != player.play(asked) else only_gaps(asked)


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that retries would have slept, in order."""
    waited: list[float] = []
    monkeypatch.setattr("agents.models.retry.pause", lambda seconds, stopped: waited.append(seconds))
    return waited


def weathered(server: LineupServer, waited: Sequence[float]) -> None:
    """Each trouble was met on each route that was used, and waited for as long as it asked."""
    assert server.troubles
    assert len(server.told) == len(server.troubles) * len(set(server.routes))
    assert len(waited) == len(server.told), "one wait for one trouble, and no other"
    assert all(slept >= asked_wait(answer) for slept, answer in zip(waited, server.told, strict=True))
    assert not server.violations
    assert not server.refused, "nothing was sent that did not fit"
    assert not server.strayed, "nothing went outside of the endpoint's path"
