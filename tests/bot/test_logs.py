"""No credential reaches a log or the text of an error, wherever it was planted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import git
import github
import pytest

from bot.checkout import Mirrors
from bot.errors import ForgeError
from bot.forge.connection import translated

TOKEN = "ghs_" + "aB3" * 12
PLAIN = "v1.0123456789abcdef"
"""A token of no known shape: only who holds it can mask it."""
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"

SAYS = f"""
import structlog
from bot import logs
from config.sections import Log
logs.configure(Log(format=FORMAT, level="info"))
log = structlog.get_logger()
logs.progress("worker")("fetching https://x-access-token:{PLAIN}@github.test/o/n.git")
log.info("given", environment={{"GIT_CONFIG_VALUE_4": "Authorization: Basic eC1hY2Nlc3M="}}, list=["{TOKEN}"], n=3)
try:
    try:
        raise ValueError({KEY!r} + " and {TOKEN}")
    except ValueError as inner:
        raise RuntimeError("fetching https://x-access-token:{PLAIN}@github.test/o/n.git failed") from inner
except RuntimeError as bug:
    log.error("bug in a job", argument={TOKEN!r}, exc_info=bug)
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_and_no_trace_holds_a_credential(form: str) -> None:
    code = SAYS.replace("FORMAT", repr(form))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "bug in a job" in done.stderr
    assert "RuntimeError" in done.stderr
    for secret in (TOKEN, PLAIN, "MIIEow", "eC1hY2Nlc3M="):
        assert secret not in done.stderr
    if form == "json":
        given = json.loads(done.stderr.splitlines()[1])
        assert given["n"] == 3
        assert given["list"] == ["[redacted]"]


def test_what_github_says_is_repeated_without_credentials() -> None:
    error = github.GithubException(422, {"message": f"bad credentials {TOKEN}", "errors": [f"token {TOKEN}"]}, {})
    assert TOKEN not in str(translated(error, "POST /x"))
    assert "bad credentials" in str(translated(error, "POST /x"))


def test_a_failing_fetch_tells_neither_token_nor_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With git's own tracing switched on, and its masking off: the worst an operator's environment can do."""
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    monkeypatch.setenv("GIT_TRACE_REDACT", "0")
    mirrors = Mirrors(directory=tmp_path, web_url="http://127.0.0.1:1", timeout_seconds=20)
    with pytest.raises(ForgeError) as caught:
        mirrors.fetch("o/n", "http://127.0.0.1:1/o/n.git", PLAIN, ["refs/heads/main"])
    assert PLAIN not in str(caught.value)
    assert caught.value.__cause__ is None
    stored = (tmp_path / "o" / "n.git" / "config").read_text()
    assert PLAIN not in stored
    assert isinstance(git.Repo(tmp_path / "o" / "n.git"), git.Repo)
