"""The tables in docs/ that the code decides: settings, models, commands.

    python scripts/docs_tables.py --check    exit 1 when a table differs from the code
    python scripts/docs_tables.py --write    rewrite them

A table stands between `<!-- NAME: generated -->` and `<!-- end -->` in the page that PAGES names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import typer.main

from bot.cli import app
from config.explain import defaults, group_model
from config.models import Adapter, ModelSpec, Server, StrategyName, default_lineup
from config.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; what would break a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def settings_tables() -> str:
    """One table a group, in the file's order."""
    rows = defaults()
    parts = []
    for group, field in Settings.model_fields.items():
        about = " ".join((group_model(field).__doc__ or "").split())
        cells = (
            (code(row.key.partition(".")[2]), code(row.value), row.description)
            for row in rows
            if row.key.startswith(group + ".")
        )
        parts.append(f"### `[{group}]`\n\n{about}\n\n" + table(("key", "default", "meaning"), cells))
    return "\n\n".join(parts)


def models_table() -> str:
    return table(
        ("name", "kind", "by", "window", "output", "strategy", "key", "price", "licence", "notes"),
        (model_row(name, spec) for name, spec in default_lineup().models.items()),
    )


def model_row(name: str, spec: ModelSpec) -> tuple[str, ...]:
    if spec.adapter is Adapter.NONE:
        return (code(name), str(spec.kind), "embedded", "", "", str(spec.strategy), "", "free", "", spec.notes)
    return (
        code(name),
        f"{spec.kind}, {spec.openness.replace('_', ' ')}",
        ", ".join(_SERVERS[server] for server in spec.served_by),
        f"{spec.window:,}",
        f"{spec.output_limit:,}",
        _way(spec),
        code(spec.key_variable),
        price_source(spec),
        spec.licence,
        spec.notes,
    )


_SERVERS = {
    Server.VENDOR: "vendor",
    Server.VLLM: "vLLM",
    Server.OLLAMA: "Ollama",
    Server.TGI: "TGI",
    Server.LLAMA_CPP: "llama.cpp",
}


def _way(spec: ModelSpec) -> str:
    """Strategy and dialect, or the forms in which single answers are asked for."""
    if spec.strategy is StrategyName.LOOP:
        return f"loop, {spec.dialect}"
    gaps = ", fills gaps" if spec.fim else ""
    return f"{spec.strategy}, {spec.protocol}{gaps}"


def price_source(spec: ModelSpec) -> str:
    if spec.price:
        return f"{spec.price.as_of}, as given"
    return f"genai-prices ({spec.price_provider})" if spec.price_provider else "unknown"


def commands_table() -> str:
    return table(("command", "what it does"), ((code(usage), about) for usage, about in commands()))


def commands() -> Iterator[tuple[str, str]]:
    """(usage, first sentence of the help) of every command that is not hidden, groups flattened."""
    yield from _commands(typer.main.get_command(app), "redgreen")


def _commands(command: object, name: str) -> Iterator[tuple[str, str]]:
    children = getattr(command, "commands", None)
    if children:
        if getattr(command, "invoke_without_command", False):
            yield name, _about(command)
        for child_name in children:
            if not children[child_name].hidden:
                yield from _commands(children[child_name], f"{name} {child_name}")
        return
    parameters = getattr(command, "params", [])
    arguments = [
        f"[{p.name.upper()}]" if not p.required else p.name.upper()
        for p in parameters
        if p.param_type_name == "argument"
    ]
    yield " ".join((name, *arguments)), _about(command)


def _about(command: object) -> str:
    return " ".join((getattr(command, "help", "") or "").split("\n\n")[0].split())


PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("configuration.md", settings_tables),
    "models": ("models.md", models_table),
    "commands": ("commands.md", commands_table),
}


def rewritten(text: str, name: str, body: str) -> str:
    """The page with the table `name` replaced. Raises ValueError where the page has no place for it."""
    pattern = re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no place for the table {name!r}")
    return pattern.sub(lambda match: f"{match[1]}\n{body}\n\n{match[2]}", text)


def main(arguments: Sequence[str]) -> int:
    if list(arguments) not in (["--check"], ["--write"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = []
    for name, (page, render) in PAGES.items():
        path = DOCS / page
        text = path.read_text(encoding="utf-8")
        wanted = rewritten(text, name, render())
        if wanted != text:
            stale.append(page)
            if arguments[0] == "--write":
                path.write_text(wanted, encoding="utf-8")
    if stale and arguments[0] == "--check":
        print(f"stale: {', '.join(stale)}; run: make format", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
