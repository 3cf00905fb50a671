"""JavaScript's and TypeScript's files: npm, jest, vitest, mocha and karma. Pure."""

from __future__ import annotations

import json
from typing import Any

from sandbox.parts.rules import Rules


def _of_package(text: str) -> Any:
    manifest = json.loads(text)
    return {key: manifest.get(key) for key in ("scripts", "jest", "mocha", "vitest", "c8", "nyc")}


RULES = Rules(
    config=frozenset({"package.json"}),
    config_patterns=("jest.config.*", "vitest.config.*", ".mocharc*", "karma.conf.*"),
    tests=("*.test.[jt]s", "*.test.[jt]sx", "*.spec.[jt]s", "*.spec.[jt]sx"),
    test_directories=frozenset({"__tests__"}),
    sections={"package.json": _of_package},
)
