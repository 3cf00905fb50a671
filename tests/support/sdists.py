"""Released source distributions as trees. They are downloaded inside a build of the sandbox, because pip runs a source
distribution's own code to learn its metadata, and that does not happen on the host."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from sandbox.engine import Engine
from sandbox.layout import TMP, VENV
from sandbox.tree import GitTree, create, is_safe_path
from sandbox.types import EnvironmentPlan, Limits

_STORE = f"{VENV}/sdists"


def fetch(engine: Engine, scratch: Path, requirements: Sequence[str]) -> dict[str, GitTree]:
    """`name==version` -> its tree, all in one bare repository at `scratch`."""
    git_dir = create(scratch)
    pip = (f"{VENV}/bin/python", "-m", "pip", "download", "--no-deps", "--no-input")
    plan = EnvironmentPlan(
        language="sdists",
        runner="",
        base="redgreen-base",
        install=tuple((*pip, "--no-binary", r.split("==")[0], "-d", f"{_STORE}/{r}", r) for r in requirements),
    )
    image = engine.ensure_image(plan, GitTree.of_files(git_dir, {}), lambda _: None)
    trees = {}
    with engine.container(image, Limits()) as container:
        for requirement in requirements:
            copy = container.run(f"cp {_STORE}/{requirement}/*.tar.gz {TMP}/sdist.tar.gz", timeout=30)
            assert copy.exit_code == 0, copy.output
            data = container.read_file(f"{TMP}/sdist.tar.gz", 64 << 20)
            trees[requirement] = GitTree.of_files(git_dir, files_of_archive(data))
    return trees


def files_of_archive(data: bytes) -> dict[str, bytes]:
    """Regular files, without the archive's top directory and without what a build left in it."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive.getmembers():
            path = member.name.partition("/")[2]
            if member.isfile() and is_safe_path(path) and ".egg-info/" not in path:
                extracted = archive.extractfile(member)
                assert extracted is not None
                files[path] = extracted.read()
    return files
