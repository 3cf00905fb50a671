"""What one JSON value has that another, made from less, has not: so that a translation can be completed again. Pure.

`completed(made, rest(wanted, made)) == wanted` for all JSON values, and the rest is small where they are alike:

    {"is": value}                                    the value itself, where nothing is alike
    {"keys": {key: rest}, "without": [key]}          objects
    {"items": {index: rest}}                         arrays of one length
    None                                             nothing: they are equal
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.interchange.chat import an_object

Rest = dict[str, Any] | None


def rest(wanted: Any, made: Any) -> Rest:
    if isinstance(wanted, Mapping) and isinstance(made, Mapping):
        return _of_objects(wanted, made)
    if isinstance(wanted, list) and isinstance(made, list) and len(wanted) == len(made):
        items = {str(place): left for place, pair in enumerate(zip(wanted, made, strict=True)) if (left := rest(*pair))}
        return {"items": items} if items else None
    # 1, 1.0 and true are equal in Python and are three things in a file.
    return None if type(wanted) is type(made) and wanted == made else {"is": wanted}


def _of_objects(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> Rest:
    keys: dict[str, Any] = {}
    for key, value in wanted.items():
        left = rest(value, made[key]) if key in made else {"is": value}
        if left:
            keys[key] = left
    without = [key for key in made if key not in wanted]
    found = ({"keys": keys} if keys else {}) | ({"without": without} if without else {})
    return found or None


def completed(made: Any, left: Any) -> Any:
    """What does not fit (the value was edited meanwhile) is left as it was made."""
    if not isinstance(left, Mapping):
        return made
    if "is" in left:
        return left["is"]
    if isinstance(made, Mapping):
        without = left.get("without")
        kept = {key: value for key, value in made.items() if not (isinstance(without, list) and key in without)}
        return kept | {key: completed(made.get(key), part) for key, part in an_object(left.get("keys")).items()}
    if isinstance(made, list):
        parts = an_object(left.get("items"))
        return [completed(value, parts.get(str(place))) for place, value in enumerate(made)]
    return made
