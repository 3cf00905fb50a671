"""The worker's program: read the configuration, warm up, serve jobs.

The first line is the configuration: `{"runner": "pytest" | "unittest", "slots": n, "mode": "cold" | "hot",
"tests": [...], "sources": {path: text}, "imports": [...]}`; answered by `{"ready": true, ...}`. Every other line is a
job: `{"id", "patches": {path: text}, "stages": [[test, ...], ...], "trace": null | {"only": null | [path]},
"stop_on_red", "give_up", "goal", "ask_again": bool, "test_seconds", "cpu_seconds", "total_seconds", "memory_bytes",
"modules": bool, "observe": null | [path], "replay": null | {"calls", "variants", "seconds"}}`; answered, in the order
of ending, by
`{"id", "end", "tests": {id: {"status", "seconds", "lines"?, "fault"?, "slow"?}}, "seconds", "calls", "outcomes"}`.
`end` is `complete`, `red` (a stage was red, the later ones did not run), `cold` (a hot worker cannot take this change),
`timeout`, `died`, `crashed: ...`. A job with `replay` runs no test: its `calls`, recorded by one with `observe`, are
made again. With `ask_again` (absent: false) the first red test's assertion is evaluated once more, and `fault` then has
`held` and `seen`: the last thing that a job does, when every status and its end are told, so that it changes none.

Cold: each child imports the tree afresh; only modules from outside of the tree are kept warm. Hot: the tests were
collected once, and the children swap function bodies.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import tempfile
from typing import Any

from . import failing
from .observing import CallRecorder, replay
from .patching import HotFunctions, override_imports
from .running import Run, load_unittest, run_cases, run_pytest, serve_in_pytest
from .serving import Emit, Job, Protocol, Server
from .tracing import LineTracer
from .watching import Stops, Watch

RED = ("failed", "error", "timeout", "unknown")


def main() -> None:
    protocol = Protocol()
    root = os.path.realpath(os.getcwd())
    sys.dont_write_bytecode = False
    sys.pycache_prefix = tempfile.mkdtemp(prefix="redgreen-pyc-")
    if root not in sys.path:
        sys.path.insert(0, root)
    config = protocol.read_one()
    if config is None:
        return
    warmed = _warm(config)
    ready = {"ready": True, "python": platform.python_version(), "warmed": warmed}
    if config["mode"] == "hot":
        _serve_hot(protocol, config, root, ready)
    else:
        protocol.write(ready)
        Server(protocol, lambda job, emit: _run_cold(job, emit, root, config), config["slots"]).serve()


def _warm(config: dict[str, Any]) -> int:
    """Import what the children would import anyhow; a module that does not import alone is left to them."""
    warmed = 0
    for name in ["pytest" if config["runner"] == "pytest" else "unittest", *config.get("imports", [])]:
        try:
            importlib.import_module(name)
            warmed += 1
        except BaseException:  # noqa: BLE001, S112 - foreign code at import: anything may come, nothing is lost
            continue
    return warmed


def _watch(job: Job, emit: Emit, root: str) -> Watch:
    trace = job.get("trace")
    tracer = LineTracer(root, trace["only"]) if trace is not None else None
    observed = job.get("observe")
    recorder = CallRecorder(root, observed) if observed is not None else None
    return Watch(emit, float(job["test_seconds"]), tracer, recorder, float(job.get("cpu_seconds") or 0.0))


def _replay(job: Job, emit: Emit) -> None:
    wanted = job["replay"]
    for outcomes in replay(wanted["calls"], int(wanted["variants"]), float(wanted["seconds"])):
        emit({"outcomes": outcomes})
    emit({"end": "complete"})


def _end(job: Job, emit: Emit, end: str, watch: Watch, root: str, config: dict[str, Any]) -> None:
    """All is told; what is asked now can change nothing of it."""
    emit({"end": end})
    if job.get("ask_again"):
        changing = {os.path.realpath(os.path.join(root, path)) for path in (*config["sources"], *job["patches"])}
        watch.ask_again(changing)


def _run_cold(job: Job, emit: Emit, root: str, config: dict[str, Any]) -> None:
    runner = config["runner"]
    if job["patches"]:
        override_imports(root, job["patches"])
    if job.get("replay"):
        tests = [test for stage in job["stages"] for test in stage]
        if runner == "pytest":
            serve_in_pytest(tests, lambda run: _replay(job, emit))
        else:
            load_unittest(tests)
            _replay(job, emit)
        return
    statuses: dict[str, str] = {}

    def noting(record: dict[str, Any]) -> None:
        if "status" in record:
            statuses[record["id"]] = record["status"]
        emit(record)

    watch = _watch(job, noting, root)
    for stage in job["stages"]:
        if runner == "pytest":
            run_pytest(stage, watch, job["stop_on_red"])
        else:
            run_cases(load_unittest(stage), watch, Stops(job["stop_on_red"]))
        if job["stop_on_red"] and any(statuses.get(test, "unknown") in RED for test in stage):
            _end(job, emit, "red", watch, root, config)
            return
    if job.get("modules"):
        emit({"modules": _outside_modules(root)})
    _end(job, emit, "complete", watch, root, config)


def _outside_modules(root: str) -> list[str]:
    """Modules that this run imported from outside of the tree: a cold worker may keep them warm."""
    names: list[str] = []
    inside: set[str] = set()
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) or ""
        if os.path.realpath(path).startswith(root + os.sep):
            inside.add(name.split(".")[0])
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and name.split(".")[0] not in inside and not name.startswith(("_redgreen_repair", "__main")):
            names.append(name)
    return names


def _serve_hot(protocol: Protocol, config: dict[str, Any], root: str, ready: dict[str, Any]) -> None:
    def serve(run_collected: Run) -> None:
        functions = HotFunctions(root, config["sources"])

        def run(job: Job, emit: Emit) -> None:
            if not functions.swap(job["patches"]):
                emit({"end": "cold"})
                return
            if job.get("replay"):
                _replay(job, emit)
                return
            stops = Stops(job["stop_on_red"], int(job.get("give_up") or 0), int(job.get("goal") or 0))
            watch = _watch(job, emit, root)
            run_collected(watch, stops)
            _end(job, emit, "complete", watch, root, config)

        protocol.write(ready)
        Server(protocol, run, config["slots"]).serve()

    if config["runner"] == "pytest":
        failing.warm(dict.fromkeys(test.split("::", 1)[0] for test in config["tests"]))
        serve_in_pytest(config["tests"], serve)
    else:
        cases = load_unittest(config["tests"])
        serve(lambda watch, stops: run_cases(cases, watch, stops))
