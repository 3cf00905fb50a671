"""Grading predictions of one SWE-bench instance, against the plain sum of their test runs: a ratio.

The instance is the case `tests/cases/python/shelf` with a test that computes for some seconds; the predictions are
patches of which every fourth is no fix. The plain sum is what the same test command takes on the same trees in the same
image, one after the other in one container that is there already: no start of containers, no canaries, no report, no
grading. The image is built before anything is timed.

    python benchmarks/grading.py [--predictions 20] [--workers 2] [--seconds 5] [--rounds 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.verify_overhead import connect
from bot.evaluation import Evaluation, Setting
from sandbox.engine import Engine
from sandbox.layout import VENV
from sandbox.swebench.environments import read_environments
from sandbox.swebench.records import Instance, Prediction
from sandbox.swebench.report import Outcome
from sandbox.tree import GitTree, attach, create
from sandbox.types import Limits
from tests.support.cases import CASES, files_of

IDENTITY = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com")
BOOKS, TESTS = "shelf/books.py", "tests/test_books.py"
NEW_TEST = """

def test_an_is_an_article():
    assert title_key("An Idiot") == "idiot"


def test_takes_its_time():
    import time

    end = time.process_time() + {seconds}
    while time.process_time() < end:
        sum(range(1000))
"""


def world(top: Path, seconds: float, count: int) -> tuple[Instance, list[Prediction]]:
    """A repository below `top`, its instance, and as many different patches as wanted."""
    repository = top / "repos" / "library__shelf"
    for path, data in files_of(CASES / "python" / "shelf").items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_bytes(data)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "Start"]):
        subprocess.run(["git", "-C", str(repository), *IDENTITY, *words], check=True)
    base = GitTree.at(attach(repository, create(top / "made.git")), _head(repository))
    text = (base.read(BOOKS) or b"").decode()
    tests = (base.read(TESTS) or b"").decode() + NEW_TEST.format(seconds=seconds)
    fixed = text.replace('("a", "the")', '("a", "an", "the")')
    names = ("test_an_is_an_article", "test_takes_its_time", "test_sorted_by_key")
    instance = Instance(
        instance_id="library__shelf-1",
        repo="library/shelf",
        base_commit=_head(repository),
        patch="",
        test_patch=base.diff(base.with_files({TESTS: tests.encode()})),
        fail_to_pass=tuple(f"{TESTS}::{name}" for name in names[:1]),
        pass_to_pass=tuple(f"{TESTS}::{name}" for name in names[1:]),
    )
    made = []
    for number in range(count):
        after = f"{text if number % 4 == 3 else fixed}\n# {number}\n"
        patch = base.diff(base.with_files({BOOKS: after.encode()}))
        made.append(Prediction(instance_id=instance.instance_id, model=f"model-{number}", patch=patch))
    return instance, made


def _head(repository: Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def graded(evaluation: Evaluation, instance: Instance, predictions: list[Prediction], workers: int) -> float:
    """Seconds until all are graded."""
    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        done = list(pool.map(lambda prediction: evaluation.grade(instance, prediction), predictions))
    seconds = time.perf_counter() - started
    wanted = [Outcome.UNRESOLVED if number % 4 == 3 else Outcome.RESOLVED for number in range(len(predictions))]
    assert [item.graded.outcome for item in done] == wanted, [item.graded for item in done]
    return seconds


def plain(engine: Engine, evaluation: Evaluation, instance: Instance, predictions: list[Prediction]) -> float:
    """The sum of what the test command alone takes, in seconds."""
    stage = evaluation.stage(instance)
    total = 0.0
    with engine.container(stage.image, Limits()) as container:
        for prediction in predictions:
            tree = stage.base.apply(prediction.patch or "").overlay(stage.tests, stage.test_paths)
            container.put_tree(tree)
            result = container.run([f"{VENV}/bin/python", "-m", "pytest", "-rA", TESTS], timeout=600)
            assert result.exit_code in (0, 1), result.output
            total += result.seconds
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    record = {"repo": "library/shelf", "packages": "pytest", "install": "true", "test_command": "pytest -rA"}
    engine = connect()
    rounds = []
    with tempfile.TemporaryDirectory(prefix="redgreen-grading-") as scratch:
        top = Path(scratch)
        instance, predictions = world(top, options.seconds, options.predictions)
        evaluation = Evaluation(
            Setting(
                engine=engine,
                repositories=top / "repos",
                scratch=top / "scratch",
                environments=read_environments(json.dumps(record).encode()),
                limits=Limits(),
                timeout=600.0,
                progress=lambda _: None,
            )
        )
        graded(evaluation, instance, predictions[:1], 1)
        for _ in range(options.rounds):
            alone = plain(engine, evaluation, instance, predictions)
            whole = graded(evaluation, instance, predictions, options.workers)
            rounds.append({"plain_sum": round(alone, 2), "grading": round(whole, 2), "ratio": round(whole / alone, 3)})
    engine.close()
    middle = statistics.median(entry["ratio"] for entry in rounds)
    if options.json:
        print(json.dumps({**vars(options), "rounds": rounds, "ratio": middle}))
    else:
        for entry in rounds:
            print(f"plain sum {entry['plain_sum']} s, graded in {entry['grading']} s: ratio {entry['ratio']}")
        print(f"ratio {middle} (median; {options.predictions} predictions, {options.workers} workers)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
