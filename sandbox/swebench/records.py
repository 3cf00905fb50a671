"""Instances and predictions as SWE-bench writes them: foreign bytes become values here. Pure.

A record that cannot be used is a `Problem` that names its place; the others are read all the same.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError

GOLD = "gold"
"""The name that stands for the instances' own patches, as a file of predictions and as a model."""
LARGEST = 1 << 30
"""Bytes of one file once it is unpacked."""
MAX_PATCH = 16 << 20
NO_MODEL = "None"
"""What the harness calls a prediction's model where the record names none."""
_LOG_PARSERS = dict.fromkeys(
    ("astropy/astropy", "scikit-learn/scikit-learn", "sphinx-doc/sphinx"), "parse_log_pytest_v2"
)
"""The harness's own table, as far as it decides grades: records of its earlier versions do not name their parser."""
_ID = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}$"


class UnreadableFile(ValueError):
    """Not one record can be read from the file; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One record that was left out."""

    where: str
    """`line 7` or `entry 3`: counted from 1."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One task with the tests that decide it. Test ids as the harness writes them, not as a runner does."""

    instance_id: str
    repo: str
    base_commit: str
    patch: str
    test_patch: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    version: str = ""
    problem_statement: str = ""
    created_at: str = ""
    environment_setup_commit: str = ""
    """The commit of the same version that the harness sets environments up for; often a later one."""
    log_parser: str = ""
    """The harness's name of the parser that it reads the instance's logs with."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    instance_id: str
    model: str
    patch: str | None
    """None where the record says null; both None and "" are empty patches."""

    @property
    def is_empty(self) -> bool:
        return not self.patch


@dataclass(frozen=True, kw_only=True)
class Instances:
    records: tuple[Instance, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class Predictions:
    records: tuple[Prediction, ...]
    problems: tuple[Problem, ...]


def read_instances(data: bytes) -> Instances:
    """JSON lines, a JSON list, or a JSON object keyed by id; each also gzipped. Raises `UnreadableFile`."""
    records: dict[str, Instance] = {}
    problems: list[Problem] = []
    for where, value in entries(data):
        try:
            record = instance(checked(_InstanceRecord, value))
            if record.instance_id in records:
                raise ValueError(f"{record.instance_id} stands in the file a second time")
        except ValueError as error:
            problems.append(Problem(where=where, text=str(error)))
        else:
            records[record.instance_id] = record
    return Instances(records=tuple(records.values()), problems=tuple(problems))


def read_predictions(data: bytes, known: frozenset[str]) -> Predictions:
    """As `read_instances`. `known`: the instances' ids; a prediction for another is a problem.

    The last of several for the same instance and model is taken, as the harness does; the others are problems.
    """
    records: dict[tuple[str, str], tuple[str, Prediction]] = {}
    problems: list[Problem] = []
    for where, value in entries(data):
        try:
            found = checked(_PredictionRecord, value)
            if found.instance_id not in known:
                raise ValueError(f"there is no instance {found.instance_id}")
        except ValueError as error:
            problems.append(Problem(where=where, text=str(error)))
            continue
        record = Prediction(
            instance_id=found.instance_id, model=found.model_name_or_path or NO_MODEL, patch=found.model_patch
        )
        key = (record.instance_id, record.model)
        if key in records:
            again = f"{record.model} has another patch for {record.instance_id} in {where}, which is taken instead"
            problems.append(Problem(where=records[key][0], text=again))
        records[key] = (where, record)
    return Predictions(records=tuple(record for _, record in records.values()), problems=tuple(problems))


def gold_predictions(instances: tuple[Instance, ...]) -> tuple[Prediction, ...]:
    return tuple(Prediction(instance_id=item.instance_id, model=GOLD, patch=item.patch) for item in instances)


# --- files -------------------------------------------------------------------------------------------------------


def entries(data: bytes) -> Iterator[tuple[str, Any]]:
    """(place, value) for each record of a file; a line that is no JSON yields a `BadLine` as its value.

    Raises `UnreadableFile` for what is neither JSON nor lines of it.
    """
    text = _text(_unpacked(data))
    whole = _document(text)
    match whole:
        case list():
            yield from ((f"entry {number}", value) for number, value in enumerate(whole, 1))
        case dict() if "instance_id" not in whole and "repo" not in whole and _is_keyed(whole):
            yield from ((f"entry {key!r}", _keyed(key, value)) for key, value in whole.items())
        case dict():
            yield "line 1", whole
        case _:
            yield from _lines(text)


@dataclass(frozen=True)
class BadLine:
    why: str


def _unpacked(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFile(f"it is not a whole gzip file: {error}") from None
    if len(plain) > LARGEST:
        raise UnreadableFile(f"it is larger than {LARGEST} bytes when unpacked")
    return plain


def _text(data: bytes) -> str:
    # A byte order mark and broken UTF-8 in one record must not cost the others.
    return data.decode("utf-8-sig", "surrogateescape")


def _document(text: str) -> Any:
    """The file as one JSON value; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_keyed(document: dict[str, Any]) -> bool:
    return all(value is None or isinstance(value, dict | str) for value in document.values())


def _keyed(key: str, value: Any) -> Any:
    """A record of an object keyed by instance id; the value alone may be the patch."""
    if isinstance(value, dict):
        return {"instance_id": key, **value}
    return {"instance_id": key, "model_patch": value}


def _lines(text: str) -> Iterator[tuple[str, Any]]:
    # `splitlines` would also split at characters that JSON strings may hold as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", _line(line)


def _line(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        return BadLine(f"not JSON: {error.msg} at column {error.colno}")
    except RecursionError:
        return BadLine("nested too deeply")


# --- records -----------------------------------------------------------------------------------------------------


def _test_list(value: Any) -> Any:
    """The lists of tests come as lists, and as JSON strings of lists."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else []
    except (ValueError, RecursionError):
        raise ValueError("neither a list nor the JSON text of one") from None


TestList = Annotated[tuple[str, ...], BeforeValidator(_test_list)]


class Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class _InstanceRecord(Record):
    instance_id: Annotated[str, Field(pattern=_ID)]
    repo: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]
    base_commit: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{7,64}$")]
    patch: str | None = ""
    test_patch: str
    FAIL_TO_PASS: TestList
    PASS_TO_PASS: TestList = ()
    version: Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)] = ""
    problem_statement: str | None = ""
    created_at: str | int | float | None = ""
    environment_setup_commit: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{0,64}$")] | None = ""
    log_parser: str | None = ""


def _patch(value: Any) -> Any:
    """Not pydantic's text: a patch to a file in another encoding has bytes that stand as lone surrogates."""
    if value is not None and not isinstance(value, str):
        raise ValueError("Input should be a valid string")
    if value is not None and len(value) > MAX_PATCH:
        raise ValueError(f"String should have at most {MAX_PATCH} characters")
    return value


class _PredictionRecord(Record):
    instance_id: Annotated[str, Field(pattern=_ID)]
    model_name_or_path: Annotated[str, Field(max_length=500)] | None = None
    model_patch: Annotated[str | None, PlainValidator(_patch)] = None


R = TypeVar("R", bound=BaseModel)


def checked(kind: type[R], value: Any) -> R:
    """Raises ValueError with one sentence: the first thing that is wrong."""
    if isinstance(value, BadLine):
        raise ValueError(value.why)
    if not isinstance(value, dict):
        raise ValueError(f"a record is a JSON object, this is {_kind(value)}")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{name}: {first['msg']}") from None


def instance(record: _InstanceRecord) -> Instance:
    """Raises ValueError where the record cannot be graded."""
    if re.search(r"(?:^|/)\.\.?(?:/|$)", record.repo):
        raise ValueError(f"repo: {record.repo!r} is no name of a repository")
    return Instance(
        instance_id=record.instance_id,
        repo=record.repo,
        base_commit=record.base_commit.lower(),
        patch=record.patch or "",
        test_patch=record.test_patch,
        fail_to_pass=record.FAIL_TO_PASS,
        pass_to_pass=record.PASS_TO_PASS,
        version=record.version,
        problem_statement=record.problem_statement or "",
        created_at=str(record.created_at or ""),
        environment_setup_commit=record.environment_setup_commit or "",
        log_parser=record.log_parser or _LOG_PARSERS.get(record.repo, ""),
    )


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", type(None): "null", bool: "a truth value"}
    return names.get(type(value), "a number")
