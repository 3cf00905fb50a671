"""What belongs to a JavaScript tree's test machinery, and what it only loads because that is tested. Pure."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.parts import node_imports
from sandbox.parts.node_machinery import machinery
from sandbox.runners import RUNNERS
from sandbox.split import split
from sandbox.tree import GitTree, create
from tests.support.cases import FilesView

SETUP = {"package.json": '{"main": "src/index.js", "jest": {"setupFiles": ["<rootDir>/tools/setup.js"]}}'}


def files(tree: dict[str, str]) -> set[str]:
    """Those of the tree's files that are machinery, its configuration aside."""
    return set(machinery(FilesView({**SETUP, **tree})).files & tree.keys())


@pytest.mark.parametrize(
    "text",
    [
        "import './env';",
        'import env from "./env.js";',
        "export * from './env';",
        "const x = require('./env');",
        "require(\n  './env'\n);",
        "await import(/* webpackIgnore: true */ './env.js');",
        "import(`./env`);",
        "module.exports = require.resolve('./env');",
        "jest.requireActual('./env');",
        "new URL('./env.js', import.meta.url);",
        "require(path.join(__dirname, 'env'));",
        "path.resolve(import.meta.dirname, '..', 'tools', 'env.js');",
    ],
)
def test_what_a_set_up_file_loads_is_machinery_too(text: str) -> None:
    assert files({"tools/setup.js": text, "tools/env.js": ""}) == {"tools/setup.js", "tools/env.js"}


@pytest.mark.parametrize(
    "text", ["import 'env';", "require(name);", "require(`./${name}`);", "import '../../outside';", "x" * 500_000]
)
def test_what_cannot_be_told_from_the_text_is_not_followed(text: str) -> None:
    assert files({"tools/setup.js": text, "tools/env.js": "", "env.js": ""}) == {"tools/setup.js"}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("./a", "tools/a.js"),
        ("./a", "tools/a.ts"),
        ("./a", "tools/a/index.tsx"),
        ("./a.js", "tools/a.ts"),
        ("./a.mjs", "tools/a.mts"),
        ("./a.js?raw", "tools/a.js"),
        (".", "tools/index.js"),
        ("..", "index.js"),
        ("../lib/a", ""),
        ("../../a", ""),
    ],
)
def test_a_name_leads_where_node_and_typescript_look(name: str, file: str) -> None:
    assert node_imports.resolved("tools/setup.ts", name, {file, "other.js"}) == file


def test_machinery_is_followed_as_far_as_it_goes() -> None:
    tree = {
        "jest.config.ts": "import './build/jest-base';", "build/jest-base.ts": "import './deep/one';",
        "build/deep/one.ts": "import './two'; import './one';", "build/deep/two.ts": "",
    }  # fmt: skip
    # `build` is no place of tests: what is there is not beside the configuration at the root.
    assert files(tree) == {"jest.config.ts"}
    moved = {
        path.replace("build/", "test-tools/"): text.replace("./build", "./test-tools") for path, text in tree.items()
    }
    assert files(moved) == set(moved)


@pytest.mark.parametrize(
    ("why", "more"),
    [
        ("a test loads it", {"src/a.test.js": "import '../tools/db';"}),
        ("other source loads it", {"src/index.js": "require('../tools/db')"}),
        ("a package offers it", {"package.json": SETUP["package.json"].replace("src/index", "tools/db")}),
        ("another package offers it", {"tools/package.json": '{"exports": {".": {"import": ["./db.js", 3]}}}'}),
        (
            "a script starts it",
            {"package.json": SETUP["package.json"][:-1] + ', "scripts": {"start": "node tools/db.js"}}'},
        ),
    ],
)
def test_what_anything_else_loads_is_tested(why: str, more: dict[str, str]) -> None:
    tree = {"tools/setup.js": "import './db';", "tools/db.js": "import './rows';", "tools/rows.js": ""}
    assert files(tree) == set(tree)
    assert files({**tree, **more}) & tree.keys() == {"tools/setup.js"}, why
    found = machinery(FilesView({**SETUP, **tree, **more}))
    assert found.tested == {"tools/db.js": "tools/setup.js"}


@pytest.mark.parametrize(
    "package",
    [
        '{"name": "@s/p", "exports": {".": {"import": "./dist/index.mjs"}}}',
        '{"name": "@s/p", "main": "build/cjs/entry.js"}',
        '{"name": "@s/p"}',
    ],
)
def test_the_source_of_what_a_package_builds_is_tested(package: str) -> None:
    entry = "packages/p/src/entry.ts" if "entry" in package else "packages/p/src/index.ts"
    tree = {
        "packages/p/package.json": package,
        "packages/p/vitest.config.ts": f"import p from './src/{entry[15:-3]}';\nexport default {{ plugins: [p()] }};",
        entry: "import './core';",
        "packages/p/src/core.ts": "",
        "packages/p/test/p.test.ts": "import p from '@s/p';",
    }
    assert files(tree) == {"packages/p/vitest.config.ts"}


def test_a_script_about_tests_starts_no_source() -> None:
    tree = {"tools/setup.js": "import './db';", "tools/db.js": ""}
    package = SETUP["package.json"][:-1] + ', "scripts": {"pretest": "node tools/db.js", "b": 3}, "bin": true}'
    assert files({**tree, "package.json": package}) >= set(tree)
    assert files({**tree, "x/package.json": "not json", "y/package.json": "[]"}) >= set(tree)


@pytest.mark.parametrize(
    ("setup", "loaded", "own"),
    [
        ("tools/setup.js", "tools/lib/db.js", True),
        ("tools/setup.js", "src/server.js", False),
        ("tools/setup.js", "src/test-helpers/server.js", True),
        ("jest.setup.js", "helper.js", True),
        ("jest.setup.js", "src/polyfill.js", False),
        ("jest.setup.js", "e2e/polyfill.js", True),
    ],
)
def test_machinery_stands_with_what_loads_it(setup: str, loaded: str, own: bool) -> None:
    up = "../" * setup.count("/")
    tree = {setup: f"require('{up or './'}{loaded}')", loaded: ""}
    assert (loaded in files(tree)) is own


def test_a_name_that_would_stand_before_machinery_is_taken() -> None:
    tree = {"tools/setup.js": "import './env'; import './missing'; import '../src/index'; import './rows.json';"}
    found = machinery(FilesView({**SETUP, **tree, "tools/env/index.js": "", "src/index.js": "", "tools/rows.json": ""}))
    assert {"tools/env.js", "tools/env.ts", "tools/missing.js"} <= found.files
    assert not {"src/index.ts", "src/index.js", "tools/rows.json.js"} & found.files


def test_what_two_files_load_is_followed_once() -> None:
    setup = "import './a'; import './b'; import './c';"
    tree = {"tools/setup.js": setup, "tools/a.js": "import './b';", "tools/b.js": "", "tools/c.js": "import './b';"}
    assert files(tree) == set(tree)


def test_an_endless_chain_is_followed_a_bounded_way() -> None:
    chain = {f"tools/n{at}.js": f"import './n{at + 1}';" for at in range(2100)}
    assert "tools/n5.js" in files({"tools/setup.js": "import './n0';", **chain})


def test_a_patch_changes_what_a_set_up_tests_but_not_what_helps_it(tmp_path: Path) -> None:
    base = GitTree.of_files(
        create(tmp_path / "trees.git"),
        {
            "package.json": SETUP["package.json"].encode(),
            "tools/setup.js": b"require('./env'); require('../src/server');\n",
            "tools/env/index.js": b"",
            "src/server.js": b"",
            "src/a.test.js": b"test('a', () => {});\n",
        },
    )
    changed = base.with_files({"tools/env/index.js": b"x", "tools/env.js": b"x", "src/server.js": b"x"})
    trees = split(base, base.diff(changed), "", RUNNERS["jest"])
    assert trees.flagged_paths == ("tools/env.js", "tools/env/index.js")
    assert trees.source_paths == ("src/server.js",)
    assert trees.regression == base.with_files({"src/server.js": b"x"})
    assert trees.notes == (
        "src/server.js: tools/setup.js, which the test runner loads, loads it: it runs outside of the tests, too",
    )
