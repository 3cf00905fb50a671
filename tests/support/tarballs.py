"""Released npm packages as trees. npm fetches them inside a build of the sandbox: none of it needs to be here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from sandbox import toolchains_node
from sandbox.engine import Engine
from sandbox.layout import KEPT, TMP
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Limits
from tests.support.sdists import files_of_archive

_STORE = f"{KEPT}/tarballs"


def fetch(engine: Engine, scratch: Path, wanted: str, among: Sequence[str] = ()) -> tuple[GitTree, str]:
    """(the tree of `name` or `name@version`, its version). `among`: what else the image that fetches it may hold."""
    git_dir = create(scratch)
    names = tuple(dict.fromkeys((*among, wanted)))
    pack = "mkdir -p {0} && npm pack --silent --ignore-scripts --pack-destination {0} {1}"
    plan = EnvironmentPlan(
        language="tarballs",
        runner="",
        base="redgreen-base",
        install=toolchains_node.steps(toolchains_node.DEFAULT),
        optional_install=tuple(("/bin/sh", "-c", pack.format(f"{_STORE}/{_slug(name)}", name)) for name in names),
    )
    image = engine.ensure_image(plan, GitTree.of_files(git_dir, {}), lambda _: None)
    with engine.container(image, Limits()) as container:
        copy = container.run(f"cp {_STORE}/{_slug(wanted)}/*.tgz {TMP}/package.tgz", timeout=30)
        assert copy.exit_code == 0, copy.output
        tree = GitTree.of_files(git_dir, files_of_archive(container.read_file(f"{TMP}/package.tgz", 64 << 20)))
    return tree, str(json.loads(tree.read("package.json") or b"{}").get("version", ""))


def _slug(name: str) -> str:
    return name.replace("/", "+")
