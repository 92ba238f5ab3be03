"""
What a ledger can say of client, capture and stream: one type for each kind of line.

Knows the members of lines; writes none.  Lines about what is stored are in `bookings`, those of one
source only in that source's room; `vocabulary` lists all.

Moments are in UTC: `2026-11-23T16:10:00.000Z`.  Lengths of time are in seconds.  A member with
nothing to say is left out.
"""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from tcclient.runtime.wallclock import Date

VERSION = 1
"""
Version of the schema.  A new kind of line, or a new member that may be left out, does not change
it: readers pass over what they do not know.
"""

MOMENT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
"""A regular expression for a point in time as ledgers have it."""

Moment = Annotated[str, Meta(pattern=MOMENT_PATTERN)]
Count = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]

Asked = dict[str, Any]
"""What a source is asked for, as a ledger has it: in the source's own words."""


def moment(seconds: float) -> Moment:
    """Return epoch seconds as a ledger writes them, to the millisecond."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def seconds(text: Moment) -> float:
    """Return a moment of a ledger in epoch seconds.  Raises ValueError if it is none."""
    return datetime.fromisoformat(text).timestamp()


class Entry(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag=lambda name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(),
):
    """A line without `at` and `job`, which the ledger adds.  Its kind is the name of its type."""

    is_routine: ClassVar[bool] = False
    """Whether such lines come often, and are dropped first if there is no room for all."""

    @property
    def kind(self) -> str:
        """The word for this kind of line in the ledger: `capture_start`."""
        return str(self.__struct_config__.tag)

    def members(self) -> dict[str, Any]:
        """Return the members as JSON has them, `kind` first."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


class RefusedTerm(Struct, frozen=True):
    """A term of a keyword text that is left out, and why."""

    term: str
    reason: str


class ClientStart(Entry, frozen=True):
    """
    The client has started.  `boot` is the boot id, which changes with each start of the machine;
    `settings` is a hash of the settings without their secrets.
    """

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


class ServerFails(Entry, frozen=True):
    """A request to the capture server has failed, for a reason that is news; `doing` says which."""

    doing: str
    reason: str


class ServerAnswers(Entry, frozen=True):
    """Such a request succeeds again; `after` is how many seconds after the first that failed."""

    doing: str
    after: Seconds


class OpenGap(Struct, frozen=True, omit_defaults=True):
    """
    A gap that an earlier process has left open: until when all that came is on the disk
    (`covered`), and otherwise as the line `gap` will have it.  From `ceased` on nothing was wanted.
    """

    covered: Moment
    cause: str
    detail: str
    keywords: str | None = None
    attempts: Count = 0
    status: int | None = None
    explanation: str | None = None
    ceased: Moment | None = None


class CaptureStart(Entry, frozen=True):
    """The capture is to run.  `because`: a researcher `started` it, or it is `resumed` again."""

    because: str
    status: int


class CaptureStop(Entry, frozen=True):
    """
    The capture is not to run any more.  `because`: `stopped` by a researcher, `withdrawn`
    (archived, deleted or reassigned), `renamed` (it goes on in another folder), or `left` (the
    client ends, and a restart resumes it).  All that came until `covered` is on the disk.  If it
    took long to finish, `since` says from when on nothing was wanted.
    """

    because: str
    status: int
    covered: Moment | None = None
    since: Moment | None = None


class Keywords(Entry, frozen=True):
    """
    The keyword text is read for the first time, or has changed; and how it was understood.  The
    `doubtful` terms are asked for, and may find nothing.
    """

    before: str | None
    after: str | None
    asked: Asked | None = None
    refused: tuple[RefusedTerm, ...] = ()
    doubtful: tuple[RefusedTerm, ...] = ()


class KeywordsInForce(Entry, frozen=True):
    """
    From `since` on posts come for this keyword text; some for the text before may still come.
    `rules` are the ids of those that bring them, if the source has given any.
    """

    text: str | None
    since: Moment
    rules: tuple[str, ...] = ()


class TermsRefused(Entry, frozen=True):
    """The source does not take these terms.  Posts come for the others."""

    refused: tuple[RefusedTerm, ...]


class Connected(Entry, frozen=True):
    """
    The stream is open: posts come from now on.  `failed_attempts` came before it; `rules` are the
    ids that the source has given to what was asked for, if it gives any.
    """

    endpoint: str
    status: int
    failed_attempts: Count
    asked: Asked | None = None
    rules: tuple[str, ...] = ()


class Ended(Entry, frozen=True):
    """What the ends of connections and of attempts to connect have in common."""

    cause: str
    detail: str
    trouble: str | None = None
    wait: Seconds | None = None
    status: int | None = None
    explanation: str | None = None
    incomplete: Count | None = None


class Disconnected(Ended, frozen=True):
    """
    The stream has ended; its last byte came `silent` seconds before.  With `overlap`, another
    stream of the capture is heard, and both were open for so many seconds, so nothing is missing.
    `unread` is whether bytes had come that were not read, as the disk took no posts.
    """

    silent: Seconds | None = None
    unread: bool = False
    overlap: Seconds | None = None


class NotConnected(Ended, frozen=True):
    """An attempt to connect has failed."""

    is_routine = True


class Gap(Entry, frozen=True):
    """
    Posts were wanted, and no stream was heard from `begin`, a little before the last byte, to
    `end`, the next byte.

    `cause` and `detail` say why the gap began: as in `disconnected`, or `start`, `client_stopped`,
    `crash`.  So many `attempts` failed; `status` and `explanation` are those of the last one.
    `keywords` is the text that was wanted.  With `backfill`, the source was asked for the posts of
    so many minutes before the end, and did not refuse.
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


class DeliveredAgain(Entry, frozen=True):
    """
    Posts that had come before, and are stored once: they were sent again over a new connection, or
    came over two streams at a change of keywords.  Where they are `kept`, they are stored again.
    """

    is_routine = True

    posts: Count
    kept: bool = False


class Said(Entry, frozen=True):
    """A message of the source that is no post, as it came."""

    is_routine = True

    message: Any


class Disconnect(Said, frozen=True):
    """A message in which the other side says why it ends the connection."""


class Unknown(Said, frozen=True):
    """A message that is JSON, no post, and of no known kind."""


class RefusedLine(Entry, frozen=True, tag="refused"):
    """A line of the stream that is no message: why, how many bytes it has, and how it begins."""

    is_routine = True

    reason: str
    bytes: Count
    begins: str


def as_line(entry: Entry, job: int | None, now: Date) -> bytes:
    """
    Return the line of an entry in a ledger, with its newline.  `job` is the id of the job that it
    is about, if any; `now` is in epoch seconds.
    """
    about = {} if job is None else {"job": job}
    members = {"at": moment(now), "kind": entry.kind, **about, **entry.members()}
    return json.dumps(members).encode() + b"\n"
