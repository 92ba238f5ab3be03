"""Behaviour of the waits before a connect."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.backoff import HTTP_RAMP, NETWORK_RAMP, Backoff, Trouble
from tcclient.sources.twitter_v1.api import DUPLICATE
from tcclient.sources.twitter_v2.problems import SLOT

ALL = (
    Trouble.DROP,
    Trouble.NETWORK,
    Trouble.HTTP,
    Trouble.RATE_LIMIT,
    Trouble.REFUSED,
    Trouble.QUERY_REFUSED,
    DUPLICATE,
    SLOT,
)
NOW = 1_449_086_690.0

troubles = st.sampled_from(ALL)


def waits(trouble: Trouble, count: int) -> list[float]:
    """What `count` failures of one sort in a row are answered with, each after its wait."""
    backoff, now, found = Backoff(), NOW, []
    for _ in range(count):
        found.append(backoff.failed(trouble, now))
        now += found[-1]
    return found


class RampTests(SynchronousTestCase):
    """Twitter's documented ramps."""

    def test_ramps(self) -> None:
        """Trouble -> the first waits."""
        http = [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 320.0]
        for trouble, expected in (
            (Trouble.DROP, [0.25, 0.5, 0.75, 1.0]),
            (Trouble.NETWORK, [0.25, 0.5, 0.75, 1.0]),
            (Trouble.HTTP, http),
            (DUPLICATE, http),
            (SLOT, [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]),
            (Trouble.RATE_LIMIT, [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]),
            (Trouble.REFUSED, [320.0, 320.0]),
            (Trouble.QUERY_REFUSED, [320.0, 320.0]),
        ):
            self.assertEqual(waits(trouble, len(expected)), expected, trouble)

    def test_network_ramp_ends_at_16_seconds(self) -> None:
        """After 64 attempts, a quarter of a second more each."""
        found = waits(Trouble.NETWORK, 70)
        self.assertEqual(found[62:66], [15.75, 16.0, 16.0, 16.0])

    def test_years_of_failure(self) -> None:
        """Numbers stay numbers."""
        for ramp in (NETWORK_RAMP, HTTP_RAMP, SLOT.ramp, Trouble.RATE_LIMIT.ramp):
            self.assertEqual(ramp.wait(10**9), ramp.longest)


class BackoffTests(SynchronousTestCase):
    """The waits of one endpoint with one set of credentials."""

    def setUp(self) -> None:
        self.backoff = Backoff()

    def test_nothing_has_failed(self) -> None:
        """The first connect is due at once."""
        self.assertEqual(self.backoff.remaining(NOW), 0.0)

    def test_remaining(self) -> None:
        """It runs down, whoever asks, and stays at nothing."""
        self.backoff.failed(Trouble.RATE_LIMIT, NOW)
        for after, remaining in ((0, 60), (20, 40), (60, 0), (61, 0), (1e6, 0)):
            self.assertEqual(self.backoff.remaining(NOW + after), remaining)

    def test_the_clock_is_set_back(self) -> None:
        """No wait gets longer than the one that was imposed."""
        self.backoff.failed(Trouble.HTTP, NOW)
        self.assertEqual(self.backoff.remaining(NOW - 86_400), 5.0)

    def test_each_trouble_has_its_own_ramp(self) -> None:
        """A network failure between two 420s neither shortens nor lengthens their ramp."""
        self.assertEqual(self.backoff.failed(Trouble.RATE_LIMIT, NOW), 60.0)
        self.assertEqual(self.backoff.failed(Trouble.NETWORK, NOW + 60), 0.25)
        self.assertEqual(self.backoff.failed(Trouble.RATE_LIMIT, NOW + 61), 120.0)
        self.assertEqual(self.backoff.failed(Trouble.NETWORK, NOW + 181), 0.5)

    def test_a_drop_is_answered_at_once(self) -> None:
        """Where the connection had proved itself."""
        self.backoff.failed(Trouble.HTTP, NOW)
        self.assertEqual(self.backoff.dropped(NOW + 100), 0.0)
        self.assertEqual(self.backoff.remaining(NOW + 100), 0.0)

    def test_a_drop_does_not_reset_the_ramps(self) -> None:
        """Only a connection that lasts does."""
        self.backoff.failed(Trouble.NETWORK, NOW)
        self.backoff.dropped(NOW + 1)
        self.assertEqual(self.backoff.failed(Trouble.NETWORK, NOW + 2), 0.5)

    def test_a_lasting_connection_resets_the_ramps(self) -> None:
        """All but that of duplicate logins, which connect well every time."""
        for trouble in ALL:
            self.backoff.failed(trouble, NOW)
        self.backoff.proved()
        for trouble in ALL:
            first = 10.0 if trouble is DUPLICATE else self.backoff.understood(trouble).ramp.first
            self.assertEqual(self.backoff.failed(trouble, NOW + 30), first, trouble)

    def test_a_refusal_of_what_has_worked(self) -> None:
        """It need not last: the wait rises; that of too many connects is what it was."""
        self.assertEqual(self.backoff.failed(Trouble.REFUSED, NOW), 320.0)
        self.backoff.worked()
        found = [self.backoff.failed(Trouble.REFUSED, NOW + n * 1000) for n in range(1, 9)]
        self.assertEqual(found, [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 320.0])
        self.assertEqual(self.backoff.understood(Trouble.REFUSED).value, Trouble.REFUSED.value)
        self.assertEqual(self.backoff.failed(Trouble.RATE_LIMIT, NOW), 60.0)

    def test_duplicate_logins_are_forgotten_in_time(self) -> None:
        """Not before the longest wait could have passed, but some minutes later."""
        self.assertGreater(DUPLICATE.lingers, HTTP_RAMP.longest)
        for after, wait in ((DUPLICATE.lingers, 10.0), (DUPLICATE.lingers + 1, 5.0)):
            backoff = Backoff()
            backoff.failed(DUPLICATE, NOW)
            backoff.proved()
            self.assertEqual(backoff.failed(DUPLICATE, NOW + after), wait)

    def test_two_clients_that_throw_each_other_out(self) -> None:
        """Their waits reach the top, although each connection lasts a little."""
        now, found = NOW, []
        for _ in range(8):
            found.append(self.backoff.failed(DUPLICATE, now))
            now += found[-1] + 20
            self.backoff.proved()
        self.assertEqual(found[-1], HTTP_RAMP.longest)

    def test_another_query_ends_the_refusal_of_the_last(self) -> None:
        """406 and 413 speak of the query: another one is tried at once, the same one is not."""
        self.backoff.asks_for("a")
        self.backoff.failed(Trouble.QUERY_REFUSED, NOW)
        self.backoff.asks_for("a")
        self.assertEqual(self.backoff.remaining(NOW + 1), 319.0)
        self.backoff.asks_for("b")
        self.assertEqual(self.backoff.remaining(NOW + 1), 0.0)

    def test_another_query_that_is_refused_too(self) -> None:
        """It waits like the first."""
        self.backoff.asks_for("a")
        self.backoff.failed(Trouble.QUERY_REFUSED, NOW)
        self.backoff.asks_for("b")
        self.assertEqual(self.backoff.failed(Trouble.QUERY_REFUSED, NOW + 1), 320.0)
        self.assertEqual(self.backoff.remaining(NOW + 1), 320.0)

    def test_another_query_shortens_no_other_wait(self) -> None:
        """420, 429, 401, 403 and the rest speak of the client."""
        for trouble in set(ALL) - {Trouble.QUERY_REFUSED}:
            backoff = Backoff()
            backoff.asks_for("a")
            wait = backoff.failed(trouble, NOW)
            backoff.asks_for("b")
            self.assertEqual(backoff.remaining(NOW), wait, trouble)

    def test_a_later_trouble_hides_the_refusal(self) -> None:
        """The wait of a 420 after a 406 is that of the 420."""
        self.backoff.asks_for("a")
        self.backoff.failed(Trouble.QUERY_REFUSED, NOW)
        self.backoff.failed(Trouble.RATE_LIMIT, NOW + 320)
        self.backoff.asks_for("b")
        self.assertEqual(self.backoff.remaining(NOW + 320), 60.0)

    def test_a_wait_that_was_asked_for(self) -> None:
        """It is waited where the ramp has less, and the ramp rises below it."""
        found = [self.backoff.failed(Trouble.HTTP, NOW, at_least=15.0) for _ in range(4)]
        self.assertEqual(found, [15.0, 15.0, 20.0, 40.0])
        self.assertEqual(self.backoff.failed(Trouble.HTTP, NOW), 80.0)

    def test_a_wait_beyond_the_ramp(self) -> None:
        """No ramp's end shortens what was asked for; it runs down like any other."""
        self.assertEqual(self.backoff.failed(SLOT, NOW, at_least=900.0), 900.0)
        for after, remaining in ((0, 900), (300, 600), (900, 0), (-86_400, 900)):
            self.assertEqual(self.backoff.remaining(NOW + after), remaining)
        self.assertEqual(self.backoff.failed(SLOT, NOW + 900), 60.0)

    def test_nothing_shortens_a_wait_that_was_asked_for(self) -> None:
        """Neither another query, nor asking for nothing at the next failure."""
        self.backoff.asks_for("a")
        self.backoff.failed(Trouble.RATE_LIMIT, NOW, at_least=900.0)
        self.backoff.asks_for("b")
        self.assertEqual(self.backoff.remaining(NOW + 1), 899.0)

    def test_what_is_asked_for_of_one_trouble(self) -> None:
        """It is not that of the next."""
        self.backoff.failed(Trouble.RATE_LIMIT, NOW, at_least=900.0)
        self.assertEqual(self.backoff.failed(Trouble.NETWORK, NOW + 900), 0.25)
        self.assertEqual(self.backoff.remaining(NOW + 900), 0.25)

    @given(
        st.lists(
            st.tuples(troubles, st.floats(-1e6, 1e6), st.floats(0, 1e5)), min_size=1, max_size=30
        )
    )
    def test_any_history(self, failures: list[tuple[Trouble, float, float]]) -> None:
        """
        Each wait is within its ramp or what was asked for, and remaining() says no more, whatever
        the clock does.
        """
        backoff = Backoff()
        for trouble, now, at_least in failures:
            wait = backoff.failed(trouble, now, at_least)
            ramp = trouble.ramp
            self.assertTrue(max(ramp.first, at_least) <= wait <= max(ramp.longest, at_least))
            self.assertTrue(0 <= backoff.remaining(now + 1) <= backoff.remaining(now - 1) <= wait)
