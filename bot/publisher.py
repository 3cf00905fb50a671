"""Carries publications out through a `Forge`, and notes in the store what stands there. Safe to repeat after a crash.

Between GitHub's answer and our note a crash may fall. So whatever the store does not know is first looked for on
GitHub, by the hidden marker (comments, reviews), the external id (check runs), or branch and marker (pull requests).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, assert_never

from bot.errors import ForgeNotFound, ForgeRejected
from bot.forge.protocol import CheckRun, Forge, LineComment, Remote
from bot.messages.review import unanchored
from bot.messages.untrusted import MAX_BODY, hidden, redacted
from bot.publication import Create, Edit, Effect, Nothing, as_check_run, digest, markers, plan
from bot.types import Posted, Publication, PublicationKind
from sandbox.types import CommitSha


class PublicationLog(Protocol):
    """The store's part in publishing. Both raise `bot.errors.StoreError`."""

    def posted(self, markers: Sequence[str]) -> Mapping[str, Posted]:
        """What is known of these markers; unknown ones are absent."""
        ...

    def record_posted(self, publication: Publication, posted: Posted) -> None:
        """Store durably before returning; the same `posted.marker` again replaces what was known."""
        ...


def publish(wanted: Sequence[Publication], *, forge: Forge, log: PublicationLog) -> tuple[Posted, ...]:
    """Make GitHub show what is wanted, in order; the result is what stands there now.

    Raises `bot.errors.ForgeError` at the first effect that cannot be carried out: those before it are recorded, and
    calling again goes on from there.
    """
    known = log.posted([marker for publication in wanted for marker in markers(publication)])
    standing: list[Posted] = []
    for effect in plan(wanted, known):
        posted = _carry_out(effect, forge, log)
        if posted is not None:
            standing.append(posted)
    return tuple(standing)


def signed(body: str, marker: str) -> str:
    """The text as posted: secrets masked, within GitHub's limit, the hidden marker at its end."""
    tail = f"\n\n{hidden(marker)}"
    text = redacted(body)
    room = MAX_BODY - len(tail)
    if len(text) > room:
        text = text[: room - 40].rstrip() + "\n\n(cut: too long for GitHub)"
    return text + tail


def _check(publication: Publication) -> CheckRun:
    """As posted: secrets masked; it is found again by its external id, not by a marker."""
    check = as_check_run(publication)
    annotations = tuple(replace(a, title=redacted(a.title), message=redacted(a.message)) for a in check.annotations)
    summary = redacted(check.summary)[:MAX_BODY]
    return replace(check, title=redacted(check.title), summary=summary, annotations=annotations)


def _carry_out(effect: Effect, forge: Forge, log: PublicationLog) -> Posted | None:
    match effect:
        case Nothing(posted=posted):
            return posted
        case Create(publication=publication):
            found = _find(publication, forge)
            remote = _create(publication, forge) if found is None else _adopt(publication, found, forge)
        case Edit(publication=publication, posted=posted):
            remote = Remote(id=posted.remote_id, url=posted.url)
            try:
                _edit(publication, remote, forge)
            except ForgeNotFound:  # a person deleted it
                remote = _create(publication, forge)
        case _ as never:
            assert_never(never)
    return _record(publication, remote, log)


def _record(publication: Publication, remote: Remote, log: PublicationLog) -> Posted:
    records = [
        Posted(marker=marker, remote_id=remote.id, url=remote.url, body_sha256=digest(publication))
        for marker in markers(publication)
    ]
    for posted in reversed(records):  # the publication's own marker last: it says that all of it is recorded
        log.record_posted(publication, posted)
    return records[0]


def _find(publication: Publication, forge: Forge) -> Remote | None:
    number, mark = publication.number, hidden(publication.marker)
    match publication.kind:
        case PublicationKind.STATUS_COMMENT | PublicationKind.REVIEW_COMMENT | PublicationKind.REPLY:
            return forge.find_comment(number, mark)
        case PublicationKind.PULL_REQUEST:
            return forge.find_pull(publication.details["branch"], mark)
        case PublicationKind.CHECK_RUN:
            return forge.find_check_run(CommitSha(publication.details["head_sha"]), publication.marker)
        case PublicationKind.FINDINGS:
            return forge.find_review(number, mark)
        case PublicationKind.REACTION:
            return None
        case _ as never:
            assert_never(never)


def _create(publication: Publication, forge: Forge) -> Remote:
    number, details = publication.number, publication.details
    body = signed(publication.body, publication.marker)
    match publication.kind:
        case PublicationKind.STATUS_COMMENT | PublicationKind.REVIEW_COMMENT | PublicationKind.REPLY:
            return forge.post_comment(number, body)
        case PublicationKind.PULL_REQUEST:
            return forge.open_pull(
                branch=details["branch"],
                base=details["base"],
                title=redacted(publication.title),
                body=body,
                draft=details["draft"],
            )
        case PublicationKind.CHECK_RUN:
            return forge.post_check_run(_check(publication))
        case PublicationKind.FINDINGS:
            return _post_review(publication, forge)
        case PublicationKind.REACTION:
            forge.react(number, details["comment_id"], details["content"])
            return Remote(id=0, url="")
        case _ as never:
            assert_never(never)


def _post_review(publication: Publication, forge: Forge) -> Remote:
    """With line comments; as text alone when GitHub refuses the lines, so that no review is lost to one of them."""
    head_sha = CommitSha(publication.details["head_sha"])
    comments = [
        LineComment(path=c["path"], line=c["line"], side=c["side"], body=signed(c["body"], c["marker"]))
        for c in publication.details["comments"]
    ]
    try:
        body = signed(publication.body, publication.marker)
        return forge.post_review(publication.number, head_sha=head_sha, body=body, comments=comments)
    except ForgeRejected:
        text = f"{publication.body}\n\n{unanchored(comments)}"
        body = signed(text, publication.marker)
        return forge.post_review(publication.number, head_sha=head_sha, body=body, comments=())


def _adopt(publication: Publication, found: Remote, forge: Forge) -> Remote:
    """Ours, posted before a crash: brought to the wanted text (a review stays as it was posted)."""
    if publication.kind is not PublicationKind.FINDINGS:
        _edit(publication, found, forge)
    return found


def _edit(publication: Publication, remote: Remote, forge: Forge) -> None:
    body = signed(publication.body, publication.marker)
    match publication.kind:
        case PublicationKind.STATUS_COMMENT | PublicationKind.REVIEW_COMMENT | PublicationKind.REPLY:
            forge.edit_comment(remote.id, body)
        case PublicationKind.PULL_REQUEST:
            forge.edit_pull(remote.id, title=redacted(publication.title), body=body)
        case PublicationKind.CHECK_RUN:
            forge.edit_check_run(remote.id, _check(publication))
        case PublicationKind.FINDINGS | PublicationKind.REACTION:
            raise AssertionError("the plan never edits these")
        case _ as never:
            assert_never(never)
