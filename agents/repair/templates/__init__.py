"""The mutation templates: each offers small replacements for one kind of node. Pure; sources are parsed, never run."""

from __future__ import annotations

from agents.repair.templates import calls, conditions, operators, statements, values
from agents.repair.templates.site import Change, File, Scope, Site, Template

TEMPLATES: tuple[Template, ...] = (
    *operators.TEMPLATES,
    *values.TEMPLATES,
    *calls.TEMPLATES,
    *conditions.TEMPLATES,
    *statements.TEMPLATES,
)

__all__ = ["TEMPLATES", "Change", "File", "Scope", "Site", "Template"]
