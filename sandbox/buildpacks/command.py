"""A build that no other buildpack knows, with a command that conventionally runs its tests. Pure.

The plan's runner sees that command's exit code and nothing else (`sandbox.runners.command_runner`).
"""

from __future__ import annotations

import re

from sandbox.runners import command_runner
from sandbox.types import EnvironmentPlan, RepoView

BASE = "redgreen-base"
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
"""In the order in which make looks for them."""
_TARGETS = ("test", "tests", "check")
_SCRIPTS = ("script/test", "bin/test", "test.sh", "run-tests.sh", "run_tests.sh", "runtests.sh")


def detect(view: RepoView) -> EnvironmentPlan | None:
    found = _make(view) or _script(view)
    if found is None:
        return None
    command, path, why = found
    return EnvironmentPlan(
        language="unknown",
        runner=command_runner.NAME,
        base=BASE,
        command=command,
        manifests=(path,),
        evidence=(why, "No runner of redgreen's reads these tests: the command's exit code is all the evidence."),
    )


def _make(view: RepoView) -> tuple[tuple[str, ...], str, str] | None:
    path = next((path for path in _MAKEFILES if view.read(path) is not None), None)
    if path is None:
        return None
    lines = (view.read(path) or b"").decode("utf-8", "replace").split("\n")
    for target in _TARGETS:
        rule = re.compile(rf"^(?:[\w.-]+[ \t]+)*{target}(?:[ \t]+[\w.-]+)*[ \t]*::?(?!=)")
        number = next((number for number, line in enumerate(lines, 1) if rule.match(line)), 0)
        if number:
            return ("make", target), path, f"{path}:{number}: has a target {target!r}."
    return None


def _script(view: RepoView) -> tuple[tuple[str, ...], str, str] | None:
    for path in _SCRIPTS:
        data = view.read(path)
        if data is not None:
            # Its mode may have been lost on the way into an archive: the interpreter it names is called instead.
            first = data.split(b"\n", 1)[0].decode("utf-8", "replace")
            interpreter = tuple(first[2:].split()) if first.startswith("#!") else ()
            return (*(interpreter or ("sh",)), path), path, f"{path}: a script that runs the tests, by its name."
    return None
