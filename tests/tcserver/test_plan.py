"""Planned starts and stops: what can be planned, and that each is done once at its time."""

from datetime import datetime, timedelta
from typing import Any

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive
from tcserver.captures.services.plan import do_what_is_planned, plan
from tcserver.captures.services.rows import InvalidValues, Refused
from tcserver.captures.status import Wanted
from tcserver.environment import Environment
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.housekeeping import Housekeeping
from tests.tcserver.case import DatabaseCase
from tests.tcserver.test_website import PageCase
from tests.tcserver.world import START

HOUR = timedelta(hours=1)


class PlanTests(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.capture = self.world.capture("planned", "tea", wanted=Wanted.NOTHING)

    def plan(self, begin: datetime | None, end: datetime | None) -> None:
        plan(self.capture.pk, begin, end, self.world.act(self.world.rita))

    @property
    def row(self) -> CaptureRecord:
        return self.world.now(self.capture)

    def acts(self) -> list[tuple[str, str, str]]:
        """What history has of it: act, who, note."""
        entries = HistoryEntry.objects.filter(
            subject=Concerned.CAPTURE, subject_number=self.capture.pk
        ).order_by("pk")
        return [(one.act, one.party_name, one.note) for one in entries][1:]

    def test_started_and_stopped(self) -> None:
        """At its time, not before, and once; history says who planned it and who did it."""
        self.plan(START + HOUR, START + 2 * HOUR)
        self.assertEqual(do_what_is_planned(START + HOUR * 0.999), 0)
        self.assertEqual(self.row.wanted, Wanted.NOTHING)
        self.assertEqual([do_what_is_planned(START + HOUR) for _ in "ab"], [1, 0])
        self.assertEqual((self.row.wanted, self.row.planned_start), (Wanted.RUN, None))
        self.assertEqual([do_what_is_planned(START + 3 * HOUR) for _ in "ab"], [1, 0])
        self.assertEqual((self.row.wanted, self.row.planned_stop), (Wanted.STOP, None))
        begin, end = "as planned for 2026-06-01 11:00 UTC", "as planned for 2026-06-01 12:00 UTC"
        expected = [
            ("planned", "rita", ""),
            ("started", "server", begin),
            ("stopped", "server", end),
        ]
        self.assertEqual(self.acts(), expected)

    def test_both_were_due_while_the_server_was_down(self) -> None:
        """They are done in the order of the plan."""
        self.plan(START + HOUR, START + 2 * HOUR)
        do_what_is_planned(START + 9 * HOUR)
        self.assertEqual(self.row.wanted, Wanted.STOP)
        self.assertEqual([act for act, *_ in self.acts()], ["planned", "started", "stopped"])

    def test_a_client_learns_of_the_wish_and_not_of_the_plan(self) -> None:
        """The revision rises when it is done."""
        self.plan(START + HOUR, None)
        self.assertEqual(self.row.revision, 1)
        do_what_is_planned(START + HOUR)
        self.assertEqual(self.row.revision, 2)

    def test_what_cannot_be_planned(self) -> None:
        for begin, end, member in [
            (START, None, "planned_start"),
            (None, START - HOUR, "planned_stop"),
            (START + 2 * HOUR, START + HOUR, "planned_stop"),
            (START + HOUR, START + HOUR, "planned_stop"),
        ]:
            with self.assertRaises(InvalidValues) as refused:
                self.plan(begin, end)
            self.assertEqual(list(refused.exception.errors), [member])

    def test_a_time_that_passes_while_one_types(self) -> None:
        """Is no mistake where it is not changed."""
        self.plan(START + HOUR, None)
        plan(self.capture.pk, START + HOUR, None, self.world.act(self.world.rita, 7200))
        self.assertEqual(self.row.planned_start, START + HOUR)

    def test_an_archived_one(self) -> None:
        """Nothing is planned for it, and what was planned is not done."""
        self.plan(START + HOUR, None)
        archive(self.capture.pk, self.world.act(self.world.rita))
        with self.assertRaises(Refused):
            self.plan(START + 3 * HOUR, None)
        self.assertEqual([do_what_is_planned(START + HOUR) for _ in "ab"], [1, 0])
        self.assertEqual(self.row.wanted, Wanted.STOP)

    def test_the_housekeeping_does_it(self) -> None:
        self.plan(START + HOUR, None)
        Housekeeping(Environment(None, {})).turn(START + HOUR)
        self.assertEqual(self.row.wanted, Wanted.RUN)


class PlanPageTests(PageCase):
    def test_typed_shown_and_taken_back(self) -> None:
        """In UTC; the form has it again, and empty fields end the plan."""
        edit = f"{self.demo}edit/"
        self.save(planned_start="2100-01-02T03:04", planned_stop="")
        self.assertIn('value="2100-01-02T03:04"', self.get(edit))
        self.assertIn("Planned: start", self.get(self.demo))
        got = self.save(200, planned_stop="2001-01-01T00:00")
        self.assertIn("This time is over.", got.content.decode())
        self.assertIn("Planned: start", self.get(self.demo))
        self.save()
        self.assertNotIn("Planned: start", self.get(self.demo))

    def save(self, status: int = 302, **fields: str) -> Any:
        """The form of the capture is sent, with what else has to stand there."""
        revision = self.world.now(self.world.demo).revision
        fields |= {"name": "demo", "project": str(self.world.project.pk), "revision": str(revision)}
        return self.post(f"{self.demo}edit/", f"{self.demo}edit/", status, **fields)
