"""A Maven build with JUnit 5 in real containers: every way of the table of verdicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.engine import Engine
from sandbox.execution import Bench
from sandbox.runners import RUNNERS
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import (
    NotFixed,
    Proof,
    Regressed,
    RunKind,
    TestId,
    TestStatus,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)
from tests.support import java
from tests.support.cases import case, edit

pytestmark = pytest.mark.docker

TARIFF = "src/main/java/garage/Tariff.java"
TESTS = "src/test/java/garage/TariffTest.java"
WITNESS = """
    @Nested
    class BegunHours {
        @ParameterizedTest
        @CsvSource({"1, 250", "61, 500"})
        void arePaid(int minutes, int cents) {
            assertEquals(cents, Tariff.price(minutes));
        }
    }
}
"""
COMPILES_NOT = """package garage;

class RoundingTest {
    @org.junit.jupiter.api.Test
    void hours() {
        org.junit.jupiter.api.Assertions.assertEquals(2, Tariff.hours(61));
    }
}
"""

HOURS = "    public static int hours(int minutes) {\n        return (minutes + 59) / 60;\n    }\n"
AT_RANDOM = """package garage;

class ClockTest {
    @org.junit.jupiter.api.Test
    void isLateSometimes() {
        org.junit.jupiter.api.Assertions.assertTrue(new java.security.SecureRandom().nextBoolean());
    }
}
"""


def fixed(tree: GitTree) -> GitTree:
    return edit(tree, TARIFF, "minutes / 60", "(minutes + 59) / 60")


def with_witness(tree: GitTree) -> GitTree:
    text = (tree.read(TESTS) or b"").decode()
    return tree.with_files({TESTS: (text.rstrip().removesuffix("}") + WITNESS).encode()})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> GitTree:
    return case("java/garage", tmp_path_factory.mktemp("case") / "trees.git")


@pytest.fixture(scope="module")
def proofs(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Proof]:
    added = edit(fixed(base), TARIFF, "    public static String", f"{HOURS}\n    public static String")
    patched = {
        "fix": with_witness(fixed(base)),
        "no fix": with_witness(base),
        "regression": with_witness(edit(fixed(base), TARIFF, "%d.%02d", "%d.%d")),
        "compiles not": added.with_files({"src/test/java/garage/RoundingTest.java": COMPILES_NOT.encode()}),
        "broken": edit(base, TARIFF, "minutes / 60;", "minutes / 60"),
    }
    return java.prove(engine, base, patched, tmp_path_factory.getbasetemp() / "java-runs")


@pytest.fixture(scope="module")
def more_proofs(engine: Engine, base: GitTree, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Proof]:
    patched = {
        "not red": edit(with_witness(base), TESTS, '"1, 250", "61, 500"', '"0, 0"'),
        "at random": edit(base, TARIFF, "in cents", "in Cents").with_files(
            {"src/test/java/garage/ClockTest.java": AT_RANDOM.encode()}
        ),
    }
    return java.prove(engine, base, patched, tmp_path_factory.getbasetemp() / "java-runs")


def test_a_fix_with_its_nested_parametrised_witness_is_verified(proofs: dict[str, Proof]) -> None:
    verdict = proofs["fix"].verdict
    assert isinstance(verdict, Verified), verdict
    assert verdict.evidence.fail_to_pass == (
        "garage.TariffTest$BegunHours::arePaid[1]",
        "garage.TariffTest$BegunHours::arePaid[2]",
    )
    assert verdict.red_before[0].why == (
        "org.opentest4j.AssertionFailedError: expected: <250> but was: <0> (src/test/java/garage/TariffTest.java:58)"
    )
    assert set(verdict.evidence.pass_to_pass) == {
        "garage.TariffTest::nothingIsFree",
        "garage.TariffTest::aDayHasAHighestPrice",
        "garage.TariffTest::wholeHours[1]",
        "garage.TariffTest::wholeHours[2]",
        "garage.TariffTest::wholeHours[3]",
        "garage.TariffTest::everyPriceIsShownWithTwoDigits[1]",
        "garage.TariffTest::everyPriceIsShownWithTwoDigits[2]",
        "garage.TariffTest$Refusals::timeDoesNotGoBackwards",
    }


def test_a_disabled_test_is_skipped(proofs: dict[str, Proof]) -> None:
    base = next(run for run in proofs["fix"].runs if run.kind is RunKind.BASE)
    assert base.report is not None
    assert base.report.ids(TestStatus.SKIPPED) == {"garage.TariffTest::ticketIsPrinted"}


def test_single_methods_are_run_again_to_confirm(proofs: dict[str, Proof]) -> None:
    again = [run for run in proofs["fix"].runs if run.kind is RunKind.CONFIRMATION]
    assert again
    for run in again:
        assert run.report is not None
        assert set(run.report.results) == set(run.selection)


def test_a_witness_that_stays_red_is_not_fixed(proofs: dict[str, Proof]) -> None:
    verdict = proofs["no fix"].verdict
    assert isinstance(verdict, NotFixed), verdict
    assert [red.id for red in verdict.still_red] == [
        "garage.TariffTest$BegunHours::arePaid[1]",
        "garage.TariffTest$BegunHours::arePaid[2]",
    ]


def test_what_a_fix_breaks_is_a_regression(proofs: dict[str, Proof]) -> None:
    verdict = proofs["regression"].verdict
    assert isinstance(verdict, Regressed), verdict
    assert "garage.TariffTest::everyPriceIsShownWithTwoDigits[2]" in [red.id for red in verdict.turned_red]


def test_a_test_that_compiles_only_with_the_patch_is_no_witness(proofs: dict[str, Proof]) -> None:
    verdict = proofs["compiles not"].verdict
    assert isinstance(verdict, WitnessInvalid), verdict
    assert verdict.invalid[0].id == "garage.RoundingTest::hours"
    assert "compiler" in verdict.invalid[0].why
    assert "cannot find symbol" in verdict.invalid[0].why


@pytest.mark.thorough
def test_a_new_test_that_is_green_without_the_patch_proves_nothing(more_proofs: dict[str, Proof]) -> None:
    assert isinstance(more_proofs["not red"].verdict, WitnessNotRed)


@pytest.mark.thorough
def test_a_test_that_is_red_at_random_is_no_proof(more_proofs: dict[str, Proof]) -> None:
    verdict = more_proofs["at random"].verdict
    assert isinstance(verdict, NotFixed | WitnessNotRed | WitnessInvalid), verdict


def test_a_patch_that_does_not_compile_loses_every_test(proofs: dict[str, Proof]) -> None:
    verdict = proofs["broken"].verdict
    assert isinstance(verdict, Regressed), verdict
    assert len(verdict.turned_red) == 8


@pytest.mark.thorough
def test_gradle_runs_the_tests_of_every_module(engine: Engine, tmp_path: Path) -> None:
    tree = case("java/gauge", tmp_path / "trees.git")
    plan = java.plan_of(tree)
    image = engine.ensure_image(plan, tree, lambda _: None)
    with Supply(engine, image, java.LIMITS) as supply:
        bench = Bench(supply=supply, runner=RUNNERS["gradle"], plan=plan)
        report = bench.run(RunKind.BASE, tree, timeout=200).report
    assert report is not None
    assert {test: result.status for test, result in report.results.items()} == {
        "print/gauge.ScaleTest::whole": TestStatus.PASSED,
        "scale/gauge.ScaleTest::partOfTen[0]": TestStatus.PASSED,
        "scale/gauge.ScaleTest::partOfTen[1]": TestStatus.FAILED,
        "scale/gauge.ScaleTest::partOfTen[2]": TestStatus.PASSED,
        "scale/gauge.ScaleTest::device[0]": TestStatus.SKIPPED,
        "scale/gauge.ScaleTest::device[1]": TestStatus.SKIPPED,
        "scale/gauge.ScaleTest::device[2]": TestStatus.SKIPPED,
    }
    red = report.results[TestId("scale/gauge.ScaleTest::partOfTen[1]")].failure
    assert red is not None
    assert (red.exception, red.path, red.line) == (
        "java.lang.AssertionError", "scale/src/test/java/gauge/ScaleTest.java", 26,
    )  # fmt: skip
    assert (report.must_fail, report.must_pass) == (TestStatus.FAILED, TestStatus.PASSED)
    assert report.tamper_signs == report.replaced == ()
