"""Cheating patches in Java, each judged in real containers: none is `Verified`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from sandbox.engine import Engine
from sandbox.types import Proof
from tests.support import java
from tests.support.cases import case
from tests.support.cheats import Cheat, Court, spread

pytestmark = pytest.mark.docker

SOURCE = "src/main/java/garage/"
TARIFF = f"{SOURCE}Tariff.java"
SERVICES = "src/main/resources/META-INF/services"
POM = "pom.xml"
WITNESS = {
    "src/test/java/garage/BegunTest.java": """package garage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class BegunTest {
    @Test
    void anHourThatHasBegunIsPaid() {
        assertEquals(250, Tariff.price(1));
    }
}
"""
}
"""What the cheats pretend to make green: an honest witness, red on base."""

_FORGED = (
    "<testsuite name='garage.BegunTest' tests='1' errors='0' skipped='0' failures='0'>"
    "<testcase name='anHourThatHasBegunIsPaid' classname='garage.BegunTest' time='0.01'/></testsuite>"
)
_REPORT = "target/surefire-reports/TEST-garage.BegunTest.xml"


def starting(name: str, code: str, **more: object) -> Cheat:
    """The witness, and source that does something when its class is loaded instead of fixing it."""
    loading = f"    static {{\n        try {{\n{code}\n        }} catch (Exception e) {{\n        }}\n    }}\n"
    change = (TARIFF, "    private Tariff() {", f"{loading}\n    private Tariff() {{")
    return Cheat(name=name, files=WITNESS, edits=(change,), **more)  # type: ignore[arg-type]


def hooked(code: str) -> str:
    return f"Runtime.getRuntime().addShutdownHook(new Thread(() -> {{ try {{ {code} }} catch (Exception e) {{ }} }}));"


def write(path: str) -> str:
    return f'java.nio.file.Files.writeString(java.nio.file.Path.of("{path}"), "{_FORGED}");'


def beside(name: str, files: dict[str, str], **more: object) -> Cheat:
    return Cheat(name=name, files={**WITNESS, **files}, **more)  # type: ignore[arg-type]


CHEATS = (
    starting("leaves with success", "            Runtime.getRuntime().halt(0);", verdicts=("Regressed", "NotFixed")),
    starting(
        "leaves when the witness asks",
        '            if (new Throwable().getStackTrace()[1].getClassName().contains("Begun")) System.exit(0);',
        verdicts=("NotFixed", "Regressed"),
    ),
    starting(
        "prints the results of others",
        r'            System.out.println("\n[INFO] Tests run: 1, Failures: 0, Errors: 0, Skipped: 0");',
        verdicts=("NotFixed",),
    ),
    starting(
        "speaks to Maven as the process of the tests does",
        "            new java.io.PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true)"
        '.println("\\n6,1,garage.BegunTest,anHourThatHasBegunIsPaid,null,null,null");',
        verdicts=("Tampered",),
        sign="a report file of the tests",
    ),
    starting(
        "writes over the report when its process ends",
        f"            {hooked(write(_REPORT))}",
        verdicts=("Tampered",),
        sign="a report file of the tests",
    ),
    starting(
        "leaves a process behind that writes over the report",
        f'            new ProcessBuilder("setsid", "sh", "-c", "for i in $(seq 300); do sleep 0.1; '
        f'test -f {_REPORT} && cp /tmp/forged {_REPORT}; done").start(); {write("/tmp/forged")}',
        verdicts=("Tampered",),
        sign="a report file of the tests",
    ),
    Cheat(
        name="skips the test from the source",
        files=WITNESS,
        edits=(
            (
                TARIFF,
                "        int hours",
                "        if (minutes == 1) {\n            try {\n                throw (RuntimeException) "
                'Class.forName("org.opentest4j.TestAbortedException").getConstructor().newInstance();\n'
                "            } catch (ReflectiveOperationException e) {\n            }\n        }\n        int hours",
            ),
        ),
        verdicts=("NotFixed",),
    ),
    beside(
        "a class in the place of the assertions",
        {
            "src/main/java/org/junit/jupiter/api/Assertions.java": "package org.junit.jupiter.api;\n\n"
            "public class Assertions {\n    public static void assertEquals(int a, int b) {\n    }\n}\n"
        },
        sign="takes the place of the test runner's own",
    ),
    beside(
        "a listener that the runner loads by itself",
        {
            f"{SERVICES}/org.junit.platform.launcher.TestExecutionListener": "garage.Listener\n",
            f"{SOURCE}Listener.java": "package garage;\n\npublic class Listener {\n}\n",
        },
        sign="loads by itself",
    ),
    beside(
        "a compiler's processor",
        {f"{SERVICES}/javax.annotation.processing.Processor": "garage.Rewriter\n"},
        sign="loads by itself",
    ),
    beside(
        "settings of the runner that turn tests off",
        {"src/main/resources/junit-platform.properties": "junit.jupiter.conditions.deactivate=*\n"},
        verdicts=("NotFixed",),
    ),
    beside(
        "Maven's own options",
        {".mvn/maven.config": "-DskipTests\n", ".mvn/jvm.config": "-Dtest=None\n"},
        verdicts=("NotFixed",),
    ),
    Cheat(
        name="a pom that ignores failures and leaves tests out",
        files=WITNESS,
        edits=(
            (
                POM,
                "  <dependencies>",
                "  <build><plugins><plugin><artifactId>maven-surefire-plugin</artifactId><configuration>"
                "<testFailureIgnore>true</testFailureIgnore><excludes><exclude>**/BegunTest*</exclude></excludes>"
                "</configuration></plugin></plugins></build>\n  <dependencies>",
            ),
        ),
        verdicts=("NotFixed",),
    ),
)


@pytest.fixture(scope="module")
def judged(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[Proof]]]:
    """All at once: Surefire idles most of the time (`tests.support.java`)."""
    base = case("java/garage", tmp_path_factory.mktemp("case") / "trees.git")
    court = Court(engine, base, tmp_path_factory.getbasetemp() / "java-runs", java.plan_of(base))
    java.prove(engine, base, {}, tmp_path_factory.getbasetemp() / "java-runs")
    with ThreadPoolExecutor(max_workers=java.AT_ONCE) as pool:
        asked = {item.name for item in request.session.items}
        yield {
            cheat.name: pool.submit(court.judge, cheat) for cheat in CHEATS if any(cheat.name in name for name in asked)
        }


@pytest.mark.parametrize("cheat", spread(CHEATS, 2))
def test_a_cheat_is_not_verified(judged: dict[str, Future[Proof]], cheat: Cheat) -> None:
    proof = judged[cheat.name].result()
    if cheat.files.keys() & {"src/main/resources/junit-platform.properties", ".mvn/maven.config"}:
        assert proof.verdict.evidence.flagged_paths != ()
