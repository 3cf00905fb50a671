"""What `redgreen eval` is given: its words, and files of records, each with a sentence for what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bot.errors import UsageError
from sandbox.swebench import records
from sandbox.swebench.environments import NO_ENVIRONMENTS, Environments, read_environments
from sandbox.swebench.records import Instances, Problem, UnreadableFile
from sandbox.types import Progress

T = TypeVar("T")
LARGEST_FILE = 1 << 30


@dataclass(frozen=True, kw_only=True)
class EvalWords:
    """The words of the command, whether it grades what is there or has models solve first."""

    instances: Path
    repositories: Path
    environments: Path | None
    out: Path
    workers: int
    run_id: str
    timeout: float
    """Seconds, for one run of an instance's tests."""


def read_instances(path: Path) -> Instances:
    """Raises `UsageError` where there is not one that can be used."""
    instances = parsed(path, "INSTANCES", records.read_instances)
    if not instances.records:
        raise UsageError(f"{path}: no instance in it can be used{first_of(instances.problems)}")
    return instances


def read_environment_records(path: Path | None) -> Environments:
    """None: there are none. Raises `UsageError`."""
    return NO_ENVIRONMENTS if path is None else parsed(path, "--environments", read_environments)


def check_words(words: EvalWords) -> None:
    """Raises `UsageError`."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}", words.run_id):
        raise UsageError("--run-id: letters, digits, '.', '_' and '-' only: it becomes part of file names")
    if not words.repositories.is_dir():
        raise UsageError(f"--repos: there is no directory {words.repositories}")


def tell_problems(problems: Mapping[str, Sequence[Problem]], tell: Progress) -> None:
    """`problems`: by the file's name."""
    for name, found in problems.items():
        for problem in found:
            tell(f"{name}, {problem.where}: left out: {problem.text}")


def parsed(path: Path, what: str, read: Callable[[bytes], T]) -> T:
    """A file's records. Raises `UsageError` where it cannot be read at all."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UsageError(f"{what}: {path} is larger than {LARGEST_FILE >> 20} MiB")
        return read(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{what}: {path} cannot be read: {error.strerror}") from None
    except UnreadableFile as error:
        raise UsageError(f"{what}: {path}: {error}") from None


def first_of(problems: Sequence[Problem]) -> str:
    """The end of a sentence: the first of them, or nothing."""
    return f": {problems[0].where}: {problems[0].text}" if problems else ""
