"""What an endpoint that speaks can do: tools, stop words, limits that it keeps, what becomes of long prompts."""

from __future__ import annotations

from agents.errors import ContextOverflow
from agents.models import faults
from agents.probe import questions, reading
from agents.probe.inquiry import Inquiry
from agents.probe.reading import Heard
from agents.probe.record import Found
from config.models import Adapter

_OWN_ROUTES = ("/props", "/api/ps", "/info")
"""Where llama.cpp, Ollama and TGI say what they were started with; Ollama of the models that it holds just now."""


def served(inquiry: Inquiry) -> None:
    """The window by the server itself, where its list of models does not say: Ollama's is seldom the model's own."""
    if inquiry.found.get("window") or inquiry.spec.adapter is not Adapter.OPENAI:
        return
    for path in _OWN_ROUTES:
        got = inquiry.look(path)
        window = reading.served_window(got.body, inquiry.spec.model_id) if got.is_good else 0
        if window:
            inquiry.sizes(window, 0)
            return


def tools(inquiry: Inquiry) -> None:
    if not inquiry.chats:
        inquiry.found.update(tools=Found.NO, parallel_tools=Found.NO)
        return
    got = inquiry.chat_post(questions.chat(inquiry.spec, questions.USE_TOOLS, tools=True))
    said = reading.heard(got.body) if got.is_good else Heard()
    tools, parallel = reading.tools_found(said, questions.TOOL)
    inquiry.found.update(tools=tools, parallel_tools=parallel)
    if got.is_good and tools is Found.NO:
        inquiry.problems.append("It takes tools, and answers in text instead of calling one.")


def stop_words(inquiry: Inquiry) -> None:
    if inquiry.chats:
        got = inquiry.say(questions.SPELL, most=questions.ANSWER_TOKENS, stop=(questions.STOP,))
    else:
        # A base model goes on with a pattern.
        line = f"{questions.BEFORE_STOP} {questions.STOP} {questions.AFTER_STOP}\n"
        got = inquiry.say(line * 6, most=2 * questions.SHORT, stop=(questions.STOP,))
    if not got.is_good:
        return
    said = reading.heard(got.body)
    kept = reading.stop_found(said.text, questions.BEFORE_STOP, questions.STOP, questions.AFTER_STOP)
    inquiry.found["stop_words"] = kept
    if kept is Found.NO:
        inquiry.problems.append("It goes on after a stop word.")


def limit(inquiry: Inquiry) -> None:
    text = questions.COUNT if inquiry.chats else "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
    got = inquiry.say(text, most=questions.SHORT)
    if not got.is_good:
        return
    kept = reading.limit_found(reading.heard(got.body), questions.SHORT)
    inquiry.found["limit_kept"] = kept
    if kept is Found.NO:
        inquiry.problems.append("It writes more than the limit that it is given.")


def enormous(inquiry: Inquiry) -> None:
    if inquiry.chats:
        got = inquiry.say(questions.HELLO, most=questions.ENORMOUS)
    else:  # a base model knows no end but the line's
        got = inquiry.say(questions.CODE_BEFORE, most=questions.ENORMOUS, stop=("\n",))
    if not got.is_good:
        inquiry.sizes(*reading.sizes_of_refusal(inquiry.words(got)))


def too_long(inquiry: Inquiry) -> None:
    window = inquiry.found.get("window") or inquiry.spec.window
    words = questions.words_for(window, is_free=inquiry.is_free)
    got = inquiry.say(questions.long_text(words), most=questions.SHORT)
    if not got.is_good:
        error = faults.translate(inquiry.spec.name, inquiry.exchange.complaint(got))
        if isinstance(error, ContextOverflow):
            inquiry.found["refuses_too_long"] = Found.YES
            inquiry.sizes(*reading.sizes_of_refusal(inquiry.words(got)))
        return
    said = reading.heard(got.body)
    if reading.was_cut(said, words, questions.OVER // 2) is Found.YES:
        inquiry.found["refuses_too_long"] = Found.NO
        inquiry.sizes(said.input_tokens + questions.SHORT, 0)
        inquiry.problems.append(
            f"It was sent some {words:,} tokens, read {said.input_tokens:,} of them, and did not say so."
        )
