"""A tree of a few files, held in memory: what the engine's tests put into containers."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping


class MemoryTree:
    """As much of `sandbox.types.Tree` as the engine uses; making other trees from it is not its business."""

    def __init__(self, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> None:
        self._files = dict(files)
        self._links = dict(links or {})

    @property
    def digest(self) -> str:
        return hashlib.sha1(b"".join(self.tar()), usedforsecurity=False).hexdigest()

    def paths(self) -> Iterable[str]:
        return sorted((*self._files, *self._links))

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def tar(self) -> Iterable[bytes]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for path, data in sorted(self._files.items()):
                info = tarfile.TarInfo(path)
                info.size, info.mode = len(data), 0o755 if path.endswith(".sh") else 0o644
                archive.addfile(info, io.BytesIO(data))
            for path, target in sorted(self._links.items()):
                link = tarfile.TarInfo(path)
                link.type, link.linkname = tarfile.SYMTYPE, target
                archive.addfile(link)
        yield stream.getvalue()

    def apply(self, diff: str) -> MemoryTree:
        raise NotImplementedError("the engine's tests hand diffs to the container")

    def with_files(self, files: Mapping[str, bytes | None]) -> MemoryTree:
        kept = {path: data for path, data in {**self._files, **files}.items() if data is not None}
        return MemoryTree(kept, self._links)

    def diff(self, other: object) -> str:
        raise NotImplementedError("the engine's tests ask the container for diffs")
