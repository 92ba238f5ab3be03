"""Which conditions alerts are about, and when a change is told: by a clock, without tables."""

from datetime import timedelta
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.healthreport import state
from tcclient.health.facts import CaptureFacts, ClientFacts, LackingTerms
from tcclient.health.health import Level
from tcclient.health.judgement import judge
from tcclient.ledger.gaps import Missing
from tcserver.alerts.conditions import (
    AlertKind,
    AlertVerdict,
    CaptureNow,
    ClientNow,
    of_capture,
    of_client,
)
from tcserver.alerts.digests import next_digest
from tcserver.alerts.turning import (
    CALM,
    LATELY,
    MOST_FLIPS,
    AlertStanding,
    NewsKind,
    is_due,
    is_steady,
    news,
)
from tests.tcserver.world import START

NOW = START
LONGEST = timedelta(minutes=10)
GB = 1 << 30
HERE = ClientNow(1, "lab", NOW, NOW, 500 * GB, 1000 * GB, 0.1, None, None, 1)
RUNS = CaptureNow(7, "cats", HERE, True, "ok", "", None, NOW)


def minutes(number: float) -> timedelta:
    """So many of them."""
    return timedelta(minutes=number)


class ClientConditionTests(SynchronousTestCase):
    def found(self, kind: AlertKind, **changes: Any) -> AlertVerdict:
        """How a client is in one respect that is otherwise well."""
        [found] = [one for one in of_client(attrs.evolve(HERE, **changes), NOW) if one.kind == kind]
        return found

    def states(self, kind: AlertKind, member: str, *values: Any) -> list[Level | None]:
        """How it is with each of these values of a member."""
        return [self.found(kind, **{member: value}).state for value in values]

    def test_one_that_is_well(self) -> None:
        self.assertEqual({one.state for one in of_client(HERE, NOW)}, {Level.OK})

    def test_silence(self) -> None:
        """Late is worse than here, lost is worse than late; it is said how many captures wait."""
        ago = [NOW - timedelta(seconds=seconds) for seconds in (45, 46, 345, 346)]
        self.assertEqual(
            self.states(AlertKind.CLIENT, "contact_at", *ago),
            [Level.OK, Level.DEGRADED, Level.DEGRADED, Level.DOWN],
        )
        self.assertIn("1 capture waits", self.found(AlertKind.CLIENT, contact_at=ago[-1]).reason)

    def test_what_a_silent_client_said(self) -> None:
        """Nobody knows whether that is still so; it is no all-clear."""
        lost = attrs.evolve(HERE, contact_at=NOW - minutes(60))
        rest = {one.state for one in of_client(lost, NOW) if one.kind != AlertKind.CLIENT}
        self.assertEqual(rest, {None})
        old = attrs.evolve(HERE, host_at=NOW - minutes(16))
        rest = {one.state for one in of_client(old, NOW) if one.kind != AlertKind.CLIENT}
        self.assertEqual(rest, {None})

    def test_disk(self) -> None:
        """5 % of a disk, and 1 GiB of a small one."""
        self.assertEqual(
            self.states(
                AlertKind.DISK, "disk_free", 50 * GB, 50 * GB - 1, 100 << 20, 99 << 20, None
            ),
            [Level.OK, Level.DEGRADED, Level.DEGRADED, Level.DOWN, Level.OK],
        )

    def test_a_disk_that_fills_fast(self) -> None:
        """Three days at the last day's rate, however large it is."""
        daily = self.states(AlertKind.DISK, "disk_daily", 500 * GB // 3, 501 * GB // 3, 0, None)
        self.assertEqual(daily, [Level.OK, Level.DEGRADED, Level.OK, Level.OK])
        self.assertIn("enough for", self.found(AlertKind.DISK, disk_daily=400 * GB).reason)

    def test_clock(self) -> None:
        """Thirty seconds to either side."""
        self.assertEqual(
            self.states(AlertKind.CLOCK, "clock_offset", 30.0, 30.1, -30.1, None),
            [Level.OK, Level.DEGRADED, Level.DEGRADED, Level.OK],
        )
        self.assertIn("behind", self.found(AlertKind.CLOCK, clock_offset=-90.0).reason)

    def test_budget(self) -> None:
        """At 80 and at 100 %, of the limit that is spent most; not of a period that is over."""
        over = (NOW - minutes(1)).isoformat()
        self.assertEqual(
            self.states(
                AlertKind.BUDGET,
                "budget",
                {"day": {"spent": 79, "limit": 100}},
                {"day": {"spent": 80, "limit": 100}, "month": {"spent": 1, "limit": 100}},
                {"day": {"spent": 100, "limit": 100, "until": (NOW + minutes(1)).isoformat()}},
                {"day": {"spent": 100, "limit": 100, "until": over}},
            ),
            [Level.OK, Level.DEGRADED, Level.DOWN, Level.OK],
        )

    def test_a_budget_of_any_shape(self) -> None:
        """A peer may send what it wants."""
        for budget in (
            [], "x", {"day": 1}, {"day": {"spent": "9", "limit": 1}}, {"day": {"limit": 0}},
            {"day": {"spent": 9**99, "limit": 1, "until": 5}}, {"d": {"spent": 1, "limit": True}},
            {"x" * 9999: {"spent": 1, "limit": 1, "until": "never"}},
        ):  # fmt: skip
            found = self.found(AlertKind.BUDGET, budget=budget)
            self.assertLess(len(found.reason), 200)

    def test_two_with_one_token(self) -> None:
        """For ten minutes after both were seen."""
        self.assertEqual(
            self.states(AlertKind.TWICE, "twice_at", NOW - minutes(9), NOW - minutes(10)),
            [Level.DOWN, Level.OK],
        )


class CaptureConditionTests(SynchronousTestCase):
    def bad(self, **changes: Any) -> dict[AlertKind, Level | None]:
        """What is not well of a capture that otherwise is."""
        found = of_capture(attrs.evolve(RUNS, **changes), LONGEST, NOW)
        return {one.kind: one.state for one in found if one.state != Level.OK}

    def test_one_that_is_well(self) -> None:
        self.assertEqual(self.bad(), {})

    def test_one_that_does_not_run(self) -> None:
        """Without a client, with one that never came, not begun, or not run as its client says."""
        running = {AlertKind.RUNNING: Level.DOWN}
        never = attrs.evolve(HERE, contact_at=None)
        for changes in ({"client": None}, {"client": never}):
            found = self.bad(**changes)
            self.assertEqual(found.pop(AlertKind.RUNNING), Level.DOWN)
            self.assertEqual({*found.values()}, {None})
        self.assertEqual(self.bad(answered=False), running)
        self.assertEqual(self.bad(condition="not_run", reason="no room"), running)
        self.assertEqual(self.bad(answered=False, state_at=None)[AlertKind.RUNNING], Level.DOWN)

    def test_of_a_silent_client(self) -> None:
        """Nothing is known: neither an alarm of each capture nor an all-clear."""
        lost = attrs.evolve(HERE, contact_at=NOW - minutes(60))
        found = self.bad(client=lost, condition="stall", since=NOW - minutes(50))
        self.assertEqual(found, dict.fromkeys(found))
        self.assertEqual(len(found), 6)

    def test_a_gap(self) -> None:
        """It is one too many when it lasts longer than the setting, or did."""
        down = {AlertKind.GAP: Level.DOWN}
        self.assertEqual(self.bad(condition="stall", since=NOW - minutes(10)), {})
        self.assertEqual(self.bad(condition="stall", since=NOW - minutes(10.1)), down)
        self.assertEqual(self.bad(condition="quiet", since=NOW - minutes(60)),
                         {AlertKind.HEALTH: Level.DEGRADED})  # fmt: skip
        self.assertEqual(self.bad(gap=(600.0, "stall")), {})
        self.assertEqual(self.bad(gap=(601.0, "stall")), down)

    def test_few_posts(self) -> None:
        """Fewer than a fifth of what is usual, where that is enough to tell."""
        few = {AlertKind.RATE: Level.DEGRADED}
        self.assertEqual(self.bad(usual=100, posts=20), {})
        self.assertEqual(self.bad(usual=100, posts=19), few)
        self.assertEqual(self.bad(usual=59, posts=0), {})
        self.assertEqual(self.bad(usual=None, posts=0), {})

    def test_words_of_the_client(self) -> None:
        """Refusals, left-out terms and a full disk, as the client's own judgement words them."""
        refused = Missing(0.0, "start", "the capture was started", status=401, explanation="no")
        for facts, kind, level in (
            ({"missing": refused}, AlertKind.CREDENTIALS, Level.DOWN),
            ({"refused": 2}, AlertKind.KEYWORDS, Level.DEGRADED),
            ({"lacking": LackingTerms(2, "no room")}, AlertKind.KEYWORDS, Level.DEGRADED),
            ({"disk": "No space left"}, AlertKind.HEALTH, Level.DOWN),
            ({"lag": 999.0}, AlertKind.HEALTH, Level.DEGRADED),
        ):
            capture = CaptureFacts(job=7, name="cats", **facts)
            client = ClientFacts(now=100.0, runs=True, captures=[capture])
            said = state(capture, client, judge(client))
            changes = {"condition": said.condition, "reason": said.reason, "since": said.since}
            self.assertEqual(self.bad(**changes), {kind: level})  # and no gap beside it


class TurningTests(SynchronousTestCase):
    def standing(self, state: Level, seen: Level, ago: timedelta) -> AlertStanding:
        """An alert that was told an hour ago, and seen otherwise since `ago`."""
        return AlertStanding(state, NOW - LATELY, seen, NOW - ago)

    def test_what_lasts_is_told(self) -> None:
        """Each kind has its time, and the all-clear another one."""
        for kind, told, seen, after in (
            (AlertKind.RUNNING, Level.OK, Level.DOWN, minutes(5)),
            (AlertKind.CLIENT, Level.DEGRADED, Level.DOWN, minutes(1)),
            (AlertKind.GAP, Level.DOWN, Level.OK, CALM),
        ):
            early = self.standing(told, seen, after - timedelta(seconds=1))
            self.assertFalse(is_due(kind, early, NOW))
            self.assertTrue(is_due(kind, self.standing(told, seen, after), NOW))
        self.assertTrue(is_due(AlertKind.GAP, self.standing(Level.OK, Level.DOWN, minutes(0)), NOW))
        self.assertFalse(is_due(AlertKind.GAP, self.standing(Level.OK, Level.OK, LATELY), NOW))

    def test_flapping(self) -> None:
        """The sixth change in an hour is told as that, and later ones are not told."""
        self.assertEqual(news(False, MOST_FLIPS - 1), NewsKind.CHANGED)
        self.assertEqual(news(False, MOST_FLIPS), NewsKind.FLAPPING)
        self.assertIsNone(news(True, MOST_FLIPS + 1))

    def test_steady_again(self) -> None:
        """After an hour without a change."""
        flapping = AlertStanding(Level.DOWN, NOW - LATELY, Level.DOWN, NOW - LATELY, True)
        self.assertTrue(is_steady(flapping, NOW))
        self.assertFalse(is_steady(flapping, NOW - timedelta(seconds=1)))
        self.assertFalse(is_steady(attrs.evolve(flapping, seen=Level.OK), NOW))
        self.assertFalse(is_steady(attrs.evolve(flapping, flapping=False), NOW))

    def test_digests(self) -> None:
        """At seven in the morning, UTC; weekly ones on Mondays.  START is a Monday, at ten."""
        self.assertEqual(
            next_digest("daily", START), START.replace(hour=7, microsecond=0) + minutes(1440)
        )
        weekly = next_digest("weekly", START)
        assert weekly is not None
        self.assertEqual((weekly - START).days, 6)
        self.assertEqual(weekly.weekday(), 0)
        self.assertEqual(next_digest("weekly", weekly), weekly + timedelta(days=7))
        self.assertIsNone(next_digest("none", START))
