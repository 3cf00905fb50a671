"""A package index as it was on a day: over a real loopback index, with a real child process."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import dated_index
from sandbox.buildpacks.python_version import tools_day
from sandbox.types import EnvironmentPlan

FILES = [
    {"filename": "a-1.tar.gz", "url": "http://files/a-1.tar.gz", "upload-time": "2020-01-01T10:00:00Z",
     "hashes": {"sha256": "11"}, "requires-python": ">=3.6", "yanked": False, "core-metadata": False},
    {"filename": "a-2.tar.gz", "url": "http://files/a-2.tar.gz", "upload-time": "2020-06-30T23:59:59.5Z",
     "hashes": {}, "requires-python": None, "yanked": "broken & gone", "core-metadata": {"sha256": "22"}},
    {"filename": "a-3.tar.gz", "url": "http://files/a-3.tar.gz", "upload-time": "2020-07-01T00:00:00Z",
     "hashes": {"sha256": "33"}, "core-metadata": True},
]  # fmt: skip


def names(files: list[dict[str, object]] | None) -> list[object]:
    return [] if files is None else [file["filename"] for file in files]


def test_a_file_of_the_day_itself_is_there_and_one_of_the_next_is_not() -> None:
    assert names(dated_index.chosen(FILES, "a", "2020-06-30", "2021-01-01")) == ["a-1.tar.gz", "a-2.tar.gz"]


def test_of_what_was_taken_back_and_uploaded_anew_the_oldest_is_there() -> None:
    assert names(dated_index.chosen(FILES, "a", "2019-01-01", "2021-01-01")) == ["a-1.tar.gz"]


def test_what_builds_packages_may_be_younger_than_the_day() -> None:
    assert len(dated_index.chosen(FILES, "setuptools", "2019-01-01", "2021-01-01")) == 3
    assert len(dated_index.chosen(FILES, "setuptools", "2021-01-01", "2019-01-01")) == 3


def test_an_index_without_upload_times_is_none() -> None:
    assert dated_index.chosen([{**FILES[0]}, {"filename": "x"}], "a", "2020-06-30", "") is None
    assert dated_index.chosen([], "a", "2020-06-30", "") == []


def test_the_page_says_what_installers_decide_by() -> None:
    page = dated_index.page(FILES)
    assert '<a href="http://files/a-1.tar.gz#sha256=11" data-requires-python="&gt;=3.6">a-1.tar.gz</a>' in page
    assert 'href="http://files/a-2.tar.gz" data-yanked="broken &amp; gone" data-dist-info-metadata="sha256=22"' in page
    assert 'href="http://files/a-3.tar.gz#sha256=33" data-dist-info-metadata="true"' in page


class Upstream(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, body = {
            "/simple/a-b/": ("application/vnd.pypi.simple.v1+json", json.dumps({"files": FILES}).encode()),
            "/simple/old/": ("text/html", b"<a href='../old-1.tar.gz'>old-1.tar.gz</a>"),
            "/simple/odd/": ("application/json", b"{}"),
        }.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()
    thread.join()


def test_indexes_are_asked_by_the_normal_name_and_their_errors_passed_on(upstream: str, tmp_path: Path) -> None:
    note = tmp_path / "undated"
    indexes = dated_index.Indexes(["http://127.0.0.1:1/simple", upstream + "/"], "2020-06-30", "", str(note))
    status, kind, body = indexes.answer("/1/simple/A_b/")
    assert (status, kind) == (200, "text/html")
    assert b"a-2.tar.gz" in body
    assert b"a-3.tar.gz" not in body
    assert not note.exists()
    assert indexes.answer("/1/simple/missing/")[0] == 404
    assert indexes.answer("/0/simple/a/")[0] == 502
    assert indexes.answer("/2/simple/a/")[0] == indexes.answer("/1/simple/../a/")[0] == 404


def test_an_index_that_does_not_say_when_is_passed_through_and_noted(upstream: str, tmp_path: Path) -> None:
    note = tmp_path / "undated"
    _, _, body = dated_index.Indexes([upstream], "2020-06-30", "", str(note)).answer("/0/simple/old/")
    assert body == f'<base href="{upstream}/old/">'.encode() + b"<a href='../old-1.tar.gz'>old-1.tar.gz</a>"
    assert note.exists()


def test_no_answer_of_an_index_ends_the_server(upstream: str, tmp_path: Path) -> None:
    server = dated_index.Server(dated_index.Indexes([upstream], "2020-06-30", "", str(tmp_path / "undated")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}/0/simple"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/odd/", timeout=10)
        with refused.value:
            assert refused.value.code == 502
        with urllib.request.urlopen(f"{address}/a.b/", timeout=10) as answer:
            assert b"a-1.tar.gz" in answer.read()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_installers_are_told_ours_in_the_place_of_every_index() -> None:
    told = dated_index.variables(
        {
            "PIP_INDEX_URL": "https://a",
            "PIP_EXTRA_INDEX_URL": "https://b",
            "UV_INDEX_URL": "https://c",
            "NO_PROXY": "x",
        },
        8,
        2,
    )
    assert told["PIP_INDEX_URL"] == told["UV_DEFAULT_INDEX"] == "http://127.0.0.1:8/0/simple"
    assert told["PIP_EXTRA_INDEX_URL"] == told["UV_INDEX"] == "http://127.0.0.1:8/1/simple"
    assert told["NO_PROXY"] == "x,127.0.0.1"
    assert "UV_INDEX_URL" not in told
    assert "PIP_EXTRA_INDEX_URL" not in dated_index.variables({"PIP_EXTRA_INDEX_URL": "https://b"}, 8, 1)


def test_the_indexes_are_those_of_the_environment_else_pip_s_own() -> None:
    env = {
        "PIP_INDEX_URL": "https://a",
        "PIP_EXTRA_INDEX_URL": "https://b https://a",
        "UV_EXTRA_INDEX_URL": "https://c",
    }
    assert dated_index.upstream(env) == ["https://a", "https://b", "https://c"]
    assert dated_index.upstream({"UV_DEFAULT_INDEX": "https://u"}) == ["https://u"]


@pytest.mark.parametrize(
    ("command", "code"), [("import sys; sys.exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_the_command_s_end_is_the_program_s(command: str, code: int, tmp_path: Path) -> None:
    argv = [sys.executable, "-I", dated_index.__file__, "2020-01-01", "2020-01-01", str(tmp_path / "undated")]
    ended = subprocess.run(
        [*argv, sys.executable, "-c", command], env={"PIP_INDEX_URL": "http://127.0.0.1:1/simple"}, check=False
    )
    assert ended.returncode == code


@pytest.mark.parametrize(
    ("toolchains", "as_of", "day"),
    [
        ((), "2021-01-01", "2023-07-24"),
        (("node@20", "python@3.9.18"), "2021-01-01", "2021-07-05"),
        (("python@3.9",), "2024-01-01", "2024-01-01"),
        (("python@3.6",), "2017-01-01", "2019-03-15"),
        (("python@3.99",), "2017-01-01", "2023-07-24"),
    ],
)
def test_build_tools_are_at_least_as_young_as_the_interpreter(
    toolchains: tuple[str, ...], as_of: str, day: str
) -> None:
    plan = EnvironmentPlan(language="python", runner="pytest", base="b", toolchains=toolchains, as_of=as_of)
    assert tools_day(plan) == day
