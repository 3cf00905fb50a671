"""Git over HTTP with the real git client."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.localhub.test_pulls import propose
from tests.support.hub import World


def git(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Mona",
        "GIT_AUTHOR_EMAIL": "mona@example.org",
        "GIT_COMMITTER_NAME": "Mona",
        "GIT_COMMITTER_EMAIL": "mona@example.org",
    }
    return subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)


def address(shop: World, token: str = "") -> str:
    """With a token in it, as git clients are given it."""
    user = f"x-access-token:{token}@" if token else ""
    return f"http://{user}{shop.hub.url.removeprefix('http://')}/{shop.full_name}.git"


def clone(shop: World, token: str, folder: Path, *options: str) -> Path:
    done = git("clone", "-q", *options, address(shop, token), "work", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder / "work"


def test_clone_and_shallow_clone(hidden: World, tmp_path: Path) -> None:
    work = clone(hidden, hidden.installation_token(), tmp_path, "--depth", "1")
    assert (work / "README.md").read_bytes() == b"# shop\n"


def test_the_token_can_come_as_a_header(hidden: World, tmp_path: Path) -> None:
    secret = base64.b64encode(f"x-access-token:{hidden.installation_token()}".encode()).decode()
    header = f"http.extraHeader=Authorization: Basic {secret}"
    done = git("-c", header, "clone", "-q", address(hidden), "work", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert secret not in (tmp_path / "work" / ".git" / "config").read_text()


def test_a_push_has_the_consequences_of_a_push(shop: World, tmp_path: Path) -> None:
    number = propose(shop)
    work = clone(shop, shop.tokens["mona"], tmp_path)
    assert git("checkout", "-q", "fix", folder=work).returncode == 0
    (work / "big.bin").write_bytes(os.urandom(6_000_000))
    git("add", ".", folder=work)
    git("commit", "-qm", "more", folder=work)
    pushed = git("push", "-q", "origin", "fix", folder=work)
    assert pushed.returncode == 0, pushed.stderr
    head = git("rev-parse", "HEAD", folder=work).stdout.strip()
    assert shop.repository.pulls[number].head_sha == head
    last = shop.hub.hub.deliveries.posted()[-2:]
    assert [(one.event, one.action, one.payload["sender"]["login"]) for one in last] == [
        ("push", None, "mona"),
        ("pull_request", "synchronize", "mona"),
    ]
    assert last[0].payload["commits"][0]["added"] == ["big.bin"]


def test_branches_come_and_go_by_push(shop: World, tmp_path: Path) -> None:
    work = clone(shop, shop.tokens["mona"], tmp_path)
    assert git("push", "-q", "origin", "main:topic/x", folder=work).returncode == 0
    assert shop.repository.git.branch("topic/x") is not None
    assert git("push", "-q", "origin", ":topic/x", folder=work).returncode == 0
    deleted = shop.hub.hub.deliveries.posted()[-1].payload
    assert (deleted["ref"], deleted["deleted"], deleted["head_commit"]) == ("refs/heads/topic/x", True, None)


def test_a_pull_requests_head_can_be_fetched_by_everybody_and_pushed_by_nobody(shop: World, tmp_path: Path) -> None:
    number = propose(shop)
    work = clone(shop, shop.tokens["mona"], tmp_path)
    name = f"refs/pull/{number}/head"
    assert git("fetch", "-q", "origin", name, folder=work).returncode == 0
    fetched = git("rev-parse", "FETCH_HEAD", folder=work).stdout.strip()
    assert fetched == shop.hub.repository(shop.full_name).pulls[number].head_sha
    pushed = git("push", "-q", "origin", f"HEAD:{name}", folder=work)
    assert pushed.returncode != 0
    assert "hidden ref" in pushed.stderr


def test_who_may_only_read_cannot_push(shop: World, tmp_path: Path) -> None:
    work = clone(shop, shop.installation_token({"contents": "read"}), tmp_path)
    refused = git("push", "-q", "origin", "main:x", folder=work)
    assert "403" in refused.stderr
    stranger = git("push", "-q", address(shop, shop.tokens["zoe"]), "main:x", folder=work)
    assert "403" in stranger.stderr
    anonymous = git("push", "-q", address(shop), "main:x", folder=work)
    assert "could not read Username" in anonymous.stderr


@pytest.mark.parametrize(
    ("who", "says"), [("", "could not read Username"), ("zoe", "not found"), ("bad", "Authentication")]
)
def test_a_private_repository_is_hidden_from_git(hidden: World, tmp_path: Path, who: str, says: str) -> None:
    token = {"": "", "bad": "ghs_bad"}.get(who) if who in {"", "bad"} else hidden.tokens[who]
    refused = git("clone", "-q", address(hidden, token or ""), "work", folder=tmp_path)
    assert says in refused.stderr


def test_the_dumb_protocol_is_not_spoken(shop: World) -> None:
    assert httpx.get(f"{address(shop)}/HEAD", trust_env=False).status_code == 403
    assert httpx.get(f"{address(shop)}/info/refs", trust_env=False).status_code == 403
