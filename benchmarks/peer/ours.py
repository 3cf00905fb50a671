"""Our side as a program: `python ours.py IMAGE ADDRESS ATTEMPTS TREE`. As a worker has it: one process, one thread and
one container an attempt, the store in SQLite with a disk sync a step, the model through its SDK, every call set aside
before it is made and booked after it.

Prints its containers when all are ready, begins when a line comes, and prints its results as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agents import loop
from agents.models import build
from agents.terms import Terms
from agents.types import AttemptLimits, Task
from bot import wiring
from bot.money.budget import Limits as Money
from bot.money.purse import StorePurse
from bot.store import Account, Purpose, Store, StoreRecorder
from bot.types import JobId
from config import settings
from config.models import load
from sandbox.environment import AttemptEnvironment
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Limits

sys.path.insert(0, str(Path(__file__).parent.parent))

from peer.recorded import ISSUE_BODY, ISSUE_TITLE

PLAN = EnvironmentPlan(language="python", runner="pytest", base="redgreen-base")
TASK = Task(id="bench", repository="octo/slotbook", base_commit="0" * 40, title=ISSUE_TITLE, body=ISSUE_BODY)
ROW = """
[models.stub-{number}]
adapter = "openai"
endpoint = "{address}/ours-{number}/v1"
model_id = "stub"
key_variable = "SOME_KEY"
window = 400_000
output_limit = 8_000

[models.stub-{number}.price]
as_of = 2026-11-01
input = 0.1
output = 0.5
"""


def main() -> None:
    image, address, attempts, tree = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    engine = wiring.engine(settings.load())
    paths = [path for path in tree.rglob("*") if path.is_file() and ".git" not in path.relative_to(tree).parts]
    files: dict[str, bytes | None] = {str(path.relative_to(tree)): path.read_bytes() for path in paths}
    with tempfile.TemporaryDirectory(prefix="redgreen-benchmark-") as scratch, ExitStack() as opened:
        base = GitTree.of_files(create(Path(scratch) / "base.git"), files)
        store = Store.open(f"sqlite:///{scratch}/redgreen.db")
        opened.callback(store.close)
        began = time.monotonic()
        pool = opened.enter_context(ThreadPoolExecutor(max_workers=attempts))
        reference = engine.image(image)

        def prepared(_number: int) -> tuple[str, AttemptEnvironment]:
            container = opened.enter_context(engine.container(reference, Limits()))
            return container.id, AttemptEnvironment(container, PLAN, base)

        made = list(pool.map(prepared, range(attempts)))
        environments = [environment for _, environment in made]
        started = time.monotonic() - began
        print(json.dumps([container for container, _ in made]), flush=True)
        sys.stdin.readline()

        def attempt(number: int) -> dict[str, Any]:
            name = f"bench-{number}"
            store.attempts.begin(name, job_id=JobId(name), model="stub")
            row = load(ROW.format(number=number, address=address)).get(f"stub-{number}")
            account = Account(attempt=name, job=name, purpose=Purpose.FIX, repository_id=1, installation_id=1)
            model = build(row, SecretStr("sk-none"), Terms(purse=StorePurse(store.spend, Money(), account)))
            recorder = StoreRecorder(store.attempts, name, stopped=lambda: False)
            done = loop.solve(TASK, environments[number], model, AttemptLimits(seconds=3600), recorder)
            store.attempts.finish(name, done)
            return {"ending": str(done.ending), "steps": done.steps, "reason": done.reason}

        began = time.monotonic()
        results = list(pool.map(attempt, range(attempts)))
        print(json.dumps({"started": started, "wall": time.monotonic() - began, "results": results}), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
