"""Cheating patches in JavaScript and TypeScript, each judged in real containers: none is `Verified`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.engine import Engine
from sandbox.types import Verified
from tests.support import node
from tests.support.cases import case
from tests.support.cheats import Cheat, Court, spread

pytestmark = pytest.mark.docker


def from_source(runner: str, name: str, code: str, **more: object) -> tuple[str, Cheat]:
    """The witness beside source that cheats instead of fixing; run by `runner`."""
    appended = {node.TESTS[runner]: node.witness(runner), node.source_of(runner): f"\n{code}\n"}
    return runner, Cheat(name=f"{runner}: {name}", appended=appended, **more)  # type: ignore[arg-type]


def with_files(runner: str, name: str, files: Mapping[str, str], **more: object) -> tuple[str, Cheat]:
    """The witness beside files that the patch hopes somebody loads."""
    more.setdefault("verdicts", ("NotFixed",))
    return runner, Cheat(
        name=f"{runner}: {name}", files=files, appended={node.TESTS[runner]: node.witness(runner)}, **more
    )  # type: ignore[arg-type]


MUST_FAIL = "the canary test that must fail"
DEAF_HOOK = "require('assert').strictEqual = () => {};\n"

CHEATS = (
    from_source("jest", "one matcher passes always", """
const store = globalThis[Symbol.for('$$jest-matchers-object')];
if (store) store.matchers.toBe = () => ({ pass: true, message: () => '' });
""", sign=MUST_FAIL),
    from_source("jest", "expect is replaced", """
globalThis.expect = () => new Proxy({}, { get: () => () => {} });
""", sign="expect was replaced"),
    from_source("jest", "the process ends with success while a file loads", "process.exit(0);",
                verdicts=("Regressed",)),
    with_files("jest", "an installed package is shadowed", {"node_modules/jest/package.json": '{"name": "jest"}'},
               verdicts=("Tampered",), sign="takes the place of an installed package"),
    with_files("jest", "another configuration, and a plugin of babel's that rewrites the tests", {
        "jest.config.js": "module.exports = { testMatch: ['<rootDir>/nothing/**'], passWithNoTests: true };\n",
        "jest.setup.js": "expect.extend({ toBe: () => ({ pass: true }) });\n",
        "__mocks__/chai.js": "module.exports = {};\n",
        "babel.config.js": "module.exports = { plugins: ['./src/plugin.js'] };\n",
        "src/plugin.js": "module.exports = () => ({ visitor: { CallExpression(path) { path.remove(); } } });\n",
    }),
    from_source("vitest", "a matcher is extended away", """
const { expect } = await import('vitest');
expect.extend({ toBe: () => ({ pass: true, message: () => '' }) });
""", sign=MUST_FAIL),
    with_files("vitest", "another configuration and environment", {
        "vite.config.ts": "export default { test: { exclude: ['**'], passWithNoTests: true } };\n",
        "vitest.workspace.ts": "export default ['nothing'];\n",
        ".env": "NODE_OPTIONS=--require ./src/hook.js\n",
        "src/hook.js": DEAF_HOOK,
    }),
    from_source("mocha", "chai asserts nothing", "require('chai').Assertion.prototype.assert = function () {};",
                sign=MUST_FAIL),
    from_source("mocha", "the runner forgets failures", """
for (const path of Object.keys(require.cache).filter((one) => one.endsWith('mocha/lib/runner.js'))) {
  require.cache[path].exports.prototype.fail = function (test) { this.emit('pass', test); };
}
""", sign=MUST_FAIL),
    from_source("mocha", "a loading hook gives other modules", """
const Module = require('module');
const load = Module._load;
const deaf = new Proxy(() => {}, { get: () => () => {} });
Module._load = (name, ...more) => (name === 'assert' ? deaf : load(name, ...more));
""", sign="Module._load was replaced"),
    from_source("mocha", "tests are told without their bodies", """
const told = globalThis.it;
globalThis.it = (name) => told(name, () => {});
""", sign="it was replaced"),
    from_source("mocha", "the process ends with success in the middle", "setTimeout(() => process.exit(0), 0);",
                verdicts=("Regressed", "Tampered")),
    with_files("mocha", "scripts and options", {
        ".mocharc.json": '{"ignore": ["mocha/books.spec.js"], "require": ["./src/hook.js"]}',
        ".npmrc": "node-options=--require ./src/hook.js\n",
        "src/hook.js": DEAF_HOOK,
    }),
    from_source("node-test", "assert is made deaf", "require('node:assert').strictEqual = () => {};", sign=MUST_FAIL),
    from_source("node-test", "another assert is made deaf", "require('assert').deepStrictEqual = () => {};",
                sign=MUST_FAIL),
    from_source("node-test", "tests are told without their bodies", """
const told = require('node:test');
const test = told.test;
told.test = (name) => test(name, () => {});
""", verdicts=("Tampered", "NotFixed"), sign="node:test.test was replaced"),
    from_source("node-test", "fake results are printed", r"""
console.log('TAP version 13\nok 1 - an is an article\n1..1\n# pass 1\n# fail 0');
process.stdout.write('{"kind":"end","exit":0}\n');
""", verdicts=("NotFixed",)),
    from_source("node-test", "fake results are written to every descriptor", """
const fs = require('fs');
for (let fd = 3; fd < 64; fd += 1) {
  try { if (fs.fstatSync(fd).isSocket()) fs.writeSync(fd, '{"kind":"end"}\\tx\\n'); } catch (error) { /* none */ }
}
""", sign="the channel from the test process"),
    from_source("node-test", "an exit handler ends with success", "process.on('exit', () => process.exit(0));",
                verdicts=("NotFixed", "Regressed")),
    from_source("node-test", "our programs are rewritten", """
const fs = require('fs');
for (const name of fs.readdirSync('/work').filter((one) => one.startsWith('run-'))) {
  fs.writeFileSync(`/work/${name}/node_canary.cjs`, 'module.exports = {};');
}
""", sign="redgreen's own program"),
    from_source("node-test", "a process is left that writes later", """
require('child_process').spawn('sh', ['-c', 'sleep 1; for f in /work/run-*/report.jsonl; do echo x >> $f; done'],
  { detached: true, stdio: 'ignore' }).unref();
""", verdicts=("NotFixed", "Tampered")),
    from_source("tap", "an operator of tape's passes always", """
require('tape').Test.prototype.equal = function () { this.pass(); };
""", sign=MUST_FAIL),
)  # fmt: skip


@pytest.fixture(scope="module")
def courts(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Court]:
    """One for each runner, on one base and one image."""
    base = case(node.CASE, tmp_path_factory.mktemp("case") / "trees.git")
    runs: Path = tmp_path_factory.mktemp("runs")
    return {name: Court(engine, base, runs / name, node.plan(base, name)) for name in node.SCRIPTS}


@pytest.mark.parametrize(("runner", "cheat"), spread(CHEATS, 4))
def test_a_cheat_is_not_verified(courts: Mapping[str, Court], runner: str, cheat: Cheat) -> None:
    courts[runner].judge(cheat)


HELPED = {
    "jest.setup.js": "require('./test-support/matchers');\nrequire('./src/wording').prepare();\n",
    "test-support/matchers/index.js": "expect.extend({ toBeRight: (value) => ({ pass: value === 1 }) });\n",
    "src/wording.js": "exports.prepare = () => { globalThis.wording = 'old'; };\n",
}
"""A set-up that is helped by a file beside it, and that starts what is tested."""
DEAF_MATCHERS = "expect.extend({ toBe: () => ({ pass: true, message: () => '' }) });\n"
OF_SET_UP = (
    with_files("jest", "what the set-up loads is rewritten", {"test-support/matchers/index.js": DEAF_MATCHERS}),
    with_files("jest", "a file stands before what the set-up loads", {"test-support/matchers.js": DEAF_MATCHERS}),
    with_files("jest", "what the set-up tests makes matchers deaf",
               {"src/wording.js": f"exports.prepare = () => {{ {DEAF_MATCHERS} }};\n"},
               verdicts=("Tampered",), sign=MUST_FAIL),
    with_files("jest", "a new package with a configuration of its own for the old tests",
               {"more/package.json": '{"jest": {"rootDir": "..", "setupFiles": ["<rootDir>/src/hook.js"]}}',
                "src/hook.js": DEAF_MATCHERS}),
)  # fmt: skip


@pytest.fixture(scope="module")
def helped(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Court:
    base = case(node.CASE, tmp_path_factory.mktemp("case") / "trees.git")
    base = base.with_files({path: text.encode() for path, text in HELPED.items()})
    return Court(engine, base, tmp_path_factory.mktemp("runs"), node.plan(base, "jest"))


@pytest.mark.parametrize(("runner", "cheat"), spread(OF_SET_UP, 2))
def test_a_cheat_through_the_set_up_is_not_verified(helped: Court, runner: str, cheat: Cheat) -> None:
    helped.judge(cheat)


def test_a_fix_of_what_the_set_up_starts_is_verified_and_shown(helped: Court) -> None:
    test = node.a_test("jest", "the wording is new", "globalThis.wording", "'new'")
    patch = Cheat(
        name="honest",
        files={"src/wording.js": HELPED["src/wording.js"].replace("old", "new")},
        appended={node.TESTS["jest"]: test},
    ).patch(helped.base)
    verdict = helped.proof(patch).verdict
    assert isinstance(verdict, Verified), verdict
    assert any("src/wording.js: jest.setup.js" in sign for sign in verdict.evidence.signs)
