"""Reading an endpoint's complaint."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agents.errors import Fault, ModelRefused, ModelUnavailable
from agents.models.faults import MOST_CHARACTERS, Complaint, plain, read_body, retry_after, translate, try_again

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 -0000"}, 30),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "99999999999999999999"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Mon, 23 Nov 99999999999999999999 12:00:30 GMT"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 +99999999999999999999"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, NOW) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"type": "t", "code": "c", "message": "m"}}, ("t c", "m")),
        ({"type": "t", "message": "m"}, ("t", "m")),
        ({"error": {"code": 400, "message": "m", "status": "INVALID"}}, ("400 INVALID", "m")),
        ([{"error": {"code": 400, "message": "m", "status": "INVALID"}}], ("400 INVALID", "m")),
        ({"error": "too long", "error_type": "validation"}, ("validation", "too long")),
        ({"error": "too long", "error_type": 3}, ("", "too long")),
        ({"message": {"detail": [{"msg": "x"}, {"msg": "y"}]}, "type": "t"}, ("t", "x; y")),
        ({"message": {"other": 1}}, ("", "")),
        ({"error": "plain words"}, ("", "plain words")),
        ({"detail": "from FastAPI"}, ("", "from FastAPI")),
        ({"detail": [{"msg": "x"}, {"loc": 1}, 2]}, ("", "x")),
        ("text", ("", "text")),
        (None, ("", "")),
        ([1], ("", "")),
    ],
)
def test_an_error_body_is_read_whatever_its_shape(body: object, expected: tuple[str, str]) -> None:
    assert read_body(body) == expected


def test_words_of_an_endpoint_are_one_bounded_line() -> None:
    assert plain("a\n  b\tsk-1", key="sk-1") == "a b [key]"
    assert len(plain("x" * 10_000)) == MOST_CHARACTERS


def test_a_redirect_asks_for_a_correction() -> None:
    error = translate("m", Complaint(status=308))
    assert isinstance(error, ModelRefused)
    assert "308" in str(error)


@pytest.mark.parametrize(
    ("complaint", "fault"),
    [
        (Complaint(status=429), Fault.UNAVAILABLE),
        (Complaint(status=503), Fault.UNAVAILABLE),
        (Complaint(status=529), Fault.UNAVAILABLE),
        (Complaint(status=200, kind="overloaded_error"), Fault.UNAVAILABLE),
        (Complaint(status=200, kind="something_new"), Fault.INCOMPLETE),
        (Complaint(status=401), Fault.KEY),
        (Complaint(status=403), Fault.KEY),
        (Complaint(status=400, kind="invalid_api_key"), Fault.KEY),
        (Complaint(status=400, kind="INVALID_ARGUMENT", text="API key not valid. Please pass one."), Fault.KEY),
        (Complaint(status=200, kind="authentication_error"), Fault.KEY),
        (Complaint(status=402), Fault.QUOTA),
        (Complaint(status=429, kind="insufficient_quota"), Fault.QUOTA),
        (Complaint(status=400, kind="billing_error"), Fault.QUOTA),
        (Complaint(status=404), Fault.MISSING),
        (Complaint(status=400, kind="model_not_found"), Fault.MISSING),
        (Complaint(status=413), Fault.CONTEXT),
        (Complaint(status=400, text="prompt is too long"), Fault.CONTEXT),
        (Complaint(status=400, kind="invalid_request_error"), Fault.REQUEST),
        (Complaint(status=307), Fault.REQUEST),
        (Complaint(status=422), Fault.REQUEST),
    ],
)
def test_each_complaint_has_its_fault(complaint: Complaint, fault: Fault) -> None:
    assert translate("m", complaint).fault is fault


def test_an_endpoint_can_say_that_trying_again_is_useless() -> None:
    assert try_again({})
    assert try_again({"x-should-retry": "true"})
    assert not try_again({"x-should-retry": " False "})
    for status in (429, 503):
        error = translate("m", Complaint(status=status, again=False))
        assert isinstance(error, ModelUnavailable)
        assert not error.again
