"""A change of keywords on v1.1: the new stream takes over from the old one, and nothing is lost."""

import json
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.logger import LogEvent, capturedLogs
from twisted.trial.unittest import TestCase

from tcclient.ledger.entries import seconds
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.sources.again import WINDOW
from tcclient.sources.twitter_v1.succession import AHEAD, MOST_IN_VAIN, OVERLAP
from tcsandbox.twitter.v1.faults import Takeover
from tests.captures.test_session import GOODBYE, SessionTestCase, a_post, keyed
from tests.e2e.stage import Sent
from tests.marks import Need, needs
from tests.peers import STALL, Peer, settle
from tests.scene import Scene, until
from tests.storefolders import anew

LIMIT = b"Exceeded connection limit for user\r\n"
KEEP_ALIVE = b"\r\n"


def farewell(code: int) -> bytes:
    """What Twitter says before it ends a connection."""
    message = {"disconnect": {"code": code, "stream_name": "x", "reason": "y"}}
    return json.dumps(message).encode() + b"\r\n"


def warnings(events: list[LogEvent]) -> list[str]:
    """What the log warned of, as far as it is about streams."""
    return [
        event["log_format"]
        for event in events
        if event["log_level"].name == "warn" and "left out" not in event["log_format"]
    ]


class TakeOverTestCase(SessionTestCase):
    """A capture of cats, heard for a while, whose keywords are changed to dogs."""

    def setUp(self) -> None:
        super().setUp()
        self.stream()
        self.old = self.peer
        self.old.says(KEEP_ALIVE)
        self.clock.advance(20)
        self.old.says(a_post(1))

    def change(self, text: str = "dogs") -> Peer:
        """The new keywords arrive; the other side of what is asked for then."""
        self.run_job(keyed(text))
        return self.peer

    @property
    def open(self) -> list[Peer]:
        """The connections and attempts that have been neither ended nor given up."""
        return [
            peer
            for peer in self.api.peers
            if not (peer.cancelled or peer.hung_up)
            and (peer.transport.protocol is not None or not peer.answer.called)
        ]

    def stored(self) -> list[int]:
        """The numbers of the posts on disk, after a stop."""
        self.halt()
        return [int(json.loads(line)["id_str"]) for line in self.finished()]

    def gaps(self) -> list[tuple[str, float]]:
        """(cause, seconds from the last byte on) of those after the start."""
        return [
            (line["cause"], line["seconds"] - IN_FLIGHT * (line["cause"] != "keywords"))
            for line in self.of_kind("gap")[1:]
        ]

    def in_force(self) -> list[str]:
        """The keyword texts as they came into force."""
        return [line["text"] for line in self.of_kind("keywords_in_force")]


class TakeOverTests(TakeOverTestCase):
    """The new stream is accepted."""

    def test_both_are_read(self) -> None:
        """The new one is asked for at once; until it is heard, and after, the old one's posts
        count."""
        new = self.change()
        self.assertEqual(self.asked, ["cats", "dogs"])
        self.old.says(a_post(2))
        new.answers()
        self.old.says(a_post(3))
        new.says(a_post(4))
        self.old.says(a_post(5))
        self.assertFalse(self.old.hung_up)
        self.assertEqual(self.stored(), [1, 2, 3, 4, 5])

    def test_without_a_gap(self) -> None:
        """Where the old one is heard until the new one is, none is noted; its end is."""
        new = self.change().answers()
        self.clock.advance(2)
        new.says(KEEP_ALIVE)
        self.clock.advance(1)
        self.old.closes()
        self.assertEqual((self.gaps(), self.in_force()), ([], ["cats", "dogs"]))
        (end,) = self.of_kind("disconnected")
        self.assertEqual((end["cause"], end["overlap"], "wait" in end), ("keywords", 3.0, False))
        self.assertTrue(self.session.streaming)

    def test_in_force_when_it_is_heard(self) -> None:
        """Not when it answers."""
        new = self.change().answers()
        self.assertEqual(self.in_force(), ["cats"])
        new.says(KEEP_ALIVE)
        self.assertEqual(self.in_force(), ["cats", "dogs"])
        self.assertEqual(self.opened, 2)

    def test_the_old_one_is_read_for_a_bounded_time(self) -> None:
        """From the first byte of the new one on; what has arrived by then is kept."""
        new = self.change().answers()
        self.clock.advance(60)
        new.says(KEEP_ALIVE)
        self.clock.advance(OVERLAP - 0.1)
        self.assertFalse(self.old.hung_up)
        self.clock.callLater(0.1, self.old.says, a_post(2))
        self.clock.advance(0.1)
        settle(self.clock)
        self.assertTrue(self.old.hung_up)
        self.assertEqual((self.stored(), self.gaps()), ([1, 2], []))

    def test_one_that_does_not_let_go(self) -> None:
        """Is not waited for."""
        self.old.transport.deaf = True
        new = self.change().answers()
        new.says(a_post(2))
        self.clock.advance(OVERLAP)
        settle(self.clock)
        self.clock.advance(GOODBYE)
        self.assertEqual(self.open, [new])

    def test_the_same_in_other_words(self) -> None:
        """It is in force at once, and nothing is asked anew."""
        self.run_job(keyed("cats, cats"))
        self.assertEqual((self.asked, self.in_force()), (["cats"], ["cats", "cats, cats"]))

    def test_one_that_has_been_hung_up_on(self) -> None:
        """Is not heard any more, whenever it lets go: a gap begins where the new one ends."""
        self.old.transport.deaf = True
        new = self.change().answers()
        new.says(KEEP_ALIVE)
        self.clock.advance(OVERLAP)
        settle(self.clock)
        self.clock.advance(1)
        new.says(KEEP_ALIVE)
        self.clock.advance(1)
        new.closes()
        self.clock.advance(GOODBYE)
        self.peer.answers().says(KEEP_ALIVE)
        self.assertEqual(self.gaps(), [("closed", 1 + GOODBYE)])

    def test_while_the_disk_takes_nothing(self) -> None:
        """Neither is read, nor ended with what has arrived unread."""
        new = self.change().answers()
        new.says(KEEP_ALIVE)
        feed = self.session._feed
        feed.pauseProducing()
        self.assertEqual([peer.transport.reading for peer in self.open], [False, False])
        self.clock.advance(OVERLAP)
        settle(self.clock)
        feed.resumeProducing()
        self.assertEqual([peer.transport.reading for peer in self.open], [True, True])
        self.old.says(a_post(2))
        self.clock.advance(OVERLAP)
        settle(self.clock)
        self.assertEqual(self.open, [new])
        self.assertEqual(self.stored(), [1, 2])

    def test_paused_before_the_new_one_is_asked_for(self) -> None:
        """It is when the disk takes posts again."""
        feed = self.session._feed
        feed.pauseProducing()
        self.run_job(keyed("dogs"))
        self.assertEqual(self.asked, ["cats"])
        self.assertEqual(self.open, [self.old])
        feed.resumeProducing()
        self.assertEqual(self.asked, ["cats", "dogs"])

    def test_takeover_is_no_fault(self) -> None:
        """However Twitter ends the old one: nobody is warned, and nothing waits."""
        for number, how in enumerate((farewell(7), farewell(2), b"", farewell(7))):
            old = self.peer
            with capturedLogs() as events:
                new = self.change(f"word{number}").answers()
                old.says(how)
                old.closes()
                new.says(KEEP_ALIVE)
            self.assertEqual(warnings(events), [], how)
            self.assertEqual(self.open, [new])
            new.closes()
            self.assertEqual(self.of_kind("disconnected")[-1]["trouble"], "network", how)
            self.clock.advance(0.25)
            self.peer.answers().says(KEEP_ALIVE)
            self.clock.advance(60)
            self.peer.says(KEEP_ALIVE)
        causes = {
            line["cause"] for line in self.of_kind("gap") if line["seconds"] < IN_FLIGHT + 0.1
        }
        self.assertEqual(causes, {"start", "keywords"})

    def test_the_old_one_ends_too_early(self) -> None:
        """Then that is the gap, from its last byte to the new one's first."""
        for end in (farewell(7), b""):
            old = self.peer
            old.says(KEEP_ALIVE)
            self.clock.advance(1)
            new = self.change("birds" if end else "fish").answers()
            old.says(end)
            old.closes()
            self.clock.advance(3)
            new.says(KEEP_ALIVE)
        self.assertEqual(self.gaps(), [("keywords", 3.0), ("keywords", 4.0)])
        self.assertEqual(self.of_kind("gap")[-1]["keywords"], "fish")


class TwiceTests(TakeOverTestCase):
    """Posts that come over both."""

    def test_stored_once(self) -> None:
        """And counted once, whichever brings it first; the account says how many there were."""
        new = self.change()
        self.old.says(a_post(2))
        new.answers().says(a_post(2) + a_post(3))
        self.old.says(a_post(3) + a_post(4))
        self.old.closes()
        new.says(a_post(4) + a_post(5))
        assert self.session.archive is not None
        tally = self.session.archive.tally
        self.assertEqual(self.stored(), [1, 2, 3, 4, 5])
        again = [line["posts"] for line in self.of_kind("delivered_again")]
        self.assertEqual((tally.total, again), (5, [2, 1]))

    def test_for_a_while(self) -> None:
        """So long after both were there; what a stream repeats later is stored as it comes."""
        new = self.change()
        self.old.says(a_post(2))
        new.answers().says(KEEP_ALIVE)
        self.old.closes()
        self.clock.advance(WINDOW - 0.1)
        new.says(a_post(2))
        self.clock.advance(0.1)
        new.says(a_post(2))
        self.assertEqual(self.of_kind("delivered_again")[0]["posts"], 1)
        new.says(a_post(2))
        self.assertEqual(self.stored(), [1, 2, 2, 2])

    def test_not_while_the_new_one_waits(self) -> None:
        """Nothing is remembered of the old one as long as no other can bring the same."""
        self.change().refuses(420)
        self.old.says(a_post(2) + a_post(2))
        self.assertEqual(self.stored(), [1, 2, 2])

    def test_over_a_gap(self) -> None:
        """What the new one brings late has still come before."""
        new = self.change().answers()
        self.old.says(a_post(2))
        self.old.closes()
        self.clock.advance(20)
        new.says(a_post(2) + a_post(3))
        self.assertEqual(self.stored(), [1, 2, 3])

    def test_other_messages(self) -> None:
        """They go into the account as they come, over each of the two."""
        new = self.change().answers()
        for peer in (self.old, new):
            peer.says(b'{"delete":{"status":{"id":1,"id_str":"1"}}}\r\n')
        self.assertEqual(len(self.of_kind("delete")), 2)

    def test_limit_notices(self) -> None:
        """Each connection has counters of its own."""
        new = self.change().answers()
        for peer, track in ((self.old, 40), (new, 2), (self.old, 41), (new, 5)):
            peer.says(b'{"limit":{"track":%d}}\r\n' % track)
        estimates = [line["undelivered"] for line in self.of_kind("limit")]
        self.assertEqual(estimates, [40, 42, 43, 46])


class RefusedTests(TakeOverTestCase):
    """The new stream is not to be had: the capture goes on with what it has."""

    def heard_on(self, seconds: float) -> None:
        """Time passes; the old one is kept alive."""
        for part in int(seconds // 60) * [60.0] + [seconds % 60]:
            self.clock.advance(part)
            self.old.says(KEEP_ALIVE)

    def test_by_a_status(self) -> None:
        """Its ramp applies, and the account says why; then it takes over as ever."""
        in_force = "cats"
        for status, wait in ((420, 60), (429, 60), (403, 5), (503, 5), (406, 320)):
            with capturedLogs() as events:
                self.change(f"word{status}").refuses(status, b"Words")
            self.assertIn("a stream for its old keywords only", warnings(events)[0])
            line = self.of_kind("not_connected")[-1]
            self.assertEqual((line["status"], line["wait"]), (status, wait))
            before = len(self.asked)
            self.heard_on(wait - 0.01)
            self.assertEqual((len(self.asked), self.open), (before, [self.old]))
            self.heard_on(0.01)
            self.assertEqual(len(self.asked), before + 1)
            self.assertEqual(self.in_force()[-1], in_force)
            self.peer.answers().says(KEEP_ALIVE)
            self.old.closes()
            self.old, in_force = self.peer, f"word{status}"
            self.heard_on(300)
        self.assertEqual(self.gaps(), [])

    def test_unreachable(self) -> None:
        """The same; the attempts are counted."""
        self.change()
        for wait in (0.25, 0.5, 0.75):
            self.peer.fails(ConnectionRefusedError())
            self.heard_on(wait)
        self.peer.answers().says(KEEP_ALIVE)
        self.assertEqual(self.of_kind("connected")[-1]["failed_attempts"], 3)
        self.assertEqual((self.gaps(), self.in_force()), ([], ["cats", "dogs"]))

    def test_one_too_many(self) -> None:
        """Twitter's line in plain text, in one piece: the new keywords were never in force."""
        new = self.change().answers()
        new.says(LIMIT)
        self.assertEqual(self.open, [self.old])
        self.assertEqual((self.gaps(), self.in_force()), ([], ["cats"]))
        line = self.of_kind("disconnected")[-1]
        self.assertEqual((line["cause"], line["wait"], line["overlap"]), ("duplicate", 5, 0))
        self.heard_on(5)
        self.assertEqual(self.asked, ["cats", "dogs", "dogs"])

    def test_one_too_many_in_pieces(self) -> None:
        """Until the line is whole it was heard; then the old keywords are in force again."""
        new = self.change().answers()
        new.says(LIMIT[:9])
        new.says(LIMIT[9:])
        self.assertEqual((self.gaps(), self.in_force()), ([], ["cats", "dogs", "cats"]))
        self.clock.advance(OVERLAP - 0.1)
        self.heard_on(0.1)
        self.assertFalse(self.old.hung_up)
        self.peer.answers().says(KEEP_ALIVE)
        self.assertEqual(self.in_force()[-1], "dogs")

    def test_one_too_many_for_ever(self) -> None:
        """It is the old one that is in the way: it goes, shortly before the next attempt."""
        self.change().answers().says(LIMIT)
        for wait in (5, 10):
            self.heard_on(wait)
            self.peer.answers().says(LIMIT)
        self.assertEqual(len(self.asked), 1 + MOST_IN_VAIN)
        self.heard_on(20 - AHEAD - 0.1)
        self.assertFalse(self.old.hung_up)
        self.clock.advance(0.1)
        settle(self.clock)
        self.assertTrue(self.old.hung_up)
        self.clock.advance(AHEAD)
        self.peer.answers().says(KEEP_ALIVE)
        self.assertEqual(self.gaps(), [("keywords", AHEAD + 0.1)])

    def test_a_new_one_that_drops(self) -> None:
        """After it was heard: the old one counts again, and is not ended."""
        new = self.change().answers()
        new.says(KEEP_ALIVE)
        self.clock.advance(2)
        with capturedLogs() as events:
            new.closes()
        self.assertEqual(len(warnings(events)), 1)
        self.clock.advance(0.25)
        self.clock.advance(OVERLAP)
        self.assertFalse(self.old.hung_up)
        self.assertEqual((self.gaps(), self.in_force()), ([], ["cats", "dogs", "cats"]))

    def test_the_old_one_ends_while_the_new_one_waits(self) -> None:
        """That is a gap with a cause of its own, and the ban is not shortened by it."""
        self.change().refuses(420)
        self.heard_on(20)
        with capturedLogs() as events:
            self.old.closes()
        self.assertEqual(len(warnings(events)), 1)
        self.clock.advance(39.9)
        self.assertEqual(len(self.asked), 2)
        self.clock.advance(0.1)
        self.peer.answers().says(KEEP_ALIVE)
        self.assertEqual((self.asked, self.gaps()), (["cats", "dogs", "dogs"], [("closed", 40.0)]))

    def test_silence_of_the_old_one(self) -> None:
        """Is a stall, whatever the new one does."""
        self.change()
        for _ in range(2):
            self.clock.advance(STALL / 2)
        self.assertEqual(self.of_kind("disconnected")[-1]["cause"], "stall")

    def test_what_the_old_one_proves(self) -> None:
        """That it lasts does not make the ramp of the new one begin anew."""
        self.halt()
        self.stream()
        self.old = self.peer
        self.old.says(KEEP_ALIVE)
        self.change().refuses(420)
        self.heard_on(59)
        self.heard_on(1)
        self.peer.refuses(420)
        self.heard_on(60)
        self.assertEqual(len(self.asked), 4)
        self.assertEqual([peer.query.track[0] for peer in self.open], ["cats"])


class AnotherChangeTests(TakeOverTestCase):
    """Keywords that change again before the new stream has taken over."""

    def test_the_newest_wins(self) -> None:
        """There are never more than two connections."""
        for text in ("dogs", "birds", "fish"):
            self.session.run(keyed(text))
            settle(self.clock)
            self.assertLessEqual(len(self.open), 2)
        self.assertEqual([peer.query.track[0] for peer in self.open], ["cats", "fish"])
        self.peer.answers().says(KEEP_ALIVE)
        self.assertEqual(self.in_force(), ["cats", "fish"])

    def test_while_the_old_one_is_read(self) -> None:
        """It goes first, with what has arrived."""
        new = self.change().answers()
        new.says(KEEP_ALIVE)
        self.clock.callLater(0, self.old.says, a_post(2))
        self.change("birds")
        self.assertEqual((self.open, self.old.hung_up), ([new, self.peer], True))
        self.assertEqual(self.stored(), [1, 2])

    def test_a_new_one_that_does_not_let_go(self) -> None:
        """The next is asked for when it is gone; the old one is heard all the time."""
        self.change().answers(deaf=True)
        self.change("birds")
        self.assertEqual(self.asked, ["cats", "dogs"])
        self.old.says(a_post(2))
        self.clock.advance(GOODBYE)
        settle(self.clock)
        self.assertEqual(self.asked, ["cats", "dogs", "birds"])
        self.assertEqual((self.stored(), self.gaps()), ([1, 2], []))

    def test_back_while_the_new_one_waits(self) -> None:
        """What is heard is what is wanted: it stays, and comes back as ever when it drops."""
        self.change().refuses(420)
        self.run_job()
        self.assertEqual((self.asked, self.open), (["cats", "dogs"], [self.old]))
        self.clock.advance(60)
        self.assertEqual(self.asked, ["cats", "dogs"])
        self.old.closes()
        self.clock.advance(0)
        self.assertEqual(self.asked, ["cats", "dogs", "cats"])

    def test_back_when_the_old_one_was_about_to_be_ended(self) -> None:
        """It was in the way of the new one, which nobody wants any more: it is not ended."""
        self.change().answers().says(LIMIT)
        for wait in (5, 10):
            self.clock.advance(wait)
            self.old.says(KEEP_ALIVE)
            self.peer.answers().says(LIMIT)
        self.run_job()
        self.clock.advance(20 - AHEAD)
        settle(self.clock)
        self.assertEqual(self.open, [self.old])
        self.assertEqual(self.asked, ["cats", *["dogs"] * MOST_IN_VAIN])

    def test_back_while_the_new_one_is_asked_for(self) -> None:
        """
        Twitter may have accepted it, sent posts over it, and end the old one for it: so another is
        asked for, and the gap begins a little before the last byte.
        """
        self.change()
        self.run_job()
        self.assertEqual(self.asked, ["cats", "dogs", "cats"])
        with capturedLogs() as events:
            self.old.says(farewell(7))
            self.peer.answers().says(KEEP_ALIVE)
        self.assertEqual((warnings(events), self.gaps()), ([], [("keywords", IN_FLIGHT)]))
        self.assertEqual(self.in_force(), ["cats", "cats"])

    def test_another_text_for_the_same_query(self) -> None:
        """Costs no connection."""
        new = self.change("cats, dogs")
        for text in ("dogs , cats", "dogs,cats"):
            self.run_job(keyed(text))
        self.assertEqual(self.open, [self.old, new])

    def test_to_keywords_that_cannot_be_used(self) -> None:
        """Both end: nobody wants what they bring."""
        self.change().answers()
        self.run_job(keyed(","))
        self.assertEqual((self.open, self.session.quiet), ([], True))

    def test_to_keywords_that_cannot_be_used_while_the_new_one_waits(self) -> None:
        """Both end, the one that waits at once and the other when it lets go."""
        self.change().refuses(420)
        self.run_job(keyed(","))
        self.assertEqual((self.open, self.session.quiet), ([], True))


class NoStreamTests(SessionTestCase):
    """Keywords that change while nothing is heard."""

    def test_while_a_ban_lasts(self) -> None:
        """The wait is not shortened; the newest query is asked for after it."""
        self.run_job()
        self.peer.refuses(420)
        self.run_job(keyed("dogs"))
        self.clock.advance(59)
        self.assertEqual(self.asked, ["cats"])
        self.clock.advance(1)
        self.assertEqual(self.asked, ["cats", "dogs"])

    def test_after_a_refused_query(self) -> None:
        """Another one is tried at once."""
        self.run_job()
        self.peer.refuses(406)
        self.run_job(keyed("dogs"))
        self.assertEqual(self.asked, ["cats", "dogs"])

    def test_while_it_is_asked_for(self) -> None:
        """The attempt is given up."""
        self.run_job()
        old = self.peer
        self.run_job(keyed("dogs"))
        self.assertTrue(old.cancelled)
        self.assertEqual(self.asked, ["cats", "dogs"])

    def test_answered_but_not_heard(self) -> None:
        """It is kept as long as the new one is not heard either; its gap ends with its byte."""
        self.stream()
        old = self.peer
        self.run_job(keyed("dogs"))
        self.clock.advance(3)
        old.says(a_post(1))
        self.peer.answers().says(KEEP_ALIVE)
        gaps = [(line["cause"], line["seconds"]) for line in self.of_kind("gap")]
        self.assertEqual(gaps, [("start", 3.0)])
        self.assertEqual(self.in_force(), ["cats", "dogs"])

    def test_heard_when_it_is_over(self) -> None:
        """The first byte of the old one puts nothing in force when the new one is heard."""
        self.stream()
        old = self.peer
        self.run_job(keyed("dogs"))
        self.peer.answers().says(KEEP_ALIVE)
        old.says(a_post(1))
        self.assertEqual(self.in_force(), ["dogs"])

    def in_force(self) -> list[str]:
        return [line["text"] for line in self.of_kind("keywords_in_force")]


class StopTests(TakeOverTestCase):
    """A stop ends both at once."""

    def test_at_any_stage(self) -> None:
        """Asked for, answered, heard, waiting: nothing is left, and no gap either."""
        stages = (
            lambda new: None,
            lambda new: new.answers(),
            lambda new: new.answers().says(KEEP_ALIVE),
            lambda new: new.refuses(420),
        )
        for stage in stages:
            stage(self.change())
            self.halt()
            self.assertEqual((self.open, self.session.quiet), ([], True))
            self.assertNotIn("keywords", [cause for cause, _ in self.gaps()])
            self.clock.advance(1000)
            self.assertEqual(self.open, [])
            self.stream()
            self.peer.says(KEEP_ALIVE)
        self.assertEqual(self.in_force(), ["cats", "cats", "cats", "dogs", "cats", "cats"])

    def test_what_has_arrived_is_kept(self) -> None:
        """Of both."""
        new = self.change().answers()
        new.says(KEEP_ALIVE)
        for number, peer in ((2, self.old), (3, new)):
            self.clock.callLater(0, peer.says, a_post(number))
        self.assertEqual(self.stored(), [1, 2, 3])

    def test_one_after_the_other(self) -> None:
        """That more has arrived of the old one puts its keywords in force no more."""
        self.change().answers().says(KEEP_ALIVE)

        def says(*numbers: int) -> None:
            self.old.says(a_post(numbers[0]))
            if numbers[1:]:
                self.clock.callLater(0, says, *numbers[1:])

        self.clock.callLater(0, says, 2, 3, 4)
        self.halt()
        self.assertEqual((self.in_force(), len(self.finished())), (["cats", "dogs"], 4))

    def test_that_do_not_let_go(self) -> None:
        """They are waited for together, for one bounded time."""
        self.old.transport.deaf = True
        self.change().answers(deaf=True)
        halted = Deferred.fromCoroutine(self.session.halt("stopped"))
        settle(self.clock)
        self.clock.advance(GOODBYE - 0.1)
        self.assertNoResult(halted)
        self.clock.advance(0.1)
        settle(self.clock)
        self.successResultOf(halted)

    def test_during_a_change(self) -> None:
        """The next stream is not asked for any more."""
        self.change().answers(deaf=True)
        self.change("birds")
        halted = Deferred.fromCoroutine(self.session.halt("stopped"))
        settle(self.clock)
        self.assertTrue(self.old.hung_up)
        self.clock.advance(GOODBYE)
        settle(self.clock)
        self.successResultOf(halted)
        self.assertEqual(self.asked, ["cats", "dogs"])


class Storm:
    """A capture whose keywords change at any time, and a Twitter that does what it likes."""

    def __init__(self, test: TakeOverTestCase, random: Random) -> None:
        self.test = test
        self.random = random
        self.sent: set[int] = {1}
        self.number = 1
        self.heard = {test.peer}  # those that have said anything
        self.heard_at: list[float] = []
        self.unheard_at: list[float] = []

    def step(self) -> None:
        """Something happens, and some time passes."""
        test, random = self.test, self.random
        often, rarely = [self.answer, self.speak], [self.change, self.refuse, self.end]
        random.choice([*often, *often, *rarely])()
        settle(test.clock)
        test.assertLessEqual(len(test.open), 2)
        if not self.heard.intersection(test.open):
            self.unheard_at.append(test.clock.seconds())
        test.clock.advance(random.choice((0, 0, 0.1, 1, 4, 20)))

    def change(self) -> None:
        """Of keywords."""
        self.test.session.run(keyed(self.random.choice(("cats", "dogs", "birds", ","))))

    def answer(self) -> None:
        """Accepted; the older one is ended, with a word, without, or not at all."""
        test, random = self.test, self.random
        if test.peer in test.open and not test.peer.answer.called:
            older = [peer for peer in test.open if peer is not test.peer]
            test.peer.answers(deaf=random.random() < 0.1)
            for peer in older:
                if random.random() < 0.7:
                    peer.says(random.choice((farewell(7), b"")))
                    peer.closes()

    def refuse(self) -> None:
        """By a status, or one too many."""
        test, random = self.test, self.random
        if test.peer in test.open and not test.peer.answer.called:
            if random.random() < 0.3:
                test.peer.answers().says(LIMIT)
            else:
                test.peer.refuses(random.choice((420, 503, 406)))

    def speak(self) -> None:
        """A post comes over each stream that is open, at one time or another."""
        self.number += 1
        for peer in self.test.open:
            if peer.answer.called:
                peer.says(a_post(self.number))
                self.sent.add(self.number)
                self.heard.add(peer)
                self.heard_at.append(self.test.clock.seconds())

    def end(self) -> None:
        """A connection drops."""
        streams = [peer for peer in self.test.open if peer.answer.called]
        if streams:
            self.random.choice(streams).closes()


class StormTests(TakeOverTestCase):
    def test_anything_in_any_order(self) -> None:
        """
        There are never more than two connections; what was sent is stored, and that once; a gap
        is where no stream was heard, and a little before.
        """
        twice = 0
        for seed in range(40):
            self.halt()
            self.session.retire()
            self.base = self.base.with_name(f"storm-{seed}")
            self.folders = anew(self.folders, base_dir=self.base)
            self.begin()
            self.stream()
            self.peer.says(a_post(1))
            storm = Storm(self, Random(seed))
            with capturedLogs():
                for _ in range(40):
                    storm.step()
                stored = self.stored()
            self.assertEqual(sorted(stored), sorted(storm.sent), seed)
            gaps = [
                (seconds(gap["begin"]), seconds(gap["end"]), IN_FLIGHT * (gap["cause"] != "start"))
                for gap in self.of_kind("gap")
            ]
            for at in storm.unheard_at:
                self.assertTrue(any(a - 0.001 <= at <= b + 0.001 for a, b, _ in gaps), seed)
            for at in storm.heard_at:
                within = (a + early + 0.001 < at < b - 0.001 for a, b, early in gaps)
                self.assertFalse(any(within), seed)
            twice += len(self.of_kind("delivered_again"))
        self.assertGreater(twice, 0)


@needs(Need.SECONDS)
class OverSocketsTests(TestCase):
    """With the simulated Twitter, under load."""

    timeout = 60

    async def rekey(self, scene: Scene, sent: Sent, text: str) -> None:
        """New keywords; returns some posts after they have taken over."""

        def has_taken_over() -> bool:
            lines = scene.disk.ledger("cats", "keywords_in_force")
            in_force = lines[-1]["text"] if lines else None
            return in_force == text and len(scene.streams) == 1

        scene.store.jobs[1].keywords = text
        await until(has_taken_over)
        enough = len(sent.ids) + 30
        await until(lambda: len(sent.ids) >= enough)

    async def check(self, takeover: Takeover) -> int:
        """Keywords change again and again.  Returns how many posts have come twice."""
        sent = Sent()
        scene = Scene(self, 300.0, sent)
        scene.twitter.fault(takeover)
        scene.store.create("cats", "storm")
        scene.start()
        await scene.status(3)
        await until(lambda: sent.ids)
        with capturedLogs() as events:
            for number in range(5):
                await self.rekey(scene, sent, f"word{number}, storm")
        self.assertEqual(warnings(events), [])
        scene.twitter.set_rate(0)
        await until(lambda: len(scene.disk.ids("cats")) >= len(set(sent.ids)))
        await scene.stop()
        posts = sorted(set(sent.ids))
        self.assertEqual(sorted(scene.disk.ids("cats")), posts)
        self.assertEqual(scene.row().total_count, len(posts))
        again = sum(line["posts"] for line in scene.disk.ledger("cats", "delivered_again"))
        self.assertEqual(again, len(sent.ids) - len(posts))
        return again

    async def test_no_post_is_lost(self) -> None:
        """Twitter ends the old stream at once: each post that it sent is on disk, and once."""
        for notice in (True, False):
            self.assertEqual(await self.check(Takeover(notice=notice)), 0)

    async def test_no_post_is_stored_twice(self) -> None:
        """It goes on for a while, in which posts come over both."""
        self.assertGreater(await self.check(Takeover(notice=True, after=0.3)), 30)
