"""JavaScript and TypeScript: which Node, which package manager, what is built first, and what runs the tests. Pure.

The installed packages stay in the image and are linked into every tree (`EnvironmentPlan.linked`). What the tests need
built is built in every run, since it is made of the source that is judged.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox import toolchains_node
from sandbox.buildpacks import node_install
from sandbox.layout import KEPT
from sandbox.parts import classify
from sandbox.parts import node as parts_node
from sandbox.runners import command_runner, node_launch, node_scripts
from sandbox.runners.node_invocation import Invocation
from sandbox.types import EnvironmentPlan, Part, RepoView

BASE = "redgreen-base"
_RUNNERS = {
    "jest": "jest", "vitest": "vitest", "mocha": "mocha", "node:test": "node-test", "tape": "tap", "tap": "tap",
}  # fmt: skip
_READ_TESTS = 60
"""How many test files are read to see what they import."""
_BUILD_SCRIPTS = ("build", "compile", "prepare", "prepublishOnly", "prepublish", "build:node", "build:cjs", "bundle")
_BUILT = re.compile(r"(?:^|/)(?:dist|lib|build|out|es|esm|cjs|output)(?:/|$)")
_IMPORT = re.compile(r"(?:require\(\s*|from\s+|import\s*\(?\s*)[\"'`]([^\"'`\n]+)[\"'`]")
_CONFIGURED = (
    ("jest", ("jest.config.js", "jest.config.ts", "jest.config.cjs", "jest.config.mjs", "jest.config.json")),
    ("vitest", ("vitest.config.ts", "vitest.config.js", "vitest.config.mts", "vitest.config.mjs")),
    ("mocha", (".mocharc.json", ".mocharc.js", ".mocharc.cjs", ".mocharc.yml", ".mocharc.yaml", "test/mocha.opts")),
    ("tap", (".taprc",)),
)
_DEPENDED = ("jest", "vitest", "mocha", "tape", "tap")


def detect(view: RepoView) -> EnvironmentPlan | None:
    """The plan of a repository with a package.json at its root; None without."""
    if view.read("package.json") is None:
        return None
    manifest = node_scripts.manifest(view)
    major, why_node = _node(view, manifest)
    manager = _manager(view, manifest)
    invocation, why_tests = _invocation(view, manifest)
    evidence = [why_node, manager.evidence, why_tests]
    if invocation is not None and not invocation.before and (script := _build(view, manifest)):
        invocation = replace(invocation, before=(("npm", "run", script),))
        evidence.append(f"package.json: the tests import what the script `{script}` builds; it is run before them.")
    command: tuple[str, ...] = ()
    if invocation is not None:
        runner, command = _RUNNERS[invocation.tool], invocation.words()
    elif node_scripts.has_test_script(view):
        runner, command = command_runner.NAME, ("npm", "test")
    else:
        runner = "node-test"
    return EnvironmentPlan(
        language="node",
        runner=runner,
        base=BASE,
        toolchains=(f"{toolchains_node.NAME}@{major}",),
        env=(("PATH", toolchains_node.path()), ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"), *manager.env),
        install=manager.steps,
        command=command,
        linked=("node_modules",),
        manifests=tuple(sorted({*manager.manifests, *_manifests(view)})),
        evidence=tuple(evidence),
    )


# --- which Node --------------------------------------------------------------------------------------------------


def _node(view: RepoView, manifest: Mapping[str, Any]) -> tuple[int, str]:
    for path in (".nvmrc", ".node-version"):
        if (major := toolchains_node.exact(node_launch.text_of(view, path))) is not None:
            return major, f"{path}: Node {major}."
    volta = _table(manifest, "volta").get("node")
    if isinstance(volta, str) and (major := toolchains_node.exact(volta)) is not None:
        return major, f"package.json: volta pins Node {major}."
    engines = _table(manifest, "engines").get("node")
    if isinstance(engines, str) and (major := toolchains_node.choose(engines)) is not None:
        return major, f"package.json: engines.node is {engines!r}: Node {major}."
    return toolchains_node.DEFAULT, f"Nothing asks for a release of Node that is known: Node {toolchains_node.DEFAULT}."


# --- the package manager -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Manager:
    steps: tuple[tuple[str, ...], ...]
    evidence: str
    manifests: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


_QUIET = " ".join(node_install.FLAGS)


def _manager(view: RepoView, manifest: Mapping[str, Any]) -> Manager:
    asked, _, version = str(manifest.get("packageManager") or "").partition("@")
    version = version.split("+")[0]
    if view.read("pnpm-lock.yaml") is not None or asked == "pnpm":
        return _pnpm(view, version if asked == "pnpm" else "")
    if view.read("yarn.lock") is not None or asked == "yarn":
        return _yarn(view, version if asked == "yarn" else "")
    for lock in ("npm-shrinkwrap.json", "package-lock.json"):
        if view.read(lock) is not None:
            locked = f'npm ci {_QUIET} || npm ci {_QUIET} --ignore-scripts || "$@"'
            return Manager(
                steps=(("/bin/sh", "-c", locked, "sh", *node_install.STEP),),
                evidence=f"{lock}: npm installs what it locks.",
                manifests=(lock,),
            )
    evidence = "package.json: npm installs its dependencies; no lock file fixes their versions."
    return Manager(steps=(node_install.STEP,), evidence=evidence)


def _tool(package: str) -> tuple[str, ...]:
    return ("npm", "install", "--global", "--no-audit", "--no-fund", "--prefix", toolchains_node.PREFIX, package)


def _pnpm(view: RepoView, version: str) -> Manager:
    if not version:
        lock = re.search(r"^lockfileVersion:\s*'?\"?(\d+(?:\.\d+)?)", node_launch.text_of(view, "pnpm-lock.yaml"))
        version = {"5.3": "6", "5.4": "7", "6.0": "8", "6.1": "8", "9.0": "9"}.get(lock.group(1) if lock else "", "9")
    install = "pnpm install --frozen-lockfile --prod=false"
    loose = "pnpm install --no-frozen-lockfile --prod=false --ignore-scripts"
    return Manager(
        steps=(_tool(f"pnpm@{version}"), ("/bin/sh", "-c", f"{install} || {loose}")),
        evidence=f"pnpm {version} installs what pnpm-lock.yaml locks.",
        manifests=("pnpm-lock.yaml",),
        env=(("npm_config_store_dir", f"{KEPT}/pnpm-store"), ("npm_config_manage_package_manager_versions", "false"),
             ("npm_config_package_import_method", "copy"), ("CI", "true")),
    )  # fmt: skip


def _yarn(view: RepoView, version: str) -> Manager:
    lock = node_launch.text_of(view, "yarn.lock")
    own = re.search(r"^yarnPath:\s*[\"']?([^\s\"']+)", node_launch.text_of(view, ".yarnrc.yml"), re.MULTILINE)
    major = version.split(".")[0] or ("4" if "__metadata:" in lock else "1")
    if major == "1":
        install = "yarn install --frozen-lockfile --non-interactive --production=false"
        steps = (
            _tool("yarn@1"),
            (
                "/bin/sh",
                "-c",
                f"{install} || {install} --ignore-engines || yarn install --ignore-engines --ignore-scripts",
            ),
        )
        return Manager(steps=steps, evidence="yarn.lock: yarn 1 installs what it locks.", manifests=("yarn.lock",))
    env = (("YARN_NODE_LINKER", "node-modules"), ("YARN_ENABLE_TELEMETRY", "0"), ("YARN_ENABLE_GLOBAL_CACHE", "false"),
           ("YARN_CACHE_FOLDER", "/tmp/yarn-cache"), ("YARN_ENABLE_HARDENED_MODE", "0"))  # fmt: skip
    first: tuple[tuple[str, ...], ...] = ()
    if own is not None and view.read(own.group(1)) is not None:
        program = shlex.join(["node", own.group(1)])
        told = f".yarnrc.yml: {own.group(1)}"
    else:
        program, told = "yarn", f"yarn {version or major}"
        first = (_tool(f"@yarnpkg/cli-dist@{version or major}"),)
    step = ("/bin/sh", "-c", f"{program} install --immutable || {program} install --no-immutable --mode=skip-build")
    return Manager(
        steps=(*first, step),
        evidence=f"{told} installs what yarn.lock locks, into node_modules.",
        manifests=("yarn.lock", ".yarnrc.yml"),
        env=env,
    )


def _manifests(view: RepoView) -> tuple[str, ...]:
    """Whatever decides what is installed, of every workspace."""
    not_here = parts_node.TEST_PLACES | {"node_modules"}
    names = {"package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml", ".nvmrc", ".node-version"}
    return tuple(
        path for path in view.paths() if path.rpartition("/")[2] in names and not_here.isdisjoint(path.split("/"))
    )


# --- what runs the tests -----------------------------------------------------------------------------------------


def _invocation(view: RepoView, manifest: Mapping[str, Any]) -> tuple[Invocation | None, str]:
    found = node_scripts.find(view)
    if found is not None:
        return found, f"package.json: its scripts run the tests with {found.tool}."
    for tool, configs in _CONFIGURED:
        if path := next((path for path in configs if view.read(path) is not None), ""):
            return Invocation(tool=tool), f"{path}: configures {tool}."
    if "jest" in manifest or "mocha" in manifest:
        tool = "jest" if "jest" in manifest else "mocha"
        return Invocation(tool=tool), f"package.json: configures {tool}."
    known = {**_table(manifest, "dependencies"), **_table(manifest, "devDependencies")}
    imported = _imported(view)
    for tool in _DEPENDED:
        if tool in known and (not imported or tool == imported):
            return Invocation(tool=tool), f"package.json: {tool} is among the dependencies."
    if imported == "node:test":
        return Invocation(tool=imported), "The test files import node:test."
    if node_scripts.has_test_script(view):
        return None, "package.json: nothing is known of what its test script runs; only its exit code is."
    return None, "Nothing says what runs the tests: Node's own runner is assumed."


def _imported(view: RepoView) -> str:
    """What the first test files that import a known runner import."""
    tests = [path for path in node_launch.scripts_in(view) if classify(path) is Part.TEST][:_READ_TESTS]
    texts = (node_launch.text_of(view, path) for path in tests)
    return next((tool for text in texts if (tool := node_scripts.imported_runner(text))), "")


def _build(view: RepoView, manifest: Mapping[str, Any]) -> str:
    """The script that makes what the tests import and the tree does not have; "" where they need none."""
    scripts = node_scripts.scripts(view)
    script = next((name for name in _BUILD_SCRIPTS if name in scripts), "")
    if not script or not _imports_built(view, manifest):
        return ""
    return script


def _imports_built(view: RepoView, manifest: Mapping[str, Any]) -> bool:
    paths = frozenset(view.paths())
    directories = frozenset(path[:at] for path in paths for at in range(len(path)) if path[at] == "/")
    main = str(manifest.get("main") or "").removeprefix("./")
    lacks_main = bool(main) and not {main, f"{main}.js", f"{main}/index.js"} & paths
    tests = [path for path in node_launch.scripts_in(view) if classify(path) is Part.TEST]
    for path in tests[:_READ_TESTS]:
        for target in _IMPORT.findall(node_launch.text_of(view, path)):
            if target == manifest.get("name"):
                if lacks_main:
                    return True
                continue
            if not target.startswith("."):
                continue
            resolved = _normal(path, target)
            if not resolved and lacks_main:
                return True
            head = resolved.split("/")[0]
            if _BUILT.search(resolved) and head not in directories and resolved not in paths:
                return True
    return False


def _normal(path: str, target: str) -> str:
    """A relative import as a path in the tree; "" for the tree itself or what is above it."""
    parts = path.split("/")[:-1]
    for word in target.split("/"):
        if word == "..":
            parts = parts[:-1]
        elif word not in ("", "."):
            parts.append(word)
    return "/".join(parts)


def _table(manifest: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = manifest.get(key)
    return value if isinstance(value, dict) else {}
