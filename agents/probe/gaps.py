"""Where an endpoint counts tokens, and how it fills a gap in a text."""

from __future__ import annotations

from collections.abc import Callable

from agents.errors import IncompleteReply
from agents.models import completions_wire, tokenizers
from agents.models.completions_wire import Gap
from agents.models.exchange import Exchanged
from agents.models.tokens import PROBE_TEXT
from agents.probe import questions, reading
from agents.probe.inquiry import Inquiry
from agents.probe.record import Found
from config.models import Adapter, FimRoute, TokenizerRoute

MOST_TOKENS_OF_A_MARK = 4
"""A special token is one token; with what a tokenizer puts before a text and a space of the row's, a few."""


def tokenizer(inquiry: Inquiry) -> None:
    if inquiry.spec.adapter is Adapter.ANTHROPIC:
        counted = _count(inquiry, TokenizerRoute.ANTHROPIC, questions.HELLO)
        inquiry.found["tokenizer"] = TokenizerRoute.ANTHROPIC if counted else TokenizerRoute.NONE
        return
    found = next((route for route in tokenizers.SERVERS if _counts(inquiry, route)), TokenizerRoute.NONE)
    inquiry.found["tokenizer"] = found


def _counts(inquiry: Inquiry, route: TokenizerRoute) -> bool:
    """Two texts must differ in their counts."""
    short = _count(inquiry, route, PROBE_TEXT)
    longer = _count(inquiry, route, PROBE_TEXT * 4) if short else None
    return short is not None and longer is not None and 0 < short < longer


def _count(inquiry: Inquiry, route: TokenizerRoute, text: str) -> int | None:
    """As `agents.models.tokens.ask`, but raising `ModelError` where the endpoint is busy."""
    asked = tokenizers.question(route, inquiry.spec.model_id, text)
    if asked is None:
        return None
    got = inquiry.trying.ask(lambda: inquiry.exchange.root(asked.path, asked.body))
    return tokenizers.answer(route, got.body) if got.is_good else None


def filling(inquiry: Inquiry) -> None:
    if inquiry.spec.adapter is not Adapter.OPENAI:
        return
    for route, fills in (
        (FimRoute.LLAMA_CPP, _by_infill),
        (FimRoute.MISTRAL, _by_mistral),
        (FimRoute.SUFFIX, _by_suffix),
    ):
        if fills(inquiry):
            inquiry.found["fim"] = route
            return
    _gap_tokens(inquiry)


def _by_infill(inquiry: Inquiry) -> bool:
    gap = Gap(before=questions.CODE_BEFORE, after=questions.CODE_AFTER)
    got = inquiry.questions.root("/infill", completions_wire.llama_cpp_request(gap, max_tokens=questions.SHORT))
    return got.is_good and bool(_written(completions_wire.llama_cpp_answer, got))


def _by_mistral(inquiry: Inquiry) -> bool:
    gap = Gap(before=questions.CODE_BEFORE, after=questions.CODE_AFTER)
    asked = completions_wire.mistral_request(inquiry.spec, gap, max_tokens=questions.SHORT)
    got = inquiry.questions.base("/fim/completions", asked)
    return got.is_good and bool(_written(completions_wire.mistral_answer, got))


def _by_suffix(inquiry: Inquiry) -> bool:
    """A server that takes a suffix and drops it counts no more tokens with it than without."""
    if inquiry.found.get("completions") is not Found.YES:
        return False
    alone = inquiry.questions.base("/completions", questions.completion(inquiry.spec, questions.CODE_BEFORE))
    asked = questions.completion(inquiry.spec, questions.CODE_BEFORE, suffix=questions.CODE_AFTER)
    got = inquiry.questions.base("/completions", asked)
    if not got.is_good:
        return False
    longer = reading.heard(got.body).input_tokens - reading.heard(alone.body).input_tokens
    if longer < len(questions.CODE_AFTER) // 10:
        inquiry.problems.append("It takes a suffix for filling gaps, and does not read it.")
        return False
    return bool(reading.heard(got.body).text)


def _gap_tokens(inquiry: Inquiry) -> None:
    route = inquiry.found.get("tokenizer", TokenizerRoute.NONE)
    fim = inquiry.spec.fim
    if fim is None or fim.route is not FimRoute.TOKENS or route is TokenizerRoute.NONE:
        return
    marks = [mark for mark in (fim.prefix, fim.suffix, fim.middle) if mark]
    counts = [_count(inquiry, route, mark) for mark in marks]
    known = all(one is not None and one <= MOST_TOKENS_OF_A_MARK for one in counts)
    inquiry.found["fim_tokens"] = Found.YES if known else Found.NO
    if not known:
        inquiry.problems.append("Its tokenizer does not know the row's tokens for gaps: another model serves here.")


def _written(read: Callable[[str, object], completions_wire.Written], got: Exchanged) -> str:
    try:
        return read("probe", got.body).text
    except IncompleteReply:
        return ""
