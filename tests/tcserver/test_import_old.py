"""`tcserver import-old`: what comes over from an old site, and what becomes of rubbish."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.trial.unittest import TestCase

from tcclient.control.jobs import Status
from tcserver.accounts.models import UpdateRecord
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import NewCapture, create
from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.clients import create_client
from tcserver.history.acts import by_server
from tcserver.keys import make_keys
from tcserver.management.oldsite.changes import changes_of
from tcserver.people.models import Project
from tcserver.people.tokens import digest
from tests.e2e.processes import python, run
from tests.marks import Need, needs
from tests.tcserver import oldsite
from tests.tcserver.importing import ImportCase
from tests.tcserver.world import START


class SmallSiteTests(ImportCase):
    """A site with captures in each state."""

    def setUp(self) -> None:
        super().setUp()
        oldsite.small(self.file)

    def test_clients(self) -> None:
        """They serve the project with new tokens, which are printed; one that was shut out is."""
        printed = self.come()
        came = {one.name: one for one in Client.objects.exclude(pk__in=self.clients)}
        self.assertEqual(came.keys(), {"runner", "idler", "retired"})
        for name in ("runner", "idler"):
            [told] = [line for line in printed.splitlines() if line.startswith(f"{name}: ")]
            number, token = told.removeprefix(f"{name}: client_id ").split(", auth_token ")
            self.assertEqual(int(number), came[name].pk)
            row = Token.objects.get(client=came[name])
            self.assertEqual(row.digest, digest(token.strip('"')))
            self.assertEqual(list(came[name].projects.all()), [self.world.project])
        self.assertIsNotNone(came["retired"].retired_at)
        self.assertFalse(Token.objects.filter(client=came["retired"]).exists())
        for number in (oldsite.RUNNER, oldsite.IDLER):
            old = oldsite.TOKEN[:-2] + f"{number:02}"
            self.assertFalse(Token.objects.filter(digest=digest(old)).exists())
            self.assertNotIn(old, printed)

    def test_captures(self) -> None:
        """What ran is to be run, what was put away is stopped, and all have what they had."""
        self.come()
        found = {one.name: one for one in self.came()}
        self.assertEqual(
            {name: one.status for name, one in found.items()},
            {
                "floods": Status.STARTING,
                "never started": Status.CREATED,
                "stopping": Status.STOPPING,
                "put away": Status.STOPPED,
                "deleted": Status.STOPPED,
            },
        )
        floods, away = found["floods"], found["put away"]
        assert floods.client is not None
        self.assertEqual(
            (floods.client.name, floods.keywords, floods.description, floods.project),
            ("runner", "flood, rain, storm", "Rivers", self.world.project),
        )
        self.assertEqual(floods.created_at, datetime(2016, 9, 1, 8, 0, 0, 123456, tzinfo=UTC))
        self.assertEqual(floods.first_started_at, datetime(2016, 9, 1, 8, 1, tzinfo=UTC))
        self.assertEqual(away.archived_at, datetime(2016, 10, 1, tzinfo=UTC))
        self.assertEqual((away.complete_total, away.rate), (900, 0))
        self.assertIsNotNone(found["deleted"].deleted_at)

    def test_numbers_are_kept_where_they_are_free(self) -> None:
        """A client knows by them what it has captured; what has them here keeps them."""
        CaptureRecord.objects.filter(pk=self.world.bare.pk).delete()
        new = NewCapture(self.world.project.pk, "here before")
        taken = create(new, self.world.act(self.world.rita))
        with closing(sqlite3.connect(self.file)) as old, old:
            old.execute("UPDATE main_job SET id = ? WHERE id = 8", (taken.pk,))
            old.execute("UPDATE main_job SET id = 1000012 WHERE id = 12")
        self.mine = {taken.pk, self.world.demo.pk}
        self.come()
        self.assertEqual(self.capture("put away").pk, 1000012)
        self.assertNotIn(self.capture("never started").pk, self.mine)
        later = create(
            NewCapture(self.world.project.pk, "afterwards"), self.world.act(self.world.rita)
        )
        self.assertGreater(later.pk, 1000012)

    def test_updates(self) -> None:
        """All are kept; the capture has their sum, and what the newest one says."""
        printed = self.come()
        floods = self.capture("floods")
        rows = UpdateRecord.objects.filter(capture=floods).order_by("at")
        self.assertEqual(
            list(rows.values_list("count", "total", "rate")),
            [(10, 10, 1250), (30, 40, 2500), (25, 65, 125)],
        )
        self.assertEqual(rows[0].at, datetime(2016, 9, 1, 9, 0, 0, 500000, tzinfo=UTC))
        self.assertEqual((floods.counted, floods.total, floods.rate), (65, 65, 125))
        self.assertEqual((floods.update_at, floods.update_total), (rows[2].at, 65))
        self.assertIn("3 clients, 5 captures, 3 updates", printed)

    def test_history(self) -> None:
        """Each change the right way round, by whom it was; what was no change is left out."""
        printed = self.come()
        told = [
            (entry.act, entry.party_name, entry.before, entry.after)
            for entry in self.history(self.capture("floods"))
        ]
        begun = {"name": "flood", "description": "Rivers", "keywords": "flood"}
        self.assertEqual(
            told[:3],
            [
                ("created", "admin", dict.fromkeys(begun), begun),
                (
                    "re-keyed",
                    "admin",
                    {"name": "flood", "keywords": "flood"},
                    {"name": "floods", "keywords": "flood, rain"},
                ),
                (
                    "re-keyed",
                    "admin",
                    {"keywords": "flood, rain"},
                    {"keywords": "flood, rain, storm"},
                ),
            ],
        )
        self.assertEqual([act for act, *_ in told[3:]], ["imported"])
        self.assertIn("Left out: 1 entries of history", printed)
        away = [entry.act for entry in self.history(self.capture("put away"))]
        self.assertEqual(away, ["created", "archived", "imported"])
        self.assertEqual(
            self.history(self.capture("put away"))[1].at, datetime(2016, 10, 1, tzinfo=UTC)
        )

    def test_a_second_time(self) -> None:
        """It is refused, whatever the captures are called by then, and though the site went on."""
        self.come()
        CaptureRecord.objects.filter(name="floods").update(name="renamed")
        oldsite.job(self.file, 99, "made later")
        before = CaptureRecord.objects.count(), Client.objects.count()
        self.assertIn("imported already", self.refused())
        self.assertEqual((CaptureRecord.objects.count(), Client.objects.count()), before)

    def test_another_project(self) -> None:
        """It is named; one that is not there is not made up."""
        self.assertIn("'Captures', 'Other'", self.refused("Nowhere"))
        self.come("Other")
        self.assertEqual({one.project for one in self.came()}, {self.world.other})
        Project.objects.get(name="Other")

    def test_names_that_are_taken(self) -> None:
        """What has a name here keeps it."""
        create(NewCapture(self.world.project.pk, "floods"), self.world.act(self.world.rita))
        create_client("runner", [self.world.project.pk], by_server(START))
        printed = self.come()
        self.assertIn("Called 'floods 2' here: 'floods'.", printed)
        self.assertIn("Called 'runner 2' here: 'runner'.", printed)
        self.assertEqual(Client.objects.filter(name="idler").count(), 1)
        self.assertEqual(self.capture("floods 2").total, 65)

    def test_pages_show_it(self) -> None:
        """The capture's page has its history, and its clients ask for it by the new token."""
        printed = self.come()
        page = self.world.browser(self.world.admin).get(f"/captures/{self.capture('floods').pk}/")
        self.assertEqual(page.status_code, 200)
        self.assertIn(b"flood, rain, storm", page.content)
        [line] = [line for line in printed.splitlines() if line.startswith("runner: ")]
        token = line.split('"')[1]
        browser = self.world.browser(None)
        listed = browser.get("/api/activejobs/", headers={"Authorization": f"Token {token}"})
        [job] = listed.json()["results"]
        self.assertEqual((job["name"], job["status"], job["total_count"]), ("floods", 2, 65))


class ChangesTests(ImportCase):
    """Which way round an entry is."""

    def test_ways(self) -> None:
        """By the terms that were added, else by what is there afterwards, else as it stands."""
        current = {"name": "n", "description": "d", "keywords": "a,b"}
        for document, found in [
            ('{"keywords": {"old": "a", "new": "a,b"}}', {"keywords": ("a", "a,b")}),
            ('{"keywords": {"old": "a,b", "new": "a"}}', {"keywords": ("a", "a,b")}),
            (
                '{"keywords": {"old": "a,b", "new": "a", "deletions": ["b"], "additions": []}}',
                {"keywords": ("a,b", "a")},
            ),
            ('{"description": {"old": "x", "new": "y"}}', {"description": ("x", "y")}),
            ('{"description": {"old": null, "new": "d"}}', {"description": (None, "d")}),
            ('{"name": {"old": "n", "new": "m"}}', {"name": ("m", "n")}),
            ('{"name": {"old": null, "new": "n"}, "keywords": {"old": "a,b", "new": "a"}}', None),
            ('{"name": {"old": "n", "new": "n"}}', {}),
            ('{"other": {"old": "n", "new": "m"}}', {}),
        ]:
            expected: dict[str, Any] = {"keywords": ("a", "a,b")} if found is None else found
            self.assertEqual(changes_of(document, current), expected, document)


@needs(Need.PROCESSES)
class CommandTests(TestCase):
    """The command as its users type it."""

    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def test_beside_nothing_else(self) -> None:
        """It prints what has come; where nothing can, one sentence says why."""
        folder = self.folder
        oldsite.small(folder / "db.sqlite3")
        make_keys(folder / "site")
        command = python("-m", "tcserver", "import-old", "db.sqlite3", "--data", "site")
        ended = await run(self, folder, command)
        self.assertRegex(ended.err, r"\Atcserver: The database cannot be used: [^\n]*\n\Z")
        await run(self, folder, python("-m", "tcserver", "migrate", "--data", "site"))
        ended = await run(self, folder, command)
        self.assertRegex(ended.err, r"\Atcserver: There is no project yet[^\n]*\n\Z")
        make = "from tcserver.people.services.first import first_start as f;"
        make += "from tcserver.history.acts import by_server as b;"
        make += "from django.utils import timezone as t; f('x', b(t.now()))"
        await run(self, folder, python("-m", "tcserver", "shell", "-c", make, "--data", "site"))
        ended = await run(self, folder, command)
        self.assertEqual((ended.err, ended.status), ("", 0))
        self.assertIn("3 clients, 5 captures, 3 updates", ended.out)
        self.assertIn("idler: client_id 4, auth_token", ended.out)
        ended = await run(self, folder, command)
        self.assertRegex(ended.err, r"\Atcserver: [^\n]*imported already\.\n\Z")
        self.assertEqual(ended.status, 1)
