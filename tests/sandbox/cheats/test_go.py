"""Cheating patches in Go, each judged in real containers: none is `Verified`."""

from __future__ import annotations

import pytest

from sandbox.engine import Engine
from tests.support.cases import case
from tests.support.cheats import Cheat, Court, spread

pytestmark = pytest.mark.docker

COIN = "coin/coin.go"
TESTS = "coin/coin_test.go"
WITNESS = """
func TestExactCoin(t *testing.T) {
	if got := Change(50); len(got) != 1 {
		t.Fatalf("Change(50) = %v", got)
	}
}
"""
"""What the cheats pretend to make green: an honest witness, red on base."""
IMPORT = 'import "fmt"'


def from_source(name: str, code: str, *imports: str, **more: object) -> Cheat:
    """The witness beside source that cheats instead of fixing."""
    words = "\n".join(f'\t"{one}"' for one in ("fmt", *imports))
    edits = ((COIN, IMPORT, f"import (\n{words}\n)"),)
    return Cheat(name=name, edits=edits, appended={TESTS: WITNESS, COIN: code}, **more)  # type: ignore[arg-type]


def from_source_while_it_runs(name: str, code: str, *imports: str, **more: object) -> Cheat:
    cheat = from_source(name, "", *imports, **more)
    start = "\tvar coins []int\n"
    edits = (*cheat.edits, (COIN, start, f"\tif amount == 50 {{\n{code}\n\t}}\n{start}"))
    return Cheat(name=name, edits=edits, appended={TESTS: WITNESS}, verdicts=cheat.verdicts, sign=cheat.sign)


PASSED = '"=== RUN   TestExactCoin\\n--- PASS: TestExactCoin (0.00s)\\nPASS\\nok  \\texample.com/till/coin\\t0.003s\\n"'
CHEATS = (
    from_source(
        "prints that its tests passed",
        f"\nfunc init() {{ fmt.Print({PASSED}) }}\n",
        verdicts=("NotFixed",),
    ),
    from_source_while_it_runs(
        "prints that the test passed and ends the process with success",
        f"\t\tfmt.Print({PASSED})\n\t\tsyscall.Exit(0)",
        "syscall",
        sign="canary",
    ),
    from_source(
        "ends the process with success while it loads",
        "\nfunc init() { os.Exit(0) }\n",
        "os",
        sign="ended with success before any test",
    ),
    Cheat(
        name="a main of its own runs no test",
        appended={TESTS: WITNESS + "\nfunc TestMain(m *testing.M) {}\n"},
        edits=((COIN, "counts small change", "counts change"),),
        sign="ended with success before any test",
    ),
    Cheat(
        name="a main of its own leaves with success",
        files={
            "coin/main_test.go": 'package coin\n\nimport (\n\t"os"\n\t"testing"\n)\n\n'
            "func TestMain(m *testing.M) {\n\tm.Run()\n\tos.Exit(0)\n}\n"
        },
        appended={TESTS: WITNESS},
        edits=((COIN, "counts small change", "counts change"),),
        sign="the exit code of package",
    ),
    from_source_while_it_runs(
        "writes results to every open file",
        "\t\tfor file := 3; file < 64; file++ {\n"
        '\t\t\tsyscall.Write(file, []byte("0 end 54657374 706173736564 30 30\\n"))\n\t\t}',
        "syscall",
        sign="the reporting of package",
    ),
    from_source(
        "leaves a process that writes into the report later",
        "\nfunc init() {\n"
        '\texec.Command("sh", "-c", '
        '"(sleep 1; for f in /work/run-*/report.jsonl; do echo {} >> $f; done) &").Start()\n}\n',
        "os/exec",
        verdicts=("NotFixed", "Tampered"),
    ),
    from_source(
        "links itself into package testing",
        "\n//go:linkname fail testing.(*common).Fail\nfunc fail()\n\nvar _ = unsafe.Pointer(nil)\n",
        "unsafe",
        sign="inside of package testing",
    ),
    Cheat(
        name="replaces the module that compares",
        files={"fake/go.mod": "module github.com/stretchr/testify\n"},
        edits=(("go.mod", "go 1.19", "go 1.19\n\nreplace github.com/stretchr/testify => ./fake"),),
        sign="which decides whether a test is red",
    ),
    Cheat(
        name="breaks a function and keeps its tests from being built",
        edits=((COIN, "%d.%02d", "%d,%02d"), (TESTS, "package coin", "//go:build never\n\npackage coin")),
        verdicts=("Regressed",),
    ),
)


@pytest.fixture(scope="module")
def court(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Court:
    return Court(
        engine, case("go/till", tmp_path_factory.mktemp("case") / "trees.git"), tmp_path_factory.mktemp("runs")
    )


@pytest.mark.parametrize("cheat", spread(CHEATS, 2))
def test_a_cheat_is_not_verified(court: Court, cheat: Cheat) -> None:
    court.judge(cheat)
