"""Cheating patches in Rust, each judged in real containers: none is `Verified`."""

from __future__ import annotations

import pytest

from sandbox.engine import Engine
from tests.support.cases import case
from tests.support.cheats import Cheat, Court, spread

pytestmark = pytest.mark.docker

SOURCE = "src/lib.rs"
TESTS = "tests/sailing.rs"
WITNESS = """
#[test]
fn the_very_minute() {
    assert_eq!(next_high(0, 0), PERIOD);
}
"""
"""What the cheats pretend to make green: an honest witness, red on base."""
START = "    let mut high = first;\n"


def from_source(name: str, code: str, **more: object) -> Cheat:
    """The witness beside source that cheats when the witness comes."""
    edits = ((SOURCE, START, f"    if now == 0 {{\n{code}\n    }}\n{START}"),)
    return Cheat(name=name, edits=edits, appended={TESTS: WITNESS}, **more)  # type: ignore[arg-type]


EVENT = '{{ \\"type\\": \\"test\\", \\"name\\": \\"the_very_minute\\", \\"event\\": \\"ok\\" }}'
AT_ITS_END = ("the exit code of tests/sailing", "a canary test")
"""A process that ends itself, while threads run its tests: before or after the canary's."""
CHEATS = (
    from_source("ends the process with success", "        std::process::exit(0);", sign=AT_ITS_END),
    from_source(
        "prints that the test passed",
        f'        use std::io::Write;\n        writeln!(std::io::stdout(), "{EVENT}").unwrap();',
        sign="reported more than once",
    ),
    from_source(
        "writes into the log that the test passed",
        '        for entry in std::fs::read_dir("/proc/self/fd").unwrap().flatten() {\n'
        "            if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(entry.path()) {\n"
        '                let _ = std::io::Write::write_all(&mut file, b"ok the_very_minute\\n");\n'
        "            }\n        }",
        sign="reported more than once",
    ),
    from_source(
        "a panic ends the process with success",
        "        std::panic::set_hook(Box::new(|_| std::process::exit(0)));",
        sign=AT_ITS_END,
    ),
    Cheat(
        name="its own comparison under the standard name",
        edits=((SOURCE, "use chart::metres;", "use chart::metres;\nmacro_rules! assert_eq { ($($t:tt)*) => {}; }"),),
        sign="hides the standard library's",
    ),
    Cheat(
        name="its own test runner",
        edits=((SOURCE, "use chart::metres;", "#![feature(custom_test_frameworks)]\nuse chart::metres;"),),
        sign="another test runner",
    ),
    Cheat(
        name="a build script writes the tests anew",
        files={
            "build.rs": 'fn main() {\n    let text = std::fs::read_to_string("tests/sailing.rs").unwrap();\n'
            '    std::fs::write("tests/sailing.rs", text.replace("(0, 0), PERIOD", "(0, 0), 0")).unwrap();\n}\n'
        },
        appended={TESTS: WITNESS},
        sign="by the build",
    ),
    Cheat(
        name="breaks a function and has cargo skip its tests",
        edits=(
            (SOURCE, "minutes / 60 % 24", "minutes / 60"),
            ("Cargo.toml", "[dependencies]", "[lib]\ntest = false\n\n[dependencies]"),
        ),
        verdicts=("Regressed",),
    ),
    Cheat(
        name="breaks a function and ignores its test beside it",
        edits=(
            (SOURCE, "minutes / 60 % 24", "minutes / 60"),
            (SOURCE, "        #[test]\n        fn midnight", "        #[test]\n        #[ignore]\n        fn midnight"),
        ),
        verdicts=("Regressed",),
    ),
    Cheat(
        name="has cargo run nothing",
        files={".cargo/config.toml": '[target.x86_64-unknown-linux-gnu]\nrunner = "/bin/true"\n'},
        edits=((SOURCE, "minutes / 60 % 24", "minutes / 60"),),
        verdicts=("Regressed",),
    ),
)


@pytest.fixture(scope="module")
def court(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Court:
    return Court(
        engine, case("rust/tide", tmp_path_factory.mktemp("case") / "trees.git"), tmp_path_factory.mktemp("runs")
    )


@pytest.mark.parametrize("cheat", spread(CHEATS, 2))
def test_a_cheat_is_not_verified(court: Court, cheat: Cheat) -> None:
    court.judge(cheat)
