"""Rust's files: Cargo's and rustc's, and the items of a file that are tests. Pure."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from sandbox.parts import rust_items
from sandbox.parts.rules import Rules
from sandbox.types import RepoView

_ASSERTING = frozenset({"assert", "assert_eq", "assert_ne", "panic", "matches", "unreachable", "debug_assert"})
"""Macros that say whether a test is red; a definition of one hides the standard library's."""
_ASSERTIONS = re.compile(r"assert|^(?:claims?|rstest|proptest|quickcheck|insta|googletest|speculoos|expect-test)$")
"""Packages that tests are judged with, by name: `dev-dependencies` may take them from the workspace."""
_RUNNER = re.compile(rb"\btest_runner\b|\bcustom_test_frameworks\b|\breexport_test_harness_main\b")


def _of_manifest(text: str) -> Any:
    """What decides which tests are built, with what, and how: flags like overflow checks included."""
    document = tomllib.loads(text)
    kept: dict[str, Any] = {
        key: document.get(key) for key in ("test", "profile", "dev-dependencies", "patch", "replace")
    }
    package = document.get("package", {})
    kept["package"] = {key: package.get(key) for key in ("autotests", "autobins", "build", "edition")}
    for kind in ("lib", "bin", "example"):
        targets = document.get(kind, [])
        found = [_of_target(target) for target in (targets if isinstance(targets, list) else [targets])]
        kept[kind] = [target for target in found if target]
    targets = document.get("target", {})
    shared = document.get("workspace", {}).get("dependencies", {})
    kept["workspace"] = {name: value for name, value in shared.items() if _ASSERTIONS.search(name)}
    kept["target"] = {name: table.get("dev-dependencies") for name, table in targets.items()}
    return kept


def _of_target(target: dict[str, Any]) -> dict[str, Any]:
    chosen = {key: target.get(key) for key in ("test", "harness", "path")}
    return {"name": target.get("name"), **chosen} if any(value is not None for value in chosen.values()) else {}


def _plain(_base: RepoView, patched: RepoView, path: str) -> bool:
    """A package of Cargo's own layout: no profile, no replacement, no target outside of its directory or without the
    harness, no name that tests are judged by."""
    if not path.endswith("Cargo.toml"):
        return False
    try:
        document = tomllib.loads((patched.read(path) or b"").decode("utf-8"))
        package = document["package"]
        targets = [document.get("lib", {}), *(one for kind in _TARGETS for one in document.get(kind, []))]
        places = [package.get("build"), *(target.get("path") for target in targets)]
        name = str(package["name"])
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return False
    return (
        _OF_ROOTS.isdisjoint(document)
        and "workspace" not in package
        and not any("harness" in target for target in targets)
        and not any(".." in str(place).split("/") or str(place).startswith("/") for place in places)
        and not _ASSERTIONS.search(name)
    )


_TARGETS = ("bin", "test", "example", "bench")
_OF_ROOTS = frozenset({"workspace", "profile", "patch", "replace"})


def _gathers(base: RepoView, patched: RepoView, path: str) -> bool:
    """A workspace has it as a member, by a pattern or a name, or a package depends on it by its path."""
    directory = path.rpartition("/")[0]
    return any(fnmatchcase(directory, place) for view in (base, patched) for place in _members(view))


def _members(view: RepoView) -> Iterator[str]:
    """Directories, or patterns of them, that any manifest of the tree names; everything where one cannot be read."""
    for path in view.paths():
        if path.rpartition("/")[2] != "Cargo.toml":
            continue
        try:
            document = tomllib.loads((view.read(path) or b"").decode("utf-8"))
            named = [str(place) for place in document.get("workspace", {}).get("members", [])]
            named += _places(document)
        except (ValueError, AttributeError, TypeError, RecursionError):
            named = ["**"]
        above = path.rpartition("/")[0]
        yield from (posixpath.normpath(posixpath.join(above, place)) for place in named)


def _places(value: object) -> Iterator[str]:
    """Every `path` of a dependency, in whatever table."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "path" and isinstance(inner, str):
                yield inner
            yield from _places(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner)


def _sign(base: RepoView, patched: RepoView, path: str) -> str:
    if _is_vendored_assertion(path):
        return f"{path}: changes a vendored package that decides whether a test is red"
    if not path.endswith(".rs"):
        return ""
    before, after = base.read(path) or b"", patched.read(path) or b""
    if _RUNNER.search(after) and not _RUNNER.search(before):
        return f"{path}: puts another test runner in the place of Rust's own"
    added = _given(after) - _given(before)
    if hidden := sorted(added & _ASSERTING):
        return f"{path}: gives something of its own the name {hidden[0]}!, which hides the standard library's"
    return ""


def _is_vendored_assertion(path: str) -> bool:
    """`vendor/pretty_assertions/src/lib.rs`, `third_party/rust/claims-0.8.0/...`: the directory is named after the
    package, with its version where several are kept."""
    *directories, _ = path.split("/")
    first = next((at for at, name in enumerate(directories) if name in _VENDORS), len(directories))
    return any(_ASSERTIONS.search(re.sub(r"-\d+\.\d.*$", "", name)) for name in directories[first + 1 : first + 3])


_VENDORS = frozenset({"vendor", "vendored", "third_party", "third-party"})


def _given(data: bytes) -> frozenset[str]:
    return rust_items.given_names(data.decode("utf-8", "replace")) or frozenset()


def _divide(_path: str, before: bytes, after: bytes) -> tuple[bytes, bytes] | None:
    if b"test" not in before and b"test" not in after:
        return after, before
    try:
        found = rust_items.divide(before.decode("utf-8"), after.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    return (found[0].encode(), found[1].encode()) if found is not None else None


def _tests(data: bytes) -> dict[str, str] | None:
    try:
        found = rust_items.test_functions(data.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    return {name.replace("::", "."): text for name, text in found.items()} if found is not None else None


def holds_tests(data: bytes) -> bool:
    """True for a file with test functions; False for one that does not read as Rust."""
    return bool(_tests(data))


RULES = Rules(
    config=frozenset({"cargo.toml", "rust-toolchain", "rust-toolchain.toml", "nextest.toml", "tarpaulin.toml"}),
    config_patterns=("*.cargo/config", "*.cargo/config.toml", "clippy.toml", ".clippy.toml"),
    tests=("tests.rs", "test.rs", "*_test.rs", "*_tests.rs"),
    sections={"cargo.toml": _of_manifest},
    plain=_plain,
    gathers=_gathers,
    sign=_sign,
    suffix=".rs",
    divide=_divide,
    tests_of=_tests,
)
