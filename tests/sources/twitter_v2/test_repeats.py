"""Which captures have got a post of the shared stream before."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.entries import DeliveredAgain
from tcclient.sources.again import MOST_BYTES, WINDOW
from tcclient.sources.twitter_v2.envelopes import Post
from tcclient.sources.twitter_v2.repeats import (
    BACKFILL_BYTES,
    BACKFILL_IDS,
    BACKFILL_WINDOW,
    Repeats,
)
from tests.peers import clock_at
from tests.sources.test_again import Capture
from tests.sources.twitter_v2.test_sharedstream import SharedStreamTestCase, post


class RepeatsTestCase(SynchronousTestCase):
    """Two captures, of which something is stored."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.told: list[tuple[int | None, int]] = []
        self.repeats = self.made()

    def made(self, *, keeps: bool = False, backfill: bool = False) -> Repeats:
        """What a process has when it starts."""

        def note(job: int | None, line: Any) -> None:
            self.assertEqual(line, DeliveredAgain(posts=line.posts, kept=keeps))
            self.told.append((job, line.posts))

        return Repeats(
            note, lambda line: note(None, line), self.clock, keeps=keeps, backfill=backfill
        )

    def connect(self, cats: str, dogs: str, minutes: int = 0) -> None:
        """A connection is asked for, and heard; these posts are stored."""
        captures = Capture(cats, job_id=1), Capture(dogs, job_id=2)
        self.successResultOf(self.repeats.begin(captures, minutes))
        self.repeats.heard()

    def comes(self, ids: str, *jobs: int) -> list[list[int] | None]:
        """For whom each of the posts is that these jobs want, in one read."""
        self.repeats.look()
        lacking = [self.repeats.who_lacks(Post((), id), jobs) for id in ids]
        return [None if jobs is None else list(jobs) for jobs in lacking]


class LackingTests(RepeatsTestCase):
    def test_each_capture(self) -> None:
        """Gets what it has not got, whatever others have."""
        self.connect("abc", "bcd")
        self.assertEqual(self.comes("abde", 1, 2), [[2], None, [1], [1, 2]])
        self.assertEqual(self.comes("abde", 2), [[2], None, None, [2]])
        self.repeats.say()
        self.assertEqual(self.told, [(1, 2), (2, 4)])

    def test_one_that_was_not_there(self) -> None:
        """A capture that has come since gets what comes, and what it has not stored."""
        self.connect("abc", "bcd")
        self.assertEqual(self.comes("abz", 1, 3), [[3], [3], [1, 3]])
        self.clock.advance(WINDOW - 0.1)
        self.successResultOf(self.repeats.join(Capture("xy", job_id=3)))
        self.assertEqual(self.comes("xyz", 1, 3), [[1], [1], [1, 3]])
        self.clock.advance(0.1)
        self.assertEqual(self.comes("x", 3), [[3]])
        self.repeats.join(Capture("x", job_id=4))
        self.assertEqual(self.comes("x", 4), [[4]])

    def test_one_that_goes(self) -> None:
        """Is told before it is gone."""
        self.connect("abc", "bcd")
        self.comes("ab", 1, 2)
        self.repeats.leave(1)
        self.assertEqual(self.told, [(1, 2)])
        self.assertEqual(self.comes("ab", 1), [[1]] * 2)
        self.repeats.leave(1)

    def test_for_a_while(self) -> None:
        """Then all that comes is for all that want it, and each is told how often it had it."""
        self.connect("ab", "b")
        self.assertEqual(self.comes("ab", 1, 2), [[2], None])
        self.clock.advance(WINDOW)
        self.assertEqual(self.comes("ab", 1, 2), [[1, 2]] * 2)
        self.assertEqual(self.told, [(1, 2), (2, 1)])

    def test_before_any_connection(self) -> None:
        """Nobody has anything."""
        self.assertEqual(self.comes("ab", 1, 2), [[1, 2]] * 2)
        self.assertEqual(self.comes("aa"), [[], []])

    def test_all_are_kept(self) -> None:
        """And counted."""
        self.repeats = self.made(keeps=True)
        self.connect("ab", "b")
        self.assertEqual(self.comes("ab", 1, 2), [[1, 2]] * 2)
        self.repeats.say()
        self.assertEqual(self.told, [(1, 2), (2, 1)])

    def test_over_the_next_connection(self) -> None:
        """It is found out anew what is stored, and what was counted is told."""
        self.connect("ab", "")
        self.comes("a", 1)
        self.connect("b", "")
        self.assertEqual(self.told, [(1, 1)])
        self.assertEqual(self.comes("ab", 1), [[1], None])


class BackfillTests(RepeatsTestCase):
    """Missed posts are sent again, beside the present ones."""

    def setUp(self) -> None:
        super().setUp()
        self.repeats = self.made(backfill=True)

    def test_what_has_come_since(self) -> None:
        """Is remembered."""
        self.connect("a", "", minutes=2)
        self.assertEqual(self.comes("abab", 1), [None, [1], None, None])

    def test_for_longer(self) -> None:
        """As long as it may last."""
        self.connect("a", "", minutes=2)
        self.clock.advance(BACKFILL_WINDOW - 0.1)
        self.assertEqual(self.comes("a", 1), [None])
        self.clock.advance(0.1)
        self.assertEqual(self.comes("a", 1), [[1]])

    def test_further_back(self) -> None:
        """More of what is stored is looked through."""
        capture = Capture()
        for minutes in (0, 1):
            self.repeats.begin([capture], minutes)
        self.assertEqual([most for _, most in capture.asked], [MOST_BYTES, BACKFILL_BYTES])

    def test_for_nobody(self) -> None:
        """It is new once, over whichever connection; the oldest are forgotten."""
        self.assertEqual(self.comes("aa"), [[], None])
        self.connect("", "", minutes=1)
        self.assertEqual(self.comes("ab"), [None, []])
        self.repeats.say()
        self.assertEqual(self.told, [(None, 1)] * 2)
        for number in range(BACKFILL_IDS):
            self.repeats.who_lacks(Post((), str(number)), [])
        self.assertEqual(self.comes("a"), [[]])


class WaitingTests(RepeatsTestCase):
    def test_until_all_is_known(self) -> None:
        """Of each capture; whoever waits may give up."""
        cats, dogs = Capture(Deferred(), job_id=1), Capture(Deferred(), job_id=2)
        waiting = self.repeats.begin([cats, dogs], 0)
        cats.ids.callback(["a"])
        self.assertNoResult(waiting)
        dogs.ids.callback([])
        self.successResultOf(waiting)
        self.assertEqual(self.comes("a", 1, 2), [[2]])
        given_up = self.repeats.begin([Capture(Deferred()), Capture(Deferred())], 0)
        given_up.cancel()
        self.failureResultOf(given_up)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OverTheStreamTests(SharedStreamTestCase):
    """The last posts come again over the next connection."""

    def setUp(self) -> None:
        super().setUp()
        self.stream(1, 2)
        self.says(1, 1, 2)
        self.says(2, 1)
        self.says(3, 2)

    def says(self, number: int, *jobs: int) -> None:
        """A post comes that these jobs' rules match."""
        self.peer.says(post(number, *(self.rule(job) for job in jobs)))

    def again(self, name: str) -> list[int]:
        """How many posts came again, line by line."""
        return [line["posts"] for line in self.disk.account(name, "delivered_again")]

    def test_after_a_reconnect(self) -> None:
        """Each capture has each post once; one that has not had it gets it."""
        self.peer.closes()
        self.goes(1)
        self.peer.answers()
        for number in range(1, 5):
            self.says(number, 1, 2)
        self.assertEqual(self.disk.stored("cats"), [1, 2, 3, 4])
        self.assertEqual(self.disk.stored("dogs"), [1, 3, 2, 4])
        self.peer.closes()
        self.assertEqual((self.again("cats"), self.again("dogs")), ([2], [2]))

    def test_after_a_reconnect_and_a_file_that_was_replaced(self) -> None:
        """What the file in its place has, which the next start counts, is not stored again."""
        [path] = (self.base / "cats").glob("*.tmp")
        draft = path.with_name("draft")
        draft.write_bytes(path.read_bytes().replace(b'"x"', b'"y"'))
        draft.rename(path)
        self.says(4, 1)
        self.peer.closes()
        self.goes(1)
        self.peer.answers()
        for number in range(1, 6):
            self.says(number, 1)
        self.assertEqual(sorted(self.disk.stored("cats")), [1, 2, 3, 4, 5])
        self.peer.closes()
        self.assertEqual(self.again("cats"), [3])
        self.restart()
        self.stream(1)
        self.assertEqual(self.sessions[1].archive.tally.posts, 5)

    def test_after_a_restart(self) -> None:
        """The same."""
        self.restart()
        self.stream(1, 2)
        for number in range(1, 5):
            self.says(number, 1, 2)
        self.assertEqual(self.disk.stored("cats"), [1, 2, 3, 4])
        self.halt(1)
        self.assertEqual((self.again("cats"), self.again("dogs")), ([2], []))
        self.peer.closes()
        self.assertEqual(self.again("dogs"), [2])

    def test_one_that_is_started_later(self) -> None:
        """It is compared with its own posts, while posts may come again."""
        self.restart()
        self.stream(1)
        self.run_job(2, "dogs")
        self.says(1, 1, 2)
        self.says(3, 1, 2)
        self.assertEqual(self.disk.stored("cats"), [1, 2, 3])
        self.assertEqual(self.disk.stored("dogs"), [1, 3])
