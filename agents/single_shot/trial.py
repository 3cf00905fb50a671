"""Running what was sampled: tests on base, and candidate patches with the tests that count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agents.protocols import Environment
from agents.repair import textdiff
from agents.single_shot.ballot import Outcome, Sampled, Witnesses, broken, judged
from agents.single_shot.habit import test_ids
from agents.single_shot.repomap import definitions
from agents.single_shot.sources import Sources
from sandbox.errors import SetupError
from sandbox.types import TestId, TestReport

_COMPILES = "import ast,sys\nfor p in sys.argv[1:]: ast.parse(open(p,encoding='utf-8').read(),p)"
"""Asked of the environment's own interpreter, whose Python may be newer or older than the host's grammar."""
MOST_SECONDS = 300.0
"""Of one run of the tests."""
LEAST_SECONDS = 20.0


@dataclass(frozen=True)
class Trial:
    environment: Environment
    sources: Sources
    seconds_left: Callable[[], float]
    base: TestReport
    """All tests on base."""

    def sampled(self, path: str, text: str) -> Sampled:
        """A new test file on base's source. The tree is base again afterwards."""
        self.environment.reset()
        try:
            self.environment.write(path, text.encode("utf-8"))
            report = self._new_tests(path, text)
        except (OSError, ValueError) as error:
            return Sampled(path=path, text=text, why_not=f"cannot be written ({error})")
        finally:
            self.environment.reset()
        new = {test: result for test, result in report.results.items() if test not in self.base.results}
        return judged(path, text, new, report.collection_errors)

    def candidate(
        self, number: int, files: Mapping[str, str], witnesses: Witnesses, demanded: Sequence[TestId]
    ) -> Outcome:
        """A patch with the witnesses beside it: first the tests that it must turn green, then all of base's."""
        size = _size(self.sources, files)
        self.put(files, witnesses.samples)
        python = [path for path in files if path.endswith(".py")]
        if python and self.environment.run(["python3", "-c", _COMPILES, *python], timeout=30.0).exit_code == 1:
            return Outcome(number=number, files=files, size=size, problem="does not compile")
        asked = (*witnesses.tests, *demanded)
        green = self._run(asked).green & frozenset(asked)
        if not green:
            return Outcome(number=number, files=files, size=size)
        lost = broken(self.base, self._run(()), asked) if self.base.green else ()
        return Outcome(number=number, files=files, size=size, green=green, broken=lost)

    def put(self, files: Mapping[str, str], witnesses: Sequence[Sampled]) -> None:
        """Base with these changes and new tests."""
        self.environment.reset()
        for path, text in files.items():
            self.environment.write(path, text.encode("utf-8"))
        for witness in witnesses:
            self.environment.write(witness.path, witness.text.encode("utf-8"))

    def _new_tests(self, path: str, text: str) -> TestReport:
        """The tests of a new file by the ids they should have; where none has such an id, the whole suite."""
        if path.endswith(".py"):
            dotted = any("::" not in test for test in self.base.results)
            ids = test_ids(path, [one.name for one in definitions(path, text)], dotted=dotted)
            report = self._run([TestId(test) for test in ids]) if ids else None
            if report is not None and (report.results or report.collection_errors):
                return report
        return self._run(())

    def _run(self, selection: Sequence[TestId]) -> TestReport:
        return run_tests(self.environment, selection, self.seconds_left())


def run_tests(environment: Environment, selection: Sequence[TestId], seconds_left: float) -> TestReport:
    """An empty, incomplete report where the environment knows no runner."""
    timeout = max(LEAST_SECONDS, min(MOST_SECONDS, seconds_left / 4))
    try:
        return environment.run_tests(selection, timeout=timeout)
    except SetupError:
        return TestReport(results={})


def _size(sources: Sources, files: Mapping[str, str]) -> int:
    diff = textdiff.unified(sources.files, files)
    return sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in diff.splitlines())
