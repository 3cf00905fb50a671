"""The command line. A module a group of commands: each parses its words, calls one function of a room, and prints what
came of it. A room is imported by the command that enters it, so that a help text waits for none.
"""

from bot.cli.entry import app, main

__all__ = ["app", "main"]
