"""Python: what to install, and whether pytest or unittest runs the tests. Pure.

pip installs everything, through each project's own PEP 517 backend, so poetry, pdm, hatch and flit projects need no
tool of theirs. The project and the runner must install; what the tests want besides is tried piece by piece, since a
development extra that cannot be built seldom matters to the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sandbox.buildpacks import python_runner, python_version, requirements, tox, undeclared
from sandbox.buildpacks.requirements import Wanted
from sandbox.buildpacks.tox import ToxEnvironment
from sandbox.layout import KEPT, VENV
from sandbox.runners import pytest_config
from sandbox.types import EnvironmentPlan, RepoView

BASE = "redgreen-base"
_BESIDE = frozenset({"doc", "docs", "example", "examples", "test", "tests", "benchmarks", "scripts", "tools", "vendor"})
_MOST_NESTED = 8
_LOCKS = ("uv.lock", "poetry.lock")
_CONSTRAINTS = f"{KEPT}/constraints.txt"
_PIP = (f"{VENV}/bin/python", "-m", "pip", "install", "--no-input")

_READERS = (
    ("pyproject.toml", requirements.of_pyproject),
    ("setup.cfg", requirements.of_setup_cfg),
    ("setup.py", requirements.of_setup_py),
)
_TEST_REQUIREMENTS = re.compile(
    r"^(?:(?:tests?|testing)[-_.]?requirements\.txt|requirements[-_.](?:tests?|testing)\.txt|"
    r"(?:requirements|reqs)/(?:tests?|testing)\.txt|tests?/requirements\.txt|tests?/requirements/(?:py3|tests?)\.txt)$"
)
_DEVELOPMENT_REQUIREMENTS = re.compile(
    r"^(?:dev(?:elop(?:ment)?)?[-_.]?requirements\.txt|requirements[-_.]dev(?:elop(?:ment)?)?\.txt|"
    r"(?:requirements|reqs)/dev(?:elop(?:ment)?)?\.txt)$"
)
_CHANGES = re.compile(
    r"(?:docs?/(?:\w+/)?)?(?:change(?:s|log)|history|news|release[_-]?notes)(?:\.(?:rst|md|txt))?$", re.I
)
_CHANGED = re.compile(
    r"^[#=*\s\[]*(?:v|version|release|[a-z][\w-]*)?\s*\[?v?(\d+\.\d+(?:\.\d+)?)\b", re.I | re.MULTILINE
)
_NAMES = (("setup.cfg", r"^name[ \t]*=[ \t]*([\w.-]+)[ \t]*$"), ("setup.py", r"\bname\s*=\s*[\"']([\w.-]+)[\"']"))
_SCM = "SETUPTOOLS_SCM_PRETEND_VERSION"
_SCM_KNOWS_NAMES = "2021-07-01"
"""From about then on setuptools-scm heeds a variable for one distribution, wherever its name stands."""
_CHANGES_READ = 20_000
"""Characters of a list of changes: its newest entry is at its beginning."""


def detect(view: RepoView) -> EnvironmentPlan | None:
    """The plan of a Python repository; None where there is neither a manifest nor a Python file."""
    paths = list(view.paths())
    if not any(path.endswith(".py") for path in paths) and view.read("pyproject.toml") is None:
        return None
    version = python_version.choose(view)
    environment = tox.read(view)
    lock = _lock(view, version.version or python_version.BASE_PYTHON)
    wanted, manifests = _wanted(view, paths, environment)
    evidence = [want.evidence + "." for want in wanted]
    runner = python_runner.choose(view, paths, wanted, environment)
    evidence.append(runner.why)
    install: list[tuple[str, ...]] = [_constrained(lock)] if lock else []
    optional: list[tuple[str, ...]] = []
    project = _is_project(view)
    if project:
        install.append((*_PIP, "-e", "."))
        evidence.insert(0, f"{project}: the project itself, editable.")
    elif "requirements.txt" in paths:
        install.append((*_PIP, "-r", "requirements.txt"))
        manifests.append("requirements.txt")
        evidence.insert(0, "requirements.txt: the project's dependencies.")
    else:
        for path in _nested(paths):
            optional.append((*_PIP, "-e", f"./{path.rpartition('/')[0]}"))
            manifests.append(path)
            evidence.insert(0, f"{path}: a project in a directory of its own, editable.")
    config = pytest_config.read(view)
    if runner.name == "pytest":
        plugins = tuple(plugin for plugin in config.required_plugins if not plugin.startswith("-"))
        install.append((*_PIP, "pytest", *plugins))
        manifests.extend([config.path] if config.path else [])
    for want in wanted:
        optional.extend(_commands(want, bool(project)))
    missing = undeclared.tools(view, paths, config, _declared(view, wanted), pytest=runner.name == "pytest")
    if missing:
        optional.append((*_PIP, *(tool.distribution for tool in missing)))
        evidence.extend(f"{tool.why}: {tool.distribution}." for tool in missing)
    evidence.extend([version.evidence] if version.evidence else [])
    return EnvironmentPlan(
        language="python",
        runner=runner.name,
        base=BASE,
        toolchains=(f"python@{version.version}",) if version.version else (),
        env=_environment(view, paths, environment, lock),
        command=runner.command,
        install=tuple(install),
        optional_install=tuple(dict.fromkeys(optional)),
        manifests=tuple(sorted(dict.fromkeys(manifests))),
        evidence=tuple(evidence),
    )


def at(plan: EnvironmentPlan, view: RepoView, as_of: str) -> EnvironmentPlan:
    """A detected plan for an old commit: with the Python of its time, and the package index as it was on that day."""
    version = python_version.choose(view, as_of)
    others = tuple(toolchain for toolchain in plan.toolchains if not toolchain.startswith("python@"))
    day = python_version.packages_day(version.version, as_of)
    env = dict(plan.env)
    stated = [value for name, value in plan.env if name.startswith(f"{_SCM}_FOR_")]
    if stated and day < _SCM_KNOWS_NAMES:
        env[_SCM] = stated[0]
    return replace(
        plan,
        as_of=day,
        env=tuple(sorted(env.items())),
        toolchains=(*others, f"python@{version.version}") if version.version else others,
        evidence=(*plan.evidence, version.evidence, f"Packages as the index had them on {day}."),
    )


def _wanted(view: RepoView, paths: list[str], environment: ToxEnvironment | None) -> tuple[list[Wanted], list[str]]:
    """(what the tests need, the files that say so)."""
    wanted: list[Wanted] = []
    manifests: list[str] = []
    for path, reader in _READERS:
        text = _text(view, path)
        if text is not None:
            manifests.append(path)
            wanted.extend(reader(text))
    if environment is not None:
        manifests.append(environment.path)
        wanted.extend(environment.wanted())
        wanted.extend(requirements.of_groups(_text(view, "pyproject.toml") or "", environment.groups))
    files = [path for path in paths if _TEST_REQUIREMENTS.match(path)]
    files = files or [path for path in paths if _DEVELOPMENT_REQUIREMENTS.match(path)]
    wanted.extend(Wanted(files=(path,), evidence=f"{path}: what the tests need") for path in files)
    known = frozenset(paths)
    name = requirements.name_of(_text(view, "pyproject.toml") or "")
    wanted = [requirements.own_extras(want, name) for want in wanted]
    wanted = [want for want in wanted if all(file in known for file in want.files)]
    if not wanted and "noxfile.py" in known:
        manifests.append("noxfile.py")
        found = tox.of_nox(_text(view, "noxfile.py") or "")
        wanted.extend(want for want in found if all(file in known for file in want.files))
    manifests.extend(path for path in _LOCKS if path in known)
    manifests.extend(file for want in wanted for file in want.files)
    return wanted, manifests


def _lock(view: RepoView, python: str) -> Mapping[str, str]:
    """What the lock files fix, for this Python."""
    release = python_version.RELEASED[python][0]
    found: dict[str, str] = {}
    for path in _LOCKS:
        found |= requirements.of_lock(_text(view, path) or "", release)
    return found


def _constrained(lock: Mapping[str, str]) -> tuple[str, ...]:
    """A command that has every later one of pip's keep to the lock, what is not asked for by name included."""
    return (
        "/bin/sh",
        "-c",
        f'printf "%s\\n" "$@" > {_CONSTRAINTS}',
        "sh",
        *(f"{n}=={v}" for n, v in sorted(lock.items())),
    )


def _declared(view: RepoView, wanted: list[Wanted]) -> list[str]:
    """Requirements that are installed whatever the tests import."""
    found = list(requirements.of_project(_text(view, "pyproject.toml") or ""))
    for want in wanted:
        found += want.requirements
        found += (line for file in want.files for line in requirements.lines_of_file(_text(view, file) or ""))
        found += requirements.of_extras(_text(view, "pyproject.toml") or "", want.extras)
    return found


def _commands(want: Wanted, project: bool) -> Iterable[tuple[str, ...]]:
    if want.extras and project:
        yield (*_PIP, "-e", f".[{','.join(want.extras)}]")
    arguments = [*want.requirements]
    for file in want.files:
        arguments += ["-r", file]
    if arguments:
        yield (*_PIP, *arguments)


def _is_project(view: RepoView) -> str:
    """The manifest that makes the repository installable; "" for none."""
    document = requirements.toml(_text(view, "pyproject.toml") or "")
    tool = document.get("tool")
    if "project" in document or "build-system" in document or (isinstance(tool, dict) and "poetry" in tool):
        return "pyproject.toml"
    return next(
        (path for path in ("setup.py", "setup.cfg") if view.read(path) is not None and _installs(view, path)), ""
    )


def _nested(paths: list[str]) -> list[str]:
    """The manifests of projects one or two directories down, one a directory, none of them below another."""
    found = [path for path in paths if re.fullmatch(r"(?:[\w.-]+/){1,2}(?:pyproject\.toml|setup\.py)", path)]
    places = {path.rpartition("/")[0]: path for path in sorted(found, reverse=True)}
    tops = [place for place in places if not any(place.startswith(f"{other}/") for other in places)]
    chosen = sorted(place for place in tops if _BESIDE.isdisjoint(place.lower().split("/")))
    return [places[place] for place in chosen][:_MOST_NESTED]


def _installs(view: RepoView, path: str) -> bool:
    return path == "setup.py" or "[metadata]" in (_text(view, path) or "")


def _environment(
    view: RepoView, paths: list[str], environment: ToxEnvironment | None, lock: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """tox's variables, and a version for backends that ask git's tags, which the sandbox's repository does not have."""
    found = dict(environment.env) if environment is not None else {}
    found |= {"PIP_CONSTRAINT": _CONSTRAINTS} if lock else {}
    sources = " ".join(_text(view, path) or "" for path in ("pyproject.toml", "setup.py", "setup.cfg"))
    if re.search(r"setuptools[_-]scm|hatch-vcs|pdm\.version|versioningit|pbr", sources):
        version = _version(view, paths)
        if version:
            found |= {"PBR_VERSION": version, _scm_variable(view, sources): version}
    return tuple(sorted(found.items()))


def _scm_variable(view: RepoView, sources: str) -> str:
    """For the project alone: the plain variable would also name the version of whatever is built from source beside it.

    hatch-vcs does not say which distribution it asks for, and a name that a program makes cannot be told.
    """
    name = requirements.name_of(_text(view, "pyproject.toml") or "") or _named(view)
    if not name or re.search(r"hatch[-_]vcs", sources):
        return _SCM
    return f"{_SCM}_FOR_{requirements.normal(name).replace('-', '_').upper()}"


def _named(view: RepoView) -> str:
    """The name in setup.cfg or, as a literal, in setup.py."""
    for path, pattern in _NAMES:
        found = re.search(pattern, _text(view, path) or "", re.MULTILINE)
        if found is not None:
            return found.group(1)
    return ""


def _version(view: RepoView, paths: list[str]) -> str:
    """As a source distribution says it, else the newest that the list of changes has; "" for unknown."""
    stated = re.search(r"^Version: ([0-9][0-9A-Za-z.+!-]*)$", _text(view, "PKG-INFO") or "", re.MULTILINE)
    if stated is not None:
        return stated.group(1)
    for path in sorted((path for path in paths if _CHANGES.match(path)), key=lambda path: (path.count("/"), path)):
        listed = _CHANGED.search((_text(view, path) or "")[:_CHANGES_READ])
        if listed is not None:
            return listed.group(1)
    return ""


def _text(view: RepoView, path: str) -> str | None:
    data = view.read(path)
    return None if data is None else data.decode("utf-8", "replace")
