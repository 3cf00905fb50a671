"""Small repositories with one seeded bug each, written for the tests of repair: every one of another class of bug."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PYPROJECT = '[project]\nname = "seeded"\nversion = "0"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n'


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """`files` holds source and tests; with a `body` the suite is green and only the issue tells of the bug."""

    name: str
    files: Mapping[str, str]
    runner: str = "pytest"
    title: str = "A test fails"
    body: str = ""
    probe: str = ""
    """Python that a right fix runs without an exception: cases that neither the suite nor the issue names."""


BOUNDARY = Seeded(
    name="boundary",
    files={
        "ranges.py": '''"""Closed intervals."""


def covers(interval, value):
    """Both ends belong to it."""
    low, high = interval
    return low <= value < high


def overlap(a, b):
    return a[0] <= b[1] and b[0] <= a[1]
''',
        "tests/test_ranges.py": """from ranges import covers, overlap


def test_inside():
    assert covers((1, 5), 3)


def test_lower_end():
    assert covers((1, 5), 1)


def test_upper_end():
    assert covers((1, 5), 5)


def test_outside():
    assert not covers((1, 5), 6)


def test_overlap():
    assert overlap((1, 3), (3, 5))
""",
    },
    probe="from ranges import covers\nassert covers((0, 0), 0) and not covers((2, 3), 4)",
)

WRONG_VARIABLE = Seeded(
    name="wrong variable",
    runner="unittest",
    files={
        "grid.py": '''"""A rectangle of cells."""


class Grid:
    def __init__(self, width, height):
        self.width = width
        self.height = height

    def index(self, column, row):
        return row * self.height + column

    def cell(self, index):
        row, column = divmod(index, self.width)
        return column, row

    def size(self):
        return self.width * self.height
''',
        "tests/__init__.py": "",
        "tests/test_grid.py": """import unittest

from grid import Grid


class GridTest(unittest.TestCase):
    def test_size(self):
        self.assertEqual(Grid(3, 2).size(), 6)

    def test_cell(self):
        self.assertEqual(Grid(3, 2).cell(4), (1, 1))

    def test_index_and_cell_are_inverse(self):
        grid = Grid(5, 2)
        for index in range(10):
            self.assertEqual(grid.index(*grid.cell(index)), index)
""",
    },
    probe="from grid import Grid\nassert Grid(4, 9).index(1, 2) == 9",
)

MISSING_GUARD = Seeded(
    name="missing guard",
    files={
        "stats/__init__.py": "from stats.core import mean, spread\n",
        "stats/core.py": '''"""Numbers about numbers."""


def mean(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)


def spread(values):
    if not values:
        return None
    return max(values) - min(values)
''',
        "tests/test_core.py": """from stats import mean, spread


def test_mean():
    assert mean([1, 2]) == 1.5


def test_spread():
    assert spread([4, 1]) == 3


def test_spread_of_nothing():
    assert spread([]) is None
""",
    },
    title="mean crashes when there are no values",
    body="""Our nightly report has days without any measurement, and then this happens:

```
>>> from stats import mean
>>> mean([])
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
  File "/site-packages/stats/core.py", line 8, in mean
    return total / len(values)
ZeroDivisionError: division by zero
```

It should return `None`, as `spread` does.
""",
    probe="from stats import mean\nassert mean([]) is None and mean([2, 4]) == 3 and mean([0]) == 0",
)

SHARED_DEFAULT = Seeded(
    name="shared default",
    files={
        "basket.py": '''"""Collecting things."""


def collect(item, into=[]):
    """The list with the item at its end; a new list when none is given."""
    into.append(item)
    return into
''',
        "tests/test_basket.py": """from basket import collect


def test_collects_into_what_is_given():
    assert collect(2, [1]) == [1, 2]
""",
    },
    title="Items of an earlier call show up again",
    body="""```python
>>> from basket import collect
>>> collect("a")
['a']
>>> collect("b")
['a', 'b']
```

I expected `['b']` for the second call.
""",
    probe="from basket import collect\ncollect(1)\nassert collect(2) == [2]\nxs = []\nassert collect(3, xs) is xs",
)

DOUBLE_DISCOUNT = Seeded(
    name="called twice",
    runner="unittest",
    files={
        "shop/__init__.py": "",
        "shop/cart.py": '''"""What a customer wants to buy."""


class Cart:
    def __init__(self, discount=0):
        self.discount = discount
        self.lines = []

    def add(self, name, price, quantity=1):
        self.lines.append((name, self._reduced(price), quantity))

    def _reduced(self, amount):
        return amount * (100 - self.discount) / 100

    def total(self):
        amount = sum(price * quantity for _, price, quantity in self.lines)
        return self._reduced(amount)

    def count(self):
        return sum(quantity for _, _, quantity in self.lines)
''',
        "tests/__init__.py": "",
        "tests/test_cart.py": """import unittest

from shop.cart import Cart


class CartTest(unittest.TestCase):
    def test_total_without_discount(self):
        cart = Cart()
        cart.add("pen", 5)
        cart.add("book", 7, 2)
        self.assertEqual(cart.total(), 19)

    def test_count(self):
        cart = Cart()
        cart.add("pen", 5, 3)
        self.assertEqual(cart.count(), 3)
""",
    },
    title="The discount is taken twice",
    body="""### Steps

```python
cart = Cart(discount=10)
cart.add("book", 100, quantity=2)
print(cart.total())
```

**Expected:** 180.0
**Actual:** 162.0
""",
    probe="from shop.cart import Cart\nc = Cart(50)\nc.add('x', 10)\nassert c.total() == 5",
)

OFF_BY_ONE = Seeded(
    name="off by one",
    files={
        "pages.py": '''"""Cutting lists into pages."""


def page(items, number, size=10):
    """Page `number`, counted from 1."""
    start = number * size
    return items[start : start + size]


def pages(items, size=10):
    return -(-len(items) // size)
''',
        "tests/test_pages.py": """from pages import page, pages


def test_first_page():
    assert page(list(range(25)), 1) == list(range(10))


def test_last_page():
    assert page(list(range(25)), 3) == [20, 21, 22, 23, 24]


def test_pages():
    assert pages(list(range(25))) == 3
""",
    },
    probe="from pages import page\nassert page('abcdef', 2, 2) == ['c', 'd'] or page('abcdef', 2, 2) == 'cd'",
)

WRONG_METHOD = Seeded(
    name="wrong method",
    files={
        "src/lines/__init__.py": '"""Reading settings files."""\n\nfrom .reader import parse\n',
        "src/lines/reader.py": '''"""`key = value` lines; `#` begins a comment."""


def parse(text):
    """The settings as a dictionary of strings."""
    found = {}
    for line in text.splitlines():
        line = line.split("#")[0]
        if not line.strip():
            continue
        key, _, value = line.rpartition("=")
        found[key.strip()] = value.strip()
    return found
''',
        "tests/test_reader.py": """from lines import parse


def test_one_setting():
    assert parse("a = 1") == {"a": "1"}


def test_comments_and_empty_lines():
    assert parse("# nothing\\n\\na=1 # one\\n") == {"a": "1"}
""",
        "conftest.py": (
            "import sys\nfrom pathlib import Path\n\nsys.path.insert(0, str(Path(__file__).parent / 'src'))\n"
        ),
    },
    title="A value that holds an equals sign is cut",
    body="`parse('url = http://x/?a=b')` returns `{'url = http://x/?a': 'b'}` but should return "
    "`{'url': 'http://x/?a=b'}`.",
    probe="import sys\nsys.path.insert(0, 'src')\nfrom lines import parse\nassert parse('a=b=c=d') == {'a': 'b=c=d'}",
)

ENDLESS_LOOP = Seeded(
    name="endless loop",
    files={
        "search.py": '''"""Looking things up in sorted lists."""


def position(items, wanted):
    """The index of `wanted`, or None."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] == wanted:
            return middle
        if items[middle] < wanted:
            low = middle
        else:
            high = middle
    return None
''',
        "tests/test_search.py": """from search import position


def test_found():
    assert position([1, 3, 5], 3) == 1


def test_lower():
    assert position([1, 3, 5], 1) == 0


def test_missing_above_ends():
    assert position([1, 3, 5], 9) is None
""",
    },
    probe="from search import position\nassert [position([1, 2, 3], n) for n in range(5)] == [None, 0, 1, 2, None]",
)

MODULE_CONSTANT = Seeded(
    name="module constant",
    files={
        "units.py": '''"""Sizes for people."""

STEP = 1000
NAMES = ["B", "KiB", "MiB", "GiB"]


def human(size):
    """Binary units: 1 KiB is 1024 B."""
    for name in NAMES:
        if size < STEP:
            return f"{size:.0f} {name}"
        size /= STEP
    return f"{size:.0f} TiB"
''',
        "tests/test_units.py": """from units import human


def test_bytes():
    assert human(12) == "12 B"


def test_limit():
    assert human(1023) == "1023 B"


def test_mebibytes():
    assert human(5 * 1024 * 1024) == "5 MiB"
""",
    },
    probe="from units import human\nassert human(1024) == '1 KiB' and human(1023) == '1023 B'",
)

TWO_PLACES = Seeded(
    name="two places",
    files={
        "table.py": '''"""Plain text tables."""


def widths(rows):
    """The width of each column: its longest cell's."""
    return [min(len(cell) for cell in column) for column in zip(*rows)]


def row(cells, sizes):
    """One line, cells to the left, one space between columns."""
    return " ".join(cell.rjust(size) for cell, size in zip(cells, sizes))
''',
        "tests/test_table.py": """from table import row, widths


def test_widths():
    assert widths([["a", "bcd"], ["ef", "g"]]) == [2, 3]


def test_row():
    assert row(["a", "b"], [2, 3]) == "a  b  "


def test_row_of_full_cells():
    assert row(["ab", "c"], [2, 1]) == "ab c"


def test_equal_cells():
    assert widths([["ab"], ["cd"]]) == [2]
""",
    },
    probe="from table import row, widths\nassert widths([['abc'], ['d']]) == [3] and row(['a'], [3]) == 'a  '",
)

ALL = (
    BOUNDARY, WRONG_VARIABLE, MISSING_GUARD, SHARED_DEFAULT, DOUBLE_DISCOUNT, OFF_BY_ONE, WRONG_METHOD, ENDLESS_LOOP,
    MODULE_CONSTANT, TWO_PLACES,
)  # fmt: skip

BEYOND = Seeded(
    name="beyond any template",
    files={
        "cipher.py": '''"""A hash that nobody can guess."""


def digest(text):
    return text
''',
        "tests/test_cipher.py": """from cipher import digest


def test_digest():
    assert digest("redgreen") == "a93f1e0c77b2"


def test_digest_of_another():
    assert digest("x") == "5bd0427cc199"


def test_type():
    assert isinstance(digest("x"), str)
""",
    },
)
