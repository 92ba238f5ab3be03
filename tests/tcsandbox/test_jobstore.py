"""The stand-in's rows: what a body may hold, and what the server makes of a write."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcsandbox.server import fields
from tcsandbox.server.fields import ABSENT, Field, Invalid, RequestBody
from tcsandbox.server.forms import Forms, InvalidMembers
from tcsandbox.server.jobstore import Crash, JobStore, NoSuchJob
from tcsandbox.server.keeping import Keeper
from tcsandbox.server.rows import RESEARCHER_ID, TOKEN, UserAccount
from tcsandbox.server.standin import server_time

START = datetime(2026, 6, 1, 10, 0, 0, tzinfo=UTC)
WORKER = 1

TOO_MANY_PLACES = "Ensure that there are no more than 3 decimal places."
TOO_MANY_DIGITS = "Ensure that there are no more than 8 digits in total."
TOO_LARGE = "Ensure that there are no more than 5 digits before the decimal point."
NO_NUMBER = "A valid number is required."
NO_INTEGER = "A valid integer is required."


class StoreCase(SynchronousTestCase):
    """A store at 10:00 on the first of June 2026, with one job that has keywords."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START.timestamp())
        self.store = JobStore(server_time(self.clock))
        self.job = self.store.create("demo", "cats, dogs")

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock.seconds() - START.timestamp())


class FieldTests(SynchronousTestCase):
    """Values as section 5.4 of the recorded contract has them."""

    def assert_refused(self, field: Field, body: RequestBody, *messages: str) -> None:
        error = self.assertRaises(Invalid, field.read, body, "x", True)
        self.assertEqual(error.messages, list(messages), body)

    def test_rates_that_are_refused(self) -> None:
        """More than 3 decimals, 5 digits before the point or 8 in all, and what is no number."""
        field = Field(fields.rate)
        for given, message in [
            (1.2345, TOO_MANY_PLACES),
            ("1.2000", TOO_MANY_PLACES),
            ("1E-7", TOO_MANY_PLACES),
            (1e-7, TOO_MANY_PLACES),
            (100000, TOO_LARGE),
            ("100000.000", TOO_MANY_DIGITS),
            (99999.9999, TOO_MANY_DIGITS),
            (float("nan"), NO_NUMBER),
            ("Infinity", NO_NUMBER),
            ("abc", NO_NUMBER),
            ("1,5", NO_NUMBER),
            ("1_0", NO_NUMBER),
            ("", NO_NUMBER),
            (True, NO_NUMBER),
        ]:
            self.assert_refused(field, RequestBody({"x": given}), message)
        self.assert_refused(
            field, RequestBody({"x": "0.30000000000000004"}, form=True), TOO_MANY_DIGITS
        )

    def test_rates_that_are_taken(self) -> None:
        """They are written out as text with three decimals, whatever they came as."""
        for given, written in [
            (99999.999, "99999.999"),
            (-1.5, "-1.500"),
            ("1e3", "1000.000"),
            (0.30000000000000004, "0.300"),
            ("2.5", "2.500"),
            (0, "0.000"),
        ]:
            self.assertEqual(fields.written_rate(fields.rate(given)), written, given)

    def test_integers(self) -> None:
        """10.0 is one, true and 1.5 are none; MySQL's have 32 bits."""
        for given, number in [(10.0, 10), ("1.0", 1), (-1, -1), (2**31, 2**31), (" 7 ", 7)]:
            self.assertEqual(fields.whole_number(given), number)
        for wrong in (1.5, "x", True, "", [1], "1_0"):
            self.assert_refused(Field(fields.whole_number), RequestBody({"x": wrong}), NO_INTEGER)
        mysql = Field(fields.mysql_number)
        self.assertEqual(mysql.read(RequestBody({"x": 2**31 - 1}), "x", True), 2**31 - 1)
        self.assertEqual(mysql.read(RequestBody({"x": -(2**31)}), "x", True), -(2**31))
        self.assert_refused(
            mysql,
            RequestBody({"x": 2**31}),
            "Ensure this value is less than or equal to 2147483647.",
        )
        self.assert_refused(
            mysql,
            RequestBody({"x": -(2**31) - 1}),
            "Ensure this value is greater than or equal to -2147483648.",
        )

    def test_status(self) -> None:
        """0 to 5, as number or text."""
        self.assertEqual([fields.status(given) for given in (0, "3", 5)], [0, 3, 5])
        for wrong in (6, 7, -1, 3.0, "started", "", True):
            message = f'"{wrong}" is not a valid choice.'
            self.assert_refused(Field(fields.status), RequestBody({"x": wrong}), message)

    def test_moments(self) -> None:
        """Any zone, UTC without one; a bare date and rubbish are refused."""
        for given, written in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04", "2026-01-02T03:04:00Z"),
            ("2026-01-02 03:04:05.25", "2026-01-02T03:04:05.250000Z"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
            ("2026-01-02T03:04:05-0130", "2026-01-02T04:34:05Z"),
            ("2026-01-02T03:04:05.000001-01", "2026-01-02T04:04:05.000001Z"),
        ]:
            self.assertEqual(fields.written_moment(fields.moment(given)), written)
        for wrong in ("garbage", "2026-01-01", "2026-13-01T00:00", "", 5):
            error = self.assertRaises(Invalid, fields.moment, wrong)
            self.assertIn("Datetime has wrong format. Use one of", error.messages[0])

    def test_empty_values(self) -> None:
        """Empty text is refused in JSON and null in a form."""
        text = Field(fields.text)
        blank = "This field may not be blank."
        for empty in ("", "  "):
            self.assert_refused(text, RequestBody({"x": empty}), blank)
        self.assertIsNone(text.read(RequestBody({"x": ""}, form=True), "x", True))
        self.assertIsNone(text.read(RequestBody({"x": None}), "x", True))
        self.assertIs(text.read(RequestBody({}), "x", False), ABSENT)
        self.assertEqual(text.read(RequestBody({"x": " a, b "}), "x", True), "a, b")
        self.assertIsNone(Field(fields.rate).read(RequestBody({"x": ""}, form=True), "x", True))
        name = Field(fields.job_name, nullable=False, required=True)
        self.assert_refused(name, RequestBody({"x": None}), "This field may not be null.")
        self.assert_refused(name, RequestBody({"x": ""}, form=True), blank)
        self.assertIs(name.read(RequestBody({}), "x", True), ABSENT)

    def test_names(self) -> None:
        """Both faults of a name are told at once; 64 characters are fine."""
        self.assertEqual(fields.job_name("a" * 64), "a" * 64)
        error = self.assertRaises(Invalid, fields.job_name, "ä" * 65)
        self.assertEqual(
            error.messages,
            [
                "Only alphanumeric characters, spaces, and _ and - are allowed.",
                "Ensure this field has no more than 64 characters.",
            ],
        )


class FormTests(StoreCase):
    """Bodies against the rows there are."""

    def errors(self, members: dict[str, object], *, partial: bool = True) -> dict[str, list[str]]:
        forms = Forms(self.store)
        read = forms.part_of_job if partial else forms.whole_job
        return self.assertRaises(InvalidMembers, read, self.job, RequestBody(members)).errors

    def test_every_failing_member_is_reported_at_once(self) -> None:
        """One sentence list each."""
        self.assertEqual(
            self.errors({"rate": "abc", "total_count": True, "status": None}),
            {
                "rate": [NO_NUMBER],
                "total_count": [NO_INTEGER],
                "status": ["This field may not be null."],
            },
        )

    def test_a_put_needs_name_and_status(self) -> None:
        """A PATCH needs nothing."""
        missing = ["This field is required."]
        self.assertEqual(self.errors({"status": 4}, partial=False), {"name": missing})
        self.assertEqual(self.errors({"name": "n"}, partial=False), {"status": missing})
        self.assertEqual(Forms(self.store).part_of_job(self.job, RequestBody({})), {})

    def test_names_are_unique(self) -> None:
        """Among jobs, not against itself."""
        self.store.create("other", None)
        self.assertEqual(
            self.errors({"name": "other"}), {"name": ["Job with this name already exists."]}
        )
        self.assertEqual(
            Forms(self.store).part_of_job(self.job, RequestBody({"name": "demo"})), {"name": "demo"}
        )

    def test_a_client_has_one_job(self) -> None:
        """It is checked when a job is given to another client, not on an unchanged one."""
        self.store.add_user(UserAccount(2, "client2"))
        other = self.store.create("other", None)
        forms = Forms(self.store)
        self.assertEqual(
            forms.part_of_job(self.job, RequestBody({"assigned_worker": WORKER})),
            {"assigned_worker": WORKER},
        )
        self.assertEqual(
            forms.part_of_job(self.job, RequestBody({"assigned_worker": "2"})),
            {"assigned_worker": 2},
        )
        self.store.reassign(other.id, 2)
        for given, message in [
            (2, "Client is already assigned, choose another job"),
            (None, "This job must be assigned to a valid client."),
            (999, 'Invalid pk "999" - object does not exist.'),
            ("x", "Incorrect type. Expected pk value, received unicode."),
        ]:
            self.assertEqual(
                self.errors({"assigned_worker": given}), {"assigned_worker": [message]}
            )
        self.store.archive(other.id)
        forms.part_of_job(self.job, RequestBody({"assigned_worker": 2}))

    def test_unknown_and_read_only_members_are_ignored(self) -> None:
        """id, url, created_date, archived_by and any nonsense."""
        members = {"id": 7, "url": 1, "created_date": 2, "archived_by": 3, "terms": 4}
        self.assertEqual(Forms(self.store).part_of_job(self.job, RequestBody(members)), {})

    def test_an_update_needs_its_job(self) -> None:
        """A number or its text; the date of a client is ignored."""
        forms = Forms(self.store)
        body = RequestBody({"job": "1", "count": -5, "rate": 1.25, "date": "2001-01-01T00:00"})
        self.assertEqual(forms.update(body), {"job": 1, "count": -5, "rate": Decimal("1.25")})
        for members, message in [
            ({}, "This field is required."),
            ({"job": None}, "This field may not be null."),
            ({"job": 9999}, 'Invalid pk "9999" - object does not exist.'),
        ]:
            error = self.assertRaises(InvalidMembers, forms.update, RequestBody(members))
            self.assertEqual(error.errors, {"job": [message]})


class StatusTests(StoreCase):
    """The dates the server sets on a change of status."""

    def test_started_and_first_started(self) -> None:
        """3 stamps `started` each time, `first_started` once."""
        naive = self.store.write(1, {"status": 3})
        self.assertEqual(naive, {"started", "first_started"})
        self.assertEqual((self.job.started, self.job.first_started), (START, START))
        self.clock.advance(60)
        self.store.write(1, {"status": 2})
        naive = self.store.write(1, {"status": 3})
        self.assertEqual(naive, {"started"})
        self.assertEqual((self.job.started, self.job.first_started), (self.now(), START))

    def test_stopped(self) -> None:
        """5 stamps `stopped`; what the body says is overridden."""
        naive = self.store.write(1, {"status": 5, "stopped": None})
        self.assertEqual(naive, {"stopped"})
        self.assertEqual(self.job.stopped, START)

    def test_the_same_status_again_and_the_others_set_no_dates(self) -> None:
        """No transition is refused, and only a change to 3 or 5 is dated."""
        self.store.write(1, {"status": 3})
        self.clock.advance(60)
        for status in (3, 2, 1, 0, 4):
            self.assertEqual(self.store.write(1, {"status": status}), frozenset())
            self.assertEqual(self.job.status, status)
        self.assertEqual(self.job.started, START)
        self.assertIsNone(self.job.stopped)

    def test_each_write_moves_modified_date(self) -> None:
        """Even an empty one."""
        self.clock.advance(60)
        self.store.write(1, {})
        self.assertEqual(self.job.modified_date, self.now())
        self.assertEqual(self.job.created_date, START)

    def test_archiving_forces_stopped(self) -> None:
        """Whatever status is sent along; bringing it back leaves status and archiver."""
        self.store.write_and_ping(
            1, {"keywords": "cats, dogs", "archived_date": START, "status": 3}, RESEARCHER_ID
        )
        self.assertEqual((self.job.status, self.job.stopped), (5, START))
        self.assertEqual(self.job.archived_by, RESEARCHER_ID)
        self.assertEqual(self.store.active(WORKER), [])
        self.store.write(1, {"archived_date": None})
        self.assertEqual((self.job.status, self.job.archived_by), (5, RESEARCHER_ID))
        self.assertEqual(self.store.active(WORKER), [self.job])

    def test_an_archived_job_can_be_started(self) -> None:
        """A client's 3 is taken, the job stays archived."""
        self.store.archive(1)
        self.store.write(1, {"status": 3})
        self.assertEqual(self.job.status, 3)
        self.assertEqual(self.job.archived_date, START)

    def test_a_stale_whole_object_brings_an_archived_job_back(self) -> None:
        """Each member of a write is saved, nulls too: nothing protects a newer edit."""
        self.store.archive(1)
        self.store.write(1, {"status": 3, "archived_date": None, "stopped": None})
        self.assertEqual(self.job.status, 3)
        self.assertIsNone(self.job.archived_date)
        self.assertIsNone(self.job.stopped)


class HeartbeatTests(StoreCase):
    """What jobs/<id>/ does beyond saving."""

    def test_keywords_crash(self) -> None:
        """Stored and given keywords of different kinds, or none given for some stored."""
        for stored, given, crashes in [
            ("a, b", ABSENT, True),
            ("a, b", None, True),
            ("a, b", "a, b", False),
            ("a, b", "c", False),
            (None, ABSENT, False),
            (None, None, False),
            (None, "c", True),
            ("", ABSENT, False),
            ("", None, True),
        ]:
            self.job.keywords = stored
            values = {"total_count": 5} | ({} if given is ABSENT else {"keywords": given})
            self.job.total_count = None
            if crashes:
                self.assertRaises(Crash, self.store.write_and_ping, 1, values, WORKER)
            else:
                self.store.write_and_ping(1, values, WORKER)
            self.assertEqual(self.job.total_count, None if crashes else 5, (stored, given))

    def test_the_assigned_worker_pings(self) -> None:
        """Whatever ping_date it sends; another's write is no sign of life."""
        self.store.write_and_ping(1, {"keywords": "k", "ping_date": None}, WORKER)
        self.assertEqual(self.job.ping_date, START)
        self.clock.advance(9)
        self.store.write_and_ping(1, {"keywords": "k"}, RESEARCHER_ID)
        self.assertEqual(self.job.ping_date, START)

    def test_a_plain_write_stores_the_ping_it_is_given(self) -> None:
        """activejobs/<id>/ sets none itself."""
        self.store.write(1, {"total_count": 1})
        self.assertIsNone(self.job.ping_date)
        self.store.write(1, {"ping_date": START})
        self.assertEqual(self.job.ping_date, START)

    def test_a_heartbeat_leaves_a_false_row_of_history(self) -> None:
        """Members that are not in the body count as emptied, and old and new are swapped."""
        self.job.description = "about pets"
        self.store.write_and_ping(1, {"total_count": 1, "keywords": "cats, dogs"}, WORKER)
        (row,) = self.store.history
        self.assertEqual((row.job, row.modified_by), (1, WORKER))
        self.assertEqual(
            json.loads(row.changes),
            {
                "name": {"new": "demo", "old": None},
                "description": {"new": "about pets", "old": None},
            },
        )

    def test_a_whole_unchanged_object_leaves_none(self) -> None:
        """Null and "" are the same to it."""
        values = {"name": "demo", "keywords": "cats, dogs", "description": ""}
        self.store.write_and_ping(1, values, WORKER)
        self.assertEqual(self.store.history, [])

    def test_too_large_for_sqlite(self) -> None:
        """64 bits are the end, and nothing of the write is saved."""
        self.store.write(1, {"total_count": 2**63 - 1})
        values = {"status": 3, "total_count": 2**63}
        self.assertRaises(Crash, self.store.write, 1, values)
        self.assertEqual((self.job.status, self.job.total_count), (2, 2**63 - 1))


class ResearcherTests(StoreCase):
    """What a test or a person does to the jobs without HTTP."""

    def test_create(self) -> None:
        """Assigned to the store's worker, with ids that are never used again."""
        second = self.store.create("second", None, status=1)
        self.assertEqual((second.id, second.assigned_worker, second.status), (2, WORKER, 1))
        self.store.delete(2)
        self.assertEqual(self.store.create("third").id, 3)

    def test_start_stop_rekey(self) -> None:
        """2, 4 and other keywords."""
        self.store.stop(1)
        self.assertEqual(self.job.status, 4)
        self.store.start(1)
        self.assertEqual(self.job.status, 2)
        self.store.rekey(1, "birds")
        self.assertEqual(self.job.keywords, "birds")

    def test_reassign(self) -> None:
        """The job is the other client's, who need not exist before."""
        self.store.reassign(1, 7)
        self.assertEqual(self.store.active(WORKER), [])
        self.assertEqual(self.store.active(7), [self.job])
        self.assertEqual(self.store.users[7].username, "client7")

    def test_delete(self) -> None:
        """The row and its updates are gone; marking it deleted leaves it active."""
        self.store.mark_deleted(1, RESEARCHER_ID)
        self.assertEqual((self.job.deleted_by, self.job.deleted_date), (RESEARCHER_ID, START))
        self.assertEqual(self.store.active(WORKER), [self.job])
        self.store.delete(1)
        self.assertRaises(NoSuchJob, self.store.get, 1)
        self.assertRaises(NoSuchJob, self.store.delete, 1)
        self.assertEqual(self.store.updates, {})

    def test_tokens(self) -> None:
        """The default one is forty hexadecimal digits and the worker's."""
        self.assertRegex(TOKEN, "^[0-9a-f]{40}$")
        user = self.store.user_of(TOKEN)
        self.assertEqual(user and user.id, WORKER)
        self.assertIsNone(self.store.user_of("0" * 40))

    def test_an_update_changes_nothing_of_the_job(self) -> None:
        """A second one with the same numbers is a second row."""
        for _ in range(2):
            self.store.add_update({"job": 1, "count": 5, "total_count": 100})
            self.clock.advance(1)
        rows = self.store.updates[1]
        self.assertEqual(
            [(row.id, row.date) for row in rows],
            [(1, START), (2, self.now() - timedelta(seconds=1))],
        )
        self.assertIsNone(self.job.total_count)
        self.assertEqual(self.job.modified_date, START)


class KeepingTests(StoreCase):
    """Rows that outlive the process."""

    def keeper(self, store: JobStore) -> Keeper:
        return Keeper(self.path, store)

    def setUp(self) -> None:
        super().setUp()
        self.path = Path(self.mktemp())

    def test_a_restart(self) -> None:
        """Jobs and updates come back as they were, and new ones are numbered after them."""
        self.store.create("second")
        values = {"total_count": 7, "rate": Decimal("1.500"), "ping_date": self.now()}
        self.store.write(1, values)
        self.store.add_update({"job": 1, "count": 5, "rate": Decimal("0.125")})
        self.keeper(self.store).save()
        other = JobStore(server_time(self.clock))
        self.assertTrue(self.keeper(other).load())
        self.assertEqual((other.jobs, other.updates), (self.store.jobs, self.store.updates))
        self.assertEqual(other.create("third").id, 3)
        self.assertEqual(other.add_update({"job": 1, "count": 1}).id, 2)

    def test_the_first_start(self) -> None:
        """There is nothing to come back."""
        self.assertFalse(self.keeper(self.store).load())
        self.assertEqual(self.store.jobs, {1: self.job})
