"""The pure presentation of a pull request's proof, and of a model's findings on it."""

from bot.review.anchors import Anchored, anchor, commentable_lines, fingerprint
from bot.review.assessment import Conclusion, NewTests, Review, assess

__all__ = [
    "Anchored",
    "Conclusion",
    "NewTests",
    "Review",
    "anchor",
    "assess",
    "commentable_lines",
    "fingerprint",
]
