"""Comment -> Command | CommandError | None."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import MOST_ENTRANTS, Command, CommandError, Problem, Verb, parse


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_is_a_command(verb: Verb) -> None:
    compare = ("opus", "qwen") if verb is Verb.COMPARE else ()
    assert parse(" ".join(["@redgreen", verb.value, *compare]), "redgreen") == Command(verb=verb, compare=compare)


@pytest.mark.parametrize(
    "body",
    [
        "@redgreen fix",
        "  @RedGreen  FIX  ",
        "@redgreen: fix!",
        "@redgreen[bot] fix.",
        "Thanks!\n\n@redgreen, fix\r\n\r\nbye",
        "> old words\n\n@redgreen fix",
        "```\ncode\n```\n@redgreen fix",
        "@redgreen fix\n@redgreen fix",
        "see `x` and ``y``\n@redgreen fix",
        "paragraph\n    @redgreen fix",
        "~~~\n```\n~~~\n@redgreen fix",
        "``` not a fence ` \n\n@redgreen fix",
    ],
)
def test_a_line_that_begins_with_the_handle_is_a_command(body: str) -> None:
    assert parse(body, "redgreen") == Command(verb=Verb.FIX)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "redgreen fix",
        "please @redgreen fix",
        "@redgreener fix",
        "@redgreen-two fix",
        "> @redgreen fix",
        "> somebody wrote\n@redgreen fix",
        "```\n@redgreen fix\n```",
        "```python\n@redgreen fix",
        "~~~~\n~~~\n@redgreen fix\n~~~~",
        "```\n``` x\n@redgreen fix\n```",
        "text\n\n    @redgreen fix",
        "\t@redgreen fix",
        "`@redgreen fix`",
        "a `span over\n@redgreen fix\nlines` b",
        "<!-- \n@redgreen fix\n-->",
        "<!-- never closed\n@redgreen fix",
    ],
)
def test_what_reads_as_quoted_code_or_other_words_is_none(body: str) -> None:
    assert parse(body, "redgreen") is None


def test_a_model_can_be_named() -> None:
    assert parse("@redgreen fix with qwen3-coder.", "redgreen") == Command(verb=Verb.FIX, model="qwen3-coder")
    assert parse("@redgreen Fix With Sonnet-4.5", "redgreen") == Command(verb=Verb.FIX, model="Sonnet-4.5")


@pytest.mark.parametrize(
    ("body", "problem", "word"),
    [
        ("@redgreen", Problem.NO_COMMAND, ""),
        ("@redgreen fxi", Problem.UNKNOWN_COMMAND, "fxi"),
        ("@redgreen " + "x" * 99, Problem.UNKNOWN_COMMAND, "x" * 40),
        ("@redgreen stop now", Problem.UNEXPECTED_WORDS, "now"),
        ("@redgreen fix using m", Problem.UNEXPECTED_WORDS, "using"),
        ("@redgreen fix with a b", Problem.UNEXPECTED_WORDS, "b"),
        ("@redgreen fix with", Problem.MODEL_MISSING, ""),
        ("@redgreen fix\n@redgreen stop", Problem.SEVERAL_COMMANDS, ""),
    ],
)
def test_an_address_without_a_command_is_an_error_that_says_why(body: str, problem: Problem, word: str) -> None:
    assert parse(body, "redgreen") == CommandError(problem=problem, word=word)


def test_the_handle_is_configurable_and_taken_literally() -> None:
    assert parse("@my.bot help", "my.bot") == Command(verb=Verb.HELP)
    assert parse("@myxbot help", "my.bot") is None


@given(st.text(alphabet="`~> \n\t@redgn fix<!-", max_size=60))
def test_no_comment_makes_it_raise(body: str) -> None:
    parse(body, "redgreen")


def test_a_comment_made_to_be_slow_is_not() -> None:
    parse("".join("`" * (n % 300 + 1) + "x" for n in range(400)), "redgreen")
    parse("<!--" * 16_000, "redgreen")


@pytest.mark.parametrize(
    ("body", "models"),
    [
        ("@redgreen compare opus qwen", ("opus", "qwen")),
        ("@redgreen Compare opus, qwen and repair.", ("opus", "qwen", "repair")),
        ("@redgreen compare qwen qwen", ("qwen", "qwen")),
    ],
)
def test_a_comparison_names_its_models(body: str, models: tuple[str, ...]) -> None:
    assert parse(body, "redgreen") == Command(verb=Verb.COMPARE, compare=models)


def test_a_comparison_needs_two_models_and_has_a_bound() -> None:
    for few in ("compare", "compare opus", "compare opus and ."):
        assert parse(f"@redgreen {few}", "redgreen") == CommandError(problem=Problem.TOO_FEW_MODELS)
    assert isinstance(parse(f"@redgreen compare {'m ' * MOST_ENTRANTS}", "redgreen"), Command)
    many = parse(f"@redgreen compare {'m ' * (MOST_ENTRANTS + 1)}", "redgreen")
    assert many == CommandError(problem=Problem.TOO_MANY_MODELS)
