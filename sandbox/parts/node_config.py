"""Which files of a tree the configuration of a JavaScript runner loads into the runner, whatever they are called:
set-up files, transformers, environments, reporters, resolvers. They are configuration as much as what names them. Pure.

Configurations are programs, so this reads their text: a key that loads files, and the words after it that are files of
the tree. What such a file loads in its turn is not followed.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator

from sandbox.parts.node import SECTIONS
from sandbox.types import RepoView

_CONFIGURATION = re.compile(
    r"(?:^|/)(?:package\.json|mocha\.opts|\.mocharc[^/]*|ava\.config\.[^/]+|(?:jest|vite|vitest)[^/]*\.(?:config|preset)\.[^/]+|"
    r"jest\.preset\.[^/]+|(?:vitest|vite)\.(?:workspace|projects)\.[^/]+)$"
)
_KEYS = re.compile(
    r"\b(?:globalSetup|globalTeardown|setupFiles|setupFilesAfterEnv|setupTestFrameworkScriptFile|transform|transformer|"
    r"testSequencer|sequencer|resolver|snapshotResolver|runner|testRunner|testEnvironment|environment|customEnvironment|"
    r"snapshotSerializers|snapshotEnvironment|reporters?|testResultsProcessor|dependencyExtractor|preprocessor|prettierPath|"
    r"preset|require|import|loader|file|ui|nodeArguments|node-option|diff)\b[\"']?[ \t]{0,20}:"
)
_OPTIONS = re.compile(r"(?:--(?:require|import|loader|experimental-loader|file|reporter|ui)|-r)[ \t=]{1,20}(\S{1,300})")
_WORD = re.compile(r"[\w@.<>$~+-]{0,200}(?:/[\w@.<>$~+-]{1,200}){0,40}")
_SUFFIXES = ("", ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".jsx", ".tsx", ".json", "/index.js", "/index.ts")
_LARGEST = 200_000
_LONGEST = 4_000
"""Characters of one value."""
_CLOSING = {"[": "]", "{": "}", "(": ")"}


def loaded(view: RepoView) -> frozenset[str]:
    """Paths of the tree, installed packages aside."""
    known = frozenset(path for path in view.paths() if "node_modules/" not in path)
    found: set[str] = set()
    for path in sorted(known):
        data = view.read(path) if _CONFIGURATION.search(path) else None
        if data is None or len(data) > _LARGEST:
            continue
        for word in _words(_about_tests(path, data)):
            found.update(_files(word, posixpath.dirname(path), known))
    return frozenset(found)


def _about_tests(path: str, data: bytes) -> str:
    """The text of a configuration; of a package.json only what is about tests: what its `exports` say under `import`
    and `require` is what is tested."""
    text = data.decode("utf-8", "replace")
    if not path.endswith("package.json"):
        return text
    try:
        manifest = json.loads(text)
        return json.dumps({key: manifest[key] for key in SECTIONS if key in manifest}, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        return text


def _words(text: str) -> Iterator[str]:
    for option in _OPTIONS.finditer(text):
        yield option.group(1).strip("\"',;)]}")
    at = 0
    while (key := _KEYS.search(text, at)) is not None:
        value = _value(text, key.end())
        at = key.end() + len(value)
        yield from (word.group() for word in _WORD.finditer(value) if word.group())


def _value(text: str, start: int) -> str:
    """What stands after a key: to the comma, the closing bracket or, for YAML, the line that is no part of it."""
    open_: list[str] = []
    for at in range(start, min(len(text), start + _LONGEST)):
        character = text[at]
        if character in _CLOSING:
            open_.append(_CLOSING[character])
        elif open_ and character == open_[-1]:
            open_.pop()
        elif not open_ and (
            character in ",]})" or (character == "\n" and not re.match(r"\s*[-.\"'\[{]", text[at : at + 80]))
        ):
            return text[start:at]
    return text[start : start + _LONGEST]


def _files(word: str, directory: str, known: frozenset[str]) -> Iterator[str]:
    """The file that a word of a configuration in `directory` means; it may be given from there or from the root."""
    name = word.replace("<rootDir>/", "./")
    for origin in (directory, ""):
        path = posixpath.normpath(posixpath.join(origin, name.lstrip("/")))
        for suffix in _SUFFIXES:
            if path + suffix in known:
                yield path + suffix
                return
