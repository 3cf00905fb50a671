"""Exit-code evidence: the fallback buildpack, the choice between languages, the runner, and its verdicts in Docker."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sandbox.buildpacks import choice, detect
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.runners import RUNNERS
from sandbox.runners.protocol import RunRequest
from sandbox.tree import GitTree
from sandbox.types import (
    EnvironmentPlan,
    NotFixed,
    Proof,
    Regressed,
    RegressionFree,
    TestId,
    WitnessInvalid,
    WitnessNotRed,
)
from sandbox.verify import VerifyRequest, verify
from tests.support.cases import COMMIT, FilesView, case, edit

RUNNER = RUNNERS["command"]
PLAN = EnvironmentPlan(language="unknown", runner="command", base="redgreen-base", command=("make", "test"))


# --- detection ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "command", "evidence"),
    [
        ({"Makefile": "all:\n\techo\n\ntest: all\n\t./t\n"}, ("make", "test"), "Makefile:4: has a target 'test'."),
        ({"Makefile": "check clean::\n"}, ("make", "check"), "Makefile:1: has a target 'check'."),
        ({"GNUmakefile": "a b tests :\n", "Makefile": "test:\n"}, ("make", "tests"), "GNUmakefile:1: has"),
        ({"test.sh": "#!/bin/bash -e\n./x\n"}, ("/bin/bash", "-e", "test.sh"), "test.sh: a script"),
        ({"Makefile": "test := 1\nlatest:\n", "bin/test": ""}, ("sh", "bin/test"), "bin/test: a script"),
        ({"Makefile": "test:\n", "tool.py": "print(1)\n"}, ("make", "test"), "Makefile:1: has a target 'test'."),
    ],
)
def test_an_unknown_build_is_tested_by_its_conventional_command(
    files: dict[str, str], command: tuple[str, ...], evidence: str
) -> None:
    plan = detect(FilesView(files))
    assert plan is not None
    assert (plan.runner, plan.command) == ("command", command)
    assert plan.evidence[0].startswith(evidence)
    assert "exit code" in plan.evidence[1]


def test_scripts_beside_another_build_are_told() -> None:
    plan = detect(FilesView({"Makefile": "test:\n", "tool.py": "print(1)\n"}))
    assert plan is not None
    assert plan.evidence[-1] == "Also seen: python (1 source and 0 test files)."


@pytest.mark.parametrize("files", [{}, {"README": "x"}, {"Makefile": "all:\n"}])
def test_a_build_without_any_test_command_is_unknown(files: dict[str, str]) -> None:
    assert detect(FilesView(files)) is None


def plans(*languages: str) -> list[EnvironmentPlan]:
    return [EnvironmentPlan(language=language, runner="x", base="", evidence=("Why.",)) for language in languages]


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ({"package.json": '{"scripts": {"test": "jest"}}', "a.js": "", "a.test.js": "", "tool.py": ""}, "node"),
        (
            {"package.json": '{"scripts": {"docs": "x"}}', "pyproject.toml": "[project]\n", "a.py": "", "b.js": ""},
            "python",
        ),
        ({"package.json": '{"main": "x"}', "pyproject.toml": "[tool.black]\n", "a.js": "", "b.js": ""}, "node"),
        ({"package.json": "[", "pyproject.toml": "[", "a.py": "", "docs/a.js": "", "docs/b.js": ""}, "python"),
        ({"package.json": "[]", "pyproject.toml": "tool = {poetry = 1}", "test_a.py": "", "b.js": ""}, "python"),
        ({"package.json": '{"scripts": 3}', "setup.py": "", "a.py": "", "b.js": ""}, "python"),
        (
            {"package.json": '{"scripts": {"test": "echo no test specified"}}', "a.py": "", "b.py": "", "b.js": ""},
            "python",
        ),
    ],
)
def test_a_repository_is_tested_in_the_language_that_it_is_made_of(files: dict[str, str], chosen: str) -> None:
    plan = choice.choose(choice.weighed(FilesView(files), plans("python", "node")))
    assert plan.language == chosen
    assert plan.evidence[0] == "Why."
    assert plan.evidence[1].startswith(f"Chosen: {chosen} (")


def test_what_was_chosen_is_told_with_what_else_was_seen() -> None:
    files = {"go.mod": "", "a.go": "", "a_test.go": "", "web/b.js": ""}
    plan = choice.choose(choice.weighed(FilesView(files), plans("node", "go", "elvish")))
    assert plan.evidence[1].startswith("Chosen: go (go.mod, ")
    assert "Also seen: node (1 source and 0 test files); elvish (0 source and 0 test files)." in plan.evidence[1]


# --- the runner --------------------------------------------------------------------------------------------------


def asked(**request: object) -> dict[str, object]:
    prepared = RUNNER.prepare(FilesView({}), RunRequest(nonce="n", key="k", plan=PLAN, **request))  # type: ignore[arg-type]
    assert prepared.shown == ("make", "test")
    content: dict[str, object] = json.loads(prepared.files["/work/run-n/request.json"])
    return content


def test_the_command_line_is_the_test() -> None:
    assert asked()["ids"] == ["command::make test"]
    assert asked()["command"] == ["make", "test"]


def test_a_run_about_certain_files_is_another_test_of_the_same_command() -> None:
    assert asked(files=("tests/a.sh", "tests/b.sh"))["ids"] == ["command::make test[tests/a.sh,tests/b.sh]"]
    assert asked(tests=(TestId("command::make test[tests/a.sh]"),))["ids"] == ["command::make test[tests/a.sh]"]


def test_no_file_holds_the_test_and_test_files_go_by_their_names() -> None:
    view = FilesView({})
    assert RUNNER.file_of(view, TestId("command::make test")) is None
    assert RUNNER.is_test_file(view, "tests/a.sh")
    assert not RUNNER.is_test_file(view, "scales.sh")


def test_no_canary_is_asked_for() -> None:
    assert RUNNER.parse(b"", RunRequest(nonce="n", key="k")).tamper_signs == ()


# --- verdicts ----------------------------------------------------------------------------------------------------

Verify = Callable[..., Proof]
RED = b'. ./scales.sh\ntest "$(weight 1000)" = "1.0 kg"\n'
GREEN = b'. ./scales.sh\ntest "$(weight 1)" = "1 g"\n'


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case("command/scales", tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def run(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    cache = RunCache(tmp_path_factory.mktemp("runs"))

    def verify_one(patched: GitTree, on: GitTree = base) -> Proof:
        request = VerifyRequest(base_commit=COMMIT, base=on, patch=on.diff(patched))
        proof = verify(engine, request, cache=cache, progress=lambda _: None)
        assert proof.verdict.evidence.exit_code_only
        assert proof.verdict.evidence.fail_to_pass == ()
        return proof

    return verify_one


def fixed(tree: GitTree) -> GitTree:
    return edit(tree, "scales.sh", "-gt 1000", "-ge 1000")


@pytest.mark.docker
def test_from_red_to_green_by_exit_code_is_no_proof(base: GitTree, run: Verify) -> None:
    verdict = run(fixed(base).with_files({"tests/kilo.sh": RED})).verdict
    assert isinstance(verdict, WitnessInvalid), verdict
    assert verdict.invalid[0].id == "command::make test[tests/kilo.sh]"
    assert "exit code 2, which does not say what failed" in verdict.invalid[0].why


@pytest.mark.docker
def test_a_red_command_that_turns_green_is_no_proof_either(base: GitTree, run: Verify) -> None:
    red = base.with_files({"tests/kilo.sh": RED})
    verdict = run(fixed(red), on=red).verdict
    assert isinstance(verdict, WitnessInvalid), verdict
    assert verdict.invalid[0].id == "command::make test"


@pytest.mark.docker
def test_leaving_early_from_the_source_is_no_proof(base: GitTree, run: Verify) -> None:
    leaving = edit(base, "scales.sh", "weight() {", "exit 0\nweight() {")
    verdict = run(leaving.with_files({"tests/kilo.sh": RED})).verdict
    assert isinstance(verdict, WitnessInvalid), verdict


@pytest.mark.docker
def test_an_exit_code_that_stays_red_is_not_fixed(base: GitTree, run: Verify) -> None:
    patched = edit(base, "scales.sh", "# Grams", "# Weights").with_files({"tests/kilo.sh": RED})
    assert isinstance(run(patched).verdict, NotFixed)


@pytest.mark.docker
def test_new_tests_that_change_no_exit_code_prove_nothing(base: GitTree, run: Verify) -> None:
    assert isinstance(run(fixed(base).with_files({"tests/gram.sh": GREEN})).verdict, WitnessNotRed)
    assert isinstance(run(fixed(base)).verdict, RegressionFree)


@pytest.mark.docker
def test_a_command_that_turns_red_regressed(base: GitTree, run: Verify) -> None:
    verdict = run(edit(base, "scales.sh", "% 1000 / 100", "% 1000 / 10")).verdict
    assert isinstance(verdict, Regressed), verdict
    assert verdict.turned_red[0].id == "command::make test"


@pytest.mark.docker
def test_a_makefile_that_leaves_its_tests_out_is_not_what_runs(base: GitTree, run: Verify) -> None:
    breaking = edit(base, "scales.sh", "% 1000 / 100", "% 1000 / 10")
    verdict = run(breaking.with_files({"Makefile": b"test:\n\ttrue\n"})).verdict
    assert isinstance(verdict, Regressed), verdict
    assert verdict.evidence.flagged_paths == ("Makefile",)
