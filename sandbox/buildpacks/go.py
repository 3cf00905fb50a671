"""Go: modules and workspaces, from their go.mod, go.work and vendor directories. Pure.

The distribution's Go compiles what asks for no newer one; what does is built on an image that has it
(`sandbox.toolchains`), because a `go` line of 1.21 and later is a minimum that an older Go refuses. Modules and the
build cache are filled when the image is built: runs have no network, and read both where they cannot be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.layout import COMMAND_PATH, KEPT
from sandbox.types import EnvironmentPlan, RepoView

BASE = "redgreen-base"
PACKAGED = (1, 19)
"""What the base's distribution has."""
MODULES = f"{KEPT}/go-mod"
CACHE = f"{KEPT}/go-build"

_LINE = re.compile(r"^(go|toolchain)[ \t]+(?:go)?(\d+)\.(\d+)([.\w-]*)[ \t]*(?://.*)?$", re.MULTILINE)
_IGNORED = frozenset({"vendor", "testdata", "node_modules"})


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version that a file asks for."""

    number: tuple[int, int]
    text: str
    """As the file writes it, without `go` before it: `1.22`, `1.22.3`."""
    path: str
    line: str
    """`go` or `toolchain`: the word before it."""


def detect(view: RepoView) -> EnvironmentPlan | None:
    """The plan of a tree with a go.mod or go.work outside of vendored code; None for any other."""
    paths = list(view.paths())
    modules = module_directories(paths)
    workspace = "go.work" in paths
    if not modules and not workspace:
        return None
    # A workspace's modules are resolved together.
    places = ("",) if workspace else modules
    files = {path for place in modules for path in (_in(place, "go.mod"), _in(place, "go.sum"))}
    files |= {"go.work", "go.work.sum"}
    vendored = [place for place in places if _in(place, "vendor/modules.txt") in paths]
    files |= {_in(place, "vendor/modules.txt") for place in vendored}
    newest = max(_versions(view, [_in(place, "go.mod") for place in modules]), key=_order, default=None)
    is_packaged = newest is None or newest.number <= PACKAGED
    return EnvironmentPlan(
        language="go",
        runner="go",
        base=BASE,
        toolchains=() if newest is None or is_packaged else (f"go@{newest.text}",),
        apt=("golang-go",) if is_packaged else ("python3-venv",),
        env=(
            ("GOMODCACHE", MODULES),
            ("GOCACHE", CACHE),
            ("GOENV", "off"),
            ("GOTOOLCHAIN", "local"),
            # Where Go's own images have it.
            ("PATH", f"/usr/local/go/bin:{COMMAND_PATH}"),
        ),
        install=tuple(_at(place, "go", "mod", "download") for place in places if place not in vendored),
        optional_install=tuple(
            _at(place, "go", "test", "-vet=off", "-exec", "/bin/true", "./...") for place in modules
        ),
        manifests=tuple(sorted(path for path in files if path in paths)),
        evidence=tuple(_evidence(workspace, modules, vendored, newest)),
    )


def module_directories(paths: Iterable[str]) -> tuple[str, ...]:
    """The directories of modules whose packages the go command would see; "" is the root."""
    found = (path.split("/")[:-1] for path in paths if path.rpartition("/")[2] == "go.mod")
    return tuple(sorted("/".join(parts) for parts in found if not any(_is_hidden(part) for part in parts)))


def _is_hidden(name: str) -> bool:
    return name in _IGNORED or name.startswith((".", "_"))


def _versions(view: RepoView, manifests: Iterable[str]) -> Iterable[Version]:
    for path in ("go.work", *manifests):
        text = (view.read(path) or b"").decode("utf-8", "replace")
        for line, major, minor, rest in _LINE.findall(text):
            number = int(major), int(minor)
            yield Version(number=number, text=f"{major}.{minor}{rest}", path=path, line=line)


def _order(version: Version) -> tuple[tuple[int, int], list[int], bool]:
    """The newest last; of equals the more exact."""
    return version.number, [int(digits) for digits in re.findall(r"\d+", version.text)], version.line == "toolchain"


def _evidence(workspace: bool, modules: tuple[str, ...], vendored: list[str], newest: Version | None) -> Iterable[str]:
    if workspace:
        yield f"go.work: a workspace; {len(modules)} modules are in the tree."
    else:
        yield from (f"{_in(place, 'go.mod')}: a Go module." for place in modules)
    yield from (f"{_in(place, 'vendor/modules.txt')}: its modules are vendored." for place in vendored)
    packaged = f"{PACKAGED[0]}.{PACKAGED[1]}"
    if newest is None:
        yield f"No go.mod says which Go: the distribution's {packaged}."
    elif newest.number <= PACKAGED:
        yield f"{newest.path}: asks for Go {newest.text}; the distribution's {packaged} is enough."
    else:
        yield f"{newest.path}: asks for Go {newest.text}, newer than the distribution's {packaged}: its official image."


def _in(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name


def _at(directory: str, *argv: str) -> tuple[str, ...]:
    return ("env", "-C", directory, *argv) if directory else argv
