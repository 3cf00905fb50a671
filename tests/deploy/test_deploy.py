"""The files for self-hosting are what the docs say: each process with its own secrets only, and settings that load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import load

DEPLOY = Path(__file__).parents[2] / "deploy"


def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))["services"]
    return services


def test_web_and_worker_are_started_by_their_commands() -> None:
    assert {name: service["command"] for name, service in services().items()} == {"web": ["web"], "worker": ["worker"]}


def test_each_process_holds_its_own_secrets_only() -> None:
    web, worker = services()["web"], services()["worker"]
    assert (web["secrets"], worker["secrets"]) == (["webhook-secret"], ["app-key"])
    assert not any("API_KEY" in name or "PRIVATE" in name for name in web["environment"])
    assert not any("docker.sock" in volume for volume in web["volumes"])


def test_the_web_process_is_published_on_loopback_only() -> None:
    assert services()["web"]["ports"] == ["127.0.0.1:8787:8787"]
    assert "ports" not in services()["worker"]


@pytest.mark.parametrize("process", ["web", "worker"])
def test_the_example_settings_load_with_the_variables_of_the_compose_file(
    process: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in services()[process]["environment"].items():
        if name.startswith("REDGREEN_") and name != "REDGREEN_CONFIG":
            monkeypatch.setenv(name, value)
    settings = load(DEPLOY / "redgreen.example.toml")
    assert settings.github.app_id == 123456
    assert settings.server.host == ("0.0.0.0" if process == "web" else "127.0.0.1")


def test_the_image_copies_every_package_and_runs_without_privileges() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    packages = set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE))
    assert packages == {"bot", "agents", "sandbox", "config"}
    assert text.index("\nUSER redgreen") < text.index("\nENTRYPOINT")
    ignored = (DEPLOY.parent / ".dockerignore").read_text(encoding="utf-8").split()
    assert {f"!{package}" for package in packages} <= set(ignored)
