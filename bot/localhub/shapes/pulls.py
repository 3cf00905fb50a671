"""Pull requests, their reviews and line comments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.localhub.domain import Pull, Repository, Review, ReviewComment, Role, stamp
from bot.localhub.links import Links
from bot.localhub.shapes import accounts, issues, repositories


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What git says of a pull request just now."""

    commits: int
    additions: int
    deletions: int
    changed_files: int
    mergeable: bool | None
    """None once it is merged or closed."""


def _side(links: Links, repository: Repository, ref: str, sha: str) -> dict[str, Any]:
    return {
        "label": f"{repository.owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": accounts.user(links, repository.owner),
        "repo": repositories.repository(links, repository, Role.READ),
    }


def _addresses(links: Links, repository: Repository, pull: Pull) -> dict[str, str]:
    api = links.repository(repository, "pulls", pull.number)
    issue = links.repository(repository, "issues", pull.number)
    return {
        "self": api,
        "html": links.page(repository, "pull", pull.number),
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{api}/comments",
        "review_comment": f"{links.repository(repository, 'pulls/comments')}{{/number}}",
        "commits": f"{api}/commits",
        "statuses": links.repository(repository, "statuses", pull.head_sha),
    }


def simple(links: Links, repository: Repository, pull: Pull) -> dict[str, Any]:
    issue = issues.issue(links, repository, pull.issue)
    shared = [
        "title",
        "body",
        "user",
        "labels",
        "state",
        "locked",
        "active_lock_reason",
        "assignee",
        "assignees",
        "milestone",
        "created_at",
        "updated_at",
        "closed_at",
        "author_association",
    ]
    at = _addresses(links, repository, pull)
    return {
        "id": pull.id,
        "node_id": f"PR_{pull.id}",
        "number": pull.number,
        **{name: issue[name] for name in shared},
        "draft": pull.draft,
        "merged_at": stamp(pull.merge.at) if pull.merge else None,
        "merge_commit_sha": pull.merge.commit if pull.merge else None,
        "requested_reviewers": [],
        "requested_teams": [],
        "auto_merge": None,
        "head": _side(links, repository, pull.head_ref, pull.head_sha),
        "base": _side(links, repository, pull.base_ref, pull.base_sha),
        "url": at["self"],
        "html_url": at["html"],
        "diff_url": f"{at['html']}.diff",
        "patch_url": f"{at['html']}.patch",
        "issue_url": at["issue"],
        "comments_url": at["comments"],
        "commits_url": at["commits"],
        "review_comments_url": at["review_comments"],
        "review_comment_url": at["review_comment"],
        "statuses_url": at["statuses"],
        "_links": {name: {"href": address} for name, address in at.items()},
    }


def full(links: Links, repository: Repository, pull: Pull, measure: Measure) -> dict[str, Any]:
    merger = pull.merge.by if pull.merge else None
    return {
        **simple(links, repository, pull),
        "merged": pull.merge is not None,
        "merged_by": accounts.user(links, merger) if merger else None,
        "mergeable": measure.mergeable,
        "rebaseable": measure.mergeable,
        "mergeable_state": _state(pull, measure.mergeable),
        "maintainer_can_modify": pull.maintainer_can_modify,
        "comments": sum(comment.number == pull.number for comment in repository.comments.values()),
        "review_comments": sum(comment.pull == pull.number for comment in repository.review_comments.values()),
        "commits": measure.commits,
        "additions": measure.additions,
        "deletions": measure.deletions,
        "changed_files": measure.changed_files,
    }


def _state(pull: Pull, mergeable: bool | None) -> str:
    match mergeable:
        case None:
            return "unknown"
        case False:
            return "dirty"
        case True:
            return "draft" if pull.draft else "clean"


def review(links: Links, repository: Repository, review: Review) -> dict[str, Any]:
    pull = links.repository(repository, "pulls", review.pull)
    page = f"{links.page(repository, 'pull', review.pull)}#pullrequestreview-{review.id}"
    shape = {
        "id": review.id,
        "node_id": f"PRR_{review.id}",
        "user": accounts.user(links, review.user),
        "body": review.body,
        "state": review.state.value,
        "commit_id": review.commit,
        "html_url": page,
        "pull_request_url": pull,
        "author_association": issues.association(repository, review.user),
        "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
    }
    return {**shape, "submitted_at": stamp(review.submitted_at)} if review.submitted_at else shape


def review_comment(links: Links, repository: Repository, comment: ReviewComment) -> dict[str, Any]:
    pull = links.repository(repository, "pulls", comment.pull)
    api = links.repository(repository, "pulls/comments", comment.id)
    page = f"{links.page(repository, 'pull', comment.pull)}#discussion_r{comment.id}"
    shape: dict[str, Any] = {
        "id": comment.id,
        "node_id": f"PRRC_{comment.id}",
        "pull_request_review_id": comment.review,
        "diff_hunk": comment.diff_hunk,
        "path": comment.path,
        "side": comment.side,
        "line": comment.line,
        "original_line": comment.line,
        "start_line": comment.start_line,
        "original_start_line": comment.start_line,
        "start_side": comment.start_side,
        "position": comment.position,
        "original_position": comment.position,
        "subject_type": "line",
        "commit_id": comment.commit,
        "original_commit_id": comment.commit,
        "user": accounts.user(links, comment.user),
        "body": comment.body,
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": issues.association(repository, comment.user),
        "reactions": issues.rollup(comment.reactions, api),
        "url": api,
        "html_url": page,
        "pull_request_url": pull,
        "_links": {"self": {"href": api}, "html": {"href": page}, "pull_request": {"href": pull}},
    }
    return {**shape, "in_reply_to_id": comment.in_reply_to} if comment.in_reply_to else shape
