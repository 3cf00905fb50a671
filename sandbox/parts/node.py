"""JavaScript's and TypeScript's files: npm, pnpm, yarn; jest, vitest, mocha, node:test, tap, ava and karma. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.parts import node_additions
from sandbox.parts.rules import Rules
from sandbox.types import RepoView

SUFFIXES = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx")
_TEST_CALL = re.compile(
    rb"^[^\n/*]*?\b(?:it|test|describe|suite|context|specify|tape|tap|ava|t)(?:\.\w{1,64}){0,8}[ \t]*[(`]", re.MULTILINE
)
SECTIONS = (
    "scripts", "config", "jest", "mocha", "vitest", "ava", "tap", "tape", "c8", "nyc", "karma", "babel", "browserslist",
    "ts-node", "swc", "wireit", "jspm", "lint-staged", "directories",
)  # fmt: skip
"""What decides how tests are started and transformed. The dependencies do not: the image has base's."""
_FIXTURES = frozenset({"fixtures", "__fixtures__", "testdata"})
TEST_PLACES = frozenset({"test", "tests", "__tests__", "spec", *_FIXTURES})
_LOADERS = re.compile(r"\.pnp\.[cm]?js$|\.pnp\.loader\.mjs$")


def holds_tests(data: bytes) -> bool:
    """True where a file that a runner would collect calls anything by which tests are told."""
    return _TEST_CALL.search(data) is not None


def _of_package(text: str) -> Any:
    manifest = json.loads(text)
    return {key: manifest.get(key) for key in SECTIONS}


def _plain(_base: RepoView, patched: RepoView, path: str) -> bool:
    return node_additions.plain(patched, path, frozenset(SECTIONS))


def _gathers(base: RepoView, _patched: RepoView, path: str) -> bool:
    # Mocha before 8 loads this one by itself.
    return path == "test/mocha.opts" or node_additions.gathers(base, path)


def _sign(base: RepoView, _patched: RepoView, path: str) -> str:
    *directories, name = path.split("/")
    if "node_modules" in directories:
        above = directories[: directories.index("node_modules")]
        of_tests = path.startswith("test/") or "tests" in directories or RULES.is_test(path)
        if TEST_PLACES.isdisjoint(above) or (not of_tests and _runs_beneath(base, "/".join(above))):
            return f"{path}: takes the place of an installed package"
    if _LOADERS.search(name):
        return f"{path}: decides what every import loads"
    return ""


def _runs_beneath(base: RepoView, directory: str) -> bool:
    """Base has programs there that are no fixtures: its tests, and they would find the package."""
    return any(
        path.startswith(f"{directory}/") and path.endswith(SUFFIXES) and _FIXTURES.isdisjoint(path.split("/"))
        for path in base.paths()
    )


def _suffixed(*stems: str) -> tuple[str, ...]:
    return tuple(f"{stem}.{suffix}" for stem in stems for suffix in ("[jt]s", "[jt]sx", "[cm][jt]s"))


RULES = Rules(
    config=frozenset(
        {"package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", "pnpmfile.js", ".node-version", ".nvmrc"}
    ),
    config_patterns=(
        "jest.config.*",
        "jest.preset.*",
        "jest.setup.*",
        "jest-*.config.*",
        "jest.*.config.*",
        "jest-setup.*",
        "setup-jest.*",
        "setupJest.*",
        "setupTests.*",
        "globalSetup.*",
        "global-setup.*",
        "globalTeardown.*",
        "global-teardown.*",
        "vitest.config.*",
        "vitest.workspace.*",
        "vitest.setup.*",
        "vitest-setup.*",
        "vitest-*.config.*",
        "vitest.*.config.*",
        "vitest.projects.*",
        "vite.config.*",
        "vite.*.config.*",
        ".mocharc*",
        "mocha.opts",
        "karma.conf.*",
        "ava.config.*",
        ".taprc",
        ".c8rc*",
        ".nycrc*",
        "babel.config.*",
        ".babelrc*",
        ".swcrc",
        "tsconfig.json",
        "tsconfig.*.json",
        "tsconfig-*.json",
        "tsconfig_*.json",
        ".env",
        ".env.*",
        ".pnp.*",
        "pnpm-workspace.yaml",
    ),
    tests=(
        *_suffixed("*.test", "*.spec", "*[-_]test", "*[-_]spec", "test-*", "test", "tests"),
        "*.snap",
        "*.snap.cjs",
        "spec/*.[jt]s",
    ),
    test_directories=frozenset({"__tests__", "__mocks__", "__snapshots__", "__fixtures__", "tap-snapshots"}),
    sections={"package.json": _of_package},
    plain=_plain,
    gathers=_gathers,
    sign=_sign,
)
