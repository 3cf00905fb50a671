"""How one `redgreen eval` grades, whoever made the patches: by its words and the operator's settings."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from bot import places, wiring
from bot.evaluation import Setting
from bot.evaluation_inputs import EvalWords
from bot.evaluation_store import EvaluationStore
from config.settings import Settings
from sandbox.engine import Engine
from sandbox.runners.report import programs_digest
from sandbox.swebench.environments import Environments
from sandbox.types import Progress


def setting_of(
    settings: Settings, words: EvalWords, environments: Environments, *, engine: Engine, progress: Progress
) -> Setting:
    return Setting(
        engine=engine,
        repositories=words.repositories,
        scratch=places.state_directory(settings) / "evaluation",
        environments=environments,
        limits=wiring.container_limits(settings),
        timeout=words.timeout,
        progress=progress,
    )


def grades_of(setting: Setting, directory: Path, run_id: str) -> EvaluationStore:
    """Where its grades are kept: those that another setting gave are none of them."""
    return EvaluationStore(
        directory=directory, run_id=run_id, environments=setting.environments, setting=_decisive(setting)
    )


def _decisive(setting: Setting) -> str:
    """All that decides a grade besides the instance, its environment and the prediction."""
    return repr((setting.limits, setting.timeout, programs_digest(), version("redgreen")))
