"""repair on the Python programs of QuixBugs (Lin et al., 2017): what it fixes, and whether the fix is right.

Each of the 40 programs becomes a small repository: the faulty program and its own pytest tests. The attempt, the
sandbox and the verification are the product's. A program counts as *fixed* when every one of its tests is green in a
fresh container with the patch; as *correct* when it is fixed and answers as the corrected program does on generated
inputs that keep the program's preconditions and that the search never saw. Inputs on which the corrected program itself
raises or needs over two seconds are left out. The verdict of the proof stands beside that: a suite that never ends on
base, as with an endless loop, has no baseline, and its verdict is `Inconclusive`.

Nothing of QuixBugs is part of this repository. Get it first:

    git clone https://github.com/jkoppel/QuixBugs
    python benchmarks/quixbugs.py --quixbugs QuixBugs [--only NAME,...] [--seconds 120] [--json FILE] [--patches]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from agents.repair import solve
from agents.types import Attempt, AttemptLimits, Step, Task
from benchmarks.quix.inputs import MAKERS, cases
from benchmarks.verify_overhead import connect
from sandbox import buildpacks
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.layout import TMP
from sandbox.tree import GitTree, create
from sandbox.types import CommitSha, Limits, Proof, verdict_name
from sandbox.verify import VerifyRequest, verify

COMMIT = CommitSha("0" * 40)
SEED = "held out"
RUN_SECONDS = 60.0
_TRIED = re.compile(r"Tried (\d+) of \d+ candidates \((\d+) a second\)")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of one program."""

    program: str
    verdict: str
    fixed: bool
    correct: bool
    agreed: int
    """Inputs on which the patched program answers as the corrected one."""
    asked: int
    seconds: float
    """Of the attempt, from the issue to the patch."""
    candidates: int
    a_second: int
    change: str
    patch: str
    steps: list[str]
    """What the attempt noted, with the seconds of each."""


class Memory:
    """Steps in a list."""

    def __init__(self) -> None:
        self.stored: list[Step] = []

    def steps(self) -> list[Step]:
        return list(self.stored)

    def record(self, step: Step) -> None:
        self.stored.append(step)

    def stopped(self) -> bool:
        return False


def repository(top: Path, program: str) -> dict[str, bytes]:
    """The files that the program and its tests need."""
    wanted = [f"python_programs/{program}.py", f"python_testcases/test_{program}.py", "conftest.py"]
    tests = (top / wanted[1]).read_text()
    if "load_testdata" in tests:
        wanted += ["python_testcases/load_testdata.py", f"json_testcases/{program}.json"]
    if "from node import" in tests:
        wanted += ["python_testcases/node.py"]
    files = {name: (top / name).read_bytes() for name in wanted}
    return {**files, "requirements.txt": b"pytest\n"}


def attempted(engine: Engine, base: GitTree, program: str, seconds: float) -> tuple[Attempt, list[Step]]:
    plan = buildpacks.detect(base)
    assert plan is not None
    recorder = Memory()
    task = Task(id=program, repository="quixbugs/python", base_commit=COMMIT, title="Tests fail", body="")
    image = engine.ensure_image(plan, base, lambda _: None)
    with engine.container(image, Limits()) as container:
        environment = AttemptEnvironment(container, plan, base)
        return solve(task, environment, None, AttemptLimits(seconds=seconds), recorder), recorder.stored


def proved(engine: Engine, base: GitTree, diff: str, cache: Path) -> Proof:
    limits = Limits(seconds=RUN_SECONDS)  # a base that hangs is not waited for
    request = VerifyRequest(base_commit=COMMIT, base=base, patch=diff, limits=limits, budget_seconds=RUN_SECONDS)
    return verify(engine, request, cache=RunCache(cache), progress=lambda _: None)


def all_green(engine: Engine, base: GitTree, diff: str) -> bool:
    """Every test of the patched tree, in a fresh container: the suite itself, not what the proof selected of it."""
    plan = buildpacks.detect(base)
    assert plan is not None
    with engine.container(engine.ensure_image(plan, base, lambda _: None), Limits()) as container:
        environment = AttemptEnvironment(container, plan, base.apply(diff))
        report = environment.run_tests(timeout=120.0)
    return report.complete and bool(report.green) and not report.red and not report.collection_errors


def compared(engine: Engine, base: GitTree, diff: str, right: bytes, program: str, count: int) -> tuple[int, int]:
    """(agreed, asked) of the patched program against the corrected one, in the sandbox."""
    plan = buildpacks.detect(base)
    assert plan is not None
    files = {
        f"right/{program}.py": right,
        "asking.py": (Path(__file__).parent / "quix" / "asking.py").read_bytes(),
        "cases.json": json.dumps(cases(program, count, SEED)).encode(),
    }
    with engine.container(engine.ensure_image(plan, base, lambda _: None), Limits()) as container:
        container.put_tree(base.apply(diff).with_files(files))
        answers = []
        for folder in ("right", "python_programs"):
            command = ["python3", "asking.py", folder, program, "cases.json", f"{TMP}/{folder}"]
            done = container.run(command, timeout=900)
            if done.exit_code != 0:
                return 0, count
            lines = container.read_file(f"{TMP}/{folder}", 64 << 20).decode().splitlines()
            answers.append([json.loads(line) for line in lines])
    right_answers, patched_answers = answers
    asked = same = 0
    for case, wanted, got in zip(cases(program, count, SEED), right_answers, patched_answers, strict=True):
        if wanted[0] == "value":
            asked += 1
            same += _agree(program, case.get("args", []), wanted, got)
    return same, asked


def _agree(program: str, args: list[float], right: list[str], patched: list[str]) -> bool:
    if program == "sqrt" and patched[0] == "value":  # an approximation to within what was asked for
        return abs(float(right[1]) - float(patched[1])) <= args[1]
    return right == patched


def row(engine: Engine, top: Path, program: str, scratch: Path, options: argparse.Namespace) -> Row:
    base = GitTree.of_files(create(scratch / f"{program}.git"), dict(repository(top, program)))
    started = time.monotonic()
    attempt, steps = attempted(engine, base, program, options.seconds)
    seconds = time.monotonic() - started
    searched = [match for step in steps if (match := _TRIED.search(step.note))]
    tried, speed = (int(group) for group in searched[-1].groups()) if searched else (0, 0)
    verdict, fixed, same, asked = attempt.ending.value, False, 0, 0
    if attempt.diff:
        fixed = all_green(engine, base, attempt.diff)
        if not options.no_proofs:
            verdict = verdict_name(proved(engine, base, attempt.diff, scratch / "runs").verdict)
        right = (top / "correct_python_programs" / f"{program}.py").read_bytes()
        same, asked = compared(engine, base, attempt.diff, right, program, options.inputs)
    return Row(
        program=program, verdict=verdict, fixed=fixed, correct=fixed and asked > 0 and same == asked, agreed=same,
        asked=asked, seconds=round(seconds, 1), candidates=tried, a_second=speed, change=attempt.reason,
        patch=attempt.diff, steps=[f"{step.seconds:.1f} s: {step.note}" for step in steps],
    )  # fmt: skip


def shown(rows: list[Row]) -> str:
    lines = [
        "| program | fixed | correct | inputs agreed | verdict | seconds | candidates | a second |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        right = ("yes" if one.correct else "no") if one.fixed else "-"
        agreed = f"{one.agreed} of {one.asked}" if one.asked else "-"
        lines.append(
            f"| {one.program} | {'yes' if one.fixed else 'no'} | {right} | {agreed} | {one.verdict} "
            f"| {one.seconds:.0f} | {one.candidates} | {one.a_second} |"
        )
    fixed, correct = sum(one.fixed for one in rows), sum(one.correct for one in rows)
    lines.append(f"\nFixed {fixed}, correct {correct}, of {len(rows)}.")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quixbugs", type=Path, help="a checkout of jkoppel/QuixBugs")
    parser.add_argument("--only", default="", help="names of programs, separated by commas")
    parser.add_argument("--seconds", type=float, default=120.0, help="for one attempt")
    parser.add_argument("--inputs", type=int, default=300, help="generated inputs a program")
    parser.add_argument("--no-proofs", action="store_true", help="leave the verification out, for a quick look")
    parser.add_argument("--json", type=Path, help="write the rows, with their patches, to this file")
    parser.add_argument("--patches", action="store_true", help="print each patch")
    options = parser.parse_args()
    if options.quixbugs is None:
        print("quixbugs: not run, for want of --quixbugs DIR (git clone https://github.com/jkoppel/QuixBugs)")
        return 0
    wanted = options.only.split(",") if options.only else sorted(MAKERS)
    engine, rows = connect(), []
    with tempfile.TemporaryDirectory(prefix="redgreen-quixbugs-") as scratch:
        for program in wanted:
            one = row(engine, options.quixbugs, program, Path(scratch), options)
            rows.append(one)
            print(f"{program}: {one.verdict}, {'correct' if one.correct else 'not shown correct'} "
                  f"({one.agreed}/{one.asked}), {one.seconds:.0f} s: {one.change}", file=sys.stderr)  # fmt: skip
            if options.patches:
                print(one.patch, file=sys.stderr)
            if options.json:
                options.json.write_text(json.dumps([asdict(r) for r in rows], indent=1))
    engine.close()
    print(shown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
