"""The JavaScript case: one repository with the same shelf tested by each runner, in one image."""

from __future__ import annotations

from dataclasses import replace

from sandbox.buildpacks import node
from sandbox.runners import node_scripts
from sandbox.tree import GitTree
from sandbox.types import EnvironmentPlan

CASE = "node/shelf"
SOURCE = "src/books.js"
TYPED = "src/loans.ts"
SCRIPTS = {
    "jest": "test",
    "vitest": "test:vitest",
    "mocha": "test:mocha",
    "node-test": "test:node",
    "tap": "test:tape",
}
TESTS = {
    "jest": "__tests__/books.test.js",
    "vitest": "vitest/books.spec.ts",
    "mocha": "mocha/books.spec.js",
    "node-test": "node/books.test.js",
    "tap": "tape/books.test.js",
}
_BODY = {
    "jest": "\ntest({name!r}, () => {{\n  expect({actual}).toBe({expected});\n}});\n",
    "vitest": "\nit({name!r}, () => {{\n  expect({actual}).toBe({expected});\n}});\n",
    "mocha": "\nit({name!r}, () => {{\n  expect({actual}).to.equal({expected});\n}});\n",
    "node-test": "\ntest({name!r}, () => {{\n  assert.strictEqual({actual}, {expected});\n}});\n",
    "tap": "\ntest({name!r}, (t) => {{\n  t.equal({actual}, {expected});\n  t.end();\n}});\n",
}
WITNESS = "an is an article"


def plan(base: GitTree, runner: str) -> EnvironmentPlan:
    """The case's plan as if its test script were the one of this runner: all share one image."""
    detected = node.detect(base)
    assert detected is not None
    found = node_scripts.named(base, SCRIPTS[runner])
    assert found is not None, runner
    return replace(detected, runner=runner, command=found.words())


def a_test(runner: str, name: str, actual: str, expected: str) -> str:
    return _BODY[runner].format(name=name, actual=actual, expected=expected)


def witness(runner: str) -> str:
    return a_test(runner, WITNESS, "titleKey('An Idiot')", "'idiot'")


def witness_id(runner: str) -> str:
    return f"{TESTS[runner]}::{WITNESS}"


def source_of(runner: str) -> str:
    return TYPED if runner == "vitest" else SOURCE
