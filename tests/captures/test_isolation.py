"""What fails with one job does not concern the others, and is said once."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcclient.captures.capture import Capture
from tcclient.captures.isolation import Isolation
from tcclient.captures.session import Session
from tcclient.control.jobs import Job
from tcclient.runtime.turns import FewAtOnce
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v1.feed import V1Feed, V1Source
from tcclient.storage.folders import Folders
from tests.captures.test_session import a_post
from tests.e2e.processes import ROOT, python, start
from tests.marks import Need, needs
from tests.peers import upstream
from tests.scene import Clockwork

STARTED, STOPPING, STOPPED = range(3, 6)
NAMES = ("ants", "cats", "dogs")


def job(job_id: int, name: str = "cats") -> Job:
    return Job(job_id, name, STARTED, "cats", 100, 1, False, None)


class SayingTests(SynchronousTestCase):
    """Isolation."""

    def fail(self, isolation: Isolation, error: BaseException | None, job_id: int = 7) -> None:
        with isolation.of("closing", job(job_id)):
            if error is not None:
                raise error

    def said(self, *errors: BaseException | None) -> list[str]:
        """What is logged when one after the other happens."""
        isolation = Isolation()
        with capturedLogs() as events:
            for error in errors:
                self.fail(isolation, error)
        self.flushLoggedErrors()
        self.levels = [event["log_level"] for event in events]
        return [formatEvent(event) for event in events]

    def test_a_bug(self) -> None:
        """With its traceback, once, until it is another one or over."""
        bug = ZeroDivisionError("no")
        said = self.said(bug, ZeroDivisionError("no"), KeyError("x"), None, None, bug)
        self.assertEqual(
            self.levels, [LogLevel.critical, LogLevel.critical, LogLevel.info, LogLevel.critical]
        )
        self.assertIn("Job 'cats' (7) fails, closing. It is tried again", said[0])
        self.assertIn("Job 'cats' (7) does not fail any more: closing.", said[2])

    def test_an_error_of_the_system(self) -> None:
        """In a sentence, without a traceback."""
        said = self.said(OSError(5, "Input/output error", "/data"))
        self.assertEqual(self.levels, [LogLevel.error])
        self.assertIn("Job 'cats' (7) fails, closing: ", said[0])

    def test_an_end(self) -> None:
        """What is cancelled has not failed."""
        self.assertRaises(CancelledError, self.fail, Isolation(), CancelledError())

    def test_why_it_fails(self) -> None:
        """Is known as long as it does, of this act and job."""
        isolation = Isolation()
        with capturedLogs():
            self.fail(isolation, OSError(5, "no"))
            self.assertEqual(isolation.why("closing", 7), "OSError: [Errno 5] no")
            self.assertEqual(isolation.why("closing", 8), "")
            self.assertEqual(isolation.why("running", 7), "")
            self.fail(isolation, None)
        self.assertEqual(isolation.why("closing", 7), "")

    def test_jobs_that_are_no_more(self) -> None:
        """Nothing is kept of them."""
        isolation = Isolation()
        for job_id in (7, 8):
            self.fail(isolation, OSError(5, "no"), job_id)
        isolation.keep({8})
        with capturedLogs() as events:
            for job_id in (7, 8):
                self.fail(isolation, OSError(5, "no"), job_id)
        self.assertEqual(len(events), 1)


class NumberedFeed(V1Feed):
    """A feed that knows its job."""

    def __init__(self, source: V1Source, subscriber: Subscriber, job_id: int) -> None:
        super().__init__(source, subscriber)
        self.number = job_id


class ManyJobs(V1Source):
    """Runs all jobs."""

    most_captures = None

    def feed_for(self, job_id: int, subscriber: Subscriber) -> V1Feed:
        """Return the feed of a job."""
        return NumberedFeed(self, subscriber, job_id)


class ManyClockwork(Clockwork):
    """A client that runs all jobs."""

    def posts_source(self) -> V1Source:
        """Return what a new client has its posts from."""
        return ManyJobs(upstream(self.source, self.clock))


class PollTests(SynchronousTestCase):
    """Three jobs, of which the first fails in whatever is done with it."""

    def setUp(self) -> None:
        self.world = ManyClockwork(self)
        for name in NAMES:
            self.world.store.create(name, name)

    def breaks(self, owner: type, method: str, is_first: Callable[..., bool]) -> None:
        """From now on that method raises for the first job."""
        whole = getattr(owner, method)

        def broken(self: Any, *arguments: Any) -> Any:
            if is_first(self, *arguments):
                raise RuntimeError(method)
            return whole(self, *arguments)

        self.patch(owner, method, broken)

    def connect(self) -> None:
        """All streams open."""
        for peer in self.world.source.peers:
            if not peer.answer.called:
                peer.answers()
        self.world.settle()

    def logged(self, times: int = 1) -> None:
        """The failure was logged so often."""
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), times)

    def others_run(self) -> None:
        """They are started, and store what comes."""
        self.connect()
        self.assertEqual([self.world.row(j).status for j in (2, 3)], [STARTED] * 2)
        for number, peer in enumerate(self.world.source.peers[-2:], 1):
            peer.says(a_post(number))
        self.world.goes(30)
        self.assertEqual([self.world.row(j).total_count for j in (2, 3)], [1, 1])

    def test_opening(self) -> None:
        """A folder that cannot be opened, for a reason that nobody thought of."""
        self.breaks(Folders, "open", lambda folders, job, counters=None: job.id == 1)
        self.world.start()
        self.others_run()
        self.logged()

    def test_asking(self) -> None:
        """A feed that cannot ask: it is tried again, and runs when it can."""
        self.breaks(V1Feed, "ask", lambda feed, text: feed.number == 1 and text == "ants")
        self.world.start()
        self.others_run()
        self.logged()
        starts = self.world.disk.ledger("ants", "capture_start")
        self.assertEqual(len(starts), 1)
        self.world.store.rekey(1, "bees")
        self.world.goes(10)
        self.connect()
        self.assertEqual(self.world.row(1).status, STARTED)

    def test_editing(self) -> None:
        """New keywords for all, of which one feed fails at its."""
        self.world.start()
        self.connect()
        self.breaks(V1Feed, "ask", lambda feed, text: feed.number == 1)
        for number in (1, 2, 3):
            self.world.store.rekey(number, "mice")
        self.world.goes(10)
        asked = [self.world.disk.ledger(name, "keywords")[-1] for name in NAMES]
        self.assertEqual([line["after"] for line in asked], ["ants", "mice", "mice"])
        self.logged()

    def test_closing(self) -> None:
        """All are stopped; the others are finished, reported and answered."""
        self.world.start()
        self.connect()
        self.breaks(Session, "halt", lambda session, because: session._feed.number == 1)
        for number in (1, 2, 3):
            self.world.store.stop(number)
        self.world.goes(30)
        self.assertEqual([self.world.row(j).status for j in (2, 3)], [STOPPED] * 2)
        self.logged()

    def test_dropping(self) -> None:
        """What stops a job fails."""
        self.world.start()
        self.connect()
        self.breaks(Capture, "drop", lambda capture, job: job.id == 1)
        for number in (1, 2, 3):
            self.world.store.stop(number)
        self.world.goes(30)
        self.assertEqual([self.world.row(j).status for j in (2, 3)], [STOPPED] * 2)
        self.logged()

    def test_looking_for_it(self) -> None:
        """It is gone, and losing it fails; the others that are gone are let go."""
        self.world.start()
        self.connect()
        self.breaks(Capture, "lose", lambda capture: capture.job.id == 1)
        for number in (1, 2, 3):
            self.world.store.archive(number)
        self.world.goes(30)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        for name in ("cats", "dogs"):
            self.assertEqual(len(self.world.disk.ledger(name, "capture_close")), 1)

    def test_updating(self) -> None:
        """The others' histories go on."""
        self.world.start()
        self.breaks(Capture, "add_to_history", lambda capture: capture.job.id == 1)
        self.others_run()
        self.world.goes(60)
        self.assertEqual([self.world.told(j) for j in (1, 2, 3)], [0, 1, 1])
        self.logged()

    def test_leaving(self) -> None:
        """The others are finished and reported."""
        self.world.start()
        self.connect()
        for number, peer in enumerate(self.world.source.peers, 1):
            peer.says(a_post(number))
        whole = Capture.leave

        async def broken(capture: Capture, *turns: FewAtOnce) -> bool:
            in_time = await whole(capture, *turns)
            if capture.job.id == 1:
                raise RuntimeError("leave")
            return in_time

        self.patch(Capture, "leave", broken)
        self.world.stop()
        self.world.goes(30)
        self.assertEqual([self.world.told(j) for j in (2, 3)], [1, 1])
        self.logged()


OPENING = r"""
import sys
from pathlib import Path
from twisted.internet.task import Clock
from tcclient.control.jobs import Job
from tcclient.storage.folders import CannotStore, Folders
from tcclient.storage.slots import Naming

clock = Clock()
naming = Naming("", ".json", ".tmp", 60, "%Y%m%d_%H%M", True)
folders = Folders(Path("data").absolute(), naming, "http://here/", clock, clock.seconds)
try:
    folders.open(Job(1, "caf\u00e9", 3, "cats", None, 1, False, None))
except CannotStore as e:
    print(ascii(str(e)))
"""


@needs(Need.PROCESSES)
class EncodingTests(TestCase):
    """A file system whose names are in ASCII."""

    timeout = 60

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    async def test_a_name_that_it_cannot_hold(self) -> None:
        """The job cannot be stored, which is said in a sentence; nothing else is raised."""
        path = os.pathsep.join([str(ROOT), *sys.path])
        ascii_only = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
        process = start(self, self.folder, python("-c", OPENING), PYTHONPATH=path, **ascii_only)
        ended = await process.finished()
        self.assertIn("cannot be a folder: file names are in ascii here", ended.out, ended.err)
