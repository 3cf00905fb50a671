"""A repository's own Dockerfile and devcontainer: what is read of them, what is refused, and one built for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import dockerfile
from sandbox.buildpacks import containerfile, containers, devcontainer
from sandbox.buildpacks.containerfile import Recipe, Unsupported
from sandbox.engine import Engine
from sandbox.errors import ImageBuildFailed
from sandbox.parts import classify
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Limits, Part
from tests.support.cases import FilesView

TREE = {"a.txt": "", "src/b.c": "", "src/c/d.c": "", "web/package.json": "{}"}
PLAN = EnvironmentPlan(
    language="go", runner="go", base="redgreen-base", apt=("golang",), toolchains=("go@1.22",), evidence=("go.mod.",)
)


def recipe(text: str, **more: object) -> Recipe:
    return containerfile.read(FilesView({**TREE, "Dockerfile": text}), "Dockerfile", **more)  # type: ignore[arg-type]


def commands(text: str) -> list[tuple[str, ...]]:
    return [step.argv for step in recipe(text).steps]


# --- instructions ------------------------------------------------------------------------------------------------


def test_lines_are_joined_and_comments_left_out() -> None:
    text = "# syntax=docker/dockerfile:1\nFROM a\n# why\nRUN one \\\n  # inside\n\n  two\r\nrun three \\\n"
    found = list(containerfile.instructions(text, "Dockerfile"))
    assert [(one.line, one.name, one.rest) for one in found] == [
        (2, "FROM", "a"), (4, "RUN", "one    two"), (8, "RUN", "three"),
    ]  # fmt: skip


def test_the_escape_character_is_the_files_own() -> None:
    found = list(containerfile.instructions("# escape=`\nRUN a `\n  b\\\n\nCMD x", "Dockerfile"))
    assert [one.rest for one in found] == ["a    b\\", "x"]
    assert list(containerfile.instructions("# syntax=x", "Dockerfile")) == []


def test_shell_and_exec_forms_run_as_they_are() -> None:
    assert commands('FROM a\nRUN x && y\nRUN ["x", "$y"]\nSHELL ["/bin/bash", "-c"]\nRUN z\n') == [
        ("/bin/sh", "-c", "x && y"), ("x", "$y"), ("/bin/bash", "-c", "z"),
    ]  # fmt: skip


def test_variables_are_put_in_where_the_builder_puts_them_in() -> None:
    text = """
ARG VERSION=1 OTHER
FROM base:${VERSION:-0}
ARG VERSION
ARG LATE=$VERSION.0
ENV ONE="a b" TWO=$LATE
ENV THREE three and $TWO
ENV PATH=/x:$PATH FOUR=\\$ONE FIVE=${NO:-d} SIX=${ONE:+set} SEVEN=${NO:+set} EIGHT=${ONE}
WORKDIR /srv
WORKDIR app
RUN go
"""
    found = recipe(text, args={"VERSION": "9", "UNUSED": "x"})
    assert found.base == "base:9"
    assert dict(found.env) == {
        "ONE": "a b", "TWO": "9.0", "THREE": "three and 9.0",
        "PATH": "/x:/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "FOUR": "$ONE", "FIVE": "d", "SIX": "set", "SEVEN": "", "EIGHT": "a b",
    }  # fmt: skip
    assert [step.argv for step in found.steps[:2]] == [("mkdir", "-p", "/srv"), ("mkdir", "-p", "/srv/app")]
    last = found.steps[-1]
    assert (last.cwd, last.origin) == ("/srv/app", "Dockerfile:11")
    assert dict(last.env)["VERSION"] == "9"


def test_a_user_runs_what_comes_after_it() -> None:
    named, number, root = commands("FROM a\nUSER app:grp\nRUN x\nUSER 1000\nRUN x\nUSER root\nRUN x\n")
    assert named[:4] == ("runuser", "-u", "app", "--")
    assert named[-3:] == ("/bin/sh", "-c", "x")
    assert number[:2] == ("setpriv", "--reuid=1000")
    assert root == ("/bin/sh", "-c", "x")


def test_the_last_stage_is_built_with_those_it_begins_from() -> None:
    text = "FROM one AS build\nENV A=1\nRUN x\nFROM two\nRUN y\nFROM build AS test\nRUN z\n"
    found = recipe(text)
    assert (found.base, dict(found.env)) == ("one", {"A": "1"})
    assert [step.argv[-1] for step in found.steps] == ["x", "z"]
    assert recipe(text, target="BUILD").steps == found.steps[:1]
    assert recipe(text, target="1").base == "two"


def test_files_are_copied_from_the_tree() -> None:
    text = "FROM --platform=linux/amd64 a\nWORKDIR /w\nCOPY a.txt b.txt\nCOPY . .\nCOPY --chown=1:1 --link src lib/\n"
    text += 'COPY ["a.txt", "/etc/"]\nADD --chmod=755 src/*.c a.txt d\n'
    found = recipe(text)
    scripts = [step.argv[-1] for step in found.steps if step.argv[0] == "/bin/sh"]
    assert scripts == [
        "mkdir -p -- /w && cp -- a.txt /w/b.txt",
        "mkdir -p -- /w && cp -R -- ./. /w/",
        "mkdir -p -- /w/lib && cp -R -- src/. /w/lib/\nchown -R -- 1:1 /w/lib",
        "mkdir -p -- /etc && cp -- a.txt /etc/",
        "mkdir -p -- /w/d && cp -- src/b.c /w/d/\nmkdir -p -- /w/d && cp -- a.txt /w/d/\nchmod -R -- 755 /w/d",
    ]
    assert found.copied == ("a.txt", "a.txt", "src/b.c", "a.txt")
    assert {step.cwd for step in found.steps if "cp" in step.argv[-1]} == {"/work/repo"}


def test_the_context_is_where_files_are_copied_from() -> None:
    found = recipe("FROM a\nCOPY /package.json /\n", context="web/")
    assert found.copied == ("web/package.json",)


@pytest.mark.parametrize(
    "ignored", ["LABEL a=b", "CMD x", 'ENTRYPOINT ["x"]', "EXPOSE 1", "VOLUME /x", "HEALTHCHECK NONE"]
)
def test_what_only_says_how_to_start_is_passed_over(ignored: str) -> None:
    assert recipe(f"FROM a\n{ignored}\nRUN --mount=type=cache,target=/c --network=none x\n").steps[0].argv[-1] == "x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("RUN x", "Dockerfile, line 1: RUN stands before the first FROM."),
        ("FROM a\n\n%!", "Dockerfile, line 3: '%!' is no instruction."),
        ("FROM a\nFLY x", "Dockerfile, line 2: FLY is no instruction that redgreen knows."),
        ("FROM a\nRUN <<EOF\nx\nEOF", "line 2: RUN here-documents are not read."),
        ("FROM a\nRUN --mount=type=secret,id=x y", "--mount=type=secret,id=x: only caches can be left out."),
        ("FROM a\nRUN --security=insecure y", "RUN --security is not carried out."),
        ("FROM a\nCOPY --from=0 /x /y", "line 2: COPY --from is not carried out."),
        ("FROM a\nCOPY x", "COPY needs a source and a destination."),
        ("FROM a\nCOPY ../x /y", "../x: outside of the repository."),
        ("FROM a\nCOPY nothing /y", "nothing: there is no such file in the repository."),
        ("FROM a\nADD https://x/y /y", "only files of the repository are copied."),
        ("FROM a\nADD x.tar.gz /y", "x.tar.gz: archives are not unpacked."),
        ("FROM a\nSHELL bash", "SHELL is no list of strings."),
        ("FROM a\nRUN [1]", "RUN is no list of strings."),
        ("FROM a\nENV A='b", "ENV no closing quotation."),
        ("FROM scratch", "an image from nothing has no Python for the sandbox."),
        ("FROM a b", "FROM names no image."),
        ("FROM a OR b", "FROM names no image."),
        ("# nothing", "Dockerfile: it has no FROM."),
    ],
)
def test_what_is_not_carried_out_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(Unsupported) as caught:
        recipe(text)
    assert str(caught.value).endswith(told)


def test_missing_files_and_stages_are_named() -> None:
    with pytest.raises(Unsupported, match=r"other: there is no such file\."):
        containerfile.read(FilesView({}), "other")
    with pytest.raises(Unsupported, match="there is no stage 'test'"):
        recipe("FROM a AS build", target="test")


# --- devcontainer.json -------------------------------------------------------------------------------------------

DEV = """// For developers.
{
    "image": "python:3.12", /* with "quotes" */
    "containerEnv": {"A": "//x", "B": "${localEnv:B}", "1": "x", "C": 3},
    "remoteEnv": {"D": "${containerWorkspaceFolder}/d"},
    "onCreateCommand": "make deps",
    "updateContentCommand": ["go", "get"],
    "postCreateCommand": {"one": "x", "two": ["y"], "three": {}, "four": ["", 1], "five": " "}, // done
    "features": {},
}
"""


def test_a_devcontainer_is_read_with_its_comments() -> None:
    found = devcontainer.find(FilesView({".devcontainer.json": DEV}))
    assert found is not None
    assert (found.image, found.missing) == ("python:3.12", "")
    assert dict(found.env) == {"A": "//x", "D": "/work/repo/d"}
    assert found.commands == (("/bin/sh", "-c", "make deps"), ("go", "get"), ("/bin/sh", "-c", "x"), ("y",))
    assert found.notes[0] == ".devcontainer.json: the variable B depends on another machine and is left out."
    assert devcontainer.find(FilesView({})) is None


def test_its_dockerfile_is_beside_it_and_its_context_where_it_says() -> None:
    build = '{"dockerfile": "Dockerfile", "context": "..", "args": {"V": "1", "W": "${localEnv:W}"}, "target": "t"}'
    text = f'{{"build": {build}}}'
    found = devcontainer.read(".devcontainer/devcontainer.json", text.encode())
    assert (found.dockerfile, found.context, found.target) == (".devcontainer/Dockerfile", ".", "t")
    assert found.args == (("V", "1"),)
    found = devcontainer.read(".devcontainer/devcontainer.json", b'{"dockerFile": "../D", "context": "."}')
    assert (found.dockerfile, found.context) == ("D", ".devcontainer")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (b"{", "cannot be read as JSON"),
        (b"[]", "cannot be read as JSON"),
        (b"\xff", "cannot be read as JSON"),
        (b'{"name": "x", "build": 3}', "names neither an image nor a Dockerfile."),
        (b'{"dockerComposeFile": "x"}', "by Compose"),
        (b'{"image": "x", "features": {"b": {}, "a": {}}}', "does not install: a, b."),
        (b'{"image": "x", "features": "a"}', "does not install: a."),
    ],
)
def test_what_a_devcontainer_needs_and_is_not_done_is_told(text: bytes, missing: str) -> None:
    assert missing in devcontainer.read(".devcontainer.json", text).missing


# --- over what is detected ---------------------------------------------------------------------------------------


def test_a_devcontainers_image_takes_the_place_of_the_detected_one() -> None:
    plan = containers.over(FilesView({".devcontainer.json": DEV}), PLAN)
    assert (plan.base, plan.apt, plan.toolchains, plan.runner) == ("python:3.12", (), (), "go")
    assert dict(plan.env)["A"] == "//x"
    assert plan.optional_install[0] == ("/bin/sh", "-c", "make deps")
    assert plan.manifests == (".devcontainer.json",)
    assert ".devcontainer.json: its image." in plan.evidence
    assert containers.over(FilesView({".devcontainer.json": DEV}), PLAN, dev=False) == PLAN


def test_a_devcontainer_that_cannot_be_had_leaves_detection_and_says_so() -> None:
    plan = containers.over(FilesView({".devcontainer.json": '{"dockerComposeFile": "x"}'}), PLAN)
    assert plan.base == "redgreen-base"
    assert plan.evidence[-1].endswith("which redgreen does not start. Detection is used.")


def test_a_dockerfile_counts_where_it_is_named_for_tests() -> None:
    text = "FROM redgreen-base\nENV A=1\nCOPY a.txt /a\n"
    assert containers.over(FilesView({"Dockerfile": text}), PLAN) == PLAN
    for path in (".github/redgreen.Dockerfile", "Dockerfile.test"):
        plan = containers.over(FilesView({"a.txt": "", path: text}), PLAN)
        assert (plan.base, len(plan.setup), dict(plan.env)) == ("redgreen-base", 1, {"A": "1"})
        assert plan.manifests == tuple(sorted((path, "a.txt")))
    plan = containers.over(FilesView({"a.txt": "", "Dockerfile": text}), PLAN, dockerfile="Dockerfile")
    assert plan.setup[0].origin == "Dockerfile:3"
    view = FilesView({"a.txt": "", ".devcontainer.json": '{"build": {"dockerfile": "D"}}', "D": text})
    assert containers.over(view, PLAN).setup[0].origin == "D:3"


def test_a_dockerfile_that_cannot_be_carried_out_is_refused_with_its_line() -> None:
    with pytest.raises(ImageBuildFailed, match=r"Dockerfile, line 2: COPY --from is not carried out\."):
        containers.over(FilesView({"Dockerfile": "FROM a\nCOPY --from=b c d"}), PLAN, dockerfile="Dockerfile")


def test_an_image_of_others_needs_no_pip_unless_python_is_tested() -> None:
    view = FilesView({})
    other = dockerfile.render(EnvironmentPlan(language="node", runner="jest", base="node:20"), view)
    assert "python3 -m venv --without-pip" in other.text
    ours = dockerfile.render(EnvironmentPlan(language="node", runner="jest", base="redgreen-base"), view)
    python = dockerfile.render(EnvironmentPlan(language="python", runner="pytest", base="python:3"), view)
    assert "--without-pip" not in ours.text + python.text


@pytest.mark.parametrize("path", ["Dockerfile.test", ".devcontainer/Dockerfile", ".devcontainer.json"])
def test_what_tests_run_in_is_always_bases(path: str) -> None:
    assert classify(path) is Part.TEST_CONFIG


def test_its_steps_are_part_of_the_image_and_of_what_people_see() -> None:
    view = FilesView({"a.txt": "", "Dockerfile.test": "FROM redgreen-base\nRUN touch /x\n"})
    plan = containers.over(view, PLAN)
    rendered = dockerfile.render(plan, view)
    assert '# Dockerfile.test:2\nWORKDIR /\nRUN ["env", "/bin/sh", "-c", "touch /x"]\n' in rendered.text
    other = FilesView({"a.txt": "", "Dockerfile.test": "FROM redgreen-base\nRUN touch /y\n"})
    assert dockerfile.render(containers.over(other, PLAN), other).digest != rendered.digest


# --- carried out -------------------------------------------------------------------------------------------------

OWN = """FROM redgreen-base
ARG GREETING=hello
ENV WHERE=/srv/app
WORKDIR $WHERE
COPY words/ ./
RUN echo "$GREETING $(cat one)" > /etc/greeting && id -u >> /etc/greeting
RUN useradd --create-home --home-dir /srv/home app
USER app
RUN id -un > /tmp/who; cat ~/.x 2>/dev/null; echo $HOME > /srv/home/home
"""


@pytest.mark.docker
def test_a_dockerfile_is_carried_out_in_a_limited_container(engine: Engine, tmp_path: Path) -> None:
    files = {"Dockerfile.test": OWN.encode(), "words/one": b"world\n", "Makefile": b"test:\n"}
    tree = GitTree.of_files(create(tmp_path / "trees.git"), files)
    plan = containers.over(tree, EnvironmentPlan(language="unknown", runner="command", base="redgreen-base"))
    image = engine.ensure_image(plan, tree, lambda _: None, scope="test-containers")
    with engine.container(image, Limits()) as container:
        told = container.run(
            "cat /etc/greeting /srv/home/home; ls $WHERE; id -u; test -e /etc/new || touch /etc/new", timeout=60
        )
    assert told.output.split()[:4] == ["hello", "world", "0", "/srv/home"]
    assert "one" in told.output
    assert "Read-only file system" in told.output


@pytest.mark.docker
def test_a_step_that_fails_is_named_with_its_line(engine: Engine, tmp_path: Path) -> None:
    files = {"Dockerfile.test": b"FROM redgreen-base\nRUN mount -t tmpfs none /mnt\n", "Makefile": b"test:\n"}
    tree = GitTree.of_files(create(tmp_path / "trees.git"), files)
    plan = containers.over(tree, EnvironmentPlan(language="unknown", runner="command", base="redgreen-base"))
    with pytest.raises(ImageBuildFailed) as caught:
        engine.ensure_image(plan, tree, lambda _: None, scope="test-containers")
    assert "Dockerfile.test:2" in str(caught.value)
    assert "permission denied" in caught.value.log_tail
