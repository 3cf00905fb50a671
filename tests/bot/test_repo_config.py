"""`.github/redgreen.yml` -> RepoConfig | ConfigProblem(line)."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.repo_config import MAX_BYTES, ConfigProblem, EnvironmentOverride, RepoConfig, json_schema, parse
from sandbox.types import EnvironmentPlan

FULL = b"""\
# everything that can be said
label: autofix
model: qwen3-coder
pull_request: draft
review: everyone
environment:
  image: python:3.12
  runner: pytest
  apt: [libpq-dev]
  env: {DJANGO_SETTINGS_MODULE: tests.settings}
  install:
    - pip install -e ".[test]"
  manifests: [pyproject.toml]
ignore:
  - docs/**
protected: ["migrations/**", LICENSE]
"""


@pytest.mark.parametrize("text", [FULL, b"", b"self_hosted_only: true\n"], ids=["all", "nothing", "one"])
def test_what_is_stored_with_a_job_is_read_again_as_it_was_said(text: bytes) -> None:
    config = parse(text)
    assert isinstance(config, RepoConfig)
    again = RepoConfig.from_json(config.as_json())
    assert again == config
    assert again.model_fields_set == config.model_fields_set


def test_no_file_and_an_empty_file_are_the_defaults() -> None:
    assert parse(None) == parse(b"") == parse(b"# nothing\n") == RepoConfig()
    assert (RepoConfig().label, RepoConfig().review, RepoConfig().pull_request) == ("redgreen", None, None)


def test_every_key_is_read() -> None:
    config = parse(FULL)
    assert isinstance(config, RepoConfig)
    assert (config.label, config.model, config.pull_request, config.review) == (
        "autofix", "qwen3-coder", "draft", "everyone",
    )  # fmt: skip
    assert config.environment.install == ('pip install -e ".[test]"',)
    assert config.environment.env == {"DJANGO_SETTINGS_MODULE": "tests.settings"}


def test_a_python_can_be_asked_for_and_an_image_of_one_s_own_needs_none() -> None:
    detected = EnvironmentPlan(language="python", runner="", base="redgreen-base", toolchains=("node@20", "python@3.8"))
    assert EnvironmentOverride(python="3.9").over(detected).toolchains == ("node@20", "python@3.9")
    assert EnvironmentOverride(image="python:3.12", python="3.9.18").over(detected).toolchains[1] == "python@3.9.18"
    assert EnvironmentOverride(image="python:3.12").over(detected).toolchains == ()
    assert EnvironmentOverride().over(detected).toolchains == detected.toolchains
    refused = parse(b"environment:\n  python: 2.7\n")
    assert isinstance(refused, ConfigProblem)
    assert refused.line == 2


def test_the_override_replaces_what_it_names_and_says_so() -> None:
    config = parse(FULL)
    assert isinstance(config, RepoConfig)
    detected = EnvironmentPlan(
        language="python", runner="unittest", base="redgreen-base", apt=("git",), env=(("A", "1"),),
        install=(("pip", "install", "."),), optional_install=(("pip", "install", "x"),), manifests=("setup.py",),
        evidence=("setup.py is there.",),
    )  # fmt: skip
    plan = config.environment.over(detected)
    assert (plan.base, plan.runner, plan.apt) == ("python:3.12", "pytest", ("git", "libpq-dev"))
    assert (plan.install, plan.optional_install) == ((("pip", "install", "-e", ".[test]"),), ())
    assert plan.env == (("A", "1"), ("DJANGO_SETTINGS_MODULE", "tests.settings"))
    assert plan.manifests == ("pyproject.toml",)
    assert plan.evidence[-1] == ".github/redgreen.yml sets apt, env, image, install, manifests, runner."
    assert EnvironmentOverride().over(detected) == detected


def override(text: bytes) -> EnvironmentOverride:
    config = parse(b"environment: {" + text + b"}")
    assert isinstance(config, RepoConfig), config
    return config.environment


def test_a_command_is_run_for_its_exit_code_unless_a_runner_is_named() -> None:
    detected = EnvironmentPlan(language="python", runner="pytest", base="b", command=("old",))
    plan = override(b"command: make -C 'a b' check").over(detected)
    assert (plan.runner, plan.command) == ("command", ("make", "-C", "a b", "check"))
    assert override(b"command: x, runner: unittest").over(detected).runner == "unittest"
    assert override(b"command: ''").over(detected).command == ("old",)


def test_versions_that_are_named_replace_the_detected_ones() -> None:
    detected = EnvironmentPlan(language="x", runner="x", base="b", toolchains=("java@11", "node@18"))
    assert override(b"node: '20', go: '1.22.3'").over(detected).toolchains == ("java@11", "node@20", "go@1.22.3")
    assert override(b"image: i, python: '3.9'").over(detected).toolchains == ("java@11", "node@18", "python@3.9")
    assert override(b"image: i").over(detected).toolchains == ()
    assert override(b"apt: [git]").over(detected).toolchains == ("java@11", "node@18")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"runner: nose", "environment.runner: there is no runner 'nose'; there are pytest, unittest"),
        (b"language: cobol", "environment.language: there is no language 'cobol'; there are python"),
        (b"node: latest", "environment.node: "),
    ],
)
def test_what_there_is_is_told_for_what_there_is_not(text: bytes, told: str) -> None:
    problem = parse(b"environment: {" + text + b"}")
    assert isinstance(problem, ConfigProblem)
    assert problem.message.startswith(told)


def test_paths_of_the_bot_and_of_ci_are_always_protected() -> None:
    config = parse(FULL)
    assert isinstance(config, RepoConfig)
    assert config.forbids(".github/workflows/ci.yml")
    assert config.forbids("migrations/0001.sql")
    assert config.forbids("LICENSE")
    assert not config.forbids("LICENSE.py")
    assert RepoConfig().forbids(".github/redgreen.yml")


def test_a_change_is_ignored_only_when_all_of_it_is() -> None:
    config = parse(FULL)
    assert isinstance(config, RepoConfig)
    assert config.ignores_all(("docs/a.md", "docs/b/c.md"))
    assert not config.ignores_all(("docs/a.md", "src/a.py"))
    assert not config.ignores_all(())


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (b"label: x\nlabels: y\n", 2, "There is no key 'labels'."),
        (b"\n\nenvironment:\n  apt: []\n  secret: 1\n", 5, "There is no key 'environment.secret'."),
        (b"label: ''\n", 1, "label: String should have at least 1 character."),
        (b"review: maybe\n", 1, "review: "),
        (b"ignore:\n  - a\n  - /etc\n", 3, "ignore.1: a path is relative to the repository's root."),
        (b"ignore:\n  - a/../../b\n", 2, "ignore.0: "),
        (b"environment:\n  install:\n    - 'x \"'\n", 3, "environment.install.0: No closing quotation."),
        (b"environment:\n  install:\n    - '#'\n    - '  '\n", 4, "environment.install.1: a command cannot be empty."),
        (b"environment:\n  env: {'A B': c}\n", 2, "environment.env.A B: "),
        (b"label: a\nlabel: b\n", 2, "The key 'label' stands twice."),
        (b"1: a\n", 1, "A key must be a word."),
        (b"[a]: b\n", 1, "A key must be a word."),
        (b"- a\n", 1, "The file must be a mapping of keys to values."),
        (b"just words\n", 1, "The file must be a mapping of keys to values."),
        (b"label: &a x\nmodel: *a\n", 1, "Anchors and aliases (& and *) cannot be used."),
        (b"label: a\nmodel: [\n", 3, "This is not valid YAML: "),
        (b"label: !!python/object:os.system x\n", 1, "This is not valid YAML: "),
        (b"label: a\n---\nlabel: b\n", 2, "This is not valid YAML: "),
        (b"label: 2001-99-99\n", 1, "A value cannot be read."),
        (b"review: maybe\nbool: 1\n", 1, "review.bool: "),
        (b"environment:\n  env:\n    a b: x\n    '[key]': y\n", 3, "environment.env.a b"),
        (b"label: \xff\n", 1, "The file is not UTF-8 text."),
        (b"label: \x00\n", 1, "This is not valid YAML: "),
        (b"#" * (MAX_BYTES + 1), 1, "The file is larger than 65536 bytes."),
        (b"a: " + b"[" * 60_000, 1, "The file is nested too deeply"),
        (b"a:\n b: " + b"[" * 30 + b"]" * 30, 2, "The file is nested too deeply: 20 levels are read."),
    ],
)
def test_a_mistake_is_answered_with_its_line(text: bytes, line: int, message: str) -> None:
    found = parse(text)
    assert isinstance(found, ConfigProblem)
    assert found.line == line
    assert found.message.startswith(message)


@given(st.binary(max_size=40) | st.text(alphabet="ab:-[]{}&*!'\"\n #", max_size=40).map(str.encode))
def test_no_file_makes_it_raise(text: bytes) -> None:
    parse(text)


def test_the_published_schema_is_the_models_own() -> None:
    assert Path("docs/redgreen.schema.json").read_text() == json_schema()


def test_the_published_schema_accepts_what_is_accepted_and_refuses_unknown_keys() -> None:
    schema = json.loads(json_schema())
    jsonschema.validate(yaml.safe_load(FULL), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"labels": "x"}, schema)
