"""An environment plan as a Dockerfile. Pure and deterministic: the same plan over the same manifests is the same text.

The text is for people: it is what the image amounts to, and building it by hand gives an equivalent one. The engine
carries the same steps out itself (`sandbox.build`), because Docker's builder can neither drop capabilities, nor choose
a runtime, nor keep registry settings out of an image's history.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sandbox import toolchains_node
from sandbox.buildpacks import python_version, requirements
from sandbox.layout import COMMAND_PATH, KEPT, TOOLCHAINS, TREE, USER, VENV, WORK
from sandbox.types import EnvironmentPlan, RepoView, RootStep

RECIPE_VERSION = 1
"""Raised whenever the same steps become another image: all environments are then built anew."""

_UID = USER.partition(":")[0]

PREPARE = (
    f"id -u redgreen >/dev/null 2>&1 || useradd --uid {_UID} --home-dir {WORK}/home --no-create-home redgreen",
    f"mkdir -p {WORK} {VENV} {KEPT} && chmod 1777 {WORK}",
    f"python3 -m venv {VENV}",
    f"chown -R {USER} {VENV} {KEPT}",
)
"""What every environment has before its own steps; carried out as root, by commands of ours only."""

_UV = f"{KEPT}/uv"
_PIP = (f"{VENV}/bin/python", "-m", "pip", "install", "--no-input")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of the repository's plan, carried out in the tree as the sandbox's user."""

    argv: tuple[str, ...]
    optional: bool = False
    pieces: tuple[tuple[str, ...], ...] = ()
    """Of an optional step that installs several things with pip: each by itself, for when they fail together."""


@dataclass(frozen=True, kw_only=True)
class Dockerfile:
    text: str
    digest: str
    """sha256 (hexadecimal) of all that decides the image: the base, the plan, the manifests' contents."""
    prepared_digest: str
    """The same for the part that environments of different repositories share: base and system packages."""
    system: tuple[str, ...]
    """Shell lines for root."""
    toolchains: tuple[str, ...]
    """What is put in place (`sandbox.toolchains`) after `system` and before `environment`."""
    environment: tuple[str, ...]
    """Shell lines for root that need the toolchains."""
    steps: tuple[Step, ...]
    setup: tuple[RootStep, ...] = ()
    """Of the repository's own Dockerfile: before `steps`, as root, in a container of this repository alone."""
    dated: tuple[str, ...] = ()
    """(the day as of which steps see the package indexes, that for what builds packages); empty: as they are."""


def render(plan: EnvironmentPlan, view: RepoView, base: str = "", scope: str = "") -> Dockerfile:
    """`base` is the base image's id; empty: the plan's own reference stands for it."""
    origin = base or plan.base
    system, environment = _prepared(plan)
    node = toolchains_node.of(plan.toolchains)
    toolchains = tuple(one for one in plan.toolchains if _parted(one)[0] != toolchains_node.NAME)
    install = (*node, *plan.install)
    steps = (
        *(Step(argv=argv) for argv in install),
        *(Step(argv=argv, optional=True, pieces=_pieces(argv, view)) for argv in plan.optional_install),
    )
    prepared = _digest([RECIPE_VERSION, origin, (*system, *environment), toolchains])
    manifests = [(path, _content_digest(view.read(path))) for path in sorted(plan.manifests)]
    steps_of: list[object] = [install, plan.optional_install, plan.linked, plan.as_of]
    # Only where there are any: what was built before there could be is built the same way.
    if plan.setup:
        steps_of.append([(step.argv, step.cwd, step.env) for step in plan.setup])
    digest = _digest([prepared, scope, plan.language, sorted(plan.env), steps_of, manifests])
    return Dockerfile(
        text=_text(plan, origin, (*system, *_told(toolchains), *environment), steps),
        digest=digest,
        prepared_digest=prepared,
        system=system,
        toolchains=toolchains,
        environment=environment,
        steps=steps,
        setup=plan.setup,
        dated=(plan.as_of, python_version.tools_day(plan)) if plan.as_of else (),
    )


def _pieces(argv: tuple[str, ...], view: RepoView) -> tuple[tuple[str, ...], ...]:
    """`pip install a b -r file` as `pip install a`, `pip install b` and one for each line of the file."""
    head, words = argv[: len(_PIP)], list(argv[len(_PIP) :])
    if head != _PIP:
        return ()
    found: list[str] = []
    while words:
        word = words.pop(0)
        if word == "-r" and words:
            found.extend(requirements.lines_of_file((view.read(words.pop(0)) or b"").decode("utf-8", "replace")))
        elif not word.startswith("-"):
            found.append(word)
        else:
            return ()
    return tuple((*_PIP, one) for one in dict.fromkeys(found)) if len(found) > 1 else ()


def uv_lines(version: str) -> tuple[str, ...]:
    """How a Python is had where nobody keeps one: shell lines for root."""
    python = f"UV_PYTHON_INSTALL_DIR={TOOLCHAINS} {_UV}/bin/uv python"
    return (
        f"python3 -m venv {_UV} && {_UV}/bin/python -m pip install -q uv",
        f"{python} install --no-bin {version}",
        f"mkdir -p {TOOLCHAINS}/bin && ln -sf $({python} find --managed-python {version}) {link_of(version)}",
        f"rm -rf {_UV}",
    )


def link_of(version: str) -> str:
    """Where a toolchain's Python is, whatever directory it came with."""
    return f"{TOOLCHAINS}/bin/python{version}"


def _prepared(plan: EnvironmentPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(before the toolchains, after them): with a Python of its own the environment is made by that."""
    packages = _packages(plan.apt)
    version = next((version for name, _, version in map(_parted, plan.toolchains) if name == "python"), "")
    if not version:
        return (*packages, *_prepare(plan)), ()
    user, directories, _, owner = PREPARE
    # Through a link, an interpreter would look for its library beside the link.
    python = f'"$(readlink -f {link_of(version)})"'
    # The toolchains stay root's: what a build runs cannot change them.
    return (*packages, user, directories, f"chown {USER} {KEPT}"), (
        f"{python} -m venv {VENV}",
        # The pip that 3.6 brings knows neither today's wheels nor editable projects without a setup.py.
        f'{VENV}/bin/python -c "import sys; sys.exit(sys.version_info < (3, 7))" '
        f"|| {VENV}/bin/python -m pip install -q --upgrade pip",
        owner.replace(f" {KEPT}", ""),
    )


def _prepare(plan: EnvironmentPlan) -> tuple[str, ...]:
    """Images of others may have a Python and no pip for it; only Python's own repositories need that."""
    if plan.base in ("", "redgreen-base") or plan.language == "python":
        return PREPARE
    user, directories, venv, owner = PREPARE
    return (user, directories, f"{venv} || python3 -m venv --without-pip {VENV}", owner)


def _parted(toolchain: str) -> tuple[str, str, str]:
    return toolchain.partition("@")


def _told(toolchains: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        line for name, _, version in map(_parted, toolchains) if name == "python" for line in uv_lines(version)
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
    if plan.setup:
        lines.append(f"COPY . {TREE}")
        lines += [line for step in plan.setup for line in _set_up(step)]
    lines += [f"COPY --chown={USER} . {TREE}", f"WORKDIR {TREE}", f"USER {USER}"]
    lines += [f"ENV PATH={COMMAND_PATH} HOME={WORK}/home LANG=C.UTF-8"]
    lines += [f"ENV {name}={_quoted(value)}" for name, value in sorted(plan.env)]
    if plan.as_of:
        lines.append(f"# Packages as of {plan.as_of}: pip's --uploaded-prior-to, uv's --exclude-newer, npm's --before")
    for step in steps:
        # The shell form alone can pass over a failure; `"$@"` keeps the arguments out of the shell's hands.
        argv = (
            ["/bin/sh", "-c", '"$@" || echo "optional step failed"', "sh", *step.argv] if step.optional else step.argv
        )
        lines.append(f"RUN {json.dumps(list(argv))}")
    return "\n".join(lines) + "\n"


def _set_up(step: RootStep) -> tuple[str, ...]:
    env = tuple(f"{name}={value}" for name, value in step.env)
    return f"# {step.origin}", f"WORKDIR {step.cwd}", f"RUN {json.dumps(['env', *env, *step.argv])}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f'"{escaped}"'


def _content_digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
