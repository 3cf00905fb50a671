"""shell: one command line in the tree."""

from __future__ import annotations

from pydantic import Field

from agents.tools.tool import Arguments, Bench, FormedTool, Observation, bounded


class ShellArguments(Arguments):
    command: str = Field(min_length=1)
    timeout: int = Field(default=120, ge=1, le=900)


def shell(asked: ShellArguments, bench: Bench) -> Observation:
    seconds = bench.timeout(asked.timeout)
    if "\0" in asked.command:
        return Observation(text="A command cannot hold a NUL character.", is_error=True)
    ran = bench.environment.run(asked.command, timeout=seconds)
    if ran.timed_out:
        head = f"The command was ended after {seconds:.0f} s, with all its children."
    else:
        head = f"Exit code {ran.exit_code}."
    output = bounded(ran.output).rstrip()
    return Observation(text=f"{head}\n{output}" if output else f"{head} No output.")


SHELL = FormedTool(
    name="shell",
    description="Run a POSIX shell command in the repository, in a fresh process, for at most `timeout` (120) seconds.",
    form=ShellArguments,
    do=shell,
)
