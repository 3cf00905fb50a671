"""Check runs: made and changed by Apps only."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.localhub import events
from bot.localhub.calls import Answer, Call, Fields, Handler, Route, bounded
from bot.localhub.domain import Annotation, App, CheckRun, Role
from bot.localhub.problems import forbidden, invalid, not_found
from bot.localhub.routes.contents import resolved
from bot.localhub.shapes import checks as shapes

MAX_ANNOTATIONS = 50
"""In one request; more are added by updating."""
STATUSES = frozenset({"queued", "in_progress", "completed"})
CONCLUSIONS = frozenset(
    {"success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale"}
)
LEVELS = frozenset({"notice", "warning", "failure"})


class NewAnnotation(Fields):
    path: str
    start_line: int
    end_line: int
    start_column: int | None = None
    end_column: int | None = None
    annotation_level: str
    message: str
    title: str | None = None
    raw_details: str | None = None


class Output(Fields):
    title: str | None = None
    summary: str
    text: str | None = None
    annotations: tuple[NewAnnotation, ...] = ()


class EditCheck(Fields):
    name: str | None = None
    details_url: str | None = None
    external_id: str | None = None
    status: str | None = None
    conclusion: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    output: Output | None = None


class NewCheck(EditCheck):
    name: str
    head_sha: str


def _app(call: Call) -> App:
    if call.via is None:
        raise forbidden()
    return call.via


def run_of(call: Call) -> CheckRun:
    found = call.repository.check_runs.get(call.number("check_run_id"))
    if found is None:
        raise not_found()
    return found


def _shape(call: Call, run: CheckRun) -> object:
    return shapes.check_run(call.hub.links, call.repository, run)


def _moment(text: str | None, default: datetime) -> datetime:
    if text is None:
        return default
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("CheckRun", "started_at", "invalid") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def create_check_run(call: Call) -> Answer:
    app, wanted = _app(call), call.read(NewCheck)
    if not call.repository.git.has(wanted.head_sha, "commit"):
        raise invalid("CheckRun", "head_sha", "custom", f"No commit found for SHA: {wanted.head_sha}")
    _refuse(wanted)
    suite = call.repository.suites.setdefault((app.id, wanted.head_sha), call.hub.new_id())
    run = CheckRun(
        id=call.hub.new_id(),
        suite=suite,
        app=app,
        name=wanted.name,
        head_sha=wanted.head_sha,
        status="queued",
        started_at=_moment(wanted.started_at, call.hub.clock()),
    )
    _apply(call, run, wanted)
    call.repository.check_runs[run.id] = run
    events.on_check_run(call.hub, "created", call.repository, run, call.actor)
    if run.status == "completed":
        events.on_check_run(call.hub, "completed", call.repository, run, call.actor)
    return Answer(status=201, body=_shape(call, run))


def _refuse(wanted: EditCheck) -> None:
    if wanted.status not in STATUSES | {None}:
        raise invalid("CheckRun", "status", "invalid")
    if wanted.conclusion not in CONCLUSIONS | {None}:
        raise invalid("CheckRun", "conclusion", "invalid")
    if wanted.status == "completed" and wanted.conclusion is None:
        raise invalid("CheckRun", "conclusion", "missing_field")
    annotations = wanted.output.annotations if wanted.output else ()
    if len(annotations) > MAX_ANNOTATIONS:
        raise invalid(
            "CheckRun", "annotations", "custom", f"annotations exceeds a maximum quantity of {MAX_ANNOTATIONS}"
        )
    for one in annotations:
        spans_lines = one.start_line != one.end_line and (one.start_column is not None or one.end_column is not None)
        if one.annotation_level not in LEVELS or one.end_line < one.start_line or spans_lines:
            raise invalid("CheckRun", "annotations", "invalid")


def _apply(call: Call, run: CheckRun, wanted: EditCheck) -> None:
    run.name = wanted.name or run.name
    run.details_url = wanted.details_url or run.details_url
    if wanted.external_id is not None:
        run.external_id = wanted.external_id
    if wanted.conclusion is not None:
        run.status, run.conclusion = "completed", wanted.conclusion
        run.completed_at = _moment(wanted.completed_at, call.hub.clock())
    elif wanted.status is not None:
        run.status, run.conclusion, run.completed_at = wanted.status, None, None
    if wanted.output is not None:
        output = wanted.output
        run.title = output.title or run.title
        run.summary = bounded("CheckRun", "summary", output.summary)
        run.text = bounded("CheckRun", "text", output.text) if output.text is not None else run.text
        run.annotations += [
            Annotation(
                path=one.path,
                start_line=one.start_line,
                end_line=one.end_line,
                start_column=one.start_column,
                end_column=one.end_column,
                level=one.annotation_level,
                title=one.title,
                message=one.message,
                raw_details=one.raw_details,
            )
            for one in output.annotations
        ]


def update_check_run(call: Call) -> Answer:
    run, wanted = run_of(call), call.read(EditCheck)
    if _app(call) is not run.app:
        raise forbidden()
    _refuse(wanted)
    was = run.status
    _apply(call, run, wanted)
    if run.status == "completed" and was != "completed":
        events.on_check_run(call.hub, "completed", call.repository, run, call.actor)
    return Answer(body=_shape(call, run))


def get_check_run(call: Call) -> Answer:
    return Answer(body=_shape(call, run_of(call)))


def list_for_ref(call: Call) -> Answer:
    """With `filter=latest` (GitHub's default) the newest of each App and name."""
    sha = resolved(call, call.text("ref"))
    name, status, app = call.query("check_name"), call.query("status"), call.query("app_id")
    found = [
        run
        for run in call.repository.check_runs.values()
        if run.head_sha == sha
        and name in {"", run.name}
        and status in {"", run.status}
        and app in {"", str(run.app.id)}
    ]
    if call.query("filter", "latest") == "latest":
        found = list({(run.app.id, run.name): run for run in found}.values())
    return call.page(found, lambda run: _shape(call, run), wrap="check_runs")


def list_annotations(call: Call) -> Answer:
    run = run_of(call)
    return call.page(run.annotations, lambda one: shapes.annotation(call.hub.links, call.repository, run, one))


def rerequest(call: Call) -> Answer:
    events.on_check_run(call.hub, "rerequested", call.repository, run_of(call), call.actor)
    return Answer(status=201, body={})


_REPO = "/repos/{owner}/{repo}"
_RUN = f"{_REPO}/check-runs/{{check_run_id}}"


def _route(method: str, template: str, handler: Handler, *, apps_only: bool = False) -> Route:
    write = method != "GET"
    return Route(
        method=method,
        template=template,
        handler=handler,
        permissions=("checks",),
        write=write,
        role=Role.WRITE if write else Role.READ,
        apps_only=apps_only,
    )


ROUTES = (
    _route("POST", f"{_REPO}/check-runs", create_check_run, apps_only=True),
    _route("GET", _RUN, get_check_run),
    _route("PATCH", _RUN, update_check_run, apps_only=True),
    _route("GET", f"{_RUN}/annotations", list_annotations),
    _route("POST", f"{_RUN}/rerequest", rerequest),
    _route("GET", f"{_REPO}/commits/{{ref*}}/check-runs", list_for_ref),
)
