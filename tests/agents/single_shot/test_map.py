"""The repository's map, its search, and the lines of tracebacks."""

from __future__ import annotations

import pytest

from agents.single_shot.bm25 import Index, words
from agents.single_shot.fitting import SMALLEST, Shape, fitted, shrunk, window_of
from agents.single_shot.languages import language_of
from agents.single_shot.localise import CHUNK, RANKED, Region, rank
from agents.single_shot.places import MOST, Place, of_report, of_text
from agents.single_shot.repomap import MOST_BYTES, definitions, enclosing, mistakes, named, outline
from agents.single_shot.sources import Sources, is_test, read
from sandbox.types import Failure, TestId, TestReport, TestResult, TestStatus
from tests.support.agent_world import View

PYTHON = '''\
import x


@decorated
class Basket:
    def total(self, prices):
        def inner():
            return 1
        return inner()

    @property
    def size(self): return 2


def free(
    a,
):
    """Doc."""
    return a
'''
TEXTS = {
    "a.py": (PYTHON, ["Basket", "Basket.total", "Basket.total.inner", "Basket.size", "free"]),
    "a.js": (
        "export function f(a) {\n  return 1\n}\nconst g = (x) => {\n  return x\n}\nclass B {\n  m() { return 1 }\n}\n"
        "const z = 3\nlet y\n",
        ["f", "g", "B", "B.m"],
    ),
    "a.ts": ("interface I { a: number }\nclass C<T> {\n  m(): T {\n    return 1 as T\n  }\n}\n", ["I", "C", "C.m"]),
    "a.tsx": ("export const View = () => {\n  return <p>1</p>\n}\n", ["View"]),
    "a.go": (
        "package a\n\ntype T struct{}\n\nfunc (t *T) M(x int) int {\n\treturn 1\n}\n\nfunc () odd() {}\nfunc F() {}\n",
        ["T", "T.M", "odd", "F"],
    ),
    "a.rs": ("impl<T> A<T> {\n    fn f(&self) -> i32 {\n        1\n    }\n}\n\nfn g();\n", ["A", "A.f"]),
    "A.java": ("class A {\n  int m(int x) {\n    return x;\n  }\n  A() {}\n}\n", ["A", "A.m", "A.A"]),
}


@pytest.mark.parametrize("path", TEXTS)
def test_functions_and_classes_are_found_with_their_lines(path: str) -> None:
    text, names = TEXTS[path]
    found = definitions(path, text)
    assert [one.name for one in found] == names
    lines = text.splitlines()
    for one in found:
        assert 1 <= one.first <= one.last <= len(lines)
        assert one.first < one.body <= one.last + 1
    assert mistakes(path, text) == 0
    assert mistakes(path, text.replace("}", "").replace(")", "")) > 0


def test_lines_bodies_and_decorators_of_python() -> None:
    found = {one.name: one for one in definitions("a.py", PYTHON)}
    basket, total, size, free = (found[name] for name in ("Basket", "Basket.total", "Basket.size", "free"))
    assert (basket.first, basket.is_function, basket.short_name) == (4, False, "Basket")
    assert (total.first, total.body, total.last, total.signature) == (6, 7, 9, "def total(self, prices):")
    assert (size.first, size.last, size.body) == (11, 12, 13)
    assert (free.first, free.body, free.signature) == (15, 18, "def free( a, ):")
    assert outline([basket, total]) == ["  4: class Basket:", "  6:   def total(self, prices):"]


def test_what_is_no_source_or_too_large_or_too_deep_has_no_map() -> None:
    assert definitions("README.md", "def f(): pass") == ()
    assert definitions("a.py", "x = 1\n" * MOST_BYTES) == ()
    assert mistakes("README.md", "def f(:") == 0
    assert definitions("a.py", "(" * 5000) == ()
    long = f"def f({', '.join(f'argument_{n}' for n in range(99))}):\n    pass\n"
    assert definitions("a.py", long)[0].signature.endswith("…")


def test_a_brace_on_its_own_line_belongs_to_the_head() -> None:
    (one,) = definitions("a.js", "function größe()\n{\n  return 1\n}\n")
    assert (one.name, one.first, one.body, one.last) == ("größe", 1, 3, 4)
    assert one.signature == "function größe()"


def test_what_is_nested_too_deep_is_not_looked_into() -> None:
    deep = "[" * 300 + "]" * 300
    assert mistakes("a.py", f"x = {deep}\n(") > 0
    assert definitions("a.js", f"x = {'[' * 300}function f() {{}}{']' * 300}") == ()


def test_a_line_belongs_to_the_innermost_function_else_to_the_class() -> None:
    found = definitions("a.py", PYTHON)
    assert (one := enclosing(found, 8)) is not None
    assert one.name == "Basket.total.inner"
    assert (one := enclosing(found, 5)) is not None
    assert one.name == "Basket"
    assert enclosing(found, 1) is None
    assert [one.name for one in named({"a.py": found}, "total()")] == ["Basket.total"]
    assert [one.name for one in named({"a.py": found}, "Basket.size")] == ["Basket.size"]


def test_suffixes_name_the_language() -> None:
    assert (found := language_of("x/y.tsx")) is not None
    assert found.name == "typescript"
    assert language_of("Makefile") is None


# --- search ------------------------------------------------------------------------------------------------------


def test_identifiers_are_also_their_parts() -> None:
    assert set(words("readHeader")) == {"readheader", "read", "header"}
    assert words("the total of a") == ["total"]
    assert set(words("HTTP_timeout2")) == {"http_timeout2", "http", "timeout"} | {"2"} - {"2"}


def test_the_rarer_word_decides() -> None:
    index = Index({"a": "def total prices", "b": "def count prices", "c": "prices prices prices"})
    scores = index.scores("the total of prices")
    assert sorted(scores, key=lambda key: -scores[key]) == ["a", "c", "b"]
    assert set(index.scores("unheard").values()) == {0.0}
    assert Index({}).scores("x") == {}


SOURCES = Sources(
    files={
        "shop/basket.py": PYTHON,
        "shop/flat.py": "VALUE = 1\n" * (CHUNK + 5),
        "lib/other.py": "def other(): pass\n",
    },
    tests={},
)


def test_tracebacks_point_at_functions() -> None:
    text = 'File "/usr/lib/python3/json.py", line 5, in load\n  File "/app/shop/basket.py", line 8, in total\nKeyError'
    places = of_text(text, SOURCES.files)
    assert places == [Place(path="shop/basket.py", line=8, weight=1.0)]
    first = rank(SOURCES, "something", places)[0]
    assert (first.function.name if first.function else "", first.focus) == ("Basket.total", 8)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at shop/basket.py:8:3", [("shop/basket.py", 8)]),
        ("at f (./lib/other.py:1)", [("lib/other.py", 1)]),
        ("other.py:1 and nothing.py:3", [("lib/other.py", 1)]),
        ("at a.b.C.m(Basket.java:12)", []),
        ("basket.py", []),
    ],
)
def test_frames_of_many_languages_are_read(text: str, found: list[tuple[str, int]]) -> None:
    assert [(place.path, place.line) for place in of_text(text, SOURCES.files)] == found


def test_of_many_frames_the_last_are_kept_the_innermost_weighs_most() -> None:
    text = "".join(f'File "shop/basket.py", line {n}, in f\n' for n in range(1, 2 * MOST))
    places = of_text(text, SOURCES.files)
    assert len(places) == MOST
    assert (places[0].line, places[0].weight, places[1].weight) == (2 * MOST - 1, 1.0, 0.5)
    twins = ["a/x.py", "b/x.py"]
    assert of_text("x.py:3", twins) == [], "which one is meant is unknown"


def test_red_tests_say_where_they_failed() -> None:
    def result(name: str, status: TestStatus, failure: Failure | None) -> TestResult:
        return TestResult(id=TestId(name), status=status, failure=failure)

    failure = Failure(phase="call", exception="E", message="lib/other.py:1", path="shop/basket.py", line=8)
    outside = Failure(phase="call", exception="E", message="", path="tests/t.py", line=3)
    results = [
        result("a", TestStatus.FAILED, failure), result("b", TestStatus.FAILED, outside),
        result("c", TestStatus.PASSED, None), result("d", TestStatus.FAILED, None),
    ]  # fmt: skip
    report = TestReport(results={one.id: one for one in results})
    assert [place.path for place in of_report(report, SOURCES.files)] == ["shop/basket.py", "lib/other.py"]


def test_names_files_and_words_rank_regions() -> None:
    by_name = rank(SOURCES, "`Basket.size` is wrong", [])
    assert by_name[0].function is not None
    assert by_name[0].function.name == "Basket.size"
    by_file = rank(SOURCES, "see shop/flat.py", [])
    assert by_file[0].path == "shop/flat.py"
    assert {(r.first, r.last) for r in by_file if r.path == "shop/flat.py"} == {(1, CHUNK), (CHUNK + 1, CHUNK + 5)}
    by_module = rank(SOURCES, "lib.other fails", [])
    assert by_module[0].path == "lib/other.py"
    assert len(rank(SOURCES, "zzz", [])) == 1, "something is always shown"
    inner = [r for r in rank(SOURCES, "total", []) if r.function and "inner" in r.function.name]
    assert not inner, "a function in a function is part of it"
    many = Sources(files={f"m{n}.py": "def same(): pass\n" for n in range(RANKED + 9)}, tests={})
    assert len(rank(many, "same", [])) == RANKED


def test_a_region_shows_its_lines() -> None:
    assert Region(path="lib/other.py", first=1, last=1, score=0).text(SOURCES) == "def other(): pass\n"


# --- what is read ------------------------------------------------------------------------------------------------


def test_sources_and_tests_are_told_apart_and_what_is_no_text_is_left_out() -> None:
    files = {
        "a.py": b"x = 1\n", "tests/test_a.py": b"y = 1\n", "node_modules/x.js": b"1\n", "p/node_modules/x.js": b"1\n",
        "crlf.py": b"x = 1\r\n", "bin.py": b"\0", "latin.py": b"\xff", "README.md": b"hi", ".hidden.py": b"x",
        "empty.py": b"", "web/a.test.ts": b"1\n", "big.py": b"x" * (MOST_BYTES + 1), "z.ts": b"1\n", "y.py": b"1\n",
    }  # fmt: skip
    sources = read(View(files))
    assert set(sources.files) == {"a.py", "z.ts", "y.py"}
    assert set(sources.tests) == {"tests/test_a.py", "web/a.test.ts"}


@pytest.mark.parametrize("path", ["a_test.go", "src/test/java/A.java", "x/spec/a.js", "ATest.java", "test_a.py"])
def test_tests_are_known_by_their_names(path: str) -> None:
    assert is_test(path)
    assert not is_test("src/main.py")


def test_a_name_means_one_function_or_none() -> None:
    assert SOURCES.function("", "total") is not None
    assert SOURCES.function("lib/other.py", "total") is None
    twins = Sources(files={"a.py": "def f(): pass\n", "b.py": "def f(): pass\n"}, tests={})
    assert twins.function("", "f") is None
    assert twins.function("b.py", "f") is not None
    klass = SOURCES.function("", "Basket")
    assert klass is not None
    assert not klass.is_function


# --- fitting -----------------------------------------------------------------------------------------------------


def size(shape: Shape) -> int:
    return (
        shape.places * shape.lines + shape.map_lines + shape.issue + shape.evidence + shape.example + shape.conventions
    )


def test_each_step_is_smaller_down_to_the_smallest() -> None:
    shape: Shape | None = Shape()
    seen = []
    while shape is not None:
        seen.append(size(shape))
        last, shape = shape, shrunk(shape)
    assert seen == sorted(set(seen), reverse=True)
    assert last == SMALLEST
    assert len(seen) < 60


def test_the_largest_prompt_that_has_room_is_taken() -> None:
    assert fitted(lambda shape: shape, lambda shape: 0, Shape()) == Shape()
    half = size(Shape()) // 2
    found = fitted(lambda shape: shape, lambda shape: half - size(shape), Shape())
    assert found is not None
    assert size(found) <= half
    assert fitted(lambda shape: shape, lambda shape: -1, Shape()) is None


@pytest.mark.parametrize(
    ("count", "most", "focus", "window"),
    [
        (5, 9, 3, (1, 5)),
        (100, 10, 0, (1, 10)),
        (100, 10, 50, (45, 54)),
        (100, 10, 99, (91, 100)),
        (100, 10, 1, (1, 10)),
    ],
)
def test_the_lines_around_the_focus_are_shown(count: int, most: int, focus: int, window: tuple[int, int]) -> None:
    assert window_of(count, most, focus) == window
