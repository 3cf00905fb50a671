"""What an environment's record says to install, as commands of a build. Pure.

Records are written for a root shell with conda, before the patch is applied; a build here is the sandbox's user's, with
pip, and its image is used for every patch on the commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import yaml

from sandbox.layout import VENV
from sandbox.types import RepoView

PIP = (f"{VENV}/bin/python", "-m", "pip", "install", "--no-input")
_REQUIREMENTS = (
    "requirements.txt",
    "requirements/dev.txt",
    "requirements/tests.txt",
    "requirements/test.txt",
    "requirements-dev.txt",
    "requirements_dev.txt",
    "requirements-test.txt",
    "requirements_test.txt",
    "requirements/dev/dev-requirements.txt",
    "requirements/testing/all.txt",
    "tests/requirements/py3.txt",
    "test-requirements.txt",
    "dev-requirements.txt",
)
"""Where a repository may keep what the specification only calls `requirements.txt`, the likeliest first."""
_CONDA_FILES = ("environment.yml", "environment.yaml", "ci/requirements/environment.yml", "ci/environment.yml")
_NOT_PIP = frozenset({"python", "pip", "conda", "mamba", "compilers", "nodejs", "make", "cmake", "git", "pandoc"})
_APT = re.compile(r"^(?:sudo\s+)?apt(?:-get)?\s+(?:-\S+\s+)*(update|upgrade|install)\b(.*)$")
_PACKAGE = re.compile(r"^[a-z0-9][a-z0-9.+-]+$")
_NOT_HERE = re.compile(
    r"\b(?:conda|mamba)\b|\blocale-gen\b|\bupdate-alternatives\b|(?:^|[\s'\"])/(?:etc|usr|lib|var|root)/|\bsudo\b"
)
_OF_TREE = re.compile(
    r"(\bpip[0-9.]*\s+install\b[^;&|\n]*?\s)(?<!\s-e\s)(?<!--editable\s)([\"']?\./?(?:\[[^\]]*\])?[\"']?)(?=\s|$)"
)
_SETUP_INSTALL = re.compile(r"(\bsetup\.py\s+)install\b")

_EACH = """\
set -o pipefail
said=$(mktemp) rest=$(dirname "$0")/.redgreen-$(basename "$0")
trap 'rm -f "$said" "$rest"' EXIT
"$@" 2>&1 | tee "$said" && exit
told='Failed building wheel for|No matching distribution found for|Failed to build'
named=$(sed -nE "s/.*($told) ([A-Za-z0-9._-]+).*/\\2/p" "$said" | sort -u | sed 's/[._-]/[._-]/g' | paste -sd '|' -)
if [ -n "$named" ] && grep -viE "^ *($named)([^A-Za-z0-9._-]|$)" "$0" > "$rest" && ! cmp -s "$0" "$rest"; then
  echo "left out: $named"
  {python} -m pip install --no-input -r "$rest" && exit
fi
echo "not all of $0 can be installed together: one by one"
while IFS= read -r line; do
  case "$line" in ''|'#'*|-*) continue;; esac
  {python} -m pip install --no-input "$line" || echo "left out: $line"
done < "$0"
"""
_AS_FAR = """\
set -f; fixed=$1; shift
if ! timeout 600 {python} -m pip install --no-input --prefer-binary $fixed "$@"; then
  echo "not all can be installed together: one by one"
  {python} -m pip install --no-input $fixed || exit
  for one in "$@"; do
    {python} -m pip install --no-input --prefer-binary "$one" $fixed || echo "left out: $one"
  done
fi
"""
"""Packages that were never meant for pip may keep its resolver busy without end."""


def without_apt(line: str) -> tuple[str, list[str]]:
    """A shell line without its `apt-get` commands, which are root's, and what those would have installed."""
    wanted: list[str] = []
    kept = []
    for part in re.split(r"\s*&&\s*", line.strip()):
        match = _APT.match(part)
        if match is None:
            kept.append(part)
        elif match.group(1) == "install":
            wanted += [word for word in match.group(2).split() if not word.startswith("-")]
    return " && ".join(part for part in kept if part), wanted


def is_package(name: str) -> bool:
    """A name of the distribution's, and no option of the command it stood in."""
    return bool(_PACKAGE.match(name))


def packages(words: Sequence[str], view: RepoView) -> Iterable[tuple[str, ...]]:
    """Commands for a record's packages. What only an environment.yml lists is installed as far as pip can."""
    plain: list[str] = []
    listed: list[str] = []
    for word in words:
        if word.endswith(".txt"):
            path = next((path for path in (word, *_REQUIREMENTS) if view.read(path) is not None), None)
            if path is not None:
                yield _requirements(path)
        elif word.endswith((".yml", ".yaml")):
            found = next((path for path in (word, *_CONDA_FILES) if view.read(path) is not None), None)
            listed += conda_requirements(view.read(found) or b"") if found else []
        elif (named := _pip_name(word)) is not None:
            plain.append(named)
    if listed:
        yield ("/bin/bash", "-c", _AS_FAR.format(python=f"{VENV}/bin/python"), "bash", " ".join(plain), *listed)
    elif plain:
        yield (*PIP, *plain)


def _requirements(path: str) -> tuple[str, ...]:
    """All of a file's requirements, and where that fails those of them that can be had."""
    script = _EACH.format(python=f"{VENV}/bin/python")
    return ("/bin/bash", "-c", script, path, *PIP, "-r", path)


def conda_requirements(data: bytes) -> list[str]:
    """What an environment.yml asks for, as far as pip knows it by the same name."""
    try:
        document = yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError):
        return []
    found = []
    for item in document.get("dependencies") or () if isinstance(document, dict) else ():
        if isinstance(item, dict):
            found += [str(word) for word in item.get("pip") or () if not str(word).startswith("-")]
        elif (name := _pip_name(str(item).rpartition("::")[2])) is not None:
            found.append(name)
    return found


def _pip_name(word: str) -> str | None:
    """A requirement in conda's words (`numpy=1.19`) as pip's; None for what is no package of the index."""
    plain = re.sub(r"\s+", "", word)
    match = re.match(r"^[A-Za-z0-9._-]+", plain)
    if plain.startswith("-") or match is None or match.group().lower() in _NOT_PIP:
        return None
    return re.sub(r"^([A-Za-z0-9._\[\],-]+)=([0-9][^=]*)(?:=[^=]*)?$", r"\1==\2.*", plain)


def of_tree(line: str) -> tuple[str, ...]:
    """A line that installs the project. What it copies out of the tree would be the base commit's, whatever patch is
    tried (the harness installs once more then): the tree itself is installed instead, editable."""
    return shell(_SETUP_INSTALL.sub(r"\1develop", _OF_TREE.sub(r"\1-e \2", line)))


def shell(line: str) -> tuple[str, ...]:
    """A shell line as the sandbox's user; one that wants to be root, or conda, is tried and passed over."""
    if _NOT_HERE.search(line):
        return ("/bin/bash", "-c", f"{{ {line}\n}} || echo 'left out: it needs root or conda'")
    return ("/bin/bash", "-c", line)
