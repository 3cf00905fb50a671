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


@pytest.mark.parametrize("words", [r"b'3\n'", r"b'no\n'", r"b'{\"id\": []}\n'"])
def test_a_candidate_that_writes_to_the_workers_pipe_ends_only_itself(worker: WarmWorker, words: str) -> None:
    body = f"""n * RATE + n
    import os
    for pipe in range(3, 60):
        try:
            os.write(pipe, {words})
        except OSError:
            pass"""
    outcome = run(worker, SOURCE.replace("n * RATE", body))
    assert (outcome.end, outcome.green()) == ("died", frozenset())
    assert run(worker, SOURCE.replace("n * RATE", "n * RATE + n")).green() == {F, ZERO}


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


ENDLESS = '{"id": 1, "end": "", "seconds": 0, "tests": {"a": {"status": "passed", "lines": {"a.py": [Infinity]}}}}'


@pytest.mark.parametrize("line", ["[" * 100_000, "[]", "no", '{"id": {}}', '{"id": 1, "tests": {"a": []}}', ENDLESS])
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


# --- what a search asks of it ------------------------------------------------------------------------------------


def test_an_endless_loop_is_ended_by_its_processor_time_long_before_the_clock(worker: WarmWorker) -> None:
    outcome = run(
        worker,
        SOURCE.replace("return n * RATE", "\n        while True: pass"),
        test_seconds=60.0,
        cpu_seconds=0.3,
        total_seconds=90.0,
    )
    assert outcome.green() == frozenset()
    assert all(trace.slow for trace in outcome.tests.values())
    assert outcome.seconds < 45


def test_a_red_test_says_how_it_failed(worker: WarmWorker) -> None:
    fault = run(worker, SOURCE.replace("return n * RATE", "return {}[n]")).tests[F].fault
    assert fault is not None
    assert (fault.kind, fault.place, fault.words, fault.line) == ("KeyError", "inner", "2", 5)
    assert run(worker).tests[ZERO].fault is None


HOT = (
    "def test_a():\n    from calc import f\n    assert f(1) == {a}\n",
    "def test_b():\n    assert 0\n",
    "def test_c():\n    pass\n",
)
NAMES = tuple(TestId(f"test_s.py::test_{letter}") for letter in "abc")


def hot(environment: DirectoryEnvironment, runner: str = "pytest", tests: tuple[TestId, ...] = NAMES) -> WarmWorker:
    return WarmWorker(
        environment, WorkerConfig(runner=runner, mode="hot", slots=1, tests=tests, sources={"calc.py": SOURCE})
    )


@pytest.mark.parametrize(
    ("a", "options", "ran"),
    [
        (9, {"give_up": 2}, 2),
        (9, {"give_up": 1}, 1),
        (2, {"give_up": 1}, 3),
        (9, {"goal": 1}, 1),
        (2, {"goal": 1}, 2),
        (9, {}, 3),
    ],
)
def test_tests_that_can_change_nothing_any_more_are_not_run(
    a: int, options: dict[str, int], ran: int, tmp_path: Path
) -> None:
    text = "".join(HOT).format(a=a)
    environment = DirectoryEnvironment(tmp_path, {"calc.py": SOURCE, "test_s.py": text})
    worker = hot(environment)
    try:
        assert len(worker.run(Job(id=1, stages=(NAMES,), **options)).tests) == ran  # type: ignore[arg-type]
    finally:
        worker.close()


def test_unittest_cases_stop_and_tell_their_faults_alike(tmp_path: Path) -> None:
    case = (
        "import unittest\n\n\nclass T(unittest.TestCase):\n"
        "    def test_a(self):\n        raise KeyError(1)\n\n    def test_b(self):\n        self.assertEqual(1, 2)\n\n"
        "    def test_c(self):\n        pass\n"
    )
    environment = DirectoryEnvironment(tmp_path, {"calc.py": SOURCE, "test_u.py": case}, runner="unittest")
    tests = tuple(TestId(f"test_u.T.test_{letter}") for letter in "abc")
    worker = hot(environment, "unittest", tests)
    try:
        all_ = worker.run(Job(id=1, stages=(tests,))).tests
        some = worker.run(Job(id=2, stages=(tests,), give_up=2)).tests
    finally:
        worker.close()
    kinds = [trace.fault.kind if trace.fault else "" for trace in all_.values()]
    assert kinds == ["KeyError", "AssertionError", ""]
    assert len(some) == 2


CLASSES = """class Box:
    def __init__(self, items):
        self.items = items

    @classmethod
    def of(cls, *items):
        return cls(list(items))

    @staticmethod
    def double(n):
        return 2 * n

    def grown(self, by):
        self.items.append(by)
        return sum(self.items)


def each(items, seen):
    for item in items:
        seen.add(item)
        yield (lambda x: x + 1)(item)


def opened(path):
    return open(path)
"""
CLASS_TESTS = """from box import Box, each, opened


def test_box(tmp_path):
    box = Box([1, 2.5])
    assert box.grown(3) == 6.5
    assert Box.double(4) == 8
    assert Box.of(1).items == [1]
    assert list(each([1, 2], {3})) == [2, 3]
    opened(__file__).close()
"""


def test_calls_are_recorded_as_they_were_and_replayed_with_variants(tmp_path: Path) -> None:
    environment = DirectoryEnvironment(tmp_path, {"box.py": CLASSES, "test_box.py": CLASS_TESTS})
    test = TestId("test_box.py::test_box")
    worker = WarmWorker(environment, WorkerConfig(runner="pytest", mode="cold", slots=1))
    try:
        calls = worker.run(Job(id=1, stages=((test,),), observed=("box.py",))).calls
        names = {(call.name, call.outer) for call in calls}
        replayed = Job(id=2, stages=((test,),), replayed=calls, variants=5)
        base = [worker.run(replayed).outcomes for _ in "ab"]
        source = CLASSES.replace("return sum(self.items)", "return sum(self.items[1:])").replace("2 * n", "n + n")
        new = worker.run(Job(id=3, stages=((test,),), replayed=calls, variants=5, patches={"box.py": source}))
    finally:
        worker.close()
    assert names == {
        ("Box.__init__", True),
        ("Box.__init__", False),
        ("Box.grown", True),
        ("Box.double", True),
        ("each", True),
        ("opened", True),
    }, "not the closure, not what takes any number of arguments"
    assert base[0] == base[1]
    assert all(len(row) == 6 for row in base[0])
    differing = {
        call.name for call, before, after in zip(calls, base[0], new.outcomes, strict=True) if before[0] != after[0]
    }
    assert differing == {"Box.grown"}


def test_a_replayed_call_that_hangs_is_one_answer_among_others(environment: DirectoryEnvironment) -> None:
    worker = WarmWorker(environment, WorkerConfig(runner="pytest", mode="cold", slots=1))
    try:
        calls = worker.run(Job(id=1, stages=((F, ZERO),), observed=("calc.py",))).calls
        text = SOURCE.replace("    return inner() + extra", "    while n: pass\n    return inner() + extra")
        job = Job(
            id=2, stages=((F, ZERO),), replayed=calls, patches={"calc.py": text}, total_seconds=60, test_seconds=60
        )
        outcomes = worker.run(job).outcomes
        raising = SOURCE.replace("return inner() + extra", "return missing")
        job = Job(id=3, stages=((F, ZERO),), replayed=calls, patches={"calc.py": raising})
        raised = worker.run(job).outcomes
    finally:
        worker.close()
    assert [call.name for call in calls] == ["f", "f"]
    assert outcomes[0] == ("slow",)
    assert outcomes[1][0].startswith("v")
    assert set(raised) == {("raised NameError",)}


@pytest.mark.parametrize(
    "changed",
    [
        SOURCE.replace("n * RATE", "n * RATE * 1 + n"),
        SOURCE.replace("    return inner() + extra", "    extra = n\n    return inner() + extra"),
        SOURCE.replace("def f(n, extra=0):", "def f(n, extra=0):\n    extra = n"),
        SOURCE + "    return 1\n",
    ],
)
def test_a_change_is_the_same_whether_a_part_is_compiled_or_the_whole(worker: WarmWorker, changed: str) -> None:
    namespace: dict[str, object] = {}
    exec(changed, namespace)
    expected = {test for test, want in ((F, "f(2) == 6"), (ZERO, "f(0) == 0")) if eval(want, namespace)}
    assert run(worker, changed).green() == expected


# --- the assertion that failed, once more ------------------------------------------------------------------------


def asked(tmp_path: Path, mode: str, text: str, *names: str, source: str = SOURCE, **options: object) -> RunOutcome:
    """What these tests of one file come to in a worker, with `source` beside them."""
    tests = tuple(TestId(f"test_q.py::{name}") for name in names)
    environment = DirectoryEnvironment(tmp_path, {"calc.py": source, "test_q.py": text})
    config = WorkerConfig(runner="pytest", mode=mode, slots=1, tests=tests, sources={"calc.py": source})
    worker = WarmWorker(environment, config)
    try:
        return worker.run(Job(id=1, stages=(tests,), **options))  # type: ignore[arg-type]
    finally:
        worker.close()


def held(outcome: RunOutcome, name: str) -> str | None:
    fault = outcome.tests[TestId(f"test_q.py::{name}")].fault
    return None if fault is None else fault.held


SHARED = """from itertools import count

ids = count()


def test_a():
    assert (next(ids), 1) == (5, 1)


def test_b():
    assert next(ids) == 1
"""


@pytest.mark.parametrize("mode", ["hot", "cold"])
@pytest.mark.parametrize("ask_again", [False, True])
def test_evaluating_an_assertion_again_changes_the_status_of_no_test(
    mode: str, ask_again: bool, tmp_path: Path
) -> None:
    outcome = asked(tmp_path, mode, SHARED, "test_a", "test_b", ask_again=ask_again)
    assert {test[-1]: trace.status for test, trace in outcome.tests.items()} == {"a": "failed", "b": "passed"}
    assert held(outcome, "test_a") == ("01" if ask_again else "")


BLOCKING = """import queue


def test_a():
    q = queue.Queue()
    q.put(1)
    assert q.get() == 2
"""
DEAF = """seen = []


def value():
    while seen:
        try:
            while True:
                pass
        except BaseException:
            pass
    seen.append(1)
    return 1


def test_a():
    assert value() == 2
"""
LEAVING = """import os

seen = []


def test_a():
    assert (seen.append(1) or os._exit(3) if seen else seen.append(1)) == 2
"""


@pytest.mark.parametrize("mode", ["hot", "cold"])
@pytest.mark.parametrize("text", [BLOCKING, DEAF, LEAVING])
def test_an_assertion_that_does_not_end_a_second_time_says_nothing_and_marks_no_test_as_slow(
    text: str, mode: str, tmp_path: Path
) -> None:
    outcome = asked(
        tmp_path, mode, text, "test_a", ask_again=True, test_seconds=30.0, cpu_seconds=20.0, total_seconds=40.0
    )
    trace = outcome.tests[TestId("test_q.py::test_a")]
    assert (outcome.end, trace.status, trace.slow) == ("complete", "failed", False)
    assert held(outcome, "test_a") == ""
    assert outcome.seconds < 10


@pytest.mark.parametrize("mode", ["hot", "cold"])
def test_an_assertion_in_a_file_that_candidates_change_is_not_read_from_the_disk(mode: str, tmp_path: Path) -> None:
    source = "def test_point(n):\n    assert (n, 1) == (5, 1)\n"
    text = "import calc\n\n\ndef test_a():\n    calc.test_point(3)\n"
    outcome = asked(tmp_path, mode, text, "test_a", source=source, ask_again=True)
    fault = outcome.tests[TestId("test_q.py::test_a")].fault
    assert fault is not None
    assert (fault.place, fault.held) == ("test_point", "")
