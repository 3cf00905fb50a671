"""Asking an endpoint what it can do. Never raises a `ModelError`: what goes wrong is a finding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import SecretStr

from agents.errors import IncompleteReply, ModelError, OverLimit
from agents.models import bare, completions_wire
from agents.models.completions_wire import Gap
from agents.models.exchange import Exchanged
from agents.models.paying import Metered
from agents.models.transport import Timeouts
from agents.probe import abilities, gaps, questions, reading
from agents.probe.inquiry import Inquiry
from agents.probe.record import Found, Probe
from agents.terms import OPEN, Terms
from agents.types import Message, Reply, Role, Text, Usage
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
) -> Probe:
    """What the endpoint of a row (adapter `openai` or `anthropic`) can do, asked now."""
    inquiry = Inquiry(spec, key, terms, timeouts)
    _ask(inquiry)
    found = {**inquiry.found, "problems": tuple(dict.fromkeys(inquiry.problems))}
    return Probe(endpoint=spec.endpoint, model_id=spec.model_id, at=now(), **found)


class _Over(Exception):
    """Nothing further can be learned."""


def _ask(inquiry: Inquiry) -> None:
    try:
        _listing(inquiry)
        _speech(inquiry)
        for question in _QUESTIONS:
            try:
                question(inquiry)
            except OverLimit as error:
                inquiry.problems.append(f"One question was not asked: {error}")
            except ModelError as error:
                inquiry.problems.append(f"It did not answer to one question: {error}")
    except _Over:
        pass
    except OverLimit as error:
        inquiry.problems.append(f"It was not asked further: {error}")
    except ModelError as error:
        inquiry.found.setdefault("reachable", Found.NO)
        inquiry.problems.append(str(error))


def _listing(inquiry: Inquiry) -> None:
    got = inquiry.exchange.base("/models")
    inquiry.found["reachable"] = Found.YES
    _keyed(inquiry, got)
    entry = reading.listed(got.body, inquiry.spec.model_id) if got.is_good else None
    if entry is None:
        return
    if not entry:
        inquiry.problems.append(f"Its list of models does not hold {inquiry.spec.model_id!r}.")
    inquiry.sizes(*reading.sizes_of_entry(entry))


def _keyed(inquiry: Inquiry, got: Exchanged) -> None:
    if got.status in (401, 403):
        inquiry.found["key"] = Found.NO
        inquiry.problems.append(f"It refuses the key ({got.status}): {inquiry.words(got)}")
        raise _Over
    if got.is_good and inquiry.spec.key_variable:
        inquiry.found["key"] = Found.YES


def _speech(inquiry: Inquiry) -> None:
    got = inquiry.chat_post(questions.chat(inquiry.spec, questions.HELLO))
    _keyed(inquiry, got)
    inquiry.found["chat"] = Found.YES if got.is_good else Found.NO
    if got.is_good:
        _greeted(inquiry, got)
    if inquiry.spec.adapter is Adapter.OPENAI:
        plain = inquiry.questions.base("/completions", questions.completion(inquiry.spec, questions.CODE_BEFORE))
        _keyed(inquiry, plain)
        is_text = plain.is_good and bool(reading.heard(plain.body).finish)
        inquiry.found["completions"] = Found.YES if is_text else Found.NO
        if is_text and not got.is_good:
            _greeted(inquiry, plain)
    if Found.YES not in (inquiry.found["chat"], inquiry.found.get("completions")):
        inquiry.problems.append(f"It takes neither a chat nor plain text ({got.status}): {inquiry.words(got)}")
        raise _Over


def _greeted(inquiry: Inquiry, got: Exchanged) -> None:
    said = reading.heard(got.body)
    inquiry.found.update(seconds=got.seconds, answered_as=said.model, usage_fields=said.usage_fields)
    if not reading.same_model(inquiry.spec.model_id, said.model):
        inquiry.problems.append(f"It was asked for {inquiry.spec.model_id!r} and answers as {said.model!r}.")
    if not said.text.strip():
        inquiry.problems.append("Its answer to a simple question is empty.")
    if not said.input_tokens or not said.output_tokens:
        inquiry.problems.append("It counts no tokens: what a call costs is unknown.")


def _stream(inquiry: Inquiry) -> None:
    reply = _streamed(inquiry, inquiry.spec.model_copy(update={"reports_usage": True}))
    counted = reply is not None and reply.usage.input_tokens > 0
    if reply is None:
        reply = _streamed(inquiry, inquiry.spec.model_copy(update={"reports_usage": False}))
    inquiry.found["streaming"] = Found.YES if reply is not None else Found.NO
    inquiry.found["stream_usage"] = Found.YES if counted else Found.NO
    if reply is None:
        inquiry.problems.append("Its streams do not come to their end.")


def _streamed(inquiry: Inquiry, spec: ModelSpec) -> Reply | None:
    """None where the stream breaks off, or has no counts where the row wants them."""
    from agents.models.openai import OpenAIModel

    model = bare(spec, inquiry.key, inquiry.terms, timeouts=inquiry.timeouts)
    try:
        if inquiry.chats:
            hello = Message(role=Role.USER, parts=(Text(text=questions.HELLO),))
            metered = Metered(model, spec, inquiry.terms.purse)
            return metered.query([hello], (), max_output_tokens=questions.ANSWER_TOKENS)
        if not isinstance(model, OpenAIModel):
            return None
        written = inquiry.questions.stream(model, spec, Gap(before=questions.CODE_BEFORE))
    except IncompleteReply:
        return None
    return _as_reply(written)


def _as_reply(written: completions_wire.Written) -> Reply:
    return Reply(
        message=written.message, stop=written.stop, usage=written.usage or Usage(), cost_usd=None, seconds=0.0,
        model=written.model,
    )  # fmt: skip


_QUESTIONS: tuple[Callable[[Inquiry], None], ...] = (
    abilities.tools,
    abilities.stop_words,
    abilities.limit,
    abilities.enormous,
    abilities.too_long,
    _stream,
    gaps.tokenizer,
    gaps.filling,
)
"""In this order: what is found earlier is used later. One that is not answered does not end the probe."""
