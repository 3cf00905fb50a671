"""Maven and Gradle, each through an injected launcher that reads the JUnit XML they leave. Pure.

Ids are `com.acme.FooTest::method`, `com.acme.FooTest$Inner::method[1]`; in a module below the root its directory stands
before: `core/com.acme.FooTest::method`. A module's tests run in one JVM, with two canary classes among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sandbox.runners import jvm_layout, report
from sandbox.runners.jvm_layout import Module
from sandbox.runners.protocol import PreparedRun, RunRequest
from sandbox.types import RepoView, TestId, TestReport

_PLAIN_METHOD = re.compile(r"[A-Za-z_]\w*")
_PROGRAMS = ("outside.py", "reporter.py", "junit_xml.py")

_SOURCES: Mapping[str, tuple[str, str]] = {
    "jupiter": ("org.junit.jupiter.api.Test", "org.junit.jupiter.api.Assertions.assertEquals({a}, {b})"),
    "junit4": ("org.junit.Test", "org.junit.Assert.assertEquals({a}, {b})"),
    "testng": ("org.testng.annotations.Test", "org.testng.Assert.assertEquals({b}, {a})"),
}

_MAVEN_FLAGS = (
    "--batch-mode",
    "--offline",
    "--fail-at-end",
    "-Dstyle.color=never",
    # A red test must not keep the modules after it from running; what is red, the reports say.
    "-Dmaven.test.failure.ignore=true",
    "-DskipTests=false",
    "-Dmaven.test.skip=false",
    "-DfailIfNoTests=false",
    "-Dsurefire.failIfNoSpecifiedTests=false",
    "-Dsurefire.rerunFailingTestsCount=0",
    "-Dsurefire.skipAfterFailureCount=0",
    "-DforkCount=1",
    "-DreuseForks=true",
    "-DdisableXmlReport=false",
    # The totals on Maven's own output are compared with the reports: tests must not print between them.
    "-Dmaven.test.redirectTestOutputToFile=true",
    "-DtrimStackTrace=false",
    # What judges style would judge the canaries.
    *(f"-D{tool}.skip=true" for tool in ("checkstyle", "cpd", "enforcer", "license", "pmd", "rat", "spotbugs")),
    "-Dspotless.check.skip=true",
)
_GRADLE_FLAGS = (
    "--offline",
    "--no-daemon",
    "--no-build-cache",
    "--console=plain",
    "--continue",
    # A stored configuration would leave the init script out. Versions that know no such thing pass these over.
    "-Dorg.gradle.configuration-cache=false",
    "-Dorg.gradle.unsafe.configuration-cache=false",
)


@dataclass(frozen=True)
class JvmRunner:
    """`layout` finds the modules; `command` starts the tool for some of them."""

    name: str
    layout: Callable[[RepoView], tuple[Module, ...]]
    command: Callable[[RunRequest, Sequence[Module] | None, Mapping[str, tuple[str, ...]]], tuple[str, ...]]
    reports: str
    """Directory of the XML reports in a module."""
    output: str
    """Directory of a module that the tool fills; emptied before it starts."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Further injected programs or scripts: name in the run's directory -> name of ours."""

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun:
        directory = report.run_directory(request)
        modules = self.layout(view)
        chosen = _chosen(self, view, modules, request)
        ran = [module for module in (modules if chosen is None else chosen) if module.tests]
        canaries = {module.path: _canaries(view, module, request) for module in ran if request.canaries}
        asked = {module.path: _patterns(module, request, canaries) for module in chosen or ()}
        planted = {f"{report.ROOT}/{path}": text for files in canaries.values() for path, text in files.items()}
        content = {
            "nonce": request.nonce,
            "key": request.key,
            "root": report.ROOT,
            "report": f"{directory}/report.jsonl",
            "argv": self.command(request, chosen, asked),
            "modules": [
                {"path": module.path, "prefix": module.prefix, "roots": module.roots, "reports": self.reports}
                for module in modules
            ],
            "output": self.output,
            "tests": request.tests,
            "canaries": report.canary_names(request),
        }
        written = {f"{directory}/{name}": report.injected(name) for name in _PROGRAMS}
        written[f"{directory}/run.py"] = report.injected(f"run_{self.name}.py")
        written |= {f"{directory}/{name}": report.injected(source) for name, source in self.files.items()}
        written[f"{directory}/request.json"] = json.dumps(content).encode("ascii")
        return PreparedRun(
            argv=(*report.OUTSIDE, f"{directory}/run.py", f"{directory}/request.json"),
            report_path=f"{directory}/report.jsonl",
            files={**written, **planted},
            shown=(*_tool(self.name, request), "test", *(request.tests or request.files)),
        )

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        return jvm_layout.file_of(_modules(self.layout, view), view, test)

    def is_test_file(self, view: RepoView, path: str) -> bool:
        return jvm_layout.is_test(_modules(self.layout, view), path)

    def parse(self, report_bytes: bytes, request: RunRequest) -> TestReport:
        return report.parse(report_bytes, request)


def _modules(layout: Callable[[RepoView], tuple[Module, ...]], view: RepoView) -> tuple[Module, ...]:
    """Asked for each test of a report, and for each file."""
    return _known(layout, view) if isinstance(view, Hashable) else layout(view)


@lru_cache(maxsize=4)
def _known(layout: Callable[[Any], tuple[Module, ...]], view: Any) -> tuple[Module, ...]:
    return layout(view)


def _chosen(
    runner: JvmRunner, view: RepoView, modules: Sequence[Module], request: RunRequest
) -> tuple[Module, ...] | None:
    """The modules that a selection is in; None for the whole suite."""
    if not request.tests and not request.files:
        return None
    files = request.files or tuple(file for test in request.tests if (file := runner.file_of(view, test)))
    owners = {found.path for file in files if (found := jvm_layout.owner(modules, file)) is not None}
    return tuple(module for module in modules if module.path in owners)


def _patterns(module: Module, request: RunRequest, canaries: Mapping[str, Mapping[str, bytes]]) -> tuple[str, ...]:
    """`com/acme/FooTest` or `com/acme/FooTest#method`, canary classes included; a nested class comes with its outer."""
    classes: dict[str, set[str]] = {}
    for file in request.files:
        if file.startswith(tuple(f"{root}/" for root in module.roots)):
            classes.setdefault(jvm_layout.class_of(module, file), set()).add("")
    for test in request.tests:
        if test.startswith(module.prefix) and "/" not in test.removeprefix(module.prefix).split("::")[0]:
            name, _, method = test.removeprefix(module.prefix).partition("::")
            outer, _, inner = name.partition("$")
            plain = _PLAIN_METHOD.match(method)
            classes.setdefault(outer, set()).add(plain.group() if plain and not inner else "")
    found = [jvm_layout.class_of(module, path) for path in canaries.get(module.path, {})]
    for name in found:
        classes[name] = {""}
    return tuple(_pattern(name, methods) for name, methods in sorted(classes.items()))


def _pattern(name: str, methods: Iterable[str]) -> str:
    path = name.replace(".", "/")
    return path if "" in methods else f"{path}#{'+'.join(sorted(methods))}"


def _canaries(view: RepoView, module: Module, request: RunRequest) -> dict[str, bytes]:
    """Two classes, the first and the last of the module's in the alphabet: what is done to the runner meanwhile shows.

    In packages of its own tests: a named Java module takes no class without one.
    """
    must_fail, must_pass = report.canary_names(request)
    stem = report.canary_module(request).removeprefix("test_")
    known = jvm_layout.packages(view, module)
    annotation, assertion = _SOURCES[module.framework]
    first = _canary(module, known[0], f"A{stem}Test", f"@{annotation} public void {must_pass}()", assertion, (4, 4))
    last = _canary(module, known[-1], f"z{stem}Test", f"@{annotation} public void {must_fail}()", assertion, (5, 4))
    return {**first, **last}


def _canary(
    module: Module, package: str, name: str, head: str, assertion: str, values: tuple[int, int]
) -> dict[str, bytes]:
    root = module.roots[0] if len(module.roots) > 4 else next(r for r in module.roots if r.endswith("src/test/java"))
    where = "/".join((root, *package.split("."))) if package else root
    opening = f"package {package};\n\n" if package else ""
    body = assertion.format(a=values[0], b=f'Integer.parseInt("2") + {values[1] - 2}')
    source = f"{opening}public class {name} {{\n    {head} {{\n        {body};\n    }}\n}}\n"
    return {f"{where}/{name}.java": source.encode("ascii")}


def _tool(name: str, request: RunRequest) -> tuple[str, ...]:
    return request.plan.command or ({"maven": "mvn"}.get(name, name),)


def _maven(
    request: RunRequest, chosen: Sequence[Module] | None, asked: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    order = "reversealphabetical" if request.order_seed % 2 else "alphabetical"
    argv = (*_tool("maven", request), *_MAVEN_FLAGS, f"-Dsurefire.runOrder={order}")
    if chosen is not None:
        nested = [f"{pattern}$*" for patterns in asked.values() for pattern in patterns if "#" not in pattern]
        every = [pattern for patterns in asked.values() for pattern in patterns]
        # A method's pattern also takes its parameters, which older versions count as part of its name.
        every = [f"{pattern}*".replace("+", "*+") if "#" in pattern else pattern for pattern in every]
        argv = (*argv, f"-Dtest={','.join(dict.fromkeys((*every, *nested)))}")
        argv = (*argv, "-pl", ",".join(module.path or "." for module in chosen) or ".", "-am")
    return (*argv, "test")


def _gradle(
    request: RunRequest, chosen: Sequence[Module] | None, asked: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    directory = report.run_directory(request)
    argv = (*_tool("gradle", request), *_GRADLE_FLAGS, "--init-script", f"{directory}/init.gradle")
    if chosen is None:
        return (*argv, "test")
    for module in chosen:
        argv = (*argv, f":{module.path.replace('/', ':')}:test" if module.path else ":test")
        for pattern in asked[module.path]:
            for one in _gradle_patterns(pattern):
                argv = (*argv, "--tests", one)
    return argv


def _gradle_patterns(pattern: str) -> tuple[str, ...]:
    name, _, methods = pattern.replace("/", ".").partition("#")
    return tuple(f"{name}.{method}*" for method in methods.split("+")) if methods else (name, f"{name}$*")


MAVEN = JvmRunner(
    name="maven", layout=jvm_layout.maven, command=_maven, reports="target/surefire-reports", output="target"
)
GRADLE = JvmRunner(
    name="gradle",
    layout=jvm_layout.gradle,
    command=_gradle,
    reports="build/test-results",
    output="build",
    files={"init.gradle": "init.gradle"},
)
