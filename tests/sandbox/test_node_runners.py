"""How JavaScript's runners are started, which files they take, and how their errors and TAP are read. Pure."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.runners import RUNNERS, jest_runner, mocha_runner, node_globs, node_invocation, node_launch, report
from sandbox.runners.node_invocation import Invocation
from sandbox.runners.protocol import RunRequest
from sandbox.types import EnvironmentPlan, TestId
from tests.support.cases import FilesView

sys.path.append(str(Path(report.__file__).parent / "injected"))
import node_session
import node_tap

NODE_RUNNERS = ("jest", "vitest", "mocha", "node-test", "tap")
NOTHING = FilesView({})


def asked(
    runner: str,
    *command: str,
    view: FilesView = NOTHING,
    tests: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
    seed: int = 0,
) -> Mapping[str, Any]:
    """What the launcher is asked to do."""
    plan = EnvironmentPlan(language="node", runner=runner, base="", command=command)
    request = RunRequest(
        nonce="n", key="k", tests=tuple(TestId(t) for t in tests), files=files, plan=plan, order_seed=seed
    )
    prepared = RUNNERS[runner].prepare(view, request)
    assert prepared.report_path == "/work/run-n/report.jsonl"
    assert all(path.startswith("/work/run-n/") for path in prepared.files)
    found = json.loads(prepared.files["/work/run-n/request.json"])
    assert isinstance(found, dict)
    return found


# --- patterns ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "taken", "left"),
    [
        ("test/*.js", ["test/a.js"], ["test/b/a.js", "test/a.jsx", "a.js"]),
        ("./test/**/*.js", ["test/a.js", "test/b/c/a.js"], ["a.js"]),
        ("<rootDir>/src/**", ["src/a", "src/b/c.ts"], ["a"]),
        ("**/*.{test,spec}.?(c|m)[jt]s?(x)", ["a.test.js", "b/c.spec.mtsx"], ["a.test.css"]),
        ("**/?(*.)+(spec|test).js", ["spec.js", "a.test.js"], ["a.js"]),
        ("@(a|b).js", ["a.js"], ["c.js"]),
        ("a?.js", ["ab.js"], ["a.js"]),
        ("[!a].js", ["b.js"], ["a.js"]),
        ("(a|b).js", ["b.js"], ["c.js"]),
        ("a[.js", ["a[.js"], ["a.js"]),
        ("a).js", ["a).js"], []),
        ("{a,b.js", ["a", "b.js"], []),
        ("[z-a].js", ["[z-a].js"], ["b.js"]),
    ],
)
def test_a_pattern_takes_what_the_tools_would(pattern: str, taken: list[str], left: list[str]) -> None:
    assert all(node_globs.matches(path, (pattern,)) for path in taken)
    assert not any(node_globs.matches(path, (pattern,)) for path in left)


def test_a_pattern_with_an_exclamation_mark_takes_out() -> None:
    assert node_globs.matches("a.js", ("*.js", "!b.js"))
    assert not node_globs.matches("b.js", ("*.js", "!b.js"))
    assert node_globs.is_pattern("a/*.js")
    assert not node_globs.is_pattern("a/b.js")


# --- words of a command ------------------------------------------------------------------------------------------


def test_an_invocation_is_its_words_again() -> None:
    for one in (
        Invocation(tool="jest"),
        Invocation(
            tool="mocha", args=("-b",), flags=("--import", "tsx"), env=(("A", "1"),), before=(("npm", "run", "b"),)
        ),
    ):
        assert node_invocation.read(one.words(), "tape") == one
    assert node_invocation.read((), "tape") == Invocation(tool="tape")
    assert node_invocation.read(("--x", "jest"), "tap") == Invocation(tool="tap", args=("--x", "jest"))


def test_arguments_are_kept_dropped_or_told_apart() -> None:
    left = node_invocation.without(
        ("--bail", "--no-cov", "--out", "x", "--out=y", "-c", "conf", "--", "a.js", "--keep", "--last", "-c"),
        flags=frozenset({"--bail", "--cov"}),
        valued=frozenset({"--out", "--last"}),
        kept_valued=frozenset({"-c"}),
    )
    assert left == (("-c", "conf", "--keep", "-c"), ("a.js",))


# --- starting ----------------------------------------------------------------------------------------------------


def test_canaries_fail_by_the_assertion_libraries_of_the_repository() -> None:
    view = FilesView({"package.json": '{"dependencies": {"chai": "4"}, "devDependencies": {"should": "1", "x": "2"}}'})
    assert json.loads(asked("mocha", view=view)["programs"]["libraries.json"]) == ["chai", "should"]
    assert json.loads(asked("mocha")["programs"]["libraries.json"]) == []


@pytest.mark.parametrize("runner", NODE_RUNNERS)
def test_every_program_that_is_needed_is_there_and_canaries_have_names(runner: str) -> None:
    request = asked(runner)
    assert request["program"] in request["programs"]
    assert "node_channel.cjs" in request["programs"]
    assert len(set(request["names"].values())) == 3
    assert "key" in request


def test_jest_is_not_let_stop_early_or_write_into_the_tree() -> None:
    request = asked(
        "jest", "npm", "run", "b", "&&", "A=1", "node", "--x", "jest", "--bail", "--coverage", "-w", "4", "src", seed=7
    )
    assert request["before"] == [["npm", "run", "b"]]
    assert request["env"] == {"A": "1"}
    assert request["flags"] == ["--x"]
    assert "--bail" not in request["args"]
    assert {"--bail=0", "--coverage=false", "src", "--randomize", "--seed=7"} <= set(request["args"])


def test_selected_tests_are_asked_for_by_a_pattern_that_takes_the_canaries_too() -> None:
    test = "a.test.js::of (x) > adds 1+1 [2]"
    request = asked("jest", "jest", "--testPathPattern", "src", "lib", tests=(test,))
    assert request["files"] == ["a.test.js"]
    assert "--runTestsByPath" in request["args"]
    assert not {"lib", "--testPathPattern", "src"} & set(request["args"])
    assert "of \\(x\\)(?: > | )adds 1\\+1|" in request["pattern"]
    assert all(name in request["pattern"] for name in request["names"].values())
    assert asked("vitest", tests=(test,))["options"]["testNamePattern"].startswith("^(")
    assert "--test-name-pattern=^adds 1\\+1$" in asked("node-test", tests=(test,))["flags"]
    mocha = asked("mocha", "mocha", "--grep", "x", "-i", "test", tests=(test,))
    assert (
        mocha["args"][-6:]
        == ["--grep", request["pattern"], "--no-bail", "--no-parallel", "--retries", "0", "--full-trace"][-6:]
    )
    assert "x" not in mocha["args"]


def test_vitest_keeps_its_configuration_and_drops_coverage() -> None:
    request = asked(
        "vitest", "vitest", "run", "--coverage.enabled", "--config", "x.ts", "unit", seed=3, files=("a.test.ts",)
    )
    assert request["args"] == ["--config", "x.ts", "unit"]
    assert request["options"] == {"sequence": {"shuffle": True, "seed": 3}}
    assert request["only"] == ["a.test.ts"]


def test_mocha_leaves_other_test_files_out_where_some_are_selected() -> None:
    view = FilesView({"test/a.js": "", "test/b.js": "", "src/c.js": ""})
    request = asked("mocha", "mocha", "test", view=view, files=("test/a.js",))
    assert request["options"] == {"leave_out": ["test/b.js"]}
    assert "test" not in request["args"]


def test_each_file_of_node_test_and_tape_has_a_process() -> None:
    view = FilesView({"test/a.js": "require('tape')", "lib/b.js": "", "x.test.mjs": "", "test/c.d.ts": ""})
    assert asked("node-test", view=view)["files"] == ["test/a.js", "test/c.d.ts", "x.test.mjs"]
    assert asked("node-test", "node:test", "lib/b.js", "./test/", view=view)["files"] == [
        "lib/b.js",
        "test/a.js",
        "test/c.d.ts",
    ]
    tape = asked("tap", "tape", "-r", "setup.js", "test", "lib/*.js", view=view)
    assert tape["files"] == ["test/a.js", "lib/b.js"]
    assert tape["flags"] == ["--require", "setup.js"]
    assert tape["apart"]
    assert not tape["printed"]
    assert asked("tap", "tap", view=view)["printed"]
    assert asked("tap", view=view)["files"] == ["test/a.js"]


# --- which files hold tests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runner", "files", "taken", "left"),
    [
        (
            "jest",
            {},
            ["a.test.js", "src/__tests__/x.tsx", "a.spec.mts"],
            ["src/a.js", "a.test.css", "node_modules/a.test.js"],
        ),
        ("jest", {"package.json": '{"jest": {"testMatch": ["**/*.check.js"]}}'}, ["a.check.js"], ["a.test.js"]),
        ("jest", {"package.json": '{"jest": {"testRegex": "checks/.*\\\\.js$"}}'}, ["checks/a.js"], []),
        ("jest", {"jest.config.js": "module.exports = {\n testRegex: '(/checks/.*)\\\\.js$',\n}"}, ["checks/a.js"], []),
        (
            "jest",
            {"jest.config.ts": "export default { testMatch: [\n'**/*.check.ts',\n], }\n"},
            ["a.check.ts"],
            ["a.test.ts"],
        ),
        ("jest", {"package.json": '{"jest": {"testRegex": "("}}'}, ["a.test.js"], ["b.js"]),
        ("jest", {"package.json": "[]"}, ["a.test.js"], ["b.js"]),
        ("vitest", {}, ["a.test.ts", "b/c.spec.mjs"], ["a.ts", "node_modules/a.test.ts", "a.test.css"]),
        (
            "vitest",
            {"vitest.config.ts": "test: { include: ['specs/**/*.spec.ts'] }"},
            ["specs/a.spec.ts"],
            ["a.test.ts"],
        ),
        ("vitest", {"vite.config.ts": "coverage: { include: ['src/**'] }"}, ["a.test.ts"], ["src/a.ts"]),
        ("mocha", {}, ["test/a.js"], ["test/b/a.js", "a.js", "test/a.css", "node_modules/x/test/a.js"]),
        ("mocha", {"package.json": '{"scripts": {"test": "mocha checks/*.js"}}'}, ["checks/a.js"], ["test/a.js"]),
        ("mocha", {"package.json": '{"scripts": {"t": "mocha --recursive ./spec/"}}'}, ["spec/a/b.js"], []),
        ("mocha", {"package.json": '{"scripts": {"t": "mocha \\"x"}}'}, ["test/a.js"], ["x"]),
        ("mocha", {"package.json": '{"mocha": {"spec": ["checks"]}}'}, ["checks/a.js"], ["src/a.js"]),
        ("mocha", {"package.json": '{"mocha": {"spec": "checks/a.js"}}'}, ["checks/a.js"], ["checks/b.js"]),
        ("mocha", {"package.json": "{"}, ["test/a.js"], []),
        ("mocha", {".mocharc.yml": "spec:\n  - checks/**/*.js\nbail: true\n"}, ["checks/a.js"], ["test/a.js"]),
        ("mocha", {".mocharc.json": '{"spec": ["checks/**/*.js"]}'}, ["checks/b/a.js"], ["test/a.js"]),
        ("mocha", {"test/mocha.opts": "--ui tdd\nchecks/*.js\n"}, ["checks/a.js"], ["test/a.js"]),
        ("node-test", {"test/a.js": "", "a.test.mjs": "", "b.js": ""}, ["test/a.js", "a.test.mjs"], ["b.js"]),
        (
            "node-test",
            {"package.json": '{"scripts": {"test": "node --test b.js"}}', "b.js": "", "c.test.js": ""},
            ["b.js"],
            ["c.test.js"],
        ),
        (
            "tap",
            {"test/a.js": "require('tape')", "test/b.js": "", "test/fixtures/a.js": "require('tape')"},
            ["test/a.js"],
            ["test/b.js", "test/fixtures/a.js"],
        ),
        ("tap", {"package.json": '{"scripts": {"test": "tape x.js"}}', "x.js": ""}, ["x.js"], ["y.js"]),
    ],
)
def test_a_file_holds_tests_where_the_runner_would_look(
    runner: str, files: dict[str, str], taken: list[str], left: list[str]
) -> None:
    view = FilesView(files)
    assert [path for path in taken if not RUNNERS[runner].is_test_file(view, path)] == []
    assert [path for path in left if RUNNERS[runner].is_test_file(view, path)] == []


@pytest.mark.parametrize("runner", NODE_RUNNERS)
def test_the_file_of_a_test_is_the_start_of_its_id(runner: str) -> None:
    assert RUNNERS[runner].file_of(NOTHING, TestId("test/a.js::b > c")) == "test/a.js"
    parsed = RUNNERS[runner].parse(b"", RunRequest(nonce="n"))
    assert not parsed.complete


def test_names_are_read_back_from_an_id() -> None:
    assert node_launch.names_of(TestId("a.js::b > c [2]")) == ("b", "c")
    assert jest_runner.configured(NOTHING) == ((), ())
    assert mocha_runner.specs(NOTHING) == ("test/*.{js,cjs,mjs}",)
    assert mocha_runner.specs(FilesView({"package.json": '{"scripts": {"test": "mocha --recursive"}}'})) == ("test",)


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "exception", "message", "place"),
    [
        (
            {"exception": "TypeError", "message": "x", "stack": "at f (/t/src/a.js:3:4)"},
            "TypeError",
            "x",
            ("src/a.js", 3),
        ),
        (
            {"text": "TypeError: x is not a function\n    at Object.<anonymous> (/t/a.js:7:1)"},
            "TypeError",
            "x is not a function",
            ("a.js", 7),
        ),
        (
            {"text": "\x1b[31mError: expect(1)\n\nExpected: 2\nReceived: 1\x1b[0m"},
            "Error",
            "expect(1) (Expected: 2, Received: 1)",
            ("", 0),
        ),
        ({"text": "thrown: 3"}, "thrown", "3", ("", 0)),
        (
            {"exception": "AssertionError", "message": "Not equal:\n+ actual - expected\n\n+ 4\n- 5\n"},
            "AssertionError",
            "Not equal: + 4, - 5",
            ("", 0),
        ),
        ({"text": "just text"}, "Error", "just text", ("", 0)),
        ({"text": ""}, "Error", "failed without a message", ("", 0)),
        ({"text": "AssertionError [ERR_ASSERTION]: 1 == 2"}, "AssertionError", "1 == 2", ("", 0)),
        (
            {"message": "Cannot find module './x'", "exception": "Error"},
            "ModuleNotFoundError",
            "Cannot find module './x'",
            ("", 0),
        ),
        ({"message": "bad\nSyntaxError: odd token"}, "SyntaxError", "bad", ("", 0)),
        (
            {
                "message": "m",
                "exception": "Error",
                "stack": "at /t/node_modules/x.js:1:1\nat async file:///t/b.mjs:2:1",
            },
            "Error",
            "m",
            ("b.mjs", 2),
        ),
    ],
)
def test_an_error_becomes_a_failure(
    error: dict[str, str], exception: str, message: str, place: tuple[str, int]
) -> None:
    found = node_session.failure(error, "/t")
    assert (found["exception"], found["message"].split("\n")[0]) == (exception, message)
    assert (found["path"], found["line"]) == place
    assert found["inside"] is bool(place[0])


def test_what_the_watch_saw_is_read_from_its_message() -> None:
    assert node_session.changed('changed: ["expect.toBe"]') == ["expect.toBe"]
    assert node_session.changed("something else") == ["the watch itself"]
    assert node_session.changed("changed: [x]") == ["the watch itself"]


# --- TAP ---------------------------------------------------------------------------------------------------------

NESTED = """TAP version 13
# Subtest: parent
    # Subtest: child
        ok 1 - one
        not ok 2 - two
          ---
          at:
            file: test/a.js
          ...
        1..2
        # failed 1 of 2 tests
    not ok 1 - child # time=5ms
    ok 2 - bare
    1..2
not ok 1 - parent # time=20ms
  ---
  stack: |
    test/a.js:3
  ...
ok 2 - other # SKIP not today
ok 3 - buffered # time=1ms {
    ok 1 - x
    1..1
}
not ok
1..4
# failed 2 of 4 tests
"""
COMMENTED = """TAP version 13
# first
ok 1 a
not ok 2 b
# second thing
ok 3 c
# third
ok 4 d # TODO
1..4
# tests 4
# pass  3
"""


def test_nested_taps_subtests_are_tests_and_top_level_asserts_too() -> None:
    found = node_tap.read(NESTED.split("\n"))
    assert found["whole"]
    assert [(" > ".join(test["names"]), test["status"]) for test in found["tests"]] == [
        ("parent", "failed"),
        ("parent > child", "failed"),
        ("other", "skipped"),
        ("buffered", "passed"),
        ("(anonymous)", "failed"),
    ]
    assert found["tests"][0]["failure"]["message"] == "two"
    assert "test/a.js:3" in found["tests"][0]["failure"]["stack"]


def test_asserts_below_a_comment_are_one_test() -> None:
    found = node_tap.read(COMMENTED.split("\n"))
    assert [(test["names"], test["status"]) for test in found["tests"]] == [
        (["first"], "failed"),
        (["second thing"], "passed"),
        (["third"], "skipped"),
    ]


@pytest.mark.parametrize(
    "text", ["", "ok 1 - x", "1..2\nok 1 - x", "1..1\nok 1 - x\nBail out!", "1..1\nok 1 - x {\n    Bail out!\n}"]
)
def test_a_stream_that_does_not_meet_its_plan_is_not_whole(text: str) -> None:
    assert not node_tap.read(text.split("\n"))["whole"]


def test_details_that_never_end_are_taken_to_the_end() -> None:
    found = node_tap.read(["not ok 1 - x", "  ---", "  a: 1"])
    assert found["tests"][0]["failure"]["stack"] == "  a: 1"
