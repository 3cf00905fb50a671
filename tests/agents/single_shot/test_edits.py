"""Answers as edits."""

from __future__ import annotations

import pytest

from agents.models.sampler import Form
from agents.single_shot.edits import (
    EditRefused,
    Replace,
    WholeFunction,
    apply,
    cut_function,
    fenced_blocks,
    parse,
    replaced,
    with_function,
    with_lines,
)
from agents.single_shot.habit import Habit
from agents.single_shot.journal import Answered
from agents.single_shot.languages import PYTHON
from agents.single_shot.localise import Region
from agents.single_shot.repomap import definitions
from agents.single_shot.sampling import MOST_TEST, patched, test_file
from agents.single_shot.sources import Sources

AREA = '''\
class Shape:
    """A shape."""

    @property
    @cached
    def area(self):
        width = 1
        return self.w + self.h


def free(a): return a
'''
FILES = {
    "src/area.py": AREA,
    "src/other.py": "def free(b):\n    return b\n",
    "x/same.py": "A = 1\n",
    "y/same.py": "A = 2\n",
}
SOURCES = Sources(files=FILES, tests={})
SHOWN = definitions("src/area.py", AREA)
REPLACE = """\
FILE: src/area.py
<<<<<<< SEARCH
        return self.w + self.h
=======
        return self.w * self.h
>>>>>>> REPLACE
"""
WHOLE = """\
**FILE: `src/area.py`**
FUNCTION: Shape.area
```python
def area(self):
    return self.w * self.h
```
"""


def test_a_block_replaces_and_a_function_is_written_anew() -> None:
    assert parse(f"Because.\n\n{REPLACE}") == (
        Replace(path="src/area.py", old="        return self.w + self.h\n", new="        return self.w * self.h\n"),
    )
    (whole,) = parse(WHOLE)
    assert whole == WholeFunction(
        path="src/area.py", name="Shape.area", text="def area(self):\n    return self.w * self.h\n"
    )
    by_block = apply(SOURCES, parse(REPLACE))["src/area.py"]
    assert by_block == AREA.replace("+", "*")
    by_function = apply(SOURCES, (whole,))["src/area.py"]
    assert "    @cached\n    def area(self):\n        return self.w * self.h\n\n\ndef free" in by_function


def test_blocks_inside_of_fences_count_too_and_several_apply_in_order() -> None:
    answer = f"```\n{REPLACE}```\n" + REPLACE.replace("self.w + self.h", "self.w * self.h").replace(
        "        return self.w * self.h\n>>", "        return 0\n>>"
    )
    assert "return 0" in apply(SOURCES, parse(answer))["src/area.py"]


def test_a_lone_function_in_a_fence_is_the_shown_one_of_its_name() -> None:
    answer = "Here:\n```python\ndef area(self):\n    return 7\n```"
    assert "return 7" in apply(SOURCES, parse(answer), shown=SHOWN)["src/area.py"]
    free = "```py\ndef free(a):\n    return 8\n```"
    assert list(apply(SOURCES, parse(free), shown=SHOWN)) == ["src/area.py"], "shown before any other"
    with pytest.raises(EditRefused, match="no one function 'free'"):
        apply(SOURCES, parse(free))


def test_decorators_that_are_given_replace_the_old_ones() -> None:
    whole = WholeFunction(path="src/area.py", name="area", text="@property\ndef area(self):\n    return 1\n")
    text = apply(SOURCES, (whole,))["src/area.py"]
    assert "@cached" not in text
    assert "    @property\n    def area(self):\n        return 1\n" in text


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("I do not know.", "holds no edit"),
        ("```python\nx = 1\n```", "holds no edit"),
        ("```\ndef f(:\n", "holds no edit"),
        ("<<<<<<< SEARCH\nx\n", "not closed"),
        ("<<<<<<< SEARCH\nx\n=======\ny\n", "not closed"),
    ],
)
def test_an_answer_without_a_whole_edit_is_refused(answer: str, why: str) -> None:
    with pytest.raises(EditRefused, match=why):
        parse(answer)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (REPLACE.replace("src/area.py", "src/none.py"), "no source file 'src/none.py'"),
        (REPLACE.replace("src/area.py", "same.py"), "no source file 'same.py'"),
        (REPLACE.replace("self.w + self.h\n===", "self.w - self.h\n==="), "stands nowhere"),
        (REPLACE.replace("*", "+"), "changes nothing"),
        (REPLACE.replace("self.w * self.h", "self.w * ("), "would not parse"),
        (REPLACE.replace("FILE: src/area.py\n", ""), "no source file ''"),
        (WHOLE.replace("Shape.area", "Shape.volume"), "no one function"),
    ],
)
def test_an_edit_that_does_not_fit_the_tree_is_refused(answer: str, why: str) -> None:
    with pytest.raises(EditRefused, match=why):
        apply(SOURCES, parse(answer))


def test_a_path_may_be_shortened_or_left_out_where_one_file_is_meant() -> None:
    assert apply(SOURCES, parse(REPLACE.replace("src/area.py", "area.py")))
    assert apply(SOURCES, parse(REPLACE.replace("src/area.py", "./src/area.py")))
    assert apply(SOURCES, parse(REPLACE.replace("FILE: src/area.py\n", "")), shown=SHOWN)


def test_a_function_that_an_earlier_edit_removed_cannot_be_written() -> None:
    edits = (
        Replace(path="src/area.py", old="def free(a): return a\n", new=""),
        *parse(WHOLE.replace("Shape.area", "free")),
    )
    with pytest.raises(EditRefused, match="gone"):
        apply(SOURCES, edits, shown=SHOWN)


def test_white_space_may_differ_by_line_ends_and_one_indentation() -> None:
    text = "if x:\n    if y:\n        a = 1  \n\n        b = 2\nc = 3"
    assert replaced(text, "a = 1\n\nb = 2\n", "a = 4\nif z:\n    b = 5\n") == (
        "if x:\n    if y:\n        a = 4\n        if z:\n            b = 5\nc = 3"
    )
    for old, why in (("b = 2\n c = 3", "nowhere"), ("", "nowhere"), ("\n\n", "nowhere")):
        with pytest.raises(EditRefused, match=why):
            replaced(text, old, "x")
    with pytest.raises(EditRefused, match="in 2 places"):
        replaced("a\nb\na\n", "a\n", "x")
    with pytest.raises(EditRefused, match="in 2 places"):
        replaced("  a\nb\n a\n", "a ", "x")


def test_lines_and_functions_are_replaced_with_their_ends() -> None:
    assert with_lines("a\nb\nc\n", 2, 2, "x") == "a\nx\nc\n"
    assert with_lines("a\nb\n", 2, 2, "") == "a\n"
    (function,) = definitions("a.py", "def f(): pass")
    assert with_function("def f(): pass", function, "def f(): return 1\n") == "def f(): return 1"
    assert with_function("def f(): pass\n", function, "") == "\n"


PYTHON_HEAD = "    def area(self):\n"


@pytest.mark.parametrize(
    ("head", "said", "by_indent", "ended", "text"),
    [
        (PYTHON_HEAD, "        return 1\n\n    def other", True, False, "    def area(self):\n        return 1\n"),
        (PYTHON_HEAD, "        return 1", True, True, "    def area(self):\n        return 1\n"),
        (PYTHON_HEAD, "        return 1", True, False, ""),
        ("def f(", "a):\n    return (\n    1\n)\n\nx = 1\n", True, False, "def f(a):\n    return (\n    1\n)\n"),
        ("def f(\n    a,\n):\n", "    return a\nx", True, False, "def f(\n    a,\n):\n    return a\n"),
        ("func F() {\n", "\treturn\n}\n\nfunc G() {}\n", False, False, "func F() {\n\treturn\n}\n"),
        ("func F() {\n", "\treturn\nfunc G() {}\n", False, True, ""),
        ("func F() {\n", "\treturn\n", False, True, ""),
    ],
)
def test_a_continuation_ends_where_its_function_ends(
    head: str, said: str, by_indent: bool, ended: bool, text: str
) -> None:
    assert cut_function(head, said, by_indent=by_indent, ended=ended) == text


def test_fenced_blocks_are_those_that_are_closed() -> None:
    assert fenced_blocks("a\n```py\nx\n```\n````\n```\ny\n````\n```\nz") == ["x\n", "```\ny\n"]


# --- forms -------------------------------------------------------------------------------------------------------

AREA_REGION = next(
    Region(path="src/area.py", first=one.first, last=one.last, score=1, function=one)
    for one in SHOWN
    if one.is_function
)
HABIT = Habit(path="tests/test_x.py", language=PYTHON, head="def test_x():\n")


def said(text: str, *, is_cut: bool = False) -> Answered:
    return Answered(text=text, is_cut=is_cut)


def test_a_patch_is_read_in_the_form_it_was_asked_in() -> None:
    def new(form: Form, text: str) -> str:
        return patched(form, said(text), SOURCES, AREA_REGION, SHOWN)["src/area.py"]

    assert "self.w * self.h" in new(Form.CHAT, REPLACE)
    assert "return 5\n\n\ndef free" in new(Form.COMPLETION, "        return 5\n\n    def more(self): pass\n")
    assert "def area(self):\n        return 6\n" in new(Form.INFILL, "\n        return 6\n")


def test_a_patch_without_an_end_or_a_function_is_refused() -> None:
    with pytest.raises(EditRefused, match="gap"):
        patched(Form.INFILL, said("        return 6", is_cut=True), SOURCES, AREA_REGION, SHOWN)
    with pytest.raises(EditRefused, match="no end"):
        patched(Form.COMPLETION, said("        return 6", is_cut=True), SOURCES, AREA_REGION, SHOWN)
    piece = Region(path="x/same.py", first=1, last=1, score=1)
    with pytest.raises(EditRefused, match="no function"):
        patched(Form.COMPLETION, said("A = 3"), SOURCES, piece, ())
    assert patched(Form.INFILL, said("A = 3"), SOURCES, piece, ()) == {"x/same.py": "A = 3\n"}


def test_a_test_file_is_the_largest_block_or_the_continued_head() -> None:
    assert test_file(Form.CHAT, said("```\na\n```\n```py\nassert 1 == 1\n```"), HABIT) == "assert 1 == 1\n"
    assert test_file(Form.COMPLETION, said("    assert f() == 1\n\nx"), HABIT) == "def test_x():\n    assert f() == 1\n"
    for form, text, why in (
        (Form.CHAT, "none", "no test file"),
        (Form.CHAT, "```\ndef f(:\n```", "does not parse"),
        (Form.CHAT, f"```\n{'x = 1' * MOST_TEST}\n```", "too long"),
    ):
        with pytest.raises(EditRefused, match=why):
            test_file(form, said(text), HABIT)
    with pytest.raises(EditRefused, match="no end"):
        test_file(Form.COMPLETION, said("    assert f(", is_cut=True), HABIT)
