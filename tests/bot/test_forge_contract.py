"""Every method of the forge against the local GitHub, which is strict where GitHub is.

Each request and each answer is held to GitHub's own OpenAPI description; a disagreement fails the module at its end.
"""

from __future__ import annotations

import logging
import re
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from bot import publication as wanted
from bot.checkout import Mirrors
from bot.errors import ForgeDenied, ForgeNotFound, ForgeRejected, ForgeUnavailable
from bot.events import SUBSCRIBED
from bot.forge.app import TOKEN_PERMISSIONS
from bot.forge.github import AppIdentity, GitHubApp, GitHubForge
from bot.forge.protocol import Annotation, CheckRun, Forge, LineComment, Permission
from bot.localhub.domain import Role
from bot.localhub.faults import Trouble
from bot.localhub.server import AppCredentials, LocalHub
from bot.publisher import publish
from bot.types import Repository
from sandbox.types import CommitSha
from tests.support.forge import MemoryLog
from tests.support.hub import running_hub

FILES = {
    "README.md": b"# name\n",
    "src/slug.py": b"one\ntwo\nthree\nfour\n",
    "bin/run": b"#!/bin/sh\n",
    "data.bin": bytes(range(256)),
}
MANIFEST = yaml.safe_load((Path(__file__).parents[2] / "app.yml").read_text())


@dataclass
class World:
    hub: LocalHub
    credentials: AppCredentials
    repository: Repository
    app: GitHubApp

    @property
    def forge(self) -> GitHubForge:
        return GitHubForge(self.app, self.repository)

    @property
    def head(self) -> CommitSha:
        found = self.forge.branch_sha("main")
        assert found is not None
        return found

    def pull(self) -> int:
        """A pull request of a person that changes two lines."""
        name = self.repository.full_name
        count = len(self.hub.repository(name).pulls)
        branch = f"feature-{count}"
        self.hub.push_files(name, branch, {"src/slug.py": f"one\nTWO {count}\nthree\nfour\n".encode()}, "edit", "ada")
        return self.hub.open_pull(name, "ada", head=branch, title="Edit", body="Please.").number


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with running_hub() as hub:
        for login in ("octo", "ada", "eve", "tess"):
            hub.add_user(login)
        made = hub.add_repository(
            "octo", "name", FILES, private=True, collaborators={"ada": Role.WRITE, "tess": Role.READ}
        )
        hub.add_repository("octo", "other", {"a": b"a\n"}, private=True)
        credentials = hub.add_app(
            "redgreen",
            "octo",
            permissions=MANIFEST["default_permissions"],
            events=MANIFEST["default_events"],
            webhook_secret="s",
        )
        installation = hub.install("redgreen", "octo")
        repository = Repository(
            id=made.id, full_name="octo/name", default_branch="main", installation_id=installation.id
        )
        app = GitHubApp(identity(hub, credentials))
        hub.open_issue("octo/name", "ada", "Empty input gives a dash", "slug('') returns '-'")
        yield World(hub=hub, credentials=credentials, repository=repository, app=app)


def identity(hub: LocalHub, credentials: AppCredentials) -> AppIdentity:
    return AppIdentity(
        app_id=credentials.app_id,
        private_key=SecretStr(credentials.private_key),
        api_url=hub.api_url,
        web_url=hub.url,
        timeout_seconds=2,
    )


# --- who and what ------------------------------------------------------------------------------------------------


def test_the_manifest_asks_for_what_the_code_uses() -> None:
    assert MANIFEST["default_permissions"] == dict(TOKEN_PERMISSIONS)
    assert set(MANIFEST["default_events"]) == SUBSCRIBED


def test_the_adapter_is_a_forge(world: World) -> None:
    forge: Forge = world.forge
    assert world.app.login() == "redgreen[bot]"
    assert forge.permission("octo") is Permission.ADMIN


@pytest.mark.parametrize(
    ("login", "role"),
    [
        ("ada", Permission.WRITE),
        ("tess", Permission.READ),
        ("eve", Permission.NONE),
        ("nobody-at-all", Permission.NONE),
    ],
)
def test_permission_is_what_github_answers_now(world: World, login: str, role: Permission) -> None:
    assert world.forge.permission(login) is role


def test_a_login_cannot_leave_its_place_in_the_path(world: World) -> None:
    assert world.forge.permission("../../other/collaborators/octo") is Permission.NONE


def test_files_are_read_at_a_commit(world: World) -> None:
    assert world.forge.read_file("data.bin", "main") == FILES["data.bin"]
    assert world.forge.read_file("src/slug.py", world.head) == FILES["src/slug.py"]
    assert world.forge.read_file("src", "main") is None
    assert world.forge.read_file("missing.yml", "main") is None


def test_a_missing_branch_is_none(world: World) -> None:
    assert world.forge.branch_sha("no-such-branch") is None


def test_a_pull_request_and_its_diff(world: World) -> None:
    number = world.pull()
    found = world.forge.pull(number)
    assert (found.number, found.base_ref, found.base_sha, found.author) == (number, "main", world.head, "ada")
    assert found.head_repository == "octo/name"
    assert not found.is_draft
    assert "+TWO" in world.forge.pull_diff(number)
    with pytest.raises(ForgeNotFound):
        world.forge.pull(4040)


# --- commits -----------------------------------------------------------------------------------------------------


def test_a_commit_is_made_once_signed_and_the_branch_set(world: World) -> None:
    files = {"src/slug.py": b"fixed\n", "new.bin": b"\xff\xfe", "README.md": None, "tool": b"#!/bin/sh\n"}
    parent = world.head

    def make(message: str) -> CommitSha:
        return world.forge.commit_files(
            branch="redgreen/issue-1", parent=parent, files=files, modes={"tool": "100755"}, message=message
        )

    sha = make("Fix it\n")
    assert world.forge.branch_sha("redgreen/issue-1") == sha
    assert make("Fix it\n") == sha, "a repeated step changes nothing"
    store = world.hub.repository("octo/name").git.path
    shown = git(store, "ls-tree", "-r", sha)
    assert "README.md" not in shown
    assert re.search(r"^100755 blob \w+\ttool$", shown, re.M)
    assert git(store, "show", f"{sha}:src/slug.py") == "fixed\n"
    assert world.forge.read_file("new.bin", sha) == b"\xff\xfe"
    assert git(store, "rev-parse", f"{sha}^").strip() == parent
    again = make("Fix it better\n")
    assert again != sha
    assert world.forge.branch_sha("redgreen/issue-1") == again, "our own branch is moved"


def test_a_persons_commit_on_our_branch_is_not_overwritten(world: World) -> None:
    branch = "redgreen/issue-77"
    request = {"branch": branch, "parent": world.head, "modes": {}, "message": "m"}
    world.forge.commit_files(files={"a.py": b"1\n"}, **request)  # type: ignore[arg-type]
    theirs = world.hub.push_files("octo/name", branch, {"a.py": b"2\n"}, "mine", "ada")
    with pytest.raises(ForgeRejected, match="not ours"):
        world.forge.commit_files(files={"a.py": b"3\n"}, **request)  # type: ignore[arg-type]
    assert world.forge.branch_sha(branch) == theirs


@pytest.mark.parametrize(
    ("branch", "path", "mode"),
    [
        ("main", "a.py", "100644"),
        ("redgreen/issue-1", ".github/workflows/ci.yml", "100644"),
        ("redgreen/issue-1", ".github/redgreen.yml", "100644"),
        ("redgreen/issue-1", "link", "120000"),
    ],
)
def test_what_is_protected_is_refused_before_anything_is_sent(world: World, branch: str, path: str, mode: str) -> None:
    before = world.head
    with pytest.raises(ForgeRejected):
        world.forge.commit_files(branch=branch, parent=before, files={path: b"x"}, modes={path: mode}, message="m")
    assert world.head == before


# --- publications ------------------------------------------------------------------------------------------------


def test_a_pull_request_is_opened_found_and_edited(world: World) -> None:
    branch = "redgreen/issue-5"
    assert world.forge.find_pull(branch, "<!-- m -->") is None
    world.forge.commit_files(branch=branch, parent=world.head, files={"x": b"x\n"}, modes={}, message="m")
    opened = world.forge.open_pull(branch=branch, base="main", title="Fix", body="evidence", draft=True)
    found = world.forge.find_pull(branch, "<!-- m -->")
    assert found is not None
    assert (found.id, found.body) == (opened.id, "evidence")
    assert world.forge.pull(opened.id).is_draft
    world.forge.edit_pull(opened.id, title="Fix it", body="more evidence")
    assert world.forge.pull(opened.id).title == "Fix it"
    with pytest.raises(ForgeRejected):
        world.forge.open_pull(branch=branch, base="main", title="Fix", body="twice", draft=False)
    assert opened.url.startswith(world.hub.url)


def test_an_ended_pull_request_is_found_by_our_marker_only(world: World) -> None:
    branch = "redgreen/issue-15"
    world.forge.commit_files(branch=branch, parent=world.head, files={"x": b"other\n"}, modes={}, message="m")
    opened = world.forge.open_pull(branch=branch, base="main", title="Fix", body="evidence <!-- m -->", draft=False)
    world.hub.merge("octo/name", opened.id, "ada")
    found = world.forge.find_pull(branch, "<!-- m -->")
    assert found is not None
    assert found.id == opened.id
    assert world.forge.find_pull(branch, "<!-- another -->") is None


def test_a_persons_pull_request_from_our_branch_is_never_taken_for_ours(world: World) -> None:
    branch = "redgreen/issue-16"
    world.forge.commit_files(branch=branch, parent=world.head, files={"x": b"other\n"}, modes={}, message="m")
    world.hub.open_pull("octo/name", "ada", head=branch, title="Mine", body="<!-- m -->")
    assert world.forge.find_pull(branch, "<!-- m -->") is None


def test_only_our_own_comment_is_found_by_its_marker(world: World) -> None:
    world.hub.comment("octo/name", 1, "<!-- redgreen:m -->", "ada")
    assert world.forge.find_comment(1, "<!-- redgreen:m -->") is None
    posted = world.forge.post_comment(1, "hello\n\n<!-- redgreen:m -->")
    world.forge.edit_comment(posted.id, "edited\n\n<!-- redgreen:m -->")
    found = world.forge.find_comment(1, "<!-- redgreen:m -->")
    assert found is not None
    assert found.id == posted.id
    assert found.body.startswith("edited")
    with pytest.raises(ForgeNotFound):
        world.forge.edit_comment(999_999, "x")


def test_our_comment_is_found_behind_a_hundred_others(world: World) -> None:
    issue = world.hub.open_issue("octo/name", "ada", "busy", "").number
    for n in range(101):
        world.hub.comment("octo/name", issue, f"{n}", "ada")
    posted = world.forge.post_comment(issue, "ours <!-- redgreen:x -->")
    found = world.forge.find_comment(issue, "<!-- redgreen:x -->")
    assert found is not None
    assert found.id == posted.id


def test_reactions_on_issues_and_comments_are_idempotent(world: World) -> None:
    comment = world.hub.comment("octo/name", 1, "@redgreen fix", "ada")
    for _ in range(2):
        world.forge.react(1, None, "eyes")
        world.forge.react(1, comment, "eyes")


def check(world: World, annotations: int, **changes: object) -> CheckRun:
    made = CheckRun(
        name="redgreen",
        head_sha=world.head,
        external_id=f"check-{annotations}",
        status="completed",
        conclusion="failure",
        title="2 tests turned red",
        summary="summary",
        annotations=tuple(
            Annotation(path="src/slug.py", start_line=n + 1, end_line=n + 1, level="failure", title="t", message=f"{n}")
            for n in range(annotations)
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_check_run_with_more_annotations_than_a_request_takes(world: World) -> None:
    whole = check(world, 120)
    posted = world.forge.post_check_run(whole)
    found = world.forge.find_check_run(world.head, whole.external_id)
    assert found is not None
    assert found.id == posted.id
    run = world.hub.repository("octo/name").check_runs[posted.id]
    assert len(run.annotations) == 120
    world.forge.edit_check_run(posted.id, whole)
    assert len(run.annotations) == 120, "an edit does not add them again"


def test_a_check_run_goes_from_progress_to_its_end(world: World) -> None:
    posted = world.forge.post_check_run(check(world, 0, status="in_progress", conclusion="", external_id="e"))
    world.forge.edit_check_run(posted.id, check(world, 60, external_id="e"))
    run = world.hub.repository("octo/name").check_runs[posted.id]
    assert (run.status, run.conclusion, len(run.annotations)) == ("completed", "failure", 60)
    assert world.forge.find_check_run(world.head, "nothing") is None


def test_a_review_with_line_comments_is_found_again(world: World) -> None:
    number = world.pull()
    head = world.forge.pull(number).head_sha
    lines = [LineComment(path="src/slug.py", line=2, side="RIGHT", body="breaks for None")]
    posted = world.forge.post_review(number, head_sha=head, body="one <!-- redgreen:r -->", comments=lines)
    found = world.forge.find_review(number, "<!-- redgreen:r -->")
    assert found is not None
    assert found.id == posted.id
    outside = [replace(lines[0], line=400)]
    with pytest.raises(ForgeRejected):
        world.forge.post_review(number, head_sha=head, body="b", comments=outside)


def test_publications_land_once_even_when_answers_are_lost(world: World) -> None:
    number = world.pull()
    head = world.forge.pull(number).head_sha
    line = LineComment(path="src/slug.py", line=400, side="RIGHT", body="a claim")
    everything = [
        wanted.reaction("octo/name", number, comment_id=None),
        wanted.status_comment("octo/name", number, job="job-9", body="working"),
        wanted.review_comment("octo/name", number, body="nothing turned red"),
        wanted.check_run("octo/name", number, head_sha=head, status="in_progress", title="t", summary="s"),
        wanted.findings("octo/name", number, head_sha=head, body="one claim", comments={"aa": line}),
    ]  # fmt: skip
    log = MemoryLog()
    lost = 0
    for path in ("/comments", "/check-runs", "/reviews"):
        world.hub.fail(Trouble.DROP_AFTER, method="POST", path=path)
    for _ in range(8):
        try:
            publish(everything, forge=world.forge, log=log)
            break
        except ForgeUnavailable:
            lost += 1
    assert lost >= 2
    repository = world.hub.repository("octo/name")
    bodies = [comment.body for comment in repository.comments.values() if comment.number == number]
    assert len([b for b in bodies if "working" in b]) == 1
    assert len([b for b in bodies if "nothing turned red" in b]) == 1
    assert len([r for r in repository.check_runs.values() if r.head_sha == head]) == 1
    assert len([r for r in repository.reviews.values() if "a claim" in (r.body or "")]) == 1


# --- trouble -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "status", "error", "wait"),
    [
        (Trouble.RATE_LIMIT, 0, ForgeUnavailable, (25, 35)),
        (Trouble.RATE_LIMIT, 429, ForgeUnavailable, (25, 35)),
        (Trouble.SECONDARY, 0, ForgeUnavailable, (30, 30)),
        (Trouble.SECONDARY, 429, ForgeUnavailable, (30, 30)),
        (Trouble.ERROR, 500, ForgeUnavailable, None),
        (Trouble.ERROR, 502, ForgeUnavailable, None),
        (Trouble.ERROR, 401, ForgeDenied, None),
        (Trouble.ERROR, 403, ForgeDenied, None),
        (Trouble.ERROR, 404, ForgeNotFound, None),
        (Trouble.ERROR, 410, ForgeNotFound, None),
        (Trouble.ERROR, 409, ForgeRejected, None),
        (Trouble.ERROR, 422, ForgeRejected, None),
        (Trouble.DROP, 0, ForgeUnavailable, None),
        (Trouble.STALL, 0, ForgeUnavailable, None),
    ],
)
def test_trouble_is_translated(
    world: World, trouble: Trouble, status: int, error: type[Exception], wait: tuple[int, int] | None
) -> None:
    forge = world.forge
    forge.branch_sha("main")  # a token is at hand
    seconds = 3.0 if trouble is Trouble.STALL else 30.0
    world.hub.fail(trouble, status=status, path="/pulls/", seconds=seconds)
    with pytest.raises(error) as raised:
        forge.pull(1)
    if isinstance(raised.value, ForgeUnavailable):
        told = raised.value.retry_after
        assert (told is None) if wait is None else (told is not None and wait[0] <= told <= wait[1])
    assert "ghs_" not in repr(raised.value.__dict__) + str(raised.value) + repr(raised.value.__cause__)


def test_nobody_listens(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    gone = GitHubApp(replace(world.app.identity, api_url=f"http://127.0.0.1:{port}/api/v3"))
    with pytest.raises(ForgeUnavailable, match="cannot be reached"):
        GitHubForge(gone, world.repository).branch_sha("main")


def test_a_wrong_key_is_denied(world: World) -> None:
    other = world.hub.add_app("another", "octo", permissions={}, events=[], webhook_secret="s")
    wrong = replace(world.app.identity, private_key=SecretStr(other.private_key))
    with pytest.raises(ForgeDenied):
        GitHubForge(GitHubApp(wrong), world.repository).branch_sha("main")


def test_a_revoked_token_is_replaced_at_the_next_try(world: World) -> None:
    forge = world.forge
    forge.branch_sha("main")
    world.hub.hub.installation_tokens.clear()
    with pytest.raises(ForgeDenied):
        forge.branch_sha("main")
    assert forge.branch_sha("main")


def test_tokens_are_narrowed_cached_and_replaced_before_they_expire(world: World) -> None:
    app = GitHubApp(world.app.identity)
    forge = GitHubForge(app, world.repository)
    before = set(world.hub.hub.installation_tokens)
    for _ in range(3):
        forge.branch_sha("main")
    forge.clone_url_and_token()
    made = [token for key, token in world.hub.hub.installation_tokens.items() if key not in before]
    assert [dict(token.permissions) for token in made] == [
        dict(TOKEN_PERMISSIONS),
        {"contents": "read", "metadata": "read"},
    ]
    assert {token.repository_ids for token in made} == {frozenset({world.repository.id})}
    app._tokens = {
        key: token.model_copy(update={"expires_at": datetime.now(UTC) + timedelta(minutes=4)})
        for key, token in app._tokens.items()
    }
    forge.branch_sha("main")
    assert len(set(world.hub.hub.installation_tokens) - before) == 3


def test_no_log_line_holds_a_token(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = GitHubApp(world.app.identity)
    _, token = GitHubForge(app, world.repository).clone_url_and_token()
    assert token
    assert token not in caplog.text
    assert token not in repr(app.identity) + repr(app._tokens)


# --- mirrors -----------------------------------------------------------------------------------------------------


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_mirror_is_fetched_and_the_token_stays_out_of_it(world: World, tmp_path: Path) -> None:
    mirrors = Mirrors(directory=tmp_path, web_url=world.hub.url)
    number = world.pull()
    url, token = world.forge.clone_url_and_token()
    pull = world.forge.pull(number)
    path = mirrors.fetch("octo/name", url, token, ["refs/heads/main", f"refs/heads/{pull.head_ref}", pull.head_sha])
    assert git(path, "rev-parse", "refs/heads/main").strip() == world.head
    assert git(path, "show", f"{pull.head_sha}:README.md") == "# name\n"
    assert mirrors.merge_base("octo/name", pull.base_sha, pull.head_sha) == world.head
    held = [file for file in path.rglob("*") if file.is_file() and token.encode() in file.read_bytes()]
    assert held == []
    assert git(path, "config", "--get", "core.bare").strip() == "true"
    assert stat.S_ISDIR(path.stat().st_mode)


def test_a_commit_that_is_there_is_not_asked_for_again(world: World, tmp_path: Path) -> None:
    mirrors = Mirrors(directory=tmp_path, web_url=world.hub.url)
    url, token = world.forge.clone_url_and_token()
    mirrors.fetch("octo/name", url, token, [world.head])
    mirrors.fetch("octo/name", url, "no-such-token", [world.head])
    with pytest.raises(ForgeDenied):
        mirrors.fetch("octo/name", url, "no-such-token", ["refs/heads/main"])


def test_the_token_goes_to_the_configured_host_and_this_repository_only(world: World, tmp_path: Path) -> None:
    mirrors = Mirrors(directory=tmp_path, web_url=world.hub.url)
    for url in (
        "https://evil.example/octo/name.git",
        f"{world.hub.url}@evil.example/octo/name.git",
        f"{world.hub.url}/octo/other.git",
        "file:///etc",
        "ext::sh -c id",
    ):
        with pytest.raises(ForgeRejected):
            mirrors.fetch("octo/name", url, "token", ["refs/heads/main"])
    for ref in ("--upload-pack=id", "main", "refs/heads/a..b", "refs/heads/x:refs/heads/y", "+refs/heads/*"):
        with pytest.raises(ForgeRejected):
            mirrors.fetch("octo/name", f"{world.hub.url}/octo/name.git", "token", [ref])
    for name in ("../x", "a/../b", "a/b/c", "a/..", "-a/b c"):
        with pytest.raises(ForgeRejected):
            mirrors.path(name)


def test_a_token_of_one_repository_does_not_fetch_another(world: World, tmp_path: Path) -> None:
    mirrors = Mirrors(directory=tmp_path, web_url=world.hub.url)
    _, token = world.forge.clone_url_and_token()
    with pytest.raises((ForgeNotFound, ForgeDenied)):
        mirrors.fetch("octo/other", f"{world.hub.url}/octo/other.git", token, ["refs/heads/main"])


def test_a_missing_ref_and_unrelated_commits(world: World, tmp_path: Path) -> None:
    mirrors = Mirrors(directory=tmp_path, web_url=world.hub.url)
    url, token = world.forge.clone_url_and_token()
    with pytest.raises(ForgeNotFound):
        mirrors.fetch("octo/name", url, token, ["refs/heads/none"])
    with pytest.raises((ForgeRejected, ForgeNotFound)):
        mirrors.fetch("octo/name", url, token, ["d" * 40])
    path = mirrors.fetch("octo/name", url, token, ["refs/heads/main"])
    tree = git(path, "rev-parse", "refs/heads/main^{tree}").strip()
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    orphan = CommitSha(git(path, *identity, "commit-tree", tree, "-m", "alone").strip())
    with pytest.raises(ForgeRejected, match="no common ancestor"):
        mirrors.merge_base("octo/name", world.head, orphan)
