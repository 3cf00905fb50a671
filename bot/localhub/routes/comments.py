"""Comments on conversations, and reactions to anything that takes one."""

from __future__ import annotations

from bot.localhub.acts import issues as acts
from bot.localhub.calls import Answer, Call, Fields, Handler, Route
from bot.localhub.domain import Comment, Reaction, Role
from bot.localhub.problems import forbidden, not_a_writer, not_found
from bot.localhub.routes.labels import issue_of
from bot.localhub.shapes import issues as shapes


class CommentText(Fields):
    body: str


class NewReaction(Fields):
    content: str


def comment_of(call: Call) -> Comment:
    found = call.repository.comments.get(call.number("comment_id"))
    if found is None:
        raise not_found()
    return found


def _shape(call: Call, comment: Comment) -> object:
    return shapes.comment(call.hub.links, call.repository, comment)


def _own(call: Call, comment: Comment) -> None:
    """One's own comment, or anyone's with write access: an App may edit only what it wrote."""
    if comment.user.id == call.actor.id:
        return
    if call.via is not None:
        raise forbidden()
    if call.repository.role(call.actor) < Role.WRITE:
        raise not_a_writer()


def list_comments(call: Call) -> Answer:
    number = issue_of(call).number
    found = [comment for comment in call.repository.comments.values() if comment.number == number]
    return call.page(found, lambda comment: _shape(call, comment))


def list_all_comments(call: Call) -> Answer:
    return call.page(list(call.repository.comments.values()), lambda comment: _shape(call, comment))


def create_comment(call: Call) -> Answer:
    wanted, issue = call.read(CommentText), issue_of(call)
    made = acts.comment(call.hub, call.repository, issue.number, wanted.body, call.actor, call.via)
    return Answer(status=201, body=_shape(call, made))


def get_comment(call: Call) -> Answer:
    return Answer(body=_shape(call, comment_of(call)))


def edit_comment(call: Call) -> Answer:
    comment = comment_of(call)
    _own(call, comment)
    acts.edit_comment(call.hub, call.repository, comment, call.read(CommentText).body, call.actor)
    return Answer(body=_shape(call, comment))


def delete_comment(call: Call) -> Answer:
    comment = comment_of(call)
    _own(call, comment)
    acts.delete_comment(call.hub, call.repository, comment, call.actor)
    return Answer(status=204)


def _reactions(call: Call) -> list[Reaction]:
    """Of the issue, the comment or the review comment that the path names."""
    if "/pulls/comments/" in call.route.template:
        found = call.repository.review_comments.get(call.number("comment_id"))
        if found is None:
            raise not_found()
        return found.reactions
    return comment_of(call).reactions if "comment_id" in call.parameters else issue_of(call).reactions


def list_reactions(call: Call) -> Answer:
    wanted = call.query("content")
    found = [one for one in _reactions(call) if wanted in {"", one.content}]
    return call.page(found, lambda one: shapes.reaction(call.hub.links, one))


def react(call: Call) -> Answer:
    reaction, new = acts.react(call.hub, _reactions(call), call.read(NewReaction).content, call.actor)
    return Answer(status=201 if new else 200, body=shapes.reaction(call.hub.links, reaction))


def unreact(call: Call) -> Answer:
    reactions, wanted = _reactions(call), call.number("reaction_id")
    found = next((one for one in reactions if one.id == wanted), None)
    if found is None:
        raise not_found()
    if found.user.id != call.actor.id:
        raise forbidden()
    reactions.remove(found)
    return Answer(status=204)


_REPO = "/repos/{owner}/{repo}"
_EITHER = ("issues", "pull_requests")


def _route(method: str, template: str, handler: Handler, permissions: tuple[str, ...] = _EITHER) -> Route:
    """Whoever may read may take part."""
    return Route(
        method=method, template=_REPO + template, handler=handler, permissions=permissions, write=method != "GET"
    )


def _reaction_routes(subject: str, permissions: tuple[str, ...]) -> tuple[Route, ...]:
    return (
        _route("GET", f"{subject}/reactions", list_reactions, permissions),
        _route("POST", f"{subject}/reactions", react, permissions),
        _route("DELETE", f"{subject}/reactions/{{reaction_id}}", unreact, permissions),
    )


ROUTES = (
    *_reaction_routes("/issues/{number}", _EITHER),
    *_reaction_routes("/issues/comments/{comment_id}", _EITHER),
    *_reaction_routes("/pulls/comments/{comment_id}", ("pull_requests",)),
    _route("GET", "/issues/comments", list_all_comments),
    _route("GET", "/issues/comments/{comment_id}", get_comment),
    _route("PATCH", "/issues/comments/{comment_id}", edit_comment),
    _route("DELETE", "/issues/comments/{comment_id}", delete_comment),
    _route("GET", "/issues/{number}/comments", list_comments),
    _route("POST", "/issues/{number}/comments", create_comment),
)
