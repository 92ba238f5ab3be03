"""How often pages ask the database: a bounded number of times, however much there is."""

from datetime import timedelta

from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from tcserver.accounts.models import UpdateRecord
from tcserver.accounts.services.counts import count_some
from tcserver.alerts.conditions import AlertKind, AlertVerdict, Level
from tcserver.alerts.services.look import look
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive
from tcserver.captures.services.edit import edit
from tcserver.captures.services.note import note_on
from tcserver.fleet.services.clients import create_client
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import by_server
from tcserver.people.models import Role
from tcserver.people.services.keys import issue_key
from tcserver.people.services.people import create_person, give_role
from tcserver.people.services.projects import create_project
from tcserver.website.urls import urlpatterns as pages
from tests.tcserver.askers import PEOPLE, What, Who
from tests.tcserver.sentledgers import KINDS, gap, send, told_at
from tests.tcserver.test_captureaccount import file
from tests.tcserver.test_matrix import PUBLIC, MatrixCase, page_rows
from tests.tcserver.world import START

MOST = 25
"""Queries of the page that shows most: that of a capture."""
PIECEWISE = "account_checksums"
"""A download that asks ledger by ledger, and some files at a time."""
SPANS = ("?span=hour", "?span=week", "?span=all")


class QueryTests(MatrixCase):
    def test_every_page(self) -> None:
        """As often in a large world as in a small one, by whoever sees least and most."""
        people = [one for one in PEOPLE if one.who == Who.COLLEAGUE and one.what != What.RESEARCHER]
        browsers = {one: Browser() for one in people}
        for one, browser in browsers.items():
            browser.force_login(self.hidden.people[one])
        addresses = [*self.read()]
        self.assertGreater(len(addresses), 25)
        self.grow(2)
        few = {(one, to): self.queries(browsers[one], to) for one in people for to in addresses}
        self.grow(10)
        many = {(one, to): self.queries(browsers[one], to) for one in people for to in addresses}
        more = {asked: (few[asked], many[asked]) for asked in few if many[asked] > few[asked]}
        self.assertEqual(more, {})
        self.assertLessEqual(max(many.values()), MOST, many)

    def read(self) -> list[str]:
        """The addresses of all pages that are read."""
        rows = dict(page_rows(self.hidden))
        named = [one for one in pages if one.name in rows and one.name not in PUBLIC]
        read = [one for one in named if "GET" in rows[str(one.name)] and one.name != PIECEWISE]
        found = [to for one in read for to in self.addresses(one)]
        number = self.hidden.capture.pk
        return [*found, *(f"/captures/{number}/{span}" for span in SPANS)]

    def queries(self, browser: Browser, address: str) -> int:
        """How often a page asks."""
        with CaptureQueriesContext(connection) as asked:
            got = browser.get(address)
            if got.streaming:
                b"".join(got)
        self.assertIn(got.status_code, (200, 403), address)
        return len(asked)

    def grow(self, times: int) -> None:
        """Have more of everything that pages show, so many times."""
        hidden, act = self.hidden, by_server(START)
        for _ in range(times):
            number = CaptureRecord.objects.count()
            client = create_client(f"client of {number}", [hidden.project.pk], act)
            issue(client.pk, act)
            issue(hidden.client.pk, act)
            person = create_person(f"person {number}", None, act)
            give_role(person, hidden.project.pk, Role.VIEWER, act)
            issue_key(person, "k", act, may_write=False)
            issue_key(hidden.member, f"key {number}", act, may_write=False)
            create_project(f"project {number}", act)
            for member in ("runs", "away"):
                made = self.world.capture(f"{member} {number}", "tea", client=self.world.client)
                self.report(made, f"{member}{number}")
            archive(made.pk, act)
            edit(hidden.capture.pk, act, keywords=f"tea, {number}")
            note_on(hidden.capture.pk, "so it was", act)
            self.flip(number)
        self.report(hidden.capture, f"again{CaptureRecord.objects.count()}")
        while count_some():
            pass

    def report(self, capture: CaptureRecord, name: str) -> None:
        """Have its client send updates and a ledger of it."""
        client = capture.client
        assert client is not None
        UpdateRecord.objects.bulk_create(
            UpdateRecord(
                capture=capture, client=client, at=START + timedelta(minutes=n), count=1, total=n
            )
            for n in range(20)
        )
        lines = [told_at(0, KINDS["start"], capture.pk), told_at(0, KINDS["asked"], capture.pk)]
        for n in range(20):
            lines.append(told_at(60 * n, file(n + 1), capture.pk))
            lines.append(told_at(60 * n + 2, gap(60 * n, 60 * n + 1), capture.pk))
        send(client, name, capture, b"".join(lines))

    def flip(self, number: int) -> None:
        """Have an alert of the capture come and go."""
        one = self.hidden.capture
        for minute, level in enumerate((Level.DOWN, Level.DOWN, Level.OK, Level.OK)):
            at = START + timedelta(hours=number, minutes=3 * minute)
            look([AlertVerdict(AlertKind.RATE, "capture", one.pk, one.name, level, "few")], at)
