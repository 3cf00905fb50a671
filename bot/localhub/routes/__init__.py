"""The REST API, one module an area; `ROUTES` is all of it, in the order in which it is searched."""

from __future__ import annotations

from bot.localhub.calls import Route
from bot.localhub.routes import (
    apps,
    checks,
    comments,
    contents,
    gitdata,
    issues,
    labels,
    people,
    pulls,
    review_comments,
    reviews,
)

ROUTES: tuple[Route, ...] = (
    *apps.ROUTES,
    *people.ROUTES,
    *contents.ROUTES,
    *gitdata.ROUTES,
    *labels.ROUTES,
    *comments.ROUTES,
    *issues.ROUTES,
    *review_comments.ROUTES,
    *reviews.ROUTES,
    *pulls.ROUTES,
    *checks.ROUTES,
    contents.COMMIT,
)
