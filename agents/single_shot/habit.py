"""Where a new test goes by the repository's habit, how its file is called, and how it begins. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname, join

from agents.repair.names import NameIndex
from agents.repair.witness import UNITTEST, label_of, place, style_of
from agents.single_shot.languages import GO, JAVA, PYTHON, RUST, Language, language_of
from agents.single_shot.localise import Region
from agents.single_shot.sources import Sources
from agents.types import Task

_BEGINS = re.compile(r"^\s*(?:(?:export\s+)?(?:describe|test|it|suite)\(|#\[|fn |(?:public\s+)?(?:final\s+)?class )")


@dataclass(frozen=True, kw_only=True)
class Habit:
    """One new test file."""

    path: str
    language: Language
    head: str
    """The file's beginning up to the test's body, for a model that goes on from there."""
    example_path: str = ""
    example: str = ""


def habit(task: Task, sources: Sources, target: Region, number: int) -> Habit | None:
    """For the `number`-th sampled test of a problem in `target` (0 is the first). None where the repository's language
    has no habit that could be followed."""
    language = language_of(target.path)
    if language is None:
        return None
    label = f"{label_of(task.id) or 'witness'}{f'_{number + 1}' if number else ''}"
    example_path = _example(sources.tests, language, target.path)
    example = sources.tests.get(example_path, "")
    if language is PYTHON:
        return _python(task, sources, target, label, example_path)
    if language is GO:
        return _go(sources.files[target.path], target, label, example_path, example)
    if not example:
        return None
    made = _java if language is JAVA else _rust if language is RUST else _javascript
    path, head = made(label, example_path, example)
    return Habit(path=path, language=language, head=head, example_path=example_path, example=example)


def _example(tests: Mapping[str, str], language: Language, near: str) -> str:
    """The existing test that most likely tests `near`: of its name, else beside it, else the shortest."""
    same = [path for path in tests if getattr(language_of(path), "name", "") == language.name and _holds_tests(path)]
    stem = basename(near).split(".")[0].lower()
    ranked = sorted(
        same, key=lambda p: (stem not in basename(p).lower(), dirname(p) != dirname(near), len(tests[p]), p)
    )
    return ranked[0] if ranked else ""


def _holds_tests(path: str) -> bool:
    return basename(path) not in ("conftest.py", "__init__.py", "setup.py", "noxfile.py")


def _python(task: Task, sources: Sources, target: Region, label: str, example_path: str) -> Habit:
    tests = {path: text for path, text in sources.tests.items() if path.endswith(".py")}
    path = place(label, tests, [*sources.files, *sources.tests], task.witness_path if label == _first(task) else "")
    name = target.function.name.split(".")[0] if target.function else ""
    index = NameIndex({path: text for path, text in sources.files.items() if path.endswith(".py")})
    known = index.import_for(name) if name else None
    lines = [known] if known else []
    if style_of(tests) == UNITTEST:
        title = "".join(word.capitalize() for word in label.split("_"))
        head = f"class TestIssue{title}(unittest.TestCase):\n    def test_issue_{label}(self):\n"
        lines.insert(0, "import unittest")
    else:
        head = f"def test_issue_{label}():\n"
    imports = "\n".join(lines)
    full = f"{imports}\n\n\n{head}" if imports else head
    return Habit(path=path, language=PYTHON, head=full, example_path=example_path, example=tests.get(example_path, ""))


def _first(task: Task) -> str:
    return label_of(task.id) or "witness"


def _go(source: str, target: Region, label: str, example_path: str, example: str) -> Habit:
    package = re.search(r"^package\s+(\w+)", source, re.MULTILINE)
    name = "".join(word.capitalize() for word in label.split("_"))
    imports = 'import (\n\t"testing"\n)'
    head = f"package {package[1] if package else 'main'}\n\n{imports}\n\nfunc TestIssue{name}(t *testing.T) {{\n"
    path = join(dirname(target.path), f"issue_{label}_test.go")
    return Habit(path=path, language=GO, head=head, example_path=example_path, example=example)


def _javascript(label: str, example_path: str, example: str) -> tuple[str, str]:
    ending = basename(example_path).partition(".")[2]
    word = "it" if re.search(r"^\s*it\(", example, re.MULTILINE) and "test(" not in example else "test"
    head = f'{_header(example)}{word}("issue {label}", () => {{\n'
    return join(dirname(example_path), f"issue-{label}.{ending}"), head


def _rust(label: str, example_path: str, example: str) -> tuple[str, str]:
    head = f"{_header(example)}#[test]\nfn issue_{label}() {{\n"
    return join(dirname(example_path), f"issue_{label}.rs"), head


def _java(label: str, example_path: str, example: str) -> tuple[str, str]:
    name = f"Issue{''.join(word.capitalize() for word in label.split('_'))}Test"
    head = f"{_header(example)}class {name} {{\n    @Test\n    void issue() {{\n"
    return join(dirname(example_path), f"{name}.java"), head


def _header(example: str) -> str:
    """An existing test's lines before its first test: its imports, which hold beside it."""
    kept: list[str] = []
    for line in example.splitlines():
        if _BEGINS.match(line):
            break
        kept.append(line)
    return "\n".join(kept).rstrip("\n") + "\n\n" if any(kept) else ""


def test_ids(path: str, names: Sequence[str], *, dotted: bool) -> list[str]:
    """What the runners of Python call a new file's tests: `path::Class::name`, or `module.Class.name` (`dotted`)."""
    wanted = [name for name in names if name.rpartition(".")[2].startswith("test")]
    if dotted:
        module = path.removesuffix(".py").replace("/", ".")
        return [f"{module}.{name}" for name in wanted if "." in name]
    return [f"{path}::{name.replace('.', '::')}" for name in wanted]


test_ids.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever its name says to pytest
