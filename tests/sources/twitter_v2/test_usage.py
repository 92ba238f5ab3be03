"""What X says is used of the plan's posts, and what is said of that."""

from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.threads import in_place
from tcclient.runtime.verdicts import Outcome
from tcclient.sources.twitter_v2.checks import V2Checks
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section
from tcclient.sources.twitter_v2.slot.appapi import AppApi
from tcclient.sources.twitter_v2.slot.usage import DAY, HOUR, UsageWatch, next_reset
from tests.sources.twitter_v2.xapi import GIVEN, XTestCase


class ResetTests(SynchronousTestCase):
    def test_days(self) -> None:
        """The next midnight of that day; in a short month of its last day."""
        for now, day, expected in (
            ("2026-11-29T10:00", 30, "2026-11-30"),
            ("2026-11-30T00:00", 30, "2026-12-30"),
            ("2026-12-31T23:59", 1, "2027-01-01"),
            ("2027-01-31T00:00", 31, "2027-02-28"),
        ):
            at: Any = datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()
            found = datetime.fromtimestamp(next_reset(day, at), UTC)
            self.assertEqual(f"{found:%Y-%m-%d}", expected)


class AppTestCase(XTestCase):
    """An app of which X is asked."""

    def setUp(self) -> None:
        super().setUp()
        self.app = AppApi(self.bearer(given=GIVEN))

    def used(self, posts: int) -> None:
        """X will say that so many of 100 posts are used."""
        data = {"project_usage": str(posts), "project_cap": "100", "cap_reset_day": 5}
        self.x.will_say(200, {"data": data})


class WatchTests(AppTestCase):
    """The usage is asked for at the start and each hour."""

    def test_warnings(self) -> None:
        """At 80 and at 100 per cent, each once; the limit is there for reports."""
        watch = UsageWatch(self.app, self.clock, self.clock.seconds)
        self.addCleanup(watch.stopService)
        self.assertEqual(watch.limits(), ())
        with capturedLogs() as logged:
            for posts in (7, 8, 80, 81, 100, 101):
                self.used(posts)
                if watch.running:
                    self.clock.advance(HOUR)
                else:
                    watch.startService()
                self.client.flush()
                (limit,) = watch.limits()
                self.assertEqual((limit.spent, limit.limit, limit.of_plan), (posts, 100, True))
        said = [(event["log_level"], formatEvent(event)) for event in logged]
        words = (
            "X says that {} of the plan's 100 posts are used; the cycle ends on day 5 of the month."
        )
        levels = ((LogLevel.info, 7), (LogLevel.warn, 80), (LogLevel.warn, 100))
        self.assertEqual(said, [(level, words.format(posts)) for level, posts in levels])

    def test_apps_that_are_not_told(self) -> None:
        """Said once, and asked again on the next day; other failures an hour later."""
        watch = UsageWatch(self.app, self.clock, self.clock.seconds)
        self.addCleanup(watch.stopService)
        with capturedLogs() as logged:
            self.x.will_say(503)
            watch.startService()
            self.x.will_say(403)
            self.clock.advance(HOUR)
            self.x.will_say(403)
            self.clock.advance(DAY)
        self.assertEqual(len(self.paths), 3)
        statuses = [formatEvent(event)[-5:] for event in logged]
        self.assertEqual(statuses, [" 503.", " 403."])

    def test_stopped_in_between(self) -> None:
        """Nothing is asked any more."""
        watch = UsageWatch(self.app, self.clock, self.clock.seconds)
        watch.startService()
        watch.stopService()
        self.clock.advance(DAY)
        self.assertEqual(len(self.paths), 1)


class CheckTests(AppTestCase):
    """What --check says of the app."""

    def checks(self) -> V2Checks:
        """Checks of settings that need no other side than X."""
        nobody: Any = None
        section = V2Section(api_url="http://127.0.0.1/")
        return V2Checks(section, V2Auth(), nobody, self.app, nobody, in_place, nobody)

    def test_connections(self) -> None:
        """Which there are, since when and from where; none; and where X does not tell."""
        one = {
            "id": "a",
            "endpoint_name": "filtered_stream",
            "connected_at": "2026-11-30T10:00:00.000Z",
            "client_ip": "192.0.2.7",
        }
        for status, body, expected in (
            (
                200,
                {"data": [one]},
                "open: filtered_stream since 2026-11-30 10:00:00 UTC from 192.0.2.7",
            ),
            (200, {"meta": {}}, "none is open"),
            (403, {}, "X does not tell which connections the app has: the answer was 403"),
        ):
            self.x.will_say(status, body)
            verdict = self.successResultOf(Deferred.fromCoroutine(self.checks().connections()))
            self.assertEqual((verdict.outcome, verdict.text), (Outcome.OK, expected))

    def test_usage(self) -> None:
        """A warning where the plan is nearly used up."""
        for posts, outcome in ((79, Outcome.OK), (80, Outcome.WARN)):
            self.used(posts)
            verdict = self.successResultOf(Deferred.fromCoroutine(self.checks().usage()))
            self.assertEqual(verdict.outcome, outcome)
