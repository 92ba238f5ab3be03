"""What a server is told that takes more than the jobs' members, and when; by the clock."""

from datetime import datetime
from random import Random
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogEvent, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.appliedjobs import AppliedJobs
from tcclient.captures.healthlog import LOOK
from tcclient.captures.reporter import READINGS
from tcclient.captures.statenews import BEAT
from tcclient.captures.telling import AGAIN, FAREWELL, SOON
from tcclient.control.reports import State
from tcsandbox.server.negotiation import ApiRequest
from tcsandbox.server.restapi import ApiAnswer
from tests.captures.takingserver import KINDS, TakingWorld

STARTED, STOPPING, STOPPED = 3, 4, 5
BROKEN = ApiAnswer(500, b"<h1>Server Error</h1>")
NO_PAGE = ApiAnswer(404, b"<h1>Not Found</h1>")


class TellingCase(SynchronousTestCase):
    """A poll comes each minute, so that it is seen what does not wait for one."""

    def setUp(self) -> None:
        self.world = TakingWorld(self, ping=60.0)
        self.line = self.world.line
        events = capturedLogs()
        self.events: list[LogEvent] = events.__enter__()
        self.addCleanup(events.__exit__, None, None, None)

    def state(self, job: int = 1) -> dict[str, Any]:
        """What the server was told last of a job."""
        return self.line.states[job]

    def said(self, about: str) -> list[str]:
        """What the log says of the server's failures at something."""
        lines = [str(event["log_format"]).format(**event) for event in self.events]
        return [line for line in lines if line.startswith("The capture server") and about in line]


class StateTests(TellingCase):
    def test_a_capture_that_runs(self) -> None:
        """Its condition, the revision that is applied, and how it goes."""
        self.world.begin()
        self.world.posts(5)
        self.world.lives(60)
        told = self.state()
        self.assertEqual((told["condition"], told["revision"], told["total"]), ("ok", 1, 5))
        self.assertGreater(told["rate"], 0)
        self.assertLess(told["lag"], 120)
        self.assertLess(datetime.fromisoformat(told["since"]).timestamp(), self.world.wall() - 60)

    def test_a_stream_that_opens(self) -> None:
        """It is told soon, not with the next poll."""
        self.world.start()
        self.world.goes(SOON)
        self.assertEqual(self.state()["condition"], "start")
        self.world.connect()
        self.world.lives(LOOK + SOON)
        self.assertEqual(self.state()["condition"], "ok")

    def test_a_stream_that_is_lost(self) -> None:
        """With cause, words, since when, and when the next attempt is."""
        self.world.begin()
        self.world.source.peer.closes()
        self.world.goes(LOOK + SOON)
        told = self.state()
        self.assertEqual(told["condition"], "closed")
        self.assertIn("'cats' has had no stream for", told["reason"])
        self.assertIn("since", told)
        self.assertIn("next_attempt", told)

    def test_a_reason_that_lasts(self) -> None:
        """For how long something lasts is no news, but goes with the next poll."""
        self.world.begin()
        self.world.source.peer.closes()
        self.world.goes(LOOK + SOON)
        requests = len(self.line.of("state/"))
        self.world.goes(30)
        self.assertEqual(len(self.line.of("state/")), requests)
        self.world.goes(30)
        self.assertEqual(len(self.line.of("state/")), requests + 1)

    def test_counts_wait_for_the_poll(self) -> None:
        self.world.begin()
        requests = len(self.line.of("state/"))
        self.world.posts(5)
        self.world.lives(50)
        self.assertEqual(len(self.line.of("state/")), requests)
        self.world.lives(10)
        self.assertEqual(self.state()["total"], 5)

    def test_new_keywords(self) -> None:
        """The revision is told once it is applied."""
        self.world.begin()
        self.world.store.rekey(1, "birds")
        self.world.changes()
        self.world.lives(60 + SOON)
        self.assertEqual(self.state()["revision"], 2)

    def test_a_revision_that_cannot_be_applied(self) -> None:
        """The one before stays, and why it does is told."""
        self.world.begin()
        self.world.row().name = "no/such"
        self.world.changes()
        self.world.lives(60 + SOON)
        self.assertEqual(self.state()["revision"], 1)

    def test_a_stop(self) -> None:
        """Its revision, and the last numbers: those of the last report."""
        self.world.begin()
        self.world.posts(5)
        self.world.store.stop(1)
        self.world.changes()
        self.world.lives(61)
        told = self.state()
        self.assertEqual((told["condition"], told["revision"]), ("idle", 2))
        self.assertEqual((told["total"], told["rate"]), (5, 0.0))
        self.assertEqual(self.world.row().status, STOPPED)

    def test_a_stop_that_is_not_done_yet(self) -> None:
        """It is not called applied."""
        self.world.begin()
        self.world.store.stop(1)
        self.world.changes()
        self.line.hold("PATCH")
        self.world.lives(60 + 2 * SOON)
        told = self.state()
        self.assertEqual((told["condition"], told["revision"]), ("stopping", 1))
        self.line.release()

    def test_a_job_that_is_not_wanted(self) -> None:
        """Nothing is to be done, and that is what is told."""
        self.world.store.create("rain", "rain", 1)
        self.world.begin()
        self.assertEqual(self.state(2), {"job": 2, "condition": "idle", "revision": 1})

    def test_all_of_them_again(self) -> None:
        """What does not change either, now and then: the server may have been put back."""
        self.world.store.create("rain", "rain", 1)
        self.world.begin()
        self.line.states.clear()
        self.world.lives(60)
        self.assertNotIn(2, self.line.states)
        self.world.lives(AGAIN)
        self.assertIn(2, self.line.states)

    def test_after_the_server_was_away(self) -> None:
        """All of them again, too."""
        self.world.store.create("rain", "rain", 1)
        self.world.begin()
        self.line.dead = True
        self.world.lives(60)
        self.line.states.clear()
        self.line.dead = False
        self.world.lives(60)
        self.assertEqual({*self.line.states}, {1, 2})


class FarewellTests(TellingCase):
    def test_the_client_ends_while_its_disk_is_waited_for(self) -> None:
        """That is no failure: what was to be told is given up like any other call."""
        written: Deferred[bool] = Deferred()

        async def all_said() -> bool:
            return await written

        tally = SimpleNamespace(trying=lambda total: None)
        archive = SimpleNamespace(tally=tally, all_said=all_said)
        capture: Any = SimpleNamespace(session=SimpleNamespace(archive=archive))
        state = State(job=1, condition="ok", total=3)
        telling = Deferred.fromCoroutine(AppliedJobs({1: capture}).about_to_tell([state]))
        telling.cancel()
        self.failureResultOf(telling, CancelledError)

    def test_the_client_ends(self) -> None:
        """On purpose, which is told of what is wanted; the next start tells how it goes on."""
        self.world.store.create("rain", "rain", 1)
        self.world.begin()
        self.world.restart()
        ends = [one for body in self.line.of("state/") for one in body if "client" in str(one)]
        self.assertEqual([(one["job"], one["condition"]) for one in ends], [(1, "client_stopped")])
        self.assertEqual(self.state()["condition"], "client_stopped")
        self.world.connect()
        self.world.lives(LOOK + 1)
        self.assertEqual(self.state()["condition"], "ok")

    def test_a_server_that_is_away(self) -> None:
        """It is not asked."""
        self.world.begin()
        self.line.dead = True
        self.world.lives(61)
        self.line.dead = False
        requests = len(self.line.of("state/"))
        stopped = self.world.stop()
        self.world.goes(1)
        self.successResultOf(stopped)
        self.assertEqual(len(self.line.of("state/")), requests)


class HostTests(TellingCase):
    def test_the_machine(self) -> None:
        """What it is, and what it has."""
        self.world.begin()
        told = self.line.hosts[-1]
        for name in ("version", "host", "installation", "instance", "memory", "cpu", "disk_free"):
            self.assertIn(name, told)
        self.assertGreaterEqual(told["disk_size"], told["disk_free"])

    def test_the_beat(self) -> None:
        """Twice a minute, though nothing changes."""
        self.world.begin()
        before = len(self.line.hosts)
        self.world.lives(10 * BEAT)
        self.assertAlmostEqual(len(self.line.hosts) - before, 10, delta=2)

    def test_another_start(self) -> None:
        """The same installation, and another instance."""
        self.world.begin()
        first = self.line.hosts[-1]
        self.world.restart()
        self.world.goes(1)
        second = self.line.hosts[-1]
        self.assertEqual(first["installation"], second["installation"])
        self.assertNotEqual(first["instance"], second["instance"])


class LateUpdateTests(TellingCase):
    def setUp(self) -> None:
        super().setUp()
        self.world.begin()
        self.world.lives(60)

    def away(self, minutes: int) -> None:
        """The server is away; a post comes in each minute, more of them each time."""
        self.line.fails = {"": ApiAnswer(503, b"")}
        for minute in range(minutes):
            self.world.posts(minute + 1)
            self.world.lives(60)
        self.line.fails = {}

    def updates(self, since: int) -> list[dict[str, Any]]:
        """What was taken of updates with posts, but for so many of the first ones."""
        return [one for one in self.world.writes("POST")[since:] if one["count"]]

    def test_each_at_its_time(self) -> None:
        """What came while the server was away is told with when it was, each once."""
        self.away(3)
        before, now = len(self.world.writes("POST")), self.world.wall()
        self.world.lives(70)
        told = self.updates(before)
        counts = [(one["count"], one["total_count"]) for one in told]
        self.assertEqual(counts, [(1, 1), (2, 3), (3, 6)])
        first, second = (datetime.fromisoformat(one["at"]).timestamp() for one in told[:2])
        self.assertLess(abs(now - 180 - first), 31)
        self.assertLess(abs(second - first - 60), 1)
        self.assertEqual(sum(row.count or 0 for row in self.world.store.updates[1]), 6)

    def test_exact(self) -> None:
        """Whatever is refused, and whatever is taken whose answer is lost: all is told once."""
        chance, line = Random(15), self.line
        work = line.work

        def unsure(asked: ApiRequest) -> ApiAnswer:
            how = chance.choice(("refused", "lost", "well"))
            if how == "refused":
                return ApiAnswer(503)
            answer = work(asked)
            return answer if how == "well" else ApiAnswer(502)

        for _ in range(12):
            line.work = unsure if chance.random() < 0.7 else work  # type: ignore[method-assign]
            for _ in range(chance.randrange(4)):
                self.world.posts(chance.randrange(5))
                self.world.lives(30)
        line.work = work  # type: ignore[method-assign]
        self.world.lives(180)
        all_ = self.world.store.get(1).total_count
        rows = self.world.store.updates[1]
        self.assertGreater(all_, 20)
        self.assertEqual(sum(row.count or 0 for row in rows), all_)
        self.assertTrue(any("at" in one for one in self.world.writes("POST")))

    def test_an_older_server(self) -> None:
        """It is told all at once, as ever."""
        self.line.offers = False
        self.world.lives(60)
        self.away(3)
        before = len(self.world.writes("POST"))
        self.world.lives(70)
        [told] = self.updates(before)
        self.assertEqual((told["count"], "at" in told), (6, False))


class OlderServerTests(TellingCase):
    def test_it_is_asked_for_nothing_of_this(self) -> None:
        """Nor does a write have a member that it does not know."""
        self.line.offers = False
        self.world.begin()
        self.world.posts(5)
        self.world.lives(120)
        self.world.store.stop(1)
        self.world.lives(120)
        self.assertEqual([self.line.of(kind) for kind in KINDS], [[] for _ in KINDS])
        members = {name for body in self.world.writes() for name in body}
        self.assertEqual(members, {"status", "total_count", "rate", "ping_date"})

    def test_it_is_brought_up_to_date(self) -> None:
        """The next poll tells."""
        self.line.offers = False
        self.world.begin()
        self.line.offers = True
        self.world.lives(61)
        self.assertEqual(self.state()["condition"], "ok")

    def test_it_is_put_back(self) -> None:
        """It is asked for nothing any more after a poll."""
        self.world.begin()
        self.line.offers = False
        self.world.lives(61)
        requests = [len(self.line.of(kind)) for kind in KINDS]
        self.world.lives(300)
        self.assertEqual([len(self.line.of(kind)) for kind in KINDS], requests)


class FailureTests(TellingCase):
    def test_what_the_server_does_not_take(self) -> None:
        """It is said once, asked for less and less often, and taken when it can be again."""
        for kind in ("state/", "host/"):
            self.line.fails[kind] = BROKEN
        self.world.begin()
        self.world.posts(5)
        self.world.lives(1800)
        for kind, about in (("state/", "taking states"), ("host/", "taking the machine's needs")):
            self.assertLess(len(self.line.of(kind)), 16)
            self.assertEqual(len(self.said(about)), 1, self.said(about))
        self.line.fails.clear()
        self.world.lives(400)
        self.assertEqual(self.state()["total"], 5)
        self.assertIn("succeeds again", self.said("taking states")[-1])

    def test_when_to_come_again(self) -> None:
        """The server says so, and is obeyed."""
        self.line.fails["state/"] = ApiAnswer(503, b'{"detail": "later"}')
        self.line.retry_after = "290"
        self.world.begin()
        requests = len(self.line.of("state/"))
        self.world.lives(280)
        self.assertEqual(len(self.line.of("state/")), requests)
        self.line.fails.clear()
        self.world.lives(70)
        self.assertEqual(self.state()["condition"], "ok")

    def test_an_endpoint_that_is_gone(self) -> None:
        """As when a server is put back behind a cache: it is looked for each ten minutes."""
        self.line.fails["host/"] = NO_PAGE
        self.world.begin()
        self.world.lives(1200)
        self.assertIn(len(self.line.of("host/")), (2, 3))
        [said] = self.said("needs")
        self.assertIn("it does not take them any more", said)

    def test_no_answer(self) -> None:
        """A request that hangs holds up no other kind of request, and no capture."""
        self.line.hold("PUT", "state/")
        self.world.begin()
        self.world.posts(5)
        self.world.lives(61)
        self.assertEqual(self.world.row().total_count, 5)
        self.assertTrue(self.line.held[0].cancelled)

    def test_the_end_waits_for_nothing(self) -> None:
        """What is under way is given up, and the farewell soon."""
        self.world.begin()
        self.line.hold("PUT")
        self.world.lives(65)
        stopped = self.world.stop()
        self.world.goes(FAREWELL + 1)
        self.successResultOf(stopped)


class StaleTests(TellingCase):
    def refuse(self, times: int) -> None:
        """Have the server say so often that people want something else by now."""
        refusals = [ApiAnswer(409, b'{"revision": ["It is 3 now: read it again."]}')] * times
        work = self.line.work

        def refusing(asked: Any) -> ApiAnswer:
            if asked.method == "PATCH" and b"status" in asked.body and refusals:
                return refusals.pop()
            return work(asked)

        self.line.work = refusing  # type: ignore[method-assign]

    def test_people_who_change_their_minds_all_the_time(self) -> None:
        """The next poll tells what they want then."""
        self.world.begin()
        self.world.store.stop(1)
        self.refuse(READINGS)
        self.world.lives(61)
        self.assertEqual(self.world.row().status, STOPPING)
        self.world.lives(60)
        self.assertEqual(self.world.row().status, STOPPED)
        self.assertEqual(self.said(""), [])

    def test_a_status_that_comes_too_late(self) -> None:
        """The job is read again, and what is wanted by then is told; nothing is logged."""
        self.world.begin()
        self.world.store.stop(1)
        self.world.changes()
        self.refuse(1)
        self.world.lives(61)
        statuses = [body for body in self.world.writes() if body.get("status") == STOPPED]
        self.assertEqual(statuses, [{"status": 5, "revision": 2}] * 2)
        self.assertEqual(self.world.row().status, STOPPED)
        self.assertEqual(self.said(""), [])

    def test_what_a_stop_asks_for(self) -> None:
        """People wait for it: what the list has just said of the job need not be read again."""
        self.world.begin()
        self.world.store.stop(1)
        self.world.changes()
        self.assertEqual(self.asked(61), ["POST update/", "PATCH activejobs/1/"])

    def test_a_stop_whose_update_is_refused(self) -> None:
        """What it has of the total is reported then, before the status."""
        self.world.begin()
        self.world.posts(5)
        self.world.store.stop(1)
        self.world.changes()
        self.line.fails["update/"] = ApiAnswer(400, b"{}")
        job = "PATCH activejobs/1/"
        self.assertEqual(self.asked(61), ["POST update/", job, job])
        self.assertEqual((self.world.row().status, self.world.row().total_count), (STOPPED, 5))
        self.line.fails.clear()
        self.world.lives(60)
        self.assertEqual(self.world.told(), 5)

    def asked(self, seconds: float) -> list[str]:
        """Return what is asked for of jobs within so many seconds, once they have been listed."""
        before = len(self.line.seen)
        self.world.lives(seconds)
        asked = [f"{one.method} {one.path}" for one in self.line.seen[before:]]
        listed = next(n for n, one in enumerate(asked) if one.startswith("GET activejobs/?"))
        return [
            one
            for one in asked[listed + 1 :]
            if ("jobs/" in one or "update/" in one) and "?" not in one
        ]
