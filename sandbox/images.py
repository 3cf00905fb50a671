"""Which image a plan's tests run in: the base, pulled or built offline, and the environment built on it."""

from __future__ import annotations

import base64
import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import baseimage, orphans
from sandbox.daemon import Daemon
from sandbox.errors import SetupError
from sandbox.layout import COMMAND_PATH, SYSTEM_PATH, TREE, USER
from sandbox.types import Progress

OFFLINE_BASE = "redgreen-base"
"""The base's name in a plan: whichever way this machine came by it."""

PULLED_BASE = "docker.io/library/python:3.11-bookworm"
"""Debian 12 with Python, a compiler and git; pinned to the digest first seen (`pin_file`)."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image in the engine, ready to run."""

    id: str
    """`sha256:...`: what runs and what a proof names."""
    tag: str
    cached: bool
    """False when this call built it."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The plan's variables: what every command in it sees besides the sandbox's own."""
    notes: tuple[str, ...] = ()
    """Optional install steps that failed, one sentence each."""


def ensure_base(daemon: Daemon, wanted: str, cache_dir: Path, progress: Progress) -> str:
    """The base image's reference, present in the engine.

    `wanted` is the operator's choice and wins; else the image built offline earlier, else the pinned image from the
    registry, else one built offline. Raises `SetupError` where none of them can be had.
    """
    if wanted:
        return ensure_named(daemon, wanted, progress)
    recipe = baseimage.recipe_of_machine()
    if daemon.image(recipe.tag) is not None:
        return recipe.tag
    pin = cache_dir / "base-image.json"
    with one_at_a_time(cache_dir / "base-image.lock"):
        if daemon.image(recipe.tag) is not None:
            return recipe.tag
        return _pulled(daemon, pin, progress) or _built(daemon, recipe, cache_dir, progress)


def ensure_named(daemon: Daemon, reference: str, progress: Progress) -> str:
    """An image by name, pulled where the engine does not have it. Raises `SetupError`."""
    if daemon.image(reference) is None:
        progress(f"base image: pulling {reference}")
        daemon.pull(reference)
        if daemon.image(reference) is None:
            raise SetupError(f"The engine does not have the base image {reference} after pulling it.")
    return reference


def _pulled(daemon: Daemon, pin: Path, progress: Progress) -> str | None:
    """The registry's image by digest; None where no registry answers.

    The digest is resolved once and written down: from then on this installation uses exactly that image, until the
    operator removes the pin. An image that is already here is used without asking anybody.
    """
    pinned = _read_pin(pin)
    if pinned is not None and daemon.image(pinned) is not None:
        return pinned
    digest = pinned.rpartition("@")[2] if pinned else daemon.registry_digest(PULLED_BASE)
    if digest is None:
        progress("base image: no registry answers")
        return None
    reference = f"{PULLED_BASE.rpartition(':')[0]}@{digest}"
    progress(f"base image: pulling {reference}")
    try:
        daemon.pull(reference)
    except SetupError as error:
        progress(f"base image: {error}")
        return None
    pin.write_text(json.dumps({"image": reference}) + "\n")
    return reference


def _read_pin(pin: Path) -> str | None:
    try:
        image = json.loads(pin.read_text())["image"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{pin} is not a pin of redgreen's base image; remove it to pin anew.") from error
    return str(image)


def _built(daemon: Daemon, recipe: baseimage.Recipe, cache_dir: Path, progress: Progress) -> str:
    with baseimage.built(recipe, cache_dir, progress) as stream:
        assert stream.stdout is not None
        daemon.import_tar(
            stream.stdout,
            recipe.tag,
            [f"ENV PATH={SYSTEM_PATH}", "ENV LANG=C.UTF-8", "LABEL org.redgreen.image=base", 'CMD ["/bin/bash"]'],
        )
    progress(f"base image: {recipe.tag} is ready")
    return recipe.tag


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Over threads and processes: two starts at once shall not build the same image twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


REPOSITORY = "redgreen-env"
MACHINE_LABEL = "org.redgreen.machine"
_NOTES_LABEL = "org.redgreen.notes"
_SCOPE_LABEL = "org.redgreen.scope"


def environment_tag(digest: str) -> str:
    return f"{REPOSITORY}:{digest[:24]}"


def prepared_tag(digest: str) -> str:
    return f"{REPOSITORY}:prepared-{digest[:24]}"


def lock_of(tag: str) -> str:
    """The name of the file under the cache directory that `one_at_a_time` takes for it."""
    return f"image-{tag.rpartition(':')[2]}.lock"


def commit_changes(notes: tuple[str, ...], *, machine: str = "", scope: str = "") -> list[str]:
    """The configuration of a built image: nothing of the container it was built in, least of all its owner."""
    return [
        "ENTRYPOINT []",
        'CMD ["/bin/bash"]',
        f"USER {USER}",
        f"WORKDIR {TREE}",
        f"ENV PATH={COMMAND_PATH}",
        f"LABEL {orphans.LABEL}=",
        "LABEL org.redgreen.image=environment",
        f"LABEL {MACHINE_LABEL}={machine}",
        f"LABEL {_SCOPE_LABEL}={base64.b64encode(scope.encode()).decode()}",
        f"LABEL {_NOTES_LABEL}={base64.b64encode(json.dumps(notes).encode()).decode()}",
    ]


def scope_of(labels: Mapping[str, str]) -> str:
    """The repository that an image was built for; empty for all, and where it cannot be read."""
    try:
        return base64.b64decode(labels.get(_SCOPE_LABEL, "")).decode()
    except ValueError:
        return ""


def is_incomplete(labels: Mapping[str, str]) -> bool:
    """Whether an optional step failed when it was built."""
    return bool(labels.get(_NOTES_LABEL)) and notes_of(labels) != ()


def notes_of(labels: Mapping[str, str]) -> tuple[str, ...]:
    """What an earlier build noted. Raises `SetupError` for a label that no build of ours wrote."""
    try:
        return tuple(str(note) for note in json.loads(base64.b64decode(labels.get(_NOTES_LABEL, "W10="))))
    except (ValueError, TypeError) as error:
        raise SetupError(
            "An environment image carries an unreadable label; remove it to have it built anew."
        ) from error
