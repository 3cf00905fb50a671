from __future__ import annotations

from collections.abc import Sequence

from agents.types import Message, Role, Step, ToolCall
from bot.narrated import LONGEST_LINE, Narrated, line


class Kept:
    def __init__(self) -> None:
        self.kept: list[Step] = []

    def steps(self) -> Sequence[Step]:
        return self.kept

    def record(self, step: Step) -> None:
        self.kept.append(step)

    def stopped(self) -> bool:
        return bool(self.kept)


def test_a_step_is_stored_before_it_is_told() -> None:
    kept = Kept()
    told: list[tuple[str, int]] = []
    narrated = Narrated(kept, lambda text: told.append((text, len(kept.kept))))
    assert not narrated.stopped()
    narrated.record(Step(index=0, messages=(), note="Localised in a.py"))
    assert told == [("Localised in a.py", 1)]
    assert narrated.steps() == kept.kept
    assert narrated.stopped()


def test_a_models_turn_is_told_by_its_tools_and_its_cost() -> None:
    call = ToolCall(id="1", name="run_tests", arguments={})
    turn = Message(role=Role.ASSISTANT, parts=(call, call))
    assert line(Step(index=2, messages=(turn,), cost_usd=0.0123)) == "step 3: run_tests, run_tests ($0.0123)"
    assert line(Step(index=0, messages=(), cost_usd=None)) == "step 1: no action (unknown)"


def test_a_note_cannot_send_control_characters_or_fill_the_screen() -> None:
    told = line(Step(index=0, messages=(), note="a\x1b[31m\nb" + "x" * 500))
    assert told.isprintable()
    assert len(told) == LONGEST_LINE
