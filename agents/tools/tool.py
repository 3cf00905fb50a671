"""What a tool is: a name, words for the model, a checked form of its arguments, and what it does to the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.protocols import Environment
from agents.types import Ending, ToolSpec
from sandbox.errors import SetupError

MOST_CHARACTERS = 20_000
"""Of one observation; what is over it is cut from the middle."""

MOST_DIFF = 1 << 20
"""Characters of a working tree's change that can still be kept and submitted."""

_UNREADABLE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Colours and cursor movements of a terminal; controls but tab and line feed."""


_BINARY = re.compile(r'^Binary files (?:"?a/(.*?)"? and /dev/null|.* and "?b/(.*?)"?) differ$', re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What a model is told about what it did. `text` is the tenant's and bounded."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """The model ends the attempt."""

    ending: Ending
    text: str
    """The model's own words; untrusted."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a tool works on."""

    environment: Environment
    seconds_left: Callable[[], float]
    """Until the attempt's own end: no command may run longer."""

    def timeout(self, asked: float) -> float:
        return max(1.0, min(asked, self.seconds_left()))


class Arguments(BaseModel):
    """The form of a tool's arguments; strict, and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Tool(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def spec(self) -> ToolSpec: ...

    def problem(self, arguments: Mapping[str, Any]) -> str:
        """What is wrong with the arguments, and their right form; "" when nothing is. Pure."""
        ...

    def act(self, arguments: Mapping[str, Any], bench: Bench) -> Observation | Conclusion:
        """Arguments without a problem only. Raises `sandbox.errors.SandboxError`."""
        ...


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, kw_only=True)
class FormedTool(Generic[A]):
    """A tool whose arguments are one pydantic form."""

    name: str
    description: str
    form: type[A]
    do: Callable[[A, Bench], Observation | Conclusion]

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(name=self.name, description=self.description, parameters=_schema(self.form))

    def problem(self, arguments: Mapping[str, Any]) -> str:
        try:
            self.form.model_validate(dict(arguments))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(str(part) for part in one['loc']) or 'arguments'}: {one['msg']}"
                for one in error.errors(include_url=False, include_input=False)[:4]
            )
            return f"Wrong arguments for {self.name}: {wrong}. It takes: {_form(self.spec)}. Nothing was done."
        return ""

    def act(self, arguments: Mapping[str, Any], bench: Bench) -> Observation | Conclusion:
        return self.do(self.form.model_validate(dict(arguments)), bench)


def bounded(text: str, most: int = MOST_CHARACTERS) -> str:
    """Text cut from its middle, and without what no reader needs: controls and lone surrogates."""
    plain = _UNREADABLE.sub("", text.replace("\r\n", "\n")).encode("utf-8", "replace").decode("utf-8")
    if len(plain) <= most:
        return plain
    head, tail = plain[: most * 2 // 3], plain[-(most // 3) :]
    return f"{head}\n[... {len(plain) - len(head) - len(tail):,} characters left out ...]\n{tail}"


def no_diff(error: SetupError) -> str:
    """What the model did to its tree makes its change unreadable; that is its to mend, not the sandbox's fault."""
    return (
        f"The change of the working tree cannot be taken: {bounded(str(error), 500)} Remove what does not belong to "
        f"the repair (`git status` lists it)."
    )


def too_large(diff: str) -> str:
    return (
        f"The change of the working tree is {len(diff):,} characters long, and at most {MOST_DIFF:,} are kept. Remove "
        f"the files that do not belong to the repair (`git status` lists them)."
    )


def binary_files(diff: str) -> tuple[str, ...]:
    """The files of which git's diff only says that they differ; no line of a file's contents begins like that. Pure."""
    return tuple(gone or left for gone, left in _BINARY.findall(diff))


def no_binary(files: Sequence[str]) -> str:
    shown = ", ".join(bounded(name, 200) for name in files[:10])
    return (
        f"The change of the working tree holds binary files, which a repair may not: {shown}. Remove or restore them "
        f"(`git status` lists them), and submit again."
    )


_SAID = ("type", "items", "enum", "description")
"""Of a field's schema, what a model is told: it is sent with every request, and a bound is worth its tokens only once
it is broken, when the correction names it."""


def _schema(form: type[Arguments]) -> dict[str, Any]:
    """The form's JSON Schema in as few words as a model needs; the form itself is strict and closed."""
    schema = form.model_json_schema()
    properties = {name: _said(field) for name, field in schema.get("properties", {}).items()}
    return {"type": "object", "properties": properties, "required": schema.get("required", [])}


def _said(field: Mapping[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in field.get("anyOf", ()) if choice.get("type") != "null"]
    whole = {**field, **choices[0]} if len(choices) == 1 else field
    return {key: whole[key] for key in _SAID if key in whole}


def _form(spec: ToolSpec) -> str:
    required = spec.parameters["required"]
    fields = [
        f"{name} ({field.get('type', 'string')}{'' if name in required else ', optional'})"
        for name, field in spec.parameters["properties"].items()
    ]
    return ", ".join(fields) or "nothing"
