"""What people see on GitHub: signed webhooks in, both processes of redgreen between, the local hub's threads out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo_stage import MAINTAINER, REPORTER, Stage, set_up
from bot.localhub.domain import Comment
from config.settings import child_environment

pytestmark = pytest.mark.docker
WAIT = 180.0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, engine: object) -> Iterator[Stage]:
    state = tmp_path_factory.mktemp("stage")
    with set_up(child_environment({}), state, lambda _line: None) as running:
        yield running


def comments(stage: Stage, number: int) -> list[Comment]:
    repository = stage.hub.repository(stage.repository)
    return [comment for comment in repository.comments.values() if comment.number == number]


def comment_with(stage: Stage, number: int, text: str) -> Comment:
    """The bot's comment on this thread, as soon as it holds the text."""

    def look() -> Comment | None:
        return next((c for c in comments(stage, number) if c.via is not None and text in c.body), None)

    return stage.wait(f"a comment with {text!r} on #{number}", look, seconds=WAIT)


def test_an_issue_that_states_nothing_to_test_gets_an_honest_comment_and_no_pull_request(stage: Stage) -> None:
    hub, name = stage.hub, stage.repository
    issue = hub.open_issue(name, REPORTER, "It feels slow", "Please make it better. Thanks @mara!")
    hub.label(name, issue.number, "redgreen", MAINTAINER)
    said = comment_with(stage, issue.number, "states nothing that can be tested")
    assert len(comments(stage, issue.number)) == 1, "one status comment, edited in place"
    assert [reaction.content for reaction in hub.repository(name).issues[issue.number].reactions] == ["eyes"]
    assert "@mara" not in said.body
    assert not hub.repository(name).pulls


def test_a_label_from_somebody_who_may_not_write_starts_nothing(stage: Stage) -> None:
    hub, name = stage.hub, stage.repository
    issue = hub.open_issue(name, REPORTER, "Mine", "`f(1)` should be `2`")
    hub.label(name, issue.number, "redgreen", REPORTER)
    hub.comment(name, issue.number, "@redgreen fix", REPORTER)
    said = comment_with(stage, issue.number, "write")
    assert hub.repository(name).issues[issue.number].reactions == []
    assert len(comments(stage, issue.number)) == 2, said.body


def test_help_is_answered_and_a_command_in_a_quote_is_not_one(stage: Stage) -> None:
    hub, name = stage.hub, stage.repository
    issue = hub.open_issue(name, REPORTER, "How does it work?", "?")
    hub.comment(name, issue.number, "> @redgreen fix\n\n`@redgreen fix` is what I would say.", MAINTAINER)
    hub.comment(name, issue.number, "@redgreen help", MAINTAINER)
    comment_with(stage, issue.number, "review")
    assert hub.repository(name).issues[issue.number].reactions == []


def test_a_mistake_in_the_repositorys_file_is_answered_with_its_line(stage: Stage) -> None:
    hub, name = stage.hub, stage.repository
    text = b"label: redgreen\n\nmodle: repair\n"
    hub.push_files(name, "main", {".github/redgreen.yml": text}, "Configure", MAINTAINER)
    issue = hub.open_issue(name, REPORTER, "Anything", "`f(1)` should be `2`")
    hub.label(name, issue.number, "redgreen", MAINTAINER)
    said = comment_with(stage, issue.number, "modle")
    assert "line 3" in said.body.lower() or "#L3" in said.body
    hub.push_files(name, "main", {".github/redgreen.yml": None}, "Unconfigure", MAINTAINER)


def test_a_pull_request_is_reviewed_on_every_push_in_one_comment(stage: Stage, tmp_path: Path) -> None:
    hub, name, sample = stage.hub, stage.repository, stage.sample
    hub.push_files(name, "tidy", sample.breaking_files, "Tidy", MAINTAINER)
    pull = hub.open_pull(name, MAINTAINER, head="tidy", title=sample.breaking_title, body=sample.breaking_body)
    comment_with(stage, pull.number, "4 tests turned red")
    fixed = {path: sample.files.get(path) for path in sample.breaking_files}
    head = hub.push_files(name, "tidy", fixed | {"NOTES.md": b"Nothing changes.\n"}, "Take it back", MAINTAINER)

    def check() -> str | None:
        runs = hub.repository(name).check_runs.values()
        return next((run.conclusion for run in runs if run.head_sha == head and run.conclusion), None)

    assert stage.wait("the check on the new head", check, seconds=WAIT) == "success"
    comment_with(stage, pull.number, head)
    assert len([c for c in comments(stage, pull.number) if c.via is not None]) == 1
