"""What pages say of clients: budget, disk, clock, the captures that stand, and what is wrong."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Status
from tcclient.health.health import Level
from tcserver.alerts.conditions import AlertKind, AlertVerdict
from tcserver.alerts.services.look import look
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.report import answer
from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.clients import create_client
from tcserver.website.machines import MachineWords, words_of
from tests.tcserver.test_website import PageCase
from tests.tcserver.world import START

GB = 10**9


def words(**columns: Any) -> MachineWords:
    """What is said of a client that was just here."""
    return words_of(Client(**columns), START, START)


class WordsTests(SynchronousTestCase):
    def test_for_how_long_the_disk_lasts(self) -> None:
        for free, daily, said, soon in (
            (None, 5, "", False),
            (5, None, "", False),
            (5, 0, "", False),
            (GB // 2, GB, "for less than a day", True),
            (GB, GB, "for 1 day", True),
            (3 * GB - 1, GB, "for 2 days", True),
            (3 * GB, GB, "for 3 days", False),
            (999 * GB, GB, "for 999 days", False),
            (1000 * GB, GB, "for years", False),
            (2**63 - 1, 1, "for years", False),
        ):
            found = words(disk_free=free, disk_daily=daily)
            self.assertEqual((found.disk_lasts, found.disk_ends_soon), (said, soon), free)

    def test_a_budget(self) -> None:
        """The limit that is nearest stands first; 80 and 100 % have styles of their own."""
        until = (START + timedelta(days=1)).isoformat()
        limits = {
            "day": {"spent": 799, "limit": 1000, "until": until},
            "month": {"spent": 800, "limit": 1000, "until": until},
            "plan": {"spent": 2000, "limit": 1000},
        }
        self.assertEqual(
            [(one.name, one.share, one.style) for one in words(budget=limits).budget],
            [("plan", "200 %", "bad"), ("month", "80 %", "busy"), ("day", "79 %", "good")],
        )
        past = {"day": {"spent": 1, "limit": 2, "until": (START - timedelta(1)).isoformat()}}
        for other in (past, None, [], {"day": 7}, {"day": {"spent": "x", "limit": 0}}, "month"):
            self.assertEqual(words(budget=other).budget, ())

    def test_a_clock(self) -> None:
        for offset, off in ((None, False), (30.0, False), (-30.1, True), (1e11, True)):
            self.assertEqual(words(clock_offset=offset).clock_is_off, off, offset)


class ClientListTests(PageCase):
    def setUp(self) -> None:
        super().setUp()
        self.client, now = self.world.client, timezone.now()
        Token.objects.filter(client=self.client).update(contact_at=now)
        Client.objects.filter(pk=self.client.pk).update(
            host_reported_at=now,
            version="0.9.0",
            host="lab-1",
            disk_free=20 * GB,
            disk_size=100 * GB,
            disk_daily=9 * GB,
            clock_offset=-95.0,
            budget={"month": {"spent": 84_000, "limit": 100_000}},
        )

    def stands(self, capture: CaptureRecord) -> None:
        """The capture was started, and gets no posts now."""
        act = self.world.act(self.world.rita)
        answer(capture.pk, self.client.pk, Status.STARTED, {}, act)
        CaptureRecord.objects.filter(pk=capture.pk).update(
            condition="disconnect", reason="X hung up", condition_since=START
        )

    def test_one_row_one_glance(self) -> None:
        """What the machine needs and which capture stands, on the list and on its own page."""
        self.stands(self.world.demo)
        for path in ("/clients/", self.lab):
            page = self.get(path)
            for said in (
                "84 %</span> of the month",
                "84,000 of 100,000 posts",
                "for 2 days",
                "95.0 s behind",
                "older than this server",
                "lab-1",
            ):
                self.assertIn(said, page, path)
        self.assertIn("demo</a> gets no posts since", self.get("/clients/"))
        self.assertIn("X hung up", self.get(self.lab))

    def test_a_silent_client(self) -> None:
        """What it said of its captures is not known any more; that it is silent is."""
        self.stands(self.world.demo)
        Token.objects.filter(client=self.client).update(contact_at=START)
        page = self.get("/clients/")
        self.assertNotIn("gets no posts", page)
        self.assertIn("lost", page)

    def test_captures_of_others(self) -> None:
        """Who sees the client, and not the capture, does not see its name."""
        self.client.projects.add(self.world.other)
        self.stands(self.world.demo)
        self.browser = self.world.browser(self.world.otto)
        for path in ("/clients/", self.lab):
            self.assertNotIn("demo", self.get(path))

    def test_alerts(self) -> None:
        """What is wrong stands beside the state, but for the silence that the state says."""
        bad = Level.DOWN
        found = [
            AlertVerdict(kind, "client", self.client.pk, "client1", bad, "why")
            for kind in (AlertKind.DISK, AlertKind.CLIENT)
        ]
        for ago in (10, 0):
            look(found, timezone.now() - timedelta(minutes=ago))
        page = self.get("/clients/")
        self.assertIn("The disk is nearly full", page)
        self.assertNotIn("The client is silent", page)

    def test_questions(self) -> None:
        """As many for few clients and captures as for more."""
        few = self.asked()
        for n in range(5):
            made = create_client(
                f"more{n}", [self.world.project.pk], self.world.act(self.world.admin)
            )
            self.stands(self.world.capture(f"of{n}", "tea"))
            self.world.capture(f"more{n}", "tea", made)
        self.assertEqual(self.asked(), few)

    def asked(self) -> int:
        """How often the list asks the database."""
        with CaptureQueriesContext(connection) as asked:
            self.get("/clients/")
        return len(asked)
