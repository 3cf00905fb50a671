"""What a package's scripts say of its tests: which tool, with which arguments, and what must be built before. Pure.

Scripts are shell text; they are read, never run. What cannot be read is passed over.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from sandbox.runners.node_invocation import Invocation
from sandbox.types import RepoView

_NAMES = (
    "test", "tests-only", "test:unit", "test-unit", "unit", "test:node", "test-node", "test:ci", "test:only", "tests",
    "test:all", "test:jest", "test:mocha", "test:vitest", "mocha", "jest", "vitest", "tape", "test-only", "test:js",
    "unit-test", "unit-tests", "test:run", "test:main", "spec",
)  # fmt: skip
"""Scripts that are looked at, in this order, until one starts a tool that is known."""
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_PACKAGE = re.compile(r"^(?:\./)?node_modules/([^@/.][^/]*)/.*\.[cm]?js$")
"""A program inside of a package."""
_BIN = re.compile(r"^(?:\./)?node_modules/(?:\.bin/|)(?:@?[^/]+/)*?([^/]+?)(?:\.[cm]?js)?$")
_BUILDERS = frozenset(
    {
        "tsc", "rollup", "webpack", "webpack-cli", "babel", "esbuild", "tsup", "tsdown", "swc", "vite", "parcel",
        "microbundle", "unbuild", "obuild", "tshy", "zshy", "tsdx", "dts", "ncc", "preconstruct", "grunt", "gulp",
        "make", "cmake", "node-gyp", "node-gyp-build", "napi", "wasm-pack", "browserify", "coffee", "sass",
        "node-sass", "pegjs", "peggy", "jison", "nearleyc", "pbjs", "pbts", "prisma", "graphql-codegen", "buble",
        "uglifyjs", "terser", "rm", "rimraf", "del", "del-cli", "mkdir", "mkdirp", "cp", "cpr", "cpx", "cpy",
        "copyfiles", "ncp", "mv", "touch", "shx", "node", "ts-node", "tsx", "babel-node", "bash", "sh",
    }
)  # fmt: skip
"""Programs that make files. Anything else before the tests (linters, audits, messages) is no fact about the tests."""
_RUNNERS = {
    "jest": "jest", "vitest": "vitest", "mocha": "mocha", "_mocha": "mocha", "tape": "tape", "tap": "tap", "t": "tap",
}  # fmt: skip
_WRAPPERS = frozenset(
    {"npx", "cross-env", "cross-env-shell", "env", "dotenv", "nyc", "c8", "exec", "--", "time", "bunx"}
)
_WRAPPER_VALUES = frozenset(
    {"--reporter", "-r", "--require", "--report-dir", "--temp-dir", "--include", "--exclude", "-n", "-x", "-e", "-i",
     "-p", "--package", "--cwd", "--instrument", "-o", "--check-coverage-config"}
)  # fmt: skip
_NODE_VALUED = frozenset({"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"})
_NO_TESTS = re.compile(r"no test specified|no tests? (?:yet|configured)", re.IGNORECASE)
_LIMIT = 40
"""Commands that one script may grow to, by naming others."""


def manifest(view: RepoView, path: str = "package.json") -> Mapping[str, Any]:
    """A package.json; empty where there is none or it cannot be read."""
    try:
        document = json.loads((view.read(path) or b"{}").decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def scripts(view: RepoView) -> Mapping[str, str]:
    found = manifest(view).get("scripts")
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def has_test_script(view: RepoView) -> bool:
    """True for a test script that is more than npm's placeholder."""
    script = scripts(view).get("test", "")
    return bool(script.strip()) and _NO_TESTS.search(script) is None


def find(view: RepoView) -> Invocation | None:
    """How the tests are started: the first tool that is known, with the steps before it that build; or None."""
    return next((found for name in _NAMES if (found := named(view, name)) is not None), None)


def named(view: RepoView, script: str) -> Invocation | None:
    """As `find`, of one script."""
    known = scripts(view)
    return _of_script(view, known, script) if script in known else None


def _of_script(view: RepoView, known: Mapping[str, str], name: str) -> Invocation | None:
    before: list[tuple[str, ...]] = []
    for words in _commands(known, name):
        read = _invocation(view, words)
        if read is not None:
            return replace(read, before=tuple(before))
        if words and _builds(words):
            before.append(words)
    return None


def _builds(words: tuple[str, ...]) -> bool:
    """A step that makes something the tests may need: no linter, no check of types, no message."""
    plain = [_tool_name(word) for word in words if not word.startswith("-") and not _ASSIGNMENT.match(word)]
    while plain and plain[0] in _WRAPPERS | {"yarn", "pnpm", "npm", "exec"}:
        plain.pop(0)
    lint = re.search(r"lint|format|audit|types?check|coverage|prettier|depcheck|license", " ".join(words))
    return bool(plain) and plain[0] in _BUILDERS and not lint and "--noEmit" not in words and plain != ["node"]


def _commands(known: Mapping[str, str], name: str) -> list[tuple[str, ...]]:
    """The simple commands of a script, those of the scripts it names in their place; `pre` scripts before their own."""
    found: list[tuple[str, ...]] = []
    for words in _expanded(known, name, (), frozenset()):
        found.append(words)
        if len(found) >= _LIMIT:
            break
    return found


def _expanded(
    known: Mapping[str, str], name: str, more: tuple[str, ...], seen: frozenset[str]
) -> Iterator[tuple[str, ...]]:
    if name in seen or len(seen) > 8:
        return
    inside = seen | {name}
    if f"pre{name}" in known:
        yield from _expanded(known, f"pre{name}", (), inside)
    commands = list(simple_commands(known[name]))
    # What follows a `cd` happens in another directory: no step before the root's tests.
    commands = commands[: next((at for at, words in enumerate(commands) if words[0] == "cd"), len(commands))]
    for index, words in enumerate(commands):
        extra = more if index == len(commands) - 1 else ()
        env = tuple(word for word in words if _ASSIGNMENT.match(word))
        named = list(_named_scripts(words[len(env) :] if words[: len(env)] == env else words, known))
        if not named:
            yield (*words, *extra)
        for script, arguments in named:
            for inner in _expanded(known, script, (*arguments, *extra), inside):
                yield (*env, *inner) if words[: len(env)] == env else inner


def simple_commands(text: str) -> Iterator[tuple[str, ...]]:
    """The commands of a shell line, redirections left out; nothing of a line that cannot be split."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    skip = False
    try:
        for token in lexer:
            if set(token) <= set("();|&"):
                if words:
                    yield tuple(words)
                words = []
            elif set(token) <= set("<>&"):
                # `2>file`: the descriptor is no word of the command.
                words = words[:-1] if words and words[-1].isdigit() else words
                skip = True
            elif skip:
                skip = False
            else:
                words.append(token)
    except ValueError:
        return
    if words:
        yield tuple(words)


def _named_scripts(words: tuple[str, ...], known: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(script, arguments for it) of `npm run x -- y`, `yarn x`, `run-s a b`, `npm-run-all a b:*`."""
    tool, *rest = _unwrapped(words) or ("",)
    if tool in ("npm", "yarn", "pnpm", "bun"):
        plain = [word for word in rest if not word.startswith("-")] if "--" not in rest else rest
        plain = [word for word in plain if word not in ("run", "run-script", "-s", "--silent")]
        name = {"t": "test", "tst": "test", "it": "test"}.get(plain[0], plain[0]) if plain else ""
        arguments = tuple(word for word in plain[1:] if word != "--")
        if name in known:
            yield name, arguments
        elif tool == "pnpm" and len(name) > 2 and name[0] == name[-1] == "/":
            yield from ((one, arguments) for one in _matching(known, name[1:-1]))
    elif tool in ("run-s", "run-p", "npm-run-all", "npm-run-all2", "concurrently", "wireit"):
        for word in rest:
            word = word.removeprefix("npm:").removeprefix("npm run ").split(" ")[0]
            pattern = word.replace("**", "*")
            yield from ((name, ()) for name in known if not word.startswith("-") and fnmatchcase(name, pattern))


def _unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """`c8 --all pnpm unit` as `pnpm unit`; what wraps no package manager stays as it is."""
    if not words or words[0] not in ("c8", "nyc"):
        return words
    at = next((at for at, word in enumerate(words) if word in ("npm", "yarn", "pnpm", "bun")), 0)
    return words[at:]


def _matching(known: Mapping[str, str], pattern: str) -> Iterator[str]:
    """The scripts of `pnpm run /^test:/`; only plain text with `^` and `$` is read as a pattern."""
    start, end = pattern.startswith("^"), pattern.endswith("$")
    text = pattern.removeprefix("^").removesuffix("$")
    if not re.fullmatch(r"[\w:.-]+", text):
        return
    for name in known:
        at = name.find(text)
        if at >= 0 and (at == 0 or not start) and (name.endswith(text) or not end):
            yield name


def _invocation(view: RepoView, words: tuple[str, ...]) -> Invocation | None:
    """The runner that a simple command starts; None for one that starts none that is known."""
    env: list[tuple[str, str]] = []
    flags: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        tool = _RUNNERS.get(_tool_name(word))
        if _ASSIGNMENT.match(word):
            name, _, value = word.partition("=")
            env.append((name, value))
        elif tool is not None and (word != "t"):
            return Invocation(tool=tool, args=tuple(rest), flags=tuple(flags), env=tuple(env))
        elif word in ("node", "tsx", "ts-node", "babel-node", "@babel/node", "borp"):
            return _of_node(view, word, rest, env)
        elif word in ("istanbul", "babel-istanbul", "isparta") and "cover" in rest:
            rest = rest[rest.index("cover") + 1 :]
        elif word in ("yarn", "pnpm", "npm", "bun") or word in _WRAPPERS or _tool_name(word) in ("nyc", "c8"):
            continue
        elif word.startswith("-"):
            if word in _WRAPPER_VALUES and rest:
                rest.pop(0)
        else:
            return None
    return None


def _of_node(view: RepoView, program: str, rest: list[str], env: list[tuple[str, str]]) -> Invocation | None:
    """`node [flags] X`: Node's own runner, a tool's program, or a file whose imports say what it is."""
    flags = [] if program == "node" else _loader(program)
    while rest:
        word = rest.pop(0)
        if word == "--test" or (program == "borp"):
            args = rest if word == "--test" else [word, *rest]
            return Invocation(tool="node:test", args=tuple(args), flags=tuple(flags), env=tuple(env))
        if word.startswith("-"):
            flags.append(word)
            if word in _NODE_VALUED and rest:
                flags.append(rest.pop(0))
            continue
        tool = _RUNNERS.get(_tool_name(word)) if "node_modules/" in word else None
        if tool is not None:
            return Invocation(tool=tool, args=tuple(rest), flags=tuple(flags), env=tuple(env))
        tool, files = _of_file(view, word)
        return Invocation(tool=tool, args=files, flags=tuple(flags), env=tuple(env)) if tool else None
    return None


def _loader(program: str) -> list[str]:
    return {"tsx": ["--import", "tsx"], "ts-node": ["--require", "ts-node/register"]}.get(program, [])


def _of_file(view: RepoView, word: str) -> tuple[str, tuple[str, ...]]:
    path = word.removeprefix("./").rstrip("/")
    for name in (path, f"{path}.js", f"{path}/index.js", f"{path}.cjs", f"{path}.mjs"):
        data = view.read(name)
        if data is not None:
            return imported_runner(data.decode("utf-8", "replace")), (name,)
    return "", ()


def imported_runner(text: str) -> str:
    """The runner that a test file imports; "" for none that is known."""
    for module, tool in (("node:test", "node:test"), ("tape", "tape"), ("tap", "tap"), ("test", "node:test")):
        if re.search(rf"(?:require\(\s*|from\s+|import\s+)[\"']{re.escape(module)}[\"']", text):
            return tool
    return ""


def _tool_name(word: str) -> str:
    package = _PACKAGE.match(word)
    if package is not None and package[1] in _RUNNERS:
        return package[1]
    found = _BIN.match(word)
    return found.group(1) if found is not None else word
