"""The client's core at work: what it makes of the server's jobs, over sockets and by the clock."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from msgspec import structs
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.logger import LogEvent, LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcclient.captures import attempts
from tcclient.captures.attempts import GOODBYE
from tcclient.control.client import ControlServer, JobList
from tcclient.control.exchange import TIMEOUT
from tcclient.control.jobs import Job
from tcclient.runtime.timers import GRID
from tcclient.runtime.turns import FewAtOnce
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v1.feed import V1Feed, V1Source
from tcclient.storage.ending import LAST_TRY
from tcclient.storage.folders import Folders
from tcclient.storage.healthmark import last_facts
from tcclient.storage.index import INDEX
from tcsandbox.server import quirks
from tcsandbox.server.exchange import Seen
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.restapi import ApiAnswer
from tcsandbox.twitter.common import damage, faults
from tests.captures.test_session import a_post
from tests.marks import Need, needs
from tests.peers import upstream
from tests.scene import Clockwork, Scene, reactor, until
from tests.storage.disk import full
from tests.storefolders import anew

CREATED, STARTING, STARTED, STOPPING, STOPPED = range(1, 6)
CATS = "cats, dogs"


def warnings(logs: list[dict[str, Any]], word: str) -> list[str]:
    """What was said at warning level or above with this in it."""
    said = [str(e["log_format"]).format(**e) for e in logs if e["log_level"] >= LogLevel.warn]
    return [text for text in said if word in text]


def said(events: list[LogEvent]) -> str:
    """All that was logged, before it is formatted."""
    return " ".join(event["log_format"] or "" for event in events)


def waits(events: list[LogEvent]) -> list[str]:
    """For what captures wait whose disk is in trouble, as the log says it."""
    return [
        event["what"] for event in events if "ends when the disk" in (event["log_format"] or "")
    ]


@needs(Need.SECONDS)
class LifeTests(TestCase):
    """Start, stop and what is between, over sockets."""

    timeout = 60

    async def check_sums(self, scene: Scene, base: int = 0, name: str = "cats") -> None:
        """Lines on the disk = sum of the counts = growth of the server's total."""
        lines = scene.disk.ids(name)
        self.assertGreater(len(lines), 0)
        self.assertEqual(len(set(lines)), len(lines))
        await until(lambda: scene.told() == len(lines))
        self.assertEqual(scene.row().total_count, base + len(lines))

    async def test_a_whole_life(self) -> None:
        """Started, captured, reported, stopped: whatever the server's framing and generation."""
        for changes in (
            {"framing": "chunked"},
            {"framing": "close", "keywords_member": "twitter_keywords"},
            {"framing": "http10", "without_activejobs_detail": 404},
            {"without_activejobs_detail": 405, "database": "mysql"},
        ):
            scene = Scene(self, rate=200)
            scene.server.quirk(**changes)
            scene.store.create("cats", CATS)
            scene.row().total_count = 500
            scene.start()
            await scene.status(STARTED)
            self.assertEqual(scene.streams[0]["track"], ["cats", "dogs"])
            await scene.posts(40)
            await until(lambda scene=scene: scene.store.updates[1])
            scene.store.stop(1)
            await scene.status(STOPPED)
            self.assertEqual((scene.streams, scene.disk.unfinished()), ([], []))
            await self.check_sums(scene, 500)
            self.assertEqual(scene.row().keywords, CATS)

    async def test_stop_and_start_in_quick_succession(self) -> None:
        """No click is erased, and no post is counted twice."""
        scene = Scene(self, rate=400)
        scene.store.create("cats", CATS)
        scene.start()
        for _ in range(5):
            await scene.status(STARTED)
            await scene.posts(20)
            scene.store.stop(1)
            scene.store.start(1)
            self.assertEqual(scene.row().status, STARTING)
            await scene.status(STARTED)
            scene.store.stop(1)
            await scene.polls(1)
            await scene.between_answers()
            scene.store.start(1)
        await scene.status(STARTED)
        scene.store.start(1)
        scene.store.stop(1)
        await scene.status(STOPPED)
        await self.check_sums(scene)

    async def test_restart(self) -> None:
        """The status stays, the files are finished, the next client goes on counting."""
        scene = Scene(self, rate=200)
        scene.store.create("cats", CATS)
        scene.start()
        for _ in range(3):
            await scene.status(STARTED)
            await scene.posts(30)
            await scene.stop()
            self.assertEqual(scene.row().status, STARTED)
            await self.check_sums(scene)
            scene.start()
        scene.store.stop(1)
        await scene.status(STOPPED)
        await self.check_sums(scene)

    async def test_crash(self) -> None:
        """What it left is finished, and counted once."""
        scene = Scene(self, rate=200)
        scene.store.create("cats", CATS)
        scene.row().total_count = 70
        scene.start()
        for _ in range(2):
            await until(lambda: scene.streams)
            await scene.posts(30)
            await scene.crash()
            left = len(scene.disk.ids("cats"))
            self.assertEqual(len(scene.disk.unfinished()), 1)
            scene.start()
            await until(lambda left=left: len(scene.disk.ids("cats")) > left)
        scene.store.stop(1)
        await scene.status(STOPPED)
        await self.check_sums(scene, 70)

    async def test_a_crash_with_the_answer_to_an_update_under_way(self) -> None:
        """Whether the server had stored it is found out."""
        for processed in (True, False):
            scene = Scene(self, rate=200)
            scene.store.create("cats", CATS)
            scene.start()
            await until(lambda scene=scene: scene.told() > 0)
            scene.server.fault(quirks.Silent(method="POST", processed=processed))
            await until(
                lambda scene=scene: [s for s in scene.server.requests() if s.fault == "silence"]
            )
            await scene.crash()
            scene.start()
            await scene.posts(20)
            scene.store.stop(1)
            await scene.status(STOPPED)
            await self.check_sums(scene)

    async def test_keyword_change(self) -> None:
        """A new stream with the new terms, and nothing lost or counted twice."""
        scene = Scene(self, rate=200)
        scene.store.create("cats", CATS)
        scene.start()
        await scene.status(STARTED)
        await scene.posts(20)
        scene.store.rekey(1, "mice")
        await until(lambda: [stream["track"] for stream in scene.streams] == [["mice"]])
        await scene.posts(20)
        scene.store.stop(1)
        await scene.status(STOPPED)
        await self.check_sums(scene)

    async def test_no_keywords(self) -> None:
        """The sample stream, as ever."""
        scene = Scene(self, rate=200)
        scene.store.create("cats", None)
        scene.start()
        await scene.posts(5)
        self.assertEqual(scene.streams[0]["endpoint"], "sample")

    async def test_the_end_of_a_job(self) -> None:
        """Archived, marked as deleted, reassigned, and really gone: the stream ends."""
        ends: tuple[Callable[[Scene], object], ...] = (
            lambda scene: scene.store.archive(1),
            lambda scene: scene.store.mark_deleted(1, 1000),
            lambda scene: scene.store.reassign(1, 7),
            lambda scene: scene.store.delete(1),
        )
        for end in ends:
            scene = Scene(self, rate=200)
            row = scene.store.create("cats", CATS)
            scene.start()
            await scene.status(STARTED)
            await scene.posts(20)
            end(scene)
            status = row.status
            await until(lambda scene=scene: not (scene.streams or scene.disk.unfinished()))
            await scene.polls()
            self.assertEqual(row.status, status)
            if 1 in scene.store.jobs:
                await until(lambda scene=scene: scene.told() == len(scene.disk.ids("cats")))

    async def test_refused_by_twitter(self) -> None:
        """STARTED is not said; a stop is answered at once, not at the end of the wait."""
        scene = Scene(self)
        scene.store.create("cats", CATS)
        scene.twitter.fault(faults.HttpStatusFault(status=401))
        scene.start()
        await until(lambda: scene.twitter.state()["connects"])
        await scene.polls(3)
        self.assertEqual(scene.row().status, STARTING)
        scene.store.stop(1)
        await scene.status(STOPPED)

    async def test_never_answered_by_twitter(self) -> None:
        """The same while connecting."""
        scene = Scene(self)
        scene.store.create("cats", CATS)
        scene.twitter.fault(faults.NoAnswer())
        scene.start()
        await until(lambda: scene.twitter.state()["connects"])
        scene.store.stop(1)
        await scene.status(STOPPED)

    async def test_a_silent_stream(self) -> None:
        """Nothing comes, and all that is asked takes effect."""
        scene = Scene(self, rate=200)
        scene.store.create("cats", CATS)
        scene.start()
        await scene.status(STARTED)
        scene.twitter.fault(damage.Stall())
        scene.store.rekey(1, "mice")
        await until(lambda: [stream["track"] for stream in scene.streams] == [["mice"]])
        scene.twitter.fault(damage.Stall())
        pinged = scene.row().ping_date
        await until(lambda: scene.row().ping_date != pinged)
        scene.store.stop(1)
        await scene.status(STOPPED)

    async def test_two_clients_and_one_folder(self) -> None:
        """The second says so and writes nothing; when the first has ended, it takes over."""
        scene = Scene(self, rate=200)
        scene.store.create("cats", CATS)
        scene.start()
        await scene.posts(10)
        first = scene.client
        assert first is not None
        scene.client = None
        with capturedLogs() as logs:
            scene.start()
            await scene.polls(6)
        self.assertEqual(len(warnings(logs, "Another client captures")), 1)
        self.assertEqual(len(scene.twitter.state()["connects"]), 1)
        await first.stopService()
        await scene.posts(10)
        scene.store.stop(1)
        await scene.status(STOPPED)
        await self.check_sums(scene)


@needs(Need.SECONDS)
class BadServerTests(TestCase):
    """A server that fails in every way: capturing goes on, and the log says it once."""

    timeout = 60

    async def test_failing(self) -> None:
        """Every request, for some polls; afterwards the sums are exact."""
        scene = Scene(self, rate=300)
        scene.store.create("cats", CATS)
        scene.start()
        await scene.status(STARTED)
        answers = (
            quirks.Answered(times=None),
            quirks.Answered(status=502, body="<html>Bad gateway</html>", times=None),
            quirks.Answered(status=200, body="<html>Welcome to the hotel</html>", times=None),
            quirks.Answered(status=200, json=[1, "two", None], times=None),
            quirks.Answered(status=200, json={"count": "many", "results": {}}, times=None),
            quirks.Answered(status=200, json={"count": 1, "results": [{"id": "1"}]}, times=None),
            quirks.Answered(status=403, json={"detail": "Invalid token."}, times=None),
            quirks.Answered(status=500, processed=True, times=None),
            quirks.Redirected(location="http://127.0.0.1:1/", times=None),
            quirks.Closed(times=None),
            quirks.Cut(times=None),
            quirks.Incomplete(members=["status"], times=None),
            quirks.Incomplete(members=["keywords", "total_count"], times=None),
        )
        for fault in answers:
            scene.server.fault(fault)
            with capturedLogs() as logs:
                await scene.polls(4)
                await scene.posts(10)
            said = warnings(logs, "")
            self.assertEqual(sorted(said), sorted(set(said)), f"{fault}")
            self.assertGreater(len(said), 0, f"{fault}")
            self.assertEqual(len(scene.streams), 1, f"{fault}")
            scene.server.clear_faults()
            await scene.polls(2)
        self.assertEqual(len(scene.twitter.state()["connects"]), 1)
        scene.store.stop(1)
        await scene.status(STOPPED)
        await until(lambda: scene.told() == len(scene.disk.ids("cats")))
        self.assertEqual(scene.row().total_count, scene.told())

    def suffered(self, scene: Scene, fault: str) -> list[Seen]:
        """The requests to which that happened."""
        return [seen for seen in scene.server.requests() if seen.fault == fault]

    async def test_silent_slow_and_down(self) -> None:
        """Answers that never come, come byte by byte, and a port where nothing listens."""
        scene = Scene(self, rate=300)
        scene.store.create("cats", CATS)
        scene.start()
        await until(lambda: scene.told() > 0)
        for fault in (quirks.Silent(times=None), quirks.Dripped(seconds=0.5, times=None)):
            scene.server.fault(fault)
            await until(lambda fault=fault: self.suffered(scene, quirks.kind(fault)))
            await scene.posts(20)
            scene.server.clear_faults()
            await scene.server.hang_up()
            await scene.polls()
        await scene.server_goes()
        with capturedLogs() as logs:
            await scene.posts(150)
        self.assertLessEqual(len(warnings(logs, "")), 3)
        await scene.server_comes()
        await scene.polls()
        self.assertEqual(len(scene.twitter.state()["connects"]), 1)
        scene.store.stop(1)
        await scene.status(STOPPED)
        await until(lambda: scene.told() == len(scene.disk.ids("cats")))

    async def test_down_at_the_start(self) -> None:
        """The client waits for it."""
        scene = Scene(self, rate=300)
        scene.store.create("cats", CATS)
        await scene.server_goes()
        with capturedLogs() as logs:
            scene.start()
            await until(lambda: warnings(logs, "nothing listens there"))
        await scene.server_comes()
        await scene.status(STARTED)


@needs(Need.SECONDS)
class EndOverSocketsTests(TestCase):
    """SIGTERM with real requests under way: nothing of them is left."""

    timeout = 60

    async def test_a_hanging_list(self) -> None:
        """It is not waited for."""
        scene = Scene(self)
        scene.server.fault(quirks.Silent(times=None))
        scene.start()
        await until(scene.server.requests)
        begun = reactor.seconds()
        await scene.stop()
        self.assertLess(reactor.seconds() - begun, GOODBYE)

    async def test_a_hanging_report(self) -> None:
        """It is waited for, but not until its own time is over."""
        self.patch(attempts, "GOODBYE", 1.0)
        scene = Scene(self, rate=200)
        scene.store.create("cats", CATS)
        scene.start()
        await scene.status(STARTED)
        await scene.posts(10)
        scene.server.fault(quirks.Silent(times=None))
        begun = reactor.seconds()
        await scene.stop()
        waited = reactor.seconds() - begun
        self.assertGreaterEqual(waited, attempts.GOODBYE - GRID)
        self.assertLess(waited, TIMEOUT)
        self.assertEqual(scene.row().status, STARTED)


class ClockTestCase(SynchronousTestCase):
    """The same in memory: polls come at 0, 10, 20 .. s."""

    def setUp(self) -> None:
        self.world = Clockwork(self)

    def capture(self, keywords: str | None = CATS, name: str = "cats") -> Clockwork:
        """A client that has found its job and is connected."""
        world = self.world
        self.row = world.store.create(name, keywords)
        world.start()
        world.connect()
        world.settle()
        self.assertEqual(self.row.status, STARTED)
        return world


class PromptTests(ClockTestCase):
    """On a silent stream everything takes effect with the next poll."""

    def test_stop(self) -> None:
        """The file is finished, and 5 is answered."""
        world = self.capture()
        world.posts(3)
        world.goes(9)
        world.store.stop(1)
        world.goes(1)
        self.assertEqual((self.row.status, world.source.peer.hung_up), (STOPPED, True))
        self.assertEqual(world.disk.unfinished(), [])

    def test_keyword_change(self) -> None:
        """The new terms are asked for."""
        world = self.capture()
        world.goes(9)
        world.store.rekey(1, "mice")
        world.goes(1)
        self.assertEqual(world.source.peer.query.track, ("mice",))

    def test_the_same_terms_in_another_order(self) -> None:
        """The stream stays."""
        world = self.capture()
        world.store.rekey(1, "dogs,cats")
        world.goes(10)
        self.assertEqual(len(world.source.peers), 1)

    def test_archive(self) -> None:
        """The stream ends."""
        world = self.capture()
        world.goes(9)
        world.store.archive(1)
        world.goes(1)
        self.assertTrue(world.source.peer.hung_up)

    def test_start(self) -> None:
        """A job that appears, and the same one after a stop."""
        world = self.world
        world.start()
        row = world.store.create("cats", CATS)
        for _ in range(2):
            world.goes(10)
            world.connect()
            world.settle()
            self.assertEqual(row.status, STARTED)
            world.store.stop(1)
            world.goes(10)
            self.assertEqual(row.status, STOPPED)
            world.store.start(1)


class StoppingTests(ClockTestCase):
    """A 4 where nothing runs is answered with 5 at once."""

    def test_just_started(self) -> None:
        """With and without a folder from before."""
        world = self.world
        row = world.store.create("cats", CATS, STOPPING)
        world.start()
        self.assertEqual((row.status, world.source.peers), (STOPPED, []))
        self.assertFalse((world.disk.base / "cats").exists())

    def test_just_started_after_a_crash(self) -> None:
        """What the crash left is finished and reported first."""
        world = self.capture()
        world.posts(5)
        world.crash()
        world.store.stop(1)
        world.start()
        self.assertEqual((self.row.status, self.row.total_count, world.told()), (STOPPED, 5, 5))
        self.assertEqual((len(world.disk.finished("cats")), len(world.source.peers)), (1, 1))

    def test_just_started_and_captured_elsewhere(self) -> None:
        """The last report adds what was never told to what others have counted meanwhile."""
        world = self.capture()
        world.posts(5)
        world.crash()
        self.row.total_count = 300
        world.store.stop(1)
        world.start()
        self.assertEqual((self.row.status, self.row.total_count), (STOPPED, 305))

    def test_connecting(self) -> None:
        """Twitter has not answered yet."""
        world = self.world
        row = world.store.create("cats", CATS)
        world.start()
        world.goes(5)
        world.store.stop(1)
        world.goes(5)
        self.assertEqual((row.status, world.source.peer.cancelled), (STOPPED, True))

    def test_refused(self) -> None:
        """In the middle of the wait that Twitter imposed."""
        world = self.world
        row = world.store.create("cats", CATS)
        world.start()
        world.source.peer.refuses(420)
        world.goes(10)
        self.assertEqual(row.status, STARTING)
        world.store.stop(1)
        world.goes(10)
        self.assertEqual(row.status, STOPPED)

    def test_nothing_to_track(self) -> None:
        """None of the terms can be used: said at warning level, never the sample stream."""
        world = self.world
        with capturedLogs() as logs:
            row = world.store.create("cats", "geo: 1 2 3, " + "x" * 61)
            world.start()
            world.goes(30)
        self.assertEqual((row.status, world.source.peers), (STARTING, []))
        self.assertEqual(len(warnings(logs, "none of its keywords")), 1)
        world.store.stop(1)
        world.goes(10)
        self.assertEqual(row.status, STOPPED)

    def test_no_place_on_the_disk(self) -> None:
        """A name that is no folder: said once, and the stop is answered."""
        world = self.world
        with capturedLogs() as logs:
            row = world.store.create("..", CATS)
            world.start()
            world.goes(30)
        self.assertEqual(len(warnings(logs, "cannot be stored")), 1)
        self.assertEqual((row.status, world.source.peers), (STARTING, []))
        world.store.stop(1)
        world.goes(10)
        self.assertEqual(row.status, STOPPED)

    def test_a_job_that_never_had_its_turn(self) -> None:
        """Another one runs."""
        world = self.capture()
        second = world.store.create("mice", "mice")
        world.goes(10)
        world.store.stop(2)
        world.goes(10)
        self.assertEqual((second.status, self.row.status), (STOPPED, STARTED))
        self.assertFalse(world.source.peer.hung_up)


class BaseTests(ClockTestCase):
    """The server's total = a base + the posts in the files."""

    def test_the_server_counts_more(self) -> None:
        """Others captured for this job: the base rises, and the account says so."""
        world = self.capture()
        world.posts(5)
        world.goes(10)
        self.row.total_count = 205
        world.posts(2)
        with capturedLogs() as logs:
            world.goes(10)
        self.assertEqual(self.row.total_count, 205)
        self.assertEqual(len(warnings(logs, "captured elsewhere")), 1)
        [line] = world.disk.ledger("cats", "base")
        self.assertEqual((line["raised_by"], line["account"]["base"]), (198, 198))
        world.posts(1)
        world.goes(20)
        self.assertEqual((self.row.total_count, world.told()), (206, 8))

    def test_while_this_client_was_away(self) -> None:
        """Seen before the first report could lower it."""
        world = self.capture()
        world.posts(5)
        world.stop()
        world.settle()
        self.row.total_count = 100
        world.start()
        world.settle()
        self.assertEqual(self.row.total_count, 100)
        world.connect()
        world.posts(1)
        world.goes(10)
        self.assertEqual(self.row.total_count, 101)

    def test_the_server_counts_less(self) -> None:
        """Ours stands."""
        world = self.capture()
        world.posts(5)
        world.goes(10)
        for less in (0, None):
            self.row.total_count = less
            world.goes(10)
            self.assertEqual(self.row.total_count, 5)
        self.assertEqual(world.disk.ledger("cats", "base"), [])

    def test_another_job_in_the_same_folder(self) -> None:
        """Totals belong to the job, not to the name of its folder."""
        world = self.capture()
        world.posts(5)
        world.goes(10)
        world.store.delete(1)
        world.goes(10)
        self.row = world.store.create("cats", CATS)
        self.row.total_count = 1000
        world.goes(10)
        world.connect()
        world.posts(2)
        world.goes(30)
        self.assertEqual((self.row.total_count, world.told(2)), (1002, 2))
        self.assertEqual(len(world.disk.ids("cats")), 7)

    def test_renamed_while_it_runs(self) -> None:
        """The stream stays, the folder changes, the numbers go on."""
        world = self.capture()
        world.posts(5)
        world.goes(10)
        world.store.write(1, {"name": "mice"})
        world.goes(10)
        world.posts(2)
        world.goes(30)
        self.assertEqual((self.row.total_count, world.told()), (7, 7))
        self.assertEqual((len(world.disk.ids("cats")), len(world.disk.ids("mice"))), (5, 2))
        self.assertEqual(len(world.source.peers), 1)

    def test_renamed_while_this_client_is_down(self) -> None:
        """Also after a crash."""
        for crash in (False, True):
            self.world = Clockwork(self)
            world = self.capture()
            world.posts(5)
            if crash:
                world.crash()
            else:
                world.stop()
                world.settle()
            world.store.write(1, {"name": "mice"})
            world.start()
            world.connect()
            world.posts(2)
            world.goes(60)
            self.assertEqual((self.row.total_count, world.told()), (7, 7))
            self.assertEqual((len(world.disk.ids("cats")), len(world.disk.ids("mice"))), (5, 2))

    def test_renamed_to_what_cannot_be_used(self) -> None:
        """It goes on where it was, in one file, and says so once."""
        world = self.capture()
        holder = world.folders().open(self.held_job())
        self.addCleanup(holder.close)
        for name in ("mice", "../up"):
            world.store.write(1, {"name": name})
            with capturedLogs() as logs:
                for _ in range(4):
                    world.posts(1)
                    world.goes(10)
            self.assertEqual(len(warnings(logs, "cannot be stored")), 1, name)
        self.assertEqual(self.row.total_count, 8)
        self.assertEqual((len(world.disk.unfinished()), world.disk.finished("cats")), (1, []))

    def held_job(self) -> Job:
        """Another client's, that has the folder `mice`."""
        return Job(99, "mice", STARTED, None, 0, 2, False, None)


class Wrong(ControlServer):
    """It has a mistake in it."""

    def __init__(self, right: ControlServer) -> None:
        vars(self).update(vars(right))
        self.wrong = True

    async def active_jobs(self) -> JobList:
        """Raise what nobody expects, as long as it is wrong."""
        if self.wrong:
            raise ZeroDivisionError
        return await super().active_jobs()


class ListTests(ClockTestCase):
    """What the list of jobs says, and does not say."""

    def test_missing_but_not_confirmed(self) -> None:
        """Only a JSON 404 of the job itself means that it is gone."""
        self.world = Clockwork(self, update=300.0)
        world = self.capture()
        for status, body in ((500, b"<h1>"), (404, b"<h1>No</h1>"), (403, b"{}"), (200, b"")):
            world.line.hold("GET", "activejobs/")
            world.goes(10)
            world.line.held.pop().answer_otherwise(
                200, b'{"count": 0, "next": null, "previous": null, "results": []}'
            )
            world.settle()
            [asked] = world.line.held
            self.assertEqual(asked.path, "activejobs/1/")
            world.line.held.clear()
            asked.answer_otherwise(status, body)
            world.settle()
            world.line.release()
            world.posts(1)
            self.assertFalse(world.source.peer.hung_up, f"{status}")
        world.goes(10)
        self.assertEqual((self.row.total_count, self.row.status), (4, STARTED))

    def test_missing_and_there_all_the_same(self) -> None:
        """A list that is behind does no harm, and what the job itself says counts."""
        world = self.capture()
        world.line.hold("GET", "activejobs/?")
        world.goes(10)
        world.store.stop(1)
        world.line.held.pop().answer_otherwise(200, b'{"count": 0, "results": []}')
        world.settle()
        self.assertEqual(self.row.status, STOPPED)
        world.line.release()

    def test_a_job_that_cannot_be_read(self) -> None:
        """Said once; the one that runs goes on, and so do the others."""
        world = self.capture()
        with capturedLogs() as logs:
            for _ in range(3):
                world.line.hold("GET", "activejobs/?")
                world.goes(10)
                listing = world.line.held.pop()
                listing.answer_otherwise(200, b'{"count": 1, "results": [{"id": 1, "name": 5}]}')
                world.line.release()
        self.assertEqual(len(warnings(logs, "cannot be read")), 1)
        self.assertFalse(world.source.peer.hung_up)

    def test_half_a_character(self) -> None:
        """In a name or keywords it keeps no other job from running, nor health from being told."""
        world, line = self.world, self.world.line
        work = line.work

        def spoilt(asked: ApiRequest) -> ApiAnswer:
            answer = work(asked)
            return attrs.evolve(answer, body=answer.body.replace(b"HALF", b"\\ud800"))

        self.patch(line, "work", spoilt)
        world.store.create("HALF", CATS)
        self.capture("cats, HALF")
        for _ in range(2):
            world.goes(10)
            marked = last_facts(world.disk.base)
            assert marked is not None and marked.facts is not None
            self.assertEqual({one.name for one in marked.facts.captures}, {"?", "cats"})
            world.restart()
        self.assertEqual(self.row.status, STARTED)

    def test_several_pages(self) -> None:
        """The job that runs is the last of more than the server gives at once."""
        world = self.world
        for number in range(1001):
            world.store.create(f"old {number}", CATS, CREATED)
        row = world.store.create("cats", CATS)
        world.start()
        world.connect()
        world.settle()
        self.assertEqual(row.status, STARTED)

    def test_several_jobs_are_to_run(self) -> None:
        """The one with the lowest id does; one warning names the others."""
        world = self.world
        rows = [world.store.create(name, name) for name in ("cats", "dogs", "mice")]
        with capturedLogs() as logs:
            world.start()
            world.connect()
            world.goes(40)
        [said] = warnings(logs, "Several jobs")
        self.assertIn("'cats' (1) is captured, not 'dogs' (2), 'mice' (3)", said)
        self.assertEqual([row.status for row in rows], [STARTED, STARTING, STARTING])
        self.assertEqual(len(world.source.peers), 1)

    def file_called(self, name: str) -> Path:
        """A file of somebody's where a capture's folder should be."""
        self.world.disk.base.mkdir(parents=True, exist_ok=True)
        path = self.world.disk.base / name
        path.write_text("x")
        return path

    def test_one_that_cannot_be_stored(self) -> None:
        """The next one runs; nothing untrue is said, and each thing once."""
        world = self.world
        rows = [world.store.create(name, name) for name in ("..", "cats", "mice")]
        with capturedLogs() as logs:
            world.start()
            world.connect()
            world.goes(40)
        self.assertEqual([row.status for row in rows], [STARTING, STARTED, STARTING])
        self.assertEqual(len(warnings(logs, "cannot be stored")), 1)
        [said] = warnings(logs, "Several jobs")
        self.assertIn("'cats' (2) is captured, not 'mice' (3)", said)
        world.store.stop(1)
        world.goes(10)
        self.assertEqual(rows[0].status, STOPPED)

    def test_one_that_can_be_stored_later(self) -> None:
        """It does not interrupt the one that runs, and has its turn when that is stopped."""
        world = self.world
        in_the_way = self.file_called("cats")
        rows = [world.store.create(name, name) for name in ("cats", "dogs")]
        world.start()
        world.connect()
        world.goes(10)
        in_the_way.unlink()
        world.goes(30)
        self.assertEqual([peer.query.track for peer in world.source.peers], [("dogs",)])
        world.store.stop(2)
        world.goes(20)
        self.assertEqual(world.source.peers[-1].query.track, ("cats",))
        world.connect()
        world.settle()
        self.assertEqual([row.status for row in rows], [STARTED, STOPPED])

    def test_an_older_one_that_cannot_be_stored_is_started(self) -> None:
        """The one that runs is not interrupted for it; with another name it takes over."""
        world = self.world
        older = world.store.create("..", "cats", CREATED)
        world.store.create("dogs", "dogs")
        world.start()
        world.connect()
        world.goes(10)
        world.store.start(1)
        world.goes(30)
        [dogs] = world.source.peers
        self.assertFalse(dogs.hung_up)
        older.name = "cats"
        world.goes(20)
        self.assertEqual(world.source.peers[-1].query.track, ("cats",))

    def test_none_can_be_stored(self) -> None:
        """Each is tried with each poll, and said once."""
        world = self.world
        for name in ("dogs", "mice"):
            world.store.create(name, name)
        self.file_called("dogs")
        in_the_way = self.file_called("mice")
        with capturedLogs() as logs:
            world.start()
            world.goes(40)
        self.assertEqual(len(warnings(logs, "cannot be stored")), 2)
        self.assertNotIn("nothing to capture", said(logs))
        in_the_way.unlink()
        world.goes(10)
        [mice] = world.source.peers
        self.assertEqual(mice.query.track, ("mice",))

    def test_the_next_one_has_its_turn(self) -> None:
        """When the first is stopped; never two streams at once."""
        world = self.world
        rows = [world.store.create(name, name) for name in ("cats", "dogs")]
        world.start()
        world.connect()
        world.goes(10)
        world.store.stop(1)
        world.goes(20)
        first, second = world.source.peers
        self.assertEqual((first.hung_up, second.query.track), (True, ("dogs",)))
        world.connect()
        world.settle()
        self.assertEqual([row.status for row in rows], [STOPPED, STARTED])

    def test_an_older_one_is_started(self) -> None:
        """It takes over; the status of the other is nobody's question, and stays."""
        world = self.world
        world.store.create("cats", "cats", CREATED)
        newer = world.store.create("dogs", "dogs")
        world.start()
        world.connect()
        world.posts(3)
        world.goes(10)
        world.store.start(1)
        world.goes(20)
        self.assertEqual([peer.query.track for peer in world.source.peers], [("dogs",), ("cats",)])
        self.assertEqual((newer.status, newer.total_count), (STARTED, 3))
        world.connect()
        world.settle()
        self.assertEqual(world.row(1).status, STARTED)

    def test_another_number_than_in_the_settings(self) -> None:
        """One warning."""
        self.world = Clockwork(self)
        self.world.store.reassign(self.world.store.create("cats", CATS, CREATED).id, 5)
        self.world.store.users[5].token, self.world.store.users[1].token = (
            self.world.store.users[1].token,
            None,
        )
        self.world.store.start(1)
        with capturedLogs() as logs:
            self.world.start()
            self.world.connect()
            self.world.goes(40)
        self.assertEqual(len(warnings(logs, "knows this client as 5, the settings as 1")), 1)

    def test_nothing_to_do(self) -> None:
        """A client without a job says so once, and writes nothing."""
        with capturedLogs() as logs:
            self.world.start()
            self.world.goes(60)
        said = [event for event in logs if "nothing to capture" in event["log_format"]]
        self.assertEqual((len(said), self.world.writes()), (1, []))

    def test_an_error_of_our_own(self) -> None:
        """It is in the log, once, and the next poll comes."""
        world = self.world
        server = Wrong(world.control())
        world.control = lambda: server
        world.start()
        row = world.store.create("cats", CATS)
        world.goes(20)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        server.wrong = False
        world.goes(10)
        world.connect()
        world.settle()
        self.assertEqual(row.status, STARTED)


class EndTests(ClockTestCase):
    """SIGTERM."""

    def test_the_status_stays(self) -> None:
        """Files finished, last report and update sent, nothing else written."""
        world = self.capture()
        world.posts(5)
        world.goes(5)
        before = len(world.line.seen)
        stopped = world.stop()
        world.settle()
        self.successResultOf(stopped)
        writes = [r.path for r in world.line.seen[before:] if r.method != "GET"]
        self.assertEqual(writes, ["activejobs/1/", "update/"])
        self.assertEqual((self.row.total_count, self.row.status, world.told()), (5, STARTED, 5))
        self.assertEqual(len(world.disk.finished("cats")), 1)

    def test_a_server_that_hangs(self) -> None:
        """At whatever it hangs: it is waited for GOODBYE, and no timer is left."""
        for method, path in (("PATCH", ""), ("POST", ""), ("GET", ""), ("", "")):
            self.world = Clockwork(self)
            world = self.capture()
            world.posts(5)
            world.line.hold(method, path)
            world.goes(9.5)
            stopped = world.stop()
            world.goes(GOODBYE - 1)
            self.assertNoResult(stopped)
            self.assertEqual(world.disk.unfinished(), [])
            world.goes(2)
            self.successResultOf(stopped)
            self.assertEqual(world.clock.getDelayedCalls(), [])

    def test_a_server_that_hangs_for_long(self) -> None:
        """Reports and updates are under way already when the signal comes."""
        world = self.capture()
        world.line.hold("")
        world.goes(65)
        stopped = world.stop()
        world.goes(GOODBYE + 1)
        self.successResultOf(stopped)
        self.assertEqual(world.clock.getDelayedCalls(), [])

    def test_while_it_polls(self) -> None:
        """The list that comes too late starts nothing, and nothing waits for it."""
        world = self.world
        world.store.create("cats", CATS)
        world.line.hold("GET")
        with capturedLogs() as logs:
            world.start()
            stopped = world.stop()
            world.settle()
            self.successResultOf(stopped)
        self.assertEqual(world.clock.getDelayedCalls(), [])
        world.line.release()
        self.assertEqual((world.source.peers, warnings(logs, "")), ([], []))

    def test_while_a_job_is_looked_for(self) -> None:
        """The same for a job that was missing."""
        world = self.capture()
        world.store.archive(1)
        world.line.hold("GET", "activejobs/1/")
        world.goes(10)
        stopped = world.stop()
        world.goes(GOODBYE + 1)
        self.successResultOf(stopped)
        self.assertEqual(world.clock.getDelayedCalls(), [])

    def test_while_a_stop_is_answered(self) -> None:
        """Neither 5 nor the posts get lost: the next client finds both."""
        world = self.capture()
        world.posts(5)
        world.store.stop(1)
        world.line.hold("PATCH")
        world.goes(10)
        stopped = world.stop()
        for held in world.line.held:
            held.fail(ConnectionLost())
        world.line.held.clear()
        world.goes(GOODBYE)
        world.line.release()
        self.successResultOf(stopped)
        self.assertEqual(self.row.status, STOPPING)
        world.start()
        world.settle()
        self.assertEqual((self.row.status, self.row.total_count, world.told()), (STOPPED, 5, 5))

    def test_a_disk_that_takes_nothing_more(self) -> None:
        """What is in no file by then is lost, and the ledger says how many posts that are."""
        world = self.capture()
        world.posts(5)
        tmp = world.disk.unfinished()[0]
        with full(tmp), capturedLogs() as events:
            world.posts(2)
            stopped = world.stop()
            world.goes(LAST_TRY + 0.5)
            self.successResultOf(stopped)
        self.assertIn("{n} captures are left to the next start", said(events))
        self.assertEqual(waits(events), ["the 2 posts that wait"])
        self.assertEqual([line["posts"] for line in world.disk.ledger("cats", "not_stored")], [2])
        world.start()
        world.goes(3600, step=60)
        self.assertEqual((world.disk.unfinished(), len(world.disk.ids("cats"))), ([], 5))

    def test_a_disk_that_cannot_finish_a_file(self) -> None:
        """Everything has an end: recovery does the rest at the next start."""
        world = self.capture()
        world.posts(5)
        folder, moved = world.disk.base / "cats", world.disk.base / "moved"
        folder.rename(moved)
        folder.write_text("in the way")
        with capturedLogs() as events:
            stopped = world.stop()
            world.goes(LAST_TRY + 0.5)
            self.successResultOf(stopped)
        self.assertIn("{n} captures are left to the next start", said(events))
        self.assertEqual(waits(events), ["its last file"])
        folder.unlink()
        moved.rename(folder)
        world.start()
        world.goes(3600, step=60)
        self.assertEqual((world.disk.unfinished(), len(world.disk.ids("cats"))), ([], 5))


class QueueingClockwork(Clockwork):
    """A client whose captures are finished one after the other, once `finishing` has a turn."""

    finishing = FewAtOnce(1)

    def folders(self) -> Folders:
        """Return the folders that the client stores posts in."""
        folders = super().folders()
        return anew(folders, use=structs.replace(folders.use, finishing=self.finishing))


class SlowEndTests(SynchronousTestCase):
    """SIGTERM, and the disk takes all, but has so many files to finish that time runs out."""

    def test_nobody_is_to_blame(self) -> None:
        """One line says how many files the next start finishes; no error."""
        world = QueueingClockwork(self)
        world.start()
        world.store.create("cats", CATS)
        world.goes(10)
        world.connect()
        world.posts(2)
        with capturedLogs() as events:
            self.end_in_a_queue(world)
        self.assertEqual(
            warnings(events, ""),
            [
                "tcc has stopped; all posts are stored, and 1 captures are left to the next "
                "start, which finishes their files."
            ],
        )
        world.start()
        world.goes(3600, step=60)
        self.assertEqual((world.disk.unfinished(), len(world.disk.ids("cats"))), ([], 2))

    def end_in_a_queue(self, world: QueueingClockwork) -> None:
        """End the client while something else is being finished, for longer than it waits."""
        others: Deferred[None] = Deferred()

        async def finish() -> None:
            async with world.finishing.ordinary():
                await others

        finishing = Deferred.fromCoroutine(finish())
        stopped = world.stop()
        world.goes(LAST_TRY + 0.5)
        others.callback(None)
        world.settle()
        self.successResultOf(finishing)
        self.successResultOf(stopped)


class BrokenFeed(V1Feed):
    """A feed that ends its streams, and fails then."""

    async def cease(self) -> None:
        """End all streams, and raise RuntimeError."""
        await super().cease()
        raise RuntimeError("cease")

    def stopService(self) -> Deferred[None]:
        """Fail with RuntimeError."""
        return fail(RuntimeError("stopService"))


class BrokenSource(V1Source):
    """Runs all jobs, of which the first has a feed that fails when it ends."""

    most_captures = None

    def feed_for(self, job_id: int, subscriber: Subscriber) -> V1Feed:
        """Return the feed of a job."""
        return (BrokenFeed if job_id == 1 else V1Feed)(self, subscriber)


class BrokenClockwork(Clockwork):
    """A client with such a source."""

    def posts_source(self) -> V1Source:
        """Return what a new client has its posts from."""
        return BrokenSource(upstream(self.source, self.clock))


class BrokenEndTests(SynchronousTestCase):
    """SIGTERM, and one of two captures fails at its end."""

    def test_the_rest_is_done_all_the_same(self) -> None:
        """Both have their files finished, their ends noted, and the last reports sent."""
        world = BrokenClockwork(self)
        for name in ("cats", "dogs"):
            world.store.create(name, name)
        world.start()
        for peer in world.source.peers:
            peer.answers()
        for peer in world.source.peers:
            peer.says(a_post(1) + a_post(2))
        stopped = world.stop()
        world.goes(GOODBYE + 1)
        self.successResultOf(stopped)
        self.assertEqual(
            [str(error.value) for error in self.flushLoggedErrors(RuntimeError)],
            ["cease", "stopService"],
        )
        for job, name in enumerate(("cats", "dogs"), 1):
            self.assertEqual(world.disk.posts(name), (a_post(1) + a_post(2)).splitlines())
            self.assertEqual(len(world.disk.finished(name)), 1)
            (end,) = world.disk.ledger(name, "capture_stop")
            self.assertEqual(end["because"], "left")
            self.assertEqual(len(world.disk.ledger(name, "capture_close")), 1)
            self.assertEqual((world.row(job).total_count, world.told(job)), (2, 2))
        self.assertEqual(world.clock.getDelayedCalls(), [])
        index = (world.disk.base / INDEX).read_text().splitlines()
        self.assertEqual(json.loads(index[-1])["kind"], "client_stop")
