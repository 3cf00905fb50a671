"""New modules of Maven and Gradle builds: what of them may come from a patch. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sandbox.parts import additions, java_poms
from sandbox.types import RepoView

_SETTINGS = ("settings.gradle", "settings.gradle.kts")
_BUILDS = ("build.gradle", "build.gradle.kts")
_TEXT = r"""(?:"[\w.:/@+,-]*"|'[\w.:/@+,-]*')"""
_PLUGIN = r"""(?:"(?:java|java-library|application|groovy|war)"|'(?:java|java-library|application|groovy|war)')"""
_GIVEN = r"[ \t]*(?:\([ \t]*{0}[ \t]*\)|[ \t]{0})"
_CONFIGURATION = (
    r"(?:api|implementation|compileOnly|runtimeOnly|compile|testCompile|testImplementation|testRuntimeOnly|"
    r"testCompileOnly)"
)
_STATEMENT = re.compile(
    "|".join(
        (
            r"\}",
            r"(?:plugins|repositories|dependencies|java|test|tasks\.test|tasks\.named\([\"']test[\"']\))[ \t]*\{",
            r"id" + _GIVEN.format(_PLUGIN),
            r"java|`java-library`|application|groovy|war",
            r"apply[ \t]*\(?[ \t]*plugin[ \t]*[:=][ \t]*" + _PLUGIN + r"[ \t]*\)?",
            r"(?:mavenCentral|google|mavenLocal|useJUnitPlatform|useJUnit|useTestNG)\(\)",
            _CONFIGURATION + _GIVEN.format(rf"(?:{_TEXT}|(?:project|platform)\([ \t]*{_TEXT}[ \t]*\))"),
            rf"(?:group|version|description|sourceCompatibility|targetCompatibility)[ \t]*=?[ \t]*(?:{_TEXT}|\d[\d.]*)",
        )
    )
)
"""The lines of a build script that only declares. Anything else is a program, which could reach every project."""
_INCLUDE = re.compile(rf"include(?:[ \t]+|[ \t]*\()[ \t]*({_TEXT}(?:[ \t]*,[ \t]*{_TEXT})*)[ \t]*\)?")
_QUOTED = re.compile(r"""["']([^"']+)["']""")
_LOOKS = re.compile(r"each(?:Dir|File)|listFiles|[fF]ileTree|\bwalk|\bfiles?\b|\bFiles?\b|\bnew\b|\bfor\b")
"""Settings that may take in what stands on the disk."""


def plain(base: RepoView, patched: RepoView, path: str) -> bool:
    name = path.rpartition("/")[2]
    if name == "pom.xml":
        return java_poms.plain(base, patched, path)
    return name in _BUILDS and all(_STATEMENT.fullmatch(line) for line in _lines(patched, path))


def gathers(base: RepoView, patched: RepoView, path: str) -> bool:
    """A reactor or a build's settings name its directory, or the settings look for directories; a project of base's
    has it for its parent; or JUnit looks for it wherever resources are."""
    directory, _, name = path.rpartition("/")
    views = (base, patched)
    if name == "junit-platform.properties":
        return True
    if name == "pom.xml":
        named = any(directory in java_poms.modules(view, pom) for view in views for pom in java_poms.files(view))
        return named or any(java_poms.parent(base, pom) == path for pom in java_poms.files(base))
    if not name.endswith((".gradle", ".gradle.kts")):
        return False
    lines = [line for view in views for file in (*_SETTINGS, *_BUILDS) for line in _lines(view, file)]
    return any(_LOOKS.search(line) for line in lines) or directory in _included(lines)


def takes_in(base: RepoView, patched: RepoView, path: str) -> bool:
    if path.rpartition("/")[2] == "pom.xml":
        return _only_modules(base, patched, path)
    return path in _SETTINGS and _only_includes(base, patched, path)


def _only_modules(base: RepoView, patched: RepoView, path: str) -> bool:
    """The pom differs by modules that it has after those of base."""
    try:
        before, after = (
            java_poms.sections((view.read(path) or b"").decode("utf-8"), apart=frozenset({"modules"}))
            for view in (base, patched)
        )
    except (ValueError, RecursionError):
        return False
    old, new = java_poms.modules(base, path), java_poms.modules(patched, path)
    added = [module for module in new if module not in old]
    kept = [module for module in new if module in old]
    return bool(before == after and kept == old and _are_own(base, patched, added, ("pom.xml",), needed=True))


def _only_includes(base: RepoView, patched: RepoView, path: str) -> bool:
    """The settings differ by projects that they include by name."""
    before, after = list(_lines(base, path)), list(_lines(patched, path))
    others = [[line for line in lines if not _INCLUDE.fullmatch(line)] for lines in (before, after)]
    added = _included(after) - _included(before)
    kept = _included(before) <= _included(after)
    return others[0] == others[1] and kept and _are_own(base, patched, added, _BUILDS, needed=False)


def _included(lines: Iterable[str]) -> frozenset[str]:
    matches = [match for line in lines if (match := _INCLUDE.fullmatch(line))]
    names = [name for match in matches for name in _QUOTED.findall(match.group(1))]
    return frozenset(name.strip(":").replace(":", "/") for name in names)


def _are_own(
    base: RepoView, patched: RepoView, directories: Iterable[str], files: tuple[str, ...], *, needed: bool
) -> bool:
    """Each is a directory of the patch's own, and what builds it is plain."""
    for directory in directories:
        own = [f"{directory}/{file}" for file in files]
        present = [path for path in own if patched.read(path) is not None]
        if not additions.own_directory(base, own[0]) or (needed and not present):
            return False
        if not all(plain(base, patched, path) for path in present):
            return False
    return True


def _lines(view: RepoView, path: str) -> Iterator[str]:
    """Lines with something in them, whole-line comments aside: where a block comment begins, it is no such line."""
    text = (view.read(path) or b"").decode("utf-8", "replace")
    stripped = (line.strip() for line in text.split("\n"))
    return (line for line in stripped if line and not line.startswith("//"))
