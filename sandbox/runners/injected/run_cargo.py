"""Runs a Cargo tree's tests. Argument: the request's path (deleted before the tree's code runs).

`cargo test` only compiles: a program of ours stands in for each test executable and writes down how cargo would have
started it. Each is then started here, once, and tells what becomes of its tests twice: as JSON among its output, and in
a log that goes into a pipe. What only one of the two says, or what they say differently, was not said by libtest.
"""

import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _HERE)
import outside  # noqa: E402

_KEPT_TARGET = "/opt/redgreen/cargo-target"
_TARGET = "/work/target"
_LINKED_FROM = 64 << 10
"""Bytes; files of the image's target directory that are smaller are copied, because cargo writes to some of them."""
_RESTARTS = 20
"""Of one executable that crashes."""
_TAIL = 64 << 10
_FEW = 3
"""So many targets are asked for by name; for more, everything is built at once."""
_RED = 101
"""libtest's exit code when a test failed."""
_WATCHED = (".rs", "Cargo.toml", "build.rs")
_LOGGED = re.compile(r"^(ok|failed|ignored)\b.*?(\S+?)(?: <[^<>]*>)?$")
_EVENT = re.compile(r'\{ ?"type": ?"(?:test|suite)".*\}$')
_PANIC = re.compile(
    r"^thread '.*?' (?:\(\d+\) )?panicked at (?:'(?P<old>.*)', )?(?P<path>[^\s:][^:\n]*):(?P<line>\d+):\d+", re.M | re.S
)
_OVERFLOW = re.compile(r"^thread '(.*)' has overflowed its stack", re.M)


def main():
    # type: () -> None
    run = outside.Outside(sys.argv[1])
    suite = Suite(run)
    try:
        for root in run.request["roots"]:
            suite.run_root(os.path.normpath(os.path.join(run.request["root"], root)))
    except Unusable as error:
        print(error)
        run.end(gave_up=3)
    if run.request["canaries"] and not suite.any_results:
        suite.canaries_alone()
    run.end(replaced=sorted(suite.replaced))


class Unusable(Exception):
    """Neither green nor red: cargo cannot even read the tree."""


class Target:
    def __init__(self, package, found, root):
        # type: (dict, dict, str) -> None
        self.package = package["name"]
        self.manifest = package["manifest_path"]
        self.name = found["name"]
        kind = found["kind"][0]
        self.option = ["--lib"] if kind not in ("bin", "test", "example", "bench") else ["--" + kind, self.name]
        self.source = found["src_path"]
        self.path = os.path.relpath(self.source, root)
        self.is_tested = found.get("test", True) and kind not in ("custom-build", "bench", "example")
        self.names = []  # type: list
        self.group = "%s %s" % (self.package, " ".join(self.option))


class Process:
    """What the starts of one executable said."""

    def __init__(self):
        # type: () -> None
        self.logged = {}  # type: dict
        self.told = {}  # type: dict
        self.details = {}  # type: dict
        self.running = []  # type: list
        self.contradictions = set()  # type: set
        self.output = ""
        self.exit_code = 0
        self.heard = time.monotonic()
        self.seconds = 0.0
        """How long one test may take; 0: for ever."""
        self.was_ended = False


class Suite:
    def __init__(self, run):
        # type: (outside.Outside) -> None
        self.run = run
        self.request = run.request
        self.tree = run.request["root"]
        self.replaced = set()  # type: set
        self.any_results = False
        self.plain = frozenset(self.request["plain"])
        words = text_of(["rustc", "-vV"], self.tree).split()
        triple = words[words.index("host:") + 1]
        self.runner = "CARGO_TARGET_%s_RUNNER" % triple.upper().replace("-", "_")

    # --- one workspace -------------------------------------------------------------------------------------------

    def run_root(self, root):
        # type: (str) -> None
        described = json.loads(text_of(["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"], root))
        packages = described["packages"]
        targets = [Target(package, found, self.tree) for package in packages for found in package["targets"]]
        targets = [target for target in targets if target.is_tested]
        chosen = self.chosen(targets)
        share(packages)
        touch(self.tree)
        for source in sorted({target.source for target in targets if target.path not in self.plain}):
            self.append_canaries(source)
        before = digests(self.tree)
        executables, errors = self.build(root, targets, chosen)
        for path in sorted(path for path, digest in digests(self.tree).items() if before.get(path) != digest):
            self.replaced.add("%s, by the build," % path)
        for target in chosen:
            held = executables.get((target.manifest, target.source))
            if held is None:
                if target.path in errors:
                    self.run.uncollected(target.path, errors[target.path], "compile error")
            elif target.path in self.plain:
                self.run_plain(target, held)
            else:
                self.run_target(target, held)

    def chosen(self, targets):
        # type: (list) -> list
        tests, files = self.request["tests"], self.request["files"]
        if not tests and not files:
            return targets
        chosen = set()
        for path in files:
            above = {target: os.path.dirname(target.path) for target in targets if path.startswith(below(target))}
            longest = max([len(directory) for directory in above.values()], default=-1)
            exact = [target for target in targets if target.path == path]
            chosen.update(exact or [target for target, directory in above.items() if len(directory) == longest])
        for test in tests:
            path, _, name = test.partition("::")
            for target in targets:
                if target.path == path:
                    target.names.append(name)
                    chosen.add(target)
        return [target for target in targets if target in chosen]

    def append_canaries(self, source):
        # type: (str) -> None
        if self.request["canaries"]:
            with open(source, "a", encoding="utf-8") as file:
                file.write("\n" + self.canary_text())

    def canary_text(self):
        # type: () -> str
        """With the names of the file around it: what hides `assert_eq!` or `test` from its tests hides it here too."""
        fail, ok = self.request["canaries"]
        return (
            "#[cfg(test)]\nmod redgreen_%s {\n    #[allow(unused_imports)]\n    use super::*;\n\n"
            "    #[test]\n    fn %s() {\n        assert_eq!(2 + 2, 5);\n    }\n\n"
            "    #[test]\n    fn %s() {\n        assert_eq!(2 + 2, 4);\n    }\n}\n"
        ) % (self.request["module"], fail, ok)

    # --- compiling -----------------------------------------------------------------------------------------------

    def build(self, root, targets, chosen):
        # type: (str, list, list) -> tuple
        """({(manifest, source): how cargo would start its tests}, {path of a target: why it does not compile})."""
        executables, errors = {}, {}  # type: dict, dict
        if len(chosen) > _FEW or len(chosen) == len(targets):
            code, made, _ = self.cargo(root, ["--workspace", "--tests"])
            if code == 0:
                return made, {}
        for target in chosen:
            code, made, words = self.cargo(root, ["-p", target.package] + target.option)
            key = (target.manifest, target.source)
            if key in made:
                executables[key] = made[key]
            elif code != 0:
                errors[target.path] = words
        return executables, errors

    def cargo(self, root, options):
        # type: (str, list) -> tuple
        shutil.rmtree(os.path.join(_HERE, "held"), ignore_errors=True)
        argv = ["cargo", "test", "--offline", "--no-fail-fast", "--message-format=json"] + options
        environment = {"CARGO_TARGET_DIR": _TARGET, self.runner: "python3 -I -S %s/hold.py" % _HERE}
        lines = self.run.lines(argv, environment, root, merge=True)
        artifacts, errors, words = {}, [], []  # type: dict, list, list
        code = 0
        while True:
            try:
                line = next(lines).decode("utf-8", "replace")
            except StopIteration as stop:
                code = stop.value
                break
            found = parsed(line)
            reason = found.get("reason")
            if reason == "compiler-artifact" and found.get("executable"):
                package = found["manifest_path"]
                artifacts[os.path.realpath(found["executable"])] = (package, found["target"]["src_path"])
            elif reason == "compiler-message" and found["message"].get("level") == "error":
                errors.append(found["message"].get("rendered") or found["message"].get("message") or "")
            elif reason is None:
                words.append(line)
        made = {}
        for path in sorted(glob.glob(os.path.join(_HERE, "held", "*.json"))):
            with open(path, encoding="ascii") as file:
                held = json.load(file)
            if held["executable"] in artifacts:
                made[artifacts[held["executable"]]] = held
        return code, made, ("\n".join(errors) or "\n".join(words))[:4000]

    # --- running -------------------------------------------------------------------------------------------------

    def run_plain(self, target, held):
        # type: (Target, dict) -> None
        """A target without libtest is an exit code: green is a test that passed, red is no more than a broken file."""
        process = Process()
        start(held, [], process, with_log=False)
        if process.exit_code == 0:
            self.run.result("%s::main" % target.path, "passed", 0.0, "")
            self.canaries_alone()
            self.any_results = True
        else:
            self.run.uncollected(target.path, "exit code %d\n%s" % (process.exit_code, process.output), "exit")

    def run_target(self, target, held):
        # type: (Target, dict) -> None
        process = Process()
        process.seconds = self.request["test_seconds"]
        options = ["-Z", "unstable-options", "--format", "json", "--report-time"]
        if self.request["seed"]:
            options += ["--shuffle-seed", str(self.request["seed"])]
        canaries = ["redgreen_%s::%s" % (self.request["module"], name) for name in self.request["canaries"]]
        selected = target.names + canaries if target.names else []
        start(held, options + selected + (["--exact"] if selected else []), process)
        codes = [process.exit_code]
        for _ in range(_RESTARTS):
            if process.exit_code in (0, _RED):
                break
            # It crashed: what did not come to an end is run again, one after the other.
            blame(process)
            left = [name for name in selected if name not in process.logged]
            if selected and not left:
                break
            skipped = [] if selected else [word for name in process.logged for word in ("--skip", name)]
            start(held, options + ["--test-threads", "1", "--exact"] + left + skipped, process)
            codes.append(process.exit_code)
        else:
            start(held, options + ["--exact"] + [name for name in canaries if name not in process.logged], process)
        sys.stdout.write(process.output[-2000:])
        self.report(target, process, canaries, codes)

    def report(self, target, process, canaries, codes):
        # type: (Target, Process, list, list) -> None
        red = False
        for name in sorted(process.logged):
            outcome = process.logged[name]
            red = red or outcome == "failed"
            short = name.rsplit("::", 1)[-1] if name in canaries else name
            if target.names and name not in target.names and name not in canaries:
                continue
            self.any_results = True
            failure = failed(process.details.get(name, {}), self.tree) if outcome == "failed" else None
            seconds = process.details.get(name, {}).get("exec_time") or 0.0
            test = "%s::%s" % (target.path, short)
            self.run.result(test, outcome, float(seconds), target.group, failure)
            if name in process.contradictions:
                self.run.result(test, "passed" if outcome == "failed" else "failed", 0.0, target.group)
        for name in sorted(process.told):
            if name not in process.logged and process.told[name] != "skipped":
                self.replaced.add("the result of %s::%s, which its log does not know," % (target.path, name))
        if 0 in codes and red:
            self.replaced.add("the exit code of %s" % target.path)
        if 0 in codes and not process.logged:
            self.replaced.add("the whole run of %s, which ended with success before any test," % target.path)
        if not process.logged and 0 not in codes:
            self.run.uncollected(target.path, "exit code %d\n%s" % (codes[0], process.output), "exit")

    def canaries_alone(self):
        # type: () -> None
        """No target of the tree came to results: a file of ours shows that the toolchain tells red from green."""
        source, executable = os.path.join(_HERE, "alone.rs"), os.path.join(_HERE, "alone")
        with open(source, "w", encoding="ascii") as file:
            file.write(self.canary_text())
        argv = ["rustc", "--test", "--edition", "2018", "-o", executable, source]
        for line in self.run.lines(argv, None, _HERE, merge=True):
            print(line.decode("utf-8", "replace"))
        if not os.path.exists(executable):
            return
        process = Process()
        held = {"executable": executable, "directory": _HERE, "environment": dict(os.environ)}
        start(held, ["-Z", "unstable-options", "--format", "json"], process)
        for name, outcome in process.logged.items():
            self.run.result("alone::" + name.rsplit("::", 1)[-1], outcome, 0.0, "")


# --- one process -------------------------------------------------------------------------------------------------


def start(held, arguments, process, with_log=True):
    # type: (dict, list, Process, bool) -> None
    ours, theirs = os.pipe()
    environment = dict(held["environment"], RUSTC_BOOTSTRAP="1")
    argv = [held["executable"]] + arguments
    if with_log:
        argv += ["--logfile", "/proc/self/fd/%d" % theirs]
    child = subprocess.Popen(
        argv,
        cwd=held["directory"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[theirs] if with_log else [],
        start_new_session=True,
    )
    os.close(theirs)
    process.running = []
    readers = [
        threading.Thread(target=read_log, args=(ours, process)),
        threading.Thread(target=read_output, args=(child.stdout, process)),
    ]
    for reader in readers:
        reader.daemon = True
        reader.start()
    process.heard = time.monotonic()
    process.was_ended = outside.wait(child, process.seconds, lambda: process.heard)
    process.exit_code = child.returncode
    outside.kill_group(child.pid)
    deadline = time.monotonic() + 5
    for reader in readers:
        # Whoever still holds an end fled from the group; the run's end catches it.
        reader.join(max(0.0, deadline - time.monotonic()))


def read_log(descriptor, process):
    # type: (int, Process) -> None
    outcomes = {"ok": "passed", "failed": "failed", "ignored": "skipped"}
    with os.fdopen(descriptor, "rb") as log:
        for raw in log:
            found = _LOGGED.match(raw.decode("utf-8", "replace").rstrip("\n"))
            if found:
                process.heard = time.monotonic()
                outcome, name = outcomes[found.group(1)], found.group(2)
                if process.logged.setdefault(name, outcome) != outcome:
                    process.contradictions.add(name)


def read_output(stream, process):
    # type: (object, Process) -> None
    outcomes = {"ok": "passed", "failed": "failed", "ignored": "skipped", "timeout": None, "started": None}
    for raw in stream:
        line = raw.decode("utf-8", "replace")
        found = _EVENT.search(line.rstrip("\n"))
        event = parsed(found.group()) if found else {}
        if event.get("type") != "test" or event.get("event") not in outcomes or not isinstance(event.get("name"), str):
            if not found:
                process.output = (process.output + line)[-_TAIL:]
            continue
        name, outcome = event["name"], outcomes[event["event"]]
        process.heard = time.monotonic()
        if event["event"] == "started":
            process.running.append(name)
        if outcome is None:
            continue
        if process.told.setdefault(name, outcome) != outcome:
            process.contradictions.add(name)
        process.details[name] = event
        if outcome == "failed":
            process.output = (process.output + str(event.get("stdout") or "") + "\n")[-_TAIL:]


def blame(process):
    # type: (Process) -> None
    """The one test that ran when the process died is red; of several nobody knows."""
    running = [name for name in process.running if name not in process.logged]
    named = [name for name in _OVERFLOW.findall(process.output) if name in running]
    guilty = named[-1:] or running
    if len(guilty) == 1:
        code = process.exit_code
        why = "signal %d" % -code if code < 0 else "exit code %d" % code
        message = "the test process ended with %s while the test ran\n%s" % (why, process.output[-1000:])
        if process.was_ended:
            message = "the test did not come to an end in its time"
        process.logged[guilty[0]] = "failed"
        process.details[guilty[0]] = {"stdout": message, "crashed": True}


def failed(event, tree):
    # type: (dict, str) -> dict
    """Why a test is red, from what libtest caught of its output."""
    text = str(event.get("stdout") or "")
    failure = {"exception": "panic", "message": text.strip() or str(event.get("message") or "failed"), "inside": True}
    found = ([None] + list(_PANIC.finditer(text)))[-1]
    if event.get("crashed") and not found:
        failure["exception"] = "exit"
    elif found:
        after = text[found.end() :].lstrip(":\n")
        failure["message"] = found.group("old") or after.split("\nnote: ")[0].strip() or "explicit panic"
        path = os.path.normpath(os.path.join(tree, found.group("path")))
        if path.startswith(tree + os.sep) and os.path.exists(path):
            failure.update(path=os.path.relpath(path, tree), line=int(found.group("line")))
    elif text.startswith("Error: "):
        failure["exception"] = "Err"
    if event.get("message") and found:
        failure["message"] = "%s: %s" % (event["message"], failure["message"])
    return failure


# --- the tree and the cache --------------------------------------------------------------------------------------


def below(target):
    # type: (Target) -> str
    directory = os.path.dirname(target.path)
    return directory + "/" if directory else ""


def parsed(line):
    # type: (str) -> dict
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def text_of(argv, cwd):
    # type: (list, str) -> str
    try:
        done = subprocess.run(
            argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False
        )
    except OSError as error:
        raise Unusable("%s cannot be started: %s" % (argv[0], error)) from error
    if done.returncode != 0:
        raise Unusable("%s failed: %s" % (" ".join(argv), done.stderr.decode("utf-8", "replace")[-2000:]))
    return done.stdout.decode("utf-8", "replace")


def touch(tree):
    # type: (str) -> None
    """cargo tells by times what it must build again, and every file of a tree has the same time."""
    for directory, below_, files in os.walk(tree):
        below_[:] = [name for name in below_ if name not in (".git", "target")]
        for name in files:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                os.utime(path)


def digests(tree):
    # type: (str) -> dict
    found = {}
    for directory, below_, files in os.walk(tree):
        below_[:] = [name for name in below_ if name not in (".git", "target")]
        for name in files:
            path = os.path.join(directory, name)
            if name.endswith(_WATCHED) and os.path.isfile(path):
                with open(path, "rb") as file:
                    found[os.path.relpath(path, tree)] = hashlib.sha256(file.read()).digest()
    return found


def share(packages):
    # type: (list) -> None
    """The image's target directory without what the tree's own packages made: their sources may be others by now."""
    own = {package["name"] for package in packages}
    own |= {target["name"] for package in packages for target in package["targets"]}
    own |= {name.replace("-", "_") for name in own}
    for directory, below_, files in os.walk(_KEPT_TARGET):
        below_[:] = [name for name in below_ if name != "incremental" and not is_of(name, own)]
        to = _TARGET + directory[len(_KEPT_TARGET) :]
        os.makedirs(to, exist_ok=True)
        for name in files:
            path = os.path.join(directory, name)
            if is_of(name, own) or os.path.lexists(os.path.join(to, name)):
                continue
            if os.path.getsize(path) < _LINKED_FROM:
                shutil.copy2(path, os.path.join(to, name))
            else:
                os.symlink(path, os.path.join(to, name))


def is_of(name, own):
    # type: (str, set) -> bool
    """`libchart-0123456789abcdef.rlib`, `chart-0123456789abcdef`, `chart.d`."""
    stem = name.split(".")[0]
    crate = re.sub(r"-[0-9a-f]{16}$", "", stem)
    return crate in own or (crate.startswith("lib") and crate[3:] in own)


if __name__ == "__main__":
    main()
