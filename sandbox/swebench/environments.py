"""ENV.jsonl: what an instance's environment needs, in the words of the harness's specifications, as a plan. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from sandbox.buildpacks import python, python_version
from sandbox.buildpacks.python import BASE
from sandbox.swebench import installs
from sandbox.swebench.commands import TestCommand, understood
from sandbox.swebench.records import Instance, Problem, Record, checked, entries
from sandbox.types import EnvironmentPlan, RepoView

_VERSION_VARIABLES = ("PBR_VERSION", "SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION")
_EXPORT = re.compile(r"^export\s+([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
_LOCALE_VARIABLE = re.compile(r"LANG|LC_[A-Z]+")
_UTF8 = re.compile(r"[A-Za-z_]+\.utf-?8", re.IGNORECASE)


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
        kept, wanted = installs.without_apt(line)
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
        apt=tuple(dict.fromkeys(name for name in apt if installs.is_package(name))),
        pre_install=tuple(steps),
        install=tuple(line for line in record.install if line.strip()),
        env=tuple((name, _here(name, value)) for name, value in env.items()),
        test_command=record.test_command,
        as_of=record.as_of,
    )


def _here(name: str, value: str) -> str:
    """A language's locale in UTF-8 is none that an image must have; without it, Python 3.6 would read ASCII."""
    return "C.UTF-8" if _LOCALE_VARIABLE.fullmatch(name) and _UTF8.fullmatch(value) else value


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
    requirements are taken as they stand, since their pins may be younger than the commit, but from the index of its
    Python's last day: what is younger may still say that it runs there, and was never seen to. `tag`: the release
    before the commit, which is put where a project that asks git for its version finds it.
    """
    said = environment or Environment()
    command = understood(said.test_command) if said.test_command else _detected_command(detected)
    if command is None:
        return None
    own = said.installs
    plan = detected or EnvironmentPlan(language="python", runner="pytest", base=BASE)
    if plan.language == "python" and not own:
        plan = python.at(plan, view, said.as_of or date)
        if said.python:
            plan = replace(plan, as_of=python_version.packages_day(_runnable(said.python), date))
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
        as_of=said.as_of or (_last_day(said.python) if own else plan.as_of or date),
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


def _last_day(version: str) -> str:
    """Of a Python that is no longer kept up; "" for none, or one that redgreen does not know."""
    return python_version.end_of_life(_runnable(version)) if version else ""


def _without_versions(env: Iterable[tuple[str, str]], tag: str) -> dict[str, str]:
    """With a tag the project's tools find its version by themselves. These variables would name it for everything that
    is built from source beside it, whose real versions are then refused."""
    return {name: value for name, value in env if not tag or not name.startswith(_VERSION_VARIABLES)}


def _tagged(tag: str) -> tuple[tuple[str, ...], ...]:
    # Without git, or with a name that it refuses, the project's version is whatever it makes of that.
    return (("/bin/sh", "-c", 'git tag -- "$0" || true', tag),) if tag else ()


def _steps(said: Environment, plan: EnvironmentPlan, view: RepoView, runner: str) -> tuple[tuple[str, ...], ...]:
    if not said.installs:
        return (*(installs.shell(line) for line in said.pre_install), *plan.install)
    steps = list(installs.packages(said.packages, view))
    steps += [installs.shell(line) for line in said.pre_install]
    project = [argv for argv in plan.install if argv[-2:] == ("-e", ".")]
    steps += [installs.of_tree(line) for line in said.install] or project
    if runner == "pytest":
        # Only where none of the above brought one.
        steps.append((*installs.PIP, "pytest"))
    return tuple(steps)
