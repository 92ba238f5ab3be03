"""The list of captures: states with reasons, what is asked for, today's coverage, queries."""

import re
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tcclient.control.jobs import Status
from tcserver.accounts.services.counts import add_counts
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive
from tcserver.fleet.models import Token
from tcserver.website.machines import clock_words, is_older
from tcserver.website.showing import rough, state_of
from tcserver.website.sparks import spark
from tests.tcserver.case import DatabaseCase
from tests.tcserver.sentledgers import KINDS, NOON, gap, send, told_at
from tests.tcserver.test_website import PageCase

ASKS = {"HX-Request": "true", "HX-Target": "live-captures"}


class StateTests(DatabaseCase):
    """What is said of a capture, in each of its states."""

    def state(self, **columns: object) -> tuple[str, str, str]:
        now = timezone.now()
        CaptureRecord.objects.filter(pk=self.world.demo.pk).update(**columns)
        row = CaptureRecord.objects.select_related("client").get(pk=self.world.demo.pk)
        shown = state_of(row, now, now)
        return shown.style, shown.word, shown.reason

    def test_it_runs(self) -> None:
        self.assertEqual(self.state(answer=Status.STARTED, condition="ok"), ("good", "running", ""))

    def test_it_runs_as_far_as_is_known(self) -> None:
        """Its client is late since it was last heard of, not since the capture began."""
        now = timezone.now()
        columns = {"answer": Status.STARTED, "condition": "ok", "started_at": now - timedelta(1)}
        CaptureRecord.objects.filter(pk=self.world.demo.pk).update(**columns)
        row = CaptureRecord.objects.select_related("client").get(pk=self.world.demo.pk)
        heard = now - timedelta(minutes=2)
        shown = state_of(row, heard, now)
        self.assertEqual((shown.word, shown.reason), ("running", "client1 is late"))
        self.assertEqual(shown.since, heard)

    def test_it_runs_and_something_is_wrong(self) -> None:
        """Posts come: the word stays, and the reason is said."""
        found = self.state(
            answer=Status.STARTED, condition="terms_refused", reason="1 term is left out"
        )
        self.assertEqual(found, ("busy", "running", "1 term is left out"))

    def test_no_posts_come(self) -> None:
        """It does not run, whatever it has answered."""
        found = self.state(
            answer=Status.STARTED, condition="duplicate", reason="taken by another client"
        )
        self.assertEqual(found, ("bad", "waiting", "taken by another client"))

    def test_a_condition_without_a_reason(self) -> None:
        """The word for programs is better than none."""
        self.assertEqual(
            self.state(answer=Status.STARTED, condition="client_stopped")[2], "client stopped"
        )

    def test_asked_and_not_answered(self) -> None:
        self.assertEqual(self.state()[:2], ("busy", "starting"))


class WordTests(PageCase):
    def test_rough(self) -> None:
        for seconds, words in [(-3, "0 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h")]:
            self.assertEqual(rough(seconds), words)
        self.assertEqual(rough(2 * 86_400), "2 d")

    def test_older(self) -> None:
        """Of our releases alone: what others call theirs says nothing."""
        for version, older in [("1.0.9", True), ("1.1.0", False), ("0.x", False), ("", False)]:
            self.assertEqual(is_older(version, "1.1.0"), older, version)

    def test_clock(self) -> None:
        for offset, words in [(None, ""), (0.9, "right"), (90, "90.0 s ahead")]:
            self.assertEqual(clock_words(offset), words)
        self.assertEqual(clock_words(-2.5), "2.5 s behind")

    def test_spark(self) -> None:
        """The last hour is drawn by its rate, however little of it is over."""
        level = spark(dict.fromkeys(range(23), 3600) | {23: 600}, elapsed=600)
        self.assertEqual(set(re.findall(r" ([0-9.]+)", level.line)), {"1.0"})
        self.assertIn("at most 1.0 posts a second", level.words)
        self.assertEqual(spark({}, 0).line.count("L"), 23)


class ListTests(PageCase):
    def setUp(self) -> None:
        super().setUp()
        now = timezone.now()
        Token.objects.filter(client=self.world.client).update(contact_at=now)
        CaptureRecord.objects.filter(pk=self.world.demo.pk).update(
            answer=Status.STARTED, condition="ok", total=1_234_567, rate=47_300
        )

    def names(self, asked: str) -> list[str]:
        """The captures of a list, in its order."""
        page = self.get(f"/captures/{asked}")
        return re.findall(r'id="capture-\d+">([^<]+)<', page)

    def test_a_row(self) -> None:
        """State, posts, rate, client and contact at one glance."""
        page = self.get("/captures/")
        for words in ("running", "1,234,567", "47.3 a second", "client1", " ago</time>"):
            self.assertIn(words, page)

    def test_shown_and_sorted_as_asked(self) -> None:
        for asked, expected in [
            ("", ["bare", "demo"]),
            ("?sort=posts", ["demo", "bare"]),
            ("?show=running", ["demo"]),
            ("?show=attention", ["bare"]),
            ("?q=DOGS", ["demo"]),
            ("?q=nothing", []),
            ("?show=idle", []),
            ("?show=archive", []),
            ("?show=%00&sort=x&page=-9", ["bare", "demo"]),
        ]:
            self.assertEqual(self.names(asked), expected, asked)

    def test_the_archive(self) -> None:
        archive(self.world.demo.pk, self.world.act(self.world.rita))
        self.assertEqual(self.names("?show=archive"), ["demo"])

    def test_the_live_part(self) -> None:
        """Is that of the page, and has nothing else."""
        got = self.browser.get("/captures/?show=running", headers=ASKS)
        part = got.content.decode()
        self.assertTrue(
            part.lstrip().startswith('<div id="live-captures" hx-get="/captures/?show=running"')
        )
        self.assertIn(">demo<", part)
        self.assertNotIn("<nav", part)
        self.assertIn("HX-Request", got.headers["Vary"])

    def test_today(self) -> None:
        """What was missing yesterday is not counted; the picture is there once posts are."""
        now = timezone.now()
        demo, seconds = self.world.demo, now.timestamp() - NOON
        lines = told_at(seconds - 90_000, KINDS["begin"], demo.pk)
        lines += told_at(seconds - 90_000, KINDS["start"], demo.pk)
        lines += told_at(seconds - 89_990, gap(seconds - 90_000, seconds - 89_990), demo.pk)
        lines += told_at(seconds, KINDS["in_force"], demo.pk)
        send(self.world.client, "a", demo, lines)
        self.assertIn("100 %", self.get("/captures/"))
        add_counts({(self.world.demo.pk, int(now.timestamp()) - 7200): 10})
        self.assertIn('class="spark"', self.get("/captures/"))

    def test_queries(self) -> None:
        """No more of them for more captures."""
        few = self.queries()
        for number in range(20):
            self.world.capture(f"more {number}", "x")
        self.assertEqual(self.queries(), few)
        self.assertLessEqual(few, 16)

    def queries(self) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.get("/captures/")
        return len(queries)
