"""The files of Maven and Gradle builds: Surefire, Failsafe, JUnit, TestNG. Pure."""

from __future__ import annotations

import re

from sandbox.parts import java_additions, java_poms
from sandbox.parts.rules import Rules
from sandbox.types import RepoView

_RUNNER_PACKAGES = (
    "org/junit/",
    "junit/framework/",
    "junit/extensions/",
    "junit/runner/",
    "org/testng/",
    "org/opentest4j/",
    "org/apiguardian/",
    "org/hamcrest/",
    "org/assertj/",
    "com/google/common/truth/",
    "org/spockframework/",
    "org/mockito/",
    "org/easymock/",
    "org/awaitility/",
    "org/skyscreamer/jsonassert/",
    "org/xmlunit/",
    "io/mockk/",
    "org/apache/maven/",
    "org/gradle/",
)
"""What tests are run and judged with: a class of the tree stands before the one of the same name in a library."""
_SUFFIXES = (".java", ".kt", ".kts", ".groovy", ".scala")
_PACKAGE = re.compile(r"^[ \t]*package\s+([\w.]+)", re.MULTILINE)
_SERVICES = re.compile(
    r"(?:^|/)META-INF/services/(?:org\.(?:junit|testng|spockframework|apache\.maven|gradle|codehaus\.groovy)\.|"
    r"javax\.annotation\.processing\.|java\.lang\.)|(?:^|/)src/main/[^/]+/mockito-extensions/"
)
_PROVIDES = re.compile(r"\bprovides\s+(?:org\.(?:junit|testng)|javax\.annotation\.processing)\.")


def _sign(base: RepoView, patched: RepoView, path: str) -> str:
    # What base itself registers (an annotation processor's own project) is its source, as the named class is.
    if _SERVICES.search(path) and base.read(path) is None:
        return f"{path}: a service that the test runner or the compiler loads by itself"
    if not path.endswith(_SUFFIXES):
        return ""
    text = (patched.read(path) or b"").decode("utf-8", "replace")
    if path.endswith("module-info.java") and _PROVIDES.search(text):
        return f"{path}: provides a service that the test runner or the compiler loads by itself"
    package = _PACKAGE.search(text)
    declared = package.group(1).replace(".", "/") + "/" if package else ""
    taken = next((known for known in _RUNNER_PACKAGES if declared.startswith(known) or f"/{known}" in f"/{path}"), "")
    if taken and not any(f"/{taken}" in f"/{other}" for other in base.paths()):
        return f"{path}: a class that takes the place of the test runner's own ({taken.rstrip('/').replace('/', '.')})"
    return ""


RULES = Rules(
    config=frozenset(
        {
            "pom.xml",
            "mvnw",
            "mvnw.cmd",
            "gradlew",
            "gradlew.bat",
            "gradle.properties",
            "junit-platform.properties",
            "lombok.config",
        }
    ),
    config_patterns=(
        # A build script is a program: what of it is about tests cannot be told from the rest.
        "*.gradle",
        "*.gradle.kts",
        ".mvn/*",
        "*/.mvn/*",
        "gradle/wrapper/*",
        "testng*.xml",
        "buildSrc/*",
        "*/buildSrc/*",
        "build-logic/*",
        "*/build-logic/*",
        "*META-INF/services/org.junit.*",
        "*META-INF/services/org.testng.*",
    ),
    tests=(
        "src/test/*",
        "*/src/test/*",
        "src/testFixtures/*",
        "*/src/testFixtures/*",
        "src/integrationTest/*",
        "*/src/integrationTest/*",
        "*Test.java",
        "*Tests.java",
        "*TestCase.java",
        "*Test.kt",
        "*Tests.kt",
        "*Spec.groovy",
    ),
    sections={"pom.xml": java_poms.sections},
    plain=java_additions.plain,
    gathers=java_additions.gathers,
    takes_in=java_additions.takes_in,
    sign=_sign,
)
