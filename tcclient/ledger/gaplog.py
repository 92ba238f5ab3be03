"""
What the ledger says of a capture's stream over time: when it was heard, and which time is missing.

Knows when something is worth a line; writes no file.
"""

from collections.abc import Callable

from msgspec import structs

from tcclient.ledger import bookings
from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Entry
from tcclient.ledger.gaps import DISK, SLEEP, UNREAD, Coverage, Missing
from tcclient.ledger.wording import length
from tcclient.runtime.wallclock import Slept, Wall

ON_PURPOSE = frozenset({"stopped", "left"})
"""
Causes that begin no gap: the capture is not wanted any more, or the client ends, of which the line
about the stop tells.
"""


class GapLog:
    """
    Writes the lines about the stream of one capture, and about each gap when that has ended.

    `note` puts a line into the ledger and does not raise; `missing` is the gap that an earlier
    process left open.  `unwritten_since` writes the posts that wait, and returns when (epoch
    seconds) the first one came that could not be written, None if all are in files.
    """

    def __init__(
        self,
        note: Callable[[Entry], None],
        wall: Wall,
        missing: Missing | None,
        unwritten_since: Callable[[], float | None],
    ) -> None:
        self._note = note
        self._unwritten_since = unwritten_since
        self._wall = wall
        self._coverage = Coverage(missing)
        self._was_missing_since: float | None = None  # when the newest gap that has ended began
        self._heard: float = wall()
        self._keywords: str | None = None
        self._ceased = None if missing is None else missing.ceased
        self.next_attempt: float | None = None
        """When the stream is asked for again, in epoch seconds; None if that is not known."""

    @property
    def missing(self) -> Missing | None:
        """The gap that is open; None while the stream is heard, or nothing is wanted."""
        return self._coverage.missing

    @property
    def is_running(self) -> bool:
        """Whether a gap is open: the capture is wanted, and has no stream."""
        return self.missing is not None

    @property
    def heard_since(self) -> float | None:
        """When the newest gap ended, in epoch seconds; None while one is open."""
        return self._heard if self.missing is None else None

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed that were asked for; None if none have."""
        return self._coverage.missed(self._wall())

    def heard(self, backfill: int | None = None, after: float = 0.0) -> None:
        """
        Note that the stream is heard, and brings what was asked for, beginning `after` seconds from
        now, negative for before.  With `backfill`, the source was asked for the posts of so many
        minutes before.
        """
        self._end_gap(backfill, after)

    def unheard(self, ending: Ending) -> None:
        """
        Note that the stream has ended, after its posts have been written; a gap begins, unless the
        end was on purpose.
        """
        now = self._wall()
        unwritten = self._unwritten_since()
        # What a gap has that has ended, as a sleep which the stream outlived, is in no other one.
        heard = max(now - ending.silent, min(now, self._heard))
        self._heard = heard if unwritten is None else min(heard, unwritten)
        if ending.unread:
            self._miss(self._heard, DISK, UNREAD)
        elif ending.cause not in ON_PURPOSE:
            self._miss(self._heard, ending.cause, ending.detail)
        self._retried(ending)
        self._note(structs.replace(ending, silent=max(0.0, now - self._heard)).for_ledger())

    def written(self, ago: float) -> None:
        """
        Note that what waited for the disk when a gap began is in files: posts are missing only from
        so many seconds ago on.
        """
        self._coverage.moves(self._wall() - ago)

    def relieved(self, ending: Ending, overlap: float) -> None:
        """
        Note that a stream has ended while another one of the capture is heard, so that nothing is
        missing.  Both were open for `overlap` seconds.
        """
        line = ending.for_ledger()
        self._note(structs.replace(line, overlap=round(overlap, 3)))

    def not_reached(self, ending: Ending) -> None:
        """Note that an attempt to connect has failed."""
        explanation = ending.refusal.noted if ending.refusal else None
        self._coverage.tried(ending.status, explanation or None)
        self._retried(ending)
        self._note(ending.for_ledger())

    def _retried(self, ending: Ending) -> None:
        self.next_attempt = None if ending.wait is None else self._wall() + ending.wait

    def clock_stepped(self, seconds: float) -> None:
        """Note that this machine's clock was set by `seconds`, negative for back."""
        self._heard += seconds
        if self._was_missing_since is not None:
            self._was_missing_since += seconds
        self._coverage.clock_stepped(seconds)
        self._note(bookings.ClockStep(seconds=round(seconds, 3)))

    def _part_gaps(self, sleep: Slept, silent: float | None) -> None:
        """Have the sleep in a gap of its own, beside the one that is open, if any."""
        now, unwritten = self._wall(), self._unwritten_since()
        begin = now - sleep.seconds
        asleep = Missing(begin, SLEEP, f"this machine slept for {length(sleep.seconds)}")
        if self._coverage.missing is not None:
            asleep = structs.replace(asleep, keywords=self._coverage.missing.keywords)
            for gap in self._coverage.slept(begin, now, asleep):
                self._note(gap)
        elif silent is not None:
            heard = begin - max(silent, sleep.awake)
            self._miss(min(heard, unwritten or heard), SLEEP, asleep.detail)

    def _miss(self, begin: float, cause: str, detail: str) -> None:
        self._coverage.begins(Missing(begin, cause, detail, self._keywords))

    def _end_gap(self, backfill: int | None = None, after: float = 0.0) -> None:
        now = self._wall() if self._ceased is None else self._ceased
        began = None if self.missing is None else self.missing.begin
        gap = self._coverage.ends(now + after, backfill)
        if gap is not None:
            self._heard = now
            self._was_missing_since = began
            self._note(gap)
