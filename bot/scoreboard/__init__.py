"""Which model gets merged, and what a merged patch costs."""

from bot.scoreboard.rates import MINIMUM_DECIDED, Rate, Record, Score, score
from bot.scoreboard.table import Table, as_json, rate_text, table

__all__ = ["MINIMUM_DECIDED", "Rate", "Record", "Score", "Table", "as_json", "rate_text", "score", "table"]
