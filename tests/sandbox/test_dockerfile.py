"""The rendered recipe: what changes the image's digest, and what must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.dockerfile import render
from sandbox.types import EnvironmentPlan
from tests.support.trees import MemoryTree

TREE = MemoryTree({"pyproject.toml": b"[project]\n", "uv.lock": b"1", "src/a.py": b"x = 1\n"})
PLAN = EnvironmentPlan(
    language="python",
    runner="pytest",
    base="redgreen-base",
    apt=("libpq-dev", "file"),
    env=(("B", 'quo"te $HOME \\ \n'), ("A", "1")),
    install=(("pip", "install", "-e", ".[a b]"),),
    optional_install=(("pip", "install", "-r", "dev.txt"),),
    manifests=("uv.lock", "pyproject.toml", "missing.txt"),
    evidence=("pyproject.toml names setuptools",),
)

TEXT = r"""FROM sha256:base
USER root
RUN apt-get update -q
RUN DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -- file libpq-dev
RUN apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
RUN id -u redgreen >/dev/null 2>&1 || useradd --uid 10001 --home-dir /work/home --no-create-home redgreen
RUN mkdir -p /work /opt/venv /opt/redgreen && chmod 1777 /work
RUN python3 -m venv /opt/venv
RUN chown -R 10001:10001 /opt/venv /opt/redgreen
COPY --chown=10001:10001 . /work/repo
WORKDIR /work/repo
USER 10001:10001
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/work/home LANG=C.UTF-8
ENV A="1"
ENV B="quo\"te \$HOME \\ \n"
RUN ["pip", "install", "-e", ".[a b]"]
RUN ["/bin/sh", "-c", "\"$@\" || echo \"optional step failed\"", "sh", "pip", "install", "-r", "dev.txt"]
"""


def test_the_text_is_what_the_engine_carries_out() -> None:
    recipe = render(PLAN, TREE, "sha256:base")
    assert recipe.text == TEXT
    assert [(step.argv, step.optional) for step in recipe.steps] == [
        (("pip", "install", "-e", ".[a b]"), False),
        (("pip", "install", "-r", "dev.txt"), True),
    ]


def test_a_wanted_python_makes_the_environment() -> None:
    recipe = render(replace(PLAN, apt=(), toolchains=("python@3.9",)), TREE)
    assert "RUN chown 10001:10001 /opt/redgreen\nRUN python3 -m venv /opt/redgreen/uv && " in recipe.text
    assert recipe.toolchains == ("python@3.9",)
    assert recipe.environment[0] == '"$(readlink -f /opt/redgreen/toolchains/bin/python3.9)" -m venv /opt/venv'
    assert all(line in recipe.text for line in recipe.environment)
    assert not any("venv /opt/venv" in line for line in recipe.system)


def test_a_plan_of_a_day_says_how_to_have_the_packages_of_then() -> None:
    recipe = render(replace(PLAN, as_of="2023-12-01"), TREE)
    assert recipe.dated == ("2023-12-01", "2023-12-01")
    assert "\n# Packages as of 2023-12-01: " in recipe.text
    assert render(PLAN, TREE).dated == ()


def test_a_plan_without_packages_asks_no_package_manager() -> None:
    assert "apt-get" not in render(replace(PLAN, apt=()), TREE).text


def test_the_plans_own_base_stands_in_for_an_unknown_one() -> None:
    assert render(PLAN, TREE).text.startswith("FROM redgreen-base\n")


def test_a_commit_that_changes_only_source_reuses_the_image() -> None:
    changed = TREE.with_files({"src/a.py": b"x = 2\n", "src/b.py": b""})
    assert render(PLAN, changed, "b").digest == render(PLAN, TREE, "b").digest


@pytest.mark.parametrize("path", ["uv.lock", "pyproject.toml", "missing.txt"])
def test_a_changed_or_new_manifest_makes_another_image(path: str) -> None:
    changed = TREE.with_files({path: b"changed"})
    assert render(PLAN, changed, "b").digest != render(PLAN, TREE, "b").digest


def test_an_empty_manifest_is_not_a_missing_one() -> None:
    assert render(PLAN, TREE.with_files({"missing.txt": b""}), "b").digest != render(PLAN, TREE, "b").digest


@pytest.mark.parametrize(
    "plan",
    [
        replace(PLAN, apt=("file",)),
        replace(PLAN, env=(("A", "2"),)),
        replace(PLAN, install=()),
        replace(PLAN, optional_install=()),
        replace(PLAN, language="node"),
        replace(PLAN, toolchains=("python@3.9",)),
        replace(PLAN, as_of="2020-01-01"),
    ],
)
def test_a_changed_plan_makes_another_image(plan: EnvironmentPlan) -> None:
    assert render(plan, TREE, "b").digest != render(PLAN, TREE, "b").digest


def test_another_base_makes_another_image_and_another_prepared_one() -> None:
    one, other = render(PLAN, TREE, "b"), render(PLAN, TREE, "c")
    assert one.digest != other.digest
    assert one.prepared_digest != other.prepared_digest


def test_order_and_prose_do_not_matter() -> None:
    same = replace(
        PLAN, apt=("file", "libpq-dev", "file"), env=PLAN.env[::-1], manifests=PLAN.manifests[::-1], evidence=()
    )
    assert render(same, TREE, "b").digest == render(PLAN, TREE, "b").digest


def test_repositories_with_the_same_packages_share_the_prepared_image() -> None:
    other = replace(PLAN, install=(("pip", "install", "."),), env=())
    assert render(other, TREE, "b").prepared_digest == render(PLAN, TREE, "b").prepared_digest


def test_repositories_with_the_same_manifests_share_the_system_but_not_the_image() -> None:
    one, other = render(PLAN, TREE, "b", "owner/one"), render(PLAN, TREE, "b", "owner/other")
    assert one.digest != other.digest
    assert one.prepared_digest == other.prepared_digest


def test_an_optional_step_of_several_requirements_has_them_one_by_one() -> None:
    pip = ("/opt/venv/bin/python", "-m", "pip", "install", "--no-input")
    tree = TREE.with_files({"dev.txt": b"a==1\nb\n-r more.txt\n"})

    def pieces(*words: str) -> list[tuple[str, ...]]:
        recipe = render(replace(PLAN, optional_install=((*pip, *words),)), tree)
        return [piece[len(pip) :] for piece in recipe.steps[-1].pieces]

    assert pieces("x", "-r", "dev.txt", "a==1") == [("x",), ("a==1",), ("b",)]
    assert pieces("-e", ".[test]") == pieces("x") == pieces("-r", "missing.txt") == pieces("x", "y", "-r") == []
    assert render(replace(PLAN, optional_install=(("npm", "install", "a", "b"),)), tree).steps[-1].pieces == ()
