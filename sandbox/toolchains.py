"""Pythons that the base image lacks, put into the image that environments are built on.

They come, in this order, from an image that the operator named for the version, from the base image itself, from a
directory of installations on this machine (pyenv's, uv's, any other: `INSTALLATION/bin/python3.9`), and from uv, which
downloads them. Everything here runs as root in a container that has no code of any repository.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sandbox.build import Build
from sandbox.container import Container
from sandbox.dockerfile import link_of, uv_lines
from sandbox.errors import ToolchainUnavailable
from sandbox.layout import TOOLCHAINS
from sandbox.types import Progress

_OLDEST = (3, 6)
"""What redgreen's own programs inside the container need."""
_HEADER = re.compile(r'^#define\s+PY_VERSION\s+"([0-9]+\.[0-9]+\.[0-9]+)"', re.MULTILINE)
_LEFT_OUT = re.compile(r"(?:^|/)(?:__pycache__|idlelib|lib2to3/tests|turtledemo)(?:/|$)|\.(?:a|pyc|exe)$")
_TESTS = re.compile(r"^lib/python[0-9.]+/test/(?!__init__\.py$|support(?:/|\.py$))")
"""The standard library's own tests, without what others import of them."""
_SITE = re.compile(r"^lib/python[0-9.]+/site-packages/(?!README)")
_LIBRARIES: Mapping[str, str] = {
    "libbz2.so.1.0": "libbz2-1.0",
    "libcrypt.so.1": "libcrypt1",
    "libcrypto.so.3": "libssl3",
    "libdb-5.3.so": "libdb5.3",
    "libexpat.so.1": "libexpat1",
    "libffi.so.8": "libffi8",
    "libgdbm.so.6": "libgdbm6",
    "libgdbm_compat.so.4": "libgdbm-compat4",
    "liblzma.so.5": "liblzma5",
    "libncursesw.so.6": "libncursesw6",
    "libnsl.so.2": "libnsl2",
    "libpanelw.so.6": "libncursesw6",
    "libreadline.so.8": "libreadline8",
    "libsqlite3.so.0": "libsqlite3-0",
    "libssl.so.3": "libssl3",
    "libtinfo.so.6": "libtinfo6",
    "libtirpc.so.3": "libtirpc3",
    "libuuid.so.1": "libuuid1",
    "libz.so.1": "zlib1g",
}
"""What an interpreter built on Debian links to -> the package; not what only its windows need."""


@dataclass(frozen=True, kw_only=True)
class ToolchainSources:
    """Where the operator says that versions are."""

    images: Mapping[str, str] = field(default_factory=dict)
    """`python@3.9` -> an image that has it, to be the base of such environments."""
    directories: tuple[Path, ...] = ()
    """Directories of installations, on this machine."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    version: tuple[int, ...]
    path: Path


OFFICIAL: Mapping[str, str] = {"go": "golang:{}-bookworm", "rust": "rust:{}-bookworm"}
"""Toolchains whose project publishes images of every version, by version."""
_NIGHTLY = "rustlang/rust:nightly-bookworm"


def image_of(toolchain: str, sources: ToolchainSources) -> str:
    """The image that has it: the operator's, else its project's own; "" where it comes in another way."""
    if chosen := sources.images.get(toolchain):
        return chosen
    name, _, version = toolchain.partition("@")
    if toolchain == "rust@nightly":
        return _NIGHTLY
    return OFFICIAL[name].format(version) if name in OFFICIAL else ""


def not_pulled(toolchain: str, reference: str, error: Exception) -> ToolchainUnavailable:
    """What to say where the image of a toolchain cannot be had."""
    return ToolchainUnavailable(
        f"{toolchain} is wanted, which the distribution lacks, and the image {reference} cannot be had ({error}). Name "
        f'another image for it ([sandbox] toolchain_images, `"{toolchain}" = ...`).'
    )


def installations(directories: Iterable[Path]) -> list[Installation]:
    """What the directories hold, read from the headers that every installation has; nothing is started."""
    found = []
    for directory in directories:
        try:
            candidates = sorted(directory.iterdir())
        except OSError:
            continue
        for candidate in candidates:
            version = _version_of(candidate)
            if version and not candidate.is_symlink():
                found.append(Installation(version=version, path=candidate))
    return found


def fitting(found: Iterable[Installation], version: str) -> list[Installation]:
    """Those of a version (`3.9` or `3.9.18`), the newest first."""
    wanted = numbers(version)
    fits = [installation for installation in found if installation.version[: len(wanted)] == wanted]
    return sorted(fits, key=lambda installation: installation.version, reverse=True)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def tar(installation: Installation, name: str) -> Iterator[bytes]:
    """A tar stream of an installation below the directory `name`: its interpreter and library, no packages."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(installation.path.rglob("*")):
            inside = path.relative_to(installation.path).as_posix()
            info = tarfile.TarInfo(f"{name}/{inside}")
            if not _is_wanted(inside):
                continue
            if path.is_symlink():
                info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
                if not _leaves(inside, info.linkname):
                    archive.addfile(info)
            elif path.is_file():
                data = path.read_bytes()
                info.size, info.mode = len(data), 0o755 if path.stat().st_mode & 0o100 else 0o644
                archive.addfile(info, io.BytesIO(data))
            yield _taken(buffer)
    yield buffer.getvalue()


def provide(container: Container, build: Build, toolchain: str, sources: ToolchainSources, progress: Progress) -> None:
    """Put one toolchain (`python@3.9`) in its place in the container. Raises `ToolchainUnavailable`."""
    name, _, version = toolchain.partition("@")
    if name in OFFICIAL:
        return  # the image that was chosen for it has it
    if name != "python" or not re.fullmatch(r"[0-9]+(?:\.[0-9]+){1,2}", version):
        raise ToolchainUnavailable(f"{toolchain} is wanted, and redgreen can only get Pythons (python@3.9).")
    if numbers(version) < _OLDEST:
        raise ToolchainUnavailable(
            f"Python {version} is wanted, and redgreen can run tests on {_OLDEST[0]}.{_OLDEST[1]} and later."
        )
    if build.attempt(_of_base(version), f"is there a Python {version} in the base image?").exit_code == 0:
        return
    for found in fitting(installations(sources.directories), version):
        exact = ".".join(map(str, found.version))
        progress(f"environment: Python {exact} from this machine")
        why = _copied(container, build, found, f"python-{exact}", version)
        if not why:
            return
        progress(f"environment: the Python {exact} of this machine does not start in the image: {why}")
    for line in uv_lines(version):
        result = build.attempt(line)
        if result.exit_code != 0:
            raise ToolchainUnavailable(_told(version, sources, _last_line(build.redacted(result.output))))


def _told(version: str, sources: ToolchainSources, last: str) -> str:
    places = f"{len(sources.directories)} toolchain director{'y' if len(sources.directories) == 1 else 'ies'}"
    return (
        f"Python {version} is wanted, and neither the base image nor {places} of this machine has it; uv could not "
        f'download it ({last}). Name an image for it ([sandbox] toolchain_images, `"python@{version}" = ...`), '
        f"put an installation into a directory of [sandbox] toolchains (`pyenv install {version}`), or set a mirror "
        "that builds can reach ([sandbox] build_env, UV_PYTHON_INSTALL_MIRROR)."
    )


def _of_base(version: str) -> str:
    """Link the image's own interpreter of that version, if it can make environments."""
    wanted = list(numbers(version))
    check = f"import ensurepip, sys, venv; sys.exit(list(sys.version_info[:{len(wanted)}]) != {wanted})"
    return (
        f"mkdir -p {TOOLCHAINS}/bin; for name in python{_minor(version)} python3 python; do "
        f"found=$(command -v $name) && \"$found\" -I -c '{check}' 2>/dev/null "
        f'&& ln -sf "$found" {link_of(version)} && exit 0; done; exit 1'
    )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _copied(container: Container, build: Build, found: Installation, name: str, version: str) -> str:
    """Copy an installation; "" when it starts there, else why it does not."""
    place = f"{TOOLCHAINS}/{name}"
    result = container.shell.run(
        ["/bin/sh", "-c", f"mkdir -p {TOOLCHAINS}/bin && tar -C {TOOLCHAINS} -xf - --no-same-owner"],
        timeout=300,
        cwd="/",
        env={},
        stdin=tar(found, name),
    )
    if result.exit_code != 0:
        return result.output.strip()[-300:]
    # Built shared, an interpreter looks for its library where it was built.
    build.attempt(f"echo {place}/lib > /etc/ld.so.conf.d/redgreen-{name}.conf && ldconfig", f"ldconfig {place}/lib")
    missing = build.attempt(
        f"find {place}/bin {place}/lib -type f \\( -name '*.so*' -o -path '*/bin/python3*' \\) -exec ldd {{}} + "
        "2>/dev/null | awk '/not found/ {print $1}' | sort -u",
        f"which libraries does {place} lack?",
    ).output.split()
    packages = sorted({_LIBRARIES[library] for library in missing if library in _LIBRARIES})
    if packages:
        # Without one of them the interpreter may still start: what it lacks then, it lacks.
        build.attempt(
            "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -- "
            f"{' '.join(packages)}; apt-get clean; rm -rf /var/lib/apt/lists/*"
        )
    program = f"{place}/bin/python{_minor(version)}"
    started = build.attempt(
        f"{program} -I -c 'import ensurepip, ssl, venv, zlib' && ln -sf {program} {link_of(version)}"
    )
    if started.exit_code == 0:
        return ""
    build.attempt(f"rm -rf {place} /etc/ld.so.conf.d/redgreen-{name}.conf && ldconfig")
    return _last_line(started.output)


def _version_of(candidate: Path) -> tuple[int, ...]:
    """() for what is no Python of 3.6 or later with its headers."""
    for header in sorted(candidate.glob("include/python3*/patchlevel.h")):
        found = _HEADER.search(header.read_text(encoding="utf-8", errors="replace"))
        if found is not None:
            version = numbers(found.group(1))
            if version >= _OLDEST and (candidate / "bin" / f"python{version[0]}.{version[1]}").exists():
                return version
    return ()


def _is_wanted(inside: str) -> bool:
    top, _, rest = inside.partition("/")
    if top == "bin":
        return bool(re.fullmatch(r"python[0-9.]*m?", rest))
    if top not in ("lib", "include"):
        return False
    return not (_LEFT_OUT.search(inside) or _TESTS.match(inside) or _SITE.match(inside))


def _leaves(inside: str, target: str) -> bool:
    """A link out of the installation: nothing that would be there in a container."""
    if target.startswith("/"):
        return True
    depth = len(PurePosixPath(inside).parts) - 1
    for part in PurePosixPath(target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _last_line(output: str) -> str:
    return output.strip().rpartition("\n")[2].strip()[-300:]


def _taken(buffer: io.BytesIO) -> bytes:
    data = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return data
