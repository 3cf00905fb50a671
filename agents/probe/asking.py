"""Asking an endpoint what it can do. Never raises a `ModelError`: what goes wrong is a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from agents.errors import ContextOverflow, IncompleteReply, ModelError, OverLimit
from agents.models import bare, completions_wire, faults
from agents.models.completions_wire import Gap
from agents.models.exchange import Exchange, Exchanged
from agents.models.paying import Metered
from agents.models.tokens import ask as count
from agents.models.tokens import discover
from agents.models.transport import Timeouts
from agents.probe import questions, reading
from agents.probe.paid import PaidQuestions
from agents.probe.reading import Heard
from agents.probe.record import Found, Probe
from agents.terms import OPEN, Terms
from agents.types import Message, Reply, Role, Text, Usage
from config.models import Adapter, FimRoute, ModelSpec, TokenizerRoute

TIMEOUTS = Timeouts(connect=10, silence=120, whole=180, response_bytes=4 << 20)
MOST_TOKENS_OF_A_MARK = 4
"""A special token is one token; with what a tokenizer puts before a text and a space of the row's, a few."""


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
    asking = _Asking(spec, key, terms, timeouts)
    asking.all()
    found = {**asking.found, "problems": tuple(dict.fromkeys(asking.problems))}
    return Probe(endpoint=spec.endpoint, model_id=spec.model_id, at=now(), **found)


class _Over(Exception):
    """Nothing further can be learned."""


class _Asking:
    def __init__(self, spec: ModelSpec, key: SecretStr | None, terms: Terms, timeouts: Timeouts) -> None:
        self.spec = spec
        self.key = key
        self.terms = terms
        self.timeouts = timeouts
        self.exchange = Exchange(spec, key, wall=terms.wall, timeouts=timeouts)
        self.questions = PaidQuestions(spec, self.exchange, terms.purse)
        self.found: dict[str, Any] = {}
        self.problems: list[str] = []

    def all(self) -> None:
        try:
            self.listing()
            self.speech()
            for question in (
                self.tools, self.stop_words, self.limit, self.enormous, self.too_long, self.stream, self.tokenizer,
                self.gaps,
            ):  # fmt: skip
                try:
                    question()
                except OverLimit as error:
                    self.problems.append(f"One question was not asked: {error}")
                except ModelError as error:
                    self.problems.append(f"It did not answer to one question: {error}")
        except _Over:
            pass
        except OverLimit as error:
            self.problems.append(f"It was not asked further: {error}")
        except ModelError as error:
            self.found.setdefault("reachable", Found.NO)
            self.problems.append(str(error))

    # --- the way there

    def listing(self) -> None:
        got = self.exchange.base("/models")
        self.found["reachable"] = Found.YES
        self.keyed(got)
        entry = reading.listed(got.body, self.spec.model_id) if got.is_good else None
        if entry is None:
            return
        if not entry:
            self.problems.append(f"Its list of models does not hold {self.spec.model_id!r}.")
        self.sizes(*reading.sizes_of_entry(entry))

    def keyed(self, got: Exchanged) -> None:
        if got.status in (401, 403):
            self.found["key"] = Found.NO
            self.problems.append(f"It refuses the key ({got.status}): {self.words(got)}")
            raise _Over
        if got.is_good and self.spec.key_variable:
            self.found["key"] = Found.YES

    def sizes(self, window: int, output: int) -> None:
        """The smaller of two sayings."""
        for name, size in (("window", window), ("output_limit", output)):
            known = self.found.get(name, 0)
            if size:
                self.found[name] = min(known, size) if known else size

    def words(self, got: Exchanged) -> str:
        return self.exchange.complaint(got).text or "without a reason"

    # --- speech

    def speech(self) -> None:
        got = self.chat_post(questions.chat(self.spec, questions.HELLO))
        self.keyed(got)
        self.found["chat"] = Found.YES if got.is_good else Found.NO
        if got.is_good:
            self.greeted(got)
        if self.spec.adapter is Adapter.OPENAI:
            plain = self.questions.base("/completions", questions.completion(self.spec, questions.CODE_BEFORE))
            self.keyed(plain)
            is_text = plain.is_good and bool(reading.heard(plain.body).finish)
            self.found["completions"] = Found.YES if is_text else Found.NO
            if is_text and not got.is_good:
                self.greeted(plain)
        if Found.YES not in (self.found["chat"], self.found.get("completions")):
            self.problems.append(f"It takes neither a chat nor plain text ({got.status}): {self.words(got)}")
            raise _Over

    def greeted(self, got: Exchanged) -> None:
        said = reading.heard(got.body)
        self.found.update(seconds=got.seconds, answered_as=said.model, usage_fields=said.usage_fields)
        if not reading.same_model(self.spec.model_id, said.model):
            self.problems.append(f"It was asked for {self.spec.model_id!r} and answers as {said.model!r}.")
        if not said.text.strip():
            self.problems.append("Its answer to a simple question is empty.")
        if not said.input_tokens or not said.output_tokens:
            self.problems.append("It counts no tokens: what a call costs is unknown.")

    @property
    def chats(self) -> bool:
        return self.found["chat"] is Found.YES

    def chat_post(self, body: Mapping[str, Any]) -> Exchanged:
        path = "/messages" if self.spec.adapter is Adapter.ANTHROPIC else "/chat/completions"
        return self.questions.base(path, body)

    def say(self, text: str, *, most: int, stop: tuple[str, ...] = ()) -> Exchanged:
        """The same question as a chat, or as text to continue."""
        if self.chats:
            return self.chat_post(questions.chat(self.spec, text, most=most, stop=stop))
        return self.questions.base("/completions", questions.completion(self.spec, text, most=most, stop=stop))

    # --- abilities

    def tools(self) -> None:
        if not self.chats:
            self.found.update(tools=Found.NO, parallel_tools=Found.NO)
            return
        got = self.chat_post(questions.chat(self.spec, questions.USE_TOOLS, tools=True))
        said = reading.heard(got.body) if got.is_good else Heard()
        tools, parallel = reading.tools_found(said, questions.TOOL)
        self.found.update(tools=tools, parallel_tools=parallel)
        if got.is_good and tools is Found.NO:
            self.problems.append("It takes tools, and answers in text instead of calling one.")

    def stop_words(self) -> None:
        if self.chats:
            got = self.say(questions.SPELL, most=questions.ANSWER_TOKENS, stop=(questions.STOP,))
        else:
            # A base model goes on with a pattern.
            line = f"{questions.BEFORE_STOP} {questions.STOP} {questions.AFTER_STOP}\n"
            got = self.say(line * 6, most=2 * questions.SHORT, stop=(questions.STOP,))
        if not got.is_good:
            return
        said = reading.heard(got.body)
        kept = reading.stop_found(said.text, questions.BEFORE_STOP, questions.STOP, questions.AFTER_STOP)
        self.found["stop_words"] = kept
        if kept is Found.NO:
            self.problems.append("It goes on after a stop word.")

    def limit(self) -> None:
        text = questions.COUNT if self.chats else "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
        got = self.say(text, most=questions.SHORT)
        if not got.is_good:
            return
        kept = reading.limit_found(reading.heard(got.body), questions.SHORT)
        self.found["limit_kept"] = kept
        if kept is Found.NO:
            self.problems.append("It writes more than the limit that it is given.")

    def enormous(self) -> None:
        got = self.say(questions.HELLO, most=questions.ENORMOUS)
        if not got.is_good:
            self.sizes(*reading.sizes_of_refusal(self.words(got)))

    def too_long(self) -> None:
        window = self.found.get("window") or self.spec.window
        words = questions.words_for(window)
        got = self.say(questions.long_text(words), most=questions.SHORT)
        if not got.is_good:
            error = faults.translate(self.spec.name, self.exchange.complaint(got))
            if isinstance(error, ContextOverflow):
                self.found["refuses_too_long"] = Found.YES
                self.sizes(*reading.sizes_of_refusal(self.words(got)))
            return
        said = reading.heard(got.body)
        if reading.was_cut(said, words) is Found.YES:
            self.found["refuses_too_long"] = Found.NO
            self.sizes(said.input_tokens + questions.SHORT, 0)
            self.problems.append(
                f"It was sent some {words:,} tokens, read {said.input_tokens:,} of them, and did not say so."
            )

    def stream(self) -> None:
        reply = self.streamed(self.spec.model_copy(update={"reports_usage": True}))
        counted = reply is not None and reply.usage.input_tokens > 0
        if reply is None:
            reply = self.streamed(self.spec.model_copy(update={"reports_usage": False}))
        self.found["streaming"] = Found.YES if reply is not None else Found.NO
        self.found["stream_usage"] = Found.YES if counted else Found.NO
        if reply is None:
            self.problems.append("Its streams do not come to their end.")

    def streamed(self, spec: ModelSpec) -> Reply | None:
        """None where the stream breaks off, or has no counts where the row wants them."""
        from agents.models.openai import OpenAIModel

        model = bare(spec, self.key, self.terms, timeouts=self.timeouts)
        try:
            if self.chats:
                hello = Message(role=Role.USER, parts=(Text(text=questions.HELLO),))
                metered = Metered(model, spec, self.terms.purse)
                return metered.query([hello], (), max_output_tokens=questions.ANSWER_TOKENS)
            if not isinstance(model, OpenAIModel):
                return None
            written = self.questions.stream(model, spec, Gap(before=questions.CODE_BEFORE))
        except IncompleteReply:
            return None
        return _as_reply(written)

    # --- counting and gaps

    def tokenizer(self) -> None:
        if self.spec.adapter is Adapter.ANTHROPIC:
            counted = count(self.exchange, TokenizerRoute.ANTHROPIC, self.spec.model_id, questions.HELLO)
            self.found["tokenizer"] = TokenizerRoute.ANTHROPIC if counted else TokenizerRoute.NONE
            return
        self.found["tokenizer"] = discover(self.exchange, self.spec.model_id)

    def gaps(self) -> None:
        if self.spec.adapter is not Adapter.OPENAI:
            return
        for route, fills in (
            (FimRoute.LLAMA_CPP, self.by_infill),
            (FimRoute.MISTRAL, self.by_mistral),
            (FimRoute.SUFFIX, self.by_suffix),
        ):
            if fills():
                self.found["fim"] = route
                return
        self.gap_tokens()

    def by_infill(self) -> bool:
        gap = Gap(before=questions.CODE_BEFORE, after=questions.CODE_AFTER)
        got = self.questions.root("/infill", completions_wire.llama_cpp_request(gap, max_tokens=questions.SHORT))
        return got.is_good and bool(_written(completions_wire.llama_cpp_answer, got))

    def by_mistral(self) -> bool:
        gap = Gap(before=questions.CODE_BEFORE, after=questions.CODE_AFTER)
        asked = completions_wire.mistral_request(self.spec, gap, max_tokens=questions.SHORT)
        got = self.questions.base("/fim/completions", asked)
        return got.is_good and bool(_written(completions_wire.mistral_answer, got))

    def by_suffix(self) -> bool:
        """A server that takes a suffix and drops it counts no more tokens with it than without."""
        if self.found.get("completions") is not Found.YES:
            return False
        bare = self.questions.base("/completions", questions.completion(self.spec, questions.CODE_BEFORE))
        asked = questions.completion(self.spec, questions.CODE_BEFORE, suffix=questions.CODE_AFTER)
        got = self.questions.base("/completions", asked)
        if not got.is_good:
            return False
        longer = reading.heard(got.body).input_tokens - reading.heard(bare.body).input_tokens
        if longer < len(questions.CODE_AFTER) // 10:
            self.problems.append("It takes a suffix for filling gaps, and does not read it.")
            return False
        return bool(reading.heard(got.body).text)

    def gap_tokens(self) -> None:
        route = self.found.get("tokenizer", TokenizerRoute.NONE)
        fim = self.spec.fim
        if fim is None or fim.route is not FimRoute.TOKENS or route is TokenizerRoute.NONE:
            return
        marks = [mark for mark in (fim.prefix, fim.suffix, fim.middle) if mark]
        counts = [count(self.exchange, route, self.spec.model_id, mark) for mark in marks]
        known = all(one is not None and one <= MOST_TOKENS_OF_A_MARK for one in counts)
        self.found["fim_tokens"] = Found.YES if known else Found.NO
        if not known:
            self.problems.append("Its tokenizer does not know the row's tokens for gaps: another model serves here.")


def _written(read: Callable[[str, object], completions_wire.Written], got: Exchanged) -> str:
    try:
        return read("probe", got.body).text
    except IncompleteReply:
        return ""


def _as_reply(written: completions_wire.Written) -> Reply:
    return Reply(
        message=written.message, stop=written.stop, usage=written.usage or Usage(), cost_usd=None, seconds=0.0,
        model=written.model,
    )  # fmt: skip
