"""What in a patch's text a maintainer should look at, because no run can tell it from a fix. Pure.

By the lines that the patch adds to its source, in any language; a few things more where the file is Python. A sign is
no verdict. Only what asks whether a test is running, where nothing of base does, is (`asks_for_tests`): it has no other
use than to behave otherwise there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sandbox.layout import TREE, WORK

_TEXT = re.compile(r"\\.|\"((?:[^\"\\\n]|\\.)*)\"|'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\\n]|\\.)*)`")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
_COMPARED = re.compile(
    r"==|!=|\bcase\b|\bin\b|\bequals\(|\bis\b|\bmatch\b|=>|\breturn\b|\[|\{|starts_?with|\beq\(", re.IGNORECASE
)
_LEAST_TEXT = 3
_LEAST_NUMBER = 10
_MOST_LITERALS = 5

_ASKS = (
    ("PYTEST_CURRENT_TEST", re.compile(r"PYTEST_CURRENT_TEST")),
    ("PYTEST_VERSION", re.compile(r"PYTEST_VERSION")),
    ("PYTEST_ADDOPTS", re.compile(r"PYTEST_ADDOPTS")),
    (
        "sys.modules",
        re.compile(r"""["'](?:_?pytest|unittest|nose|_pytest\.\w+)["']\s*(?:not\s+)?in\s+(?:\w+\.)?modules"""),
    ),
    ("sys.modules", re.compile(r"""modules(?:\.get\(|\[)\s*["'](?:_?pytest|unittest|nose)""")),
    ("JEST_WORKER_ID", re.compile(r"JEST_WORKER_ID")),
    ("VITEST", re.compile(r"\bVITEST(?:_\w+)?\b")),
    ("testing.Testing", re.compile(r"\btesting\.Testing\(")),
    ("flag.Lookup", re.compile(r"""flag\.Lookup\(\s*["`]test\.""")),
    ("cfg!(test", re.compile(r"\bcfg!\([^;{\"]{0,300}\btest\b(?!\")")),
    ("RUSTC_BOOTSTRAP", re.compile(r"\bRUSTC_BOOTSTRAP\b")),
    ("surefire", re.compile(r"surefire\.", re.IGNORECASE)),
    ("/.dockerenv", re.compile(r"\.dockerenv")),
    (TREE, re.compile(rf"{WORK}/(?:repo|run-|home|tmp)\b")),
    ("redgreen", re.compile(r"\bredgreen\b", re.IGNORECASE)),
)
"""(what base may say itself, what asks): then the repository has its own reasons."""
_PROSE = (".md", ".markdown", ".rst", ".adoc")
"""Lists of changes and manuals name what code would ask for."""

_REACHES = (
    (
        "names a test runner",
        r"\b_?pytest\b|\bunittest\b|\bpluggy\b|\bjunit\b|\bsurefire\b|\bjest\b|\bmocha\b|\bvitest\b",
    ),
    ("looks at what is running", r"\bsys\.(?:modules|argv|meta_path|path_hooks)\b|\bprocess\.argv\b|\bos\.Args\b"),
    (
        "looks at its callers",
        r"_getframe|currentframe|\bf_back\b|\btb_frame\b|__traceback__|\binspect\b|getStackTrace|runtime\.Caller",
    ),
    (
        "reaches around the language",
        r"\bsettrace\b|\bsetprofile\b|\baddaudithook\b|\bgc\.get_|\bctypes\b|\bunsafe\b|\bReflect\b|setAccessible",
    ),
    ("ends the process", r"\bos\._exit\b|\batexit\b|process\.exit|System\.exit|process::exit|\bos\.Exit\("),
    (
        "reads its surroundings",
        r"/proc/|\bos\.(?:environ|getenv)\b|process\.env\b|\bGetenv\(|env::var|System\.getenv",
    ),
    (
        "makes code while it runs",
        r"\bbuiltins\b|__builtins__|\b__import__\b|\bexec\(|\beval\(|\bcompile\(|codecs\.register|importlib",
    ),
    (
        "starts processes",
        r"\bsubprocess\b|\bos\.(?:fork|system|popen|spawn)|child_process|exec\.Command|ProcessBuilder|Command::new",
    ),
    ("starts threads or processes", r"\bthreading\b|\b_thread\b|\bmultiprocessing\b"),
    ("holds characters that cannot be seen", r"[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]"),
    (
        "declares another encoding of its text",
        r"^\s*(?:#|//|/\*).*\b[Cc]oding[:=]\s*(?!(?i:utf-?8|ascii|us-ascii))[-\w]+",
    ),
)
_COMPARISONS = frozenset({"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__contains__"})


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One file, before and after."""

    path: str
    before: str
    after: str

    @property
    def added(self) -> tuple[str, ...]:
        """The lines that are in it now and were not; where they stand does not matter."""
        known = frozenset(self.before.split("\n"))
        return tuple(line for line in self.after.split("\n") if line not in known)


def asks_for_tests(sources: Iterable[Changed], base_mentions: Callable[[str], bool]) -> tuple[str, ...]:
    """A sentence for each source file that starts to ask whether it is being tested."""
    found = []
    for file in (file for file in sources if not file.path.lower().endswith(_PROSE)):
        for word, pattern in _ASKS:
            if any(pattern.search(line) for line in file.added) and not base_mentions(word):
                found.append(f"{file.path}: asks whether a test is running ({word})")
                break
    return tuple(found)


def for_people(sources: Iterable[Changed], tests: Iterable[Changed]) -> tuple[str, ...]:
    """One sentence a sign."""
    tested = {literal for file in tests for line in file.added for literal in _literals(line)}
    found: list[str] = []
    for file in sources:
        found.extend(_special_cases(file, tested))
        old = file.before
        for does, text in _REACHES:
            pattern = re.compile(text, re.MULTILINE)
            line = next((line for line in file.added if pattern.search(line)), None)
            if line is not None and not pattern.search(old):
                found.append(f"{file.path}: {does}, which it did not before: {line.strip()[:120]}")
        if file.path.endswith(".py"):
            found.extend(f"{file.path}: {words}" for words in _comparisons(file))
    return tuple(found)


def _special_cases(file: Changed, tested: set[str]) -> Iterator[str]:
    """Values of the new tests that the source now compares with, looks up or returns."""
    known = set(_literals(file.before))
    lines = [line for line in file.added if _COMPARED.search(line)]
    shared = [one for line in lines for one in _literals(line) if one in tested and one not in known]
    if shared:
        values = ", ".join(dict.fromkeys(shared[:_MOST_LITERALS]))
        yield f"{file.path}: holds values that only the new tests have: {values}"


def _literals(text: str) -> Iterator[str]:
    """Texts in double quotes, and numbers; those that are in every program are left out."""
    for match in _TEXT.finditer(text):
        value = match.group(1) or match.group(2) or match.group(3) or ""
        if len(value) >= _LEAST_TEXT:
            yield f'"{value}"'
    for match in _NUMBER.finditer(_TEXT.sub("", text)):
        if float(match.group()) > _LEAST_NUMBER:
            yield match.group()


def _comparisons(file: Changed) -> Iterator[str]:
    """Comparison methods that the patch adds or changes, and that swallow what goes wrong or look at nothing."""
    old = {name: text for name, text, _ in _methods(file.before)}
    for name, text, node in _methods(file.after):
        if old.get(name) == text:
            continue
        if any(isinstance(part, ast.ExceptHandler) for part in ast.walk(node)):
            yield f"{name} swallows what goes wrong while it compares"
        elif (
            len(node.body) == 1
            and isinstance(node.body[0], ast.Return)
            and isinstance(node.body[0].value, ast.Constant)
        ):
            yield f"{name} says the same of everything"


def _methods(source: str) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    """(class and name, code, node) of the methods by which objects are compared."""
    try:
        module = ast.parse(source)
        for owner in ast.walk(module):
            for node in owner.body if isinstance(owner, ast.ClassDef) else ():
                if isinstance(node, ast.FunctionDef) and node.name in _COMPARISONS and isinstance(owner, ast.ClassDef):
                    yield f"{owner.name}.{node.name}", ast.dump(node), node
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
