"""One preset for each strategy and dialect, in real containers, to the verdict of the sandbox itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.models import build
from agents.strategies import strategy
from agents.types import AttemptLimits, Ending
from config.models import default_lineup, load
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.images import Image
from sandbox.tree import GitTree, create
from sandbox.types import CommitSha, EnvironmentPlan, Limits, verdict_name
from sandbox.verify import VerifyRequest, verify
from tests.support import player
from tests.support.model_server import serving
from tests.support.repair_env import MemoryRecorder
from tests.support.vendors import MISTRAL, VLLM, VLLM_BASE, Vendor, VendorServer

PLAN = EnvironmentPlan(language="python", runner="unittest", base="redgreen-base")
LIMITS = Limits(memory_bytes=512 << 20, disk_bytes=64 << 20)
PRESETS = [
    ("devstral-small", MISTRAL, ""),
    ("qwen2_5-coder", VLLM, ""),
    ("starcoder2-15b", VLLM_BASE, ""),
    ("codellama-70b", VLLM_BASE, ""),
]
"""Native tool calls; fenced text; functions and gaps in 16k; functions in 4k."""


@pytest.fixture(scope="module")
def image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """An environment without any package: unittest is the standard library's."""
    nothing = GitTree.of_files(create(tmp_path_factory.mktemp("image") / "empty.git"), {})
    return engine.ensure_image(PLAN, nothing, lambda _: None)


@pytest.mark.docker
@pytest.mark.parametrize(("name", "vendor", "extra"), PRESETS, ids=[name for name, _, _ in PRESETS])
def test_a_preset_comes_to_a_verified_patch(
    name: str, vendor: Vendor, extra: str, engine: Engine, image: Image, tmp_path: Path
) -> None:
    base = GitTree.of_files(create(tmp_path / "base.git"), {path: text.encode() for path, text in player.FILES.items()})
    row = default_lineup().get(name)
    marks = (row.fim.prefix, row.fim.suffix, row.fim.middle) if row.fim else ()
    server = VendorServer(vendor=vendor, model=row.model_id, window=row.window, play=player.play, fim_tokens=marks)
    with serving(server), engine.container(image, LIMITS) as container:
        text = f'[models.{name}]\nendpoint = "{server.url}/v1"\nkey_variable = ""\n{extra}'
        spec = load(text, presets=default_lineup()).get(name)
        environment = AttemptEnvironment(container, PLAN, base)
        solve = strategy(spec.strategy)
        attempt = solve(player.TASK, environment, build(spec, None), AttemptLimits(), MemoryRecorder())
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    assert not server.refused
    assert not server.violations
    request = VerifyRequest(
        base_commit=CommitSha("0" * 40), base=base, plan=PLAN, patch=attempt.diff, limits=LIMITS, budget_seconds=120
    )
    proof = verify(engine, request, cache=RunCache(tmp_path / "runs"), progress=lambda _: None)
    assert verdict_name(proof.verdict) == "Verified", proof.verdict
    assert len(proof.verdict.evidence.fail_to_pass) == 1
