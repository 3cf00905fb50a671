"""Names and sections that decide how tests run, and honest changes that are no sign. Pure."""

from __future__ import annotations

import pytest

from sandbox.parts import classify, signs_of
from sandbox.signs import Changed, asks_for_tests
from sandbox.tamper import same_test_sections
from sandbox.types import Part
from tests.support.cases import FilesView

PROCESSOR = "src/main/resources/META-INF/services/javax.annotation.processing.Processor"


@pytest.mark.parametrize(
    "path",
    [
        "jest.unit.config.js",
        "config/jest/globalSetup.ts",
        "scripts/global-setup.mjs",
        "src/setupTests.ts",
        "vitest.unit.config.ts",
        "vitest-setup.ts",
        "vite.base.config.ts",
        "build-logic/src/main/kotlin/Tests.kt",
        "core/buildSrc/src/main/java/Plugin.java",
        "testng.xml",
        "testng-unit.xml",
    ],
)
def test_what_a_runner_or_its_build_loads_is_configuration(path: str) -> None:
    assert classify(path) is Part.TEST_CONFIG


@pytest.mark.parametrize("path", ["src/jest/config.ts", "gradle/plugin/src/main/java/A.java", "src/invite.config.ts"])
def test_names_that_are_only_alike_are_source(path: str) -> None:
    assert classify(path) is Part.SOURCE


def test_tables_of_pytest_and_of_its_plugins_configure_tests() -> None:
    base = b"[project]\nname = 'a'\n"
    assert same_test_sections("pyproject.toml", base, base + b"[tool.ruff]\nline-length = 99\n")
    assert not same_test_sections("pyproject.toml", base, base + b"[tool.pytest.ini_options]\naddopts = '-x'\n")
    assert not same_test_sections("pyproject.toml", base, base + b"[tool.pytest_env]\nDEBUG = '1'\n")


def test_a_workspace_may_gain_packages_but_not_other_assertions() -> None:
    base = b"[workspace]\nmembers = ['a']\n[workspace.dependencies]\nserde = '1'\n"
    assert same_test_sections("Cargo.toml", base, base + b"test-support = { path = 'b' }\n")
    assert not same_test_sections("Cargo.toml", base, base + b"pretty_assertions = { path = 'b' }\n")


def test_an_annotation_processors_own_project_may_change_its_registration() -> None:
    patched = FilesView({PROCESSOR: "com.acme.One\ncom.acme.Two\n"})
    assert signs_of(FilesView({PROCESSOR: "com.acme.One\n"}), patched, PROCESSOR) == ()
    assert signs_of(FilesView({}), patched, PROCESSOR) != ()


@pytest.mark.parametrize("path", ["CHANGELOG.md", "docs/testing.rst", "README.adoc"])
def test_prose_may_say_how_to_ask_whether_a_test_is_running(path: str) -> None:
    text = "Set by pytest: PYTEST_CURRENT_TEST.\n"
    assert asks_for_tests([Changed(path=path, before="", after=text)], lambda _: False) == ()
    assert asks_for_tests([Changed(path="a.py", before="", after=text)], lambda _: False) != ()


@pytest.mark.parametrize(
    ("path", "is_judge"),
    [
        ("vendor/pretty_assertions/src/lib.rs", True),
        ("third_party/rust/claims-0.8.0/Cargo.toml", True),
        ("vendor/pretty_assertions/.cargo-checksum.json", True),
        ("vendor/serde/src/lib.rs", False),
        ("crates/pretty_assertions/src/lib.rs", False),
        ("vendor/serde/src/assert/mod.rs", False),
    ],
)
def test_a_vendored_crate_that_tests_are_judged_with_is_no_source(path: str, is_judge: bool) -> None:
    assert (signs_of(FilesView({path: "a"}), FilesView({path: "b"}), path) != ()) is is_judge


def test_a_module_of_go_that_calls_itself_an_assertion_library_would_take_its_place_in_a_workspace() -> None:
    own = "module github.com/stretchr/testify\n"
    added = FilesView({"fake/go.mod": own})
    assert signs_of(FilesView({}), added, "fake/go.mod") != ()
    assert signs_of(FilesView({"fake/go.mod": own}), added, "fake/go.mod") == ()
    assert signs_of(FilesView({}), FilesView({"go.mod": "module github.com/acme/ledger\n"}), "go.mod") == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("go.mod", "module (\n\tgithub.com/stretchr/testify\n)\n"),
        ("go.mod", "module ( //go:x\n\n\t`github.com/stretchr/testify`\n)\n"),
        ("go.mod", 'module "git\\x68ub.com/stretchr/testify"\n'),
        ("go.work", 'use .\nreplace "git\\x68ub.com/stretchr/testify" => ./fake\n'),
    ],
)
def test_a_module_of_go_does_not_hide_whose_place_it_takes(name: str, text: str) -> None:
    assert signs_of(FilesView({}), FilesView({name: text}), name) != ()
    assert signs_of(FilesView({name: text}), FilesView({name: text}), name) == ()


@pytest.mark.parametrize(
    ("path", "is_shadow"),
    [
        ("pkg/spec/node_modules/chai/index.js", True),
        ("pkg/test/node_modules/chai/index.js", True),
        ("spec/node_modules/chai/index.cjs", True),
        ("spec/node_modules/chai/index.js", False),
        ("test/node_modules/chai/index.js", False),
        ("pkg/tests/node_modules/chai/index.js", False),
        ("pkg/spec/fixtures/app/node_modules/dep/index.js", False),
        ("pkg/fixtures/node_modules/dep/index.js", False),
    ],
)
def test_a_package_beside_bases_tests_takes_the_place_of_an_installed_one(path: str, is_shadow: bool) -> None:
    base = FilesView(
        {
            "spec/shelfSpec.js": "",
            "test/a.js": "",
            "pkg/spec/shelfSpec.js": "",
            "pkg/test/unit/a.js": "",
            "pkg/spec/fixtures/app/main.js": "",
            "pkg/fixtures/one.js": "",
        }
    )
    assert (signs_of(base, FilesView({path: "x"}), path) != ()) is is_shadow
    # Those without a sign come with the new tests, or serve fixtures only.
    assert is_shadow or "fixtures" in path or classify(path) is Part.TEST
