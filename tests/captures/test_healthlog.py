"""What the log says of a running client's health, in each situation that the client can be in."""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.healthlog import LOOK
from tcclient.control.client import JobList
from tcclient.health.judgement import CLOCK, LEAST_FREE, PATIENCE, QUIET
from tcclient.health.liveliness import LEAST_OF_A_DAY
from tcclient.runtime.ownprocess import OwnProcess
from tcclient.runtime.threads import in_place
from tcclient.storage.folders import Folders
from tests.scene import Clockwork
from tests.storage.disk import full

STARTED, STOPPING = 3, 4
KEEP_ALIVE = 10.0
PLENTY = 1 << 50


class Unkept(Folders):
    """Where it cannot be kept which server this is."""

    def meet(self, listing: JobList) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


class World(Clockwork):
    """With a disk of which `free` bytes are free, or that does not answer where `is_hung`."""

    free = PLENTY
    kept = 0
    is_hung = False
    is_unkept = False
    asked = 0
    log_missing = 0
    status = ""

    def process(self) -> OwnProcess:
        return OwnProcess(lambda: self.log_missing, self._tell)

    def _tell(self, status: str) -> None:
        self.status = status

    def folders(self) -> Folders:
        folders = super().folders()
        use = structs.replace(
            folders.use, free=self._free, min_free_bytes=self.kept, threads=self._threads
        )
        kind = Unkept if self.is_unkept else Folders
        return kind(
            folders.base_dir, folders.naming, folders.server, self.clock, folders.wall, use=use
        )

    def _free(self, _: Path) -> int:
        return self.free

    def _threads(self, act: Callable[[], object]) -> Deferred[object]:
        is_look = isinstance(act, partial) and self._free in act.args
        self.asked += is_look
        return Deferred() if self.is_hung and is_look else in_place(act)

    def lives(self, seconds: float, rate: int = 0) -> None:
        """Let time pass while the stream brings so many posts a second, and keep-alives."""
        for second in range(round(seconds)):
            if rate:
                self.posts(rate)
            elif second % KEEP_ALIVE == 0:
                self.source.peer.says(b"\r\n")
            self.clock.advance(0)
            self.clock.advance(1.0)
        self.settle()


class HealthLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = World(self)
        self.world.store.create("cats", "cats, dogs")
        events = capturedLogs()
        self.events: list[LogEvent] = events.__enter__()
        self.addCleanup(events.__exit__, None, None, None)

    def begin(self) -> None:
        """A client that captures."""
        self.world.start()
        self.world.connect()
        self.world.lives(100, rate=1)

    def lines(self) -> list[str]:
        """What has been said of health."""
        return [formatEvent(event) for event in self.said()]

    def said(self) -> list[LogEvent]:
        return [one for one in self.events if str(one["log_format"]).startswith("Health: ")]

    def only(self, level: LogLevel, *words: str) -> None:
        """One line has been said, and has these words."""
        [line] = self.lines()
        for word in words:
            self.assertIn(word, line)
        self.assertEqual(self.said()[0]["log_level"], level)

    def ends(self) -> None:
        """It is ok again, which makes a second line."""
        self.world.lives(PATIENCE + 2 * LOOK, rate=1)
        self.assertEqual(len(self.lines()), 2)
        self.assertRegex(self.lines()[1], r"^Health: ok again, after \d.*\.$")
        self.assertEqual(self.said()[1]["log_level"], LogLevel.info)

    def test_all_is_well(self) -> None:
        """Nothing is said, nor as the client ends."""
        self.begin()
        self.world.lives(300, rate=1)
        self.world.restart()
        self.world.connect()
        self.world.lives(300, rate=1)
        self.assertEqual(self.lines(), [])

    def test_whoever_supervises_it(self) -> None:
        """Is told by each look, in the line of tcc-health."""
        self.begin()
        told = "TCC OK - Posts of 1 capture come and are stored. | captures=1 streaming=1 "
        self.assertEqual(self.world.status, f"{told}disk_free={PLENTY}B")
        self.world.kept = self.world.free = 0
        self.world.lives(2 * LOOK, rate=1)
        self.assertIn("TCC WARNING - 0 bytes are left on the disk", self.world.status)

    def test_lines_that_the_log_lacks(self) -> None:
        """Said when they have been missing for a minute, and not for what is said at once."""
        self.begin()
        self.world.log_missing = 3
        self.world.lives(PATIENCE / 2, rate=1)
        self.world.log_missing = 0
        self.world.lives(2 * PATIENCE, rate=1)
        self.assertEqual(self.lines(), [])
        self.world.log_missing = 3
        self.world.lives(PATIENCE + 2 * LOOK, rate=1)
        self.only(LogLevel.warn, "degraded since 2", "3 lines found no room on the way to the log.")
        self.world.log_missing = 0
        self.ends()

    def test_a_stream_that_falls_silent(self) -> None:
        """Fifty posts a second, then keep-alives: said once, and that it is over."""
        self.begin()
        self.world.lives(120, rate=50)
        self.world.lives(QUIET + PATIENCE - LOOK)
        self.assertEqual(self.lines(), [])
        self.world.lives(600)
        self.only(LogLevel.warn, "degraded since 2", "No post of 'cats' has come for 4 min")
        self.assertRegex(self.lines()[0], r"; \d\d\.\d came in a second before\. See whether")
        self.ends()

    def test_new_keywords(self) -> None:
        """Those that match less make no quiet stream."""
        self.begin()
        self.world.lives(120, rate=50)
        self.world.store.rekey(1, "axolotls")
        self.world.goes(20)
        self.world.connect()
        self.world.lives(900)
        self.assertEqual(self.lines(), [])

    def test_a_stream_that_is_made_again(self) -> None:
        """No line where that takes less than a minute; one when it takes longer."""
        self.begin()
        self.world.source.peer.closes()
        self.world.goes(PATIENCE - 2 * LOOK)
        self.world.connect()
        self.world.lives(300, rate=1)
        self.assertEqual(self.lines(), [])
        self.world.source.peer.closes()
        self.world.goes(PATIENCE + 2 * LOOK)
        self.only(LogLevel.error, "down since 2", "'cats' has had no stream for 1 min")
        self.world.connect()
        self.ends()

    def test_refused_credentials(self) -> None:
        """The line has the status, and where to correct it."""
        self.world.start()
        self.world.source.peer.refuses(401)
        self.world.goes(PATIENCE + 2 * LOOK)
        self.only(LogLevel.error, "the last attempt was refused (401", "twitter_auth")

    def test_a_disk_that_takes_nothing(self) -> None:
        """At once, and once."""
        self.begin()
        [tmp] = self.world.disk.unfinished()
        with full(tmp):
            self.world.lives(2 * LOOK, rate=1)
            self.world.goes(60)
        self.only(LogLevel.error, "down since 2", "The disk takes no posts of 'cats': No space")
        self.ends()

    def test_a_disk_that_is_nearly_full(self) -> None:
        """What is never used of it does not count."""
        self.world.free, self.world.kept = LEAST_FREE + 10**9 - 1, 10**9
        self.begin()
        self.only(LogLevel.warn, "degraded since 2", "1,073,741,823 bytes are left on the disk.")
        self.world.free += 1
        self.ends()

    def test_a_disk_that_is_full_in_days(self) -> None:
        """By what is written in a day, as soon as there is a rate of an hour."""
        self.world.free = LEAST_FREE
        self.begin()
        post = b'{"id":1,"id_str":"1","text":"%s","user":{"id":1}}\r\n' % (b"x" * 400_000)
        for _ in range(int(LEAST_OF_A_DAY / 60)):
            self.assertEqual(self.lines(), [])
            self.world.source.peer.says(post)
            self.world.goes(60, step=5)
        self.only(LogLevel.warn, "degraded since 2", "left on the disk, enough for 1 d 2")

    def test_a_disk_that_does_not_answer(self) -> None:
        """It is asked once, and everything else is judged all the same."""
        self.world.is_hung = True
        self.world.store.create("ants", "ants")
        self.begin()
        self.only(LogLevel.error, "'ants' is wanted and does not run")
        self.assertEqual(self.world.asked, 1)

    def test_a_server_that_is_away(self) -> None:
        """Not where it comes back within a minute."""
        self.begin()
        self.world.line.dead = True
        self.world.lives(PATIENCE / 2 - LOOK, rate=1)
        self.world.line.dead = False
        self.world.lives(2 * PATIENCE, rate=1)
        self.assertEqual(self.lines(), [])
        self.world.line.dead = True
        self.world.lives(PATIENCE + 3 * LOOK, rate=1)
        self.only(LogLevel.warn, "degraded since 2", "The capture server fails at ")
        self.world.line.dead = False
        self.ends()

    def test_a_clock_that_is_off(self) -> None:
        """By more than half a minute, by the server's answers."""
        self.behind(CLOCK)
        self.begin()
        self.assertEqual(self.lines(), [])
        self.behind(CLOCK + 2)
        self.world.lives(PATIENCE + 3 * LOOK, rate=1)
        self.only(LogLevel.warn, "degraded since 2", "ahead of that of the capture server")

    def behind(self, seconds: float) -> None:
        """So far behind is the server's clock."""
        self.world.line.behind = seconds

    def test_a_job_that_cannot_be_stored(self) -> None:
        """It is wanted and does not run: why is said when that has lasted."""
        self.world.store.create("ants", "ants")
        self.begin()
        self.only(
            LogLevel.error,
            "'ants' is wanted and does not run: the source has room for no more than 'cats'.",
        )
        self.world.store.stop(2)
        self.ends()

    def test_a_name_that_cannot_be_a_folder(self) -> None:
        """The reason is that of the log."""
        self.world.store.jobs.clear()
        self.world.store.create("a/b", "ants")
        self.world.start()
        self.world.goes(PATIENCE + 3 * LOOK)
        self.only(LogLevel.error, "'a/b' is wanted and does not run: The name 'a/b' cannot be")

    def test_a_server_of_which_nothing_can_be_kept(self) -> None:
        """Nothing is captured before it is known which one it is."""
        self.world.is_unkept = True
        self.world.start()
        self.world.goes(PATIENCE + 3 * LOOK)
        self.only(LogLevel.error, "'cats' is wanted and does not run: it has not begun")

    def test_keywords_that_cannot_be_used(self) -> None:
        """Some of them: a term is left out; all of them: it does not run."""
        self.world.store.rekey(1, f"cats, {'x' * 61}")
        self.world.store.jobs[1].status = STARTED
        self.begin()
        self.only(LogLevel.warn, "1 term of 'cats' cannot be asked for.")
        self.world.store.rekey(1, "x" * 61)
        self.world.goes(PATIENCE + 4 * LOOK)
        self.assertIn("does not run: none of its keywords can be used", self.lines()[-1])
