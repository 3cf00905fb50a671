"""The lineup: what is shipped, and how an operator's own file adds to it."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from config.models import (
    Adapter,
    Dialect,
    Kind,
    LineupError,
    Openness,
    Protocol,
    Server,
    StrategyName,
    UnknownModel,
    default_lineup,
    load,
)

FAMILIES = (
    *("claude-opus", "claude-sonnet", "claude-haiku", "gpt", "gpt-mini", "gemini-pro", "gemini-flash"),
    *("deepseek-coder", "qwen3-coder-plus", "qwen3-coder-flash", "qwen2_5-coder", "codestral", "devstral"),
    *("starcoder2-3b", "starcoder2-7b", "starcoder2-15b", "codellama-7b", "codellama-70b", "repair"),
)

ROW = """
[models.mine]
adapter = "openai"
endpoint = "http://127.0.0.1:8000/v1"
model_id = "coder"
window = 32768
output_limit = 4096
"""


def test_each_row_of_the_design_has_a_preset() -> None:
    names = [spec.name for spec in default_lineup()]
    for family in FAMILIES:
        assert family in names


def test_repair_needs_no_key_and_no_model() -> None:
    spec = default_lineup().get("repair")
    assert (spec.adapter, spec.strategy, spec.key_variable) == (Adapter.NONE, StrategyName.REPAIR, "")


def test_every_closed_preset_names_its_key_and_no_key_is_in_the_file() -> None:
    for spec in default_lineup():
        if not spec.self_hosted:
            assert spec.key_variable, spec.name
            assert spec.endpoint.startswith("https://"), spec.name


def test_models_without_tools_speak_in_text() -> None:
    lineup = default_lineup()
    assert lineup.get("qwen2_5-coder").dialect is Dialect.TEXT
    assert lineup.get("claude-opus").dialect is Dialect.TOOLS


def test_small_old_code_models_are_single_shot_and_licensed() -> None:
    spec = default_lineup().get("starcoder2-15b")
    assert (spec.strategy, spec.kind, spec.openness) == (StrategyName.SINGLE_SHOT, Kind.CODE, Openness.OPEN_WEIGHTS)
    assert "OpenRAIL-M" in spec.licence


def test_a_gap_is_written_in_the_order_the_model_was_trained_in() -> None:
    first = load(ROW + 'fim = { route = "tokens", prefix = "<P>", suffix = "<S>", middle = "<M>" }').get("mine").fim
    last = load(ROW + 'fim = { route = "tokens", prefix = "[P]", suffix = "[S]", suffix_first = true }').get("mine").fim
    assert first is not None
    assert last is not None
    assert first.prompt("a", "b") == "<P>a<S>b<M>"
    assert last.prompt("a", "b") == "[S]b[P]a"


def test_every_preset_says_how_it_is_reached_licensed_and_priced() -> None:
    for spec in default_lineup():
        if spec.adapter is Adapter.NONE:
            continue
        assert spec.licence, spec.name
        assert spec.served_by, spec.name
        assert spec.output_limit < spec.window
        assert (Server.VENDOR in spec.served_by) == (not spec.self_hosted), spec.name
        if spec.protocol is Protocol.COMPLETIONS:
            assert not spec.tools
        if spec.price is None and not spec.price_provider:
            assert spec.self_hosted or "price" in spec.notes.lower(), f"{spec.name}: say that the price is unknown"


def test_what_can_be_served_at_home_has_open_weights_and_says_so() -> None:
    for spec in default_lineup():
        if set(spec.served_by) - {Server.VENDOR} or "(weights" in spec.licence:
            assert spec.openness is Openness.OPEN_WEIGHTS, spec.name


def test_every_price_in_the_file_is_dated_and_sourced() -> None:
    for spec in default_lineup():
        if spec.price is not None:
            assert spec.price.as_of <= date(2026, 11, 23)
            assert spec.price.source, spec.name


def test_an_unknown_name_is_answered_with_the_names_there_are() -> None:
    with pytest.raises(UnknownModel, match="repair, claude-opus"):
        default_lineup().get("claude-opsu")


def test_a_file_adds_rows_after_the_presets() -> None:
    lineup = load(ROW, presets=default_lineup())
    assert [spec.name for spec in lineup][-1] == "mine"
    assert lineup.get("mine").key_variable == ""
    assert len(lineup.models) == len(default_lineup().models) + 1


def test_a_file_overrides_single_keys_of_a_preset() -> None:
    text = '[models.devstral]\nendpoint = "http://10.0.0.5:8000/v1"\nself_hosted = true\nkey_variable = ""'
    mine, shipped = load(text, presets=default_lineup()).get("devstral"), default_lineup().get("devstral")
    assert mine.endpoint == "http://10.0.0.5:8000/v1"
    assert mine.self_hosted
    assert (mine.model_id, mine.window, mine.price) == (shipped.model_id, shipped.window, shipped.price)


def test_a_price_replaces_the_presets_as_a_whole() -> None:
    text = "[models.devstral.price]\nas_of = 2026-12-01\ninput = 1\noutput = 2"
    price = load(text, presets=default_lineup()).get("devstral").price
    assert price is not None
    assert (price.input, price.cache_read, price.source) == (1, None, "")


def test_bytes_and_text_are_read_alike() -> None:
    assert load(ROW.encode()) == load(ROW)


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        load(ROW).get("mine").window = 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("models = [", "models.toml is not TOML"),
        (b"\xff", "models.toml is not TOML"),
        ("modells = 1", "unknown key 'modells'"),
        ("models = 3", "'models' must hold tables"),
        ("[models]\nmine = 3", r"\[models.mine\] must be a table"),
        (ROW + 'name = "other"', r"\[models.mine\] name"),
        (ROW + "windo = 3", r"\[models.mine\] windo"),
        (ROW.replace("32768", '"32768"'), r"\[models.mine\] window: Input should be a valid integer"),
        (ROW.replace("32768", "true"), r"\[models.mine\] window"),
        (ROW.replace("32768", "0"), r"\[models.mine\] `window` and `output_limit`"),
        (ROW.replace("32768", "-1"), r"\[models.mine\] window"),
        (ROW.replace('"openai"', '"oepnai"'), r"\[models.mine\] adapter: .*'openai'"),
        (ROW.replace("http://127.0.0.1:8000/v1", "127.0.0.1:8000"), "must be an http"),
        (ROW.replace("http://127.0.0.1:8000/v1", "file:///etc/passwd"), "must be an http"),
        (ROW.replace("http://", "http://user:word@"), "must not hold a password"),
        (ROW.replace("8000/v1", "8000/v1?api-version=1"), "without `[?]` and `#`"),
        (ROW.replace("8000/v1", "8000/v1#main"), "without `[?]` and `#`"),
        (ROW.replace("8000/v1", "8000/v1?"), "without `[?]` and `#`"),
        (ROW.replace('model_id = "coder"', ""), "`model_id` is missing"),
        (ROW + 'strategy = "repair"', "uses no model"),
        (ROW + 'strategy = "magic"', r"\[models.mine\] strategy"),
        (ROW + 'key_variable = "sk-abc"', r"\[models.mine\] key_variable"),
        (ROW + "[models.mine.price]\ninput = 1\noutput = 1", r"\[models.mine\] price.as_of"),
        (ROW + "[models.mine.price]\ninput = nan\noutput = 1\nas_of = 2026-01-01", r"\[models.mine\] price.input"),
        ('[models."My Model"]\nadapter = "none"', r"\[models.My Model\] name"),
        (ROW + 'fim = { route = "tokens" }', "needs `prefix` and `suffix`"),
        (ROW + 'fim = { route = "magic" }', r"\[models.mine\] fim.route"),
        (ROW + 'protocol = "completions"', "needs the strategy 'single_shot'"),
        (ROW.replace('"openai"', '"anthropic"') + 'protocol = "completions"', "for the adapter 'openai'"),
        (ROW + 'served_by = ["cloud"]', r"\[models.mine\] served_by"),
        ('[models.r]\nadapter = "none"', "`strategy` must be 'repair'"),
        ('[models.r]\nadapter = "replay"', "must name the trajectory file"),
    ],
)
def test_a_mistake_names_table_and_key(text: str | bytes, expected: str) -> None:
    with pytest.raises(LineupError, match=expected) as caught:
        load(text)
    assert "sk-abc" not in str(caught.value), "a key pasted in the wrong place must not be printed"


def test_a_mistake_names_the_file_it_is_in() -> None:
    with pytest.raises(LineupError, match=r"^/etc/redgreen/models\.toml: "):
        load("x = 1", source="/etc/redgreen/models.toml")
