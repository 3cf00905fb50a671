"""Reviews of pull requests and their comments on lines of the diff."""

from __future__ import annotations

from bot.localhub import anchors, events
from bot.localhub.calls import Answer, Call, Fields, Handler, Route, bounded
from bot.localhub.domain import Pull, Review, ReviewComment, ReviewState, Role
from bot.localhub.gitdiff import FileDiff
from bot.localhub.problems import forbidden, not_found, unprocessable
from bot.localhub.routes.pulls import pull_of
from bot.localhub.shapes import pulls as shapes

_EVENTS = {
    "": ReviewState.PENDING,
    "COMMENT": ReviewState.COMMENTED,
    "APPROVE": ReviewState.APPROVED,
    "REQUEST_CHANGES": ReviewState.CHANGES_REQUESTED,
}


class DraftComment(Fields):
    path: str
    body: str
    position: int | None = None
    line: int | None = None
    side: str = "RIGHT"
    start_line: int | None = None
    start_side: str | None = None


class NewReview(Fields):
    body: str | None = None
    event: str = ""
    commit_id: str | None = None
    comments: tuple[DraftComment, ...] = ()


class SubmitReview(Fields):
    event: str
    body: str | None = None


class ReviewText(Fields):
    body: str


class Dismissal(Fields):
    message: str


def review_of(call: Call) -> Review:
    found = call.repository.reviews.get(call.number("review_id"))
    if found is None or found.pull != pull_of(call).number:
        raise not_found()
    return found


def _review(call: Call, review: Review) -> object:
    return shapes.review(call.hub.links, call.repository, review)


def shown_comment(call: Call, comment: ReviewComment) -> object:
    return shapes.review_comment(call.hub.links, call.repository, comment)


def _refuse(call: Call, pull: Pull, state: ReviewState, body: str, *, comments: bool) -> None:
    """GitHub's rules for a review that is submitted."""
    own = pull.issue.user.id == call.actor.id
    if own and state in {ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED}:
        verb = "approve" if state is ReviewState.APPROVED else "request changes on"
        raise unprocessable("Unprocessable Entity", f"Can not {verb} your own pull request")
    if state is ReviewState.CHANGES_REQUESTED and not body:
        raise unprocessable("Unprocessable Entity", "Body is required to request changes")
    if state is ReviewState.COMMENTED and not body and not comments:
        raise unprocessable("Unprocessable Entity", "Body can't be blank")


def _state(event: str) -> ReviewState:
    if event not in _EVENTS:
        raise unprocessable("Unprocessable Entity", f"Variable $event of type PullRequestReviewEvent: {event}")
    return _EVENTS[event]


def create_review(call: Call) -> Answer:
    """All or nothing: one comment that cannot be placed refuses the review."""
    pull, wanted = pull_of(call), call.read(NewReview)
    state, body = _state(wanted.event), bounded("PullRequestReview", "body", wanted.body or "")
    _refuse(call, pull, state, body, comments=bool(wanted.comments))
    commit = wanted.commit_id or pull.head_sha
    files = changed_files(call, pull, commit)
    placed = []
    for draft in wanted.comments:
        if draft.path not in files:
            raise unprocessable("Unprocessable Entity", "Path could not be resolved")
        found = place(files[draft.path], draft)
        if found is None:
            raise unprocessable("Unprocessable Entity", "Line could not be resolved")
        placed.append((draft, *found))
    review = store_review(call, pull, state, body, commit)
    for draft, side, anchor in placed:
        store_comment(call, review, draft, side, anchor)
    if state is not ReviewState.PENDING:
        events.on_review(call.hub, "submitted", call.repository, review, call.actor)
    return Answer(body=_review(call, review))


def changed_files(call: Call, pull: Pull, commit: str) -> dict[str, FileDiff]:
    git = call.repository.git
    if not git.has(commit, "commit") or not git.is_ancestor(commit, pull.head_sha):
        raise unprocessable("Unprocessable Entity", "commit_id is not part of the pull request")
    fork = git.merge_base(pull.base_sha, commit) or pull.base_sha
    return {file.path: file for file in git.files(fork, commit)}


def place(file: FileDiff, draft: DraftComment) -> tuple[str, anchors.Anchor] | None:
    """The side and place of a comment, from `line` or from the old `position`."""
    if file.patch is None or draft.side not in {"LEFT", "RIGHT"}:
        return None
    line, side = draft.line, draft.side
    if line is None:
        at = anchors.at_position(file.patch, draft.position or 0)
        if at is None:
            return None
        line, side = at
    anchor = anchors.find(file.patch, line=line, side=side, start_line=draft.start_line, start_side=draft.start_side)
    return None if anchor is None else (side, anchor)


def store_review(call: Call, pull: Pull, state: ReviewState, body: str, commit: str) -> Review:
    review = Review(
        id=call.hub.new_id(),
        pull=pull.number,
        user=call.actor,
        body=body,
        state=state,
        commit=commit,
        submitted_at=None if state is ReviewState.PENDING else call.hub.clock(),
    )
    call.repository.reviews[review.id] = review
    return review


def store_comment(
    call: Call, review: Review, draft: DraftComment, side: str, anchor: anchors.Anchor, reply_to: int | None = None
) -> ReviewComment:
    now = call.hub.clock()
    made = ReviewComment(
        id=call.hub.new_id(),
        pull=review.pull,
        review=review.id,
        user=call.actor,
        path=draft.path,
        side=side,
        line=anchor.line,
        start_line=anchor.start_line,
        start_side=(draft.start_side or side) if anchor.start_line is not None else None,
        position=anchor.position,
        diff_hunk=anchor.diff_hunk,
        commit=review.commit,
        body=bounded("PullRequestReviewComment", "body", draft.body),
        created_at=now,
        updated_at=now,
        in_reply_to=reply_to,
    )
    call.repository.review_comments[made.id] = made
    return made


def list_reviews(call: Call) -> Answer:
    """A pending review is seen by its author only."""
    number = pull_of(call).number
    found = [
        one
        for one in call.repository.reviews.values()
        if one.pull == number and (one.state is not ReviewState.PENDING or one.user.id == call.actor.id)
    ]
    return call.page(found, lambda one: _review(call, one))


def get_review(call: Call) -> Answer:
    return Answer(body=_review(call, review_of(call)))


def edit_review(call: Call) -> Answer:
    review = review_of(call)
    if review.user.id != call.actor.id:
        raise forbidden()
    review.body = bounded("PullRequestReview", "body", call.read(ReviewText).body)
    return Answer(body=_review(call, review))


def submit_review(call: Call) -> Answer:
    review, wanted = review_of(call), call.read(SubmitReview)
    if review.user.id != call.actor.id:
        raise forbidden()
    if review.state is not ReviewState.PENDING:
        raise unprocessable("Unprocessable Entity", "Can not submit a review that was submitted")
    state, body = _state(wanted.event), wanted.body if wanted.body is not None else review.body
    _refuse(call, pull_of(call), state, body, comments=bool(_comments_of(call, review)))
    review.state, review.body, review.submitted_at = state, body, call.hub.clock()
    events.on_review(call.hub, "submitted", call.repository, review, call.actor)
    return Answer(body=_review(call, review))


def dismiss_review(call: Call) -> Answer:
    review = review_of(call)
    call.read(Dismissal)
    if review.state not in {ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED}:
        raise unprocessable("Unprocessable Entity", "Can not dismiss a commented pull request review")
    review.state = ReviewState.DISMISSED
    events.on_review(call.hub, "dismissed", call.repository, review, call.actor)
    return Answer(body=_review(call, review))


def _comments_of(call: Call, review: Review) -> list[ReviewComment]:
    return [one for one in call.repository.review_comments.values() if one.review == review.id]


def review_comments(call: Call) -> Answer:
    return call.page(_comments_of(call, review_of(call)), lambda one: shown_comment(call, one))


_PULLS = "/repos/{owner}/{repo}/pulls"
_ONE = f"{_PULLS}/{{number}}"


def route(method: str, template: str, handler: Handler, role: Role = Role.READ) -> Route:
    return Route(
        method=method,
        template=template,
        handler=handler,
        permissions=("pull_requests",),
        write=method != "GET",
        role=role,
    )


ROUTES = (
    route("GET", f"{_ONE}/reviews", list_reviews),
    route("POST", f"{_ONE}/reviews", create_review),
    route("GET", f"{_ONE}/reviews/{{review_id}}", get_review),
    route("PUT", f"{_ONE}/reviews/{{review_id}}", edit_review),
    route("POST", f"{_ONE}/reviews/{{review_id}}/events", submit_review),
    route("PUT", f"{_ONE}/reviews/{{review_id}}/dismissals", dismiss_review, Role.WRITE),
    route("GET", f"{_ONE}/reviews/{{review_id}}/comments", review_comments),
)
