"""
What the ledger says of a capture over time: when it was wanted, what was asked for, and when its
stream was heard, which `gaplog` has.

Knows when something is worth a line; writes no file.
"""

from collections.abc import Callable

from msgspec import structs

from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import Asked, Entry, RefusedTerm
from tcclient.ledger.gaplog import GapLog
from tcclient.ledger.gaps import START, Coverage, Missing
from tcclient.runtime.wallclock import Slept, Wall

SOON = 1.0
"""Seconds in which a stop is usually finished, so that the time of its line is near enough."""


class CaptureLog(GapLog):
    """
    Writes the lines about one capture, each when that which it is about counts: if somebody has
    removed the ledger, the line begins another one, in which it is restated how things stand then.
    """

    def __init__(
        self,
        note: Callable[[Entry], None],
        wall: Wall,
        missing: Missing | None,
        unwritten_since: Callable[[], float | None] = lambda: None,
    ) -> None:
        super().__init__(note, wall, missing, unwritten_since)
        self._status: int | None = None  # the job's at the server, while the capture is to run
        self._said: list[Entry] = []  # the newest lines about what is asked for
        self._in_force: entries.KeywordsInForce | None = None
        self.refused: frozenset[str] = frozenset()
        """The terms of the keyword text that are left out."""

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
        doubtful: tuple[RefusedTerm, ...] = (),
    ) -> None:
        """
        Note that the keyword text is `text` from now on, what it asks the source for, and which of
        its terms are refused or doubtful.  If this process goes on with a capture, and this is its
        first text, the text before is the one that the ledger has.
        """
        missing = self._coverage.missing
        if before is None and missing is not None and missing.keywords != text:
            before = missing.keywords
        self._keywords, self.refused = text, frozenset(term.term for term in refused)
        line = entries.Keywords(before=before, after=text, asked=asked, refused=refused)
        line = structs.replace(line, doubtful=doubtful)
        self._said = [structs.replace(line, before=None)]
        self._note(line)

    def refuse(self, refused: tuple[RefusedTerm, ...]) -> None:
        """Note that the other side has refused these terms, too, of the keyword text."""
        self.refused |= {term.term for term in refused}
        self._note(entries.TermsRefused(refused=refused))

    def in_force(self, text: str | None, after: float = 0.0, rules: tuple[str, ...] = ()) -> None:
        """
        Note that posts come for this keyword text, beginning `after` seconds from now, negative for
        before, by the `rules` of these ids, if there are such.  Nothing is said of the time before
        the newest gap, for which there are older lines.
        """
        now = self._wall()
        since = now + after
        if after < 0:
            since = max(since, self._was_missing_since or now)
        line = entries.KeywordsInForce(text=text, since=entries.moment(since), rules=rules)
        self._in_force = line
        self._said = [*self._said[:1], line]
        self._note(line)

    def continues(self, former: "CaptureLog") -> None:
        """
        Note that this capture goes on with the stream of `former`, which is heard, and with the
        keyword text that is in force there.
        """
        self._end_gap()
        line = former._in_force
        if line is not None:
            after = entries.seconds(line.since) - self._wall()
            self.in_force(line.text, max(0.0, after), line.rules)

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

    def takes_over(self, missing: Missing | None) -> None:
        """
        Note, in the ledger of an earlier process that was killed, what is `missing` between its
        posts and the first of this one's; None for nothing.
        """
        if missing is None or self._status is None:
            return
        if self._in_force is None:
            self._coverage.missing = missing
        else:
            gap = Coverage(missing).ends(entries.seconds(self._in_force.since))
            if gap is not None:
                self._note(gap)

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
