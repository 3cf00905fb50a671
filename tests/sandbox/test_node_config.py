"""Files that the configuration of a JavaScript runner loads, by what their text says. Pure."""

from __future__ import annotations

import pytest

from sandbox.parts import node_config
from tests.support.cases import FilesView

_FILES = {
    "scripts/env.js": "", "tools/transform.ts": "", "src/index.js": "", "helpers/order.cjs": "", "hooks/index.js": "",
    "packages/a/boot.mjs": "", "node_modules/x/y.js": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "files"),
    [
        ("jest.config.js", "module.exports = { globalSetup: './scripts/env.js', roots: ['src'] };", {"scripts/env.js"}),
        ("jest.config.ts", "export default {\n  globalSetup: '<rootDir>/scripts/env',\n};\n", {"scripts/env.js"}),
        ("package.json", '{"jest": {"transform": {"\\\\.js$": "<rootDir>/tools/transform"}}}', {"tools/transform.ts"}),
        ("package.json", '{"jest": {"moduleNameMapper": {"^x$": "<rootDir>/src/index.js"}}}', set()),
        ("package.json", '{"scripts": {"test": "mocha -r ./hooks --import=./scripts/env.js"}}',
         {"hooks/index.js", "scripts/env.js"}),
        ("package.json", '{"main": "src/index.js", "jest": {"runner": "jest-runner"}}', set()),
        ("package.json", '{"exports": {"import": "./src/index.js"}, "jest": {"globalSetup": "./scripts/env"}}',
         {"scripts/env.js"}),
        ("package.json", '["jest"], transform: "./scripts/env.js"', {"scripts/env.js"}),
        ("package.json", '["jest", {"transform": "./scripts/env.js"}]', {"scripts/env.js"}),
        ("vitest.config.mts", "test: { setupFiles: [resolve(__dirname, 'scripts/env.js')], environment: 'node' }",
         {"scripts/env.js"}),
        (".mocharc.yml", "require:\n  - ./hooks\n  - scripts/env.js\nspec: src/index.js\n",
         {"hooks/index.js", "scripts/env.js"}),
        ("packages/a/vite.config.js", "sequencer: './boot.mjs', runner: 'helpers/order.cjs'",
         {"packages/a/boot.mjs", "helpers/order.cjs"}),
        ("jest.config.js", "setupFiles: ['x/y.js', 'node_modules/x/y.js', '../../../etc/passwd']", set()),
        ("jest.config.js", "globalSetup: './scripts/env.js'" + " " * 300_000, set()),
        ("jest.config.js", "transform: {" + "x" * 9_000, set()),
        ("src/jest.js", "globalSetup: './scripts/env.js'", set()),
    ],
)  # fmt: skip
def test_what_a_configuration_loads_is_configuration(path: str, text: str, files: set[str]) -> None:
    assert node_config.loaded(FilesView({**_FILES, path: text})) == files


def test_long_hostile_configurations_are_read_in_time() -> None:
    text = "transform:" * 19_000
    assert node_config.loaded(FilesView({"jest.config.js": text})) == frozenset()
