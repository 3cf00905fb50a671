"""What is sent again is the JSON that it was, and nothing that is gone is kept."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Mapping
from typing import Any

import pytest

from agents.models.written_once import WrittenOnce, joined


class Thing:
    def __init__(self, *values: Mapping[str, Any]) -> None:
        self.values = values


def test_each_thing_is_written_once_while_it_comes_back() -> None:
    asked: list[Thing] = []

    def values(thing: Thing) -> tuple[Mapping[str, Any], ...]:
        asked.append(thing)
        return thing.values

    one, none, two = Thing({"a": 1}, {"b": "ä"}), Thing(), Thing({"c": None})
    written = WrittenOnce(values)
    assert written.array([]) == "[]"
    assert json.loads(written.array([one, none])) == [{"a": 1}, {"b": "ä"}]
    assert json.loads(written.array([one, none, two])) == [{"a": 1}, {"b": "ä"}, {"c": None}]
    assert asked == [one, none, two]
    assert json.loads(written.array([two])) == [{"c": None}]
    assert json.loads(written.array([one])) == [{"a": 1}, {"b": "ä"}]
    assert asked == [one, none, two, one]


def test_what_the_last_call_did_not_hold_is_let_go() -> None:
    written, thing = WrittenOnce[Thing](lambda one: one.values), Thing({"a": 1})
    kept = weakref.ref(thing)
    written.array([thing])
    del thing
    gc.collect()
    assert kept() is not None, "its identity is not given to another"
    written.array([])
    gc.collect()
    assert kept() is None


def test_one_object_of_values_and_arrays() -> None:
    body = joined({"model": 'the "m"', "most": 3}, {"messages": '[{"a":1}]', "tools": "[]"})
    assert json.loads(body) == {"model": 'the "m"', "most": 3, "messages": [{"a": 1}], "tools": []}
    assert joined({}, {}) == b"{}"
    assert json.loads(joined({"text": "a\ud800ä"}, {})) == {"text": "a?ä"}


def test_what_json_has_no_words_for_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        joined({"a": float("nan")}, {})
