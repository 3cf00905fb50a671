"""Configuration files that only the patch has: what joins the trees, and what stays out. Pure, and with real git."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.parts import joined, only_takes_in
from sandbox.runners import RUNNERS
from sandbox.split import Split, split
from sandbox.tree import GitTree, create
from sandbox.types import Part
from tests.support.cases import FilesView

OUT, SOURCE, TEST = Part.TEST_CONFIG, Part.SOURCE, Part.TEST
PLAIN_CRATE = '[package]\nname = "tides"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\n'
POM = "<project><modelVersion>4.0.0</modelVersion><groupId>a</groupId><artifactId>root</artifactId>{0}</project>"
MODULE = (
    "<project><modelVersion>4.0.0</modelVersion><parent><groupId>a</groupId><artifactId>root</artifactId>"
    "<version>1</version></parent><artifactId>{0}</artifactId>{1}</project>"
)


def part(base: Mapping[str, str], added: Mapping[str, str], path: str, *tests: str) -> Part:
    return joined(FilesView(base), FilesView({**base, **added}), path, tests)


def test_only_a_directory_of_its_own_keeps_a_file_from_acting_on_base() -> None:
    base = {"a/pkg/x.py": "", "tests/test_a.py": ""}
    assert part(base, {"tests/fixtures/p/pytest.ini": "[pytest]\n"}, "tests/fixtures/p/pytest.ini") is TEST
    for path in ("pytest.ini", "tests/pytest.ini", "a/pytest.ini", "a/pkg/pytest.ini"):
        assert part(base, {path: "[pytest]\naddopts = -k x\n"}, path) is OUT, path


@pytest.mark.parametrize(
    "path",
    [".cargo/config.toml", "new/.cargo/config.toml", ".mvn/x", "buildSrc/a.gradle", "new/build-logic/x",
     ".config/nextest.toml", "gradle/wrapper/x", "new/META-INF/services/org.junit.platform.X", ".devcontainer/x"],
)  # fmt: skip
def test_what_acts_on_the_directory_around_it_stays_out(path: str) -> None:
    assert part({"src/a.rs": ""}, {path: ""}, path) is OUT


def test_a_configuration_stays_out_where_new_tests_are_beneath_it() -> None:
    added = {"tests/p/pytest.ini": "[pytest]\npython_functions = check_*\n", "tests/p/test_b.py": ""}
    assert part({"tests/test_a.py": ""}, added, "tests/p/pytest.ini", "tests/p/test_b.py") is OUT
    assert part({"tests/test_a.py": ""}, added, "tests/p/pytest.ini", "tests/q/test_b.py") is TEST


def test_a_makefile_may_be_called_by_one_of_bases() -> None:
    added = {"first/Makefile": "test:\n\techo true > ../second/run-tests.sh\n"}
    assert part({"Makefile": "test:\n\tfor one in */; do make -C $$one test; done\n"}, added, *added) is OUT
    assert part({"a.py": ""}, added, *added) is SOURCE


# --- Python ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pyproject.toml", "[project]\nname = 'b'\n[tool.ruff]\nline-length = 99\n", SOURCE),
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '-x'\n", OUT),
        ("pyproject.toml", "[tool.pytest_env]\nA = '1'\n", OUT),
        ("pyproject.toml", "tool = 3\n", OUT),
        ("pyproject.toml", "= not toml", OUT),
        ("setup.cfg", "[metadata]\nname = b\n", SOURCE),
        ("setup.cfg", "[tool:pytest]\naddopts = -x\n", OUT),
        ("tox.ini", "[testenv]\ncommands = true\n", OUT),
        (".coveragerc", "", OUT),
    ],
)
def test_the_manifest_of_a_new_python_package_may_not_speak_of_tests(name: str, text: str, expected: Part) -> None:
    added = {f"libs/b/{name}": text, "libs/b/tests/test_b.py": ""}
    assert part({"a.py": ""}, added, f"libs/b/{name}", "libs/b/tests/test_b.py") is expected


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        ('"""Words."""\nimport pytest\nfrom x import y as z\nSIZE: int = 3\nROOT = "a"\n\n'
         "@pytest.fixture\ndef shelf():\n    return SIZE\n\nasync def later(): ...\nclass Book: ...\n", True),
        ("def pytest_runtest_makereport(item, call): ...\n", False),
        ("from evil import pytest_collection_modifyitems\n", False),
        ("from evil import *\n", False),
        ("pytest_plugins = ['evil']\n", False),
        ("collect_ignore_glob = ['*']\n", False),
        ("def __getattr__(name): ...\n", False),
        ("a = b = 1\n", False),
        ("exec('def pytest_sessionfinish(): ...')\n", False),
        ("if True:\n    x = 1\n", False),
        ("not python (", False),
    ],
)  # fmt: skip
def test_a_conftest_above_new_tests_may_hold_fixtures_only(text: str, joins: bool) -> None:
    added = {"tests/b/conftest.py": text, "tests/b/test_b.py": ""}
    found = part({"tests/test_a.py": ""}, added, "tests/b/conftest.py", "tests/b/test_b.py")
    assert found is (TEST if joins else OUT)


def test_a_conftest_that_pytest_walks_past_stays_out_where_source_is() -> None:
    hook = "def pytest_collection_modifyitems(items): items.clear()\n"
    assert part({"a.py": ""}, {"lib/new/conftest.py": hook}, "lib/new/conftest.py") is OUT
    assert part({"a.py": ""}, {"tests/data/p/conftest.py": hook}, "tests/data/p/conftest.py") is TEST
    assert part({"a.py": ""}, {"test/p/conftest.py": hook}, "test/p/conftest.py") is TEST


# --- Rust --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        (PLAIN_CRATE, True),
        (PLAIN_CRATE + '\n[lib]\nname = "t"\n\n[[test]]\nname = "it"\npath = "tests/it.rs"\n', True),
        (PLAIN_CRATE + '\n[[test]]\nname = "it"\npath = "../../tests/it.rs"\n', False),
        (PLAIN_CRATE + '\n[[test]]\nname = "it"\npath = "/tests/it.rs"\n', False),
        (PLAIN_CRATE + '\n[[test]]\nname = "it"\nharness = false\n', False),
        (PLAIN_CRATE + '\n[lib]\npath = "../src/lib.rs"\n', False),
        (PLAIN_CRATE.replace("edition", 'build = "../evil.rs"\nedition'), False),
        (PLAIN_CRATE.replace("edition", 'workspace = ".."\nedition'), False),
        (PLAIN_CRATE.replace("tides", "pretty_assertions"), False),
        (PLAIN_CRATE + "\n[profile.test]\noverflow-checks = false\n", False),
        (PLAIN_CRATE + "\n[workspace]\n", False),
        ("package = 3\n", False),
        ("lib = 3\n[package]\nname = 'a'\n", False),
        ("[dependencies]\n", False),
        ("not toml", False),
    ],
)
def test_a_new_crate_joins_a_workspace_where_it_says_nothing_of_tests(text: str, joins: bool) -> None:
    base = {"Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n', "crates/a/Cargo.toml": PLAIN_CRATE}
    added = {"crates/b/Cargo.toml": text, "crates/b/tests/it.rs": ""}
    found = part(base, added, "crates/b/Cargo.toml", "crates/b/tests/it.rs")
    assert found is (SOURCE if joins else OUT)
    assert part(base, added, "crates/b/Cargo.toml") is found, "its members are gathered"


@pytest.mark.parametrize(
    ("manifest", "joins"),
    [
        ('[workspace]\nmembers = ["crates/*"]\n', True),
        ('[workspace]\nmembers = ["tests/*"]\n', False),
        ('[dependencies]\nb = { path = "tests/b" }\n', False),
        ('[[bin]]\npath = "src/main.rs"\n', True),
        ("not toml", False),
    ],
)
def test_a_fixture_crate_joins_where_no_workspace_takes_it_in(manifest: str, joins: bool) -> None:
    added = {"tests/b/Cargo.toml": PLAIN_CRATE + "\n[profile.test]\nopt-level = 3\n"}
    found = part({"Cargo.toml": manifest}, added, "tests/b/Cargo.toml")
    assert found is (TEST if joins else OUT)


def test_other_files_of_cargo_are_never_plain() -> None:
    added = {"b/rust-toolchain.toml": "[toolchain]\nchannel = 'nightly'\n", "b/tests/it.rs": ""}
    assert part({"a.rs": ""}, added, "b/rust-toolchain.toml", "b/tests/it.rs") is OUT
    assert part({"a.rs": ""}, added, "b/rust-toolchain.toml") is SOURCE


# --- JavaScript --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        ('{"name": "b", "type": "module", "scripts": {"test": "jest"}, "dependencies": {"a": "1"}}', True),
        ('{"name": "b", "jest": {"transform": {}}}', False),
        ('{"name": "b", "babel": {"plugins": ["./evil.js"]}}', False),
        ('["jest"]', False),
        ("not json", False),
    ],
)
def test_the_manifest_of_a_new_javascript_package_may_not_say_how_tests_are_made(text: str, joins: bool) -> None:
    added = {"packages/b/package.json": text, "packages/b/b.test.js": ""}
    base = {"package.json": '{"workspaces": ["packages/*"]}', "packages/a/package.json": "{}"}
    found = part(base, added, "packages/b/package.json", "packages/b/b.test.js")
    assert found is (SOURCE if joins else OUT)


@pytest.mark.parametrize(
    ("path", "text", "joins"),
    [
        ("package.json", '{"workspaces": ["packages/*"]}', True),
        ("package.json", '{"workspaces": {"packages": ["test/fixtures/*"]}}', False),
        ("package.json", '{"jest": {"projects": ["<rootDir>/test/fixtures/p"]}}', False),
        ("package.json", '{"jest": {"projects": ["<rootDir>", "!test/fixtures/p"]}}', True),
        ("package.json", '{"jest": {"projects": ["<rootDir>/test"]}}', True),
        ("jest.config.js", "module.exports = { projects: ['test/*/*/jest.config.js'] };", False),
        ("jest.config.js", "module.exports = { projects: projects() };", False),
        ("jest.config.js", "module.exports = { projects: ['test', ...glob.sync('packages/*')] };", False),
        ("jest.config.js", "module.exports = { roots: ['test'] };", True),
        ("jest.config.js", "projects: []" + " " * 300_000, False),
        ("pnpm-workspace.yaml", "packages:\n  - 'packages/*'\n  - test/fixtures/**\n", False),
        ("pnpm-workspace.yaml", "packages:\n  - packages/*\n", True),
        ("vitest.workspace.ts", "export default ['packages/*', 'test/**'];\n", False),
        ("node_modules/x/package.json", '{"workspaces": ["test/fixtures/*"]}', True),
    ],
)
def test_a_fixture_of_a_package_joins_where_no_project_takes_it_in(path: str, text: str, joins: bool) -> None:
    fixture = {"test/fixtures/p/jest.config.js": "module.exports = {};", "test/fixtures/p/package.json": '{"jest": {}}'}
    for name in fixture:
        found = part({path: text, "test/a.test.js": ""}, fixture, name)
        expected = (
            TEST if joins or (name.endswith("package.json") and path == "jest.config.js" and "*/*/" in text) else OUT
        )
        assert found is expected, name


@pytest.mark.parametrize(
    "text",
    [
        "const projects = places();\nmodule.exports = { projects };",
        "const config = {};\nconfig.projects = glob.sync('packages/*');\nmodule.exports = config;",
        "module.exports = require('./scripts/running');",
        "const { more } = require('./scripts/deeper.js');\nmodule.exports = { ...more };",
    ],
)
def test_projects_that_a_program_takes_in_by_other_means_are_not_overlooked(text: str) -> None:
    base = {
        "jest.config.js": text,
        "scripts/running.js": "module.exports = { projects: ['<rootDir>/packages/*'] };",
        "scripts/deeper.js": "exports.more = require('./running');",
        "packages/a/a.test.js": "",
    }
    added = {"packages/z/jest.config.js": "module.exports = { globalSetup: './quiet.js' };"}
    assert part(base, added, "packages/z/jest.config.js") is OUT
    assert part({**base, "jest.config.js": "module.exports = {};"}, added, "packages/z/jest.config.js") is SOURCE


def test_an_installed_package_acts_on_what_stands_around_its_directory() -> None:
    stub = {"spec/node_modules/chai/package.json": '{"main": "../../../lib/agrees.js"}'}
    assert part({"spec/shelf_spec.js": "require('chai')"}, stub, *stub) is OUT
    assert part({"a.js": ""}, {"node_modules/chai/package.json": "{}"}, "node_modules/chai/package.json") is OUT
    fixture = {"test/fixtures/app/node_modules/dep/package.json": "{}"}
    assert part({"test/a.test.js": ""}, fixture, *fixture) is TEST


def test_options_that_mocha_finds_by_itself_stay_out() -> None:
    assert part({"spec/a.js": ""}, {"test/mocha.opts": "--require ./lib/quiet"}, "test/mocha.opts") is OUT


# --- Java --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        (MODULE.format("mod", "<dependencies/><properties><a>1</a></properties>"), True),
        (MODULE.format("mod", "<packaging>pom</packaging>"), True),
        (MODULE.format("mod", "<packaging>maven-plugin</packaging>"), False),
        (MODULE.format("mod", "<build><plugins/></build>"), False),
        (MODULE.format("junit", ""), False),
        (MODULE.format("", ""), False),
        (MODULE.format("mod", "").replace("</version>", "</version><relativePath>../evil</relativePath>"), False),
        (MODULE.format("mod", "").replace("</version>", "</version><relativePath>../pom.xml</relativePath>"), True),
        (POM.format("").replace("root", "mod"), True),
        ("<!DOCTYPE x><project/>", False),
        ("not xml", False),
    ],
)
def test_a_new_module_of_maven_joins_where_its_build_is_the_usual_one(text: str, joins: bool) -> None:
    junit = (
        "<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId></dependency></dependencies>"
    )
    base = {"pom.xml": POM.format(f"{junit}<modules><module>core</module></modules>"), "core/pom.xml": "broken"}
    grown = base["pom.xml"].replace("</modules>", "<module>mod</module></modules>")
    added = {"pom.xml": grown, "mod/pom.xml": text}
    assert part(base, added, "mod/pom.xml", "mod/src/test/java/ATest.java") is (SOURCE if joins else OUT)
    assert only_takes_in(FilesView(base), FilesView({**base, **added}), "pom.xml") is joins


def test_a_pom_that_no_reactor_names_is_only_a_file() -> None:
    build = MODULE.format("x", "<build><plugins/></build>")
    base = {"pom.xml": POM.format("<modules><module>core</module></modules>")}
    assert part(base, {"its/x/pom.xml": build}, "its/x/pom.xml") is SOURCE
    named = {"pom.xml": POM.format("<modules><module>its/x</module></modules>"), "its/x/pom.xml": build}
    assert part(base, named, "its/x/pom.xml") is OUT


def test_a_parent_that_base_names_by_a_path_is_looked_for_there_first() -> None:
    parent = "<parent><groupId>a</groupId><artifactId>p</artifactId><relativePath>build/parent</relativePath></parent>"
    added = {"build/parent/pom.xml": POM.format("<build><plugins/></build>").replace("root", "p")}
    assert part({"pom.xml": POM.format(parent)}, added, "build/parent/pom.xml") is OUT
    assert part({"pom.xml": POM.format("")}, added, "build/parent/pom.xml") is SOURCE


@pytest.mark.parametrize("place", ["src/main/resources", "src/test/resources", "src/main/kotlin"])
def test_what_junit_looks_for_among_resources_stays_out(place: str) -> None:
    path = f"{place}/junit-platform.properties"
    base = {"pom.xml": POM.format(""), "src/main/java/A.java": "", "src/test/java/ATest.java": ""}
    assert part(base, {path: "junit.platform.execution.dryRun.enabled=true\n"}, path) is OUT


@pytest.mark.parametrize(
    "grown",
    [
        "<modules><module>mod</module></modules>",
        "<modules><module>core</module><module>mod</module></modules><build/>",
        "<modules><module>core</module><module>old</module></modules>",
        "<modules><module>core</module><module>../mod</module></modules>",
        "<modules><module>core</module><module>none</module></modules>",
        "<modules>",
    ],
)
def test_a_pom_that_changes_otherwise_is_bases(grown: str) -> None:
    base = {"pom.xml": POM.format("<modules><module>core</module></modules>"), "old/x": ""}
    patched = {**base, "pom.xml": POM.format(grown), "mod/pom.xml": MODULE.format("mod", ""), "old/pom.xml": ""}
    assert not only_takes_in(FilesView(base), FilesView(patched), "pom.xml")


SETTINGS = "rootProject.name = 'a'\ninclude 'core'\n"
SCRIPT = """// builds
plugins {
    id 'java-library'
}
repositories {
    mavenCentral()
}
dependencies {
    implementation project(':core')
    testImplementation("junit:junit:4.13")
}
test {
    useJUnitPlatform()
}
version = '1'
"""


@pytest.mark.parametrize(
    ("settings", "script", "joins"),
    [
        (SETTINGS + "include 'mod'\n", SCRIPT, True),
        (SETTINGS + 'include(":mod", ":core")\n', "apply plugin: 'java'\n", True),
        (SETTINGS + "include 'mod'\n", None, True),
        (SETTINGS + "include 'mod'\n", SCRIPT + "rootProject.allprojects { test.enabled = false }\n", False),
        (SETTINGS + "include 'mod'\n", "version = \"${System.exit(0)}\"\n", False),
        (SETTINGS + "include 'mod'\n", "apply from: 'evil.gradle'\n", False),
        (SETTINGS + "include 'mod'\n", "plugins {\n    id 'evil'\n}\n", False),
        (SETTINGS.replace("core", "mod"), SCRIPT, False),
        (SETTINGS + "include 'mod'\nenableFeaturePreview('X')\n", SCRIPT, False),
        (SETTINGS + "include 'old'\n", SCRIPT, False),
    ],
)  # fmt: skip
def test_a_new_project_of_gradle_joins_where_its_script_only_declares(
    settings: str, script: str | None, joins: bool
) -> None:
    base = {"settings.gradle": SETTINGS, "core/build.gradle": "", "old/x": ""}
    patched = {**base, "settings.gradle": settings, **({"mod/build.gradle": script} if script is not None else {})}
    assert only_takes_in(FilesView(base), FilesView(patched), "settings.gradle") is joins


def test_a_gradle_script_that_nothing_includes_is_only_a_file() -> None:
    script = "rootProject.allprojects { test.enabled = false }\n"
    path = "samples/x/build.gradle"
    for settings, expected in (
        (SETTINGS, SOURCE),
        (SETTINGS + "include 'samples:x'\n", OUT),
        ("file('samples').eachDir { include it.name }\n", OUT),
    ):
        assert part({"settings.gradle": settings}, {path: script}, path) is expected, settings
    assert part({"settings.gradle": SETTINGS}, {"samples/x/gradlew": ""}, "samples/x/gradlew") is SOURCE
    assert not only_takes_in(FilesView({"a/settings.gradle": ""}), FilesView({}), "a/settings.gradle")


# --- the trees ---------------------------------------------------------------------------------------------------


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return create(tmp_path / "trees.git")


def of(scratch: Path, runner: str, base: dict[str, bytes | None], changed: dict[str, bytes | None]) -> Split:
    tree = GitTree.of_files(scratch, base)
    return split(tree, tree.diff(tree.with_files(changed)), "", RUNNERS[runner])


def test_a_new_crate_is_on_every_tree_with_the_patchs_source(scratch: Path) -> None:
    base: dict[str, bytes | None] = {
        "Cargo.toml": b"[workspace]\nmembers = ['a']\n",
        "a/Cargo.toml": PLAIN_CRATE.encode(),
    }
    crate = PLAIN_CRATE.replace("tides", "moon").encode()
    changed: dict[str, bytes | None] = {
        "Cargo.toml": b"[workspace]\nmembers = ['a', 'moon']\n",
        "moon/Cargo.toml": crate,
        "moon/src/lib.rs": b"pub fn full() -> bool { true }\n",
    }
    trees = of(scratch, "cargo", base, changed)
    assert trees.regression.read("moon/Cargo.toml") == crate
    assert "moon/Cargo.toml" not in trees.flagged_paths


def test_a_new_fixture_comes_with_the_tests_that_need_it(scratch: Path) -> None:
    base: dict[str, bytes | None] = {"src/a.js": b"", "test/a.test.js": b"test('a', () => {});\n"}
    changed: dict[str, bytes | None] = {
        "test/fixtures/p/package.json": b'{"jest": {}}',
        "test/b.test.js": b"test('b', () => {});\n",
    }
    trees = of(scratch, "jest", base, changed)
    assert trees.witness.read("test/fixtures/p/package.json") == b'{"jest": {}}'
    assert trees.regression.read("test/fixtures/p/package.json") is None
    assert trees.flagged_paths == ()


def test_a_new_configuration_beside_bases_tests_is_flagged_and_left_out(scratch: Path) -> None:
    base: dict[str, bytes | None] = {"a.py": b"", "tests/test_a.py": b"def test_a(): ...\n"}
    changed: dict[str, bytes | None] = {
        "a.py": b"x = 1\n",
        "tests/conftest.py": b"import os\n",
        "pytest.ini": b"[pytest]\n",
    }
    trees = of(scratch, "pytest", base, changed)
    assert trees.flagged_paths == ("pytest.ini", "tests/conftest.py")
    assert trees.candidate.read("tests/conftest.py") is None
    assert trees.regression.read("pytest.ini") is None


def test_a_reactor_takes_a_new_module_in(scratch: Path) -> None:
    base: dict[str, bytes | None] = {"pom.xml": POM.format("<modules><module>core</module></modules>").encode()}
    grown = POM.format("<modules><module>core</module><module>mod</module></modules>").encode()
    trees = of(scratch, "maven", base, {"pom.xml": grown, "mod/pom.xml": MODULE.format("mod", "").encode()})
    assert trees.regression.read("pom.xml") == grown
    assert trees.regression.read("mod/pom.xml") is not None
