"""A witness test from an issue's expectations, in the repository's own style. Pure: it is written, never run, here."""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname

from agents.repair.issue.expectation import Expectation, Kind, literal, parse_expression, parse_statements
from agents.repair.names import NameIndex, free_names, parse

PYTEST, UNITTEST = "pytest", "unittest"


@dataclass(frozen=True, kw_only=True)
class WitnessTest:
    name: str
    body: tuple[str, ...]
    """Statements, the test's own indentation left out."""
    imports: tuple[str, ...]
    expectation: Expectation


@dataclass(frozen=True, kw_only=True)
class Witness:
    path: str
    style: str
    issue: str
    tests: tuple[WitnessTest, ...]

    def text(self, keep: Iterable[str] | None = None) -> str:
        """The file's text, with all tests or only those named."""
        wanted = {test.name for test in self.tests} if keep is None else set(keep)
        return _render(self, [test for test in self.tests if test.name in wanted])

    def owns(self, test_id: str) -> str | None:
        """The name of this file's test that a runner calls `test_id`; None for another file's."""
        names = {test.name for test in self.tests}
        if "::" in test_id:
            path, _, rest = test_id.partition("::")
            name = rest.split("::")[-1]
            return name if path == self.path and name in names else None
        module, _, name = test_id.rpartition(".")
        stem = basename(self.path).removesuffix(".py")
        return name if stem in module.split(".") and name in names else None


def write(
    expectations: Sequence[Expectation],
    *,
    issue: str,
    path: str,
    style: str,
    index: NameIndex,
) -> tuple[Witness | None, tuple[str, ...]]:
    """The witness, and for each expectation that cannot be written a sentence that says why.

    `issue` names the tests; `path` is the file to be. None when nothing can be written.
    """
    tests: list[WitnessTest] = []
    problems: list[str] = []
    label = label_of(issue) or "witness"
    for expectation in expectations:
        made = _make(expectation, index, style)
        if isinstance(made, str):
            problems.append(made)
            continue
        imports, body = made
        if any(body == test.body for test in tests):
            continue
        name = _test_name(label, expectation, [test.name for test in tests])
        tests.append(WitnessTest(name=name, body=body, imports=imports, expectation=expectation))
    if not tests:
        return None, tuple(dict.fromkeys(problems))
    return Witness(path=path, style=style, issue=label, tests=tuple(tests)), tuple(dict.fromkeys(problems))


def _make(e: Expectation, index: NameIndex, style: str) -> tuple[tuple[str, ...], tuple[str, ...]] | str:
    """(imports, statements), or why it cannot be."""
    setup = [statement for statement in e.setup if not _is_import(statement)]
    given = [statement for statement in e.setup if _is_import(statement)]
    needed = _needed_setup(setup, e.subject)
    e = _with_known_values(e, [*given, *setup], index)
    body = (*needed, *_assertion(e, style))
    if parse_statements("\n".join(body)) is None:
        return f"`{_short(e.subject)}` is no Python that a test can hold."
    imports: list[str] = []
    bound = {name for statement in given for name in _bound(statement)}
    for name in free_names([*given, *body]):
        if name in ("self", "pytest") or name in bound:
            continue
        statement = index.import_for(name)
        if statement is None:
            return f"`{_short(e.subject)}` uses `{name}`, which nothing in the repository defines."
        if statement:
            imports.append(statement)
    used = set(free_names(body))
    imports += [s for s in given if _bound(s) & used or "*" in s]
    if e.kind is Kind.RAISES and style == PYTEST:
        imports.append("import pytest")
    return tuple(dict.fromkeys(imports)), body


def _needed_setup(setup: Sequence[str], subject: str) -> list[str]:
    """The statements before the subject; mere expressions (results shown on the way) only if they may change state."""
    kept: list[str] = []
    for statement in setup:
        tree = parse_expression(statement)
        if tree is None or isinstance(tree, (ast.Call, ast.Await)):
            kept.append(statement)
    if not kept:
        return []
    wanted = set(free_names([subject]))
    needed: list[str] = []
    for statement in reversed(kept):
        names = _bound(statement) | set(free_names([statement]))
        if names & wanted:
            needed.insert(0, statement)
            wanted |= names
    return needed


def _bound(statement: str) -> set[str]:
    tree = parse(statement)
    names: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update(alias.asname or alias.name.split(".")[0] for alias in aliases)
            case _:
                pass
    return names


def _with_known_values(e: Expectation, before: Sequence[str], index: NameIndex) -> Expectation:
    """An expected value that is no literal: an expression if all its names are known, else the text itself."""
    if e.kind is Kind.REPR and parse_expression(e.expected) is not None and _known(e.expected, before, index):
        return Expectation(kind=Kind.EQUAL, subject=e.subject, expected=e.expected, setup=e.setup)
    if e.kind in (Kind.EQUAL, Kind.DIFFERS) and literal(e.expected) is None:
        is_expression = parse_expression(e.expected) is not None and _known(e.expected, before, index)
        if not is_expression:
            return Expectation(kind=e.kind, subject=e.subject, expected=repr(e.expected), setup=e.setup)
    return e


def _known(expression: str, before: Sequence[str], index: NameIndex) -> bool:
    """Whether the expression's names can be had; a bare word that only names a module is rather a string."""
    bound = {name for statement in before for name in _bound(statement)}
    names = free_names([expression])
    plain = isinstance(parse_expression(expression), ast.Name)
    return all(n in bound or (index.import_for(n) is not None and not (plain and n in index.modules)) for n in names)


def _assertion(e: Expectation, style: str) -> list[str]:
    subject, expected = e.subject.strip(), e.expected.strip()
    if "\n" in subject and e.kind not in (Kind.RUNS, Kind.RAISES):
        subject = f"({subject})"
    match e.kind:
        case Kind.EQUAL:
            return [_equal(subject, expected, style)]
        case Kind.DIFFERS:
            return [
                f"self.assertNotEqual({subject}, {expected})"
                if style == UNITTEST
                else f"assert {subject} != {expected}"
            ]
        case Kind.REPR:
            return [_equal(f"repr({subject})", repr(e.expected), style)]
        case Kind.TEXT:
            return [_equal(f"str({subject})", repr(e.expected), style)]
        case Kind.RAISES:
            head = f"with self.assertRaises({expected}):" if style == UNITTEST else f"with pytest.raises({expected}):"
            return [f"{head}\n{textwrap.indent(subject, '    ')}"]
        case Kind.RUNS:
            return [subject]
        case Kind.HOLDS:
            return [_holds(subject, style)]


def _equal(subject: str, expected: str, style: str) -> str:
    if expected in ("None", "True", "False"):
        if style == UNITTEST:
            return f"self.assertIs({subject}, {expected})"
        return f"assert {_operand(subject)} is {expected}"
    if style == UNITTEST:
        return f"self.assertEqual({subject}, {expected})"
    return f"assert {_operand(subject)} == {expected}"


def _operand(subject: str) -> str:
    tree = parse_expression(subject)
    return f"({subject})" if isinstance(tree, (ast.Compare, ast.BoolOp, ast.IfExp, ast.Lambda)) else subject


def _holds(subject: str, style: str) -> str:
    if style == UNITTEST:
        tree = parse_expression(subject)
        match tree:
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                sides = (ast.get_source_segment(subject, left), ast.get_source_segment(subject, right))
                if None not in sides:
                    return f"self.assertEqual({sides[0]}, {sides[1]})"
            case _:
                pass
        return f"self.assertTrue({subject})"
    return f"assert {subject}"


def _test_name(label: str, e: Expectation, taken: Sequence[str]) -> str:
    tree = parse_expression(e.subject)
    callee = ""
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call):
            callee = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            break
    name = f"test_issue_{label}_{callee}" if callee else f"test_issue_{label}"
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _render(witness: Witness, tests: Sequence[WitnessTest]) -> str:
    imports = dict.fromkeys(statement for test in tests for statement in test.imports)
    future = [s for s in imports if s.startswith("from __future__")]
    parts = []
    plain = sorted(s for s in imports if s.startswith("import "))
    froms = sorted(s for s in imports if s.startswith("from ") and s not in future)
    if witness.style == UNITTEST:
        plain = sorted({*plain, "import unittest"})
    if future or plain or froms:
        parts.append("\n".join([*future, *plain, *([""] if plain and froms else []), *froms]))
    if witness.style == UNITTEST:
        methods = [f"    def {t.name}(self):\n{textwrap.indent(_body(t), ' ' * 8)}" for t in tests]
        title = "".join(word.capitalize() for word in witness.issue.split("_"))
        parts.append(f"class TestIssue{title}(unittest.TestCase):\n" + "\n\n".join(methods))
        return "\n\n\n".join(parts) + '\n\n\nif __name__ == "__main__":\n    unittest.main()\n'
    parts += [f"def {t.name}():\n{textwrap.indent(_body(t), '    ')}" for t in tests]
    return "\n\n\n".join(parts) + "\n"


def _body(test: WitnessTest) -> str:
    return "\n".join(test.body)


def _is_import(statement: str) -> bool:
    return statement.startswith(("import ", "from "))


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- where and how -----------------------------------------------------------------------------------------------


def style_of(tests: Mapping[str, str], runner: str = PYTEST) -> str:
    """`unittest` where the repository's test files (text by path) hold TestCase classes and no test functions."""
    if runner == UNITTEST:
        return UNITTEST
    cases = functions = 0
    for text in tests.values():
        cases += len(re.findall(r"^class \w+\([\w., ]*TestCase\b", text, re.MULTILINE))
        functions += len(re.findall(r"^(?:async )?def test_?\w*\(", text, re.MULTILINE))
        functions += len(re.findall(r"^class Test\w*(?:\(\))?:", text, re.MULTILINE))
    return UNITTEST if cases and not functions else PYTEST


def label_of(issue: str) -> str:
    """A task's id as part of a name: `issue-7` and `7` are both `7`."""
    return re.sub(r"\W+", "_", issue).strip("_").removeprefix("issue_")[:40]


def place(issue: str, tests: Iterable[str], taken: Iterable[str], wanted: str = "") -> str:
    """The new file's path: `wanted` if it is free, else beside the repository's test files, named as most of them."""
    existing = set(taken)
    if wanted and wanted.endswith(".py") and wanted not in existing:
        return wanted
    files = [p for p in tests if basename(p) not in ("conftest.py", "__init__.py")]
    folders = Counter(dirname(path) for path in files)
    folder = dirname(wanted) if wanted else max(sorted(folders), key=lambda f: (folders[f], -len(f)), default="tests")
    label = label_of(issue) or "witness"
    suffixed = sum(p.endswith("_test.py") for p in files) > len(files) / 2
    stem = f"issue_{label}_test" if suffixed else f"test_issue_{label}"
    path, number = f"{folder}/{stem}.py".lstrip("/"), 2
    while path in existing:
        path, number = f"{folder}/{stem}_{number}.py".lstrip("/"), number + 1
    return path
