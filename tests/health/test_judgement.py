"""How a client is judged: each situation, both sides of each limit, and the words people see."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tcclient.health.facts import (
    CaptureFacts,
    ClientFacts,
    LackingTerms,
    LimitFacts,
    ServerTrouble,
)
from tcclient.health.health import MOST_SAID, Finding, Health, Level
from tcclient.health.judgement import (
    CLOCK,
    DAYS,
    LATE,
    LEAST_FREE,
    MISSED,
    PATIENCE,
    QUIET,
    is_quiet,
    judge,
)
from tcclient.ledger.gaps import Missing
from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.runtime.shortage import OUT_OF_DESCRIPTORS

NOON = 1_795_780_800.0


def capture(**more: Any) -> CaptureFacts:
    return CaptureFacts(job=7, name="alpha", **more)


def missing(cause: str, seconds: float, **more: Any) -> Missing:
    """A gap that is open since so many seconds."""
    return Missing(NOON - seconds, cause, more.pop("detail", "it was so"), **more)


def health(*captures: CaptureFacts, **more: Any) -> Health:
    return judge(ClientFacts(now=NOON, runs=more.pop("runs", True), captures=captures, **more))


class JudgementTests(SynchronousTestCase):
    def only(self, found: Health) -> Finding:
        self.assertEqual(len(found.findings), 1, found)
        self.assertIs(found.level, found.findings[0].level)
        self.assertTrue(found.findings[0].what.endswith("."))
        self.assertTrue(found.findings[0].cure.endswith("."))
        return found.findings[0]

    def test_all_is_well(self) -> None:
        """Captures have their streams, or there are none."""
        for found in (health(), health(capture()), health(capture(lively=50, silent=10))):
            self.assertEqual(found, Health(level=Level.OK))
            self.assertIsNone(found.since)

    def test_a_process_without_descriptors(self) -> None:
        """The disk is not blamed for it."""
        found = self.only(health(capture(disk=OUT_OF_DESCRIPTORS, disk_since=NOON)))
        self.assertIn("Posts of 'alpha' cannot be stored: there are no file desc", found.what)
        self.assertNotIn("disk", found.what + found.cure)

    def test_a_token_that_two_installations_have(self) -> None:
        """Captures are named, in one sentence for all."""
        found = self.only(health(capture(), *[capture(is_shared=True)] * 7))
        self.assertEqual((found.code, found.level), ("shared", Level.DEGRADED))
        self.assertIn("Another installation reports for 'alpha', 'alpha'", found.what)
        self.assertEqual(found.what.count("alpha"), 5)

    def test_a_client_that_died(self) -> None:
        """It is down, says since when, and which captures wait."""
        found = self.only(health(capture(), runs=False, sign=NOON - 60))
        self.assertEqual((found.code, found.level), ("client_dead", Level.DOWN))
        self.assertIn("last heard of at 2026-11-27 11:59:00 UTC; 1 capture wait", found.what)
        self.assertIn("'alpha'", found.what)
        self.assertEqual(found.since, NOON - 60)

    def test_a_client_that_was_stopped(self) -> None:
        """Posts do not come either; where nothing is wanted, that is well."""
        found = self.only(health(capture(), runs=False, ended=True))
        self.assertEqual((found.code, found.level), ("client_stopped", Level.DOWN))
        self.assertEqual(health(runs=False, ended=True).level, Level.OK)

    def test_a_stream_that_is_away(self) -> None:
        """It is degraded while connecting again may take so long, then down."""
        for seconds, level in ((PATIENCE, Level.DEGRADED), (PATIENCE + 1, Level.DOWN)):
            found = self.only(health(capture(missing=missing("stall", seconds))))
            self.assertEqual((found.code, found.level), ("stall", level))
            self.assertEqual((found.since, found.job), (NOON - seconds, 7))

    def test_a_stream_that_will_stay_away(self) -> None:
        """It is down at once."""
        found = self.only(health(capture(missing=missing("budget", 1))))
        self.assertIs(found.level, Level.DOWN)

    def test_what_may_not_be_on_the_disk(self) -> None:
        """After some minutes that is degraded: the disk may be in trouble, and nobody say so."""
        self.assertEqual(health(capture(lag=LATE)).level, Level.OK)
        found = self.only(health(capture(lag=LATE + 1)))
        self.assertEqual((found.code, found.level), ("unsynced", Level.DEGRADED))
        self.assertEqual(found.since, NOON - LATE - 1)

    def test_what_to_do_goes_by_how_it_was_refused(self) -> None:
        """Credentials, and a place that is taken, have cures of their own."""
        for status, cure in ((401, "twitter_auth"), (403, "twitter_auth"), (429, "other client")):
            gap = missing("refused", 100, status=status, explanation="No.")
            found = self.only(health(capture(missing=gap)))
            self.assertIn(cure, found.cure)
            self.assertIn(f"refused ({status}, No.)", found.what)

    def test_a_refusal_that_is_not_x_s(self) -> None:
        """The keys are not to blame for what a proxy says."""
        for status in (401, 403, 404, 429, 503):
            said = Refusal(Trouble.HTTP, "", "Blocked", is_from_between=True).noted
            gap = missing("closed", 100, status=status, explanation=said)
            found = self.only(health(capture(missing=gap)))
            self.assertIn(f"({status}, an answer of something in between: Blocked)", found.what)
            self.assertIn("proxy", found.cure)
            self.assertNotIn("twitter_auth", found.cure)

    def test_a_capture_that_does_not_run(self) -> None:
        """Why is said before anything else about it."""
        gap = missing("start", 500)
        found = self.only(health(capture(not_run="its name cannot be a folder", missing=gap)))
        self.assertEqual((found.code, found.level), ("not_run", Level.DOWN))
        self.assertIn("its keywords on the website", found.cure)

    def test_a_capture_that_does_not_run_yet(self) -> None:
        """That may take so long, where it is known since when."""
        for seconds, level in ((PATIENCE, Level.DEGRADED), (PATIENCE + 1, Level.DOWN)):
            found = self.only(health(capture(not_run="x", not_run_since=NOON - seconds)))
            self.assertEqual((found.level, found.since), (level, NOON - seconds))

    def test_a_disk_that_takes_nothing(self) -> None:
        """It is down at once."""
        found = self.only(health(capture(disk="no space left", disk_since=NOON - 1)))
        self.assertEqual((found.code, found.level, found.since), ("disk", Level.DOWN, NOON - 1))

    def test_a_disk_that_is_nearly_full(self) -> None:
        """By the days that are left, or by bytes where no rate is known."""
        free = 100 * LEAST_FREE
        self.assertEqual(health(disk_free=free, disk_daily=free / DAYS).level, Level.OK)
        found = self.only(health(disk_free=free, disk_daily=free / DAYS * 1.01))
        self.assertEqual((found.code, found.level), ("disk_nearly_full", Level.DEGRADED))
        self.assertIn("enough for 2 d 23 h", found.what)
        self.assertEqual(health(disk_free=LEAST_FREE).level, Level.OK)
        self.only(health(disk_free=LEAST_FREE, disk_kept=1))
        self.assertEqual(self.only(health(capture(disk="no space left"), disk_free=0)).code, "disk")

    def test_a_server_that_is_away(self) -> None:
        """Capturing goes on, so that is degraded."""
        found = self.only(health(server=ServerTrouble("listing the jobs", "it is away", NOON - 5)))
        self.assertEqual((found.code, found.level), ("server", Level.DEGRADED))

    def test_a_clock_that_is_off(self) -> None:
        """Ahead or behind."""
        self.assertEqual(health(clock_offset=CLOCK).level, Level.OK)
        self.assertIn("ahead of", self.only(health(clock_offset=CLOCK + 1)).what)
        self.assertIn("behind", self.only(health(clock_offset=-CLOCK - 1)).what)

    def test_a_budget(self) -> None:
        """Nearly used up, and used up."""
        plan = self.only(health(limits=[LimitFacts("plan", 100, 100, None, of_plan=True)]))
        self.assertEqual((plan.level, plan.cure), (Level.DEGRADED, "Take a larger plan at X."))
        self.assertEqual(health(limits=[LimitFacts("day", 79, 100, NOON)]).level, Level.OK)
        nearly = self.only(health(limits=[LimitFacts("day", 80, 100, NOON)]))
        self.assertEqual((nearly.code, nearly.level), ("budget_nearly", Level.DEGRADED))
        self.assertIn("80 % of the posts of the day are spent: 80 of 100.", nearly.what)
        used_up = self.only(health(limits=[LimitFacts("day", 100, 100, NOON)]))
        self.assertEqual((used_up.code, used_up.level), ("budget", Level.DOWN))

    def test_a_stream_that_was_lively(self) -> None:
        """It is quiet if many posts should have come, over some minutes."""
        self.assertTrue(is_quiet(50, QUIET))
        self.assertFalse(is_quiet(50, QUIET - 1))
        self.assertFalse(is_quiet(MISSED / QUIET - 0.01, QUIET))
        found = self.only(health(capture(lively=50, silent=QUIET)))
        self.assertEqual((found.code, found.level), ("quiet", Level.DEGRADED))
        self.assertEqual(found.since, NOON - QUIET)

    def test_terms_and_log_lines_that_are_left_out(self) -> None:
        """Each is degraded."""
        self.assertEqual(self.only(health(capture(refused=2))).code, "terms_refused")
        self.assertEqual(self.only(health(log_dropped=1)).code, "log")

    def test_terms_that_are_not_asked_for(self) -> None:
        """It is degraded, and says how many they are, and why."""
        lacking = LackingTerms(7, "the app has as many rules as it may")
        found = self.only(health(capture(lacking=lacking)))
        self.assertEqual((found.code, found.level), ("terms_lacking", Level.DEGRADED))
        self.assertIn("7 terms of 'alpha'", found.what)
        self.assertIn(lacking.reason, found.what)

    def test_many_captures_with_the_same_trouble(self) -> None:
        """Some are told in one line, with the number of the others."""
        many = [CaptureFacts(job=n, name=f"c{n}", refused=1) for n in range(MOST_SAID + 2)]
        self.assertEqual(health(*many[:2]).words.count("cannot be asked for"), 2)
        self.assertNotIn("more", health(*many[:MOST_SAID]).words)
        words = health(*many).words
        self.assertEqual(words.count("cannot be asked for"), MOST_SAID)
        self.assertTrue(words.endswith(" And 2 more: see tcc-health --json."), words)

    def test_the_worst_comes_first(self) -> None:
        """The client is as bad as that, since it is so."""
        away = capture(missing=missing("closed", 300))
        found = health(away, server=ServerTrouble("x", "y", NOON - 900), log_dropped=1)
        keys = [one.key for one in found.findings]
        self.assertEqual(keys, [("closed", 7), ("server", None), ("log", None)])
        self.assertEqual((found.level, found.since), (Level.DOWN, NOON - 300))
