"""`redgreen eval --model` as a person uses it: real processes, containers, and a model behind a real socket."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox.daemon import Daemon
from sandbox.orphans import LABEL
from tests.support import counter
from tests.support.counter import CALL_USD, CALLS, CENTS, INITIALS, NAME, SECRETS, SHIPPING, Script, World
from tests.support.model_server import serving
from tests.support.vendors import VendorServer

BOTH = ("--model", "repair", "--model", NAME)


class Eval:
    """One command line after another in one place, against one scripted model."""

    def __init__(self, world: World, server: VendorServer, top: Path) -> None:
        self.world = world
        self.out = top / "out"
        self.lineup = top / "models.toml"
        self.lineup.write_text(counter.lineup(server.url))
        self.environment = {
            **os.environ,
            "REDGREEN_STORE__DIRECTORY": str(top / "state"),
            "REDGREEN_MODELS__FILE": str(self.lineup),
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", "eval", *self.world.words(self.out, "--workers", "1", *words)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        try:
            output, errors = process.communicate(timeout=500)
        finally:
            process.kill()
        return process.returncode, output, errors

    def report(self, *words: str, code: int = 0) -> dict[str, Any]:
        found, output, errors = self.run(*words, "--json")
        assert found == code, errors
        document: dict[str, Any] = json.loads(output)
        return document

    def wait_for_step(self, instance: str, index: int) -> None:
        """A step is stored while the call after it is under way."""
        path = self.out / "attempts" / NAME / "1" / instance / "steps.jsonl"
        end = time.monotonic() + 60
        while f'\n{{"index": {index},' not in path.read_text():
            assert time.monotonic() < end, f"step {index} of {instance} was not stored"
            time.sleep(0.05)

    def compare(self, *directories: Path) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "bot", "compare", *map(str, directories), "--json"]
        return subprocess.run(words, capture_output=True, text=True, env=self.environment, timeout=60, check=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("counter"))


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def server(script: Script) -> Iterator[VendorServer]:
    with serving(VendorServer(vendor=counter.VENDOR, model="m", window=100_000, play=script.play)) as running:
        yield running
    assert running.violations == running.refused == []


@pytest.fixture
def eval_(world: World, server: VendorServer, tmp_path: Path) -> Eval:
    return Eval(world, server, tmp_path)


def containers_of(process: subprocess.Popen[str]) -> list[str]:
    daemon = Daemon.connect("")
    try:
        return [id_ for id_, labels in daemon.containers(LABEL) if json.loads(labels[LABEL])["pid"] == process.pid]
    finally:
        daemon.close()


@pytest.mark.docker
@pytest.mark.timeout(1500)  # a whole evaluation, interrupted twice, on a machine that may be busy
def test_two_models_are_solved_graded_judged_and_compared(
    eval_: Eval, script: Script, server: VendorServer, tmp_path: Path
) -> None:
    # Ctrl-C while the model thinks about the second instance: it is not waited for, and no container is left.
    script.hold = (SHIPPING, 1)
    process = eval_.start(*BOTH)
    assert script.reached.wait(300), process.kill() or process.communicate()
    stopped = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert time.monotonic() - stopped < 30
    assert containers_of(process) == []
    script.go.set()
    kept = (eval_.out / "predictions" / f"{NAME}.redgreen-1.jsonl").read_text().splitlines()
    assert [json.loads(line)["instance_id"] for line in kept] == [CENTS]

    # Killed while it thinks about the third.
    script.reached.clear()
    script.go.clear()
    script.hold = (INITIALS, 3)
    process = eval_.start(*BOTH)
    assert script.reached.wait(300), process.kill() or process.communicate()
    eval_.wait_for_step(INITIALS, 2)
    process.kill()
    process.communicate(timeout=60)
    script.go.set()

    report = eval_.report(*BOTH)
    asked_twice = {(SHIPPING, 1), (INITIALS, 3)}
    expected = {(name, turn): 1 + ((name, turn) in asked_twice) for name in counter.STATEMENTS for turn in range(CALLS)}
    assert dict(script.answered) == expected, "only a call that was under way is made again"

    _check_numbers(report)
    _check_that_nothing_leaked(server)
    assert json.loads((eval_.out / "report.json").read_text()) == report

    # Once more: everything is known, and nothing is asked or run.
    assert eval_.report(*BOTH) == report
    assert dict(script.answered) == expected

    _check_that_its_predictions_are_graded_alike(eval_, report, tmp_path)
    _check_that_another_making_is_refused(eval_, server, script)


def _check_numbers(report: dict[str, Any]) -> None:
    found = {(line["model"], line["instance_id"]): (line["outcome"], line["verdict"]) for line in report["trials"]}
    assert found == {
        ("repair", CENTS): ("resolved", "Verified"),
        ("repair", SHIPPING): ("resolved", "Verified"),
        ("repair", INITIALS): ("empty_patch", ""),
        (NAME, CENTS): ("resolved", "Verified"),
        (NAME, SHIPPING): ("unresolved", "Verified"),
        (NAME, INITIALS): ("resolved", "Verified"),
    }
    repair, scripted = report["models"]["repair"], report["models"][NAME]
    for model in (repair, scripted):
        assert (model["pass_at_1"]["successes"], model["pass_at_1"]["n"]) == (2, 3)
        # Wilson, by hand: z = 1.96, (2/3 + z²/6 ± z·sqrt((2/9 + z²/12)/3)) / (1 + z²/3)
        assert (model["pass_at_1"]["low"], model["pass_at_1"]["high"]) == pytest.approx((0.2077, 0.9385), abs=1e-4)
        assert model["rank"] is None
        assert (model["samples"][0]["resolved_instances"], model["samples"][0]["schema_version"]) == (2, 2)
    assert repair["trials"] == {"resolved": 2, "unresolved": 0, "empty_patch": 1, "error": 0, "not_made": 0}
    assert (repair["cost_usd"], repair["usage"]["input_tokens"]) == (0, 0)
    calls = 3 * CALLS
    assert scripted["cost_usd"] == pytest.approx(calls * CALL_USD)
    assert scripted["cost_per_resolved_usd"] == pytest.approx(calls * CALL_USD / 2)
    assert scripted["usage"] == {
        "input_tokens": 15_000,
        "output_tokens": 1_500,
        "cache_read_tokens": 6_000,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
    }
    assert scripted["steps_per_trial"] == CALLS
    assert scripted["seconds_per_trial"] > 0
    (pair,) = report["comparisons"]
    assert (pair["models"], pair["instances"], pair["b"], pair["c"], pair["p"]) == (["repair", NAME], 3, 1, 1, 1.0)
    # Bonett and Price, by hand: (2/5 - 2/5) ± 1.96·sqrt(4/5 / 5)
    assert (pair["difference"], pair["low"], pair["high"]) == pytest.approx((0, -0.784, 0.784), abs=1e-3)
    agreement = report["agreement"]
    assert (agreement["judged"], agreement["verified_and_resolved"], agreement["verified_not_resolved"]) == (5, 4, 1)
    assert "No rank under 20 instances." in report["notes"]


def _check_that_nothing_leaked(server: VendorServer) -> None:
    """The model looked for it in the whole container, in git's objects too; what it was told is in its requests."""
    told = [json.dumps(received.body) for received in server.requests]
    assert any("Lovelace" in text and "objects: /" in text for text in told), "it finds what is there"
    assert any("commits: 1" in text for text in told)
    assert any("subject: base" in text for text in told)
    for word in (*SECRETS, "town__counter"):
        assert not [text for text in told if word in text], word


def _check_that_its_predictions_are_graded_alike(eval_: Eval, report: dict[str, Any], tmp_path: Path) -> None:
    file = eval_.out / report["models"][NAME]["samples"][0]["predictions"]
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [sorted(line) for line in lines] == [["instance_id", "model_name_or_path", "model_patch"]] * 3
    assert all("tests/test_own.py" in line["model_patch"] for line in lines), "a patch is kept whole"
    first, eval_.out = eval_.out, tmp_path / "graded"
    graded = eval_.report("--predictions", str(file))
    own = {line["instance_id"]: line["outcome"] for line in report["trials"] if line["model"] == NAME}
    assert {line["instance_id"]: line["outcome"] for line in graded["predictions"]} == own

    compared = json.loads(eval_.compare(first, eval_.out).stdout)
    assert set(compared["models"]) == {"repair", f"{NAME} ({first})", f"{NAME} ({eval_.out})"}
    assert compared["models"][f"{NAME} ({eval_.out})"]["cost_usd"] is None, "a file of predictions tells no cost"
    assert [(pair["b"], pair["c"]) for pair in compared["comparisons"]] == [(1, 1), (1, 1), (0, 0)]
    eval_.out = first


def _check_that_another_making_is_refused(eval_: Eval, server: VendorServer, script: Script) -> None:
    before = dict(script.answered)
    eval_.lineup.write_text(counter.lineup(server.url, output_limit=3000))
    code, _, errors = eval_.run(*BOTH)
    assert code == 2
    assert "scripted's output_limit: was 4000, is 3000" in " ".join(errors.split())
    assert dict(script.answered) == before


@pytest.mark.docker
def test_a_budget_ends_before_the_call_that_could_break_it_and_a_larger_one_goes_on(
    eval_: Eval, script: Script, server: VendorServer
) -> None:
    eval_.lineup.write_text(counter.lineup(server.url, output_limit=200, price=counter.BY_OUTPUT))
    words = ("--model", NAME, "--model", "repair", "--no-verify", "--only", CENTS, "--only", INITIALS)
    # Six calls are 0.006; the seventh may cost 0.002.
    report = eval_.report(*words, "--limit-usd", "0.0075", code=2)
    assert sum(script.answered.values()) == CALLS + 1
    outcomes = {(line["model"], line["instance_id"]): line["outcome"] for line in report["trials"]}
    assert outcomes == {
        (NAME, CENTS): "resolved",
        (NAME, INITIALS): None,
        ("repair", CENTS): "resolved",
        ("repair", INITIALS): "empty_patch",
    }
    assert report["models"][NAME]["cost_usd"] == pytest.approx(0.006)
    assert "limit of $0.0075" in next(line["why"] for line in report["trials"] if line["outcome"] is None)
    assert report["models"][NAME]["trials"]["not_made"] == 1
    assert "scripted: 1 of 2 instances are not counted: 1 trials were not made." in report["notes"]
    assert report["same_instances"] is False
    assert all(line["verdict"] == "" for line in report["trials"])

    again = eval_.report(*words, "--limit-usd", "0.0075", code=2)
    assert sum(script.answered.values()) == CALLS + 1, "what is stored counts"
    assert again["models"] == report["models"]

    whole = eval_.report(*words, "--limit-usd", "0.1")
    assert sum(script.answered.values()) == 2 * CALLS
    assert whole["models"][NAME]["pass_at_1"]["successes"] == 2
    assert whole["models"][NAME]["samples"][0]["submitted_ids"] == [CENTS, INITIALS]


@pytest.mark.docker
def test_samples_are_runs_of_their_own_and_an_endpoint_that_fails_is_asked_again(
    eval_: Eval, script: Script, server: VendorServer
) -> None:
    server.key = "another"  # the endpoint refuses everybody
    words = ("--model", NAME, "--samples", "2", "--no-verify", "--only", CENTS, "--workers", "2")
    report = eval_.report(*words, code=2)
    assert report["models"][NAME]["trials"]["error"] == 2
    assert report["models"][NAME]["pass_at_1"]["rate"] == 0
    assert "Incorrect API key" in report["trials"][0]["why"]
    assert sum(script.answered.values()) == 0

    server.key = ""
    report = eval_.report(*words)
    model = report["models"][NAME]
    assert (model["pass_at_1"]["n"], model["any_of_k"]["k"], model["any_of_k"]["successes"]) == (1, 2, 1)
    assert [sample["report"] for sample in model["samples"]] == [f"{NAME}.redgreen-{n}.json" for n in (1, 2)]
    assert sum(script.answered.values()) == 2 * CALLS
    _check_that_nothing_leaked(server)
    for sample in (1, 2):
        place = eval_.out / "attempts" / NAME / str(sample) / CENTS
        assert {path.name for path in place.iterdir()} == {
            "attempt.json", "patch.diff", "steps.jsonl", "trajectory.json"
        }  # fmt: skip


def usage_of(words: Sequence[str], world: World, tmp_path: Path) -> str:
    lineup = tmp_path / "models.toml"
    lineup.write_text(counter.lineup("http://127.0.0.1:9", price="", self_hosted=False))
    done = subprocess.run(
        [sys.executable, "-m", "bot", *words],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "REDGREEN_STORE__DIRECTORY": str(tmp_path / "state"),
            "REDGREEN_MODELS__FILE": str(lineup),
            "ANTHROPIC_API_KEY": "",
        },
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "give --predictions FILE to grade, or --model NAME"),
        (["--predictions", "gold", "--model", "repair"], "not both"),
        (["--predictions", "gold", "--samples", "2"], "go with --model"),
        (["--predictions", "gold", "--no-verify"], "go with --model"),
        (["--model", "nobody"], "--model: There is no model named 'nobody'"),
        (["--model", "claude-sonnet"], "no key. Set ANTHROPIC_API_KEY"),
        (["--model", NAME], "--model: What scripted costs is not known, and spending is limited in dollars"),
        (["--model", "repair", "--only", "a__b-1"], "--only: there is no instance a__b-1"),
        (["--model", "repair", "--run-id", "a/b"], "--run-id: "),
    ],
)
def test_wrong_usage_is_told_before_anything_is_run(
    words: Sequence[str], told: str, world: World, tmp_path: Path
) -> None:
    assert told in usage_of(["eval", *world.words(tmp_path / "out", *words)], world, tmp_path)
    assert not (tmp_path / "out" / "trials.json").exists()


def test_only_outputs_of_the_same_instances_are_compared(world: World, tmp_path: Path) -> None:
    assert "report.json cannot be read" in usage_of(["compare", str(tmp_path / "none")], world, tmp_path)
    for name, digest in (("one", "x"), ("other", "y")):
        (tmp_path / name).mkdir()
        document = {"format": "redgreen-trials/1", "trials": [], "instances": {CENTS: digest}}
        (tmp_path / name / "report.json").write_text(json.dumps(document))
    both = ["compare", str(tmp_path / "one"), str(tmp_path / "other")]
    assert "is not the instance that the others mean" in usage_of(both, world, tmp_path)
    twice = ["compare", str(tmp_path / "one"), str(tmp_path / "other" / ".." / "one")]
    assert "is named twice" in usage_of(twice, world, tmp_path)
    (tmp_path / "one" / "report.json").write_text("[]")
    assert "it is no JSON object" in usage_of(both, world, tmp_path)
