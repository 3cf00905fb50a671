"""The base image where no registry answers: a minimal system from the distribution's own archive, as a tar stream.

Needs root and `debootstrap`. Nothing here knows Docker: `sandbox.engine` imports the stream. The mirror, the suite and
the keyring are the machine's own (what its apt is configured to use), so a company's mirror or an air-gapped archive
works without a setting of ours.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SetupError
from sandbox.layout import HOME, WORK
from sandbox.types import Progress

USER_NAME = "redgreen"
USER_ID = 10001

RECIPE_VERSION = 1
"""Raised whenever `_finish` changes what the same packages become."""

PACKAGES = (
    "build-essential",
    "ca-certificates",
    "git",
    "libffi-dev",
    "patch",
    "pkg-config",
    "procps",
    "python3",
    "python3-dev",
    "python3-pip",
    "python3-venv",
    "ripgrep",
    "tzdata",
    "zlib1g-dev",
)

_DEFAULT_SUITE = "bookworm"
_COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}
_NOT_NEEDED = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/cache/debconf",
    "var/lib/apt/lists",
    "var/log",
)
_BUILD_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the base is made of; the mirror it comes from is no part of it: the same signed packages are the same."""

    distribution: str
    suite: str
    components: tuple[str, ...] = ("main",)
    packages: tuple[str, ...] = PACKAGES
    architecture: str = platform.machine()

    @property
    def tag(self) -> str:
        """`redgreen-base:<suite>-<digest>`: the same recipe is built once on a machine."""
        parts = (str(RECIPE_VERSION), self.suite, self.architecture, *self.components, *self.packages)
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
        return f"redgreen-base:{self.suite}-{digest}"


def recipe_of_machine() -> Recipe:
    """The recipe this machine can build. Reads os-release; never the network."""
    return choose_recipe(_os_release())


def choose_recipe(os_release: Mapping[str, str]) -> Recipe:
    """The machine's own distribution where debootstrap knows it, else Debian."""
    distribution = os_release.get("ID", "")
    suite = os_release.get("VERSION_CODENAME", "")
    components = _COMPONENTS.get(distribution)
    if components is None or not re.fullmatch(r"[a-z]+", suite):
        return Recipe(distribution="debian", suite=_DEFAULT_SUITE)
    return Recipe(distribution=distribution, suite=suite, components=components)


def choose_mirror(recipe: Recipe, apt_targets: Iterable[str]) -> str:
    """The mirror that this machine's apt uses for the suite; empty: debootstrap's own default.

    `apt_targets` are lines `uri|codename|component|origin` as apt lists its configured indexes.
    """
    for line in apt_targets:
        uri, codename, component, origin = [*line.split("|"), "", "", ""][:4]
        wanted = (codename, component, origin.lower()) == (recipe.suite, "main", recipe.distribution)
        if wanted and uri.startswith(("http://", "https://", "file:", "copy:")):
            return uri.rstrip("/")
    return ""


def mirrors_of_machine() -> tuple[str, ...]:
    """Addresses of the distribution's archive that this machine's apt uses. Reads apt's configuration only."""
    return mirrors(recipe_of_machine(), _apt_targets())


def mirrors(recipe: Recipe, apt_targets: Iterable[str]) -> tuple[str, ...]:
    """As `choose_mirror`, but all that come from the distribution itself, its security updates included."""
    found = (line.split("|") for line in apt_targets)
    return tuple(
        dict.fromkeys(
            words[0]
            for words in found
            if len(words) == 4
            and words[3].lower() == recipe.distribution
            and words[0].startswith(("http://", "https://"))
        )
    )


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _apt_targets() -> list[str]:
    apt = shutil.which("apt-get")
    if apt is None:
        return []
    command = [
        apt,
        "indextargets",
        "--format",
        "$(REPO_URI)|$(CODENAME)|$(COMPONENT)|$(ORIGIN)",
        "Created-By: Packages",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.splitlines() if answer.returncode == 0 else []


@contextmanager
def built(recipe: Recipe, work_dir: Path, progress: Progress) -> Iterator[subprocess.Popen[bytes]]:
    """Build the system under `work_dir` and yield the process whose standard output is its tar stream.

    Everything on disk is removed at the end. Raises `SetupError` where this machine cannot build one.
    """
    debootstrap = require_tools(os.defpath + ":/usr/sbin:/sbin:/usr/local/sbin", os.geteuid())
    work_dir.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix="base-", dir=work_dir))
    # mkdtemp's 0700 would become the mode of the image's "/", which its user could then not enter.
    root.chmod(0o755)
    try:
        _bootstrap(debootstrap, recipe, root, progress)
        _finish(root)
        progress("base image: importing")
        with _tar_of(root) as stream:
            yield stream
    finally:
        shutil.rmtree(root, ignore_errors=True)


def require_tools(search: str, user: int) -> str:
    """debootstrap's path. Raises `SetupError` that says what is missing."""
    found = shutil.which("debootstrap", path=search)
    if found is None:
        raise SetupError(
            "No registry answers, and the base image cannot be built here without debootstrap: install it "
            "(apt-get install debootstrap), or name an image that the engine has in `sandbox.base_image`."
        )
    if user != 0:
        raise SetupError(
            "No registry answers, and building the base image with debootstrap needs root: run this once as root "
            "(redgreen keeps the image), or name an image that the engine has in `sandbox.base_image`."
        )
    return found


def _bootstrap(debootstrap: str, recipe: Recipe, root: Path, progress: Progress) -> None:
    mirror = choose_mirror(recipe, _apt_targets())
    progress(f"base image: building {recipe.suite} from the distribution's archive (about 2 minutes, once)")
    command = [
        debootstrap,
        "--variant=minbase",
        f"--components={','.join(recipe.components)}",
        f"--include={','.join(recipe.packages)}",
        recipe.suite,
        str(root),
    ]
    if mirror:
        command.append(mirror)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        tail = _follow(process.stdout, progress)
    if process.returncode != 0:
        raise SetupError(f"debootstrap could not build the base image: {' / '.join(tail[-5:])}")


def _follow(lines: Iterator[str], progress: Progress) -> list[str]:
    """Turn debootstrap's chatter into a line now and then; return its last lines."""
    counts = {"Retrieving": 0, "Unpacking": 0, "Configuring": 0}
    tail: list[str] = []
    for raw in lines:
        line = raw.strip()
        tail = [*tail[-19:], line]
        words = line.split()
        if len(words) > 2 and words[1] in counts:
            counts[words[1]] += 1
            if counts[words[1]] % 60 == 0:
                progress(f"base image: {words[1].lower()} packages, {counts[words[1]]} so far")
    return tail


def _finish(root: Path) -> None:
    """What the sandbox wants of the system: its user, its directories, and nothing that only costs space."""
    for name in _NOT_NEEDED:
        _empty(root / name)
    with (root / "etc/passwd").open("a") as passwd:
        passwd.write(f"{USER_NAME}:x:{USER_ID}:{USER_ID}::{HOME}:/bin/sh\n")
    with (root / "etc/group").open("a") as group:
        group.write(f"{USER_NAME}:x:{USER_ID}:\n")
    # runc gives a tmpfs the mode of what it covers, whatever Podman asks for, and Podman can name no owner.
    work = root / WORK.lstrip("/")
    work.mkdir(exist_ok=True)
    work.chmod(0o1777)
    # The machine's own names of hosts and servers have no business in an image.
    for name in ("etc/hostname", "etc/resolv.conf"):
        (root / name).unlink(missing_ok=True)


def _empty(directory: Path) -> None:
    """Remove what a directory holds; the directory itself stays (packages expect `/var/log` and the like)."""
    if not directory.is_dir() or directory.is_symlink():
        return
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    if directory.name == "apt":
        (directory / "archives/partial").mkdir(parents=True)
    if directory.name == "lists":
        (directory / "partial").mkdir()


@contextmanager
def _tar_of(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    tar = shutil.which("tar")
    if tar is None:
        raise SetupError("The base image cannot be packed: there is no `tar` on this machine.")
    command = [tar, "--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "-cf", "-", "."]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE) as process:
        yield process
        process.wait()
    if process.returncode != 0:
        raise SetupError(f"Packing the base image failed: tar ended with {process.returncode}.")
