"""No text of others can do anything under our name: checked against an independent markdown parser."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.messages import untrusted
from bot.messages.untrusted import block, cell, code, hidden, inline, json_block, plain, plain_lines, quote, redacted

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

# What GitHub looks for in rendered text.
MENTION = re.compile(r"@[A-Za-z0-9]")
REFERENCE = re.compile(r"#\d|\bGH-\d", re.IGNORECASE)
ADDRESS = re.compile(r"(?:https?|ftp)://|www\.", re.IGNORECASE)
CLOSING = re.compile(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\s*:?\s+(?:[\w.-]+/[\w.-]+)?(?:#\d|GH-\d|https?://)", re.I
)
MARKER = re.compile(r"<!--")
HARMLESS = {"text", "softbreak", "code_inline"}

HOSTILE = st.sampled_from(
    [
        "@ada", "@org/team", "#12", "fixes #12", "Closes: owner/name#3", "resolve GH-7", "https://evil.example/?q=",
        "www.evil.example", "![x](https://evil.example/x.png)", "[x](javascript:alert(1))", "<img src=x>", "</code>",
        "<details>", "<!-- redgreen:status_comment:o/n:1:2 -->", "-->", "```", "~~~", "`", "``", "|", "\\|", "\\", "\n",
        "\r\n", "\n\n", "# h", "- [ ] x", "1. x", "===", "---", "> q", "&#64;ada", "&lt;", "\u202e", "\u200d", "\ufe0f",
        "\U000e0041", "\u3164", "$x$", "[a]: https://evil.example", "*", "_", "  ", "\t", "    code", "a@b.example",
        "[^1]",         "fixes\u200b #4", "@\u200bada", "ﬁxes #1", "\x00", "\x1b[31m",
    ]
)  # fmt: skip
TEXT = st.lists(st.one_of(HOSTILE, st.text(max_size=8)), max_size=12).map("".join)

RELAXED = settings(deadline=None, max_examples=200)  # no deadline: the machine may be busy


def tokens(markdown: str) -> list[Token]:
    flat: list[Token] = []
    for token in MARKDOWN.parse(markdown):
        flat += [token, *(token.children or [])]
    return flat


def spoken(markdown: str) -> str:
    """The rendered text outside of code, where GitHub looks for mentions and references."""
    return "\n".join(token.content for token in tokens(markdown) if token.type == "text")


def assert_inert(text: str) -> None:
    for pattern in (MENTION, REFERENCE, ADDRESS, CLOSING):
        assert pattern.search(text) is None, (pattern.pattern, text)


def assert_raw_is_safe(text: str) -> None:
    """What is searched for in the raw text, markup or not."""
    assert MARKER.search(text) is None
    assert CLOSING.search(text) is None
    invisible = {ch for ch in text if unicodedata.category(ch) in ("Cc", "Cf", "Co", "Cs", "Cn")}
    assert invisible <= {"\n", "\u200b"}


@RELAXED
@given(TEXT)
def test_prose_in_a_sentence_stays_prose(text: str) -> None:
    markdown = f"He said: {inline(text)} - and left."
    assert_raw_is_safe(markdown)
    assert {token.type for token in tokens(markdown)} <= {*HARMLESS, "inline", "paragraph_open", "paragraph_close"}
    assert_inert(spoken(markdown))


@RELAXED
@given(TEXT)
def test_prose_at_the_start_of_a_line_starts_no_block(text: str) -> None:
    markdown = inline(text)
    assert {token.type for token in tokens(markdown)} <= {*HARMLESS, "inline", "paragraph_open", "paragraph_close"}
    assert_inert(spoken(markdown))


@RELAXED
@given(TEXT)
def test_quoted_paragraphs_stay_in_their_quote(text: str) -> None:
    markdown = f"Before\n\n{quote(text)}\n\nAfter"
    found = tokens(markdown)
    allowed = {*HARMLESS, "inline", "paragraph_open", "paragraph_close", "blockquote_open", "blockquote_close"}
    assert {token.type for token in found} <= allowed
    assert found[-2].content == "After"
    assert_raw_is_safe(markdown)
    assert_inert(spoken(markdown))


@RELAXED
@given(TEXT)
def test_a_code_span_holds_everything(text: str) -> None:
    markdown = f"- test {code(text)} is red"
    inner = next(token for token in tokens(markdown) if token.type == "inline")
    assert [child.type for child in inner.children or []] == ["text", "code_inline", "text"]
    assert_raw_is_safe(markdown)


@RELAXED
@given(TEXT)
def test_a_cell_stays_a_cell(text: str) -> None:
    markdown = f"| test | why |\n| --- | --- |\n| {cell(text)} | red |"
    found = tokens(markdown)
    cells = [found[i + 1] for i, token in enumerate(found) if token.type == "td_open"]
    assert len(cells) == 2
    assert cells[1].content == "red"
    assert {child.type for child in cells[0].children or []} <= {"code_inline", "html_inline", "text"}
    html = [child.content for child in cells[0].children or [] if child.type == "html_inline"]
    assert html in ([], ["<code>", "</code>"])
    assert_raw_is_safe(markdown)


@RELAXED
@given(TEXT)
def test_a_block_is_one_fence(text: str) -> None:
    markdown = f"Before\n\n{block(text)}\n\nAfter"
    assert [token.type for token in MARKDOWN.parse(markdown) if token.level == 0] == [
        "paragraph_open", "paragraph_close", "fence", "paragraph_open", "paragraph_close",
    ]  # fmt: skip
    assert_raw_is_safe(markdown)


@RELAXED
@given(st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.none()), max_size=4))
def test_json_is_unchanged_in_value_and_inert_in_text(value: dict[str, Any]) -> None:
    markdown = json_block(value)
    assert json.loads(markdown.removeprefix("```json\n").removesuffix("\n```")) == value
    assert_inert(markdown)
    assert_raw_is_safe(markdown)
    assert [token.type for token in MARKDOWN.parse(markdown)] == ["fence"]


@RELAXED
@given(TEXT)
@pytest.mark.parametrize("function", [plain, plain_lines])
def test_plain_text_is_inert_where_nothing_is_markup(function: Callable[[str], str], text: str) -> None:
    assert_inert(function(text))
    assert_raw_is_safe(function(text))
    assert function(text)
    assert "\n" not in plain(text)


@RELAXED
@given(st.text(max_size=400), st.integers(min_value=10, max_value=50))
def test_limits_hold(text: str, limit: int) -> None:
    assert len(plain(text, limit).replace("\u200b", "")) <= max(limit, len("(no text)"))


@pytest.mark.parametrize(
    "switch",
    ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]", "[Skip CI]", "skip-checks: true"],
)
def test_an_issue_title_cannot_switch_ci_off(switch: str) -> None:
    assert switch.lower() not in plain(f"Fix it {switch}").lower()


@pytest.mark.parametrize(
    "secret",
    [
        "ghs_" + "a1B2" * 9,
        "github_pat_" + "a1B2_" * 9,
        "sk-ant-api03-" + "x" * 40,
        "AKIA" + "A1B2" * 4,
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nabc",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NSJ9.c2lnbmF0dXJlLi4u",
    ],
)
def test_what_looks_like_a_credential_is_masked(secret: str) -> None:
    assert redacted(f"before {secret} after").startswith("before [redacted]")


@pytest.mark.parametrize(
    "text",
    ["an ordinary sentence, sk-8 and ghs", "https://github.test:443/o/n@v1", "ssh://git@github.test/o", "a: b@c"],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redacted(text) == text


def test_what_stands_before_the_host_of_an_address_is_masked() -> None:
    assert redacted("see https://x-access-token:v1.abc@host/o.git") == "see https://[redacted]@host/o.git"
    assert redacted("see https://v1.0123456789abcdef@host/o.git") == "see https://[redacted]@host/o.git"


def test_our_marker_is_a_comment_that_others_cannot_write() -> None:
    marker = hidden("status_comment:o/n:1:2")
    assert MARKDOWN.parse(marker)[0].type == "html_block"
    for function in (plain, plain_lines, inline, quote, code, cell, block):
        assert marker not in function(f"x {marker} y")
    assert marker not in json_block({"x": marker})


def test_constants_fit_github() -> None:
    assert untrusted.MAX_BODY < 65_535
