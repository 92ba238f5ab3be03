"""How ledgers come to a server that takes them, whatever happens to either end; by the clock."""

import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.following import LATER, LEAST, OLD_AT_ONCE, PIECE
from tcclient.captures.restedcalls import AS_GONE
from tcclient.ledger.bookings import JobFolder
from tcclient.ledger.ledgerfile import Ledger
from tcclient.storage.index import INDEX
from tcsandbox.server.restapi import ApiAnswer
from tests.captures.takingserver import TakingWorld
from tests.captures.test_telling import BROKEN, NO_PAGE, TellingCase

LONG = 200_000
"""Bytes of a line that is sent in pieces."""


class FollowingCase(TellingCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = TakingWorld(self)
        self.line = self.world.line

    @property
    def base(self) -> Path:
        return self.world.disk.base

    def pieces(self, id: str = "") -> list[tuple[int, int]]:
        """Offset and length of each piece that was sent, of one ledger or of all."""
        return [
            (int(one.path.partition("offset=")[2].partition("&")[0]), len(_bytes(one.body)))
            for one in self.line.seen
            if one.method == "PUT" and one.path.startswith(f"ledger/{id}")
        ]

    def older(self, name: str, job: int, *, months: int = 1, size: int = 0) -> str:
        """Make a folder with the ledger of a job that is not listed any more; returns its id."""
        with Ledger(self.base / INDEX, self.world.wall) as index:
            index.write(JobFolder(server=self.world.address, name=name), job)
        with Ledger(self.base / name / f"{name}.ledger.jsonl", self.world.wall) as ledger:
            for _ in range(months):
                ledger.write(JobFolder(server="x" * size, name=name), job)
                ledger.begin_another("removed")
            return ledger.id

    def there(self, id: str) -> bytes:
        """What the server holds of a ledger."""
        return bytes(self.line.ledgers.get(id, b""))

    def assert_equal(self, name: str = "cats") -> None:
        """The server has all of the ledger of a capture."""
        self.assertEqual(self.there(self.world.ledger_id(name)), self.world.ledger(name))


class SendingTests(FollowingCase):
    def test_all_ledgers(self) -> None:
        """That of each capture with its job, and that of none; byte for byte."""
        self.world.begin()
        self.world.lives(30)
        self.assert_equal()
        self.assertEqual(self.line.jobs[self.world.ledger_id()], "1")
        index = (self.base / INDEX).read_bytes()
        of_none = [id for id, job in self.line.jobs.items() if job is None]
        self.assertEqual([self.there(id) for id in of_none], [index])

    def test_what_is_new(self) -> None:
        """It alone is sent, within a poll or two."""
        self.world.begin()
        self.world.lives(30)
        held = len(self.there(self.world.ledger_id()))
        self.world.source.peer.closes()
        self.world.goes(20)
        self.assert_equal()
        self.assertEqual(self.pieces(self.world.ledger_id())[-1][0], held)

    def test_nothing_new(self) -> None:
        """Nothing is asked for then."""
        self.world.begin()
        self.world.lives(30)
        requests = len(self.line.of("ledger/"))
        self.world.lives(60)
        self.assertEqual(len(self.line.of("ledger/")), requests)

    def test_a_long_line(self) -> None:
        """It comes in pieces, one of which is on its way at a time."""
        self.world.begin()
        self.world.store.rekey(1, "x" * LONG)
        self.line.hold("PUT", "ledger/")
        self.world.lives(60)
        self.assertLessEqual(sum(not one.cancelled for one in self.line.held), 1)
        self.line.release()
        self.world.lives(30)
        self.assert_equal()
        sizes = [size for _, size in self.pieces()]
        self.assertEqual(max(sizes), PIECE)

    def test_the_next_start(self) -> None:
        """It goes on from where the server is."""
        self.world.begin()
        self.world.lives(30)
        self.world.restart()
        self.world.connect()
        self.world.lives(30)
        self.assert_equal()
        pieces = self.pieces(self.world.ledger_id())
        self.assertEqual(sum(size for _, size in pieces), len(self.world.ledger()))

    def test_another_month(self) -> None:
        """The ledger goes on in another file, and so does what is sent."""
        self.world.begin()
        self.world.lives(30)
        self.world.clock.advance(40 * 86_400)
        self.world.lives(30)
        self.world.source.peer.closes()
        self.world.goes(5)
        self.world.connect()
        self.world.lives(40)
        files = sorted((self.base / "cats").glob("cats.ledger*.jsonl"))
        self.assertEqual(len(files), 2)
        whole = b"".join(file.read_bytes() for file in (files[1], files[0])[::-1])
        self.assertEqual(self.there(self.world.ledger_id()), whole)

    def test_a_renamed_capture(self) -> None:
        """The ledgers of both folders are sent to the end."""
        self.world.begin()
        self.world.lives(30)
        self.world.row().name = "dogs"
        self.world.lives(60)
        for name in ("cats", "dogs"):
            self.assert_equal(name)

    def test_a_capture_that_was_given_away(self) -> None:
        """To the last line: the server takes what was this client's."""
        self.world.begin()
        self.world.lives(30)
        self.world.store.reassign(1, 99)
        self.world.lives(60)
        self.assertIn(b"capture_close", self.world.ledger())
        self.assert_equal()

    def test_what_no_longer_grows(self) -> None:
        """Slowly, after what does, and the newest first."""
        for number in range(2 * OLD_AT_ONCE):
            self.older(f"old{number:02d}", 100 + number)
        self.world.begin()
        self.world.lives(10)
        self.assert_equal()
        self.world.lives(300)
        for path in self.base.glob("old*/*.jsonl"):
            for line in path.read_bytes().splitlines(keepends=True)[:1]:
                id = json.loads(line)["ledger"]
                self.assertEqual(self.there(id), path.read_bytes(), path)

    def test_another_servers_folder(self) -> None:
        """Its ledger is nothing for this one, but for that of no capture."""
        with Ledger(self.base / INDEX, self.world.wall) as index:
            index.write(JobFolder(server="http://elsewhere/api/", name="theirs"), 7)
        with Ledger(self.base / "theirs" / "theirs.ledger.jsonl", self.world.wall) as ledger:
            id = ledger.id
        self.world.begin()
        self.world.lives(60)
        self.assertNotIn(id, self.line.ledgers)

    def test_what_is_half_written(self) -> None:
        """A line without its end is not sent."""
        self.older("old", 100)
        path = self.base / "old" / "old.ledger.jsonl"
        whole = path.read_bytes()
        path.write_bytes(whole + b'{"at": "2')
        self.world.begin()
        self.world.lives(60)
        self.assertIn(whole, [bytes(one) for one in self.line.ledgers.values()])

    def test_a_file_that_cannot_be_read(self) -> None:
        """It is said once, and the others are sent."""
        self.older("old", 100)
        path = self.base / "old" / "old.ledger.jsonl"
        path.unlink()
        path.symlink_to("/proc/self/mem")  # whose first bytes nobody can read, root neither
        self.world.begin()
        self.world.lives(120)
        self.assert_equal()
        lines = [str(event["log_format"]).format(**event) for event in self.events]
        self.assertEqual(len([line for line in lines if f"Cannot read {path}" in line]), 1, lines)


class OtherBytesTests(FollowingCase):
    """Where the two ends have not the same."""

    def test_a_server_that_was_put_back(self) -> None:
        """What it has lost is sent again."""
        self.world.begin()
        self.world.lives(30)
        del self.line.ledgers[self.world.ledger_id()][100:]
        self.world.source.peer.closes()
        self.world.goes(40)
        self.assert_equal()

    def test_a_server_that_has_more(self) -> None:
        """The ledger goes on as another one, in which it is restated how things stand."""
        self.world.begin()
        self.world.lives(30)
        before = self.world.ledger_id()
        self.world.stop()
        self.world.goes(20)
        self.line.ledgers[before] += b"{}\n" * 1000
        held = self.there(before)
        self.world.start()
        self.world.connect()
        self.world.lives(60)
        first, opening, *_ = map(json.loads, self.world.ledger().splitlines())
        self.assertEqual((first["follows"], first["because"]), (before, "ahead"))
        self.assertEqual(opening["kind"], "capture_open")
        self.assertEqual(self.there(before), held)
        self.assertNotEqual(self.world.ledger_id(), before)
        self.assert_equal()

    def test_a_server_that_has_other_lines(self) -> None:
        """As many, as after a restore of this disk: they are told apart, and none is mixed."""
        self.world.begin()
        self.world.lives(30)
        before = self.world.ledger_id()
        self.world.stop()
        self.world.goes(20)
        self.line.ledgers[before][-30:-20] = b"xxxxxxxxxx"
        held = self.there(before)
        self.world.start()
        self.world.connect()
        self.world.lives(60)
        first = json.loads(self.world.ledger().partition(b"\n")[0])
        self.assertEqual((first["follows"], first["because"]), (before, "ahead"))
        self.assertEqual(self.there(before), held)
        self.assert_equal()

    def test_a_server_that_has_more_of_what_is_closed(self) -> None:
        """Also where nobody writes."""
        id = self.older("old", 100)
        self.line.ledgers[id] = bytearray(b"{}\n" * 1000)
        self.world.begin()
        self.world.lives(60)
        self.assertNotEqual(self.world.ledger_id("old"), id)
        self.assert_equal("old")

    def test_files_that_are_not_here_any_more(self) -> None:
        """What comes after them is sent as another ledger."""
        self.world.begin()
        self.line.fails["ledger/"] = BROKEN
        self.world.clock.advance(40 * 86_400)
        self.world.lives(10)
        self.world.source.peer.closes()
        self.world.goes(10)
        [month] = (self.base / "cats").glob("cats.ledger.*-*.jsonl")
        month.unlink()
        self.line.fails.clear()
        self.world.goes(400)
        self.assertEqual(json.loads(self.world.ledger().partition(b"\n")[0])["because"], "behind")
        self.assert_equal()

    def test_a_server_that_claims_to_have_more_of_everything(self) -> None:
        """It does not make the client begin ledgers without end."""
        self.world.begin()
        self.line.work = _claiming(self.line.work)  # type: ignore[method-assign]
        self.world.restart()
        self.world.connect()
        self.world.lives(LATER / 2)
        files = [*(self.base / "cats").glob("cats.ledger*.jsonl")]
        self.assertLessEqual(len(files), 2)
        self.assertEqual(len(self.said("taking ledgers")), 1)


class RefusalTests(FollowingCase):
    """What the server does not take, or not so."""

    def test_a_ledger_that_it_does_not_want(self) -> None:
        """As it has forgotten the capture: it is offered each hour, and the others are sent."""
        id = self.older("old", 100)
        answer = ApiAnswer(400, b'{"job": ["Invalid pk"]}')
        self.line.fails[f"ledger/{id}/?offset"] = answer
        self.world.begin()
        self.world.lives(LATER)
        self.assert_equal()
        self.assertIn(len(self.pieces(id)), (1, 2))
        self.line.fails.clear()
        self.world.lives(LATER)
        self.assert_equal("old")

    def test_a_proxy_that_takes_less_at_once(self) -> None:
        """The pieces become smaller."""
        work, most = self.line.work, 5000

        def narrow(asked: Any) -> ApiAnswer:
            is_large = "ledger" in asked.target and len(asked.body) > most
            return ApiAnswer(413, b"too large") if is_large else work(asked)

        self.line.work = narrow  # type: ignore[method-assign]
        self.world.begin()
        self.world.store.rekey(1, "x" * LONG)
        self.world.lives(180)
        self.assert_equal()

    def test_a_proxy_that_takes_nothing(self) -> None:
        """It is not tried for ever."""
        self.line.fails["ledger/"] = ApiAnswer(413, b"too large")
        self.world.begin()
        self.world.lives(600)
        self.assertLess(len(self.line.of("ledger/")), 30)
        self.assertGreaterEqual(LEAST, 1000)

    def test_all_that_can_be_wrong(self) -> None:
        """Each is said once, asked for ever less often, and mended by the next good answer."""
        for answer in (
            BROKEN,
            ApiAnswer(429, b'{"detail": "slowly"}'),
            ApiAnswer(503, b'{"detail": "later"}'),
            ApiAnswer(200, b"<h1>Welcome</h1>"),
            ApiAnswer(200, b'{"ledger": "another", "held": 5}'),
            ApiAnswer(200, b'{"ledger": 5, "held": -1}'),
            ApiAnswer(200, b"[" * 100_000),
        ):
            self.world = TakingWorld(self)
            self.line = self.world.line
            self.events.clear()
            self.line.fails["ledger/"] = answer
            self.world.begin()
            self.world.lives(300)
            self.assertLess(len(self.line.of("ledger/")), 9, answer)
            self.assertEqual(len(self.said("taking ledgers")), 1, answer)
            self.world.posts(5)
            self.world.lives(10)
            self.assertEqual(self.world.row().total_count, 5)
            self.line.fails.clear()
            self.world.lives(330)
            self.assert_equal()

    def test_an_endpoint_that_is_gone(self) -> None:
        """It is looked for each ten minutes."""
        self.line.fails["ledger/"] = NO_PAGE
        self.world.begin()
        for answer in (NO_PAGE, ApiAnswer(405, b"{}")):
            self.line.fails["ledger/"] = answer
            self.world.lives(AS_GONE)
        self.assertLessEqual(len(self.line.of("ledger/")), 3)
        self.line.fails.clear()
        self.world.lives(AS_GONE)
        self.assert_equal()

    def test_one_that_never_has_more(self) -> None:
        """Bytes that are taken and not held are not sent without end."""
        self.world.begin()
        for id in self.line.ledgers:
            held = json.dumps({"ledger": id, "held": len(self.line.ledgers[id])}).encode()
            self.line.fails[f"ledger/{id}/?"] = ApiAnswer(200, held)
        self.world.source.peer.closes()
        self.world.goes(300)
        self.assertLess(len(self.line.of("ledger/")), 30)

    def test_one_after_the_other(self) -> None:
        """Of states, hosts and ledgers one request is under way at a time."""
        self.line.hold("PUT")
        self.line.hold("GET", "ledger/")
        self.world.begin()
        for _ in range(60):
            self.world.lives(1)
            held = [one for one in self.line.held if not one.cancelled and one.method != "PATCH"]
            self.assertLessEqual(len(held), 1)
            for one in held:
                self.line.held.remove(one)
                one.answer()
        self.assert_equal()

    def test_no_answer(self) -> None:
        """It holds up neither states nor polls."""
        self.line.hold("GET", "ledger/")
        self.world.begin()
        self.world.posts(5)
        self.world.lives(30)
        self.assertEqual((self.state()["total"], self.world.row().total_count), (5, 5))


def _bytes(body: Any) -> bytes:
    """Return what was sent, which the line has decoded where it is one JSON value."""
    return body if isinstance(body, bytes) else json.dumps(body).encode() + b"\n"


def _claiming(work: Any) -> Any:
    def claim(asked: Any) -> ApiAnswer:
        if "/ledger/" not in asked.target:
            return work(asked)  # type: ignore[no-any-return]
        id = asked.target.split("/")[3]
        return ApiAnswer(200, json.dumps({"ledger": id, "held": 10**18}).encode())

    return claim


class PiecesTests(SynchronousTestCase):
    def test_the_bound(self) -> None:
        """At most 64 KiB are on their way, as the protocol has it."""
        self.assertEqual(PIECE, 65_536)
