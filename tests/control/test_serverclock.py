"""By how much the clocks of client and server differ, as answers tell."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.exchange import offset

NOON = 1_795_780_800.0


class OffsetTests(SynchronousTestCase):
    def offset(self, asked: float, answered: float) -> float | None:
        clock: Any = (NOON + asked, NOON + answered)
        return offset(*clock, NOON)

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

    def test_an_answer_that_does_not_tell(self) -> None:
        """Nothing follows from one without a date."""
        clock: Any = (NOON, NOON)
        self.assertIsNone(offset(*clock, None))
