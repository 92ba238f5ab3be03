"""The words for how a client is are the same wherever they are shown, in each of its situations."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcaccount.standing import facts_below
from tcclient.captures.healthlog import HealthLog
from tcclient.control.healthreport import Applied, report, states
from tcclient.health.facts import CaptureFacts, ClientFacts, LimitFacts, ServerTrouble
from tcclient.health.health import Level, as_line
from tcclient.health.judgement import PATIENCE, judge
from tcclient.ledger.gaps import Missing
from tcclient.runtime.threads import in_place
from tcclient.storage.healthmark import NAME, HealthMark
from tcclient.storage.index import INDEX

NOON = 1_795_780_800.0
AGO = NOON - 2 * PATIENCE
STORM = CaptureFacts(job=7, name="storm")
HEALTHY = ClientFacts(now=NOON, runs=True, captures=[STORM], disk_free=1 << 40)


def with_capture(**known: object) -> ClientFacts:
    """A client of whose capture this is known."""
    return structs.replace(HEALTHY, captures=[structs.replace(STORM, **known)])  # type: ignore[arg-type]


def missing(cause: str, **more: object) -> ClientFacts:
    """A client whose capture has had no stream for two minutes."""
    return with_capture(missing=Missing(AGO, cause, f"it is {cause}", **more))  # type: ignore[arg-type]


SITUATIONS = {
    "quiet": (with_capture(lively=50.0, silent=600.0), "degraded", "quiet"),
    "stalled": (missing("stall"), "down", "stall"),
    "refused credentials": (missing("start", status=401, explanation="no"), "down", "start"),
    "slot taken": (missing("closed", status=429, explanation="full"), "down", "closed"),
    "disk nearly full": (structs.replace(HEALTHY, disk_free=1000), "degraded", "ok"),
    "disk full": (
        structs.replace(with_capture(disk="No space left on device"), disk_free=0),
        "down",
        "disk",
    ),
    "read-only": (with_capture(disk="Read-only file system", disk_since=AGO), "down", "disk"),
    "server away": (
        structs.replace(HEALTHY, server=ServerTrouble("listing the jobs", "it is away", AGO)),
        "degraded",
        "ok",
    ),
    "budget used up": (
        structs.replace(missing("budget"), limits=[LimitFacts("day", 50, 50, NOON)]),
        "down",
        "budget",
    ),
    "clock off": (structs.replace(HEALTHY, clock_offset=120.0), "degraded", "ok"),
}
"""
What is known in each, how bad that is, and the condition of the capture.  Where all is well, and
where the client is dead, there is nothing, and nobody, to log.
"""


class Refusing:
    """Does things at once; or, where it `refuses`, as on a disk that can only be read."""

    refuses = False

    def __call__(self, act: Callable[[], Any]) -> Deferred[Any]:
        if self.refuses:
            return fail(OSError(errno.EROFS, os.strerror(errno.EROFS)))
        return in_place(act)


class WordsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.base = Path(self.mktemp())
        self.base.mkdir()
        (self.base / INDEX).touch()

    def logged(self, facts: ClientFacts) -> list[str]:
        """What the client logs when that has lasted."""
        clock = Clock()
        health_log = HealthLog(lambda: facts, clock, lambda _: None, lambda _: None)
        with capturedLogs() as events:
            for _ in range(2):
                self.successResultOf(Deferred.fromCoroutine(health_log.look()))
                clock.advance(PATIENCE + 1)
        return [formatEvent(event) for event in events]

    def test_the_log_the_line_and_what_is_told(self) -> None:
        """Have the sentences of what is found, and no others."""
        for name, (facts, level, condition) in SITUATIONS.items():
            with self.subTest(name):
                health = judge(facts)
                self.assertEqual(health.level, Level(level))
                [line] = self.logged(facts)
                self.assertTrue(line.startswith(f"Health: {level} since "), line)
                self.assertEqual(line.partition(" UTC: ")[2], health.words)
                told = as_line(health, facts)
                self.assertEqual(told.partition(" - ")[2].partition(" | ")[0], health.words)
                whole = report(facts, health)
                self.assertEqual(
                    " ".join(f"{one.what} {one.cure}" for one in whole.findings), health.words
                )
                for state in (*whole.captures, *states([Applied(7)], facts, health)):
                    self.assertEqual(state.condition, condition)
                    self.assertEqual(state.reason == "", condition == "ok")
                    self.assertIn(state.reason, health.words)

    def test_what_the_command_finds(self) -> None:
        """Is what the client shows, by its memory or, where that is hidden, by its file."""
        mark = HealthMark(self.base, in_place)
        mark.begin()
        self.addCleanup(mark.end)
        for name, (facts, *_) in SITUATIONS.items():
            with self.subTest(name):
                mark.keep(facts)
                self.assertEqual(judge(facts_below(self.base, NOON)), judge(facts))
        content = (self.base / NAME).read_bytes()
        mark.end()
        mark = HealthMark(self.base, in_place)
        mark.begin()
        self.addCleanup(mark.end)
        (self.base / NAME).write_bytes(content)
        self.assertEqual(judge(facts_below(self.base, NOON)), judge(facts))

    def test_a_disk_that_takes_nothing(self) -> None:
        """Has the file as it was before; the command finds what the client knows now."""
        threads = Refusing()
        mark = HealthMark(self.base, threads)
        mark.begin()
        self.addCleanup(mark.end)
        mark.keep(HEALTHY)
        threads.refuses = True
        facts = SITUATIONS["read-only"][0]
        mark.keep(facts)
        self.assertNotIn(b"Read-only", (self.base / NAME).read_bytes())
        self.assertEqual(judge(facts_below(self.base, NOON)), judge(facts))

    def test_nothing_to_log(self) -> None:
        """Where all is well, the line says so, and the capture is."""
        self.assertEqual(self.logged(HEALTHY), [])
        health = judge(HEALTHY)
        self.assertTrue(as_line(health, HEALTHY).startswith("TCC OK - Posts of 1 capture come"))
        self.assertEqual([one.condition for one in report(HEALTHY, health).captures], ["ok"])

    def test_nobody_to_log(self) -> None:
        """A client that is dead: the line and what is told say that of its captures."""
        facts = structs.replace(HEALTHY, runs=False, sign=AGO)
        health = judge(facts)
        self.assertIn(health.words, as_line(health, facts))
        [state] = report(facts, health).captures
        self.assertEqual((state.condition, state.reason), ("client_dead", health.words))
