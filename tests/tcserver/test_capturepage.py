"""The page of a capture: how far a wish has come, the chart, keywords, notes, copies."""

import re
from datetime import UTC, datetime, timedelta

from attrs import evolve
from django.utils import timezone

from tcclient.control.jobs import Status
from tcclient.control.reports import State
from tcserver.accounts.series import ChartMark, ChartSeries, posts_of_month
from tcserver.accounts.services.counts import add_counts
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.edit import edit
from tcserver.captures.services.report import answer
from tcserver.captures.services.start import start
from tcserver.captures.services.state import state
from tcserver.captures.services.stop import stop
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Token
from tcserver.history.models import HistoryEntry
from tcserver.website.chart import POINTS, ROWS, chart_of, drawn
from tests.tcserver.case import DatabaseCase
from tests.tcserver.sentledgers import KINDS, NOON, gap, send, told_at
from tests.tcserver.test_website import PageCase

BEGIN = int(NOON) - 43_200
DAY = 86_400


def told(seconds: int, step: int = 60, **more: object) -> ChartSeries:
    """A series from BEGIN on with 60 posts in each step."""
    end = BEGIN + seconds
    members = {
        "points": [(at, 60 * step) for at in range(BEGIN - BEGIN % step, end - step + 1, step)],
        "gaps": [],
        "wanted": [(BEGIN, end)],
        "marks": [],
    }
    return ChartSeries(BEGIN, end, step, **(members | more))


class ChartTests(DatabaseCase):
    def test_an_even_rate(self) -> None:
        """One line at one height, whatever the span."""
        for seconds, step in ((3600, 60), (DAY, 60), (7 * DAY, 3600), (900 * DAY, DAY)):
            chart = drawn(told(seconds, step), "all")
            heights = set(re.findall(r" ([0-9.]+)", chart.line))
            self.assertEqual(len(heights), 1, seconds)
            self.assertEqual(chart.line.count("M"), 1)
            self.assertLessEqual(chart.line.count("L"), POINTS)
            self.assertLessEqual(len(chart.rows), ROWS + 2)

    def test_a_step_that_has_begun(self) -> None:
        """Is drawn by its rate, once half of it is over."""
        for seconds, steps in ((3600 + 20, 60), (3600 + 40, 61)):
            line = drawn(told(seconds, points=[(BEGIN + at, 60) for at in range(0, 3601, 60)]), "x")
            self.assertEqual(line.line.count(" "), steps)

    def test_nothing(self) -> None:
        """No line, and no scale: one would seem to say how much there is."""
        chart = drawn(told(3600, points=[]), "hour")
        self.assertEqual((chart.line, [tick.words for tick in chart.rates]), ("", ["0"]))
        self.assertEqual(chart.words, "Posts a second, 0 at most; no gaps")
        self.assertTrue(all(row.posts == 0 for row in chart.rows))

    def test_times_without_updates_are_no_line(self) -> None:
        points = [(BEGIN + at, 60) for at in (0, 300, 600, 7200, 7500)]
        self.assertEqual(drawn(told(4 * 3600, points=points), "all").line.count("M"), 2)

    def test_when_nothing_was_wanted(self) -> None:
        wanted = [(BEGIN, BEGIN + 900.0), (BEGIN + 1800.0, BEGIN + 3600.0)]
        [band] = drawn(told(3600, wanted=wanted), "hour").bands
        self.assertEqual((band.style, band.x, band.width), ("unwanted", 56 + 222, 222))

    def test_before_the_first_start(self) -> None:
        """Nothing was wanted, as far as the server itself knows: no ledger has come."""
        now = datetime.now(UTC)
        draft = self.world.capture("draft", wanted=Wanted.NOTHING)
        CaptureRecord.objects.update(created_at=now - timedelta(minutes=50))
        for minutes, width in ((None, 888), (15, 666)):
            if minutes is not None:
                act = self.world.act(self.world.rita)
                start(draft.pk, evolve(act, at=now - timedelta(minutes=minutes)))
            [band] = chart_of(self.row(draft), None, "hour", now).bands
            self.assertEqual((band.style, band.x), ("unwanted", 56))
            self.assertEqual(round(band.width), width)

    def test_what_was_wanted_at_once(self) -> None:
        """Is not shaded from when it was made on, however late its client answers."""
        now = self.row(self.world.demo).created_at + timedelta(minutes=30)
        [band] = chart_of(self.row(self.world.demo), None, "hour", now).bands
        self.assertEqual((band.x, round(band.width)), (56, 444))

    def row(self, capture: CaptureRecord) -> CaptureRecord:
        """A capture as it is there."""
        return CaptureRecord.objects.get(pk=capture.pk)

    def test_marks(self) -> None:
        """Stops are drawn unlike other changes, and all are said in words."""
        at = datetime.fromtimestamp(BEGIN + 1800, UTC)
        marks = [ChartMark(at, "rita", "status", "stopping"), ChartMark(at, "x", "keywords", None)]
        stop, keywords = drawn(told(3600, marks=marks), "hour").marks
        self.assertEqual((stop.style, stop.x), ("stop", 56 + 444))
        self.assertEqual(keywords.words, "2026-06-01 00:30 UTC, x: keywords none")


class PageOfACaptureTests(PageCase):
    def test_how_far_a_wish_has_come(self) -> None:
        """
        Asked, acknowledged, running, unless no posts come; and again after a Stop, or after other
        keywords.
        """
        demo, act = self.world.demo, self.world.act
        self.assertEqual(self.steps(), [True, False, False])
        answer(demo.pk, self.world.client.pk, Status.STARTED, {}, act(self.world.rita, 9))
        Token.objects.update(contact_at=timezone.now())
        self.assertEqual(self.steps(), [True, True, True])
        now = CaptureRecord.objects.filter(pk=demo.pk)
        for condition, runs in (("stall", False), ("terms_refused", True), ("ok", True)):
            now.update(condition=condition)
            self.assertEqual(self.steps(), [True, True, runs], condition)
            self.assertEqual("None come now" in self.get(self.demo), not runs, condition)
        now.update(applied_revision=1)
        edit(demo.pk, act(self.world.rita, 20), keywords="birds")
        self.assertIn("not yet: the newest change is not in force", self.get(self.demo))
        stop(demo.pk, act(self.world.rita, 30))
        self.assertEqual(self.steps(), [True, False, False])

    def test_since_when_it_runs(self) -> None:
        """
        After an interruption since it runs again; what is wrong while posts come interrupts
        nothing.
        """
        demo, act = self.world.demo.pk, self.world.act
        answer(demo, self.world.client.pk, Status.STARTED, {}, act(self.world.rita, 0))
        for seconds, condition, since in (
            (5, "start", None),
            (9, "ok", 9),
            (60, "ok", 9),
            (70, "terms_refused", 9),
            (80, "ok", 9),
            (90, "stall", None),
            (100, "quiet", 100),
            (110, "ok", 100),
        ):
            at = act(self.world.rita, seconds)
            state(self.world.client.pk, [State(job=demo, condition=condition)], at)
            row = CaptureRecord.objects.get(pk=demo)
            expected = None if since is None else act(self.world.rita, since).at
            self.assertEqual(row.runs_since, expected, (seconds, condition))
        self.assertEqual(row.running_since, expected)
        stop(demo, act(self.world.rita, 120))
        start(demo, act(self.world.rita, 130))
        answer(demo, self.world.client.pk, Status.STARTED, {}, act(self.world.rita, 140))
        row = CaptureRecord.objects.get(pk=demo)
        self.assertEqual(row.running_since, act(self.world.rita, 140).at)

    def test_since_when_it_runs_by_its_client(self) -> None:
        """What it says counts, as the server may have been away; but it is not to come."""
        demo, act = self.world.demo.pk, self.world.act
        answer(demo, self.world.client.pk, Status.STARTED, {}, act(self.world.rita, 0))
        for heard, seconds, condition, since in (
            (60, 5, "ok", 5),
            (90, 70, "stall", None),
            (600, 480, "ok", 480),
            (630, None, "terms_refused", 480),
            (640, 700, "ok", 640),
        ):
            began = None if seconds is None else act(self.world.rita, seconds).at
            told = State(job=demo, condition=condition, since=began)
            state(self.world.client.pk, [told], act(self.world.rita, heard))
            row = CaptureRecord.objects.get(pk=demo)
            expected = None if since is None else act(self.world.rita, since).at
            self.assertEqual(row.runs_since, expected, (heard, condition))
        self.assertEqual(row.running_since, expected)

    def steps(self) -> list[bool]:
        page = self.get(self.demo)
        return [bool(one) for one in re.findall(r'<li( class="reached")?><span class="sh', page)]

    def test_a_ledger_that_has_just_begun(self) -> None:
        """Its first half second is a gap, which is no share of anything yet."""
        demo, now = self.world.demo, timezone.now().timestamp() - NOON
        lines = [KINDS["begin"] | {"kind": "ledger_begin"}, KINDS["start"], gap(now, now + 0.6)]
        data = b"".join(told_at(now + at / 10, one, demo.pk) for at, one in enumerate(lines))
        send(self.world.client, "young", demo, data)
        self.assertIn("less than a minute", self.get(self.demo))
        self.assertNotIn("0.000", self.get("/captures/"))

    def test_what_a_month_has_brought(self) -> None:
        """From the first midnight of the month on, in UTC: X bills each post."""
        demo, end = self.world.demo.pk, datetime(2026, 12, 1, tzinfo=UTC).timestamp()
        add_counts({(demo, int(end) - 1): 5, (demo, int(end)): 1200, (demo, int(end) + 90_000): 30})
        for at, posts in (
            (end - 1, 1235),
            (end, 1230),
            (end + 20 * DAY, 1230),
            (end + 40 * DAY, 0),
        ):
            self.assertEqual(posts_of_month(demo, datetime.fromtimestamp(at, UTC)), posts)
        self.assertIn("0 this month (UTC)", self.get(f"/captures/{self.world.bare.pk}/"))

    def test_each_part(self) -> None:
        """It goes on to be asked for as often as the page has it, when it is drawn again."""
        page = re.findall(r'<div id="live-(\w+)" .* hx-trigger="([^"]+)"', self.get(self.demo))
        self.assertEqual(len(page), 6)
        for part, trigger in page:
            asks = {"HX-Request": "true", "HX-Target": f"live-{part}"}
            again = self.browser.get(self.demo, headers=asks).content.decode()
            self.assertEqual(again.count('hx-trigger="every '), 1, part)
            self.assertIn(f'hx-trigger="{trigger}"', again)

    def test_a_first_month(self) -> None:
        """Of what has begun in it all posts are: a number of those counted so far would lag."""
        now = timezone.now().astimezone(UTC)
        begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for at, is_first in ((begin, True), (begin - timedelta(seconds=1), False)):
            CaptureRecord.objects.update(first_started_at=at)
            self.assertEqual("all of them this month (UTC)" in self.get(self.demo), is_first)

    def test_keywords_that_wait(self) -> None:
        """What a capture that is to run was last asked for is not in force yet."""
        self.assertIn("not yet</div>", self.get(self.demo))
        asks = {"HX-Request": "true", "HX-Target": "live-keywords"}
        part = self.browser.get(self.demo, headers=asks).content.decode()
        self.assertIn("cats, dogs", part)
        self.assertNotIn("<svg", part)

    def test_a_young_one(self) -> None:
        """Its chart is of the hour that it has had, until it has had more."""
        for minutes, span in ((59, "hour"), (61, "day")):
            at = timezone.now() - timedelta(minutes=minutes)
            CaptureRecord.objects.update(first_started_at=at)
            page = self.get(self.demo)
            self.assertIn(f'?span={span}#rate-title" aria-current', page)

    def test_each_span(self) -> None:
        """Has its chart with a table; an unknown one is a day."""
        for span in ("hour", "day", "week", "all", "x"):
            page = self.get(f"{self.demo}?span={span}")
            self.assertEqual(page.count('<svg class="chart" viewBox="0 0 960 240"'), 1)
            self.assertIn("The same as a table", page)

    def test_only_what_is_asked_for(self) -> None:
        """The live part does not draw the chart again, nor the chart the state."""
        events = ("events", "What happened", "<svg")
        for part, has, lacks in [("capture", "big", "<svg"), ("chart", "<svg", '"big"'), events]:
            asks = {"HX-Request": "true", "HX-Target": f"live-{part}"}
            page = self.browser.get(self.demo, headers=asks).content.decode()
            self.assertIn(has, page)
            self.assertNotIn(lacks, page)

    def test_a_note(self) -> None:
        self.post(f"{self.demo}note/", self.demo, note="<b>flood</b> began")
        [entry] = HistoryEntry.objects.filter(act="noted")
        self.assertEqual((entry.note, entry.before, entry.after), ("<b>flood</b> began", {}, {}))
        self.assertIn("&lt;b&gt;flood", self.get(self.demo))
        for text in ("", " ", "x" * 1001):
            self.post(f"{self.demo}note/", self.demo, note=text)
        self.assertEqual(HistoryEntry.objects.filter(act="noted").count(), 1)

    def test_a_copy(self) -> None:
        """Has all but the name; of what one does not see nothing."""
        page = self.get(f"/captures/new/?copy={self.world.demo.pk}")
        self.assertIn("cats, dogs</textarea>", page)
        self.assertNotIn('value="demo"', page)
        self.browser = self.world.browser(self.world.otto)
        self.get(f"/captures/new/?copy={self.world.demo.pk}", 404)


class AccountOnThePageTests(PageCase):
    def test_gaps_keywords_and_folder(self) -> None:
        demo, seconds = self.world.demo, timezone.now().timestamp() - NOON - 3600
        lines = b"".join(
            told_at(seconds + at, members, demo.pk)
            for at, members in [
                (0, KINDS["begin"] | {"kind": "ledger_begin"}),
                (0, KINDS["start"]),
                (0, KINDS["asked"] | {"after": "cats, dogs"}),
                (5, KINDS["in_force"] | {"text": "cats, dogs"}),
                (600, gap(seconds + 300, seconds + 600)),
            ]
        )
        send(self.world.client, "a", demo, lines)
        send(self.world.client, "b", demo, lines)
        self.assertIn("The keywords were “cats, dogs”.", self.get(f"{self.demo}account/"))
        page = self.get(self.demo)
        self.assertIn("Gap of 5 min 0 s: stall", page)
        self.assertNotIn('<rect class="unwanted" x="944', page)
        self.assertIn("from <time", page)
        self.assertEqual(page.count("<code>demo</code>"), 1)
        self.assertNotIn("base_dir", page)
