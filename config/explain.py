"""The effective settings as rows: for `redgreen config`, and for the table in docs/configuration.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.origins import PREFIX, find_origin, variable_name
from config.settings import Settings
from config.sizes import SizeMark, show_size

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASS|KEY|AUTH|CREDENTIAL", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)[^/\s@]+(?=@)")
MASK = "********"


@dataclass(frozen=True, kw_only=True)
class SettingRow:
    key: str
    """`group.key`."""
    value: str
    """As a person would write it; secrets are masked, "" is not set."""
    source: str
    """`default`, `FILE:LINE`, `$VARIABLE`, or `program` for settings that were not loaded from anywhere."""
    variable: str
    """The environment variable that sets it."""
    description: str


def effective(settings: Settings) -> tuple[SettingRow, ...]:
    """One row a setting, in the order of the groups."""
    return tuple(
        SettingRow(
            key=key,
            value=show(getattr(getattr(settings, group), name), field),
            source=_source(settings, group, name),
            variable=variable_name(key, PREFIX),
            description=" ".join((field.description or "").split()),
        )
        for key, group, name, field in fields()
    )


def _source(settings: Settings, group: str, name: str) -> str:
    if name not in getattr(settings, group).model_fields_set:
        return "default"
    return find_origin(f"{group}.{name}", settings.origins) or "program"


def defaults() -> tuple[SettingRow, ...]:
    """The rows of an installation where nothing is set."""
    return tuple(
        SettingRow(
            key=key,
            value=show(field.get_default(call_default_factory=True), field),
            source="default",
            variable=variable_name(key, PREFIX),
            description=" ".join((field.description or "").split()),
        )
        for key, _, _, field in fields()
    )


def fields() -> Iterator[tuple[str, str, str, FieldInfo]]:
    """(`group.key`, group, key, pydantic's field) for every setting."""
    for group, outer in Settings.model_fields.items():
        for name, field in group_model(outer).model_fields.items():
            yield f"{group}.{name}", group, name, field


def group_model(field: FieldInfo) -> type[BaseModel]:
    """The model of one group of `Settings`."""
    model = field.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise TypeError(f"a field of Settings is not a group: {field!r}")
    return model


def show(value: Any, field: FieldInfo) -> str:
    """A value as text: sizes with their unit, secrets masked, passwords in addresses masked."""
    match value:
        case None:
            return ""
        case SecretStr():
            return MASK if value.get_secret_value() else ""
        case bool():
            return "true" if value else "false"
        case int() if any(isinstance(mark, SizeMark) for mark in field.metadata):
            return show_size(value)
        case tuple():
            return ", ".join(str(item) for item in value)
        case dict():
            return ", ".join(f"{key}={_masked(key, str(item))}" for key, item in value.items())
        case _:
            return _PASSWORD.sub(MASK, str(value))


def _masked(name: str, value: str) -> str:
    return MASK if _SECRET_NAME.search(name) else _PASSWORD.sub(MASK, value)
