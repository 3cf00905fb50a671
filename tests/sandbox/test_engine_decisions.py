"""What the engine decides without Docker: whose container, which archive, what a build sees and what a log shows."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sandbox import baseimage, orphans
from sandbox.build import BuildSettings, build_env, redact, secrets_of
from sandbox.engine import Engine, EngineConfig
from sandbox.environment import inside
from sandbox.errors import EngineUnavailable, SetupError
from sandbox.images import commit_changes, notes_of
from sandbox.shell import supervisor_command

DEBIAN = {"ID": "debian", "VERSION_CODENAME": "bookworm"}


# --- connecting ---


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_no_engine_is_refused_with_how_to_get_one(tmp_path: Path, kind: str) -> None:
    host = f"unix://{tmp_path}/none.sock" if kind == "unix" else "tcp://127.0.0.1:1"
    with pytest.raises(EngineUnavailable) as refusal:
        Engine.connect(EngineConfig(docker_host=host, cache_dir=tmp_path))
    assert host in str(refusal.value)
    assert "docs.docker.com/engine/install" in str(refusal.value)
    assert "never on the host" in str(refusal.value)


# --- the base image's recipe ---


def test_the_machines_own_distribution_is_the_base() -> None:
    recipe = baseimage.choose_recipe({"ID": "ubuntu", "VERSION_CODENAME": "noble"})
    assert (recipe.suite, recipe.components) == ("noble", ("main", "universe"))
    assert recipe.tag.startswith("redgreen-base:noble-")


@pytest.mark.parametrize(
    "release", [{}, {"ID": "fedora", "VERSION_CODENAME": ""}, {**DEBIAN, "VERSION_CODENAME": "$(x)"}]
)
def test_other_machines_get_debian(release: dict[str, str]) -> None:
    assert baseimage.choose_recipe(release).suite == "bookworm"


def test_the_tag_says_what_is_in_the_image() -> None:
    recipe = baseimage.choose_recipe(DEBIAN)
    assert recipe.tag == baseimage.choose_recipe(DEBIAN).tag
    assert replace(recipe, packages=("python3",)).tag != recipe.tag


def test_the_mirror_is_the_one_that_apt_uses() -> None:
    lines = [
        "https://mirror.example/security|bookworm-security|main|Debian",
        "https://packages.example/apt|bookworm|main|Somebody",
        "https://mirror.example/debian/|bookworm|main|Debian",
        "nonsense",
    ]
    assert baseimage.choose_mirror(baseimage.choose_recipe(DEBIAN), lines) == "https://mirror.example/debian"


def test_without_apt_the_mirror_is_debootstraps_own() -> None:
    assert baseimage.choose_mirror(baseimage.choose_recipe(DEBIAN), ["cdrom:|bookworm|main|Debian"]) == ""


# --- whose container ---


def owner_label(owner: orphans.Owner) -> dict[str, str]:
    return {orphans.LABEL: owner.label()}


def test_a_living_process_keeps_its_containers() -> None:
    me = orphans.this_process()
    assert not orphans.is_orphan(owner_label(me), me)


def test_a_dead_process_leaves_orphans() -> None:
    me = orphans.this_process()
    child = subprocess.Popen(["sleep", "0"])
    child.wait()
    assert orphans.is_orphan(owner_label(replace(me, pid=child.pid)), me)


def test_a_process_number_used_again_is_another_process() -> None:
    me = orphans.this_process()
    assert orphans.is_orphan(owner_label(replace(me, started=me.started - 1)), me)


def test_a_reboot_leaves_orphans() -> None:
    me = orphans.this_process()
    assert orphans.is_orphan(owner_label(replace(me, boot="earlier")), me)


def test_another_machines_containers_are_never_judged() -> None:
    me = orphans.this_process()
    assert not orphans.is_orphan(owner_label(replace(me, machine="other", pid=1 << 30)), me)


@pytest.mark.parametrize("label", ["", "{}", "[]", "no json", json.dumps({"pid": 1})])
def test_a_label_that_cannot_be_read_is_left_alone(label: str) -> None:
    assert not orphans.is_orphan({orphans.LABEL: label}, orphans.this_process())
    assert not orphans.is_orphan({}, orphans.this_process())


def test_the_owner_names_no_machine() -> None:
    assert os.uname().nodename not in json.dumps(asdict(orphans.this_process()))


# --- builds ---


def test_host_paths_do_not_reach_a_build() -> None:
    env = {
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_FIND_LINKS": "/opt/wheels",
        "PIP_EXTRA_INDEX_URL": "file:///a file:///b",
        "PIP_CERT": "/etc/ssl/ca.pem",
        "EMPTY": "",
    }
    seen = build_env(BuildSettings(env=env))
    assert seen["PIP_INDEX_URL"] == "https://index.example/simple"
    assert not {"PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CERT"} & set(seen)


def test_the_certificate_bundle_is_named_to_every_tool(tmp_path: Path) -> None:
    seen = build_env(BuildSettings(ca_bundle=tmp_path / "ca.pem", env={"PIP_CERT": "/host/ca.pem"}))
    names = {"SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"}
    assert {seen[name] for name in names} == {"/work/build/ca.pem"}


def test_a_log_shows_no_credential() -> None:
    secrets = secrets_of({"UV_INDEX_ACME_PASSWORD": "hunter2", "PIP_INDEX_URL": "x", "NPM_TOKEN": "hunter2-long"})
    text = "at https://user:pass@index.example/simple: hunter2-long hunter2"
    assert redact(text, secrets) == "at https://[secret]@index.example/simple: [secret] [secret]"


def test_notes_survive_the_image() -> None:
    notes = ('`pip install "x"` failed with exit code 1 and was passed over.', "é $HOME\n")
    line = next(line for line in commit_changes(notes) if "notes" in line)
    name, _, value = line.removeprefix("LABEL ").partition("=")
    assert notes_of({name: value}) == notes
    assert notes_of({}) == ()
    with pytest.raises(SetupError):
        notes_of({name: "!"})


# --- paths and the supervisor ---


@pytest.mark.parametrize("path", ["..", "a/../../b", "/etc/passwd", "/work/repository", "a\0b", "../repo2"])
def test_paths_that_leave_the_tree_are_refused(path: str) -> None:
    with pytest.raises(ValueError):
        inside(path)


def test_paths_in_the_tree_are_made_absolute() -> None:
    assert [inside(path) for path in (".", "a/./b", "a/../b", "/work/repo/c")] == [
        "/work/repo",
        "/work/repo/a/b",
        "/work/repo/b",
        "/work/repo/c",
    ]


def test_the_supervisor_refuses_to_run_on_a_host() -> None:
    done = subprocess.run(supervisor_command(), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    assert "only as process 1 of a container" in done.stderr
    assert done.stdout == ""


def test_the_supervisor_fits_into_a_command_line() -> None:
    assert max(len(argument.encode()) for argument in supervisor_command()) < 128 * 1024
