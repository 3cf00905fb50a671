"""Repair by search: no model, no key, no cost. See `docs/repair.md`."""

from __future__ import annotations

from agents.repair.solve import solve

__all__ = ["solve"]
