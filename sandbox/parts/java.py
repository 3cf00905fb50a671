"""Java's files. Pure."""

from __future__ import annotations

from sandbox.parts.rules import Rules

RULES = Rules(tests=("*Test.java", "*Tests.java"))
