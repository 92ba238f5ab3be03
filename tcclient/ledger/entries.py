"""
What a ledger can say whatever the source of the posts: one type for each kind of line.

Knows the shape of lines; writes none.  What only one source says stands in that source's room.

Times are UTC as `2026-11-23T16:10:00.000Z`, in every member that says when; lengths of time are in
seconds.  A member that has nothing to say is left out.
"""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from tcclient.ledger.counters import Counters

VERSION = 1
"""
Of the schema.  A new kind or a new member that may be left out does not change it: readers pass
over what they do not know.
"""

MOMENT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"

Moment = Annotated[str, Meta(pattern=MOMENT_PATTERN)]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]

Asked = dict[str, Any]
"""What a source is asked for, as a ledger has it: in the source's own words."""

_COUNTERS = {"counters": "account"}
"""The name that the numbers of a job have had in ledgers since the first release."""


def moment(seconds: float) -> Moment:
    """Return epoch seconds as a ledger writes them, to the millisecond."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds(text: Moment) -> float:
    """Return a moment of a ledger in epoch seconds.  Raises ValueError where it is none."""
    return datetime.fromisoformat(text).timestamp()


def _kind(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Entry(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag=_kind,
):
    """A line without `at` and `job`, which the ledger adds.  Its kind is the name of its type."""

    is_routine: ClassVar[bool] = False
    """Whether such lines come often, and are the first to go where there is no room for all."""

    @property
    def kind(self) -> str:
        """Return the word for it in the ledger: `capture_start`."""
        return str(self.__struct_config__.tag)

    def members(self) -> dict[str, Any]:
        """Return the members as JSON has them, `kind` first."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


class RefusedTerm(Struct, frozen=True):
    """A term that is left out, and why."""

    term: str
    reason: str


class ClientStart(Entry, frozen=True):
    """The client begins.  `boot` names the time that the machine has been up, `settings` is a
    hash of the settings without their secrets."""

    schema: int
    version: str
    python: str
    host: str
    pid: int
    server: str
    boot: str | None = None
    settings: str | None = None


class ClientStop(Entry, frozen=True):
    """The client has ended as it should."""

    pid: int


class JobFolder(Entry, frozen=True, tag="job"):
    """A capture gets its folder: under which name the job was captured."""

    server: str
    name: str


class ServerFails(Entry, frozen=True):
    """The capture server fails at something it is asked, for a reason that is news."""

    doing: str
    reason: str


class ServerAnswers(Entry, frozen=True):
    """It succeeds again, after so long."""

    doing: str
    after: Seconds


class CaptureOpen(Entry, frozen=True, rename=_COUNTERS):
    """The client takes the folder.  `boot` names the time that the machine has been up."""

    schema: int
    name: str
    counters: Counters
    boot: str | None = None


class CaptureClose(Entry, frozen=True, rename=_COUNTERS):
    """The client lets the folder go."""

    counters: Counters


class CaptureStart(Entry, frozen=True):
    """The capture is to run.  `because` says who wants it: `started` by a researcher, or `resumed`,
    as it was running."""

    because: str
    status: int


class CaptureStop(Entry, frozen=True):
    """The capture is not to run.  `because`: `stopped` by a researcher, `withdrawn` (archived,
    deleted or reassigned), `renamed`: it goes on in another folder, or `left`: the client ends, and
    a restart resumes it.  What came until `covered` is on the disk.  Where it took long to finish,
    nothing was wanted any more from `since` on."""

    because: str
    status: int
    covered: Moment | None = None
    since: Moment | None = None


class Keywords(Entry, frozen=True):
    """The keyword text is read first, or has changed, and how it was understood."""

    before: str | None
    after: str | None
    asked: Asked | None = None
    refused: tuple[RefusedTerm, ...] = ()


class KeywordsInForce(Entry, frozen=True):
    """From `since` on posts come for this keyword text.  On v2 the old rules may still match."""

    text: str | None
    since: Moment


class TermsRefused(Entry, frozen=True):
    """v2: X does not take these terms; the others run."""

    refused: tuple[RefusedTerm, ...]


class Connected(Entry, frozen=True):
    """The stream answers: posts come from now on.  `rules` are the ids of the capture's."""

    endpoint: str
    status: int
    failed_attempts: Count
    asked: Asked | None = None
    rules: tuple[str, ...] = ()


class Ended(Entry, frozen=True):
    """What the ends of connections and of attempts have in common."""

    cause: str
    detail: str
    trouble: str | None = None
    wait: Seconds | None = None
    status: int | None = None
    explanation: str | None = None
    incomplete: Count | None = None


class Disconnected(Ended, frozen=True):
    """
    The stream has ended; the last byte came `silent` seconds before.  With `overlap` another stream
    of the capture is heard, and both were open for so many seconds: nothing is missing then.
    """

    silent: Seconds | None = None
    overlap: Seconds | None = None


class NotConnected(Ended, frozen=True):
    """An attempt has failed."""

    is_routine = True


class Gap(Entry, frozen=True):
    """
    Posts were wanted, and there was no connection from `begin`, a little before the last byte, to
    `end`, the first.

    `cause` and `detail` say why it began: as in `disconnected`, or `start`, `client_stopped`,
    `crash`.  So many `attempts` failed; `status` and `explanation` are the last one's.  `keywords`
    is the text that was wanted.  `backfill`: X was asked for so many minutes before the end, and
    did not refuse.
    """

    begin: Moment
    end: Moment
    seconds: Seconds
    cause: str
    detail: str
    attempts: Count
    keywords: str | None
    status: int | None = None
    explanation: str | None = None
    backfill: int | None = None


class File(Entry, frozen=True, rename=_COUNTERS):
    """A file has its final name.  `account` has the numbers after it, where a job is known."""

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
    """Which files stood there before the account began.  They are read through; see `adopted`."""

    names: tuple[str, ...]


class Adopted(Entry, frozen=True):
    """A file that stood there before the account began has been read."""

    name: str
    posts: Count
    bytes: Count
    sha256: str


class Torn(Entry, frozen=True):
    """A crash cut the last line of a file; its bytes are in this one."""

    name: str
    bytes: Count


class LedgerRepaired(Entry, frozen=True):
    """A crash cut the ledger's own last line."""

    cut_bytes: Count


class LinesDropped(Entry, frozen=True):
    """Lines of the ledger that found no room while the disk took none."""

    lines: Count


class NotStored(Entry, frozen=True):
    """Posts that had arrived and are not on the disk.  `counted`: they had been, and are among the
    posts of the account all the same."""

    posts: Count
    reason: str
    counted: bool = False


class DiskTrouble(Entry, frozen=True):
    """The disk does not take what has arrived: nothing more is read until it does."""

    reason: str


class DiskRecovered(Entry, frozen=True):
    """The disk takes posts again, after so long."""

    after: Seconds


class ClockStep(Entry, frozen=True):
    """This machine's clock was set forward, or back where `seconds` is negative.  `at` is by the
    new time.  Where the machine slept it looks the same as set forward."""

    seconds: float


class Update(Entry, frozen=True, rename=_COUNTERS):
    """The server has taken a count."""

    count: Count
    counters: Counters


class Base(Entry, frozen=True, rename=_COUNTERS):
    """The server's total was above ours.  `after_crash`: these may be posts that were counted and
    did not survive it; otherwise they were captured elsewhere."""

    raised_by: Count
    counters: Counters
    after_crash: bool = False


class DeliveredAgain(Entry, frozen=True):
    """Posts that had come before, and are stored once: of v2's backfill, or, on v1.1, over both
    streams at a change of keywords."""

    is_routine = True

    posts: Count


class Said(Entry, frozen=True):
    """What the source said besides posts, as it came."""

    is_routine = True

    message: Any


class Disconnect(Said, frozen=True):
    """The other side says why it ends the connection."""


class Unknown(Said, frozen=True):
    """JSON that is no post, and of no kind that is known."""


class RefusedLine(Entry, frozen=True, tag="refused"):
    """A line that is no message."""

    is_routine = True

    reason: str
    bytes: Count
    begins: str


def as_line(entry: Entry, job: int | None, now: float) -> bytes:
    """
    Return the line that stands for `entry` in a ledger, with its newline.  `job` is the id of the
    job that it is about, if any; `now` is in epoch seconds.
    """
    kind, *others = entry.members().items()
    about = {} if job is None else {"job": job}
    members = {"at": moment(now), **dict([kind]), **about, **dict(others)}
    return json.dumps(members).encode() + b"\n"
