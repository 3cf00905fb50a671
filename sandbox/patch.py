"""A diff of unknown origin, parsed and policed before anything applies it, and split by what each file is. Pure.

`parse` judges the text. What a patch really did is judged again on the trees, from git's own comparison of them
(`sandbox.tamper.reached`), so that a diff that two parsers read differently is refused as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from sandbox.errors import PatchRefused
from sandbox.parts import classify
from sandbox.types import FileChange, Patch


@dataclass(frozen=True, kw_only=True)
class PatchPolicy:
    max_bytes: int = 4 << 20
    max_files: int = 500
    modes: frozenset[str] = frozenset({"100644", "100755"})


_DEV_NULL = "/dev/null"
_MODE_LINE = re.compile(r"^(?:old mode|new mode|new file mode|deleted file mode|index [0-9a-f]+\.\.[0-9a-f]+) (\d+)$")
_GIT_FILES = frozenset({".gitattributes", ".gitmodules"})


def parse(diff: str, policy: PatchPolicy | None = None) -> Patch:
    """The patch behind a unified diff, git's format or plain. An empty diff is an empty patch.

    Raises `PatchRefused` with a sentence that names the file and the rule it breaks.
    """
    rules = policy or PatchPolicy()
    try:
        size = len(diff.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError as error:
        raise PatchRefused("the patch holds half of a character") from error
    if size > rules.max_bytes:
        raise PatchRefused(f"the patch has {size} bytes; the limit is {rules.max_bytes}")
    if "\0" in diff:
        raise PatchRefused("the patch holds a NUL character")
    if not diff.strip():
        return Patch(diff="", changes=())
    text = diff if diff.endswith("\n") else diff + "\n"
    try:
        files = PatchSet.from_string(text)
    except (UnidiffParseError, ValueError) as error:
        # ValueError: a line number of more digits than Python reads.
        raise PatchRefused(f"the patch is not a unified diff: {str(error).strip()[:200]}") from error
    if not files:
        raise PatchRefused("the patch is not a unified diff: no file header in it")
    if len(files) > rules.max_files:
        raise PatchRefused(f"the patch changes {len(files)} files; the limit is {rules.max_files}")
    changes = tuple(_change(file, rules) for file in files)
    seen: set[str] = set()
    for change in changes:
        if change.path in seen:
            raise PatchRefused(f"{change.path}: the patch changes it twice")
        seen.add(change.path)
    return Patch(diff=text, changes=changes)


def _change(file: PatchedFile, policy: PatchPolicy) -> FileChange:
    source, target = _name(file.source_file), _name(file.target_file)
    headers = [line.rstrip("\r\n") for line in file.patch_info or ()]
    for line in headers:
        if (moved := re.match(r"^(rename|copy) (from|to) (.*)$", line)) is not None:
            _refuse_path(_unquote(moved.group(3)))
    for path in {source, target} - {_DEV_NULL}:
        _refuse_path(path)
    path = source if target == _DEV_NULL else target
    if file.is_binary_file:
        raise PatchRefused(f"{path}: a binary change")
    for line in headers:
        mode = _MODE_LINE.match(line)
        if mode is not None and mode.group(1) not in policy.modes:
            raise PatchRefused(f"{path}: file mode {mode.group(1)} ({_kind(mode.group(1))}) is not allowed")
    copied = any(line.startswith("copy from ") for line in headers)
    moved_from = source if source not in (target, _DEV_NULL) and target != _DEV_NULL and not copied else None
    return FileChange(
        path=path,
        part=classify(path),
        is_new=source == _DEV_NULL or copied or bool(file.is_added_file),
        is_deleted=target == _DEV_NULL,
        renamed_from=moved_from,
        added_lines=file.added,
        removed_lines=file.removed,
    )


def _name(header: str) -> str:
    name = _unquote(header)
    return name if name == _DEV_NULL else re.sub(r"^[ab]/", "", name, count=1)


def _unquote(name: str) -> str:
    """Git's C-style quoting undone: `"a/caf\\303\\251.py"` is `a/café.py`."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    simple = {"n": b"\n", "t": b"\t", "r": b"\r", "a": b"\a", "b": b"\b", "f": b"\f", "v": b"\v"}

    def plain(match: re.Match[bytes]) -> bytes:
        code = match.group(1).decode("ascii")
        return bytes([int(code, 8) & 0xFF]) if code[0] in "01234567" else simple.get(code, code.encode("ascii"))

    inner = name[1:-1].encode("utf-8", "surrogateescape")
    return re.sub(rb"\\([0-7]{1,3}|[ -~])", plain, inner).decode("utf-8", "surrogateescape")


def _refuse_path(path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or re.match(r"^[A-Za-z]:", path):
        raise PatchRefused(f"{path!r}: not a path relative to the repository")
    if any(part in ("", ".", "..") for part in parts):
        raise PatchRefused(f"{path!r}: a path that leaves the repository or is not normal")
    if any(part.rstrip(". ").lower() in (".git", "git~1") for part in parts):
        raise PatchRefused(f"{path!r}: a path inside git's own directory")
    if parts[-1].lower() in _GIT_FILES:
        raise PatchRefused(f"{path!r}: git's own configuration files may not be changed")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise PatchRefused(f"{path!r}: a control character in a path")


def _kind(mode: str) -> str:
    return {"120000": "symbolic link", "160000": "submodule"}.get(mode, "neither 644 nor 755")
