"""Asking an endpoint what it can do. Never raises a `ModelError`: what goes wrong is a finding."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import SecretStr

from agents.errors import Fault, ModelError, ModelUnavailable, OverLimit
from agents.models import faults
from agents.models.exchange import Exchanged
from agents.models.transport import Timeouts
from agents.probe import abilities, gaps, questions, reading
from agents.probe.inquiry import Inquiry, Over
from agents.probe.record import Found, Probe
from agents.probe.streams import stream
from agents.terms import OPEN, Terms
from config.models import Adapter, ModelSpec

TIMEOUTS = Timeouts(connect=10, silence=120, whole=180, response_bytes=4 << 20)


def _now() -> datetime:
    return datetime.now(UTC)


def probe(
    spec: ModelSpec,
    key: SecretStr | None,
    terms: Terms = OPEN,
    *,
    now: Callable[[], datetime] = _now,
    timeouts: Timeouts = TIMEOUTS,
    sleep: Callable[[float], None] = time.sleep,
) -> Probe:
    """What the endpoint of a row (adapter `openai` or `anthropic`) can do, asked now."""
    inquiry = Inquiry(spec, key, terms, timeouts, sleep)
    _ask(inquiry)
    return Probe(
        endpoint=spec.endpoint,
        model_id=spec.model_id,
        at=now(),
        reachable=Found.YES if inquiry.trying.has_reached else Found.NO,
        unanswered=inquiry.unanswered,
        problems=tuple(dict.fromkeys(inquiry.problems)),
        **inquiry.found,
    )


def _ask(inquiry: Inquiry) -> None:
    try:
        _listing(inquiry)
        _speech(inquiry)
        for question, fields in _QUESTIONS:
            try:
                question(inquiry)
            except ModelError as error:
                inquiry.missed(fields, error)
    except Over:
        pass
    except OverLimit as error:
        inquiry.problems.append(f"It was not asked further: {error}")
    except ModelUnavailable as error:
        busy = "It is too busy to be asked, so nothing is known of it; ask again later. "
        inquiry.problems.append(f"{busy if inquiry.trying.has_reached else ''}{error}")
    except ModelError as error:
        inquiry.problems.append(str(error))


def _listing(inquiry: Inquiry) -> None:
    try:
        got = inquiry.trying.ask(lambda: inquiry.exchange.base("/models"))
    except ModelUnavailable as error:
        if not inquiry.trying.has_reached:
            raise
        inquiry.missed(("window", "output_limit"), error)
        return
    _keyed(inquiry, got)
    entry = reading.listed(got.body, inquiry.spec.model_id) if got.is_good else None
    if entry is None:
        return
    if not entry:
        inquiry.problems.append(f"Its list of models does not hold {inquiry.spec.model_id!r}.")
    inquiry.sizes(*reading.sizes_of_entry(entry))


def _keyed(inquiry: Inquiry, got: Exchanged) -> None:
    """Raises `Over` where the key is refused, in whatever way the vendor says it."""
    if got.is_good:
        if inquiry.spec.key_variable:
            inquiry.found["key"] = Found.YES
        return
    if faults.translate(inquiry.spec.name, inquiry.exchange.complaint(got)).fault is Fault.KEY:
        inquiry.found["key"] = Found.NO
        inquiry.problems.append(f"It refuses the key ({got.status}): {inquiry.words(got)}")
        raise Over


def _speech(inquiry: Inquiry) -> None:
    """A conversation counts where it is followed; one that is not, where there is no plain text to continue."""
    chat = inquiry.chat_post(questions.chat(inquiry.spec, questions.HELLO))
    _keyed(inquiry, chat)
    follows = _follows(inquiry, chat) if chat.is_good else Found.NO
    plain = _continued(inquiry, chat_will_do=follows is not Found.NO)
    continues = plain is not None and inquiry.found["completions"] is Found.YES
    chats = chat.is_good and (follows is not Found.NO or not continues)
    inquiry.found["chat"] = Found.YES if chats else Found.NO
    if chats:
        _greeted(inquiry, chat)
        if follows is Found.NO:
            inquiry.problems.append("It takes a conversation, and does not do what it is told in one.")
    elif plain is not None and continues:
        _greeted(inquiry, plain)
    else:
        inquiry.problems.append(f"It takes neither a chat nor plain text ({chat.status}): {inquiry.words(chat)}")
        raise Over


def _follows(inquiry: Inquiry, hello: Exchanged) -> Found:
    """Base models answer a chat as well, where their server has a template for it: they ramble. Two questions, because
    a model may have its own mind about one."""
    follows = reading.follows(reading.heard(hello.body), questions.HELLO, (questions.READY,))
    if follows is not Found.NO:
        return follows
    got = inquiry.chat_post(questions.chat(inquiry.spec, questions.SPELL))
    return reading.follows(reading.heard(got.body), questions.SPELL, questions.SPELLED) if got.is_good else follows


def _continued(inquiry: Inquiry, *, chat_will_do: bool) -> Exchanged | None:
    """Plain text going on; None where nobody asked, or where it got no answer and a chat will do."""
    if inquiry.spec.adapter is not Adapter.OPENAI:
        return None
    try:
        got = inquiry.questions.base("/completions", questions.completion(inquiry.spec, questions.CODE_BEFORE))
    except ModelUnavailable as error:
        if not chat_will_do:
            raise
        inquiry.missed(("completions", "fim", "fim_tokens"), error)
        return None
    if not chat_will_do:
        _keyed(inquiry, got)
    is_text = got.is_good and bool(reading.heard(got.body).finish)
    inquiry.found["completions"] = Found.YES if is_text else Found.NO
    return got


def _greeted(inquiry: Inquiry, got: Exchanged) -> None:
    said = reading.heard(got.body)
    inquiry.found.update(seconds=got.seconds, answered_as=said.model, usage_fields=said.usage_fields)
    if not reading.same_model(inquiry.spec.model_id, said.model):
        inquiry.problems.append(f"It was asked for {inquiry.spec.model_id!r} and answers as {said.model!r}.")
    if not said.text.strip():
        inquiry.problems.append("Its answer to a simple question is empty.")
    if not said.input_tokens or not said.output_tokens:
        inquiry.problems.append("It counts no tokens: what a call costs is unknown.")


_QUESTIONS: tuple[tuple[Callable[[Inquiry], None], tuple[str, ...]], ...] = (
    (stream, ("streaming", "stream_usage")),
    (abilities.served, ("window",)),
    (abilities.tools, ("tools", "parallel_tools")),
    (abilities.stop_words, ("stop_words",)),
    (abilities.limit, ("limit_kept",)),
    (abilities.enormous, ("window", "output_limit")),
    (abilities.too_long, ("window", "refuses_too_long")),
    (gaps.tokenizer, ("tokenizer",)),
    (gaps.filling, ("fim", "fim_tokens")),
)
"""Each with what it is asked for, in this order: what is found earlier is used later. One that is not answered does not
end the probe."""
