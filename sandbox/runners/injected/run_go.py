"""Runs a Go tree's tests. Argument: the request's path (deleted before the tree's code runs).

`go test` only compiles: each test binary is set aside by its `-exec` program and started here, once, with a socket of
its own. The package `testing` that is compiled in (`-overlay`) tells over the socket what becomes of each test, so that
nothing that the tests print is read as a result.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, _HERE)
import outside  # noqa: E402

_KEPT_CACHE = "/opt/redgreen/go-build"
_CACHE = "/work/go-build"
_AT_ONCE = 2
_BATCH = 40
"""How many packages' binaries may lie around at the same time."""
_TAIL = 64 << 10
_HOOKS = (
    ("testing.go", r"^func tRunner\(t \*T, fn func\(t \*T\)\) \{$", "\tredgreenStart(&t.common, fn)"),
    ("testing.go", r"^func \(t \*T\) report\(\) \{$", "\tredgreenEnd(&t.common, false)"),
    (
        "testing.go",
        r"^func \(c \*common\) flushToParent\((?:testName, )?format string, args \.\.\.(?:any|interface\{\})\) \{$",
        '\tif len(format) > 8 && format[:8] == "--- FAIL" {\n\t\tredgreenEnd(c, true)\n\t}',
    ),
    (
        "example.go",
        r"^func \(eg \*InternalExample\) processRunResult\(stdout string, timeSpent time\.Duration, "
        r"finished bool, recovered (?:any|interface\{\})\) \(passed bool\) \{$",
        "\tdefer redgreenExample(eg, stdout, &passed, timeSpent)",
    ),
    ("run_example.go", r"^func runExample\(eg InternalExample\) \(ok bool\) \{$", None),
)
_FUZZ_HOOKS = (
    ("fuzz.go", r"^func fRunner\(f \*F, fn func\(\*F\)\) \{$", "\tredgreenStart(&f.common, fn)"),
    ("fuzz.go", r"^func \(f \*F\) report\(\) \{$", "\tredgreenEnd(&f.common, false)"),
)
_EXAMPLE_START = '\tredgreenTell("start", eg.Name, redgreenFile(eg.F))'
_TOP = re.compile(r"^func ((?:Test|Example|Fuzz)\w*)\(", re.MULTILINE)
_PLACE = re.compile(r"^\s*([\w.+-]+\.go):(\d+): ", re.MULTILINE)
_FRAME = re.compile(r"^\t(/\S+\.go):(\d+)", re.MULTILINE)
_CRASH = re.compile(r"^(?:panic|fatal error|unexpected fault address|SIG[A-Z]+): ?.*", re.MULTILINE)
_FAILED = re.compile(r"^FAIL\t(\S+) \[(?:build|setup) failed\]$")
_IGNORED = frozenset({"vendor", "testdata", "node_modules"})


def main():
    # type: () -> None
    run = outside.Outside(sys.argv[1])
    try:
        environment = prepared(run)
        packages = wanted_packages(run, listed(run, environment))
    except Unusable as error:
        print(error)
        run.end(gave_up=3)
    replaced = set()
    any_results = False
    for batch in batches(packages):
        for package in batch:
            write_canaries(run, package)
        compile_tests(run, environment, batch)
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for package, processes in pool.map(lambda package: (package, run_package(run, package)), batch):
                any_results = report(run, package, processes, replaced) or any_results
    if run.request["canaries"] and not any_results:
        canaries_alone(run, environment, replaced)
    run.end(replaced=sorted(replaced))


class Unusable(Exception):
    """Neither green nor red: the toolchain is not one that this launcher knows."""


# --- the toolchain -----------------------------------------------------------------------------------------------


def prepared(run):
    # type: (outside.Outside) -> dict
    """The environment of the go command: a cache that can be written to, and the overlay on package testing."""
    share(_KEPT_CACHE, _CACHE)
    environment = {"GOCACHE": _CACHE, "GOENV": "off", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    root = os.path.join(text_of(["go", "env", "GOROOT"], environment, run.request["root"]).strip(), "src", "testing")
    replace = {os.path.join(root, "redgreen_hook.go"): os.path.join(_HERE, "testing_hook.go")}
    sources = {}
    hooks = list(_HOOKS)
    if os.path.exists(os.path.join(root, "fuzz.go")):
        hooks.extend(_FUZZ_HOOKS)
    for name, anchor, line in hooks:
        if name not in sources:
            try:
                with open(os.path.join(root, name), encoding="utf-8") as file:
                    sources[name] = file.read()
            except OSError as error:
                raise Unusable("redgreen does not know this version of Go: %s" % error) from error
        sources[name] = hooked(sources[name], name, anchor, line or _EXAMPLE_START)
    for name, text in sources.items():
        path = os.path.join(_HERE, "testing_" + name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        replace[os.path.join(root, name)] = path
    with open(os.path.join(_HERE, "overlay.json"), "w", encoding="utf-8") as file:
        json.dump({"Replace": replace}, file)
    return environment


def hooked(text, name, anchor, line):
    # type: (str, str, str, str) -> str
    text, count = re.subn(anchor, lambda found: found.group() + "\n" + line, text, flags=re.MULTILINE)
    if count != 1:
        raise Unusable("redgreen does not know this version of Go: %s is another one" % name)
    return text


def share(kept, to):
    # type: (str, str) -> None
    """The image's cache, which is read-only, as links in a directory that new entries can be written to."""
    os.makedirs(to, exist_ok=True)
    if not os.path.isdir(kept):
        return
    for directory in os.scandir(kept):
        if not directory.is_dir():
            shutil.copy(directory.path, to)
            continue
        os.makedirs(os.path.join(to, directory.name), exist_ok=True)
        for entry in os.scandir(directory.path):
            os.symlink(entry.path, os.path.join(to, directory.name, entry.name))


def text_of(argv, environment, cwd):
    # type: (list, dict, str) -> str
    try:
        done = subprocess.run(
            argv,
            env=dict(os.environ, **environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise Unusable("go cannot be started: %s" % error) from error
    if done.returncode != 0:
        raise Unusable("%s failed: %s" % (" ".join(argv), done.stderr.decode("utf-8", "replace")[-2000:]))
    return done.stdout.decode("utf-8", "replace")


# --- what there is -----------------------------------------------------------------------------------------------


class Package:
    def __init__(self, module, found, root):
        # type: (str, dict, str) -> None
        self.module = module
        self.directory = found["Dir"]
        self.import_path = found["ImportPath"]
        self.name = found.get("Name") or os.path.basename(self.directory)
        self.relative = os.path.relpath(self.directory, root)
        names = sorted(found.get("TestGoFiles", []) + found.get("XTestGoFiles", []))
        self.files = [self.path(name) for name in names]
        self.whole = []  # type: list
        self.parts = []  # type: list
        """Tests of which only some sub-tests are wanted, as lists of names."""
        self.everything = True
        self.binary = os.path.join(_HERE, "bin") + os.path.join(self.directory, "redgreen.test")
        self.canary = ""
        self.build_error = ""

    def path(self, name):
        # type: (str) -> str
        return name if self.relative == "." else "%s/%s" % (self.relative, name)


def modules(root):
    # type: (str) -> list
    if os.path.exists(os.path.join(root, "go.work")):
        return [root]
    found = []
    for directory, below, files in os.walk(root):
        below[:] = sorted(name for name in below if name not in _IGNORED and name[0] not in "._")
        if "go.mod" in files:
            found.append(directory)
    return found


def listed(run, environment):
    # type: (outside.Outside, dict) -> list
    root = run.request["root"]
    packages = []
    for module in modules(root):
        patterns = ["./..."]
        if os.path.exists(os.path.join(module, "go.work")):
            known = text_of(["go", "list", "-m", "-f", "{{.Dir}}"], environment, module).split("\n")
            patterns = [name + "/..." for name in known if name]
        text = text_of(["go", "list", "-e", "-json"] + patterns, environment, module)
        place, decoder = 0, json.JSONDecoder()
        while text[place:].strip():
            found, end = decoder.raw_decode(text[place:].lstrip())
            place += len(text[place:]) - len(text[place:].lstrip()) + end
            if found.get("TestGoFiles") or found.get("XTestGoFiles"):
                packages.append(Package(module, found, root))
    return packages


def wanted_packages(run, packages):
    # type: (outside.Outside, list) -> list
    tests, files = run.request["tests"], frozenset(run.request["files"])
    if not tests and not files:
        return packages
    chosen = []
    for package in packages:
        names = set()
        for path in package.files:
            if path in files:
                with open(os.path.join(run.request["root"], path), encoding="utf-8", errors="replace") as file:
                    names.update(_TOP.findall(file.read()))
        mine = [test.split("::", 1)[1] for test in tests if test.split("::", 1)[0] in package.files]
        names.update(name for name in mine if "/" not in name)
        package.everything = False
        package.whole = sorted(names)
        package.parts = sorted(name for name in mine if name.split("/")[0] not in names)
        if package.whole or package.parts or files.intersection(package.files):
            chosen.append(package)
    return chosen


def batches(packages):
    # type: (list) -> object
    by_module = {}  # type: dict
    for package in packages:
        by_module.setdefault(package.module, []).append(package)
    for found in by_module.values():
        for start in range(0, len(found), _BATCH):
            yield found[start : start + _BATCH]


# --- compiling ---------------------------------------------------------------------------------------------------


def write_canaries(run, package):
    # type: (outside.Outside, Package) -> None
    """Two tests in a file of their own, outside of the package but in its test binary."""
    if not run.request["canaries"]:
        return
    package.canary = os.path.join(package.directory, "redgreen_%s_test.go" % run.request["file"])
    with open(package.canary, "w", encoding="utf-8") as file:
        file.write(canary_text(run, package.name + "_test"))


def canary_text(run, package):
    # type: (outside.Outside, str) -> str
    fail, ok = (go_name(name) for name in run.request["canaries"])
    return (
        'package %s\n\nimport "testing"\n\n'
        'func %s(t *testing.T) {\n\tif 2+2 != 5 {\n\t\tt.Fatal("2 + 2 is not 5")\n\t}\n}\n\n'
        'func %s(t *testing.T) {\n\tif 2+2 != 4 {\n\t\tt.Fatal("2 + 2 is not 4")\n\t}\n}\n'
    ) % (package, fail, ok)


def go_name(name):
    # type: (str) -> str
    return "T" + name[1:]


def compile_tests(run, environment, batch):
    # type: (outside.Outside, dict, list) -> None
    """All test binaries of the batch; what does not compile gets its error."""
    hold = os.path.join(_HERE, "hold.sh")
    if not os.path.exists(hold):
        with open(hold, "w", encoding="utf-8") as file:
            file.write(
                'd="%s/bin$PWD"\nmkdir -p "$d" && { ln "$1" "$d/redgreen.test" || cp "$1" "$d/redgreen.test"; }\n'
                % _HERE
            )
    argv = ["go", "test", "-vet=off", "-count=1", "-overlay", os.path.join(_HERE, "overlay.json")]
    argv += ["-exec", "/bin/sh " + hold]
    errors, section, failed = {}, "", set()  # type: dict, str, set
    lines = run.lines(argv + [package.import_path for package in batch], environment, batch[0].module, merge=True)
    for raw in lines:
        line = raw.decode("utf-8", "replace")
        found = _FAILED.match(line)
        if found:
            failed.add(found.group(1))
        elif line.startswith("# "):
            section = line[2:].split(" ")[0]
        elif not line.startswith(("ok  \t", "FAIL", "?   \t")):
            errors.setdefault(section, []).append(line)
    for package in batch:
        if not os.path.exists(package.binary):
            own = errors.get(package.import_path) or errors.get(package.import_path + "_test")
            other = [line for lines in errors.values() for line in lines]
            package.build_error = "\n".join(own or other) or "the tests cannot be built"


def canaries_alone(run, environment, replaced):
    # type: (outside.Outside, dict, set) -> None
    """No package came to results: a package of ours shows that the toolchain tells red from green."""
    directory = os.path.join(_HERE, "alone")
    os.makedirs(directory)
    with open(os.path.join(directory, "go.mod"), "w", encoding="utf-8") as file:
        file.write("module redgreen.invalid/alone\n")
    found = {"Dir": directory, "ImportPath": "redgreen.invalid/alone", "Name": "alone"}
    package = Package(directory, found, run.request["root"])
    package.files = ["alone"]
    write_canaries(run, package)
    compile_tests(run, dict(environment, GOFLAGS="-mod=mod", GOWORK="off"), [package])
    report(run, package, run_package(run, package), replaced)


# --- running -----------------------------------------------------------------------------------------------------


class Process:
    """What one start of a test binary said."""

    def __init__(self):
        # type: () -> None
        self.group = ""
        self.started = {}  # type: dict
        self.ended = {}  # type: dict
        self.contradictions = []  # type: list
        self.foreign = False
        self.output = ""
        self.exit_code = 0
        self.heard = time.monotonic()
        self.was_ended = False


def run_package(run, package):
    # type: (outside.Outside, Package) -> list
    """Each start of the package's binary: usually one, another for sub-tests, another for canaries after a crash."""
    if not os.path.exists(package.binary):
        return []
    canaries = [go_name(name) for name in run.request["canaries"]]
    if package.everything:
        made = [start(run, package, "", "")]
    else:
        made = []
        if package.whole or not package.parts:
            made.append(start(run, package, "^(%s)$" % "|".join(package.whole + canaries), ""))
        if package.parts:
            made.append(start(run, package, part_pattern(package.parts, canaries), "#parts"))
    for process in list(made):
        seen = frozenset(name for name, _ in process.ended)
        if process.exit_code != 0 and canaries and not seen.issuperset(canaries):
            # It crashed, which is no tampering: whether its canaries are still red and green is asked alone.
            again = start(run, package, "^(%s)$" % "|".join(canaries), "#after" + process.group)
            again.group = process.group
            process.ended.update({key: end for key, end in again.ended.items() if key[0] in canaries})
            process.started.update(again.started)
    os.unlink(package.binary)
    return made


def part_pattern(parts, canaries):
    # type: (list, list) -> str
    """One level after the other; what is matched besides the wanted ones is not reported."""
    split = [name.split("/") for name in parts]
    levels = [sorted({re.escape(name[0]) for name in split}) + canaries]
    for depth in range(1, max(len(name) for name in split)):
        level = sorted({re.escape(name[depth]) for name in split if len(name) > depth})
        levels.append(level)
    return "/".join("^(%s)$" % "|".join(level) for level in levels)


def start(run, package, pattern, group):
    # type: (outside.Outside, Package, str, str) -> Process
    process = Process()
    process.group = package.import_path + group
    ours, theirs = socket.socketpair()
    token = os.urandom(16).hex()
    argv = [package.binary, "-test.paniconexit0", "-test.timeout=10m0s"]
    if pattern:
        argv.append("-test.run=" + pattern)
    if run.request["seed"]:
        argv.append("-test.shuffle=%d" % run.request["seed"])
    child = subprocess.Popen(
        argv,
        cwd=package.directory,
        env=dict(os.environ, REDGREEN_CHANNEL=str(theirs.fileno()), PWD=package.directory),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    theirs.close()
    ours.sendall(token.encode("ascii"))
    reader = threading.Thread(target=read_records, args=(ours, token, process))
    reader.start()
    output = threading.Thread(target=read_output, args=(child.stdout, process))
    output.start()
    process.was_ended = outside.wait(child, run.request["test_seconds"], lambda: process.heard)
    process.exit_code = child.returncode
    outside.kill_group(child.pid)
    for thread in (output, reader):
        thread.join(5)
    # Whoever still holds an end fled from the group; the run's end catches it.
    ours.close()
    return process


def read_output(stream, process):
    # type: (object, Process) -> None
    for line in stream:
        process.output = (process.output + line.decode("utf-8", "replace"))[-_TAIL:]


def read_records(ours, token, process):
    # type: (socket.socket, str, Process) -> None
    with ours.makefile("rb") as lines:
        try:
            for line in lines:
                record(line, token, process)
        except OSError:
            pass


def record(line, token, process):
    # type: (bytes, str, Process) -> None
    try:
        mark, kind, *fields = line.decode("ascii").rstrip("\n").split(" ")
        process.heard = time.monotonic()
        values = [bytes.fromhex(field).decode("utf-8", "replace") for field in fields]
        if mark != token or not line.endswith(b"\n"):
            raise ValueError
        if kind == "start":
            name, path = values
            process.started.setdefault(name, []).append(path)
            return
        name, status, nanoseconds, output = values
        # Tests of the same name, in the package and beside it, come one after the other.
        key = (name, len([known for known in process.ended if known[0] == name]))
        if "/" not in name and key[1] >= len(process.started.get(name, [])):
            if status != "panicked":
                process.contradictions.append((name, status))
            return
        process.ended[key] = (status, int(nanoseconds) / 1e9, output)
    except ValueError:
        process.foreign = True


# --- reporting ---------------------------------------------------------------------------------------------------


def report(run, package, processes, replaced):
    # type: (outside.Outside, Package, list, set) -> bool
    """Write what the package's processes said; True when any test of it came to a result."""
    for process in processes:
        sys.stdout.write(process.output[-4000:] if process.exit_code else "")
        if process.foreign:
            replaced.add("the reporting of package %s" % package.import_path)
        report_process(run, package, process)
    known = [process for process in processes if process.ended]
    if package.build_error:
        for path in package.files:
            run.uncollected(path, package.build_error, "build failed")
    elif processes and not known and any(process.exit_code for process in processes):
        failure = crash(run, processes[0])
        for path in package.files:
            run.uncollected(path, failure["message"], failure["exception"])
    for process in processes:
        if process.exit_code == 0 and not process.ended:
            replaced.add("the whole run of package %s, which ended with success before any test," % package.import_path)
        elif process.exit_code == 0 and any_red(process):
            replaced.add("the exit code of package %s" % package.import_path)
    return bool(known)


def any_red(process):
    # type: (Process) -> bool
    return any(status in ("failed", "panicked") for status, _, _ in process.ended.values())


def report_process(run, package, process):
    # type: (outside.Outside, Package, Process) -> None
    canaries = {go_name(name): name for name in run.request["canaries"]}
    for (name, index), (status, seconds, output) in process.ended.items():
        top = name.split("/")[0]
        path = file_of(run, package, process, top, index if top == name else 0)
        if name in canaries and os.path.basename(path) == os.path.basename(package.canary):
            run.result("%s::%s" % (path, canaries[name]), outcome(status), seconds, process.group)
            continue
        if not is_wanted(run, path, name):
            continue
        failure = None
        if status == "failed":
            failure = failed(package, output)
        elif status == "panicked":
            failure = crash(run, process)
        run.result("%s::%s" % (path, name), outcome(status), seconds, process.group, failure)
    for name, status in process.contradictions:
        run.result(
            "%s::%s" % (file_of(run, package, process, name.split("/")[0], 0), name), outcome(status), 0, process.group
        )
    unfinished(run, package, process)


def unfinished(run, package, process):
    # type: (outside.Outside, Package, Process) -> None
    """A process that ended while a test ran: the innermost of those that ran is red, if it was but one."""
    if process.exit_code == 0:
        return
    ended = frozenset(name for name, _ in process.ended)
    if any(status == "panicked" for status, _, _ in process.ended.values()):
        return
    running = [name for name in process.started if name not in ended]
    leaves = [name for name in running if not any(other.startswith(name + "/") for other in running)]
    if len(leaves) != 1:
        return
    for name in running:
        path = file_of(run, package, process, name.split("/")[0], 0)
        if is_wanted(run, path, name):
            run.result("%s::%s" % (path, name), "failed", 0.0, process.group, crash(run, process))


def outcome(status):
    # type: (str) -> str
    return "failed" if status == "panicked" else status


def is_wanted(run, path, name):
    # type: (outside.Outside, str, str) -> bool
    tests, files = run.request["tests"], run.request["files"]
    if tests:
        return "%s::%s" % (path, name) in tests
    return not files or path in files


def file_of(run, package, process, top, index):
    # type: (outside.Outside, Package, Process, str, int) -> str
    paths = process.started.get(top) or [""]
    path = paths[min(index, len(paths) - 1)]
    root = run.request["root"] + os.sep
    if path.startswith(root):
        return path[len(root) :]
    return package.path(os.path.basename(path)) if path else package.files[0]


def failed(package, output):
    # type: (Package, str) -> dict
    """What a test logged before it failed, and where."""
    failure = {"exception": "testing.Failure", "message": output.strip() or "failed without a word", "inside": True}
    for name, line in _PLACE.findall(output):
        if os.path.exists(os.path.join(package.directory, name)):
            failure.update(path=package.path(name), line=int(line))
            break
    return failure


def crash(run, process):
    # type: (outside.Outside, Process) -> dict
    """The panic that ended the process, or how else it ended."""
    found = _CRASH.search(process.output)
    if not found:
        code = process.exit_code
        if process.was_ended:
            return {"exception": "timeout", "message": "the test did not come to an end in its time", "inside": True}
        why = "signal %d" % -code if code < 0 else "exit code %d" % code
        message = "the test process ended with %s while the test ran" % why
        return {"exception": "exit", "message": "%s\n%s" % (message, process.output[-1000:]), "inside": True}
    text = process.output[found.start() :]
    failure = {"exception": "panic", "message": text, "inside": True}
    root = run.request["root"] + os.sep
    for path, line in _FRAME.findall(text):
        if path.startswith(root):
            failure.update(path=path[len(root) :], line=int(line))
            break
    return failure


if __name__ == "__main__":
    main()
