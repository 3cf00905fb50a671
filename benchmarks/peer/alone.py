"""The recorded commands without any agent, for the container: `python3 alone.py COMMANDS.json SECONDS`.

What is left of a step when nobody does anything but wait as long as a model does and run the next command. Prints the
mean seconds of a command as JSON: `shell`, with a shell started for each; `running`, each in a subshell of one that
runs already, timed by that shell, the least that any agent could take.
"""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
import time

_TIMED = """sleep {pause}
began=$EPOCHREALTIME
( eval {command} ) >/dev/null 2>&1
echo $began $EPOCHREALTIME
"""


def shell(commands: list[str], pause: float) -> float:
    taken = []
    for command in commands:
        time.sleep(pause)
        began = time.perf_counter()
        subprocess.run(["bash", "-c", command], capture_output=True, check=False)
        taken.append(time.perf_counter() - began)
    return statistics.fmean(taken)


def running(commands: list[str], pause: float) -> float:
    script = "".join(_TIMED.format(pause=pause, command=shlex.quote(command)) for command in commands)
    said = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    times = [line.split() for line in said.splitlines()]
    return statistics.fmean(float(ended) - float(began) for began, ended in times)


def main() -> None:
    with open(sys.argv[1]) as file:
        commands = json.load(file)
    pause = float(sys.argv[2])
    print(json.dumps({"shell": shell(commands, pause), "running": running(commands, pause)}))


if __name__ == "__main__":
    main()
