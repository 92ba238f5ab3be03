"""What is begun and then goes on by itself."""

from twisted.internet.defer import Deferred
from twisted.logger import Logger, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.unattended import unattended

log = Logger()
FAILED = "It could not be done."


class UnattendedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.answer: Deferred[None] = Deferred()

    def begin(self) -> Deferred[None]:
        """Something that waits for the answer has begun."""

        async def act() -> None:
            await self.answer

        return unattended(act(), log, FAILED)

    def test_success(self) -> None:
        """It fires when that has ended."""
        begun = self.begin()
        self.assertNoResult(begun)
        self.answer.callback(None)
        self.assertIsNone(self.successResultOf(begun))

    def test_a_failure(self) -> None:
        """Is logged once, with its sentence, and keeps nothing from going on."""
        begun = self.begin()
        with capturedLogs() as events:
            self.answer.errback(ValueError("no"))
        self.assertIsNone(self.successResultOf(begun))
        self.assertEqual([event["log_format"] for event in events], [FAILED])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_cancelled(self) -> None:
        """It ends without a word."""
        begun = self.begin()
        with capturedLogs() as events:
            begun.cancel()
        self.assertIsNone(self.successResultOf(begun))
        self.assertEqual(list(events), [])
