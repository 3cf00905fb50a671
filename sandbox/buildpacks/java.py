"""Java: Maven or Gradle, which JDK, and what JUnit or TestNG needs to run without a network. Pure.

The build's own commands fetch what it needs while the image is built; runs are offline. The tests themselves are run
once there, since Surefire chooses and fetches its provider only when it runs any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.layout import KEPT
from sandbox.runners import jvm_layout
from sandbox.runners.jvm_layout import Module
from sandbox.types import EnvironmentPlan, RepoView

BASE = "redgreen-base"
PACKAGED_JDK = 17
"""What the base's distribution has; it compiles for any release from 7 on."""
_REPOSITORY = f"{KEPT}/maven"
_GRADLE_HOME = f"{KEPT}/gradle"
_JVM_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""Many short-lived processes: what starts fast is what is fast."""
_GRADLE_FILES = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_MAVEN_FILES = (".mvn/maven.config", ".mvn/jvm.config", ".mvn/extensions.xml", ".mvn/wrapper/maven-wrapper.properties")
_MAVEN_ONCE = ("--batch-mode", "-Dmaven.test.failure.ignore=true", "-DfailIfNoTests=false", "test")
_VERSION_PROPERTIES = ("maven.compiler.release", "maven.compiler.target", "maven.compiler.source", "java.version")
_PROPERTY = re.compile(r"\$\{([\w.-]+)\}")
_NUMBER = re.compile(r"^\D*(?:1\.)?(\d{1,2})\b")
_GRADLE_VERSIONS = (
    (re.compile(r"JavaLanguageVersion\.of\(\s*[\"']?(\d{1,2})"), True),
    (re.compile(r"jvmToolchain\(\s*(\d{1,2})"), True),
    (re.compile(r"options\.release(?:\.set\(|\s*=)\s*(\d{1,2})"), False),
    (
        re.compile(r"(?:source|target)Compatibility\s*[=(]?\s*[\"']?(?:JavaVersion\.VERSION_)?(?:1[._])?(\d{1,2})"),
        False,
    ),
)
_SEVERAL_JVMS = re.compile(r"<(?:forkCount|reuseForks|forkMode)>(?!\s*(?:1|true|once)\s*<)")


def detect(view: RepoView) -> EnvironmentPlan | None:
    """The plan of a Maven or Gradle build at the root; None where there is none. Of both, the one with a wrapper."""
    pom = view.read("pom.xml") is not None
    gradle = next((path for path in _GRADLE_FILES if view.read(path) is not None), "")
    wrapped = view.read("mvnw") is None and view.read("gradlew") is not None
    if pom and not (gradle and wrapped):
        return _maven(view)
    return _gradle(view, gradle) if gradle else None


def _maven(view: RepoView) -> EnvironmentPlan:
    modules = jvm_layout.maven(view)
    poms = tuple(f"{module.prefix}pom.xml" for module in modules) or ("pom.xml",)
    wrapper = view.read("mvnw") is not None
    tool = ("sh", "./mvnw") if wrapper else ("mvn",)
    started_by = "mvnw: the build brings its own Maven." if wrapper else "pom.xml: a Maven build."
    toolchains, told = _jdk(view, _asked_by_maven(view, poms))
    evidence = [started_by, *told, *_told(modules)]
    if several := [path for path in poms if _SEVERAL_JVMS.search(_text(view, path))]:
        evidence.append(f"{several[0]}: runs tests in several processes; canaries are only in one of each module's.")
    return EnvironmentPlan(
        language="java",
        runner="maven",
        base=BASE,
        toolchains=toolchains,
        apt=("default-jdk-headless",) if wrapper else ("default-jdk-headless", "maven"),
        env=(
            ("MAVEN_OPTS", f"-Dmaven.repo.local={_REPOSITORY} {_JVM_OPTIONS}"),
            ("MAVEN_USER_HOME", _REPOSITORY),
        ),
        install=((*tool, *_MAVEN_ONCE),),
        command=tool if wrapper else (),
        manifests=_present(view, (*poms, *_MAVEN_FILES, ".java-version", ".sdkmanrc")),
        evidence=tuple(evidence),
    )


def _gradle(view: RepoView, found: str) -> EnvironmentPlan:
    modules = jvm_layout.gradle(view)
    wrapper = view.read("gradlew") is not None
    tool = ("sh", "./gradlew") if wrapper else ("gradle",)
    builds = tuple(path for path in view.paths() if path.rpartition("/")[2] in _GRADLE_FILES)
    toolchains, told = _jdk(view, _asked_by_gradle(view, builds))
    started_by = "gradlew: the build brings its own Gradle." if wrapper else f"{found}: a Gradle build."
    other = (
        "gradle.properties",
        "gradle/libs.versions.toml",
        "gradle/wrapper/gradle-wrapper.properties",
        "gradle.lockfile",
    )
    return EnvironmentPlan(
        language="java",
        runner="gradle",
        base=BASE,
        toolchains=toolchains,
        apt=("default-jdk-headless",) if wrapper else ("default-jdk-headless", "gradle"),
        env=(("GRADLE_OPTS", _JVM_OPTIONS), ("GRADLE_USER_HOME", _GRADLE_HOME)),
        install=((*tool, "--no-daemon", "--console=plain", "testClasses"),),
        # Red tests end it with a failure; what it fetched for them is there all the same.
        optional_install=((*tool, "--no-daemon", "--console=plain", "--continue", "test"),),
        command=tool if wrapper else (),
        manifests=_present(view, (*builds, *other, ".java-version", ".sdkmanrc")),
        evidence=(started_by, *told, *_told(modules)),
    )


def _told(modules: tuple[Module, ...]) -> tuple[str, ...]:
    tested = [module for module in modules if module.tests]
    if not tested:
        return ("No test class was found.",)
    first = tested[0]
    among = f"{len(tested)} of {len(modules)} modules have tests; " if len(modules) > 1 else ""
    return (f"{among}{first.tests[0]}: tests written for {_FRAMEWORKS[first.framework]}.",)


_FRAMEWORKS = {"jupiter": "JUnit 5", "junit4": "JUnit 4 (or 3)", "testng": "TestNG"}


def _jdk(view: RepoView, asked: Iterator[tuple[str, int, bool]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(toolchains, evidence): the packaged JDK compiles for older releases, so only what it cannot do is asked for."""
    wishes = [*asked, *_asked_by_version_files(view)]
    if not wishes:
        return (), (f"No file names a Java version: the JDK is {PACKAGED_JDK}.",)
    where, version, strict = next((wish for wish in wishes if wish[2]), wishes[0])
    if version > PACKAGED_JDK or (strict and version != PACKAGED_JDK):
        return (f"java@{version}",), (f"{where}: Java {version}.",)
    return (), (f"{where}: Java {version}, compiled and tested with JDK {PACKAGED_JDK}.",)


def _asked_by_maven(view: RepoView, poms: tuple[str, ...]) -> Iterator[tuple[str, int, bool]]:
    """(file, version, whether no other will do)."""
    for path in poms:
        root = jvm_layout.xml(view.read(path))
        if root is None:
            continue
        properties = {
            name: value for name in _VERSION_PROPERTIES for value in jvm_layout.texts(root, f"properties/{name}")
        }
        said = [properties[name] for name in _VERSION_PROPERTIES if name in properties]
        for plugins in ("build/plugins/plugin", "build/pluginManagement/plugins/plugin"):
            for name in ("release", "target", "source"):
                said.extend(jvm_layout.texts(root, f"{plugins}/configuration/{name}"))
        for text in said:
            held = _PROPERTY.fullmatch(text)
            number = _number(properties.get(held.group(1), "") if held else text)
            if number:
                yield path, number, False


def _asked_by_gradle(view: RepoView, builds: tuple[str, ...]) -> Iterator[tuple[str, int, bool]]:
    for path in builds:
        text = _text(view, path)
        for pattern, strict in _GRADLE_VERSIONS:
            if found := pattern.search(text):
                yield path, int(found.group(1)), strict


def _asked_by_version_files(view: RepoView) -> Iterator[tuple[str, int, bool]]:
    if number := _number(_text(view, ".java-version").strip()):
        yield ".java-version", number, False
    for line in _text(view, ".sdkmanrc").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "java" and (number := _number(value.strip())):
            yield ".sdkmanrc", number, False


def _number(text: str) -> int:
    """17 of `17`, `17.0.2-tem`, `temurin-17`; 8 of `1.8`; 0 for none."""
    found = _NUMBER.match(text)
    return int(found.group(1)) if found else 0


def _present(view: RepoView, paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({path for path in paths if view.read(path) is not None}))


def _text(view: RepoView, path: str) -> str:
    return (view.read(path) or b"").decode("utf-8", "replace")
