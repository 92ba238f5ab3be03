"""The acts on captures, clients and tokens: what they write, and what they leave alone."""

from typing import Any

from django.test import TestCase

from tcclient.control.jobs import Status
from tcserver.accounts.services.update import UpdateNumbers, add_update
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive, unarchive
from tcserver.captures.services.assign import assign
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.services.delete import delete
from tcserver.captures.services.edit import edit
from tcserver.captures.services.report import answer, report
from tcserver.captures.services.rows import InvalidValues, Refused
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.captures.status import Wanted, status_of
from tcserver.fleet.models import Token
from tcserver.fleet.services.clients import ClientNameTaken, create_client, retire, serve
from tcserver.fleet.services.tokens import issue, revoke
from tcserver.hints import listen, of_capture, of_client
from tcserver.history.acts import Act
from tcserver.history.models import Concerned, Forever, HistoryEntry
from tcserver.people.askers import NotFound
from tcserver.people.tokens import digest
from tests.tcserver.case import DatabaseCase
from tests.tcserver.world import START


class CaptureCase(DatabaseCase):
    """Acts of rita's and answers of client1's on the capture demo."""

    def setUp(self) -> None:
        super().setUp()
        self.demo = self.world.demo.pk
        self.seconds = 0.0

    @property
    def act(self) -> Act:
        """A deed of rita's, each a second later than the one before."""
        self.seconds += 1
        return self.world.act(self.world.rita, self.seconds)

    @property
    def row(self) -> CaptureRecord:
        """The capture as it is stored."""
        return CaptureRecord.objects.get(pk=self.demo)

    def answers(self, status: int, **columns: Any) -> None:
        """Have client1 answer."""
        answer(self.demo, self.world.client.pk, status, columns, self.act)

    def history(self) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """What has been done to the capture since it was made."""
        rows = HistoryEntry.objects.filter(subject=Concerned.CAPTURE, subject_number=self.demo)
        return [(row.act, row.before, row.after) for row in rows.order_by("pk")][1:]


class StatusTests(CaptureCase):
    """Start, Stop, and what the client answers."""

    def test_by_wish_and_answer(self) -> None:
        """An answer that does not fit the wish leaves it standing."""
        run, stopped = Wanted.RUN, Wanted.STOP
        for wanted, told, status in [
            (Wanted.NOTHING, None, Status.CREATED),
            (Wanted.NOTHING, 3, Status.CREATED),
            (run, None, Status.STARTING),
            (run, 3, Status.STARTED),
            (run, 5, Status.STARTING),
            (stopped, None, Status.STOPPING),
            (stopped, 3, Status.STOPPING),
            (stopped, 5, Status.STOPPED),
        ]:
            self.assertEqual(status_of(wanted, told), status, (wanted, told))

    def test_a_life(self) -> None:
        """Each step has its date, its revision where a person took it, and its entry."""
        self.answers(3)
        self.assertEqual((self.row.status, self.row.revision), (Status.STARTED, 1))
        first = self.row.started_at
        stop(self.demo, self.act)
        self.assertEqual((self.row.status, self.row.revision), (Status.STOPPING, 2))
        self.answers(5)
        self.assertEqual(self.row.status, Status.STOPPED)
        start(self.demo, self.act)
        self.assertEqual((self.row.status, self.row.revision), (Status.STARTING, 3))
        self.answers(3)
        row = self.row
        self.assertEqual(row.first_started_at, first)
        self.assertGreater(row.started_at, row.stopped_at)
        words = [(act, before["status"], after["status"]) for act, before, after in self.history()]
        self.assertEqual(
            words,
            [
                ("answered", "starting", "started"),
                ("stopped", "started", "stopping"),
                ("answered", "stopping", "stopped"),
                ("started", "stopped", "starting"),
                ("answered", "starting", "started"),
            ],
        )

    def test_a_late_answer_does_not_undo_a_stop(self) -> None:
        """Nor does it count for the next start."""
        stop(self.demo, self.act)
        self.answers(3)
        self.assertEqual(self.row.status, Status.STOPPING)
        start(self.demo, self.act)
        self.assertEqual(self.row.status, Status.STARTING)

    def test_a_stop_while_starting(self) -> None:
        stop(self.demo, self.act)
        self.assertEqual(self.row.status, Status.STOPPING)

    def test_what_is_wanted_already_is_no_act(self) -> None:
        start(self.demo, self.act)
        stop(self.demo, self.act)
        stop(self.demo, self.act)
        self.assertEqual([act for act, _, _ in self.history()], ["stopped"])
        self.assertEqual(self.row.revision, 2)

    def test_a_stop_where_nobody_is_to_answer(self) -> None:
        assign(self.demo, None, self.act)
        stop(self.demo, self.act)
        self.assertEqual(self.row.status, Status.STOPPED)
        self.assertIsNotNone(self.row.stopped_at)

    def test_an_answer_that_says_nothing(self) -> None:
        """A client's 4 or 1 is taken, and changes nothing but its numbers."""
        self.answers(3)
        for status in (0, 1, 2, 4):
            self.answers(status, total=status)
            self.assertEqual((self.row.status, self.row.total), (Status.STARTED, status))

    def test_the_archive(self) -> None:
        """It stops at once; taken out, it stays stopped, and can be started."""
        self.answers(3)
        archive(self.demo, self.act)
        row = self.row
        self.assertEqual((row.status, row.archived_by), (Status.STOPPED, self.world.rita))
        self.assertEqual(row.stopped_at, row.archived_at)
        self.assertRaises(Refused, start, self.demo, self.act)
        self.assertRaises(NotFound, self.answers, 3)
        unarchive(self.demo, self.act)
        self.assertEqual(self.row.status, Status.STOPPED)
        start(self.demo, self.act)
        self.assertEqual(self.row.status, Status.STARTING)

    def test_deleting(self) -> None:
        """The capture is hidden and stopped; its row and its history are kept."""
        delete(self.demo, self.act)
        self.assertEqual((self.row.status, self.row.deleted_by), (Status.STOPPED, self.world.rita))
        self.assertEqual([act for act, _, _ in self.history()], ["deleted"])


class ColumnTests(CaptureCase):
    """A write touches what it is about, and nothing else."""

    def assert_written(self, before: CaptureRecord, *columns: str) -> None:
        """Nothing is different from `before` but these columns."""
        after, fields = self.row, CaptureRecord._meta.concrete_fields
        changed = {
            field.attname
            for field in fields
            if getattr(before, field.attname) != getattr(after, field.attname)
        }
        self.assertEqual(changed, {*columns, "modified_at"})

    def test_of_each_act(self) -> None:
        wish = ("revision", "changed_by_id")
        other = create_client("other", [self.world.project.pk], self.act)
        for does, columns in [
            (lambda: edit(self.demo, self.act, keywords="birds"), ("keywords", *wish)),
            (lambda: edit(self.demo, self.act, name="pets", description="x"),
             ("name", "description", "revision")),
            (lambda: report(self.demo, self.world.client.pk, {"total": 5}, self.act),
             ("total", "ping_at")),
            (lambda: self.answers(3, rate=1500),
             ("answer", "rate", "ping_at", "started_at", "first_started_at")),
            (lambda: stop(self.demo, self.act), ("wanted", "answer", "revision")),
            (lambda: self.answers(5), ("answer", "ping_at", "stopped_at")),
            (lambda: assign(self.demo, other.pk, self.act), ("client_id", "revision")),
            (lambda: archive(self.demo, self.act),
             ("archived_at", "archived_by_id", "revision")),
        ]:  # fmt: skip
            before = self.row
            does()
            self.assert_written(before, *columns)

    def test_a_stale_object_is_not_written(self) -> None:
        """What somebody read before others wrote brings nothing back."""
        self.row  # noqa: B018 - as a stale page holds one
        edit(self.demo, self.act, keywords="birds")
        report(self.demo, self.world.client.pk, {"total": 5}, self.act)
        self.assertEqual((self.row.keywords, self.row.total), ("birds", 5))


class HintTests(CaptureCase):
    def test_once_for_an_act(self) -> None:
        """Page and client hear of a wish together, and the page of an answer."""
        told: list[list[str]] = []
        self.addCleanup(listen(lambda topics: told.append([*topics])))
        with TestCase.captureOnCommitCallbacks(execute=True):
            start(self.demo, self.act)
            stop(self.demo, self.act)
        page = of_capture(self.demo)
        wish = [page, of_client(self.world.client.pk)]
        self.assertEqual(told, [wish])
        with TestCase.captureOnCommitCallbacks(execute=True):
            self.answers(Status.STOPPED)
        self.assertEqual(told, [wish, [page]])


class EditTests(CaptureCase):
    def test_history_has_before_and_after(self) -> None:
        edit(self.demo, self.act, keywords="birds", description=None)
        keywords = ({"keywords": "cats, dogs"}, {"keywords": "birds"})
        self.assertEqual(self.history(), [("re-keyed", *keywords)])
        entry = HistoryEntry.objects.latest("pk")
        self.assertEqual((entry.party_name, entry.project_number), ("rita", self.world.project.pk))

    def test_a_name_that_is_taken(self) -> None:
        """Nothing is written, on creating as well."""
        error = self.assertRaises(
            InvalidValues, edit, self.demo, self.act, name="bare", keywords="x"
        )
        self.assertEqual([*error.errors], ["name"])
        self.assertEqual((self.row.name, self.row.keywords), ("demo", "cats, dogs"))
        new = NewCapture(self.world.project.pk, "demo")
        self.assertRaises(InvalidValues, create, new, self.act)
        self.assertEqual(self.history(), [])

    def test_another_projects_client(self) -> None:
        for client in (self.world.stranger.pk, 9999):
            self.assertRaises(InvalidValues, assign, self.demo, client, self.act)
            new = NewCapture(self.world.project.pk, "new", client=client)
            self.assertRaises(InvalidValues, create, new, self.act)


class TotalTests(CaptureCase):
    """What all clients have captured together."""

    def update(self, client: int, count: int, total: int) -> None:
        """Have a client report."""
        add_update(self.demo, client, UpdateNumbers(count, total, 1000), self.act)

    def test_a_reassigned_capture(self) -> None:
        """What the first client still sends is counted; the second's total stays its own."""
        one = self.world.client.pk
        two = create_client("two", [self.world.project.pk], self.act).pk
        self.update(one, 1000, 1000)
        assign(self.demo, two, self.act)
        self.assertEqual(self.row.complete_total, 1000)
        report(self.demo, two, {"total": 1007}, self.act)
        self.update(one, 40, 1040)
        self.update(two, 7, 1007)
        self.assertEqual((self.row.total, self.row.complete_total), (1007, 1047))
        self.assertRaises(NotFound, report, self.demo, one, {"total": 1}, self.act)

    def test_an_archived_capture(self) -> None:
        """Its total follows the last updates."""
        one = self.world.client.pk
        self.update(one, 10, 10)
        archive(self.demo, self.act)
        self.update(one, 5, 15)
        self.assertEqual(self.row.complete_total, 15)

    def test_a_client_that_never_had_it(self) -> None:
        self.assertRaises(NotFound, self.update, self.world.stranger.pk, 1, 1)


class ClientTests(DatabaseCase):
    def test_retiring_keeps_its_captures(self) -> None:
        """And their history; its tokens are revoked, and it gets no others."""
        act = self.world.act(self.world.admin)
        retire(self.world.client.pk, act)
        self.assertEqual(self.world.now(self.world.demo).client, self.world.client)
        self.assertFalse(Token.objects.filter(client=self.world.client, revoked_at=None).exists())
        self.assertRaises(NotFound, issue, self.world.client.pk, act)

    def test_a_name_that_is_taken(self) -> None:
        act = self.world.act(self.world.admin)
        self.assertRaises(ClientNameTaken, create_client, "client1", [], act)

    def test_the_projects_it_serves(self) -> None:
        act = self.world.act(self.world.admin)
        both = [self.world.project.pk, self.world.other.pk]
        serve(self.world.client.pk, both, act)
        serve(self.world.client.pk, both, act)
        entry = HistoryEntry.objects.latest("pk")
        self.assertEqual((entry.act, entry.after), ("serves", {"projects": sorted(both)}))
        self.assertEqual(HistoryEntry.objects.filter(act="serves").count(), 1)

    def test_a_token_is_stored_nowhere(self) -> None:
        """Its keyed hash and its beginning are, and history has no more than that."""
        token = issue(self.world.client.pk, self.world.act(self.world.admin))
        self.assertRegex(token, "^[0-9a-f]{40}$")
        row = Token.objects.latest("pk")
        self.assertEqual((row.prefix, row.digest), (token[:8], digest(token)))
        entry = HistoryEntry.objects.latest("pk")
        self.assertEqual(entry.after, {"token": f"{token[:8]}…"})

    def test_revoking_twice(self) -> None:
        """The first time is when it was revoked."""
        row = Token.objects.latest("pk")
        revoke(row.pk, self.world.act(self.world.admin, 1))
        revoke(row.pk, self.world.act(self.world.admin, 2))
        row.refresh_from_db()
        self.assertEqual((row.revoked_at - START).total_seconds(), 1)


class HistoryTests(DatabaseCase):
    def test_it_is_for_ever(self) -> None:
        """No way of changing or deleting an entry is open."""
        entry = HistoryEntry.objects.latest("pk")
        for changes in (
            entry.save,
            entry.delete,
            HistoryEntry.objects.all().delete,
            lambda: HistoryEntry.objects.update(act="x"),
        ):
            self.assertRaises(Forever, changes)
