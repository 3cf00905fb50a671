"""Comments on lines of a pull request's diff, outside of a review that is being written."""

from __future__ import annotations

from bot.localhub import anchors, events
from bot.localhub.calls import Answer, Call, bounded
from bot.localhub.domain import Pull, ReviewComment, ReviewState, Role
from bot.localhub.problems import Problem, forbidden, invalid, not_found
from bot.localhub.routes.pulls import pull_of
from bot.localhub.routes.reviews import (
    DraftComment,
    ReviewText,
    changed_files,
    place,
    route,
    shown_comment,
    store_comment,
    store_review,
)


class NewComment(DraftComment):
    commit_id: str
    in_reply_to: int | None = None


def comment_of(call: Call) -> ReviewComment:
    found = call.repository.review_comments.get(call.number("comment_id"))
    if found is None:
        raise not_found()
    return found


def list_comments(call: Call) -> Answer:
    number = pull_of(call).number
    found = [one for one in call.repository.review_comments.values() if one.pull == number]
    return call.page(found, lambda one: shown_comment(call, one))


def create_comment(call: Call) -> Answer:
    """One comment, as a review of its own."""
    pull, wanted = pull_of(call), call.read(NewComment)
    if wanted.in_reply_to is not None:
        return _reply(call, pull, wanted.in_reply_to, wanted.body)
    files = changed_files(call, pull, wanted.commit_id)
    if wanted.path not in files:
        raise invalid("PullRequestReviewComment", "pull_request_review_thread.path", "invalid")
    found = place(files[wanted.path], wanted)
    if found is None:
        name = "pull_request_review_thread.line"
        raise invalid("PullRequestReviewComment", name, "custom", f"{name} must be part of the diff")
    review = store_review(call, pull, ReviewState.COMMENTED, "", wanted.commit_id)
    made = store_comment(call, review, wanted, *found)
    events.on_review(call.hub, "submitted", call.repository, review, call.actor)
    return Answer(status=201, body=shown_comment(call, made))


def reply(call: Call) -> Answer:
    return _reply(call, pull_of(call), call.number("comment_id"), call.read(ReviewText).body)


def _reply(call: Call, pull: Pull, comment_id: int, body: str) -> Answer:
    first = call.repository.review_comments.get(comment_id)
    if first is None or first.pull != pull.number:
        raise not_found()
    if first.in_reply_to is not None:
        raise Problem(422, "Validation Failed", errors=["in_reply_to must be the first comment of its thread"])
    review = store_review(call, pull, ReviewState.COMMENTED, "", first.commit)
    anchor = anchors.Anchor(
        line=first.line, start_line=first.start_line, position=first.position, diff_hunk=first.diff_hunk
    )
    draft = DraftComment(path=first.path, body=body, start_side=first.start_side)
    made = store_comment(call, review, draft, first.side, anchor, reply_to=first.id)
    return Answer(status=201, body=shown_comment(call, made))


def get_comment(call: Call) -> Answer:
    return Answer(body=shown_comment(call, comment_of(call)))


def edit_comment(call: Call) -> Answer:
    comment = comment_of(call)
    if comment.user.id != call.actor.id:
        raise forbidden()
    comment.body = bounded("PullRequestReviewComment", "body", call.read(ReviewText).body)
    comment.updated_at = call.hub.clock()
    return Answer(body=shown_comment(call, comment))


def delete_comment(call: Call) -> Answer:
    comment = comment_of(call)
    if comment.user.id != call.actor.id and (call.via or call.repository.role(call.actor) < Role.WRITE):
        raise forbidden()
    del call.repository.review_comments[comment.id]
    return Answer(status=204)


_PULLS = "/repos/{owner}/{repo}/pulls"
_ONE = f"{_PULLS}/{{number}}"
ROUTES = (
    route("GET", f"{_PULLS}/comments/{{comment_id}}", get_comment),
    route("PATCH", f"{_PULLS}/comments/{{comment_id}}", edit_comment),
    route("DELETE", f"{_PULLS}/comments/{{comment_id}}", delete_comment),
    route("GET", f"{_ONE}/comments", list_comments),
    route("POST", f"{_ONE}/comments", create_comment),
    route("POST", f"{_ONE}/comments/{{comment_id}}/replies", reply),
)
