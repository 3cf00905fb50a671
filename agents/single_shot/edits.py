"""What a model wrote, as edits of files: search/replace blocks, whole functions, filled gaps, new tests. Pure.

A chat answers with blocks of these two forms, as many as it needs:

    FILE: src/area.py
    <<<<<<< SEARCH
        return width + height
    =======
        return width * height
    >>>>>>> REPLACE

    FILE: src/area.py
    FUNCTION: Shape.area
    ```python
    def area(self):
        return self.width * self.height
    ```

and where it only shows a function in a fenced block, that function is meant if exactly one shown has its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from agents.single_shot.repomap import Definition, definitions, mistakes
from agents.single_shot.sources import Sources

_FILE = re.compile(r"^\W{0,4}FILE:\W{0,3}(?P<path>[^\s`*]+)\W{0,3}$")
_FUNCTION = re.compile(r"^\W{0,4}FUNCTION:\W{0,3}(?P<name>[\w.$]+)\W{0,4}$")
_SEARCH = re.compile(r"^<{5,9} ?SEARCH\s*$")
_DIVIDE = re.compile(r"^={5,9}\s*$")
_REPLACE = re.compile(r"^>{5,9} ?REPLACE\s*$")
_FENCE = re.compile(r"^\s{0,3}(?P<fence>`{3,})(?P<word>[\w+.-]*)\s*$")


class EditRefused(ValueError):
    """The text is a sentence: why an answer is no edit of this tree."""


@dataclass(frozen=True, kw_only=True)
class Replace:
    path: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class WholeFunction:
    path: str
    """ "" where the answer names no file."""
    name: str
    text: str


Edit = Replace | WholeFunction


def parse(answer: str) -> tuple[Edit, ...]:
    """The edits of an answer, in order. Raises `EditRefused` where there is none, or one is not closed."""
    edits = list(_edits(answer.splitlines()))
    if not edits:
        raise EditRefused("The answer holds no edit.")
    return tuple(edits)


def apply(sources: Sources, edits: Sequence[Edit], *, shown: Sequence[Definition] = ()) -> dict[str, str]:
    """The changed files' new texts. Raises `EditRefused`.

    `shown`: the functions the model was shown; a whole function that names no file is looked for there first.
    """
    texts: dict[str, str] = {}
    for edit in edits:
        match edit:
            case Replace():
                path = _path(edit.path, sources, shown)
                texts[path] = replaced(texts.get(path, sources.files[path]), edit.old, edit.new)
            case WholeFunction():
                target = _target(edit, sources, shown)
                now = texts.get(target.path, sources.files[target.path])
                texts[target.path] = with_function(now, _same(definitions(target.path, now), target), edit.text)
            case _:
                assert_never(edit)
    return changed(sources.files, texts)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """The files that differ, and parse no worse than before. Raises `EditRefused`."""
    different = {path: text for path, text in after.items() if text != before[path]}
    if not different:
        raise EditRefused("The answer changes nothing.")
    for path, text in different.items():
        if mistakes(path, text) > mistakes(path, before[path]):
            raise EditRefused(f"{path} would not parse.")
    return different


def replaced(text: str, old: str, new: str) -> str:
    """`text` with the one place of `old` replaced: as it stands, else up to white space at line ends and one common
    indentation. Raises `EditRefused`."""
    if old.strip() and text.count(old) == 1:
        return text.replace(old, new)
    lines, wanted = text.splitlines(), old.strip("\n").splitlines()
    places = [at for at in range(len(lines) - len(wanted) + 1) if wanted and _alike(lines[at:], wanted)]
    if len(places) != 1:
        what = "nowhere" if not places else f"in {len(places)} places"
        raise EditRefused(f"The text to replace stands {what}.")
    first = next(line for line in range(len(wanted)) if wanted[line].strip())
    shift = _indent(lines[places[0] + first]), _indent(wanted[first])
    put = [_shifted(line, *shift) for line in new.strip("\n").splitlines()]
    result = [*lines[: places[0]], *put, *lines[places[0] + len(wanted) :]]
    return "\n".join(result) + ("\n" if text.endswith("\n") else "")


def with_function(text: str, function: Definition, new: str) -> str:
    """The text with a function written anew, at the indentation that it had; decorators stay where none are given."""
    lines = text.splitlines()
    put = new.strip("\n").splitlines()
    first = function.first
    if function.first < function.body and put and not put[0].lstrip().startswith("@"):
        while first < function.last and lines[first - 1].lstrip().startswith("@"):
            first += 1
    shift = _indent(lines[first - 1]), _indent(put[0]) if put else ""
    result = [*lines[: first - 1], *(_shifted(line, *shift) for line in put), *lines[function.last :]]
    return "\n".join(result) + ("\n" if text.endswith("\n") else "")


def with_lines(text: str, first: int, last: int, new: str) -> str:
    """The text with lines `first` to `last` (from 1) replaced."""
    lines = text.splitlines(keepends=True)
    put = new if not new or new.endswith("\n") else new + "\n"
    return "".join([*lines[: first - 1], put, *lines[last:]])


def cut_function(head: str, continuation: str, *, by_indent: bool, ended: bool) -> str:
    """A function that a base model went on writing, up to its end; "" where the end was not reached.

    `head`: what it was given to continue, whose first line has the function's indentation. `by_indent`: the language
    ends a block by indentation, else by the brace that stands there. `ended`: the model stopped of its own accord.
    """
    outer = len(_indent(head.splitlines()[0]))
    kept: list[str] = []
    lines = (head + continuation).splitlines()
    heads = len(head.splitlines())
    for at, line in enumerate(lines):
        inside = at < heads or not line.strip() or len(_indent(line)) > outer
        closing = at >= heads - 1 and len(_indent(line)) == outer and line.lstrip()[:1] in ("}", ")", "]")
        if closing or inside:
            kept.append(line)
            if closing and not by_indent and at > 0:
                return "\n".join(kept) + "\n"
            continue
        return _whole(kept) if by_indent else ""
    return _whole(kept) if by_indent and ended else ""


def fenced_blocks(answer: str) -> list[str]:
    """The texts of the closed fenced blocks of an answer."""
    return [text for text, _ in _blocks(answer.splitlines())]


def _whole(lines: Sequence[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


# --- reading -----------------------------------------------------------------------------------------------------


def _edits(lines: Sequence[str]) -> Iterator[Edit]:
    path = function = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        if found := _FILE.match(line):
            path, function = found["path"], ""
        elif found := _FUNCTION.match(line):
            function = found["name"]
        elif _SEARCH.match(line):
            edit, at = _replace(path, lines, at)
            yield edit
        elif (opening := _FENCE.match(line)) and (end := _closing(lines, at, opening["fence"])) is not None:
            inner = lines[at + 1 : end]
            if not any(_SEARCH.match(one) for one in inner):
                if name := function or _defined(inner, opening["word"]):
                    yield WholeFunction(path=path, name=name, text="\n".join(inner) + "\n")
                at, function = end, ""
        at += 1


def _replace(path: str, lines: Sequence[str], at: int) -> tuple[Replace, int]:
    middle = next((n for n in range(at + 1, len(lines)) if _DIVIDE.match(lines[n])), None)
    end = next((n for n in range(middle + 1, len(lines)) if _REPLACE.match(lines[n])), None) if middle else None
    if middle is None or end is None:
        raise EditRefused("A SEARCH block is not closed.")
    old, new = lines[at + 1 : middle], lines[middle + 1 : end]
    return Replace(path=path, old=_joined(old), new=_joined(new)), end


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _closing(lines: Sequence[str], at: int, fence: str) -> int | None:
    return next((n for n in range(at + 1, len(lines)) if lines[n].rstrip() == fence), None)


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        end = _closing(lines, at, opening["fence"]) if opening else None
        if opening and end is not None:
            yield _joined(lines[at + 1 : end]), opening["word"]
            at = end
        at += 1


_WORDS = {"python": "x.py", "py": "x.py", "javascript": "x.js", "js": "x.js", "typescript": "x.ts", "ts": "x.ts",
          "go": "x.go", "rust": "x.rs", "java": "x.java"}  # fmt: skip


def _defined(lines: Sequence[str], word: str) -> str:
    """The one function that a block of code defines at its top."""
    found = [one.name for one in definitions(_WORDS.get(word, "x.py"), _joined(lines)) if one.is_function]
    top = [name for name in found if not any(name.startswith(f"{other}.") for other in found)]
    return top[0] if len(top) == 1 else ""


# --- finding -----------------------------------------------------------------------------------------------------


def _path(path: str, sources: Sources, shown: Sequence[Definition]) -> str:
    if path in sources.files:
        return path
    same = [known for known in sources.files if path and known.endswith(f"/{path.removeprefix('./')}")]
    same += [path.removeprefix("./")] if path.removeprefix("./") in sources.files else []
    if not path:
        same = list(dict.fromkeys(one.path for one in shown))
    if len(same) != 1:
        raise EditRefused(f"There is no source file {path!r} to edit.")
    return same[0]


def _target(edit: WholeFunction, sources: Sources, shown: Sequence[Definition]) -> Definition:
    path = _path(edit.path, sources, shown) if edit.path else ""
    meant = [
        one
        for one in shown
        if path in ("", one.path) and edit.name.split(".")[-1] == one.short_name and one.name.endswith(edit.name)
    ]
    found = meant[0] if len(meant) == 1 else sources.function(path, edit.name)
    if found is None:
        raise EditRefused(f"There is no one function {edit.name!r} to write anew.")
    return found


def _same(found: Sequence[Definition], target: Definition) -> Definition:
    """The same function in a text that may have been edited before."""
    same = [one for one in found if one.name == target.name]
    if not same:
        raise EditRefused(f"{target.name} is gone after the edits before.")
    return min(same, key=lambda one: abs(one.first - target.first))


def _alike(lines: Sequence[str], wanted: Sequence[str]) -> bool:
    """The lines begin with the wanted ones, but for white space at their ends and one common indentation."""
    shifts = set()
    for line, other in zip(lines, wanted, strict=False):
        if line.strip() != other.strip():
            return False
        if other.strip():
            shifts.add(len(_indent(line)) - len(_indent(other)))
    return len(shifts) == 1


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _shifted(line: str, have: str, had: str) -> str:
    """A line moved from the indentation `had` to `have`."""
    return have + line[len(had) :] if line.startswith(had) and line.strip() else line
