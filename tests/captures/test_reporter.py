"""What the server is told, and when nothing may be written: the whole core against its rules."""

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.counters import MOST_TOTAL
from tests import DEPTH
from tests.scene import Clockwork

UNKNOWN, CREATED, STARTING, STARTED, STOPPING, STOPPED = range(6)
REPORT = {"total_count", "rate", "ping_date"}


class ReporterTestCase(SynchronousTestCase):
    """One job, captured by a client; polls come at 0, 10, 20 .. s, updates at 30, 60 .. s."""

    def setUp(self) -> None:
        self.world = Clockwork(self)

    def capture(self, keywords: str | None = "cats, dogs", **members: Any) -> Clockwork:
        """A client that has found the job and is connected."""
        world = self.world
        self.row = world.store.create("cats", keywords)
        for member, value in members.items():
            setattr(self.row, member, value)
        world.start()
        world.connect()
        world.settle()
        return world

    def resume(self) -> None:
        """A client starts where another one was."""
        self.world.start()
        self.world.connect()
        self.world.settle()


class FieldTests(ReporterTestCase):
    """The members that are written, and no others."""

    def test_a_report_and_a_status(self) -> None:
        """Three members of the job are reported, and the status is written alone."""
        world = self.capture()
        world.posts(7)
        world.goes(10)
        self.assertEqual((self.row.total_count, str(self.row.rate)), (7, "0.700"))
        self.assertEqual(self.row.ping_date, world.store._now())
        world.store.stop(1)
        world.goes(40)
        self.assertEqual(
            {frozenset(write) for write in world.writes()},
            {frozenset(REPORT), frozenset({"status"})},
        )
        self.assertEqual(
            {frozenset(write) for write in world.writes("POST")},
            {frozenset({"job", "count", "total_count", "rate"})},
        )
        self.assertEqual(world.writes("PUT") + world.writes("DELETE"), [])

    def test_the_rate_is_text_of_three_decimals_rounded_down(self) -> None:
        """Two posts in three polls: 0.2, then nothing; 20/30 in the update."""
        world = self.capture()
        world.goes(10)
        world.posts(20)
        world.goes(20)
        rates = [write["rate"] for write in world.writes() if "rate" in write]
        self.assertEqual(rates, [None, "0.000", "2.000", "0.000"])
        self.assertEqual([write["rate"] for write in world.writes("POST")], ["0.666"])

    def test_a_quiet_stream_is_reported_too(self) -> None:
        """The site tells dead from quiet by ping_date."""
        world = self.capture()
        dates = set()
        for _ in range(3):
            world.goes(10)
            dates.add(self.row.ping_date)
        self.assertEqual(len(dates), 3)

    def test_the_total_stays_within_what_the_server_can_hold(self) -> None:
        """32 signed bits."""
        world = self.capture(total_count=MOST_TOTAL - 2)
        world.posts(5)
        world.goes(30)
        self.assertEqual(self.row.total_count, MOST_TOTAL)
        self.assertEqual(world.writes("POST")[-1]["total_count"], MOST_TOTAL)
        self.assertEqual(world.told(), 5)


class FallbackTests(ReporterTestCase):
    """A server that has no activejobs/<id>/."""

    def test_keywords_go_along_as_they_are_stored(self) -> None:
        """Blanks included, as read in the same tick; nothing else does."""
        for missing in (404, 405):
            self.world = Clockwork(self)
            self.world.server.quirk(without_activejobs_detail=missing)
            with capturedLogs() as logs:
                world = self.capture(" cats ,dogs ")
                world.posts(3)
                world.goes(10)
                world.store.rekey(1, "cats,  mice")
                world.goes(10)
                world.store.stop(1)
                world.goes(10)
            self.assertEqual((self.row.status, self.row.total_count), (STOPPED, 3))
            self.assertEqual(self.row.keywords, "cats,  mice")
            written = [r.body or {} for r in world.line.seen if r.path == "jobs/1/" and r.body]
            self.assertEqual(written[0]["keywords"], " cats ,dogs ")
            self.assertEqual(
                {frozenset(write) for write in written},
                {frozenset({*REPORT, "keywords"}), frozenset({"status", "keywords"})},
            )
            said = [event for event in logs if "keywords as they were read" in str(event)]
            self.assertEqual(len(said), 1)

    def test_an_older_generation(self) -> None:
        """They go back under the name that they came by."""
        self.world.server.quirk(without_activejobs_detail=404, keywords_member="twitter_keywords")
        world = self.capture("cats,")
        world.posts(3)
        world.goes(10)
        self.assertEqual((self.row.status, self.row.total_count), (STARTED, 3))
        self.assertEqual(self.row.keywords, "cats,")

    def test_no_keywords_where_there_are_none(self) -> None:
        """The server would crash over them."""
        for missing in (404, 405):
            self.world = Clockwork(self)
            self.world.server.quirk(without_activejobs_detail=missing)
            world = self.capture(None)
            world.posts(3)
            world.goes(10)
            self.assertEqual((self.row.status, self.row.total_count), (STARTED, 3))
            self.assertEqual([w for w in world.writes() if "keywords" in w], [])

    def test_an_edit_just_before_the_end_is_kept(self) -> None:
        """The last report is made long after the last poll, and reads the keywords again."""
        self.world.server.quirk(without_activejobs_detail=404)
        world = self.capture("cats")
        world.goes(10)
        world.posts(2)
        world.goes(9)
        world.store.rekey(1, "mice")
        world.stop()
        world.settle()
        self.assertEqual((self.row.keywords, self.row.total_count), ("mice", 2))

    def test_a_job_of_another_client_is_not_answered(self) -> None:
        """There jobs/<id>/ shows and takes everything: whose job it is, its members say."""
        self.world.server.quirk(without_activejobs_detail=404)
        world = self.capture("cats")
        world.goes(10)
        world.line.hold("GET", "jobs/1/")
        world.store.stop(1)
        world.goes(10)
        world.store.reassign(1, 7)
        world.line.release()
        world.goes(10)
        self.assertEqual(self.row.status, STOPPING)


class GoneTests(ReporterTestCase):
    """Archived, deleted or reassigned: the capture ends, and only its history is written to."""

    def lose(self, how: Callable[[Clockwork], object], said: str, wait: float = 10) -> None:
        """That happens between two polls; nothing is written but one update, and it is said how."""
        with capturedLogs() as logs:
            self.lives(how, wait)
        told = [event["why"] for event in logs if "why" in event and event.get("id") == 1]
        self.assertEqual(told, [said])

    def lives(self, how: Callable[[Clockwork], object], wait: float) -> None:
        """A job is captured, and then that happens."""
        world = self.capture()
        world.posts(4)
        world.goes(10)
        world.posts(3)
        before = len(world.line.seen)
        how(world)
        world.goes(wait)
        later = [r for r in world.line.seen[before:] if r.method != "GET"]
        self.assertEqual([r.path for r in later], ["update/"])
        self.assertTrue(world.source.peer.hung_up)
        self.assertEqual(len(world.disk.finished("cats")), 1)
        self.assertEqual(len(world.disk.ids("cats")), 7)

    def test_archived(self) -> None:
        """Seen by a JSON 404, once the list lacks it."""
        self.lose(lambda world: world.store.archive(1), "is archived")
        self.assertEqual((self.row.status, self.row.total_count), (STOPPED, 4))
        self.assertEqual(self.world.told(), 7)

    def test_marked_as_deleted(self) -> None:
        """The list still has it."""
        self.lose(lambda world: world.store.mark_deleted(1, 1000), "is deleted")
        self.assertEqual((self.row.status, self.row.total_count), (STARTED, 4))
        self.assertEqual(self.world.told(), 7)

    def test_marked_as_deleted_while_stopping(self) -> None:
        """No status is answered either."""

        def both(world: Clockwork) -> None:
            world.store.stop(1)
            world.store.mark_deleted(1, 1000)

        self.lose(both, "is deleted")
        self.assertEqual(self.row.status, STOPPING)

    def test_reassigned(self) -> None:
        """Another client has it now."""
        self.lose(lambda world: world.store.reassign(1, 7), "was given to client 7")
        self.assertEqual((self.row.status, self.row.total_count), (STARTED, 4))
        self.assertEqual(self.world.told(), 7)

    def test_deleted(self) -> None:
        """The row is gone, and with it the history: the refusal is the end of it."""
        self.lose(lambda world: world.store.delete(1), "was deleted for good")
        self.world.goes(30)
        self.assertEqual(len(self.world.writes("POST")), 1)

    def test_gone_where_the_list_does_not_say_whose_a_job_is(self) -> None:
        """Without activejobs/<id>/ its members tell."""
        for how, said in (
            ("archive", "is archived"),
            ("reassign", "was given to client 7"),
            ("delete", "was deleted for good"),
        ):
            self.world = Clockwork(self)
            self.world.server.quirk(without_activejobs_detail=404)
            arguments = (1, 7) if how == "reassign" else (1,)
            self.lose(lambda world: getattr(world.store, how)(*arguments), said)  # noqa: B023

    def test_an_update_of_a_row_that_is_gone(self) -> None:
        """Seen by its refusal, before any poll: nothing was taken, and none is settled for it."""
        world = self.capture()
        world.posts(5)
        world.goes(35)
        settled = world.told()
        world.posts(4)
        world.line.hold("POST")
        world.goes(30)
        world.store.delete(1)
        world.line.release()
        world.settle()
        self.assertTrue(world.source.peer.hung_up)
        self.assertEqual(settled, 5)
        last = world.disk.ledger("cats", "capture_close")[-1]["account"]
        self.assertEqual((last["posts"], last["settled"]), (9, 5))

    def test_seen_by_a_write(self) -> None:
        """The list was read just before: the capture ends without waiting for the next one."""
        world = self.capture()
        world.posts(5)
        world.line.hold("PATCH")
        world.goes(10)
        world.store.archive(1)
        world.line.release()
        world.settle()
        self.assertTrue(world.source.peer.hung_up)
        self.assertEqual((world.told(), len(world.disk.finished("cats"))), (5, 1))

    def test_the_last_update_is_tried_again(self) -> None:
        """As long as the server fails at it."""
        world = self.capture()
        world.posts(5)
        world.line.hold("POST")
        world.store.archive(1)
        world.goes(10)
        world.line.held.pop().answer_otherwise(500)
        world.goes(10)
        self.assertEqual(world.told(), 0)
        world.line.release()
        world.goes(10)
        self.assertEqual(world.told(), 5)
        before = len(world.line.seen)
        world.goes(30)
        self.assertEqual([r for r in world.line.seen[before:] if r.method != "GET"], [])

    def test_back_again(self) -> None:
        """Taken out of the archive and started, it goes on where it was."""
        world = self.capture()
        world.posts(5)
        world.store.archive(1)
        world.goes(10)
        self.row.archived_date = None
        world.store.start(1)
        world.goes(10)
        world.connect()
        world.posts(2)
        world.goes(10)
        self.assertEqual((self.row.status, self.row.total_count), (STARTED, 7))


class StatusTests(ReporterTestCase):
    """3 is written over a 2, 5 over a 4, and over nothing else."""

    def statuses(self) -> list[int]:
        """Those that were written, in order."""
        return [write["status"] for write in self.world.writes() if "status" in write]

    def connect_unread(self) -> None:
        """The stream is open, and the answer to reading the job again is held back."""
        world = self.world
        self.row = world.store.create("cats", "cats")
        world.start()
        world.line.hold("GET", "activejobs/1/")
        world.connect()
        world.settle()

    def test_started_when_connected(self) -> None:
        """Not before, and without waiting for a post or a poll."""
        world = self.world
        self.row = world.store.create("cats", "cats")
        world.start()
        world.goes(30)
        self.assertEqual(self.row.status, STARTING)
        world.connect()
        world.settle()
        self.assertEqual(self.row.status, STARTED)

    def test_read_again_just_before(self) -> None:
        """The request before each status is the one that reads the job."""
        world = self.capture()
        world.goes(10)
        world.store.stop(1)
        world.goes(10)
        self.assertEqual(self.statuses(), [STARTED, STOPPED])
        for before, request in zip(world.line.seen, world.line.seen[1:], strict=False):
            if "status" in (request.body or {}):
                self.assertEqual((before.method, before.path), ("GET", "activejobs/1/"))

    def test_stop_while_it_is_read_again(self) -> None:
        """A click between the list and the second reading is not erased."""
        world = self.world
        self.connect_unread()
        world.store.stop(1)
        world.line.release()
        self.assertEqual(self.row.status, STOPPING)
        world.goes(10)
        self.assertEqual((self.row.status, self.statuses()), (STOPPED, [STOPPED]))

    def test_start_while_it_is_read_again(self) -> None:
        """The other way round: it runs again, with a stream of its own."""
        world = self.capture()
        world.store.stop(1)
        world.line.hold("GET", "activejobs/1/")
        world.goes(10)
        world.store.start(1)
        world.line.release()
        self.assertEqual(self.row.status, STARTING)
        world.goes(10)
        world.connect()
        world.settle()
        self.assertEqual((self.row.status, self.statuses()), (STARTED, [STARTED, STARTED]))

    def test_the_stream_ends_while_it_is_read_again(self) -> None:
        """STARTED is for a stream that is open."""
        world = self.world
        self.connect_unread()
        world.source.peer.closes()
        world.line.release()
        self.assertEqual(self.row.status, STARTING)
        world.goes(1)
        world.connect()
        world.settle()
        self.assertEqual(self.row.status, STARTED)

    def test_a_wish_repeated_while_it_runs(self) -> None:
        """A stale page of the site puts 2 over 3: it is answered at the next poll."""
        world = self.capture()
        world.goes(10)
        world.store.start(1)
        world.goes(10)
        self.assertEqual(self.row.status, STARTED)

    def test_other_statuses_stop_it_without_an_answer(self) -> None:
        """0, 1 and 5 are nobody's question."""
        for status in (UNKNOWN, CREATED, STOPPED):
            self.world = Clockwork(self)
            world = self.capture()
            world.posts(3)
            world.store.write(1, {"status": status})
            world.goes(20)
            self.assertTrue(world.source.peer.hung_up)
            self.assertEqual((self.row.status, self.statuses()), (status, [STARTED]))
            self.assertEqual((self.row.total_count, world.told()), (3, 3))

    def test_stopped_after_the_file_and_the_last_report(self) -> None:
        """When 5 is written the file has its name, and the server's total all posts."""
        world = self.capture()
        world.posts(5)
        world.store.stop(1)
        world.line.hold("PATCH")
        world.goes(10)
        self.assertEqual(len(world.disk.finished("cats")), 1)
        report = world.line.held.pop()
        self.assertEqual((report.body or {})["total_count"], 5)
        report.answer()
        world.settle()
        self.assertEqual([held.body for held in world.line.held], [{"status": STOPPED}])
        self.assertEqual(self.row.total_count, 5)

    def test_not_stopped_before_the_last_report_is_taken(self) -> None:
        """A server that fails at it is asked again at the next poll."""
        world = self.capture()
        world.posts(5)
        world.store.stop(1)
        world.line.hold("PATCH")
        world.goes(10)
        world.line.held.pop().answer_otherwise(500)
        world.settle()
        self.assertEqual(self.row.status, STOPPING)
        world.line.release()
        world.goes(10)
        self.assertEqual((self.row.status, self.row.total_count), (STOPPED, 5))

    def test_a_failing_history_does_not_hold_up_the_answer(self) -> None:
        """5 is written, and the update tried again."""
        world = self.capture()
        world.posts(5)
        world.store.stop(1)
        world.line.hold("POST")
        world.goes(10)
        world.line.held.pop().answer_otherwise(500)
        world.settle()
        self.assertEqual((self.row.status, world.told()), (STOPPED, 0))
        world.line.release()
        world.goes(10)
        self.assertEqual(world.told(), 5)

    def test_an_answer_that_was_lost(self) -> None:
        """The status was written, and nobody said so: it is not written over."""
        world = self.capture()
        world.store.stop(1)
        world.line.hold("PATCH")
        world.goes(10)
        world.line.held.pop().answer()
        world.settle()
        status = world.line.held.pop()
        status.work()
        status.fail(ConnectionLost())
        world.store.start(1)
        world.line.release()
        self.assertEqual(self.row.status, STARTING)
        world.goes(10)
        world.connect()
        world.settle()
        self.assertEqual(self.row.status, STARTED)

    def slow_stop(self) -> Any:
        """Stopped, and started again while the server is slow to take the last report."""
        self.world = Clockwork(self, ping=1)
        world = self.capture()
        world.posts(5)
        world.line.hold("PATCH")
        world.store.stop(1)
        world.goes(1)
        [report] = world.line.held
        world.store.start(1)
        world.goes(1)
        world.connect()
        world.posts(3)
        world.store.stop(1)
        world.line.held.clear()
        return report

    def test_the_answer_to_an_earlier_stop(self) -> None:
        """It was given back for a capture that runs again: 5 is not written below it."""
        report = self.slow_stop()
        report.answer()
        self.world.settle()
        self.assertNotIn({"status": STOPPED}, [held.body for held in self.world.line.held])
        self.assertTrue(self.world.disk.unfinished())
        self.world.line.release()
        self.world.goes(2)
        self.assertEqual((self.row.status, self.row.total_count), (STOPPED, 8))

    def test_the_answer_to_an_earlier_stop_during_the_next(self) -> None:
        """5 waits for the report of the second capture."""
        report = self.slow_stop()
        self.world.goes(1)
        report.answer()
        self.world.settle()
        [second] = self.world.line.held
        self.assertEqual((second.body or {})["total_count"], 8)
        self.world.line.release()
        self.world.goes(1)
        self.assertEqual((self.row.status, self.row.total_count), (STOPPED, 8))
        self.assertEqual(self.statuses(), [STARTED, STOPPED])


class SlowServerTests(ReporterTestCase):
    """A server that does not answer."""

    def test_no_queue_of_writes(self) -> None:
        """However long it is silent, what is caught up with is one report and one update."""
        self.world = Clockwork(self, ping=1, update=1)
        world = self.capture()
        world.line.hold("PATCH")
        world.line.hold("POST")
        world.goes(120)
        before = len(world.line.seen)
        world.line.release()
        world.settle()
        self.assertLess(len(world.line.seen) - before, 8)

    def test_a_slow_update_does_not_cost_a_report(self) -> None:
        """It comes after it, with the keywords as they are by then."""
        for missing in (None, 404):
            self.world = Clockwork(self)
            self.world.server.quirk(without_activejobs_detail=missing)
            world = self.capture("cats")
            world.line.hold("POST")
            world.goes(30)
            world.goes(5)
            world.posts(2)
            world.store.rekey(1, "mice")
            world.line.release()
            world.settle()
            self.assertEqual((self.row.ping_date, self.row.total_count), (world.store._now(), 2))
            self.assertEqual(self.row.keywords, "mice")

    def test_a_rename_while_an_update_is_under_way(self) -> None:
        """Its answer belongs to a folder that is closed by then: nothing is written there."""
        self.world = Clockwork(self, ping=1)
        world = self.capture()
        world.posts(5)
        world.line.hold("POST")
        world.goes(30)
        [update] = world.line.held
        world.store.write(1, {"name": "dogs"})
        world.goes(1)
        world.posts(2)
        closed = len(world.disk.ledger("cats"))
        with capturedLogs() as logs:
            update.answer()
        self.assertEqual([event for event in logs if event["log_level"] > LogLevel.info], [])
        world.line.release()
        world.goes(60)
        self.assertEqual((world.told(), self.row.total_count), (7, 7))
        self.assertEqual((len(world.disk.ids("cats")), len(world.disk.ids("dogs"))), (5, 2))
        self.assertEqual(len(world.disk.ledger("cats")), closed)


class CountTests(ReporterTestCase):
    """`count` over the life of a capture sums exactly to the posts on the disk."""

    def fault(self, act: Callable[[Any], object]) -> None:
        """That happens to the next update; five posts before it and three after."""
        world = self.capture(total_count=1000)
        world.posts(2)
        world.goes(30)
        world.posts(5)
        world.line.hold("POST")
        world.goes(30)
        act(world.line.held.pop())
        world.posts(3)
        world.line.release()

    def settled(self, expected: int = 10) -> None:
        """Once the server works again."""
        world = self.world
        world.goes(60)
        self.assertEqual(world.told(), expected)
        self.assertEqual(self.row.total_count, 1000 + expected)
        world.store.stop(1)
        world.goes(20)
        self.assertEqual((world.told(), self.row.status), (expected, STOPPED))
        self.assertEqual(self.row.total_count, 1000 + expected)
        self.assertEqual(len(world.disk.ids("cats")), expected)

    def faults(self) -> list[Callable[[Any], object]]:
        """Refused, refused by a crash, taken but unanswered, never taken."""

        def taken_unseen(update: Any) -> None:
            update.work()
            update.fail(ConnectionLost())

        return [
            lambda update: update.answer(),
            lambda update: update.answer_otherwise(400, b'{"job": ["No."]}'),
            lambda update: update.answer_otherwise(500),
            taken_unseen,
            lambda update: update.fail(ConnectionLost()),
        ]

    def test_once(self) -> None:
        """The next update makes up for it."""
        for act in self.faults():
            self.world = Clockwork(self)
            self.fault(act)
            self.settled()

    def test_and_a_restart(self) -> None:
        """The next client makes up for it."""
        for act in self.faults():
            self.world = Clockwork(self)
            self.fault(act)
            self.world.restart()
            self.world.connect()
            self.settled()

    def test_and_a_crash(self) -> None:
        """The next client knows from the folder and the server what there is to make up for."""
        for act in self.faults():
            self.world = Clockwork(self)
            self.fault(act)
            self.world.crash()
            self.resume()
            self.settled()

    def test_a_crash_with_the_answer_under_way(self) -> None:
        """Taken, or never arrived."""
        for arrives in (True, False):
            self.world = Clockwork(self)
            world = self.capture(total_count=1000)
            world.posts(5)
            world.line.hold("POST")
            world.goes(30)
            if arrives:
                world.line.held[0].work()
            world.posts(5)
            world.crash()
            world.line.release()
            self.resume()
            self.settled()

    def test_what_another_client_said_last(self) -> None:
        """Its update stands in the history when the job is given to us: none of ours is lost."""
        world = self.world
        row = world.store.create("cats", "cats")
        row.total_count = 1000
        world.store.add_update({"job": 1, "count": 50, "total_count": 1030, "rate": None})
        self.resume()
        world.posts(80)
        world.goes(60)
        self.assertEqual(world.told(), 50 + 80)

    def test_captured_elsewhere_in_between(self) -> None:
        """The other client's update is not taken for one of ours."""
        world = self.capture()
        world.posts(10)
        world.goes(30)
        stopped = world.stop()
        world.settle()
        self.successResultOf(stopped)
        world.goes(60)
        self.row.total_count = 90
        world.store.add_update({"job": 1, "count": 90, "total_count": 100, "rate": None})
        self.resume()
        world.posts(20)
        world.goes(60)
        self.assertEqual(world.told(), 10 + 90 + 20)

    def test_any_number_of_troubles(self) -> None:
        """Whatever happens in whatever order, the sums are exact in the end."""
        for seed in range(30 * DEPTH):
            self.world = Clockwork(self)
            _Troubles(self, seed).happen(25)


class _Troubles:
    """A random life of a capture."""

    def __init__(self, test: CountTests, seed: int) -> None:
        self.test = test
        self.seed = seed
        self.random = Random(seed)
        self.world = test.capture(total_count=self.random.choice([None, 0, 1000]))
        self.base = test.row.total_count or 0
        self.elsewhere_told = 0

    def happen(self, number: int) -> None:
        """So many things, and then a stop."""
        acts = (
            self.posts, self.posts, self.wait, self.wait, self.refuse, self.lose_answers,
            self.restart, self.crash, self.rename, self.stop_and_start, self.drop, self.elsewhere,
            self.hand_over,
        )  # fmt: skip
        for _ in range(number):
            self.random.choice(acts)()
            self.world.settle()
        self.world.line.release()
        self.world.goes(70)
        self.world.store.stop(1)
        self.world.goes(30)
        told = self.world.told(), self.test.row.total_count or 0, self.test.row.status
        lines = self.lines()
        wanted = self.elsewhere_told + lines, self.base + lines, STOPPED
        self.test.assertEqual(told, wanted, f"seed {self.seed}")

    def lines(self) -> int:
        """On the disk."""
        return sum(len(self.world.disk.ids(name)) for name in ("cats", "mice"))

    def posts(self) -> None:
        """Where there is a stream."""
        if not self.world.source.peer.answer.called:
            self.world.connect()
            self.world.settle()
        self.world.posts(self.random.randrange(1, 9))

    def wait(self) -> None:
        """Polls and updates go through."""
        self.world.goes(self.random.choice([0.5, 10, 30]))

    def refuse(self) -> None:
        """The server does not take an update."""
        self.world.line.hold("POST")
        self.world.goes(30)
        for held in self.world.line.held:
            held.answer_otherwise(self.random.choice([400, 500]))
        self.world.line.held.clear()
        self.world.line.release()

    def lose_answers(self) -> None:
        """Whatever the server answers does not arrive."""
        self.world.line.hold(self.random.choice(["POST", ""]))
        self.world.goes(self.random.choice([9, 31]))
        for held in self.world.line.held:
            if self.random.random() < 0.5:
                held.work()
            held.fail(ConnectionLost())
        self.world.line.held.clear()
        self.world.line.release()

    def restart(self) -> None:
        """The client ends and starts."""
        self.world.restart()

    def crash(self) -> None:
        """The client is gone, and starts."""
        self.world.crash()
        self.world.start()

    def rename(self) -> None:
        """The folder changes."""
        self.world.store.write(1, {"name": self.random.choice(["cats", "mice"])})

    def stop_and_start(self) -> None:
        """Two clicks."""
        self.world.store.stop(1)
        self.world.goes(self.random.choice([0.5, 11]))
        self.world.store.start(1)
        self.world.goes(self.random.choice([0.5, 11]))

    def drop(self) -> None:
        """The stream ends."""
        self.world.source.peer.closes()
        self.world.goes(1)

    def hand_over(self) -> None:
        """The job goes to another client and comes back, which ours may notice or not."""
        store, row = self.world.store, self.test.row
        store.reassign(1, 7)
        self.world.goes(self.random.choice([0.5, 11, 31]))
        totals = [update.total_count or 0 for update in store.updates[1][-1:]]
        # It has heard of all our updates, also of those that came late.
        ours = self.world.told() - self.elsewhere_told
        known = max(row.total_count or 0, self.base + ours, *totals)
        more = self.random.randrange(1, 100)
        row.total_count = known + more
        store.add_update({"job": 1, "count": more, "total_count": known + more, "rate": None})
        self.base += more
        self.elsewhere_told += more
        store.reassign(1, 1)
        store.start(1)
        self.world.goes(self.random.choice([0.5, 11]))

    def elsewhere(self) -> None:
        """Another client captures for this job, while ours is away."""
        self.world.stop()
        self.world.goes(1)
        more = self.random.randrange(1, 100)
        self.test.row.total_count = self.base + self.lines() + more
        self.base += more
        self.world.start()
