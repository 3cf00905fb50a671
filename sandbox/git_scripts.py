"""Shell scripts that run inside a container around git. Nothing of git runs on the host for a tenant's tree.

The tree's own configuration, hooks, attributes, filters and text conversions are code: each script names its repository
explicitly (`BASE_GIT`, which is not the one in the tree) and turns off everything a tree could bring along.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sandbox import linked_scripts
from sandbox.layout import BASE_GIT, GENERATED, TMP, TREE

ENV: Final[Mapping[str, str]] = MappingProxyType(
    {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_AUTHOR_NAME": "redgreen",
        "GIT_AUTHOR_EMAIL": "redgreen@localhost",
        "GIT_AUTHOR_DATE": "1000000000 +0000",
        "GIT_COMMITTER_NAME": "redgreen",
        "GIT_COMMITTER_EMAIL": "redgreen@localhost",
        "GIT_COMMITTER_DATE": "1000000000 +0000",
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
)

_SAFE: Final = (
    "-c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.untrackedCache=false -c core.attributesFile=/dev/null "
    "-c core.excludesFile=/dev/null -c core.autocrlf=false -c core.symlinks=true -c core.fileMode=true -c gc.auto=0 "
    "-c core.looseCompression=0 -c core.quotePath=false -c maintenance.auto=false -c safe.directory=* "
    "-c core.checkStat=default"
)
_GIT: Final = f"git {_SAFE} --git-dir={BASE_GIT} --work-tree={TREE}"

_LAY_GENERATED: Final = f"""\
if [ -f {GENERATED} ]; then
  tar -C {TREE} -xf {GENERATED} --skip-old-files --no-same-owner
fi
{linked_scripts.LAY}"""

PUT_TREE: Final = f"""\
set -eu
if [ -e {TREE} ] || [ -e {BASE_GIT} ]; then
  rm -rf {TREE} {BASE_GIT} 2>/dev/null || {{ chmod -fR u+rwx {TREE} {BASE_GIT} || true; rm -rf {TREE} {BASE_GIT}; }}
fi
mkdir {TREE}
tar -C {TREE} -xf - --no-same-owner
git init -q --bare --template= --initial-branch=main {BASE_GIT}
mkdir -p {BASE_GIT}/info
# What the tree's attributes ask for (line ends, filters, encodings) would make other blobs than the commit's.
printf '* -text -filter -ident -working-tree-encoding !diff !merge\\n' > {BASE_GIT}/info/attributes
{_GIT} add -A -f
{_GIT} commit -q --allow-empty --no-verify --no-gpg-sign -m 'base'
printf '__pycache__/\\n*.pyc\\n.pytest_cache/\\n.mypy_cache/\\n.ruff_cache/\\n.hypothesis/\\n' > {BASE_GIT}/info/exclude
if [ -f {GENERATED} ]; then
  cat {GENERATED}.exclude >> {BASE_GIT}/info/exclude
fi
{{ {linked_scripts.EXCLUDE} }} >> {BASE_GIT}/info/exclude
cp -R {BASE_GIT} {TREE}/.git
git -C {TREE} config core.bare false
rm {TREE}/.git/info/attributes
{_LAY_GENERATED}"""
"""Reads a tar stream. The tree's own `.git` is a copy, for the tenant to use or to ruin."""

_ASIDE: Final = ".aside"

PUT_ASIDE: Final = f"""\
set -eu
rm -rf {TREE}{_ASIDE} {BASE_GIT}{_ASIDE}
mv {TREE} {TREE}{_ASIDE}
mv {BASE_GIT} {BASE_GIT}{_ASIDE}
"""
"""Makes place for another tree; with `PUT_BACK` the one before stands there again, ignored files and all."""

PUT_BACK: Final = f"""\
set -eu
[ -e {TREE}{_ASIDE} ] || exit 1
rm -rf {TREE} {BASE_GIT} 2>/dev/null || {{ chmod -fR u+rwx {TREE} {BASE_GIT} || true; rm -rf {TREE} {BASE_GIT}; }}
mv {TREE}{_ASIDE} {TREE}
mv {BASE_GIT}{_ASIDE} {BASE_GIT}
"""

_INDEX: Final = f"{TMP}/redgreen-index"

DIFF: Final = f"""\
set -eu
cp {BASE_GIT}/index {_INDEX}
export GIT_INDEX_FILE={_INDEX}
{_GIT} add -A -- . 2>/dev/null
exec {_GIT} diff --cached --no-ext-diff --no-textconv --no-color --no-renames --full-index \
  --src-prefix=a/ --dst-prefix=b/ --submodule=short --ignore-submodules=none HEAD --
"""
"""Leaves its index behind, for the next one to write over: a process less in every step."""

RESET: Final = f"""\
set -eu
{_GIT} read-tree --reset HEAD
{_GIT} checkout-index -a -f -q
{_GIT} clean -ffdxq
{_LAY_GENERATED}"""

APPLY: Final = f"""\
cd {TREE} && exec {_GIT} apply --whitespace=nowarn -
"""
"""Reads a unified diff."""

APPLY_LENIENTLY: Final = f"""\
cd {TREE} || exit 1
reset() {{ {_GIT} read-tree --reset HEAD && {_GIT} checkout-index -a -f -q && {_GIT} clean -ffdxq; }}
done_by() {{ echo "applied by: $1"; exit 0; }}
{_GIT} apply --verbose "$1" && done_by 'git apply'
reset; {_GIT} apply --verbose --3way "$1" && done_by 'git apply --3way'
reset; {_GIT} apply --verbose --reject "$1" && done_by 'git apply --reject'
reset; patch --batch --forward --fuzz=5 -p1 -i "$1" && done_by 'patch --fuzz=5'
# A hunk that the tree has already makes `patch` fail although all is in place.
{_GIT} apply --check --reverse "$1" && done_by 'patch --fuzz=5'
exit 1
"""
"""Each way in which the SWE-bench harness tries to apply a model's patch, in its order, on a tree just put. Argument:
the patch's path. The last line of its output names the way that worked."""

_LIST: Final = f"{TMP}/generated.list"

KEEP_GENERATED: Final = f"""\
set -eu
rm -f {GENERATED} {GENERATED}.exclude
{_GIT} ls-files --others -z \
  | {{ grep -zvE '(^|/)(__pycache__|\\.git|\\.pytest_cache|\\.mypy_cache)(/|$)|\\.pyc$' || true; }} \
  | sort -z > {_LIST}
if [ -s {_LIST} ]; then
  tar -C {TREE} --null --no-recursion --verbatim-files-from -T {_LIST} -cf {GENERATED}
  tr '\\0' '\\n' < {_LIST} | sed -e 's/[][*?\\\\!# ]/\\\\&/g' -e 's|^|/|' > {GENERATED}.exclude
fi
rm -f {_LIST}
"""

KEEP_LINKED: Final = linked_scripts.keep(_GIT)
"""For Python; before `KEEP_GENERATED`. Arguments: the names of the directories that are linked, not copied."""
