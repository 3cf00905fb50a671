"""What a model can do, and how each mistake is answered with its exact correction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from agents import tools
from agents.tools.paths import relative
from agents.tools.tests import in_verdicts_words, told
from agents.tools.tool import MOST_CHARACTERS, MOST_DIFF, Bench, Conclusion, Observation, bounded
from agents.types import Ending, ToolCall
from sandbox.errors import SetupError
from sandbox.layout import TREE
from sandbox.types import ExecResult, Failure, Foresight, Red, TestId, TestReport, TestResult, TestStatus
from tests.support.agent_world import MemoryEnvironment

FILES = {
    "src/area.py": b"def area(w, h):\n    return w + h\n\n\ndef twice(x):\n    return x * 2\n",
    "src/dos.py": b"a = 1\r\nb = 2\r\n",
    "src/latin.py": b"# caf\xe9\nx = 1\n",
    "logo.png": b"\x89PNG\0\0",
    "empty.py": b"",
    "long.txt": b"".join(b"line %d\n" % n for n in range(1, 1001)),
}


def world(run: Callable[[str | Sequence[str]], ExecResult] | None = None) -> MemoryEnvironment:
    return MemoryEnvironment(FILES, **({"commands": run} if run else {}))


def use(environment: MemoryEnvironment, name: str, *, left: float = 1000.0, **arguments: Any) -> Observation:
    call = ToolCall(id="c", name=name, arguments=arguments)
    seen = tools.act(call, Bench(environment=environment, seconds_left=lambda: left))
    assert isinstance(seen, Observation)
    return seen


def ran(output: str, exit_code: int = 0, **more: Any) -> Callable[[str | Sequence[str]], ExecResult]:
    return lambda _: ExecResult(exit_code=exit_code, output=output, seconds=0.1, **more)


# --- the registry and arguments ----------------------------------------------------------------------------------


def test_the_registry_holds_real_objects_under_their_names() -> None:
    assert list(tools.TOOLS) == [
        "read",
        "search",
        "edit",
        "shell",
        "run_tests",
        "submit",
        "cannot_reproduce",
        "needs_decision",
    ]
    assert all(tool.name == name == tool.spec.name for name, tool in tools.TOOLS.items())


def test_each_schema_says_only_what_a_model_needs() -> None:
    """It is sent with every request; what a description leaves open, the correction of a broken form says."""
    for spec in tools.specs():
        assert spec.description
        assert set(spec.parameters) == {"type", "properties", "required"}
        for name, field in spec.parameters["properties"].items():
            assert field["type"] in ("string", "integer", "boolean", "array"), f"{spec.name}.{name}"
            assert not set(field) - {"type", "items", "enum", "description"}


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("grep", {}, "There is no tool 'grep'. Those there are: read, search"),
        ("read", {}, "path: Field required. It takes: path (string), first_line (integer, optional)"),
        ("read", {"path": 3}, "path: Input should be a valid string"),
        ("read", {"path": "a", "line": 3}, "line: Extra inputs are not permitted"),
        ("read", {"path": "a", "first_line": "3"}, "first_line: Input should be a valid integer"),
        ("read", {"path": "a", "first_line": 0}, "first_line"),
        ("shell", {"command": ""}, "command"),
        ("run_tests", {"tests": "test_a.py"}, "tests: Input should be a valid list"),
        ("submit", {}, "summary: Field required"),
    ],
)
def test_wrong_arguments_are_answered_with_the_right_form(
    name: str, arguments: Mapping[str, Any], expected: str
) -> None:
    seen = use(world(), name, **arguments)
    assert seen.is_error
    assert expected in seen.text


def test_a_call_that_could_not_be_parsed_is_answered_with_its_problem() -> None:
    call = ToolCall(id="c", name="read", arguments={}, problem="No JSON.")
    seen = tools.act(call, Bench(environment=world(), seconds_left=lambda: 1.0))
    assert seen == Observation(text="No JSON.", is_error=True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("src/a.py", "src/a.py"),
        ("./src/a.py", "src/a.py"),
        ("././/src/a.py", "src/a.py"),
        (f"{TREE}/src/a.py", "src/a.py"),
        (TREE, "."),
        ("./", "."),
        ("/etc/passwd", "/etc/passwd"),
        ("../x", "../x"),
    ],
)
def test_paths_are_taken_as_models_write_them(written: str, meant: str) -> None:
    assert relative(written) == meant


# --- read --------------------------------------------------------------------------------------------------------


def test_read_numbers_the_lines() -> None:
    assert use(world(), "read", path="./src/area.py").text == (
        "src/area.py, lines 1 to 6 of 6:\n     1\tdef area(w, h):\n     2\t    return w + h\n     3\t\n     4\t\n"
        "     5\tdef twice(x):\n     6\t    return x * 2"
    )


def test_read_shows_a_range_and_says_what_is_left() -> None:
    seen = use(world(), "read", path="long.txt", first_line=500, last_line=501)
    assert seen.text == "long.txt, lines 500 to 501 of 1000:\n   500\tline 500\n   501\tline 501"
    assert use(world(), "read", path="long.txt").text.startswith("long.txt, lines 1 to 400 of 1000:")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"path": "area.py"}, "There is no file area.py. Did you mean src/area.py?"),
        ({"path": "src/aera.py"}, "Did you mean src/area.py"),
        ({"path": "zzz"}, "Use search"),
        ({"path": "logo.png"}, "binary (6 bytes)"),
        ({"path": "../secret"}, "outside of the tree"),
        ({"path": "/etc/passwd"}, "outside of the tree"),
        ({"path": "src/area.py", "first_line": 7}, "has only 6 lines"),
        ({"path": "src/area.py", "first_line": 5, "last_line": 4}, "must not be before"),
    ],
)
def test_read_says_what_is_wrong(arguments: Mapping[str, Any], expected: str) -> None:
    seen = use(world(), "read", **arguments)
    assert seen.is_error
    assert expected in seen.text


def test_read_lists_a_directory_and_names_an_empty_file() -> None:
    assert use(world(ran("area.py\ndos.py\n")), "read", path="src").text == "src is a directory:\narea.py\ndos.py\n"
    assert use(world(), "read", path="empty.py").text == "empty.py is empty."


def test_read_cuts_a_line_without_end() -> None:
    environment = world()
    environment.files["min.js"] = b"x" * 1_000_000
    assert len(use(environment, "read", path="min.js").text) < 1_000


# --- search ------------------------------------------------------------------------------------------------------


def test_search_passes_the_models_words_as_arguments_only() -> None:
    commands: list[str | Sequence[str]] = []

    def run(command: str | Sequence[str]) -> ExecResult:
        commands.append(command)
        return ran("./src/area.py:2:    return w + h\n")(command)

    seen = use(world(run), "search", pattern="$(rm -rf .)", path="-x", files="*.py", ignore_case=True)
    assert seen.text == "src/area.py:2:    return w + h"
    (command,) = commands
    assert list(command[3:]) == ["search", "$(rm -rf .)", "-x", "*.py", "yes"]
    assert "rm -rf" not in command[2]


def test_search_tells_nothing_from_failure() -> None:
    nothing = use(world(ran("", 1)), "search", pattern="x")
    assert (nothing.text, nothing.is_error) == ("Nothing in . matches 'x'.", False)
    failed = use(world(ran("grep: Unmatched ( or \\(", 2)), "search", pattern="(")
    assert failed.is_error
    assert "Unmatched (" in failed.text
    slow = use(world(ran("", 124, timed_out=True)), "search", pattern="x")
    assert slow.is_error


def test_search_bounds_matches_and_lines() -> None:
    seen = use(world(ran("".join(f"a:{n}:{'y' * 1000}\n" for n in range(500)))), "search", pattern="y")
    assert len(seen.text) <= MOST_CHARACTERS + 100
    assert "[400 more matching lines" in seen.text


# --- edit --------------------------------------------------------------------------------------------------------


def test_edit_replaces_one_exact_piece_and_shows_it() -> None:
    environment = world()
    seen = use(environment, "edit", path="src/area.py", old="return w + h", new="return w * h")
    assert environment.files["src/area.py"] == FILES["src/area.py"].replace(b"w + h", b"w * h")
    assert "Changed src/area.py" in seen.text
    assert "     2\t    return w * h" in seen.text


def test_edit_creates_a_file_with_a_last_line_end() -> None:
    environment = world()
    assert use(environment, "edit", path="tests/test_a.py", new="x = 1").text == "Created tests/test_a.py (1 lines)."
    assert environment.files["tests/test_a.py"] == b"x = 1\n"


def test_edit_fills_an_empty_file() -> None:
    environment = world()
    assert not use(environment, "edit", path="empty.py", new="x = 1\n").is_error
    assert environment.files["empty.py"] == b"x = 1\n"


def test_edit_keeps_windows_line_ends_and_bytes_that_are_no_utf8() -> None:
    environment = world()
    use(environment, "edit", path="src/dos.py", old="a = 1\nb = 2", new="a = 1\nb = 3")
    use(environment, "edit", path="src/latin.py", old="x = 1", new="x = 2")
    assert environment.files["src/dos.py"] == b"a = 1\r\nb = 3\r\n"
    assert environment.files["src/latin.py"] == b"# caf\xe9\nx = 2\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"path": "src/area.py", "old": "def", "new": "x"}, "occurs 2 times in src/area.py, at lines 1, 5"),
        ({"path": "src/area.py", "old": "  return w  +  h", "new": "x"}, "other white space"),
        ({"path": "src/area.py", "old": "    return w - h", "new": "x"}, "     2\t    return w + h"),
        ({"path": "src/area.py", "old": "qqqqqqqqq", "new": "x"}, "without the line numbers"),
        ({"path": "src/area.py", "old": "x * 2", "new": "x * 2"}, "nothing was changed"),
        ({"path": "src/area.py", "new": "x"}, "exists already"),
        ({"path": "area.py", "old": "a", "new": "b"}, "Did you mean src/area.py"),
        ({"path": "src", "old": "a", "new": "b"}, "is a directory"),
        ({"path": "../x", "new": "b"}, "outside of the tree"),
    ],
)
def test_edit_says_what_is_wrong_and_changes_nothing(arguments: Mapping[str, Any], expected: str) -> None:
    environment = world()
    seen = use(environment, "edit", **arguments)
    assert seen.is_error
    assert expected in seen.text
    assert environment.files == FILES


# --- shell -------------------------------------------------------------------------------------------------------


def test_shell_answers_exit_code_and_output() -> None:
    assert use(world(ran("hi\n", 3)), "shell", command="x").text == "Exit code 3.\nhi"
    assert use(world(ran("")), "shell", command="x").text == "Exit code 0. No output."


def test_shell_output_is_bounded_and_readable() -> None:
    seen = use(world(ran("\x1b[31mred\x1b[0m\0\r\n" + "z" * 100_000 + "\nend")), "shell", command="x")
    assert seen.text.startswith("Exit code 0.\nred\nzzz")
    assert seen.text.endswith("end")
    assert "characters left out" in seen.text
    assert len(seen.text) < MOST_CHARACTERS + 200


def test_no_command_outlives_the_attempt() -> None:
    environment = world(ran("", 124, timed_out=True))
    seen = use(environment, "shell", command="sleep 999", timeout=900, left=30.0)
    use(environment, "run_tests", left=-5.0)
    assert environment.timeouts == [30.0, 1.0]
    assert "ended after 30 s" in seen.text


def test_shell_refuses_a_nul() -> None:
    assert use(world(), "shell", command="a\0b").is_error


# --- run_tests ---------------------------------------------------------------------------------------------------


def result(name: str, status: TestStatus, failure: Failure | None = None) -> tuple[TestId, TestResult]:
    return TestId(name), TestResult(id=TestId(name), status=status, failure=failure)


def failure(exception: str, message: str = "", phase: str = "call") -> Failure:
    return Failure(phase=phase, exception=exception, message=message, path="tests/t.py", line=7)


def test_red_tests_are_named_with_their_reason() -> None:
    report = TestReport(
        results=dict(
            (
                result("t::b", TestStatus.FAILED, failure("builtins.AssertionError", "assert 5 == 6")),
                result("t::a", TestStatus.ERROR, failure("KeyError", "x", "setup")),
                result("t::c", TestStatus.PASSED),
                result("t::d", TestStatus.SKIPPED),
                result("t::e", TestStatus.FAILED),
            )
        ),
        complete=True,
    )
    assert told(report).splitlines() == [
        "3 red, 1 green, 1 skipped.",
        "red: t::a: KeyError in setup at tests/t.py:7: x",
        "red: t::b: AssertionError at tests/t.py:7: assert 5 == 6",
        "red: t::e: no reason was reported",
    ]


@pytest.mark.parametrize("exception", ["ImportError", "builtins.SyntaxError", "NameError"])
def test_red_for_the_wrong_reason_is_said(exception: str) -> None:
    report = TestReport(results=dict([result("t::a", TestStatus.FAILED, failure(exception))]), complete=True)
    assert "would not count for a new test" in told(report)


def test_what_cannot_be_collected_is_said() -> None:
    report = TestReport(results={}, collection_errors=(failure("ImportError", "no x", "collect"),), complete=True)
    assert told(report).startswith(
        "0 red, 0 green, 1 cannot be collected.\nCannot be collected: ImportError in collect"
    )


def test_green_tests_are_named_when_they_are_few() -> None:
    few = TestReport(results=dict([result("t::a", TestStatus.PASSED)]), complete=True)
    assert told(few) == "0 red, 1 green.\npassed: t::a"
    many = TestReport(results=dict(result(f"t::{n}", TestStatus.PASSED) for n in range(500)), complete=True)
    assert told(many) == "0 red, 500 green."


def test_a_run_without_tests_or_without_end_is_no_green_run() -> None:
    assert told(TestReport(results={}, complete=True)).startswith("No test ran. Check the names")
    assert "did not come to its end" in told(TestReport(results={}))
    half = TestReport(results=dict([result("t::a", TestStatus.PASSED)]))
    assert "did not come to its end" in told(half)


def test_many_red_tests_are_bounded() -> None:
    long = failure("AssertionError", "w" * 10_000)
    report = TestReport(results=dict(result(f"t::{n}", TestStatus.FAILED, long) for n in range(300)), complete=True)
    assert "... and 280 more red tests." in told(report)
    assert len(told(report)) < MOST_CHARACTERS


def test_selected_tests_reach_the_environment() -> None:
    environment = MemoryEnvironment(FILES, verdicts=lambda _: {"t::a": "", "t::b": "assert 0"})
    assert use(environment, "run_tests", tests=["t::a"]).text == "0 red, 1 green.\npassed: t::a"
    assert "red: t::b: AssertionError" in use(environment, "run_tests").text


IDS = ("t/a.py::T::x", "t/a.py::y[1]", "t/a.py::y[2]", "t.b.C.z")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("t/a.py", IDS[:3]),
        ("t/a.py::y", IDS[1:3]),
        ("t/a.py::T", IDS[:1]),
        ("t/b.py", IDS[3:]),
        ("t.b.C", IDS[3:]),
        ("t.b.C.z", IDS[3:]),
    ],
)
def test_a_file_a_class_or_a_test_with_parameters_can_be_named(name: str, expected: Sequence[str]) -> None:
    environment = MemoryEnvironment(FILES, verdicts=lambda _: dict.fromkeys(IDS, ""))
    seen = use(environment, "run_tests", tests=[name])
    assert seen.text.splitlines()[1:] == [f"passed: {test}" for test in expected]


def test_a_test_that_does_not_exist_is_answered_with_those_near_it() -> None:
    environment = MemoryEnvironment(FILES, verdicts=lambda _: dict.fromkeys(IDS, ""))
    seen = use(environment, "run_tests", tests=["t/a.py::y[3]"])
    assert seen.is_error
    assert "No test is named t/a.py::y[3]. There are: t/a.py::y[" in seen.text
    assert "There are: t.b.C.z, t/a.py::T::x" in use(environment, "run_tests", tests=["unlike"]).text
    nothing = MemoryEnvironment(FILES, verdicts=lambda _: {})
    assert "No test ran" in use(nothing, "run_tests", tests=["t"]).text


NEW, OLD = TestId("tests/test_new.py::test_w"), TestId("tests/test_old.py::test_a")
WITNESS, BROKEN = Red(id=NEW, why="AssertionError: 5 == 6"), Red(id=OLD, why="AssertionError: 1 == 2")
GREEN_NOW = TestReport(results={NEW: TestResult(id=NEW, status=TestStatus.PASSED)}, exit_code=0, complete=True)
RED_NOW = TestReport(results={NEW: TestResult(id=NEW, status=TestStatus.FAILED)}, exit_code=1, complete=True)


@pytest.mark.parametrize(
    ("foresight", "report", "words"),
    [
        (Foresight(witnesses=(WITNESS,)), RED_NOW, "is red on the unchanged source, by its behaviour."),
        (Foresight(witnesses=(WITNESS,), changes_source=True), GREEN_NOW, "red without your change and green"),
        (Foresight(witnesses=(WITNESS,), changes_source=True), GREEN_NOW, "in clean containers, this is Verified"),
        (Foresight(witnesses=(WITNESS,), changes_source=True), RED_NOW, f"NotFixed: {NEW} is red without"),
        (Foresight(not_red=(NEW,)), GREEN_NOW, f"WitnessNotRed: {NEW} passes on the unchanged source"),
        (Foresight(invalid=(WITNESS,)), RED_NOW, f"WitnessInvalid: {NEW} is no witness"),
        (Foresight(regressed=(BROKEN,), changes_source=True), GREEN_NOW, f"Regressed: {OLD} is green on base"),
        (Foresight(red_on_base=(OLD,), changes_source=True), GREEN_NOW, f"so not by your change: {OLD}."),
        (Foresight(changes_source=True), GREEN_NOW, "No new test is red without your change"),
        (Foresight(edited=tuple(f"t{n}" for n in range(7))), GREEN_NOW, "judging: t0, t1, t2, t3, t4 and 2 more"),
        (Foresight(flagged=("conftest.py",)), GREEN_NOW, "Base's versions of these are used for judging"),
        (Foresight(refused="a binary change"), GREEN_NOW, "As it stands the change would be refused: a binary change"),
    ],
)  # fmt: skip
def test_what_the_verdict_would_hold_is_said_in_its_words(foresight: Foresight, report: TestReport, words: str) -> None:
    assert words in in_verdicts_words(foresight, report, everything=True)


def test_nothing_is_promised_where_something_is_broken_or_unseen() -> None:
    fixed = Foresight(witnesses=(WITNESS,), changes_source=True)
    broken = replace(fixed, regressed=(BROKEN,))
    assert "Verified" not in in_verdicts_words(broken, GREEN_NOW, everything=True)
    assert "Verified" not in in_verdicts_words(fixed, GREEN_NOW, everything=False)
    assert in_verdicts_words(Foresight(), GREEN_NOW, everything=True) == ""


class Unwilling(MemoryEnvironment):
    def run_tests(self, selection: Sequence[TestId] = (), *, timeout: float = 600.0) -> TestReport:
        raise SetupError("There is no test runner named 'nose'.")

    def diff(self) -> str:
        raise SetupError("The diff is larger than 8 MiB.")


def test_what_cannot_be_run_or_taken_is_the_models_to_mend() -> None:
    environment = Unwilling(FILES)
    runner = use(environment, "run_tests")
    assert (runner.is_error, runner.text) == (
        True,
        "There is no test runner named 'nose'. Run the tests with the shell.",
    )
    submitted = use(environment, "submit", summary="x")
    assert submitted.is_error
    assert "larger than 8 MiB. Remove what does not belong" in submitted.text


# --- endings -----------------------------------------------------------------------------------------------------


def conclude(environment: MemoryEnvironment, name: str, **arguments: str) -> Observation | Conclusion:
    call = ToolCall(id="c", name=name, arguments=arguments)
    return tools.act(call, Bench(environment=environment, seconds_left=lambda: 1.0))


def test_submit_needs_a_change_of_a_sane_size() -> None:
    environment = world()
    nothing = conclude(environment, "submit", summary="done")
    assert isinstance(nothing, Observation)
    assert "nothing to submit" in nothing.text
    environment.files["core.dump"] = b"x" * (MOST_DIFF + 1)
    large = conclude(environment, "submit", summary="done")
    assert isinstance(large, Observation)
    assert "Remove the files" in large.text
    environment.files["core.dump"] = b"x\n"
    assert conclude(environment, "submit", summary="done") == Conclusion(ending=Ending.SUBMITTED, text="done")


def test_the_other_endings_carry_their_reason() -> None:
    assert conclude(world(), "cannot_reproduce", reason="r") == Conclusion(ending=Ending.CANNOT_REPRODUCE, text="r")
    assert conclude(world(), "needs_decision", question="q") == Conclusion(ending=Ending.NEEDS_DECISION, text="q")


def test_bounded_text_can_always_be_encoded() -> None:
    assert bounded("a\udcffb").encode() == b"a?b"


class Stained(MemoryEnvironment):
    """Its tests left binary files behind."""

    def diff(self) -> str:
        return (
            "diff --git a/.coverage b/.coverage\nnew file mode 100644\nBinary files /dev/null and b/.coverage differ\n"
            "diff --git a/l.png b/l.png\ndeleted file mode 100644\nBinary files a/l.png and /dev/null differ\n"
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+Binary files a/x and b/x differ\n"
        )


def test_a_submission_with_binary_files_is_told_which_before_it_is_refused() -> None:
    refused = conclude(Stained(FILES), "submit", summary="done")
    assert isinstance(refused, Observation)
    assert refused.is_error
    assert "may not: .coverage, l.png. Remove" in refused.text
