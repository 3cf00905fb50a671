"""How Go's and Rust's repositories are detected and how their runs are started. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import buildpacks, toolchains
from sandbox.buildpacks import go, rust
from sandbox.errors import SetupError
from sandbox.runners import RUNNERS, report
from sandbox.runners.cargo_runner import without_harness
from sandbox.runners.protocol import RunRequest
from sandbox.toolchains import ToolchainSources
from sandbox.types import EnvironmentPlan, RepoView, TestId
from tests.support.cases import FilesView

GO, CARGO = RUNNERS["go"], RUNNERS["cargo"]
PACKAGE = '[package]\nname = "a"\nversion = "1.0.0"\n'


def plan_of(files: dict[str, str]) -> EnvironmentPlan:
    plan = buildpacks.detect(FilesView(files))
    assert plan is not None
    return plan


def asked(runner: str, files: dict[str, str], **request: Any) -> dict[str, Any]:
    prepared = RUNNERS[runner].prepare(FilesView(files), RunRequest(nonce="n0", key="k0", **request))
    assert prepared.argv == (*report.OUTSIDE, "/work/run-n0/run.py", "/work/run-n0/request.json")
    assert {"/work/run-n0/outside.py", "/work/run-n0/reporter.py"} < set(prepared.files)
    content: dict[str, Any] = json.loads(prepared.files["/work/run-n0/request.json"])
    return content


# --- Go ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "toolchain", "evidence"),
    [
        ({"go.mod": "module m\n"}, "", "No go.mod says which Go: the distribution's 1.19."),
        ({"go.mod": "go 1.13\n"}, "", "go.mod: asks for Go 1.13; the distribution's 1.19 is enough."),
        ({"go.mod": "go 1.19 // old\n"}, "", "asks for Go 1.19"),
        ({"go.mod": "go 1.22\n"}, "go@1.22", "go.mod: asks for Go 1.22, newer than the distribution's"),
        ({"go.mod": "go 1.22.0\ntoolchain go1.22.4\n"}, "go@1.22.4", "asks for Go 1.22.4"),
        ({"go.mod": "go 1.22.0\ntoolchain default\n"}, "go@1.22.0", "asks for Go 1.22.0"),
        ({"go.work": "go 1.23\n", "a/go.mod": "go 1.21\n"}, "go@1.23", "go.work: asks for Go 1.23"),
        ({"a/go.mod": "go 1.18\n", "b/go.mod": "go 1.20\n"}, "go@1.20", "b/go.mod: asks for Go 1.20"),
    ],
)
def test_the_go_that_a_tree_asks_for(files: dict[str, str], toolchain: str, evidence: str) -> None:
    plan = plan_of(files)
    assert (plan.language, plan.runner, plan.toolchains) == ("go", "go", (toolchain,) if toolchain else ())
    assert any(evidence in line for line in plan.evidence), plan.evidence
    assert plan.apt == (("python3-venv",) if toolchain else ("golang-go",))


def test_modules_are_downloaded_and_compiled_when_the_image_is_built() -> None:
    files = {"go.mod": "go 1.19\n", "go.sum": "", "tools/go.mod": "go 1.19\n", "tools/vendor/modules.txt": ""}
    plan = plan_of({**files, "vendor/x/go.mod": "", "_old/go.mod": "", ".x/go.mod": "", "a/testdata/go.mod": ""})
    assert plan.install == (("go", "mod", "download"),)
    warm = ("go", "test", "-vet=off", "-exec", "/bin/true", "./...")
    assert plan.optional_install == (warm, ("env", "-C", "tools", *warm))
    assert plan.manifests == ("go.mod", "go.sum", "tools/go.mod", "tools/vendor/modules.txt")
    assert "tools/vendor/modules.txt: its modules are vendored." in plan.evidence
    assert dict(plan.env)["GOTOOLCHAIN"] == "local"


def test_a_workspace_s_modules_are_resolved_together() -> None:
    plan = plan_of({"go.work": "go 1.18\n", "a/go.mod": "", "b/go.mod": "", "go.work.sum": ""})
    assert plan.install == (("go", "mod", "download"),)
    assert plan.evidence[0] == "go.work: a workspace; 2 modules are in the tree."
    assert plan.manifests == ("a/go.mod", "b/go.mod", "go.work", "go.work.sum")


def test_a_tree_without_a_module_is_none_of_go_s() -> None:
    assert go.detect(FilesView({"a.go": "package a\n", "vendor/b/go.mod": ""})) is None


def test_a_run_of_go_s_tests() -> None:
    chosen = (TestId("coin/coin_test.go::TestA/x"), TestId("a_test.go::TestB"))
    content = asked("go", {}, tests=chosen, order_seed=7, test_seconds=3.0)
    assert (content["tests"], content["files"], content["seed"]) == (list(chosen), [], 7)
    assert content["canaries"] == list(report.canary_names(RunRequest(nonce="n0", key="k0")))
    assert asked("go", {}, canaries=False)["canaries"] == []
    view: RepoView = FilesView({})
    assert GO.prepare(view, RunRequest(nonce="n")).shown == ("go", "test", "./...")
    shown = GO.prepare(view, RunRequest(nonce="n", tests=chosen)).shown
    assert shown == ("go", "test", "-run", "^(TestA|TestB)$", ".", "./coin")
    assert GO.prepare(view, RunRequest(nonce="n", files=("coin/a_test.go",))).shown == ("go", "test", "./coin")
    assert GO.file_of(view, chosen[0]) == "coin/coin_test.go"
    assert GO.is_test_file(view, "a_test.go")
    assert GO.parse(b"", RunRequest(nonce="n")).complete is False


# --- Rust --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "toolchain", "evidence"),
    [
        ({}, "", "The distribution's Rust (1.85 or later) compiles it."),
        ({"Cargo.lock": "version = 3\n"}, "", "The distribution's"),
        ({"Cargo.lock": "version = 4\n"}, "", "Cargo.lock: format 4 needs Rust 1.78."),
        ({"Cargo.toml": PACKAGE + 'edition = "2024"\n'}, "", "Cargo.toml: edition 2024 needs Rust 1.85."),
        ({"Cargo.toml": PACKAGE + 'rust-version = "1.60"\n'}, "", "rust-version 1.60 needs Rust 1.60."),
        ({"Cargo.toml": PACKAGE + 'rust-version = "1.99.1"\n'}, "rust@1.99.1", "Rust 1.99.1 is newer than"),
        (
            {"Cargo.toml": '[workspace.package]\nrust-version = "1.90"\n', "a/Cargo.toml": "broken"},
            "rust@1.90",
            "Cargo.toml: rust-version 1.90 needs Rust 1.90.",
        ),
        ({"rust-toolchain": "1.88.0\n"}, "rust@1.88.0", "rust-toolchain: channel 1.88.0 needs Rust 1.88."),
        ({"rust-toolchain": "stable\n"}, "", "The distribution's"),
        ({"rust-toolchain.toml": "[toolchain]\nchannel = 3\n"}, "", "The distribution's"),
        (
            {"rust-toolchain.toml": '[toolchain]\nchannel = "nightly-2026-01-01"\n'},
            "rust@nightly",
            "rust-toolchain.toml: asks for nightly-2026-01-01.",
        ),
    ],
)
def test_the_rust_that_a_tree_asks_for(files: dict[str, str], toolchain: str, evidence: str) -> None:
    plan = plan_of({"Cargo.toml": PACKAGE, **files})
    assert (plan.language, plan.runner, plan.toolchains) == ("rust", "cargo", (toolchain,) if toolchain else ())
    assert any(evidence in line for line in plan.evidence), plan.evidence
    assert plan.apt == (("python3-venv",) if toolchain else ("cargo-web",))


def test_dependencies_are_fetched_and_compiled_when_the_image_is_built() -> None:
    plan = plan_of(
        {"a/Cargo.toml": PACKAGE, "a/b/Cargo.toml": PACKAGE, "a/Cargo.lock": "", "c/Cargo.toml": PACKAGE}
        | {"target/x/Cargo.toml": PACKAGE, "vendor/y/Cargo.toml": PACKAGE}
    )
    at = ("env", "-C")
    assert plan.install[0][0] == "/bin/sh"
    assert plan.install[1:] == ((*at, "a", "cargo", "fetch", "--locked"), (*at, "c", "cargo", "fetch"))
    warm = ("cargo", "test", "--workspace", "--tests", "--no-run")
    copy = ("cp", "-a", rust.TARGET, rust.KEPT_TARGET)
    assert plan.optional_install == ((*at, "a", *warm, "--locked"), (*at, "c", *warm), copy)
    assert plan.manifests == ("a/Cargo.lock", "a/Cargo.toml", "a/b/Cargo.toml", "c/Cargo.toml")


def test_vendored_dependencies_are_compiled_in_each_run() -> None:
    config = '[source.crates-io]\nreplace-with = "v"\n[source.v]\ndirectory = "vendor"\n'
    plan = plan_of({"Cargo.toml": PACKAGE, ".cargo/config.toml": config, ".cargo/x": ""})
    assert plan.optional_install == ()
    assert ".cargo/config.toml" in plan.manifests
    assert "compiled in each run" in plan.evidence[-1]


def test_a_tree_without_a_manifest_is_none_of_rust_s() -> None:
    assert rust.detect(FilesView({"a.rs": "", "vendor/b/Cargo.toml": PACKAGE})) is None


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        (PACKAGE, set()),
        ("broken", set()),
        (PACKAGE + "[lib]\nharness = false\n", {"src/lib.rs"}),
        (PACKAGE + '[lib]\npath = "a.rs"\nharness = false\n', {"a.rs"}),
        (PACKAGE + '[[test]]\nname = "it"\nharness = false\n', {"tests/it.rs", "tests/it/main.rs"}),
        (PACKAGE + '[[test]]\nname = "it"\nharness = true\n[[bin]]\nname = "b"\n', set()),
        (PACKAGE + '[[bench]]\nname = "b"\npath = "x/b.rs"\nharness = false\n', {"x/b.rs"}),
        (PACKAGE + "test = 3\n", set()),
    ],
)
def test_targets_without_a_harness_are_known_from_the_manifest(manifest: str, found: set[str]) -> None:
    assert without_harness(FilesView({"Cargo.toml": manifest})) == found
    assert without_harness(FilesView({"a/Cargo.toml": manifest})) == {f"a/{path}" for path in found}


TREE = {
    "Cargo.toml": PACKAGE,
    "src/lib.rs": "#[cfg(test)] mod tests { #[test] fn a() {} }",
    "src/clock.rs": "",
    "src/clock/hand.rs": "",
    "src/sky/mod.rs": "",
    "src/sky/moon.rs": "",
    "tests/it.rs": "",
    "tests/common/mod.rs": "",
    "tests/big/main.rs": "",
    "tests/big/part.rs": "",
    "x/alone.rs": "",
    "x/alone/deep.rs": "",
}


@pytest.mark.parametrize(
    ("test", "path"),
    [
        ("src/lib.rs::tests::a", "src/lib.rs"),
        ("src/lib.rs::clock::tests::a", "src/clock.rs"),
        ("src/lib.rs::clock::hand::tests::a", "src/clock/hand.rs"),
        ("src/lib.rs::sky::moon::a", "src/sky/moon.rs"),
        ("src/lib.rs::sky::a", "src/sky/mod.rs"),
        ("tests/it.rs::a", "tests/it.rs"),
        ("tests/it.rs::common::a", "tests/common/mod.rs"),
        ("tests/big/main.rs::part::a", "tests/big/part.rs"),
        ("x/alone.rs::deep::a", "x/alone/deep.rs"),
        ("build.rs::clock::a", "build.rs"),
    ],
)
def test_the_file_of_a_rust_test_is_its_innermost_module_s(test: str, path: str) -> None:
    assert CARGO.file_of(FilesView(TREE), TestId(test)) == path


def test_a_view_that_cannot_be_remembered_is_asked_each_time() -> None:
    class Fickle(FilesView):
        __hash__ = None  # type: ignore[assignment]

    assert CARGO.file_of(Fickle(TREE), TestId("src/lib.rs::clock::a")) == "src/clock.rs"


def test_a_run_of_rust_s_tests() -> None:
    chosen = (TestId("src/lib.rs::tests::a"), TestId("tests/it.rs::b"))
    content = asked("cargo", TREE, tests=chosen, order_seed=3)
    assert (content["roots"], content["plain"], content["tests"]) == (["."], [], list(chosen))
    assert (content["seed"], len(content["module"]), len(content["canaries"])) == (3, 16, 2)
    assert asked("cargo", {"a/Cargo.toml": PACKAGE}, canaries=False)["roots"] == ["a"]
    view = FilesView(TREE)
    assert CARGO.prepare(view, RunRequest(nonce="n")).shown == ("cargo", "test", "--tests")
    shown = CARGO.prepare(view, RunRequest(nonce="n", tests=chosen)).shown
    assert shown == ("cargo", "test", "--tests", "--", "--exact", "b", "tests::a")
    assert [CARGO.is_test_file(view, path) for path in ("src/lib.rs", "src/clock.rs", "tests/it.rs", "Cargo.toml")] == [
        True,
        False,
        True,
        False,
    ]
    assert not CARGO.is_test_file(view, "src/none.rs")
    assert CARGO.parse(b"", RunRequest(nonce="n")).complete is False


# --- toolchains --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toolchain", "image"),
    [
        ("go@1.22", "golang:1.22-bookworm"),
        ("rust@1.90.1", "rust:1.90.1-bookworm"),
        ("rust@nightly", "rustlang/rust:nightly-bookworm"),
        ("rust@1.91", "own/rust"),
        ("python@3.9", ""),
    ],
)
def test_newer_toolchains_come_in_images(toolchain: str, image: str) -> None:
    assert toolchains.image_of(toolchain, ToolchainSources(images={"rust@1.91": "own/rust"})) == image


def test_an_image_that_cannot_be_had_is_named_with_its_version() -> None:
    told = str(toolchains.not_pulled("go@1.22", "golang:1.22-bookworm", SetupError("no route")))
    assert told.startswith("go@1.22 is wanted")
    assert "golang:1.22-bookworm cannot be had (no route)" in told
