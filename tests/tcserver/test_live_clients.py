"""The sockets of clients: who gets one, what is taken, what is told, and how it ends."""

import base64
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client as Browser

from tcclient.push.messages import Hello
from tcserver.accounts.models import LedgerRecord
from tcserver.accounts.services import ledger as ledgers
from tcserver.captures.services.stop import stop
from tcserver.fleet.models import Client, ClientSession, Token
from tcserver.fleet.services.clients import retire
from tcserver.fleet.services.sessions import (
    UsedElsewhere,
    begin_session,
    keep_sessions,
    number_of_sessions,
)
from tcserver.fleet.services.tokens import issue, revoke
from tcserver.live import application, clients, closing, door, telling
from tests.marks import Need
from tests.tcserver.case import DatabaseCase
from tests.tcserver.livecase import HELLO, LONG, LiveCase, Peer
from tests.tcserver.world import START

NEEDED = Need.SECONDS


def piece(offset: int, data: bytes, **members: Any) -> dict[str, Any]:
    """Bytes of the ledger `log`."""
    text = base64.b64encode(data).decode()
    return {"type": "ledger", "ledger": "log", "offset": offset, "data": text, **members}


class HandshakeTests(LiveCase):
    def test_welcome(self) -> None:
        """Session, protocol, server as REST has it, and what is held of the ledgers it named."""
        shown = {"Authorization": f"Token {self.world.token}"}
        Browser().put("/api/ledger/log/?offset=0", b"12345", headers=shown)
        peer = self.connects()
        peer.says(HELLO | {"ledgers": [{"ledger": "log", "length": 9}]})
        told = peer.hears("welcome")
        assert peer.accepted is not None
        self.assertEqual(peer.accepted["subprotocol"], "tcc.1")
        self.assertEqual(told["server"], self.get("/api/activejobs/")["server_id"])
        self.assertEqual((told["ledgers"][0]["held"], told["spread"]), (5, 0.0))
        [row] = ClientSession.objects.all()
        self.assertEqual((row.session, row.installation), (told["session"], "one"))

    def test_who_is_refused(self) -> None:
        """No token, a wrong one, that of a person, and one that was revoked: accepted and 4001."""
        revoke(Token.objects.get(client=self.world.client).pk, self.world.act(self.world.admin))
        for token in ("0" * 40, self.world.key(self.world.admin), self.world.token):
            peer = self.connects(token)
            self.assertEqual(peer.is_closed(), 4001)
            self.assertIsNotNone(peer.accepted)
            self.assertNotIn(token, json.dumps(peer.heard))
        nobody = Peer(self.thread, self.live, "/ws/client/", {}, "tcc.1")
        self.assertEqual(nobody.is_closed(), 4001)

    def test_who_speaks_otherwise(self) -> None:
        """Another subprotocol or number of it, something before a hello, and no JSON: 4004."""
        shown = {"authorization": f"Token {self.world.token}"}
        self.assertEqual(Peer(self.thread, self.live, "/ws/client/", shown).is_closed(), 4004)
        for text in (
            json.dumps(HELLO | {"protocol": 2}),
            '{"type":"state","job":1,"condition":"ok","n":1}',
            '{"type":"poem"}',
            "{",
        ):
            peer = self.connects()
            peer.sends(text)
            self.assertEqual(peer.is_closed(), 4004, text)
            self.assertEqual(peer.heard[-1]["type"], "bye")

    def test_no_other_address(self) -> None:
        """It is closed before it is accepted."""
        peer = Peer(self.thread, self.live, "/ws/", {}, "tcc.1")
        peer.is_closed()
        self.assertIsNone(peer.accepted)


class SessionTests(LiveCase):
    def test_the_same_installation(self) -> None:
        """It takes its old session over, whose socket is closed with 4002."""
        old = self.greets()
        new = self.greets(instance="b")
        self.assertEqual(old.is_closed(), 4002)
        wanted = stop(self.world.demo.pk, self.world.act(self.world.rita)).revision
        told = {"type": "changed", "job": self.world.demo.pk, "revision": wanted}
        new.until(lambda: told in new.heard, "hint")

    def test_another_installation(self) -> None:
        """It is refused with 4003 and is noted for people; the first one goes on."""
        first = self.greets()
        second = self.connects()
        second.says(HELLO | {"installation": "two", "host": "attic"})
        self.assertEqual(second.is_closed(), 4003)
        row = ClientSession.objects.get()
        self.assertEqual((row.installation, row.refused_installation), ("one", "two"))
        self.assertEqual(row.refused_host, "attic")
        self.assertIsNone(first.code)

    def test_after_a_goodbye(self) -> None:
        """Another installation is welcome at once; after a mere loss it is not."""
        self.greets().hangs_up(1006)
        other = self.connects()
        other.says(HELLO | {"installation": "two"})
        self.assertEqual(other.is_closed(), 4003)
        self.greets().hangs_up(1000)
        self.greets(installation="two")

    def test_revoked(self) -> None:
        """
        The hint closes the socket with 4001, and another installation is welcome at once; so it is
        closed when the client is retired.
        """
        self.patch(clients, "LOOK", 10_000.0)
        self.live, act = self.begin(), self.world.act(self.world.admin)
        peer = self.greets()
        revoke(Token.objects.get(client=self.world.client).pk, act)
        self.assertEqual(peer.is_closed(), 4001)
        peer = self.greets(token=issue(self.world.client.pk, act), installation="two")
        retire(self.world.client.pk, act)
        self.assertEqual(peer.is_closed(), 4001)
        self.assertEqual(number_of_sessions(datetime.now(UTC)), 0)

    def test_kept_when_it_is_revoked(self) -> None:
        """Whoever keeps a session that is over does not make it go on."""
        self.greets()
        row = ClientSession.objects.get()
        revoke(row.token_id, self.world.act(self.world.admin))
        keep_sessions([(row.session, row.token_id)], datetime.now(UTC))
        self.assertEqual(number_of_sessions(datetime.now(UTC)), 0)

    def test_restart(self) -> None:
        """Each client is told when to come back, and closed with 1012."""
        peer = self.greets()
        self.thread.do(self.live.close())
        self.assertEqual(peer.is_closed(), 1012)
        self.assertGreaterEqual(peer.hears("bye")["retry_after"], 1.0)


class RestartTests(LiveCase):
    def test_all_processes_together(self) -> None:
        """Clients of a process come back within the time that all have, wherever they were."""
        self.patch(application, "number_of_sessions", lambda now: 900)
        self.patch(closing, "uniform", lambda least, most: most)
        peer = self.greets()
        self.thread.do(self.live.close())
        self.assertEqual(peer.hears("bye")["retry_after"], 31.0)

    def test_who_is_not_let_in_yet(self) -> None:
        """Its handshake is answered when it has its turn, or when the server ends, with a bye."""
        self.patch(door, "AT_ONCE", 1.0)
        self.patch(door, "A_SECOND", 1e-6)
        self.live = self.begin()
        self.greets()
        late = self.connects()
        self.connects("0" * 40).is_closed()  # who has no good token is not in the way
        self.assertIsNone(late.accepted)
        self.thread.do(self.live.close())
        self.assertEqual(late.is_closed(), 1012)
        self.assertGreaterEqual(late.hears("bye")["retry_after"], 1.0)


class AgeTests(LiveCase):
    def test_an_old_socket(self) -> None:
        """It is closed as by a restart, before anything in between does it; that is no fault."""
        self.patch(clients, "BEAT_EVERY", 0.05)
        self.patch(clients, "OLDEST", -3600.0)  # so that each is older, whatever chance adds
        peer = self.greets(self.begin())
        self.assertEqual(peer.is_closed(), 1012)
        self.assertEqual(peer.heard[-1]["reason"], "The socket has reached its age.")


class TermTests(DatabaseCase):
    def test_whose_session_it_is(self) -> None:
        """Another installation gets it once the term is over, and not before."""
        token = Token.objects.get(client=self.world.client).pk
        client, now = self.world.client.pk, START
        begin_session(client, token, Hello(1, "one"), now)
        other = Hello(1, "two", host="attic")
        for seconds in (0, 44.9):
            with self.assertRaises(UsedElsewhere):
                begin_session(client, token, other, now + timedelta(seconds=seconds))
        self.assertEqual(ClientSession.objects.get().refused_host, "attic")
        begin_session(client, token, other, now + timedelta(seconds=45))
        self.assertEqual(ClientSession.objects.get().installation, "two")


class TellingTests(LiveCase):
    def test_states(self) -> None:
        """They are written as REST writes them: of its own captures, the newest one of each."""
        strange = self.world.capture("strange")
        peer = self.greets()
        demo, bare = self.world.demo, self.world.bare
        for n, (job, total) in enumerate([(demo.pk, 5), (strange.pk, 1), (demo.pk, 7)], 1):
            peer.says({"type": "state", "job": job, "condition": "ok", "total": total, "n": n})
        self.reaches(lambda: self.world.now(demo).total == 7)
        self.assertEqual(self.world.now(bare).total, None)
        told = {"host": "lab-7", "disk_free": 10, "post_price": 0.005}
        peer.says({"type": "host", "n": 4} | told)
        self.reaches(lambda: Client.objects.get(pk=self.world.client.pk).host == "lab-7")
        self.assertEqual(Client.objects.get(pk=self.world.client.pk).post_price, 0.005)
        self.assertFalse([one for one in peer.heard if one["type"] == "again"])

    def test_numbers(self) -> None:
        """One that comes twice is passed over; where one is missing everything is asked for."""
        peer, job = self.greets(), self.world.demo.pk
        told = {"type": "state", "job": job, "condition": "ok"}
        peer.says(told | {"total": 5, "n": 1}, told | {"total": 9, "n": 3})
        peer.hears("again")
        self.reaches(lambda: self.world.now(self.world.demo).total == 9)
        peer.says(told | {"total": 6, "n": 2}, told | {"total": 7, "n": 3})
        peer.says({"type": "host", "n": 4, "host": "lab-7"})
        self.reaches(lambda: Client.objects.get(pk=self.world.client.pk).host == "lab-7")
        self.reaches(lambda: self.world.now(self.world.demo).total == 9)
        self.assertEqual(len([one for one in peer.heard if one["type"] == "again"]), 1)

    def test_ledgers(self) -> None:
        """Bytes are held once they are acknowledged; what is doubled or early changes nothing."""
        peer = self.greets()
        offsets = []
        for offset, data in ((0, b"first\n"), (0, b"first\nsecond\n"), (20, b"third\n"), (13, b"")):
            after = len(peer.heard)
            peer.says(piece(offset, data, job=self.world.demo.pk))
            offsets.append(peer.hears("held", after)["offset"])
            self.assertEqual(LedgerRecord.objects.get(name="log").held, offsets[-1])
        self.assertEqual(offsets, [6, 13, 13, 13])
        self.assertEqual(self.get("/api/ledger/log/")["held"], 13)

    def test_a_ledger_of_a_strange_capture(self) -> None:
        """It is refused by a sentence, and the socket goes on."""
        peer = self.greets()
        peer.says(piece(0, b"x", job=10**6))
        self.assertIn("never had", peer.hears("held")["refused"])
        peer.says(piece(0, b"x"))
        self.assertEqual(peer.hears("held", len(peer.heard))["offset"], 1)

    def test_ledgers_that_take_long(self) -> None:
        """They hold up neither states nor what pages and clients are told."""
        self.patch(application, "THREADS", 1)
        live, done, demo = self.begin(), threading.Event(), self.world.demo.pk
        self.addCleanup(done.set)
        append = telling.append

        def slowly(*arguments: Any) -> Any:
            done.wait(LONG)
            return append(*arguments)

        self.patch(telling, "append", slowly)
        peer, page = self.greets(live), self.page("captures", live=live)
        page.until(lambda: page.heard, "a first message")
        peer.says(
            piece(0, b"a"), {"type": "state", "job": demo, "condition": "ok", "total": 77, "n": 1}
        )
        page.until(
            lambda: any(one["posts"] == 77 for told in page.heard for one in told["captures"]),
            "the state",
        )
        revision = stop(demo, self.world.act(self.world.rita)).revision
        hint = {"type": "changed", "job": demo, "revision": revision}
        peer.until(lambda: hint in peer.heard, "the hint")
        done.set()
        self.assertEqual(peer.hears("held")["offset"], 1)

    def test_more_ledgers_than_are_taken(self) -> None:
        """That one is refused in words, as by REST; the socket and other ledgers go on."""
        peer = self.greets()
        peer.says(piece(0, b"a", ledger="first"))
        peer.hears("held")
        self.patch(ledgers, "MOST_LEDGERS", 1)
        peer.says(piece(0, b"a", ledger="second"), piece(1, b"b", ledger="first"))

        def answer(**members: Any) -> dict[str, Any] | None:
            return next((one for one in peer.heard if one | members == one), None)

        refused = peer.until(lambda: answer(ledger="second"), "an answer")["refused"]
        self.assertIn("1 ledgers with 1 bytes are held", refused)
        peer.until(lambda: answer(ledger="first", offset=2), "the other ledger")
        self.assertIsNone(peer.code)

    def test_too_much(self) -> None:
        """A message or ledgers under way of more than 64 KiB close with 4008."""
        peer = self.greets()
        peer.says({"type": "poem", "text": "x" * 65_500})
        peer.says(piece(0, b"x"))
        peer.hears("held")
        peer.sends(json.dumps({"type": "poem", "text": "x" * 65_536}))
        self.assertEqual(peer.is_closed(), 4008)
        peer = self.greets()
        peer.says(*(piece(30_000 * n, bytes(30_000)) for n in range(50)))
        self.assertEqual(peer.is_closed(), 4008)

    def test_a_flood(self) -> None:
        """More messages than the token's allowance close with 4008, over reconnects."""
        peer = self.greets()
        peer.says(*[{"type": "poem"}] * 10_000)
        self.assertEqual(peer.is_closed(), 4008)

    def test_what_cannot_be_stored(self) -> None:
        """It closes with 4004, and nothing of it is written."""
        job = self.world.demo.pk
        for wrong in (
            {"since": "0001-01-01T00:00:00+23:59"},
            {"condition": "NO"},
            {"condition": "a" * 32 + "\n"},
            {"total": -1},
            {"type": "ledger", "ledger": "a\n", "offset": 0, "data": ""},
        ):
            peer = self.greets()
            told = {"type": "state", "job": job, "condition": "ok", "n": 1}
            peer.says(told | {"total": 3} | wrong)
            self.assertEqual(peer.is_closed(), 4004, wrong)
        self.assertIsNone(self.world.now(self.world.demo).total)

    def test_a_beat(self) -> None:
        """It comes by the layer, here more often, and the client counts as heard of."""
        self.patch(clients, "BEAT_EVERY", 0.2)
        Token.objects.update(contact_at=datetime(2020, 1, 1, tzinfo=UTC))
        peer = self.greets(self.begin())
        peer.hears("beat")
        self.reaches(
            lambda: (
                datetime.now(UTC) - Token.objects.get(client=self.world.client).contact_at
                < timedelta(minutes=5)
            )
        )

    def reaches(self, found: Any) -> None:
        """Return once it is so."""
        deadline = time.monotonic() + 30
        while not found():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
