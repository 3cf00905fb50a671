"""What `solve` does around the search: endings, checkpoints, limits. In temporary directories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.repair import solve
from agents.repair.oracle import NEEDED
from agents.repair.solve import CHOSEN, PLAUSIBLE
from agents.types import AttemptLimits, Ending, Step, Task
from sandbox.types import TestId
from tests.support import seeded
from tests.support.repair_env import DirectoryEnvironment, MemoryRecorder
from tests.support.seeded import Seeded

LIMITS = AttemptLimits(seconds=120)


def task_of(case: Seeded, **changes: object) -> Task:
    task = Task(id="7", repository="o/r", base_commit="0" * 40, title=case.title, body=case.body)
    return replace(task, **changes)  # type: ignore[arg-type]


def environment_of(case: Seeded, tmp_path: Path) -> DirectoryEnvironment:
    return DirectoryEnvironment(tmp_path, case.files, runner=case.runner)


GREEN = replace(
    seeded.BOUNDARY,
    files={path: text.replace("value < high", "value <= high") for path, text in seeded.BOUNDARY.files.items()},
)
"""A repository without a red test."""


@pytest.mark.parametrize("case", [seeded.BOUNDARY, seeded.SHARED_DEFAULT, seeded.DOUBLE_DISCOUNT], ids=lambda c: c.name)
def test_a_bug_is_fixed_for_cases_that_nobody_named(case: Seeded, tmp_path: Path) -> None:
    environment, recorder = environment_of(case, tmp_path), MemoryRecorder()
    attempt = solve(task_of(case), environment, None, LIMITS, recorder)
    assert attempt.ending is Ending.SUBMITTED, [step.note for step in recorder.stored]
    environment.reset(attempt.diff)
    report = environment.run_tests()
    assert report.green
    assert not report.red
    assert environment.run(["python3", "-c", case.probe]).exit_code == 0, attempt.diff
    assert (attempt.cost_usd, attempt.usage.input_tokens) == (0.0, 0)
    assert [step.index for step in recorder.stored] == list(range(attempt.steps))
    assert recorder.stored[-1].diff == attempt.diff
    (early,) = [step for step in recorder.stored if step.note.startswith(PLAUSIBLE)]
    environment.reset(early.diff)
    assert not environment.run_tests().red, "the checkpoint taken while searching applies and holds too"


@pytest.mark.parametrize("mark", [CHOSEN, PLAUSIBLE])
def test_a_patch_of_an_interrupted_run_is_taken_up_not_searched_again(mark: str, tmp_path: Path) -> None:
    environment = environment_of(seeded.BOUNDARY, tmp_path)
    fixed = seeded.BOUNDARY.files["ranges.py"].replace("value < high", "value <= high")
    environment.write("ranges.py", fixed.encode())
    diff = environment.diff()
    environment.reset()
    recorder = MemoryRecorder([Step(index=0, messages=(), diff=diff, note=f"{mark}boundary at ranges.py:7")])
    attempt = solve(task_of(seeded.BOUNDARY), environment, None, LIMITS, recorder)
    assert (attempt.ending, attempt.diff, attempt.reason) == (Ending.SUBMITTED, diff, "boundary at ranges.py:7")
    assert environment.runs == 0


def test_a_checkpoint_that_does_not_apply_is_passed_over(tmp_path: Path) -> None:
    environment = environment_of(GREEN, tmp_path)
    recorder = MemoryRecorder(
        [Step(index=0, messages=(), diff="--- a/no\n+++ b/no\n@@ -1 +1 @@\n-x\n+y\n", note=CHOSEN)]
    )
    assert solve(task_of(GREEN), environment, None, LIMITS, recorder).ending is Ending.NEEDS_DECISION


def test_an_issue_that_states_nothing_is_told_what_it_would_need(tmp_path: Path) -> None:
    attempt = solve(
        task_of(GREEN, body="It is broken."), environment_of(GREEN, tmp_path), None, LIMITS, MemoryRecorder()
    )
    assert (attempt.ending, attempt.reason, attempt.diff) == (Ending.NEEDS_DECISION, NEEDED, "")


def test_an_issue_about_what_already_works_cannot_be_reproduced(tmp_path: Path) -> None:
    environment = environment_of(GREEN, tmp_path)
    body = "`covers((1, 5), 5)` should return `True`."
    attempt = solve(task_of(GREEN, body=body), environment, None, LIMITS, MemoryRecorder())
    assert attempt.ending is Ending.CANNOT_REPRODUCE
    assert "passes already" in attempt.reason
    assert environment.diff() == ""


def test_a_missing_symbol_is_no_reproduction(tmp_path: Path) -> None:
    body = "```python\nimport ranges\nassert ranges.union((1, 2), (2, 3)) == (1, 3)\n```"
    attempt = solve(task_of(GREEN, body=body), environment_of(GREEN, tmp_path), None, LIMITS, MemoryRecorder())
    assert attempt.ending is Ending.CANNOT_REPRODUCE
    assert "AttributeError" in attempt.reason


def test_an_unknown_name_is_named(tmp_path: Path) -> None:
    body = "`frobnicate(1)` returns `2` but should return `3`."
    attempt = solve(task_of(GREEN, body=body), environment_of(GREEN, tmp_path), None, LIMITS, MemoryRecorder())
    assert attempt.ending is Ending.NEEDS_DECISION
    assert "`frobnicate`" in attempt.reason


def test_a_stop_ends_the_attempt_at_the_next_step_and_claims_nothing(tmp_path: Path) -> None:
    environment = environment_of(seeded.BOUNDARY, tmp_path)
    attempt = solve(task_of(seeded.BOUNDARY), environment, None, LIMITS, MemoryRecorder(stop_after=1))
    assert (attempt.ending, attempt.diff) == (Ending.STOPPED, "")
    assert environment.diff() == ""


def test_known_red_tests_are_the_goal_and_no_other(tmp_path: Path) -> None:
    environment = environment_of(seeded.TWO_PLACES, tmp_path)
    known = (TestId("tests/test_table.py::test_widths"),)
    attempt = solve(task_of(seeded.TWO_PLACES, known_red=known), environment, None, LIMITS, MemoryRecorder())
    assert attempt.ending is Ending.SUBMITTED
    environment.reset(attempt.diff)
    assert environment.run_tests().green >= frozenset(known)


def test_nothing_is_claimed_when_nothing_is_found_in_time(tmp_path: Path) -> None:
    environment = environment_of(seeded.BEYOND, tmp_path)
    attempt = solve(task_of(seeded.BEYOND), environment, None, AttemptLimits(seconds=30), MemoryRecorder())
    assert attempt.ending in (Ending.GAVE_UP, Ending.LIMIT)
    assert (attempt.diff, environment.diff()) == ("", "")
    assert attempt.seconds < 45


TWO_FAULTS = {
    "shapes.py": "def area(width, height):\n    return width + height\n\n\n"
    "def border(width, height):\n    return 2 * (width - height)\n",
    "tests/test_shapes.py": "from shapes import area, border\n\n\n"
    "def test_rectangle():\n    areas = area(2, 5), area(3, 4)\n    borders = border(2, 5), border(1, 4)\n"
    "    assert areas == (10, 12)\n    assert borders == (14, 10)\n",
}
"""One test that is red for two reasons: no single change turns it green."""


@pytest.mark.thorough
def test_two_faults_behind_one_red_test_are_mended_together(tmp_path: Path) -> None:
    environment, recorder = DirectoryEnvironment(tmp_path, TWO_FAULTS), MemoryRecorder()
    task = Task(id="7", repository="o/r", base_commit="0" * 40, title="Red", body="")
    attempt = solve(task, environment, None, AttemptLimits(seconds=300), recorder)
    assert attempt.ending is Ending.SUBMITTED, [step.note for step in recorder.stored]
    environment.reset(attempt.diff)
    assert not environment.run_tests().red
    probe = "from shapes import area, border\nassert (area(7, 8), border(7, 8)) == (56, 30)"
    assert environment.run(["python3", "-c", probe]).exit_code == 0, attempt.diff


HIDDEN = {
    "shapes.py": "def rectangle(width, height):\n    area = width + height\n    border = 2 * (width - height)\n"
    "    return area, border\n",
    "tests/test_shapes.py": "from shapes import rectangle\n\n\n"
    "def test_rectangle():\n    assert rectangle(3, 7) == (21, 20)\n",
}
"""Two faults behind one assertion: whichever is mended, the test fails at the same place."""


@pytest.mark.thorough
def test_two_faults_behind_one_assertion_are_mended_together(tmp_path: Path) -> None:
    environment, recorder = DirectoryEnvironment(tmp_path, HIDDEN), MemoryRecorder()
    task = Task(id="7", repository="o/r", base_commit="0" * 40, title="Red", body="")
    attempt = solve(task, environment, None, AttemptLimits(seconds=300), recorder)
    assert attempt.ending is Ending.SUBMITTED, [step.note for step in recorder.stored]
    environment.reset(attempt.diff)
    assert not environment.run_tests().red
    assert " pairs of them" in " ".join(step.note for step in recorder.stored)
    assert attempt.reason.count("shapes.py:") == 2, "both places are told"
    assert "shapes.py:2 and " in attempt.reason
    assert "shapes.py:3 (" in attempt.reason


WINDOWS = {path: text.replace("\n", "\r\n") for path, text in seeded.BOUNDARY.files.items() if path == "ranges.py"}


def test_a_file_with_carriage_returns_is_mended_and_keeps_them(tmp_path: Path) -> None:
    environment = DirectoryEnvironment(tmp_path, {**seeded.BOUNDARY.files, **WINDOWS})
    attempt = solve(task_of(seeded.BOUNDARY), environment, None, LIMITS, MemoryRecorder())
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    environment.reset(attempt.diff)
    text = environment.read("ranges.py").decode()
    assert text == WINDOWS["ranges.py"].replace("value < high", "value <= high")
