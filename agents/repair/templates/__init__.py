"""The mutation templates: each offers small replacements for one kind of node. Pure; sources are parsed, never run."""

from __future__ import annotations

from agents.repair.templates import additions, calls, conditions, flow, guards, operators, statements, values
from agents.repair.templates.scopes import Scope
from agents.repair.templates.site import Change, File, Site, Template

TEMPLATES: tuple[Template, ...] = (
    *operators.TEMPLATES,
    *values.TEMPLATES,
    *calls.TEMPLATES,
    *conditions.TEMPLATES,
    *guards.TEMPLATES,
    *statements.TEMPLATES,
    *flow.TEMPLATES,
    *additions.TEMPLATES,
)

__all__ = ["TEMPLATES", "Change", "File", "Scope", "Site", "Template"]
