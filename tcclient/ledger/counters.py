"""
Counts the posts of a capture, and says what to tell the server about them.  Pure; takes the time.

total = base + posts: `base` is what others have captured for the job, `posts` counts the lines in
this client's files.  `settled` is how many of the posts the server has been told of as `count`.

A job may go from client to client, and back.  Whoever gets it builds on the server's total, and may
do so before the last update of the one who had it is there.  That update is heard of later, and the
base then rises by what it tells of more than was known.
"""

from collections import deque
from collections.abc import Collection, Sequence

from msgspec import UNSET, Struct, UnsetType, structs

from tcclient.ledger.rates import Rated

MOST_TOTAL = 2**31 - 1
"""The server keeps totals in 32 signed bits."""
NUMBERS = ("base", "posts", "settled")
"""The members of Counters that all clients write."""
_REMEMBERED = 64
"""So many totals of our own updates are known when the server shows them; one each 30 s."""


Row = tuple[int | None, int | None, str | None]
"""Count, total and rate of an update, as the server shows it; a job does not show the count."""


class CountUpdate(Struct, frozen=True):
    """
    What was sent to `update/`, and `posts`: how many are settled in all once the server took it.
    """

    count: int
    total: int
    rate: str | None
    posts: int


class Counters(Struct, frozen=True, eq=False):
    """
    The numbers of a job that outlive the process, as the ledger has them in `account`.  `sent` is
    the update whose answer is not known, None if there is none.  The server has at least `told` as
    total, and of this client at most `tried`.  They are UNSET where they were not noted, as by
    older clients.  Two are equal if the numbers are that all clients write.
    """

    base: int = 0
    posts: int = 0
    settled: int = 0
    sent: CountUpdate | UnsetType | None = UNSET
    told: int | UnsetType = UNSET
    tried: int | UnsetType = UNSET

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Counters) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(self._numbers)

    @property
    def _numbers(self) -> tuple[int, int, int]:
        return self.base, self.posts, self.settled

    @property
    def lasting(self) -> "Counters":
        """Those that a line has: the others are only kept beside the ledger, where none is old."""
        return Counters(self.base, self.posts, self.settled)


class Tally(Rated):
    """
    The counters of one job, over all sessions, and the rates of the present one: none at first, and
    0 without one.  If the base is `in_doubt`, nobody knows on what another's newest update builds.
    """

    def __init__(self, counters: Counters, now: float) -> None:
        self.base, self.posts = counters.base, counters.posts
        self.settled = counters.settled
        self._sent = counters.sent if isinstance(counters.sent, CountUpdate) else None
        self._also_sent: CountUpdate | None = None  # by another process, which is decided next
        # What an older client sent last is not known: its answer may never have been seen.
        self._doubtful = counters.sent is UNSET and counters.posts > counters.settled
        self._any_until = self.base + self.posts if counters.tried is UNSET else 0
        # The highest total that the server may have of us; of an older client any until then.
        self._tried = counters.tried if isinstance(counters.tried, int) else self._any_until
        self._told = counters.told if isinstance(counters.told, int) else self._tried
        self._ours = deque([self._tried], _REMEMBERED)
        self.in_doubt = False
        self.resume(now)
        self.cease()

    @property
    def total(self) -> int:
        """base + posts, as far as the server can hold it."""
        return min(self.base + self.posts, MOST_TOTAL)

    @property
    def counters(self) -> Counters:
        """The numbers as the ledger has them."""
        sent = UNSET if self._doubtful else self._sent
        return Counters(self.base, self.posts, self.settled, sent, self._told, self._tried)

    @property
    def unsettled(self) -> bool:
        """Whether it is not known if the server has taken the posts of the newest update."""
        return self._doubtful or (self._sent is not None and self._sent.count > 0)

    def resume(self, now: float) -> None:
        super().resume(now)
        self._before = min(self.posts, self._told - self.base)  # of these others knew
        self._first_heard: int | None = None
        self._heard: int | None = None
        self._ours.append(self._told)
        self._theirs: deque[int] = deque(maxlen=_REMEMBERED)
        self._has_read = self._is_overtaken = False

    def rebase(
        self, server_total: int | None, rows: Sequence[Row] = (), *, of_all: bool = False
    ) -> int:
        """
        Take the server's total, and the job's newest updates, the last one last: those behind the
        one that was the newest last time, or `of_all` that came in this session.  If they tell of
        posts that others have captured and that are not known here, the base rises.  Return by how
        much.  Nothing is taken while the base is `in_doubt`: until the updates have their counts.
        """
        before = self.base
        self._heard = self._first_heard if of_all else self._heard
        self.in_doubt = bool(rows) and not self._hear(rows)
        if not self.in_doubt:
            # Of what was told, posts may have to be written again, and count once they are.
            known = self._tried if self._has_read else 0
            if not self._has_read:
                self._has_read = True
                self._build_on(server_total or 0)
            self.base += max(0, (server_total or 0) - max(known, self.base + self.posts))
            self.told(server_total or 0)
        return self.base - before

    def _hear(self, rows: Sequence[Row]) -> bool:
        """
        Raise the base by what other clients have counted more than what they had built on.  Return
        whether that is known.
        """
        new, known = list(rows), {None, *self._ours, *self._theirs}
        while any(total == self._heard for _, total, _ in new):
            new.pop(0)
        new = [row for row in new if row[1] not in known]
        if self._tried > self.base + self._before and any(row[0] is None for row in new):
            return False
        for count, total, _ in new:
            self._hear_one(count, total or 0)
        self._heard = rows[-1][1]
        self._first_heard = self._first_heard or self._heard
        return True

    def _hear_one(self, count: int | None, total: int) -> None:
        """
        Raise the base by what an update of another client tells of more than was known.  It builds
        on a total of ours, on that of another such update, or on what was there before we came.
        """
        built_on, more = total - (count or 0), total - self.base - self._before
        if more <= 0:
            return
        if built_on in self._ours or built_on in self._theirs:
            more = total - max(one for one in (built_on, *self._theirs) if one <= total)
            self._before -= more
        elif built_on >= self._told:
            more = total - min(built_on, self._tried)
            self._before -= more
        self.base += more
        self._theirs.append(total)
        self.told(total)

    def build_on(self, server_total: int) -> int:
        """
        Take the server's total of a job that is lost: the last update comes on top of it, in two
        parts where the total has the first one already.  Return by how much the base rises.
        """
        before = self.base
        self._build_on(server_total)
        self._is_overtaken |= self.base > before
        return self.base - before

    def _build_on(self, server_total: int) -> None:
        """Raise the base where the server has more than we ever told: others have counted on."""
        ours = max(self._told, 0 if self._sent is None else self._sent.total)
        if server_total > max(ours, self._any_until) and server_total not in self._ours:
            self.base += server_total - ours
            self._theirs.append(server_total)
        self.told(server_total)

    def told(self, total: int) -> None:
        """Note that the server has `total`, at least."""
        self._told = max(self._told, total)
        self._tried = max(self._tried, total)

    def trying(self, total: int) -> None:
        """Note that the server may have `total` of us."""
        self._tried = max(self._tried, total)
        if total not in self._ours:
            self._ours.append(total)

    def ping(self, now: float) -> tuple[int, str | None]:
        """Return the total, and the rate since the last ping."""
        self.trying(self.total)
        return self.total, self._rate(self._pings, now)

    def update(self, now: float, reached: int | None = None) -> CountUpdate:
        """
        Return the next update, with the posts that the server has not accepted yet: all, or as if
        only so many were `reached`, as it was some time ago.  It is unsettled until accepted() or
        rejected() is called with the server's answer.
        """
        posts = self.posts if reached is None else reached
        count, total = max(0, posts - self.settled), min(self.base + posts, MOST_TOTAL)
        told = self._told - self.base - self.settled  # so many the server has in its total
        if self._is_overtaken and 0 < told < count:
            count, total = told, self._told
        rate = self._rate(self._updates, now) if reached is None else None
        self._sent, self._doubtful = CountUpdate(count, total, rate, self.settled + count), False
        self.trying(total)
        return self._sent

    def accepted(self, update: CountUpdate) -> None:
        """Note that the server has taken `update`, which was sent last."""
        self.settled = max(self.settled, (self._sent or update).posts)
        self._decided()
        self.told(update.total)

    def inherit(self, left: Counters) -> None:
        """Have what another process has settled too, and may have settled by what it sent last."""
        self.settled += left.settled
        self._also_sent = left.sent if isinstance(left.sent, CountUpdate) else None
        if self._sent is None:
            self._decided()
        else:
            self._sent = structs.replace(self._sent, posts=self._sent.posts + left.settled)

    def rejected(self) -> None:
        """Note that the server has certainly not taken the last update."""
        self._decided()

    def _decided(self) -> None:
        """Go on to what another process has sent, if anything: what was sent last is decided."""
        sent, self._also_sent = self._also_sent, None
        self._sent = sent and structs.replace(sent, posts=self.settled + sent.count)

    def settle(self, rows: Sequence[Row]) -> None:
        """
        Decide by the job's newest updates, the last one last, whether the server has taken those
        whose answers were not seen.  One that was not noted is recognised by a total between what
        was settled and what is stored.
        """
        newest = rows[-1][1] if rows else None
        if self._doubtful and self.base + self.settled < (newest or 0) <= self.total:
            self.settled = (newest or 0) - self.base
        self._doubtful = False
        while self._sent is not None:
            if _is_in(self._sent, rows):
                self.settled = max(self.settled, self._sent.posts)
                self.told(self._sent.total)
            self._decided()


def _is_in(sent: CountUpdate, rows: Collection[Row]) -> bool:
    return any(
        (total, rate) == (sent.total, sent.rate) and count in (None, sent.count)
        for count, total, rate in rows
    )
