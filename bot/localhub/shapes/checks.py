"""Check runs and their annotations."""

from __future__ import annotations

from typing import Any

from bot.localhub.domain import Annotation, CheckRun, Pull, Repository, stamp
from bot.localhub.links import Links
from bot.localhub.shapes import accounts


def _pull(links: Links, repository: Repository, pull: Pull) -> dict[str, Any]:
    repo = {"id": repository.id, "url": links.repository(repository), "name": repository.name}
    return {
        "id": pull.id,
        "number": pull.number,
        "url": links.repository(repository, "pulls", pull.number),
        "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": repo},
        "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": repo},
    }


def check_run(links: Links, repository: Repository, run: CheckRun) -> dict[str, Any]:
    api = links.repository(repository, "check-runs", run.id)
    page = links.page(repository, "runs", run.id)
    return {
        "id": run.id,
        "node_id": f"CR_{run.id}",
        "name": run.name,
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": api,
        "html_url": page,
        "details_url": run.details_url or page,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": stamp(run.started_at),
        "completed_at": stamp(run.completed_at) if run.completed_at else None,
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": len(run.annotations),
            "annotations_url": f"{api}/annotations",
        },
        "check_suite": {"id": run.suite},
        "app": accounts.app(links, run.app),
        "pull_requests": [
            _pull(links, repository, pull) for pull in repository.open_pulls() if pull.head_sha == run.head_sha
        ],
    }


def event_check_run(links: Links, repository: Repository, run: CheckRun) -> dict[str, Any]:
    """In a webhook the suite is told in full."""
    pulls = [pull for pull in repository.open_pulls() if pull.head_sha == run.head_sha]
    shape = check_run(links, repository, run)
    suite = {
        "id": run.suite,
        "node_id": f"CS_{run.suite}",
        "head_branch": pulls[0].head_ref if pulls else None,
        "head_sha": run.head_sha,
        "status": run.status,
        "conclusion": run.conclusion,
        "url": links.repository(repository, "check-suites", run.suite),
        "before": None,
        "after": run.head_sha,
        "pull_requests": shape["pull_requests"],
        "app": shape["app"],
        "created_at": stamp(run.started_at),
        "updated_at": stamp(run.completed_at or run.started_at),
    }
    return {**shape, "check_suite": suite}


def annotation(links: Links, repository: Repository, run: CheckRun, one: Annotation) -> dict[str, Any]:
    return {
        "path": one.path,
        "blob_href": links.page(repository, "blob", run.head_sha, one.path),
        "start_line": one.start_line,
        "end_line": one.end_line,
        "start_column": one.start_column,
        "end_column": one.end_column,
        "annotation_level": one.level,
        "title": one.title,
        "message": one.message,
        "raw_details": one.raw_details,
    }
