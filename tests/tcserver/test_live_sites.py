"""The sockets of browsers, and that by any socket the state is that of REST after every act."""

import asyncio
import contextlib
import os
import threading
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import InterfaceError, InternalError, OperationalError
from django.test import Client as Browser

from tcclient.control.jobs import Status
from tcserver.captures.services.edit import edit
from tcserver.captures.services.report import answer, report
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.hints import of_capture
from tcserver.history.acts import Act, Party
from tcserver.live import clients, sites
from tcserver.people.services.people import deactivate, give_role
from tcserver.website.states import capture_states, watched
from tests.marks import Need
from tests.tcserver.case import CommittedCase
from tests.tcserver.everyact import acting, every_act
from tests.tcserver.livecase import LONG, LiveCase, Peer, PrivateRedis
from tests.tcserver.world import START

NEEDED = Need.SECONDS


class Shown:
    """What a page shows that applies what its socket brings."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._applied = 0
        self.states: dict[int, Any] = {}

    def now(self) -> dict[int, Any]:
        """The states by now."""
        for message in self.peer.heard[self._applied :]:
            self._applied += 1
            self.states |= {one["number"]: one for one in message["captures"]}
            if message.get("numbers") is not None:
                self.states = {n: one for n, one in self.states.items() if n in message["numbers"]}
        return self.states


class Followed:
    """What a client knows of its captures that applies what its socket brings."""

    def __init__(self, case: LiveCase, peer: Peer) -> None:
        self._case, self.peer = case, peer
        self._applied = 0
        self.revisions: dict[int, int] = {}

    def now(self) -> dict[int, int]:
        """The revisions by now: a hint has it ask by REST whether the capture is its own."""
        for message in self.peer.heard[self._applied :]:
            self._applied += 1
            if message["type"] == "changed":
                self.revisions[message["job"]] = message["revision"]
                if message["job"] not in self.listed():
                    del self.revisions[message["job"]]
        return self.revisions

    def listed(self) -> dict[int, int]:
        """The revisions as REST lists them."""
        rows = self._case.get("/api/activejobs/?limit=1000")["results"]
        return {row["id"]: row["revision"] for row in rows}


def told(states: dict[int, Any]) -> dict[int, Any]:
    """The states but for contacts: each request is one, and looks alone find them."""
    return {number: one | {"contact": None} for number, one in states.items()}


class SameStateCase(LiveCase):
    """Two processes: acts are done in the first one's, and sockets are at either."""

    def setUp(self) -> None:
        if self.redis is None and type(self).wants_redis:
            self.redis = os.environ.get("TCC_TEST_REDIS_URL") or PrivateRedis(self).url
        super().setUp()
        self.browser = self.world.browser(self.world.admin)

    wants_redis = False

    def states(self, watch: str) -> dict[int, Any]:
        """What the database has now, as an administrator may see it."""
        number = watched(watch)
        numbers = [] if number is None else [number]
        found = capture_states(numbers, datetime.now(UTC), listed=number is None)
        return {one.number: msgspec.to_builtins(one) for one in found}

    def same_after_every_act(self, live: Any) -> None:
        """Do each act, and have a client and two pages at `live` come to what REST has."""
        followed = Followed(self, self.greets(live))
        pages = {
            watch: Shown(self.page(watch, browser=self.browser, live=live))
            for watch in ("captures", f"capture:{self.world.demo.pk}")
        }
        for act in every_act(self.world):
            act()
            where = f"state after {act}"
            followed.peer.until(lambda: followed.now() == followed.listed(), where)
            for watch, shown in pages.items():
                shown.peer.until(
                    lambda s=shown, w=watch: told(s.now()) == told(self.states(w)),
                    f"{where} of {watch}",
                )


class EveryActTests(CommittedCase):
    def test_all_that_services_do(self) -> None:
        """No function that takes an act is left out of what the tests below do."""
        done = set()
        for act in every_act(self.world):
            done.add(act.func)
            act()
        self.assertEqual(acting() - done, set())


class OneProcessTests(SameStateCase):
    def test_same_state(self) -> None:
        """In memory, by hints alone: the looks do not come within this test."""
        self.patch(clients, "LOOK", 10_000.0)
        self.patch(sites, "LOOK", 10_000.0)
        self.same_after_every_act(self.begin())


class WithoutHintsTests(SameStateCase):
    def test_same_state(self) -> None:
        """Where hints are lost, as those of a command, the looks make up for them."""
        self.thread.do(self.live.close())
        self.patch(clients, "LOOK", 0.3)
        self.patch(sites, "LOOK", 0.3)
        live = self.begin()
        live._end()
        self.same_after_every_act(live)


class RedisTests(SameStateCase):
    wants_redis = True

    def test_same_state(self) -> None:
        """By Redis, whose hints come from another process than the sockets are at."""
        self.patch(clients, "LOOK", 10_000.0)
        self.patch(sites, "LOOK", 10_000.0)
        acting, serving = self.live, self.begin()
        serving._end()  # no hint of this process comes to the sockets but by Redis
        assert acting is not serving
        self.same_after_every_act(serving)


class RedisAwayTests(LiveCase):
    def setUp(self) -> None:
        self.server = PrivateRedis(self)
        self.redis = self.server.url
        super().setUp()

    def test_it_goes_on(self) -> None:
        """While Redis is away looks find what changes; when it is back hints come again."""
        peer = self.greets()
        act, demo = self.world.act(self.world.rita), self.world.demo.pk
        far = self.begin()
        other = Followed(self, peer)

        def is_told(revision: int, within: float = LONG) -> None:
            peer.until(lambda: other.now().get(demo) == revision, f"revision {revision}", within)

        self.server.kill()
        is_told(stop(demo, act).revision)
        is_told(start(demo, act).revision)
        self.assertIsNone(peer.code)
        self.server.start()
        self.patch(clients, "LOOK", 10_000.0)
        self.live._end()  # so that hints come by Redis, from the other process, or not at all
        assert far is not self.live
        deadline, wanted = time.monotonic() + LONG, 0
        while time.monotonic() < deadline and other.now().get(demo) != wanted:
            wanted = edit(demo, act, description=str(wanted)).revision
            with contextlib.suppress(AssertionError):  # lost: the layer was still away then
                is_told(wanted, 1.0)
        self.assertEqual(other.now().get(demo), wanted)


class DatabaseAwayTests(LiveCase):
    def test_it_goes_on(self) -> None:
        """Whatever error a database that goes away has for it, looks go on, without a line each."""
        self.patch(clients, "LOOK", 0.1)
        self.patch(sites, "LOOK", 0.1)
        page, peer, demo = Shown(self.page("captures")), self.greets(), self.world.demo.pk
        followed = Followed(self, peer)
        page.peer.until(page.now, "a first message")
        for error in (InterfaceError, OperationalError, InternalError):
            with self.assertNoLogs("tcserver.live"):
                self.looks_fail(error("connection already closed"))
                text, act = str(error), self.world.act(self.world.rita)
                revision = edit(demo, act, keywords=text).revision
                self.comes(peer, lambda: followed.now().get(demo), revision)
                self.comes(page.peer, lambda: page.now()[demo]["revision"], revision)
        self.assertEqual((peer.code, page.peer.code), (None, None))

    def looks_fail(self, error: Exception) -> None:
        """Have a look of both kinds fail."""
        for module, name in ((clients, "look"), (sites, "capture_states")):
            has_failed = threading.Event()

            def fail(*_: Any, has_failed: Any = has_failed, **__: Any) -> Any:
                has_failed.set()
                raise error

            patched = self.patch(module, name, fail)
            self.assertTrue(has_failed.wait(LONG))
            patched.restore()

    def comes(self, peer: Peer, there: Any, wanted: int) -> None:
        """Return once the wanted revision is there."""
        peer.until(lambda: there() == wanted, f"revision {wanted}")


class PageTests(LiveCase):
    def test_who_gets_it(self) -> None:
        """Whoever has logged in, on a page of this site; nobody else."""
        for browser in (Browser(), Browser(headers={"Cookie": "sessionid=x"})):
            self.assertEqual(self.page("captures", browser=browser).is_closed(), 4001)
        headers = {"origin": "http://testserver", "host": "testserver"}
        for value in ("x" * 32, '"\\000xxxxxxxxx"'):
            whole = {"cookie": f"sessionid={value}", **headers}
            peer = Peer(self.thread, self.live, "/ws/site/", whole)
            peer.says({"watch": ["captures"]})
            self.assertEqual(peer.is_closed(), 4001, value)
        cookie = self.world.browser(self.world.admin).cookies["sessionid"].value
        for origin in ("http://elsewhere", "http://testserver:81", "null", ""):
            headers = {"cookie": f"sessionid={cookie}", "origin": origin, "host": "testserver"}
            peer = Peer(self.thread, self.live, "/ws/site/", headers)
            peer.is_closed()
            self.assertIsNone(peer.accepted, origin)

    def test_what_is_seen(self) -> None:
        """What belongs to the person's projects; less, when that changes, or nothing at all."""
        otto = self.world.browser(self.world.otto)
        rita = self.world.browser(self.world.rita)
        strange = Shown(self.page("captures", f"capture:{self.world.demo.pk}", browser=otto))
        own = Shown(self.page("captures", browser=rita))
        own.peer.until(lambda: len(own.now()) == 2, "two captures")
        strange.peer.until(lambda: strange.peer.heard, "a first message")
        self.assertEqual(strange.now(), {})
        act = self.world.act(self.world.admin)
        give_role(self.world.rita, self.world.project.pk, None, act)
        own.peer.until(lambda: own.now() == {}, "no capture")
        deactivate(self.world.rita.pk, act)
        self.assertEqual(own.peer.is_closed(), 4001)

    def test_logged_out(self) -> None:
        """The socket is closed, whoever has opened it."""
        browser = self.world.browser(self.world.rita)
        peer = self.page("captures", browser=browser)
        peer.until(lambda: peer.heard, "a first message")
        browser.logout()
        self.assertEqual(peer.is_closed(), 4001)

    def test_logged_out_amid_changes(self) -> None:
        """It is closed as soon while some capture is never at rest."""
        self.patch(sites, "GATHER", 0.05)
        browser = self.world.browser(self.world.rita)
        peer = self.page("captures", browser=browser)
        peer.until(lambda: peer.heard, "a first message")

        async def changes() -> None:
            self.addCleanup(asyncio.ensure_future(change()).cancel)

        async def change() -> None:
            while True:
                self.live._line.hint([of_capture(self.world.demo.pk)])
                await asyncio.sleep(0.01)

        self.thread.do(changes())
        browser.logout()
        self.assertEqual(peer.is_closed(), 4001)

    def test_foreign_origins(self) -> None:
        """A header that is none is another site's, and no error."""
        for origin in ("http://testserver:99999", "http://testserver:x", "http://[", "\xff"):
            self.assertFalse(
                sites.is_own_origin({b"origin": origin.encode(), b"host": b"testserver"}), origin
            )

    def test_what_is_gathered(self) -> None:
        """A change goes at once; many within a moment go together, as the last state."""
        peer = Shown(self.page("captures"))
        peer.peer.until(lambda: peer.now(), "a first message")
        before = len(peer.peer.heard)
        for number in range(100):
            edit(self.world.demo.pk, self.world.act(self.world.rita), name=f"name{number}")
        number = self.world.demo.pk
        peer.peer.until(lambda: peer.now()[number]["name"] == "name99", "the last name")
        self.assertLess(len(peer.peer.heard) - before, 50)

    def test_what_goes_at_once(self) -> None:
        """That a stop was asked, and that it is done, though gathering would take hours."""
        self.patch(sites, "GATHER", 10_000.0)
        self.thread.do(self.live.close())
        page, demo = Shown(self.page("captures", live=self.begin())), self.world.demo.pk
        page.peer.until(page.now, "a first message")
        revision = stop(demo, self.world.act(self.world.rita)).revision
        page.peer.until(lambda: page.now()[demo]["revision"] == revision, "that it was asked")
        own = Act(Party.CLIENT, self.world.client.pk, "client1", START)
        answer(demo, self.world.client.pk, Status.STOPPED, {}, own)
        page.peer.until(lambda: page.now()[demo]["word"] == "stopped", "that it is done")

    def test_numbers_are_in_nobodys_way(self) -> None:
        """What a person waits for goes at once, however many numbers have come just before."""
        self.patch(sites, "GATHER", 10_000.0)
        self.thread.do(self.live.close())
        page, demo = Shown(self.page("captures", live=self.begin())), self.world.demo.pk
        page.peer.until(page.now, "a first message")
        own = Act(Party.CLIENT, self.world.client.pk, "client1", START)
        for total in range(100):
            report(demo, self.world.client.pk, {"total": total}, own)
        revision = stop(demo, self.world.act(self.world.rita)).revision
        page.peer.until(lambda: page.now()[demo]["revision"] == revision, "that it was asked")

    def test_nonsense(self) -> None:
        """It is closed with 4004."""
        for text in ("{", '{"watch":["poems"]}', '{"watch":"captures"}', "[" * 4000):
            peer = self.page("captures")
            peer.sends(text)
            self.assertEqual(peer.is_closed(), 4004, text)
