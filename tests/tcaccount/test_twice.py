"""Ids that stand more than once in many files, compared with counting them in memory."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcaccount.twice import BUCKETS, Identities, Twice

IDS = st.integers(0, 30).map(str) | st.sampled_from(["a", "007", "", "²", "9" * 19, "9" * 30])


def found(files: list[list[str]], held: int = 1 << 16) -> list[Twice]:
    with Identities(held) as identities:
        for number, ids in enumerate(files):
            for one in ids:
                identities.take(one, number)
        return identities.twice()


class TwiceTests(SynchronousTestCase):
    def test_in_one_file_and_in_two(self) -> None:
        """How many, and the lowest of them."""
        self.assertEqual(found([["1", "2"], ["3"]]), [])
        self.assertEqual(
            found([["10", "2", "3"], ["3", "10", "4"], ["4", "4"]]),
            [Twice(0, 1, 2, 3), Twice(1, 2, 1, 4), Twice(2, 2, 1, 4)],
        )

    def test_ids_that_are_no_numbers(self) -> None:
        """They are told apart, from each other and from numbers; there is no lowest."""
        self.assertEqual(found([["a", "b", "7"], ["007", "A"]]), [])
        self.assertEqual(found([["a"], ["a"]]), [Twice(0, 1, 1, None)])

    def test_more_than_is_held(self) -> None:
        """What has gone to the disk is found again."""
        ids = [str(n * 4096) for n in range(20_000)]
        self.assertEqual(found([ids], held=120), [])
        self.assertEqual(found([ids, ids[5:6]], held=120), [Twice(0, 1, 1, 5 * 4096)])

    def test_ids_are_spread(self) -> None:
        """X's end in the same bits nearly always; no temporary file gets many more than others."""
        with Identities() as identities:
            for n in range(128_000):
                identities.take(str(1_990_000_000_000_000_000 + (n << 12)), 0)
            sizes = [len(list(identities.records(bucket))) for bucket in range(BUCKETS)]
        self.assertEqual(sum(sizes), 128_000)
        self.assertLess(max(sizes), 2_000)

    @given(st.lists(st.lists(IDS, max_size=8), max_size=4))
    def test_any_ids(self, files: list[list[str]]) -> None:
        """Each time that an id comes again is counted."""
        counts = Counter(one for ids in files for one in ids)
        again = sum(count - 1 for count in counts.values())
        self.assertEqual(sum(pair.ids for pair in found(files)), again)
