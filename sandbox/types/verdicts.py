"""What is concluded from the runs, and the evidence that goes with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.types.environments import EnvironmentPlan, Limits
from sandbox.types.runs import TestId, TestRun
from sandbox.types.trees import CommitSha


@dataclass(frozen=True, kw_only=True)
class Red:
    """A red test and why, kept as evidence."""

    id: TestId
    why: str


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """What the verdict would hold of a working tree's tests, by single runs in an attempt's container. No proof."""

    witnesses: tuple[Red, ...] = ()
    """New tests that are red without the change's source, by the behaviour itself."""
    not_red: tuple[TestId, ...] = ()
    """New tests that are green without it."""
    invalid: tuple[Red, ...] = ()
    """New tests that are not, for a reason that does not count."""
    regressed: tuple[Red, ...] = ()
    """Base's tests that are green on base and red now."""
    red_on_base: tuple[TestId, ...] = ()
    """Base's tests that are red now, and on base."""
    edited: tuple[str, ...] = ()
    """Base's tests that the change edits: judged as base has them."""
    flagged: tuple[str, ...] = ()
    """Test configuration and CI files that the change touches: base's versions are used."""
    changes_source: bool = False
    refused: str = ""
    """Why the change as it stands would be refused."""


@dataclass(frozen=True, kw_only=True)
class Flakiness:
    """How often a test that cannot be relied on was red, of the runs on one and the same tree that it was seen in."""

    id: TestId
    red: int
    runs: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What every verdict carries: the counts a reader needs to believe it or to doubt it."""

    fail_to_pass: tuple[TestId, ...] = ()
    pass_to_pass: tuple[TestId, ...] = ()
    flaky: tuple[TestId, ...] = ()
    ignored_test_edits: tuple[str, ...] = ()
    """Existing tests that the patch edits: shown, never counted."""
    flagged_paths: tuple[str, ...] = ()
    """Test configuration and CI files that the patch touches; base's versions were used."""
    selection: str = ""
    """Empty when everything ran; else a sentence: which tests and how many of how many."""
    division: str = ""
    """Empty where every run was one container's; else a sentence: how the suite was divided, or why it was not."""
    exit_code_only: bool = False
    """All that was seen of the tests is a command's exit code: what failed, and whether any test ran, is unknown."""
    flakiness: tuple[Flakiness, ...] = ()
    """What `flaky` rests on, for the tests that base's own repeated runs showed to be so."""
    hanging: tuple[Red, ...] = ()
    """Tests that do not come to an end on base: they count neither way, and are left out where the runner can."""
    signs: tuple[str, ...] = ()
    """What cannot be told from a fix by running it, and a maintainer should look at: one sentence each."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    evidence: Evidence
    red_before: tuple[Red, ...]
    """Each FAIL_TO_PASS test with its failure on the witness (or base) tree."""


@dataclass(frozen=True, kw_only=True)
class RegressionFree:
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class WitnessNotRed:
    evidence: Evidence
    green_without_patch: tuple[TestId, ...]


@dataclass(frozen=True, kw_only=True)
class WitnessInvalid:
    evidence: Evidence
    invalid: tuple[Red, ...]


@dataclass(frozen=True, kw_only=True)
class NotFixed:
    evidence: Evidence
    still_red: tuple[Red, ...]


@dataclass(frozen=True, kw_only=True)
class Regressed:
    evidence: Evidence
    turned_red: tuple[Red, ...]


@dataclass(frozen=True, kw_only=True)
class Tampered:
    evidence: Evidence
    signs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NoTests:
    evidence: Evidence
    why: str


@dataclass(frozen=True, kw_only=True)
class Inconclusive:
    evidence: Evidence
    cause: str
    """One sentence that names what failed and what to do about it."""


Verdict = (
    Verified
    | RegressionFree
    | WitnessNotRed
    | WitnessInvalid
    | NotFixed
    | Regressed
    | Tampered
    | NoTests
    | Inconclusive
)


def verdict_name(verdict: Verdict) -> str:
    """The variant's name, the word used in proofs, tables and `--json`."""
    return type(verdict).__name__


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was executed, enough to run it again. Its file form is an in-toto Statement (`sandbox.proof`)."""

    base_commit: CommitSha
    base_tree: str
    patch_sha256: str
    tests_sha256: str = ""
    """Digest of the given test patch; "" when the witnesses are the patch's own."""
    image: str
    """The image's id, `sha256:...`."""
    plan: EnvironmentPlan
    runs: tuple[TestRun, ...]
    verdict: Verdict
    seconds: float
    tool_version: str
    patch: str = ""
    tests: str = ""
    limits: Limits = field(default_factory=Limits)
