"""What all lack is said once."""

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.shortage import OUT_OF_DESCRIPTORS, Shortage

WHY = f"The folder cannot be used: {OUT_OF_DESCRIPTORS}."


class Part:
    """Somebody."""


class ShortageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.shortage = Shortage()
        self.parts = [Part() for _ in range(3)]

    def news(self) -> list[bool]:
        """For whom it is news that they lack a descriptor."""
        return [self.shortage.is_news(one, WHY) for one in self.parts]

    def test_the_first_and_the_last(self) -> None:
        """Each time, and nothing of those who did not lack any."""
        for _ in range(2):
            self.assertEqual(self.news(), [True, False, False])
            self.assertEqual(self.news(), [False, False, False])
            with capturedLogs() as events:
                for one in (*self.parts[:2], *self.parts[:2]):
                    self.shortage.ends(one)
                self.assertEqual(events, [])
                self.shortage.ends(self.parts[2])
            self.assertEqual(len(events), 1)

    def test_one_that_is_gone(self) -> None:
        """It lacks nothing any more."""
        self.shortage.is_news(self.parts.pop(), WHY)
        self.assertEqual(self.news(), [True, False])

    def test_other_reasons(self) -> None:
        """They are everybody's own."""
        self.news()
        self.assertTrue(self.shortage.is_news(self.parts[1], "No space left on device"))
