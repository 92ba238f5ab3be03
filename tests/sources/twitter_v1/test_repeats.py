"""Posts of v1.1 that come again over the next connection, or to the next process."""

import json

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.again import WINDOW
from tcclient.sources.twitter_v1.postids import TWEET_IDS, tweet_id
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.postids import id_or_none
from tests.captures.test_session import SessionTestCase, a_post
from tests.storage.disk import SlowDisk
from tests.storefolders import anew


class RepeatsTestCase(SessionTestCase):
    """A capture that has stored five posts."""

    def setUp(self) -> None:
        super().setUp()
        self.stream()
        self.says(*range(1, 6))

    def says(self, *numbers: int) -> None:
        """These posts come."""
        self.peer.says(b"".join(map(a_post, numbers)))

    def reconnect(self, wait: float = 1.0) -> None:
        """The connection is lost, and there is another one."""
        self.peer.closes()
        self.clock.advance(wait)
        self.peer.answers()

    def restart(self) -> None:
        """The process ends, and another one goes on with the capture."""
        self.halt()
        self.session.retire()
        self.begin()
        self.stream()

    def stored(self) -> list[int]:
        """The numbers of the posts on disk, after a stop."""
        self.halt()
        return [int(json.loads(line)["id_str"]) for line in self.finished()]

    def again(self) -> list[int]:
        """How many posts came again, line by line."""
        return [line["posts"] for line in self.of_kind("delivered_again")]


class ReconnectTests(RepeatsTestCase):
    def test_stored_once(self) -> None:
        """And counted once; the ledger says how many came again when the connection has ended."""
        self.reconnect()
        self.says(4, 5, 6)
        self.says(3, 7)
        assert self.session.archive is not None
        self.assertEqual(self.session.archive.tally.total, 7)
        self.assertEqual(self.again(), [])
        self.reconnect()
        self.assertEqual(self.again(), [3])
        self.says(7, 8)
        self.assertEqual(self.stored(), [*range(1, 9)])
        self.assertEqual(self.again(), [3, 1])

    def test_said_when_no_more_can_come(self) -> None:
        """Not only when the connection has ended, which may be in weeks."""
        self.reconnect()
        self.says(5)
        for _ in range(2):
            self.clock.advance(WINDOW / 2)
            self.peer.says(b"\r\n")
        self.says(6)
        self.assertEqual(self.again(), [1])

    def test_for_a_while(self) -> None:
        """From the first byte on."""
        self.reconnect(60)
        self.peer.says(b"\r\n")
        self.clock.advance(WINDOW - 0.1)
        self.says(4)
        self.clock.advance(0.1)
        self.says(5)
        self.assertEqual(self.stored(), [1, 2, 3, 4, 5, 5])

    def test_the_id_decides(self) -> None:
        """Of the same post with other numbers in it the first one stays."""
        self.reconnect()
        post = json.loads(a_post(5))
        self.peer.says(json.dumps({**post, "favorite_count": 7}).encode() + b"\r\n")
        self.assertEqual((self.stored(), self.again()), ([1, 2, 3, 4, 5], [1]))

    def test_over_one_connection(self) -> None:
        """What it brings twice is stored twice: it is no repetition of what was stored before."""
        self.says(6, 6)
        self.reconnect()
        self.says(7, 7, 6)
        self.assertEqual(self.stored(), [*range(1, 6), 6, 6, 7, 7])

    def test_run_together(self) -> None:
        """A post that has come before, in a line with one that has not."""
        self.reconnect()
        self.peer.says(a_post(5).strip() + a_post(6))
        self.assertEqual((self.stored(), self.again()), ([1, 2, 3, 4, 5, 6], [1]))


class RestartTests(RepeatsTestCase):
    def test_stored_once(self) -> None:
        """What is in finished files is known to the next process."""
        self.restart()
        self.says(3, 4, 5, 6)
        self.assertEqual((self.stored(), self.again()), ([*range(1, 7)], [3]))

    def test_nothing_is_stored(self) -> None:
        """A capture that begins remembers nothing: what comes twice is stored twice."""
        self.halt()
        self.session.retire()
        self.folders = anew(self.folders, base_dir=self.base.with_name("new"))
        self.base = self.folders.base_dir
        self.begin()
        self.stream()
        self.says(1, 1)
        self.assertEqual(self.stored(), [1, 1])


class KeptTests(RepeatsTestCase):
    keeps = True

    def test_all_are_stored(self) -> None:
        """And counted; the ledger says how many came again, and that they were kept."""
        self.reconnect()
        self.says(4, 5, 6)
        self.assertEqual(self.stored(), [1, 2, 3, 4, 5, 4, 5, 6])
        (line,) = self.of_kind("delivered_again")
        self.assertEqual((line["posts"], line["kept"]), (2, True))


class TweetIdTests(SynchronousTestCase):
    """Where a post has its id."""

    def test_both_ways(self) -> None:
        """The line's own, wherever it stands; the shorter way finds the same."""
        user = b',"text":"","user":{"id_str":"5"}}'
        table: tuple[tuple[bytes, str | None], ...] = (
            (b'{"user":{"id_str":"5"},"id_str":"1","text":""}', "1"),
            (b'{"created_at":"Sun Nov 01","id":12,"id_str":"12"' + user, "12"),
            (b'{"created_at":"Sun Nov 01","id":12' + user, None),
            (b'{"created_at":"a\\"","id":12,"id_str":"12"' + user, "12"),
            (b'{"id_str":"2","text":"\\ud83d","user":{}}', "2"),
            (b'{"id_str":3}', None),
            (b'{"delete":{"status":{"id_str":"4"}}}', None),
            (b"[1]", None),
            (b"\xff", None),
            (b"nonsense", None),
        )
        for line, found in table:
            self.assertEqual(id_or_none(TWEET_IDS, line), found, line)
            self.assertEqual(tweet_id(line), found, line)


class SlowReadingTests(SessionTestCase):
    """The disk takes its time to tell which posts are stored."""

    def setUp(self) -> None:
        self.slow = SlowDisk()
        self.use = DiskUse(ids=TWEET_IDS, threads=self.slow)
        super().setUp()

    def _end(self) -> None:
        self.slow.answers = True
        self.slow.do_all()
        super()._end()

    def test_the_answer_is_there_meanwhile(self) -> None:
        """A gap ends with the answer, and the keywords are in force: what came since is read."""
        self.run_job()
        self.clock.advance(1.0)
        self.peer.answers()
        self.clock.advance(2.0)
        self.slow.do_all()
        self.peer.says(a_post(1))
        [gap], [in_force] = self.of_kind("gap"), self.of_kind("keywords_in_force")
        self.assertEqual((gap["cause"], gap["seconds"]), ("start", 1.0))
        self.assertEqual(in_force["since"], gap["end"])
