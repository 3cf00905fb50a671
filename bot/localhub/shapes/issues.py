"""Issues, labels, comments, reactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.localhub.domain import Comment, Issue, Label, Reaction, Repository, Role, User, stamp
from bot.localhub.links import Links
from bot.localhub.shapes import accounts

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def label(links: Links, repository: Repository, label: Label) -> dict[str, Any]:
    return {
        "id": label.id,
        "node_id": f"LA_{label.id}",
        "url": links.repository(repository, "labels", label.name),
        "name": label.name,
        "color": label.color,
        "default": False,
        "description": label.description,
    }


def reaction(links: Links, reaction: Reaction) -> dict[str, Any]:
    return {
        "id": reaction.id,
        "node_id": f"REA_{reaction.id}",
        "user": accounts.user(links, reaction.user),
        "content": reaction.content,
        "created_at": stamp(reaction.created_at),
    }


def rollup(reactions: Sequence[Reaction], url: str) -> dict[str, Any]:
    counted = Counter(reaction.content for reaction in reactions)
    return {
        "url": f"{url}/reactions",
        "total_count": len(reactions),
        **{content: counted[content] for content in REACTIONS},
    }


def association(repository: Repository, user: User) -> str:
    if user.id == repository.owner.id:
        return "OWNER"
    return "COLLABORATOR" if repository.collaborators.get(user.login.lower(), Role.NONE) >= Role.WRITE else "NONE"


def issue(links: Links, repository: Repository, issue: Issue) -> dict[str, Any]:
    api = links.repository(repository, "issues", issue.number)
    pull = repository.pulls.get(issue.number)
    page = links.page(repository, "pull" if pull else "issues", issue.number)
    shape: dict[str, Any] = {
        "id": issue.id,
        "node_id": f"I_{issue.id}",
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "user": accounts.user(links, issue.user),
        "labels": [label(links, repository, one) for one in issue.labels],
        "state": issue.state,
        "state_reason": issue.state_reason,
        "locked": False,
        "active_lock_reason": None,
        "assignee": accounts.user(links, issue.assignees[0]) if issue.assignees else None,
        "assignees": [accounts.user(links, user) for user in issue.assignees],
        "milestone": None,
        "comments": sum(comment.number == issue.number for comment in repository.comments.values()),
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
        "closed_by": accounts.user(links, issue.closed_by) if issue.closed_by else None,
        "author_association": association(repository, issue.user),
        "performed_via_github_app": accounts.app(links, issue.via) if issue.via else None,
        "reactions": rollup(issue.reactions, api),
        "url": api,
        "html_url": page,
        "repository_url": links.repository(repository),
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "timeline_url": f"{api}/timeline",
    }
    if pull is not None:
        shape["draft"] = pull.draft
        shape["pull_request"] = {
            "url": links.repository(repository, "pulls", issue.number),
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": stamp(pull.merge.at) if pull.merge else None,
        }
    return shape


def comment(links: Links, repository: Repository, comment: Comment) -> dict[str, Any]:
    api = links.repository(repository, "issues/comments", comment.id)
    where = "pull" if comment.number in repository.pulls else "issues"
    return {
        "id": comment.id,
        "node_id": f"IC_{comment.id}",
        "url": api,
        "html_url": f"{links.page(repository, where, comment.number)}#issuecomment-{comment.id}",
        "issue_url": links.repository(repository, "issues", comment.number),
        "user": accounts.user(links, comment.user),
        "body": comment.body,
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": association(repository, comment.user),
        "performed_via_github_app": accounts.app(links, comment.via) if comment.via else None,
        "reactions": rollup(comment.reactions, api),
    }
