"""The docs list what there is, their links lead somewhere, and no machine of ours shows through."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from config.explain import fields
from config.models import default_lineup
from sandbox import types as words
from sandbox.buildpacks import BUILDPACKS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def anchors(page: Path) -> set[str]:
    """Heading anchors as GitHub makes them."""
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    yield from _LINK.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_internal_links_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        waiting += [target for target in targets if target.suffix == ".md" and target not in reached]
    assert {page.relative_to(ROOT) for page in PAGES} - {page.relative_to(ROOT) for page in reached} == {
        Path("CHANGELOG.md")
    }


def test_every_setting_is_listed_with_its_default() -> None:
    text = text_of("docs/configuration.md")
    for key, group, name, _ in fields():
        section = text.split(f"### `[{group}]`", 1)[1].split("###", 1)[0]
        assert f"| `{name}` |" in section, key


def test_every_model_of_the_lineup_is_listed() -> None:
    text = text_of("docs/models.md")
    assert [name for name in default_lineup().models if f"| `{name}` |" not in text] == []


def test_every_verdict_is_explained() -> None:
    text = text_of("docs/verdicts.md")
    names = [variant.__name__ for variant in get_args(words.Verdict)]
    assert len(names) == 9
    assert [name for name in names if f"| `{name}` |" not in text] == []


def test_every_buildpack_is_listed_and_no_other() -> None:
    section = text_of("docs/sandbox.md").split("### Buildpacks", 1)[1].split("\n## ", 1)[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert listed == [detect.__module__.rpartition(".")[2] for detect in BUILDPACKS]


def test_every_command_is_listed() -> None:
    tables = script("docs_tables")
    text = text_of("docs/commands.md")
    usages = [usage for usage, _ in tables.commands()]
    assert "redgreen fix" in usages
    assert [usage for usage in usages if f"`{usage}`" not in text] == []
    assert [usage for usage, about in tables.commands() if not about] == []


def test_the_generated_tables_are_what_the_code_says() -> None:
    assert script("docs_tables").main(["--check"]) == 0


def test_a_stale_table_is_noticed() -> None:
    tables = script("docs_tables")
    page = "before\n<!-- models: generated -->\nold\n<!-- end -->\nafter"
    assert tables.rewritten(page, "models", "new") == (
        "before\n<!-- models: generated -->\n\nnew\n\n<!-- end -->\nafter"
    )
    with pytest.raises(ValueError, match="no place"):
        tables.rewritten(page, "settings", "new")


def test_every_comment_command_is_in_the_readme() -> None:
    from bot.commands import Verb

    text = text_of("README.md")
    assert [verb for verb in Verb if f"@redgreen {verb}" not in text] == []


def test_make_help_lists_every_target() -> None:
    makefile = text_of("Makefile")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"demo", "test", "setup"} <= set(targets)
    assert [target for target in targets if f"make {target} " not in shown] == []


def test_each_decision_is_in_the_index() -> None:
    directory = ROOT / "docs" / "decisions"
    index = (directory / "README.md").read_text(encoding="utf-8")
    records = sorted(path.name for path in directory.glob("*.md") if path.name != "README.md")
    assert records
    assert [name for name in records if f"({name})" not in index] == []


def tracked_texts() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if name != "uv.lock" and path.is_file() and not path.is_symlink():
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_no_path_of_a_developers_machine_is_committed() -> None:
    ours = re.compile(r"(?<![\w.])/" + r"root/\.|/" + r"(?:home|Users)/[a-z]+/(?!redgreen)|/tmp/" + r"bash_jobs")
    found = [f"{name}: {match[0]}" for name, text in tracked_texts() if (match := ours.search(text))]
    assert found == []


def test_shell_scripts_parse() -> None:
    scripts = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]
    for path in scripts:
        checked = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, ""), path


def test_scripts_write_no_file_outside_the_checkout() -> None:
    """The engine and its packages aside, which are the distribution's to place."""
    for path in (ROOT / "scripts").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        assert [text for text in constants if isinstance(text, str) and text.startswith(("/tmp", "/etc", "/usr"))] == []
