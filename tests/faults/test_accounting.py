"""What counts as lost, torn, twice or wrongly counted, before any process is started."""

import json
import os
from pathlib import Path
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.storage.openfile import DOUBTFUL
from tcsandbox.twitter.common.ids import SNOWFLAKE_EPOCH_MS
from tests.faults import evidence, table
from tests.faults.accounting import (
    Claim,
    Evidence,
    Span,
    clipped,
    judge,
    merged,
    outside,
    overstated,
    seconds,
    unaccounted,
)
from tests.faults.claims import EVERY, Claims
from tests.faults.lateness import BEAT, Lateness

PERIOD = Span(100.0, 200.0)
GOOD = Evidence(
    sent={1: Span(110.0, 110.0), 2: Span(120.0, 120.0), 3: Span(150.0, 150.0)},
    stored=[1, 3],
    torn=0,
    counted=2,
    total=2,
    reported=2,
    gaps=[Span(119.0, 131.0)],
    down=[Span(120.0, 131.0)],
    period=PERIOD,
)
SPANS = st.lists(
    st.tuples(st.integers(90, 210), st.integers(0, 40)).map(lambda s: Span(s[0], s[0] + s[1]))
)


class SpanTests(SynchronousTestCase):
    """Arithmetic of time."""

    @given(SPANS, SPANS)
    def test_every_second_is_counted_once(self, some: list[Span], more: list[Span]) -> None:
        """Whatever the order and overlap: a set of the seconds says the same."""
        for spans in (some, [*more, *some]):
            inside = {s for span in spans for s in range(int(span.begin), int(span.end))}
            within = {s for s in inside if 100 <= s < 200}
            self.assertEqual(seconds(spans), len(inside))
            self.assertEqual(seconds(clipped(spans, PERIOD)), len(within))
            self.assertEqual(seconds(outside(spans, PERIOD)), 100 - len(within))
            self.assertEqual(merged(merged(spans)), merged(spans))


class LatenessTests(SynchronousTestCase):
    """When the road stood still."""

    def test_beats_that_are_late(self) -> None:
        """What is between two of them, if that is long."""
        clock = Clock()
        lateness = Lateness(clock)
        lateness.begin()
        clock.pump([BEAT] * 50)
        self.assertEqual(lateness.spans, [])
        clock.advance(0.5)
        [late] = lateness.spans
        self.assertAlmostEqual(late.end - late.begin, 0.5)
        lateness.end()
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_what_was_sent_meanwhile(self) -> None:
        """It came at the end: in a gap that begins by then, not in one that begins later."""
        gap = [Span(131.0, 140.0)]
        for late, lost in (((), [2]), ([Span(119.0, 131.0)], []), ([Span(119.0, 130.0)], [2])):
            seen = attrs.evolve(GOOD, gaps=gap, late=late)
            self.assertEqual(unaccounted(seen, {1, 3}), lost)


class JudgeTests(SynchronousTestCase):
    """What is wrong with a run."""

    def wrong(self, recoveries: tuple[float, ...] = (1.0,), **changes: Any) -> tuple[str, ...]:
        return judge("x", attrs.evolve(GOOD, **changes), recoveries).wrong

    def test_all_is_well(self) -> None:
        """A post that is not on disk lies in a gap."""
        row = judge("x", GOOD, (0.5, 2.5, 1.0))
        self.assertEqual(row.wrong, ())
        self.assertEqual((row.faults, row.recovery, row.gaps, row.down), (3, 2.5, 12.0, 11.0))

    def test_each_fault_is_found(self) -> None:
        """With words for it."""
        for changes, words in (
            ({"gaps": []}, "1 posts unaccounted"),
            ({"stored": [1, 3, 3], "counted": 3, "total": 3, "reported": 3}, "1 posts twice"),
            ({"stored": [1, 9]}, "1 posts foreign"),
            ({"torn": 1}, "1 lines torn"),
            ({"counted": 3}, "the client's count is 3, 2 posts are on disk"),
            ({"total": 1}, "the server's total is 1, 2 posts are on disk"),
            ({"reported": 4}, "the sum of count is 4, 2 posts are on disk"),
            ({"verified": "a.json is gone\n"}, "tcc-account finds: a.json is gone"),
            ({"down": []}, "gaps of 12.0 s, where 0.0 s had no connection"),
        ):
            found = self.wrong(**changes)
            self.assertIn(words, found)
        self.assertIn("nothing was captured", self.wrong(stored=[]))

    def test_gaps_may_be_longer_for_each_fault(self) -> None:
        """And no more."""
        for extra, recoveries, well in ((1.5, 1, True), (1.6, 1, False), (3.0, 2, True)):
            gaps = [Span(120.0 - extra, 131.0)]
            found = self.wrong((1.0,) * recoveries, gaps=gaps)
            self.assertEqual(found == (), well, (extra, recoveries))

    def test_the_edges_of_a_gap(self) -> None:
        """They belong to it, and nothing else does."""
        gap = Span(119.0, 131.0)
        for at, lost in ((119.0, False), (118.999, True), (131.0, False), (131.001, True)):
            seen = attrs.evolve(GOOD, sent={2: Span(at, at)}, gaps=[gap])
            self.assertEqual(unaccounted(seen, set()), [2] if lost else [])

    def test_what_was_under_way(self) -> None:
        """It was made before rules worked and handed on after, or the other way round at a loss."""
        gap = Span(119.0, 131.0)
        for begin, end, lost in (
            (130.9, 131.1, False),
            (131.1, 131.2, True),
            (118.9, 119.1, False),
            (118.8, 118.9, True),
        ):
            seen = attrs.evolve(GOOD, sent={2: Span(begin, end)}, gaps=[gap])
            self.assertEqual(unaccounted(seen, set()), [2] if lost else [])

    def test_what_a_death_would_have_left_untold(self) -> None:
        """A post that had come before what is said to be read, and was in no file by then."""
        for claim, late, gaps, ahead in (
            (Claim(150.2, 1), (), GOOD.gaps, 0.0),
            (Claim(150.5, 1), (), GOOD.gaps, 0.25),
            (Claim(150.5, 3), (), GOOD.gaps, 0.0),
            (Claim(150.5, 1), [Span(149.0, 150.2)], GOOD.gaps, 0.05),
            (Claim(150.5, 1), (), [Span(119.0, 131.0), Span(149.5, 151.0)], 0.0),
        ):
            seen = attrs.evolve(GOOD, claims=[claim], late=late, gaps=gaps)
            self.assertAlmostEqual(overstated(seen), ahead)
        for until, said in (
            (150.75, ()),
            (152.25, ("all was said to be in files 2.00 s before it was",)),
        ):
            self.assertEqual(self.wrong(claims=[Claim(until, 1), Claim(150.5, 2)]), said)

    def test_a_row_in_the_table(self) -> None:
        """As wide as its head; what is wrong stands below."""
        row = judge("x", attrs.evolve(GOOD, torn=1), (1.0,))
        first, second = table.line(row).splitlines()
        self.assertEqual(len(first), len(table.head()))
        self.assertEqual(second.strip(), "1 lines torn")


class ClaimsTests(SynchronousTestCase):
    """What a folder says, at each moment, of what was read."""

    def test_the_latest_of_the_marks(self) -> None:
        """
        The time of the file, once it has posts and nothing is being written, or that of the mark;
        with the newest post.
        """
        folder = Path(self.mktemp()) / "x"
        folder.mkdir(parents=True)
        file, mark, clock = folder / "a.json.tmp", folder / ".x.alive", Clock()
        claims = Claims(folder, clock)
        claims.begin()
        for content, of_file, of_mark, read in (
            ("", 9, 0, 9 * 10**9),
            ('{"id": 7}\n', 20, 0, 20 * 10**9),
            ("", 25, 0, DOUBTFUL),
            ("", 21, 30, 21 * 10**9),
        ):
            with file.open("a") as out:
                out.write(content)
            os.utime(file, ns=(read, of_file * 10**9))
            if of_mark:
                mark.touch()
                os.utime(mark, (of_mark, of_mark))
            clock.advance(EVERY)
        self.assertEqual(claims.made, [Claim(20, 7), Claim(30, 7)])
        claims.end()
        self.assertEqual(clock.getDelayedCalls(), [])


class EvidenceTests(SynchronousTestCase):
    """What a run leaves on disk."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def write(self, name: str, *lines: object) -> Path:
        path = self.folder / name
        texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        path.write_text("".join(f"{text}\n" for text in texts))
        return path

    def remark(self, at: float, event: str, connection: int) -> str:
        return f"# {json.dumps({'time': at, 'stream': event, 'connection': connection})}"

    def test_a_journal(self) -> None:
        """Posts, and streams that end by themselves, at a kill, or at the end of the run."""
        path = self.write(
            "journal",
            self.remark(10, "opened", 1),
            "10.5 1 77",
            self.remark(20, "closed", 1),
            self.remark(30, "opened", 2),
            self.remark(50, "opened", 1),
            "50.5 1 78 5:job,6:-",
        )
        sent = evidence.read_journal(path, [40.0], 60.0)
        self.assertEqual(sent.posts, {77: Span(10.5, 10.5), 78: Span(50.5, 50.5)})
        self.assertEqual(sent.opened, [10, 30, 50])
        self.assertEqual(sent.streams, [Span(10, 20), Span(30, 40), Span(50, 60)])

    def test_posts_that_were_under_way(self) -> None:
        """From when they were made; but what is sent again is not under way since then."""
        post = int(1_800_000_000.25 * 1000 - SNOWFLAKE_EPOCH_MS) << 22
        first, again = f"1800000000.5 1 {post} 5:job", f"1800000009.0 2 {post} 5:job"
        for lines, span in (
            ([first], Span(1_800_000_000.25, 1_800_000_000.5)),
            ([first, again], Span(1_800_000_009.0, 1_800_000_009.0)),
        ):
            sent = evidence.read_journal(self.write("journal", *lines), [], 1_800_000_010.0)
            self.assertEqual(sent.posts, {post: span})

    def test_a_kill_after_the_last_line(self) -> None:
        """The streams end with it."""
        path = self.write("journal", self.remark(10, "opened", 1))
        self.assertEqual(evidence.read_journal(path, [40.0], 60.0).streams, [Span(10, 40)])

    def test_posts(self) -> None:
        """Of either API; a line that is no whole post is torn."""
        path = self.write("a.json", {"id": 1}, {"data": {"id": "2"}}, '{"id": 3', "")
        with path.open("a") as file:
            file.write('{"id": 4}')
        self.assertEqual(evidence.read_posts([path]), ([1, 2], 3))

    def test_the_newest_post(self) -> None:
        """The last whole one of the current file, wherever the file ends."""
        self.assertEqual(evidence.newest_post(self.folder), 0)
        self.write("a.json", {"id": 1}, {"id": 2})
        self.assertEqual(evidence.newest_post(self.folder), 2)
        with self.write("b.json.tmp", {"id": 3}, {"id": 4}).open("a") as file:
            file.write('{"id": 5')
        self.assertEqual(evidence.newest_post(self.folder), 4)

    def test_a_ledger(self) -> None:
        """The last numbers, and every gap in Unix time, by a clock that is right."""
        gap = {"begin": "2026-01-01T00:00:00.250Z", "end": "2026-01-01T00:00:02.000Z"}
        more = {"seconds": 1.75, "cause": "crash", "detail": "x", "attempts": 0, "keywords": None}
        path = self.folder / "x.ledger.jsonl"
        with Ledger(path, Clock().seconds) as ledger:
            ledger.write(bookings.File(name="a", posts=2, bytes=9, counters=Counters(1, 2, 0)), 1)
            ledger.write(entries.Gap(**gap, **more), 1)
            ledger.write(bookings.File(name="b", posts=3, bytes=9, counters=Counters(1, 5, 3)), 1)
            ledger.write(bookings.CaptureClose(counters=Counters(1, 5, 5)), 1)
            ledger.write(entries.RefusedLine(reason="not JSON", bytes=1, begins="x"), 1)
        found = evidence.read_ledger(path, 100)
        self.assertEqual(found.counted, 6)
        self.assertEqual(found.gaps, [Span(1_767_225_500.25, 1_767_225_502.0)])
