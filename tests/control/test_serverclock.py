"""By how much the clocks of client and server differ, as answers tell."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.serverclock import offset

NOON, DATE = 1_795_780_800.0, "Fri, 27 Nov 2026 12:00:00 GMT"


class OffsetTests(SynchronousTestCase):
    def offset(self, asked: float, answered: float, *dates: str) -> float | None:
        clock: Any = (NOON + asked, NOON + answered)
        return offset(*clock, dates or (DATE,))

    def test_clocks_that_agree(self) -> None:
        """The date has whole seconds, and was made between question and answer."""
        for asked, answered in ((0, 0), (0.999, 1.2), (-3, 0), (-10, 20), (1.0, 1.0)):
            self.assertEqual(self.offset(asked, answered), 0.0)

    def test_ahead(self) -> None:
        """By as much as is certain."""
        self.assertEqual(self.offset(31.5, 32.5), 30.5)
        self.assertEqual(self.offset(1.5, 9), 0.5)

    def test_behind(self) -> None:
        """By as much as is certain."""
        self.assertEqual(self.offset(-41, -40), -40)
        self.assertEqual(self.offset(-41, -0.5), -0.5)

    def test_answers_that_do_not_tell(self) -> None:
        """Without a date, with two, and with one that is none."""
        clock: Any = (NOON, NOON)
        self.assertIsNone(offset(*clock, None))
        for dates in ((DATE, DATE), ("",), ("now",), ("Fri, 99 Nov 2026 12:00:00 GMT",), ("\xff",)):
            self.assertIsNone(self.offset(0, 0, *dates), dates)
        self.assertIsNone(self.offset(0, 0, "Fri, 27 Nov 99999999999999999999 12:00:00 GMT"))
