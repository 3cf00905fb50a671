"""Where a Maven or Gradle build has its modules, and which tests are in them. Pure; hostile XML is not a build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from sandbox.types import RepoView, TestId

_LANGUAGES = ("java", "kotlin", "groovy", "scala")
_TEST_CLASS = re.compile(r"^(?:Test[A-Z0-9_].*|Tests?|.*[a-z0-9_$](?:Test|Tests|TestCase|Spec)|.*_Test)$")
_SUFFIXES = (".java", ".kt", ".groovy", ".scala")
_MOST_MODULES = 500
_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)", re.MULTILINE)
_JUPITER = re.compile(r"\borg\.junit\.(?:jupiter|platform)\b|\bio\.kotest\b")
_TESTNG = re.compile(r"\borg\.testng\b")
_INCLUDE = re.compile(r"(?<![\w.])include(?:Flat)?\b\s*\(?([^)\n]*(?:,\s*\n[^)\n]*)*)")
_QUOTED = re.compile(r"""["']([^"'\n]+)["']""")


@dataclass(frozen=True, kw_only=True)
class Module:
    """One module of a build: one JVM runs its tests."""

    path: str
    """Directory of the tree; "" is the root."""
    tests: tuple[str, ...] = ()
    """Its files with test classes, by their names."""
    roots: tuple[str, ...] = ()
    """Its directories of test sources (`core/src/test/java`)."""
    framework: str = "junit4"
    """`jupiter`, `junit4` or `testng`: what its canaries are written for."""

    @property
    def prefix(self) -> str:
        """What its tests' ids begin with: class names of different modules may be the same."""
        return f"{self.path}/" if self.path else ""


def maven(view: RepoView) -> tuple[Module, ...]:
    """The reactor's modules from the root's `pom.xml` on, those without tests included; profiles are not followed."""
    found: list[Module] = []
    waiting, seen = [""], {""}
    while waiting and len(found) < _MOST_MODULES:
        path = waiting.pop(0)
        pom = xml(view.read(posixpath.join(path, "pom.xml")))
        if pom is None:
            continue
        own = texts(pom, "build/testSourceDirectory")
        found.append(_module(view, path, tuple(own)))
        for name in texts(pom, "modules/module"):
            child = posixpath.normpath(posixpath.join(path, name.replace("\\", "/").removesuffix("/pom.xml")))
            if not child.startswith(("../", "/")) and child not in seen:
                seen.add(child)
                waiting.append(child)
    return tuple(found)


def gradle(view: RepoView) -> tuple[Module, ...]:
    """The root project and what its settings include by name; other directories with a build file of their own too."""
    paths = {""}
    for settings in ("settings.gradle", "settings.gradle.kts"):
        text = _text(view, settings)
        for match in _INCLUDE.finditer(text):
            paths |= {name.strip(":").replace(":", "/") for name in _QUOTED.findall(match.group(1))}
    for path in view.paths():
        directory, _, name = path.rpartition("/")
        if name in ("build.gradle", "build.gradle.kts") and not directory.startswith("buildSrc"):
            paths.add(directory)
    return tuple(_module(view, path, ()) for path in sorted(paths)[:_MOST_MODULES])


def owner(modules: Iterable[Module], path: str) -> Module | None:
    """The module that a file of test sources belongs to."""
    owners = [module for module in modules if any(path.startswith(f"{root}/") for root in module.roots)]
    return max(owners, key=lambda module: len(module.path), default=None)


def class_of(module: Module, path: str) -> str:
    """`com.acme.FooTest` of `core/src/test/java/com/acme/FooTest.java`."""
    root = next(root for root in module.roots if path.startswith(f"{root}/"))
    return path[len(root) + 1 :].rpartition(".")[0].replace("/", ".")


def file_of(modules: Iterable[Module], view: RepoView, test: TestId) -> str | None:
    """The file of `core/com.acme.FooTest$Inner::deep[1]`: the outermost class's."""
    prefix, _, name = test.split("::")[0].rpartition("/")
    outer = name.split("$")[0].replace(".", "/")
    for module in modules:
        if module.path == prefix:
            for root in module.roots:
                for suffix in _SUFFIXES:
                    if view.read(f"{root}/{outer}{suffix}") is not None:
                        return f"{root}/{outer}{suffix}"
    return None


def is_test(modules: Iterable[Module], path: str) -> bool:
    return any(path in module.tests for module in modules)


def packages(view: RepoView, module: Module) -> list[str]:
    """Of its test classes, sorted."""
    texts_ = (_text(view, path) for path in module.tests)
    return sorted({found.group(1) if (found := _PACKAGE.search(text)) else "" for text in texts_})


def xml(data: bytes | None) -> ElementTree.Element | None:
    """The root of a document without a document type; None where there is none."""
    if data is None or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return None
    try:
        return ElementTree.fromstring(data)  # noqa: S314  # entities are refused above
    except (ElementTree.ParseError, ValueError, RecursionError, LookupError):
        return None


def texts(element: ElementTree.Element, path: str) -> list[str]:
    """The texts of all elements at a path of local names, whatever the namespace."""
    steps = path.split("/")
    return [text for found in _descend(element, steps) if (text := (found.text or "").strip())]


def _descend(element: ElementTree.Element, steps: list[str]) -> Iterator[ElementTree.Element]:
    if not steps:
        yield element
        return
    for child in element:
        if local(child) == steps[0]:
            yield from _descend(child, steps[1:])


def local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _module(view: RepoView, path: str, own: tuple[str, ...]) -> Module:
    roots = tuple(
        posixpath.normpath(posixpath.join(path, directory))
        for directory in (*own, *(f"src/test/{language}" for language in _LANGUAGES))
    )
    tests = tuple(
        file
        for file in view.paths()
        if file.endswith(_SUFFIXES)
        and any(file.startswith(f"{root}/") for root in roots)
        and _TEST_CLASS.match(file.rpartition("/")[2].rpartition(".")[0])
    )
    return Module(path=path, tests=tests, roots=roots, framework=_framework(view, tests))


def _framework(view: RepoView, tests: tuple[str, ...]) -> str:
    found = [_text(view, path) for path in tests]
    if any(_JUPITER.search(text) for text in found):
        return "jupiter"
    return "testng" if any(_TESTNG.search(text) for text in found) else "junit4"


def _text(view: RepoView, path: str) -> str:
    return (view.read(path) or b"").decode("utf-8", "replace")
