"""
What the ledger says of a capture over time: when it was wanted, what was asked for, and when its
stream was heard.

Knows when something is worth a line; writes no file.
"""

from collections.abc import Callable

from msgspec import structs

from tcclient.ledger import bookings, entries
from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Asked, Entry, RefusedTerm
from tcclient.ledger.gaps import DISK, SLEEP, START, Coverage, Missing
from tcclient.ledger.wording import length
from tcclient.runtime.wallclock import Slept, Wall

ON_PURPOSE = frozenset({"stopped", "left"})
"""
Causes that begin no gap: the capture is not wanted any more, or the client ends, of which the line
about the stop tells.
"""

SOON = 1.0
"""Seconds in which a stop is usually finished, so that the time of its line is near enough."""


class CaptureLog:
    """
    Writes the lines about one capture, each when that which it is about counts: if somebody has
    removed the ledger, the line begins another one, in which it is restated how things stand then.

    `note` puts a line into the ledger and does not raise; `missing` is the gap that an earlier
    process left open.  `unwritten_since` writes the posts that wait, and returns when (epoch
    seconds) the first one came that could not be written, None if all are in files.
    """

    def __init__(
        self,
        note: Callable[[Entry], None],
        wall: Wall,
        missing: Missing | None,
        unwritten_since: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._note = note
        self._unwritten_since = unwritten_since
        self._wall = wall
        self._coverage = Coverage(missing)
        self._heard: float = wall()
        self._keywords: str | None = None
        self._ceased = None if missing is None else missing.ceased
        self._status: int | None = None  # the job's at the server, while the capture is to run
        self._said: list[Entry] = []  # the newest lines about what is asked for
        self._in_force: tuple[str | None, float] | None = None  # the keyword text, and since when
        self.refused: frozenset[str] = frozenset()
        """The terms of the keyword text that are left out."""

    @property
    def missing(self) -> Missing | None:
        """The gap that is open; None while the stream is heard, or nothing is wanted."""
        return self._coverage.missing

    @property
    def is_running(self) -> bool:
        """Whether a gap is open: the capture is wanted, and has no stream."""
        return self.missing is not None

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed that were asked for; None if none have."""
        return self._coverage.missed(self._wall())

    def begin(self, because: str, status: int, keywords: str | None) -> None:
        """
        Note that the capture is to run.  `because` is `started` or `resumed`; `status` is that of
        the job at the server.
        """
        if self._ceased is not None and self.is_running:
            self.end("stopped", status)  # an earlier process did not get to noting this
        self._keywords, self._status, self._ceased = keywords, status, None
        self._miss(self._wall(), START, "the capture was started")
        self._note(entries.CaptureStart(because=because, status=status))

    def ceases(self) -> None:
        """Take note that the capture is not to run from now on; its posts may still be written."""
        self._ceased = self._wall()

    def end(self, because: str, status: int) -> None:
        """
        Note that the capture has ended, and its posts are on the disk.  `because` and `status` are
        as `capture_stop` has them.
        """
        self._status, self._said = None, []
        missing = self._coverage.missing
        covered = self._heard if missing is None else missing.begin
        if because != "left":
            self._end_gap()
        line = entries.CaptureStop(
            because=because,
            status=status,
            covered=entries.moment(covered),
            since=self._since(because),
        )
        self._note(line)

    def _since(self, because: str) -> str | None:
        """Return since when the capture was not wanted; None if that is not long ago."""
        ceased = self._ceased
        if ceased is None or because == "left" or self._wall() - ceased < SOON:
            return None
        return entries.moment(ceased)

    def follow(
        self,
        text: str | None,
        before: str | None,
        asked: Asked | None,
        refused: tuple[RefusedTerm, ...],
    ) -> None:
        """
        Note that the keyword text is `text` from now on, what it asks the source for, and which of
        its terms are refused.  If this process goes on with a capture, and this is its first text,
        the text before is the one that the ledger has.
        """
        missing = self._coverage.missing
        if before is None and missing is not None and missing.keywords != text:
            before = missing.keywords
        self._keywords, self.refused = text, frozenset(term.term for term in refused)
        line = entries.Keywords(before=before, after=text, asked=asked, refused=refused)
        self._said = [structs.replace(line, before=None)]
        self._note(line)

    def refuse(self, refused: tuple[RefusedTerm, ...]) -> None:
        """Note that the other side has refused these terms, too, of the keyword text."""
        self.refused |= {term.term for term in refused}
        self._note(entries.TermsRefused(refused=refused))

    def in_force(self, text: str | None, after: float = 0.0) -> None:
        """Note that posts come for this keyword text, beginning `after` seconds from now."""
        since = self._wall() + after
        self._in_force = text, since
        line = entries.KeywordsInForce(text=text, since=entries.moment(since))
        self._said = [*self._said[:1], line]
        self._note(line)

    def heard(self, backfill: int | None = None, after: float = 0.0) -> None:
        """
        Note that the stream is heard, and brings what was asked for, beginning `after` seconds from
        now.  With `backfill`, the source was asked for the posts of so many minutes before.
        """
        self._end_gap(backfill, after)

    def continues(self, former: "CaptureLog") -> None:
        """
        Note that this capture goes on with the stream of `former`, which is heard, and with the
        keyword text that is in force there.
        """
        self._end_gap()
        if former._in_force is not None:
            text, since = former._in_force
            self.in_force(text, max(0.0, since - self._wall()))

    def restate(self) -> None:
        """Note how things stand, in a ledger that begins anew and has none of the lines before."""
        if self._status is None:
            return
        self._note(entries.CaptureStart(because="resumed", status=self._status))
        for line in self._said:
            self._note(line)
        if self._coverage.missing is None:
            self._miss(self._wall(), START, "the ledger was begun anew")
            self._end_gap()

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
            self._miss(self._heard, DISK, "nothing was read while the disk took no posts")
        elif ending.cause not in ON_PURPOSE:
            self._miss(self._heard, ending.cause, ending.detail)
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
        explanation = ending.refusal.explanation if ending.refusal else None
        self._coverage.tried(ending.status, explanation or None)
        self._note(ending.for_ledger())

    def clock_stepped(self, seconds: float) -> None:
        """Note that this machine's clock was set by `seconds`, negative for back."""
        self._heard += seconds
        self._coverage.clock_stepped(seconds)
        self._note(bookings.ClockStep(seconds=round(seconds, 3)))

    def slept(self, sleep: Slept, silent: float | None) -> None:
        """
        Note that this machine slept until now.  `silent` is how long the stream has been silent
        besides, None where none is heard.  One that outlives the sleep is to be told of by heard().
        """
        open_gap = None
        if self._status is not None and self._ceased is None:
            self._part_gaps(sleep, silent)
            missing = self._coverage.missing
            open_gap = None if missing is None else missing.for_ledger()
        self._note(bookings.Sleep(seconds=round(sleep.seconds, 3), open_gap=open_gap))

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
        gap = self._coverage.ends(now + after, backfill)
        if gap is not None:
            self._heard = now
            self._note(gap)
