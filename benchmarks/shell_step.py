"""A step of an agent: the warm shell beside `docker exec` as mini-swe-agent's Docker environment does it.

The criterion: a step is the command line `true`, because it has no work of its own, through each side's public call
(`Container.run`, `DockerEnvironment.execute`), timed from the call to its result. Both work in containers of the same
image on the same engine, in turns, in one run. The ratio of the medians is to be at least 50, else the exit code is 1.
The first rounds are not counted.

    python benchmarks/shell_step.py [--rounds 25] [--json]

The other rows are for orientation, and their ratios are lower: they hold the commands' own work, which is the same on
both sides. All results must be equal. A busy machine shows in every row.

mini-swe-agent (pinned, from the package index) is installed into a temporary environment of its own and runs in a
process of its own, so its interpreter's start is not counted. Needs Docker and its command line client.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from config import settings
from sandbox.engine import Engine, EngineConfig
from sandbox.types import Limits

PEER = "mini-swe-agent==2.4.6"
PEER_NEEDS = ("pydantic", "python-dotenv", "platformdirs", "rich")
"""What its Docker environment imports; its other dependencies (model clients) are not used here."""
REQUIRED = 50.0
WARM_UP = 3
PAUSE = 0.15
"""Seconds before each step, on both sides: an engine cleans up after an `exec` has returned, and a model thinks."""
COMMANDS = (
    "true",
    "ls -la /usr/lib/python3",
    "sed -n 1,15p /etc/passwd; grep -c . /etc/group",
    "cd /etc && cat debian_version | tr a-z A-Z",
)

PEER_SOURCE = """
import json, logging, sys, time
logging.disable(logging.CRITICAL)
from minisweagent.environments.docker import DockerEnvironment
environment = DockerEnvironment(image=sys.argv[1])
print("ready", flush=True)
try:
    for line in sys.stdin:
        started = time.perf_counter()
        result = environment.execute({"command": json.loads(line)})
        seconds = time.perf_counter() - started
        print(json.dumps([seconds, result["returncode"], result["output"]]), flush=True)
finally:
    environment.cleanup()
"""

Step = Callable[[str], tuple[float, int, str]]
"""A command line -> (seconds, exit code, output)."""


@dataclass(frozen=True, kw_only=True)
class Row:
    command: str
    steps: int
    redgreen_ms: float
    peer_ms: float
    ratio: float


@contextlib.contextmanager
def peer(image: str) -> Iterator[Step]:
    with tempfile.TemporaryDirectory(prefix="redgreen-benchmark-") as directory:
        venv.create(directory, with_pip=True)
        python = f"{directory}/bin/python"
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *PEER_NEEDS], check=True)
        subprocess.run([*pip, "--no-deps", PEER], check=True)
        command = [python, "-c", PEER_SOURCE, image]
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": directory}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            while (line := process.stdout.readline()) != "ready\n":
                if not line:
                    sys.exit("mini-swe-agent's Docker environment did not start")
            yield lambda text: _ask(process, text)
            process.stdin.close()


def _ask(process: subprocess.Popen[str], command: str) -> tuple[float, int, str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(command) + "\n")
    process.stdin.flush()
    seconds, code, output = json.loads(process.stdout.readline())
    return float(seconds), int(code), str(output)


@contextlib.contextmanager
def warm_shell(engine: Engine, reference: str) -> Iterator[Step]:
    with engine.container(engine.image(reference), Limits()) as container:

        def step(command: str) -> tuple[float, int, str]:
            started = time.perf_counter()
            result = container.run(command, timeout=30)
            return time.perf_counter() - started, result.exit_code, result.output

        yield step


def measure(ours: Step, theirs: Step, rounds: int) -> list[Row]:
    """A row for each command. Exits where the two do not give the same result."""
    seconds: dict[str, tuple[list[float], list[float]]] = {command: ([], []) for command in COMMANDS}
    for number in range(rounds + WARM_UP):
        for command in COMMANDS:
            time.sleep(PAUSE)
            one = ours(command)
            time.sleep(PAUSE)
            other = theirs(command)
            if one[1:] != other[1:]:
                sys.exit(f"{command!r}: the results differ: {one[1:]!r} and {other[1:]!r}")
            if number >= WARM_UP:
                seconds[command][0].append(one[0])
                seconds[command][1].append(other[0])
    return [row(command, *pair) for command, pair in seconds.items()]


def row(command: str, ours: list[float], theirs: list[float]) -> Row:
    one, other = statistics.median(ours) * 1000, statistics.median(theirs) * 1000
    return Row(command=command, steps=len(ours), redgreen_ms=one, peer_ms=other, ratio=other / one)


def connect() -> Engine:
    box = settings.load().sandbox
    config = EngineConfig(docker_host=box.docker_host, base_image=box.base_image, cache_dir=box.cache_dir)
    return Engine.connect(config)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    engine = connect()
    reference = engine.ensure_base(lambda line: print(line, file=sys.stderr))
    with warm_shell(engine, reference) as ours, peer(reference) as theirs:
        rows = measure(ours, theirs, arguments.rounds)
    if arguments.json:
        steps = [asdict(each) for each in rows]
        answer = {"peer": PEER, "required_ratio": REQUIRED, "ratio": rows[0].ratio, "steps": steps}
        print(json.dumps(answer, indent=2))
    else:
        print(f"{'median of a step':54} {'redgreen':>10} {PEER:>22} {'ratio':>8}")
        for each in rows:
            print(f"{each.command:54} {each.redgreen_ms:7.2f} ms {each.peer_ms:19.1f} ms {each.ratio:7.0f}x")
    return 0 if rows[0].ratio >= REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
