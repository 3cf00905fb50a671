import sys
import unittest


class Case(unittest.TestCase):
    def test_passes(self):
        pass

    def test_documented(self):
        """What it is for.

        And more of it.
        """

    def test_documented_failure(self):
        """What it cannot do."""
        self.fail("as it says")

    def test_fails(self):
        self.assertEqual(1, 2)

    def test_errors(self):
        raise ValueError("no")

    def test_prints(self):
        print("some output")
        print("test_fails (test_outcomes.Case) ... ok?", file=sys.stderr)

    @unittest.skip("never")
    def test_skipped(self):
        self.fail()

    def test_skipped_by_call(self):
        self.skipTest("not today")

    @unittest.expectedFailure
    def test_expected_failure(self):
        self.fail()

    @unittest.expectedFailure
    def test_unexpected_success(self):
        pass

    def test_subtests_pass(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertGreaterEqual(number, 0)

    def test_subtests_fail(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(number, 1)


@unittest.skip("all of it")
class Skipped(unittest.TestCase):
    def test_never(self):
        self.fail()


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("nothing works")

    def test_never(self):
        pass


if __name__ == "__main__":
    unittest.main()
