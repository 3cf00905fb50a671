"""Take what the tests use out of GitHub's own OpenAPI description.

    python scripts/openapi_subset.py

fetches `@octokit/openapi` (MIT) with `npm pack` and writes `tests/data/github-openapi.json.gz`: the operations that the
local hub serves, the webhooks it sends, and the schemas these refer to. Prose and examples are left out. The output is
the same for the same version, to the byte.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot.localhub.routes import ROUTES

PACKAGE = "@octokit/openapi"
VERSION = "23.0.2"
MEMBER = "package/generated/api.github.com.json"
TARGET = Path(__file__).resolve().parent.parent / "tests" / "data" / "github-openapi.json.gz"
WEBHOOKS = ("check-run", "installation", "issue-comment", "issues", "ping", "pull-request", "push")
PROSE = frozenset({"description", "example", "examples", "externalDocs", "title", "x-github-breaking-changes", "tags"})


def fetch(folder: Path) -> dict[str, Any]:
    """The whole description. Raises `subprocess.CalledProcessError` when npm cannot get it."""
    subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True, stdout=sys.stderr)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        member = archive.extractfile(MEMBER)
        if member is None:
            raise FileNotFoundError(MEMBER)
        found: dict[str, Any] = json.load(member)
    return found


def structure(template: str) -> str:
    """A path without its parameters' names: ours and GitHub's differ."""
    return re.sub(r"\{[^}]*\}", "{}", template).rstrip("/")


def without_prose(value: Any, *, names: bool = False) -> Any:
    """`names`: the keys are names of somebody's (properties, schemas) and none is prose."""
    match value:
        case dict():
            return {
                key: without_prose(inner, names=key in {"properties", "schemas", "responses", "parameters"})
                for key, inner in value.items()
                if names or key not in PROSE or not isinstance(inner, str | dict | list | bool | int)
            }
        case list():
            return [without_prose(inner) for inner in value]
        case _:
            return value


def references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str() as pointer}:
            yield pointer
        case dict():
            for inner in value.values():
                yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)
        case _:
            return


def subset(whole: dict[str, Any]) -> dict[str, Any]:
    wanted = {(route.method.lower(), structure(route.template)) for route in ROUTES}
    paths: dict[str, Any] = {}
    for path, operations in whole["paths"].items():
        kept = {method: operation for method, operation in operations.items() if (method, structure(path)) in wanted}
        if kept:
            paths[path] = kept
    hooks = {
        name: hook
        for name, hook in whole["x-webhooks"].items()
        if any(name == event or name.startswith(f"{event}-") for event in WEBHOOKS)
        and not name.startswith("pull-request-review-thread")
    }
    small: dict[str, Any] = {"openapi": whole["openapi"], "paths": paths, "x-webhooks": hooks, "components": {}}
    todo, done = list(references(small)), set()
    while todo:
        pointer = todo.pop()
        if pointer in done:
            continue
        done.add(pointer)
        _, section, kind, name = pointer.split("/", 3)
        value = whole[section][kind][name]
        small["components"].setdefault(kind, {})[name] = value
        todo.extend(references(value))
    cleaned: dict[str, Any] = without_prose(small)
    return {**cleaned, "info": {"title": "GitHub REST API (subset)", "version": f"{PACKAGE} {VERSION}"}}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = subset(fetch(Path(folder)))
    text = json.dumps(small, sort_keys=True, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{TARGET.name}: {len(small['paths'])} paths, {TARGET.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
