"""Any endpoint that speaks OpenAI's Chat Completions or plain Completions; the only importer of `openai`.

Chat Completions and not Responses, because the compatible servers (vLLM, Ollama, llama.cpp, DeepSeek, Mistral,
DashScope, Gemini) generally have only these. Plain Completions are for base models, which know no conversation.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import openai
from pydantic import SecretStr

from agents.errors import IncompleteReply, ModelError
from agents.models import completions_wire, faults
from agents.models.completions_wire import Gap, Written
from agents.models.openai_wire import Reading, Requests
from agents.models.prices import cost
from agents.models.reading import believable
from agents.models.transport import TELEMETRY, TRANSPORT_ERRORS, Timeouts, http_client, not_connected
from agents.models.written_once import joined, written
from agents.types import Message, Reply, ToolSpec, Usage
from agents.wall import OPEN, Wall
from config.models import ModelSpec

_OPTIONS = openai.RequestOptions(security={"bearer_auth": True}, headers=dict.fromkeys(TELEMETRY, openai.Omit()))
_RAISED = (openai.OpenAIError, *TRANSPORT_ERRORS, ValueError, TypeError, RecursionError)
"""All that comes out of the SDK's call and iteration; ValueError: JSON, UTF-8 and pydantic; TypeError: odd shapes;
RecursionError: JSON nested too deeply."""


class _Takes(Protocol):
    def take(self, chunk: object) -> None: ...


class OpenAIModel:
    """`agents.protocols.Model` over one endpoint, and its plain completions."""

    def __init__(
        self,
        spec: ModelSpec,
        key: SecretStr | None,
        *,
        wall: Wall = OPEN,
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spec = spec
        self._requests = Requests(spec)
        self._key = key.get_secret_value() if key else ""
        self._clock = clock
        http = http_client(spec.endpoint, wall, timeouts or Timeouts())
        # The SDK refuses an empty key, and with none it would look for one in the environment.
        self._client = openai.OpenAI(
            api_key=self._key or "none",
            base_url=spec.endpoint,
            max_retries=0,
            timeout=http.timeout,
            http_client=http,
        )
        self._address = str(self._client.base_url).rstrip("/")
        """With which the SDK takes a path as it is: it would put the two together anew for each call."""
        # The SDK leaves a client that it was given open.
        weakref.finalize(self, http.close)

    def __repr__(self) -> str:
        return f"OpenAIModel({self._spec.name!r})"

    @property
    def name(self) -> str:
        return self._spec.name

    @property
    def window(self) -> int:
        return self._spec.window

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        started = self._clock()
        most = min(max_output_tokens, self._spec.output_limit)
        reading = self._read(written(self.name, lambda: self._requests.body(messages, tools, most)))
        message, stop = reading.message()
        usage = reading.usage()
        return Reply(
            message=message,
            stop=stop,
            usage=believable(usage or Usage()),
            cost_usd=cost(self._spec, usage),
            seconds=self._clock() - started,
            model=reading.model or self._spec.model_id,
        )

    def complete(
        self, gap: Gap, *, max_output_tokens: int, stop: Sequence[str] = (), temperature: float | None = None
    ) -> Written:
        """One whole plain completion. Raises as `query` does."""
        asked = completions_wire.request(
            self._spec, gap, max_tokens=max_output_tokens, stop=stop, temperature=temperature
        )
        reading = completions_wire.Reading(self.name)
        self._stream("/completions", written(self.name, lambda: joined(asked, {})), reading)
        return reading.written(usage=self._spec.reports_usage)

    def _read(self, body: bytes) -> Reading:
        reading = Reading(self.name)
        self._stream("/chat/completions", body, reading)
        reading.require_end(usage=self._spec.reports_usage)
        return reading

    def _stream(self, path: str, body: bytes, reading: _Takes) -> None:
        """By the SDK's way for any address: its typed calls walk through every part of every turn, build an object of
        each chunk without checking it, and take most of a step's processor time. `Reading` checks plain chunks."""
        begun = False
        to = f"{self._address}{path}"
        try:
            with self._client.post(
                to, content=body, cast_to=object, options=_OPTIONS, stream=True, stream_cls=openai.Stream[object]
            ) as stream:
                begun = True
                for chunk in stream:
                    reading.take(chunk)
        except _RAISED as error:
            # `from None`: the SDK's own text may repeat the key.
            raise self._fault(error, begun=begun) from None

    def _fault(self, error: Exception, *, begun: bool) -> ModelError:
        match error:
            case openai.APIStatusError():
                return faults.translate(self.name, self._complaint(error, error.response))
            case openai.APIConnectionError() if not begun:
                return not_connected(self.name, error)
            case openai.APIError() if begun and error.body is not None:
                return faults.translate(self.name, self._complaint(error, None))
            case _ if not begun and isinstance(error, TRANSPORT_ERRORS):
                return not_connected(self.name, error)
            case _:
                why = error.__cause__ or error  # the SDK's words for a broken connection are always the same
                return IncompleteReply(
                    f"{self.name}: the reply broke off or cannot be read "
                    f"({type(why).__name__}: {faults.plain(str(why), key=self._key)})"
                )

    def _complaint(self, error: openai.APIError, response: Any) -> faults.Complaint:
        """`response` is None for an error inside a stream, which began with status 200."""
        kind, text = faults.read_body(error.body)
        headers = {} if response is None else response.headers
        return faults.Complaint(
            status=200 if response is None else response.status_code,
            kind=faults.plain(kind, key=self._key),
            text=faults.plain(text, key=self._key),
            retry_after=faults.retry_after(headers, datetime.now(UTC)),
            again=faults.try_again(headers),
        )
