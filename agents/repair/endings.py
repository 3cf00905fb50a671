"""Line ends of a file: searched without carriage returns, written back with those that it had. Pure."""

from __future__ import annotations


def plain(raw: str) -> str | None:
    """The text with line feeds only; None where a carriage return is no part of a line end."""
    text = raw.replace("\r\n", "\n")
    return None if "\r" in text else text


def restored(raw: str, text: str) -> str:
    """A changed text with the line ends of `raw`: unchanged lines keep theirs, others get what most lines have."""
    if "\r" not in raw:
        return text
    old, new = raw.split("\n"), text.split("\n")
    bare = [line.removesuffix("\r") for line in old]
    first = _common(bare, new)
    last = _common(bare[first:][::-1], new[first:][::-1])
    end = "\r" if raw.count("\r\n") * 2 >= raw.count("\n") else ""
    changed = [line + end for line in new[first : len(new) - last]]
    if changed and not last:  # the text's own end, after the last line feed
        changed[-1] = changed[-1].removesuffix("\r")
    return "\n".join([*old[:first], *changed, *old[len(old) - last :]])


def _common(old: list[str], new: list[str]) -> int:
    count = 0
    while count < min(len(old), len(new)) and old[count] == new[count]:
        count += 1
    return count
