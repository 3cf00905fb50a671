"""What the trials of one directory were made with, so that trials of two makings are never counted together. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents.types import AttemptLimits
from config.models import ModelSpec
from sandbox.cache import RunCache
from sandbox.swebench.environments import Environments
from sandbox.swebench.records import Instance
from sandbox.types import Limits

FORMAT = 1
_UNDECIDING = frozenset({"name", "notes", "licence", "served_by", "openness", "kind", "key_variable"})
"""Fields of a model that decide neither what it answers nor what that costs."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    instances: Mapping[str, str]
    """By id: a digest of all that a solver is given."""
    models: Mapping[str, Mapping[str, Any]]
    """By name: the row of the lineup as it is used, and the prompts' version."""
    setting: Mapping[str, Any]
    """What holds for all: limits, and redgreen's version."""
    job: str
    """Names the evaluation in the book of calls; no part of what is compared."""

    def with_those_of(self, other: Manifest) -> Manifest:
        return Manifest(
            instances={**self.instances, **other.instances},
            models={**self.models, **other.models},
            setting=other.setting,
            job=self.job,
        )


class UnreadableManifest(ValueError):
    pass


def manifest_of(
    instances: Sequence[Instance],
    environments: Environments,
    specs: Sequence[ModelSpec],
    *,
    prompts: Mapping[str, str],
    attempt_limits: AttemptLimits,
    container_limits: Limits,
    version: str,
    job: str,
) -> Manifest:
    """`prompts`: the version of each strategy's prompts. `job`: a name for a new evaluation."""
    return Manifest(
        instances={item.instance_id: _digest(item, environments) for item in instances},
        models={spec.name: _fields(spec, prompts[spec.strategy]) for spec in specs},
        setting={
            "redgreen": version,
            **{f"limit of {name}": value for name, value in asdict(attempt_limits).items()},
            **{f"container's {name}": value for name, value in asdict(container_limits).items()},
        },
        job=job,
    )


def departures(before: Manifest, now: Manifest) -> tuple[str, ...]:
    """What is not as it was, a phrase each; instances and models that are new are none."""
    old_setting, setting = before.setting, now.setting
    found = [f"{name}: {_changed(old_setting, setting, name)}" for name in _differing(old_setting, setting)]
    for model in before.models.keys() & now.models.keys():
        old, new = before.models[model], now.models[model]
        found += [f"{model}'s {name}: {_changed(old, new, name)}" for name in _differing(old, new)]
    found += [
        f"{name}: its text, commit or environment"
        for name in before.instances.keys() & now.instances.keys()
        if before.instances[name] != now.instances[name]
    ]
    return tuple(sorted(found))


def to_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "job": manifest.job,
        "instances": dict(manifest.instances),
        "models": {name: dict(fields) for name, fields in manifest.models.items()},
        "setting": dict(manifest.setting),
    }


def from_json(text: str | bytes) -> Manifest:
    """Raises `UnreadableManifest`."""
    try:
        document = json.loads(text)
        found = document["format"]
        job = str(document.get("job", ""))
        parts = [dict(document[name]) for name in ("instances", "models", "setting")] if found == FORMAT else []
    except (ValueError, KeyError, TypeError):
        raise UnreadableManifest("it is damaged") from None
    if not parts:
        raise UnreadableManifest(f"its format is {found!r}; this redgreen reads {FORMAT}")
    return Manifest(instances=parts[0], models=parts[1], setting=parts[2], job=job)


def _digest(item: Instance, environments: Environments) -> str:
    """Without the tests that grade it: a solver is given none of those."""
    environment = repr(environments.of(item))
    given = [item.repo, item.base_commit, item.problem_statement, item.environment_setup_commit, item.version]
    return RunCache.key(given, environment)


def _fields(spec: ModelSpec, prompts: str) -> dict[str, Any]:
    return {**spec.model_dump(mode="json", exclude=set(_UNDECIDING)), "prompts": prompts}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> str:
    return f"was {json.dumps(old.get(name))}, is {json.dumps(new.get(name))}"
