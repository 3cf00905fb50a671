"""The attempt's environment on real Docker: its tree, its diff, its way back to base, against a tenant who resists."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agents.protocols import Environment
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.errors import PatchDoesNotApply, SetupError
from sandbox.images import Image
from sandbox.selfcheck.bench import SMALL
from sandbox.types import EnvironmentPlan
from tests.support.trees import MemoryTree

pytestmark = pytest.mark.docker

PLAN = EnvironmentPlan(language="python", runner="pytest", base="redgreen-base")
BASE = MemoryTree(
    {
        ".gitattributes": b"*.txt text eol=lf\n*.py filter=evil diff=evil\n",
        ".gitignore": b"ignored/\n",
        "crlf.txt": b"one\r\ntwo\r\n",
        "latin.txt": b"caf\xe9\n",
        "run.sh": b"#!/bin/sh\necho run\n",
        "src/a.py": b"x = 1\n",
        "src/with space é.py": b"y = 1\n",
    },
    links={"link.py": "src/a.py", "outside": "/etc/passwd"},
)
SPACED = "src/with space é.py"


@pytest.fixture(scope="module")
def shared(engine: Engine, base_image: Image) -> Iterator[AttemptEnvironment]:
    with engine.container(base_image, SMALL) as container:
        yield AttemptEnvironment(container, PLAN, BASE)


@pytest.fixture
def env(shared: AttemptEnvironment) -> AttemptEnvironment:
    shared.reset()
    return shared


def test_it_is_what_the_agents_ask_for(env: AttemptEnvironment) -> None:
    environment: Environment = env
    assert environment.base.read("src/a.py") == b"x = 1\n"
    assert environment.run("cat src/a.py").output == "x = 1\n"
    assert environment.run(["cat", "a.py"], cwd="src").output == "x = 1\n"


def test_an_untouched_tree_has_no_diff(env: AttemptEnvironment) -> None:
    assert env.diff() == ""
    assert env.run("git status --short; git log --format=%s; ./run.sh").output == "base\nrun\n"


def test_the_diff_holds_edits_new_files_removals_and_modes(env: AttemptEnvironment) -> None:
    env.write("src/a.py", b"x = 2\n")
    env.write("src/deep/new.py", b"z = 1\n")
    env.write(SPACED, b"y = 2\n")
    env.run("rm run.sh; chmod +x crlf.txt; mkdir ignored; touch ignored/x; echo é >> latin.txt")
    diff = env.diff()
    assert "-x = 1\n+x = 2\n" in diff
    assert "new file mode 100644" in diff
    assert "deleted file mode 100755" in diff
    assert "old mode 100644\nnew mode 100755" in diff
    assert "ignored/x" not in diff
    assert "caf\udce9" in diff
    env.reset(diff)
    assert env.diff() == diff


CHANGES = (
    "printf 'x = 2\\n' > src/a.py && touch -d '2001-01-01' src/a.py",
    "printf 'x = 3\\n' > n && touch -r src/a.py n && mv n src/a.py",
    "chmod +x src/a.py",
    "mv src/a.py src/b.py",
    "mv src/b.py src/a.py && chmod -x src/a.py",
    "ln src/a.py ../tmp/other && printf 'x = 4\\n' > ../tmp/other",
    "printf 'x = 5\\n' | dd of=../tmp/other conv=notrunc status=none && touch -d '2001-01-01' ../tmp/other",
    "rm src/a.py",
    "ln -sfn run.sh link.py",
    "mkdir -p ignored new/deep && echo 1 > ignored/x && echo 1 > new/deep/y",
    "rm -r new",
    "echo 'new2/' >> .gitignore",
    "for n in $(seq 1 4100); do : > many-$n; done",
    "printf 1 > many-7",
    "rm many-*",
    "git checkout -q -- . && git clean -fdq",
)


def test_any_kind_of_change_is_seen_in_the_next_diff(env: AttemptEnvironment) -> None:
    for change in CHANGES:
        env.diff()
        time.sleep(0.05)
        env.diff()
        done = env.run(change)
        assert done.exit_code == 0, (change, done.output)
        assert env.diff() == env._diff(), change


def test_git_is_not_asked_again_where_nothing_changed(env: AttemptEnvironment) -> None:
    env.run("echo 'x = 9' > src/a.py; sleep 0.05")
    once = env.diff()
    env.run("mv ../base.git ../moved.git; cat src/a.py; ls -la")
    try:
        assert env.diff() == once
        env.run("touch src/a.py")
        with pytest.raises(SetupError):
            env.diff()
    finally:
        env.run("mv ../moved.git ../base.git")
    assert env.diff() == once


def test_changes_that_follow_at_once_are_each_seen(env: AttemptEnvironment) -> None:
    """The clock of the inodes moves a few hundred times a second: many of these fall into one tick of it."""
    for number in range(30):
        env.write("src/a.py", f"x = {number + 10}\n".encode())
        assert f"+x = {number + 10}\n" in env.diff()
        assert env.diff() == env._diff()


def test_line_ends_and_filters_of_the_tree_do_not_bend_the_diff(env: AttemptEnvironment) -> None:
    assert env.read("crlf.txt") == b"one\r\ntwo\r\n"
    env.run(
        "git config filter.evil.clean 'sed s/x/evil/'; git config diff.evil.textconv 'echo evil'; "
        "sed -i s/1/3/ src/a.py"
    )
    assert "-x = 1\n+x = 3\n" in env.diff()
    assert "evil" not in env.diff()


def test_the_diff_is_against_base_whatever_became_of_git(env: AttemptEnvironment) -> None:
    env.write("src/a.py", b"x = 4\n")
    env.run("git add -A && git commit -qm mine && git checkout -qb other && git gc -q")
    assert "+x = 4" in env.diff()
    env.run("rm -rf .git")
    assert "+x = 4" in env.diff()


def test_hooks_of_the_tree_do_not_run(env: AttemptEnvironment) -> None:
    env.run(
        "mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch /work/tmp/hooked' > .git/hooks/post-index-change; "
        "chmod +x .git/hooks/*"
    )
    env.write("src/a.py", b"x = 5\n")
    env.diff()
    env.reset()
    assert env.run("ls /work/tmp/hooked").exit_code != 0


def test_binary_changes_carry_no_contents(env: AttemptEnvironment) -> None:
    env.write("data.bin", bytes(range(256)))
    assert "Binary files /dev/null and b/data.bin differ" in env.diff()


def test_a_diff_with_binary_changes_can_be_taken_up_elsewhere(
    env: AttemptEnvironment, engine: Engine, base_image: Image
) -> None:
    env.write("data.bin", bytes(range(256)))
    env.write("src/a.py", b"x = 2\nBinary files a and b differ\n")
    env.write("test_new.py", b"def test_new():\n    pass\n")
    diff = env.diff()
    with engine.container(base_image, SMALL) as container:
        other = AttemptEnvironment(container, PLAN, BASE)
        other.reset(diff)
        assert other.read("src/a.py") == b"x = 2\nBinary files a and b differ\n"
        assert other.read("test_new.py") == b"def test_new():\n    pass\n"
        with pytest.raises(FileNotFoundError):
            other.read("data.bin")


def test_too_large_a_diff_is_refused(env: AttemptEnvironment) -> None:
    env.write("big.txt", b"line\n" * (2 << 20))
    with pytest.raises(SetupError, match="limit"):
        env.diff()


def test_reset_brings_everything_back(env: AttemptEnvironment) -> None:
    env.run(
        "rm -rf src; echo x > .gitignore; mkdir -p a/b ignored; touch a/b/c ignored/x; ln -sf /etc src; chmod -w a/b"
    )
    env.reset()
    assert env.diff() == ""
    assert env.run("ls; cat src/a.py").output.split() == [
        "crlf.txt", "latin.txt", "link.py", "outside", "run.sh", "src", "x", "=", "1",
    ]  # fmt: skip


def test_a_diff_that_does_not_fit_is_its_own_error(env: AttemptEnvironment) -> None:
    with pytest.raises(PatchDoesNotApply, match="does not fit"):
        env.reset("--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-x = 9\n+x = 8\n")
    assert env.diff() == ""


def test_a_diff_cannot_write_outside_the_tree(env: AttemptEnvironment) -> None:
    for path in ("../escaped", "/work/escaped"):
        with pytest.raises(PatchDoesNotApply):
            env.reset(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n")
    head = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n"
    link = head + "@@ -0,0 +1 @@\n+/work\n\\ No newline at end of file\n"
    through = (
        "diff --git a/l/escaped b/l/escaped\nnew file mode 100644\n--- /dev/null\n+++ b/l/escaped\n@@ -0,0 +1 @@\n+x\n"
    )
    with pytest.raises(PatchDoesNotApply):
        env.reset(link + through)
    assert env.run("ls /work/escaped").exit_code != 0


def test_reading_follows_links_inside_the_tree_only(env: AttemptEnvironment) -> None:
    assert env.read("link.py") == b"x = 1\n"
    with pytest.raises(ValueError):
        env.read("outside")
    with pytest.raises(IsADirectoryError):
        env.read("src")
    with pytest.raises(FileNotFoundError):
        env.read("src/none.py")


def test_reading_is_limited_to_eight_mebibytes(env: AttemptEnvironment) -> None:
    env.run("head -c 8388608 /dev/zero > ok; head -c 8388609 /dev/zero > over")
    assert len(env.read("ok")) == 8 << 20
    with pytest.raises(ValueError):
        env.read("over")


def test_writing_replaces_a_link_and_never_follows_it(env: AttemptEnvironment) -> None:
    env.write("outside", b"mine\n")
    assert env.run("test -L outside; echo $?; cat outside; head -1 /etc/passwd").output.startswith("1\nmine\nroot:")
    env.run("ln -s /work/tmp away")
    with pytest.raises(ValueError):
        env.write("away/x", b"")
    with pytest.raises(IsADirectoryError):
        env.write("src", b"")
    with pytest.raises(ValueError):
        env.write(".git/config", b"")


def test_writing_keeps_the_executable_bit(env: AttemptEnvironment) -> None:
    env.write("run.sh", b"#!/bin/sh\necho other\n")
    assert env.run("./run.sh").output == "other\n"


def test_a_worker_is_spoken_to_line_by_line(env: AttemptEnvironment) -> None:
    lines = env.open_lines(
        "import sys, os\nfor line in sys.stdin:\n    print(sys.argv[1], os.getcwd(), line.strip(), flush=True)", ["a b"]
    )
    lines.send("hello")
    assert lines.receive(20) == "a b /work/repo hello"
    lines.close()
    lines.close()


def test_a_worker_that_ends_says_so(env: AttemptEnvironment) -> None:
    lines = env.open_lines("print('only'); print('rest', end='')")
    assert [lines.receive(20), lines.receive(20), lines.receive(20)] == ["only", "rest", None]
    lines.close()


def test_a_worker_that_does_not_answer_is_waited_for_no_longer_than_asked(env: AttemptEnvironment) -> None:
    lines = env.open_lines("import time; time.sleep(60)")
    assert lines.receive(0.2) is None
    lines.close()


def test_an_unknown_runner_is_said(engine: Engine, base_image: Image) -> None:
    with container_of(engine, base_image) as env, pytest.raises(SetupError, match="no test runner named"):
        env.run_tests()


@contextmanager
def container_of(engine: Engine, image: Image) -> Iterator[AttemptEnvironment]:
    plan = EnvironmentPlan(language="python", runner="unheard-of", base="redgreen-base")
    with engine.container(image, SMALL) as container:
        yield AttemptEnvironment(container, plan, BASE)
