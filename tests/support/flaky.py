"""The flaky case: its patches, and what each must be called in every verification."""

from __future__ import annotations

from sandbox.tree import GitTree
from tests.support.cases import append, edit

SUMS, TESTS = "till/sums.py", "tests/test_sums.py"
OLD = "price * (100 - percent) // 100"
WITNESS = "\n\ndef test_half_a_cent_is_the_shops():\n    assert discounted(101, 50) == 51\n"


def patches(base: GitTree) -> dict[str, tuple[str, str]]:
    """Name -> (diff, the one verdict it may get)."""
    refactored = edit(base, SUMS, OLD, "(price * (100 - percent)) // 100")
    fixed = edit(base, SUMS, OLD, "price - price * percent // 100")
    broken = edit(base, SUMS, "return paid - price", "return paid - price + (paid == 12)")
    return {
        "refactoring": (base.diff(refactored), "RegressionFree"),
        "fix": (base.diff(append(fixed, TESTS, WITNESS)), "Verified"),
        "no fix": (base.diff(append(refactored, TESTS, WITNESS)), "NotFixed"),
        "regression": (base.diff(broken), "Regressed"),
    }
