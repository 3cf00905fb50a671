"""search: a regular expression over the tree, with ripgrep where the image has it, else grep."""

from __future__ import annotations

import re

from pydantic import Field

from agents.tools.paths import relative
from agents.tools.tool import Arguments, Bench, FormedTool, Observation, bounded

MOST_MATCHES = 100
_MATCH = re.compile(r"[^:]+:\d+:")
MOST_LINE = 300

# Arguments come as positional parameters, never as part of the script: they are the model's words.
# `-e` and `--` keep a pattern or a path that begins with a dash from being an option.
_SCRIPT = """\
pattern=$1 where=$2 files=$3 case=$4
if command -v rg >/dev/null 2>&1; then
  set -- --line-number --with-filename --no-heading --color=never --sort=path --hidden --glob='!.git'
  [ -n "$files" ] && set -- "$@" --glob="$files"
  [ -n "$case" ] && set -- "$@" --ignore-case
  exec rg "$@" -e "$pattern" -- "$where"
fi
set -- -rnHIE --exclude-dir=.git
[ -n "$files" ] && set -- "$@" --include="$files"
[ -n "$case" ] && set -- "$@" -i
exec grep "$@" -e "$pattern" -- "$where"
"""


class SearchArguments(Arguments):
    pattern: str = Field(min_length=1, max_length=1000)
    path: str = Field(default=".", max_length=1000)
    files: str = Field(default="", max_length=200)
    ignore_case: bool = False


def search(asked: SearchArguments, bench: Bench) -> Observation:
    where = relative(asked.path) or "."
    case = "yes" if asked.ignore_case else ""
    ran = bench.environment.run(
        ["sh", "-c", _SCRIPT, "search", asked.pattern, where, asked.files, case], timeout=bench.timeout(60)
    )
    if ran.timed_out:
        return Observation(text="The search took too long. Search in a smaller directory.", is_error=True)
    lines = [line for line in ran.output.splitlines() if line.strip()]
    if ran.exit_code == 1 and not lines:
        return Observation(text=f"Nothing in {where} matches {asked.pattern!r}.")
    if ran.exit_code > 1 and not any(_MATCH.match(line) for line in lines):
        return Observation(text=f"The search failed: {bounded(ran.output, 1000)}", is_error=True)
    return Observation(text=_shown(lines))


def _shown(lines: list[str]) -> str:
    cut = [line.removeprefix("./") for line in lines[:MOST_MATCHES]]
    cut = [line if len(line) <= MOST_LINE else f"{line[:MOST_LINE]} [... line cut]" for line in cut]
    if len(lines) > MOST_MATCHES:
        cut.append(f"[{len(lines) - MOST_MATCHES} more matching lines; search for something more specific]")
    return bounded("\n".join(cut))


SEARCH = FormedTool(
    name="search",
    description="Find the lines that match an extended regular expression, as path:line:text; `files` is a glob.",
    form=SearchArguments,
    do=search,
)
