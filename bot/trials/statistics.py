"""Shares and differences over instances, with intervals and exact tests. Pure.

The unit is the instance: the samples of one instance are not independent, so an instance counts once, with the share of
its samples that were resolved. With one sample everything here is the textbook's formula for yes and no.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, sqrt
from statistics import NormalDist

from bot.scoreboard import CONFIDENCE, wilson


@dataclass(frozen=True, kw_only=True)
class Share:
    """The mean of a quantity between 0 and 1 over `n` instances."""

    successes: float
    """Their sum."""
    n: int

    @property
    def value(self) -> float | None:
        """None for n = 0."""
        return self.successes / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's over instances (95 %); None for n = 0.

        Exact in its usual sense for one sample. For several it is too wide rather than too narrow: no quantity between
        0 and 1 with mean p varies more than one that is only ever 0 or 1, and that is what the formula supposes.
        """
        return wilson(self.successes, self.n)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A mean difference between -1 and 1, with its interval."""

    value: float
    low: float
    high: float


def exact_p(better: int, worse: int) -> float:
    """McNemar's exact test, two-sided: of the instances on which two models differ, how likely a split as uneven as
    this one is where each is as likely to be ahead.

    With several samples a model is ahead on an instance of which it resolved the larger share: the sign test, of which
    McNemar's is the case of one sample.
    """
    n = better + worse
    tail = sum(comb(n, k) for k in range(min(better, worse) + 1))
    return min(1.0, float(Fraction(tail, 1 << n) * 2))


def difference(differences: Sequence[float]) -> Difference | None:
    """The mean of paired differences, with the interval of Bonett and Price (2012): Wald's after one instance more was
    given to each side, which holds where few differ, too. `differences`: one an instance. None where there is none."""
    if not differences:
        return None
    n = len(differences)
    middle = sum(differences) / (n + 2)
    spread = (sum(one * one for one in differences) + 2) / (n + 2) - middle * middle
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * sqrt(spread / (n + 2))
    return Difference(value=sum(differences) / n, low=max(-1.0, middle - half), high=min(1.0, middle + half))
