"""Which model gets merged, and what a merged patch costs."""

from bot.scoreboard.rates import CONFIDENCE, MINIMUM_DECIDED, Rate, Record, Score, score, wilson
from bot.scoreboard.table import Table, as_json, rate_text, table

__all__ = [
    "CONFIDENCE",
    "MINIMUM_DECIDED",
    "Rate",
    "Record",
    "Score",
    "Table",
    "as_json",
    "rate_text",
    "score",
    "table",
    "wilson",
]
