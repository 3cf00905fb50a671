"""Where things are inside every container. Paths of the container, never of the host."""

from __future__ import annotations

from typing import Final

USER: Final = "10001:10001"
"""Numeric, so that it holds in an image that has no such name (`redgreen` in ours)."""

WORK: Final = "/work"
"""The one large writable place: a tmpfs, empty in every new container."""
TREE: Final = f"{WORK}/repo"
HOME: Final = f"{WORK}/home"
TMP: Final = f"{WORK}/tmp"
BASE_GIT: Final = f"{WORK}/base.git"
"""The base commit, kept apart from the tree's own `.git` so that no command of a tenant needs to leave it whole."""

VENV: Final = "/opt/venv"
MEETING: Final = "/run/redgreen"
"""Where a `Rendezvous` is mounted, read-only; empty by the time that a tenant can look."""

KEPT: Final = "/opt/redgreen"
TOOLCHAINS: Final = "/opt/redgreen/toolchains"
"""Interpreters that the base image lacks (`sandbox.toolchains`); root's, and on nobody's search path."""

GENERATED: Final = "/opt/redgreen/generated.tar"
"""What the build left in the tree besides the commit's files (`*.egg-info`, `_version.py`, compiled extensions)."""

SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""What the supervisor is found over: places that only root could have written to when the image was made."""
COMMAND_PATH: Final = f"{VENV}/bin:{SYSTEM_PATH}"
