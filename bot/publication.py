"""What should stand on GitHub, against what stands there: `plan(wanted, posted) -> effects`. Pure.

The builders below are the only makers of `Publication`s: they fix the marker's form and the shape of `details`, so
that the rest of the bot writes neither. A marker names the thing, not the text: another text under it is an edit.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from bot.forge.protocol import Annotation, CheckRun, LineComment
from bot.types import Posted, Publication, PublicationKind
from sandbox.types import CommitSha

_MARKER = re.compile(r"[A-Za-z0-9._:/-]{1,200}")


# --- builders ----------------------------------------------------------------------------------------------------


def marker(kind: PublicationKind, repository: str, *parts: str | int) -> str:
    """`kind:owner/name:part:part`. Raises ValueError for a part that could end the hidden comment it is put into."""
    words = [kind.value, repository, *map(str, parts)]
    text = ":".join(words)
    if not all(words) or _MARKER.fullmatch(text) is None:
        raise ValueError(f"not a marker: {text!r}")
    return text


def reaction(repository: str, number: int, *, comment_id: int | None, content: str = "eyes") -> Publication:
    kind = PublicationKind.REACTION
    return Publication(
        kind=kind,
        repository=repository,
        number=number,
        marker=marker(kind, repository, number, comment_id or 0, content),
        details={"content": content, "comment_id": comment_id},
    )


def status_comment(repository: str, number: int, *, job: str, body: str) -> Publication:
    """The one comment of a job, edited from state to state."""
    kind = PublicationKind.STATUS_COMMENT
    return Publication(
        kind=kind, repository=repository, number=number, marker=marker(kind, repository, number, job), body=body
    )


def reply(repository: str, number: int, *, key: str, body: str) -> Publication:
    """An answer that starts no job; `key` is what is answered (a delivery's id)."""
    kind = PublicationKind.REPLY
    return Publication(
        kind=kind, repository=repository, number=number, marker=marker(kind, repository, number, key), body=body
    )


def pull_request(
    repository: str, issue: int, *, job: str, branch: str, base: str, title: str, body: str, draft: bool
) -> Publication:
    """A pull request of ours; `branch` already holds the commit.

    The marker is the job's: another job on the same issue goes on with the pull request that is open, and opens a new
    one where a person has closed the former.
    """
    kind = PublicationKind.PULL_REQUEST
    return Publication(
        kind=kind,
        repository=repository,
        number=issue,
        marker=marker(kind, repository, branch, job),
        title=title,
        body=body,
        details={"branch": branch, "base": base, "draft": draft},
    )


def review_comment(repository: str, pull: int, *, body: str) -> Publication:
    """The one summary comment on a pull request, edited with each push."""
    kind = PublicationKind.REVIEW_COMMENT
    return Publication(kind=kind, repository=repository, number=pull, marker=marker(kind, repository, pull), body=body)


def check_run(
    repository: str,
    pull: int,
    *,
    head_sha: CommitSha,
    status: str,
    title: str,
    summary: str,
    conclusion: str = "",
    annotations: Sequence[Annotation] = (),
    name: str = "redgreen",
) -> Publication:
    """One check run a head commit; `status` is `in_progress` or `completed`."""
    kind = PublicationKind.CHECK_RUN
    return Publication(
        kind=kind,
        repository=repository,
        number=pull,
        marker=marker(kind, repository, pull, head_sha),
        title=title,
        body=summary,
        details={
            "name": name,
            "head_sha": head_sha,
            "status": status,
            "conclusion": conclusion,
            "annotations": [
                {
                    "path": a.path,
                    "start_line": a.start_line,
                    "end_line": a.end_line,
                    "level": a.level,
                    "title": a.title,
                    "message": a.message,
                }
                for a in annotations
            ],
        },
    )


def findings(
    repository: str, pull: int, *, head_sha: CommitSha, body: str, comments: Mapping[str, LineComment]
) -> Publication:
    """A review with line comments, by fingerprint; a fingerprint that stands on the pull request is not repeated."""
    kind = PublicationKind.FINDINGS
    return Publication(
        kind=kind,
        repository=repository,
        number=pull,
        marker=marker(kind, repository, pull, head_sha),
        body=body,
        details={
            "head_sha": head_sha,
            "comments": [
                {
                    "marker": marker(kind, repository, pull, "finding", fingerprint),
                    "path": comment.path,
                    "line": comment.line,
                    "side": comment.side,
                    "body": comment.body,
                }
                for fingerprint, comment in comments.items()
            ],
        },
    )


# --- reading them back -------------------------------------------------------------------------------------------


def digest(publication: Publication) -> str:
    """SHA-256 of everything a reader sees: equal digests need no edit."""
    visible = {"title": publication.title, "body": publication.body, "details": dict(publication.details)}
    return hashlib.sha256(json.dumps(visible, sort_keys=True).encode()).hexdigest()


def as_check_run(publication: Publication) -> CheckRun:
    details = publication.details
    return CheckRun(
        name=details["name"],
        head_sha=CommitSha(details["head_sha"]),
        external_id=publication.marker,
        status=details["status"],
        conclusion=details["conclusion"],
        title=publication.title,
        summary=publication.body,
        annotations=tuple(Annotation(**annotation) for annotation in details["annotations"]),
    )


def markers(publication: Publication) -> tuple[str, ...]:
    """All markers under which parts of it may be known: its own, and each finding's."""
    if publication.kind is not PublicationKind.FINDINGS:
        return (publication.marker,)
    return (publication.marker, *(comment["marker"] for comment in publication.details["comments"]))


# --- the decision ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Create:
    publication: Publication


@dataclass(frozen=True, kw_only=True)
class Edit:
    publication: Publication
    posted: Posted


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """It stands there as wanted, or cannot be edited, or has nothing left to say."""

    publication: Publication
    posted: Posted | None


Effect = Create | Edit | Nothing


def plan(wanted: Sequence[Publication], posted: Mapping[str, Posted]) -> tuple[Effect, ...]:
    """One effect for each wanted publication, in order; `posted` is by marker."""
    return tuple(_effect(publication, posted) for publication in wanted)


def _effect(publication: Publication, posted: Mapping[str, Posted]) -> Effect:
    known = posted.get(publication.marker)
    match publication.kind:
        case PublicationKind.REACTION:
            return Nothing(publication=publication, posted=known) if known else Create(publication=publication)
        case PublicationKind.FINDINGS:
            return _findings_effect(publication, known, posted)
        case (
            PublicationKind.STATUS_COMMENT
            | PublicationKind.PULL_REQUEST
            | PublicationKind.CHECK_RUN
            | PublicationKind.REVIEW_COMMENT
            | PublicationKind.REPLY
        ):
            if known is None:
                return Create(publication=publication)
            if known.body_sha256 == digest(publication):
                return Nothing(publication=publication, posted=known)
            return Edit(publication=publication, posted=known)
        case _ as never:
            assert_never(never)


def _findings_effect(publication: Publication, known: Posted | None, posted: Mapping[str, Posted]) -> Effect:
    """A review is posted once; what an earlier push already said is left out, and an empty rest is not posted."""
    comments = publication.details["comments"]
    fresh = [comment for comment in comments if comment["marker"] not in posted]
    if known is not None or not fresh:
        return Nothing(publication=publication, posted=known)
    return Create(publication=replace(publication, details={**publication.details, "comments": fresh}))
