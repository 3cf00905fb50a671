"""What cargo starts in place of a test executable: it writes down how cargo would have started it, and nothing more."""

import hashlib
import json
import os
import sys


def main():
    # type: () -> None
    directory = os.path.join(os.path.dirname(os.path.abspath(__file__)), "held")
    os.makedirs(directory, exist_ok=True)
    name = hashlib.sha256(sys.argv[1].encode("utf-8", "surrogateescape")).hexdigest()[:24]
    held = {"executable": os.path.realpath(sys.argv[1]), "directory": os.getcwd(), "environment": dict(os.environ)}
    with open(os.path.join(directory, name + ".json"), "w", encoding="ascii") as file:
        json.dump(held, file)


if __name__ == "__main__":
    main()
