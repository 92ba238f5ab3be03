"""Whose the app's connection at X is, and what becomes of one of ours that is over."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.web.http import datetimeToString
from twisted.web.iweb import IResponse

from tcclient.runtime.backoff import RefusalError, Trouble
from tcclient.runtime.threads import in_place
from tcclient.sources.twitter_v2.api import PostsApi, StreamQuery
from tcclient.sources.twitter_v2.problems import SLOT
from tcclient.sources.twitter_v2.slot.appapi import AppApi
from tcclient.sources.twitter_v2.slot.ownslot import DAY, LOOK_AFTER, OwnSlot
from tcclient.sources.twitter_v2.slot.record import LAST, ConnectionRecord, RecordFile
from tests.sources.twitter_v2.xapi import GIVEN, XTestCase
from tests.storage.disk import Acts

STREAM, CONNECTIONS = "/2/tweets/search/stream", "/2/connections"
SEARCH = StreamQuery()
TAKEN = {
    "title": "ConnectionException",
    "detail": "This stream is at its limit.",
    "connection_issue": "TooManyConnections",
}
ENDED = 200, {"data": {"successful_kills": 1, "failed_kills": 0}}
OPEN = 200, b""
HERE, THERE = "192.0.2.7", "198.51.100.9"


class Notes:
    """The ledger of what belongs to no capture."""

    def __init__(self) -> None:
        self.noted: list[Any] = []

    def note(self, entry: Any) -> None:
        """Take a line."""
        self.noted.append(entry)


class OwnSlotTestCase(XTestCase):
    """A client whose other side is in memory."""

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())
        self.installation = "de71053f21ea"
        self.ledger = Notes()
        self.is_open = False
        self.slot = self.process()

    def process(self) -> OwnSlot:
        """A client that starts, after the one before it has gone."""
        bearer, wall = self.bearer(given=GIVEN), self.clock.seconds
        api = PostsApi(self.client, bearer, {})
        app = AppApi(bearer)
        ledger: Any = self.ledger
        slot = OwnSlot(api, app, ledger, self.clock, wall)
        self.record = RecordFile(self.path, self.installation, in_place, self.clock)
        slot.begin(self.record, lambda: self.is_open)
        slot.startService()
        self.addCleanup(slot.stopService)
        return slot

    def die(self) -> None:
        """The process is gone, and left its record."""
        self.slot.stopService()

    def one(self, name: str, ago: float = 0.0, ip: str = HERE) -> dict[str, str]:
        """A connection as X lists it."""
        at = datetime.fromtimestamp(self.clock.seconds() - ago, UTC)
        return {
            "id": name,
            "endpoint_name": "filtered_stream",
            "connected_at": at.isoformat().replace("+00:00", "Z"),
            "client_ip": ip,
        }

    def lists(self, *connections: dict[str, str]) -> None:
        """X will say that the app has these connections, by its own clock."""
        date = datetimeToString(self.clock.seconds()).decode()
        self.x.will_say(200, {"data": list(connections)}, Date=date)

    def opens(self, *connections: dict[str, str]) -> None:
        """The stream opens, and X lists these connections then."""
        self.x.will_say(200)
        self.assertEqual(self.successResultOf(self.slot.open(SEARCH)).code, 200)
        self.lists(*connections)
        self.clock.advance(LOOK_AFTER)
        self.client.flush()

    def asks(
        self, *connections: dict[str, str], then: Sequence[tuple[int, object]] = ()
    ) -> Deferred[IResponse]:
        """The stream is asked for, and taken by these connections; X answers more after that."""
        self.x.will_say(429, TAKEN)
        self.lists(*connections)
        for status, content in then:
            self.x.will_say(status, content)
        return self.slot.open(SEARCH)

    def settle(self) -> None:
        """What is on its way arrives."""
        for _ in range(5):
            self.client.flush()
            self.clock.advance(0)

    def refused(self, asked: Deferred[IResponse]) -> RefusalError:
        """Why the stream was refused."""
        self.settle()
        error = self.failureResultOf(asked, RefusalError).value
        assert isinstance(error, RefusalError)
        self.assertEqual((error.status, error.refusal.trouble), (429, SLOT))
        return error


class NotingTests(OwnSlotTestCase):
    """Which connection was opened is noted, for the next process."""

    def test_the_one_that_began_with_ours(self) -> None:
        """Neither an older one nor a newer one."""
        others = [self.one("old", ago=60), self.one("new", ago=-60)]
        self.opens(*others, self.one("mine", ago=1.5))
        self.assertEqual((self.record.last.id, self.record.last.client_ip), ("mine", HERE))

    def test_two_that_began_with_ours(self) -> None:
        """Nobody can tell which is ours: none is."""
        self.opens(self.one("mine"), self.one("other", ip=THERE))
        self.assertEqual(self.record.last.id, "")

    def test_what_is_no_text(self) -> None:
        """Half a character in a name or an address stands for none, and harms nothing."""
        for _ in range(2):
            self.opens(self.one("mine", ip="\ud800"), self.one("\ud800"))
            self.assertEqual((self.record.last.id, self.record.last.client_ip), ("mine", ""))

    def test_a_fault_of_ours(self) -> None:
        """The log has what it was."""
        self.x.will_say(200)
        self.slot.open(SEARCH)
        self.patch(self.record, "write", lambda record: 1 / 0)
        self.lists(self.one("mine"))
        self.clock.advance(LOOK_AFTER)
        self.settle()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_the_very_first(self) -> None:
        """As no address is known yet by which it could be told later, it is looked for at once."""
        self.x.will_say(200)
        self.lists(self.one("mine"))
        self.successResultOf(self.slot.open(SEARCH))
        self.settle()
        self.assertEqual((self.record.last.id, self.record.last.client_ip), ("mine", HERE))
        self.clock.advance(2 * LOOK_AFTER)
        self.assertEqual(self.paths, [STREAM, CONNECTIONS])

    def test_the_very_first_that_x_lists_later(self) -> None:
        """It is looked for again, once."""
        self.x.will_say(200)
        self.lists()
        self.successResultOf(self.slot.open(SEARCH))
        self.settle()
        self.lists(self.one("mine", ago=-LOOK_AFTER))
        self.clock.pump((LOOK_AFTER, 3600.0))
        self.settle()
        self.assertEqual(self.record.last.id, "mine")
        self.assertEqual(self.paths, [STREAM, CONNECTIONS, CONNECTIONS])

    def test_one_listing_for_each_connect(self) -> None:
        """And none for a stream that is gone by then."""
        self.opens(self.one("mine"))
        self.clock.advance(3600)
        self.assertEqual(self.paths, [STREAM, CONNECTIONS])
        self.x.will_say(200)
        self.slot.open(SEARCH)
        self.die()
        self.clock.advance(LOOK_AFTER)
        self.assertEqual(self.paths, [STREAM, CONNECTIONS, STREAM])

    def test_apps_that_are_not_told(self) -> None:
        """It is said once, and X is not asked again for a day."""
        with capturedLogs() as logged:
            self.x.will_say(200)
            self.slot.open(SEARCH)
            self.x.will_say(403, {"title": "Client Forbidden"})
            self.clock.advance(LOOK_AFTER)
            self.settle()
            self.x.will_say(200)
            self.slot.open(SEARCH)
            self.clock.advance(DAY - 2 * LOOK_AFTER)
        self.assertEqual(self.paths.count(CONNECTIONS), 1)
        said = [formatEvent(event) for event in logged if "which connections" in formatEvent(event)]
        expected = "X does not tell which connections the app has: the answer was 403."
        self.assertEqual(said, [expected])
        self.clock.advance(2 * LOOK_AFTER)
        self.opens(self.one("mine"))
        self.assertEqual(self.record.last.id, "mine")


class FreeingTests(OwnSlotTestCase):
    """Our own connection that is over does not keep us out, and nobody else's is ended."""

    def test_after_a_kill(self) -> None:
        """The connection of the process before is ended by its id, and the stream opened."""
        self.opens(self.one("mine"))
        self.die()
        self.slot = self.process()
        asked = self.asks(self.one("mine", ago=100), then=[ENDED, OPEN])
        self.settle()
        self.assertEqual(self.successResultOf(asked).code, 200)
        end = self.x.asked[-2]
        self.assertEqual((end.method, end.content), ("DELETE", {"uuids": ["mine"]}))
        self.assertEqual([entry.id for entry in self.ledger.noted], ["mine"])
        self.assertEqual(self.record.last.id, "")

    def test_a_stream_that_opens_only_to_say_that_the_slot_is_taken(self) -> None:
        """The one that was noted before is ours as ever."""
        self.opens(self.one("mine"))
        for _ in range(2):
            self.die()
            self.slot = self.process()
            self.opens(self.one("mine", ago=9))
        asked = self.asks(self.one("mine", ago=100), then=[ENDED, OPEN])
        self.settle()
        self.assertEqual(self.successResultOf(asked).code, 200)

    def test_killed_before_it_was_noted(self) -> None:
        """It is ours if it began with ours, at the address of the one before."""
        self.opens(self.one("earlier"))
        for ip, count in ((THERE, 0), (HERE, 1)):
            self.slot.stopService()
            self.slot = self.process()
            before = structs.replace(self.record.last, opened=self.clock.seconds() - 50, id="")
            self.record.write(before)
            asked = self.asks(self.one("mine", ago=51, ip=ip), then=[ENDED, OPEN])
            self.settle()
            ended = [asked for asked in self.x.asked if asked.method == "DELETE"]
            self.assertEqual(len(ended), count)
            self.x.says_nothing()
            asked.addErrback(lambda _: None)

    def test_two_that_may_be_the_one_that_was_not_noted(self) -> None:
        """One of them is somebody else's, behind the same address: neither is ended."""
        self.opens(self.one("earlier"))
        self.die()
        self.slot = self.process()
        opened = self.clock.seconds() - 50
        last = structs.replace(self.record.last, opened=opened, id="", earlier="earlier")
        self.record.write(last)
        ours, other, earlier = self.one("ours", 51), self.one("other", 49), self.one("earlier", 90)
        self.refused(self.asks(ours, other))
        self.assertNotIn("DELETE", [asked.method for asked in self.x.asked])
        asked = self.asks(ours, earlier, other, then=[ENDED, OPEN])
        self.settle()
        self.assertEqual(self.successResultOf(asked).code, 200)
        self.assertEqual([entry.id for entry in self.ledger.noted], ["earlier"])

    def test_somebody_elses(self) -> None:
        """It is named with time and address in what is refused, and not ended."""
        self.opens(self.one("mine"))
        error = self.refused(self.asks(self.one("other", ago=60, ip=THERE)))
        since = datetime.fromtimestamp(self.clock.seconds() - 60, UTC)
        expected = f"filtered_stream since {since:%Y-%m-%d %H:%M:%S} UTC from {THERE}"
        self.assertEqual(error.refusal.explanation, f"This stream is at its limit: {expected}")
        self.assertNotIn("DELETE", [asked.method for asked in self.x.asked])

    def test_while_another_process_holds_it(self) -> None:
        """The connection that is noted is another process's that runs: it is not ended."""
        self.opens(self.one("mine"))
        self.slot = self.process()
        self.assertFalse(self.record.is_held)
        self.refused(self.asks(self.one("mine", ago=9)))
        self.assertNotIn("DELETE", [asked.method for asked in self.x.asked])

    def test_while_its_stream_is_read(self) -> None:
        """It is not dead: another one is asked for to replace it, and X opens no two."""
        self.opens(self.one("mine"))
        self.is_open = True
        self.refused(self.asks(self.one("mine", ago=9)))
        self.assertNotIn("DELETE", [asked.method for asked in self.x.asked])

    def test_x_does_not_let_go(self) -> None:
        """After a few attempts the slot counts as taken, by whoever has it then."""
        self.opens(self.one("mine"))
        asked = self.asks(self.one("mine", ago=9), then=[ENDED, *[(429, TAKEN)] * 3])
        self.lists(self.one("other", ip=THERE))
        for _ in range(4):
            self.settle()
            self.clock.advance(2)
        self.assertIn(f"from {THERE}", self.refused(asked).refusal.explanation)

    def test_too_many_requests_once_the_slot_is_free(self) -> None:
        """That is what is waited for; it is not asked again, and the slot is not blamed."""
        self.opens(self.one("mine"))
        limited = 429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
        asked = self.asks(self.one("mine", ago=9), then=[ENDED, limited])
        self.settle()
        error = self.failureResultOf(asked, RefusalError).value
        self.assertIs(error.refusal.trouble, Trouble.RATE_LIMIT)
        self.assertNotIn("filtered_stream", error.refusal.explanation)

    def test_x_does_not_end_it(self) -> None:
        """It is said once that it is not ended; whose the slot is, is said each time."""
        kept = 200, {"data": {"successful_kills": 0, "failed_kills": 1}}
        for refusal, why in (((403, {}), "the answer was 403"), (kept, "it is still there")):
            self.opens(self.one("mine"))
            with capturedLogs() as logged:
                for _ in range(2):
                    asked = self.asks(self.one("mine", ago=9), then=[refusal])
                    self.assertIn(f"from {HERE}", self.refused(asked).refusal.explanation)
            said = [formatEvent(event) for event in logged if "does not" in formatEvent(event)]
            self.assertEqual(len(said), 1)
            self.assertIn("X does not end our connection filtered_stream since", said[0])
            self.assertIn(f"which is over: {why}.", said[0])

    def test_other_refusals(self) -> None:
        """A limit of requests is none of the slot's: connections are not asked for."""
        self.x.will_say(429, {"errors": [{"code": 88, "message": "Rate limit exceeded"}]})
        asked = self.slot.open(SEARCH)
        self.settle()
        error = self.failureResultOf(asked, RefusalError).value
        self.assertEqual(error.status, 429)
        self.assertEqual(self.paths, [STREAM])


class RecordTests(OwnSlotTestCase):
    """What is kept on disk."""

    def test_damage(self) -> None:
        """A file that says nothing is nobody's connection."""
        for content in (b"", b"{", b"[]", b'{"opened":"x"}', b"\0" * 99):
            self.die()
            self.path.write_bytes(content)
            self.slot = self.process()
            self.assertEqual(self.record.last, ConnectionRecord())

    def test_a_copy(self) -> None:
        """The connection in it may be alive, of the client that was copied: it is not known."""
        self.record.write(ConnectionRecord(id="mine"))
        copy = self.path.with_name(f"{self.path.name}.copy")
        shutil.copy(self.path, copy)
        found = RecordFile(copy, self.installation, in_place, self.clock)
        self.addCleanup(found.close)
        self.assertEqual(found.last, ConnectionRecord())

    def test_a_copy_on_another_machine(self) -> None:
        """A new installation begins there, to which the connection of the other one is nothing."""
        self.record.write(ConnectionRecord(id="mine"))
        self.die()
        self.installation = "530dea1b1305"
        self.process()
        self.assertEqual(self.record.last, ConnectionRecord())

    def test_shorter(self) -> None:
        """What is written replaces all that was there."""
        self.record.write(ConnectionRecord(id="x" * 100))
        self.record.write(ConnectionRecord(id="y"))
        self.die()
        self.process()
        self.assertEqual(self.record.last.id, "y")

    def test_a_disk_that_takes_its_time(self) -> None:
        """The file is let go of when it has taken the last; an end waits a while for that."""
        self.die()
        acts = Acts()
        record = RecordFile(self.path, self.installation, acts, self.clock)
        record.write(ConnectionRecord(id="x"))
        record.write(ConnectionRecord(id="y"))
        closing = record.close()
        self.assertNoResult(closing)
        self.clock.advance(LAST)
        self.successResultOf(closing)
        acts.do()
        self.assertFalse(RecordFile(self.path, self.installation, acts, self.clock).is_held)
        acts.do_all()
        self.process()
        self.assertEqual((self.record.is_held, self.record.last.id), (True, "y"))


class AppApiTests(XTestCase):
    """What X says is taken with care."""

    def test_nonsense(self) -> None:
        """What is no connection is passed over, and no answer raises anything but RefusalError."""
        app = AppApi(self.bearer(given=GIVEN))
        data = [7, {}, {"id": 1, "endpoint_name": "a", "connected_at": "x"}, {"connected_at": 5}]
        for body in ({"data": data}, {"data": {}}, {}, {"data": [None]}):
            self.x.will_say(200, body)
            found = self.successResultOf(Deferred.fromCoroutine(app.connections()))
            self.assertEqual(found.open, ())
        for nonsense in (b"[]", b"{", b"", {"errors": [{"title": "Service Unavailable"}]}):
            self.x.will_say(200, nonsense)
            self.failureResultOf(Deferred.fromCoroutine(app.connections()), RefusalError)

    def test_usage(self) -> None:
        """Numbers, or texts of numbers; without them an error."""
        app = AppApi(self.bearer(given=GIVEN))
        self.x.will_say(200, {"data": {"project_usage": "7", "project_cap": 9, "cap_reset_day": 3}})
        found = self.successResultOf(Deferred.fromCoroutine(app.usage()))
        self.assertEqual((found.used, found.cap, found.reset_day), (7, 9, 3))
        for data in ({}, {"project_usage": "-1", "project_cap": 9}, {"project_usage": 1}, None):
            self.x.will_say(200, {"data": data})
            self.failureResultOf(Deferred.fromCoroutine(app.usage()), RefusalError)
