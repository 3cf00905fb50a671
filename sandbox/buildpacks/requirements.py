"""Where Python repositories write down what their tests need, and how to hand it to pip. Pure.

Each reader takes one file's text and gives `Wanted` values; a file that cannot be parsed wants nothing.
"""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import InvalidSpecifier, SpecifierSet

_TEST_NAMES = ("test", "tests", "testing", "unittest", "pytest")
_DEVELOPMENT_NAMES = ("dev", "develop", "development", "all")
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*[^/\\]*$")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Something the tests need, and the sentence that says where that stands."""

    requirements: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    evidence: str


def of_pyproject(text: str) -> list[Wanted]:
    """Extras (PEP 621), dependency groups (PEP 735), and the tables of poetry, pdm, uv and hatch."""
    document = toml(text)
    found: list[Wanted] = []
    extras = _chosen(_table(document, "project", "optional-dependencies"))
    if extras:
        found.append(Wanted(extras=extras, evidence=f"pyproject.toml: the extra(s) {', '.join(extras)}"))
    groups = _table(document, "dependency-groups")
    for name in _chosen(groups):
        wanted = tuple(_expanded(groups, name, frozenset()))
        found.append(Wanted(requirements=wanted, evidence=f"pyproject.toml: the dependency group {name}"))
    found.extend(_of_poetry(_table(document, "tool", "poetry")))
    for tool, path in (("pdm", ("tool", "pdm", "dev-dependencies")),):
        table = _table(document, *path)
        for name in _chosen(table):
            wanted = _requirements(table.get(name))
            found.append(Wanted(requirements=wanted, evidence=f"pyproject.toml: {tool}'s group {name}"))
    uv = _requirements(_table(document, "tool", "uv").get("dev-dependencies"))
    if uv:
        found.append(Wanted(requirements=uv, evidence="pyproject.toml: uv's dev-dependencies"))
    hatch = _table(document, "tool", "hatch", "envs")
    for name in ("default", *_chosen(hatch)):
        environment = _table(hatch, name)
        wanted = _requirements(environment.get("dependencies")) + _requirements(environment.get("extra-dependencies"))
        if wanted:
            found.append(Wanted(requirements=wanted, evidence=f"pyproject.toml: hatch's environment {name}"))
    return found


def of_groups(text: str, names: Iterable[str]) -> list[Wanted]:
    """Dependency groups (PEP 735) by name."""
    groups = _table(toml(text), "dependency-groups")
    found = ((name, tuple(_expanded(groups, name, frozenset()))) for name in names)
    return [Wanted(requirements=items, evidence=f"tox: the dependency group {name}") for name, items in found if items]


def of_project(text: str) -> tuple[str, ...]:
    """What the project itself depends on (PEP 621)."""
    return _requirements(_table(toml(text), "project").get("dependencies"))


def own_extras(want: Wanted, name: str) -> Wanted:
    """`name[test]` among its own requirements is how a project says its extra `test`."""
    own = re.compile(r"^([A-Za-z0-9._-]+)\s*\[([^\]]*)\]$")
    extras, others = [*want.extras], []
    for requirement in want.requirements:
        match = own.match(requirement)
        if match is not None and name and normal(match[1]) == normal(name):
            extras.extend(extra.strip() for extra in match[2].split(","))
        else:
            others.append(requirement)
    return replace(want, requirements=tuple(others), extras=tuple(extras))


def name_of(pyproject: str) -> str:
    document = toml(pyproject)
    name = _table(document, "project").get("name") or _table(document, "tool", "poetry").get("name")
    return name if isinstance(name, str) else ""


def of_extras(text: str, names: Iterable[str]) -> tuple[str, ...]:
    table = _table(toml(text), "project", "optional-dependencies")
    return tuple(item for name in names for item in _requirements(table.get(name)))


def of_setup_cfg(text: str) -> list[Wanted]:
    parser = _ini(text)
    found = []
    if parser.has_section("options.extras_require"):
        extras = _chosen(dict(parser.items("options.extras_require")))
        if extras:
            found.append(Wanted(extras=extras, evidence=f"setup.cfg: the extra(s) {', '.join(extras)}"))
    wanted = _lines(parser.get("options", "tests_require", fallback=""))
    if wanted:
        found.append(Wanted(requirements=wanted, evidence="setup.cfg: tests_require"))
    return found


def of_setup_py(text: str) -> list[Wanted]:
    """Literal `extras_require` and `tests_require`, also through a name that is assigned a literal. Never executed."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names: dict[str, Any] = {}
    found: list[Wanted] = []
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = _literal(node.value, {})
    for node in ast.walk(module):
        if not isinstance(node, ast.keyword):
            continue
        value = _literal(node.value, names)
        if node.arg == "extras_require" and isinstance(value, dict) and (extras := _chosen(value)):
            found.append(Wanted(extras=extras, evidence=f"setup.py: the extra(s) {', '.join(extras)}"))
        if node.arg == "tests_require" and (wanted := _requirements([value] if isinstance(value, str) else value)):
            found.append(Wanted(requirements=wanted, evidence="setup.py: tests_require"))
    return found


def is_plain(requirement: str) -> bool:
    """A requirement by name: no option, no path, no reference to something else."""
    return bool(_REQUIREMENT.match(requirement)) and "{" not in requirement


def lines_of_file(text: str) -> tuple[str, ...]:
    """A requirements file's own requirements: no options, no other files, nothing editable or by address."""
    joined = text.replace("\\\n", " ")
    words = (line.split(" #")[0].split(" --hash")[0].strip() for line in joined.split("\n"))
    return tuple(word for word in words if word and word[0] not in "#-./" and "://" not in word.split(";")[0])


_INDEXES = frozenset({"registry"})


def of_lock(text: str, python: str) -> Mapping[str, str]:
    """uv.lock or poetry.lock: package name -> the version that is locked for this Python (`3.11.4`), where one is."""
    versions: dict[str, set[str]] = {}
    packages = toml(text).get("package")
    for package in packages if isinstance(packages, list) else []:
        if isinstance(package, dict) and isinstance(package.get("version"), str) and _is_for(package, python):
            source = package.get("source")
            if isinstance(source, dict) and not (source.keys() & _INDEXES or source.get("type") == "legacy"):
                continue  # the project itself, or what comes from a directory or a forge
            versions.setdefault(normal(str(package.get("name"))), set()).add(package["version"])
    return {name: next(iter(found)) for name, found in versions.items() if len(found) == 1}


def _is_for(package: Mapping[str, Any], python: str) -> bool:
    """A lock may hold several versions of a package, each for some Pythons."""
    markers = package.get("resolution-markers")
    specifier = package.get("python-versions")
    environment = {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
    }
    try:
        if isinstance(markers, list) and markers:
            return any(Marker(str(marker)).evaluate(environment) for marker in markers)
        return not isinstance(specifier, str) or SpecifierSet(poetry_versions(specifier)).contains(python)
    except (InvalidMarker, InvalidSpecifier):
        return True


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _of_poetry(poetry: Mapping[str, Any]) -> list[Wanted]:
    groups = {name: _table(group, "dependencies") for name, group in _table(poetry, "group").items()}
    groups.setdefault("dev", {}).update(_table(poetry, "dev-dependencies"))
    found = []
    for name in _chosen({name: group for name, group in groups.items() if group}):
        wanted = tuple(_of_poetry_line(package, spec) for package, spec in groups[name].items())
        found.append(Wanted(requirements=wanted, evidence=f"pyproject.toml: poetry's group {name}"))
    extras = _chosen(_table(poetry, "extras"))
    if extras:
        found.append(Wanted(extras=extras, evidence=f"pyproject.toml: poetry's extra(s) {', '.join(extras)}"))
    return found


def _of_poetry_line(package: str, spec: object) -> str:
    """`pytest = "^7.1"` as PEP 508: a caret keeps the first part that is not zero, a tilde the one before the last."""
    if isinstance(spec, list):
        spec = spec[0] if spec else "*"
    extras = ""
    if isinstance(spec, dict):
        named = _requirements(spec.get("extras"))
        extras = f"[{','.join(named)}]" if named else ""
        spec = spec.get("version", "*")
    return f"{package}{extras}{poetry_versions(str(spec))}"


def poetry_versions(spec: str) -> str:
    """`^1.2` as `>=1.2,<2`; "" for any."""
    return ",".join(clause for part in spec.split(",") if (clause := _of_poetry_clause(part.strip())))


def _of_poetry_clause(clause: str) -> str:
    match = re.match(r"^([\^~])\s*(\d+(?:\.\d+)*)", clause)
    if match is not None:
        parts = [int(part) for part in match.group(2).split(".")]
        if match.group(1) == "^":
            keep = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
        else:
            keep = min(1, len(parts) - 1)
        upper = [*parts[:keep], parts[keep] + 1]
        return f">={match.group(2)},<{'.'.join(map(str, upper))}"
    if clause in ("", "*") or "||" in clause:
        return ""
    return clause if clause[0] in "<>=!" else f"=={clause}"


def _expanded(groups: Mapping[str, Any], name: str, seen: frozenset[str]) -> Iterable[str]:
    """A dependency group's requirements with its included groups; a cycle ends."""
    members = groups.get(name)
    for member in members if isinstance(members, list) else []:
        if isinstance(member, str):
            yield member
        elif isinstance(member, dict):
            included = str(member.get("include-group"))
            if included not in seen:
                yield from _expanded(groups, included, seen | {name})


def _chosen(table: Mapping[str, Any]) -> tuple[str, ...]:
    """The groups named for tests; failing those, the first of the development groups."""
    named = tuple(name for name in table if name.lower() in _TEST_NAMES)
    return named or tuple(name for name in table if name.lower() in _DEVELOPMENT_NAMES)[:1]


def _table(table: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        value = table.get(key)
        if not isinstance(value, dict):
            return {}
        table = value
    return dict(table)


def _requirements(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else ()
    return tuple(item for item in items if isinstance(item, str) and not item.startswith("-"))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(word for line in text.split("\n") if (word := line.split(" #")[0].strip()))


def _ini(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return configparser.RawConfigParser()
    return parser


def _literal(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None
