"""The README's picture: what `redgreen demo` prints, as an SVG of a terminal.

    python scripts/capture_demo.py                     run the demo and render the main parts of it
    python scripts/capture_demo.py OUTPUT.txt          render what was printed already (text with ANSI colours)
    ... --lines FIRST:LAST                             these lines instead (from 1; either may be left out; `:` is all)
    ... --to FILE.svg                                  default: docs/images/demo.svg

The demo runs with a terminal of its own, so that it prints what a person would see.
"""

from __future__ import annotations

import argparse
import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "demo.svg"
WIDTH = 110
COMMAND = "make demo"

NORMAL = ["30363d", "f85149", "3fb950", "d29922", "58a6ff", "bc8cff", "39c5cf", "b1bac4"]
BRIGHT = ["6e7681", "ff7b72", "56d364", "e3b341", "79c0ff", "d2a8ff", "56d4dd", "f0f6fc"]


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


THEME = TerminalTheme(_rgb("161b22"), _rgb("d6dde4"), [_rgb(c) for c in NORMAL], [_rgb(c) for c in BRIGHT])

_WEB_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""A picture asks no other server for anything."""

_CURSOR = re.compile(r"\x1b\[[0-9;?]*[A-LN-Za-ln-z]|\x1b\][^\x07]*\x07")
"""Control sequences other than colours (`m`)."""


def run_demo() -> str:
    """What the demo prints to a terminal of WIDTH columns. Raises CalledProcessError when it fails."""
    controller, terminal = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "60"}
    command = [str(ROOT / ".venv" / "bin" / "redgreen"), "demo"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    printed = bytearray()
    while chunk := _read(controller):
        printed += chunk
    os.close(controller)
    if code := process.wait():
        sys.stderr.write(printed.decode(errors="replace"))
        raise subprocess.CalledProcessError(code, command)
    return printed.decode(errors="replace")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux's way of saying that the last writer of a terminal is gone
        return b""


def settled(text: str) -> list[str]:
    """The lines as they stand at the end: of a line that was rewritten, the last text; no cursor movements."""
    lines = (_CURSOR.sub("", line).rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return [line.rstrip() for line in lines]


def chosen(lines: list[str], span: str) -> list[str]:
    first, _, last = span.partition(":")
    return lines[int(first or 1) - 1 : int(last) if last else None]


STORY = (
    ("puts the label", "What was run"),
    ("─ The patch", "opens pull request"),
    ("the check run on it says", "What was run"),
)
"""What the picture shows of the whole, each part from a line that holds the one text to before one with the other."""
GAP = "   \x1b[2m...\x1b[0m"


def story(lines: list[str]) -> list[str]:
    """The parts that a first reader wants, with a mark where something is left out. All lines if one is missing."""
    found: list[str] = []
    at = 0
    for first, last in STORY:
        begin = next((i for i in range(at, len(lines)) if first in _plain(lines[i])), None)
        if begin is None:
            return lines
        at = next((i for i in range(begin, len(lines)) if last in _plain(lines[i])), len(lines))
        found += [*([GAP] if begin else []), *lines[begin:at]]
    return [*found, GAP]


def _plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def render(lines: list[str]) -> str:
    """SVG text; the same lines give the same bytes."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (COMMAND, "bold")))
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=False)
    picture = console.export_svg(title="redgreen", theme=THEME, unique_id="redgreen-demo")
    return _WEB_FONT.sub("", picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", nargs="?", type=Path)
    parser.add_argument("--lines", default="")
    parser.add_argument("--to", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    text = arguments.output.read_text(encoding="utf-8") if arguments.output else run_demo()
    every = settled(text.strip("\n"))
    lines = chosen(every, arguments.lines) if arguments.lines else story(every)
    arguments.to.parent.mkdir(parents=True, exist_ok=True)
    arguments.to.write_text(render(lines), encoding="utf-8")
    print(arguments.to)


if __name__ == "__main__":
    main()
