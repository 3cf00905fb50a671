"""The `swebench` distribution beside ours: its own log parsers and grading, and the runners whose logs it reads.

Everything is in environments of its own, made with uv in a cache directory; the distribution's modules are loaded
without its package's `__init__`, which imports what only its other halves need.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.layout import TREE
from sandbox.runners.protocol import Runner, RunRequest
from sandbox.runners.report import PYTHON, run_directory
from sandbox.types import Ended, EnvironmentPlan, RunKind, TestRun
from tests.support.cases import CASES, FilesView, files_of

HARNESS = "swebench==5.0.2"
SUITES = CASES / "swebench"
_JUDGE = """
import importlib.util, json, sys, tempfile, types
from pathlib import Path

home = Path(sys.argv[1])
for name in ("swebench", "swebench.harness"):
    package = types.ModuleType(name)
    package.__path__ = [str(home.joinpath(*name.split(".")))]
    sys.modules[name] = package

from swebench.harness import grading
from swebench.harness.constants import END_TEST_OUTPUT, START_TEST_OUTPUT, TEST_EXIT_CODE
from swebench.harness.log_parsers import PARSER_REGISTRY
from swebench.types import TestSpec

answers = []
for asked in json.load(sys.stdin):
    spec = TestSpec(
        instance_id="i", image="", eval_script_list=[], repo="o/n", version="1",
        FAIL_TO_PASS=asked["cases"], PASS_TO_PASS=asked["cases"],
        log_parser=asked["parser"], eval_type="pass_and_fail",
    )
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "log"
        text = f"{START_TEST_OUTPUT}\\n{asked['log']}\\n{END_TEST_OUTPUT}\\n{TEST_EXIT_CODE}: {asked['exit_code']}\\n"
        path.write_text(text)
        prediction = {"instance_id": "i", "model_patch": "x", "model_name_or_path": "m"}
        report = grading.get_eval_report(spec, prediction, path, True)["i"]
    answers.append({"statuses": PARSER_REGISTRY[asked["parser"]](asked["log"], spec), "report": report})
json.dump(answers, sys.stdout)
"""


def cache() -> Path:
    """Kept between runs: what is in it is named by its contents."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "redgreen-tests"


@dataclass(frozen=True, kw_only=True)
class Log:
    text: str
    exit_code: int


@dataclass(frozen=True)
class Harness:
    """The distribution's own judgement."""

    home: Path

    @classmethod
    def installed(cls) -> Harness:
        return cls(made(HARNESS, ("--no-deps", "--target"), "swebench"))

    def judge(self, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One answer (`statuses`, `report`) for each question (`log`, `exit_code`, `parser`, `cases`)."""
        done = subprocess.run(
            [sys.executable, "-c", _JUDGE, str(self.home)],
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers


def environment(*requirements: str) -> Path:
    """The Python of an environment that has these requirements."""
    return made(" ".join(requirements), ("--python",), "bin/python") / "bin" / "python"


def made(requirements: str, options: tuple[str, ...], proof: str) -> Path:
    """A directory of the cache; made under another name first, so that one half made is never taken."""
    place = cache() / "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in requirements)
    if (place / proof).exists():
        return place
    uv = _uv()
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f"{place.name}.{os.getpid()}")
    target = partial
    try:
        if "--python" in options:
            _run([uv, "venv", "-q", "--relocatable", "--python", sys.executable, str(partial)])
            target = partial / "bin" / "python"
        _run([uv, "pip", "install", "-q", *options, str(target), *requirements.split(" ")])
        try:
            partial.rename(place)
        except OSError:
            assert (place / proof).exists()  # another process was faster
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def _uv() -> str:
    """The one that set up this checkout, else one on the path."""
    tools = Path(__file__).parents[2] / ".tools"
    places = [str(tools / "venv/bin"), str(tools / "lib/bin"), os.environ.get("PATH", os.defpath)]
    found = shutil.which("uv", path=os.pathsep.join(places))
    assert found is not None, "uv makes the environments of these tests: `make setup` brings it"
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def log_of(suite: Path, command: Sequence[str], env: Mapping[str, str]) -> Log:
    """What a suite's own runner prints, standard error among it, as the harness records it."""
    done = subprocess.run(
        list(command),
        cwd=suite,
        env={**_plain(), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Log(text=done.stdout, exit_code=done.returncode)


def sealed_run(
    suite: Path, scratch: Path, python: Path, runner: Runner, plan: EnvironmentPlan, files: Sequence[str]
) -> TestRun:
    """The same suite under redgreen's runner, on this machine: the suites are ours."""
    request = RunRequest(nonce=scratch.name, key="0" * 64, files=tuple(files), plan=plan)
    prepared = runner.prepare(FilesView({path: data.decode() for path, data in files_of(suite).items()}), request)
    directory = scratch / "run"

    def here(text: str) -> str:
        return (
            text.replace(run_directory(request), str(directory)).replace(TREE, str(suite)).replace(PYTHON, str(python))
        )

    for path, data in prepared.files.items():
        target = Path(here(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(here(data.decode()).encode())
    made = log_of(suite, [here(word) for word in prepared.argv], {**dict(plan.env), **prepared.env})
    report = Path(here(prepared.report_path))
    return TestRun(
        kind=RunKind.REGRESSION,
        tree="",
        command=prepared.shown,
        ended=Ended.EXITED,
        exit_code=made.exit_code,
        report=runner.parse(report.read_bytes() if report.exists() else b"", request),
        seconds=1.0,
        output_tail=made.text,
    )


def _plain() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
