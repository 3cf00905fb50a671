"""Pythons that the base image lacks: what is found on this machine, and what an environment gets."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.buildpacks import detect, python
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.toolchains import fitting, installations, tar
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Inconclusive, Limits, Verified
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, edit
from tests.support.trees import MemoryTree


@pytest.fixture
def installed(tmp_path: Path) -> Callable[..., Path]:
    """Lays the files of an installation: what a real one is recognised by and what is carried of it."""

    def lay(name: str, version: str, *, header: str = '#define PY_VERSION      	"{}"\n') -> Path:
        root = tmp_path / "versions" / name
        minor = ".".join(version.split(".")[:2])
        for path, text in {
            f"include/python{minor}/patchlevel.h": header.format(version),
            f"bin/python{minor}": "#!/bin/true\n",
            f"bin/pip{minor}": "#!/elsewhere/python\n",
            f"lib/python{minor}/os.py": "",
            f"lib/python{minor}/__pycache__/os.pyc": "",
            f"lib/python{minor}/test/test_os.py": "",
            f"lib/python{minor}/test/support/__init__.py": "",
            f"lib/python{minor}/site-packages/other/__init__.py": "",
            f"lib/python{minor}/config/libpython.a": "",
            "share/man/man1/python.1": "",
        }.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        (root / f"bin/python{minor}").chmod(0o755)
        return root

    return lay


def test_installations_are_known_by_their_headers_whatever_their_directories_are_called(
    installed: Callable[..., Path], tmp_path: Path
) -> None:
    installed("3.9.18", "3.9.18")
    installed("cpython-3.9.2-linux-x86_64-gnu", "3.9.2")
    installed("3.10.1", "3.10.1")
    installed("2.7.18", "2.7.18")
    installed("3.5.10", "3.5.10")
    installed("unreadable", "3.9.1", header="#define SOMETHING_ELSE\n")
    shutil.rmtree(installed("no-program", "3.9.30") / "bin")
    (tmp_path / "versions" / "3.9").symlink_to(tmp_path / "versions" / "3.9.18")
    (tmp_path / "versions" / "file").write_text("")
    found = installations((tmp_path / "missing", tmp_path / "versions"))
    assert [one.version for one in found] == [(3, 10, 1), (3, 9, 18), (3, 9, 2)]
    assert [one.version for one in fitting(found, "3.9")] == [(3, 9, 18), (3, 9, 2)]
    assert [one.version for one in fitting(found, "3.9.2")] == [(3, 9, 2)]
    assert fitting(found, "3.1") == []


def test_an_installation_travels_without_its_packages_its_tests_and_links_out_of_it(
    installed: Callable[..., Path], tmp_path: Path
) -> None:
    root = installed("3.9.18", "3.9.18")
    (root / "bin/python3").symlink_to("python3.9")
    (root / "lib/out.so").symlink_to("../../../secret")
    (root / "lib/absolute.so").symlink_to("/etc/passwd")
    (root / "lib/python3.9/up.py").symlink_to("../python3.9/os.py")
    [found] = installations((tmp_path / "versions",))
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar(found, "python-3.9.18")))) as archive:
        members = {member.name: member for member in archive}
    assert sorted(name.removeprefix("python-3.9.18/") for name in members) == [
        "bin/python3",
        "bin/python3.9",
        "include/python3.9/patchlevel.h",
        "lib/python3.9/os.py",
        "lib/python3.9/test/support/__init__.py",
        "lib/python3.9/up.py",
    ]
    assert members["python-3.9.18/bin/python3.9"].mode == 0o755
    assert {member.uid for member in members.values()} == {0}


# --- in Docker ---------------------------------------------------------------------------------------------------

SOURCE = """import sys


def half(number):
    assert sys.version_info[:2] == (3, 9), sys.version
    return number / 3
"""
TEST = """
diff --git a/test_half_more.py b/test_half_more.py
new file mode 100644
--- /dev/null
+++ b/test_half_more.py
@@ -0,0 +1,5 @@
+from half import half
+
+
+def test_half():
+    assert half(4) == 2
"""


def _tree(tmp_path: Path, wanted: str) -> GitTree:
    files = {
        "half.py": SOURCE,
        "test_zero.py": "from half import half\n\n\ndef test_zero():\n    assert half(0) == 0\n",
        "setup.py": f"from setuptools import setup\nsetup(name='h', py_modules=['half'], python_requires='{wanted}')",
    }
    return GitTree.of_files(create(tmp_path / "trees.git"), {path: text.encode() for path, text in files.items()})


def _request(base: GitTree) -> VerifyRequest:
    patch = base.diff(edit(base, "half.py", "number / 3", "number / 2"))
    return VerifyRequest(base_commit=COMMIT, base=base, patch=patch, tests=TEST)


@pytest.mark.docker
@pytest.mark.network
def test_a_repository_that_wants_3_9_is_built_and_tested_with_it(engine: Engine, tmp_path: Path) -> None:
    proof = verify(
        engine, _request(_tree(tmp_path, ">=3.6,<3.10")), cache=RunCache(tmp_path / "runs"), progress=lambda _: None
    )
    assert isinstance(proof.verdict, Verified), proof.verdict
    assert proof.plan.toolchains == ("python@3.9",)


@pytest.mark.docker
@pytest.mark.network
def test_the_environment_of_an_old_commit_has_the_packages_of_its_day(engine: Engine) -> None:
    tree = MemoryTree({"requirements.txt": b"iniconfig\n", "test_a.py": b"import pytest\n"})
    plan = detect(tree)
    assert plan is not None
    plan = replace(python.at(plan, tree, "2021-06-01"), install=plan.install[:1])
    image = engine.ensure_image(plan, tree, lambda _: None)
    assert image.notes == ()
    with engine.container(image, Limits()) as container:
        listed = container.run("pip list --format freeze; python --version", timeout=60).output
    assert "iniconfig==1.1.1\n" in listed
    assert "Python 3.9." in listed


@pytest.mark.docker
@pytest.mark.network
def test_a_lock_is_kept_to_and_one_that_cannot_be_is_noted(engine: Engine) -> None:
    package = '[[package]]\nname = "{}"\nversion = "{}"\n'
    files = {
        "pyproject.toml": "[dependency-groups]\ntest = ['iniconfig']\n",
        "requirements-test.txt": "pluggy\n",
        "uv.lock": package.format("iniconfig", "1.1.1") + package.format("pluggy", "99.0"),
        "test_a.py": "import unittest\n",
    }
    tree = MemoryTree({path: text.encode() for path, text in files.items()})
    plan = detect(tree)
    assert plan is not None
    image = engine.ensure_image(plan, tree, lambda _: None)
    with engine.container(image, Limits()) as container:
        listed = container.run("pip list --format freeze", timeout=60).output
    assert "iniconfig==1.1.1\n" in listed
    assert "pluggy==" in listed
    assert [note.split("`")[2] for note in image.notes] == [
        " cannot be done with the lock's versions, and was done without them."
    ]


@pytest.mark.docker
def test_a_version_that_nobody_has_is_inconclusive_and_named(engine: Engine, tmp_path: Path) -> None:
    proof = verify(
        engine, _request(_tree(tmp_path, "<3.6")), cache=RunCache(tmp_path / "runs"), progress=lambda _: None
    )
    assert isinstance(proof.verdict, Inconclusive), proof.verdict
    assert "Python 3.5 is wanted" in proof.verdict.cause


@pytest.mark.docker
@pytest.mark.network
def test_what_is_not_to_be_had_anywhere_names_the_settings_that_would_help(engine: Engine, tmp_path: Path) -> None:
    plan = EnvironmentPlan(language="python", runner="pytest", base="redgreen-base", toolchains=("python@3.99",))
    proof = verify(
        engine,
        VerifyRequest(base_commit=COMMIT, base=_tree(tmp_path, ">=3"), patch="", plan=plan),
        cache=RunCache(tmp_path / "runs"),
        progress=lambda _: None,
    )
    assert isinstance(proof.verdict, Inconclusive), proof.verdict
    for word in ("Python 3.99", "toolchain_images", "[sandbox] toolchains", "UV_PYTHON_INSTALL_MIRROR"):
        assert word in proof.verdict.cause


@pytest.mark.docker
def test_the_base_image_s_own_version_is_taken_from_there_and_toolchains_are_root_s(engine: Engine) -> None:
    tree_plan = EnvironmentPlan(language="python", runner="pytest", base="redgreen-base", toolchains=("python@3.11",))
    image = engine.ensure_image(tree_plan, MemoryTree({"a.py": b""}), lambda _: None)
    with engine.container(image, Limits()) as container:
        result = container.run("readlink -f /opt/venv/bin/python; stat -c %U /opt/redgreen/toolchains", timeout=30)
    assert result.output.split() == ["/usr/bin/python3.11", "root"]
