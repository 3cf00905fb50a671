"""Both wire formats behind one face, so that a test of an adapter's promise runs for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from agents.models.anthropic import AnthropicModel
from agents.models.openai import OpenAIModel
from agents.models.transport import Timeouts
from agents.protocols import Model
from agents.types import Message, Role, Text, ToolSpec
from config.models import ModelSpec, load
from tests.support.model_server import (
    Answer,
    ModelServer,
    Received,
    anthropic_message,
    anthropic_pieces,
    openai_message,
    openai_pieces,
)

KEY = "sk-very-secret-0123456789"
PATIENT = Timeouts(connect=60, silence=60, whole=60, response_bytes=1 << 20)
"""A busy machine may leave a server without a processor for seconds: who tests a limit names a small one."""
SYSTEM = Message(role=Role.SYSTEM, parts=(Text(text="You repair."),))
USER = Message(role=Role.USER, parts=(Text(text="Repair it."),))
READ = ToolSpec(
    name="read",
    description="Show a file.",
    parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)


@dataclass(frozen=True)
class Wire:
    adapter: str
    message: Callable[..., Answer]
    """A whole message: text, calls, stop, usage, model."""
    pieces: Callable[..., tuple[bytes, ...]]

    def spec(self, server: ModelServer, extra: str = "") -> ModelSpec:
        url = server.url if self.adapter == "anthropic" else server.openai_url
        return load(
            f"""
            [models.under-test]
            adapter = "{self.adapter}"
            endpoint = "{url}"
            model_id = "model-x"
            key_variable = "SOME_KEY"
            window = 100_000
            output_limit = 4_000
            {extra}
            """
        ).get("under-test")

    def model(self, server: ModelServer, extra: str = "", timeouts: Timeouts = PATIENT) -> Model:
        make: Any = AnthropicModel if self.adapter == "anthropic" else OpenAIModel
        model: Model = make(self.spec(server, extra), SecretStr(KEY), timeouts=timeouts)
        return model

    def turns(self, received: Received) -> list[Any]:
        """The conversation as sent, without cache marks: the system's words first."""
        system = [received.body["system"]] if "system" in received.body else []
        return [_unmarked(turn) for turn in [*system, *received.body["messages"]]]


WIRES = (
    Wire("anthropic", anthropic_message, anthropic_pieces),
    Wire("openai", openai_message, openai_pieces),
)


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value
