"""Three small instances of SWE-bench's kind, and a model that plays through them over the wire.

What must not reach a model bears a word that stands nowhere else: the hidden tests, the reference patches, the hints
and a later commit.

| instance | the hidden tests want | repair | the scripted model |
| --- | --- | --- | --- |
| cents | no whole division | finds it by the issue's example | resolves it |
| shipping | 5 is free and 5.5 is not | finds it by the issue's examples | makes 5.5 free, too: its own test is green |
| initials | two spaces are one | has no example to begin with | resolves it |
"""

from __future__ import annotations

import difflib
import json
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.cases import CASES, files_of
from tests.support.model_server import Call
from tests.support.vendors import OPENAI, Asked, Said, Vendor

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
REPO = "town/counter"
SOURCE = {path: data.decode() for path, data in files_of(CASES / "swebench" / "counter").items()}
PRICE, NAMES, TESTS = "counter/price.py", "counter/names.py", "tests/test_counter.py"
SECRETS = ("quokka", "bandicoot", "wombat", "numbat")
"""In a hidden test's name, a reference patch, a hint, the later history."""
CENTS, SHIPPING, INITIALS = "town__counter-1", "town__counter-2", "town__counter-3"

STATEMENTS = {
    CENTS: "A discount loses cents\n\n`total([5], 50)` returns `2` but should return `2.5`.",
    SHIPPING: "Five kilograms are not free\n\n`shipping(5)` should return 0, `shipping(5.5)` should return 9.",
    INITIALS: "Names with two spaces crash\n\nWhere two spaces stand between two words there is an IndexError.",
}
HIDDEN = {
    CENTS: ("quokka_cents", "self.assertEqual(total([5], 50), 2.5)"),
    SHIPPING: ("quokka_five", "self.assertEqual((shipping(5), shipping(5.5)), (0, 9))"),
    INITIALS: ("quokka_spaces", 'self.assertEqual(initials("Ada  Lovelace"), "AL")'),
}
EDITS: Mapping[str, tuple[str, str, str]] = {
    CENTS: (PRICE, "(100 - discount) // 100", "(100 - discount) / 100"),
    SHIPPING: (PRICE, "weight < 5:", "weight < 6:"),
    INITIALS: (NAMES, 'name.split(" ")', "name.split()"),
}
"""What the scripted model does about each: right, wrong, right."""
GOLD = {**EDITS, SHIPPING: (PRICE, "weight < 5:", "weight <= 5:")}
OWN_TESTS = {
    CENTS: "self.assertEqual(total([3], 50), 1.5)",
    SHIPPING: "self.assertEqual(shipping(5), 0)",
    INITIALS: 'self.assertEqual(initials("A  B"), "AB")',
}


def diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return f"diff --git a/{path} b/{path}\n" + "".join(lines)


def git(repository: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *IDENTITY, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class World:
    """A directory with the repository, its instances, and what their environments need: nothing."""

    top: Path

    def __post_init__(self) -> None:
        repository = self.top / "repos" / "town__counter"
        for path, text in SOURCE.items():
            (repository / path).parent.mkdir(parents=True, exist_ok=True)
            (repository / path).write_text(text)
        git(repository.parent, "init", "-q", "-b", "main", repository.name)
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "Start")
        base = git(repository, "rev-parse", "HEAD")
        (repository / "LATER.md").write_text("All of it is repaired here: numbat.\n")
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "Repair it (numbat)")
        git(repository, "tag", "numbat-2.0")
        self.write("instances.jsonl", *(instance(name, base) for name in STATEMENTS))
        self.write(
            "env.jsonl",
            {"repo": REPO, "install": "true", "test_command": "python -m unittest -v", "as_of": "2024-01-01"},
        )

    def write(self, name: str, *records: Mapping[str, Any]) -> Path:
        path = self.top / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    def words(self, out: Path, *more: str) -> list[str]:
        files = [str(self.top / "instances.jsonl"), "--repos", str(self.top / "repos")]
        return [*files, "--environments", str(self.top / "env.jsonl"), "--out", str(out), *more]


def instance(name: str, base: str) -> dict[str, Any]:
    path, before, after = GOLD[name]
    test, claim = HIDDEN[name]
    hidden = f"{SOURCE[TESTS]}\n    def test_{test}(self):\n        {claim}\n"
    old = ("test_total", "test_shipping", "test_initials")
    return {
        "instance_id": name,
        "repo": REPO,
        "base_commit": base,
        "problem_statement": STATEMENTS[name],
        "hints_text": "The wombat knows.",
        "patch": diff(path, SOURCE[path], f"{SOURCE[path].replace(before, after)}# bandicoot\n"),
        "test_patch": diff(TESTS, SOURCE[TESTS], hidden),
        "FAIL_TO_PASS": [f"test_{test} (tests.test_counter.Counter)"],
        "PASS_TO_PASS": [f"{one} (tests.test_counter.Counter)" for one in old],
        "version": "1.0",
    }


# --- the scripted model ------------------------------------------------------------------------------------------

NAME = "scripted"
PROMPT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS = 1000, 400, 100
CALLS = 5
"""An instance takes it."""
CALL_USD = 0.00084
"""600 tokens at 1.00, 400 cached ones at 0.10, 100 of output at 2.00 dollars a million."""
WORDS = "'q[u]okka|b[a]ndicoot|w[o]mbat|n[u]mbat|Lovel[a]ce'"
LOOK = (
    f"grep -rIohE {WORDS} / --exclude-dir=proc --exclude-dir=sys --exclude-dir=usr 2>/dev/null; "
    "for found in $(find / -type d -name objects -not -path '/proc/*' 2>/dev/null); do echo objects: $found; "
    f"GIT_DIR=$(dirname $found) git cat-file --batch-all-objects --batch | grep -aohE {WORDS}; done; "
    "env | grep -E 'q[u]okka|town_''_counter'; git log --all --format='subject: %s'; git tag; "
    "echo commits: $(git rev-list --all --count)"
)
"""What a curious model would look for: the words themselves, wherever they are. `Lovelace` is in base's own tests."""


def usage(prompt: int, output: int) -> dict[str, Any]:
    details = {"prompt_tokens_details": {"cached_tokens": CACHED_TOKENS}}
    return {
        "prompt_tokens": PROMPT_TOKENS, "completion_tokens": OUTPUT_TOKENS, "total_tokens": 1100, **details
    }  # fmt: skip


VENDOR = Vendor(name="scripted", usage=usage, listing=OPENAI.listing)


PRICE_TABLE = "input = 1.0\noutput = 2.0\ncache_read = 0.1"
BY_OUTPUT = "input = 0.0\noutput = 10.0\ncache_read = 0.0"
"""Only the answer costs: a tenth of a cent, and twice that at most where it may have 200 tokens."""


def lineup(url: str, *, output_limit: int = 4000, price: str = PRICE_TABLE, self_hosted: bool = True) -> str:
    priced = f"[models.{NAME}.price]\nas_of = 2026-01-01\n{price}\n"
    return (
        f'[models.{NAME}]\nadapter = "openai"\nendpoint = "{url}/v1"\nmodel_id = "m"\nwindow = 100000\n'
        f"output_limit = {output_limit}\nself_hosted = {str(self_hosted).lower()}\n{priced if price else ''}"
    )


def subject(text: str) -> str:
    """The instance that a conversation is about."""
    return next(name for name, words in STATEMENTS.items() if words.partition("\n")[0] in text)


@dataclass
class Script:
    """Plays by the conversation alone, so a restart finds it where it was. `hold`: where it waits to be let go."""

    hold: tuple[str, int] | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)

    def play(self, asked: Asked) -> Said:
        name = subject(asked.text)
        self.answered[name, asked.turn] += 1
        if self.hold == (name, asked.turn):
            self.hold = None
            self.reached.set()
            self.go.wait(120)
        tool, arguments = actions(name)[asked.turn]
        return Said(text="I go on.", calls=(Call.of(f"call_{asked.turn}", tool, **arguments),))


def actions(name: str) -> list[tuple[str, dict[str, Any]]]:
    path, old, new = EDITS[name]
    lines = ["import unittest", "", "from counter.names import initials", "from counter.price import shipping, total"]
    lines += ["", "", "class Own(unittest.TestCase):", "    def test_own(self):", f"        {OWN_TESTS[name]}", ""]
    return [
        ("shell", {"command": LOOK}),
        ("edit", {"path": "tests/test_own.py", "new": "\n".join(lines)}),
        ("run_tests", {"tests": ["tests.test_own.Own.test_own"]}),
        ("edit", {"path": path, "old": old, "new": new}),
        ("submit", {"summary": "Repaired."}),
    ]
