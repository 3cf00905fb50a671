"""Which base image is used: the operator's, the one built here, the one pinned from a registry; never another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.baseimage import recipe_of_machine, require_tools
from sandbox.errors import SetupError
from sandbox.images import PULLED_BASE, ensure_base
from sandbox.specs import ImageFacts

NAME = PULLED_BASE.rpartition(":")[0]
ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


class FakeDaemon:
    """An engine's images and the registry behind it; building offline is not within its power."""

    def __init__(self, *, here: set[str] | None = None, registry: dict[str, str] | None = None) -> None:
        self.here = here or set()
        self.registry = registry or {}
        self.pulled: list[str] = []

    def image(self, reference: str) -> ImageFacts | None:
        return ImageFacts(id=f"id of {reference}") if reference in self.here else None

    def registry_digest(self, reference: str) -> str | None:
        return self.registry.get(reference)

    def pull(self, reference: str) -> None:
        known = {f"{name.rpartition(':')[0]}@{digest}" for name, digest in self.registry.items()} | set(self.registry)
        if reference not in known:
            raise SetupError(f"The image {reference} cannot be pulled: not found")
        self.pulled.append(reference)
        self.here.add(reference)


def base(daemon: FakeDaemon, cache: Path, wanted: str = "") -> str:
    return ensure_base(daemon, wanted, cache, lambda line: None)  # type: ignore[arg-type]


def test_the_operators_image_wins_over_all_others(tmp_path: Path) -> None:
    daemon = FakeDaemon(here={"ours:1", recipe_of_machine().tag})
    assert base(daemon, tmp_path, "ours:1") == "ours:1"
    assert daemon.pulled == []


def test_the_operators_image_is_pulled_where_it_is_missing(tmp_path: Path) -> None:
    daemon = FakeDaemon(registry={"ours:1": ONE})
    assert base(daemon, tmp_path, "ours:1") == "ours:1"
    assert daemon.pulled == ["ours:1"]


def test_an_operators_image_that_nobody_has_is_an_error_and_no_other_is_taken(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="ours:1"):
        base(FakeDaemon(here={recipe_of_machine().tag}), tmp_path, "ours:1")


def test_an_image_built_here_asks_no_registry(tmp_path: Path) -> None:
    daemon = FakeDaemon(here={recipe_of_machine().tag}, registry={PULLED_BASE: ONE})
    assert base(daemon, tmp_path) == recipe_of_machine().tag
    assert daemon.pulled == []


def test_a_registrys_image_is_pulled_by_digest_and_pinned(tmp_path: Path) -> None:
    daemon = FakeDaemon(registry={PULLED_BASE: ONE})
    assert base(daemon, tmp_path) == f"{NAME}@{ONE}"
    assert json.loads((tmp_path / "base-image.json").read_text()) == {"image": f"{NAME}@{ONE}"}
    assert base(daemon, tmp_path) == f"{NAME}@{ONE}"
    assert daemon.pulled == [f"{NAME}@{ONE}"]


def test_a_tag_that_moved_does_not_move_the_pin(tmp_path: Path) -> None:
    base(FakeDaemon(registry={PULLED_BASE: ONE}), tmp_path)
    later = FakeDaemon(registry={PULLED_BASE: OTHER, f"{NAME}:old": ONE})
    assert base(later, tmp_path) == f"{NAME}@{ONE}"


def test_a_pin_that_cannot_be_read_is_said_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "base-image.json").write_text("{}")
    with pytest.raises(SetupError, match=r"base-image\.json"):
        base(FakeDaemon(registry={PULLED_BASE: ONE}), tmp_path)


def test_building_without_debootstrap_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="apt-get install debootstrap"):
        require_tools(str(tmp_path), 0)


def test_building_without_root_says_so(tmp_path: Path) -> None:
    (tmp_path / "debootstrap").write_text("")
    (tmp_path / "debootstrap").chmod(0o755)
    with pytest.raises(SetupError, match="needs root"):
        require_tools(str(tmp_path), 1000)
    assert require_tools(str(tmp_path), 0) == str(tmp_path / "debootstrap")
