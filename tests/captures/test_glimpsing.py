"""The newest posts are shown while somebody looks, and nothing is read when nobody does."""

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.glimpsing import GLANCE, MINUTE, ShownPosts
from tcclient.control.reports import LOOKING, Glimpses
from tcclient.push.messages import LookMessage
from tcsandbox.server.restapi import ApiAnswer
from tests.captures.test_atonce import PushWorld


class ShownPostsTests(SynchronousTestCase):
    def test_a_slow_capture(self) -> None:
        """Each post is shown once it is there; five in a minute."""
        shown = ShownPosts(LOOKING)
        for second in range(5):
            newest = [b"%d" % n for n in range(max(0, second - 4), second + 1)]
            self.assertTrue(shown.is_due(second + 1, second))
            self.assertTrue(shown.take(newest, second + 1, second))
            shown.told(second)
            self.assertFalse(shown.is_due(second + 1, second + 1))
        self.assertEqual(shown.posts, [b"0", b"1", b"2", b"3", b"4"])
        self.assertFalse(shown.take([b"4", b"5"], 6, 10))
        self.assertEqual(shown.posts[-1], b"4")
        self.assertTrue(shown.is_due(6, 59), "it is shown once there is room")
        self.assertTrue(shown.take([b"4", b"5"], 6, MINUTE))
        self.assertEqual(shown.posts, [b"1", b"2", b"3", b"4", b"5"])

    def test_a_fast_capture(self) -> None:
        """The newest five, and five others a minute later."""
        shown = ShownPosts(LOOKING)
        self.assertTrue(shown.take([b"1", b"2", b"3", b"4", b"5"], 900, 0.0))
        shown.told(0.0)
        for now in range(5, 60, 5):
            self.assertFalse(shown.take([b"%d" % (now * 10 + n) for n in range(5)], 900 + now, now))
        self.assertTrue(shown.take([b"6", b"7", b"8", b"9", b"10"], 2000, MINUTE))
        self.assertEqual(shown.posts, [b"6", b"7", b"8", b"9", b"10"])

    def test_what_the_server_may_have_lost(self) -> None:
        """It is told again when it is known, and each minute; nothing where there is nothing."""
        shown = ShownPosts(LOOKING)
        self.assertFalse(shown.take([], 0, 0.0))
        self.assertTrue(shown.take([b"1"], 1, 1.0))
        self.assertTrue(shown.is_due(1, 2.0), "nobody has said that the server has it")
        shown.told(2.0)
        self.assertFalse(shown.is_due(1, 3.0))
        self.assertTrue(shown.is_due(1, 2.0 + MINUTE))
        shown.forget()
        self.assertTrue(shown.take([b"1"], 1, 4.0))


class GlimpsingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = PushWorld(self)
        self.line = self.world.line

    def texts(self) -> list[list[str]]:
        """What was shown so far, each time that something was."""
        return [[post["text"] for post in told["posts"]] for told in self.line.glimpses]

    def test_nobody_looks(self) -> None:
        """Nothing is shown."""
        self.world.begin()
        self.world.posts(3)
        self.world.lives(120)
        self.assertEqual(self.texts(), [])

    def test_by_the_channel(self) -> None:
        """The newest ones come at once, what comes later soon, until nobody looks any more."""
        self.world.begin()
        self.world.posts(2)
        self.world.goes(1)
        self.world.peer.line.says(LookMessage(1))
        self.world.goes(1)
        [two] = self.texts()
        self.assertEqual(len(two), 2)
        self.assertEqual(self.line.glimpses[0]["job"], 1)
        self.world.posts(1)
        self.world.goes(GLANCE + 1)
        self.assertEqual([len(one) for one in self.texts()], [2, 3])
        self.world.lives(LOOKING + 2 * GLANCE)
        shown = len(self.texts())
        self.world.posts(2)
        self.world.lives(120)
        self.assertEqual(len(self.texts()), shown)

    def test_of_a_job_that_is_not_here(self) -> None:
        """A server may be wrong, or late."""
        self.world.begin()
        self.world.peer.line.says(LookMessage(99))
        self.world.lives(60)
        self.assertEqual(self.texts(), [])

    def test_by_polls(self) -> None:
        """A list of jobs says it too; it is shown by REST, and again after a failure."""
        self.line.fails["glimpses/"] = ApiAnswer(503, b"{}")
        self.world.begin()
        self.world.peer.line.closes(4004)
        self.world.posts(2)
        self.line.looks = [1]
        self.world.lives(20)
        self.assertEqual(self.texts(), [])
        self.line.fails.clear()
        self.world.lives(60)
        self.assertEqual(self.texts()[0], self.texts()[-1])
        self.assertEqual(len(self.texts()[0]), 2)

    def test_what_is_shown(self) -> None:
        """Text, author and time, as both ends have them."""
        self.world.begin()
        self.world.posts(1)
        self.world.goes(1)
        self.world.peer.line.says(LookMessage(1))
        self.world.goes(1)
        told = msgspec.convert(self.line.glimpses[0], Glimpses)
        self.assertEqual((told.posts[0].text, told.posts[0].author), ("about cats", "@me"))
