"""The warm worker: what it runs, traces and swaps, and what it does not let itself be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from agents.repair.types import RunOutcome
from agents.repair.warm import Job, WarmWorker, WorkerConfig, WorkerLost, runner_of
from agents.repair.worker import bundle
from sandbox.types import TestId
from tests.support.repair_env import DirectoryEnvironment

SOURCE = "RATE = 2\n\n\ndef f(n, extra=0):\n    def inner():\n        return n * RATE\n\n    return inner() + extra\n"
TESTS = "from calc import f\n\n\ndef test_f():\n    assert f(2) == 6\n\n\ndef test_zero():\n    assert f(0) == 0\n"
F, ZERO = TestId("test_calc.py::test_f"), TestId("test_calc.py::test_zero")


@pytest.fixture
def environment(tmp_path: Path) -> DirectoryEnvironment:
    return DirectoryEnvironment(tmp_path, {"calc.py": SOURCE, "test_calc.py": TESTS})


@pytest.fixture(params=["hot", "cold"])
def worker(request: pytest.FixtureRequest, environment: DirectoryEnvironment) -> Iterator[WarmWorker]:
    config = WorkerConfig(runner="pytest", mode=request.param, tests=(F, ZERO), sources={"calc.py": SOURCE})
    worker = WarmWorker(environment, config)
    yield worker
    worker.close()


def run(worker: WarmWorker, source: str | None = None, **options: object) -> RunOutcome:
    patches = {} if source is None else {"calc.py": source}
    return worker.run(Job(id=1, stages=((F, ZERO),), patches=patches, **options))  # type: ignore[arg-type]


def test_it_tells_green_from_red(worker: WarmWorker) -> None:
    outcome = run(worker)
    assert (outcome.end, outcome.green()) == ("complete", {ZERO})
    assert outcome.tests[F].status == "failed"


def test_a_changed_body_counts_for_one_job_only_and_changes_no_file(
    worker: WarmWorker, environment: DirectoryEnvironment
) -> None:
    assert run(worker, SOURCE.replace("n * RATE", "n * RATE + n")).green() == {F, ZERO}
    assert run(worker).green() == {ZERO}
    assert environment.read("calc.py").decode() == SOURCE
    assert environment.diff() == ""


@pytest.mark.parametrize(
    "changed",
    [
        SOURCE.replace("RATE = 2", "RATE = 3"),
        SOURCE.replace("extra=0", "extra=2").replace("n * RATE", "n and n * RATE"),
    ],
)
def test_a_change_outside_of_bodies_is_cold_or_right_never_wrong(worker: WarmWorker, changed: str) -> None:
    outcome = run(worker, changed)
    assert outcome.end == "cold" or outcome.tests[F].is_green


@pytest.mark.parametrize(
    ("body", "end"),
    [
        ("import os; os._exit(0)", "died"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "died"),
        ("import sys; sys.exit(0)", "complete"),
        ("raise KeyboardInterrupt", "complete"),
    ],
)
def test_a_candidate_that_leaves_has_not_passed(worker: WarmWorker, body: str, end: str) -> None:
    outcome = run(worker, SOURCE.replace("return n * RATE", body))
    assert outcome.green() == frozenset()
    assert outcome.end in (end, "died", "complete", "crashed: KeyboardInterrupt")
    assert run(worker).green() == {ZERO}, "the worker itself lives on"


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "\n        while 1:\n            try:\n                while 1: pass\n            except BaseException: pass",
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)); import time; time.sleep(60)",
    ],
)
def test_a_candidate_that_hangs_is_ended(worker: WarmWorker, body: str) -> None:
    outcome = run(worker, SOURCE.replace("return n * RATE", body), test_seconds=0.5, total_seconds=8.0)
    assert outcome.green() == frozenset()
    assert outcome.seconds < 12


def test_a_candidate_that_prints_json_is_not_heard(worker: WarmWorker) -> None:
    said = 'import os; [os.write(d, b\'{"id": 1, "end": "complete", "tests": {}}\\n\') for d in (1, 2)]; return 0'
    assert run(worker, SOURCE.replace("return n * RATE", said)).green() == {ZERO}


def test_memory_is_limited(worker: WarmWorker) -> None:
    source = SOURCE.replace("return n * RATE", "return len([bytes(1 << 20) for _ in range(4096)])")
    assert run(worker, source, memory_bytes=512 << 20).tests[F].status == "failed"


def test_the_first_red_test_is_enough_when_asked(worker: WarmWorker) -> None:
    assert set(run(worker, stop_on_red=True).tests) == {F}


def test_lines_are_traced_in_the_tree_only(environment: DirectoryEnvironment) -> None:
    worker = WarmWorker(environment, WorkerConfig(runner="pytest", mode="cold"))
    try:
        outcome = worker.run(Job(id=1, stages=((F,),), traced=True, modules=True))
        narrowed = worker.run(Job(id=2, stages=((F,),), traced=True, trace_only=("calc.py",)))
    finally:
        worker.close()
    assert outcome.tests[F].lines["calc.py"] == {4, 5, 6, 8}
    assert set(outcome.tests[F].lines) == {"calc.py", "test_calc.py"}
    assert set(narrowed.tests[F].lines) == {"calc.py"}
    assert "_pytest.python" in outcome.modules
    assert "calc" not in outcome.modules


def test_later_stages_run_only_after_green_ones(environment: DirectoryEnvironment) -> None:
    worker = WarmWorker(environment, WorkerConfig(runner="pytest", mode="cold"))
    try:
        red = worker.run(Job(id=1, stages=((F,), (ZERO,)), stop_on_red=True))
        green = worker.run(Job(id=2, stages=((ZERO,), (F,)), stop_on_red=True))
    finally:
        worker.close()
    assert (red.end, set(red.tests)) == ("red", {F})
    assert set(green.tests) == {ZERO, F}


def test_a_whole_suite_with_a_hanging_test_is_told_apart(tmp_path: Path) -> None:
    hanging = (
        "def test_a():\n    assert 1\n\ndef test_b():\n    while True:\n        pass\n\ndef test_c():\n    assert 1\n"
    )
    worker = WarmWorker(
        DirectoryEnvironment(tmp_path, {"test_h.py": hanging}), WorkerConfig(runner="pytest", mode="cold")
    )
    try:
        outcome = worker.run(Job(id=1, stages=((TestId("*"),),), test_seconds=1.0, total_seconds=30.0))
    finally:
        worker.close()
    assert outcome.green() == {"test_h.py::test_a", "test_h.py::test_c"}
    assert not outcome.tests[TestId("test_h.py::test_b")].is_green


def test_unittest_cases_run_by_their_dotted_names(tmp_path: Path) -> None:
    case = (
        "import unittest\n\nfrom calc import f\n\n\n"
        "class T(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(f(1), 3)\n"
    )
    files = {"calc.py": SOURCE, "tests/test_calc.py": case}
    test = TestId("test_calc.T.test_f")
    environment = DirectoryEnvironment(tmp_path, files, runner="unittest")
    for mode in ("cold", "hot"):
        worker = WarmWorker(
            environment, WorkerConfig(runner="unittest", mode=mode, tests=(test,), sources={"calc.py": SOURCE})
        )
        try:
            before = worker.run(Job(id=1, stages=((test,),), traced=mode == "cold"))
            after = worker.run(Job(id=2, stages=((test,),), patches={"calc.py": SOURCE.replace("n * RATE", "n * 3")}))
        finally:
            worker.close()
        assert before.tests[test].status == "failed"
        assert after.green() == {test}


class Babbling:
    """A worker that starts and then says the one line, whatever it is asked."""

    def __init__(self, line: str) -> None:
        self._lines = ['{"python": "3.11"}', line]

    def send(self, line: str) -> None:
        pass

    def receive(self, timeout: float) -> str | None:
        return self._lines.pop(0) if self._lines else None

    def close(self) -> None:
        pass


@pytest.mark.parametrize("line", ["[" * 100_000, "[]", "no", '{"id": {}}', '{"id": 1, "tests": {"a": []}}'])
def test_a_worker_that_answers_nonsense_is_lost(tmp_path: Path, line: str) -> None:
    class Environment(DirectoryEnvironment):
        def open_lines(self, script: str, arguments: Sequence[str] = ()) -> Babbling:  # type: ignore[override]
            return Babbling(line)

    worker = WarmWorker(Environment(tmp_path, {"a.py": ""}), WorkerConfig(runner="pytest", mode="cold"))
    with pytest.raises(WorkerLost):
        worker.run(Job(id=1, stages=()))


def test_a_worker_that_cannot_start_is_lost_not_waited_for(tmp_path: Path) -> None:
    environment = DirectoryEnvironment(tmp_path, {"test_x.py": "import sys\nsys.exit(3)\n"})
    with pytest.raises(WorkerLost):
        WarmWorker(environment, WorkerConfig(runner="pytest", mode="hot", tests=(TestId("test_x.py::t"),)))


def test_the_program_names_no_path_of_this_machine_and_is_one_text() -> None:
    text = bundle()
    compile(text, "worker", "exec")
    assert str(Path(__file__).parent.parent) not in text


def test_the_runner_is_known_by_its_ids() -> None:
    assert runner_of([F]) == "pytest"
    assert runner_of([TestId("tests.test_a.T.test_b")]) == "unittest"
