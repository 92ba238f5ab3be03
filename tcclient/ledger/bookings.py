"""
What a ledger can say of a folder and its machine: its opening and closing, its files, its counters,
what the disk did not take, and when the clock was set or the machine slept.

Knows the members of these lines; writes none.  All others are in `entries`.
"""

from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Count, Entry, Moment, OpenGap, Seconds

_COUNTERS = {"counters": "account"}
"""The counters of a job are called `account` in ledgers, since the first release."""


class Counted(Entry, frozen=True, kw_only=True, rename=_COUNTERS):
    """
    What lines with the counters of a job have in common: `account` has them, and the server has
    taken a `count` of posts since the one before.
    """

    count: Count = 0


class LedgerBegin(Entry, frozen=True):
    """
    The first line of a file of a ledger.  `ledger` is the ledger's id, a random one that it keeps
    for life, and `offset` how many bytes it had before this file.  Its file of the months before is
    `before`, with this SHA-256.  If the ledger `follows` another one, `because` says why: that one
    was `removed`, is `shorter` than it was, as one that was restored from a backup, or is `copied`
    here; or another one stands in its place: `replaced`; the server has more of it than is here, or
    other lines (`ahead`), or lacks what is not here any more (`behind`).
    """

    ledger: str
    offset: Count = 0
    before: str | None = None
    sha256: str | None = None
    follows: str | None = None
    because: str | None = None


class JobFolder(Entry, frozen=True, tag="job"):
    """The name of the folder that a job is captured into from now on."""

    server: str
    name: str


class InstallationBegun(Entry, frozen=True):
    """
    A new installation, with a random id, has this folder.  `because`: it is `new`, the folder was
    `copied` from another machine, or the file that had the id was `damaged` or `removed`.  One that
    `came_back` is that of a folder that was away, in whose place another one had begun.
    """

    id: str
    because: str


class ServerMet(Entry, frozen=True):
    """
    The capture server has another address than those that are `known`: it is known `by` its `id` or
    its `jobs` and all goes on, or without `by` it is another server.  `key` stands for it in the
    tags of rules.
    """

    server: str
    key: str
    known: tuple[str, ...]
    by: str | None = None


class CaptureOpen(Counted, frozen=True):
    """
    The client opens the folder.  `boot` is the boot id, which changes with each start of the
    machine; `account` has the counters of the job, and `open_gap` is the gap in which it goes on if
    the capture was running.  So a reader need know nothing of what stands before.
    """

    schema: int
    name: str
    counters: Counters
    boot: str | None = None
    open_gap: OpenGap | None = None


class CaptureClose(Counted, frozen=True):
    """The client closes the folder."""

    counters: Counters


class File(Counted, frozen=True):
    """
    A file has its final name.  The ids and arrivals are those of its first and last post.
    `recovered` says that a crash had left the file, and a later process has finished it.  `account`
    has the counters of the job after it, if a job is known.
    """

    name: str
    posts: Count
    bytes: Count
    sha256: str | None = None
    first_id: str | None = None
    last_id: str | None = None
    first_arrival: Moment | None = None
    last_arrival: Moment | None = None
    recovered: bool = False
    counters: Counters | None = None


class Adopting(Entry, frozen=True):
    """Files that are older than the ledger.  Each will be read and then have a line `adopted`."""

    names: tuple[str, ...]


class Adopted(Entry, frozen=True):
    """A file that is older than the ledger has been read, and has these posts."""

    name: str
    posts: Count
    bytes: Count
    sha256: str


class Torn(Entry, frozen=True):
    """A crash had cut the last line of a file; the bytes of that line are in the file `name`."""

    name: str
    bytes: Count


class LedgerRepaired(Entry, frozen=True):
    """A crash had cut the last line of the ledger itself; its `cut_bytes` were removed."""

    cut_bytes: Count


class LedgerResumed(Entry, frozen=True):
    """
    A running client goes on in this file, since the one that it had was removed, or moved: the
    lines before lack what it wrote there.
    """


class LinesDropped(Entry, frozen=True):
    """So many lines of the ledger were dropped while the disk took none and too many waited."""

    lines: Count


class NotStored(Entry, frozen=True):
    """
    Posts that had arrived and are not on the disk.  `counted` says that they had been stored, and
    are still among the posts in `account`; `file` is then the temporary name of the file that they
    were in, which somebody has removed, replaced or changed.  What a later process finds under that
    name has a line `came_back`, if it is beside the ledger of the id `ledger`, or that is not
    known.
    """

    posts: Count
    reason: str
    counted: bool = False
    file: str | None = None
    ledger: str | None = None


class CameBack(Entry, frozen=True):
    """
    So many posts of a line `not_stored` are there after all, under the temporary name `file`: they
    are counted with the file that is finished next, and no longer by that line.
    """

    file: str
    posts: Count


class NameTaken(Entry, frozen=True):
    """
    Another file has the temporary name `file`: the posts go into a file with another one.  One that
    somebody else has made while the folder was open has this `inode`: the next start leaves it
    alone, too.
    """

    file: str
    inode: int | None = None


class DiskTrouble(Entry, frozen=True):
    """The disk does not take the posts that have arrived; nothing more is read until it does."""

    reason: str


class DiskRecovered(Entry, frozen=True):
    """The disk takes posts again; `after` is for how many seconds it had not."""

    after: Seconds


class ClockStep(Entry, frozen=True):
    """
    This machine's clock was set forward, or back if `seconds` is negative.  `at` is by the new
    time.  Where a system has no clock that goes on in sleep, a sleep looks like a step forward.
    """

    seconds: float


class Sleep(Entry, frozen=True):
    """
    This machine slept for so many `seconds`, and has just awoken.  If posts were wanted and no
    stream is heard, or none may be any more, `open_gap` is the gap in which the capture goes on.
    """

    seconds: Seconds
    open_gap: OpenGap | None = None


class Update(Entry, frozen=True, rename=_COUNTERS):
    """The server has taken a `count` of posts; `account` has the counters of the job after it."""

    count: Count
    counters: Counters


class Base(Counted, frozen=True):
    """
    The server counts posts that were not known here, and the base was raised by them.  With
    `after_crash` these may be posts that were counted and that the crash destroyed; otherwise they
    were captured elsewhere, or a ledger that begins with this line lacks the files that have them.
    """

    raised_by: Count
    counters: Counters
    after_crash: bool = False
