"""One JSON request and its JSON answer, for what no SDK covers: tokenizers, fill-in-the-middle routes, probes.

Through the same bounded transport as the SDKs, with the same key, and with their table of faults.
"""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from agents.models import faults
from agents.models.transport import TRANSPORT_ERRORS, Timeouts, http_client, not_connected
from agents.wall import OPEN, Wall
from config.models import Adapter, ModelSpec


@dataclass(frozen=True, kw_only=True)
class Exchanged:
    status: int
    body: object
    """The JSON value; the text where it is none."""
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


class Exchange:
    """Requests to one endpoint: below its base (`/v1`) or below the server's root."""

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
        self._key = key.get_secret_value() if key else ""
        self._clock = clock
        self._client = http_client(spec.endpoint, wall, timeouts or Timeouts())
        weakref.finalize(self, self._client.close)
        self._base = spec.endpoint.rstrip("/")
        if spec.adapter is Adapter.ANTHROPIC:
            self._base += "/v1"
        self._root = self._base.removesuffix("/v1")

    def __repr__(self) -> str:
        return f"Exchange({self._spec.name!r})"

    def base(self, path: str, body: Mapping[str, Any] | None = None) -> Exchanged:
        """POST below the base, or GET without a body. Raises `ModelUnavailable` where nothing answers."""
        return self._send(f"{self._base}{path}", body)

    def root(self, path: str, body: Mapping[str, Any] | None = None) -> Exchanged:
        return self._send(f"{self._root}{path}", body)

    def require(self, exchanged: Exchanged) -> object:
        """The body of a good answer. Raises the `ModelError` that another one stands for."""
        if exchanged.is_good:
            return exchanged.body
        raise faults.translate(self._spec.name, self.complaint(exchanged))

    def complaint(self, exchanged: Exchanged) -> faults.Complaint:
        kind, text = faults.read_body(exchanged.body)
        return faults.Complaint(
            status=exchanged.status,
            kind=faults.plain(kind, key=self._key),
            text=faults.plain(text, key=self._key),
            retry_after=faults.retry_after(exchanged.headers, datetime.now(UTC)),
            again=faults.try_again(exchanged.headers),
        )

    def _send(self, url: str, body: Mapping[str, Any] | None) -> Exchanged:
        started = self._clock()
        headers = {"Authorization": f"Bearer {self._key or 'none'}"}
        if self._spec.adapter is Adapter.ANTHROPIC:
            headers["anthropic-version"] = "2023-06-01"
        try:
            if body is None:
                response = self._client.get(url, headers=headers)
            else:
                response = self._client.post(url, headers=headers, json=body)
            text = response.text
        except (*TRANSPORT_ERRORS, ValueError) as error:
            raise not_connected(self._spec.name, error) from None
        return Exchanged(
            status=response.status_code,
            body=_value(text),
            seconds=self._clock() - started,
            headers=dict(response.headers),
        )


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
