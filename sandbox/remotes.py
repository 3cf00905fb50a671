"""Where a checkout on this machine came from, as git's configuration says. Nothing is contacted, nothing is executed.

The configuration is read twice: without the person's own, as everywhere, and with it, because `url.*.insteadOf` stands
there. What either says counts: a checkout's own configuration can add an address to what is found, and hide none.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from sandbox.errors import SetupError
from sandbox.plumbing import ask, program, words

MOST = 200
"""Addresses, over all checkouts that a checkout was cloned from on this machine."""
SECONDS = 20.0
"""Of one question to git: a configuration can include what never ends."""
_BRANCH = "branch "
_LARGEST = 64 << 10
"""Bytes of one remote's file."""


@dataclass(frozen=True, kw_only=True)
class Remote:
    name: str
    """For people: `origin`, `branch main`, `origin of /srv/web`."""
    address: str
    """As it is configured, or as git rewrites it."""


@dataclass(frozen=True, kw_only=True)
class Remotes:
    known: tuple[Remote, ...] = ()
    unread: str = ""
    """Why there may be more than the known ones; "" where all were read."""


def remotes(directory: Path) -> Remotes:
    """All addresses that a checkout fetches from or pushes to, and those of the local repositories among them."""
    search = _Search()
    try:
        search.run(directory)
    except (SetupError, OSError, subprocess.TimeoutExpired) as error:
        return Remotes(known=search.known(), unread=str(error))
    return Remotes(known=search.known())


@dataclass
class _Search:
    found: dict[tuple[str, str], None] = field(default_factory=dict)
    """In the order in which they were found."""
    seen: set[Path] = field(default_factory=set)

    def known(self) -> tuple[Remote, ...]:
        return tuple(Remote(name=name, address=address) for name, address in self.found)

    def run(self, directory: Path) -> None:
        todo = [(directory, "")]
        while todo:
            place, suffix = todo.pop(0)
            git_dir = Path(ask(place, "rev-parse", "--absolute-git-dir")).resolve()
            if git_dir in self.seen:
                continue
            self.seen.add(git_dir)
            root = place / ask(place, "rev-parse", "--show-cdup")
            for name, address in _addresses(git_dir):
                self._add(f"{name}{suffix}", address)
                local = _local(address, root)
                if local is not None and local.is_dir():
                    todo.append((local, f" of {local}"))

    def _add(self, name: str, address: str) -> None:
        self.found[name, address] = None
        if len(self.found) > MOST:
            raise SetupError(f"it has more than {MOST} remotes")


def _addresses(git_dir: Path) -> Iterator[tuple[str, str]]:
    """(remote, address): what is written, and what git makes of it for fetching and for pushing."""
    listed = [ask(git_dir, "config", "--list", "-z"), _personal(git_dir, "config", "--list", "-z")]
    written = dict.fromkeys(pair for text in listed for pair in _configured(text))
    written |= dict.fromkeys(_in_files(git_dir))
    yield from written
    for name, address in written:
        yield name, _personal(git_dir, "ls-remote", "--get-url", "--", address).rstrip("\n")
    for name in dict.fromkeys(name for name, _ in written if not name.startswith(_BRANCH)):
        pushed = _personal(git_dir, "remote", "get-url", "--push", "--all", "--", name)
        yield from ((name, address) for address in pushed.splitlines() if address)


def _configured(listed: str) -> Iterator[tuple[str, str]]:
    for entry in listed.split("\0"):
        key, _, value = entry.partition("\n")
        section, _, rest = key.partition(".")
        name, _, variable = rest.rpartition(".")
        if section == "remote" and variable in ("url", "pushurl") and value:
            yield name, value
        # A branch follows a remote by its name, or an address that stands nowhere else.
        elif section == "branch" and variable in ("remote", "pushremote") and _is_address(value):
            yield f"{_BRANCH}{name}", value
        elif key == "remote.pushdefault" and _is_address(value):
            yield f"{_BRANCH}that is not named", value


def _is_address(value: str) -> bool:
    return "/" in value or ":" in value


def _in_files(git_dir: Path) -> Iterator[tuple[str, str]]:
    """Remotes of before `.git/config` had them, which git still reads: `remotes/NAME` and `branches/NAME`."""
    for folder in ("remotes", "branches"):
        place = Path(ask(git_dir, "rev-parse", "--path-format=absolute", "--git-path", folder))
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.stat().st_size > _LARGEST:
                raise SetupError(f"{path} is larger than {_LARGEST >> 10} KiB")
            for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
                word = line.removeprefix("URL:").partition("#")[0].strip()
                if word and not line.startswith(("Push:", "Pull:")):
                    yield path.name, word


def _local(address: str, root: Path) -> Path | None:
    """The directory that an address names on this machine; None where it is of another."""
    scheme, marked, rest = address.partition("://")
    if marked:
        return Path(unquote("/" + rest.partition("/")[2])) if scheme.lower() == "file" else None
    host = address.partition("/")[0]
    return None if ":" in host and not (root / address).exists() else root / address


def _personal(git_dir: Path, *question: str) -> str:
    """One question with the person's own configuration; only commands that start no other program."""
    command = [program(), "-c", "safe.directory=*", f"--git-dir={git_dir}", *question]
    done = subprocess.run(command, capture_output=True, cwd=git_dir, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise SetupError(f"git {question[0]}: {words(done.stderr) or f'exit code {done.returncode}'}")
    return done.stdout.decode("utf-8", "surrogateescape")
