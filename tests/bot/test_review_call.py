"""The one call of a review: an opinion that cannot be had soon is done without."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import pytest

from agents.terms import OPEN
from agents.types import AttemptLimits
from bot import workshop_docker
from bot.workshop import ExecutedChange
from bot.workshop_docker import Bench, DockerWorkshop
from config.models import load
from sandbox.cache import RunCache
from sandbox.types import Limits
from tests.support import proofs
from tests.support.model_server import ModelServer, model_server, problem

ROW = """
[models.m]
adapter = "openai"
endpoint = "{url}"
model_id = "m"
key_variable = "SOME_KEY"
window = 100_000
output_limit = 4_000
"""


def workshop(server: ModelServer, tmp_path: Path) -> DockerWorkshop:
    nothing = cast(Any, None)  # a review's call touches neither containers nor sources
    bench = Bench(
        engine=nothing,
        sources=nothing,
        lineup=load(ROW.format(url=server.openai_url)),
        cache=RunCache(tmp_path),
        limits=Limits(),
        attempt_limits=AttemptLimits(),
        budget_seconds=1.0,
        progress=lambda _line: None,
    )
    return DockerWorkshop(bench)


def test_a_busy_endpoint_is_not_waited_for_longer_than_an_opinion_is_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-none")
    monkeypatch.setattr(workshop_docker, "OPINION_SECONDS", 2.0)
    busy = [problem(429, "rate_limit_error", "Slow down.", retry_after="20")] * 50
    started = time.monotonic()
    with model_server(*busy) as server:
        proof = proofs.proof(proofs.VERDICTS[0])
        change = ExecutedChange(title="A title", diff="+ a line\n", proof=proof)
        claims = workshop(server, tmp_path).review_call(change, "m", OPEN)
    assert time.monotonic() - started < 15
    assert claims.claims == ()
    assert "Slow down." in claims.problem
