"""Which posts come again, for how long that is asked, and what is said of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.config.settings import Output, Server, Settings
from tcclient.ledger.entries import DeliveredAgain
from tcclient.runtime.secrets import Secret
from tcclient.runtime.wallclock import WallClock
from tcclient.service import make_surroundings
from tcclient.sources.again import BACK, MOST_BYTES, MOST_IDS, PATIENCE, WINDOW, Again, Recent
from tcclient.sources.twitter_v1.configured import TwitterV1
from tcclient.sources.twitter_v1.settings import V1Section
from tests.peers import KEYS, clock_at


@attrs.define
class Capture:
    """What is stored of a capture, as its archive tells it: `ids` are those of its posts."""

    ids: Sequence[str] | Deferred[list[str]] = ()
    job_id: int = 1
    missed: float | None = None
    asked: list[tuple[float, int]] = attrs.field(factory=list)

    def newest_ids(self, seconds: float, most_bytes: int) -> Deferred[list[str]]:
        """Note how much is asked for, and return them."""
        self.asked.append((seconds, most_bytes))
        return self.ids if isinstance(self.ids, Deferred) else succeed(list(self.ids))


class AgainTestCase(SynchronousTestCase):
    """What comes again to one capture; no timer is left."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.told: list[DeliveredAgain] = []
        self.again = self.made()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def made(self, **settings: Any) -> Again:
        """A new one, which has the test's clock."""
        return Again(self.told.append, self.clock, **settings)

    def connect(self, *stored: str, remembers: bool = False) -> None:
        """A connection is asked for, and heard; these posts are stored."""
        self.again.begin(remembers=remembers)
        self.successResultOf(self.again.recall(Capture(stored)))
        self.again.lasts(remembers=remembers)

    def new(self, ids: str) -> str:
        """Those of the posts that are to be stored."""
        if not self.again.watches():
            return ids
        return "".join(id for id in ids if self.again.is_wanted(id))


class WindowTests(AgainTestCase):
    """When posts are compared, and with which."""

    def test_with_what_is_stored(self) -> None:
        """As often as they come; what has come since is not remembered."""
        self.connect(*"abc")
        self.assertEqual((self.new("bcde"), self.new("cde")), ("de", "de"))

    def test_with_what_has_come_since(self) -> None:
        """Where there are two streams, or missed posts are sent again beside the present ones."""
        self.connect(*"abc", remembers=True)
        self.assertEqual((self.new("bcde"), self.new("cdef")), ("de", "f"))

    def test_for_a_while(self) -> None:
        """From the first byte on, however long that takes; then nothing is remembered."""
        self.again.begin(remembers=False)
        self.again.recall(Capture("a"))
        self.clock.advance(1000)
        self.assertEqual(self.new("a"), "")
        self.again.lasts()
        self.clock.advance(WINDOW - 0.1)
        self.assertEqual(self.new("a"), "")
        self.clock.advance(0.1)
        self.assertEqual(self.new("a"), "a")
        self.again.begin(remembers=False)
        self.assertEqual(self.new("a"), "a")

    def test_nothing_is_looked_at(self) -> None:
        """Without a connection, where nothing is stored, and when it is over."""
        self.assertFalse(self.again.watches())
        self.connect()
        self.assertFalse(self.again.watches())
        self.connect("a")
        self.assertTrue(self.again.watches())
        self.clock.advance(WINDOW)
        self.assertFalse(self.again.watches())

    def test_without_an_id(self) -> None:
        """A post whose id cannot be found is stored."""
        self.connect("a", remembers=True)
        self.assertEqual([self.again.is_wanted(None) for _ in "xx"], [True, True])

    def test_bounded(self) -> None:
        """The oldest ids are forgotten."""
        recent = Recent()
        for number in range(MOST_IDS + 1):
            recent.is_new(str(number))
        self.assertEqual(len(recent), MOST_IDS)
        self.assertEqual([str(n) in recent for n in (0, 1, MOST_IDS)], [False, True, True])


class SayingTests(AgainTestCase):
    """How many there were is said."""

    def test_when_it_is_over(self) -> None:
        """Once, if there were any."""
        self.connect(*"abc")
        self.new("abca")
        self.assertEqual(self.told, [])
        self.clock.advance(WINDOW)
        self.new("d")
        self.assertEqual(self.told, [DeliveredAgain(posts=4)])
        self.connect(*"abc")
        self.clock.advance(WINDOW)
        self.new("d")
        self.again.say()
        self.assertEqual(len(self.told), 1)

    def test_when_it_is_asked_for(self) -> None:
        """What is said is not said again."""
        self.connect(*"abc")
        for _ in range(2):
            self.new("a")
            self.again.say()
            self.again.say()
        self.assertEqual(self.told, [DeliveredAgain(posts=1)] * 2)

    def test_all_are_kept(self) -> None:
        """They are counted, and the line says that they are stored."""
        self.again = self.made(keeps=True)
        self.connect(*"abc")
        self.assertEqual(self.new("abd"), "abd")
        self.again.say()
        self.assertEqual(self.told, [DeliveredAgain(posts=2, kept=True)])


class RecallTests(AgainTestCase):
    """What is stored is found out."""

    def test_how_much(self) -> None:
        """So far back, and so many bytes at the most."""
        capture = Capture()
        self.again.recall(capture)
        self.again.recall(capture, 7)
        self.assertEqual(capture.asked, [(BACK, MOST_BYTES), (BACK, 7)])

    def test_cannot_be_known(self) -> None:
        """The log says so, and nobody waits any longer."""
        failing = Capture(Deferred())
        recalled = self.again.recall(failing)
        self.assertNoResult(recalled)
        failing.ids.errback(MemoryError())
        self.successResultOf(recalled)
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)

    def test_a_slow_disk(self) -> None:
        """It is not waited for any longer; the log says so, in one sentence."""
        recalled = self.again.recall(Capture(Deferred()))
        self.clock.advance(PATIENCE - 0.1)
        self.assertNoResult(recalled)
        with capturedLogs() as events:
            self.clock.advance(0.1)
        self.successResultOf(recalled)
        [event] = events
        self.assertIn("within 10 s", formatEvent(event))
        self.assertNotIn("log_failure", event)

    def test_nobody_waits_for_it(self) -> None:
        """The attempt to connect was given up: that is no failure."""
        recalled = self.again.recall(Capture(Deferred()))
        recalled.cancel()
        self.failureResultOf(recalled, CancelledError)
        self.assertEqual(self.flushLoggedErrors(), [])


class SettingTests(SynchronousTestCase):
    def test_it_reaches_the_source(self) -> None:
        """`output.duplicates` says what a source is to do with them."""
        machine: Any = reactor
        for value, keeps in (("drop", False), ("keep", True)):
            settings = Settings(
                path=Path("settings.json"),
                server=Server(base_url="http://127.0.0.1/", client_id=1, auth_token=Secret("x")),
                source=TwitterV1(V1Section(api="1.1"), KEYS),
                output=Output(duplicates=value),
            )
            around = make_surroundings(settings, machine, WallClock(machine))
            self.assertIs(around.keeps_duplicates, keeps)
