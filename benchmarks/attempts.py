"""Attempts beside mini-swe-agent's: the same recorded run, the same image, the same endpoint, in one run.

    python benchmarks/attempts.py [--attempts 50] [--rounds 5] [--latency 0.2] [--peer DIR] [--json]

1. A step's overhead. One attempt at a time on each side, in turns, against an endpoint that takes a fifth of a
   second for an answer, which it streams to who asks for that. What is counted is the time from an answer's end to the
   arrival of the next request, seen from the endpoint: all that an agent does in between, and no time of a model. Ours
   keeps its book of calls meanwhile, as a worker's does. Of
   that, the commands' own time is taken off, which is the same on both sides: that of the same commands in such a
   container without an agent, each in a shell of its own, in the same rhythm (the same pause before each: a machine
   that has slept is slower) and in the same rounds. The ratio of the rounds' medians is to be at least 20. Beside it,
   for who wants it stricter, stands the ratio without the least that the commands could take, in a running shell.
2. Tokens sent. All requests of a run as they came, messages and tools, counted with one tokenizer (cl100k). Ours are
   to be at most as many.
3. Memory for each attempt, while all of them work: PSS of the agent's process with all its children, and of all
   processes of its containers (with the engine's own for each). Engines of other kinds: no figure.
4. All attempts at once, against an endpoint that takes a second: the time until the last one ends, as a ratio to the
   ideal (its answers x 1 s). Containers are started before.

mini-swe-agent (pinned, from the package index, with litellm) runs as its batch runs do, with its own configuration for
repositories. The exit code is 1 where 1 or 2 does not hold. Needs Docker, its command line client, and minutes. A busy
machine shows in every figure; its load is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from peer.memory import used
from peer.recorded import COMMANDS

from bot import wiring
from config import settings
from sandbox.engine import Engine
from sandbox.layout import TREE, WORK
from sandbox.types import Limits

PEER = "mini-swe-agent==2.4.6"
PEER_NEEDS = ("pydantic", "python-dotenv", "platformdirs", "rich", "jinja2", "pyyaml", "tenacity", "litellm==1.110.2")
REQUIRED = 20.0
LATENCY = 0.2
"""Seconds of an answer where one attempt works at a time: little for a model, enough for what is done meanwhile."""
STEPS = len(COMMANDS)
HERE = Path(__file__).parent / "peer"
OURS, THEIRS = "ours", "theirs"
_COUNT = """
import importlib.util, json, os, sys
from pathlib import Path
home = Path(importlib.util.find_spec("litellm").submodule_search_locations[0])
os.environ["TIKTOKEN_CACHE_DIR"] = str(home / "litellm_core_utils" / "tokenizers")  # it brings the vocabulary
import tiktoken
encoding = tiktoken.get_encoding("cl100k_base")
counts = []
for body in json.load(sys.stdin):
    text = json.dumps({"messages": body["messages"], "tools": body.get("tools", [])}, ensure_ascii=False)
    counts.append(len(encoding.encode(text, disallowed_special=())))
print(json.dumps(counts))
"""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What some attempts of one side came to."""

    gaps: tuple[float, ...]
    """Seconds between an answer and the next request, of all steps of all attempts."""
    wall: float
    started: float
    """Seconds until all containers were there."""
    tokens: tuple[int, ...] = field(default=(), repr=False)
    """Of the first attempt's requests, in order."""
    host_mib: float = 0.0
    containers_mib: float = 0.0

    @property
    def step(self) -> float:
        """Seconds of a step: the attempts' mean, since the commands differ."""
        return statistics.fmean(self.gaps)


@dataclass(frozen=True, kw_only=True)
class Peer:
    """mini-swe-agent's own Python."""

    python: str
    home: str

    @property
    def env(self) -> dict[str, str]:
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {"PATH": path, "HOME": self.home, "MSWEA_SILENT_STARTUP": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}

    def count(self, bodies: list[dict[str, Any]]) -> tuple[int, ...]:
        command = [self.python, "-c", _COUNT]
        done = subprocess.run(
            command, input=json.dumps(bodies), stdout=subprocess.PIPE, text=True, env=self.env, check=True
        )
        return tuple(json.loads(done.stdout.strip().splitlines()[-1]))


@contextlib.contextmanager
def installed(home: Path | None) -> Iterator[Peer]:
    """An environment that has it: `home`, or a new one."""
    if home is not None:
        yield Peer(python=str(home / "bin" / "python"), home=str(home))
        return
    with tempfile.TemporaryDirectory(prefix="redgreen-benchmark-") as directory:
        venv.create(directory, with_pip=True)
        python = f"{directory}/bin/python"
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *PEER_NEEDS], check=True)
        subprocess.run([*pip, "--no-deps", PEER], check=True)
        yield Peer(python=python, home=directory)


@contextlib.contextmanager
def endpoint(latency: float) -> Iterator[str]:
    command = [sys.executable, str(HERE / "stub.py"), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


@dataclass(frozen=True, kw_only=True)
class Stage:
    image: str
    tree: Path
    peer: Peer

    def command(self, side: str, address: str, attempts: int) -> tuple[list[str], dict[str, str]]:
        words = [str(HERE / f"{side}.py"), self.image, address, str(attempts), str(self.tree)]
        if side == OURS:
            return [sys.executable, *words], dict(os.environ)
        return [self.peer.python, *words], self.peer.env

    def batch(self, side: str, *, attempts: int, latency: float, watched: bool = False) -> Batch:
        """Run some attempts of one side at once. Exits where one did not end as it was recorded."""
        with endpoint(latency) as address:
            command, env = self.command(side, address, attempts)
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "errors": "replace"}
            with subprocess.Popen(command, **pipes, text=True, env=env) as process:
                containers = _answer(process)
                if not isinstance(containers, list):
                    sys.exit(f"{side} did not start")
                with watching(process.pid, containers if watched else []) as most:
                    _go_on(process)
                    results = _answer(process)
                _go_on(process)
            for one in results["results"]:
                if one["ending"].lower() != "submitted" or one["steps"] != STEPS + 1:
                    sys.exit(f"{side}: not as it was recorded: {one}")
            log = fetched(f"{address}/log")
            gaps = [one[n + 1][0] - one[n][1] for one in log.values() for n in range(len(one) - 1)]
            tokens = self.peer.count(fetched(f"{address}/bodies/{side}-0"))
        step = statistics.fmean(gaps) * 1000
        told = f"{side}: {attempts} at once, {latency:g} s: {results['wall']:.1f} s, a step {step:.1f} ms"
        print(f"{told}, started in {results['started']:.1f} s, memory {most}, load {load()}", file=sys.stderr)
        return Batch(
            gaps=tuple(gaps),
            wall=results["wall"],
            started=results["started"],
            tokens=tokens,
            host_mib=most[0],
            containers_mib=most[1],
        )


def _answer(process: subprocess.Popen[str]) -> Any:
    """The next line that is JSON: litellm prints others."""
    assert process.stdout is not None
    for line in process.stdout:
        with contextlib.suppress(ValueError):
            return json.loads(line)
    return None


def _go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@contextlib.contextmanager
def watching(pid: int, containers: list[str]) -> Iterator[list[float]]:
    """The most memory (host, containers; MiB) that is seen in the block; nothing without containers."""
    most = [0.0, 0.0]
    done = threading.Event()

    def watch() -> None:
        while containers and not done.wait(4):
            seen = used(pid, containers)
            if sum(seen) > sum(most):
                most[:] = seen

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


@contextlib.contextmanager
def without_agent(engine: Engine, image: str, tree: Path) -> Iterator[Callable[[float], dict[str, float]]]:
    """What runs the commands once without an agent, given the pause before each: see `peer/alone.py`."""
    with engine.container(engine.image(image), Limits()) as container:
        paths = [path for path in tree.rglob("*") if path.is_file()]
        container.put_files({f"{TREE}/{path.relative_to(tree)}": path.read_bytes() for path in paths})
        program, commands = f"{WORK}/alone.py", f"{WORK}/commands.json"
        container.put_files({commands: json.dumps(COMMANDS).encode(), program: (HERE / "alone.py").read_bytes()})

        def once(pause: float) -> dict[str, float]:
            done = container.run(["python3", program, commands, str(pause)], timeout=300)
            taken: dict[str, float] = json.loads(done.output.strip().splitlines()[-1])
            told = ", ".join(f"{how} {seconds * 1000:.1f} ms" for how, seconds in taken.items())
            print(f"no agent: {told}, load {load()}", file=sys.stderr)
            return taken

        yield once


@contextlib.contextmanager
def repository() -> Iterator[Path]:
    """The demo's sample, as a git repository of one commit."""
    sample = resources.files("bot.localhub").joinpath("sample").joinpath("repository")
    with tempfile.TemporaryDirectory(prefix="redgreen-benchmark-") as directory, resources.as_file(sample) as source:
        subprocess.run(["cp", "-r", f"{source}/.", directory], check=True)
        named = ["-c", "user.name=B", "-c", "user.email=b@b"]
        for words in (["init", "-q"], ["add", "-A"], [*named, "commit", "-qm", "Start"]):
            subprocess.run(["git", "-C", directory, *words], check=True)
        yield Path(directory)


def load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


def ratio(step: dict[str, float], own: float) -> float | None:
    """None where our step took no longer than its command does by itself: there is no overhead to speak of."""
    return (step[THEIRS] - own) / (step[OURS] - own) if step[OURS] > own else None


def measure(stage: Stage, engine: Engine, rounds: int, attempts: int, latency: float) -> dict[str, Any]:
    before = load()
    alone: dict[str, list[Batch]] = {OURS: [], THEIRS: []}
    bare: list[dict[str, float]] = []
    with without_agent(engine, stage.image, stage.tree) as commands:
        for _ in range(rounds):
            for side, batches in alone.items():
                batches.append(stage.batch(side, attempts=1, latency=latency))
            bare.append(commands(latency))
    own, least = (statistics.median(taken[how] for taken in bare) for how in ("shell", "running"))
    step = {side: statistics.median(batch.step for batch in batches) for side, batches in alone.items()}
    tokens = {side: batches[0].tokens for side, batches in alone.items()}
    between = load()
    many = {side: stage.batch(side, attempts=attempts, latency=1.0, watched=True) for side in alone} if attempts else {}
    return {
        "peer": PEER,
        "load": {"before": before, "between": between, "after": load()},
        "steps": STEPS + 1,
        "step_ms": {side: round(value * 1000, 2) for side, value in step.items()},
        "own_ms": round(own * 1000, 2),
        "least_ms": round(least * 1000, 2),
        "overhead_ratio": ratio(step, own),
        "strict_ratio": ratio(step, least),
        "step_ratio": step[THEIRS] / step[OURS],
        "required_ratio": REQUIRED,
        "tokens": {side: sum(counts) for side, counts in tokens.items()},
        "first_request_tokens": {side: counts[0] for side, counts in tokens.items()},
        "at_once": {
            side: {
                "attempts": attempts,
                "wall": round(batch.wall, 2),
                "to_ideal": round(batch.wall / (STEPS + 1), 3),
                "containers_started": round(batch.started, 2),
                "host_mib_each": round(batch.host_mib / attempts, 2),
                "containers_mib_each": round(batch.containers_mib / attempts, 2),
            }
            for side, batch in many.items()
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds of an answer in part 1")
    parser.add_argument("--peer", type=Path, help="an environment that has mini-swe-agent and litellm already")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    engine = wiring.engine(settings.load())
    image = engine.ensure_base(lambda line: print(line, file=sys.stderr))
    with repository() as tree, installed(arguments.peer) as peer:
        found = measure(
            Stage(image=image, tree=tree, peer=peer), engine, arguments.rounds, arguments.attempts, arguments.latency
        )
    overhead, tokens = found["overhead_ratio"], found["tokens"]
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if (overhead is None or overhead >= REQUIRED) and tokens[OURS] <= tokens[THEIRS] else 1


def show(found: dict[str, Any]) -> None:
    loads, step, tokens = found["load"], found["step_ms"], found["tokens"]
    first = found["first_request_tokens"]
    print(f"load {loads['before']} before, {loads['between']} between, {loads['after']} after")
    print(f"{'':52} {'redgreen':>10} {PEER:>22} {'ratio':>8}")
    print(f"{'a step, ms':52} {step[OURS]:10.1f} {step[THEIRS]:22.1f} {found['step_ratio']:7.1f}x")
    for words, own, times in (
        ("the commands' own", found["own_ms"], found["overhead_ratio"]),
        ("their least, in a running shell,", found["least_ms"], found["strict_ratio"]),
    ):
        told = "-" if times is None else f"{times:.1f}x"
        print(f"{f'  without {words} {own} ms':52} {step[OURS] - own:10.1f} {step[THEIRS] - own:22.1f} {told:>8}")
    print(f"{'tokens sent in a run':52} {tokens[OURS]:10,} {tokens[THEIRS]:22,}")
    print(f"{'  in its first request':52} {first[OURS]:10,} {first[THEIRS]:22,}")
    if found["at_once"]:
        one, other = found["at_once"][OURS], found["at_once"][THEIRS]
        print(f"{one['attempts']} attempts at once, an endpoint that takes 1 s:")
        for key in ("wall", "to_ideal", "containers_started", "host_mib_each", "containers_mib_each"):
            print(f"{'  ' + key:52} {one[key]:10.2f} {other[key]:22.2f}")


if __name__ == "__main__":
    sys.exit(main())
