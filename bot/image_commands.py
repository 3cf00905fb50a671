"""`redgreen images`: what the engine keeps for redgreen, and what of it may go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bot import wiring
from bot.terminal import plain_table, print_json, standard_output
from config.settings import Settings
from config.sizes import show_size
from sandbox.collection import Removal, Stored

_MEBIBYTE = 1 << 20


def images(settings: Settings, *, collect: bool, as_json: bool) -> int:
    engine = wiring.engine(settings)
    try:
        removed: Sequence[Removal] = ()
        if collect:
            engine.collect_orphans()
            removed = engine.shelf.collect(wiring.image_policy(settings))
        kept = engine.shelf.stored()
    finally:
        engine.close()
    if as_json:
        print_json(
            {
                "images": [_shared_keys(image) for image in kept],
                "removed": [_shared_keys(removal.image) | {"why": removal.why} for removal in removed],
                "bytes": sum(image.bytes for image in kept),
            }
        )
    else:
        _show(kept, removed)
    return 0


def _shared_keys(image: Stored) -> dict[str, Any]:
    return {
        "id": image.id,
        "tags": list(image.tags),
        "kind": str(image.kind),
        "scope": image.scope,
        "bytes": image.bytes,
        "created": round(image.created),
        "used": round(image.used),
        "incomplete": image.incomplete,
    }


def _show(kept: Sequence[Stored], removed: Sequence[Removal]) -> None:
    console = standard_output()
    now = time.time()
    rows = [
        [
            image.name,
            str(image.kind),
            image.scope,
            _size(image.bytes),
            _ago(now - image.used),
            _ago(now - image.created),
        ]
        for image in kept
    ]
    console.print(plain_table(["image", "kind", "repository", "takes", "last used", "built"], rows))
    console.print(f"together {_size(sum(image.bytes for image in kept))}")
    for removal in removed:
        console.print(f"removed {removal.image.name} ({_size(removal.image.bytes)}): {removal.why}")


def _size(size: int) -> str:
    return show_size(max(size // _MEBIBYTE, 1) * _MEBIBYTE)


def _ago(seconds: float) -> str:
    """In the largest unit that it fills."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "just now"
