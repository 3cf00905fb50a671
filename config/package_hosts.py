"""The hosts that package managers reach by default: what image builds may connect to without a setting. Data.

Each list is what the tools themselves document as their defaults; a host that serves anything for anybody (a forge, a
content network by its own name) is in none of them that a repository's own code gets to see.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PACKAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "python": ("pypi.org", "files.pythonhosted.org"),
        "node": ("registry.npmjs.org", "registry.yarnpkg.com", "repo.yarnpkg.com", "nodejs.org"),
        "go": ("proxy.golang.org", "sum.golang.org"),
        "rust": ("index.crates.io", "static.crates.io", "crates.io"),
        "java": (
            "repo.maven.apache.org",
            "repo1.maven.org",
            "plugins.gradle.org",
            "plugins-artifacts.gradle.org",
            "services.gradle.org",
            "downloads.gradle.org",
        ),
    }
)
"""By language: what a repository's own install steps may reach."""

SYSTEM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "debian": ("deb.debian.org", "security.debian.org"),
        "ubuntu": ("archive.ubuntu.com", "security.ubuntu.com", "ports.ubuntu.com"),
        "uv": (
            "releases.astral.sh",
            "github.com",
            "objects.githubusercontent.com",
            "release-assets.githubusercontent.com",
        ),
        "toolchains": ("go.dev", "dl.google.com", "static.rust-lang.org"),
    }
)
"""Besides those, what only redgreen's own commands may reach, which run before any code of a repository: system
packages, and the toolchains that it installs itself."""

PLAIN = frozenset(SYSTEM["debian"] + SYSTEM["ubuntu"])
"""Hosts that are asked without TLS, because what they serve is signed."""
