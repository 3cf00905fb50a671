"""One answer at a time: localise, sample, and let the tests rank. For models without tools or with small windows."""

from __future__ import annotations

from agents.single_shot.solve import solve

__all__ = ["solve"]
