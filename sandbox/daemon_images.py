"""A Docker engine's images: asked for, pulled, imported, made of containers, removed."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from sandbox.docker_sdk import TRANSPORT_ERRORS, DockerClient, ImageNotFound, brief, client_of, unavailable
from sandbox.errors import ContainerLost, SetupError
from sandbox.specs import ImageEntry, ImageFacts

_REGISTRY_SECONDS = 15


class DaemonImages:
    """The part of `sandbox.daemon.Daemon` that is about images."""

    def __init__(self, client: DockerClient, docker_host: str) -> None:
        self._client = client
        self._docker_host = docker_host

    def image(self, reference: str) -> ImageFacts | None:
        """None where the engine has no such image."""
        try:
            found = self._client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return None
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
        labels = (found.get("Config") or {}).get("Labels") or {}
        return ImageFacts(
            id=_image_id(found["Id"]),
            labels=labels,
            repo_digests=tuple(found.get("RepoDigests") or ()),
            created=_seconds(str(found.get("Created") or "")),
        )

    def raw_image(self, reference: str) -> dict[str, Any]:
        """All that the engine says of an image, its history included. Raises `EngineUnavailable`."""
        try:
            found = self._client.api.inspect_image(reference)  # type: ignore[no-untyped-call]
            history = self._client.api.history(reference)  # type: ignore[no-untyped-call]
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
        return {"image": found, "history": history}

    def registry_digest(self, reference: str) -> str | None:
        """The digest that the reference's registry has for it now; None where no registry answers in time."""
        try:
            # A client of its own for its time limit: a registry that swallows packets must not hold a start up.
            with contextlib.closing(client_of(self._docker_host, _REGISTRY_SECONDS)) as client:
                answer = client.api.inspect_distribution(reference)  # type: ignore[no-untyped-call]
                return str(answer["Descriptor"]["digest"])
        except (*TRANSPORT_ERRORS, KeyError):
            return None

    def pull(self, reference: str) -> None:
        """Raises `SetupError` where it cannot be had."""
        try:
            for line in self._client.api.pull(reference, stream=True, decode=True):
                if "error" in line:
                    raise SetupError(f"The image {reference} cannot be pulled: {line['error']}")
        except TRANSPORT_ERRORS as error:
            raise SetupError(f"The image {reference} cannot be pulled: {brief(error)}") from error

    def import_tar(self, stream: IO[bytes], reference: str, changes: Sequence[str]) -> None:
        repository, _, tag = reference.rpartition(":")
        try:
            self._client.api.import_image_from_stream(stream, repository=repository, tag=tag, changes=list(changes))
        except TRANSPORT_ERRORS as error:
            raise SetupError(f"The engine did not take the base image: {brief(error)}") from error

    def commit(self, container: str, reference: str, changes: Sequence[str]) -> str:
        """A new image of the container's file system (mounts left out); its id."""
        repository, _, tag = reference.rpartition(":")
        try:
            answer = self._client.api.commit(container, repository=repository, tag=tag, changes="\n".join(changes))
        except TRANSPORT_ERRORS as error:
            raise ContainerLost(f"The engine could not keep the built image: {brief(error)}") from error
        return _image_id(answer["Id"])

    def remove_image(self, reference: str) -> None:
        with contextlib.suppress(*TRANSPORT_ERRORS):
            self._client.api.remove_image(reference, force=True)

    def images(self) -> tuple[ImageEntry, ...]:
        """All that the engine has, whose ever they are. Raises `EngineUnavailable`."""
        try:
            found = self._client.api.images()
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
        return tuple(
            ImageEntry(
                id=_image_id(entry["Id"]),
                tags=tuple(tag for tag in entry.get("RepoTags") or () if not tag.startswith("<none>")),
                parent=_image_id(entry["ParentId"]) if entry.get("ParentId") else "",
                created=float(entry["Created"]),
                size=int(entry["Size"]),
                labels=entry.get("Labels") or {},
            )
            for entry in found
        )

    def images_in_use(self) -> frozenset[str]:
        """The ids of images that any container is of, running or not. Raises `EngineUnavailable`."""
        try:
            found = self._client.api.containers(all=True)
        except TRANSPORT_ERRORS as error:
            raise unavailable(error) from error
        return frozenset(_image_id(entry["ImageID"]) for entry in found)

    def discard_image(self, reference: str) -> bool:
        """Remove an image that nothing uses; False: something does, or the engine is gone."""
        try:
            self._client.api.remove_image(reference)
        except TRANSPORT_ERRORS:
            return False
        return True


def _image_id(text: str) -> str:
    """Podman leaves the algorithm out."""
    return f"sha256:{str(text).removeprefix('sha256:')}"


def _seconds(moment: str) -> float:
    """Of an engine's time stamp; 0 for none."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0
