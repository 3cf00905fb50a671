"""Java without containers: what builds say of themselves, how they are started, what their files are. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import parts
from sandbox.buildpacks import detect
from sandbox.parts import classify
from sandbox.runners import RUNNERS, jvm_layout
from sandbox.runners.protocol import RunRequest
from sandbox.tamper import same_test_sections
from sandbox.types import EnvironmentPlan, Part, TestId
from tests.support.cases import FilesView

POM = '<project xmlns="http://maven.apache.org/POM/4.0.0">{}</project>'
JUPITER = "package a.b;\nimport org.junit.jupiter.api.Test;\nclass FooTest {}\n"
JUNIT4 = "package a.b;\nimport org.junit.Test;\npublic class OldTest {}\n"
TESTNG = "import org.testng.annotations.Test;\npublic class NgTest {}\n"


def pom(inner: str = "", **properties: str) -> str:
    listed = "".join(
        f"<{name.replace('_', '.')}>{value}</{name.replace('_', '.')}>" for name, value in properties.items()
    )
    return POM.format((f"<properties>{listed}</properties>" if listed else "") + inner)


def plan_of(files: dict[str, str]) -> EnvironmentPlan:
    plan = detect(FilesView(files))
    assert plan is not None
    assert plan.language == "java"
    return plan


# --- detection ---------------------------------------------------------------------------------------------------


def test_a_maven_build_is_fetched_once_into_the_image_and_runs_offline() -> None:
    plan = plan_of({"pom.xml": pom(), "src/test/java/a/b/FooTest.java": JUPITER, ".mvn/maven.config": "-T1C"})
    assert (plan.runner, plan.base, plan.apt, plan.command) == (
        "maven", "redgreen-base", ("default-jdk-headless", "maven"), (),
    )  # fmt: skip
    assert plan.install == (
        ("mvn", "--batch-mode", "-Dmaven.test.failure.ignore=true", "-DfailIfNoTests=false", "test"),
    )
    assert "-Dmaven.repo.local=/opt/redgreen/maven" in dict(plan.env)["MAVEN_OPTS"]
    assert plan.manifests == (".mvn/maven.config", "pom.xml")
    assert plan.evidence == (
        "pom.xml: a Maven build.",
        "No file names a Java version: the JDK is 17.",
        "src/test/java/a/b/FooTest.java: tests written for JUnit 5.",
    )


def test_a_build_with_a_wrapper_brings_its_own_tool() -> None:
    maven = plan_of({"pom.xml": pom(), "mvnw": "#!/bin/sh\n"})
    assert (maven.apt, maven.command) == (("default-jdk-headless",), ("sh", "./mvnw"))
    gradle = plan_of({"build.gradle.kts": "", "gradlew": "#!/bin/sh\n"})
    assert (gradle.apt, gradle.command) == (("default-jdk-headless",), ("sh", "./gradlew"))
    assert maven.evidence[-1] == gradle.evidence[-1] == "No test class was found."


def test_of_two_build_tools_the_one_with_a_wrapper_is_used() -> None:
    both = {"pom.xml": pom(), "build.gradle": ""}
    assert plan_of(both).runner == "maven"
    assert plan_of({**both, "gradlew": ""}).runner == "gradle"
    assert plan_of({**both, "gradlew": "", "mvnw": ""}).runner == "maven"


def test_a_gradle_build_with_modules() -> None:
    files = {
        "settings.gradle": "rootProject.name = 'x'\ninclude ':core', 'web:api'\n",
        "build.gradle": "",
        "core/src/test/java/a/b/OldTest.java": JUNIT4,
        "web/api/src/test/java/NgTest.java": TESTNG,
        "lib/build.gradle": "",
        "buildSrc/build.gradle": "",
    }
    plan = plan_of(files)
    assert plan.apt == ("default-jdk-headless", "gradle")
    assert plan.install[0][-1] == "testClasses"
    assert plan.optional_install[0][-1] == "test"
    assert plan.evidence[-1] == (
        "2 of 4 modules have tests; core/src/test/java/a/b/OldTest.java: tests written for JUnit 4 (or 3)."
    )
    modules = jvm_layout.gradle(FilesView(files))
    assert [(module.path, module.framework) for module in modules] == [
        ("", "junit4"), ("core", "junit4"), ("lib", "junit4"), ("web/api", "testng"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "toolchains", "told"),
    [
        ({"pom.xml": pom(maven_compiler_release="11")}, (), "pom.xml: Java 11, compiled and tested with JDK 17."),
        ({"pom.xml": pom(maven_compiler_source="1.8")}, (), "pom.xml: Java 8, compiled"),
        (
            {"pom.xml": pom(maven_compiler_release="${java.version}", java_version="21")},
            ("java@21",),
            "pom.xml: Java 21.",
        ),
        (
            {"pom.xml": pom(maven_compiler_release="${elsewhere}"), ".java-version": "temurin-21.0"},
            ("java@21",),
            ".java-v",
        ),
        (
            {
                "pom.xml": pom(
                    "<build><plugins><plugin><configuration><release>21</release></configuration></plugin></plugins></build>"
                )
            },
            ("java@21",),
            "pom.xml: Java 21.",
        ),
        ({"pom.xml": "<broken", ".sdkmanrc": "# x\nmaven=3.9\njava=21.0.2-tem\n"}, ("java@21",), ".sdkmanrc: Java 21."),
        ({"pom.xml": pom(), ".sdkmanrc": "java=\n", ".java-version": "17"}, (), ".java-version: Java 17, compiled"),
        ({"build.gradle": "sourceCompatibility = '1.8'\n"}, (), "build.gradle: Java 8, compiled"),
        ({"build.gradle": "sourceCompatibility = JavaVersion.VERSION_21\n"}, ("java@21",), "build.gradle: Java 21."),
        ({"build.gradle.kts": "kotlin { jvmToolchain(11) }"}, ("java@11",), "build.gradle.kts: Java 11."),
        (
            {"build.gradle": "options.release = 8\ntoolchain { languageVersion = JavaLanguageVersion.of(17) }"},
            (),
            "build.gradle: Java 17, compiled",
        ),
    ],
)
def test_the_java_version_comes_from_the_builds_own_files(
    files: dict[str, str], toolchains: tuple[str, ...], told: str
) -> None:
    plan = plan_of(files)
    assert plan.toolchains == toolchains
    assert plan.evidence[1].startswith(told)


def test_tests_in_several_processes_are_told() -> None:
    plan = plan_of({"pom.xml": pom("<build><x><forkCount>2C</forkCount><reuseForks>true</reuseForks></x></build>")})
    assert "several processes" in plan.evidence[-1]
    plan = plan_of({"pom.xml": pom("<build><x><forkCount> 1 </forkCount></x></build>")})
    assert "several processes" not in plan.evidence[-1]


# --- modules -----------------------------------------------------------------------------------------------------

REACTOR = {
    "pom.xml": pom(
        "<modules><module>core</module><module>web/pom.xml</module><module>../out</module><module>core</module></modules>"
    ),
    "core/pom.xml": pom(),
    "core/src/test/java/a/b/FooTest.java": JUPITER,
    "core/src/test/java/a/b/Helper.java": "",
    "web/pom.xml": pom("<build><testSourceDirectory>checks</testSourceDirectory></build>"),
    "web/checks/NgTest.java": TESTNG,
    "other/pom.xml": pom(),
    "other/src/test/java/XTest.java": JUNIT4,
}


def test_the_reactor_is_what_the_roots_pom_reaches() -> None:
    modules = jvm_layout.maven(FilesView(REACTOR))
    assert [(module.path, module.tests) for module in modules] == [
        ("", ()),
        ("core", ("core/src/test/java/a/b/FooTest.java",)),
        ("web", ("web/checks/NgTest.java",)),
    ]


@pytest.mark.parametrize("broken", ["", "<a", '<!DOCTYPE x [<!ENTITY a "b">]><project/>', "\0", "<a>" * 3])
def test_a_pom_that_cannot_be_read_is_no_module(broken: str) -> None:
    assert jvm_layout.maven(FilesView({"pom.xml": broken})) == ()


def test_tests_know_their_files_and_files_their_classes() -> None:
    view, maven = FilesView(REACTOR), RUNNERS["maven"]
    path = "core/src/test/java/a/b/FooTest.java"
    assert maven.file_of(view, TestId("core/a.b.FooTest$Inner::deep[1]")) == path
    assert maven.file_of(view, TestId("web/NgTest::x")) == "web/checks/NgTest.java"
    assert maven.file_of(view, TestId("a.b.FooTest::x")) is None
    assert maven.is_test_file(view, path)
    assert not maven.is_test_file(view, "core/src/test/java/a/b/Helper.java")


# --- starting ----------------------------------------------------------------------------------------------------


def asked(runner: str, tree: dict[str, str], **request: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """(the launcher's request, the files that are put into the tree)."""
    prepared = RUNNERS[runner].prepare(FilesView(tree), RunRequest(nonce="n", key="k", **request))
    content: dict[str, Any] = json.loads(prepared.files["/work/run-n/request.json"])
    top = "/work/repo/"
    return content, {p[len(top) :]: t.decode() for p, t in prepared.files.items() if p.startswith(top)}


def test_the_whole_suite_has_two_canary_classes_in_each_module_with_tests() -> None:
    content, planted = asked("maven", REACTOR)
    assert [path.rpartition("/")[0] for path in planted] == ["core/src/test/java/a/b"] * 2 + ["web/checks"] * 2
    passing, failing = (text for path, text in planted.items() if path.startswith("core/"))
    assert passing.startswith("package a.b;\n")
    assert "org.junit.jupiter.api.Assertions.assertEquals(4, " in passing
    assert "org.junit.jupiter.api.Assertions.assertEquals(5, " in failing
    assert content["canaries"][0] in failing
    assert "org.testng.Assert" in planted[list(planted)[-1]]
    assert not any(word.startswith(("-Dtest=", "-pl")) for word in content["argv"])
    assert content["argv"][0] == "mvn"
    assert content["argv"][-1] == "test"
    assert [module["prefix"] for module in content["modules"]] == ["", "core/", "web/"]


def test_canaries_of_a_kotlin_module_are_java_too() -> None:
    _, planted = asked("gradle", {"build.gradle": "", "src/test/kotlin/FooTest.kt": "class FooTest"})
    assert all(path.startswith("src/test/java/") for path in planted)
    assert all("import" not in text and "org.junit.Assert" in text for text in planted.values())


def test_single_tests_are_asked_for_by_class_and_method() -> None:
    tests = ("core/a.b.FooTest::x[1]", "core/a.b.FooTest::y", "core/a.b.FooTest$In::z", "web/NgTest::ng", "gone.T::x")
    content, planted = asked("maven", REACTOR, tests=tuple(TestId(test) for test in tests[1:2] + tests[3:]))
    chosen = next(word for word in content["argv"] if word.startswith("-Dtest=")).removeprefix("-Dtest=").split(",")
    assert {"a/b/FooTest#y*", "NgTest#ng*"} <= set(chosen)
    assert len(planted) == 4
    canary = next(path for path in planted if path.startswith("core/")).removeprefix("core/src/test/java/")
    assert canary.removesuffix(".java") in chosen
    assert content["argv"][-4:] == ["-pl", "core,web", "-am", "test"]
    content, _ = asked("maven", REACTOR, tests=tuple(TestId(test) for test in tests[:2]), canaries=False)
    assert "-Dtest=a/b/FooTest#x*+y*" in content["argv"]
    content, _ = asked("maven", REACTOR, tests=tuple(TestId(test) for test in tests[:3]), canaries=False)
    assert "-Dtest=a/b/FooTest,a/b/FooTest$*" in content["argv"]


def test_a_method_whose_name_is_no_identifier_is_asked_for_with_its_class() -> None:
    content, _ = asked("maven", REACTOR, tests=(TestId("core/a.b.FooTest::[1] one"),), canaries=False)
    assert "-Dtest=a/b/FooTest,a/b/FooTest$*" in content["argv"]


def test_files_are_asked_for_as_classes() -> None:
    content, _ = asked("maven", REACTOR, files=("web/checks/NgTest.java",), canaries=False)
    assert "-Dtest=NgTest,NgTest$*" in content["argv"]
    assert content["argv"][-4:-1] == ["-pl", "web", "-am"]
    both = ("core/src/test/java/a/b/FooTest.java", "web/checks/NgTest.java")
    content, _ = asked("maven", REACTOR, files=both, canaries=False)
    assert "-Dtest=a/b/FooTest,NgTest,a/b/FooTest$*,NgTest$*" in content["argv"]
    content, _ = asked("maven", REACTOR, files=("README",), canaries=False)
    assert content["argv"][-4:-1] == ["-pl", ".", "-am"]


def test_another_order_is_the_reverse_one() -> None:
    assert "-Dsurefire.runOrder=alphabetical" in asked("maven", REACTOR)[0]["argv"]
    assert "-Dsurefire.runOrder=reversealphabetical" in asked("maven", REACTOR, order_seed=1)[0]["argv"]


def test_gradle_is_asked_module_by_module() -> None:
    files = {
        "settings.gradle.kts": 'include("core")\n',
        "core/src/test/java/a/b/FooTest.java": JUPITER,
        "src/test/java/NgTest.java": TESTNG,
    }
    tests = (TestId("core/a.b.FooTest::x[1]"), TestId("NgTest::y"))
    content, _ = asked("gradle", files, tests=tests, canaries=False)
    start = content["argv"].index("--init-script")
    assert content["argv"][start:] == [
        "--init-script", "/work/run-n/init.gradle",
        ":test", "--tests", "NgTest.y*", ":core:test", "--tests", "a.b.FooTest.x*",
    ]  # fmt: skip
    content, _ = asked("gradle", files, files=("src/test/java/NgTest.java",), canaries=False)
    assert content["argv"][start + 2 :] == [":test", "--tests", "NgTest", "--tests", "NgTest$*"]
    content, planted = asked("gradle", files)
    assert content["argv"][-1] == "test"
    assert len(planted) == 4


def test_the_builds_own_command_is_used_and_shown() -> None:
    plan = EnvironmentPlan(language="java", runner="maven", base="", command=("sh", "./mvnw"))
    prepared = RUNNERS["maven"].prepare(FilesView(REACTOR), RunRequest(nonce="n", key="k", plan=plan))
    assert prepared.shown == ("sh", "./mvnw", "test")
    assert RUNNERS["maven"].parse(b"", RunRequest(nonce="n", key="k")).complete is False


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("pom.xml", Part.TEST_CONFIG),
        ("core/build.gradle.kts", Part.TEST_CONFIG),
        ("gradle.properties", Part.TEST_CONFIG),
        (".mvn/maven.config", Part.TEST_CONFIG),
        (".mvn/extensions.xml", Part.TEST_CONFIG),
        ("core/src/test/resources/junit-platform.properties", Part.TEST_CONFIG),
        ("src/main/resources/META-INF/services/org.junit.platform.engine.TestEngine", Part.TEST_CONFIG),
        ("gradle/wrapper/gradle-wrapper.properties", Part.TEST_CONFIG),
        ("buildSrc/src/main/java/Plugin.java", Part.TEST_CONFIG),
        ("core/src/test/java/a/Helper.java", Part.TEST),
        ("src/test/resources/data.json", Part.TEST),
        ("src/main/java/a/Foo.java", Part.SOURCE),
        ("gradle/libs.versions.toml", Part.SOURCE),
    ],
)
def test_what_the_files_of_a_build_are(path: str, part: Part) -> None:
    assert classify(path) is part


SUREFIRE = "<build><plugins><plugin><artifactId>maven-surefire-plugin</artifactId>{}</plugin></plugins></build>"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (pom("<version>1</version>"), pom("<version>2</version><!-- x --><dependencies/>"), True),
        (pom(my_lib_version="1"), pom(my_lib_version="2"), True),
        (pom(), pom(skipTests="true"), False),
        (pom(), pom(maven_test_failure_ignore="true"), False),
        (pom(SUREFIRE.format("")), pom(SUREFIRE.format("<configuration/>")), False),
        (pom("<modules><module>a</module></modules>"), pom("<modules/>"), False),
        (pom(), "<project", False),
        (pom(), '<!DOCTYPE project [<!ENTITY a "b">]>' + pom(), False),
    ],
)
def test_a_pom_counts_as_source_while_it_leaves_the_tests_alone(before: str, after: str, same: bool) -> None:
    assert same_test_sections("pom.xml", before.encode(), after.encode()) is same


@pytest.mark.parametrize(
    ("path", "text", "sign"),
    [
        (
            "src/main/java/org/junit/Assert.java",
            "package org.junit;",
            "takes the place of the test runner's own (org.junit)",
        ),
        ("src/main/java/x/Assert.java", "/* */\npackage org.junit.jupiter.api;", "takes the place"),
        ("a/src/main/kotlin/junit/framework/T.kt", "", "takes the place of the test runner's own (junit.framework)"),
        (
            "src/main/resources/META-INF/services/org.junit.platform.launcher.TestExecutionListener",
            "x",
            "loads by itself",
        ),
        ("src/main/resources/META-INF/services/javax.annotation.processing.Processor", "x", "loads by itself"),
        (
            "src/main/java/module-info.java",
            "module x { provides org.junit.platform.engine.TestEngine with x.Y; }",
            "loads",
        ),
        (
            "core/src/main/java/org/mockito/Mockito.java",
            "package org.mockito;",
            "takes the place of the test runner's own (org.mockito)",
        ),
        ("src/main/resources/mockito-extensions/org.mockito.plugins.MockMaker", "x.Y", "loads by itself"),
        ("src/test/resources/mockito-extensions/org.mockito.plugins.MockMaker", "mock-maker-inline", ""),
        ("src/main/kotlin/test/Foo.kt", "package test", ""),
        ("src/main/java/module-info.java", "module x { }", ""),
        ("src/main/resources/META-INF/services/com.acme.Plugin", "x", ""),
        ("src/main/java/a/Foo.java", "package a;", ""),
        ("src/main/java/a/Foo.java", "", ""),
    ],
)
def test_what_would_load_itself_into_the_tests_is_a_sign(path: str, text: str, sign: str) -> None:
    found = parts.signs_of(FilesView({}), FilesView({path: text}), path)
    assert (sign in found[0]) if sign else found == ()


def test_a_project_of_such_a_package_may_change_it() -> None:
    base = FilesView({"src/main/java/org/hamcrest/Matcher.java": "package org.hamcrest;"})
    new = {"src/main/java/org/hamcrest/IsNot.java": "package org.hamcrest;"}
    assert parts.signs_of(base, FilesView(new), next(iter(new))) == ()
