"""The test machinery of a JavaScript tree: what the runner's configuration loads into the runner, and what that loads
in its turn, as far as it is no source under test. Pure.

A file that machinery loads is machinery itself where
* nothing else loads it: no test, no other source, no package's entry point or script; and
* it stands with it: in the directory of a file that loads it or below (at the root: beside it), or in a place that is
  named for tests and their tools.
All else that it loads is what is tested (a set-up that starts the server, say), and comes from the patch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.parts import node_config, node_imports
from sandbox.parts.node import RULES, SUFFIXES
from sandbox.types import RepoView

_PLACES = re.compile(
    r"(?:^|[_.-])(?:tests?|testing|specs?|mocks?|fixtures?|helpers?|setup|e2e|scripts?|tools?|support|jest|vitest|mocha)"
    r"(?:$|[_.-])",
    re.IGNORECASE,
)
_ENTRIES = ("main", "module", "browser", "exports", "bin", "source", "types", "react-native")
_WORD = re.compile(r"[\w@./-]+")
_MOST = 2000
"""Files that are followed."""


@dataclass(frozen=True, kw_only=True)
class Machinery:
    files: frozenset[str] = frozenset()
    """Base's version of them runs. Names that base does not have yet, and that one of them would load, included."""
    tested: Mapping[str, str] = field(default_factory=dict)
    """Source that machinery loads, and by which file: it comes from the patch, and runs with the runner."""


def machinery(view: RepoView) -> Machinery:
    known = frozenset(path for path in view.paths() if "node_modules/" not in path)
    programs = frozenset(path for path in known if path.endswith(SUFFIXES))
    named = node_config.loaded(view)
    roots = (named & programs) | {path for path in programs if RULES.is_config(path)}
    loads = _followed(view, roots, programs)
    reached = frozenset(target for targets in loads.values() for target in targets) - roots
    own = roots | (_own(view, roots, reached, programs, loads) if reached else frozenset())
    tested = {target: path for path in sorted(own) for target in loads.get(path, ()) if target not in own}
    return Machinery(files=named | own | _claimed(view, own, known), tested=tested)


def _followed(view: RepoView, roots: Iterable[str], programs: frozenset[str]) -> dict[str, frozenset[str]]:
    """What each file loads, from the roots on."""
    loads: dict[str, frozenset[str]] = {}
    waiting = sorted(roots)
    while waiting and len(loads) < _MOST:
        path = waiting.pop()
        if path not in loads:
            loads[path] = node_imports.imported(view, path, programs)
            waiting.extend(sorted(loads[path] - loads.keys()))
    return loads


def _own(
    view: RepoView,
    roots: frozenset[str],
    reached: frozenset[str],
    programs: frozenset[str],
    loads: Mapping[str, frozenset[str]],
) -> frozenset[str]:
    """The largest set of reached files that nothing outside of it and the roots loads, each standing with a loader."""
    loaders: dict[str, set[str]] = {path: set() for path in reached}
    for path in programs:
        targets = loads[path] if path in loads else node_imports.imported(view, path, programs)
        for target in targets & reached:
            loaders[target].add(path)
    own = set(reached - frozenset(_entries(view, programs)))
    while lost := {path for path in own if not _belongs(path, loaders[path], own | roots)}:
        own -= lost
    return frozenset(own)


def _belongs(path: str, loaders: set[str], machinery_: set[str]) -> bool:
    return loaders <= machinery_ and any(_stands_with(path, loader) for loader in loaders)


def _stands_with(path: str, loader: str) -> bool:
    above, directory = loader.rpartition("/")[0], path.rpartition("/")[0]
    if above == directory or (above and directory.startswith(f"{above}/")):
        return True
    return any(_PLACES.search(name) for name in directory.split("/"))


def _entries(view: RepoView, programs: frozenset[str]) -> Iterator[str]:
    """What packages offer, also where it is the source of what they build, and what their scripts start that are not
    about tests."""
    for path in view.paths():
        if path.rpartition("/")[2] != "package.json" or "node_modules/" in path:
            continue
        package = _object(view.read(path))
        offered = [text for key in _ENTRIES for text in _texts(package.get(key))]
        offered += ["src", *(f"src/{text.rpartition('/')[2]}" for text in offered)]
        for name, text in _object(package.get("scripts")).items():
            offered += _WORD.findall(str(text)) if "test" not in name else []
        yield from (found for word in (*offered, ".") if (found := node_imports.resolved(path, word, programs)))


def _object(value: object) -> Mapping[str, object]:
    """A JSON object; an empty one for anything else."""
    try:
        found = json.loads(value) if isinstance(value, bytes) else value
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case _:
            return


def _claimed(view: RepoView, own: Iterable[str], known: frozenset[str]) -> frozenset[str]:
    """Names that are free in base and that machinery would load: a file of that name would stand before another."""
    found: set[str] = set()
    for path in own:
        for name in node_imports.names(view, path):
            target = node_imports.resolved(path, name, known)
            if target in own or not target:
                places = node_imports.places(path, name)
                found.update(place for place in places if place not in known and _stands_with(place, path))
    return frozenset(found)
