"""single_shot in languages other than Python: a chat and a base model, on a tree in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from agents import single_shot
from agents.models import build
from agents.types import AttemptLimits, Ending
from config.models import default_lineup, load
from tests.support import player
from tests.support.agent_world import MemoryEnvironment, MemoryRecorder
from tests.support.model_server import serving
from tests.support.vendors import VLLM, VLLM_BASE, Asked, Player, Said, Vendor, VendorServer


@dataclass(frozen=True)
class Case:
    source: str
    text: str
    test: str
    test_text: str
    body: str
    """What a base model writes after the function's head."""
    test_body: str


WRONG, RIGHT = "(100 - discount) | 0", "(100 - discount) / 1"
CASES = {
    "javascript": Case(
        "src/basket.js",
        f"export function total(whole, discount) {{\n  return whole * {WRONG}\n}}\n",
        "test/basket.test.js",
        'import { total } from "../src/basket.js"\n\ntest("sum", () => {\n  expect(total(1, 0)).toBe(100)\n})\n',
        f"  return whole * {RIGHT}\n}}\n\nfunction more() {{}}\n",
        "  expect(total(5, 50)).toBe(2.5)\n})\n\ntest('more', () => {})\n",
    ),
    "go": Case(
        "shop/basket.go",
        f"package shop\n\nfunc Total(whole int, discount int) int {{\n\treturn whole * {WRONG}\n}}\n",
        "shop/basket_test.go",
        'package shop\n\nimport "testing"\n\nfunc TestSum(t *testing.T) {\n}\n',
        f"\treturn whole * {RIGHT}\n}}\n",
        '\tif Total(5, 50) != 2 {\n\t\tt.Error("no")\n\t}\n}\n',
    ),
    "rust": Case(
        "src/lib.rs",
        f"pub fn total(whole: i32, discount: i32) -> i32 {{\n    whole * {WRONG}\n}}\n",
        "tests/basket.rs",
        "use shop::total;\n\n#[test]\nfn sum() {\n    assert_eq!(total(1, 0), 100);\n}\n",
        f"    whole * {RIGHT}\n}}\n\nfn more() {{}}\n",
        "    assert_eq!(total(5, 50), 2);\n}\n",
    ),
    "java": Case(
        "src/main/java/shop/Basket.java",
        f"package shop;\n\nclass Basket {{\n    int total(int whole, int discount) {{\n"
        f"        return whole * {WRONG};\n    }}\n}}\n",
        "src/test/java/shop/BasketTest.java",
        "package shop;\n\nimport org.junit.jupiter.api.Test;\n\nclass BasketTest {\n    @Test\n"
        "    void sum() {\n    }\n}\n",
        f"        return whole * {RIGHT};\n    }}\n\n    void more() {{}}\n",
        "        assertEquals(2, new Basket().total(5, 50));\n    }\n}\n",
    ),
}
HEADS = ("total(", "Total(")


def answering(case: Case) -> Player:
    def play(asked: Asked) -> Said:
        if asked.kind == "chat" and "Write the new test file" in asked.text:
            return Said(text=f"```\n{case.test_text.replace('sum', 'cents').replace('TestSum', 'TestCents')}```")
        if asked.kind == "chat":
            old = next(line for line in case.text.splitlines() if WRONG in line)
            new = old.replace(WRONG, RIGHT)
            return Said(text=f"FILE: {case.source}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n")
        last = asked.text.rstrip("\n").splitlines()[-1]
        return Said(text=case.body if any(head in last for head in HEADS) else case.test_body)

    return play


@pytest.mark.parametrize("language", CASES)
@pytest.mark.parametrize(("name", "vendor"), [("codellama-70b", VLLM_BASE), ("codellama-34b-instruct", VLLM)])
def test_another_language_is_repaired_with_a_new_test(language: str, name: str, vendor: Vendor) -> None:
    case = CASES[language]

    def verdicts(files: Mapping[str, bytes]) -> Mapping[str, str]:
        right = WRONG.encode() not in files[case.source]
        new = [path for path in files if path not in (case.source, case.test)]
        return {f"{case.test}::sum": "", **{f"{path}::new": "" if right else "2 != 2.5" for path in new}}

    files = {case.source: case.text.encode(), case.test: case.test_text.encode()}
    environment = MemoryEnvironment(files, verdicts=verdicts)
    server = VendorServer(vendor=vendor, model="m", window=4_096, play=answering(case))
    task = replace(player.TASK, body=f"`total` loses cents, see {case.source}.")
    with serving(server):
        text = f'[models.{name}]\nendpoint = "{server.url}/v1"\nwindow = 4_096\noutput_limit = 1_024'
        model = build(load(text, presets=default_lineup()).get(name), None)
        attempt = single_shot.solve(task, environment, model, AttemptLimits(), MemoryRecorder())
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    assert not server.refused
    environment.reset(attempt.diff)
    assert RIGHT.encode() in environment.files[case.source]
    assert set(environment.base_files) < set(environment.files), "with its test"
    assert b"more" not in environment.files[case.source], "what a base model adds is cut off"
