"""A job that goes to another client and comes back, or ends while nobody looks: the sums agree."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Job
from tcclient.ledger.ledgerfile import Ledger
from tcclient.storage.folders import NOBODY, UNROUTED
from tests.scene import Clockwork

STARTING, STARTED, STOPPING, STOPPED = range(2, 6)
OTHER = 7
NOT_FOUND = b'{"detail":"Not found."}'


class HandOverTestCase(SynchronousTestCase):
    """One job of client 1; the test speaks for another client, 7."""

    def setUp(self) -> None:
        self.world = Clockwork(self)
        self.row = self.world.store.create("cats", "cats")

    def capture(self) -> Clockwork:
        """Our client has found the job and is connected."""
        self.row.status = STARTING
        self.world.start()
        self.connect()
        return self.world

    def connect(self) -> None:
        self.world.connect()
        self.world.settle()

    def other_reports(self, count: int, total: int, rate: str = "0.000") -> None:
        """The other client's update lands."""
        self.world.store.add_update(
            {"job": 1, "count": count, "total_count": total, "rate": Decimal(rate)}
        )

    def other_captures(self, posts: int) -> None:
        """It has the job, counts on from what the server has, and reports all."""
        self.world.store.reassign(1, OTHER)
        total = max(self.row.total_count or 0, self.recent() or 0) + posts
        self.row.total_count = total
        self.other_reports(posts, total)

    def recent(self) -> int | None:
        updates = self.world.store.updates[1]
        return updates[-1].total_count if updates else None

    def rows(self) -> list[tuple[int | None, int | None, str]]:
        """The history: count, total and rate of each update."""
        return [(u.count, u.total_count, str(u.rate)) for u in self.world.store.updates[1]]

    def unlisted_writes(self, since: int) -> list[str]:
        """The paths of what was written after so many requests."""
        return [r.path for r in self.world.line.seen[since:] if r.method != "GET"]


class LosingTests(HandOverTestCase):
    """Who loses a job."""

    def test_the_last_update_has_the_total_and_rate_0(self) -> None:
        """It is sent by POST, and nothing else is written any more."""
        world = self.capture()
        world.posts(4)
        world.goes(10)
        world.posts(3)
        since = len(world.line.seen)
        world.store.reassign(1, OTHER)
        world.goes(30)
        self.assertEqual(self.unlisted_writes(since), ["update/"])
        self.assertEqual(self.rows(), [(7, 7, "0.000")])

    def test_killed_and_back_when_another_one_has_counted_on(self) -> None:
        """What the total has already is told with that total, and the rest on top of it."""
        world = self.capture()
        world.posts(60)
        world.goes(30)
        world.posts(40)
        world.goes(10)
        world.posts(5)
        world.crash()
        self.other_captures(50)
        world.start()
        world.goes(10)
        self.assertEqual(
            [row[:2] for row in self.rows()], [(60, 60), (50, 150), (40, 150), (5, 155)]
        )
        [base] = [line for line in world.disk.ledger("cats") if line["kind"] == "base"]
        self.assertEqual(base["raised_by"], 50)
        world.restart()
        world.goes(10)
        self.assertEqual(len(self.rows()), 4)

    def test_a_server_that_is_away_meanwhile(self) -> None:
        """It is sent when it is back; one whose answer was lost is not sent twice."""
        for answered in (False, True):
            self.setUp()
            world = self.capture()
            world.posts(5)
            world.goes(10)
            world.line.hold("POST")
            world.store.reassign(1, OTHER)
            world.goes(10)
            held = world.line.held.pop()
            if answered:
                held.work()
            self.other_reports(0, 5)  # looks the same, but for its count
            held.fail(ConnectionLost())
            world.line.release()
            world.goes(20)
            self.assertEqual(world.told(), 5)

    def test_a_list_of_updates_that_cannot_be_had(self) -> None:
        """Its table may be huge: the job's newest update decides then."""
        for taken in (False, True):
            self.setUp()
            world = self.capture()
            world.posts(5)
            world.line.hold("POST")
            world.goes(30)
            update = world.line.held.pop()
            if taken:
                update.work()
            update.fail(ConnectionLost())
            world.line.release()
            world.line.hold("GET", "update/")
            for _ in range(20):
                world.goes(10)
                for held in world.line.held:
                    held.answer_otherwise(500)
                world.line.held.clear()
            world.line.release()
            self.assertEqual((world.told(), self.row.total_count), (5, 5))

    def test_a_successor_whose_totals_lie_between(self) -> None:
        """They are not taken for ours after a restart."""
        world = self.capture()
        world.posts(60)
        world.goes(30)
        world.posts(40)
        world.goes(1)
        world.crash()
        self.row.total_count = 60
        world.store.reassign(1, OTHER)
        self.other_reports(20, 80)
        world.start()
        world.goes(10)
        self.assertEqual(world.told(), 100 + 20)

    def test_a_refusal_that_is_not_for_good(self) -> None:
        """A token that is refused for a while, say, does not lose the posts to the history."""
        for status in (403, 404, 429, 302):
            self.setUp()
            world = self.capture()
            world.posts(5)
            world.line.hold("POST")
            world.store.archive(1)
            world.goes(10)
            world.line.held.pop().answer_otherwise(status, b'{"detail":"Not now."}')
            world.line.release()
            world.goes(10)
            self.assertEqual(world.told(), 5, status)


class GettingTests(HandOverTestCase):
    """Who gets a job."""

    def test_the_higher_of_both_totals_is_the_base(self) -> None:
        """The newest update may be ahead of the job's own total, or behind it."""
        for total, recent in ((90, 100), (100, 90), (None, 100), (100, None)):
            self.setUp()
            self.row.total_count = total
            if recent is not None:
                self.other_reports(recent, recent)
            self.capture()
            self.world.posts(5)
            self.world.goes(30)
            self.assertEqual((self.row.total_count, self.recent()), (105, 105))

    def test_back_again(self) -> None:
        """It builds on what the other client has captured meanwhile."""
        world = self.capture()
        world.posts(10)
        world.goes(30)
        world.store.reassign(1, OTHER)
        world.goes(10)
        self.other_captures(50)
        world.store.reassign(1, 1)
        self.row.total_count = 40  # what the other client had told by a report
        world.goes(10)
        self.connect()
        world.posts(5)
        world.goes(60)
        self.assertEqual((self.row.total_count, self.recent()), (65, 65))
        self.assertEqual(world.told(), 65)

    def test_the_other_ones_last_update_lands_later(self) -> None:
        """The base rises by what it tells of more, once, however much we have counted since."""
        for ours in (0, 5, 500):
            self.setUp()
            self.row.total_count = 90
            self.other_reports(60, 60)
            world = self.capture()
            world.posts(ours)
            world.goes(10)
            self.other_reports(40, 100)
            world.goes(60)
            self.assertEqual((self.row.total_count, self.recent()), (100 + ours, 100 + ours))
            self.assertEqual(world.told(), 100 + ours)

    def test_it_lands_just_before_ours(self) -> None:
        """Ours would hide it: the job is read again before."""
        self.row.total_count = 90
        world = self.capture()
        world.posts(5)
        world.goes(29.75)
        self.other_reports(100, 100)
        world.goes(0.25)
        self.assertEqual(self.recent(), 105)

    def test_several_land_between_our_look_and_ours(self) -> None:
        """The job shows ours alone then; the list has them all."""
        self.row.total_count = 90
        self.other_reports(60, 60)
        world = self.capture()
        world.posts(5)
        world.goes(20)
        world.line.hold("POST", "update/")
        world.goes(10)
        self.other_reports(30, 90)
        self.other_reports(40, 130)
        world.line.release()
        world.goes(60)
        self.assertEqual((self.row.total_count, self.recent()), (135, 135))
        self.assertEqual(world.told(), 135)

    def test_a_history_that_ran_backwards_before(self) -> None:
        """Its highest total is no base: only what lands in this session may raise it."""
        self.other_reports(900, 900)
        self.row.total_count = 90
        self.other_reports(0, 60)
        world = self.capture()
        world.posts(5)
        world.goes(120)
        self.assertEqual((self.row.total_count, self.recent()), (95, 95))

    def test_gone_and_back_unnoticed(self) -> None:
        """While we did not reach the server: the other one has built on what we had told."""
        world = self.capture()
        world.posts(100)
        world.goes(40)
        world.line.dead = True
        world.posts(20)
        self.other_captures(50)
        world.store.reassign(1, 1)
        world.goes(20)
        world.line.dead = False
        world.goes(60)
        self.assertEqual((self.row.total_count, world.told()), (170, 170))

    def accusations(self, act: Callable[[], object]) -> int:
        """How often the log says meanwhile that two clients share a token."""
        with capturedLogs() as logs:
            act()
        return sum("Another installation" in (formatEvent(event) or "") for event in logs)

    def other_goes_on(self, polls: int) -> None:
        """The other client's total rises above ours before each of our polls."""
        for _ in range(polls):
            self.row.total_count = (self.row.total_count or 0) + 30
            self.world.goes(10)

    def test_nobody_is_accused_at_a_hand_over(self) -> None:
        """Until the other client finds out, both report; then its last update lands."""

        def hand_over() -> None:
            self.other_goes_on(3)
            self.other_reports(20, (self.row.total_count or 0) + 20)
            self.world.goes(60)

        self.row.total_count = 90
        self.other_reports(90, 90)
        world = self.capture()
        self.assertEqual(self.accusations(hand_over), 0)
        world.goes(120)
        world.store.reassign(1, OTHER)
        world.goes(20)
        self.other_captures(50)
        world.store.reassign(1, 1)
        world.goes(10)
        self.connect()
        self.assertEqual(self.accusations(hand_over), 0)

    def test_a_reading_that_is_in_doubt_is_one(self) -> None:
        """It is taken again, with the counts of the updates, and accuses nobody either."""
        world = self.capture()
        world.posts(100)
        world.goes(150)
        world.posts(20)

        def away() -> None:
            world.line.dead = True
            self.other_captures(50)
            world.store.reassign(1, 1)
            world.goes(20)
            world.line.dead = False
            world.goes(60)

        self.assertEqual(self.accusations(away), 0)

    def test_two_clients_with_one_token(self) -> None:
        """Is said once where the job is ours for long, and the server's total keeps rising."""
        self.capture()
        self.world.goes(150)
        self.assertEqual(self.accusations(lambda: self.other_goes_on(20)), 1)

    def test_two_clients_with_one_token_from_the_start(self) -> None:
        """Likewise, if only later: a hand-over does not last so long."""
        self.capture()
        self.assertEqual(self.accusations(lambda: self.other_goes_on(30)), 1)

    def test_two_clients_that_report_rarely(self) -> None:
        """Likewise, however long lies between two rises of the total."""
        self.capture()
        self.world.goes(150)

        def report_rarely() -> None:
            for _ in range(5):
                self.row.total_count = (self.row.total_count or 0) + 30
                self.world.goes(300)

        self.assertEqual(self.accusations(report_rarely), 1)

    def test_the_history_does_not_run_backwards(self) -> None:
        """The first update waits for the last one of whoever had the job."""
        world = self.world
        self.row.status, self.row.total_count = STOPPED, 90
        world.start()
        world.goes(19)
        world.store.start(1)
        world.goes(1)
        self.connect()
        world.posts(50)
        world.goes(15)  # at 30 s running captures send updates
        self.assertEqual(self.rows(), [])
        self.other_reports(100, 100)
        world.goes(35)
        self.assertEqual([total for _, total, _ in self.rows()], [100, 150])


class DownTests(HandOverTestCase):
    """What happens to the job while our client is down."""

    def check(self, what: Callable[[Any], object], path: str = "update/") -> None:
        """All that it has captured is reported at its next start, once, and nothing captured."""
        for leave in ("crash", "stop"):
            self.setUp()
            world = self.capture()
            world.posts(60)
            world.goes(30)
            world.posts(40)
            world.goes(1)
            if leave == "crash":
                world.crash()
            else:
                world.line.dead = True
                world.stop()
                world.goes(10)
                world.line.dead = False
            what(world.store)
            peers, since = len(world.source.peers), len(world.line.seen)
            world.start()
            world.goes(10)
            self.assertEqual(world.told(), 100, leave)
            self.assertEqual(self.rows()[-1], (40, 100, "0.000"))
            self.assertEqual(self.unlisted_writes(since)[-1], path)
            self.assertEqual(len(world.source.peers), peers)
            world.restart()
            world.goes(10)
            self.assertEqual((world.told(), len(self.rows())), (100, 2))
            kinds = [line["kind"] for line in world.disk.ledger("cats")]
            self.assertEqual(kinds[-1], "capture_close")

    def test_archived(self) -> None:
        """The list lacks it, and its id takes an update."""
        self.check(lambda store: store.archive(1))

    def test_stopped_and_archived(self) -> None:
        """Status 5 first."""

        def both(store: Any) -> None:
            store.write(1, {"status": STOPPED})
            store.archive(1)

        self.check(both)

    def test_stopped(self) -> None:
        """Status 5, and still in the list: it has its last report too."""
        self.check(lambda store: store.write(1, {"status": STOPPED}))
        self.assertEqual((self.row.total_count, str(self.row.rate)), (100, "0.000"))

    def test_reassigned(self) -> None:
        """It is another client's by now."""
        self.check(lambda store: store.reassign(1, OTHER))

    def test_reassigned_where_the_list_does_not_say_whose_a_job_is(self) -> None:
        """Without activejobs/<id>/ the job's members tell: it is not captured for another."""

        def reassign(store: Any) -> None:
            self.world.server.quirk(without_activejobs_detail=404)
            store.reassign(1, OTHER)

        self.check(reassign)

    def test_really_deleted(self) -> None:
        """There is nothing to report to: said once, and the client goes on."""
        world = self.capture()
        world.posts(5)
        world.crash()
        world.store.delete(1)
        world.start()
        world.goes(30)
        self.assertEqual(len(world.writes("POST")), 1)

    def test_a_server_under_another_address(self) -> None:
        """What it was not told is told once it is known to be the same, and to no other one."""
        for name, told in (("dogs", 5), ("newts", 0)):
            self.setUp()
            self.world.store.create("dogs", "dogs")
            world = self.capture()
            world.posts(5)
            world.crash()
            world.store.archive(1)
            world.store.write(2, {"name": name})
            world.address = "http://proxy:8000/api/"
            world.start()
            world.goes(30)
            self.assertEqual(world.told(), told, name)

    def test_a_server_that_hangs_at_the_look_for_it(self) -> None:
        """Nothing waits for that: others run, and it is told when there is an answer."""
        world = self.capture()
        world.posts(5)
        world.crash()
        world.store.archive(1)
        world.store.create("dogs", "dogs").status = STARTING
        world.line.hold("GET", "activejobs/1/")
        world.start()
        world.connect()
        world.posts(3)
        world.settle()
        self.assertEqual(len(world.disk.posts("dogs")), 3)
        self.assertEqual(len(world.line.held), 1)
        world.goes(5)  # it still hangs
        world.goes(5)
        self.assertEqual(self.world.store.jobs[2].total_count, 3)
        world.line.release()
        world.goes(20)
        self.assertEqual(world.told(), 5)

    def test_posts_that_are_no_job_s(self) -> None:
        """They are nobody's to report, whatever their folder has."""
        world = self.world
        folders = world.folders()
        archive = folders.open(Job(NOBODY, UNROUTED, 0, None, None, None, False, None))
        archive.store([b"{}"])
        world.settle()
        archive.close()
        world.settle()
        self.assertEqual(folders.unreported(), [])
        self.capture()
        world.goes(60)
        self.assertEqual([r.path for r in world.line.seen if "/0/" in r.path], [])
        self.assertEqual(world.told(0) if 0 in world.store.updates else 0, 0)

    def test_a_folder_that_another_client_has(self) -> None:
        """What is in it is that one's to report."""
        world = self.capture()
        world.posts(5)
        world.crash()
        world.store.archive(1)
        path = world.disk.base / "cats" / "cats.ledger.jsonl"
        with Ledger(path, world.wall):
            world.start()
            world.goes(20)
            world.stop()
            world.settle()
        self.assertEqual(world.told(), 0)
        world.start()
        world.goes(10)
        self.assertEqual(world.told(), 5)

    def test_a_disk_that_is_away_at_the_start(self) -> None:
        """It is told when the folder can be opened."""
        world = self.capture()
        world.posts(5)
        world.crash()
        world.store.archive(1)
        world.line.hold("GET", "activejobs/?")
        world.start()
        path = world.disk.base / "cats" / "cats.ledger.jsonl"
        with Ledger(path, world.wall):
            world.line.release()
            world.goes(20)
            self.assertEqual(world.told(), 0)
        world.goes(10)
        self.assertEqual(world.told(), 5)

    def test_a_server_that_is_away_at_the_start(self) -> None:
        """It is told when it is there."""
        world = self.capture()
        world.posts(5)
        world.crash()
        world.store.archive(1)
        world.line.dead = True
        world.start()
        world.goes(30)
        world.line.dead = False
        world.goes(10)
        self.assertEqual(world.told(), 5)


class RateTests(HandOverTestCase):
    """The rate is true."""

    def rates(self) -> list[Any]:
        return [write["rate"] for write in self.world.writes() if "rate" in write]

    def test_a_stop(self) -> None:
        """0 in the last report and the last update, whatever came a moment ago."""
        world = self.capture()
        world.posts(50)
        world.goes(9)
        world.posts(50)
        world.store.stop(1)
        world.goes(10)
        self.assertEqual((self.row.status, self.rates()[-1]), (STOPPED, "0.000"))
        self.assertEqual(self.rows()[-1], (100, 100, "0.000"))

    def test_a_sigterm(self) -> None:
        """As for a stop."""
        world = self.capture()
        world.goes(12)
        world.posts(50)
        world.stop()
        world.settle()
        self.assertEqual((self.rates()[-1], self.rows()), ("0.000", [(50, 50, "0.000")]))

    def test_the_first_seconds(self) -> None:
        """There is none yet; then it is that of all the time since the start."""
        world = self.capture()
        world.posts(50)
        world.goes(10)
        self.assertEqual(self.rates(), [None, "5.000"])


class DoubtTests(HandOverTestCase):
    """A JSON 404 to a write is not believed at once."""

    def deny(self) -> None:
        """The write that waits is answered with 404, and the next ones as they should."""
        self.world.line.held.pop().answer_otherwise(404, NOT_FOUND)
        self.world.line.release()
        self.world.settle()

    def test_a_report(self) -> None:
        """The list has the job all the same: it is reported once more, and nobody notices."""
        world = self.capture()
        with capturedLogs() as logs:
            for _ in range(7):
                world.posts(1)
                world.line.hold("PATCH")
                world.goes(10)
                self.deny()
        self.assertFalse(world.source.peer.hung_up)
        self.assertEqual((self.row.total_count, len(world.source.peers)), (7, 1))
        self.assertEqual([e for e in logs if "fails" in (e["log_format"] or "")], [])

    def test_always(self) -> None:
        """Said once; the capture goes on."""
        world = self.capture()
        world.line.hold("PATCH")
        with capturedLogs() as logs:
            for _ in range(12):
                world.goes(2.5)
                for held in world.line.held:
                    held.answer_otherwise(404, NOT_FOUND)
                world.line.held.clear()
        self.assertFalse(world.source.peer.hung_up)
        said = [e for e in logs if "fails at" in (e["log_format"] or "")]
        self.assertEqual(len(said), 1)

    def test_the_answer_to_a_stop(self) -> None:
        """The status is set all the same."""
        world = self.capture()
        world.posts(3)
        world.goes(10)
        world.store.stop(1)
        world.line.hold("PATCH")
        world.goes(10)
        self.deny()
        self.assertEqual((self.row.status, self.row.total_count), (STOPPED, 3))

    def test_not_in_the_list_and_there_all_the_same(self) -> None:
        """The job itself decides."""
        world = self.capture()
        world.line.hold("PATCH")
        world.line.hold("GET", "activejobs/?")
        world.goes(10)
        world.line.held.pop().answer()
        world.settle()
        world.line.held.pop().answer_otherwise(404, NOT_FOUND)
        world.settle()
        empty = {"count": 0, "next": None, "previous": None, "results": []}
        world.line.held.pop().answer_otherwise(200, json.dumps(empty).encode())
        world.settle()
        self.assertEqual(world.line.seen[-2].path, "activejobs/1/")
        world.line.release()
        world.goes(10)
        self.assertFalse(world.source.peer.hung_up)

    def test_really_gone(self) -> None:
        """Archived between the poll and the write: it ends at once, with one update."""
        world = self.capture()
        world.posts(5)
        world.line.hold("PATCH")
        world.goes(10)
        world.store.archive(1)
        world.line.release()
        world.settle()
        self.assertTrue(world.source.peer.hung_up)
        self.assertEqual(self.rows(), [(5, 5, "0.000")])
