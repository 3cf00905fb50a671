"""Rust: Cargo packages and workspaces. Pure.

One compiler for all that asks for no newer one: Rust compiles what older versions compiled, and the distribution keeps
a recent one beside its first (`rustc-web`). What asks for a newer one, or for a nightly, has its official image as
base. Dependencies are fetched and compiled when the image is built: runs have no network.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.layout import COMMAND_PATH, KEPT, WORK
from sandbox.types import EnvironmentPlan, RepoView

BASE = "redgreen-base"
PACKAGED = (1, 85)
"""What the base's distribution has at least."""
CARGO_HOME = f"{KEPT}/cargo"
TARGET = f"{WORK}/target"
KEPT_TARGET = f"{KEPT}/cargo-target"

_SYSROOT = f"{KEPT}/rust"
_LINK = (
    "/bin/sh",
    "-c",
    'rustc=/usr/local/cargo/bin/rustc; cd / && { [ ! -x $rustc ] || ln -s "$($rustc --print sysroot)" "$0"; }',
    _SYSROOT,
)
"""In Rust's own images: past rustup, which would look for the very toolchain that a file of the tree names."""
_NUMBER = re.compile(r"^\D{0,2}(\d+)\.(\d+)(?:\.(\d+))?")
_EDITIONS = {"2018": (1, 31), "2021": (1, 56), "2024": (1, 85)}
_LOCKS = {4: (1, 78)}
"""Format of Cargo.lock -> the first version that reads it."""
_IGNORED = frozenset({"target", "vendor", "node_modules", "testdata"})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A compiler that a file asks for."""

    number: tuple[int, int]
    text: str
    """For people and for the image's name: `1.90`, `1.90.1`, `nightly`."""
    evidence: str


def detect(view: RepoView) -> EnvironmentPlan | None:
    """The plan of a tree with a Cargo.toml outside of vendored code; None for any other."""
    paths = list(view.paths())
    roots = roots_of(paths)
    if not roots:
        return None
    manifests = [path for path in paths if _is_manifest(path)]
    wanted = list(_wanted(view, manifests))
    newest = max(wanted, key=lambda want: want.number, default=None)
    is_packaged = newest is None or newest.number <= PACKAGED
    locked = {root: ("--locked",) if _in(root, "Cargo.lock") in paths else () for root in roots}
    vendored = is_vendored(view)
    return EnvironmentPlan(
        language="rust",
        runner="cargo",
        base=BASE,
        toolchains=() if newest is None or is_packaged else (f"rust@{newest.text}",),
        apt=("cargo-web",) if is_packaged else ("python3-venv",),
        env=(
            ("CARGO_HOME", CARGO_HOME),
            ("CARGO_TARGET_DIR", TARGET),
            ("CARGO_TERM_COLOR", "never"),
            ("PATH", f"{_SYSROOT}/bin:{COMMAND_PATH}"),
            ("RUSTUP_HOME", "/usr/local/rustup"),
        ),
        install=(_LINK, *(_at(root, "cargo", "fetch", *locked[root]) for root in roots)),
        optional_install=() if vendored else tuple(_warm(roots, locked)),
        manifests=tuple(manifests),
        evidence=(
            *(f"{_in(root, 'Cargo.toml')}: a Cargo package or workspace." for root in roots),
            *(want.evidence for want in wanted),
            *_about(newest),
            *(
                ("Its dependencies are in the tree (.cargo/config): they are compiled in each run.",)
                if vendored
                else ()
            ),
        ),
    )


def roots_of(paths: Iterable[str]) -> tuple[str, ...]:
    """The directories of the outermost Cargo.toml files; "" is the root of the tree."""
    found = sorted(path.rpartition("/")[0] for path in paths if path.rpartition("/")[2] == "Cargo.toml")
    roots: list[str] = []
    for directory in found:
        if _IGNORED.isdisjoint(directory.split("/")) and not any(_is_below(directory, root) for root in roots):
            roots.append(directory)
    return tuple(roots)


def is_vendored(view: RepoView) -> bool:
    """True where .cargo/config takes dependencies from a directory of the tree."""
    data = view.read(".cargo/config.toml") or view.read(".cargo/config") or b""
    sources = _table(_toml(data).get("source"))
    return any("directory" in _table(source) for source in sources.values())


def _is_below(directory: str, root: str) -> bool:
    return not root or directory.startswith(f"{root}/")


def _is_manifest(path: str) -> bool:
    *directories, name = path.split("/")
    if name in ("Cargo.toml", "Cargo.lock"):
        return _IGNORED.isdisjoint(directories)
    return path in ("rust-toolchain", "rust-toolchain.toml", ".cargo/config", ".cargo/config.toml")


def _wanted(view: RepoView, manifests: Iterable[str]) -> Iterable[Wanted]:
    for path in manifests:
        data = view.read(path) or b""
        match path.rpartition("/")[2]:
            case "rust-toolchain.toml" | "rust-toolchain":
                yield from _of_channel(path, data)
            case "Cargo.lock":
                version = _toml(data).get("version")
                if version in _LOCKS:
                    yield _want(_LOCKS[version], "", f"{path}: format {version}")
            case "Cargo.toml":
                document = _toml(data)
                for package in (document.get("package"), _table(document.get("workspace")).get("package")):
                    yield from _of_package(path, _table(package))
            case _:
                pass


def _of_channel(path: str, data: bytes) -> Iterable[Wanted]:
    channel = _table(_toml(data).get("toolchain")).get("channel")
    if channel is None:
        # The old form: the name and nothing else.
        channel = data.decode("utf-8", "replace").strip()
    if not isinstance(channel, str):
        return
    if channel.startswith("nightly"):
        yield Wanted(number=(2, 0), text="nightly", evidence=f"{path}: asks for {channel}.")
    elif found := _NUMBER.match(channel):
        yield _want((int(found[1]), int(found[2])), found[0], f"{path}: channel {channel}")


def _of_package(path: str, package: Mapping[str, Any]) -> Iterable[Wanted]:
    version, edition = package.get("rust-version"), package.get("edition")
    if isinstance(version, str) and (found := _NUMBER.match(version)):
        yield _want((int(found[1]), int(found[2])), found[0], f"{path}: rust-version {version}")
    if isinstance(edition, str) and edition in _EDITIONS:
        yield _want(_EDITIONS[edition], "", f"{path}: edition {edition}")


def _want(number: tuple[int, int], text: str, what: str) -> Wanted:
    return Wanted(
        number=number, text=text or f"{number[0]}.{number[1]}", evidence=f"{what} needs Rust {number[0]}.{number[1]}."
    )


def _about(newest: Wanted | None) -> Iterable[str]:
    packaged = f"{PACKAGED[0]}.{PACKAGED[1]}"
    if newest is not None and newest.number > PACKAGED:
        yield f"Rust {newest.text} is newer than the distribution's {packaged}: its official image."
    else:
        yield f"The distribution's Rust ({packaged} or later) compiles it."


def _warm(roots: tuple[str, ...], locked: Mapping[str, tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    for root in roots:
        yield _at(root, "cargo", "test", "--workspace", "--tests", "--no-run", *locked[root])
    yield "cp", "-a", TARGET, KEPT_TARGET


def _toml(data: bytes) -> Mapping[str, Any]:
    """{} for what is none."""
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _in(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _at(directory: str, *argv: str) -> tuple[str, ...]:
    return ("env", "-C", directory, *argv) if directory else argv
