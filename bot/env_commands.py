"""`redgreen env`: what is detected in a repository, from which files, and the image that is made of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.syntax import Syntax

from bot import places, wiring
from bot.errors import UsageError
from bot.local import LocalSources
from bot.repo_config import PATH, ConfigProblem, RepoConfig, parse
from bot.report import EXIT_NOT_JUDGED, EXIT_VERIFIED
from bot.terminal import Narrator, heading, key_values, print_json, standard_output
from bot.workshop_docker import plan_for
from config.settings import Settings
from sandbox import buildpacks, dockerfile, toolchains
from sandbox.parts import classify
from sandbox.runners import RUNNERS, command_runner
from sandbox.toolchains import ToolchainSources
from sandbox.tree import GitTree, create
from sandbox.types import EnvironmentPlan, Part

_SKIPPED = frozenset({".git", "node_modules", ".venv", "venv", "target", "__pycache__", ".tox", ".gradle"})
_MOST_FILES = 50_000
_LARGEST_FILE = 4 << 20
_UNKNOWN = (
    "Nothing that redgreen knows how to build or test was found. "
    f"`environment:` in {PATH} can name a runner or a command."
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """The tree that is looked at."""

    tree: GitTree
    told: str
    """A commit, or the plain directory's name."""


def env(settings: Settings, *, directory: Path, base: str, build: bool, as_json: bool) -> int:
    """0; 2 where nothing is known of the repository. Raises `UsageError`, `SandboxError` (while building)."""
    with _source(settings, directory, base) as source:
        config = _config(source.tree)
        plan = plan_for(source.tree, config)
        answer = explain(source, plan, wiring.toolchain_sources(settings))
        if plan is not None and build:
            answer["image"] = _build(settings, plan, source.tree, str(directory.resolve()))
    if as_json:
        print_json(answer)
    else:
        _show(standard_output(), answer)
    return EXIT_NOT_JUDGED if plan is None else EXIT_VERIFIED


def explain(source: Source, plan: EnvironmentPlan | None, sources: ToolchainSources) -> dict[str, Any]:
    """The whole answer but for the built image, JSON-ready."""
    view = source.tree
    answer: dict[str, Any] = {"tree": source.told, "seen": _seen(view)}
    if plan is None:
        return answer | {"language": "", "runner": "", "evidence": [], "notes": [_UNKNOWN], "dockerfile": ""}
    rendered = dockerfile.render(plan, view)
    return answer | {
        "language": plan.language,
        "runner": plan.runner,
        "command": list(plan.command),
        "base_image": plan.base,
        "toolchains": list(plan.toolchains),
        "apt": list(plan.apt),
        "env": dict(plan.env),
        "install": [list(step) for step in plan.install],
        "optional_install": [list(step) for step in plan.optional_install],
        "manifests": list(plan.manifests),
        "test_files": _test_files(view, plan),
        "evidence": list(plan.evidence),
        "notes": list(_notes(view, plan, sources)),
        "dockerfile": rendered.text,
        "digest": rendered.digest,
    }


def _seen(view: GitTree) -> list[dict[str, Any]]:
    return [
        {
            "language": found.plan.language,
            "runner": found.plan.runner,
            "manifest": found.manifest,
            "source_files": found.sources,
            "test_files": found.tests,
            "weight": round(found.weight, 2),
        }
        for found in buildpacks.candidates(view)
    ]


def _test_files(view: GitTree, plan: EnvironmentPlan) -> int:
    runner = RUNNERS.get(plan.runner)
    if runner is None or runner.name == command_runner.NAME:
        return sum(classify(path) is Part.TEST for path in view.paths())
    return sum(runner.is_test_file(view, path) for path in view.paths())


def _notes(view: GitTree, plan: EnvironmentPlan, sources: ToolchainSources) -> Iterator[str]:
    """What cannot be had or should be known, one sentence each."""
    for toolchain in plan.toolchains:
        if toolchain.partition("@")[0] != "python" and not toolchains.image_of(toolchain, sources):
            yield (
                f"{toolchain} is wanted and the base image may not have it: name an image that does, "
                f"as [sandbox] toolchain_images or environment.image in {PATH}."
            )
    if view.read("Dockerfile") is not None and "Dockerfile" not in plan.manifests:
        yield f"Dockerfile: most likely the product's; it is not used unless environment.dockerfile in {PATH} names it."
    if plan.runner not in RUNNERS:
        yield f"There is no runner named {plan.runner!r}: no test can be run."
    if plan.runner == command_runner.NAME:
        yield "Exit-code evidence only: it can show a regression, and never proves a fix."


def _build(settings: Settings, plan: EnvironmentPlan, tree: GitTree, scope: str) -> dict[str, Any]:
    started = time.monotonic()
    image = wiring.engine(settings).ensure_image(plan, tree, Narrator(), scope=scope)
    return {
        "id": image.id,
        "tag": image.tag,
        "cached": image.cached,
        "notes": list(image.notes),
        "seconds": round(time.monotonic() - started, 3),
    }


# --- the tree ----------------------------------------------------------------------------------------------------


@contextmanager
def _source(settings: Settings, directory: Path, base: str) -> Iterator[Source]:
    """The commit that is asked for; without any, HEAD, or the files of a directory that is no repository."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory")
    try:
        if not base and not _is_repository(directory):
            raise UsageError(f"{directory} is no git repository")
        sources = LocalSources(directory, places.state_directory(settings))
        commit = sources.commit(base or "HEAD")
    except UsageError:
        if base:
            raise
        with tempfile.TemporaryDirectory(prefix="redgreen-env-") as scratch:
            tree = GitTree.of_files(create(Path(scratch) / "tree.git"), _files(directory))
            yield Source(tree=tree, told=f"{directory.resolve()} (no commit: its files as they are)")
        return
    yield Source(tree=GitTree.at(sources.path(""), commit), told=f"commit {commit}")


def _is_repository(directory: Path) -> bool:
    """Itself, bare or not; a directory inside of one is looked at alone."""
    return (directory / ".git").exists() or ((directory / "HEAD").is_file() and (directory / "objects").is_dir())


def _files(directory: Path) -> Mapping[str, bytes | None]:
    """Regular files that a commit would likely hold. Raises `UsageError` where there are too many."""
    found: dict[str, bytes | None] = {}
    waiting = [directory]
    while waiting:
        for path in sorted(waiting.pop().iterdir()):
            if path.is_symlink():
                continue
            if path.is_dir() and path.name not in _SKIPPED:
                waiting.append(path)
            elif path.is_file() and path.stat().st_size <= _LARGEST_FILE:
                found[str(path.relative_to(directory))] = path.read_bytes()
        if len(found) > _MOST_FILES:
            raise UsageError(f"{directory} holds more than {_MOST_FILES} files and is no git repository")
    return found


def _config(tree: GitTree) -> RepoConfig:
    config = parse(tree.read(PATH))
    if isinstance(config, ConfigProblem):
        raise UsageError(f"{PATH}, line {config.line}: {config.message}")
    return config


# --- for people --------------------------------------------------------------------------------------------------


def _show(console: Console, answer: Mapping[str, Any]) -> None:
    rows = [("looked at", answer["tree"])]
    if answer["language"]:
        rows += [("language", answer["language"]), ("tests run with", answer["runner"])]
        rows += [("test files", str(answer["test_files"]))]
    rows += [("because", line) for line in answer["evidence"]]
    rows += [
        ("seen", f"{seen['language']}: {seen['source_files']} source and {seen['test_files']} test files")
        for seen in answer["seen"]
    ]
    rows += [("note", note) for note in answer["notes"]]
    if "image" in answer:
        image = answer["image"]
        rows.append(("image", f"{image['tag']} ({'cached' if image['cached'] else 'built'}, {image['seconds']:.1f} s)"))
        rows += [("note", note) for note in image["notes"]]
    console.print(key_values(rows))
    if answer["dockerfile"]:
        console.print(heading("\nThe image amounts to this Dockerfile"))
        console.print(
            Syntax(answer["dockerfile"], "docker", theme="ansi_dark", background_color="default", word_wrap=True)
        )
