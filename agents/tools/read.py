"""read: a file's lines with their numbers."""

from __future__ import annotations

from pydantic import Field

from agents.tools.paths import missing, relative
from agents.tools.tool import Arguments, Bench, FormedTool, Observation, bounded

MOST_LINES = 400
MOST_LINE = 500
"""Characters of one line."""


class ReadArguments(Arguments):
    path: str = Field(min_length=1, max_length=1000)
    first_line: int = Field(default=1, ge=1)
    last_line: int | None = Field(default=None, ge=1)


def read(asked: ReadArguments, bench: Bench) -> Observation:
    path = relative(asked.path)
    try:
        data = bench.environment.read(path)
    except FileNotFoundError:
        return Observation(text=missing(path, bench.environment.base.paths()), is_error=True)
    except IsADirectoryError:
        listing = bench.environment.run(["ls", "-1Ap", "--", path], timeout=bench.timeout(10))
        return Observation(text=f"{path} is a directory:\n{bounded(listing.output)}")
    except (ValueError, OSError) as error:
        return Observation(text=f"{path} cannot be read: {bounded(str(error), 300)}", is_error=True)
    if b"\0" in data[:8192]:
        return Observation(text=f"{path} is binary ({len(data):,} bytes).", is_error=True)
    return _shown(path, data.decode("utf-8", "replace").splitlines(), asked)


def numbered(lines: list[str], first: int) -> str:
    """Lines with their numbers, over-long ones cut."""
    cut = (line if len(line) <= MOST_LINE else f"{line[:MOST_LINE]} [... line cut]" for line in lines)
    return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(cut, first))


def _shown(path: str, lines: list[str], asked: ReadArguments) -> Observation:
    if not lines:
        return Observation(text=f"{path} is empty.")
    if asked.first_line > len(lines):
        return Observation(text=f"{path} has only {len(lines)} lines.", is_error=True)
    last = min(asked.last_line or len(lines), len(lines), asked.first_line + MOST_LINES - 1)
    if last < asked.first_line:
        return Observation(text="last_line must not be before first_line.", is_error=True)
    text = numbered(lines[asked.first_line - 1 : last], asked.first_line)
    head = f"{path}, lines {asked.first_line} to {last} of {len(lines)}:"
    return Observation(text=bounded(f"{head}\n{text}", 40_000))


READ = FormedTool(
    name="read",
    description="Show a file's lines (numbered; by default 400 from the first), or list a directory.",
    form=ReadArguments,
    do=read,
)
