"""Posts over time: counted by minute, hour and day, kept for a time, and shown in charts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Sum

from tcserver.accounts.account import history_of
from tcserver.accounts.models import PostCount, UpdateRecord
from tcserver.accounts.series import MOST_POINTS, series, step_of
from tcserver.accounts.services.adopt import adopt_updates
from tcserver.accounts.services.counts import DAY, HOUR, MINUTE, add_counts, count_some
from tcserver.accounts.services.prune import prune
from tcserver.accounts.services.update import UpdateNumbers, add_update
from tcserver.captures.services.edit import edit
from tests.tcserver.case import DatabaseCase
from tests.tcserver.sentledgers import KINDS, NOON, gap, send, told_at
from tests.tcserver.test_api import ApiCase
from tests.tcserver.test_folding import SentLedgerCase
from tests.tcserver.world import START

DAY_OF_START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())


class CountCase(DatabaseCase):
    def update(self, seconds: float, count: int | None, at: float | None = None) -> None:
        """An update so many seconds after START, of posts that were counted at another time."""
        when = None if at is None else START + timedelta(seconds=at)
        act = self.world.act(self.world.rita, seconds)
        numbers = UpdateNumbers(count, None, None, when)
        add_update(self.world.demo.pk, self.world.client.pk, numbers, act)

    def counts(self, seconds: int) -> list[tuple[int, int]]:
        """When the steps of this length begin, in seconds after the hour of START, and posts."""
        while count_some():
            pass
        rows = PostCount.objects.filter(capture=self.world.demo, seconds=seconds).order_by("at")
        begin = int(START.timestamp())
        return [(at - begin, posts) for at, posts in rows.values_list("at", "posts")]


class CountTests(CountCase):
    def test_by_minute_hour_and_day(self) -> None:
        """Each update is added to its own; one that tells no count to none."""
        for seconds, count in ((0, 1), (59, 2), (60, 4), (3600, 8), (3601, 0), (86_400, 16)):
            self.update(seconds, count)
        self.update(7200, None)
        self.assertEqual(self.counts(MINUTE), [(0, 3), (60, 4), (3600, 8), (86_400, 16)])
        self.assertEqual(self.counts(HOUR), [(0, 7), (3600, 8), (86_400, 16)])
        self.assertEqual(self.counts(DAY), [(-36_000, 15), (50_400, 16)])

    def test_a_late_one(self) -> None:
        """It goes to the time that it is about; none is about the future."""
        self.update(7200, 5, at=0)
        self.update(7200, 6, at=9999)
        self.assertEqual(self.counts(MINUTE), [(0, 5), (7200, 6)])

    def test_those_of_another_server(self) -> None:
        """They are counted at their own times."""
        demo = self.world.demo
        adopt_updates(
            UpdateRecord(capture=demo, at=START + timedelta(minutes=n % 2), count=n, total=n)
            for n in range(10)
        )
        self.assertEqual(self.counts(MINUTE), [(0, 20), (60, 25)])

    def test_more_than_any_number(self) -> None:
        """What a client tells that cannot be stops nothing."""
        demo = self.world.demo
        UpdateRecord.objects.bulk_create(
            UpdateRecord(capture=demo, at=START, count=2**63 - 1) for _ in range(3)
        )
        count_some()
        UpdateRecord.objects.create(capture=demo, at=START, count=2**63 - 1)
        self.assertEqual(self.counts(DAY), [(-36_000, 2**63 - 1)])

    def test_less_than_nothing(self) -> None:
        """A client that takes posts back takes them from the sum, also from the highest one."""
        for count, left in ((5, 5), (-2, 3), (-(2**63 - 1), 3 - (2**63 - 1))):
            self.update(0, count)
            self.assertEqual(self.counts(DAY), [(-36_000, left)])
        for count in (-(2**63), -(2**63)):
            self.update(0, count)
        self.assertEqual(self.counts(DAY), [(-36_000, 1 - 2**63)])

    def test_what_is_not_counted_yet(self) -> None:
        """It is kept until it is, however old."""
        self.update(0, 1)
        self.assertEqual(prune(START + timedelta(days=99), 7, 90), 0)
        self.assertEqual(self.counts(DAY), [(-36_000, 1)])

    def test_of_one_capture(self) -> None:
        """Others are not touched."""
        self.update(0, 1)
        add_counts({(self.world.bare.pk, int(START.timestamp())): 100})
        self.assertEqual(self.counts(HOUR), [(0, 1)])


class ToldTimeTests(ApiCase):
    def test_when_it_was(self) -> None:
        """An update may say when its posts were counted."""
        update = {"job": self.demo, "count": 5, "at": "2026-06-01T09:00:00Z"}
        status, told = self.ask("POST", "update/", update)
        self.assertEqual((status, told["date"]), (201, "2026-06-01T09:00:00Z"))
        count_some()
        self.assertEqual(PostCount.objects.filter(at=DAY_OF_START + 9 * 3600).count(), 2)
        self.assertEqual(self.ask("POST", "update/", {**update, "at": "soon"})[0], 400)


class PruneTests(CountCase):
    def test_what_is_too_old(self) -> None:
        """Updates after a week, minutes after 90 days; hours and days never."""
        for days in range(100):
            self.update(days * 86_400, 1)
        self.counts(DAY)
        now = START + timedelta(days=99)
        while prune(now, updates=7, minutes=90):
            pass
        self.assertEqual(UpdateRecord.objects.count(), 8)
        self.assertEqual([len(self.counts(step)) for step in (MINUTE, HOUR, DAY)], [91, 100, 100])

    def test_a_bounded_number_at_once(self) -> None:
        """However much is too old."""
        UpdateRecord.objects.bulk_create(
            UpdateRecord(capture=self.world.demo, at=START, count=1, counted=True)
            for _ in range(2500)
        )
        now = START + timedelta(days=30)
        self.assertEqual([prune(now, 7, 90) for _ in range(4)], [1000, 1000, 500, 0])


class SeriesTests(SentLedgerCase):
    def of(self, begin: float, end: float, **more: Any) -> Any:
        """What a chart shows from `begin` up to `end`, in seconds after NOON."""
        return series(self.capture, int(NOON + begin), int(NOON + end), 0, **more)

    def test_the_steps(self) -> None:
        """The shortest of which there are not too many."""
        for length, expected in (
            (3600, MINUTE),
            (86_400, MINUTE),
            (7 * 86_400, HOUR),
            (80 * 86_400, HOUR),
            (365 * 86_400, DAY),
            (3650 * 86_400, 2 * DAY),
        ):
            found = step_of(0, length, 0)
            self.assertEqual(found, expected)
            self.assertLess(length / found, MOST_POINTS)
        self.assertEqual(step_of(0, 3600, minutes_since=1), HOUR)

    def test_points(self) -> None:
        """Posts of each step that was reported on; their sum is what was counted."""
        begin = int(NOON)
        add_counts({(self.capture.pk, begin + at): 1 for at in range(0, 400_000, 50)})
        for length in (3600, 86_400, 400_000):
            points = self.of(0, length).points
            self.assertEqual(sum(posts for _, posts in points), -(-length // 50))
            self.assertLess(len(points), MOST_POINTS)

    def test_decades(self) -> None:
        """Steps of several days add up what is kept of each."""
        begin = int(NOON) - int(NOON) % DAY
        add_counts({(self.capture.pk, begin + n * DAY): 1 for n in range(3000)})
        found = self.of(0, 3000 * DAY)
        self.assertEqual(found.seconds, 2 * DAY)
        self.assertEqual({posts for _, posts in found.points[1:-1]}, {2})

    def test_gaps_and_marks(self) -> None:
        """Gaps of the time, and what people changed in it."""
        lines = told_at(0, KINDS["start"]) + told_at(20, gap(10, 20)) + told_at(900, gap(800, 900))
        send(self.world.client, "x", self.capture, lines)
        edit(self.capture.pk, self.world.act(self.world.rita, 7200 + 60), keywords="tea")
        found = self.of(0, 100, history=history_of(self.capture))
        self.assertEqual([one.begin - NOON for one in found.gaps], [10])
        self.assertEqual(
            [(one.who, one.member, one.value) for one in found.marks], [("rita", "keywords", "tea")]
        )
        self.assertEqual(found.wanted, [(NOON, NOON + 100)])
        self.assertEqual(self.of(0, 30).marks, [])


class ExactTests(CountCase):
    def test_all_steps_agree(self) -> None:
        """The sums of minutes, hours and days are that of the updates."""
        for n in range(50):
            self.update(n * 977, n)
            count_some()
        sums = PostCount.objects.values("seconds").annotate(posts=Sum("posts"))
        self.assertEqual({one["posts"] for one in sums}, {sum(range(50))})
