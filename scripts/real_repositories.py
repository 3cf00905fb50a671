"""Environment detection tried on released distributions, none of them special-cased.

    python scripts/real_repositories.py --language python --out DIR [--only NAME ...] [--again]
    python scripts/real_repositories.py --write --out DIR

The first form fetches each distribution of `benchmarks/real/LANGUAGE.txt` from its registry, detects its environment,
builds it, runs its tests once as a verification's base run does, and leaves `DIR/LANGUAGE/NAME.json`; what has one
already is passed over, so that it can be broken off and gone on with. `--again` tries those anew that did not succeed.
The second writes the tables of `docs/real-repositories.md` from these files.

A distribution succeeds when its suite ran to its end with a complete report and at least 90 % of the tests that were
not skipped are green (a module that does not load counts as a red one), with tests from at least half of its test
modules among them or half as many tests as it has functions for. One without any test file is listed, not counted.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from bot import wiring
from config import settings
from sandbox import buildpacks
from sandbox.engine import Engine
from sandbox.errors import ImageBuildFailed, SandboxError
from sandbox.execution import Bench
from sandbox.parts import classify
from sandbox.runners import RUNNERS
from sandbox.runners.protocol import Runner
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import Ended, Limits, Part, RunKind, TestRun, TestStatus
from tests.support import sdists, tarballs

ROOT = Path(__file__).parents[1]
LISTS = ROOT / "benchmarks" / "real"
PAGE = ROOT / "docs" / "real-repositories.md"
SECONDS = 600.0
"""Of one distribution's test run; an environment's build has the engine's own limit."""
GREEN_SHARE = 0.9
COUNTED = "runs unaided"
NO_TESTS = "has no tests in it"
_TEST = re.compile(r"^\s*(?:(?:async\s+)?def\s+test|(?:it|test)(?:\.\w+)*\()", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What became of one distribution."""

    name: str
    version: str = ""
    outcome: str
    """COUNTED, NO_TESTS, or what went wrong."""
    runner: str = ""
    python: str = ""
    tests: int = 0
    green: int = 0
    red: int = 0
    skipped: int = 0
    build_seconds: float = 0.0
    run_seconds: float = 0.0
    why: str = ""
    evidence: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    output: str = ""


def from_sdist(engine: Engine, scratch: Path, name: str) -> tuple[GitTree, str]:
    tree = sdists.fetch(engine, scratch / "trees.git", [name])[name]
    found = re.search(rb"^Version: (\S+)", tree.read("PKG-INFO") or b"", re.MULTILINE)
    return tree, found.group(1).decode() if found else ""


def from_npm(engine: Engine, scratch: Path, name: str) -> tuple[GitTree, str]:
    return tarballs.fetch(engine, scratch / "trees.git", name, names_of("node"))


FETCHERS: Mapping[str, Callable[[Engine, Path, str], tuple[GitTree, str]]] = {"python": from_sdist, "node": from_npm}
"""Language -> (engine, an empty directory, a name) to (tree, version)."""


def tried(engine: Engine, language: str, name: str, limits: Limits) -> Tried:
    scratch = Path(tempfile.mkdtemp(prefix="redgreen-real-"))
    try:
        tree, version = FETCHERS[language](engine, scratch, name)
        if not any(classify(path) is Part.TEST and _is_code(path) for path in tree.paths()):
            return Tried(name=name, version=version, outcome=NO_TESTS)
        return _run(engine, name, version, tree, limits)
    except ImageBuildFailed as error:
        return Tried(name=name, outcome="could not be fetched", why=str(error), output=error.log_tail[-3000:])
    except SandboxError as error:
        return Tried(name=name, outcome="could not be fetched", why=str(error))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _is_code(path: str) -> bool:
    return path.endswith((".py", ".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx"))


def _run(engine: Engine, name: str, version: str, tree: GitTree, limits: Limits) -> Tried:
    plan = buildpacks.detect(tree)
    if plan is None:
        return Tried(name=name, version=version, outcome="not recognised")
    base = Tried(
        name=name,
        version=version,
        outcome="",
        runner=plan.runner,
        python=",".join(plan.toolchains),
        evidence=plan.evidence,
    )
    started = time.monotonic()
    try:
        image = engine.ensure_image(plan, tree, _say, scope=f"real/{name}")
    except ImageBuildFailed as error:
        return _with(base, outcome="does not build", why=str(error), output=error.log_tail[-3000:])
    except SandboxError as error:
        return _with(base, outcome="does not build", why=str(error))
    built = time.monotonic() - started
    with Supply(engine, image, limits) as supply:
        bench = Bench(supply=supply, runner=RUNNERS[plan.runner], plan=plan)
        run = bench.run(RunKind.BASE, tree, timeout=SECONDS)
    told = _told(run)
    few_modules = 2 * _took_part(run, tree, bench.runner) < len(_modules(tree))
    if told["outcome"] == COUNTED and few_modules and 2 * int(str(told["tests"])) < _written(tree):
        told["outcome"] = "half of the tests took no part"
    return _with(base, build_seconds=round(built, 1), notes=image.notes, **told)


def _modules(tree: GitTree) -> set[str]:
    """Files whose names say that tests are in them."""
    names = ("test*.py", "*_test.py", "*.test.*", "*.spec.*")
    return {
        path
        for path in tree.paths()
        if _is_code(path) and any(fnmatchcase(path.rpartition("/")[2], name) for name in names)
    }


def _written(tree: GitTree) -> int:
    """How many tests the modules hold, by their functions' names; one module may load what others hold."""
    texts = ((tree.read(path) or b"").decode("utf-8", "replace") for path in _modules(tree))
    return sum(len(_TEST.findall(text)) for text in texts)


def _took_part(run: TestRun, tree: GitTree, runner: Runner) -> int:
    results = run.report.results if run.report is not None else {}
    # A test's file is its group's: of thousands of tests only one of each class or module is asked for.
    groups = {(test.partition("::")[0] if "::" in test else test.rpartition(".")[0]): test for test in results}
    return len({runner.file_of(tree, test) for test in groups.values()} - {None})


def _with(one: Tried, **changes: object) -> Tried:
    return replace(one, **changes)  # type: ignore[arg-type]


def _told(run: TestRun) -> dict[str, object]:
    report, seconds = run.report, round(run.seconds, 1)
    if run.ended is not Ended.EXITED:
        return {"outcome": f"the run {run.ended.value}", "run_seconds": seconds, "output": run.output_tail}
    if report is None or not report.complete:
        return {"outcome": "the run left no complete report", "run_seconds": seconds, "output": run.output_tail}
    ran = len(report.green) + len(report.red) + len(report.collection_errors)
    enough = ran > 0 and len(report.green) >= GREEN_SHARE * ran
    reasons = Counter(
        f"{result.failure.exception}: {result.failure.message.strip().partition(chr(10))[0][:150]}"
        for result in report.results.values()
        if result.failure is not None
    )
    uncollected = [f"{error.path}: {error.exception}: {error.message[-200:]}" for error in report.collection_errors]
    told = [f"{count} x {reason}" for reason, count in reasons.most_common(5)]
    return {
        "outcome": COUNTED if enough else "too many tests are red" if ran else "no test was found",
        "tests": len(report.results),
        "green": len(report.green),
        "red": len(report.red),
        "skipped": len(report.ids(TestStatus.SKIPPED)),
        "run_seconds": seconds,
        "why": "; ".join([*uncollected[:5], *told]),
        "output": "" if enough else run.output_tail,
    }


def _say(line: str) -> None:
    print(f"    {line[:160]}", file=sys.stderr, flush=True)


def names_of(language: str) -> list[str]:
    lines = (LISTS / f"{language}.txt").read_text(encoding="utf-8").split("\n")
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def try_all(language: str, out: Path, only: Iterable[str], again: bool) -> None:
    loaded = settings.load()
    engine, limits = wiring.engine(loaded), wiring.container_limits(loaded)
    directory = out / language
    directory.mkdir(parents=True, exist_ok=True)
    chosen = tuple(only) or tuple(names_of(language))
    for name in chosen:
        file = directory / f"{name}.json"
        if file.exists() and not only and (not again or json.loads(file.read_text())["outcome"] in (COUNTED, NO_TESTS)):
            continue
        print(f"{name}", file=sys.stderr, flush=True)
        found = tried(engine, language, name, limits)
        file.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
        print(
            f"{name} {found.version}: {found.outcome}; {found.green} green, {found.red} red, {found.skipped} skipped; "
            f"build {found.build_seconds} s, run {found.run_seconds} s",
            flush=True,
        )
    engine.close()


def table(language: str, out: Path) -> str:
    """The section of one language, from its files."""
    found = [
        json.loads(file.read_text(encoding="utf-8"))
        for name in names_of(language)
        if (file := out / language / f"{name}.json").exists()
    ]
    counted = [one for one in found if one["outcome"] != NO_TESTS]
    good = [one for one in counted if one["outcome"] == COUNTED]
    share = f"{100 * len(good) / len(counted):.0f} %" if counted else "none"
    lines = [
        f"{len(good)} of {len(counted)} ({share}); {len(found) - len(counted)} more hold no tests and are not counted.",
        "",
        "| distribution | runner | outcome | green | red | skipped | build | run | why |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [_row(one) for one in found]
    return "\n".join(lines)


def _row(one: Mapping[str, object]) -> str:
    runner = " ".join(filter(None, (str(one["runner"]), str(one["python"]))))
    why = re.sub(r"\s+", " ", str(one["why"])).replace("|", "\\|").replace("<", "&lt;")[:240]
    numbers = (one["green"], one["red"], one["skipped"], f"{one['build_seconds']} s", f"{one['run_seconds']} s")
    cells = (f"{one['name']} {one['version']}", runner, one["outcome"], *numbers, why)
    return "| " + " | ".join(map(str, cells)) + " |"


def write(out: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for language in (language for language in FETCHERS if (out / language).is_dir()):
        mark = re.compile(rf"(<!-- {language}: generated -->\n).*?(<!-- end -->)", re.DOTALL)
        found = mark.search(text)
        if found is not None:
            text = text[: found.start()] + found[1] + table(language, out) + "\n" + found[2] + text[found.end() :]
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", choices=sorted(FETCHERS), default="python")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write:
        write(options.out)
    else:
        try_all(options.language, options.out, options.only, options.again)


if __name__ == "__main__":
    main()
