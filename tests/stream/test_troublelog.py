"""Behaviour of what the log says of a stream's troubles."""

from twisted.internet.task import Clock
from twisted.logger import LogLevel, formatEvent
from twisted.logger import capturedLogs as captured_logs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.sources.twitter_v2.problems import SLOT
from tcclient.stream.troublelog import TroubleLog

STALLED = Ending("stall", "no byte came for 90 s", Trouble.NETWORK, 0.25)
STOPPED = Ending("stopped", "the capture was stopped")


def unreachable(wait: float = 0.25, detail: str = "it is not there") -> Ending:
    return Ending("unreachable", detail, Trouble.NETWORK, wait)


def refused(status: int, trouble: Trouble, wait: float, explanation: str = "") -> Ending:
    refusal = Refusal(trouble, f"Do {{this}} about {status}.", explanation)
    return Ending("refused", f"the answer was {status}", trouble, wait, status, refusal)


class TroubleLogTests(SynchronousTestCase):
    """Each change once."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.trouble = TroubleLog(self.clock)

    def opened(self) -> list[str]:
        """What is logged when the stream opens."""
        with captured_logs() as events:
            self.trouble.opened(["job"], "statuses/filter, 3 terms and 0 boxes")
        self.assertEqual([event["log_level"] for event in events], [LogLevel.info])
        return [formatEvent(event) for event in events]

    def ended(self, *endings: Ending) -> list[str]:
        """What is logged at these endings."""
        with captured_logs() as events:
            for ending in endings:
                self.trouble.ended(["job"], ending)
        self.assertEqual({event["log_level"] for event in events} - {LogLevel.warn}, set())
        return [formatEvent(event) for event in events]

    def test_the_first_connection(self) -> None:
        """It says for what."""
        self.assertEqual(
            self.opened(),
            ["Capture 'job' is connected: statuses/filter, 3 terms and 0 boxes."],
        )

    def test_an_interruption(self) -> None:
        """Its cause, and how long it was."""
        self.opened()
        self.assertEqual(
            self.ended(STALLED),
            ["Capture 'job' has no stream: no byte came for 90 s. Next try in 0.25 s."],
        )
        self.clock.advance(12.34)
        self.assertIn("is connected again, after 12.3 s: ", self.opened()[0])
        self.assertIn("is connected: ", self.opened()[0])

    def test_a_long_interruption(self) -> None:
        """It counts from its beginning, whatever happened in the meantime."""
        self.opened()
        for ending in (STALLED, unreachable(), refused(503, Trouble.HTTP, 5.0)):
            self.ended(ending)
            self.clock.advance(100)
        self.assertIn("after 300.0 s", self.opened()[0])

    def test_the_clock_is_set_back(self) -> None:
        """No interruption is shorter than nothing."""
        self.ended(STALLED)
        self.clock.rightNow -= 100
        self.assertIn("after 0.0 s", self.opened()[0])

    def test_repetitions(self) -> None:
        """The same again is no news; another cause is, and so is the first after it."""
        other = unreachable(detail="its name cannot be resolved")
        said = self.ended(unreachable(), unreachable(0.5), other, other, unreachable())
        self.assertEqual(len(said), 3)

    def test_after_a_connection_everything_is_news(self) -> None:
        """Also what had been said before it."""
        self.ended(unreachable())
        self.opened()
        self.assertEqual(len(self.ended(unreachable())), 1)

    def test_a_stop(self) -> None:
        """The log has it from others."""
        self.opened()
        self.assertEqual(self.ended(STOPPED), [])
        self.assertIn("is connected: ", self.opened()[0])

    def test_beside_another_stream(self) -> None:
        """The capture has a stream, if one for its old keywords; without it, that is news."""
        self.opened()
        with captured_logs() as events:
            for wait in (60.0, 120.0):
                self.trouble.held_up(["job"], refused(420, Trouble.RATE_LIMIT, wait))
            self.trouble.held_up(["job"], STOPPED)
            self.clock.advance(30)
            self.trouble.lost(["job"], STALLED)
        self.assertEqual(
            [formatEvent(event) for event in events],
            [
                "Capture 'job' has a stream for its old keywords only: the answer was 420. Do "
                "{this} about 420. Next try in 60 s.",
                "Capture 'job' has no stream: no byte came for 90 s. The new keywords are still "
                "being asked for.",
            ],
        )
        self.assertEqual(len(self.ended(refused(420, Trouble.RATE_LIMIT, 240.0))), 1)
        self.clock.advance(4)
        self.assertEqual(self.trouble.attempts, 3)
        self.assertIn("is connected again, after 4.0 s", self.opened()[0])

    def test_attempts(self) -> None:
        """Those that failed since the last connection; a connection that ended is none."""
        self.ended(STALLED)
        self.assertEqual(self.trouble.attempts, 0)
        self.ended(unreachable(), refused(503, Trouble.HTTP, 5.0))
        self.assertEqual(self.trouble.attempts, 2)
        self.opened()
        self.assertEqual(self.trouble.attempts, 0)

    def test_refusals(self) -> None:
        """What to do about it, and what the answer says, whatever characters are in that."""
        (said,) = self.ended(refused(401, Trouble.REFUSED, 320.0, "{bad} keys"))
        self.assertIn(
            "the answer was 401. Do {this} about 401. The answer says: '{bad} keys'", said
        )
        self.assertTrue(said.endswith(" Next try in 320 s."), said)
        (said,) = self.ended(refused(406, Trouble.QUERY_REFUSED, 320.0))
        self.assertIn("the answer was 406. Do {this} about 406. Next try in", said)

    def test_other_words_for_the_same(self) -> None:
        """A refusal whose words have a time or a number in them is still the same."""
        said = self.ended(
            *(refused(503, Trouble.HTTP, 5.0, f"try again at 12:00:0{n}") for n in range(3))
        )
        self.assertEqual(len(said), 1)

    def test_the_top_of_a_ramp(self) -> None:
        """Once it is reached, one more line; then nothing until there was a connection."""
        for trouble, first in (
            (Trouble.NETWORK, unreachable()),
            (Trouble.HTTP, refused(503, Trouble.HTTP, 5.0)),
            (SLOT, refused(429, SLOT, 30.0)),
            (Trouble.RATE_LIMIT, refused(420, Trouble.RATE_LIMIT, 60.0)),
        ):
            self.trouble = TroubleLog(self.clock)
            waits = [trouble.ramp.wait(n) for n in range(2, 80)]
            endings = [
                Ending(first.cause, first.detail, trouble, wait, first.status) for wait in waits
            ]
            said = self.ended(first, *endings)
            self.assertEqual(len(said), 2, said)
            reached = 2 + waits.index(trouble.ramp.longest)
            self.assertEqual(
                said[1],
                f"Capture 'job' still has no stream after {reached} attempts: {first.detail}. "
                f"It is tried every {trouble.ramp.longest:g} s from now on.",
            )

    def test_ramps_that_begin_at_the_top(self) -> None:
        """Their first line has said it."""
        wrong = refused(401, Trouble.REFUSED, 320.0)
        self.assertEqual(len(self.ended(wrong, wrong, wrong)), 1)

    def test_a_connection_between(self) -> None:
        """The top of the ramp is news again."""
        top = unreachable(16.0)
        self.assertEqual(len(self.ended(unreachable(), top, top)), 2)
        self.opened()
        self.assertEqual(len(self.ended(unreachable(), top, top)), 2)

    def test_several_captures_over_one_stream(self) -> None:
        """Each is named."""
        with captured_logs() as events:
            self.trouble.ended(["demo", "cold"], STALLED)
            self.trouble.opened(["demo", "cold"], "what the rules match")
        lost, found = (formatEvent(event) for event in events)
        self.assertTrue(lost.startswith("Captures 'demo', 'cold' have no stream: "), lost)
        self.assertTrue(found.startswith("Captures 'demo', 'cold' are connected again"), found)
