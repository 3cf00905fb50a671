"""Plays a model through a whole fix of one small repository, in whatever way it is asked."""

from __future__ import annotations

import json
import re

from agents.probe import questions
from agents.types import Task
from tests.support.model_server import Call
from tests.support.vendors import Asked, Said

SOURCE = "shop/basket.py"
FILES = {
    "shop/__init__.py": "",
    SOURCE: '''\
"""What is in a customer's basket, and what it costs."""


def count(prices):
    """How many things there are."""
    return len(prices)


def total(prices, discount=0):
    """The sum of the prices, less a discount in percent."""
    whole = sum(prices)
    return whole * (100 - discount) // 100
''',
    "shop/stock.py": '''\
class Stock:
    """Things by name."""

    def __init__(self):
        self.things = {}

    def add(self, name, number=1):
        self.things[name] = self.things.get(name, 0) + number

    def take(self, name):
        if not self.things.get(name):
            raise KeyError(name)
        self.things[name] -= 1
''',
    "tests/__init__.py": "",
    "tests/test_basket.py": """\
import unittest

from shop.basket import count, total


class Basket(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(total([1, 2]), 3)

    def test_count(self):
        self.assertEqual(count([1, 2]), 2)
""",
}
TASK = Task(
    id="issue-7",
    repository="o/shop",
    base_commit="0" * 40,
    title="A discount loses cents",
    body="Calling `total` with a discount gives whole numbers. Half off a price of 5 comes to 2, and cents are lost.",
)
WITNESS = """\
import unittest

from shop.basket import total


class Discount(unittest.TestCase):
    def test_cents_are_kept(self):
        self.assertEqual(total([5], 50), 2.5)
"""
WRONG, RIGHT = "// 100", "/ 100"
REPLACED = f"""\
Whole division drops the cents.

FILE: {SOURCE}
<<<<<<< SEARCH
    return whole * (100 - discount) {WRONG}
=======
    return whole * (100 - discount) {RIGHT}
>>>>>>> REPLACE
"""
BODY = f'''\
    """The sum of the prices, less a discount in percent."""
    whole = sum(prices)
    return whole * (100 - discount) {RIGHT}
'''
_TEST_BODY = "        self.assertEqual(total([5], 50), 2.5)\n"


def play(asked: Asked) -> Said:
    """A model that knows the answer, and nothing of who asks."""
    match asked.kind:
        case "infill":
            return Said(text=BODY)
        case "completion":
            return Said(text=_continued(asked.text))
        case _ if asked.tools:
            return _with_tools(asked.turn)
        case _ if "```redgreen" in asked.text:
            return Said(text=_as_text(_actions(asked.turn)[0]))
        case _:
            return Said(text=_answered(asked.text))


def probed(asked: Asked) -> Said:
    """An honest model that is asked what it can do; all else as `play`."""
    if asked.kind != "chat":
        return Said(text=_goes_on(asked.text)) if asked.kind == "completion" else play(asked)
    if asked.text == questions.USE_TOOLS:
        words = (questions.BEFORE_STOP, questions.AFTER_STOP)
        calls = tuple(Call.of(f"c{n}", questions.TOOL, word=word) for n, word in enumerate(words) if asked.tools)
        return Said(calls=calls, text="" if calls else "I would note two words.")
    answers = {
        questions.SPELL: f"{questions.BEFORE_STOP} {questions.STOP} {questions.AFTER_STOP}",
        questions.COUNT: ", ".join(map(str, range(1, 201))),
        questions.HELLO: "ready",
    }
    return Said(text=answers[asked.text]) if asked.text in answers else play(asked)


def _goes_on(text: str) -> str:
    if text.startswith(questions.BEFORE_STOP):
        return f"{questions.BEFORE_STOP} {questions.STOP} {questions.AFTER_STOP}\n" * 9
    if text.startswith("1, 2"):
        return ", ".join(map(str, range(13, 200)))
    return " a + b" if text == questions.CODE_BEFORE else _continued(text)


def _answered(text: str) -> str:
    if "Write the new test file" in text:
        return f"Here it is:\n\n```python\n{WITNESS}```\n"
    return REPLACED


def _continued(prompt: str) -> str:
    """A base model: goes on with what the document began, and then with more that nobody wants."""
    last = prompt.rstrip("\n").splitlines()[-1]
    if re.match(r"\s+def test_", last):
        return f"{_TEST_BODY}\n\nif __name__ == '__main__':\n    unittest.main()\n"
    if last.startswith("def total"):
        return f"{BODY}\n\ndef more():\n    return None\n"
    return "    return None\n\n\nx = 1\n"


def _actions(turn: int) -> list[tuple[str, dict[str, object]]]:
    turns: list[list[tuple[str, dict[str, object]]]] = [
        [("read", {"path": SOURCE})],
        [("edit", {"path": "tests/test_discount.py", "new": WITNESS})],
        [("run_tests", {"tests": ["tests.test_discount.Discount.test_cents_are_kept"]})],
        [("edit", {"path": SOURCE, "old": f"(100 - discount) {WRONG}", "new": f"(100 - discount) {RIGHT}"})],
        [("run_tests", {})],
        [("submit", {"summary": "Whole division lost the cents."})],
    ]
    return turns[min(turn, len(turns) - 1)]


def _with_tools(turn: int) -> Said:
    calls = tuple(
        Call(id=f"call_{turn}_{place}", name=name, arguments=json.dumps(arguments))
        for place, (name, arguments) in enumerate(_actions(turn))
    )
    return Said(text="I go on.", calls=calls, thinking="What comes next?")


def _as_text(action: tuple[str, dict[str, object]]) -> str:
    name, arguments = action
    lines = [f"I go on.\n\n```redgreen {name}"]
    for key, value in arguments.items():
        text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(
            f"<<<<<<< {key}\n{text}\n>>>>>>> {key}" if "\n" in text or key in ("old", "new") else f"{key}: {text}"
        )
    return "\n".join([*lines, "```"])
