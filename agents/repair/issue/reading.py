"""Reading an issue from top to bottom: subjects, what was shown for them, and what was wanted instead. Pure."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from agents.repair.issue import code, words
from agents.repair.issue.code import Entry
from agents.repair.issue.expectation import Expectation, Kind, literal, parse_expression, parse_statements
from agents.repair.issue.markdown import Code, Prose, pieces
from agents.repair.issue.names import defined_names, read_names
from agents.repair.issue.words import Wanted

MAX_EXPECTATIONS = 12


def read_issue(title: str, body: str) -> tuple[Expectation, ...]:
    """Everything testable that the issue states, in its order, without repetitions; at most `MAX_EXPECTATIONS`.

    A result whose standing the issue leaves open (shown, but neither called expected nor wrong) is read as expected:
    run on the base, it is red only if it is not what happens.
    """
    reader = _Reader()
    for piece in pieces(f"{title}\n\n{body}"):
        match piece:
            case Prose():
                reader.prose(piece)
            case Code():
                reader.code(piece)
    return tuple(dict.fromkeys(reader.finish()))[:MAX_EXPECTATIONS]


def traceback_lines(body: str) -> list[tuple[str, int]]:
    """(file as written, line) of all traceback frames in the issue."""
    return code.frames(body)


@dataclass
class _Subject:
    source: str
    setup: tuple[str, ...]
    error: str = ""
    block: int = 0
    is_print: bool = False


@dataclass
class _Reader:
    found: list[Expectation] = field(default_factory=list)
    open: list[_Subject] = field(default_factory=list)
    """Subjects for which nothing was wanted yet."""
    orphans: list[Wanted] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    setup: list[str] = field(default_factory=list)
    """The statements of the last block, which later sentences may speak of."""
    blocks: int = 0

    # --- sentences

    def prose(self, prose: Prose) -> None:
        subjects = words.subjects(prose)
        section = words.polarity(prose.heading) == "expected"
        wanted = words.wanted(prose, in_expected_section=section)
        for _, source in subjects:
            whole = parse_expression(source)
            if isinstance(whole, ast.Compare) and (section or words.polarity(prose.text) == "expected"):
                self.found.append(Expectation(kind=Kind.HOLDS, subject=source, setup=self._setup()))
                return
        assignments = [span for span in prose.spans if _is_assignment(span)]
        fresh = [s for _, s in subjects if s not in assignments and (wanted is None or s != wanted.value)]
        if fresh:
            subject = _Subject(source=fresh[0], setup=(*self._setup(), *assignments))
            if not any(known.source == subject.source for known in self.open):
                self.open.append(subject)
            else:
                subject = next(known for known in self.open if known.source == subject.source)
                self.open.remove(subject)
                self.open.append(subject)
        if wanted is not None:
            self.want(wanted)

    def want(self, wanted: Wanted) -> None:
        """Give the nearest open subject before it what it should have been; else keep it for the next."""
        if self.open:
            self.close(self.open.pop(), wanted)
        elif not self.found or not wanted.runs:
            self.orphans.append(wanted)

    def close(self, subject: _Subject, wanted: Wanted) -> None:
        # What was shown for it without a word is thereby the actual result, not the expected one.
        self.found = [e for e in self.found if (e.subject, e.setup) != (subject.source, subject.setup)]
        kind, expected = Kind.EQUAL, wanted.value
        if wanted.exception:
            kind, expected = Kind.RAISES, wanted.exception
        elif wanted.runs:
            kind = Kind.RUNS
        elif wanted.not_value:
            kind, expected = Kind.DIFFERS, wanted.not_value
        elif subject.is_print:
            exact = literal(wanted.value)
            kind = Kind.TEXT
            expected = (
                str(ast.literal_eval(exact)) if exact not in (None, "set()") and exact is not None else wanted.value
            )
        elif wanted.raw:
            kind = Kind.EQUAL
        self.found.append(Expectation(kind=kind, subject=subject.source, expected=expected, setup=subject.setup))

    # --- code blocks

    def code(self, block: Code) -> None:
        self.blocks += 1
        tone = words.polarity(block.lead) or words.polarity(block.heading)
        is_session = ">>> " in block.text or re.search(r"^In \[\d+\]:", block.text, re.MULTILINE) is not None
        if is_session:
            self.entries(code.session(block.text), tone)
        elif code.is_traceback(block.text):
            self.traceback(block.text, tone)
        elif tone == "expected" and self._values(block.text):
            return
        elif block.language in ("", "python", "py", "python3", "pycon"):
            self.entries(code.script(block.text), tone)

    def entries(self, entries: list[Entry], tone: str) -> None:
        setup = self._continued(entries)
        for entry in entries:
            if _is_import(entry.source):
                self.imports.append(entry.source)
            elif entry.source.startswith("assert"):
                self._assertion(entry, setup)
            elif entry.is_expression and (entry.shown or entry.error or entry.comment or entry is entries[-1]):
                self._result(entry, setup, tone)
                if entry.source not in self.setup:  # asked again in a session that goes on: a question, not a step
                    setup.append(entry.source)
            elif entry.error:
                subject = _Subject(source=entry.source, setup=(*self.imports, *setup), error=entry.error)
                self._errored(subject, tone, entry.comment)
            else:
                setup.append(entry.source)
        self.setup = setup

    def _continued(self, entries: list[Entry]) -> list[str]:
        """The last block's statements, where this block speaks of names that only they define: one session goes on."""
        statements = [statement for entry in entries for statement in parse_statements(entry.source) or ()]
        free = read_names(statements) - defined_names(statements)
        earlier = [statement for source in self.setup for statement in parse_statements(source) or ()]
        asked = {entry.source for entry in entries}
        return [source for source in self.setup if source not in asked] if free & defined_names(earlier) else []

    def _assertion(self, entry: Entry, setup: list[str]) -> None:
        statements = parse_statements(entry.source)
        if statements and isinstance(statements[0], ast.Assert):
            test = ast.get_source_segment(entry.source, statements[0].test) or ast.unparse(statements[0].test)
            self.found.append(Expectation(kind=Kind.HOLDS, subject=test, setup=(*self.imports, *setup)))

    def _result(self, entry: Entry, setup: list[str], tone: str) -> None:
        inner = _printed(entry.source)
        subject = _Subject(
            source=inner or entry.source, setup=(*self.imports, *setup), error=entry.error, block=self.blocks,
            is_print=inner is not None,
        )  # fmt: skip
        stated = words.comment_wanted(entry.comment) if entry.comment else None
        if stated is not None:
            self.close(subject, stated)
        elif entry.error:
            self._errored(subject, tone, entry.comment)
        elif entry.comment and words.polarity(entry.comment) != "actual" and words.comment_value(entry.comment):
            self._shown(subject, words.comment_value(entry.comment) or "", tone)
        elif entry.shown:
            self._shown(subject, entry.shown, tone)
        elif _calls(subject.source):
            self._open(subject)

    def _shown(self, subject: _Subject, shown: str, tone: str) -> None:
        """A result that the block shows: expected, actual (then wanted is still to come), or open."""
        if tone != "actual":
            exact = None if subject.is_print else literal(shown)
            kind = Kind.TEXT if subject.is_print else Kind.EQUAL if exact is not None else Kind.REPR
            expected = exact if exact is not None else shown
            self.found.append(Expectation(kind=kind, subject=subject.source, expected=expected, setup=subject.setup))
        if tone == "expected":  # said: whatever was shown for it before was what happens
            self.open = [known for known in self.open if known.source != subject.source]
        else:
            self._open(subject)

    def _errored(self, subject: _Subject, tone: str, comment: str) -> None:
        if tone == "expected" and not comment:
            self.close(subject, Wanted(exception=subject.error))
        else:
            self._open(subject)

    def _open(self, subject: _Subject) -> None:
        if self.orphans:
            self.close(subject, self.orphans.pop(0))
        else:
            self.open.append(subject)

    def traceback(self, text: str, tone: str) -> None:
        """A traceback in a block of its own tells what became of the last subject."""
        error = code.raised(text)
        if not self.open or not error:
            return
        if tone == "expected":
            self.close(self.open.pop(), Wanted(exception=error))
        else:
            self.open[-1].error = error

    def _values(self, text: str) -> bool:
        """A block of values under an `expected` heading: for as many open subjects as it has lines, or for the last."""
        lines = [line for line in text.split("\n") if line.strip()]
        last = [subject for subject in self.open if subject.block == self.open[-1].block] if self.open else []
        if (
            len(lines) > 1
            and len(lines) == len(last)
            and all(_is_value(line, s) for line, s in zip(lines, last, strict=True))
        ):
            for subject, line in zip(last, lines, strict=True):
                self.open.remove(subject)
                self.close(subject, Wanted(value=literal(line) or line, raw=literal(line) is None))
            return True
        if literal(text) is None and not (last and last[-1].is_print):
            return False
        self.want(Wanted(value=literal(text) or text))
        return True

    def _setup(self) -> tuple[str, ...]:
        return (*self.imports, *self.setup)

    def finish(self) -> list[Expectation]:
        """What raised, with nothing said of what should come instead, should at least run."""
        for subject in list(self.open):
            if self.orphans:
                self.open.remove(subject)
                self.close(subject, self.orphans.pop(0))
        stated = {expectation.subject for expectation in self.found}
        for subject in self.open:
            if subject.error and subject.source not in stated:
                self.found.append(Expectation(kind=Kind.RUNS, subject=subject.source, setup=subject.setup))
        return self.found


def _is_value(line: str, subject: _Subject) -> bool:
    return subject.is_print or literal(line) is not None


def _is_import(source: str) -> bool:
    return source.startswith(("import ", "from "))


def _is_assignment(source: str) -> bool:
    statements = parse_statements(source)
    return statements is not None and len(statements) == 1 and isinstance(statements[0], ast.Assign)


def _calls(source: str) -> bool:
    tree = parse_expression(source)
    return tree is not None and any(isinstance(node, (ast.Call, ast.Subscript)) for node in ast.walk(tree))


def _printed(source: str) -> str | None:
    """`print(e)` -> `e`, for one plain argument."""
    tree = parse_expression(source)
    match tree:
        case ast.Call(func=ast.Name(id="print"), args=[ast.expr() as only], keywords=[]) if not isinstance(
            only, ast.Starred
        ):
            return ast.get_source_segment(source.strip(), only) or ast.unparse(only)
        case _:
            return None
