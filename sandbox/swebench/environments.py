"""ENV.jsonl: what an instance's environment needs, in the words of the harness's specifications, as a plan. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import yaml
from pydantic import AliasChoices, BeforeValidator, Field

from sandbox.buildpacks import python
from sandbox.buildpacks.python import BASE
from sandbox.layout import VENV
from sandbox.swebench.commands import TestCommand, understood
from sandbox.swebench.records import Instance, Problem, Record, checked, entries
from sandbox.types import EnvironmentPlan, RepoView

_PIP = (f"{VENV}/bin/python", "-m", "pip", "install", "--no-input")
_REQUIREMENTS = (
    "requirements.txt",
    "requirements/dev.txt",
    "requirements/tests.txt",
    "requirements/test.txt",
    "requirements-dev.txt",
    "requirements_dev.txt",
    "requirements-test.txt",
    "requirements_test.txt",
    "requirements/dev/dev-requirements.txt",
    "requirements/testing/all.txt",
    "tests/requirements/py3.txt",
    "test-requirements.txt",
    "dev-requirements.txt",
)
"""Where a repository may keep what the specification only calls `requirements.txt`, the likeliest first."""
_CONDA_FILES = ("environment.yml", "environment.yaml", "ci/requirements/environment.yml", "ci/environment.yml")
_NOT_PIP = frozenset({"python", "pip", "conda", "mamba", "compilers", "nodejs", "make", "cmake", "git", "pandoc"})
_APT = re.compile(r"^(?:sudo\s+)?apt(?:-get)?\s+(?:-\S+\s+)*(update|install)\b(.*)$")
_PACKAGE = re.compile(r"^[a-z0-9][a-z0-9.+-]+$")
_NOT_HERE = re.compile(
    r"\b(?:conda|mamba)\b|\blocale-gen\b|\bupdate-alternatives\b|(?:^|[\s'\"])/(?:etc|usr|lib|var|root)/|\bsudo\b"
)
_VERSION_VARIABLES = frozenset({"PBR_VERSION", "SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION"})
_EXPORT = re.compile(r"^export\s+([A-Za-z_][A-Za-z0-9_]*)=(.*)$")

_EACH = """\
if ! "$@"; then
  echo "not all of $0 can be installed together: one by one"
  while IFS= read -r line; do
    case "$line" in ''|'#'*|-*) continue;; esac
    {python} -m pip install --no-input "$line" || echo "left out: $line"
  done < "$0"
fi
"""


def _strings(value: Any) -> Any:
    """One line or several; several may also come as one text."""
    return value.split("\n") if isinstance(value, str) else value


def _version(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Lines = Annotated[tuple[str, ...], BeforeValidator(_strings)]
Version = Annotated[str, BeforeValidator(_version), Field(pattern=r"^(?:[0-9]+(?:\.[0-9]+){0,2})?$")]


class _EnvironmentRecord(Record):
    instance_id: str = ""
    repo: str = ""
    version: Annotated[str, BeforeValidator(_version)] = ""
    image: Annotated[str, Field(max_length=300, pattern=r"^[A-Za-z0-9./:@_-]*$")] = ""
    python: Version = ""
    packages: str | tuple[str, ...] = ""
    pip_packages: Lines = ()
    apt: Lines = ()
    pre_install: Lines = ()
    install: Lines = ()
    env: dict[str, str] = Field(default_factory=dict)
    eval_commands: Lines = ()
    test_command: Annotated[str, Field(validation_alias=AliasChoices("test_command", "test_cmd"))] = ""
    as_of: Annotated[str, Field(pattern=r"^(?:\d{4}-\d{2}-\d{2})?$")] = ""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One record. Empty fields say nothing: detection decides."""

    image: str = ""
    python: str = ""
    packages: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    pre_install: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    test_command: str = ""
    as_of: str = ""

    @property
    def installs(self) -> bool:
        """It says itself what is installed; nothing that was detected is added."""
        return bool(self.packages or self.install)


@dataclass(frozen=True, kw_only=True)
class Environments:
    by_instance: dict[str, Environment]
    by_version: dict[tuple[str, str], Environment]
    problems: tuple[Problem, ...]

    def of(self, instance: Instance) -> Environment | None:
        """The instance's own record, else its repository's and version's, else its repository's for any version."""
        found = self.by_instance.get(instance.instance_id)
        for version in (instance.version, ""):
            found = found or self.by_version.get((instance.repo, version))
        return found


NO_ENVIRONMENTS = Environments(by_instance={}, by_version={}, problems=())


def read_environments(data: bytes) -> Environments:
    """Raises `UnreadableFile`."""
    by_instance: dict[str, Environment] = {}
    by_version: dict[tuple[str, str], Environment] = {}
    problems: list[Problem] = []
    for where, value in entries(data):
        try:
            record = checked(_EnvironmentRecord, value)
            made = _environment(record)
            if record.instance_id:
                by_instance[record.instance_id] = made
            elif record.repo:
                by_version[record.repo, record.version] = made
            else:
                raise ValueError("it names neither an instance_id nor a repo")
        except ValueError as error:
            problems.append(Problem(where=where, text=str(error)))
    return Environments(by_instance=by_instance, by_version=by_version, problems=tuple(problems))


def _environment(record: _EnvironmentRecord) -> Environment:
    given = record.packages
    packages = tuple(shlex.split(given)) if isinstance(given, str) else given
    env = dict(record.env)
    steps: list[str] = []
    apt = [name for line in record.apt for name in line.split()]
    for line in record.pre_install:
        kept, wanted = _without_apt(line)
        apt += wanted
        export = _EXPORT.match(kept)
        if export is not None:
            env[export.group(1)] = _unquoted(export.group(2))
        elif kept:
            steps.append(kept)
    for line in record.eval_commands:
        export = _EXPORT.match(line.strip())
        if export is not None:
            env[export.group(1)] = _unquoted(export.group(2))
    return Environment(
        image=record.image,
        python=record.python,
        packages=(*packages, *(word for line in record.pip_packages for word in shlex.split(line))),
        apt=tuple(dict.fromkeys(name for name in apt if _PACKAGE.match(name))),
        pre_install=tuple(steps),
        install=tuple(line for line in record.install if line.strip()),
        env=tuple(env.items()),
        test_command=record.test_command,
        as_of=record.as_of,
    )


def _without_apt(line: str) -> tuple[str, list[str]]:
    """A shell line without its `apt-get` commands, which are root's, and what those would have installed."""
    wanted: list[str] = []
    kept = []
    for part in re.split(r"\s*&&\s*", line.strip()):
        match = _APT.match(part)
        if match is None:
            kept.append(part)
        elif match.group(1) == "install":
            wanted += [word for word in match.group(2).split() if not word.startswith("-")]
    return " && ".join(part for part in kept if part), wanted


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value


# --- plans -------------------------------------------------------------------------------------------------------


def plan_for(
    environment: Environment | None, detected: EnvironmentPlan | None, view: RepoView, *, date: str, tag: str = ""
) -> tuple[EnvironmentPlan, TestCommand] | None:
    """(the plan, what its tests' command means); None where neither the record nor detection says how to test.

    `date`: of the base commit. What detection asks for is installed as the package index was then; a record's own
    requirements are taken as they stand, since their pins may be younger than the commit. `tag`: the release before
    the commit, which is put where a project that asks git for its version finds it.
    """
    said = environment or Environment()
    command = understood(said.test_command) if said.test_command else _detected_command(detected)
    if command is None:
        return None
    own = said.installs
    plan = detected or EnvironmentPlan(language="python", runner="pytest", base=BASE)
    if plan.language == "python" and not own:
        plan = python.at(plan, view, said.as_of or date)
    plan = replace(
        plan,
        runner=command.runner,
        base=said.image or plan.base,
        toolchains=(f"python@{_runnable(said.python)}",) if said.python else plan.toolchains,
        apt=tuple(dict.fromkeys((*plan.apt, *said.apt))),
        env=tuple({**_without_versions(plan.env, tag), **dict(said.env), **dict(command.env)}.items()),
        install=(*_tagged(tag), *_steps(said, plan, view, command.runner)),
        optional_install=() if own else plan.optional_install,
        command=_arguments(command, plan),
        as_of=said.as_of or ("" if own else date),
        evidence=("The environment's record says how to install and test.",) if own else plan.evidence,
    )
    return plan, command


def _detected_command(detected: EnvironmentPlan | None) -> TestCommand | None:
    return None if detected is None else TestCommand(runner=detected.runner)


def _arguments(command: TestCommand, plan: EnvironmentPlan) -> tuple[str, ...]:
    """What the runner is told besides its own conventions."""
    match command.runner:
        case "pytest":
            # The summary that the harness reads: for people, and for ids that no test of the tree bears.
            return ("-rA", *command.options)
        case "django" if command.options:
            return command.options
    return plan.command


def _runnable(version: str) -> str:
    """The version asked for; 3.6 for older ones, which redgreen's own programs do not run on."""
    numbers = tuple(int(part) for part in version.split("."))
    return "3.6" if (3,) < numbers < (3, 6) else version


def _without_versions(env: Iterable[tuple[str, str]], tag: str) -> dict[str, str]:
    """With a tag the project's tools find its version by themselves. These variables would name it for everything that
    is built from source beside it, whose real versions are then refused."""
    return {name: value for name, value in env if not tag or name not in _VERSION_VARIABLES}


def _tagged(tag: str) -> tuple[tuple[str, ...], ...]:
    # Without git, or with a name that it refuses, the project's version is whatever it makes of that.
    return (("/bin/sh", "-c", 'git tag -- "$0" || true', tag),) if tag else ()


def _steps(said: Environment, plan: EnvironmentPlan, view: RepoView, runner: str) -> tuple[tuple[str, ...], ...]:
    if not said.installs:
        return (*(_shell(line) for line in said.pre_install), *plan.install)
    steps = list(_packages(said.packages, view))
    steps += [_shell(line) for line in said.pre_install]
    project = [argv for argv in plan.install if argv[-2:] == ("-e", ".")]
    steps += [_shell(line) for line in said.install] or project
    if runner == "pytest":
        # Only where none of the above brought one.
        steps.append((*_PIP, "pytest"))
    return tuple(steps)


def _packages(words: Sequence[str], view: RepoView) -> Iterable[tuple[str, ...]]:
    plain = []
    for word in words:
        if word.endswith(".txt"):
            path = next((path for path in (word, *_REQUIREMENTS) if view.read(path) is not None), None)
            if path is not None:
                yield _requirements(path)
        elif word.endswith((".yml", ".yaml")):
            found = next((path for path in (word, *_CONDA_FILES) if view.read(path) is not None), None)
            plain += conda_requirements(view.read(found) or b"") if found else []
        elif (named := _pip_name(word)) is not None:
            plain.append(named)
    if plain:
        yield (*_PIP, *plain)


def _requirements(path: str) -> tuple[str, ...]:
    """All of a file's requirements, and where that fails those of them that can be had."""
    script = _EACH.format(python=f"{VENV}/bin/python")
    return ("/bin/bash", "-c", script, path, *_PIP, "-r", path)


def conda_requirements(data: bytes) -> list[str]:
    """What an environment.yml asks for, as far as pip knows it by the same name."""
    try:
        document = yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError):
        return []
    found = []
    for item in document.get("dependencies") or () if isinstance(document, dict) else ():
        if isinstance(item, dict):
            found += [str(word) for word in item.get("pip") or () if not str(word).startswith("-")]
        elif (name := _pip_name(str(item).rpartition("::")[2])) is not None:
            found.append(name)
    return found


def _pip_name(word: str) -> str | None:
    """A requirement in conda's words (`numpy=1.19`) as pip's; None for what is no package of the index."""
    plain = re.sub(r"\s+", "", word)
    match = re.match(r"^[A-Za-z0-9._-]+", plain)
    if plain.startswith("-") or match is None or match.group().lower() in _NOT_PIP:
        return None
    return re.sub(r"^([A-Za-z0-9._\[\],-]+)=([0-9][^=]*)(?:=[^=]*)?$", r"\1==\2.*", plain)


def _shell(line: str) -> tuple[str, ...]:
    """A shell line as the sandbox's user; one that wants to be root, or conda, is tried and passed over."""
    if _NOT_HERE.search(line):
        return ("/bin/bash", "-c", f"{{ {line}\n}} || echo 'left out: it needs root or conda'")
    return ("/bin/bash", "-c", line)
