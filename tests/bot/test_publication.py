"""Wanted state against posted state, and carrying it out once whatever happens in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import publication as wanted
from bot.forge.protocol import Annotation, LineComment
from bot.messages.untrusted import MAX_BODY, hidden
from bot.publication import Create, Edit, Nothing, digest, markers, plan
from bot.publisher import publish, signed
from bot.types import Posted, Publication, PublicationKind
from sandbox.types import CommitSha
from tests.support.forge import Crash, MemoryForge, MemoryLog

REPO = "octo/name"
HEAD = CommitSha("2" * 40)
ANNOTATION = Annotation(path="a.py", start_line=3, end_line=3, level="failure", title="t", message="m")
COMMENTS = {
    "aa": LineComment(path="a.py", line=3, side="RIGHT", body="claim one"),
    "bb": LineComment(path="a.py", line=9, side="RIGHT", body="claim two"),
}

REACTION = wanted.reaction(REPO, 1, comment_id=None)
STATUS = wanted.status_comment(REPO, 1, job="job-1", body="working")
REPLY = wanted.reply(REPO, 1, key="72d3162e-cc78-11e3", body="help")
PULL = wanted.pull_request(
    REPO, 1, job="job-1", branch="redgreen/issue-1", base="main", title="Fix", body="evidence", draft=False
)
SUMMARY = wanted.review_comment(REPO, 2, body="turned red: none")
CHECK = wanted.check_run(
    REPO, 2, head_sha=HEAD, status="completed", conclusion="failure", title="t", summary="s", annotations=[ANNOTATION]
)
FINDINGS = wanted.findings(REPO, 2, head_sha=HEAD, body="two claims", comments=COMMENTS)
ALL = (REACTION, STATUS, REPLY, PULL, SUMMARY, CHECK, FINDINGS)


def posted(publication: Publication, *, sha: str = "") -> Posted:
    return Posted(marker=publication.marker, remote_id=7, url="u", body_sha256=sha or digest(publication))


@pytest.mark.parametrize("publication", ALL, ids=lambda p: p.kind.value)
def test_what_is_not_posted_is_created(publication: Publication) -> None:
    assert plan([publication], {}) == (Create(publication=publication),)


@pytest.mark.parametrize("publication", ALL, ids=lambda p: p.kind.value)
def test_what_stands_as_wanted_is_left_alone(publication: Publication) -> None:
    known = posted(publication)
    assert plan([publication], {known.marker: known}) == (Nothing(publication=publication, posted=known),)


@pytest.mark.parametrize("publication", [STATUS, REPLY, PULL, SUMMARY, CHECK], ids=lambda p: p.kind.value)
def test_another_text_under_the_same_marker_is_an_edit(publication: Publication) -> None:
    known = posted(publication)
    changed = replace(publication, body="another text")
    assert plan([changed], {known.marker: known}) == (Edit(publication=changed, posted=known),)


@pytest.mark.parametrize("publication", [REACTION, FINDINGS], ids=lambda p: p.kind.value)
def test_reactions_and_reviews_are_never_edited(publication: Publication) -> None:
    known = posted(publication, sha="another")
    assert plan([publication], {known.marker: known}) == (Nothing(publication=publication, posted=known),)


def test_a_finding_that_an_earlier_push_posted_is_not_repeated() -> None:
    first = FINDINGS.details["comments"][0]["marker"]
    known = {first: Posted(marker=first, remote_id=7, url="u", body_sha256="x")}
    (effect,) = plan([FINDINGS], known)
    assert isinstance(effect, Create)
    assert [c["body"] for c in effect.publication.details["comments"]] == ["claim two"]
    second = FINDINGS.details["comments"][1]["marker"]
    known[second] = Posted(marker=second, remote_id=7, url="u", body_sha256="x")
    assert plan([FINDINGS], known) == (Nothing(publication=FINDINGS, posted=None),)


def test_the_same_finding_has_the_same_marker_on_another_head() -> None:
    later = wanted.findings(REPO, 2, head_sha=CommitSha("3" * 40), body="b", comments=COMMENTS)
    assert later.marker != FINDINGS.marker
    assert markers(later)[1:] == markers(FINDINGS)[1:]


def test_markers_are_unique_and_cannot_leave_their_comment() -> None:
    assert len({publication.marker for publication in ALL}) == len(ALL)
    for bad in ("a b", "-->", "", "x" * 300):
        with pytest.raises(ValueError, match="not a marker"):
            wanted.marker(PublicationKind.REPLY, bad)


def test_everything_is_published_once_however_often_it_is_asked_for() -> None:
    forge, log = MemoryForge(), MemoryLog()
    first = publish(ALL, forge=forge, log=log)
    assert publish(ALL, forge=forge, log=log) == first
    assert len(first) == len(ALL)
    assert forge.reactions == {(1, None, "eyes")}
    assert sorted(issue for issue, _ in forge.comments.values()) == [1, 1, 2]
    assert [p[:2] for p in forge.pulls.values()] == [("redgreen/issue-1", "Fix")]
    assert [c.annotations for c in forge.checks.values()] == [(ANNOTATION,)]
    assert [len(comments) for _, _, comments in forge.reviews.values()] == [2]


@pytest.mark.parametrize("publication", ALL, ids=lambda p: p.kind.value)
def test_a_crash_between_post_and_note_posts_nothing_twice(publication: Publication) -> None:
    forge, log = MemoryForge(), MemoryLog()
    if publication is not REACTION:  # nothing is lost by asking for a reaction again: GitHub keeps one
        forge.crash_after_post = True
        with pytest.raises(Crash):
            publish([publication], forge=forge, log=log)
    changed = replace(publication, title="new title", body="new body")
    publish([changed], forge=forge, log=log)
    things = [*forge.comments, *forge.pulls, *forge.checks, *forge.reviews, *forge.reactions]
    assert len(things) == 1
    assert set(log.notes) == set(markers(publication))
    texts = [body for _, body in forge.comments.values()] + [body for _, _, body, _ in forge.pulls.values()]
    assert all("new body" in text for text in texts)


@pytest.fixture
def forge_that_lost_the_note() -> MemoryForge:
    """The pull request was opened, and the process died before it could note so."""
    forge = MemoryForge(crash_after_post=True)
    with pytest.raises(Crash):
        publish([PULL], forge=forge, log=MemoryLog())
    return forge


def test_a_pull_request_that_was_closed_before_the_restart_is_not_opened_twice(
    forge_that_lost_the_note: MemoryForge,
) -> None:
    (number,) = forge_that_lost_the_note.pulls
    forge_that_lost_the_note.closed_pulls.add(number)
    (found,) = publish([PULL], forge=forge_that_lost_the_note, log=MemoryLog())
    assert found.remote_id == number
    assert list(forge_that_lost_the_note.pulls) == [number]


def test_another_job_goes_on_with_the_open_pull_request_and_opens_a_new_one_after_a_closed_one() -> None:
    forge, log = MemoryForge(), MemoryLog()
    (first,) = publish([PULL], forge=forge, log=log)
    second, third = (replace(PULL, marker=f"{PULL.marker}-{n}", body=f"job {n}") for n in (2, 3))
    assert publish([second], forge=forge, log=log)[0].remote_id == first.remote_id
    assert forge.pulls[first.remote_id][2].startswith("job 2")
    forge.closed_pulls.add(first.remote_id)
    (new,) = publish([third], forge=forge, log=log)
    assert new.remote_id != first.remote_id
    assert forge.pulls[first.remote_id][2].startswith("job 2"), "what a person closed is left as it is"


def test_an_edit_changes_the_thing_in_place() -> None:
    forge, log = MemoryForge(), MemoryLog()
    publish([STATUS, PULL, CHECK], forge=forge, log=log)
    later = [replace(p, title="later", body="later") for p in (STATUS, PULL, CHECK)]
    publish(later, forge=forge, log=log)
    assert [body.split("\n")[0] for _, body in forge.comments.values()] == ["later"]
    assert [p[1] for p in forge.pulls.values()] == ["later"]
    assert [c.summary for c in forge.checks.values()] == ["later"]


def test_a_comment_that_a_person_deleted_is_written_anew() -> None:
    forge, log = MemoryForge(), MemoryLog()
    publish([STATUS], forge=forge, log=log)
    forge.comments.clear()
    publish([replace(STATUS, body="done")], forge=forge, log=log)
    assert [body.split("\n")[0] for _, body in forge.comments.values()] == ["done"]
    assert log.notes[STATUS.marker].remote_id in forge.comments


def test_a_review_whose_lines_are_refused_is_posted_as_text() -> None:
    forge, log = MemoryForge(commentable=frozenset({3})), MemoryLog()
    publish([FINDINGS], forge=forge, log=log)
    ((_, body, comments),) = forge.reviews.values()
    assert comments == ()
    assert "`a.py:9`" in body
    assert "claim two" in body
    assert hidden(FINDINGS.marker) in body


def test_posted_text_holds_the_marker_and_no_credential_and_fits() -> None:
    text = signed("x" * 100_000 + "ghs_" + "a" * 36, STATUS.marker)
    assert len(text) <= MAX_BODY
    assert text.endswith(hidden(STATUS.marker))
    assert "cut: too long" in text
    assert "ghs_" not in signed("token ghs_" + "a" * 36, STATUS.marker)
    forge = MemoryForge()
    secret = replace(ANNOTATION, message="ghs_" + "a" * 36)
    leaky = wanted.check_run(
        REPO, 2, head_sha=HEAD, status="completed", title="ghs_" + "a" * 36, summary="s", annotations=[secret]
    )
    publish([leaky], forge=forge, log=MemoryLog())
    assert "ghs_" not in repr(forge.checks)
