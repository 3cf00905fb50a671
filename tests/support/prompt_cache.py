"""A prompt cache by the rules that Anthropic publishes, so that a test can measure what one would serve.

A request is a row of blocks: tools, then system, then the messages' content. An entry is written at each marked block
whose prefix has the least cacheable length. A request reads the longest entry that it finds at a marked block or at one
of the twenty blocks before it, if everything up to there is the same, marks aside. Entries do not age here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

LOOK_BACK = 20
MOST_MARKS = 4


@dataclass(frozen=True, kw_only=True)
class Block:
    digest: str
    """Of everything up to and with this block."""
    tokens: int
    """Likewise."""
    marked: bool


@dataclass(frozen=True, kw_only=True)
class Served:
    total: int
    read: int
    written: int
    blocks: int

    @property
    def usage(self) -> dict[str, int]:
        """As the endpoint reports it: what is neither read nor written stands apart."""
        return {
            "input_tokens": self.total - self.read - self.written,
            "cache_read_input_tokens": self.read,
            "cache_creation_input_tokens": self.written,
        }


@dataclass
class PromptCache:
    least: int = 1024
    """Tokens; 512 to 4,096 by model."""
    entries: set[str] = field(default_factory=set)
    served: list[Served] = field(default_factory=list)

    def take(self, body: Mapping[str, Any]) -> Served:
        blocks = list(_blocks(body))
        marks = [place for place, block in enumerate(blocks) if block.marked]
        assert len(marks) <= MOST_MARKS, f"{len(marks)} cache marks"
        reach = {place for mark in marks for place in range(max(0, mark - LOOK_BACK), mark + 1)}
        read = max((blocks[place].tokens for place in reach if blocks[place].digest in self.entries), default=0)
        kept = [blocks[mark] for mark in marks if blocks[mark].tokens >= self.least]
        self.entries.update(block.digest for block in kept)
        written = max((block.tokens for block in kept), default=0) - read
        served = Served(total=blocks[-1].tokens, read=read, written=max(0, written), blocks=len(blocks))
        self.served.append(served)
        return served

    @property
    def share(self) -> float:
        """Of all input tokens, those that were read from the cache."""
        return sum(one.read for one in self.served) / sum(one.total for one in self.served)

    @property
    def breaks(self) -> int:
        """How many requests found less than all that the one before had kept."""
        pairs = itertools.pairwise(self.served)
        return sum(later.read < earlier.read + earlier.written for earlier, later in pairs)


def _blocks(body: Mapping[str, Any]) -> Iterator[Block]:
    seen, length = sha256(), 0
    for where, block in _in_order(body):
        plain = {key: value for key, value in block.items() if key != "cache_control"}
        text = json.dumps([where, plain], sort_keys=True)
        seen.update(text.encode())
        length += len(text)
        # Four characters a token: what a share is measured in does not change it.
        yield Block(digest=seen.hexdigest(), tokens=length // 4, marked="cache_control" in block)


def _in_order(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for tool in body.get("tools", ()):
        yield "tools", tool
    for block in body.get("system", ()):
        yield "system", block
    for place, turn in enumerate(body["messages"]):
        for block in turn["content"]:
            yield f"{place} {turn['role']}", block
