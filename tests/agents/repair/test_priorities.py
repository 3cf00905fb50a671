"""Bugs of different kinds, each in a function as people write them: the right fix is among the first that are tried."""

from __future__ import annotations

import pytest

from agents.repair.candidates import apply, propose

FIRST = 300
"""With every line equally suspicious; ten seconds or so of a search."""


WINDOW = """
class Window:
    def __init__(self, seconds, most):
        self.seconds = seconds
        self.most = most
        self.started = 0
        self.count = 0

    def allow(self, now):
        if now - self.started >= self.seconds:
            self.started = now
            self.count = 0
        if self.count >= self.most:
            return False
        self.count += 1
        return True
"""
PARSE = """
def parse(text):
    values = {}
    for raw in text.splitlines():
        line = raw.strip()
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            values[key.strip()] = value.strip()
    return values
"""
MERGE = """
def merge(defaults, given):
    merged = defaults.copy()
    for key, value in given.items():
        if value is not None:
            merged[key] = value
    return merged
"""
VOLUME = """
class Volume:
    def __init__(self, level, most):
        self.level = level
        self.most = most

    def change(self, step):
        self.level = clamp(self.level + step, 0, self.most)
        return self.level
"""
FIND = """
def find(node, key):
    if node is None:
        return None
    if key == node.key:
        return node.value
    if key < node.key:
        return find(node.left, key)
    return find(node.right, key)
"""
HUMAN = """
def human(size):
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
"""
NUMBER = """
def number(text, default=None):
    try:
        return int(text)
    except ValueError:
        return default
"""
PAGE = """
def page_of(items, page, size=10):
    if page < 1 or size < 1:
        raise ValueError("no such page")
    start = (page - 1) * size
    return items[start : start + size]
"""
ORDER = """
def order(jobs, left):
    waiting = deque(job for job in jobs if not left[job])
    done = []
    while waiting:
        job = waiting.popleft()
        done.append(job)
        for other in jobs:
            if job in left[other]:
                left[other].discard(job)
                if not left[other]:
                    waiting.append(other)
    return done
"""
TOKENS = """
def word(text, start):
    end = start
    while end < len(text) and text[end].isalnum():
        end += 1
    return text[start:end]
"""


@pytest.mark.parametrize(
    ("right", "part", "wrong"),
    [
        pytest.param(WINDOW, "now - self.started >=", "now - self.started >", id="boundary"),
        pytest.param(WINDOW, "return False", "return True", id="truth value"),
        pytest.param(PARSE, "and not line", "and line", id="missing not"),
        pytest.param(PARSE, "value.strip()", "value", id="missing strip"),
        pytest.param(MERGE, "defaults.copy()", "defaults", id="missing copy"),
        pytest.param(MERGE, "value is not None", "value", id="truth for None"),
        pytest.param(VOLUME, "0, self.most", "self.most, 0", id="swapped arguments"),
        pytest.param(VOLUME, "return self.level", "return self.most", id="wrong attribute"),
        pytest.param(FIND, "return find(node.left, key)", "find(node.left, key)", id="missing return"),
        pytest.param(HUMAN, "size /= 1024", "size /= 1000", id="wrong constant"),
        pytest.param(NUMBER, "except ValueError", "except KeyError", id="exception type"),
        pytest.param(PAGE, "(page - 1) * size", "page * size", id="off by one"),
        pytest.param(ORDER, "while waiting", "while True", id="missing emptiness test"),
        pytest.param(TOKENS, "while end < len(text) and text", "while text", id="missing range test"),
    ],
)
def test_the_right_fix_comes_early(right: str, part: str, wrong: str) -> None:
    source = right.replace(part, wrong, 1)
    suspicion = {"a.py": dict.fromkeys(range(1, source.count("\n") + 1), 1.0)}
    tried = [apply(source, candidate.edits) for candidate in propose({"a.py": source}, suspicion)]
    assert right in tried
    assert tried.index(right) < FIRST, tried.index(right)
