"""Sorting and finding books."""


def title_key(title):
    """The title as librarians sort it: without a leading article, in lower case."""
    words = title.lower().split()
    if words and words[0] in ("a", "the"):
        words = words[1:]
    return " ".join(words)


def by_title(titles):
    return sorted(titles, key=title_key)


def due_in(days, today):
    """The day of return; a loan of no days is due today."""
    if days < 0:
        raise ValueError("a loan cannot end before it begins")
    return today + days
