"""Whether streams come to their end. An adapter's every call is one: where they break, a way of speaking is none."""

from __future__ import annotations

from agents.errors import IncompleteReply
from agents.models import bare
from agents.models.completions_wire import Gap
from agents.models.paying import Metered
from agents.probe import questions
from agents.probe.inquiry import Inquiry, Over
from agents.probe.record import Found
from agents.types import Message, Role, Text, Usage


def stream(inquiry: Inquiry) -> None:
    """Raises `Over` where all break."""
    ended, counted = _streams(inquiry)
    if not ended and inquiry.chats and inquiry.found.get("completions") is Found.YES:
        inquiry.problems.append("Its chat's streams do not come to their end: plain text is continued instead.")
        inquiry.found["chat"] = Found.NO
        ended, counted = _streams(inquiry)
    inquiry.found.update(streaming=_found(ended), stream_usage=_found(counted))
    if not ended:
        inquiry.found.update(chat=Found.NO, completions=Found.NO)
        inquiry.problems.append("Its streams do not come to their end, and every call is one: it cannot be used.")
        raise Over


def _found(holds: bool) -> Found:
    return Found.YES if holds else Found.NO


def _streams(inquiry: Inquiry) -> tuple[bool, bool]:
    """(they come to their end, with token counts). One that breaks off by chance is neither."""
    usage = _counted(inquiry)
    if usage is None:
        try:
            inquiry.trying.again(lambda: _streamed(inquiry, counts=False))
        except IncompleteReply:
            return False, False
        usage = _counted(inquiry)
    return True, usage is not None and usage.input_tokens > 0


def _counted(inquiry: Inquiry) -> Usage | None:
    """None where the stream breaks off, or brings no counts."""

    def ask() -> Usage | None:
        try:
            return _streamed(inquiry, counts=True)
        except IncompleteReply:
            return None

    return inquiry.trying.again(ask)


def _streamed(inquiry: Inquiry, *, counts: bool) -> Usage:
    """Raises `IncompleteReply` as well where counts are wanted and do not come."""
    from agents.models.openai import OpenAIModel

    spec = inquiry.spec.model_copy(update={"reports_usage": counts})
    model = bare(spec, inquiry.key, inquiry.terms, timeouts=inquiry.timeouts)
    if isinstance(model, OpenAIModel) and not inquiry.chats:
        return inquiry.questions.stream(model, spec, Gap(before=questions.CODE_BEFORE)).usage or Usage()
    hello = Message(role=Role.USER, parts=(Text(text=questions.HELLO),))
    metered = Metered(model, spec, inquiry.terms.purse)
    return metered.query([hello], (), max_output_tokens=questions.ANSWER_TOKENS).usage
