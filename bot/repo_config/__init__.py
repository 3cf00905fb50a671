"""`.github/redgreen.yml`: what may stand in it, and how a stranger's text is read."""

from bot.repo_config.reading import MAX_BYTES, ConfigProblem, parse
from bot.repo_config.schema import PATH, EnvironmentOverride, RepoConfig, json_schema

__all__ = [
    "MAX_BYTES",
    "PATH",
    "ConfigProblem",
    "EnvironmentOverride",
    "RepoConfig",
    "json_schema",
    "parse",
]
