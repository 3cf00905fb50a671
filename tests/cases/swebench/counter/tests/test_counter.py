import unittest

from counter.names import initials
from counter.price import shipping, total


class Counter(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)

    def test_shipping(self):
        self.assertEqual((shipping(1), shipping(8)), (0, 9))

    def test_initials(self):
        self.assertEqual(initials("Ada Lovelace"), "AL")
