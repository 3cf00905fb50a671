"""Plain pages to look at: an issue or pull request with its conversation. All text is escaped, nothing is rendered."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from bot.localhub.calls import Answer, Request
from bot.localhub.domain import Issue, Pull, Repository, stamp

if TYPE_CHECKING:
    from bot.localhub.hub import Hub

_PATH = re.compile(r"/([^/]+)/([^/]+)(?:/(pull|issues)/(\d{1,9})(\.diff|\.patch)?)?/?")
_HTML = "text/html; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f6f8fa;padding:1rem;overflow:auto;white-space:pre-wrap}"
    "article{border:1px solid #d0d7de;border-radius:6px;margin:1rem 0;padding:0 1rem}small{color:#59636e}"
)


def serve(hub: Hub, request: Request) -> Answer:
    """Public repositories only: a browser brings no token."""
    match = _PATH.fullmatch(request.path)
    with hub.lock:
        repository = hub.repository(match[1], match[2]) if match else None
        if match is None or repository is None or repository.private or request.method not in {"GET", "HEAD"}:
            return _page(404, "Not Found", "<p>There is nothing here.</p>")
        if match[4] is None:
            return _page(200, repository.full_name, _overview(repository))
        issue = repository.issues.get(int(match[4]))
        if issue is None:
            return _page(404, "Not Found", "<p>There is nothing here.</p>")
        pull = repository.pulls.get(issue.number)
        if match[5] and pull is not None:
            return Answer(body=_diff(hub, repository, pull, match[5]), media=_TEXT, headers=_SAFE)
        title = f"{issue.title} · #{issue.number}"
        return _page(200, title, _conversation(hub, repository, issue, pull))


def _page(status: int, title: str, body: str) -> Answer:
    head = f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
    return Answer(status=status, body=f"{head}<h1>{escape(title)}</h1>{body}", media=_HTML, headers=_SAFE)


def _overview(repository: Repository) -> str:
    rows = [
        f'<li><a href="/{escape(repository.full_name)}/{"pull" if number in repository.pulls else "issues"}/{number}">'
        f"#{number} {escape(issue.title)}</a> <small>{issue.state}</small></li>"
        for number, issue in sorted(repository.issues.items())
    ]
    return f"<ul>{''.join(rows)}</ul>"


def _diff(hub: Hub, repository: Repository, pull: Pull, suffix: str) -> str:
    start = hub.fork_point(repository, pull)
    git = repository.git
    return git.diff(start, pull.head_sha) if suffix == ".diff" else git.mail(start, pull.head_sha)


def _conversation(hub: Hub, repository: Repository, issue: Issue, pull: Pull | None) -> str:
    state = "merged" if pull and pull.merge else issue.state
    labels = ", ".join(escape(label.name) for label in issue.labels)
    parts = [f"<p><b>{state}</b> {f'labels: {labels}' if labels else ''}</p>"]
    parts.append(_article(issue.user.login, stamp(issue.created_at), issue.body or ""))
    for comment in repository.comments.values():
        if comment.number == issue.number:
            parts.append(_article(comment.user.login, stamp(comment.created_at), comment.body))
    if pull is not None:
        for review in repository.reviews.values():
            if review.pull == pull.number and review.submitted_at:
                text = f"{review.state.value.lower()}\n\n{review.body}"
                parts.append(_article(review.user.login, stamp(review.submitted_at), text))
        for run in repository.check_runs.values():
            if run.head_sha == pull.head_sha:
                text = f"{run.title or ''}\n\n{run.summary or ''}"
                parts.append(_article(f"check: {run.name}", run.conclusion or run.status, text))
        parts.append(f"<h2>Changes</h2><pre>{escape(_diff(hub, repository, pull, '.diff'))}</pre>")
    return "".join(parts)


def _article(who: str, when: str, text: str) -> str:
    return f"<article><p><b>{escape(who)}</b> <small>{escape(when)}</small></p><pre>{escape(text)}</pre></article>"
