"""Patches that fool no one, a module a language: none of them ends `Verified`."""
