"""Directories that a build fills with hundreds of megabytes (`node_modules`): kept once in the image, and stood into
every tree as a directory of symbolic links, one for each entry.

The directory itself is a real one in each container, so that tools can write their caches into it; what is installed
is read-only. Programs that run inside a container; nothing of this runs on the host.
"""

from __future__ import annotations

from typing import Final

from sandbox.layout import KEPT, TREE

LINKED: Final = f"{KEPT}/linked"
"""The tree's shape, with nothing in it but the linked directories: links between them keep their meaning."""


def keep(git: str) -> str:
    """A program for Python that moves the linked directories out of the tree. Its arguments are their names.

    A directory that holds files of the commit stays where it is. `git` is the command that knows the commit.
    """
    return f"git, tree, kept = {git.split()!r}, {TREE!r}, {LINKED!r}\n{_KEEP}"


_KEEP: Final = """\
import os, shutil, subprocess, sys

names = frozenset(sys.argv[1:])
found = []
for here, directories, _ in os.walk(tree):
    for name in sorted(names.intersection(directories)):
        path = os.path.join(here, name)
        command = git + ["ls-files", "-z", "--", os.path.relpath(path, tree)]
        tracked = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE).stdout
        if not os.path.islink(path) and not tracked:
            found.append(path)
    directories[:] = [name for name in directories if name not in names and name != ".git"]
shutil.rmtree(kept, ignore_errors=True)
os.makedirs(kept)


def is_kept(path):
    return any(path == one or path.startswith(one + os.sep) for one in found)


# Before anything moves: a link out of the kept directories is one into the tree (a workspace's package).
for one in found:
    for here, directories, files in os.walk(one):
        for name in directories + files:
            path = os.path.join(here, name)
            if not os.path.islink(path) or os.path.isabs(os.readlink(path)):
                continue
            target = os.path.normpath(os.path.join(here, os.readlink(path)))
            if target.startswith(tree + os.sep) and not is_kept(target):
                os.unlink(path)
                os.symlink(target, path)
with open(os.path.join(kept, ".list"), "w") as listed:
    for one in found:
        place = os.path.join(kept, os.path.relpath(one, tree))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.move(one, place)
        listed.write(os.path.relpath(one, tree) + chr(10))
"""
LAY: Final = f"""\
if [ -s {LINKED}/.list ]; then
  while IFS= read -r linked; do
    if [ -d {TREE}/"${{linked%/*}}" ] || [ "${{linked%/*}}" = "$linked" ]; then
      mkdir -p {TREE}/"$linked"
      find {LINKED}/"$linked" -mindepth 1 -maxdepth 1 ! -name .cache ! -name .vite ! -name .vitest ! -name .vite-temp \\
        -exec ln -s -t {TREE}/"$linked" -- {{}} + 2>/dev/null || true
    fi
  done < {LINKED}/.list
fi
"""
"""For `/bin/sh`. A name that the tree has already stays the tree's."""

EXCLUDE: Final = f"""\
if [ -s {LINKED}/.list ]; then
  sed -e 's/[][*?\\\\!# ]/\\\\&/g' -e 's|^|/|' {LINKED}/.list
fi
"""
