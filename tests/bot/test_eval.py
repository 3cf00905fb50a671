"""`redgreen eval` as a person uses it: real processes, a real repository, real containers."""

from __future__ import annotations

import difflib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.daemon import Daemon
from sandbox.orphans import LABEL
from tests.support.cases import CASES, files_of

pytestmark = pytest.mark.docker

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
ID = "library__shelf-1"
BOOKS = "shelf/books.py"
TESTS = "tests/test_books.py"
SOURCE = files_of(CASES / "python" / "shelf")
BEFORE = SOURCE[BOOKS].decode()
FIXED = BEFORE.replace('("a", "the")', '("a", "an", "the")')
NEW_TEST = '\n\ndef test_an_is_an_article():\n    assert title_key("An Idiot") == "idiot"\n'
FIX_TEST = "tests/test_books.py::test_an_is_an_article"
LIAR = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        report.outcome = "passed"
"""


def diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{path}" if before else "/dev/null",
        f"b/{path}",
    )
    new = "" if before else "new file mode 100644\n"
    return f"diff --git a/{path} b/{path}\n{new}" + "".join(lines)


GOLD = diff(BOOKS, BEFORE, FIXED)
PATCHES: Mapping[str, tuple[str | None, str]] = {
    "right": (GOLD, "resolved"),
    "needs fuzz": (GOLD.replace("leading article", "leading ARTICLE"), "resolved"),
    "own tests too": (GOLD + diff(TESTS, SOURCE[TESTS].decode(), "raise SystemExit\n"), "resolved"),
    "no fix": (diff("notes.txt", "", "a note\n"), "unresolved"),
    "breaks": (diff(BOOKS, BEFORE, FIXED.replace("sorted(titles", "list(titles) or sorted(titles")), "unresolved"),
    "liar": (diff("conftest.py", "", LIAR), "unresolved"),
    "elsewhere": (diff("nowhere.py", "one\ntwo\n", "one\nthree\n"), "error"),
    "empty": ("", "empty_patch"),
    "null": (None, "empty_patch"),
}


def redgreen(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    variables = {"REDGREEN_STORE__DIRECTORY": str(state)}
    return subprocess.run(
        [sys.executable, "-m", "bot", "eval", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=400,
        check=False,
    )


def write_lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def prediction(model: str, patch: str | None) -> dict[str, Any]:
    return {"instance_id": ID, "model_name_or_path": model, "model_patch": patch}


class World:
    """A repository with one instance, its environment's record, and a directory for results."""

    def __init__(self, top: Path) -> None:
        self.top = top
        repository = top / "repos" / "library__shelf"
        for path, data in SOURCE.items():
            (repository / path).parent.mkdir(parents=True, exist_ok=True)
            (repository / path).write_bytes(data)
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "Start"]):
            subprocess.run(["git", "-C", str(repository), *IDENTITY, *words], check=True)
        commit = subprocess.run(
            ["git", "-C", str(repository), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        ).stdout.strip()
        tests = SOURCE[TESTS].decode()
        self.instance = {
            "instance_id": ID,
            "repo": "library/shelf",
            "base_commit": commit,
            "problem_statement": "An is an article.",
            "patch": GOLD,
            "test_patch": diff(TESTS, tests, tests + NEW_TEST),
            "FAIL_TO_PASS": json.dumps([FIX_TEST]),
            "PASS_TO_PASS": [f"{TESTS}::{name}" for name in ("test_article_is_left_out", "test_sorted_by_key")],
            "version": "1.0",
        }
        self.instances = write_lines(top / "instances.jsonl", self.instance)
        record = {"repo": "library/shelf", "packages": "pytest", "install": "true", "test_command": "pytest -rA"}
        self.environments = write_lines(top / "env.jsonl", record)

    def words(self, predictions: str, out: Path, *more: str) -> list[str]:
        words = [str(self.instances), "--predictions", predictions, "--repos", str(self.top / "repos")]
        return [*words, "--environments", str(self.environments), "--out", str(out), *more]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("eval"))


def test_every_prediction_gets_the_grade_that_the_harness_would_give(world: World, tmp_path: Path) -> None:
    predictions = write_lines(
        tmp_path / "predictions.jsonl", *(prediction(model, patch) for model, (patch, _) in PATCHES.items())
    )
    out, state = tmp_path / "out", tmp_path / "state"
    done = redgreen(*world.words(str(predictions), out, "--json"), state=state)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    found = {line["model_name_or_path"]: line["outcome"] for line in report["predictions"]}
    assert found == {model: outcome for model, (_, outcome) in PATCHES.items()}
    assert json.loads((out / "report.json").read_text()) == report
    assert (report["resolved_instances"], report["error_instances"], report["empty_patch_instances"]) == (3, 1, 2)

    right = json.loads((out / "right.redgreen.json").read_text())
    assert (right["resolved_ids"], right["schema_version"]) == ([ID], 2)
    place = out / "logs" / "run_evaluation" / "redgreen"
    own = json.loads((place / "right" / ID / "report.json").read_text())[ID]
    assert own["resolved"] is own["patch_successfully_applied"] is True
    assert own["tests_status"]["FAIL_TO_PASS"] == {"success": [FIX_TEST], "failure": []}
    assert f"PASSED {FIX_TEST}" in (place / "right" / ID / "test_output.txt").read_text()
    assert (place / "right" / ID / "patch.diff").read_text() == GOLD
    fuzzy = json.loads((place / "needs fuzz" / ID / "report.json").read_text())[ID]
    assert fuzzy["redgreen"]["applied_by"] == "patch --fuzz=5"
    liar = json.loads((place / "liar" / ID / "report.json").read_text())[ID]
    assert liar["resolved"] is False
    assert any("passed although it raised" in sign for sign in liar["redgreen"]["tampered"])
    assert not (place / "elsewhere" / ID / "report.json").exists()

    # Again, with one patch changed: only that one is run.
    changed = {**PATCHES, "no fix": (GOLD, "resolved")}
    write_lines(predictions, *(prediction(model, patch) for model, (patch, _) in changed.items()))
    again = redgreen(*world.words(str(predictions), out, "--json"), state=state)
    assert again.returncode == 0, again.stderr
    lines = json.loads(again.stdout)["predictions"]
    assert {line["model_name_or_path"]: line["outcome"] for line in lines} == {m: o for m, (_, o) in changed.items()}
    assert again.stderr.count("known from an earlier run") == len(PATCHES) - 3


def test_broken_lines_and_missing_repositories_are_named_and_the_rest_goes_on(world: World, tmp_path: Path) -> None:
    elsewhere = world.instance | {"instance_id": "else__where-1", "repo": "else/where"}
    instances = tmp_path / "some.jsonl"
    instances.write_text(f"{json.dumps(world.instance)}\n{{broken\n{json.dumps(elsewhere)}\n")
    words = world.words("gold", tmp_path / "out", "--json")[1:]
    done = redgreen(str(instances), *words, state=tmp_path / "state")
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert (report["resolved_ids"], report["error_ids"]) == ([ID], ["else__where-1"])
    assert report["skipped_records"]["some.jsonl"][0]["where"] == "line 2"
    assert "some.jsonl, line 2: left out: not JSON" in done.stderr
    assert "has no repository else__where" in done.stderr


def test_a_command_that_redgreen_does_not_know_is_judged_by_its_output(world: World, tmp_path: Path) -> None:
    record = {"repo": "library/shelf", "packages": "pytest", "install": "true"}
    command = {"test_command": "set -e; python -m pytest -rA"}
    environments = write_lines(tmp_path / "env.jsonl", record | command)
    words = [str(world.instances), "--predictions", "gold", "--repos", str(world.top / "repos"), "--json"]
    out = tmp_path / "out"
    done = redgreen(*words, "--environments", str(environments), "--out", str(out), state=tmp_path / "state")
    assert done.returncode == 0, done.stderr
    own = json.loads((out / "logs/run_evaluation/redgreen/gold" / ID / "report.json").read_text())[ID]
    assert (own["resolved"], own["redgreen"]["evidence"]) == (True, "log")


def test_an_interrupted_evaluation_leaves_no_container(world: World, tmp_path: Path) -> None:
    sleeper = FIXED.replace('"""Sorting', 'import time\n\ntime.sleep(300)\n"""Sorting')
    predictions = write_lines(tmp_path / "p.jsonl", prediction("sleeper", diff(BOOKS, BEFORE, sleeper)))
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "eval", *world.words(str(predictions), tmp_path / "out")],
        env={**os.environ, "REDGREEN_STORE__DIRECTORY": str(tmp_path / "state")},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    daemon = Daemon.connect("")

    def containers() -> list[str]:
        found = daemon.containers(LABEL)
        return [id_ for id_, labels in found if json.loads(labels[LABEL])["pid"] == process.pid]

    try:
        deadline = time.monotonic() + 240
        while not containers() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        assert containers()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert containers() == []
    finally:
        process.kill()
        process.communicate()
        daemon.close()
    assert not (tmp_path / "out" / "report.json").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["missing.jsonl", "--predictions", "gold", "--repos", "."], "missing.jsonl cannot be read"),
        (["INSTANCES", "--predictions", "none.jsonl", "--repos", "."], "--predictions: none.jsonl cannot be read"),
        (["INSTANCES", "--predictions", "gold", "--repos", "nowhere"], "--repos: there is no directory nowhere"),
        (["INSTANCES", "--predictions", "gold", "--repos", ".", "--run-id", "a/b"], "--run-id: "),
        (["INSTANCES", "--predictions", "INSTANCES", "--repos", "."], None),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    world: World, tmp_path: Path, words: list[str], told: str | None
) -> None:
    given = [str(world.instances) if word == "INSTANCES" else word for word in words]
    done = redgreen(*given, "--out", str(tmp_path / "out"), state=tmp_path / "state")
    if told is None:
        # Instances are predictions of nobody: no model, no patch.
        assert done.returncode == 0
        assert "empty_patch" in done.stdout
        return
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
