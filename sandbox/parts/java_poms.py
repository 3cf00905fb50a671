"""What a Maven project file says, as values to compare. Pure; hostile XML is no project."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from sandbox.types import RepoView

OTHER_THINGS = frozenset(
    {"dependencies", "dependencyManagement", "version", "name", "description", "url", "inceptionYear", "organization"}
    | {"licenses", "developers", "contributors", "scm", "issueManagement", "ciManagement", "distributionManagement"}
)
"""Of a pom: what can change without a change in how tests are run. Everything else can reach them through a plugin."""
_OF_A_MODULE = frozenset({"modelVersion", "parent", "groupId", "artifactId", "packaging", "properties"})
_PACKAGING = frozenset({"", "jar", "war", "pom"})
_ABOUT_TESTS = re.compile(r"test|surefire|failsafe|argline|skip|junit|groups|^maven\.", re.IGNORECASE)


def sections(text: str, *, apart: frozenset[str] = frozenset()) -> Any:
    """The pom without what only says what the project is and needs, without properties that are not about tests, and
    without the elements `apart`. Raises `ValueError`."""
    return [
        _properties(child) if _name(child) == "properties" else _value(child)
        for child in _root(text)
        if _name(child) not in OTHER_THINGS | apart
    ]


def plain(base: RepoView, patched: RepoView, path: str) -> bool:
    """It says what the module is and needs, nothing about its build; its parent is one of base's, and it calls itself
    nothing that base's poms name: a reactor puts its own modules before what repositories hold."""
    root = _read(patched, path)
    if root is None or not {_name(child) for child in root} <= _OF_A_MODULE | OTHER_THINGS:
        return False
    known = {text for other in files(base) for text in _artifacts(base, other)}
    return (
        _first(root, "packaging") in _PACKAGING
        and (not _has(root, "parent") or base.read(_parent(root, path)) is not None)
        and _first(root, "artifactId") not in known | {""}
    )


def modules(view: RepoView, path: str) -> list[str]:
    """The directories that a pom names as its modules."""
    root = _read(view, path)
    if root is None:
        return []
    named = [(inner.text or "").strip() for child in root if _name(child) == "modules" for inner in child]
    above = posixpath.dirname(path)
    return [posixpath.normpath(posixpath.join(above, name.removesuffix("/pom.xml"))) for name in named]


def files(view: RepoView) -> Iterator[str]:
    return (path for path in view.paths() if path.rpartition("/")[2] == "pom.xml")


def parent(view: RepoView, path: str) -> str:
    """Where a pom looks for its parent before any repository; "" where it has none."""
    root = _read(view, path)
    return _parent(root, path) if root is not None and _has(root, "parent") else ""


def _parent(root: ElementTree.Element, path: str) -> str:
    parent = next(child for child in root if _name(child) == "parent")
    place = _first(parent, "relativePath") or "../pom.xml"
    place = place if place.endswith(".xml") else f"{place}/pom.xml"
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), place))


def _artifacts(view: RepoView, path: str) -> list[str]:
    root = _read(view, path)
    every = root.iter() if root is not None else ()
    return [(element.text or "").strip() for element in every if _name(element) == "artifactId"]


def _read(view: RepoView, path: str) -> ElementTree.Element | None:
    try:
        return _root((view.read(path) or b"").decode("utf-8"))
    except ValueError:
        return None


def _root(text: str) -> ElementTree.Element:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("a document type")
    try:
        return ElementTree.fromstring(text)  # noqa: S314  # entities are refused above
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None


def _has(root: ElementTree.Element, name: str) -> bool:
    return any(_name(child) == name for child in root)


def _first(root: ElementTree.Element, name: str) -> str:
    return next(((child.text or "").strip() for child in root if _name(child) == name), "")


def _properties(element: ElementTree.Element) -> Any:
    return sorted((_name(child), _value(child)) for child in element if _ABOUT_TESTS.search(_name(child)))


def _value(element: ElementTree.Element) -> Any:
    attributes = sorted(element.attrib.items())
    return (_name(element), attributes, (element.text or "").strip(), [_value(child) for child in element])


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
