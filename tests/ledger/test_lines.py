"""The lines of a ledger as the reader has them: any bytes, and never an exception."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import bookings
from tcclient.ledger.lines import CutLine, ForeignLine, LedgerLine, UnreadableLine, line, too_long
from tcclient.ledger.reading import lines
from tcclient.ledger.vocabulary import COMMON
from tcclient.runtime.backwards import MOST_BYTES

GOOD = b'{"at":"2015-12-02T20:04:50.724Z","kind":"torn","job":7,"name":"a.torn","bytes":3}\n'


class LineTests(SynchronousTestCase):
    def test_a_line(self) -> None:
        """Its number, when, of which job, what it says, and its size."""
        expected = LedgerLine(5, 1449086690.724, 7, bookings.Torn(name="a.torn", bytes=3), 82)
        self.assertEqual(line(5, GOOD, COMMON), expected)

    def test_what_a_newer_version_adds(self) -> None:
        """Is passed over."""
        newer = line(5, GOOD[:-2] + b',"new":1}\n', COMMON)
        self.assertEqual(newer, structs.replace(line(5, GOOD, COMMON), bytes=90))

    def test_what_is_no_line(self) -> None:
        """Each says why, in words that follow the number in a sentence."""
        for raw, why in (
            (b"\n", "is not JSON"),
            (b"[" * 100_000 + b"\n", "is not JSON"),
            (b"\xff\n", "is not JSON"),
            (GOOD.replace(b":3}", b":1e999}"), "is not JSON"),
            (GOOD.replace(b":3}", b":NaN}"), "is not JSON"),
            (GOOD.replace(b"7,", b"9" * 20 + b","), "does not say when, or of which job"),
            (b"[1]\n", "is not a JSON object"),
            (GOOD.replace(b"2015-12-02", b"2015-02-30"), "does not say when, or of which job"),
            (GOOD.replace(b".724Z", b"Z"), "does not say when, or of which job"),
            (GOOD.replace(b"7,", b'"7",'), "does not say when, or of which job"),
            (GOOD.replace(b"7,", b"true,"), "does not say when, or of which job"),
            (GOOD.replace(b'"torn"', b'"worn"'), "is of no kind that is known here ('worn')"),
            (GOOD.replace(b'"torn"', b"[]"), "is of no kind that is known here ([])"),
            (GOOD.replace(b":3}", b":-3}"), "is not as a 'torn' should be"),
        ):
            kind = ForeignLine if "no kind" in why else UnreadableLine
            self.assertEqual(line(5, raw, COMMON), kind(5, why, len(raw)))

    def test_moments_that_are_no_dates(self) -> None:
        """They fit the pattern of the schema; nobody can reckon with them."""
        raw = (
            b'{"at":"2015-12-02T20:04:50.724Z","kind":"keywords_in_force","text":null,'
            b'"since":"2015-02-30T20:04:50.724Z"}\n'
        )
        refused = UnreadableLine(1, "is not as a 'keywords_in_force' should be", len(raw))
        self.assertEqual(line(1, raw, COMMON), refused)
        self.assertIsInstance(line(1, raw.replace(b"-30T", b"-28T"), COMMON), LedgerLine)

    def test_a_last_line_without_newline(self) -> None:
        """It is being written, or a crash has cut it."""
        path = Path(self.mktemp())
        path.write_bytes(GOOD + GOOD[:20])
        self.assertEqual(list(lines(path, COMMON))[1:], [CutLine(2, 20)])

    def test_a_last_line_that_is_too_long(self) -> None:
        """It is being written too, until it has its end; then it is one that cannot be read."""
        path = Path(self.mktemp())
        long = b"x" * (MOST_BYTES + 5)
        path.write_bytes(GOOD + long)
        self.assertEqual(list(lines(path, COMMON))[1:], [CutLine(2, len(long))])
        path.write_bytes(long + b"\n" + GOOD)
        self.assertEqual(next(iter(lines(path, COMMON))), too_long(1, len(long) + 1))

    @given(st.binary(max_size=80), st.integers(0, len(GOOD) - 2))
    def test_any_bytes(self, noise: bytes, place: int) -> None:
        """Nothing raises, whatever stands in a line."""
        for raw in (noise, GOOD[:place] + noise + GOOD[place + 1 :]):
            self.assertIsInstance(line(1, raw, COMMON), LedgerLine | UnreadableLine)
