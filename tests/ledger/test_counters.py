"""Behaviour of the counts: what the server is told, and what it is told only once."""

import re
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.counters import MOST_TOTAL, Counters, CountUpdate, Row, Tally
from tcclient.ledger.rates import SHORTEST

NOW = 1_449_086_690.0


def tally(base: int = 0, posts: int = 0, settled: int = 0) -> Tally:
    """A job that has been captured before, and whose last update has been settled."""
    found = Tally(Counters(base, posts, settled, None), NOW)
    found.resume(NOW)
    return found


def settle(job: Tally, recent_total: int | None) -> None:
    """The server shows a job whose newest update has this total, and the rate of what was sent."""
    sent = job.counters.sent
    rate = sent.rate if isinstance(sent, CountUpdate) else None
    job.settle([(None, recent_total, rate)])


class TotalTests(SynchronousTestCase):
    """total = base + posts."""

    def test_total(self) -> None:
        """The base stands, the posts grow."""
        job = tally(base=100, posts=5)
        job.posts += 3
        self.assertEqual(job.total, 108)
        self.assertEqual(job.counters, Counters(100, 8, 0))

    def test_the_server_cannot_hold_more(self) -> None:
        """32 signed bits, both sides."""
        job = tally(base=MOST_TOTAL - 1)
        self.assertEqual(job.total, 2_147_483_646)
        for _ in range(2):
            job.posts += 1
            self.assertEqual(job.total, 2_147_483_647)

    def test_rebase(self) -> None:
        """The server's number -> by how much the base rises."""
        for server_total, more in (
            (None, 0),
            (0, 0),
            (-1, 0),
            (107, 0),
            (108, 0),
            (109, 1),
            (500, 392),
        ):
            job = tally(base=100, posts=8)
            self.assertEqual(job.rebase(server_total), more)
            self.assertEqual((job.base, job.posts), (100 + more, 8))

    def test_posts_that_are_written_again(self) -> None:
        """They do not count for a moment, and are nobody else's meanwhile."""
        job = tally(posts=8)
        job.rebase(8)
        job.ping(NOW)
        job.posts -= 3
        self.assertEqual(job.rebase(8), 0)
        job.posts += 3
        self.assertEqual((job.total, job.rebase(9)), (8, 1))

    def test_rebase_beyond_what_the_server_can_hold(self) -> None:
        """Its number for a clamped total says nothing new."""
        job = tally(base=MOST_TOTAL, posts=10)
        self.assertEqual(job.rebase(MOST_TOTAL), 0)


class RateTests(SynchronousTestCase):
    """Posts a second, as the server accepts them."""

    def test_table(self) -> None:
        """Posts and seconds -> the text."""
        for posts, seconds, rate in (
            (0, 10.0, "0.000"),
            (4, 12.02, "0.332"),
            (1, 3.0, "0.333"),
            (2, 3.0, "0.666"),
            (15, 3.0, "5.000"),
            (1, 10_000.0, "0.000"),
            (99_999_999, 1000.0, "99999.999"),
            (100_000_000, 1000.0, "99999.999"),
            (10**12, 3.0, "99999.999"),
            (5, 2.9, None),
            (5, 0.0, None),
            (5, -3600.0, None),
            (5, 5e-324, None),
        ):
            job = Tally(Counters(), 0.0)
            job.resume(0.0)
            job.posts += posts
            self.assertEqual(job.ping(seconds)[1], rate, (posts, seconds))

    def test_each_report_has_its_own_window(self) -> None:
        """Pings, updates and glances do not take posts from each other."""
        job = tally(base=100)
        job.posts += 10
        self.assertEqual(job.ping(NOW + 10), (110, "1.000"))
        job.posts += 20
        self.assertEqual(job.ping(NOW + 20), (130, "2.000"))
        self.assertEqual(job.update(NOW + 30), CountUpdate(30, 130, "1.000", 30))
        self.assertEqual(job.glance(NOW + 60), (30, "0.500"))
        self.assertEqual(job.glance(NOW + 70), (0, "0.000"))
        self.assertEqual(job.ping(NOW + 30), (130, "0.000"))

    def test_each_update_has_its_own_rate(self) -> None:
        """It is that since the last one, whether that was accepted or not."""
        job = tally()
        job.posts += 30
        self.assertEqual(job.update(NOW + 30).rate, "1.000")
        job.posts += 60
        self.assertEqual(job.update(NOW + 60).rate, "2.000")

    def test_a_session_begins(self) -> None:
        """The time without one does not count."""
        job = tally()
        job.resume(NOW + 1000)
        job.posts += 10
        for rate in (
            job.ping(NOW + 1010)[1],
            job.update(NOW + 1010).rate,
            job.glance(NOW + 1010)[1],
        ):
            self.assertEqual(rate, "1.000")

    def test_in_the_first_seconds(self) -> None:
        """There is none yet, and a few seconds after a ping it is what it was."""
        job = tally()
        job.posts += 3
        self.assertEqual([job.ping(NOW + s)[1] for s in (0.0, 2.9, 3.0)], [None, None, "1.000"])
        job.posts += 500
        self.assertEqual(job.ping(NOW + 3.1), (503, "1.000"))
        self.assertEqual(job.ping(NOW + 8.0), (503, "100.000"))

    def test_the_rate_between_two_pings(self) -> None:
        """None until one has told one, and where that was 0 and posts have come since."""
        job = tally()
        seen = [job.rate]
        job.ping(NOW + 1)
        seen.append(job.rate)
        job.ping(NOW + 5)
        seen.append(job.rate)
        job.posts += 20
        seen.append(job.rate)
        job.ping(NOW + 15)
        seen.append(job.rate)
        self.assertEqual(seen, [None, None, 0.0, None, 2.0])

    def test_a_rate_fits_its_count(self) -> None:
        """There is none where the last one was 0, and posts have come a moment ago."""
        job = tally()
        self.assertEqual(job.update(NOW + 3).rate, "0.000")
        job.posts += 12
        update = job.update(NOW + 5.9)
        self.assertEqual((update.count, update.rate), (12, None))
        self.assertEqual(job.update(NOW + 7).rate, "3.000")

    def test_the_wait_before_the_stream(self) -> None:
        """It is no part of the first rates, as with rules to be accepted; that of later ones is."""
        job = tally()
        self.assertEqual(job.ping(NOW + 9)[1], "0.000")
        job.opened(NOW + 10)
        self.assertEqual(job.ping(NOW + 10)[1], None)
        job.posts += 50
        self.assertEqual((job.ping(NOW + 15)[1], job.update(NOW + 20).rate), ("10.000", "5.000"))
        job.opened(NOW + 22)
        job.posts += 50
        self.assertEqual((job.ping(NOW + 25)[1], job.update(NOW + 30).rate), ("5.000", "5.000"))

    def test_when_nothing_runs(self) -> None:
        """It is 0, before a session and after one, whatever came a moment ago."""
        job = Tally(Counters(), NOW)
        self.assertEqual(job.ping(NOW)[1], "0.000")
        job.resume(NOW)
        job.posts += 30
        job.cease()
        self.assertEqual((job.ping(NOW + 10)[1], job.update(NOW + 10).rate), ("0.000", "0.000"))
        job.resume(NOW + 100)
        self.assertEqual([job.ping(NOW + s)[1] for s in (100, 110)], [None, "0.000"])

    @given(st.integers(0, 10**7), st.floats(SHORTEST, 1e7))
    def test_any_rate(self, posts: int, seconds: float) -> None:
        """Three decimals, at most five digits before them, rounded down."""
        job = Tally(Counters(), 0.0)
        job.resume(0.0)
        job.posts += posts
        rate = job.ping(seconds)[1] or ""
        self.assertTrue(re.fullmatch(r"\d{1,5}\.\d{3}", rate), rate)
        exact = min(Fraction(posts) / Fraction(seconds), Fraction("99999.999"))
        # Where the quotient is a hair below a thousandth, the float may be that thousandth.
        self.assertTrue(0 <= exact - Fraction(rate) + Fraction(exact, 10**15) < Fraction("0.0011"))


class UpdateTests(SynchronousTestCase):
    """What the server does not accept is in the next update."""

    def test_accepted(self) -> None:
        """The next one counts from there."""
        job = tally(base=100)
        job.posts += 5
        first = job.update(NOW + 30)
        job.posts += 2
        job.accepted(first)
        self.assertFalse(job.unsettled)
        self.assertEqual(job.counters, Counters(100, 7, 5))
        self.assertEqual(job.update(NOW + 60).count, 2)

    def test_rejected(self) -> None:
        """The next one has it all, and nothing has to be asked."""
        job = tally()
        job.posts += 5
        job.update(NOW + 30)
        self.assertTrue(job.unsettled)
        job.rejected()
        self.assertFalse(job.unsettled)
        job.posts += 2
        self.assertEqual(job.update(NOW + 60).count, 7)

    def test_an_answer_that_was_not_seen(self) -> None:
        """The server's newest update decides, for all it can say."""
        for recent_total, count in ((105, 2), (100, 7), (99, 7), (None, 7), (5000, 7)):
            job = tally(base=90, posts=10, settled=10)
            job.posts += 5
            job.update(NOW + 30)
            job.posts += 2
            settle(job, recent_total)
            self.assertFalse(job.unsettled)
            self.assertEqual(job.update(NOW + 60).count, count, recent_total)

    def test_an_answer_that_was_not_seen_while_the_base_rose(self) -> None:
        """The total is that of the time it was sent."""
        job = tally(base=100)
        job.posts += 5
        job.update(NOW + 30)
        self.assertEqual(job.rebase(150), 45)
        settle(job, 105)
        self.assertEqual(job.settled, 5)

    def test_an_answer_that_was_not_seen_before_a_restart(self) -> None:
        """It is known by its total: more than was settled, no more than there is."""
        for recent_total, settled in ((None, 3), (102, 3), (103, 3), (104, 4), (108, 8), (109, 3)):
            job = Tally(Counters(base=100, posts=8, settled=3), NOW)
            self.assertTrue(job.unsettled)
            settle(job, recent_total)
            self.assertEqual(job.settled, settled, recent_total)

    def test_nothing_was_left_before_a_restart(self) -> None:
        """
        Where the server had been told of every post, nothing is in doubt: a newer update is of
        another client that had the job before, and may be above the job's total.
        """
        for counters in (Counters(base=40), Counters(base=30, posts=10, settled=10)):
            job = Tally(counters, NOW)
            self.assertFalse(job.unsettled)

    def test_fewer_posts_than_were_settled(self) -> None:
        """After a power cut: nothing is reported twice, and no count is negative."""
        job = tally(posts=5, settled=8)
        self.assertEqual(job.update(NOW).count, 0)
        job.posts += 5
        self.assertEqual(job.update(NOW).count, 2)


class Server(RuleBasedStateMachine):
    """A client that counts, restarts, and loses answers; and a server that adds up."""

    def __init__(self) -> None:
        super().__init__()
        self.tally = Tally(Counters(base=100), NOW)
        self.now = NOW
        self.counted = 0
        self.rows: list[Row] = [(None, 100, None)]
        self.highest = 0

    def send(self) -> CountUpdate:
        """As the client does it: settle what is in doubt, then speak."""
        self.now += 30
        if self.tally.unsettled:
            self.tally.settle(self.rows)
        return self.tally.update(self.now)

    def take(self, update: CountUpdate) -> None:
        self.counted += update.count
        self.rows = [(None, update.total, update.rate)]

    @rule(posts=st.integers(1, 20))
    def write(self, posts: int) -> None:
        self.tally.posts += posts

    @rule()
    def accept(self) -> None:
        update = self.send()
        self.take(update)
        self.tally.accepted(update)

    @rule(posts=st.integers(0, 3))
    def accept_while_writing(self, posts: int) -> None:
        update = self.send()
        self.take(update)
        self.tally.posts += posts
        self.tally.accepted(update)

    @rule()
    def reject(self) -> None:
        self.send()
        self.tally.rejected()

    @rule()
    def lose_the_request(self) -> None:
        self.send()

    @rule()
    def lose_the_answer(self) -> None:
        self.take(self.send())

    @rule()
    def settle(self) -> None:
        self.tally.settle(self.rows)

    @rule()
    def restart(self) -> None:
        self.tally = Tally(self.tally.counters, self.now)

    @rule()
    def ping(self) -> None:
        self.tally.ping(self.now)

    @precondition(lambda self: not self.tally.unsettled)
    @rule(more=st.integers(-5, 20))
    def others_capture(self, more: int) -> None:
        self.tally.rebase(self.tally.total + more)

    @invariant()
    def counts_add_up(self) -> None:
        """What the server has been told is settled, unless that is still in doubt."""
        assert self.counted <= self.tally.posts
        assert self.tally.settled <= self.counted
        if not self.tally.unsettled:
            assert self.tally.settled == self.counted

    @invariant()
    def the_total_never_falls(self) -> None:
        assert self.tally.total >= self.highest
        self.highest = self.tally.total

    def teardown(self) -> None:
        """One more update that arrives, and every post has been counted once."""
        self.accept()
        assert self.counted == self.tally.posts


Server.TestCase.settings = settings(max_examples=80, stateful_step_count=25)


class AnyHistoryTests(SynchronousTestCase):
    """Any sequence of posts, answers, losses and restarts."""

    def test_counts_add_up_to_the_posts(self) -> None:
        """Every post is counted once, and the total never falls."""
        Server.TestCase("runTest").runTest()
