"""An environment plan as a Dockerfile. Pure and deterministic: the same plan over the same manifests is the same text.

The text is for people: it is what the image amounts to, and building it by hand gives an equivalent one. The engine
carries the same steps out itself (`sandbox.build`), because Docker's builder can neither drop capabilities, nor choose
a runtime, nor keep registry settings out of an image's history.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sandbox.layout import COMMAND_PATH, KEPT, TREE, USER, VENV, WORK
from sandbox.types import EnvironmentPlan, RepoView

RECIPE_VERSION = 1
"""Raised whenever the same steps become another image: all environments are then built anew."""

_UID = USER.partition(":")[0]

PREPARE = (
    f"id -u redgreen >/dev/null 2>&1 || useradd --uid {_UID} --home-dir {WORK}/home --no-create-home redgreen",
    f"mkdir -p {WORK} {VENV} {KEPT}",
    f"python3 -m venv {VENV}",
    f"chown -R {USER} {VENV} {KEPT}",
)
"""What every environment has before its own steps; carried out as root, by commands of ours only."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of the repository's plan, carried out in the tree as the sandbox's user."""

    argv: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Dockerfile:
    text: str
    digest: str
    """sha256 (hexadecimal) of all that decides the image: the base, the plan, the manifests' contents."""
    prepared_digest: str
    """The same for the part that environments of different repositories share: base and system packages."""
    system: tuple[str, ...]
    """Shell lines for root."""
    steps: tuple[Step, ...]


def render(plan: EnvironmentPlan, view: RepoView, base: str = "", scope: str = "") -> Dockerfile:
    """`base` is the base image's id; empty: the plan's own reference stands for it."""
    origin = base or plan.base
    system = (*_packages(plan.apt), *PREPARE)
    steps = (*(Step(argv=argv) for argv in plan.install), *(Step(argv=a, optional=True) for a in plan.optional_install))
    prepared = _digest([RECIPE_VERSION, origin, system, plan.toolchains])
    manifests = [(path, _content_digest(view.read(path))) for path in sorted(plan.manifests)]
    steps_of = [plan.install, plan.optional_install, plan.linked]
    digest = _digest([prepared, scope, plan.language, sorted(plan.env), steps_of, manifests])
    return Dockerfile(
        text=_text(plan, origin, system, steps), digest=digest, prepared_digest=prepared, system=system, steps=steps
    )


def _packages(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        return ()
    wanted = " ".join(sorted(set(names)))
    return (
        "apt-get update -q",
        f"DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -- {wanted}",
        "apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log",
    )


def _text(plan: EnvironmentPlan, origin: str, system: tuple[str, ...], steps: tuple[Step, ...]) -> str:
    lines = [f"FROM {origin}", "USER root"]
    lines += [f"RUN {line}" for line in system]
    lines += [f"COPY --chown={USER} . {TREE}", f"WORKDIR {TREE}", f"USER {USER}"]
    lines += [f"ENV PATH={COMMAND_PATH} HOME={WORK}/home LANG=C.UTF-8"]
    lines += [f"ENV {name}={_quoted(value)}" for name, value in sorted(plan.env)]
    for step in steps:
        # The shell form alone can pass over a failure; `"$@"` keeps the arguments out of the shell's hands.
        argv = (
            ["/bin/sh", "-c", '"$@" || echo "optional step failed"', "sh", *step.argv] if step.optional else step.argv
        )
        lines.append(f"RUN {json.dumps(list(argv))}")
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


def _content_digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
