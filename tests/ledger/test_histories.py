"""Any history that a client can write is read to the same account by all who read it."""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcaccount.numbers import Numbers
from tcclient.ledger.bookings import CaptureOpen
from tcclient.ledger.fold import Fold, newest_counters, resumed
from tcclient.ledger.gaps import Missing
from tcclient.ledger.history import JobHistory
from tcclient.ledger.known import stands
from tcclient.ledger.lines import AnyLine, LedgerLine
from tcclient.ledger.reading import lines
from tcclient.sources.registry import vocabulary
from tests.ledger.histories import EVENTS, JOB, Machine

VOCABULARY = vocabulary()
NEARLY = 0.02
"""Seconds by which times may differ that were written to the millisecond, step by step."""

Event = Callable[[Machine], None]
# What makes a story is likelier: a capture that is never started has none.
LIKELY = (*EVENTS, *[Machine.start, Machine.hear, Machine.wait, Machine.post] * 3)
histories = st.lists(st.sampled_from(LIKELY), min_size=4, max_size=40)


def folded(told: Sequence[AnyLine]) -> Fold:
    """What these lines say together."""
    fold = Fold()
    for line in told:
        fold.take(line)
    return fold


def of_first_release(line: AnyLine) -> AnyLine:
    """The line as a client wrote it that did not say which gap is open."""
    if isinstance(line, LedgerLine) and isinstance(line.entry, CaptureOpen):
        return structs.replace(line, entry=structs.replace(line.entry, open_gap=None))
    return line


class HistoryCase(SynchronousTestCase):
    """A machine in a folder that is removed again."""

    def play(self, events: Sequence[Event], look: Callable[[Machine], None]) -> None:
        """Let these events happen, and look at the machine after each."""
        place = Path(tempfile.mkdtemp(dir=self._folder()))
        machine = Machine(place)
        with capturedLogs():
            try:
                for event in events:
                    event(machine)
                    if machine.ledger.exists():
                        look(machine)
            finally:
                machine.leave()
                shutil.rmtree(place)

    def _folder(self) -> Path:
        folder = Path(self.mktemp())
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def assert_same_gap(self, one: Missing | None, other: Missing | None) -> None:
        """Both have the same gap open, or none, but for milliseconds."""
        if one is None or other is None:
            self.assertEqual((one, other), (None, None))
        else:
            self.assertAlmostEqual(one.begin, other.begin, delta=NEARLY)
            found, expected = (one.cause, one.attempts), (other.cause, other.attempts)
            self.assertEqual(found, expected)


class AgreementTests(HistoryCase):
    @given(histories)
    def test_the_open_gap(self, events: Sequence[Event]) -> None:
        """
        The client that writes the ledger, whoever reads all of it, and the next process, which
        reads the newest lines only, have the same.
        """

        self.play(events, self.agree)

    def test_any_two_events(self) -> None:
        """Whatever happens while the disk takes no posts, and then whatever else."""
        heard = [Machine.start, Machine.hear, Machine.wait, Machine.post]
        for two in product(EVENTS, repeat=2):
            self.play([*heard, Machine.fill_disk, Machine.come_unread, *two], self.agree)

    def test_a_ledger_that_is_removed(self) -> None:
        """The line that begins another one, whichever it is, finds things as they are then."""
        heard = [Machine.start, Machine.hear, Machine.wait]
        for before in ([], [Machine.start], heard, [*heard, Machine.lose, Machine.wait]):
            for event in set(EVENTS) - {Machine.remove_ledger}:
                self.play([Machine.open, *before, Machine.remove_ledger, event], self.agree)

    def agree(self, machine: Machine) -> None:
        """See that they do."""
        told = list(lines(machine.ledger, VOCABULARY))
        history = self.read(told)
        self.read([of_first_release(line) for line in told])
        self.assert_same_for_next(stands(machine.ledger, JOB.id), folded(told))
        if machine.archive is not None and machine.archive.capture_log.is_running:
            self.assert_same_gap(history.missing, machine.archive.capture_log.missing)
            self.assert_in_account(history)
        elif machine.is_wanted and machine.archive is not None:
            self.assertIsNone(history.missing)

    def assert_in_account(self, history: JobHistory) -> None:
        """An account has the open gap, unless it is only a stop that is not finished."""
        missing = history.missing
        assert missing is not None
        if missing.cause != "stopped":
            gap = history.gaps()[-1]
            self.assertAlmostEqual(gap.begin, missing.since, delta=NEARLY)
            found = gap.line.cause, gap.line.attempts, gap.line.keywords, gap.is_open
            expected = missing.cause, missing.attempts, missing.keywords, missing.ceased is None
            self.assertEqual(found, expected)

    def assert_same_for_next(self, newest: Fold, whole: Fold) -> None:
        """The next process goes on alike by the lines that a start looks at, and by all."""
        found, expected = (one.jobs.get(JOB.id, JobHistory(JOB.id)) for one in (newest, whole))
        for one in (found, expected):
            one.coverage.opened(None)
        self.assertEqual(found.missing, expected.missing)
        self.assertEqual(newest.counters.get(JOB.id), whole.counters.get(JOB.id))

    def read(self, told: Sequence[AnyLine]) -> JobHistory:
        """What these lines say of the job, and see that the newest of them say the same."""
        whole, newest = folded(told), resumed(reversed(told), JOB.id)
        history = whole.jobs.get(JOB.id, JobHistory(JOB.id))
        again = newest.jobs.get(JOB.id, JobHistory(JOB.id))
        self.assertEqual(again.missing, history.missing)
        self.assertEqual(again.coverage, history.coverage)
        self.assertEqual(again.text, history.text)
        self.assertEqual(newest.counters, whole.counters)
        return history

    @given(histories, st.integers(0, 200))
    def test_in_pieces(self, events: Sequence[Event], size: int) -> None:
        """A fold that is stored anywhere, and goes on later, is that of all lines."""

        def look(machine: Machine) -> None:
            told = list(lines(machine.ledger, VOCABULARY))
            before = folded(told[:size])
            stored = Fold.decode(before.encode())
            for line in lines(machine.ledger, VOCABULARY, stored.offset, stored.number):
                stored.take(line)
            self.assertEqual(stored.encode(), folded(told).encode())
            self.assertEqual(stored.offset, machine.ledger.stat().st_size)

        self.play(events, look)

    @given(histories)
    def test_the_numbers(self, events: Sequence[Event]) -> None:
        """Those of each line are due by the lines before, and the next process has the last."""

        def look(machine: Machine) -> None:
            told = list(lines(machine.ledger, VOCABULARY))
            fold = Fold()
            numbers = Numbers(fold, lambda job: False, str)
            for line in told:
                assert isinstance(line, LedgerLine)
                self.assertEqual(list(numbers.check(line)), [])
                fold.take(line)
            self.assertEqual(newest_counters(reversed(told), JOB.id), fold.counters)

        self.play(events, look)


class BigLedgerTests(HistoryCase):
    def test_a_start_reads_the_newest_lines_only(self) -> None:
        """What stands before the last opening of a running capture is not read."""
        place = Path(self.mktemp())
        self.addCleanup(shutil.rmtree, place)  # or whoever looks at all ledgers looks at 60 MB
        machine = Machine(place)
        for event in (Machine.start, Machine.hear, Machine.report):
            event(machine)
        line = machine.ledger.read_bytes().splitlines(keepends=True)[-1]
        with machine.ledger.open("ab") as ledger:
            ledger.write(line * (20_000_000 // len(line)))
        for event in (Machine.post, Machine.leave, Machine.start, Machine.fail, Machine.kill):
            event(machine)
        before = bytes_read()
        machine.start()
        self.assertLess(bytes_read() - before, 1_000_000)
        assert machine.archive is not None and machine.archive.capture_log.missing is not None
        missing = machine.archive.capture_log.missing
        self.assertEqual((missing.cause, missing.attempts), ("client_stopped", 1))
        machine.leave()


def bytes_read() -> int:
    """How many bytes this process has read so far, from whatever file."""
    found = re.search(r"rchar: (\d+)", Path("/proc/self/io").read_text())
    assert found is not None
    return int(found[1])
