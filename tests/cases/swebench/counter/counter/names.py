"""Who ordered."""


def initials(name):
    """The first letter of each word."""
    return "".join(word[0] for word in name.split(" "))
