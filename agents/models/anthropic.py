"""Anthropic's Messages API; the only importer of `anthropic`.

The raw event stream is read here instead of the SDK's accumulating helper, which raises in the middle of a reply when a
tool's JSON is broken, returns half a message when the stream ends early, and hides that `message_stop` never came.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import anthropic
from pydantic import SecretStr

from agents.errors import IncompleteReply, ModelError
from agents.models import faults
from agents.models.anthropic_wire import Reading, Requests
from agents.models.prices import cost
from agents.models.reading import believable
from agents.models.transport import TELEMETRY, TRANSPORT_ERRORS, Timeouts, http_client, not_connected
from agents.models.written_once import written
from agents.types import Message, Reply, ToolSpec
from agents.wall import OPEN, Wall
from config.models import ModelSpec

_OPTIONS = anthropic.RequestOptions(headers=dict.fromkeys(TELEMETRY, anthropic.Omit()))
_RAISED = (anthropic.AnthropicError, *TRANSPORT_ERRORS, ValueError, TypeError, RecursionError)
"""All that comes out of the SDK's call and iteration; ValueError: JSON, UTF-8 and pydantic; TypeError: odd shapes;
RecursionError: JSON nested too deeply."""


class AnthropicModel:
    """`agents.protocols.Model` over one endpoint."""

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
        # A key is always given, so that the SDK never looks for one in the environment or in a profile on the disk.
        self._client = anthropic.Anthropic(
            api_key=self._key or "none",
            base_url=spec.endpoint,
            max_retries=0,
            timeout=http.timeout,
            http_client=http,
        )
        self._address = str(self._client.base_url).rstrip("/") + "/v1/messages"
        """Whole, which the SDK takes as it is: it would put a base and a path together anew for each call."""
        # The SDK leaves a client that it was given open.
        weakref.finalize(self, http.close)

    def __repr__(self) -> str:
        return f"AnthropicModel({self._spec.name!r})"

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
            usage=believable(usage),
            cost_usd=cost(self._spec, usage),
            seconds=self._clock() - started,
            model=reading.model or self._spec.model_id,
        )

    def _read(self, body: bytes) -> Reading:
        """By the SDK's way for any address: its typed call walks through every part of every turn, and builds an object
        of each event without checking it. `Reading` checks plain events."""
        reading = Reading(self.name)
        begun = False
        try:
            with self._client.post(
                self._address,
                content=body,
                cast_to=object,
                options=_OPTIONS,
                stream=True,
                stream_cls=anthropic.Stream[object],
            ) as stream:
                begun = True
                for event in stream:
                    reading.take(event)
                    if reading.ended:  # the SDK would wait for the body's end as well
                        break
        except _RAISED as error:
            # `from None`: the SDK's own text may repeat the key.
            raise self._fault(error, begun=begun) from None
        reading.require_end()
        return reading

    def _fault(self, error: Exception, *, begun: bool) -> ModelError:
        match error:
            case anthropic.APIStatusError():
                return faults.translate(self.name, self._complaint(error))
            case anthropic.APIConnectionError() if not begun:
                return not_connected(self.name, error)
            case _ if not begun and isinstance(error, TRANSPORT_ERRORS):
                return not_connected(self.name, error)
            case _:
                return IncompleteReply(
                    f"{self.name}: the reply broke off or cannot be read "
                    f"({type(error).__name__}: {faults.plain(str(error), key=self._key)})"
                )

    def _complaint(self, error: anthropic.APIStatusError) -> faults.Complaint:
        kind, text = faults.read_body(error.body)
        return faults.Complaint(
            status=error.status_code,
            kind=faults.plain(kind, key=self._key),
            text=faults.plain(text, key=self._key),
            retry_after=faults.retry_after(error.response.headers, datetime.now(UTC)),
            again=faults.try_again(error.response.headers),
        )
